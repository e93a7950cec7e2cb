"""Write a folder that runs as a Hugging Face Space: the studio with one model, without training."""

from __future__ import annotations

import json
from pathlib import Path

from ..._version import __version__
from ...errors import ConfigError
from ...model import Model
from ...utils.atomic_files import new_folder
from ..folder import MODEL
from .model_card import model_card

APP, REQUIREMENTS, CARD = "app.py", "requirements.txt", "README.md"

_PROGRAM = f'''"""The studio of one model. Run it with: python app.py"""

from pathlib import Path

from seqgan_wgp.studio.server import serve_model

serve_model(Path(__file__).parent / "{MODEL}")
'''


def write_space(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write the app, its requirements, the model and a card to a folder, all or nothing.

    Args:
        model: a model of text.
        folder: created with its parents. Its name is the model's name in the card.
        overwrite: replace a folder that this function has written.

    Raises:
        ConfigError: the model generates no strings, or there is something at `folder` that may not be replaced.
        OSError: the folder cannot be written.
    """
    model.text_spec("the studio")
    model.refuse_labels("export to a Space")
    folder = Path(folder)
    if folder.exists() and not (overwrite and _is_ours(folder)):
        remedy = "choose another folder" if not _is_ours(folder) else "choose another folder, or give --overwrite"
        raise ConfigError(f"{folder}: is there already", remedy)
    with new_folder(folder, "--space") as hidden:
        model.save(hidden / MODEL)
        (hidden / APP).write_text(_PROGRAM, encoding="utf-8")
        (hidden / REQUIREMENTS).write_text(f"seqgan-wgp[studio]=={__version__}\n", encoding="utf-8")
        (hidden / CARD).write_text(_card(model, folder.resolve().name), encoding="utf-8")


def _card(model: Model, name: str) -> str:
    """Return the model card with the front matter that the Hub reads of a Space instead of that of a model."""
    front = {"title": name, "sdk": "gradio", "app_file": APP}
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
    _, _, body = model_card(model, name, space=True).removeprefix("---\n").partition("\n---\n")
    return f"---\n{head}---\n{body}"


def _is_ours(folder: Path) -> bool:
    app = folder / APP
    return app.is_file() and app.read_text(encoding="utf-8", errors="replace") == _PROGRAM
