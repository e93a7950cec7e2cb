"""seqgan-wgp info: print versions, device and threads."""

from __future__ import annotations

import typer

from ..ui.console import guarded


@guarded
def info() -> None:
    """Print versions, device and thread count, for bug reports and benchmarks."""
    import platform

    import numpy
    import tokenizers
    import torch

    import seqgan_wgp
    from seqgan_wgp.utils.devices import device_note, pick_device

    device = pick_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    rows = {
        "seqgan-wgp": seqgan_wgp.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "tokenizers": tokenizers.__version__,
        "platform": platform.platform(),
        "device": f"{device.type} ({name})",
        "threads": str(torch.get_num_threads()),
        "engine": "graph" if device.type == "cuda" else "eager",
    }
    note = device_note("auto", device)
    if note is not None:
        rows["note"] = note
    for key, value in rows.items():
        typer.echo(f"{key:<12}{value}")
