"""Files of tensors: whole or not there, and refused when they are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seqgan_wgp.config import FORMAT_VERSION, Config, recipe
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.model import Model
from seqgan_wgp.toy.domain import ToyDomain
from seqgan_wgp.toy.spec import ToyFacts
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils import tensor_file
from seqgan_wgp.utils.file_schema import MAX_JSON_BYTES

from ..runs.untrained import TOY, made

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b.c": torch.tensor(3, dtype=torch.int64)}
FACTS = {"step": 7, "text": 'né "quoted"\n', "nested": {"list": [1, 2.5, None]}}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    tensor_file.write_tensor_file(tmp_path / "x.safetensors", TENSORS, FACTS)
    tensors, facts = tensor_file.read_tensor_file(tmp_path / "x.safetensors")
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert facts == FACTS | {"format_version": FORMAT_VERSION}
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_a_view_that_is_not_contiguous_is_saved_as_it_reads(tmp_path: Path) -> None:
    view = torch.arange(6.0).reshape(2, 3).T
    tensor_file.write_tensor_file(tmp_path / "x", {"view": view}, {})
    assert torch.equal(tensor_file.read_tensor_file(tmp_path / "x")[0]["view"], view)


def test_a_failed_write_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    tensor_file.write_tensor_file(path, TENSORS, FACTS)
    before = path.read_bytes()
    (tmp_path / ".x.new").mkdir()  # the temporary name is taken: nothing can be written there
    with pytest.raises(OSError, match=r"x\.new"):
        tensor_file.write_tensor_file(path, {"a": torch.zeros(1)}, {})
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "x"
    tensor_file.write_tensor_file(path, TENSORS, FACTS)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="damaged"):
        tensor_file.read_tensor_file(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such"):
        tensor_file.read_tensor_file(tmp_path / "missing")
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(CheckpointError, match="is a text file, not a model file"):
        tensor_file.read_tensor_file(tmp_path / "text")
    save_file(TENSORS, tmp_path / "foreign")
    with pytest.raises(CheckpointError, match="not written by seqgan_wgp"):
        tensor_file.read_tensor_file(tmp_path / "foreign")
    save_file(TENSORS, tmp_path / "newer", {"format": "seqgan_wgp", "format_version": str(FORMAT_VERSION + 1)})
    with pytest.raises(CheckpointError, match="newer"):
        tensor_file.read_tensor_file(tmp_path / "newer")


@pytest.mark.parametrize("read", [tensor_file.read_tensor_file, tensor_file.read_facts])
def test_a_header_larger_than_any_json_that_is_read_is_refused_before_it_is_parsed(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    tensor_file.write_tensor_file(tmp_path / "m", TENSORS, {})
    data = (tmp_path / "m").read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = data[8:end] + b" " * MAX_JSON_BYTES
    (tmp_path / "m").write_bytes(len(header).to_bytes(8, "little") + header + data[end:])
    with pytest.raises(CheckpointError, match=r"damaged, .*\(its header has [\d,]+ bytes\)"):
        read(tmp_path / "m")


# Who reads a file does not keep it mapped: on Windows a mapped file cannot be replaced

needs_maps = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what is mapped")


def mapped(folder: Path) -> list[str]:
    """The lines of this process's map that name a file below a folder."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder.resolve()) in line]


@needs_maps
def test_a_mapped_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(8))
    kept = np.memmap(tmp_path / "x", np.uint8, "r")
    assert mapped(tmp_path)
    del kept
    assert not mapped(tmp_path)


@needs_maps
def test_tensors_that_were_loaded_do_not_keep_their_file_mapped(tmp_path: Path) -> None:
    tensor_file.write_tensor_file(tmp_path / "x", TENSORS, FACTS)
    tensors, _ = tensor_file.read_tensor_file(tmp_path / "x")
    assert not mapped(tmp_path)
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


@needs_maps
def test_a_model_and_a_trainer_that_were_loaded_do_not_keep_their_files_mapped(tmp_path: Path) -> None:
    config = toy()
    made(config, TOY).save(tmp_path / "model.safetensors")
    model = Model.load(tmp_path / "model.safetensors", device="cpu")
    trainer = Trainer.from_config(
        ToyDomain(ToyFacts(name="8-gaussians", theta=0.0), config, torch.device("cpu")), config, torch.device("cpu")
    )
    tensor_file.write_tensor_file(tmp_path / "checkpoint", trainer.state(), FACTS)
    tensors, _ = tensor_file.read_tensor_file(tmp_path / "checkpoint")
    trainer.load_state(tensors, step=0, seconds=0)
    trainer.samples()
    assert not mapped(tmp_path)
    assert len(list(model.samples(3))) == 1


def toy() -> Config:
    return recipe("toy-wgan-gp", {"generator.width": 8, "critic.width": 8, "evaluation.samples": 16})
