"""Serve the studio: on this machine only unless told otherwise, and then only to who knows a token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from ..errors import ConfigError, did_you_mean_path
from ..runs.folder import CONFIG
from ..text.readers.bundled import bundled
from ..utils.tensor_file import MODEL
from . import pages
from .app import build_page, load_gradio
from .catalogue import Catalogue
from .studio import UPLOAD_MEGABYTES, Studio
from .training import TrainingQueue

LOOPBACK = "127.0.0.1"
_MIN_TOKEN = 8


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_for(host: str, given: str | None) -> str | None:
    """Return the token that visitors must know: the given one; a new one for a host that others reach; None for none.

    Raises ConfigError for a token that is easily guessed.
    """
    if given is not None and len(given) < _MIN_TOKEN:
        raise ConfigError(f"the token has {len(given)} characters", f"give {_MIN_TOKEN} or more, or leave it out")
    if given is None and not is_loopback(host):
        return secrets.token_urlsafe(16)
    return given


def opened(thing: str | None, runs: Path, command: Sequence[str] | None) -> Studio:
    """Return a studio for a run folder, a model file or a corpus, or for what is in the folder of runs.

    Args:
        thing: run folder, model file, corpus, or None.
        runs: folder of runs.
        command: words that start the command, to train with; None: the studio does not train.

    Raises ConfigError when there is no such thing.
    """
    corpus = model = None
    if thing is not None:
        path = Path(thing)
        if path.suffix == ".safetensors" or (path / CONFIG).is_file() or (path / MODEL).is_file():
            model = path
        elif path.is_file() or thing in bundled():
            corpus = thing
        else:
            guess = did_you_mean_path(path, bundled())
            raise ConfigError(f"{thing}: is neither a run, nor a model, nor a corpus{guess}", "give a path that exists")
    catalogue = Catalogue(runs, corpus, model)
    if model is not None:
        catalogue.model(model.name)  # so that a damaged file is refused before a browser opens
    return Studio(catalogue, None if command is None else TrainingQueue(command, runs))


@final
class Server:
    """A studio that is being served. `close` ends it.

    Attributes:
        address: where it is.
    """

    def __init__(self, studio: Studio, host: str = LOOPBACK, port: int | None = None, token: str | None = None) -> None:
        gr = load_gradio()
        self._studio = studio
        auth = None if token is None else lambda _name, word: hmac.compare_digest(word.encode(), token.encode())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of libraries below Gradio
            self._page: Any = build_page(studio)
            try:
                _, self.address, _ = self._page.launch(
                    server_name=host,
                    server_port=port,
                    auth=auth,
                    auth_message="Any name; the token is the password." if auth else None,
                    max_file_size=UPLOAD_MEGABYTES << 20,
                    prevent_thread_lock=True,
                    quiet=True,
                    share=False,
                    ssr_mode=False,
                    enable_monitoring=False,
                    footer_links=[],
                    **_look(gr),
                )
            except OSError:
                where = f"{host}:{port}" if port else host
                raise ConfigError(f"{where}: cannot be listened on", "choose another --port or --host") from None

    def wait(self) -> None:
        """Wait until the process is interrupted."""
        threading.Event().wait()

    def close(self) -> None:
        """Stop serving, and save the run in training."""
        self._page.close(verbose=False)
        self._studio.close()


def serve_model(file: str | Path) -> None:
    """Serve one model without training until the process ends, on the host and port of Gradio's environment.

    For the app of a Hugging Face Space, which is behind its own gate.
    """
    gr = load_gradio()
    studio = opened(str(file), Path(file).parent, None)
    build_page(studio).launch(ssr_mode=False, footer_links=[], **_look(gr))


def _look(gr: Any) -> dict[str, Any]:
    """Return the theme, with fonts that the browser has, so that no other address is asked, and the style sheet."""
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "Consolas", "monospace"])
    return {"theme": theme, "css": pages.STYLE}
