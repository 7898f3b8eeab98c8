"""einsum: sums of products in Einstein's notation, as sums, elementwise products and matrix products.

Nothing here is an op: the expression is built of `contract` (products.py), sums and diagonals, so that derivatives and
fast code come from those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.scalar.dtypes import upcast
from theano.tensor.careduce import Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.diagonal import ExtractDiag
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.products import checked, contract

# letters of the subscripts as they are; axes of an ellipsis are numbered from the right
Label = str | int
_ASSUMED_LENGTH = 16
_EXHAUSTIVE = 5   # up to this many operands the cheapest order is sought, above a good one


def einsum(subscripts: Any, *operands: Any, optimize: Any = True) -> Any:
    """The sum of products that the subscripts describe, as np.einsum gives it.

    Both spellings are understood, `einsum("ij,jk->ik", a, b)` and `einsum(a, [0, 1], b, [1, 2], [0, 2])`. Axes
    broadcast where their length is known to be one. optimize=False multiplies from left to right.
    ValueError for subscripts that make no sense or do not fit the operands.

    >>> from theano.tensor import dmatrices
    >>> a, b = dmatrices("a", "b")
    >>> einsum("ij,kj->ik", a, b).eval({a: [[1.0, 2.0]], b: [[3.0, 4.0], [5.0, 6.0]]}).tolist()
    [[11.0, 17.0]]
    """
    inputs, output, tensors = _parsed(subscripts, operands)
    dtype = upcast(*(x.dtype for x in tensors))
    _check_lengths(inputs, tensors)
    terms = [(_without_repeats(x, labels)) for x, labels in zip(tensors, inputs)]
    terms = _without_broadcast(terms)
    for step in _order(terms, output, bool(optimize)):
        chosen = [terms[k] for k in step]
        terms = [term for k, term in enumerate(terms) if k not in step]
        wanted = set(output).union(*(labels for _, labels in terms))
        while chosen:
            x, labels = chosen.pop(0)
            others = set().union(*(more for _, more in chosen))
            x, labels = _summed(x, labels, wanted | others)
            if not chosen:
                terms.append((x, labels))
                break
            y, labels_y = chosen.pop(0)
            rest = set().union(*(more for _, more in chosen))
            y, labels_y = _summed(y, labels_y, wanted | rest | set(labels))
            chosen.insert(0, _product(x, labels, y, labels_y, wanted | rest))
    ((x, labels),) = terms
    x, labels = _summed(x, labels, set(output))
    return cast_to(dimshuffle(x, [labels.index(label) for label in output]), dtype)


def _parsed(subscripts: Any, operands: Sequence[Any]) -> tuple[list[list[Label]], list[Label], list[Any]]:
    """Labels of the axes of each operand, labels of the result, and the operands."""
    if not isinstance(subscripts, str):
        subscripts, operands = _spelled((subscripts, *operands))
    text = "".join(subscripts.split())
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    for character in left.replace("...", "").replace(",", "") + right.replace("...", ""):
        if not (character.isascii() and character.isalpha()):
            raise ValueError(f"einsum: {character!r} is no subscript, in {subscripts!r}")
    if len(parts) != len(operands):
        raise ValueError(f"einsum: {subscripts!r} is for {len(parts)} operands, got {len(operands)}")
    tensors = [as_tensor_variable(x) for x in operands]
    inputs = []
    for part, x in zip(parts, tensors):
        before, dots, after = part.partition("...")
        width = x.ndim - len(before) - len(after)
        if width < 0 or (width and not dots) or "." in after:
            raise ValueError(
                f"einsum: the subscripts {part!r} do not fit the operand {x}, which has {x.ndim} axes (type {x.type})"
            )
        inputs.append([*before, *range(-width, 0), *after])
    widest = max((-label for labels in inputs for label in labels if isinstance(label, int)), default=0)
    ellipsis: list[Label] = list(range(-widest, 0))
    letters = [label for labels in inputs for label in labels if isinstance(label, str)]
    if not arrow:
        return inputs, ellipsis + sorted({s for s in letters if letters.count(s) == 1}), tensors
    before, dots, after = right.partition("...")
    if widest and not dots:
        raise ValueError(f"einsum: the result of {subscripts!r} must have an ellipsis, as the operands do")
    output: list[Label] = [*before, *(ellipsis if dots else []), *after]
    for label in (*before, *after):
        if output.count(label) > 1:
            raise ValueError(f"einsum: {label!r} stands twice in the result of {subscripts!r}")
        if label not in letters:
            raise ValueError(f"einsum: {label!r} in the result of {subscripts!r} is in no operand")
    return inputs, output, tensors


def _spelled(arguments: Sequence[Any]) -> tuple[str, list[Any]]:
    """The alternating spelling (operand, axis numbers, ..., [axis numbers of the result]) as subscripts."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    def word(labels: Sequence[Any]) -> str:
        return "".join("..." if label is Ellipsis else letters[int(label)] for label in labels)

    pairs = list(zip(arguments[::2], arguments[1::2]))
    text = ",".join(word(labels) for _, labels in pairs)
    if len(arguments) % 2:
        text += "->" + word(arguments[-1])
    return text, [x for x, _ in pairs]


def _check_lengths(inputs: Sequence[Sequence[Label]], tensors: Sequence[Any]) -> None:
    """ValueError where known lengths of equally labelled axes differ and neither is 1."""
    known: dict[Label, int] = {}
    for labels, x in zip(inputs, tensors):
        for label, n in zip(labels, x.type.shape):
            if n in (None, 1):
                continue
            if known.setdefault(label, n) != n:
                raise ValueError(
                    f"einsum: axis {label!r} has length {known[label]} in one operand and {n} in {x} (type {x.type})"
                )


def _without_repeats(x: Any, labels: Sequence[Label]) -> tuple[Any, list[Label]]:
    """Take the diagonal of axes with equal labels."""
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = ExtractDiag(0, first, second)(checked(x, x, [(first, second)], "einsum"))
            del labels[second], labels[first]
            labels.append(label)
    return x, labels


def _without_broadcast(terms: Sequence[tuple[Any, list[Label]]]) -> list[tuple[Any, list[Label]]]:
    """Drop axes of known length one where another operand gives the length."""
    long = {label for x, labels in terms for label, n in zip(labels, x.type.shape) if n != 1}
    result = []
    for x, labels in terms:
        kept = [k for k, (label, n) in enumerate(zip(labels, x.type.shape)) if n != 1 or label not in long]
        result.append((dimshuffle(x, kept), [labels[k] for k in kept]))
    return result


def _order(terms: Sequence[tuple[Any, list[Label]]], output: Sequence[Label], optimize: bool) -> list[list[int]]:
    """Which terms to multiply in each step; the product goes to the end of the list of terms."""
    if len(terms) < 3 or not optimize:
        return [list(range(len(terms)))]
    letters = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    letter: dict[Label, str] = {}
    lengths: dict[Label, int] = {}
    for x, labels in terms:
        for label, n in zip(labels, x.type.shape):
            letter.setdefault(label, next(letters, "?") if label not in letter else letter[label])
            if n is not None:
                lengths[label] = n
    if "?" in letter.values():
        return [list(range(len(terms)))]
    text = ",".join("".join(letter[label] for label in labels) for _, labels in terms)
    text += "->" + "".join(letter[label] for label in output)
    models = [
        np.broadcast_to(np.int8(0), [lengths.get(label, _ASSUMED_LENGTH) for label in labels]) for _, labels in terms
    ]
    how = "optimal" if len(terms) <= _EXHAUSTIVE else "greedy"
    return [list(step) for step in np.einsum_path(text, *models, optimize=how)[0][1:]]


def _summed(x: Any, labels: list[Label], wanted: set[Label]) -> tuple[Any, list[Label]]:
    """Sum over the axes that nothing else asks for."""
    axes = tuple(k for k, label in enumerate(labels) if label not in wanted)
    if not axes:
        return x, labels
    return Sum(axes, dtype=x.dtype)(x), [label for label in labels if label in wanted]


def _product(
    x: Any, labels_x: list[Label], y: Any, labels_y: list[Label], wanted: set[Label]
) -> tuple[Any, list[Label]]:
    """The product of two terms, summed over common axes that nothing else asks for."""
    common = [label for label in labels_x if label in labels_y]
    batch = [label for label in common if label in wanted]
    summed = [label for label in common if label not in wanted]

    def pairs(names: Sequence[Label]) -> list[tuple[int, int]]:
        return [(labels_x.index(label), labels_y.index(label)) for label in names]

    product = contract(x, y, pairs(batch), pairs(summed), name="einsum")
    free = [label for label in (*labels_x, *labels_y) if label not in common]
    return product, batch + free
