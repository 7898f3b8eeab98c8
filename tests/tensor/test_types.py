"""Types, constructors, constants, dtypes of expressions: the observed behaviour of the original, line by line."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import config
from theano._config import change_flags
from theano.graph.evaluate import evaluate
from theano.tensor.type import TensorType


@pytest.mark.parametrize(
    "value, dtype",
    [(1, "int8"), (300, "int16"), (70000, "int32"), (2**40, "int64"), (2**63, "uint64"), (-1, "int8"), (-129, "int16"),
     (1.5, "float32"), (1.1, "float64"), (True, "bool"), (1j, "complex128"), (np.float64(1.5), "float64"),
     (np.int16(3), "int16"), ([1, 2], "int64"), ([1.0, 2.0], "float64"), ([], "float64"), (float("nan"), "float32"),
     (float("inf"), "float32"), (np.zeros(2, "uint16"), "uint16")],
)  # fmt: skip
def test_dtype_of_a_constant(value, dtype):
    assert T.constant(value).dtype == dtype
    assert T.as_tensor_variable(value).dtype == dtype


def test_dtype_of_a_constant_under_other_settings():
    with change_flags(floatX="float32"):
        assert T.constant(1.5).dtype == T.constant(1.1).dtype == "float32"
        assert T.as_tensor_variable([]).dtype == "float32"
        assert (T.fvector() * T.iscalar()).dtype == "float64"
        assert T.exp(T.ivector()).dtype == "float64"
    with change_flags(cast_policy="numpy+floatX"):
        assert T.constant(1).dtype == "int64"
        assert (T.ivector() + 1).dtype == "int64"
        assert T.constant(1.5).dtype == "float64"
    with change_flags([("cast_policy", "numpy+floatX"), ("floatX", "float32")]):
        assert (T.fvector() * T.iscalar()).dtype == "float32"
        x = T.fvector()
        assert (x / x.shape[0]).dtype == "float32"
        assert T.arange(5.0).dtype == "float32"
    assert config.floatX == "float64" and config.cast_policy == "custom"


EXPRESSIONS = [
    (lambda: T.fvector() + 1.5, "float32"), (lambda: T.fvector() + 1.1, "float64"),
    (lambda: T.fvector() + np.float64(1.5), "float64"), (lambda: T.fvector() + 1, "float32"),
    (lambda: T.fvector() * T.iscalar(), "float64"), (lambda: T.fvector() * T.wscalar(), "float32"),
    (lambda: T.bvector() + 300, "int16"), (lambda: T.bvector() + 1, "int8"),
    (lambda: T.bvector() * T.bvector(), "int8"),
    (lambda: T.vector(dtype="uint8") - T.vector(dtype="uint8"), "uint8"),
    (lambda: T.vector(dtype="uint64") + T.lvector(), "float64"), (lambda: T.ivector() / 2, "float64"),
    (lambda: T.ivector() // 2, "int32"), (lambda: T.ivector() % 3, "int32"), (lambda: T.bvector() < 2, "bool"),
    (lambda: 1 - (T.dscalar() < 1), "int8"), (lambda: (T.dscalar() < 1) + (T.dscalar() < 1), "bool"),
    (lambda: ~(T.dscalar() < 1), "bool"), (lambda: T.fvector() * (T.fvector() < 1), "float32"),
    (lambda: T.bvector().sum(), "int64"), (lambda: T.vector(dtype="uint8").sum(), "uint64"),
    (lambda: T.vector(dtype="bool").sum(), "int64"), (lambda: T.fvector().sum(), "float32"),
    (lambda: T.bvector().prod(), "int64"), (lambda: T.bvector().mean(), "float64"),
    (lambda: T.vector(dtype="bool").mean(), "float64"), (lambda: T.fvector().argmax(), "int64"),
    (lambda: T.fvector().nonzero()[0], "int64"), (lambda: T.fvector().shape, "int64"),
    (lambda: T.exp(T.bvector()), "float32"), (lambda: T.exp(T.ivector()), "float64"),
    (lambda: T.switch(T.bvector(), 1, 0), "int8"), (lambda: T.arange(5), "int64"), (lambda: T.arange(5.0), "float32"),
    (lambda: T.arange(T.scalar(dtype="uint8")), "int64"), (lambda: T.arange(0, T.dscalar()), "float64"),
    (lambda: T.arange(np.uint32(0), np.uint32(7), np.uint32(1)), "uint64"),
    (lambda: T.zeros((2,)), "float64"), (lambda: T.zeros((2,), dtype="int8"), "int8"), (lambda: T.eye(3), "float64"),
    (lambda: T.alloc(1, 2), "int8"), (lambda: T.stack([1, 2.5]), "float32"),
    (lambda: T.stack([T.iscalar(), 1]), "int32"),
    (lambda: T.as_tensor_variable([T.dscalar(), 1]), "float64"), (lambda: abs(T.zvector()), "float64"),
    (lambda: T.cvector().real, "float32"), (lambda: T.join(0, T.bvector(), T.fvector()), "float32"),
    (lambda: T.mgrid[0:3], "int64"), (lambda: T.iround(T.fvector()), "int64"), (lambda: round(T.fvector()), "float32"),
    (lambda: divmod(T.ivector(), 2)[1], "int32"), (lambda: -T.bvector(), "int8"), (lambda: 2 ** T.bvector(), "int8"),
    (lambda: T.fvector() @ T.fvector(), "float32"), (lambda: T.isclose(T.fvector(), 1), "bool"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXPRESSIONS)))
def test_dtype_of_an_expression(number):
    build, dtype = EXPRESSIONS[number]
    assert build().dtype == dtype


def test_refused_dtypes():
    b = T.dscalar() < 1
    for refused in (lambda: b - b, lambda: -b, lambda: T.dvector() & 1, lambda: T.zvector() < T.dvector().nope):
        with pytest.raises((TypeError, AttributeError)):
            refused()
    for refused in (lambda: T.round(T.ivector()), lambda: T.zvector() % 2, lambda: T.cast(T.zvector(), "float64"),
                    lambda: T.zvector() // 2, lambda: ~T.dvector()):  # fmt: skip
        with pytest.raises(TypeError):
            refused()
    with pytest.raises(NotImplementedError, match="half_to_even"):
        T.round(T.dvector(), mode="down")


def test_values_of_small_integers():
    x = T.bvector()
    value = np.array([100, -7], "int8")
    results = evaluate([x * x, x // 2, x % 3, T.clip(x, 3, 2)], {x: value})
    assert [r.tolist() for r in results] == [[16, 49], [50, -4], [1, 2], [2, 3]]
    assert np.isnan(T.sgn(T.constant(np.nan)).eval())


# ---- types ----


def test_type_equality_ignores_names():
    assert TensorType("float64", (False, True), name="a") == T.dcol == TensorType("float64", (None, 1))
    assert hash(TensorType("float64", (False, True), name="a")) == hash(T.dcol)
    assert T.dvector != T.fvector and T.dvector != T.drow and T.dvector != TensorType("float64", (3,))
    assert T.dvector("x") is not T.dvector("x") and T.dvector("x") != T.dvector("x")
    assert T.TensorType("floatX", (False,)).dtype == config.floatX
    assert pickle.loads(pickle.dumps(T.dmatrix)) == T.dmatrix


def test_type_text():
    texts = {str(t) for t in (T.dscalar, T.dvector, T.drow, T.dcol, T.dmatrix, T.dtensor3, T.dtensor4)}
    assert texts == {f"TensorType(float64, {n})" for n in ("scalar", "vector", "row", "col", "matrix", "3D", "4D")}
    assert str(T.dtensor5) == "TensorType(float64, (False, False, False, False, False))"
    assert str(TensorType("int8", (None, 3))) == "TensorType(int8, (?, 3))"
    assert str(T.dvector()) == "<TensorType(float64, vector)>"
    assert str(T.constant(3)) == "TensorConstant{3}"
    assert str(T.dvector("v")) == "v"


def test_bad_types():
    with pytest.raises(TypeError, match="Unsupported dtype"):
        TensorType("float80", (False,))
    with pytest.raises(TypeError, match="Unsupported dtype"):
        TensorType(object, ())
    with pytest.raises(ValueError, match="negative"):
        TensorType("int8", (-1,))
    with pytest.raises(TypeError, match="shape"):
        TensorType("int8")


def test_type_members():
    t = T.drow
    assert (t.ndim, t.dtype, t.broadcastable, t.shape) == (2, "float64", (True, False), (1, None))
    assert t.numpy_dtype == np.float64 and t.context_name == "cpu" and t.sparse_grad is False
    assert t.clone(dtype="float32") == T.frow and t.clone(broadcastable=(False, False)) == T.dmatrix
    assert t.value_zeros((1, 2)).tolist() == [[0.0, 0.0]]
    assert t.get_size(t.get_shape_info(np.zeros((1, 4)))) == 32
    assert t.dtype_specs() == (float, "npy_float64", "NPY_FLOAT64")
    assert t.to_scalar_type() == T.dscalar
    assert t.make_variable("r").name == "r" and t("r").type is t
    a = np.zeros(3)
    assert TensorType.may_share_memory(a, a[1:]) and not TensorType.may_share_memory(a, a.copy())
    assert t.is_valid_value(np.zeros((1, 3))) and not t.is_valid_value(np.zeros((2, 3)))
    assert "broadcastable dimension" in t.value_validity_msg(np.zeros((2, 3)))
    finite = TensorType("float64", (False,))
    finite.filter_checks_isfinite = True
    with pytest.raises(ValueError, match="finite"):
        finite.filter(np.array([np.inf]))


def test_comparison_of_values():
    t = T.dvector
    nan, inf = np.nan, np.inf
    assert t.values_eq(np.array([1, nan]), np.array([1, nan]))
    assert not t.values_eq(np.array([1.0]), np.array([1.0], "float32"))
    assert t.values_eq(np.array([1.0]), np.array([1.0], "float32"), force_same_dtype=False)
    assert not t.values_eq(np.zeros(2), np.zeros(3))
    close = np.array([1.0 + 1e-10])
    assert t.values_eq_approx(np.ones(1), close) and not t.values_eq(np.ones(1), close)
    assert not t.values_eq_approx(np.ones(1), np.ones(1) * (1 + 1e-6))
    assert t.values_eq_approx(np.ones(1), np.ones(1) * (1 + 1e-6), rtol=1e-5)
    assert T.fvector.values_eq_approx(np.float32([1]), np.float32([1.00001]))
    assert not t.values_eq_approx(np.array([1, nan]), np.array([nan, 1]))
    assert not T.lvector.values_eq_approx(np.array([10**9]), np.array([10**9 + 1]))
    assert T.values_eq_approx_remove_inf(np.array([inf, 1.0]), np.array([3.0, 1.0]))
    assert not T.values_eq_approx_remove_inf(np.array([3.0, 1.0]), np.array([inf, 1.0]))
    assert T.values_eq_approx_remove_nan(np.array([nan]), np.array([3.0]))
    assert not T.values_eq_approx_remove_nan(np.array([inf]), np.array([3.0]))
    assert T.values_eq_approx_remove_inf_nan(np.array([nan, inf]), np.array([3.0, 2.0]))
    assert T.values_eq_approx_always_true(1, 2)


# ---- filter: what an input accepts ----

F32, F64, I32, I16 = "float32", "float64", "int32", "int16"
ACCEPTED = [
    (T.dvector, [1, 2]), (T.dvector, np.array([1, 2], I16)), (T.dvector, np.array([1, 2], I32)),
    (T.dvector, np.array([1, 2], F32)), (T.dvector, (1.5, 2)), (T.fvector, np.array([1, 2], I16)),
    (T.fvector, [0.5, 2]),
    (T.ivector, [1.0, 2.0]), (T.ivector, np.array([1], "uint16")), (T.dscalar, 1.1), (T.dscalar, 3),
    (T.dscalar, True), (T.zscalar, 1), (T.lscalar, 2**62), (T.bscalar, 127), (T.dscalar, np.float32(1.5)),
    (T.dmatrix, [[1, 2]]), (T.dmatrix, np.zeros((0, 3))), (T.drow, np.zeros((1, 3))), (T.dvector, range(3)),
    (T.vector(dtype="bool").type, [True, False]),
]  # fmt: skip
REFUSED = [
    (T.fvector, np.array([1.0]), "precision"), (T.fvector, np.array([1], I32), "precision"),
    (T.fvector, np.array([1], "int64"), "precision"), (T.ivector, np.array([1.0]), "precision"),
    (T.fscalar, np.float64(1.5), "precision"), (T.ivector, [1.5], "accurately"), (T.bscalar, 128, "Tensor"),
    (T.bvector, [300], "accurately|cannot hold"), (T.fvector, [0.1], "accurately"), (T.dvector, 1.0, "dimensions"),
    (T.dscalar, [1.0], "dimensions"), (T.dmatrix, np.zeros(3), "dimensions"),
    (T.drow, np.zeros((2, 3)), "broadcastable"),
    (T.dvector, "text", "cannot hold"), (T.dvector, None, None), (T.dvector, [[1], [2, 3]], "cannot hold"),
    (T.dvector, np.array([1j]), None), (T.dvector, [1j], None), (T.dvector, np.array(["a"]), None),
    (TensorType("float64", (3,)), np.zeros(2), "length 3"), (T.dvector, {1, 2}, None),
    (T.ivector, [float("inf")], None),
    (T.ivector, [float("nan")], None), (T.lvector, [2**63], "accurately"), (T.vector(dtype="uint64").type, [-1], None),
    (T.dvector, [2**53 + 1], "accurately"), (T.dscalar, 2**63 + 1, "accurately"),
]  # fmt: skip


@pytest.mark.parametrize("kind, value", ACCEPTED, ids=str)
def test_filter_accepts(kind, value):
    result = kind.filter(value)
    assert type(result) is np.ndarray and result.dtype.name == kind.dtype and result.ndim == kind.ndim
    np.testing.assert_array_equal(result, np.asarray(value))


@pytest.mark.parametrize("kind, value, text", REFUSED, ids=str)
def test_filter_refuses(kind, value, text):
    with pytest.raises(TypeError, match=text):
        kind.filter(value)


def test_filter_options():
    assert T.fvector.filter(np.array([0.1]), allow_downcast=True).dtype == "float32"
    assert T.ivector.filter([1.7], allow_downcast=True).tolist() == [1]
    with change_flags(floatX="float32"):
        assert T.fscalar.filter(0.1).dtype == "float32"  # a Python float always fits a floatX scalar
        with pytest.raises(TypeError):
            T.fscalar.filter(0.1, allow_downcast=False)
        with pytest.raises(TypeError):
            T.fscalar.filter(np.float64(0.1))
    with pytest.raises(TypeError, match="ndarray"):
        T.dvector.filter([1.0], strict=True)
    with pytest.raises(TypeError, match="float64"):
        T.dvector.filter(np.zeros(1, "float32"), strict=True)
    with pytest.raises(TypeError, match="Variable"):
        T.dvector.filter(T.dvector())
    a = np.zeros(3)
    assert T.dvector.filter(a) is a
    swapped = np.arange(3.0).astype(">f8")
    assert T.dvector.filter(swapped).dtype.isnative
    with pytest.raises(TypeError):
        T.dvector.filter(np.array([1j]), allow_downcast=True)


def test_filter_variable():
    row = T.drow()
    assert T.drow.filter_variable(row) is row
    assert T.dmatrix.filter_variable(row).type in (T.dmatrix, T.drow)
    assert T.drow.filter_variable(T.dmatrix()).type == T.drow  # checked at run time
    assert T.dvector.filter_variable([1.0, 2.0]).data.tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match="Cannot convert"):
        T.dvector.filter_variable(T.fvector())
    with pytest.raises(TypeError, match="Cannot convert"):
        T.drow.filter_variable(T.dmatrix(), allow_convert=False)
    m = T.dmatrix()
    narrowed = T.drow.filter_variable(m)
    assert evaluate([narrowed], {m: np.zeros((1, 2))})[0].shape == (1, 2)
    with pytest.raises(ValueError, match="mismatch"):
        evaluate([narrowed], {m: np.zeros((2, 2))})


# ---- constructors ----

LETTERS = {
    "b": "int8", "w": "int16", "i": "int32", "l": "int64",
    "f": "float32", "d": "float64", "c": "complex64", "z": "complex128",
}  # fmt: skip


def test_constructors_by_letter_and_word():
    words = {"scalar": (), "vector": (False,), "row": (True, False), "col": (False, True), "matrix": (False, False)}
    words.update({f"tensor{n}": (False,) * n for n in range(3, 8)})
    for word, pattern in words.items():
        for letter, dtype in LETTERS.items():
            kind = getattr(T, letter + word)
            assert isinstance(kind, TensorType) and kind.dtype == dtype and kind.broadcastable == pattern
        x = getattr(T, word)("x")
        assert x.name == "x" and x.dtype == config.floatX and x.broadcastable == pattern
        assert getattr(T, word)(dtype="int16").dtype == "int16"
        for letter in ("", "f", "d", "i", "l"):
            plural = getattr(T, letter + ("matrices" if word == "matrix" else word + "s"))
            assert [v.name for v in plural("x", "yy")] == ["x", "yy"]
            assert [v.name for v in plural("ab")] == ["a", "b"]
            one = plural(1)
            assert isinstance(one, list) and len(one) == 1 and one[0].broadcastable == pattern
            assert len(plural(3)) == 3 and len({*plural(3)}) == 3
    with pytest.raises(TypeError):
        T.dscalars()


def test_tensor_constructor():
    x = T.tensor("int8", (False, True), name="x")
    assert x.name == "x" and x.type == TensorType("int8", (None, 1))
    assert T.tensor(dtype="float32", broadcastable=(True,)).type == TensorType("float32", (1,))
    assert T.tensor(dtype="float32", shape=(None, 3)).type.shape == (None, 3)
    assert T.Tensor is TensorType


def test_lists_of_types_and_dtypes():
    assert T.dscalar in T.float_scalar_types and T.iscalar in T.int_scalar_types
    assert set(T.float_scalar_types) < set(T.float_types) and T.zmatrix in T.complex_matrix_types
    assert "bool" in T.discrete_dtypes and "bool" not in T.integer_dtypes
    assert set(T.all_dtypes) == set(T.discrete_dtypes) | set(T.continuous_dtypes)
    assert set(T.integer_dtypes) == set(T.int_dtypes) | set(T.uint_dtypes)
    assert set(T.continuous_dtypes) == set(T.float_dtypes) | set(T.complex_dtypes)


# ---- constants and conversion ----


def test_constants():
    c = T.constant(np.ones((1, 3)))
    assert c.broadcastable == (True, False) and c.type.shape == (1, 3)
    assert T.constant(1) is T.constant(1)
    assert T.constant(0.0) is not T.constant(-0.0)
    assert T.constant(3, name="three").name == "three" and T.constant(3).name is None
    assert T.constant(3, ndim=2).type.shape == (1, 1)
    assert T.constant(3, dtype="float32").dtype == "float32"
    with pytest.raises(ValueError, match="ndim"):
        T.constant([1, 2], ndim=0)
    data = np.arange(3)
    c = T.constant(data)
    data[0] = 7
    assert c.data.tolist() == [0, 1, 2] and c.value is c.data
    with pytest.raises(ValueError, match="read-only"):
        c.data[0] = 1
    assert T.constant([1.0, np.nan]).equals(T.constant([1.0, np.nan]))
    assert not T.constant([1.0]).equals(T.constant(np.float32([1])))
    assert not T.constant(0.0).equals(T.constant(-0.0))
    signature = T.constant([1.0, np.nan]).signature()
    assert isinstance(signature, T.TensorConstantSignature) and hash(signature) == hash(
        T.constant([1.0, np.nan]).signature()
    )
    assert T.constant([1.0, 2.0]).signature().sum == 3 and signature.has_nan
    big = np.zeros(10_000)
    assert T.constant(big).equals(T.constant(big.copy()))
    assert not T.constant(big).equals(T.constant(big + 1))
    copy = pickle.loads(pickle.dumps(T.constant([1, 2])))
    assert copy.equals(T.constant([1, 2]))


@pytest.mark.parametrize("value", [None, "text", object(), {1: 2}, [None], [1, "a"], np.array(["a"]), np.array([None])])
def test_not_a_tensor(value):
    with pytest.raises(T.AsTensorError):
        T.as_tensor_variable(value)
    with pytest.raises(TypeError):
        T.constant(value)


def test_as_tensor_variable():
    x = T.dvector("x")
    assert T.as_tensor_variable(x) is x and T.as_tensor(x) is x
    node = T.exp(x).owner
    assert T.as_tensor_variable(node) is node.outputs[0]
    with pytest.raises(ValueError, match="outputs"):
        T.as_tensor_variable(T.split(x, [1, 1], 2)[0].owner)
    assert T.as_tensor_variable(x, ndim=3).broadcastable == (True, True, False)
    assert T.as_tensor_variable(T.drow(), ndim=1).type == T.dvector
    with pytest.raises(ValueError, match="not known to have length one"):
        T.as_tensor_variable(T.dmatrix(), ndim=1)
    nested = T.as_tensor_variable([[x, x], [x, [1, 2]]])
    assert nested.ndim == 3
    value = evaluate([nested], {x: np.array([5.0, 6.0])})[0]
    assert value.tolist() == [[[5, 6], [5, 6]], [[5, 6], [1, 2]]]
    with pytest.raises(T.AsTensorError):
        T.as_tensor_variable(theano.generic() if hasattr(theano, "generic") else None)
    with pytest.raises(T.AsTensorError, match="symbolic"):
        T.constant(x)


def test_scalar_constants():
    value = T.get_scalar_constant_value
    x = T.dvector("x")
    n = T.iscalar("n")
    m = TensorType("float64", (None, 3))("m")
    expressions = [
        (3, 3), (np.float32(1.5), 1.5), (T.constant(4), 4), (T.constant([5]), 5), (T.constant([7, 7]), 7),
        (T.alloc(3, n), 3), (T.fill(x, 2), 2), (T.constant(4).dimshuffle("x", "x"), 4), (T.cast(2.7, "int32"), 2),
        (T.constant(2) + 3 * T.constant(4), 14), (m.shape[1], 3), (m.shape[-1] * 2, 6), (T.zeros_like(m), 0),
        (T.stack([n, T.constant(9)])[1], 9), (T.constant([1, 2, 3])[2], 3), (T.join(0, m.shape, [4])[2], 4),
        (T.specify_shape(T.alloc(6, n), [n]), 6), (m.shape[1:][0], 3), (T.Shape_i(1)(m), 3),
        (T.addbroadcast(T.alloc(5, n), 0), 5), (T.alloc(5, 4).reshape((2, 2)), 5), (T.tensor_copy(T.constant(8)), 8),
    ]  # fmt: skip
    for expression, want in expressions:
        got = value(expression)
        assert got == want and isinstance(got, np.ndarray) and got.ndim == 0
    assert T.cast(300.7, "int8").get_scalar_constant_value() == np.float64(300.7).astype("int8")
    for unknown in (x, x[0], n + 1, None, T.constant([1, 2]), m.shape[0], x.sum(), T.constant([1, 2])[n]):
        with pytest.raises(T.NotScalarConstantError):
            value(unknown)
    with pytest.raises(T.EmptyConstantError):
        value(T.constant(np.zeros(0)))
    with pytest.raises(T.NotScalarConstantError):
        value(T.alloc(3, n), only_process_constants=True)
    with pytest.raises(T.NotScalarConstantError):
        value(T.constant(2) + 1, elemwise=False)
    deep = T.constant(1)
    for _ in range(20):
        deep = deep + T.constant(1)
    with pytest.raises(T.NotScalarConstantError):
        value(deep)
    assert value(deep, max_recur=30) == 21
    assert T.extract_constant(x) is x and T.extract_constant(T.constant(3)) == 3
    assert T.numpy_scalar(np.array([[2.5]])) == 2.5
    with pytest.raises(T.EmptyConstantError):
        T.numpy_scalar(np.zeros((0, 2)))


def test_vector_length():
    x = T.dmatrix()
    n = T.lscalar()
    assert T.get_vector_length(x.shape) == 2
    assert T.get_vector_length([1, n, 3]) == 3
    assert T.get_vector_length(T.join(0, x.shape, [n])) == 3
    assert T.get_vector_length(x.shape[1:]) == 1
    assert T.get_vector_length(T.constant([])) == 0
    with pytest.raises(ValueError, match="not known"):
        T.get_vector_length(T.lvector())
    with pytest.raises(TypeError):
        T.get_vector_length(x)


# ---- symbolic None, slices, defaults ----


def test_none_slices_and_devices():
    assert T.NoneConst.data is None and T.NoneConst.type == T.none_type_t == T.NoneTypeT()
    with pytest.raises(TypeError):
        T.none_type_t.filter(1)
    n = T.lscalar("n")
    s = T.make_slice(n, None, 2)
    assert evaluate([s], {n: np.asarray(3)})[0] == slice(3, None, 2)
    assert evaluate([T.make_slice(slice(1, n))], {n: np.asarray(3)})[0] == slice(1, 3, None)
    x = T.dmatrix("x")
    value = np.arange(12.0).reshape(3, 4)
    part = evaluate([x[1:, T.make_slice(n, None, -2)]], {x: value, n: np.asarray(2)})[0]
    np.testing.assert_array_equal(part, value[1:, 2::-2])
    assert str(T.SliceConstant(T.slicetype, slice(1, None))) == "SliceConstant{1, None, None}"
    with pytest.raises(TypeError):
        T.SliceConstant(T.slicetype, slice(1.5, None))
    with pytest.raises(TypeError):
        T.as_int_none_variable(T.dscalar())
    assert T.as_int_none_variable(None) is T.NoneConst
    x, d = T.dscalars("xd")
    z = T.default(x, d)
    assert T.setdefault is T.default and z.type == T.dscalar
    assert evaluate([z], {x: np.asarray(1.0), d: np.asarray(2.0)})[0] == 1
    assert evaluate([z], {x: None, d: np.asarray(2.0)})[0] == 2
    with pytest.raises(TypeError, match="same type"):
        T.default(x, T.dvector())
    assert T.transfer(x, "cpu") is x and x.transfer("cpu") is x
    with pytest.raises(ValueError, match="target"):
        T.transfer(x, "nowhere")
    T.register_transfer(lambda variable, target: variable + 1 if target == "moon" else None)
    assert evaluate([T.transfer(x, "moon")], {x: np.asarray(1.0)})[0] == 2
