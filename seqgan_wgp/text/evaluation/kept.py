"""Numbers about a corpus alone, kept in the cache folder from one evaluation to the next."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from ...utils import cache_dir
from ...utils.token_symbols import OpenTokens
from ..corpus.dataset import Corpus

MAX_KEPT = 256
"""Results in the cache; the one used longest ago goes first."""


def corpus_key(corpus: Corpus) -> dict[str, Any]:
    """Return what makes a prepared corpus this one, whatever its name."""
    rows = {name: value for name, value in dataclasses.asdict(corpus.facts).items() if name != "name"}
    vocabulary = corpus.vocabulary
    if vocabulary.tokens is None:
        return {"corpus": rows, "characters": vocabulary.characters}
    # The code points of tokens are alike in all vocabularies of a size.
    pattern = vocabulary.tokens.pattern if isinstance(vocabulary.tokens, OpenTokens) else None
    return {"corpus": rows, "texts": vocabulary.texts, "pattern": pattern}


def digest_of(key: Mapping[str, Any]) -> str:
    """Return a name for a file, of JSON values."""
    text = json.dumps(key, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:48]


def kept(kind: str, key: Mapping[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return JSON values from the cache, or make and keep them; a disk that is full or cannot be written is no error.

    Args:
        kind: folder within the cache.
        key: all that the values depend on, a version of how they are made included.
        make: called where they are not there; it is what comes out, so that both ways give the same.
    """
    if cache_dir.switched_off():
        return make()
    file = cache_dir.root() / kind / f"{digest_of(key)}.json"
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            os.utime(file)
            return found
    made = make()
    cache_dir.keep_file(file, json.dumps(made).encode("utf-8"), most=MAX_KEPT)
    return made
