"""Memory that is used again: only what nobody sees any more, and only by its own thread."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pytest

from tweeling.physics.kernels.memory import KEPT, copy_of, empty

SHAPE = (300, 71)


def place(array: np.ndarray) -> int:
    """Where an array lies."""
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", [np.float64, np.int8, np.int64])
@pytest.mark.parametrize("shape", [(0, 5), (3, 4), (300, 571)])
def test_an_array_is_like_any_other(shape: tuple[int, int], dtype: npt.DTypeLike) -> None:
    array = empty(shape, dtype)
    assert array.shape == shape
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.flags.aligned
    array[...] = 7
    assert (array == 7).all()


def test_what_nobody_sees_is_used_again() -> None:
    first = empty(SHAPE)
    where = place(first)
    del first
    assert place(empty(SHAPE)) == where


def test_a_view_keeps_its_memory() -> None:
    array = empty(SHAPE)
    array[...] = 3.0
    view = array[5:9, ::2]
    del array
    others = [empty(SHAPE) for _ in range(2 * KEPT)]
    for other in others:
        other[...] = 4.0
    assert (view == 3.0).all()
    assert len({place(other) for other in others}) == 2 * KEPT


def test_a_copy_of_a_view_has_its_rows_after_one_another() -> None:
    array = np.arange(90000.0).reshape(300, 300)
    copy = copy_of(array[::2, ::3])
    np.testing.assert_array_equal(copy, array[::2, ::3])
    assert copy.flags.c_contiguous
    assert copy_of(np.broadcast_to(array[0], (300, 300))).strides == (2400, 8)


def test_another_thread_has_memory_of_its_own() -> None:
    mine = place(empty(SHAPE))
    theirs: list[int] = []
    thread = threading.Thread(target=lambda: theirs.append(place(empty(SHAPE))))
    thread.start()
    thread.join()
    assert theirs != [mine]
    assert place(empty(SHAPE)) == mine
