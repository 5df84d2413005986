"""Images stay where they are: layers compute on views, and the profiler sees no copy between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from torch_layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Cropping2D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Input,
    LayerNormalization,
    MaxPooling2D,
    ReLU,
    SeparableConv2D,
    Sequential,
    UpSampling2D,
)


def stack() -> Sequential:
    return Sequential(
        [
            Input((32, 24, 3)),
            *(Conv2D(8, 3, padding="same"), BatchNormalization(), ReLU(), MaxPooling2D()),
            *(SeparableConv2D(16, 3, padding="same", use_bias=False), BatchNormalization(), Activation("silu")),
            *(DepthwiseConv2D(3, padding="same"), LayerNormalization(), ReLU(6.0), AveragePooling2D(2)),
            *(Conv2DTranspose(8, 2, strides=2), Dropout(0.2), UpSampling2D(2)),
            *(Conv2D(4, 1), GlobalAveragePooling2D(), Dense(3)),
        ]
    )


def copies(run: Callable[[], Any]) -> list[list[int]]:
    """Return the shapes of the images and kernels that a call copies; not of what it broadcasts or fills."""
    run()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
        run()
    pairs = [[shape for shape in e.input_shapes if shape] for e in seen.events() if e.name == "aten::copy_"]
    return [pair[0] for pair in pairs if len(pair) == 2 and pair[0] == pair[1] and len(pair[0]) > 2]


def test_inference_copies_neither_images_nor_kernels():
    model, x = stack().eval(), torch.randn(4, 32, 24, 3)
    with torch.no_grad():
        assert copies(lambda: model(x)) == []


def test_training_copies_no_images():
    model, x = stack().train(), torch.randn(4, 32, 24, 3, requires_grad=True)
    kernels = [list(parameter.shape) for parameter in model.parameters()]
    assert [shape for shape in copies(lambda: model(x).square().sum().backward()) if shape not in kernels] == []


def test_a_copy_is_seen():
    model, x = Sequential([Input((8, 8, 3)), Cropping2D(1), Conv2D(4, 3)]), torch.randn(2, 8, 8, 3)
    assert copies(lambda: model(x)) == [[2, 3, 6, 6]]


@pytest.mark.parametrize("layer", [Conv2D(4, 3, padding="same"), MaxPooling2D(), BatchNormalization()], ids=repr)
def test_channels_first_copies_nothing_either(layer):
    config = {
        **layer.get_config(),
        **({"axis": 1} if "axis" in layer.get_config() else {"data_format": "channels_first"}),
    }
    made, x = type(layer).from_config(config).eval(), torch.randn(2, 6, 8, 8)
    with torch.no_grad():
        assert copies(lambda: made(x)) == []


@pytest.mark.parametrize("layer", [Conv1D(4, 3), Conv3D(4, 2), DepthwiseConv1D(3), Conv1DTranspose(4, 3)], ids=repr)
def test_sequences_and_volumes_are_not_copied(layer):
    made, x = layer.eval(), torch.randn(2, *(7, 8, 9)[: layer.rank], 6)
    with torch.no_grad():
        assert copies(lambda: made(x)) == []
