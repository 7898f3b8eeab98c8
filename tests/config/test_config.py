"""Settings: where values come from, what is refused, and how flags are declared."""

import itertools
import os
import subprocess
import sys

import pytest

import theano
from theano import config, configparser
from theano.configparser import AddConfigVar, BoolParam, ConfigParam, EnumStr, FloatParam, IntParam, StrParam

_number = itertools.count()


def fresh_name(prefix="test_flags.flag"):
    return f"{prefix}{next(_number)}"


def in_new_process(code, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith("THEANO")}
    env.setdefault("PYTHONPATH", os.path.dirname(os.path.dirname(theano.__file__)))
    env["THEANORC"] = ""
    env.update(environment)
    code = "from theano._config import config\n" + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_defaults():
    code = "print(config.floatX, config.cast_policy, config.mode, config.linker, config.traceback.limit)"
    lines = in_new_process(code)
    assert lines == ["float64", "custom", "Mode", "cvm", "8"]


def test_flags_win_over_files_and_the_right_most_wins(tmp_path):
    first, second = tmp_path / "a.ini", tmp_path / "b.ini"
    first.write_text("[global]\nfloatX = float32\nopenmp = True\n[traceback]\nlimit = 3\n[scan]\ndebug = 1\n")
    second.write_text("[global]\non_unused_input = warn\nfloatX = float16\n")
    code = "print(config.floatX, config.openmp, config.traceback.limit, config.scan.debug, config.on_unused_input)"
    files = os.pathsep.join(map(str, (first, second, tmp_path / "missing.ini")))
    assert in_new_process(code, THEANORC=files) == ["float16", "True", "3", "True", "warn"]
    flags = "floatX=float32,traceback.limit=5,floatX=float64"
    assert in_new_process(code, THEANORC=files, THEANO_FLAGS=flags) == ["float64", "True", "5", "True", "warn"]


def test_read_only_flags_can_be_set_before_the_import():
    assert in_new_process("print(config.optimizer_excluding)", THEANO_FLAGS="optimizer_excluding=a:b") == ["a:b"]


def test_a_bad_value_in_the_environment_is_an_error():
    env = {**os.environ, "THEANO_FLAGS": "floatX=float8"}
    done = subprocess.run([sys.executable, "-c", "import theano._config"], capture_output=True, text=True, env=env)
    assert done.returncode != 0 and "floatX" in done.stderr and "float8" in done.stderr


def test_assignment_is_filtered():
    with theano.change_flags(floatX="float32"):
        assert config.floatX == "float32"
        with pytest.raises(ValueError, match="valid options are 'float64', 'float32', 'float16'"):
            config.floatX = "float8"
        assert config.floatX == "float32"
    with pytest.raises(ValueError, match="mode"):
        config.mode = "SUPER_FAST"
    with pytest.raises(AttributeError, match="THEANO_FLAGS=device"):
        config.device = "cuda"
    with pytest.raises(AttributeError, match="section"):
        config.traceback = 3
    with pytest.raises(ValueError, match="limit"):
        config.traceback.limit = "many"


def test_unknown_attributes_are_accepted():
    config.something_unheard_of = 1
    try:
        assert config.something_unheard_of == 1
    finally:
        del config.something_unheard_of
    with pytest.raises(AttributeError, match="no flag"):
        config.something_unheard_of  # noqa: B018


def test_change_flags():
    before = config.floatX, config.traceback.limit
    with theano.change_flags([("traceback.limit", 2)], floatX="float16"):
        assert (config.floatX, config.traceback.limit) == ("float16", 2)
        with config.change_flags({"floatX": "float32"}):
            assert config.floatX == "float32"
        assert config.floatX == "float16"
    assert (config.floatX, config.traceback.limit) == before

    @theano.change_flags(floatX="float32", traceback__limit=1)
    def inside(x, *, y):
        """Doc."""
        return config.floatX, config.traceback.limit, x, y

    assert inside(1, y=2) == ("float32", 1, 1, 2) and inside.__doc__ == "Doc."
    with pytest.raises(RuntimeError), theano.change_flags(floatX="float32"):
        raise RuntimeError
    with pytest.raises(ValueError), theano.change_flags(traceback__limit=3, floatX="float8"):
        pass
    assert (config.floatX, config.traceback.limit) == before
    with pytest.raises(AttributeError):
        theano.change_flags(floatY="float32")


def test_traceback_limit_is_obeyed():
    with theano.change_flags(traceback__limit=1):
        x = theano.tensor.dscalar("x")
    assert len(x.origin.frames()) == 1
    with theano.change_flags(traceback__limit=0):
        x = theano.tensor.dscalar("x")
    assert x.origin is None or x.origin.frames() == []


def test_kinds_of_flags():
    cases = [
        (IntParam(3, lambda n: n > 0), "5", 5, ["x", "-1", -1]),
        (FloatParam(0.5), "1e3", 1000.0, ["x"]),
        (BoolParam(False), "true", True, ["maybe", 3]),
        (BoolParam(True), "0", False, ["no"]),
        (StrParam("a", lambda s: s != "b"), "c", "c", ["b"]),
        (EnumStr("one", "two", "None"), "two", "two", ["three"]),
    ]
    for param, text, value, refused in cases:
        name = fresh_name()
        AddConfigVar(name, "a flag", param)
        section, last = config.test_flags, name.split(".")[1]
        setattr(section, last, text)
        assert getattr(section, last) == value
        for bad in refused:
            with pytest.raises(ValueError):
                setattr(section, last, bad)
        assert getattr(section, last) == value


def test_declaring_flags():
    name = fresh_name()
    AddConfigVar(name, "what it is for", ConfigParam(lambda: 42), in_c_key=False)
    assert getattr(config.test_flags, name.split(".")[1]) == 42
    assert name in str(config) and "what it is for" in str(config)
    with pytest.raises(AttributeError, match="declared already"):
        AddConfigVar(name, "again", ConfigParam(1))
    frozen = fresh_name()
    AddConfigVar(frozen, "fixed", StrParam("x", allow_override=False))
    with pytest.raises(AttributeError, match="after the import"):
        setattr(config.test_flags, frozen.split(".")[1], "y")


def test_flags_in_the_environment_before_they_are_declared():
    code = (
        "from theano.configparser import AddConfigVar, IntParam\n"
        "AddConfigVar('my.own', 'mine', IntParam(1))\nprint(config.my.own)"
    )
    assert in_new_process(code, THEANO_FLAGS="my.own=7") == ["7"]


def test_parse_config_string():
    parse = configparser.parse_config_string
    assert parse("a=1, b.c = x ,a=2,") == {"a": "2", "b.c": "x"}
    assert parse("a=b=c") == {"a": "b=c"}
    with pytest.warns(configparser.TheanoConfigWarning, match="'a' has no value"):
        assert parse("a,b=1") == {"b": "1"}
    assert parse("a", issue_warnings=False) == {}


def test_hash_follows_the_flags_that_matter():
    before = configparser.get_config_hash()
    with theano.change_flags(floatX="float32"):
        assert configparser.get_config_hash() != before
    assert configparser.get_config_hash() == before


def test_config_is_printed():
    text = str(config)
    for name in ("floatX", "NanGuardMode.nan_is_error", "traceback.limit", "scan.allow_gc"):
        assert name in text
    assert "device (str, read-only)" in text


def test_old_flags_are_accepted():
    with theano.change_flags(gcc__cxxflags="-O3", blas__ldflags="-lblas"):
        assert config.gcc.cxxflags == "-O3"
    with theano.change_flags(mode=theano.Mode("py", None)):
        assert theano.compile.get_default_mode().linker.backend == "reference"


def test_broken_files_are_warned_of(tmp_path):
    bad = tmp_path / "bad.ini"
    bad.write_text("floatX = float32\n")
    env = {**os.environ, "THEANORC": str(bad), "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", "import theano._config"], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and "Cannot read the settings" in done.stderr
