"""The run-time system's units: their text, and code that lies in one place."""

import ast
import ctypes
import re
from pathlib import Path

import pytest

from theano.backends.native import runtime, runtime_language, target, unit_code, unit_text
from theano.backends.native.object_cache import digest

FOLDER = Path(runtime.__file__).parent
PARTS = sorted(
    path.stem.removeprefix("runtime_") for path in FOLDER.glob("runtime_*.py") if path.stem != "runtime_language"
)


def unit_of(source, near=False, **known):
    unit = unit_text.Unit("runtime", ast.parse(source), known, near)
    return unit, unit.text()


def function(text, name, **how):
    key = digest(text, repr(how))
    target.load_code(key, [target.object_code(text, key, 0, **how)])
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(target.function_address(f"runtime.{name}", key))


@pytest.mark.skipif(not target.host().has_near_code, reason="this machine has no short addresses")
@pytest.mark.parametrize("part", PARTS)
def test_quick_code_of_every_part_lies_in_one_place(part):
    system = runtime.runtime()
    system._load(part)
    known = dict(system.known)
    for other, names in unit_text.imported_names(part).items():
        known.update({name: system.scopes[other][name] for name in names})
    unit = unit_text.runtime_unit([part], known, near=True)
    text, key = unit.text(), digest(part)
    module = target._llvm().parse_assembly(text, target._llvm().create_context())
    code = bytes(target.host().machine(0, near=True).emit_object(module))
    assert target._is_in_one_place(code)
    assert unit.functions == [] or len(target.object_code(text, key, 0, near=True)) < len(
        target.object_code(text, key, 0)
    )


@pytest.mark.parametrize("near", [False, True])
def test_places_outside_are_found_either_way(near):
    source = """
def sum_of_words(n):
    store64(FIRST, load64(FIRST) + n)
    return load64(FIRST) + load64(SECOND) + labs(-n) + ZERO
"""
    words = (ctypes.c_int64 * 2)(40, 500)
    first = target.Address(ctypes.addressof(words), f"test:FIRST{near}")
    second = target.Address(ctypes.addressof(words) + 8, f"test:SECOND{near}")
    unit, text = unit_of(source, near, FIRST=first, SECOND=second, ZERO=0)
    assert function(text, "sum_of_words", near=near)(2) == 42 + 500 + 2
    assert list(unit.used) == [first.symbol, second.symbol, "c.labs"]
    assert not re.search(r"\d{8}", text)  # no address is in the text


@pytest.mark.skipif(not target.host().has_near_code, reason="this machine has no short addresses")
def test_code_in_several_places_gets_long_addresses():
    text = """
@table = internal constant [4 x i64] [i64 3, i64 1, i64 4, i64 1]
define i64 @runtime.nth(i64 %n) {
  %p = getelementptr i64, ptr @table, i64 %n
  %v = load i64, ptr %p
  ret i64 %v
}
"""
    key = digest(text)
    module = target._llvm().parse_assembly(text)
    assert not target._is_in_one_place(bytes(target.host().machine(0, near=True).emit_object(module)))
    assert target.object_code(text, key, 0, near=True) == target.object_code(text, key, 0)
    assert [function(text, "nth", near=True)(n) for n in range(4)] == [3, 1, 4, 1]


def test_pieces_are_the_whole():
    source = "\n".join(f"def f{n}(a):\n    return {f'f{n - 1}(a) + ' if n else ''}{n}" for n in range(20))
    unit = unit_text.Unit("runtime", ast.parse(source), {})
    pieces = unit.pieces(200)
    assert 5 < len(pieces) < 20
    defined = re.findall(r"define i64 @runtime\.f(\d+)", "".join(pieces))
    assert defined == [str(n) for n in range(20)]
    key = digest("pieces")
    target.load_code(key, [target.object_code(piece, key, 1, promote=True) for piece in pieces])
    found = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(target.function_address("runtime.f19", key))
    assert found(0) == sum(range(20))


def test_improving_may_be_stopped_and_go_on(monkeypatch):
    monkeypatch.setattr(unit_code, "PIECE", 500)
    system = runtime.runtime()
    unit = unit_code.UnitCode(["threads"], system.known)
    unit.load((unit_code.QUICK,))
    quick = unit.address("thread_count")
    told = iter([False, True])
    assert not unit.improve(lambda: next(told, True)) and unit.address("thread_count") == quick
    assert unit.improve(lambda: False) and unit.level == unit_code.GOOD
    assert unit.address("thread_count") != quick and unit.address("thread_count").symbol == quick.symbol
    assert unit.improve(lambda: pytest.fail("it is good already"))


@pytest.mark.parametrize("wrong, line", [
    ("def f(a):\n    for b in a:\n        pass\n", 4), ("def f(a):\n    return a.b\n", 4),
    ("def f(a):\n    return 'text'\n", 4), ("def f(a):\n    return a.b(1)\n", 4),
])  # fmt: skip
def test_what_is_not_in_the_language_is_found_at_its_line(wrong, line, monkeypatch):
    imports = "from theano.backends.native.runtime_core import (\n    fail,\n)\n"
    monkeypatch.setattr(unit_text, "source", lambda name: imports[:-1].replace("\n", " ", 1) + "\n" + wrong)
    with pytest.raises(SyntaxError, match=f"runtime:{line}: .* is not in the language"):
        unit_text.runtime_unit(["core"], {}).text()


def test_unknown_names():
    with pytest.raises(NameError, match="surely_not_there is neither defined nor imported, nor a C function"):
        unit_of("def f(a):\n    return surely_not_there(a)\n")
    with pytest.raises(NotImplementedError, match="nowhere"):
        unit_text.source("nowhere")


def test_the_words_are_words_only():
    for word in ("load8", "store64", "stack", "invoke", "ref", "fadd"):
        with pytest.raises(NotImplementedError):
            getattr(runtime_language, word)(*[0] * getattr(runtime_language, word).__code__.co_argcount)
