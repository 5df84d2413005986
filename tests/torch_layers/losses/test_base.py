"""The way from targets and predictions to one number: shapes, dtypes, weights, masks, reductions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from torch_layers import losses
from torch_layers.losses import Loss, MeanAbsoluteError, MeanSquaredError
from torch_layers.losses.reduction import reduce

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)
# The losses of the rows are 1, 4 and 9.
TRUE, PRED = torch.zeros(3, 2), torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])


@pytest.mark.parametrize(
    "kwargs, expected",
    [
        ({}, (14 / 3, 14 / 3, 14 / 3, 14, [1, 4, 9])),
        ({"sample_weight": 2.0}, (28 / 3, 28 / 3, 28 / 2, 28, [2, 8, 18])),
        ({"sample_weight": [1.0, 0.5, 0.0]}, (1, 1, 3 / 1.5, 3, [1, 2, 0])),
        ({"sample_weight": np.array([0, 0, 0])}, (0, 0, 0, 0, [0, 0, 0])),
        ({"mask": [True, False, True]}, (5, 5, 5, 10, None)),
        ({"mask": [False, False, False]}, (0, 0, 0, 0, [0, 0, 0])),
        ({"sample_weight": [2.0, 5.0, 1.0], "mask": [1, 0, 1]}, (11 / 2, 11 / 2, 11 / 3, 11, None)),
    ],
)
def test_reductions(kwargs: dict[str, Any], expected: tuple[Any, ...]) -> None:
    for reduction, value in zip(REDUCTIONS[:4], expected[:4], strict=True):
        assert_close(
            MeanSquaredError(reduction=reduction)(TRUE, PRED, **kwargs), torch.tensor(value, dtype=torch.float)
        )
    if expected[4] is not None:
        for reduction in REDUCTIONS[4:]:
            loss = MeanSquaredError(reduction=reduction)
            assert_close(loss(TRUE, PRED, **kwargs), torch.tensor(expected[4], dtype=torch.float))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_compile_as_one_graph(reduction: str | None) -> None:
    def reduced(*values: Tensor) -> list[Tensor]:
        return [
            reduce("Loss", x, weight, mask, reduction)
            for x in values
            for weight in (None, x.abs())
            for mask in (None, x > 0)
        ]

    losses_of_ranks = [torch.randn(shape) for shape in ((), (3,), (3, 2))]
    torch._dynamo.reset()
    compiled = torch.compile(reduced, backend="aot_eager", fullgraph=True)
    assert_close(compiled(*losses_of_ranks), reduced(*losses_of_ranks))


@pytest.mark.parametrize("reduction", REDUCTIONS[:3])
def test_a_masked_mean_is_as_exact_and_wide_as_its_dtype(reduction: str) -> None:
    pred, mask = torch.rand(7, 1, dtype=torch.float64), torch.tensor([1, 0, 0, 1, 0, 0, 1]).bool()
    loss = MeanAbsoluteError(reduction=reduction)
    assert_close(loss(pred * 0, pred, mask=mask), pred[mask].mean(), rtol=1e-15, atol=0)
    large = torch.full((7, 1), 6e4)
    half = MeanAbsoluteError(reduction=reduction, dtype="float16")
    assert_close(half(large * 0, large, mask=mask).float(), torch.tensor(6e4), rtol=2e-3, atol=0)


def test_a_mask_without_a_mean_is_a_weight() -> None:
    loss = MeanSquaredError(reduction="none")
    assert_close(loss(TRUE, PRED, mask=torch.tensor([True, False, True])), torch.tensor([1.0, 0.0, 9.0]))


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1), (3, 2), (1, 2), (3, 2, 1), (1, 1)])
def test_weights_of_any_rank_that_broadcasts(shape: tuple[int, ...]) -> None:
    y_true, y_pred, weight = torch.zeros(3, 2, 4), torch.randn(3, 2, 4), torch.rand(shape)
    values = MeanSquaredError(reduction="none")(y_true, y_pred)
    expected = values * (weight.squeeze(-1) if len(shape) == 3 else weight)
    assert_close(MeanSquaredError(reduction="none")(y_true, y_pred, weight), expected)
    assert_close(MeanSquaredError()(y_true, y_pred, weight), expected.mean())


def test_losses_of_n_meet_weights_of_n_by_1_as_n_by_1() -> None:
    assert MeanSquaredError(reduction="none")(TRUE, PRED, torch.ones(3, 1)).shape == (3, 1)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (2, 3, 2)])
def test_refuses_weights_that_do_not_broadcast(shape: tuple[int, ...]) -> None:
    message = rf"MeanSquaredError: losses of shape \(3,\) and sample_weight of shape {re.escape(str(shape))} do not"
    with pytest.raises(ValueError, match=message):
        MeanSquaredError()(TRUE, PRED, torch.ones(shape))


def test_refuses_masks_that_do_not_broadcast() -> None:
    with pytest.raises(ValueError, match=r"losses of shape \(3,\) and mask of shape \(2,\) do not"):
        MeanSquaredError()(TRUE, PRED, mask=[True, False])
    with pytest.raises(ValueError, match=r"mask of shape \(2,\) and sample_weight of shape \(3,\) do not"):
        MeanSquaredError()(TRUE, PRED, [1.0, 2.0, 3.0], mask=[True, False])


@pytest.mark.parametrize("true, pred", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 2), (4, 2, 1)), ((4, 2, 1), (4, 2))])
def test_an_axis_of_one_at_the_end_is_given_or_taken(true: tuple[int, ...], pred: tuple[int, ...]) -> None:
    y_true, y_pred = torch.randn(true), torch.randn(pred)
    difference = y_true.flatten() - y_pred.flatten()
    assert_close(MeanSquaredError()(y_true, y_pred), difference.square().mean())
    assert_close(losses.mean_squared_error(y_true, y_pred).mean(), difference.square().mean())
    assert MeanSquaredError(reduction="none")(y_true, y_pred).shape == (4,)
    for name in ("Hinge", "Poisson", "BinaryCrossentropy", "Dice"):
        assert getattr(losses, name)(reduction="sum")(y_true, y_pred.sigmoid()).shape == ()


def test_other_shapes_broadcast_as_in_keras() -> None:
    y_true, y_pred = torch.randn(1, 5), torch.randn(4, 5)
    assert_close(MeanAbsoluteError()(y_true, y_pred), (y_true - y_pred).abs().mean())
    assert MeanAbsoluteError(reduction=None)(y_true[0], y_pred).shape == (4,)


@pytest.mark.parametrize("name", ["MeanSquaredError", "Hinge", "CosineSimilarity", "KLDivergence", "Tversky", "Dice"])
def test_refuses_shapes_that_do_not_broadcast(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: y_true of shape \(2, 3\) and y_pred of shape \(2, 4\) do not"):
        getattr(losses, name)()(torch.ones(2, 3), torch.ones(2, 4))


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy"])
def test_cross_entropies_refuse_any_other_shape(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: y_true of shape \(1, 3\) must have the shape of y_pred, \(2, 3\)"):
        getattr(losses, name)()(torch.ones(1, 3), torch.ones(2, 3))


@pytest.mark.parametrize("axis", [2, -3])
@pytest.mark.parametrize(
    "name", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CosineSimilarity", "Dice"]
)
def test_refuses_an_axis_that_is_not_there(name: str, axis: int) -> None:
    for reduction in ("mean", "none"):
        with pytest.raises(ValueError, match=rf"axis={axis} is not an axis of the shape \(2, 3\)"):
            getattr(losses, name)(axis=axis, reduction=reduction)(torch.ones(2, 3), torch.ones(2, 3))


def test_an_empty_batch_stays_a_vector_and_a_longer_one_is_zero() -> None:
    assert MeanSquaredError()(torch.ones(0, 3), torch.ones(0, 3)).shape == (0,)
    assert_close(MeanSquaredError()(torch.ones(0, 2, 3), torch.ones(0, 2, 3)), torch.tensor(0.0))


def test_the_dtype_is_the_wider_of_the_default_and_the_predictions() -> None:
    for dtype, expected in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.int64, torch.float32),
        (torch.float64, torch.float64),
    ):
        assert MeanSquaredError()(TRUE, PRED.to(dtype)).dtype is expected
        assert MeanSquaredError(dtype="float16")(TRUE, PRED.to(dtype)).dtype is torch.float16


def test_functions_keep_the_dtype_of_the_predictions() -> None:
    assert losses.mean_squared_error(TRUE.double(), PRED.half()).dtype is torch.float16
    assert losses.mean_squared_error([[1, 2]], [[3, 4]]).dtype is torch.float32
    # Keras's epsilon, or its kernel, is float32 there.
    assert losses.mean_squared_logarithmic_error(TRUE, PRED.half()).dtype is torch.float32
    assert losses.ctc(torch.ones(1, 1), torch.ones(1, 2, 3).half()).dtype is torch.float32


def test_arrays_of_any_make_are_taken() -> None:
    array = np.arange(6.0).reshape(3, 2)
    array.flags.writeable = False
    assert_close(MeanSquaredError()(array[::-1], array), torch.tensor(32 / 3, dtype=torch.float64))
    assert_close(MeanSquaredError()([np.float32(1.0)], [2.0]), torch.tensor(1.0))


def test_a_list_of_tensors_keeps_its_gradient() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    MeanSquaredError()([0.0, 0.0], [x, x]).backward()
    assert_close(x.grad, torch.tensor(4.0))


@pytest.mark.parametrize("dtype", ["int32", torch.bool])
def test_refuses_a_dtype_that_is_not_floating(dtype: Any) -> None:
    with pytest.raises(ValueError, match=r"MeanSquaredError: dtype=.* is not a floating dtype"):
        MeanSquaredError(dtype=dtype)


class Asymmetric(Loss):
    """A user's own loss."""

    def __init__(self, alpha: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = y_pred - y_true
        return error.where(error > 0, -self.alpha * error).mean(-1)


def test_a_loss_of_your_own() -> None:
    loss = Asymmetric(3.0, reduction="sum")
    assert loss.name == "asymmetric"
    assert_close(loss([[1, 1]], [[2.0, 0.0]], sample_weight=[2.0]), torch.tensor(4.0))
    assert loss.get_config() == {"alpha": 3.0, "name": "asymmetric", "reduction": "sum"}
    config = losses.serialize(loss)
    assert losses.deserialize(config, {"Asymmetric": Asymmetric}).alpha == 3.0
    with pytest.raises(ValueError, match=r"'Asymmetric' .* is not a loss of torch_layers.*custom_objects"):
        losses.deserialize(config)
    assert "alpha=3.0, reduction='sum'" in repr(loss)


def test_a_loss_of_your_own_says_which_losses_count() -> None:
    class Positive(Asymmetric):
        def valid(self, y_true: Tensor, values: Tensor) -> Tensor:
            return y_true[:, 0] > 0

    assert_close(Positive()([[1], [0], [2]], [[2.0], [9.0], [5.0]]), torch.tensor(2.0))
    assert_close(Positive()([[1], [0], [2]], [[2.0], [9.0], [5.0]], mask=[False, True, True]), torch.tensor(3.0))


def test_the_base_asks_for_call() -> None:
    with pytest.raises(NotImplementedError, match=r"Loss must define call\(y_true, y_pred\)"):
        Loss()(TRUE, PRED)
