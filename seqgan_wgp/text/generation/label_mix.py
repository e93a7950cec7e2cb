"""The labels of a request: one label, or several with their shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ...errors import ConfigError
from ..domain import LabelPairs, TextSpec

Label: TypeAlias = str | Mapping[str, float] | None
"""A label; labels with their shares, which need not sum to 1; None: the shares of the training lines."""


def label_pairs(spec: TextSpec, label: Label) -> LabelPairs:
    """Return labels with their shares. Raises ConfigError for an unknown label, or shares that are none."""
    if label is None:
        return ()
    pairs = ((label, 1.0),) if isinstance(label, str) else tuple((name, float(label[name])) for name in label)
    for name, share in pairs:
        spec.label_number(name)
        if not 0 <= share < math.inf:
            raise ConfigError(f"the label {name!r} has the share {share:g}, but it must be 0 or more, and finite")
    if not any(share for _name, share in pairs):
        raise ConfigError("no label has a share above 0", "give a label with a share above 0, or no label")
    return pairs


def parse_labels(spec: TextSpec, texts: Sequence[str]) -> Label:
    """Return the labels of the option --label, each LABEL or LABEL=SHARE.

    Without shares, several have equal ones. A text that is a label is taken as that, even if it has a "=" in it.

    Raises ConfigError for an unknown label, one that is given twice, or a share for some labels alone.
    """
    if not texts:
        return None
    found: dict[str, float | None] = {}
    for text in texts:
        name, share = _parsed(spec, text)
        spec.label_number(name)
        if name in found:
            raise ConfigError(f"--label {name} is given twice", "give each label once")
        found[name] = share
    without = [name for name, share in found.items() if share is None]
    if without and len(without) < len(found):
        raise ConfigError(f"--label {without[0]} has no share, but others have", f"e.g. --label {without[0]}=0.5")
    return {name: 1.0 if share is None else share for name, share in found.items()}


def _parsed(spec: TextSpec, text: str) -> tuple[str, float | None]:
    name, equals, share = text.rpartition("=")
    if not equals or text in spec.label_names:
        return text, None
    try:
        return name, float(share)
    except ValueError:
        raise ConfigError(f"--label {text}: {share!r} is not a number", "write LABEL=SHARE, e.g. fr=0.3") from None
