"""theano.gof.utils and theano.gof.compilelock: small things that programs import."""

import pickle
import warnings

import pytest

import theano
import theano.tensor as T
from theano.gof import compilelock, utils


def test_lists():
    assert utils.uniq([3, 1, 3, 2, 1]) == [3, 1, 2] and utils.uniq([[1], [1], [2]]) == [[1], [2]]
    assert utils.unique([1, 2]) and not utils.unique([1, 1]) and utils.hist("aba") == {"a": 2, "b": 1}
    assert utils.difference([1, 2, 3], [2]) == [1, 3] and utils.remove(lambda v: v > 1, [1, 2, 3]) == [1]
    assert utils.flatten([1, (2, [3]), [], {4}]) == [1, 2, 3, 4]
    assert utils.to_return_values([1]) == 1 and utils.to_return_values([1, 2]) == [1, 2]
    assert utils.from_return_values(1) == [1] and utils.from_return_values((1, 2)) == [1, 2]
    assert utils.toposort({"c": ["b"], "b": {"a"}, "a": ()}) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="cycle"):
        utils.toposort({"a": ["b"], "b": ["a"]})


def test_functions():
    calls = []

    @utils.memoize
    def square(x):
        calls.append(x)
        return x * x

    assert [square(2), square(2), square(3)] == [4, 4, 9] and calls == [2, 3]

    @utils.deprecated("mine", "Use the other.")
    def old():
        return 1

    with pytest.warns(DeprecationWarning, match=r"mine\.old is deprecated\. Use the other"):
        assert old() == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert old() == 1


def test_hashes(tmp_path):
    assert utils.hash_from_code("a") == utils.hash_from_code(b"a") != utils.hash_from_code("b")
    (tmp_path / "file").write_text("a")
    assert utils.hash_from_file(tmp_path / "file") == utils.hash_from_code("a")
    assert utils.hash_from_dict({1: 2, "a": 3}) == utils.hash_from_dict({"a": 3, 1: 2}) != utils.hash_from_dict({1: 2})
    assert utils.hashtype(3) == utils.hashtype(4) != utils.hashtype("3")


def test_names_of_variables():
    a, b, c, d = T.dscalar("a"), T.dscalar("a"), T.dscalar(), T.dscalar("a_1")
    names = [v.name for v in utils.give_variables_names([a, b, c, d])]
    assert len(set(names)) == 4 and names[0] == "a" and names[3] == "a_1"


def test_lines():
    x = T.exp(T.dscalar())
    assert "x = T.exp(T.dscalar())" in utils.get_variable_trace_string(x)
    x.owner.origin = None
    assert utils.get_variable_trace_string(x) == ""
    assert utils.add_tag_trace(x.owner) is x.owner and "test_gof_utils" in str(x.owner.origin)
    stack = utils.simple_extract_stack(limit=1)
    assert stack[0][2] == "test_lines" and not utils.simple_extract_stack(skips=["test_gof_utils"])[-1][0].endswith(
        "test_gof_utils.py")


def test_objects():
    class Point(utils.object2):
        __props__ = ("x",)

        def __init__(self, x):
            self.x = x

    assert Point(1) == Point(1) != Point(2)
    note = utils.scratchpad()
    note.anything = 1
    assert pickle.loads(pickle.dumps(note)).anything == 1 and issubclass(utils.MethodNotDefined, Exception)
    assert utils.undef


def test_there_is_no_lock():
    compilelock.get_lock()
    compilelock.set_lock_status(False)
    with compilelock.lock_ctx("somewhere", keep_lock=True):
        pass
    compilelock.release_lock()
    compilelock.force_unlock()
    assert theano.gof.compilelock is compilelock
