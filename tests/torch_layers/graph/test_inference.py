"""optimize_for_inference: the same outputs by fewer calls, from a model that stays as it was."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

import torch_layers
from tests.devices import run_on
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
    GlobalAveragePooling2D,
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


def randomized(model: nn.Module) -> nn.Module:
    """Give every weight and running statistic a value that its layer can't do without."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in model.state_dict().items():
        values = torch.randn(tensor.shape, generator=generator) * 0.5 + 0.2
        tensor.copy_(values.abs() + 0.3 if "var" in name else values)
    return model.eval()


def chain(shape: tuple[int, ...], *layers: nn.Module) -> nn.Module:
    return randomized(Sequential([Input(shape), *layers]))


def sample(model: nn.Module, batch: int = 3) -> torch.Tensor:
    torch.manual_seed(7)
    return torch.randn(batch, *model.input_shape[1:])


@torch.no_grad()
def check_equal(model: nn.Module, optimized: nn.Module, *inputs: torch.Tensor) -> None:
    """Hold the accuracy gate: the error against float64 is at most twice the model's own, plus a few ulp."""
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    wide = [x.double() if x.is_floating_point() else x for x in inputs]
    oracle = copy.deepcopy(model).double()(wide if len(inputs) > 1 else wide[0])
    expected, found = model(given), optimized(*inputs)
    assert found.shape == expected.shape
    assert found.dtype is expected.dtype
    times = 2 if expected.dtype.itemsize > 2 else 3
    allowed = times * (expected - oracle).abs().max() + 4 * torch.finfo(expected.dtype).eps * oracle.abs().max()
    assert (found - oracle).abs().max() <= allowed


def kinds(module: nn.Module) -> set[str]:
    return {type(m).__name__ for m in module.modules()}


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


def model_of_everything() -> nn.Module:
    x = Input((13, 12, 3))
    y = ZeroPadding2D(((0, 1), (0, 1)))(x)
    y = ReLU(6.0)(BatchNormalization()(Conv2D(8, 3, strides=2, use_bias=False)(y)))
    z = DepthwiseConv2D(3, padding="same", activation="silu")(y)
    y = ReLU()(Add()([y, BatchNormalization()(Conv2D(8, 1)(z))]))
    y = Dropout(0.2)(GlobalAveragePooling2D()(MaxPooling2D()(y)))
    return randomized(Model(x, Dense(5, activation="softmax")(y)))


def test_the_model_stays_as_it_is():
    model = model_of_everything()
    state, code = copy.deepcopy(model.state_dict()), model.code
    expected = model(sample(model))
    optimized = optimize_for_inference(model.train())
    assert model.training
    assert not optimized.training
    assert model.code == code
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), state.values(), strict=True))
    assert torch.equal(model.eval()(sample(model)), expected)
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in optimized.parameters())


@pytest.fixture(scope="module")
def everything():
    model = model_of_everything()
    return model, optimize_for_inference(model)


def test_everything_at_once(everything):
    model, optimized = everything
    check_equal(model, optimized, sample(model))
    assert len(list(optimized.graph.nodes)) == 8
    assert "self.conv2d(" in optimized.code


def test_oneDNN_is_used_where_it_may_be_and_given_up_for_gradients(everything):
    model, optimized = everything
    given = sample(model)

    def called(x):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            optimized(x)
        return {event.name for event in profile.events()}

    assert "mkldnn::_convolution_pointwise" in called(given)
    wants = given.clone().requires_grad_()
    assert "mkldnn::_convolution_pointwise" not in called(wants)
    optimized(wants).square().sum().backward()
    other = given.clone().requires_grad_()
    model(other).square().sum().backward()
    torch.testing.assert_close(wants.grad, other.grad)


def test_copies_and_pickles(everything):
    model, optimized = everything
    given = sample(model)
    with torch.no_grad():
        expected = optimized(given)
        for again in (copy.deepcopy(optimized), pickle.loads(pickle.dumps(optimized))):
            assert again.changes == optimized.changes
            assert torch.equal(again(given), expected)


def test_weights_that_were_loaded_count(everything):
    model, _ = everything
    optimized, other = optimize_for_inference(model), optimize_for_inference(randomized(model_of_everything()))
    given = sample(model)
    with torch.no_grad():
        optimized(given)
        state = {key: value * 1.25 for key, value in other.state_dict().items()}
        optimized.load_state_dict(state)
        other.load_state_dict(state)
        assert torch.equal(optimized(given), other(given))


@pytest.mark.parametrize("batch", [0, 1, 4])
def test_any_batch(everything, batch):
    model, optimized = everything
    check_equal(model, optimized, sample(model, batch)) if batch else None
    assert optimized(sample(model, batch)).shape == (batch, 5)


def test_half_precision(everything):
    model, optimized = (copy.deepcopy(module).bfloat16() for module in everything)
    check_equal(model, optimized, sample(model).bfloat16())


def test_float64_is_folded_in_float64(everything):
    model = copy.deepcopy(everything[0]).double()
    given = sample(model).double()
    torch.testing.assert_close(optimize_for_inference(model)(given), model(given), rtol=1e-10, atol=1e-12)


def test_kernels_of_mixed_policies_are_cast_once():
    model = chain((8, 8, 4), Conv2D(5, 3, dtype="mixed_bfloat16"), BatchNormalization(dtype="mixed_bfloat16"))
    optimized = optimize_for_inference(model)
    assert {p.dtype for p in optimized.parameters()} == {torch.bfloat16}
    check_equal(model, optimized, sample(model))


@pytest.mark.parametrize("device", ["meta", "cuda"])
def test_it_runs_on_other_devices(everything, device):
    model, optimized = everything
    run_on(device, optimized, sample(model))


def test_it_exports_and_compiles(everything):
    model, optimized = everything
    given = sample(model)
    program = torch.export.export(optimized, (given,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    torch.testing.assert_close(program.module()(given), optimized(given))
    compiled = torch.compile(optimized, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(given), optimized(given))


def test_it_vectorizes(everything):
    model, optimized = everything
    given = sample(model)
    with torch.no_grad():
        outer = torch.stack([given, 2 * given])
        torch.testing.assert_close(torch.func.vmap(optimized)(outer)[1], optimized(2 * given))


def test_a_reloaded_activation_function_is_known_by_name():
    assert activations.get("relu") is activations.relu  # what the table of functions that work in place is keyed by


def test_low_rank_changes_go_into_the_kernel():
    model = chain((8, 8, 4), Conv2D(5, 3, lora_rank=2), Flatten(), Dense(3, lora_rank=2))
    optimized = optimize_for_inference(model)
    assert not any("lora" in name for name in optimized.state_dict())
    check_equal(model, optimized, sample(model))


def test_other_inputs_are_refused_as_the_layer_does(everything):
    _, optimized = everything
    with pytest.raises(ValueError, match=r"Conv2D: input of shape \(2, 13, 12, 6\) has size 6 in axis -1"):
        optimized(torch.zeros(2, 13, 12, 6))
    with pytest.raises(ValueError, match=r"Conv2D: input of shape \(13, 12, 3\) has rank 3, allowed is 4"):
        optimized(torch.zeros(13, 12, 3))
    narrow = optimize_for_inference(chain((None, None, 3), Conv2D(2, 5)))
    with pytest.raises(ValueError, match="with padding='valid' nothing is left"):
        narrow(torch.zeros(1, 4, 9, 3))


def test_refuses():
    with pytest.raises(TypeError, match="model is a Linear, allowed is a functional or sequential model"):
        optimize_for_inference(nn.Linear(2, 3))
    with pytest.raises(ValueError, match="'sequential' is not built yet: call it once or give it an Input"):
        optimize_for_inference(Sequential([Dense(3)]))
