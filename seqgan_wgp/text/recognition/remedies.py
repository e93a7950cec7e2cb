"""Quote settings for the shell commands in remedies."""

from __future__ import annotations

import re
import shlex


def assigned(name: str, value: str) -> str:
    """Return an option as a shell takes it."""
    setting = f"corpus.{name}={value}"
    if re.search(r"""["$`\\!]""", setting):
        return f"--set {shlex.quote(setting)}"
    return f"--set {setting}" if shlex.quote(setting) == setting else f'--set "{setting}"'
