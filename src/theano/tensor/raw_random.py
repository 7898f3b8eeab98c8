"""Draws as functions of an explicit state: each takes the state of a generator and returns (new state, sample).

The generator is NumPy's `RandomState`; the numbers are those which its methods give. Streams that keep their states
are in `shared_randomstreams.py`, the counter-based generator in `random_counter.py`.

Parameters broadcast with each other and to `size`. `size` is None (the shape of the parameters), a length, a tuple of
lengths, or a symbolic vector of integers; `ndim` is needed for a vector whose length is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.errors import ShapeError
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.arithmetic import mul, sub, true_div
from theano.scalar.comparison import eq
from theano.scalar.dtypes import continuous_dtypes, discrete_dtypes, integer_dtypes, upcast
from theano.scalar.selection import second, switch
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import dimension, dtype_name
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import broadcast_length
from theano.tensor.permutation import permute_row_elements
from theano.tensor.random_samplers import choice_helper as choice_helper
from theano.tensor.random_samplers import multinomial_helper as multinomial_helper
from theano.tensor.random_samplers import permutation_helper as permutation_helper
from theano.tensor.random_samplers import random_integers_helper as random_integers_helper
from theano.tensor.random_state import RandomStateType as RandomStateType
from theano.tensor.random_state import copied_state, is_random_state
from theano.tensor.random_state import random_state_type as random_state_type
from theano.tensor.region import gradient_of_value
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import shape_padleft
from theano.tensor.shape_ops import shape_i_op, specify_shape
from theano.tensor.type import TensorType, tensor_type

# position among the parameters of location and scale, of families where draw = location + scale * (noise free of both)
_LOCATION_SCALE: dict[str, tuple[int | None, int]] = {
    "normal": (0, 1),
    "laplace": (0, 1),
    "logistic": (0, 1),
    "gumbel": (0, 1),
    "exponential": (None, 0),
    "rayleigh": (None, 0),
}


class RandomFunction(Op):
    """(state, shape, *parameters) -> (new state, sample): a sampler of `numpy.random.RandomState` as an op.

    fn           the name of a method of RandomState, or a function (state, *parameter values, shape) -> array which
                 draws from the state that it is given. A function must be importable for the op to be pickled
    outtype      the TensorType of the sample
    inplace      accepted; the state that is given is never changed
    ndim_added   how many axes a sample has besides those of `shape`

    The gradient by the parameters of a location-scale family (uniform, normal, laplace, ...) is that of
    location + scale * noise with the noise held fixed; by those of other families it is undefined (NullType).
    """

    __props__ = ("fn", "outtype", "inplace", "ndim_added")

    def __init__(self, fn: Any, outtype: Any, inplace: bool = False, ndim_added: int = 0) -> None:
        if isinstance(fn, str):
            if not callable(getattr(np.random.RandomState, fn, None)):
                raise ValueError(f"RandomFunction: numpy.random.RandomState has no method {fn!r}")
        elif not callable(fn):
            raise TypeError(f"RandomFunction: fn must be a function or the name of a method, got {fn!r}")
        if not isinstance(outtype, TensorType):
            raise TypeError(f"RandomFunction: outtype must be a TensorType, got {outtype!r}")
        self.fn = fn
        self.outtype = outtype
        self.inplace = bool(inplace)
        self.ndim_added = int(ndim_added)

    @property
    def family(self) -> str:
        """The name of the distribution."""
        name = self.fn if isinstance(self.fn, str) else getattr(self.fn, "__name__", type(self.fn).__name__)
        return name.removesuffix("_helper")

    def make_node(self, r: Any, shape: Any, *args: Any) -> Apply:
        if is_random_state(r):
            r = random_state_type.make_constant(copied_state(r))
        if not isinstance(r, Variable) or not isinstance(r.type, RandomStateType):
            raise TypeError(
                f"{self.family}: the first argument must be the state of a generator, got {r}. "
                f"Make one with random_state_type() or theano.shared(numpy.random.RandomState(seed))."
            )
        shape = _shape_vector(shape)
        expected = self.outtype.ndim - self.ndim_added
        known = shape.type.shape[0]
        if known is not None and known != expected:
            raise ValueError(f"{self.family}: a shape of length {known} for a sample with {expected} axes")
        parameters = [as_tensor_variable(a) for a in args]
        return Apply(self, [r, shape, *parameters], [r.type(), self.outtype()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        state, shape, *parameters = inputs
        size = tuple(int(n) for n in shape)
        if len(size) != self.outtype.ndim - self.ndim_added:
            raise ValueError(
                f"{self.family}: the sample has {self.outtype.ndim} axes"
                f"{f', {self.ndim_added} of them added' if self.ndim_added else ''}, but the shape is {size}"
            )
        if any(n < 0 for n in size):
            raise ValueError(f"{self.family}: lengths must not be negative, got the shape {size}")
        state = copied_state(state)
        sampler = getattr(np.random.RandomState, self.fn) if isinstance(self.fn, str) else self.fn
        try:
            drawn = sampler(state, *[p[()] if p.ndim == 0 else p for p in parameters], size)
        except ValueError as error:
            shapes = ", ".join(str(p.shape) for p in parameters)
            what = str(error).removeprefix(f"{self.family}: ")
            raise ValueError(f"{self.family}: {what} (size {size}, parameters of shapes {shapes})") from error
        sample = np.asarray(drawn)
        if sample.ndim != self.outtype.ndim or sample.shape[: len(size)] != size:
            raise ValueError(
                f"{self.family}: the sampler gave shape {sample.shape}; expected {size} and {self.ndim_added} more axes"
            )
        if sample.dtype != self.outtype.dtype:
            sample = sample.astype(self.outtype.dtype)
        output_storage[0][0] = state
        output_storage[1][0] = sample

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape: Any = node.inputs[1]
        known = self.outtype.shape
        count = self.outtype.ndim - self.ndim_added
        elements = vector_elements(shape) or [None] * count
        lengths = []
        for axis in range(count):
            element = shape[axis] if elements[axis] is None else elements[axis]
            lengths.append(dimension(element) if known[axis] is None else known[axis])
        if self.ndim_added:
            added = _ADDED_LENGTH.get(self.fn)
            if added is None:
                raise ShapeError(f"{self.family}: the lengths of added axes are known to the sampler only")
            lengths.append(added(node, input_shapes) if known[-1] is None else known[-1])
        return [None, tuple(lengths)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, False], [False, False], *([False, True] for _ in node.inputs[2:])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        sample, gz = outputs[1], output_gradients[1]
        parameters = inputs[2:]
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [disconnected_type(), disconnected_type(), *(gz.type() for _ in parameters)]
        factors = self._factors(parameters, sample)
        terms = [
            self._undefined(number, p) if factor is None else _as_parameter(p, mul(gz, factor))
            for number, (p, factor) in enumerate(zip(parameters, factors))
        ]
        return [disconnected_type(), disconnected_type(), *terms]

    def _factors(self, parameters: Sequence[Any], sample: Any) -> list[Any]:
        """d sample / d parameter, elementwise, for each parameter; None where it does not exist."""
        if sample.dtype not in continuous_dtypes or not isinstance(self.fn, str):
            return [None] * len(parameters)
        padded = [shape_padleft(p, sample.ndim - p.ndim) for p in parameters]
        if self.fn == "uniform" and len(padded) == 2:
            low, high = padded
            upper = _noise(sample, low, sub(high, low))   # sample = low + (high - low) * upper
            return [sub(constant(1, dtype=sample.dtype), upper), upper]
        where = _LOCATION_SCALE.get(self.fn)
        if where is None or len(padded) != (1 if where[0] is None else 2):
            return [None] * len(parameters)
        location, scale = (None if k is None else padded[k] for k in where)
        factors: list[Any] = [None] * len(parameters)
        if where[0] is not None:
            factors[where[0]] = second(sample, constant(1, dtype=sample.dtype))
        factors[where[1]] = _noise(sample, location, scale)
        return factors

    def _undefined(self, number: int, parameter: Any) -> Any:
        return NullType(
            f"The gradient of a draw of {self.family} by its parameter {number} ({parameter}) is undefined: "
            f"the draw is no smooth function of it."
        )()

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.family}}}"


def _noise(sample: Any, location: Any, scale: Any) -> Any:
    """What was scaled and shifted: (sample - location) / scale. 0 where the scale is 0."""
    centred = sample if location is None else sub(sample, location)
    safe = switch(eq(scale, 0), constant(1, dtype="int8"), scale)
    return cast_to(true_div(centred, safe), sample.dtype)


def _as_parameter(parameter: Any, term: Any) -> Any:
    """A term of the sample's shape summed over the axes on which the parameter was broadcast."""
    surplus = term.ndim - parameter.ndim
    padded = shape_padleft(parameter, surplus)
    term = gradient_of_value(padded, term)
    if surplus:
        term = term.dimshuffle(*range(surplus, term.ndim))
    stated = [shape_i_op(axis)(parameter) for axis in range(parameter.ndim)]
    # a length that turns out to be 1 at run time broadcasts in NumPy; the term has then the wrong shape: an error
    return specify_shape(term, stated) if any(n is None for n in parameter.type.shape) else term


# the length of the axis that a sampler adds, from the node and the shapes of its inputs
_ADDED_LENGTH: dict[Any, Callable[[Apply, Sequence[Any]], Any]] = {
    permutation_helper: lambda node, shapes: cast_to(node.inputs[2], "int64"),
    multinomial_helper: lambda node, shapes: shapes[3][-1],
}


def _shape_vector(shape: Any) -> Any:
    """A shape as a vector of int64."""
    if shape is None:
        shape = ()
    if isinstance(shape, (int, np.integer)) or getattr(getattr(shape, "type", None), "ndim", None) == 0:
        shape = (shape,)
    if isinstance(shape, (tuple, list)):
        lengths = [static_int(n) for n in (dimension(n) for n in shape)]
        if all(n is not None for n in lengths):
            return constant(np.asarray(lengths, dtype="int64"))
        return as_tensor_variable([dimension(n) for n in shape])
    vector = as_tensor_variable(shape)
    if vector.type.ndim != 1 or (vector.type.dtype not in integer_dtypes and vector.type.shape != (0,)):
        raise TypeError(f"A size must be a vector of integers; got {vector} of type {vector.type}")
    return cast_to(vector, "int64")


def sample_shape(what: str, ndim: int | None, size: Any, parameters: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """(the shape of a sample as a vector of int64, what is known of it) from what the user says.

    Raises ValueError if the rank cannot be found out, or is less than that of a parameter.
    """
    lengths: list[Any] | None
    if size is None:
        lengths = [dimension(n) for n in _broadcast_lengths(parameters, max((p.ndim for p in parameters), default=0))]
    elif isinstance(size, (tuple, list)):
        lengths = [dimension(n) for n in size]
    elif not isinstance(size, Variable):
        lengths = [dimension(n) for n in np.atleast_1d(size)]
    elif as_tensor_variable(size).ndim == 0:
        lengths = [dimension(size)]
    else:
        vector = _shape_vector(size)
        known = vector.type.shape[0]
        elements = vector_elements(vector)
        lengths = None
        if elements is not None:
            lengths = [vector[k] if n is None else dimension(n) for k, n in enumerate(elements)]
        elif known is not None:
            lengths = [vector[k] for k in range(known)]
        elif ndim is None:
            raise ValueError(
                f"{what}: the length of the symbolic size {size} is not known; pass ndim=, the number of its elements"
            )
    found = ndim if lengths is None else len(lengths)
    assert found is not None
    rank = found
    if ndim is not None and rank != ndim:
        raise ValueError(f"{what}: ndim={ndim}, but the size {size} and the parameters give {rank} axes")
    widest = max((p.ndim for p in parameters), default=0)
    if rank < widest:
        raise ValueError(f"{what}: a size with {rank} axes is too small for parameters with {widest} axes")
    if lengths is None:
        return vector, (None,) * rank
    static = tuple(static_int(n) for n in lengths)
    if any(n is not None and n < 0 for n in static):
        raise ValueError(f"{what}: lengths must not be negative, got the size {static}")
    for p in parameters:
        for n, m in zip(p.type.shape[::-1], static[::-1]):
            if n is not None and m is not None and n not in (1, m):
                raise ValueError(f"{what}: the parameter {p} of type {p.type} does not broadcast to the size {static}")
    if all(n is not None for n in static):
        return constant(np.asarray(static, dtype="int64")), static
    return as_tensor_variable(lengths), static


def _broadcast_lengths(parameters: Sequence[Any], rank: int) -> list[Any]:
    found = []
    for axis in range(rank):
        entries = []
        for p in parameters:
            mine = axis - (rank - p.ndim)
            if mine >= 0:
                known = p.type.shape[mine]
                entries.append(shape_i_op(mine)(p) if known is None else known)
        found.append(broadcast_length(entries))
    return found


def _draw(
    what: str, fn: Any, random_state: Any, size: Any, parameters: Sequence[Any], ndim: int | None, dtype: str,
    extra: Sequence[Any] = (), added: Sequence[Any] = (),
) -> list[Any]:  # fmt: skip
    """[new state, sample]; `extra` are inputs that do not broadcast, `added` the known lengths of added axes."""
    vector, static = sample_shape(what, ndim, size, parameters)
    op = RandomFunction(fn, tensor_type(dtype, (*static, *added)), ndim_added=len(added))
    return op(random_state, vector, *parameters, *extra, return_list=True)


def _float_parameters(what: str, dtype: Any, *values: Any) -> tuple[list[Any], str]:
    parameters = [as_tensor_variable(v) for v in values]
    for p in parameters:
        if p.dtype not in discrete_dtypes and p.dtype not in ("float16", "float32", "float64"):
            raise TypeError(f"{what}: parameters must be real numbers, got {p} of type {p.type}")
    name = upcast(str(config.floatX), *[p.dtype for p in parameters]) if dtype is None else dtype_name(dtype)
    if dtype is not None and name not in ("float16", "float32", "float64"):
        raise TypeError(f"{what}: the dtype of draws must be a float dtype, got {name}")
    return parameters, name


def _integer_parameter(what: str, name: str, value: Any) -> Any:
    variable = as_tensor_variable(value)
    if variable.dtype not in discrete_dtypes:
        raise TypeError(f"{what}: {name} must be an integer, got {variable} of type {variable.type}; cast it first")
    return variable


def uniform(
    random_state: Any, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: int | None = None, dtype: Any = None
) -> list[Any]:
    """Real numbers from low (included) to high (excluded)."""
    parameters, name = _float_parameters("uniform", dtype, low, high)
    return _draw("uniform", "uniform", random_state, size, parameters, ndim, name)


def normal(
    random_state: Any, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: Any = None
) -> list[Any]:
    """Normally distributed numbers with mean avg and standard deviation std."""
    parameters, name = _float_parameters("normal", dtype, avg, std)
    return _draw("normal", "normal", random_state, size, parameters, ndim, name)


def binomial(
    random_state: Any, size: Any = None, n: Any = 1, p: Any = 0.5, ndim: int | None = None, dtype: Any = "int64",
    prob: Any = None,
) -> list[Any]:  # fmt: skip
    """How often an event of probability p happens in n trials. `prob` is the old name of p."""
    n = _integer_parameter("binomial", "n", n)
    (p,), _ = _float_parameters("binomial", None, p if prob is None else prob)
    return _draw("binomial", "binomial", random_state, size, [n, p], ndim, dtype_name(dtype, "int64"))


def random_integers(
    random_state: Any, size: Any = None, low: Any = 0, high: Any = 1, ndim: int | None = None, dtype: Any = "int64"
) -> list[Any]:
    """Integers from low to high, both included."""
    parameters = [_integer_parameter("random_integers", name, v) for name, v in (("low", low), ("high", high))]
    name = dtype_name(dtype, "int64")
    return _draw("random_integers", random_integers_helper, random_state, size, parameters, ndim, name)


def poisson(
    random_state: Any, size: Any = None, lam: Any = 1.0, ndim: int | None = None, dtype: Any = "int64"
) -> list[Any]:
    """Counts of events which happen at the rate lam."""
    (lam,), _ = _float_parameters("poisson", None, lam)
    return _draw("poisson", "poisson", random_state, size, [lam], ndim, dtype_name(dtype, "int64"))


def choice(
    random_state: Any, size: Any = None, a: Any = 2, replace: Any = True, p: Any = None, ndim: int | None = None,
    dtype: Any = "int64",
) -> list[Any]:  # fmt: skip
    """Elements of the vector `a` (for a number, of 0 ... a - 1), with the probabilities p (None: all equal).

    replace   may an element be drawn twice?
    """
    a = as_tensor_variable(a)
    name = dtype_name(dtype, "int64")
    if a.ndim > 1 or (a.ndim == 0 and a.dtype not in discrete_dtypes):
        raise TypeError(f"choice: a must be an integer or a vector, got {a} of type {a.type}")
    if a.ndim == 1 and a.dtype != name and not np.can_cast(a.dtype, name, "same_kind"):
        raise TypeError(f"choice: elements of dtype {a.dtype} do not fit the dtype {name}; pass dtype={a.dtype!r}")
    p = constant(np.zeros(0)) if p is None else as_tensor_variable(p)
    if p.ndim != 1:
        raise TypeError(f"choice: the probabilities must be a vector, got {p} of type {p.type}")
    extra = [a, as_tensor_variable(replace), p]
    return _draw("choice", choice_helper, random_state, size, [], ndim, name, extra)


def permutation(
    random_state: Any, size: Any = None, n: Any = 1, ndim: int | None = None, dtype: Any = "int64"
) -> list[Any]:
    """Permutations of 0 ... n - 1 along a last axis, one for each position of `size` (None: a single one)."""
    n = _integer_parameter("permutation", "n", n)
    if n.ndim:
        raise TypeError(f"permutation: n must be a number, got {n} of type {n.type}")
    count = static_int(n)
    if count is not None and count < 0:
        raise ValueError(f"permutation: n must not be negative, got {count}")
    name = dtype_name(dtype, "int64")
    size = () if size is None else size
    return _draw("permutation", permutation_helper, random_state, size, [], ndim, name, [n], [count])


def multinomial(
    random_state: Any, size: Any = None, n: Any = 1, pvals: Any = (0.5, 0.5), ndim: int | None = None,
    dtype: Any = "int64",
) -> list[Any]:  # fmt: skip
    """How often each of the classes is drawn in n draws: counts along a last axis.

    pvals   the probabilities of the classes along its last axis; its other axes broadcast with n and to `size`
    """
    n = _integer_parameter("multinomial", "n", n)
    pvals = as_tensor_variable(np.asarray(pvals) if isinstance(pvals, (tuple, list)) and not any(
        isinstance(v, Variable) for v in pvals) else pvals)
    if pvals.ndim == 0 or pvals.dtype not in continuous_dtypes:
        raise TypeError(f"multinomial: pvals must be floats with an axis of classes, got {pvals} of type {pvals.type}")
    # the leading axes of pvals take part in broadcasting: a sum stands for them, which is never computed
    rows = pvals.sum(axis=-1)
    vector, static = sample_shape("multinomial", ndim, size, [n, rows])
    outtype = tensor_type(dtype_name(dtype, "int64"), (*static, pvals.type.shape[-1]))
    return RandomFunction(multinomial_helper, outtype, ndim_added=1)(random_state, vector, n, pvals, return_list=True)


class RandomStreamsBase:
    """The draws of a stream, as methods. A subclass gives `gen(op, *args, **kwargs)`, which supplies the state."""

    def gen(self, op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A draw: `op(state, *args, **kwargs)` on a state that the stream supplies."""
        raise NotImplementedError(f"{type(self).__name__}.gen")

    def uniform(
        self, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: int | None = None, dtype: Any = None
    ) -> Any:
        """Real numbers from low (included) to high (excluded). Differentiable by low and high."""
        return self.gen(uniform, size, low, high, ndim=ndim, dtype=dtype)

    def normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: Any = None
    ) -> Any:
        """Normally distributed numbers with mean avg and standard deviation std. Differentiable by both."""
        return self.gen(normal, size, avg, std, ndim=ndim, dtype=dtype)

    def binomial(
        self, size: Any = None, n: Any = 1, p: Any = 0.5, ndim: int | None = None, dtype: Any = "int64",
        prob: Any = None,
    ) -> Any:  # fmt: skip
        """How often an event of probability p happens in n trials."""
        return self.gen(binomial, size, n, p, ndim=ndim, dtype=dtype, prob=prob)

    def random_integers(
        self, size: Any = None, low: Any = 0, high: Any = 1, ndim: int | None = None, dtype: Any = "int64"
    ) -> Any:
        """Integers from low to high, both included."""
        return self.gen(random_integers, size, low, high, ndim=ndim, dtype=dtype)

    def choice(
        self, size: Any = None, a: Any = 2, replace: Any = True, p: Any = None, ndim: int | None = None,
        dtype: Any = "int64",
    ) -> Any:  # fmt: skip
        """Elements of the vector `a` (for a number, of 0 ... a - 1), with the probabilities p (None: all equal)."""
        return self.gen(choice, size, a, replace, p, ndim=ndim, dtype=dtype)

    def poisson(self, size: Any = None, lam: Any = 1.0, ndim: int | None = None, dtype: Any = "int64") -> Any:
        """Counts of events which happen at the rate lam."""
        return self.gen(poisson, size, lam, ndim=ndim, dtype=dtype)

    def permutation(self, size: Any = None, n: Any = 1, ndim: int | None = None, dtype: Any = "int64") -> Any:
        """Permutations of 0 ... n - 1 along a last axis, one for each position of `size` (None: a single one)."""
        return self.gen(permutation, size, n, ndim=ndim, dtype=dtype)

    def multinomial(
        self, size: Any = None, n: Any = 1, pvals: Any = (0.5, 0.5), ndim: int | None = None, dtype: Any = "int64"
    ) -> Any:
        """How often each of the classes along the last axis of pvals is drawn in n draws."""
        return self.gen(multinomial, size, n, pvals, ndim=ndim, dtype=dtype)

    def shuffle_row_elements(self, input: Any) -> Any:
        """`input` with the elements of each row (along the last axis) in random order. A vector is one row."""
        x = as_tensor_variable(input)
        if x.ndim == 0:
            raise TypeError(f"shuffle_row_elements: {x} is a scalar and has no rows")
        lengths = [shape_i_op(axis)(x) if n is None else n for axis, n in enumerate(x.type.shape)]
        order = self.permutation(size=tuple(lengths[:-1]), n=lengths[-1], ndim=x.ndim - 1)
        return permute_row_elements(x, order)
