"""Vector mathematics of our own: errors, special values, positions, other machines' code, and the flag that chooses."""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from native_kernels import compiled, elementwise, kernel_program
from vector_errors import (
    AVX2,
    HOST,
    KIND,
    LONGER,
    OF_SCIPY,
    PLAIN,
    TWO_ARGUMENTS,
    error_of,
    errors,
    exact_error,
    exactly,
    greatest_error,
    vector_function,
)

import theano
from theano.backends.native import mathematics, mathematics_error, opcode_text, target
from theano.backends.native.mathematics_constants import ConstantTable
from theano.backends.native.mathematics_text import Machine
from theano.backends.native.vector_text import SIZE, VectorText
from theano.lowering.kernel import MATH

NAMES = sorted(mathematics.FAMILY)
WORST = 2.0  # units in the last place
DTYPES = ["float64", "float32"]
MACHINES = {"host": HOST, "avx2": AVX2, "plain": PLAIN}
AARCH64 = Machine(16, fma=True)


def test_all_are_functions_of_kernels() -> None:
    assert set(NAMES) <= MATH


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("machine", MACHINES)
def test_error(name: str, dtype: str, machine: str) -> None:
    if machine == "avx2" and not target.host().has.get("avx2"):
        pytest.skip("this machine has no AVX2")
    error, where = greatest_error(name, dtype, MACHINES[machine], 20_000 if machine == "host" else 5_000)
    print(f"{name} of {dtype}, {machine}: {error:.3f} units at {where}")
    assert error <= WORST, where


@pytest.mark.parametrize("choice", ["own", "libmvec", "scalar", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_contract_of_kernels(name: str, choice: str) -> None:
    """Kernels compute the same, whose functions they ever call."""
    for dtype in DTYPES:
        with theano.change_flags(vector_math=choice):
            kernel = elementwise("math", [dtype] * (1 + (name in TWO_ARGUMENTS)), dtype, 1, name)
            function = compiled(kernel_program(kernel))
        error, where = error_of(lambda *xs, f=function: f(*xs)[0], name, dtype, 2_000)  # type: ignore[misc]
        # libm's pow and exp10 of floats are compositions here and there; the records promise 4
        assert error <= (WORST if choice == "own" else 4.0), where


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_position_and_neighbours_change_no_bit(name: str, dtype: str) -> None:
    rng = np.random.default_rng(4)
    columns = [np.concatenate([rng.uniform(-3, 3, 40), [1e300, -np.inf, 1e9, np.nan, 0.3]]) for _ in range(2)]
    with np.errstate(over="ignore"):
        arguments = [c.astype(dtype) for c in columns[: 1 + (name in TWO_ARGUMENTS)]]
    with theano.change_flags(vector_math="own"):
        kernel = elementwise("math", [dtype] * len(arguments), dtype, 1, name)
        functions = [compiled(kernel_program(kernel), optimize=optimize) for optimize in (False, True)]
    bits = "i4" if dtype == "float32" else "i8"
    (whole,) = functions[0](*arguments)
    for function in functions:
        for start in range(0, 45, 4):
            for stop in {start + 1, start + 3, start + 17, 45}:
                (part,) = function(*(a[start:stop].copy() for a in arguments))
                np.testing.assert_array_equal(part.view(bits), whole[start:stop].view(bits), err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["erfcx", "tgamma", "lgamma", "psi", "trigamma"])
@pytest.mark.parametrize("machine", MACHINES)
def test_special_values_of_gamma_functions(name: str, dtype: str, machine: str) -> None:
    """Zeros of both signs, poles, infinities, NaN, and what over- and underflows; signs of zeros, too."""
    if machine == "avx2" and not target.host().has.get("avx2"):
        pytest.skip("this machine has no AVX2")
    whole = -np.arange(1.0, 40.0)
    info = np.finfo(dtype)
    values = np.concatenate([
        [0.0, -0.0, np.inf, -np.inf, np.nan, -1e15, -(2.0**23), -(2.0**60), info.max, -float(info.max)],
        [200.5, -200.5, -201.5, -190.25, -1000.5, 1e5, 171.7, 35.1, -27.0, -30.0], whole,
    ]).astype(dtype)  # fmt: skip
    with np.errstate(all="ignore"):
        right = OF_SCIPY[name](values.astype("float64")).astype(dtype)
    found = vector_function(name, dtype, MACHINES[machine])(values)
    special = ~np.isfinite(right) | (right == 0)
    assert special.sum() > 5
    for x, have, want in zip(values[special], found[special], right[special], strict=True):
        where = f"{name}({x!r}) is {have!r}, not {want!r}"
        assert (np.isnan(have) and np.isnan(want)) or have == want, where
        assert np.isnan(want) or np.signbit(have) == np.signbit(want), where


@pytest.mark.parametrize("dtype", DTYPES)
def test_near_zeros_of_log_gamma_and_psi(dtype: str) -> None:
    """Right to the last place for positive numbers, near the zeros, too."""
    for name, zero in (("lgamma", 1.0), ("lgamma", 2.0), ("psi", 1.4616321449683622)):
        x = np.array([zero + side * 2.0**-k for k in range(2, 22) for side in (-1, 1)]).astype(dtype)
        x = np.concatenate([x, np.nextafter(x, np.dtype(dtype).type(9)), np.array([zero], dtype)])
        for a, found in zip(x, vector_function(name, dtype)(x), strict=True):
            right = exactly(name, a)
            if right == 0:
                assert found == 0
            else:
                assert abs(float(found) - right) <= WORST * np.spacing(abs(found.dtype.type(right))), (name, a)


def test_gammaln_and_its_like_agree_with_the_reference() -> None:
    x = theano.tensor.dvector("x")
    ops = [getattr(theano.tensor, name) for name in ("gamma", "gammaln", "psi", "tri_gamma", "erfcx")]
    both = [theano.function([x], [op(x) for op in ops], mode=mode) for mode in (None, "reference")]
    values = np.concatenate([np.linspace(-5.3, 9.1, 97), [0.0, -0.0, -2.0, np.inf, -np.inf, np.nan, 1e-320]])[::-1]
    for op, found, want in zip(ops, *(f(values) for f in both), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-13, atol=1e-14, err_msg=str(op))


@pytest.mark.parametrize("mode", [None, "reference"])
def test_polygamma_of_what_over_and_underflows_in_between(mode: str | None) -> None:
    """Where SciPy's is NaN (200!), 0 (1e11**-31), or takes a step for each unit of -x."""
    n, x = theano.tensor.dcol("n"), theano.tensor.dvector("x")
    function = theano.function([n, x], theano.tensor.polygamma(n, x), mode=mode)
    orders = np.array([[2.0], [30.0], [171.0], [200.0], [700.0]])
    numbers = np.array([1e11, 80.25, 1.5, 300.0, -3e8 - 0.25, -40.75, 1e155])[::-1]
    found = function(orders, numbers)
    for place, value in np.ndenumerate(found):
        right = exactly("polygamma", orders[place[0], 0], numbers[place[1]])
        np.testing.assert_allclose(value, float(right), rtol=5e-15, atol=1e-307)
    ends = function(np.array([[2.0], [3.0]]), np.array([0.0, -0.0, -3.0, -np.inf, np.inf]))
    np.testing.assert_array_equal(ends, [[-np.inf] * 4 + [-0.0], [np.inf] * 4 + [0.0]])
    assert np.isnan(function(np.array([[-1.0], [0.5], [np.nan], [np.inf]]), np.array([0.5, 2.0]))).all()
    assert function(np.ones((0, 1)), numbers).shape == (0, 7)


def _assembly(text: str, triple: str, cpu: str, features: str) -> str:
    llvm = importlib.import_module("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=2)
    return str(machine.emit_assembly(llvm.parse_assembly(text, llvm.create_context())))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_code_for_aarch64(name: str, dtype: str) -> None:
    lanes = 16 // np.dtype(dtype).itemsize
    for triple in ("aarch64-unknown-linux-gnu", "arm64-apple-darwin", "aarch64-pc-windows-msvc"):
        text = mathematics.function_text(name, KIND[dtype], lanes, AARCH64)
        found = _assembly(text, triple, "generic", "+neon")
        assert not re.findall(r"^\s+(?:bl|blr)\s+.*", found, re.M), f"{name} calls something"
        suffix = "2d" if dtype == "float64" else "4s"
        fused = rf"fml[as](\.2d|\.4s)?\s+v\d+(\.{suffix}|\.2d)?"
        assert re.search(fused, found), f"{name} has no fused vector instructions"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_code_for_other_systems(name: str, dtype: str) -> None:
    """No machine's code calls a library, whatever vectors it has."""
    for triple, cpu, machine in (
        ("x86_64-pc-windows-msvc", "x86-64-v3", AVX2), ("x86_64-apple-darwin", "x86-64-v2", PLAIN),
        ("x86_64-unknown-linux-musl", "x86-64-v4", Machine(64, fma=True, scales="all", constants="spread")),
        ("x86_64-unknown-linux-gnu", "x86-64", PLAIN),
    ):  # fmt: skip
        lanes = machine.vector_bytes // np.dtype(dtype).itemsize
        found = _assembly(mathematics.function_text(name, KIND[dtype], lanes, machine), triple, cpu, "")
        assert not re.findall(r"^\s+(?:callq?|jmp)\s+[_@]?[a-z]\w+", found, re.M), f"{name} on {cpu} calls something"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_activations(name: str, dtype: str) -> None:
    """Composed of exp and log1p."""
    if not LONGER:
        pytest.skip("no wider float to compare with")
    x = theano.tensor.TensorType(dtype, (False,))()
    with theano.change_flags(vector_math="own"):
        function = theano.function([x], getattr(theano.tensor.nnet, name)(x))
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.uniform(-6, 6, 3000), rng.uniform(-80, 80, 2000), [-700.0]]).astype(dtype)
    wide = values.astype(np.longdouble)
    with np.errstate(over="ignore"):
        right = 1 / (1 + np.exp(-wide)) if name == "sigmoid" else np.log1p(np.exp(wide))
    normal = (right > np.finfo(dtype).tiny) & np.isfinite(right)
    error = errors(function(values)[normal], right[normal]).max()
    print(f"{name} of {dtype}: {error:.3f} units")
    assert error <= WORST


def test_the_flag_chooses() -> None:
    choices = {}
    for choice in ("own", "libmvec", "scalar"):
        with theano.change_flags(vector_math=choice):
            choices[choice] = opcode_text.implementation("log", "double", 2)
    assert choices["own"] == "own"
    assert choices["scalar"] == ""
    assert choices["libmvec"] in ("libmvec", "")
    x = theano.tensor.vector("x")
    texts = {}
    for choice in choices:
        with theano.change_flags(vector_math=choice):
            kernel = elementwise("math", ["float64"], "float64", 1, "log")
            texts[choice] = _text_of(kernel)
    assert "@mathematics.log." in texts["own"]
    assert "@libm.log" in texts["scalar"] and "@mathematics" not in texts["scalar"]
    with theano.change_flags(vector_math="own"):
        function = theano.function([x], theano.tensor.log(x))
    np.testing.assert_array_equal(function([1.0, 0.0]), [0.0, -np.inf])


def test_the_machine_counts_in_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcode_text, "_libmvec", lambda *what: "a symbol")
    chosen = {}
    for size in (16, 32, 64):
        monkeypatch.setattr(target.host(), "vector_bytes", size)
        chosen[size] = [opcode_text.implementation(name, "double", size // 8) for name in ("exp2", "sin", "tanh")]
    assert chosen == {
        16: ["own", "libmvec", "own"], 32: ["libmvec", "libmvec", "own"], 64: ["own", "libmvec", "own"],
    }  # fmt: skip


def _text_of(kernel: object) -> str:
    return theano.backends.native.compile_program(kernel_program(kernel)).text()  # type: ignore[arg-type]


def test_without_a_library_own_functions_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcode_text, "_libmvec", lambda *what: "")
    for name in NAMES:
        assert opcode_text.implementation(name, "double", 2) == "own"


def test_polynomials_are_what_the_script_makes() -> None:
    script = runpy.run_path(str(Path(__file__).parents[3] / "docs/make_polynomials.py"))
    assert script["main"]("--check") == 0


def test_huge_angles() -> None:
    """The number nearest to a multiple of pi/2 of all doubles, and others that leave little."""
    x = np.array([6381956970095103 * 2.0**797, 5.319372648326541e255, 1e22, 2.0**1023, 1.7976931348623157e308])
    for name in ("sin", "cos", "tan"):
        right = [float(exactly(name, a)) for a in x]
        np.testing.assert_allclose(vector_function(name, "float64")(x), right, rtol=4.5e-16)
    assert abs(vector_function("cos", "float64")(x)[0]) < 1e-18


@pytest.mark.parametrize("spread", [True, False])
def test_table_of_constants(spread: bool) -> None:
    """Equal numbers share a place; none lies across its own alignment; what is quickly made is not read."""
    text = VectorText(4)
    table = ConstantTable(spread)
    assert [table.read(text, kind, value) for kind, value in (("double", 0.0), ("i64", -1), ("i1", 1))] == [""] * 3
    reads = [("float", 1.5), ("double", 1 / 3), ("double", 1 / 3), ("i32", -7), ("double", -0.0), ("float", 1e300)]
    assert all(table.read(text, kind, value) for kind, value in reads)
    places = [int(line.rsplit(" ", 1)[1]) for line in text.lines if "getelementptr" in line]
    assert places[1] == places[2] and len(set(places)) == len(places) - 1
    words = np.array(re.findall(r"i64 (\d+)", table.text()[0].split("] [")[1]), np.uint64).tobytes()
    for (kind, value), place in zip(reads, places, strict=True):
        size, dtype = SIZE[kind], {"float": "f4", "double": "f8", "i32": "i4"}[kind]
        assert place % (size if spread else 4 * size) == 0
        with np.errstate(over="ignore"):
            want = np.full(1 if spread else 4, np.float64(value)).astype(dtype)
        np.testing.assert_array_equal(np.frombuffer(words, dtype, want.size, place), want)
        assert np.signbit(np.frombuffer(words, dtype, 1, place)[0]) == np.signbit(want[0])


def test_nodes_of_the_error_function() -> None:
    """Tables of erf and erfc are right to the last place, and an index of NaN finds something."""
    for dtype, kind in KIND.items():
        steps, number = mathematics_error.STEPS[kind], np.dtype(dtype).type
        for complement in (False, True):
            table = np.array(mathematics_error.table_of(kind, complement))
            assert table.size == 2 * (mathematics_error.MASK + 1)
            for n in range(0, steps * mathematics_error.LAST[kind] + 1, 37):
                r = mp.mpf(n) / steps
                with mp.workdps(40):
                    want = [mp.erfc(r) if complement else mp.erf(r), 2 / mp.sqrt(mp.pi) * mp.exp(-r * r)]
                    assert [number(float(w)) for w in want] == table[2 * n : 2 * n + 2].astype(dtype).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("machine", MACHINES)
def test_seams(dtype: str, machine: str) -> None:
    """Where one way to compute ends and the next begins, for numbers on both sides."""
    if machine == "avx2" and not target.host().has.get("avx2"):
        pytest.skip("this machine has no AVX2")
    angles = [np.pi / 4, 2.0**20, 2.0**10]
    ends = {
        "erf": [1 / 32, 0.75, 4.0, 6.0], "erfc": [1 / 32, 6.0, 9.2, 10.05, 26.5], "exp": [708.0, 709.78, 87.0, 88.7],
        "exp2": [1022.0, 1024.0, 126.0, 128.0], "exp10": [307.0, 308.2, 37.0, 38.5], "sin": angles, "cos": angles,
        "tan": angles,
        "cbrt": [2.0**1020, 2.0**126, 2.0**-1022, 2.0**-126, 2.0**-1074, 2.0**-149],
    }  # fmt: skip
    for name, places in ends.items():
        with np.errstate(over="ignore", under="ignore"):
            typed = np.array(places).astype(dtype)
            typed = typed[np.isfinite(typed)]
            beside = [np.nextafter(typed, np.dtype(dtype).type(to)) for to in (0, np.inf)]
        x = np.concatenate([typed, *beside, typed * 0.9])
        x = np.concatenate([x, -x])
        for a, found in zip(x, vector_function(name, dtype, MACHINES[machine])(x), strict=True):
            if np.isfinite(a) and a != 0:
                assert exact_error(name, found, a) <= WORST, (name, a, found)
