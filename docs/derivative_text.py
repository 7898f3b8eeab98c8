"""The derivatives of elementwise records as short formulas: what their own gradient functions say, for a gradient of 1.

    >>> from theano import scalar
    >>> derivatives(scalar.log), derivatives(scalar.true_div)
    (['1 / x'], ['1 / y', '-x / y / y'])
"""

from __future__ import annotations

from typing import Any

from public_names import operands

from theano.graph.node import Constant
from theano.scalar.dtypes import is_complex
from theano.scalar.op import DISCONNECTED, UNDEFINED, ZERO, ScalarOp
from theano.tensor import type as tensor_type

_WORDS = {ZERO: "0", DISCONNECTED: "disconnected", UNDEFINED: "none"}
_LONGEST = 90

# how closely operators bind; what binds less closely gets parentheses
_BINDS = {"|": 1, "&": 2, "<": 3, ">": 3, "<=": 3, ">=": 3, "==": 3, "!=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "//": 5,
          "%": 5, "neg": 6, "**": 7}
_ATOM = 9


def derivatives(record: ScalarOp) -> list[str]:
    """For each operand the derivative of the result, "0" where it is zero, "none" where none is known.

    "defined by others": the op is an abbreviation of an expression in other ops, and inherits its derivative.
    """
    if record.define is not None:
        return ["defined by others"]
    if record.grad is None:
        return ["none"]
    names = operands(record) if record.nin is not None else ["x", "y"]
    for dtype in ("float64", "int64"):
        inputs = [tensor_type.TensorType(dtype, ())(name) for name in names]
        try:
            output = record(*inputs)
        except TypeError:
            continue
        break
    if output.type.dtype == "bool" or output.type.dtype == "int64":
        return ["0"]
    # the factor 1 is not written; of a complex result the gradient has two parts, and is called g
    gradient = output.type("g" if is_complex(output.type.dtype) else "1")
    terms = record.grad(*inputs, output, gradient)
    terms = terms if isinstance(terms, (tuple, list)) else [terms]
    texts = [_WORDS[term] if isinstance(term, str) else _formula(term, gradient)[0] for term in terms]
    texts = [text if len(text) <= _LONGEST else "…" for text in texts]
    if record.nin is None:
        return [texts[0] + ", …"]
    return [texts[0]] if len(set(texts)) == 1 and len(texts) > 1 else texts


def _formula(variable: Any, gradient: Any) -> tuple[str, int]:
    """(text, how closely its outermost operator binds)."""
    if not hasattr(variable, "type"):
        return f"{float(variable):.6g}", _ATOM
    if isinstance(variable, Constant):
        text = f"{variable.data.item():.6g}"
        return text, _BINDS["neg"] if text.startswith("-") else _ATOM
    if variable.owner is None:
        return variable.name, _ATOM
    record = getattr(variable.owner.op, "scalar_op", None)
    inputs = variable.owner.inputs
    if record is None or record.params:   # a DimShuffle of scalars or a cast
        return _formula(inputs[0], gradient)
    if record.name == "second":
        return _formula(inputs[1], gradient)
    if record.name == "mul" and gradient.name == "1":
        inputs = [x for x in inputs if x is not gradient] or inputs[:1]
        if len(inputs) == 1:
            return _formula(inputs[0], gradient)
    parts = [_formula(x, gradient) for x in inputs]
    if record.name == "neg":
        text, binds = parts[0]
        return f"-{text if binds >= _BINDS['*'] and '//' not in text else f'({text})'}", _BINDS["neg"]
    binds = _BINDS.get(record.symbol, 0)
    if not binds:
        return f"{record.name}({', '.join(text for text, _ in parts)})", _ATOM
    return f" {record.symbol} ".join(_operand(part, k, record.symbol) for k, part in enumerate(parts)), binds


def _operand(part: tuple[str, int], position: int, symbol: str) -> str:
    text, binds = part
    loose = binds < _BINDS[symbol] or (binds == _BINDS[symbol] and position > 0 and symbol not in "+*")
    return f"({text})" if loose or (symbol == "**" and binds < _ATOM) else text
