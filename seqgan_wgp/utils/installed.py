"""Say in one line that a package of an extra is not installed, and how to install it."""

from __future__ import annotations

import importlib.util

from ..errors import ConfigError


def check_installed(purpose: str, *packages: str, extra: str = "") -> None:
    """Raise ConfigError when one of the packages that `purpose` needs is not installed.

    Args:
        purpose: What needs them, as the message says it: "the studio".
        packages: The names by which they are imported.
        extra: The extra that installs them; without one the packages are named in the remedy.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        what = f"seqgan-wgp[{extra}]" if extra else " ".join(missing)
        raise ConfigError(
            f"{purpose} needs {' and '.join(missing)}, which {are} not installed", f'pip install "{what}"'
        )
