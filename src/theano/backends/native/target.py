"""The target: LLVM through llvmlite, the host's vector units, and the addresses of the C functions that code calls.

This is the only module that imports llvmlite, and it does so when the first program is compiled, so that
`import theano` stays cheap. It knows nothing of kernels and programs: text goes in, addresses come out. Text has no
addresses in it, but symbols (`Address`, `define_symbol`), so that code may be kept on disk (`object_cache.py`).

Machine code lives as long as the process: result arrays give their memory back through compiled functions, and they
may outlive everything else. Equal code is not compiled twice (`kernel_code.py` keeps the table), so this is bounded
by the number of different kernels.

Read next: `runtime_language.py` (how the run-time system is written), `kernel_code.py` (kernels).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from theano.backends.native.cython_modules import exported
from theano.backends.native.object_cache import digest, object_cache


def free_after_fork(lock: Any) -> Any:
    """`lock`, held while the process forks. Else another thread might hold it then, which the child does not have, and
    for which the child would wait for ever."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


# taken last, where several locks of this package are held
_lock = free_after_fork(threading.RLock())
_kept: list[Any] = []
_loaded: set[str] = set()  # keys of the code in memory
# sections of object files that are code, or that are not loaded
_BESIDE_CODE = frozenset([b".text", b".rela.text", b".symtab", b".strtab", b".shstrtab"])
LOCAL = "runtime."  # begins the names of functions that may be in several object files of one piece of code


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

        self._versions = digest(
            source_of("target"), llvm.get_process_triple(), str(llvm.llvm_version_info),
            importlib.import_module("llvmlite").__version__,
        )  # fmt: skip
        triple = llvm.get_process_triple().split("-")
        self.has_near_code = triple[0] == "x86_64" and "linux" in triple
        self._machines: dict[tuple[int, bool], Any] = {}
        # One engine loads all object code: an engine of its own for each module would cost 0.7 MB and 3 ms.
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._new_machine(0))
        _keep_for_ever(self.engine)

    def fingerprint(self) -> str:
        """Names what code depends on besides its text."""
        return digest(self._versions, self.cpu, self.features)

    def machine(self, level: int, near: bool = False) -> Any:
        """The LLVM TargetMachine with code generation level 0 to 3. See `object_code`."""
        if (level, near) not in self._machines:
            self._machines[level, near] = self._new_machine(level, near)
        return self._machines[level, near]

    def _new_machine(self, level: int, near: bool = False) -> Any:
        reach = {"codemodel": "small", "reloc": "pic"} if near else {"codemodel": "jitdefault"}
        return self.target.create_target_machine(cpu=self.cpu, features=self.features, opt=level, jit=True, **reach)


@cache
def source_of(module: str) -> str:
    """The source text of a file beside this one (read once: it is asked for again and again). NotImplementedError if
    there is none."""
    try:
        return (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    except OSError:  # perhaps the package is in an archive
        spec = find_spec(f"{__package__}.{module}")
        source = None if spec is None or spec.loader is None else spec.loader.get_source(spec.name)  # type: ignore[attr-defined]
        if source is None:
            raise NotImplementedError(f"there is no run-time file {module}.py") from None
        return str(source)


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


class Address(int):
    """An address of this process. Code does not contain it, but the name `symbol`, and so fits other processes, too."""

    symbol: str

    def __new__(cls, address: int, symbol: str) -> Address:
        made = super().__new__(cls, address)
        made.symbol = symbol
        return made


class Code:
    """Machine code in memory, made from one LLVM module. It is never unloaded (see the module's docstring).

    Equal text is compiled once in a process; and once on a machine, if there is a cache (`object_cache.py`).
    """

    def __init__(self, text: str, level: int, promote: bool = False) -> None:
        self.text = text
        self.level = level
        self._key = code_key(text, level, promote)
        with _lock:
            if self._key not in _loaded:
                cache = object_cache()
                found = cache.load(self._key) if cache is not None else None
                if found is None or not load_code(self._key, found):
                    found = [object_code(text, self._key, level, promote)]
                    load_code(self._key, found)
                    if cache is not None:
                        cache.store(self._key, found)

    def address(self, name: str) -> int:
        return function_address(name, self._key)


def code_key(*what: object) -> str:
    """The name of code that is made on a machine like this, in the way that is told."""
    return digest(host().fingerprint(), *map(str, what))


def object_code(text: str, key: str, level: int, promote: bool = False, near: bool = False) -> bytes:
    """Compile LLVM text to an object file, whose functions get the key after their names: all code shares one table of
    symbols. Functions that are declared get it, too, if their names begin with LOCAL.

    near   the text refers to nothing outside but in data that lies among its code, and so may use short addresses: the
           fast code generator needs two thirds of the time then
    """
    llvm = _llvm()
    with _lock:
        module = llvm.parse_assembly(text, llvm.create_context())
        for function in list(module.functions):
            if not function.is_declaration or function.name.startswith(LOCAL):
                function.name += f".{key}"
        if promote:
            _promote(module, host().machine(level))
        if near and host().has_near_code:
            code = bytes(host().machine(level, near=True).emit_object(module))
            if _is_in_one_place(code):
                return code
        return bytes(host().machine(level).emit_object(module))


def _is_in_one_place(code: bytes) -> bool:
    """Will there be one section in memory only? Between two, short addresses may not reach."""
    sections = _llvm().ObjectFileRef.from_data(code).sections()
    return {bytes(section.name() or b"") for section in sections if section.size()} <= _BESIDE_CODE


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


def load_code(key: str, objects: Sequence[bytes], symbols: Iterable[Address] = ()) -> bool:
    """Put object files, which may call each other's functions, into memory. False if LLVM cannot read them.

    Whatever else the code calls or reads must be known (`define_symbol`), or be among `symbols`.
    """
    llvm = _llvm()
    with _lock:
        if key in _loaded:
            return True
        try:
            files = [llvm.ObjectFileRef.from_data(data) for data in objects]
        except RuntimeError:
            return False
        for symbol in symbols:
            define_symbol(symbol.symbol, symbol)
        for file in files:
            host().engine.add_object_file(file)
        host().engine.finalize_object()
        _loaded.add(key)
        return True


def function_address(name: str, key: str) -> int:
    """The address of a function in code that is loaded."""
    with _lock:
        found = int(host().engine.get_function_address(f"{name}.{key}"))
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


def symbol_address(symbol: str) -> Address:
    """What a symbol that begins with "c." (see `c_address`) or "libm." stands for."""
    library, _, name = symbol.partition(".")
    return Address({"c": c_address, "libm": libm_address}[library](name), symbol)


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
