"""padding="same" of Keras 2 on Theano, worked out place by place in numpy.

The same numbers come from Aesara 2.9.3, which Theano became: convolutions with border_mode="half", pools with their pad.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers import deserialize
from torch_layers.saving.legacy.configs import modern_config
from torch_layers.saving.load import load_model

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)


def read(class_name: str, **config: Any) -> Any:
    entry = {"class_name": class_name, "config": {"name": "it", "dtype": "float64", "padding": "same", **config}}
    return deserialize(modern_config(entry, "2.1.6", "theano"))


def windows(
    x: Array, before: Sequence[int], reach: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Any:
    """Yield (place, [(place in the window, values there)]) of images (batch, *space, channels); the border left out."""
    space = x.shape[1:-1]
    counts = [-(-n // s) for n, s in zip(space, strides, strict=True)]
    for place in product(*map(range, counts)):
        found = []
        for inside in product(*map(range, reach)):
            at = [p * s + i * d - b for p, s, i, d, b in zip(place, strides, inside, dilation, before, strict=True)]
            if all(0 <= a < n for a, n in zip(at, space, strict=True)):
                found.append((inside, x[(slice(None), *at)]))
        yield place, found


def conv(x: Array, kernel: Array, strides: Sequence[int], dilation: Sequence[int]) -> Array:
    """Half of the kernel lies before the first pixel."""
    reach = kernel.shape[:-2]
    before = [((k - 1) * d + 1) // 2 for k, d in zip(reach, dilation, strict=True)]
    counts = [-(-n // s) for n, s in zip(x.shape[1:-1], strides, strict=True)]
    y = np.zeros((x.shape[0], *counts, kernel.shape[-1]))
    for place, found in windows(x, before, reach, strides, dilation):
        y[(slice(None), *place)] = sum(values @ kernel[inside] for inside, values in found)
    return y


def pool(x: Array, size: Sequence[int], strides: Sequence[int], of: Callable[..., Array]) -> Array:
    before = [k - 2 if k > 2 and k % 2 else k - 1 for k in size]
    y = np.zeros((x.shape[0], *(-(-n // s) for n, s in zip(x.shape[1:-1], strides, strict=True)), x.shape[-1]))
    for place, found in windows(x, before, size, strides, [1] * len(size)):
        y[(slice(None), *place)] = of([values for _, values in found], axis=0)
    return y


def transposed(x: Array, kernel: Array, strides: Sequence[int], sizes: Sequence[int]) -> Array:
    """Each value of x puts the kernel (*space, filters, channels) around its place."""
    y = np.zeros((x.shape[0], *sizes, kernel.shape[-2]))
    for place in product(*map(range, x.shape[1:-1])):
        for inside in product(*map(range, kernel.shape[:-2])):
            at = [p * s + i - k // 2 for p, s, i, k in zip(place, strides, inside, kernel.shape[:-2], strict=True)]
            if all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                y[(slice(None), *at)] += x[(slice(None), *place)] @ kernel[inside].T
    return y


@pytest.mark.parametrize(
    ("space", "kernel", "strides", "dilation"),
    [
        ((7,), (3,), (2,), (1,)),
        ((8,), (4,), (1,), (1,)),
        ((6,), (2,), (1,), (3,)),
        ((6, 9), (3, 3), (1, 1), (1, 1)),
        ((6, 9), (3, 5), (2, 3), (1, 1)),
        ((7, 8), (2, 4), (1, 2), (1, 1)),
        ((7, 8), (4, 3), (1, 1), (3, 2)),
        ((2, 1), (5, 4), (1, 3), (1, 1)),
        ((4, 5, 6), (2, 3, 3), (1, 2, 3), (1, 1, 1)),
    ],
)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_convolutions(space, kernel, strides, dilation, order):
    shared = {"kernel_size": list(kernel), "strides": list(strides), "data_format": order}
    layer = read(f"Conv{len(space)}D", filters=3, dilation_rate=list(dilation), activation="relu", **shared)
    x, weight, bias = RNG.normal(size=(2, *space, 2)), RNG.normal(size=(*kernel, 2, 3)), RNG.normal(size=3)
    assert_right(layer, x, [weight, bias], np.maximum(conv(x, weight, strides, dilation) + bias, 0), order)


def test_each_channel_by_itself():
    x, weight, bias = RNG.normal(size=(2, 6, 7, 2)), RNG.normal(size=(4, 3, 2, 2)), RNG.normal(size=3)
    apart = np.zeros((4, 3, 2, 4))
    for channel in range(2):
        apart[:, :, channel, 2 * channel : 2 * channel + 2] = weight[:, :, channel]
    y = conv(x, apart, (2, 2), (1, 1))
    depthwise = read("DepthwiseConv2D", kernel_size=[4, 3], strides=[2, 2], depth_multiplier=2, use_bias=False)
    assert_right(depthwise, x, [weight], y)
    separable = read("SeparableConv2D", filters=3, kernel_size=[4, 3], strides=[2, 2], depth_multiplier=2)
    pointwise = RNG.normal(size=(1, 1, 4, 3))
    assert_right(separable, x, [weight, pointwise, bias], y @ pointwise[0, 0] + bias)


@pytest.mark.parametrize(
    ("space", "size", "strides"),
    [
        ((7,), (2,), (2,)),
        ((6,), (5,), (1,)),
        ((5, 8), (2, 2), (2, 2)),
        ((6, 9), (3, 4), (2, 3)),
        ((1, 9), (4, 1), (3, 1)),
        ((4, 5, 6), (2, 3, 4), (2, 2, 1)),
    ],
)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("kind", "of"), [("Max", np.max), ("Average", np.mean)])
def test_pools(space, size, strides, order, kind, of):
    layer = read(f"{kind}Pooling{len(space)}D", pool_size=list(size), strides=list(strides), data_format=order)
    x = RNG.normal(size=(2, *space, 3)) - 3
    assert_right(layer, x, [], pool(x, size, strides, of), order)


@pytest.mark.parametrize(
    ("kernel", "strides", "more"),
    [
        ((3, 3), (1, 1), None),
        ((3, 5), (2, 3), None),
        ((3, 1), (4, 2), None),
        ((3, 5), (2, 3), (1, 2)),
        ((3, 3, 1), (2, 1, 2), None),
    ],
)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_transposed_convolutions(kernel, strides, more, order):
    space = (4, 5, 3)[: len(kernel)]
    given = {} if more is None else {"output_padding": list(more)}
    shared = {"kernel_size": list(kernel), "strides": list(strides), "data_format": order}
    layer = read(f"Conv{len(space)}DTranspose", filters=3, **shared, **given)
    sizes = [n * s for n, s in zip(space, strides, strict=True)]
    if more is not None:
        sizes = [(n - 1) * s + 1 + m for n, s, m in zip(space, strides, more, strict=True)]
    x, weight, bias = RNG.normal(size=(2, *space, 2)), RNG.normal(size=(*kernel, 3, 2)), RNG.normal(size=3)
    assert_right(layer, x, [weight, bias], transposed(x, weight, strides, sizes) + bias, order)


def assert_right(layer: Any, x: Array, weights: list[Array], expected: Array, order: str = "channels_last") -> None:
    given = torch.from_numpy(x)
    if order == "channels_first":
        given, expected = given.movedim(-1, 1), np.moveaxis(expected, -1, 1)
    layer(given)
    layer.set_weights(weights)
    y = layer(given)
    assert y.shape == expected.shape
    assert y.dtype is torch.float64
    np.testing.assert_allclose(y.detach(), expected, rtol=1e-12, atol=1e-12)


def test_a_file(tmp_path):
    h5py = pytest.importorskip("h5py", reason="files are made with h5py")
    model = tl.Sequential([tl.Input((7, 8, 2)), tl.Conv2D(3, 4, strides=2, padding="same"), tl.MaxPooling2D(2)])
    model.save(tmp_path / "m.h5")
    kernel, bias = model.get_weights()
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1]["config"]["padding"] = "same"
        file.attrs["model_config"] = json.dumps(config)
        for group in (file, file["model_weights"]):
            group.attrs["backend"], group.attrs["keras_version"] = b"theano", b"2.1.6"
    x = RNG.normal(size=(2, 7, 8, 2))
    again = load_model(tmp_path / "m.h5")
    expected = pool(conv(x, kernel[::-1, ::-1], (2, 2), (1, 1)) + bias, (2, 2), (2, 2), np.max)
    found = again(torch.from_numpy(x.astype("float32"))).detach()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.warns(UserWarning, match="torch_layers reads it, no Keras"):
        again.save(tmp_path / "n.keras")
    assert torch.equal(load_model(tmp_path / "n.keras")(torch.from_numpy(x.astype("float32"))), found)


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        (
            "Conv2DTranspose",
            {"filters": 2, "kernel_size": [3, 2]},
            r"kernel_size=\(3, 2\) is even, with padding='same'",
        ),
        (
            "MaxPooling3D",
            {"pool_size": [2, 1, 2]},
            r"pool_size=\(2, 1, 2\) of a volume has a negative border on Theano",
        ),
        ("ConvLSTM2D", {"filters": 2, "kernel_size": [3, 2], "padding": "valid"}, "it has another border on Theano"),
        ("ConvLSTM2D", {"filters": 2, "kernel_size": 3, "strides": [2, 2]}, "it has another border on Theano"),
    ],
)
def test_what_is_refused(class_name, config, message):
    with pytest.raises(ValueError, match=message):
        read(class_name, **config)


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("Conv2D", {"filters": 2, "kernel_size": [3, 2], "padding": "valid"}),
        ("ConvLSTM2D", {"filters": 2, "kernel_size": [3, 3], "strides": 1}),
        ("Dense", {"units": 2}),
    ],
)
def test_what_is_the_same_on_theano(class_name, config):
    entry = {"class_name": class_name, "config": {"name": "it", "padding": "same", **config}}
    if class_name == "Dense":
        del entry["config"]["padding"]
    assert modern_config(entry, "2.1.6", "theano") == modern_config(entry, "2.1.6", "tensorflow")
