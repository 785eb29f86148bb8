"""How kernels are compiled: once per machine and per version of their source.

Numba keeps compiled functions beside the file that they stand in and does not notice when a module that they call has changed.
So ours go to a folder that is named after the content of all kernels, and of the specification, whose constants are compiled
into them: another source is another folder.

Kernels never allocate: arrays come in from outside. They are therefore compiled without Numba's reference counting, which
otherwise costs more than the arithmetic of a small network (80 arrays counted up and down at every call).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

CACHE = "TWEELING_CACHE"
"""Environment variable: where compiled kernels are kept; else in the user's cache folder."""


def _cache_folder() -> Path:
    digest, kernels = hashlib.sha256(), Path(__file__).parent
    for file in sorted([*kernels.glob("*.py"), *(kernels.parent / "hydraulics").glob("*.py")]):
        digest.update(file.read_bytes())
    digest.update(f"{numba.__version__} {sys.version_info[:2]}".encode())
    base = os.environ.get(CACHE) or numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tweeling" / "kernels" / digest.hexdigest()[:16]


_FOLDER = str(_cache_folder())

_FROM_KERNELS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of what only kernels call: a door for Python takes longer to compile than most functions."""


def _njit(function: Callable[..., Any], **options: Any) -> Any:
    # Division by zero gives infinity, as in NumPy: a member that fails ends unbalanced and raises nothing.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def compiled(function: Callable[..., Any]) -> Any:
    """Compiles a piece of a kernel that is put into its callers, for it is short, or works on rows in registers."""
    return _njit(function, _nrt=False, forceinline=True, **_FROM_KERNELS)


def called(function: Callable[..., Any]) -> Any:
    """Compiles a piece of a kernel that its callers call: it is long, or seldom asked for, and takes packed tables."""
    return _njit(function, _nrt=False, **_FROM_KERNELS)


def compiled_entry(function: Callable[..., Any]) -> Any:
    """Compiles the kernel that Python calls."""
    return _njit(function, _nrt=False)


def compiled_with_memory(function: Callable[..., Any]) -> Any:
    """Compiles a function that makes arrays: analysis that runs once per plan."""
    return _njit(function)


def owned(array: npt.NDArray[Any], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """The array as kernels are compiled for: of one type, contiguous and writable; itself where it is so already."""
    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.dtype == dtype:
        return array
    return np.require(array, dtype, ["C", "W"])
