"""Pickles in a zip archive, and pickles without traces of the user's program."""

import io
import pickle
import zipfile

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.misc import pkl_utils


@pytest.fixture
def model():
    x = tt.dvector("x")
    w, v = theano.shared(np.arange(3.0), name="w"), theano.shared(np.ones((2, 2)), name="v")
    bias = theano.shared(1.0)
    return x, (x * w).sum() + v.sum() + bias, [w, v, bias]


def dumped(obj, **options):
    file = io.BytesIO()
    pkl_utils.dump(obj, file, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
def test_graphs_and_functions_come_back(model, protocol):
    x, y, variables = model
    x2, y2, (w2, v2, bias2) = pkl_utils.load(dumped((x, y, variables), protocol=protocol))
    f = theano.function([x2], y2)
    assert f([1.0, 1.0, 1.0]) == 8.0
    w2.set_value([0.0, 0.0, 0.0])
    assert f([1.0, 1.0, 1.0]) == 5.0 and variables[0].get_value().sum() == 3.0
    assert (w2.name, v2.name, bias2.name) == ("w", "v", None)
    assert pkl_utils.load(dumped(theano.function([x], y), protocol=protocol))([1.0, 1.0, 1.0]) == 8.0


def test_numpy_reads_the_arrays(model):
    _, _, variables = model
    with np.load(dumped(variables), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["w"], np.arange(3.0))
        np.testing.assert_array_equal(archive["v"], np.ones((2, 2)))
        np.testing.assert_array_equal(archive["array_0"], 1.0)
        assert set(archive.keys()) == {"w", "v", "array_0", "pkl"}


def test_names():
    twins = [theano.shared(np.zeros(2), name="w"), theano.shared(np.ones(2), name="w")]
    assert set(np.load(dumped(twins)).keys()) == {"w", "w_2", "pkl"}
    np.testing.assert_array_equal(pkl_utils.load(dumped(twins))[1].get_value(), np.ones(2))

    def strict(archive):
        return pkl_utils.PersistentSharedVariableID(archive, allow_unnamed=False, allow_duplicates=False)

    with pytest.raises(ValueError, match="Several shared variables have the name 'w'"):
        dumped(twins, persistent_id=strict)
    with pytest.raises(ValueError, match="has no name"):
        dumped(theano.shared(1.0), persistent_id=strict)
    with pytest.raises(ValueError, match="'pkl'"):
        dumped(theano.shared(1.0, name="pkl"))
    numbered = dumped(twins, persistent_id=pkl_utils.PersistentNdarrayID)
    assert set(np.load(numbered).keys()) == {"array_0", "array_1", "pkl"}


def test_an_array_is_written_once_and_stays_one():
    a = np.arange(4.0)
    first, second = pkl_utils.load(dumped([a, a]))
    assert first is second and list(first) == [0.0, 1.0, 2.0, 3.0]
    odd = [np.array([None, 1], dtype=object), np.zeros((0, 2)), np.asfortranarray(np.eye(2)), "text"]
    back = pkl_utils.load(dumped(odd))
    assert back[0].tolist() == [None, 1] and back[1].shape == (0, 2) and back[3] == "text"
    np.testing.assert_array_equal(back[2], np.eye(2))


def test_zipadd():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        pkl_utils.zipadd(lambda f: f.write(b"abc"), archive, "member")
        assert archive.read("member") == b"abc"


def test_a_stripped_pickle_says_nothing_of_the_program(model):
    x, y, _ = model
    x.tag.test_value = np.arange(3.0)
    x.tag.note = "kept"
    mine = __file__.rpartition("/")[2].encode()
    assert mine in pickle.dumps((x, y))
    for extra in ("test_value", ["test_value"], None):
        file = io.BytesIO()
        pkl_utils.StripPickler(file, 4, extra_tag_to_remove=extra).dump((x, y))
        assert mine not in file.getvalue()
        x2, y2 = pickle.loads(file.getvalue())
        assert hasattr(x2.tag, "test_value") == (extra is None) and x2.tag.note == "kept"
        assert theano.function([x2], y2)([1.0, 1.0, 1.0]) == 8.0
