"""What optimize_for_inference changes: the same outputs by fewer calls."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import torch_layers
from tests.torch_layers.graph.small_models import chain, check_equal, kinds, randomized, sample
from torch_layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    Identity,
    Input,
    MaxPooling2D,
    Model,
    ReLU,
    SeparableConv1D,
    SeparableConv2D,
    Sequential,
    SpatialDropout2D,
    ZeroPadding1D,
    ZeroPadding2D,
    activations,
    optimize_for_inference,
)

BEFORE_NORMALIZATION = [
    ((9, 5), Conv1D(4, 3)),
    ((9, 5), DepthwiseConv1D(2, depth_multiplier=2)),
    ((9, 5), SeparableConv1D(4, 3, use_bias=False)),
    ((9, 5), Conv1DTranspose(4, 3, strides=2)),
    ((9, 7, 4), Conv2D(6, 3, groups=2, padding="same", strides=2)),
    ((9, 7, 4), Conv2D(6, (2, 3), use_bias=False, lora_rank=2)),
    ((9, 7, 4), DepthwiseConv2D(3, depth_multiplier=3, use_bias=False)),
    ((9, 7, 4), SeparableConv2D(5, 3, depth_multiplier=2)),
    ((9, 7, 4), Conv2DTranspose(5, 3, strides=2, padding="same", use_bias=False)),
    ((4, 9, 7), Conv2D(6, 3, data_format="channels_first")),
    ((5, 6, 7, 3), Conv3D(4, 2)),
    ((5, 6, 7, 3), Conv3DTranspose(4, 2)),
    ((5, 6), Dense(7)),
    ((6,), Dense(7, use_bias=False)),
]


@pytest.mark.parametrize(("shape", "layer"), BEFORE_NORMALIZATION, ids=lambda value: getattr(value, "name", None))
@pytest.mark.parametrize("flags", [{}, {"center": False}, {"scale": False}], ids=str)
def test_normalization_goes_into_the_layer_before_it(shape, layer, flags):
    layer = type(layer).from_config(layer.get_config())
    axis = 1 if getattr(layer, "data_format", "") == "channels_first" else -1
    model = chain(shape, layer, BatchNormalization(axis=axis, epsilon=0.1, **flags))
    optimized = optimize_for_inference(model)
    assert "BatchNormalization" not in kinds(optimized)
    assert any("folded BatchNormalization" in change for change in optimized.changes)
    check_equal(model, optimized, sample(model))


def _shared_convolution() -> nn.Module:
    x = Input((8, 8, 4))
    conv = Conv2D(4, 3, padding="same")
    return Model(x, Add()([BatchNormalization()(conv(x)), conv(ReLU()(x))]))


def _used_twice() -> nn.Module:
    x = Input((8, 8, 4))
    y = Conv2D(4, 3, padding="same")(x)
    return Model(x, Add()([BatchNormalization()(y), y]))


class _Doubled(Conv2D):
    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    "model",
    [
        chain((8, 8, 4), Conv2D(5, 3, activation="tanh"), BatchNormalization()),
        chain((8, 8, 4), Conv2D(5, 3), BatchNormalization(axis=1)),
        chain((8, 8, 4), Conv2D(5, 3), MaxPooling2D(), BatchNormalization()),
        chain((8, 8, 4), _Doubled(5, 3), BatchNormalization()),
        chain((8, 8, 4), BatchNormalization(), Conv2D(5, 3)),
        randomized(_shared_convolution()),
        randomized(_used_twice()),
    ],
    ids=["activation", "other axis", "pooling", "subclass", "first", "shared", "used twice"],
)
def test_normalization_stays_where_folding_would_change_the_result(model):
    optimized = optimize_for_inference(model)
    assert "BatchNormalization" in kinds(optimized)
    check_equal(model, optimized, sample(model))


def test_what_is_the_identity_in_eval_goes():
    model = chain(
        (4, 4, 3), Dropout(0.5), SpatialDropout2D(0.5), Conv2D(2, 1), GaussianNoise(0.5), Identity(), Flatten()
    )
    optimized = optimize_for_inference(model)
    assert kinds(optimized) == {"InferenceModel", "FusedConvolution", "Conv2D", "Flatten"}
    assert sum(change.startswith("dropped") for change in optimized.changes) == 4
    check_equal(model, optimized.train(), sample(model))


def test_an_identity_that_casts_stays():
    x = Input((4,))
    model = randomized(Model(x, Identity(dtype="float16")(Dense(3)(x))))
    optimized = optimize_for_inference(model)
    assert "Identity" in kinds(optimized)
    assert optimized(sample(model)).dtype is torch.float16


@pytest.mark.parametrize(
    "layers",
    [
        (ZeroPadding2D(2), Conv2D(3, 5, strides=2)),
        (ZeroPadding2D(((0, 1), (0, 1))), DepthwiseConv2D(3, strides=2, depth_multiplier=2)),
        (ZeroPadding2D(((0, 1), (2, 0))), Conv2D(40, 3)),
        (ZeroPadding2D((1, 3)), SeparableConv2D(3, 3, strides=3)),
        (ZeroPadding2D(1, data_format="channels_first"), Conv2D(3, 3, data_format="channels_first")),
    ],
    ids=["even", "uneven, strided", "uneven, many filters", "separable", "channels_first"],
)
def test_zeros_are_padded_by_the_convolution(layers):
    model = chain((10, 9, 6), *layers)
    optimized = optimize_for_inference(model)
    assert "ZeroPadding2D" not in kinds(optimized)
    check_equal(model, optimized, sample(model))


def test_zeros_of_a_sequence_are_padded_by_the_convolution():
    model = chain(
        (11, 4), ZeroPadding1D((3, 0)), Conv1D(5, 4, activation="relu"), ZeroPadding1D((0, 2)), DepthwiseConv1D(3)
    )
    optimized = optimize_for_inference(model)
    assert "ZeroPadding1D" not in kinds(optimized)
    check_equal(model, optimized, sample(model))


def test_padding_stays_before_what_pads_itself_and_before_a_pool():
    model = chain((10, 9, 6), ZeroPadding2D(1), Conv2D(3, 3, padding="same"), ZeroPadding2D(2), MaxPooling2D())
    optimized = optimize_for_inference(model)
    assert sum(isinstance(m, ZeroPadding2D) for m in optimized.modules()) == 2
    check_equal(model, optimized, sample(model))


@pytest.mark.parametrize(
    ("before", "padding", "pool", "merges"),
    [
        (ReLU(), 1, 3, True),
        (Activation("relu6"), (1, 0), (2, 3), True),
        (Conv2D(6, 1, activation="sigmoid"), 2, 5, True),
        (Activation("tanh"), 1, 3, False),
        (ReLU(negative_slope=0.1), 1, 3, False),
        (ReLU(), 2, 3, False),
        (ReLU(), ((1, 0), (1, 1)), 3, False),
    ],
    ids=["relu", "relu6", "convolution", "tanh", "leaky", "wide", "uneven"],
)
def test_zeros_around_no_negative_values_are_nothing_for_a_maximum(before, padding, pool, merges):
    model = chain((10, 9, 6), Conv2D(6, 1), before, ZeroPadding2D(padding), MaxPooling2D(pool, strides=2))
    optimized = optimize_for_inference(model)
    assert ("ZeroPadding2D" not in kinds(optimized)) == merges
    check_equal(model, optimized, sample(model))


@pytest.mark.parametrize("flags", [{}, {"center": False}, {"scale": False}], ids=str)
def test_normalization_before_an_activation_scales(flags):
    model = chain((6, 5, 4), MaxPooling2D(2), BatchNormalization(epsilon=0.1, **flags), ReLU(), Conv2D(3, 1))
    optimized = optimize_for_inference(model)
    assert any("made a scaling" in change for change in optimized.changes)
    check_equal(model, optimized, sample(model))
    wants = sample(model).requires_grad_()
    torch.testing.assert_close(optimized(wants), model(wants))  # by another way, which has gradients


ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "silu",
    "mish",
    "sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "tanh",
]


@pytest.mark.parametrize("name", [*ACTIVATIONS, "gelu", "softmax", "softplus"])
@pytest.mark.parametrize("within", [True, False], ids=["argument", "layer"])
def test_activations_overwrite_what_a_layer_made(name, within):
    for layer in (Conv2D(5, 3, activation=name if within else None), Dense(5, activation=name if within else None)):
        model = chain((6, 7, 4), layer, *([] if within else [Activation(name)]))
        optimized = optimize_for_inference(model)
        assert any("overwrite" in change for change in optimized.changes) == (name in ACTIVATIONS)
        check_equal(model, optimized, sample(model))


@pytest.mark.parametrize(
    "relu", [ReLU(), ReLU(6.0), ReLU(negative_slope=0.3), ReLU(2.5), ReLU(threshold=0.4)], ids=repr
)
def test_relu_layers_overwrite_where_a_kernel_does_the_same(relu):
    model = chain((6, 7, 4), BatchNormalization(), ReLU.from_config(relu.get_config()))
    check_equal(model, optimize_for_inference(model), sample(model))


def test_nothing_overwrites_what_is_used_elsewhere():
    x = Input((6, 6, 4))
    y = Conv2D(4, 1)(x)
    z = torch.relu(y)
    model = randomized(Model(x, Add()([Activation("tanh")(x), y, z, ReLU()(Identity()(x))])))
    given = sample(model)
    before = given.clone()
    optimized = optimize_for_inference(model)
    assert not any("overwrite" in change for change in optimized.changes)
    check_equal(model, optimized, given)
    assert torch.equal(given, before)


@pytest.mark.parametrize("by", ["layer", "operator"])
@pytest.mark.parametrize("active", ["relu", "relu6", None])
def test_a_convolution_adds_what_goes_around_it(by, active):
    x = Input((6, 6, 4))
    y = Conv2D(4, 3, padding="same")(x)
    y = Add()([x, y]) if by == "layer" else y + x
    model = randomized(Model(x, Activation(active)(y) if active else y))
    optimized = optimize_for_inference(model)
    assert any("fused the sum" in change for change in optimized.changes)
    assert "Add" not in kinds(optimized)
    check_equal(model, optimized, sample(model))


def test_a_sum_that_broadcasts_stays():
    x = Input((6, 6, 1))
    model = randomized(Model(x, Add()([x, Conv2D(4, 3, padding="same")(x)])))
    optimized = optimize_for_inference(model)
    assert "Add" in kinds(optimized)
    check_equal(model, optimized, sample(model))


def test_models_inside_are_taken_apart():
    inner = Sequential([Input((6,)), Dense(5, name="dense"), BatchNormalization(), Dropout(0.3)])
    pair = Input((6,), name="a"), Input((5,), name="b")
    middle = Model(list(pair), {"sum": Add()([inner(pair[0]), pair[1]]), "first": inner(pair[0])})
    x = Input((6,))
    outputs = middle([x, inner(x)])
    model = randomized(Model(x, torch_layers.Concatenate()([outputs["sum"], outputs["first"]])))
    optimized = optimize_for_inference(model)
    assert kinds(optimized) == {"InferenceModel", "Module", "Dense", "BatchNormalization", "Add", "Concatenate"}
    assert "functional.sequential.dense" in dict(optimized.named_modules())
    check_equal(model, optimized, sample(model))


def test_several_inputs_come_one_by_one():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    model = randomized(Model([a, b], Add()([Dense(5)(a), Dense(5)(b)])))
    torch.manual_seed(0)
    check_equal(model, optimize_for_inference(model), torch.randn(2, 4), torch.randn(2, 3))


def test_masks_go_their_way():
    x = Input((7,), dtype="int32")
    y = Dropout(0.5)(Dense(3)(Embedding(9, 4, mask_zero=True)(x)))
    inner = Sequential([Input((7, 3)), Activation("relu"), GlobalAveragePooling1D()])
    model = randomized(Model(x, inner(y)))
    optimized = optimize_for_inference(model)
    given = torch.tensor([[1, 0, 3, 0, 5, 8, 0]], dtype=torch.int32)
    assert torch.equal(optimized(given), model(given))
    unmasked = GlobalAveragePooling1D()(torch.relu(model.dense(model.embedding(given))))
    assert not torch.allclose(optimized(given), unmasked)


def test_a_reloaded_activation_function_is_known_by_name():
    assert activations.get("relu") is activations.relu  # what the table of functions that work in place is keyed by


def test_low_rank_changes_go_into_the_kernel():
    model = chain((8, 8, 4), Conv2D(5, 3, lora_rank=2), Flatten(), Dense(3, lora_rank=2))
    optimized = optimize_for_inference(model)
    assert not any("lora" in name for name in optimized.state_dict())
    check_equal(model, optimized, sample(model))
