"""A small symbolic language of integers for tests of the graph layer: nothing of tensors is needed."""

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import SingletonType


class Integer(SingletonType):
    def filter(self, data, strict=False, allow_downcast=None):
        if isinstance(data, bool) or not isinstance(data, int):
            raise TypeError(f"{data!r} is no integer")
        return data


integer = Integer()


class Arithmetic(Op):
    """Any number of integers -> one (or `outputs`) integers."""

    __props__ = ("name", "outputs")

    def __init__(self, name, function, outputs=1):
        self.name = name
        self.function = function
        self.outputs = outputs

    def make_node(self, *xs):
        xs = [integer.make_constant(x) if isinstance(x, int) else x for x in xs]
        return Apply(self, xs, [integer() for _ in range(self.outputs)])

    def perform(self, node, inputs, storage):
        results = self.function(*inputs)
        for cell, result in zip(storage, results if self.outputs > 1 else [results]):
            cell[0] = result

    def __str__(self):
        return self.name

    def __reduce__(self):
        return self.name  # a name of this module


def _plus(*xs):
    return sum(xs)


def _times(*xs):
    result = 1
    for x in xs:
        result *= x
    return result


plus = Arithmetic("plus", _plus)
times = Arithmetic("times", _times)
succ = Arithmetic("succ", lambda x: x + 1)
quotient = Arithmetic("quotient", divmod, 2)


def symbols(names):
    return [integer(name) for name in names.split()]


def chain(x, n):
    for _ in range(n):
        x = succ(x)
    return x
