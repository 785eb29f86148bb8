"""Memory that is used again: the arrays of a step are as large as those of the step before, which nobody needs any more.

Memory from the system is slow at its first touch (a page fault every 4 kB: a tenth of a day of Net3), and what is given back
comes back as new. So a thread keeps what its arrays lay in and puts the next ones there. An array from here is like any other:
its memory is free again when the last view of it is gone, and no sooner.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

SMALL = 2**16
"""Bytes up to which memory is asked for as usual."""
KEPT = 8
"""Free pieces of one size that a thread keeps at most."""

Piece = npt.NDArray[np.uint8]


class _Pieces(threading.local):
    """Free pieces by size, one collection for each thread."""

    def __init__(self) -> None:
        self.free: dict[int, list[Piece]] = {}


class _Loan:
    """What an array lies in; dies with the last view of the array, and then its piece is free."""

    def __init__(self, piece: Piece, free: list[Piece], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._piece, self._free = piece, free
        place = piece.__array_interface__["data"]
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": dtype.str, "data": place}

    def __del__(self) -> None:
        if len(self._free) < KEPT:
            self._free.append(self._piece)


_pieces = _Pieces()


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """An array of any numbers, as `np.empty` gives it."""
    kind = np.dtype(dtype)
    size = kind.itemsize
    for length in shape:
        size *= length
    if size <= SMALL:
        return np.empty(shape, kind)
    size = 1 << (size - 1).bit_length()
    free = _pieces.free.setdefault(size, [])
    piece = free.pop() if free else np.empty(size, np.uint8)
    return np.asarray(_Loan(piece, free, shape, kind))


def copy_of(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy, rows after one another."""
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy
