"""A row of LANES numbers as one value, so that Numba writes vector instructions where we say so and nowhere else.

A kernel works on LANES members at once: its arrays are `(element, LANES)`, and `load(array, row)` takes one row of them into
the processor's vector registers as a `Row`, on which arithmetic works lane by lane. Nothing depends on what the compiler finds
out by itself, and every lane is computed by the same instructions whatever its neighbours hold: that is what makes results
equal bit for bit in any chunk, lane or thread. Multiply-adds are fused by name (`fma`), never by chance.

`log2` and `exp2` are polynomials, right to about 1e-15.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from tweeling.physics.kernels.compiled import compiled

LANES = 8
"""Members in a block; a multiple of what a vector register holds (4 with AVX2, 8 with AVX-512)."""

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_LONGS = ir.VectorType(ir.IntType(64), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


class _RowType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Row{LANES}")


class _MaskType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Mask{LANES}")


ROW = _RowType()
MASK = _MaskType()


@register_model(_RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _DOUBLES)


@register_model(_MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, row: Any) -> Any:
    """Address of a row of a C-contiguous (element, LANES) array of float64."""
    data = context.make_array(array_type)(context, builder, array).data
    first = builder.gep(data, [builder.mul(row, ir.Constant(ir.IntType(64), LANES))])
    return builder.bitcast(first, _DOUBLES.as_pointer())


@intrinsic
def load(_: Any, array: Any, row: Any) -> Any:
    """Row `row` of an array (element, LANES)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, index = arguments
        index = context.cast(builder, index, signature.args[1], types.int64)
        instruction = builder.load(_pointer(context, builder, signature.args[0], values, index))
        instruction.align = 8
        return instruction

    return ROW(array, row), code


@intrinsic
def store(_: Any, array: Any, row: Any, value: Any) -> Any:
    """Writes a Row to row `row` of an array (element, LANES)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, index, vector = arguments
        index = context.cast(builder, index, signature.args[1], types.int64)
        instruction = builder.store(vector, _pointer(context, builder, signature.args[0], values, index))
        instruction.align = 8
        return context.get_dummy_value()

    return types.none(array, row, value), code


@intrinsic
def spread(_: Any, number: Any) -> Any:
    """A Row with one number in every lane."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.cast(builder, arguments[0], signature.args[0], types.float64)
        vector = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        zero = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(vector, ir.Constant(_DOUBLES, ir.Undefined), zero)

    return ROW(number), code


def _llvm(builder: Any, name: str, arity: int) -> Any:
    """LLVM's own vector function of a name."""
    kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * arity)
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64")


def _binary(name: str, doc: str) -> Any:
    def typing(_: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        return ROW(a, b), code

    typing.__name__, typing.__doc__ = name, doc
    return intrinsic(typing)


_add, _sub = _binary("fadd", "a + b"), _binary("fsub", "a - b")
_mul, _div = _binary("fmul", "a * b"), _binary("fdiv", "a / b")


@intrinsic
def fma(_: Any, a: Any, b: Any, c: Any) -> Any:
    """A * b + c with one rounding."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(_llvm(builder, "fma", 3), arguments)

    return ROW(a, b, c), code


@intrinsic
def absolute(_: Any, a: Any) -> Any:
    """|a|."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(_llvm(builder, "fabs", 1), arguments)

    return ROW(a), code


@intrinsic
def square_root(_: Any, a: Any) -> Any:
    """The square root of a."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(_llvm(builder, "sqrt", 1), arguments)

    return ROW(a), code


@intrinsic
def less(_: Any, a: Any, b: Any) -> Any:
    """A < b, lane by lane."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fcmp_ordered("<", *arguments)

    return MASK(a, b), code


@intrinsic
def choose(_: Any, mask: Any, a: Any, b: Any) -> Any:
    """A where the mask holds, else b."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return ROW(mask, a, b), code


@compiled
def largest(a, b):  # type: ignore[no-untyped-def]
    """The larger of a and b; a where b is NaN."""
    return choose(less(a, b), b, a)


@intrinsic
def _split(_: Any, a: Any) -> Any:
    """(e, m) with a = m 2^e and m in [1, 2), for normal a > 0; e as a Row."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def each(number: int) -> Any:
            return ir.Constant(_LONGS, [number] * LANES)

        bits = builder.bitcast(arguments[0], _LONGS)
        # The exponent becomes a double by standing in the last bits of 2^52: conversions do not vectorise everywhere.
        shifted = builder.or_(builder.lshr(bits, each(52)), each(0x4330000000000000))
        offset = ir.Constant(_DOUBLES, [2.0**52 + 1023.0] * LANES)
        exponent = builder.fsub(builder.bitcast(shifted, _DOUBLES), offset)
        mantissa = builder.or_(builder.and_(bits, each(0x000FFFFFFFFFFFFF)), each(0x3FF0000000000000))
        return context.make_tuple(builder, signature.return_type, (exponent, builder.bitcast(mantissa, _DOUBLES)))

    return types.UniTuple(ROW, 2)(a), code


@intrinsic
def _power_of_two(_: Any, shifted: Any) -> Any:
    """2^n, where `shifted` is n + 1.5 * 2^52 for a whole n from -1022 to 1023."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], _LONGS)
        biased = builder.add(bits, ir.Constant(_LONGS, [1023] * LANES))
        return builder.bitcast(builder.shl(biased, ir.Constant(_LONGS, [52] * LANES)), _DOUBLES)

    return ROW(shifted), code


def _arithmetic(symbol: Any, function: Any) -> None:
    @overload(symbol)
    def _(a, b):  # type: ignore[no-untyped-def]  # an overload and its implementation must look alike
        if a is ROW and b is ROW:
            return lambda a, b: function(a, b)
        if a is ROW and isinstance(b, types.Float):
            return lambda a, b: function(a, spread(b))
        if b is ROW and isinstance(a, types.Float):
            return lambda a, b: function(spread(a), b)
        return None


for _symbol, _function in ((operator.add, _add), (operator.sub, _sub), (operator.mul, _mul), (operator.truediv, _div)):
    _arithmetic(_symbol, _function)


_LOG2_E = float(np.log2(np.e))


@compiled
def log2(a):  # type: ignore[no-untyped-def]
    """Logarithm to base 2 of normal numbers > 0, by the series of artanh."""
    exponent, mantissa = _split(a)
    high = less(spread(1.4142135623730951), mantissa)
    mantissa = choose(high, mantissa * 0.5, mantissa)
    exponent = choose(high, exponent + 1.0, exponent)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    # artanh(s) / s = 1 + z/3 + z^2/5 + ...; |s| <= 0.1716, so that z^11/23 < 1e-18.
    series = fma(z, spread(1 / 21), spread(1 / 19))
    series = fma(z, series, spread(1 / 17))
    series = fma(z, series, spread(1 / 15))
    series = fma(z, series, spread(1 / 13))
    series = fma(z, series, spread(1 / 11))
    series = fma(z, series, spread(1 / 9))
    series = fma(z, series, spread(1 / 7))
    series = fma(z, series, spread(1 / 5))
    series = fma(z, series, spread(1 / 3))
    series = fma(z, series, spread(1.0))
    return fma(s * (2 * _LOG2_E), series, exponent)


@compiled
def exp2(a):  # type: ignore[no-untyped-def]
    """2^a for a from -1000 to 1000."""
    shifted = a + 6755399441055744.0  # 1.5 * 2^52: adding it rounds to a whole number
    x = (a - (shifted - 6755399441055744.0)) * 0.6931471805599453
    # e^x by Taylor's series; |x| <= 0.3466, so that x^14/14! < 5e-18.
    series = fma(x, spread(1 / 6227020800), spread(1 / 479001600))
    series = fma(x, series, spread(1 / 39916800))
    series = fma(x, series, spread(1 / 3628800))
    series = fma(x, series, spread(1 / 362880))
    series = fma(x, series, spread(1 / 40320))
    series = fma(x, series, spread(1 / 5040))
    series = fma(x, series, spread(1 / 720))
    series = fma(x, series, spread(1 / 120))
    series = fma(x, series, spread(1 / 24))
    series = fma(x, series, spread(1 / 6))
    series = fma(x, series, spread(0.5))
    series = fma(x, series, spread(1.0))
    series = fma(x, series, spread(1.0))
    return series * _power_of_two(shifted)


@compiled
def power(a, exponent):  # type: ignore[no-untyped-def]
    """A^exponent for normal a > 0 and one exponent."""
    return exp2(log2(a) * exponent)
