"""A queue of members that several threads take from: a counter that is read and moved on in one instruction."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def take_next(_: Any, queue: Any, count: Any) -> Any:
    """The first of the next `count` numbers of a queue (an int64 array of one element), which nobody else gets."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        step = context.cast(builder, arguments[1], signature.args[1], types.int64)
        return builder.atomic_rmw("add", counter, step, "monotonic")

    return types.int64(queue, count), code
