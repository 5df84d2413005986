"""Small models with random weights, to be optimized, and what their optimized forms must compute."""

from __future__ import annotations

import copy

import torch
from torch import nn

from torch_layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
    Model,
    ReLU,
    Sequential,
    ZeroPadding2D,
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


def model_of_everything() -> nn.Module:
    x = Input((13, 12, 3))
    y = ZeroPadding2D(((0, 1), (0, 1)))(x)
    y = ReLU(6.0)(BatchNormalization()(Conv2D(8, 3, strides=2, use_bias=False)(y)))
    z = DepthwiseConv2D(3, padding="same", activation="silu")(y)
    y = ReLU()(Add()([y, BatchNormalization()(Conv2D(8, 1)(z))]))
    y = Dropout(0.2)(GlobalAveragePooling2D()(MaxPooling2D()(y)))
    return randomized(Model(x, Dense(5, activation="softmax")(y)))
