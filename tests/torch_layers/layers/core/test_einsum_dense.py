"""EinsumDense: equations, errors, initializers, the kernels it uses."""

from __future__ import annotations

import pytest
import torch

from torch_layers import EinsumDense
from torch_layers.layers.core.equation import Equation

X = torch.arange(30.0).reshape(2, 3, 5)


@pytest.mark.parametrize(
    "equation",
    ["ab, bc->ac", "a...b,bc->a...c", "ab,bc", "ab->ac", "...ab,bc->ac", "ab,bc->ac...", "a...,ab->b...", "", None, 3],
)
def test_other_equations_are_refused(equation):
    with pytest.raises(ValueError, match=r"^EinsumDense: equation=.* is not of the form 'ab,bc->ac', "):
        EinsumDense(equation, 4)


def test_letters_without_a_source_are_named():
    with pytest.raises(
        ValueError, match=r"^EinsumDense: equation='ab,bc->ad' has 'd' in its output, but not before '->'"
    ):
        EinsumDense("ab,bc->ad", 4)
    with pytest.raises(ValueError, match=r"^EinsumDense: equation='ab,bcd->ac' has 'd' in its kernel only"):
        EinsumDense("ab,bcd->ac", 4)


@pytest.mark.parametrize("shape", [None, -1, 0, 2.0, "4", (None, 0), (1.5,)])
def test_output_shape_is_sizes_and_none(shape):
    with pytest.raises(ValueError, match=r"^EinsumDense: output_shape=.* is neither a positive int nor a list of them"):
        EinsumDense("ab,bc->ac", shape)


def test_bias_axes_are_letters_of_the_output():
    with pytest.raises(ValueError, match=r"^EinsumDense: bias_axes='b' holds 'b', the output 'ac' does not"):
        EinsumDense("ab,bc->ac", 4, bias_axes="b")
    with pytest.raises(ValueError, match=r"^EinsumDense: bias_axes='' names no axis; None means no bias"):
        EinsumDense("ab,bc->ac", 4, bias_axes="")


@pytest.mark.parametrize(
    "equation, output_shape, message",
    [
        ("ab,bc->ac", 4, r"input of shape \(2, 3, 5\) has rank 3, allowed is 2"),
        ("...abcd,de->...abce", 4, r"input of shape \(2, 3, 5\) has rank 3, allowed is at least 4"),
        ("abc,cd->abd", (7, 4), r"input of shape \(2, 3, 5\) has size 3 in 'b', output_shape=\(7, 4\) says 7"),
        ("abc,cd->abd", 4, r"output_shape=\(4,\) is too short for the output 'abd'"),
        ("abc,cd->abd", (3, None), r"output_shape=\(3, None\) does not give the size of 'd'"),
    ],
)
def test_an_input_that_does_not_fit_is_named_and_builds_nothing(equation, output_shape, message):
    layer = EinsumDense(equation, output_shape)
    with pytest.raises(ValueError, match=f"^EinsumDense: {message}"):
        layer(X)
    assert not layer.built


def test_rank_and_sizes_are_those_of_the_first_call():
    layer = EinsumDense("...a,ab->...b", 4)
    layer(X)
    with pytest.raises(ValueError, match=r"^EinsumDense: input of shape \(2, 5\) has rank 2, allowed is 3"):
        layer(X[:, 0])
    with pytest.raises(ValueError, match=r"^EinsumDense: input of shape \(2, 3, 4\) has size 4 in axis 2"):
        layer(X[..., :4])
    assert layer(X[:, :2]).shape == (2, 2, 4)


def test_a_size_that_keras_wants_in_output_shape_may_come_from_the_input():
    assert EinsumDense("abc,bcd->abd", (None, 4), input_shape=(3, 5)).weight.shape == (3, 5, 4)


@pytest.mark.parametrize(
    "equation, is_product",
    [
        ("ab,bc->ac", True),
        ("ab,cb->ac", True),
        ("...x,xy->...y", True),
        ("abc,cde->abde", True),
        ("abcd,cde->abe", True),
        ("abcd,ecd->abe", True),
        ("abc,cbd->ad", False),
        ("ab,bc->ca", False),
        ("abc,bcd->abd", False),
        ("abc,cd->ad", False),
        ("ab...,bc->ac...", False),
        ("ab,b->a", False),
        ("aab,bc->ac", False),
    ],
)
def test_what_is_a_matrix_product_is_computed_as_one(equation, is_product):
    assert Equation.parse(equation).is_product is is_product


@pytest.mark.parametrize("initializer, fans", [("lecun_uniform", 5), ("glorot_uniform", (5 + 24) / 6)])
def test_initializers_scale_by_the_axes_of_the_equation(initializer, fans):
    torch.manual_seed(0)
    layer = EinsumDense("abc,cde->abde", (None, 4, 6), kernel_initializer=initializer, input_shape=(3, 5))
    limit = (3 / fans) ** 0.5 if initializer == "lecun_uniform" else (6 / (5 + 24)) ** 0.5
    assert 0.9 * limit < layer.weight.abs().max() <= limit
    assert layer.get_config()["kernel_initializer"]["config"]["input_axes"] is None
