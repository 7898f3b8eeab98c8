"""MRG_RandomStreams: fast random numbers, by counting.

The name is the original's, which drew from MRG31k3p; here the n-th number of a stream is a function of the stream's key
and of n (`theano.tensor.random_counter`). The numbers depend on the seed and on the order in which draws are made, and
on nothing else: not on `nstreams`, on how many numbers are drawn at a time, or on the number of threads.

>>> import theano
>>> from theano.sandbox.rng_mrg import MRG_RandomStreams
>>> two, four = (theano.function([], MRG_RandomStreams(1).uniform((n,))) for n in (2, 4))
>>> [*two(), *two()] == [*four()]
True
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.shared import shared
from theano.graph.type import disconnected_type
from theano.sandbox.mrg31k3p import M1 as M1
from theano.sandbox.mrg31k3p import M2 as M2
from theano.sandbox.mrg31k3p import MASK2 as MASK2
from theano.sandbox.mrg31k3p import MASK12 as MASK12
from theano.sandbox.mrg31k3p import MASK13 as MASK13
from theano.sandbox.mrg31k3p import MULT2 as MULT2
from theano.sandbox.mrg31k3p import NORM as NORM
from theano.sandbox.mrg31k3p import A1p72 as A1p72
from theano.sandbox.mrg31k3p import A1p134 as A1p134
from theano.sandbox.mrg31k3p import A2p72 as A2p72
from theano.sandbox.mrg31k3p import A2p134 as A2p134
from theano.sandbox.mrg31k3p import DotModulo as DotModulo
from theano.sandbox.mrg31k3p import ff_2p72 as ff_2p72
from theano.sandbox.mrg31k3p import ff_2p134 as ff_2p134
from theano.sandbox.mrg31k3p import matVecModM as matVecModM
from theano.sandbox.mrg31k3p import mrg_next_value as mrg_next_value
from theano.sandbox.mrg31k3p import multMatVect as multMatVect
from theano.sandbox.mrg31k3p import np_int32_vals as np_int32_vals
from theano.sandbox.multinomial import ChoiceFromUniform as ChoiceFromUniform
from theano.sandbox.multinomial import MultinomialFromUniform as MultinomialFromUniform
from theano.sandbox.multinomial import MultinomialWOReplacementFromUniform as MultinomialWOReplacementFromUniform
from theano.scalar.arithmetic import add, mul, sub
from theano.scalar.comparison import lt
from theano.scalar.dtypes import discrete_dtypes, float_dtypes, upcast
from theano.scalar.rounding import floor
from theano.scalar.selection import minimum, second
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import dtype_name
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.extra_ops import NonNegative
from theano.tensor.lengths import product, times
from theano.tensor.products import checked
from theano.tensor.random_counter import derived_key
from theano.tensor.random_counter import draw as counter_draw
from theano.tensor.ranges import arange
from theano.tensor.raw_random import sample_shape
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import Shape, Shape_i, reshape, shape_i
from theano.tensor.type import TensorType, tensor_type

_non_negative = NonNegative("the size of a random sample")
_something_to_choose = NonNegative("choice from nothing: the last position")


def guess_n_streams(size: Any, warn: bool = False) -> int:
    """The number of substreams that the original took for a size: as many as elements, at most 60 * 256.

    Numbers do not depend on it here. Symbolic sizes give the maximum, with a warning if `warn`.
    """
    lengths = [size] if isinstance(size, (int, np.integer)) else size
    if isinstance(lengths, (tuple, list)) and all(isinstance(n, (int, np.integer)) for n in lengths):
        return min(int(np.prod(lengths, dtype=object)), 60 * 256)
    if warn:
        warnings.warn(f"guess_n_streams: the size {size} is not known, assuming 60 * 256 streams", stacklevel=2)
    return 60 * 256


class mrg_uniform_base(Op):
    """Base of `mrg_uniform`: the type of the sample, and whether the state may be overwritten (it never is)."""

    __props__ = ("output_type", "inplace")

    def __init__(self, output_type: Any, inplace: bool = False) -> None:
        if not isinstance(output_type, TensorType) or output_type.dtype not in float_dtypes:
            raise TypeError(f"mrg_uniform: output_type must be a TensorType of floats, got {output_type!r}")
        self.output_type = output_type
        self.inplace = bool(inplace)


class mrg_uniform(mrg_uniform_base):
    """(state, size) -> (new state, uniform numbers in (0, 1)). A state is the int64 vector (key, counter).

    `MRG_RandomStreams.uniform` gives the same numbers by elementwise ops, which fuse.
    """

    @classmethod
    def new(cls, rstate: Any, ndim: int | None, dtype: str, size: Any) -> list[Any]:
        """[new state, sample] of a size."""
        vector, static = sample_shape("mrg_uniform", ndim, size, [])
        return cls(tensor_type(dtype, static))(rstate, vector, return_list=True)

    def make_node(self, rstate: Any, size: Any) -> Apply:
        rstate, size = as_tensor_variable(rstate), as_tensor_variable(size)
        if rstate.type.dtype != "int64" or rstate.ndim != 1:
            raise TypeError(f"mrg_uniform: the state must be a vector of two int64, got {rstate} of type {rstate.type}")
        if size.ndim != 1 or size.dtype not in discrete_dtypes:
            raise TypeError(f"mrg_uniform: the size must be a vector of integers, got {size} of type {size.type}")
        return Apply(self, [rstate, cast_to(size, "int64")], [rstate.type(), self.output_type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        rstate, size = inputs
        shape = tuple(int(n) for n in size)
        if len(shape) != self.output_type.ndim or min(shape, default=0) < 0:
            raise ValueError(f"mrg_uniform: the size {shape} for a sample with {self.output_type.ndim} axes")
        count = int(np.prod(shape, dtype="int64"))
        numpy = counter_draw("uniform", self.output_type.dtype).numpy
        assert numpy is not None
        with np.errstate(all="ignore"):
            output_storage[1][0] = numpy(rstate[:1], rstate[1] + np.arange(count)).reshape(shape)
        output_storage[0][0] = rstate + np.array([0, count])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        size: Any = node.inputs[1]
        known = self.output_type.shape
        return [input_shapes[0], tuple(size[k] if n is None else n for k, n in enumerate(known))]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type(), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, False], [False, False]]

    def do_constant_folding(self, node: Apply) -> bool:
        return False


class MRG_RandomStreams:
    """Draws, each from a stream of its own. The state of a stream, a shared variable with the int64 vector (key,
    counter), has a default update: every function that uses the draw moves it on.

    seed            an integer, or six of them (as the original took)
    rstate          (master key, number of the next stream)
    state_updates   [(state, new state, size, nstreams)] of all draws
    """

    def __init__(self, seed: Any = 12345) -> None:
        self.state_updates: list[tuple[Any, Any, Any, Any]] = []
        self.default_instance_seed = seed
        self.set_rstate(seed)

    def updates(self) -> list[tuple[Any, Any]]:
        """[(state, new state)] of all draws made so far."""
        return [(state, new) for state, new, *_ in self.state_updates]

    def set_rstate(self, seed: Any) -> None:
        """Start again from this seed: the draws that are made next are those of a new object with it."""
        self.rstate = np.array([_key_of_seed(seed), 0], dtype="int64")

    def seed(self, seed: Any = None) -> None:
        """Give all draws made so far new states, as if they had been made with this seed (None: with the first)."""
        self.set_rstate(self.default_instance_seed if seed is None else seed)
        for state, _, _, _ in self.state_updates:
            state.set_value(self.get_substream_rstates(1, None)[0], borrow=True)

    def inc_rstate(self) -> None:
        """Move on by one stream."""
        self.rstate = self.rstate + np.array([0, 1])

    def get_substream_rstates(self, n_streams: int, dtype: Any = None, inc_rstate: bool = True) -> np.ndarray:
        """The first states of the next `n_streams` streams, one in each row.

        inc_rstate   False: without moving on beyond the first of them
        """
        if isinstance(n_streams, bool) or not isinstance(n_streams, (int, np.integer)) or n_streams <= 0:
            raise ValueError(f"get_substream_rstates: n_streams must be a positive integer, got {n_streams!r}")
        master, first = (int(v) for v in self.rstate)
        states = [[derived_key(master, first + k), 0] for k in range(n_streams)]
        self.rstate = self.rstate + np.array([0, n_streams if inc_rstate else 1])
        return np.array(states, dtype="int64")

    def n_streams(self, size: Any) -> int:
        """See `guess_n_streams`."""
        return guess_n_streams(size)

    def pretty_return(
        self, node_rstate: Any, new_rstate: Any, sample: Any, size: Any = None, nstreams: Any = None
    ) -> Any:
        """Attach state and update to a sample, as `sample.rstate` and `sample.update`, and remember them."""
        sample.rstate = node_rstate
        sample.rng = node_rstate
        sample.update = (node_rstate, new_rstate)
        self.state_updates.append((node_rstate, new_rstate, size, nstreams))
        node_rstate.default_update = new_rstate
        return sample

    # -- draws ---------------------------------------------------------------------------------------------------

    def _raw(self, what: str, kind: str, size: Any, parameters: Sequence[Any], ndim: Any, dtype: str, nstreams: Any) \
            -> tuple[Any, Any, Any]:  # fmt: skip
        """(sample of `kind` of the size, state, new state)"""
        _check_nstreams(what, nstreams)
        vector, static = sample_shape(what, ndim, size, parameters)
        if any(n is not None and n <= 0 for n in static):
            raise ValueError(f"{what}: The specified size contains a dimension with value <= 0: {static}")
        lengths = _elements(vector, len(static))
        lengths = [n if _is_length(n) else _non_negative(cast_to(n, "int64")) for n in lengths]
        state = shared(self.get_substream_rstates(1)[0], borrow=True)
        # positions in C order, without a reshape: so the draw fuses with what uses it
        counter, stride = state[1], 1
        for axis in reversed(range(len(lengths))):
            along = dimshuffle(arange(lengths[axis]), ["x"] * axis + [0] + ["x"] * (len(lengths) - 1 - axis))
            counter = add(counter, along if axis == len(lengths) - 1 else mul(along, stride))
            stride = times(stride, lengths[axis])
        sample = counter_draw(kind, dtype)(state[0], counter)
        drawn = [constant(n, dtype="int64") if isinstance(n, int) else n for n in (0, stride)]
        moved = add(state, as_tensor_variable(drawn))
        return sample, state, moved

    def uniform(
        self, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: int | None = None, dtype: Any = None,
        nstreams: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Real numbers between low and high, neither included for 0 and 1. Differentiable by low and high.

        size   a length, a tuple of lengths (numbers or 0-d variables), or a symbolic vector with `ndim`; None: the
               shape of low and high. ValueError for a length that is known and not positive
        """
        (low, high), name = _floats("uniform", dtype, low, high)
        sample, state, moved = self._raw("uniform", "uniform", size, [low, high], ndim, name, nstreams)
        if not (_is_number(low, 0) and _is_number(high, 1)):
            low, high = cast_to(low, name), cast_to(high, name)
            sample = add(low, mul(sub(high, low), sample))
        return self.pretty_return(state, moved, sample, size, nstreams)

    def normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: Any = None,
        nstreams: Any = None, truncate: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Normally distributed numbers with mean avg and standard deviation std. Differentiable by both.

        truncate   True: only within two standard deviations of avg
        """
        kind = "truncated_normal" if truncate else "normal"
        (avg, std), name = _floats("normal", dtype, avg, std)
        sample, state, moved = self._raw("normal", kind, size, [avg, std], ndim, name, nstreams)
        if not (_is_number(avg, 0) and _is_number(std, 1)):
            sample = add(cast_to(avg, name), mul(cast_to(std, name), sample))
        return self.pretty_return(state, moved, sample, size, nstreams)

    def truncated_normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: Any = None,
        nstreams: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Numbers of the normal distribution with avg and std, only those within two std of avg."""
        return self.normal(size, avg, std, ndim, dtype, nstreams, truncate=True)

    def binomial(
        self, size: Any = None, n: Any = 1, p: Any = 0.5, ndim: int | None = None, dtype: Any = "int64",
        nstreams: Any = None, prob: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """1 with probability p, else 0; p has values in [0, 1]. Only n = 1. The gradient by p is zero."""
        count = static_int(as_tensor_variable(n))
        if count != 1:
            raise NotImplementedError(
                f"MRG_RandomStreams.binomial draws single trials, n = 1; got n = {n}. Sum draws of a size with one "
                f"more axis, or use theano.tensor.shared_randomstreams.RandomStreams."
            )
        p = as_tensor_variable(p if prob is None else prob)
        if p.dtype not in discrete_dtypes and p.dtype not in float_dtypes:
            raise TypeError(f"binomial: p must be a real number, got {p} of type {p.type}")
        inner = "float32" if p.dtype == "float32" and config.floatX != "float64" else "float64"
        sample, state, moved = self._raw("binomial", "uniform", size, [p], ndim, inner, nstreams)
        return self.pretty_return(state, moved, cast_to(lt(sample, p), dtype_name(dtype, "int64")), size, nstreams)

    def multinomial(
        self, size: Any = None, n: Any = 1, pvals: Any = None, ndim: int | None = None, dtype: Any = "int64",
        nstreams: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """How often each class is drawn in n draws, for each row of the matrix pvals: counts of its shape.

        size   None; or the number of rows
        """
        pvals = self._probabilities("multinomial", pvals)
        if size is not None and static_int(as_tensor_variable(_first(size))) not in (None, pvals.type.shape[0]) and (
            pvals.type.shape[0] is not None
        ):
            raise ValueError(f"multinomial: size must be None or the number of rows of pvals, got {size}")
        n = as_tensor_variable(n)
        if n.ndim or n.dtype not in discrete_dtypes:
            raise TypeError(f"multinomial: n must be an integer, got {n} of type {n.type}")
        sample, state, moved = self._raw(
            "multinomial", "uniform", (mul(shape_i(pvals, 0), n),), [], None, pvals.dtype, nstreams
        )
        counts = MultinomialFromUniform(dtype_name(dtype, "int64"))(pvals, sample, n)
        return self.pretty_return(state, moved, counts, size, nstreams)

    def choice(
        self, size: Any = 1, a: Any = None, replace: bool = True, p: Any = None, ndim: int | None = None,
        dtype: Any = "int64", nstreams: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Positions (or elements of `a`) drawn with the probabilities p.

        p a matrix     `size` positions for each of its rows: a matrix (rows, size)
        p a vector     a sample of the shape `size`
        p None         as a vector of equal probabilities for 0 ... a - 1
        a              None: positions; a number: their bound; a vector: elements of it
        replace        may one be drawn twice? If not, `size` must be a number
        """
        a = None if a is None else _choices(a)
        if p is None and a is None:
            raise TypeError("choice: give the probabilities p, or a, what to choose from")
        if p is None and replace:
            last = _last_position(a)
            sample, state, moved = self._raw("choice", "uniform", size, [], ndim, "float64", nstreams)
            found = minimum(cast_to(floor(mul(sample, add(last, 1))), "int64"), last)
        else:
            if p is None:
                count = add(_last_position(a), 1)
                p = second(cast_to(arange(count), "float64"), 1.0) / count
            p = as_tensor_variable(np.asarray(p) if isinstance(p, (list, tuple)) and not any(
                isinstance(v, Variable) for v in p) else p)
            if p.ndim not in (1, 2) or p.dtype not in float_dtypes:
                raise TypeError(f"choice: p must be a vector or a matrix of floats, got {p} of type {p.type}")
            if a is not None:
                what = arange(a) if a.ndim == 0 else a
                p = checked(p, what, [(p.ndim - 1, 0)], "choice: p and a")
            rows = p if p.ndim == 2 else p.dimshuffle("x", 0)
            vector, static = sample_shape("choice", ndim, size, [])
            if len(static) != 1 and (p.ndim == 2 or not replace):
                raise ValueError(f"choice: size must be a number here, got {size}")
            count = as_tensor_variable(product(_elements(vector, len(static))))
            sample, state, moved = self._raw(
                "choice", "uniform", (mul(shape_i(rows, 0), count),), [], None, p.dtype, nstreams
            )
            found = ChoiceFromUniform("int64", replace)(rows, sample, count)
            if p.ndim == 1:
                found = reshape(found, vector, len(static))
        if a is not None and a.ndim == 1:
            found = a[found]
            wanted = dtype_name(dtype, "int64")
            if not np.can_cast(a.dtype, wanted, "same_kind"):
                raise TypeError(f"choice: elements of dtype {a.dtype} do not fit {wanted}; pass dtype={a.dtype!r}")
        return self.pretty_return(state, moved, cast_to(found, dtype_name(dtype, "int64")), size, nstreams)

    def multinomial_wo_replacement(
        self, size: Any = None, n: Any = 1, pvals: Any = None, ndim: int | None = None, dtype: Any = "int64",
        nstreams: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """n different classes for each row of pvals. Deprecated: use choice(size=n, replace=False, p=pvals)."""
        warnings.warn(
            "multinomial_wo_replacement is deprecated; use choice(size=n, replace=False, p=pvals)",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.choice(n, None, False, self._probabilities("choice", pvals), None, dtype, nstreams)

    @staticmethod
    def _probabilities(what: str, pvals: Any) -> Any:
        if pvals is None:
            raise TypeError(f"{what}: You have to specify pvals, a matrix with the probabilities of the classes")
        pvals = as_tensor_variable(pvals)
        if pvals.ndim != 2 or pvals.dtype not in float_dtypes:
            raise TypeError(f"{what}: pvals must be a matrix of floats, got {pvals} of type {pvals.type}")
        return pvals


def _choices(a: Any) -> Any:
    """What is chosen from: an integer or a vector. TypeError for others, ValueError for a number below 1."""
    a = as_tensor_variable(a)
    if a.ndim > 1 or (a.ndim == 0 and a.dtype not in discrete_dtypes):
        raise TypeError(f"choice: a must be an integer or a vector, got {a} of type {a.type}")
    count = static_int(a) if a.ndim == 0 else a.type.shape[0]
    if count is not None and count < 1:
        raise ValueError(f"choice: there is nothing to choose from, a is {a} of type {a.type}")
    return a


def _last_position(a: Any) -> Any:
    """The largest number that can be chosen, int64; it is checked when the function runs."""
    count = a if a.ndim == 0 else shape_i(a, 0)
    return _something_to_choose(sub(cast_to(count, "int64"), 1))


def _key_of_seed(seed: Any) -> int:
    numbers = list(seed) if isinstance(seed, (tuple, list, np.ndarray)) else [seed]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise TypeError(f"MRG_RandomStreams: the seed must be an integer, or six of them, got {seed!r}")
        if not 0 <= number < 2**63:
            raise ValueError(f"MRG_RandomStreams: a seed must be from 0 to 2**63 - 1, got {number}")
    if len(numbers) not in (1, 6):
        raise ValueError(f"MRG_RandomStreams: the seed must be an integer, or six of them, got {len(numbers)}")
    key = 0
    for number in numbers:
        key = derived_key(key, int(number))
    return key


def _check_nstreams(what: str, nstreams: Any) -> None:
    if nstreams is not None and (not isinstance(nstreams, (int, np.integer)) or nstreams <= 0):
        raise ValueError(f"{what}: nstreams must be a positive integer or None, got {nstreams!r}")


def _floats(what: str, dtype: Any, *values: Any) -> tuple[list[Any], str]:
    parameters = [as_tensor_variable(v) for v in values]
    for p in parameters:
        if p.dtype not in discrete_dtypes and p.dtype not in float_dtypes:
            raise TypeError(f"{what}: parameters must be real numbers, got {p} of type {p.type}")
    name = upcast(str(config.floatX), *[p.dtype for p in parameters]) if dtype is None else dtype_name(dtype)
    if name not in float_dtypes:
        raise TypeError(f"{what}: the dtype of draws must be a float dtype, got {name}")
    return parameters, name


def _is_number(x: Any, number: int) -> bool:
    data = getattr(x, "data", None)
    return data is not None and data.ndim == 0 and data == number


def _elements(vector: Any, count: int) -> list[Any]:
    """The lengths in the vector of a size."""
    if vector.owner is not None and isinstance(vector.owner.op, Shape):
        return [shape_i(vector.owner.inputs[0], k) for k in range(count)]
    known = vector_elements(vector) or [None] * count
    return [as_tensor_variable(vector[k] if n is None else n) for k, n in enumerate(known)]


def _is_length(n: Any) -> bool:
    """Is it known that n is not negative?"""
    return static_int(n) is not None or (n.owner is not None and isinstance(n.owner.op, Shape_i))


def _first(size: Any) -> Any:
    return size[0] if isinstance(size, (tuple, list)) else size
