"""Making a bundled model writes the digests of its entry in the index, and nothing else."""

import tomllib

import pytest

from dev.bundle_model import with_digest
from seqgan_wgp.utils.bundled_models import FOLDER, bundled_models


@pytest.mark.parametrize("key", ["sha256", "corpus-sha256"])
@pytest.mark.parametrize("name", bundled_models())
def test_one_digest_of_one_model_is_exchanged(name: str, key: str) -> None:
    index = (FOLDER / "index.toml").read_text(encoding="utf-8")
    before = tomllib.loads(index)
    before[name][key] = "abc"
    assert tomllib.loads(with_digest(index, name, key, "abc")) == before
