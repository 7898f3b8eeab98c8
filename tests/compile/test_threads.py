"""One compiled function, many threads."""

import sys
import threading

import numpy as np
import pytest

import theano
import theano.tensor as tt

THREADS, CALLS = 16, 2000


def in_threads(work):
    errors = []
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("how", ["FAST_RUN", "FAST_COMPILE"])
def test_calls_do_not_disturb_each_other(how):
    x, y = tt.dvector("x"), tt.dscalar("y")
    f = theano.function([x, y], [tt.exp(x * y).sum() + y, x[::-1] - y], mode=how)
    value = np.linspace(0.0, 1.0, 9)
    expected = [[v.copy() for v in f(value * k, float(k))] for k in range(THREADS)]

    def work(number):
        mine = value * number
        for _ in range(CALLS):
            for got, wanted in zip(f(mine, float(number)), expected[number]):
                assert np.array_equal(got, wanted)

    in_threads(work)


def test_the_slow_path_and_errors_too():
    x, y = tt.dvectors("x", "y")
    f = theano.function([x, y], x + y)

    def work(number):
        for k in range(CALLS // 10):
            assert f(x=[number, k], y=np.ones(2, "int32")).tolist() == [number + 1.0, k + 1.0]
            with pytest.raises(ValueError):
                f([1.0], [1.0, 2.0])
            with pytest.raises(TypeError):
                f(1.0, [1.0, 2.0])

    in_threads(work)


def test_large_work_in_threads():
    x = tt.dmatrix("x")
    f = theano.function([x], [tt.tanh(x).sum(axis=0), x * 2 + 1])
    values = [np.full((200, 300), float(k)) for k in range(THREADS)]

    def work(number):
        for _ in range(20):
            total, scaled = f(values[number])
            assert np.allclose(total, 200 * np.tanh(number), rtol=1e-12)
            assert (scaled == 2 * number + 1).all()

    in_threads(work)


@pytest.mark.parametrize("how", ["FAST_RUN", "reference"])
def test_updates_leave_a_value_that_some_order_of_calls_explains(how):
    s = theano.shared(np.zeros(3))
    f = theano.function([], s.sum(), updates=[(s, s + 1)], mode=how)

    def work(number):
        for _ in range(CALLS // 20):
            f()

    in_threads(work)
    value = s.get_value()
    assert value.shape == (3,) and 1 <= value.max() <= THREADS * CALLS // 20


def test_compiling_in_threads():
    results = [None] * THREADS

    def work(number):
        x = tt.dvector("x")
        results[number] = theano.function([x], tt.exp(x + number) * (number % 3))([0.0])[0]

    in_threads(work)
    assert np.allclose(results, [np.exp(k) * (k % 3) for k in range(THREADS)])
