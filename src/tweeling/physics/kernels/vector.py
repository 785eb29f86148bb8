"""A row of LANES numbers as one value, so that Numba writes vector instructions where we say so and nowhere else.

A kernel works on LANES members at once: its arrays are `(element, LANES)`, and `load(array, row)` takes one row of them into
the processor's vector registers as a `Row`, on which arithmetic works lane by lane. Nothing depends on what the compiler finds
out by itself, and every lane is computed by the same instructions whatever its neighbours hold: that is what makes results
equal bit for bit in any chunk, lane or thread. Multiply-adds are fused by name (`fma`), never by chance.

`log2` and `exp2` are polynomials, right to some 1e-12: a head loss of 100 m is known to 1e-10 m, and more costs time.
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

LANES = 16
"""Members in a block; a multiple of what a vector register holds (4 with AVX2, 8 with AVX-512).

Measured: 16 is 15 % faster than 8 on networks of 100 to 1,000 links, 8 is 20 % faster beyond 10,000 (the cache overflows)."""

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
def negative(_: Any, a: Any) -> Any:
    """-a; fused into a multiply-add it costs nothing."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fneg(arguments[0])

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
def any_of(_: Any, mask: Any) -> Any:
    """Whether a mask holds in any lane: only to leave out work whose result no lane would choose."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(mask), code


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


@compiled
def smallest(a, b):  # type: ignore[no-untyped-def]
    """The smaller of a and b; a where b is NaN."""
    return choose(less(b, a), b, a)


@intrinsic
def roughly_inverse(_: Any, a: Any) -> Any:
    """1/a to an eighth, for normal a > 0: the bits of a number are near its logarithm, and are taken from those of 1."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], _LONGS)
        return builder.bitcast(builder.sub(ir.Constant(_LONGS, [0x7FDE623822FC16E6] * LANES), bits), _DOUBLES)

    return ROW(a), code


_ROOT_HALF = 0x3FE6A09E667F3BCD
"""Bits of the square root of 1/2."""


@intrinsic
def _split(_: Any, a: Any) -> Any:
    """(e, m) with a = m 2^e and m from the root of 1/2 to the root of 2, for normal a > 0; e as a Row."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def each(number: int) -> Any:
            return ir.Constant(_LONGS, [number] * LANES)

        bits, one = builder.bitcast(arguments[0], _LONGS), 0x3FF0000000000000
        # Moved so that the exponent's bits change where the mantissa passes a root.
        moved = builder.add(bits, each(one - _ROOT_HALF))
        # The exponent becomes a double by standing in the last bits of 2^52: conversions do not vectorise everywhere.
        shifted = builder.or_(builder.lshr(moved, each(52)), each(0x4330000000000000))
        offset = ir.Constant(_DOUBLES, [2.0**52 + 1023.0] * LANES)
        exponent = builder.fsub(builder.bitcast(shifted, _DOUBLES), offset)
        mantissa = builder.add(builder.sub(bits, builder.and_(moved, each(0x7FF0000000000000))), each(one))
        return context.make_tuple(builder, signature.return_type, (exponent, builder.bitcast(mantissa, _DOUBLES)))

    return types.UniTuple(ROW, 2)(a), code


@intrinsic
def _scaled(_: Any, a: Any, shifted: Any) -> Any:
    """A 2^n for a near 1, where `shifted` is n + 1.5 * 2^52 for a whole n from -1022 to 1023: an addition to the exponent."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, power = (builder.bitcast(argument, _LONGS) for argument in arguments)
        return builder.bitcast(builder.add(number, builder.shl(power, ir.Constant(_LONGS, [52] * LANES))), _DOUBLES)

    return ROW(a, shifted), code


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


_ROOT_2 = 2**0.5


def _fitted(function: Any, degree: int, low: float, high: float) -> tuple[float, ...]:
    """Coefficients of a polynomial that is as good as equal to a function between two numbers (Chebyshev's points)."""
    fit = np.polynomial.Chebyshev.interpolate(function, degree, [low, high]).convert(kind=np.polynomial.Polynomial)
    return tuple(float(c) for c in fit.coef)


_RECIPROCAL = _fitted(lambda x: 1 / x, 3, 1 + _ROOT_2 / 2, 1 + _ROOT_2)
"""1/x to 1e-4; a step of third order makes it right to 1e-12, in less time than a division takes."""
_ARTANH = _fitted(
    lambda z: 2 / np.log(2) * np.arctanh(np.sqrt(z)) / np.sqrt(z), 4, 0.0, (_ROOT_2 - 1) ** 2 / (_ROOT_2 + 1) ** 2
)
"""log2((1 + s) / (1 - s)) / s as a function of s^2, to 1e-11."""
_EXP2 = _fitted(np.exp2, 8, -0.5, 0.5)
"""2^x to 1e-12."""


SERIES = (*_RECIPROCAL, *_ARTANH, *_EXP2)
"""What `log2`, `exp2` and `power` take as their `series`, in an array.

As constants of the code these numbers would be fetched by their full addresses: more instructions than the arithmetic has.
"""
_LOG2, _EXP = len(_RECIPROCAL), len(_RECIPROCAL) + len(_ARTANH)


@compiled
def log2(series, a):  # type: ignore[no-untyped-def]
    """Logarithm to base 2 of normal numbers > 0. Sums go in pairs, so that the processor waits less (Estrin)."""
    exponent, mantissa = _split(a)
    x = mantissa + 1.0
    low, high = fma(spread(series[1]), x, spread(series[0])), fma(spread(series[3]), x, spread(series[2]))
    inverse = fma(high, x * x, low)
    error = fma(negative(x), inverse, spread(1.0))
    inverse = fma(inverse, fma(error, error, error), inverse)
    s = (mantissa - 1.0) * inverse
    z = s * s
    low = fma(spread(series[_LOG2 + 1]), z, spread(series[_LOG2]))
    high = fma(spread(series[_LOG2 + 3]), z, spread(series[_LOG2 + 2]))
    square = z * z
    return fma(s, fma(fma(spread(series[_LOG2 + 4]), square, high), square, low), exponent)


@compiled
def exp2(series, a):  # type: ignore[no-untyped-def]
    """2^a for a from -1000 to 1000."""
    shifted = a + 6755399441055744.0  # 1.5 * 2^52: adding it rounds to a whole number
    x = a - (shifted - 6755399441055744.0)
    square = x * x
    low = fma(spread(series[_EXP + 1]), x, spread(series[_EXP]))
    low = fma(fma(spread(series[_EXP + 3]), x, spread(series[_EXP + 2])), square, low)
    high = fma(spread(series[_EXP + 5]), x, spread(series[_EXP + 4]))
    high = fma(fma(spread(series[_EXP + 7]), x, spread(series[_EXP + 6])), square, high)
    square = square * square
    return _scaled(fma(fma(spread(series[_EXP + 8]), square, high), square, low), shifted)


@compiled
def power(series, a, exponent):  # type: ignore[no-untyped-def]
    """A^exponent for normal a > 0 and one exponent."""
    return exp2(series, log2(series, a) * exponent)
