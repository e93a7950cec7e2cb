"""`studio` refuses in one line what it cannot serve, before anything is served."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

needs_gradio = pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="gradio is not installed here")


def test_without_gradio_it_says_what_to_install(refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    refused(["the studio needs gradio", 'pip install "seqgan-wgp[studio]"'], "studio", "there.txt")


@needs_gradio
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing"], ["nothing: is neither a run, nor a model, nor a corpus"]),
        (["--token", "short"], ["the token has 5 characters"]),
        (["no.safetensors"], ["no.safetensors"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_it_cannot_serve_is_refused(
    words: list[str], says: list[str], refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqgan_wgp.studio.app.load_gradio", lambda: None)  # nothing here comes as far as to use it
    refused(says, "studio", *words)
