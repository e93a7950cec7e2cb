"""Warnings of the library: through the logger `seqgan_wgp` if logging is set up, otherwise as Python warnings.

The logger has a NullHandler, as libraries should, so a program that sets up logging decides what becomes of messages.
Where nobody has set it up, a warning is a Python warning (`SeqganWarning`) instead, which is shown.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

from ..errors import SeqganWarning

LOGGER = logging.getLogger("seqgan_wgp")
LOGGER.addHandler(logging.NullHandler())


def warn(message: str, *, stacklevel: int = 2) -> None:
    """Log a one-line warning, or warn by a SeqganWarning where no handler would get it.

    Args:
        message: one line.
        stacklevel: whose place in the code is named, as for `warnings.warn`; 2: that of the caller's caller.
    """
    if not LOGGER.isEnabledFor(logging.WARNING):
        return  # silenced on purpose
    if any(handler.level <= logging.WARNING for handler in _handlers()):
        LOGGER.warning(message, stacklevel=stacklevel + 1)
    else:
        warnings.warn(message, SeqganWarning, stacklevel=stacklevel + 1)


def _handlers() -> Iterator[logging.Handler]:
    """Yield the handlers that get records of the logger, without those that do nothing."""
    logger: logging.Logger | None = LOGGER
    while logger is not None:
        yield from (handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler))
        logger = logger.parent if logger.propagate else None
