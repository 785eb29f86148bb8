"""Named tuples of arrays that kernels hand on by one address.

A kernel's tables are a hundred arrays. As arguments they are taken apart into a thousand numbers at every call, so that a
kernel would have to be one function, which LLVM takes minutes for. A *packed* tuple lies in memory once: its fields are read
where they are used, as `packed.field`, like those of a plain one; a field that is a named tuple is packed, too. Fields stand
for good: an array's values may change, which array it is may not.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic
from numba.core.registry import cpu_target
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox

from tweeling.physics.kernels.compiled import compiled_entry


class PackedType(types.Type):
    """Type of a packed named tuple, which kernels know by its address."""

    def __init__(self, fields: Any) -> None:
        self.fields = fields
        super().__init__(name=f"Packed({fields})")


@register_model(PackedType)
class _PackedModel(models.OpaqueModel):
    pass


@infer_getattr
class _PackedFields(AttributeTemplate):
    key = PackedType

    def generic_resolve(self, packed: Any, field: str) -> Any:
        if field not in packed.fields.fields:
            return None
        kind = packed.fields.types[packed.fields.fields.index(field)]
        return PackedType(kind) if isinstance(kind, types.BaseNamedTuple) else kind


@lower_getattr_generic(PackedType)
def _field(context: Any, builder: Any, packed: Any, address: Any, field: str) -> Any:
    index = packed.fields.fields.index(field)
    whole = builder.bitcast(address, context.get_value_type(packed.fields).as_pointer())
    place = cgutils.gep_inbounds(builder, whole, 0, index)
    if isinstance(packed.fields.types[index], types.BaseNamedTuple):
        return builder.bitcast(place, ir.IntType(8).as_pointer())
    return _read(builder, place)


def _read(builder: Any, place: Any) -> Any:
    """The value at an address, number by number; it never changes."""
    kind = place.type.pointee
    if isinstance(kind, ir.LiteralStructType | ir.ArrayType):
        value = ir.Constant(kind, ir.Undefined)
        for index in range(_length(kind)):
            value = builder.insert_value(value, _read(builder, cgutils.gep_inbounds(builder, place, 0, index)), index)
        return value
    number = builder.load(place)
    number.set_metadata("invariant.load", builder.module.add_metadata([]))
    return number


def _write(builder: Any, place: Any, value: Any) -> None:
    """Writes a value to an address, number by number."""
    if isinstance(value.type, ir.LiteralStructType | ir.ArrayType):
        for index in range(_length(value.type)):
            _write(builder, cgutils.gep_inbounds(builder, place, 0, index), builder.extract_value(value, index))
    else:
        builder.store(value, place)


def _length(kind: Any) -> int:
    return len(kind.elements) if isinstance(kind, ir.LiteralStructType) else kind.count


@intrinsic
def unpacked(_: Any, packed: Any) -> Any:
    """The named tuple of a packed one, all fields read at once: for functions that go through them again and again."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _read(builder, builder.bitcast(arguments[0], context.get_value_type(signature.return_type).as_pointer()))

    return (packed.fields if isinstance(packed, PackedType) else packed)(packed), code


@intrinsic
def _write_to(_: Any, fields: Any, memory: Any) -> Any:
    """Writes a named tuple into an array of bytes."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        _write(builder, builder.bitcast(data, arguments[0].type.as_pointer()), arguments[0])
        return context.get_dummy_value()

    return types.none(fields, memory), code


@compiled_entry
def _fill(fields, memory):  # type: ignore[no-untyped-def]
    _write_to(fields, memory)


Fields = TypeVar("Fields")
_known: dict[type, tuple[PackedType, int]] = {}
"""Type and size in bytes of the packed tuples of every class: their arrays have always the same types."""


class Packed(Generic[Fields]):
    """A named tuple of arrays as kernels take it; `fields` is the tuple itself, whose arrays live as long as this does."""

    def __init__(self, fields: Fields) -> None:
        if type(fields) not in _known:
            kind, context = PackedType(typeof(fields)), cpu_target.target_context
            _known[type(fields)] = kind, context.get_abi_sizeof(context.get_value_type(kind.fields))
        self.fields = fields
        self.kind, size = _known[type(fields)]
        self._memory = np.empty(size, dtype=np.uint8)
        _fill(fields, self._memory)
        self.address: int = self._memory.ctypes.data


@typeof_impl.register(Packed)
def _kind_of(packed: Packed[Any], _: Any) -> PackedType:
    return packed.kind


@unbox(PackedType)
def _address_of(_: Any, packed: Any, door: Any) -> NativeValue:
    number = door.pyapi.object_getattr_string(packed, "address")
    address = door.pyapi.long_as_voidptr(number)
    door.pyapi.decref(number)
    return NativeValue(address)
