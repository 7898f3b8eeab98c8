"""What could bring native code down: run in a process of its own by `test_survival.py`, never collected as tests.

    python survival_cases.py MODE

Every function here is a case. Its name is printed before it runs, so that the parent knows which one crashed. A case
raises AssertionError where an answer is wrong; an error of the natural kind is an answer, too.
"""

import contextlib
import itertools
import resource
import sys
import traceback

import numpy as np

import theano
import theano.tensor as tt

MODE = sys.argv[1] if len(sys.argv) > 1 else "FAST_RUN"
BIG = 2**62
REFUSES = (ValueError, MemoryError, IndexError, OverflowError, TypeError)
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def compiled(inputs, outputs, **options):
    return theano.function(inputs, outputs, mode=MODE, **options)


def refused(f, *args, by=REFUSES):
    try:
        result = f(*args)
    except by as error:
        assert len(str(error).splitlines()) <= 25, error
        return
    raise AssertionError(f"accepted: {np.shape(result)}")


def same(got, expected):
    assert np.asarray(got).dtype == np.asarray(expected).dtype, (got.dtype, np.asarray(expected).dtype)
    np.testing.assert_array_equal(got, expected)


def integer_division_by_zero_and_overflow():
    for dtype in INTS:
        info = np.iinfo(dtype)
        values = np.array([info.min, info.min + 1, 0, 1, info.max, 7], dtype)
        by = np.array([0, info.max, 1] + ([-1] if info.min else []), dtype)
        a, b = tt.vector("a", dtype=dtype), tt.vector("b", dtype=dtype)
        p, q = tt.scalar("p", dtype=dtype), tt.scalar("q", dtype=dtype)
        f = compiled([a, b], [a // b, a % b])
        g = compiled([p, q], [p // q, p % q])
        for divisor in by:
            many = np.full(len(values), divisor)
            with np.errstate(all="ignore"):
                expected = [values // many, values % many]
            for got, right in zip(f(values, many), expected):
                same(got, right)
            for k, v in enumerate(values):
                for got, right in zip(g(v, divisor), expected):
                    same(got, right[k])
            h = compiled([a], [a // divisor, a % divisor])  # a constant divisor takes other ways
            for got, right in zip(h(values), expected):
                same(got, right)


def constants_divided_by_zero():
    zero = tt.constant(np.int64(0))
    with np.errstate(all="ignore"):
        f = compiled([], [tt.constant(np.int64(5)) // zero, tt.constant(np.int64(-5)) % zero,
                          tt.constant(np.int64(-(2**63))) // tt.constant(np.int64(-1))])  # fmt: skip
        assert [int(v) for v in f()] == [0, 0, -(2**63)]


def integers_out_of_floats():
    for source, target in itertools.product(["float32", "float64"], INTS):
        x = tt.vector("x", dtype=source)
        f = compiled([x], tt.cast(x, target))
        f(np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, -1.5, 0.0] * 3, source))
        same(f(np.array([1.9, -0.5, 100.0], source)), np.array([1, 0, 100], target))


def lengths_whose_product_wraps_around():
    x, i, j = tt.dvector("x"), tt.lscalar("i"), tt.lscalar("j")
    reshape = compiled([x, i, j], x.reshape((i, j)) + 1)
    none = np.ones(0)
    for a, b in [(2**32, 2**32), (2**62, 4), (2**63 - 1, 2), (2**33, 2**31), (-(2**63), 2), (BIG, 0), (0, BIG)]:
        try:
            result = reshape(none, a, b)
        except REFUSES:
            continue
        assert a * b == 0, (a, b)
        assert result.shape == (a, b)
    zeros = compiled([i, j], tt.zeros((i, j)) + 1)
    filled = compiled([i, j, x], tt.alloc(x[0], i, j))
    for a, b in [(2**32, 2**32), (2**61 + 1, 1), (1, 2**61 + 1), (2**63 - 1, 2**63 - 1), (BIG, 4), (2**60, 2)]:
        refused(zeros, a, b)
        refused(filled, a, b, np.ones(1))
    for f in (zeros, compiled([i, j], tt.ones((i, j), dtype="int8"))):
        for shape in [(0, 5), (5, 0), (0, 0), (0, 2**31)]:
            assert f(*shape).shape == shape


def empty_arrays_with_huge_axes():
    m, i = tt.dmatrix("m"), tt.lscalar("i")
    huge = np.broadcast_to(np.float64(1.0), (0, 2**40))
    tall = huge.T
    f = compiled([m], [m + 1, m.sum(), m.T, m[:, ::2**39], m * 2 - m[::-1], tt.exp(m).prod()])
    for value in (huge, tall[:, :0]):
        got = f(value)
        assert got[0].shape == value.shape and got[1] == 0.0 and got[2].shape == value.shape[::-1]
    refused(compiled([m], m.sum(axis=0) + 1), huge)
    refused(compiled([m], tt.dot(m.T, m)), huge)
    assert compiled([m], tt.dot(m, m.T))(huge).shape == (0, 0)
    refused(compiled([m], m.max(axis=0)), huge)
    assert compiled([m, i], m[:, i])(huge, 2**39).shape == (0,)
    refused(compiled([m, i], m[:, i]), huge, 2**40)
    refused(compiled([m], tt.tile(m.T, (1, 3)).sum(axis=1) + 1), huge)


def arrays_larger_than_memory():
    x, y, i = tt.dvector("x"), tt.dvector("y"), tt.lscalar("i")
    wide = np.broadcast_to(np.float64(1.0), (2**45,))
    refused(compiled([x], x + 1), wide)
    refused(compiled([x], tt.exp(x) * 2), wide)
    refused(compiled([x], x), wide)
    refused(compiled([x, y], tt.concatenate([x, y])), wide, wide)
    refused(compiled([x], x.cumsum()), wide)
    refused(compiled([x], tt.set_subtensor(x[0], 2.0)), wide)
    assert compiled([x, i], x[i])(wide, -1) == 1.0
    assert compiled([x], x[:: 2**43])(wide).tolist() == [1.0] * 4
    assert compiled([x], x.shape[0] * 2)(wide) == 2**46
    far = np.broadcast_to(np.int8(1), (2**62,))
    b, c = tt.bvector("b"), tt.bvector("c")
    refused(compiled([b, c], tt.concatenate([b, c])), far, far)
    refused(compiled([b, c], tt.concatenate([b, c])[:3]), far, far, by=(*REFUSES,))
    refused(compiled([b], tt.outer(b, b)), far)
    refused(compiled([b], tt.tile(b, 4)), far)


def counts_that_overflow():
    x, p = tt.dvector("x"), tt.lvector("p")
    ones = np.ones(4)
    repeat = compiled([x, p], tt.repeat(x, p))
    for counts in ([BIG] * 4, [2**63 - 1, 1, 0, 0], [-1, 1, 1, 1], [2**63 - 1] * 4):
        refused(repeat, ones, counts)
    pieces = compiled([x, p], tt.split(x, p, 4))
    for sizes in ([BIG] * 4, [2**63 - 1, 2**63 - 1, 6, 0], [5, -1, 0, 0], [-(2**63), 2**63 - 1, 5, 0]):
        refused(pieces, ones, sizes)
    start, stop, step = tt.lscalars("start", "stop", "step")
    arange = compiled([start, stop, step], tt.arange(start, stop, step))
    for bounds in [(-(2**63), 2**63 - 1, 1), (0, 2**63 - 1, 1), (2**63 - 1, -(2**63), -1), (0, 1, 0)]:
        try:
            refused(arange, *bounds)
        except ZeroDivisionError:
            assert bounds[2] == 0
    same(arange(0, 2**63 - 1, 2**62), np.arange(0, 2**63 - 1, 2**62))
    same(arange(-(2**63), 2**63 - 1, 2**62), np.array([-(2**63), -(2**62), 0, 2**62]))
    assert arange(2**63 - 1, -(2**63), 1).shape == (0,)
    lengths = compiled([start, stop, step], tt.arange(start, stop, step).shape[0])
    ends = [-(2**63), -(2**63) + 1, -5, -1, 0, 1, 7, 2**62, 2**63 - 2, 2**63 - 1]
    by = [1, -1, 2, -7, 2**62, -(2**62), -(2**63)]
    ranges = {c: compiled([start, stop], tt.arange(start, stop, c)) for c in by}
    lengths_by = {c: compiled([start, stop], tt.arange(start, stop, c).shape[0]) for c in by}
    for a, b, c in itertools.product(ends, ends, by):
        count = min(max(-((a - b) // c), 0), 2**63 - 1)
        with contextlib.suppress(MemoryError) if count > 2**32 else contextlib.nullcontext():
            assert lengths(a, b, c) == lengths_by[c](a, b) == count, (a, b, c)
        if count < 20:
            assert ranges[c](a, b).tolist() == list(range(a, b, c)), (a, b, c)


def slices_at_the_limits():
    x, start, stop, step = tt.dvector("x"), *tt.lscalars("start", "stop", "step")
    f = compiled([x, start, stop, step], [x[start:stop:step], tt.set_subtensor(x[start:stop:step], 0.0),
                                          x[start:stop:step].shape[0]])  # fmt: skip
    limits = [-(2**63), -(2**63) + 1, -4, -1, 0, 1, 3, 4, 2**62, 2**63 - 1]
    for length in (0, 1, 4):
        value = np.arange(float(length))
        for a, b, c in itertools.product(limits, limits, [-(2**63), -(2**63) + 1, -2, -1, 1, 3, 2**63 - 1]):
            expected = value[a:b:c] if c != -(2**63) else value[a:b : c + 1]
            written = value.copy()
            written[a : b : max(c, -(2**63) + 1)] = 0.0
            part, changed, count = f(value, a, b, c)
            assert part.tolist() == expected.tolist(), (length, a, b, c)
            assert changed.tolist() == written.tolist() and count == len(expected), (length, a, b, c)


def indices_at_the_limits():
    for dtype in INTS:
        x, p, y = tt.dvector("x"), tt.vector("p", dtype=dtype), tt.dvector("y")
        read = compiled([x, p], [x[p], x[p] * 2])
        write = compiled([x, p, y], [tt.set_subtensor(x[p], y), tt.inc_subtensor(x[p], y)])
        info = np.iinfo(dtype)
        for bad in (info.max, info.min if info.min else 5, 5):
            if bad == 2**64 - 1:
                continue  # NumPy takes it for -1
            refused(read, np.ones(5), np.array([0, bad], dtype))
            refused(write, np.ones(5), np.array([0, bad], dtype), np.ones(2))
        assert read(np.arange(5.0), np.array([4, 0], dtype))[0].tolist() == [4.0, 0.0]


def products_of_every_layout():
    rng = np.random.RandomState(0)
    for dtype in ("float64", "float32"):
        a, b = tt.matrix("a", dtype=dtype), tt.matrix("b", dtype=dtype)
        v, w, c = tt.vector("v", dtype=dtype), tt.vector("w", dtype=dtype), tt.matrix("c", dtype=dtype)
        f = compiled([a, b, c], [tt.dot(a, b), 2 * tt.dot(a, b) + 3 * c])
        g = compiled([a, v, w], [tt.dot(a, v), tt.dot(w, a), w + tt.dot(a, v), a + tt.outer(w, v), tt.dot(v, v)])

        def layouts(rows, columns, dtype=dtype):
            base = rng.normal(size=(2 * rows + 2, 2 * columns + 2)).astype(dtype)
            yield np.ascontiguousarray(base[:rows, :columns])
            yield np.asfortranarray(base[:rows, :columns])
            yield base[: 2 * rows : 2, : 2 * columns : 2]
            yield base[:rows, :columns][::-1, ::-1]
            yield np.broadcast_to(base[:1, :1], (rows, columns))
            yield np.broadcast_to(base[0, :columns], (rows, columns))
            yield base.T[:columns, :rows].T

        tolerance = 1e-12 if dtype == "float64" else 1e-4
        for n, k, m in itertools.product([0, 1, 3], [0, 1, 2], [0, 1, 4]):
            c_value = rng.normal(size=(n, m)).astype(dtype)
            for x, y in zip(layouts(n, k), layouts(k, m)):
                product = x.astype(float) @ y.astype(float)
                one, two = f(x, y, c_value)
                np.testing.assert_allclose(one, product, atol=tolerance, rtol=tolerance)
                np.testing.assert_allclose(two, 2 * product + 3 * c_value, atol=tolerance, rtol=tolerance)
                for left, right in ((y.T, x.T),):
                    np.testing.assert_allclose(f(left, right, c_value.T)[0], product.T, atol=tolerance, rtol=tolerance)
            for x, z in zip(layouts(n, k), layouts(k + 1, 2)):
                vector = z[:k, 0]
                other = rng.normal(size=2 * n + 1).astype(dtype)[: 2 * n : 2][::-1]
                wide, p, q = x.astype(float), vector.astype(float), other.astype(float)
                expected = [wide @ p, q @ wide, q + wide @ p, wide + np.outer(q, p), p @ p]
                for got, right in zip(g(x, vector, other), expected):
                    np.testing.assert_allclose(got, right, atol=tolerance, rtol=tolerance)


def trusted_but_wrong():
    x, m = tt.dvector("x"), tt.dmatrix("m")
    f = compiled([x, m], tt.exp(x) * 2 + m.sum())
    f.trust_input = True
    good = np.ones(3), np.ones((2, 2))
    for bad in [(None, good[1]), ("a", good[1]), (good[0], None), (1.0, 1.0), (np.ones(3, "int8"), good[1]), (good[1],
        good[0]),
                (np.ones(3, ">f8"), good[1]), ([1.0], good[1]), (np.array(None), good[1]), (np.float64(1), good[1]),
                (f, f),
                (np.ones(3, "float32"), good[1]), (np.ones(3, complex), good[1]), (np.ones((1,) * 30),
                good[1])]:  # fmt: skip
        try:
            f(*bad)
        except Exception as error:
            assert not isinstance(error, (SystemError, RecursionError)), error
    raw = np.zeros(25, np.uint8)
    with contextlib.suppress(TypeError):  # unaligned memory may be refused where nothing is converted
        np.testing.assert_allclose(f(raw[1:].view("float64"), good[1]), [6.0] * 3)
    refused(f, good[0], by=TypeError)
    refused(f, *good, good[0], by=TypeError)
    np.testing.assert_allclose(f(*good), np.exp(1) * 2 + 4)


def arrays_that_change_under_the_function():
    value = np.ones(4)
    s = theano.shared(value, borrow=True)
    x = tt.dvector("x")
    f = compiled([x], [s * 2 + x], updates=[(s, s + x)])
    assert f(np.ones(4))[0].tolist() == [3.0] * 4
    stored = s.container.storage[0]
    stored.shape = (2, 2)  # deprecated by NumPy, not forbidden
    refused(f, np.ones(4))
    s.set_value(np.ones(4))
    borrowed = s.get_value(borrow=True)
    borrowed.dtype = "int64"
    refused(f, np.ones(4))
    s.set_value(np.ones(2))
    assert f(np.ones(2))[0].tolist() == [3.0, 3.0]


def strange_sequences():
    x = tt.dvector("x")
    f = compiled([x], x * 2)
    endless = []
    endless.append(endless)
    deep = 1.0
    for _ in range(500):
        deep = [deep]

    class Liar(list):
        def __len__(self):
            return 10**9

    class Never:
        def __getitem__(self, i):
            raise ZeroDivisionError

        def __len__(self):
            return 3

    class Interface:
        __array_interface__ = {"shape": (3,), "typestr": "<f8", "data": (0, True), "version": 3}

    for value in (endless, deep, Liar(), Never()):
        try:
            f(value)
        except Exception as error:
            assert not isinstance(error, (SystemError, AssertionError)), error
    assert f([1.0]).tolist() == [2.0]

    class Sub(np.ndarray):
        def __array_finalize__(self, other):
            pass

        @property
        def shape(self):
            return (10**6,)

        @property
        def strides(self):
            return (1,)

        def __array_wrap__(self, *args, **kwargs):
            raise RuntimeError

    assert f(np.ones(3).view(Sub)).tolist() == [2.0] * 3


def bools_of_odd_bytes():
    odd = np.array([0, 1, 2, 255, 3], np.uint8).view(bool)
    b = tt.TensorType("bool", (False,))("b")
    x = tt.dvector("x")
    f = compiled([b, x], [tt.switch(b, x, -x), b.sum(), ~b, tt.and_(b, b), b.any(), x[b]])
    got = f(odd, np.arange(1.0, 6.0))
    assert got[0].tolist() == [-1.0, 2.0, 3.0, 4.0, 5.0], got[0]
    assert bool(got[4])
    assert got[5].tolist() == [2.0, 3.0, 4.0, 5.0], got[5]


def constants_of_every_kind():
    floats = [0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 5e-324, 1e308, 0.1, 1 / 3, 1e-40, 2.0**-149, 3.4028235e38,
    65504.0]
    for dtype in ("float16", "float32", "float64"):
        x = tt.vector("x", dtype=dtype)
        with np.errstate(all="ignore"):
            values = np.array(floats).astype(dtype)
        outputs = [tt.switch(tt.eq(x, x), tt.constant(v), x) for v in values]
        given = np.ones(3, dtype)
        for got, v in zip(compiled([x], outputs)(given), values):
            same(got, np.full(3, v))
            assert np.signbit(got).tolist() == np.signbit(np.full(3, v)).tolist() or np.isnan(v)
    for dtype in INTS:
        info = np.iinfo(dtype)
        x = tt.vector("x", dtype=dtype)
        values = [np.asarray(v, dtype) for v in (info.min, info.max, 0, 1, info.max // 2 + 1)]
        for got, v in zip(compiled([x], [x - x + tt.constant(v) for v in values])(np.ones(2, dtype)), values):
            same(got, np.full(2, v))
    z = tt.zvector("z")
    for v in (1j, complex(np.nan, 1), complex(-0.0, np.inf), 1e308 + 1e-308j):
        same(compiled([z], tt.switch(tt.eq(z, z), tt.constant(np.asarray(v)), z))(np.ones(2, complex)), np.full(2, v))


def many_axes_inputs_and_outputs():
    for ndim in (8, 17, 32, 40, 64):
        x = tt.TensorType("float64", (False,) * ndim)("x")
        value = np.arange(4.0).reshape((2,) + (1,) * (ndim - 2) + (2,))
        try:
            f = compiled([x], [x * 2 + 1, x.sum(), tt.exp(x).sum(axis=0), x.T])
            got = f(value)
        except REFUSES as error:
            assert ndim > 32, error
            continue
        same(got[0], value * 2 + 1)
        same(got[3], value.T)
    inputs = [tt.dscalar(f"x{k}") for k in range(400)]
    f = compiled(inputs, [sum(inputs[:20]), *inputs])
    got = f(*range(400))
    assert len(got) == 401 and got[0] == 190.0 and got[-1] == 399.0
    wide = compiled(inputs, tt.add(*inputs))
    assert wide(*range(400)) == 400 * 399 / 2


def names_that_no_language_likes():
    for name in ['"', "a b", "é\n\t", "\0", "%1 = ret", "}", "x" * 5000, "\\", "", "😀", "{0}", "%s", "\ud800"]:
        x = tt.dvector(name)
        y = tt.exp(x * 2)
        y.name = name
        f = compiled([x], y, name=name)
        np.testing.assert_allclose(f([0.5]), np.exp(1.0))
        repr(f), str(y), theano.pp(y)
        refused(f, "a", by=TypeError)


def functions_that_call_themselves():
    x = tt.dscalar("x")
    calls = []

    class Again(theano.Op):
        __props__ = ()

        def make_node(self, v):
            return theano.Apply(self, [v], [v.type()])

        def perform(self, node, inputs, output_storage):
            calls.append(1)
            v = float(inputs[0])
            output_storage[0][0] = np.asarray(v + (float(f(v - 1)) if v > 0 else 0.0))

    s = theano.shared(0.0)
    f = compiled([x], Again()(x) * 1.0 + s * 0, updates=[(s, s + 1)])
    assert f(10.0) == 55.0 and len(calls) == 11
    assert 1 <= s.get_value() <= 11

    class Caller:
        def __array__(self, dtype=None, copy=None):
            return np.asarray(g(1.0))

    g = compiled([x], x * 3)
    with contextlib.suppress(TypeError):
        assert g(Caller()) == 9.0


def sorting_and_counting_oddities():
    x, k = tt.dvector("x"), tt.lscalar("k")
    f = compiled([x], [tt.sort(x), tt.argsort(x), x.argmax(), x.max()])
    got = f(np.array([np.nan, 1.0, -np.inf, np.nan, np.inf]))
    assert got[2] == 0 and np.isnan(got[3])
    assert got[0][:3].tolist() == [-np.inf, 1.0, np.inf]
    for n in (0, 1):
        assert compiled([x], tt.sort(x))(np.ones(n)).shape == (n,)
    top = compiled([x, k], tt.topk(x, k))
    for count in (2**62, 6, -(2**63)):
        refused(top, np.ones(5), count)
    u = compiled([x], tt.Unique()(x))
    assert u(np.ones(0)).shape == (0,)
    p = tt.lvector("p")
    count = compiled([p], tt.bincount(p))
    refused(count, [-1])
    refused(count, [2**62])


def main():
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    cases = [f for name, f in list(globals().items()) if callable(f) and getattr(f, "__module__", "") == "__main__"]
    for case in cases:
        if case in (compiled, refused, same, main):
            continue
        print("begin", case.__name__, flush=True)
        try:
            case()
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)
            lines = [str(frame.lineno) for frame in where if frame.filename == __file__]
            text = " ".join(str(error).split())[:300]
            print("failed", case.__name__, f"line {'/'.join(lines)}: {type(error).__name__}: {text}", flush=True)
        else:
            print("passed", case.__name__, flush=True)


if __name__ == "__main__":
    main()
