"""Versions of the package and of its file formats."""

__version__ = "0.1.0"

FORMAT_VERSION = 1
"""Format of config.json, of checkpoints and of model files."""
