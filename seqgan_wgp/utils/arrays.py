"""Common array types, and arrays in files."""

from __future__ import annotations

import tokenize
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, one_line

Ints: TypeAlias = NDArray[np.integer[Any]]
Floats: TypeAlias = NDArray[np.float64]


def open_array(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], remedy: str) -> np.memmap[Any, Any]:
    """Return the array of a .npy file, mapped from disk. Raises CheckpointError when it is not one of shape and type.

    Nothing of it is read but its header, and no memory is taken for what the header claims.
    """
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        array = np.lib.format.open_memmap(path, mode="r")
    # Its header is a literal of Python, which a damaged byte makes any kind of nonsense of.
    except (OSError, ValueError, TypeError, SyntaxError, EOFError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path}: cannot be read ({one_line(error)})", remedy) from None
    except tokenize.TokenError as error:
        raise CheckpointError(f"{path}: cannot be read ({one_line(error)})", remedy) from None
    if (array.shape, array.dtype) != (shape, dtype):
        raise CheckpointError(f"{path}: is {array.dtype} {array.shape}, not {dtype} {shape}", remedy)
    return array
