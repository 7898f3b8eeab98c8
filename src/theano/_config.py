"""Settings: the object `config`, where its values come from, and how flags are declared.

A value comes from, in order of precedence: assignment (`config.floatX = "float32"`), the environment variable
THEANO_FLAGS ("k=v,k=v", the right-most wins), the ini files named by THEANORC (default: .theanorc in the home
directory; later files win), the default in the table below. Reading a flag is reading a plain attribute,
because every node that is built reads some.

What a flag means is told where it is used; `print(config)` lists them all. `theano/configparser.py` is the public door.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser as _IniParser
from configparser import Error as _IniError
from functools import wraps
from typing import Any, TypeVar

from theano import _provenance

_F = TypeVar("_F", bound=Callable[..., Any])


class TheanoConfigWarning(Warning):
    """A setting was given in a way that cannot be understood, and was ignored."""


# -- kinds of flags ---------------------------------------------------------------------------------------------------


class ConfigParam:
    """Declaration of one flag.

    default         its value when nobody sets it; a callable is called once, at declaration
    filter          turns what a user gives (often text) into the value; raises ValueError
    allow_override  False: it can only be set by environment variable or file, before the import
    """

    def __init__(
        self, default: Any, filter: Callable[[Any], Any] | None = None, allow_override: bool = True
    ) -> None:
        self.default = default
        self._filter = filter
        self.allow_override = allow_override
        self.fullname = ""
        self.doc = ""
        self.in_c_key = True
        self.on_change: Callable[[Any], None] | None = None

    def filter(self, value: Any) -> Any:
        """What the flag holds when `value` is given; ValueError if it takes no such value."""
        return value if self._filter is None else self._filter(value)

    def first_value(self) -> Any:
        """The default, as the flag holds it."""
        default = self.default() if callable(self.default) else self.default
        return default if default is None else self.filter(default)

    def kind(self) -> str:
        """What values the flag takes, in words."""
        return type(self).__name__.removesuffix("Param").lower()


class EnumStr(ConfigParam):
    """Text among listed options; the first is the default. Case matters, as the original has it."""

    def __init__(self, default: str, *options: str, allow_override: bool = True) -> None:
        super().__init__(default, None, allow_override)
        self.all = (default, *options)

    def filter(self, value: Any) -> Any:
        if value is None and "None" in self.all:
            return "None"
        if value in self.all:
            return value
        raise ValueError(
            f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}; "
            f"valid options are {', '.join(map(repr, self.all))}."
        )

    def kind(self) -> str:
        return "one of " + ", ".join(map(str, self.all))


class TypedParam(ConfigParam):
    """A value made by `mytype` and, if `is_valid` is given, accepted by it."""

    def __init__(
        self,
        default: Any,
        mytype: Callable[[Any], Any],
        is_valid: Callable[[Any], bool] | None = None,
        allow_override: bool = True,
    ) -> None:
        super().__init__(default, None, allow_override)
        self.mytype = mytype
        self.is_valid = is_valid

    def filter(self, value: Any) -> Any:
        try:
            converted = self.mytype(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}: {error}"
            ) from None
        if self.is_valid is not None and not self.is_valid(converted):
            raise ValueError(f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}.")
        return converted

    def kind(self) -> str:
        return getattr(self.mytype, "__name__", "value").strip("_")


def StrParam(
    default: Any, is_valid: Callable[[str], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds text."""
    return TypedParam(default, str, is_valid, allow_override)


def IntParam(
    default: Any, is_valid: Callable[[int], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds an int."""
    return TypedParam(default, int, is_valid, allow_override)


def FloatParam(
    default: Any, is_valid: Callable[[float], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds a float."""
    return TypedParam(default, float, is_valid, allow_override)


def _bool(value: Any) -> bool:
    if value in (True, False):  # 1 and 0 too
        return bool(value)
    text = str(value).lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("give True or False")


def BoolParam(
    default: Any, is_valid: Callable[[bool], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds a bool; accepts True, False, 1, 0 and these as text."""
    return TypedParam(default, _bool, is_valid, allow_override)


# -- where values come from -------------------------------------------------------------------------------------------


def parse_config_string(config_string: str, issue_warnings: bool = True) -> dict[str, str]:
    """{"k": "v"} from "k=v,k=v". The right-most of equal keys wins; text without "=" is warned of and ignored."""
    found = {}
    for part in config_string.split(","):
        part = part.strip()
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals:
            if issue_warnings:
                warnings.warn(f"Config key {part!r} has no value, ignoring it", TheanoConfigWarning, stacklevel=2)
            continue
        found[key.strip()] = value.strip()
    return found


def config_files_from_theanorc() -> list[str]:
    """Paths of the ini files, later ones win."""
    paths = os.getenv("THEANORC", "~/.theanorc").split(os.pathsep)
    if os.name == "nt":
        paths += ["~/.theanorc.txt"]
    return [os.path.expanduser(path) for path in paths if path]


def _read_files(paths: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        if not os.path.isfile(path):
            continue
        parser = _IniParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read(path)
        except (_IniError, OSError, UnicodeDecodeError) as error:
            warnings.warn(f"Cannot read the settings in {path}: {error}", TheanoConfigWarning, stacklevel=3)
            continue
        for section in parser.sections():
            prefix = "" if section == "global" else section + "."
            found.update({prefix + key: value for key, value in parser.items(section)})
    return found


THEANO_FLAGS = os.getenv("THEANO_FLAGS", "")
_from_flags = parse_config_string(THEANO_FLAGS)
_from_files = _read_files(config_files_from_theanorc())


def fetch_val_for_key(key: str, delete_key: bool = False) -> str:
    """The text that THEANO_FLAGS or a file gives for `key` ("section.option" or "option"). KeyError if none does."""
    for source in (_from_flags, _from_files):
        if key in source:
            return source.pop(key) if delete_key else source[key]
    raise KeyError(key)


# -- the settings themselves ------------------------------------------------------------------------------------------


class TheanoConfigParser:
    """`config` and its sections (`config.tensor`, ...): flags are attributes.

    Assigning a declared flag filters the value; assigning an unknown attribute just sets it.
    """

    # all declared flags by attribute name, and the dotted prefix of this section
    _params: dict[str, ConfigParam]
    _prefix: str

    def __init__(self, prefix: str = "") -> None:
        object.__setattr__(self, "_params", {})
        object.__setattr__(self, "_prefix", prefix)

    def __getattr__(self, name: str) -> Any:  # only called when there is no such attribute
        raise AttributeError(f"config has no flag {self._prefix}{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        param = self._params.get(name)
        if param is None:
            if isinstance(self.__dict__.get(name), TheanoConfigParser):
                raise AttributeError(f"config.{self._prefix}{name} is a section; assign to one of its flags")
            object.__setattr__(self, name, value)
            return
        if not param.allow_override:
            raise AttributeError(
                f"config.{param.fullname} cannot be changed after the import; "
                f"set it before, in THEANO_FLAGS={param.fullname}=... or in .theanorc."
            )
        self._set(name, param, param.filter(value))

    def _set(self, name: str, param: ConfigParam, value: Any) -> None:
        object.__setattr__(self, name, value)
        if param.on_change is not None:
            param.on_change(value)

    def _all_params(self) -> list[ConfigParam]:
        found = list(self._params.values())
        for value in self.__dict__.values():
            if isinstance(value, TheanoConfigParser):
                found += value._all_params()
        return found

    def __str__(self) -> str:
        lines = []
        for param in sorted(self._all_params(), key=lambda p: p.fullname):
            lines += [
                f"{param.fullname} ({param.kind()}{'' if param.allow_override else ', read-only'})",
                f"    Doc:  {param.doc}",
                f"    Value:  {_locate(param.fullname)}",
                "",
            ]
        return "\n".join(lines)

    def change_flags(self, args: Any = (), **flags: Any) -> change_flags:
        """Set flags for a while: see `theano.change_flags`."""
        return change_flags(args, **flags)


config = TheanoConfigParser()


def _locate(fullname: str) -> Any:
    section, name = _section_of(fullname)
    return getattr(section, name)


def _section_of(fullname: str) -> tuple[TheanoConfigParser, str]:
    *sections, name = fullname.split(".")
    section: Any = config
    for part in sections:
        section = getattr(section, part)
    return section, name


def AddConfigVar(
    name: str, doc: str, configparam: ConfigParam, root: TheanoConfigParser = config, in_c_key: bool = True
) -> None:
    """Declare the flag `name` (a dotted name makes sections). Its value is taken from the environment or files at
    once; ValueError when that is not valid, AttributeError when the flag exists."""
    section = root
    *parts, last = name.split(".")
    for part in parts:
        inner = section.__dict__.get(part)
        if not isinstance(inner, TheanoConfigParser):
            inner = TheanoConfigParser(f"{section._prefix}{part}.")
            object.__setattr__(section, part, inner)
        section = inner
    if last in section._params:
        raise AttributeError(f"The flag {section._prefix}{last} is declared already")
    configparam.fullname = section._prefix + last
    configparam.doc = doc
    configparam.in_c_key = in_c_key
    try:
        value = configparam.filter(fetch_val_for_key(configparam.fullname))
    except KeyError:
        value = configparam.first_value()
    section._params[last] = configparam
    section._set(last, configparam, value)


def get_config_hash() -> str:
    """A digest of the flags that were declared to change what is compiled (`in_c_key`)."""
    params = sorted((p for p in config._all_params() if p.in_c_key), key=lambda p: p.fullname)
    text = "\n".join(f"{p.fullname} = {_locate(p.fullname)}" for p in params)
    import hashlib  # loads OpenSSL, which no other part needs

    return hashlib.sha256(text.encode()).hexdigest()


class change_flags:
    """Set flags for the length of a `with` block or of a call of the decorated function.

    `with change_flags(floatX="float32"): ...`; dotted names as pairs or a dict:
    `change_flags([("traceback.limit", 0)])`, or with two underscores: `change_flags(traceback__limit=0)`.

    >>> import theano
    >>> with theano.change_flags(floatX="float32"):
    ...     theano.tensor.vector("v").dtype
    'float32'
    """

    def __init__(self, args: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **flags: Any) -> None:
        self._wanted = dict(args)
        self._wanted.update({name.replace("__", "."): value for name, value in flags.items()})
        for name in self._wanted:
            section, last = _section_of(name)
            if last not in section._params:
                raise AttributeError(f"config has no flag {name}")
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        before: dict[str, Any] = {}
        self._before.append(before)
        try:
            for name, value in self._wanted.items():
                section, last = _section_of(name)
                old = getattr(section, last)
                setattr(section, last, value)
                before[name] = old
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exception: object) -> None:
        for name, value in self._before.pop().items():
            section, last = _section_of(name)
            section._set(last, section._params[last], value)

    def __call__(self, function: _F) -> _F:
        @wraps(function)
        def with_flags(*args: Any, **kwargs: Any) -> Any:
            with change_flags(self._wanted):
                return function(*args, **kwargs)

        return with_flags  # type: ignore[return-value]


# -- the flags --------------------------------------------------------------------------------------------------------

MODE_NAMES = {"Mode", "FAST_RUN", "FAST_COMPILE", "DebugMode", "DEBUG_MODE", "NanGuardMode", "reference"}
"""Names that the flag `mode` takes; `compile/modes.py` adds those that users register."""


def _mode(value: Any) -> Any:
    if isinstance(value, str) and value not in MODE_NAMES:
        raise ValueError(f"there is no mode of this name; known are {', '.join(sorted(MODE_NAMES))}")
    return value


def _lazy(value: Any) -> bool | None:
    return None if value in (None, "None") else _bool(value)


def _seed(value: Any) -> Any:
    return value if value == "random" else int(value)


def _directory(path: Any) -> str:
    """The value of compiledir. In compiledir_format, %(name)s stands for what it names, or for nothing."""
    if path:
        return os.path.expanduser(path)
    text = config.compiledir_format
    if "%(" in text:
        machine, node = (os.uname().machine, os.uname().nodename) if hasattr(os, "uname") else ("", "")
        names = {
            "platform": f"{sys.platform}-{machine}", "short_platform": f"{sys.platform}-{machine}",
            "processor": machine, "hostname": node, "python_version": ".".join(map(str, sys.version_info[:3])),
            "python_bitwidth": sys.maxsize.bit_length() + 1, "python_int_bitwidth": sys.maxsize.bit_length() + 1,
            "device": "cpu",
        }  # fmt: skip
        text = re.sub(r"%\((\w+)\)s", lambda found: str(names.get(found[1], "")), text)
    return os.path.join(config.base_compiledir, text)


_SEVERITY = ("ignore", "warn", "raise", "pdb")
_SEVERITY_WARN = ("warn", "raise", "pdb", "ignore")
_SEVERITY_RAISE = ("raise", "warn", "pdb")
_TEST_VALUES = ("off", "ignore", "warn", "raise", "pdb")
_SETERR = ("ignore", "warn", "raise", "call", "print", "log")

# (name, kind with default, what it means). Kinds: EnumStr etc. One line a flag. Flags whose meaning begins with
# "no effect", and those of OLD_FLAGS below, are accepted because programs and settings files of the original set them.
FLAGS: list[tuple[str, ConfigParam, str]] = [
    ("floatX", EnumStr("float64", "float32", "float16"), "dtype of untyped constructors and of int / int"),
    ("warn_float64", EnumStr(*_SEVERITY), "what to do when a float64 tensor variable is made"),
    ("pickle_test_value", BoolParam(True), "keep tag.test_value in pickles"),
    ("cast_policy", EnumStr("custom", "numpy+floatX"), "how Python numbers get their dtype"),
    ("int_division", EnumStr("int", "raise", "floatX"), "what div_proxy does with two ints"),
    ("deterministic", EnumStr("default", "more"), "no effect: there are no other implementations"),
    ("exact", BoolParam(False), "do only rewrites that are exact in IEEE arithmetic"),
    ("device", StrParam("cpu", allow_override=False), "no effect: functions run on the CPU"),
    ("init_gpu_device", StrParam("", allow_override=False), "no effect: functions run on the CPU"),
    ("force_device", BoolParam(False, allow_override=False), "no effect: functions run on the CPU"),
    ("conv.assert_shape", BoolParam(False), "check the shapes that users give to convolutions at run time"),
    ("print_global_stats", BoolParam(False), "print totals at exit"),
    ("contexts", StrParam(""), "no effect: functions run on the CPU"),
    ("print_active_device", BoolParam(True, allow_override=False), "no effect: functions run on the CPU"),
    ("gpuarray.preallocate", FloatParam(0, allow_override=False), "no effect: functions run on the CPU"),
    ("gpuarray.sched", EnumStr("default", "multi", "single"), "no effect: functions run on the CPU"),
    ("assert_no_cpu_op", EnumStr(*_SEVERITY), "no effect: functions run on the CPU"),
    ("mode", TypedParam("Mode", _mode), "mode of functions that are given none"),
    ("cxx", StrParam(""), "no effect: no C++ compiler is ever used"),
    (
        "linker",
        EnumStr("cvm", "c|py", "py", "c", "c|py_nogc", "vm", "vm_nogc", "cvm_nogc"),
        "backend when mode=Mode: cvm and c mean native; py and vm mean reference",
    ),
    ("allow_gc", BoolParam(True), "False: freed memory is kept for later calls without a limit, until Function.free()"),
    (
        "pool_bytes",
        IntParam(-1),
        "most bytes of large freed results kept for the next; 0: none; -1: an eighth of the memory, at most 1 GiB",
    ),
    (
        "optimizer",
        EnumStr("o4", "o3", "o2", "o1", "unsafe", "fast_run", "fast_compile", "merge", "None"),
        "rewriting level when mode=Mode",
    ),
    ("optimizer_verbose", BoolParam(False), "print each rewrite that is applied"),
    ("on_opt_error", EnumStr(*_SEVERITY_WARN), "what to do when a rewrite raises"),
    ("on_unused_input", EnumStr("raise", "warn", "ignore"), "what function() does with an input that is not used"),
    ("tensor.cmp_sloppy", IntParam(0, allow_override=False), "loosen the default comparison tolerances"),
    ("tensor.local_elemwise_fusion", BoolParam(True), "fuse elementwise operations"),
    ("gpu.local_elemwise_fusion", BoolParam(True), "no effect: functions run on the CPU"),
    ("traceback.limit", IntParam(8), "frames of the user's program kept for each node; -1: all"),
    (
        "traceback.compile_limit",
        IntParam(0),
        "no effect: nodes made while compiling name the lines of those that they replace",
    ),
    ("experimental.unpickle_gpu_on_cpu", BoolParam(False), "no effect: GPU arrays are not read"),
    (
        "numpy.seterr_all",
        EnumStr(*_SETERR, "None", allow_override=False),
        "no effect: NumPy's own setting is left alone",
    ),
    (
        "numpy.seterr_divide",
        EnumStr("None", *_SETERR, allow_override=False),
        "no effect: NumPy's own setting is left alone",
    ),
    (
        "numpy.seterr_over",
        EnumStr("None", *_SETERR, allow_override=False),
        "no effect: NumPy's own setting is left alone",
    ),
    (
        "numpy.seterr_under",
        EnumStr("None", *_SETERR, allow_override=False),
        "no effect: NumPy's own setting is left alone",
    ),
    (
        "numpy.seterr_invalid",
        EnumStr("None", *_SETERR, allow_override=False),
        "no effect: NumPy's own setting is left alone",
    ),
    (
        "vector_math",
        EnumStr("auto", "own", "libmvec", "scalar"),
        "whose exp, sin, …: the library's own, glibc's vectors, or one by one; auto: the faster of the first two",
    ),
    ("warn.round", BoolParam(False), "no effect: the mode of round is half_to_even"),
    ("compute_test_value", EnumStr(*_TEST_VALUES), "evaluate tag.test_value while graphs are built"),
    ("print_test_value", BoolParam(False), "show test values in the repr of variables"),
    (
        "compute_test_value_opt",
        EnumStr(*_TEST_VALUES),
        "no effect: test values are not evaluated while graphs are rewritten",
    ),
    ("unpickle_function", BoolParam(True), "False: a pickled function loads as None"),
    ("reoptimize_unpickled_function", BoolParam(False), "rewrite again when a function is loaded"),
    ("exception_verbosity", EnumStr("low", "high"), "high: run-time errors show the graph and all values"),
    ("openmp", BoolParam(True), "let native code use several threads; OMP_NUM_THREADS says how many"),
    ("openmp_elemwise_minsize", IntParam(200000), "least work for several threads, in elements of an addition"),
    ("check_input", BoolParam(True), "no effect: arguments are checked"),
    ("unittests.rseed", TypedParam(666, _seed), "no effect: tests choose their own seeds"),
    ("NanGuardMode.nan_is_error", BoolParam(True), "default of NanGuardMode"),
    ("NanGuardMode.inf_is_error", BoolParam(True), "default of NanGuardMode"),
    ("NanGuardMode.big_is_error", BoolParam(True), "default of NanGuardMode: magnitudes above 1e10"),
    ("NanGuardMode.action", EnumStr(*_SEVERITY_RAISE), "what NanGuardMode does"),
    ("optimizer_excluding", StrParam("", allow_override=False), "tags removed from the default rewrites: a:b:c"),
    ("optimizer_including", StrParam("", allow_override=False), "tags added to the default rewrites"),
    ("optimizer_requiring", StrParam("", allow_override=False), "tags required of the default rewrites"),
    ("DebugMode.patience", IntParam(10, lambda n: n > 0), "times that rewriting is repeated"),
    ("DebugMode.check_c", BoolParam(True), "run every node in native code too, and compare"),
    ("DebugMode.check_py", BoolParam(True), "run perform"),
    ("DebugMode.check_finite", BoolParam(True), "complain about NaN and Inf"),
    ("DebugMode.check_strides", IntParam(0, lambda n: n in (0, 1, 2)), "compare strides"),
    ("DebugMode.warn_input_not_reused", BoolParam(True), "no effect: there are no in-place ops"),
    ("DebugMode.check_preallocated_output", StrParam(""), "kinds of preallocated outputs to try: a:b"),
    ("DebugMode.check_preallocated_output_ndim", IntParam(4, lambda n: n > 0), "no effect: all arrays are tried"),
    ("profiling.time_thunks", BoolParam(True), "time each step"),
    ("profiling.n_apply", IntParam(20, lambda n: n >= 0), "rows of the node table"),
    ("profiling.n_ops", IntParam(20, lambda n: n >= 0), "rows of the op table"),
    ("profiling.output_line_width", IntParam(512, lambda n: n > 0), "width of lines"),
    ("profiling.min_memory_size", IntParam(1024, lambda n: n >= 0), "hide outputs smaller than this (bytes)"),
    ("profiling.min_peak_memory", BoolParam(False), "no effect: the order of steps is kept"),
    ("profiling.destination", StrParam("stderr"), "stderr, stdout or a file"),
    ("profiling.debugprint", BoolParam(False), "no effect: use theano.printing.debugprint"),
    ("profiling.ignore_first_call", BoolParam(False), "leave out the first call"),
    (
        "optdb.position_cutoff",
        FloatParam(float("inf")),
        "leave out passes and rewrites of optdb beyond this position",
    ),
    ("optdb.max_use_ratio", FloatParam(8.0), "replacements for each node after which an EquilibriumOptimizer stops"),
    ("metaopt.verbose", IntParam(0, lambda n: n in (0, 1, 2)), "1: LocalMetaOptimizer logs failures, 2: times"),
    ("metaopt.optimizer_excluding", StrParam(""), "tags of alternatives that LocalMetaOptimizer does not try: a:b"),
    ("metaopt.optimizer_including", StrParam(""), "tags of alternatives that LocalMetaOptimizer tries: a:b"),
    ("profile", BoolParam(False), "profile all functions"),
    ("profile_optimizer", BoolParam(False), "no effect: a profile always has the time of rewriting"),
    ("profile_memory", BoolParam(False), "no effect: a profile always has the memory of a call"),
    ("vm.lazy", TypedParam("None", _lazy), "no effect"),
    ("on_shape_error", EnumStr("warn", "raise"), "no effect: what infer_shape raises is raised"),
    ("tensor.insert_inplace_optimizer_validate_nb", IntParam(-1), "no effect: there are no in-place rewrites"),
    ("experimental.local_alloc_elemwise_assert", BoolParam(True), "no effect: checks of lengths are always kept"),
    ("scan.allow_gc", BoolParam(False), "no effect"),
    ("scan.allow_output_prealloc", BoolParam(True), "no effect"),
    ("scan.debug", BoolParam(False), "no effect"),
    ("cycle_detection", EnumStr("regular", "fast"), "no effect: there are no in-place rewrites"),
    ("check_stack_trace", EnumStr("off", "log", "warn", "raise"), "of CheckStackTraceOptimization"),
    ("cache.enabled", BoolParam(True), "keep machine code on disk for later processes"),
    ("cache.max_bytes", IntParam(256 << 20), "most bytes of machine code kept on disk"),
    ("compiledir_format", StrParam("compiledir", allow_override=False), "the name of compiledir in base_compiledir"),
    ("base_compiledir", TypedParam("~/.theano", os.path.expanduser, None, False), "where compiledir is by default"),
    (
        "compiledir", TypedParam("", _directory, None, False),
        "the directory of machine code on disk; empty: base_compiledir/compiledir_format",
    ),
]

# flags of the original's C and GPU backends, which programs and settings files still set: accepted, without effect
OLD_FLAGS: list[tuple[str, str | bool | int]] = [
    ("gpuarray.sync", False), ("gpuarray.single_stream", True), ("gpuarray.cache_path", ""), ("cuda.root", ""),
    ("cuda.include_path", ""), ("dnn.conv.workmem", ""), ("dnn.conv.workmem_bwd", ""), ("dnn.conv.algo_bwd", ""),
    ("dnn.conv.algo_fwd", "small"), ("dnn.conv.algo_bwd_data", "none"), ("dnn.conv.algo_bwd_filter", "none"),
    ("dnn.conv.precision", "as_input_f32"), ("dnn.base_path", ""), ("dnn.include_path", ""), ("dnn.library_path", ""),
    ("dnn.bin_path", ""), ("dnn.enabled", "auto"), ("magma.include_path", ""), ("magma.library_path", ""),
    ("magma.enabled", False), ("nocleanup", False), ("lib.amdlibm", False), ("gpuelemwise.sync", True),
    ("warn.ignore_bug_before", "0.9"), ("cache_optimizations", False), ("gcc.cxxflags", ""),
    ("cmodule.warn_no_version", False), ("cmodule.remove_gxx_opt", False), ("cmodule.compilation_warning", False),
    ("cmodule.preload_cache", False), ("cmodule.age_thresh_use", 2073600), ("cmodule.debug", False),
    ("blas.ldflags", ""), ("blas.check_openmp", True), ("experimental.local_alloc_elemwise", True),
    ("compile.wait", 5), ("compile.timeout", 120), ("ctc.root", ""),
]  # fmt: skip


def _declare() -> None:
    for name, param, doc in FLAGS:
        AddConfigVar(name, doc, param)
    kinds = {bool: BoolParam, int: IntParam, str: StrParam}
    for name, default in OLD_FLAGS:
        AddConfigVar(name, "no effect: belongs to a backend that does not exist here", kinds[type(default)](default))


def _set_traceback_limit(limit: int) -> None:
    _provenance.limit = limit


_declare()
config.traceback._params["limit"].on_change = _set_traceback_limit
_set_traceback_limit(config.traceback.limit)
