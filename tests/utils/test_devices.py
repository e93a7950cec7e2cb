"""A GPU is taken where it can be used; where it cannot, that is said, and not at the first step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.runs.train import train
from seqgan_wgp.training.record import Record
from seqgan_wgp.utils.devices import compute_something, device_note, pick_device, resident, to_device, why_unusable


def works(device: torch.device) -> None:
    assert device.type == "cuda"


def lacks_kernels(device: torch.device) -> None:
    raise RuntimeError(f"no kernel image is available for execution on the device {device}\nCompile with ...")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have torch say that there is a GPU, as it also does where it has no kernels for it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("LOCAL_RANK", raising=False)


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_computes_is_taken() -> None:
    for name in ("auto", "cuda"):
        assert pick_device(name, works) == torch.device("cuda")
    assert device_note("auto", torch.device("cuda"), works) is None


@pytest.mark.usefixtures("gpu")
def test_where_a_gpu_lacks_kernels_the_cpu_is_taken_and_that_is_said() -> None:
    device = pick_device("auto", lacks_kernels)
    assert device == torch.device("cpu")
    note = device_note("auto", device, lacks_kernels)
    assert note is not None
    assert "no kernel image is available" in note
    assert "using the CPU" in note
    assert "\n" not in note


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_was_asked_for_and_lacks_kernels_is_bad_input() -> None:
    says = r"training\.device is 'cuda', but torch .* cannot use the GPU here .*no kernel image"
    with pytest.raises(ConfigError, match=says):
        pick_device("cuda", lacks_kernels)


@pytest.mark.usefixtures("gpu")
def test_nothing_is_said_of_a_cpu_that_was_asked_for() -> None:
    assert pick_device("cpu", lacks_kernels) == torch.device("cpu")
    assert device_note("cpu", torch.device("cpu"), lacks_kernels) is None


@pytest.mark.usefixtures("gpu")
def test_a_gpu_is_tried_once() -> None:
    tried = []

    def probe(device: torch.device) -> None:
        tried.append(device)

    for _ in range(3):
        pick_device("auto", probe)
    assert tried == [torch.device("cuda")]


@pytest.mark.usefixtures("gpu")
@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch may have kernels for a GPU")
def test_whoever_trains_and_whoever_loads_a_model_is_told(
    tiny_lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"generator.width": 8, "critic.width": 8, "training.batch_size": 8, "evaluation.patience": None}
    records: list[Record] = []
    model = train(tiny_lines, steps=2, device="auto", settings=settings, on_record=records.append)
    assert "using the CPU: there is a GPU, but" in caplog.text
    assert model.device.type == "cpu"
    (note,) = records[0].notes
    assert "there is a GPU" in note
    assert records[1].notes == ()


def test_without_a_gpu_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    device = pick_device("auto", lacks_kernels)
    assert device == torch.device("cpu")
    assert device_note("auto", device, lacks_kernels) is None


def test_what_a_device_is_tried_by_works_on_the_cpu() -> None:
    compute_something(torch.device("cpu"))
    assert why_unusable(torch.device("cpu")) is None


CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32])
def test_what_is_sent_is_the_same_in_a_type_that_gpus_compute_with(dtype: type[np.generic]) -> None:
    most = 1 << 16 if dtype not in (np.uint8, np.uint16) else int(np.iinfo(dtype).max)
    data = np.array([[0, 1, most], [2, most - 1, 3]]).astype(dtype)
    lying = resident(data, CPU, lambda _device: 10**9)
    assert lying is not None
    for tensor in (to_device(data, CPU), lying):
        assert tensor.dtype != torch.uint16
        assert np.array_equal(tensor.numpy(), data)


def test_data_lies_on_a_device_where_it_takes_a_small_part_of_its_memory() -> None:
    bytes_8, bytes_16 = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint16)  # 100 bytes, and 400 as int32
    assert resident(bytes_8, CPU, lambda _device: 401) is not None
    assert resident(bytes_8, CPU, lambda _device: 400) is None
    assert resident(bytes_16, CPU, lambda _device: 1_601) is not None
    assert resident(bytes_16, CPU, lambda _device: 1_600) is None
    assert resident(bytes_8, CPU) is None
