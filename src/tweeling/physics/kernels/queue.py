"""A queue of members that several threads take from: a counter that is read and moved on in one instruction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def take_next(_: Any, queue: Any) -> Any:
    """The next number of a queue (an int64 array of one element), which nobody else gets."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", counter, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(queue), code
