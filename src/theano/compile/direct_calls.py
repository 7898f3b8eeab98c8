"""A base class whose instances CPython calls through a C function of their own: the protocol "vectorcall" (PEP 590).

An instance of a class with `__call__` is called by looking that up, making a tuple of the arguments and unpacking it:
that takes longer than adding two numbers. `DirectCalls` has two words behind the object's header instead:

    CODE    the address of a C function (callable, arguments, their number, names), or 0
    TABLE   what that function looks for there; a word which it may use as it likes

`call_directly` tells CPython to look at CODE. Where the interpreter's objects do not lie as this module expects, it
says no, and calls take the way through `__call__`.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_WORD = ctypes.sizeof(ctypes.c_void_p)
_HEADER: int = object.__basicsize__
CODE = _HEADER
TABLE = _HEADER + _WORD

_FLAGS = 168  # of a type: where its flags lie
_HAVE_VECTORCALL = 1 << 11
_DEFAULT, _BASE_TYPE = 1 << 18, 1 << 10
_MEMBERS, _DOC = 72, 56  # numbers of slots
_SSIZE, _READONLY = 19, 1


class _Member(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("type", ctypes.c_int), ("offset", ctypes.c_ssize_t), ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]  # fmt: skip


class _Slot(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("content", ctypes.c_void_p)]


class _Spec(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("size", ctypes.c_int), ("item", ctypes.c_int), ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    ]  # fmt: skip


_members = (_Member * 2)(_Member(b"__vectorcalloffset__", _SSIZE, CODE, _READONLY, None), _Member())
_doc = ctypes.create_string_buffer(b"Instances are called through a C function of their own, once they have one.")
_slots = (_Slot * 3)(
    _Slot(_MEMBERS, ctypes.addressof(_members)), _Slot(_DOC, ctypes.addressof(_doc)), _Slot(0, None)
)  # fmt: skip
_spec = _Spec(
    b"theano.compile.direct_calls.DirectCalls", _HEADER + 2 * _WORD, 0, _DEFAULT | _BASE_TYPE, _slots
)  # fmt: skip


def _as_expected() -> bool:
    """Do objects and types of this interpreter lie in memory as they do in CPython's usual builds?"""
    if sys.implementation.name != "cpython" or _WORD != 8 or _HEADER != 16 or hasattr(sys, "gettotalrefcount"):
        return False
    return all(_flags_of(cls).value == cls.__flags__ for cls in (object, int, Exception))


def _flags_of(cls: type) -> ctypes.c_ulong:
    return ctypes.c_ulong.from_address(id(cls) + _FLAGS)


_POSSIBLE = _as_expected()


def _make() -> Any:
    if not _POSSIBLE:
        return object
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    return make(ctypes.addressof(_spec))


DirectCalls: Any = _make()


def call_directly(instance: Any) -> bool:
    """Have the instance called through the function in its word CODE from now on, where that is not 0. The class of the
    instance must have no other instances. False where that cannot be done."""
    if not _POSSIBLE:
        return False
    _flags_of(type(instance)).value |= _HAVE_VECTORCALL
    return True
