"""The confusion matrix of a classification."""

from __future__ import annotations

from typing import Any

from theano.scalar.comparison import eq
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.extra_ops import Unique
from theano.tensor.nnet.classes import class_numbers
from theano.tensor.products import dot


def confusion_matrix(actual: Any, pred: Any) -> list[Any]:
    """[matrix, labels]: entry (i, j) counts the samples of class labels[i] that were taken for labels[j].

    actual, pred   integer vectors of equal length. Labels are sorted.

    >>> matrix, labels = confusion_matrix([0, 1, 1], [0, 1, 0])
    >>> matrix.eval().tolist(), labels.eval().tolist()
    ([[1, 0], [1, 1]], [0, 1])
    """
    actual, pred = class_numbers(actual), class_numbers(pred)
    if actual.type.ndim != 1 or pred.type.ndim != 1:
        raise ValueError(f"confusion_matrix needs two vectors, got {actual.type} and {pred.type}")
    labels = Unique(False, False, False)(actual)
    one_hot = [
        cast_to(eq(dimshuffle(labels, "x", 0), dimshuffle(classes, 0, "x")), "int64") for classes in (actual, pred)
    ]
    return [dot(dimshuffle(one_hot[0], 1, 0), one_hot[1]), labels]
