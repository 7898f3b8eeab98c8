"""theano.tensor.load: arrays read from files when a function runs."""

import io
import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.tensor.io import LoadFromDisk, load

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]
MMAP = [None, "c", "r"]


@pytest.fixture
def file(tmp_path):
    def write(array, name="array.npy"):
        np.save(tmp_path / name, array)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mmap_mode", MMAP)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint64", "bool", "complex128", "float16"])
def test_what_was_saved_comes_back(file, mode, mmap_mode, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    path = theano.generic("path")
    x = load(path, dtype, (False, False), mmap_mode)
    assert x.type == T.TensorType(dtype, (None, None))
    found = theano.function([path], x, mode=mode)(file(array))
    assert type(found) is np.ndarray and found.dtype == dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("mmap_mode", MMAP)
@pytest.mark.parametrize(
    "array",
    [np.asarray(3.5), np.zeros((0, 2)), np.ones((1, 1)), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
     np.arange(3.0).astype(">f8"), np.arange(24.0).reshape(2, 3, 4)],
    ids=["0-d", "empty", "ones", "fortran", "big endian", "3-d"],
)  # fmt: skip
def test_shapes_and_orders(file, array, mmap_mode):
    if array.size == 0 and mmap_mode is not None:
        pytest.skip("the system maps no empty file")
    x = load(file(array), "float64", (False,) * array.ndim, mmap_mode)
    f = theano.function([], [x, x * 2])
    for got, want in zip(f(), [array, array * 2]):
        assert got.shape == array.shape and got.dtype == np.dtype("float64") and got.dtype.isnative
        np.testing.assert_array_equal(got, want)


def test_the_file_is_read_at_each_call(file):
    name = file(np.arange(3.0))
    f = theano.function([], load(name, "float64", (False,)) + 1)
    assert f().tolist() == [1, 2, 3]
    file(np.arange(2.0))
    assert f().tolist() == [1, 2]


@pytest.mark.parametrize("mmap_mode", MMAP)
def test_the_file_is_never_written_to(file, mmap_mode):
    name = file(np.arange(3.0))
    x = load(name, "float64", (False,), mmap_mode)
    stored = theano.shared(np.zeros(3))
    f = theano.function([], [x, T.set_subtensor(x[0], 7.0), T.exp(x) - x], updates=[(stored, x)])
    results = f()
    for r in results:
        r[:] = -1
    stored.get_value(borrow=True)[:] = -1
    f()
    assert np.load(name).tolist() == [0, 1, 2]


@pytest.mark.parametrize("mode", MODES[:3])
@pytest.mark.parametrize("mmap_mode", MMAP)
def test_another_array_than_asked_for(file, mode, mmap_mode):
    path = theano.generic("path")

    def run(array, dtype, broadcastable):
        theano.function([path], load(path, dtype, broadcastable, mmap_mode), mode=mode)(file(array))

    with pytest.raises(TypeError, match=r"asks for an array of dtype float64 .*dtype float32 and shape \(3,\).*astype"):
        run(np.zeros(3, "float32"), "float64", (False,))
    with pytest.raises(TypeError, match=r"shape \(3,\): it has 1 axes, not 2"):
        run(np.zeros(3), "float64", (False, False))
    with pytest.raises(TypeError, match=r"broadcastable=\(False, True\).*shape \(3, 2\).*axis 1 has not"):
        run(np.zeros((3, 2)), "float64", (False, True))
    run(np.zeros((3, 1)), "float64", (False, True))


def test_what_is_no_such_file(file, tmp_path):
    f = theano.function([], load(str(tmp_path / "nowhere.npy"), "float64", ()))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        f()
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(ValueError):
        theano.function([], load(tmp_path / "text.npy", "float64", ()))()
    np.savez(tmp_path / "two.npz", a=1, b=2)
    with pytest.raises(TypeError, match="several arrays"):
        theano.function([], load(tmp_path / "two.npz", "float64", ()))()
    with pytest.raises(ValueError):  # objects would need unpickling
        theano.function([], load(file(np.array([None])), "float64", (False,)))()


def test_bad_arguments():
    for mode in ("r+", "w+", "x"):
        with pytest.raises(ValueError, match="never writes"):
            load("a.npy", "float64", (), mode)
    with pytest.raises(TypeError, match=r"theano.generic\('path'\), got x of type"):
        load(T.dscalar("x"), "float64", ())
    with pytest.raises(TypeError, match="path of a file must be a string"):
        load(3, "float64", ())
    with pytest.raises(TypeError):
        load("a.npy", "no dtype", ())
    path = theano.generic()
    with pytest.raises(TypeError, match="must be a string, got 3"):
        theano.function([path], load(path, "float64", ()))(3)


def test_in_expressions_and_gradients(file):
    w = T.dvector("w")
    data = load(file(np.arange(6.0).reshape(2, 3)), "float64", (False, False))
    cost = T.sqr(T.dot(data, w)).sum()
    slope = theano.function([w], theano.grad(cost, w))([1.0, 0.0, 1.0])
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(slope, 2 * array.T @ array @ [1, 0, 1])
    assert theano.function([], data.shape)().tolist() == [2, 3]


def test_equality_text_and_pickling(file):
    a, b = LoadFromDisk("float64", (False,)), LoadFromDisk("float64", [0])
    assert a == b and hash(a) == hash(b) and a != LoadFromDisk("float64", (False,), "c")
    assert str(a) == "Load{dtype: float64, broadcastable: (False,), mmap: None}"
    f = theano.function([], T.load(file(np.arange(2.0)), "float64", (False,)) + 1)
    again = pickle.load(io.BytesIO(pickle.dumps(f)))
    assert again().tolist() == [1, 2]


def test_one_file_is_read_once(file, monkeypatch):
    name = file(np.arange(3.0))
    calls = []
    original = np.load
    monkeypatch.setattr(np, "load", lambda *args, **kwargs: calls.append(args) or original(*args, **kwargs))
    f = theano.function([], [load(name, "float64", (False,)) + 1, load(name, "float64", (False,)) * 2])
    f()
    assert len(calls) == 1
