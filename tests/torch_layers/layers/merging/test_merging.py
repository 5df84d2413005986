"""Merging layers: errors, masks, unusual calls."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torch_layers
from torch_layers import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract

FOLDS = (Add, Subtract, Multiply, Average, Maximum, Minimum)
A, B = torch.arange(6.0).reshape(2, 3), torch.full((2, 3), 2.0)
every_fold = pytest.mark.parametrize("layer", FOLDS, ids=lambda cls: cls.__name__)


class TestCalls:
    def test_rows_of_a_matrix_merge(self):
        assert torch.equal(Average()(list(A)), A.mean(0))
        assert torch.equal(Concatenate(axis=0)(list(A)), A.flatten())
        assert torch.equal(Add()([A[0], A[1]]), A[0] + A[1])

    @every_fold
    def test_tuples_arrays_keywords_and_other_dtypes_are_taken(self, layer):
        expected = layer()([A, B])
        for inputs in ((A, B), [A.numpy(), B.numpy()], [A.double(), B.half()], [A.numpy().astype("float64"), B]):
            assert torch.equal(layer()(inputs), expected)
        assert torch.equal(layer()(inputs=[A, B]), expected)

    def test_a_list_of_one_comes_back(self):
        assert Add()([A]) is A

    def test_a_batch_of_one_broadcasts_in_later_calls_as_in_keras(self):
        layer = Add()
        layer([A, B])
        assert layer([A, B[:1]]).shape == (2, 3)

    @every_fold
    def test_compiles_and_exports_without_a_call_before(self, layer):
        torch._dynamo.reset()
        expected = layer()([A, B])
        assert torch.equal(torch.compile(layer(), fullgraph=True, backend="eager")([A, B]), expected)
        assert torch.equal(torch.export.export(layer(), ([A, B],)).module()([A, B]), expected)

    def test_functions_hand_other_arguments_to_the_layer(self):
        assert torch_layers.add([A, B], dtype="float64").dtype is torch.float64
        assert torch.equal(torch_layers.dot([A, B], axes=1, normalize=True), Dot(1, normalize=True)([A, B]))
        assert torch_layers.concatenate([A, B], axis=0, name="mine").shape == (4, 3)
        with pytest.raises(TypeError, match=r"Add: unknown argument 'axis'"):
            torch_layers.add([A, B], axis=1)


class TestRefusals:
    @pytest.mark.parametrize(
        "inputs, message",
        [
            (A, r"inputs is a Tensor of shape \(2, 3\), not a list of tensors"),
            ([], r"inputs is empty, allowed is a list of one tensor or more"),
            ({"a": A}, r"inputs is a dict, not a list"),
            ([A, 2.0], r"inputs\[1\] is a float, not a tensor"),
            ([A, None], r"inputs\[1\] is a NoneType, not a tensor"),
            ([A, [A]], r"inputs\[1\] is a list, not a tensor"),
            ([A, B[:, :2]], r"inputs of shapes \(2, 3\), \(2, 2\) differ in axis -1, where none is 1"),
            ([A, B[:1]], r"inputs of shapes \(2, 3\), \(1, 3\) have different batch sizes"),
            ([A, torch.tensor(1.0)], r"inputs of shapes \(2, 3\), \(\) mix scalars and others"),
        ],
    )
    def test_inputs_that_do_not_merge_are_named(self, inputs, message):
        with pytest.raises(ValueError, match=f"^Add: {message}"):
            Add()(inputs)

    def test_also_after_the_first_call(self):
        layer = Add()
        layer([A, B])
        with pytest.raises(ValueError, match=r"^Add: inputs of shapes \(2, 3\), \(2, 2\) differ in axis -1"):
            layer([A, B[:, :2]])
        with pytest.raises(ValueError, match=r"^Add: inputs is a Tensor of shape \(2, 3\)"):
            layer(A)

    def test_build_wants_a_list_of_shapes(self):
        with pytest.raises(ValueError, match=r"^Add: input_shape=\(2, 3\) is not a list of shapes"):
            Add().build((2, 3))
        Add().build([(None, 3), (None, 3)])

    @pytest.mark.parametrize("count", [1, 3])
    def test_subtract_and_dot_take_two(self, count):
        with pytest.raises(ValueError, match=rf"^Subtract: inputs has {count} tensors, allowed is 2"):
            Subtract()([A] * count)
        with pytest.raises(ValueError, match=rf"^Dot: inputs has {count} tensors, allowed is 2"):
            Dot(1)([A] * count)

    @pytest.mark.parametrize(
        "axis, inputs, message",
        [
            (1, [A, B[:1]], r"inputs of shapes \(2, 3\), \(1, 3\) differ in axis 0, not only in axis=1"),
            (1, [A, B[..., None]], r"inputs of shapes \(2, 3\), \(2, 3, 1\) differ in rank"),
            (2, [A, B], r"inputs of shapes \(2, 3\), \(2, 3\) have no axis=2"),
        ],
    )
    def test_parts_that_do_not_fit_are_named(self, axis, inputs, message):
        with pytest.raises(ValueError, match=f"^Concatenate: {message}"):
            Concatenate(axis)(inputs)

    @pytest.mark.parametrize("axis", [None, 1.0, True, "1"])
    def test_concatenate_wants_an_int(self, axis):
        with pytest.raises(ValueError, match=rf"^Concatenate: axis={axis!r} is not an int"):
            Concatenate(axis)

    @pytest.mark.parametrize("axes", ["1", None, (1,), (1, 2, 3), (1, "2"), 1.0])
    def test_dot_wants_an_int_or_two(self, axes):
        with pytest.raises(ValueError, match=r"^Dot: axes=.* is neither an int nor two of them"):
            Dot(axes)

    @pytest.mark.parametrize("axes", [0, (0, 1), [1, 0]])
    def test_dot_refuses_the_batch_axis_at_once(self, axes):
        with pytest.raises(ValueError, match=r"^Dot: axes=.* names axis 0, the batch axis"):
            Dot(axes)

    @pytest.mark.parametrize(
        "axes, inputs, message",
        [
            (2, [A, B], r"don't both have rank 2 or more and axes=2"),
            (-2, [A, B], r"don't both have rank 2 or more and axes=-2, behind the batch axis"),
            (1, [A, B[:, :2]], r"have sizes 3 and 2 in axes=1"),
            (1, [A, B[:1]], r"have different batch sizes"),
        ],
    )
    def test_dot_names_shapes_that_do_not_fit(self, axes, inputs, message):
        with pytest.raises(ValueError, match=rf"^Dot: inputs of shapes \(2, 3\), .* {message}"):
            Dot(axes)(inputs)


class TestMasks:
    ONE, OTHER = torch.tensor([True, False]), torch.tensor([False, False])

    @every_fold
    def test_an_output_is_unmasked_where_any_input_is(self, layer):
        assert layer().compute_mask([A, B]) is None
        assert layer().compute_mask([A, B], [self.ONE, None]) is None
        assert torch.equal(layer().compute_mask([A, B], [self.ONE, self.OTHER]), self.ONE)

    @pytest.mark.parametrize("layer", [Multiply, Maximum, Concatenate], ids=lambda cls: cls.__name__)
    @pytest.mark.parametrize(
        "mask, message", [(ONE, "mask is a Tensor"), ([ONE], "mask has 1 items"), ([None] * 3, "mask has 3 items")]
    )
    def test_masks_are_a_list_as_long_as_the_inputs(self, layer, mask, message):
        with pytest.raises(
            ValueError, match=rf"^{layer.__name__}: {message}, not a list of a mask or None for each of 2"
        ):
            layer().compute_mask([A, B], mask)

    @pytest.mark.parametrize("layer", [Multiply, Maximum, Minimum], ids=lambda cls: cls.__name__)
    @pytest.mark.parametrize("shape", [(3,), (2, 3)])
    def test_a_mask_that_does_not_fit_is_named(self, layer, shape):
        message = rf"^{layer.__name__}: mask\[1\] has shape \({shape[0]},.*, not \(2,\)"
        with pytest.raises(ValueError, match=message):
            layer()([A, B], mask=[None, torch.ones(shape, dtype=torch.bool)])

    def test_a_mask_of_steps_does_not_fit_images(self):
        images, steps = torch.ones(2, 5, 3, 4), torch.ones(2, 5, dtype=torch.bool)
        with pytest.raises(ValueError, match=r"^Concatenate: mask\[0\] has shape \(2, 5\), not \(2, 5, 3\)"):
            Concatenate().compute_mask([images, images], [steps, None])

    def test_masks_of_nothing_change_nothing(self):
        assert torch.equal(Multiply()([A, B], mask=[None, None]), A * B)

    def test_masks_that_are_no_booleans_count_as_such(self):
        numbers = [mask.float() for mask in (self.ONE, self.OTHER)]
        assert torch.equal(Maximum()([A, B], mask=numbers), Maximum()([A, B], mask=[self.ONE, self.OTHER]))
        assert torch.equal(Concatenate(0).compute_mask([A, B], numbers), torch.tensor([True, False, False, False]))

    def test_dot_ends_masks(self):
        assert Dot(1).compute_mask([A, B], [self.ONE, self.OTHER]) is None


@pytest.mark.parametrize("layer", [Maximum, Minimum], ids=lambda cls: cls.__name__)
def test_ties_give_the_whole_gradient_to_the_first(layer):
    a, b = (torch.ones(2, 3, requires_grad=True) for _ in range(2))
    layer()([a, b]).sum().backward()
    assert torch.equal(a.grad, torch.ones(2, 3))
    assert torch.equal(b.grad, torch.zeros(2, 3))
    assert torch.equal(torch.func.grad(lambda x: layer()([x, A]).sum())(A), torch.ones(2, 3))


@pytest.mark.parametrize("layer", [Maximum, Minimum], ids=lambda cls: cls.__name__)
def test_ties_give_it_so_under_vmap_too(layer):
    def loss(a, b):
        return torch.vmap(lambda a, b: layer()([a, b]))(a, b).sum()

    ones = torch.ones(2, 1, 3)
    first, second = torch.func.grad(loss, argnums=(0, 1))(ones, ones)
    assert first.eq(1).all()
    assert second.eq(0).all()


def test_dot_normalizes_a_row_of_zeros_in_half_precision_too():
    zeros = torch.zeros(1, 3, dtype=torch.float16)
    assert Dot(1, normalize=True, dtype="float16")([zeros, zeros]).item() == 0


@pytest.mark.parametrize("bits, floats", [("int64", "float64"), ("int32", "float64"), ("int8", "float32")])
def test_average_of_integers_is_a_float(bits, floats):
    y = Average()([np.array([[1, 2]], bits), np.array([[2, 2]], bits)])
    assert y.dtype is getattr(torch, floats)
    assert y.tolist() == [[1.5, 2.0]]


def test_axes_stay_as_they_were_given_in_the_config():
    assert Dot((1, 2)).get_config()["axes"] == (1, 2)
    assert Dot([1, 2]).get_config()["axes"] == [1, 2]
    assert Dot(-1, normalize=True).get_config()["normalize"] is True
    layer = Add()
    layer([A, B])
    assert torch_layers.serialize(layer)["build_config"] == {"input_shape": [(2, 3), (2, 3)]}
