"""Train a GAN on the lines of a text file and generate new strings: WGAN-GP with 1-d convolutions.

    import seqgan_wgp
    model = seqgan_wgp.train("names.txt", minutes=3)
    print(model.generate(10))

The public names below are loaded on first use, so importing the package is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .config import Config as Config
    from .config import override as override
    from .config import recipe as recipe
    from .config import recipe_names as recipe_names
    from .errors import CheckpointError as CheckpointError
    from .errors import ConfigError as ConfigError
    from .errors import CorpusError as CorpusError
    from .errors import Diverged as Diverged
    from .errors import PluginError as PluginError
    from .errors import SeqganError as SeqganError
    from .model import Model as Model
    from .registry import load_plugins as load_plugins
    from .registry import register as register
    from .runs import commands as _commands
    from .runs.commands import compare as compare
    from .runs.commands import export as export
    from .runs.commands import resume as resume
    from .runs.evaluate import evaluate as evaluate
    from .runs.export.hub import from_pretrained as from_pretrained
    from .runs.export.hub import save_pretrained as save_pretrained
    from .runs.metrics_log import read_records as read_records
    from .runs.refine import refine as refine
    from .runs.train import train as train
    from .text.inspection import inspect as _inspection
    from .training.record import Record as Record

    inspect, score = _inspection.inspect_corpus, _commands.score_strings

# Public name -> its module and, behind a colon, what it is called there, if not the same.
_HOMES = {
    "CheckpointError": "errors",
    "Config": "config",
    "ConfigError": "errors",
    "CorpusError": "errors",
    "Diverged": "errors",
    "Model": "model",
    "PluginError": "errors",
    "Record": "training.record",
    "SeqganError": "errors",
    "compare": "runs.commands",
    "evaluate": "runs.evaluate",
    "export": "runs.commands",
    "from_pretrained": "runs.export.hub",
    "inspect": "text.inspection.inspect:inspect_corpus",
    "load_plugins": "registry",
    "override": "config",
    "read_records": "runs.metrics_log",
    "recipe": "config",
    "recipe_names": "config",
    "refine": "runs.refine",
    "resume": "runs.commands",
    "score": "runs.commands:score_strings",
    "save_pretrained": "runs.export.hub",
    "register": "registry",
    "train": "runs.train",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, called = _HOMES[name].partition(":")
    return getattr(importlib.import_module(f".{module}", __name__), called or name)


def __dir__() -> list[str]:
    return __all__
