"""theano.tensor.nnet.neighbours: patches by loops, their inverse, derivatives, refusals."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree

import theano
import theano.tensor as T
from theano.tensor.nnet.neighbours import Images2Neibs, Neibs2Images, images2neibs, neibs2images

CASES = [
    ("valid", (2, 2), (2, 1)), ("valid", (3, 5), (3, 1)), ("half", (3, 3), (1, 1)), ("half", (2, 3), (2, 2)),
    ("full", (3, 2), (1, 1)), ("full", (3, 1), (1, 2)), ("wrap_centered", (3, 3), (2, 1)),
    ("wrap_centered", (1, 5), (1, 2)), ("ignore_borders", (4, 3), (3, 2)), ("ignore_borders", (2, 2), (3, 4)),
]  # fmt: skip


def images(*shape):
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def by_loops(x, size, step, mode):
    pad = {"half": [n // 2 for n in size], "full": [n - 1 for n in size]}.get(mode, (0, 0))
    rows = []
    for image in x.reshape(-1, *x.shape[2:]):
        if mode == "wrap_centered":
            h, w = image.shape
            centres = [(r, c) for r in range(0, h, step[0]) for c in range(0, w, step[1])]
            for r, c in centres:
                rows.append([
                    image[(r + i - size[0] // 2) % h, (c + j - size[1] // 2) % w]
                    for i in range(size[0]) for j in range(size[1])
                ])  # fmt: skip
            continue
        image = np.pad(image, [(p, p) for p in pad])
        for r in range(0, image.shape[0] - size[0] + 1, step[0]):
            for c in range(0, image.shape[1] - size[1] + 1, step[1]):
                rows.append(image[r : r + size[0], c : c + size[1]].ravel())
    return np.array(rows)


@pytest.mark.parametrize("mode, size, step", CASES, ids=str)
class Test_patches:
    def test_values(self, mode, size, step):
        agree(
            lambda a: images2neibs(a, size, step, mode), lambda a: by_loops(a, size, step, mode), images(2, 3, 6, 5),
            modes=MODES,
        )  # fmt: skip

    def test_derivatives(self, mode, size, step):
        gradients_agree(lambda a: images2neibs(a, size, step, mode) ** 2, images(1, 2, 6, 5) / 10)

    def test_sizes_as_expressions(self, mode, size, step):
        a, n, s = T.dtensor4(), T.ivector(), T.lvector()
        z = images2neibs(a, n, s, mode)
        x = images(2, 1, 6, 5)
        found, shape = theano.function([a, n, s], [z, z.shape])(x, size, step)
        np.testing.assert_array_equal(found, by_loops(x, size, step, mode))
        assert tuple(shape) == found.shape

    def test_the_adjoint_op(self, mode, size, step):
        x = images(2, 1, 6, 5)
        matrix = np.random.default_rng(0).normal(size=by_loops(x, size, step, mode).shape)
        back = Neibs2Images(mode)(matrix, size, step, x.shape).eval()
        np.testing.assert_allclose((back * x).sum(), (by_loops(x, size, step, mode) * matrix).sum())
        gradients_agree(lambda m: Neibs2Images(mode)(m, size, step, x.shape), matrix)


def test_patches_side_by_side_by_default():
    agree(lambda a: images2neibs(a, (3, 2)), lambda a: by_loops(a, (3, 2), (3, 2), "valid"), images(2, 2, 6, 4))


def test_static_shape_and_dtypes():
    a = T.TensorType("float32", (2, 3, 6, 4))()
    assert images2neibs(a, (3, 2)).type.shape == (2 * 3 * 4, 6)
    assert images2neibs(a, (3, 2)).dtype == "float32"
    assert images2neibs(T.itensor4(), (3, 2)).dtype == "int32"


@pytest.mark.parametrize("shape, mode", [((2, 1, 6, 4), "valid"), ((2, 3, 7, 5), "ignore_borders")])
def test_back(shape, mode):
    x = images(*shape)
    rest = x.copy()
    rest[:, :, 6:], rest[..., 4:] = 0, 0
    agree(lambda a: neibs2images(images2neibs(a, (3, 2), mode=mode), (3, 2), a.shape, mode), lambda a: rest, x,
          modes=MODES)  # fmt: skip
    m = T.dmatrix()
    assert neibs2images(m, (3, 2), shape, mode).type.shape == shape
    matrix = by_loops(x, (3, 2), (3, 2), mode)
    gradients_agree(lambda m: neibs2images(m, (3, 2), shape, mode) ** 2, matrix / 50)


def test_no_images():
    a = T.dtensor4()
    f = theano.function([a], images2neibs(a, (3, 2)))
    assert f(np.zeros((0, 2, 6, 4))).shape == (0, 6)


class Test_refusals:
    @pytest.mark.parametrize(
        "size, step, mode, message",
        [
            ((4, 2), None, "valid", "do not end"), ((7, 2), None, "valid", "does not fit"),
            ((2, 3), (1, 1), "wrap_centered", "odd"), ((7, 3), (1, 1), "wrap_centered", "as large"),
            ((0, 1), None, "valid", "at least 1"), ((1, 2, 3), None, "valid", "two"),
        ],
    )  # fmt: skip
    def test_sizes(self, size, step, mode, message):
        with pytest.raises(ValueError, match=message):
            images2neibs(images(1, 1, 6, 4), size, step, mode)
        a = T.dtensor4()
        if len(size) == 2 and min(size):
            f = theano.function([a], images2neibs(a, size, step, mode))
            with pytest.raises(ValueError, match=message):
                f(images(1, 1, 6, 4))

    def test_declarations(self):
        with pytest.raises(ValueError, match="mode"):
            Images2Neibs("same")
        with pytest.raises(NotImplementedError, match="mode"):
            neibs2images(T.dmatrix(), (2, 2), (1, 1, 4, 4), "half")
        with pytest.raises(TypeError, match="axes"):
            images2neibs(T.dmatrix(), (2, 2))
        with pytest.raises(TypeError, match="matrix"):
            neibs2images(T.dvector(), (2, 2), (1, 1, 4, 4))
        with pytest.raises(TypeError, match="integers"):
            images2neibs(T.dtensor4(), (2.0, 2.0))

    def test_a_matrix_of_another_shape(self):
        m = T.dmatrix()
        f = theano.function([m], neibs2images(m, (2, 2), (1, 1, 4, 4)))
        with pytest.raises(ValueError, match="patches"):
            f(np.ones((3, 4)))
