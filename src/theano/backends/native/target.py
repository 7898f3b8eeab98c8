"""The target: LLVM through llvmlite, the host's vector units, and the addresses of the C functions that code calls.

This is the only module that imports llvmlite, and it does so when the first program is compiled, so that
`import theano` stays cheap. It knows nothing of kernels and programs: text goes in, addresses come out.

Machine code lives as long as the process: result arrays give their memory back through compiled functions, and they
may outlive everything else. Equal code is not compiled twice (`kernel_code.py` keeps the table), so this is bounded
by the number of different kernels.

Read next: `runtime_language.py` (how the run-time system is written), `kernel_code.py` (kernels).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import itertools
import threading
from functools import cache
from typing import Any

from theano.backends.native.cython_modules import exported

_lock = threading.RLock()
_kept: list[Any] = []
_numbers = itertools.count()  # of the modules compiled


class Host:
    """What the machine offers: CPU name, features, and the width of its vectors in bytes."""

    def __init__(self) -> None:
        llvm = _llvm()
        self.cpu: str = llvm.get_host_cpu_name()
        self.has: dict[str, bool] = dict(llvm.get_host_cpu_features())
        self.features = ",".join(("+" if on else "-") + name for name, on in self.has.items())
        if self.has.get("avx512f") and self.has.get("avx512dq") and self.has.get("avx512bw"):
            self.vector_bytes = 64
        elif self.has.get("avx2"):
            self.vector_bytes = 32
        else:
            self.vector_bytes = 16
        self.fma = bool(self.has.get("fma") or self.has.get("neon"))
        # without these, conversions of float16 are calls of a compiler's run-time library, which is not there
        self.half = bool(self.has.get("f16c") or self.has.get("fullfp16") or self.has.get("neon"))
        self.target = llvm.Target.from_default_triple()

        self._machines: dict[int, Any] = {}
        # One engine loads all object code: an engine of its own for each module would cost 0.7 MB and 3 ms.
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._new_machine(0))
        _keep_for_ever(self.engine)

    def machine(self, level: int) -> Any:
        """The LLVM TargetMachine with code generation level 0 to 3."""
        if level not in self._machines:
            self._machines[level] = self._new_machine(level)
        return self._machines[level]

    def _new_machine(self, level: int) -> Any:
        return self.target.create_target_machine(
            cpu=self.cpu, features=self.features, opt=level, jit=True, codemodel="jitdefault"
        )


@cache
def _llvm() -> Any:
    llvm = importlib.import_module("llvmlite.binding")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def host() -> Host:
    """The machine that this process runs on."""
    with _lock:
        return Host()


class Code:
    """Machine code in memory, made from one LLVM module. It is never unloaded (see the module's docstring)."""

    def __init__(self, text: str, level: int, promote: bool = False) -> None:
        llvm = _llvm()
        machine = host().machine(level)
        self.text = text
        self.level = level
        with _lock:
            self._suffix = f".{next(_numbers)}"
            module = llvm.parse_assembly(text, llvm.create_context())
            for function in list(module.functions):
                if not function.is_declaration:
                    function.name += self._suffix  # all code shares one table of symbols
            if promote:
                self._promote(module, machine)
            code = machine.emit_object(module)
            host().engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            host().engine.finalize_object()

    @staticmethod
    def _promote(module: Any, machine: Any) -> None:
        """Turn stack slots into registers: the one middle-end pass that hand-written loops profit from."""
        llvm = _llvm()
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(1))
        passes = llvm.create_new_function_pass_manager()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
        for function in module.functions:
            if not function.is_declaration:
                passes.run(function, builder)

    def address(self, name: str) -> int:
        with _lock:
            found = int(host().engine.get_function_address(name + self._suffix))
        if not found:
            raise RuntimeError(f"compiled code has no function {name!r}")
        return found


def assembly(text: str, level: int) -> str:
    """The assembler text that the host's code generator makes of an LLVM module (for curious users)."""
    llvm = _llvm()
    with _lock:
        return str(host().machine(level).emit_assembly(llvm.parse_assembly(text)))


def _keep_for_ever(thing: Any) -> None:
    # One reference is never given back: at interpreter exit, arrays may be freed after this module is torn down.
    _kept.append(thing)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def define_symbol(name: str, address: int) -> None:
    """Let LLVM text call `name`, found at `address`."""
    with _lock:
        _llvm().add_symbol(name, address)


@cache
def _capsule_pointer() -> Any:
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return get_name, get_pointer


def capsule(thing: Any) -> tuple[str, int]:
    """Name (for Cython's tables: the C signature) and address held by a PyCapsule."""
    get_name, get_pointer = _capsule_pointer()
    name = get_name(thing)
    return (name or b"").decode(), get_pointer(thing, name)


# Positions in NumPy's C-API table (public ABI: numpy/core/include/numpy/__multiarray_api.h).
_NUMPY_API = {
    "PyArray_Type": 2,
    "PyArray_NewFromDescr": 94,
    "PyArray_EquivTypes": 182,
}


@cache
def _numpy_table() -> Any:
    multiarray = importlib.import_module("numpy._core._multiarray_umath")
    _, address = capsule(multiarray._ARRAY_API)
    return ctypes.cast(address, ctypes.POINTER(ctypes.c_void_p))


# Cython modules that export a library's routines; a routine's name here has the key and "_" in front.
_LIBRARIES = {"blas": "scipy.linalg.cython_blas", "lapack": "scipy.linalg.cython_lapack"}


@cache
def c_address(name: str) -> int:
    """The address of a function or object of the Python or NumPy C-API, or of the C library; "blas_dgemm",
    "lapack_dpotrf": of a routine of BLAS or LAPACK (Fortran's interface)."""
    prefix, _, routine = name.partition("_")
    if prefix in _LIBRARIES:
        return cython_address(_LIBRARIES[prefix], routine)[1]
    if name in _NUMPY_API:
        return int(_numpy_table()[_NUMPY_API[name]])
    library = ctypes.pythonapi if name.startswith("Py") else _c_library()
    if name in ("PyFloat_Type", "PyLong_Type", "PyTuple_Type"):
        return ctypes.addressof(ctypes.c_char.in_dll(library, name))
    return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)


@cache
def _c_library() -> Any:
    try:
        library = ctypes.CDLL(None)
        library.malloc  # noqa: B018  (Windows has no global table of symbols)
        return library
    except (AttributeError, TypeError, OSError):
        return ctypes.CDLL("ucrtbase")


@cache
def _math_libraries() -> tuple[Any, Any]:
    """libm, and libmvec (glibc's vector functions) or None."""
    scalar, vector = None, None
    for name in ("libm.so.6", "libSystem.dylib", "ucrtbase", "libm.so"):
        try:
            scalar = ctypes.CDLL(name)
            break
        except OSError:
            continue
    with contextlib.suppress(OSError):
        vector = ctypes.CDLL("libmvec.so.1")
    return scalar, vector


@cache
def libm_address(name: str) -> int:
    """Address of a scalar libm function; 0 where the platform lacks it."""
    library = _math_libraries()[0]
    try:
        return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)
    except AttributeError:
        return 0


@cache
def libmvec_address(name: str) -> int:
    """Address of a vector function such as `_ZGVeN8v_exp`; 0 where there is none."""
    library = _math_libraries()[1]
    if library is None:
        return 0
    try:
        return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)
    except AttributeError:
        return 0


@cache
def cython_address(module: str, name: str) -> tuple[str, int]:
    """C signature and address of a function that a Cython module exports (`scipy.linalg.cython_blas` and kin)."""
    return capsule(exported(module)[name])
