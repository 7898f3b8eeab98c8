"""The flags: the name, kind, default and meaning of each, and `config`, which holds their values.

What a flag means is told where it is used; `print(config)` lists them all. How settings work, and where their values
come from, is in `_settings.py`. `theano/configparser.py` is the public door.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from theano import _provenance
from theano._settings import (
    AddConfigVar,
    BoolParam,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    StrParam,
    TypedParam,
    bool_,
)
from theano._settings import change_flags as change_flags
from theano._settings import config as config

MODE_NAMES = {"Mode", "FAST_RUN", "FAST_COMPILE", "DebugMode", "DEBUG_MODE", "NanGuardMode", "reference"}
"""Names that the flag `mode` takes; `compile/modes.py` adds those that users register."""


def _mode(value: Any) -> Any:
    if isinstance(value, str) and value not in MODE_NAMES:
        raise ValueError(f"there is no mode of this name; known are {', '.join(sorted(MODE_NAMES))}")
    return value


def _lazy(value: Any) -> bool | None:
    return None if value in (None, "None") else bool_(value)


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
    ("openmp_elemwise_minsize", IntParam(40000), "least work for several threads, in elements of an addition"),
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
