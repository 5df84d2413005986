"""The initializers: values and moments, fans, seeds, dtypes. Names and configs: test_initializer_configs.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from torch_layers import initializers
from torch_layers.initializers import windows
from torch_layers.initializers.sampling import fans
from torch_layers.registry import initializers as registry

SCALED = {
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "LecunNormal": (1.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
}
RANDOM = [*SCALED, "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"]


def _make(name: str, **arguments: Any) -> Any:
    return getattr(initializers, name)(**arguments)


def _check_moments(values: Tensor, mean: float, variance: float) -> None:
    """Within five standard errors, of a kurtosis of at most 3."""
    values = values.double().flatten()
    count = values.numel()
    assert abs(values.mean().item() - mean) < 5 * math.sqrt(variance / count)
    assert abs(values.var().item() / variance - 1) < 5 * math.sqrt(2 / count)


def _truncated_variance(stddev: float) -> float:
    return (0.8796256610342398 * stddev) ** 2


# constants


def test_zeros_and_ones() -> None:
    assert_close(initializers.Zeros()((2, 3)), torch.zeros(2, 3))
    assert_close(initializers.Ones()([2], "int32"), torch.ones(2, dtype=torch.int32))


@pytest.mark.parametrize("value", [0.1, np.float32(3), np.array([1.5, 2, 3]), torch.ones(2, 3), [1, 2, 3], True])
def test_constant_broadcasts(value: Any) -> None:
    made = initializers.Constant(value)((2, 3), "float64")
    assert_close(made, torch.as_tensor(value, dtype=torch.float64).expand(2, 3))
    assert made.is_contiguous()


def test_constant_gives_a_new_tensor_without_gradient() -> None:
    value = torch.ones(3, requires_grad=True)
    made = initializers.Constant(value)((3,))
    made += 1
    assert not made.requires_grad
    assert_close(value, torch.ones(3), check_stride=False)


def test_constant_refuses_a_shape_it_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Constant: value has the shape \(3,\), the weight \(3, 2\)"):
        initializers.Constant(np.arange(3))((3, 2))


def test_identity() -> None:
    assert_close(initializers.Identity(2.0)((2, 3)), torch.tensor([[2.0, 0, 0], [0, 2, 0]]))
    with pytest.raises(ValueError, match=r"Identity: shape=\(2, 2, 2\) has 3 axes, not 2"):
        initializers.Identity()((2, 2, 2))


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("scaling", [None, "density", "spectrum"])
@pytest.mark.parametrize("periodic", [True, False])
def test_stft_is_the_transform_of_the_windowed_frame(side: str, scaling: str | None, periodic: bool) -> None:
    frame = torch.randn(12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    window = torch.hann_window(12, periodic=periodic, dtype=torch.float64)
    scale = {None: 1.0, "density": window.norm(), "spectrum": window.sum()}[scaling]
    expected = getattr(torch.fft.rfft(frame * window / scale, 16), side)
    kernel = initializers.STFT(side, "hann", scaling, periodic)((12, 1, 9), "float64")
    assert_close(torch.einsum("t,tcf->f", frame, kernel), expected)


def test_stft_takes_no_window_and_given_values() -> None:
    ones = initializers.STFT(window=np.ones(4), scaling=None)((4, 1, 3))
    assert_close(initializers.STFT(window=None)((4, 1, 3)), ones)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"side": "left"}, "STFT: side='left' is not one of"),
        ({"scaling": "dense"}, "STFT: scaling='dense' is not one of"),
        ({"window": "han"}, "window='han' is not one of .* .did you mean 'hann'"),
    ],
)
def test_stft_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializers.STFT(**arguments)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3)])
def test_stft_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"STFT: shape=.* is not \(frame, 1, bands\)"):
        initializers.STFT()(shape)


def test_stft_refuses_a_window_of_another_length() -> None:
    with pytest.raises(ValueError, match=r"STFT: window has the shape \(3,\), not \(4,\)"):
        initializers.STFT(window=[1, 2, 1])((4, 1, 3))


# The first halves of scipy.signal.get_window(name, 6, fftbins=False), SciPy 1.17.
WINDOWS = {
    "boxcar": (1.0, 1.0, 1.0),
    "hann": (0.0, 0.345491502813, 0.904508497187),
    "hamming": (0.08, 0.397852182588, 0.912147817412),
    "blackman": (0.0, 0.200770143263, 0.849229856737),
    "nuttall": (0.0003628, 0.11051525305, 0.79825809695),
    "blackmanharris": (6e-05, 0.103011489346, 0.793833510654),
    "flattop": (-0.000421051, -0.067714252076, 0.606872152576),
    "bartlett": (0.0, 0.4, 0.8),
    "triang": (0.166666666667, 0.5, 0.833333333333),
    "parzen": (0.009259259259, 0.25, 0.861111111111),
    "bohman": (0.0, 0.179123893706, 0.834311452258),
    "barthann": (0.0, 0.358573542138, 0.879426457862),
    "cosine": (0.258819045103, 0.707106781187, 0.965925826289),
    "exponential": (0.082084998624, 0.223130160148, 0.606530659713),
    "tukey": (0.0, 0.904508497187, 1.0),
    "lanczos": (0.0, 0.504551152427, 0.935489283789),
    "taylor": (0.306346927307, 0.66206477894, 0.957002126925),
}


@pytest.mark.parametrize("name", list(WINDOWS))
def test_windows(name: str) -> None:
    half = WINDOWS[name]
    np.testing.assert_allclose(windows.window(name, 6, periodic=False), [*half, *half[::-1]], atol=1e-11)
    np.testing.assert_allclose(windows.window(name, 5, periodic=True), [*half, *half[:0:-1]], atol=1e-11)


@pytest.mark.parametrize("name", ["blackman", "cosine", "exponential", "hamming", "hann", "nuttall", "bartlett"])
@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_equal_torchs(name: str, size: int, periodic: bool) -> None:
    theirs = getattr(torch.signal.windows, name)(size, sym=not periodic, dtype=torch.float64)
    np.testing.assert_allclose(windows.window(name, size, periodic), theirs, atol=1e-15)


# random values


@pytest.mark.parametrize("name", list(SCALED))
@pytest.mark.parametrize("shape", [(100, 400), (5, 4, 20, 100), (40000,)])
def test_variance_is_scale_over_fan(name: str, shape: tuple[int, ...]) -> None:
    scale, mode, _ = SCALED[name]
    fan_in, fan_out = fans(shape)
    fan = fan_in if mode == "fan_in" else (fan_in + fan_out) / 2
    _check_moments(_make(name, seed=7)(shape), 0, scale / fan)


@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal", "normal", "Uniform"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_variance_scaling(distribution: str, mode: str) -> None:
    values = initializers.VarianceScaling(3.0, mode, distribution, seed=1)((100, 300))
    variance = 3 / {"fan_in": 100, "fan_out": 300, "fan_avg": 200}[mode]
    _check_moments(values, 0, variance)
    largest = values.abs().max().item() / math.sqrt(variance)
    if distribution.lower() == "uniform":
        assert 1.7 < largest <= math.sqrt(3) + 1e-6
    elif distribution == "untruncated_normal":
        assert largest > 3
    else:
        assert 2.2 < largest <= 2 / 0.8796256610342398 + 1e-6


def test_variance_scaling_counts_the_given_axes() -> None:
    by_axes = initializers.VarianceScaling(seed=1, input_axes=[0], output_axes=[1, 2])((50, 10, 60))
    _check_moments(by_axes, 0, 1 / 50)
    one_only = initializers.VarianceScaling(seed=1, input_axes=[0])((50, 10, 60))
    _check_moments(one_only, 0, 1 / 500)


@pytest.mark.parametrize(
    "shape, axes, expected",
    [
        ((), (), (1, 1)),
        ((5,), (), (5, 5)),
        ((3, 4), (), (3, 4)),
        ((7, 3, 4), (), (21, 28)),
        ((3, 3, 8, 16), (), (72, 144)),
        ((512, 8, 64), ([0], [1, 2]), (512, 512)),
        ((512, 8, 64), ([0, 1], [-1]), (4096, 64)),
        ((512, 8, 64), ([0], None), (4096, 32768)),
    ],
)
def test_fans(shape: tuple[int, ...], axes: tuple[Any, ...], expected: tuple[int, int]) -> None:
    assert fans(shape, *axes) == expected


def test_random_normal() -> None:
    values = initializers.RandomNormal(2.0, 0.5, seed=3)((200, 200))
    _check_moments(values, 2.0, 0.25)
    assert (values - 2).abs().max() > 1.5


def test_random_uniform() -> None:
    values = initializers.RandomUniform(-1.0, 3.0, seed=3)((200, 200))
    _check_moments(values, 1.0, 16 / 12)
    assert -1 <= values.min() < -0.99
    assert 2.99 < values.max() < 3


def test_truncated_normal() -> None:
    values = initializers.TruncatedNormal(2.0, 0.5, seed=3)((200, 200))
    _check_moments(values, 2.0, _truncated_variance(0.5))
    assert 0.99 < (values - 2).abs().max() <= 1
    # A normal distribution has 68.27 % within one standard deviation, 95.45 % within two.
    assert abs(((values - 2).abs() < 0.5).double().mean().item() - 0.6827 / 0.9545) < 0.012


@pytest.mark.parametrize("shape", [(6, 6), (8, 5), (5, 8), (3, 2, 4), (2, 2, 20)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = initializers.Orthogonal(2.0, seed=0)(shape, "float64").flatten(0, -2)
    smaller = min(matrix.shape)
    product = matrix.T @ matrix if matrix.shape[1] == smaller else matrix @ matrix.T
    assert_close(product, 4 * torch.eye(smaller, dtype=torch.float64))


def test_orthogonal_is_uniform_over_rotations() -> None:
    firsts = torch.stack([initializers.Orthogonal(seed=seed)((3, 3))[:, 0] for seed in range(400)])
    assert firsts.mean(0).abs().max() < 5 * math.sqrt(1 / 3 / 400)


def test_orthogonal_refuses_a_vector() -> None:
    with pytest.raises(ValueError, match=r"Orthogonal: shape=\(3,\) has 1 axes, fewer than 2"):
        initializers.Orthogonal()((3,))


@pytest.mark.parametrize("name", RANDOM)
def test_seed_repeats_and_none_does_not(name: str) -> None:
    seeded = _make(name, seed=5)
    assert_close(seeded((3, 4)), seeded((3, 4)), rtol=0, atol=0)
    assert_close(seeded((3, 4)), _make(name, seed=5)((3, 4)), rtol=0, atol=0)
    assert not torch.equal(seeded((3, 4)), _make(name, seed=6)((3, 4)))
    free = _make(name)
    assert not torch.equal(free((3, 4)), free((3, 4)))


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_torchs_generator_rules(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = _make(name)((3, 4))
        torch.manual_seed(0)
        assert_close(_make(name)((3, 4)), first, rtol=0, atol=0)


def test_a_seed_leaves_torchs_generator_alone() -> None:
    before = torch.random.get_rng_state()
    initializers.GlorotUniform(seed=1)((3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes(name: str, dtype: str) -> None:
    wanted = getattr(torch, dtype)
    values = _make(name, seed=1)((4, 6), dtype)
    assert values.dtype is wanted
    if wanted.itemsize <= 4:
        assert_close(values, _make(name, seed=1)((4, 6), torch.float32).to(wanted), rtol=0, atol=0)


def test_default_dtype_is_torchs() -> None:
    assert initializers.Zeros()((1,)).dtype is torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert initializers.GlorotUniform()((2, 2)).dtype is torch.float64
        assert initializers.Constant(0.1)((1,)).item() == 0.1
    finally:
        torch.set_default_dtype(torch.float32)


def test_float64_is_drawn_in_float64() -> None:
    values = initializers.GlorotUniform(seed=1)((50, 50), "float64")
    assert not torch.equal(values, values.float().double())


@pytest.mark.parametrize("name", sorted(set(registry.unique()) - {"Initializer"}))
def test_meta_device(name: str) -> None:
    shape = (4, 1, 3) if name == "STFT" else (4, 3)
    made = _make(name)(shape, "float16", device="meta")
    assert made.is_meta
    assert made.shape == shape
    assert made.dtype is torch.float16


@pytest.mark.parametrize("name", RANDOM)
def test_takes_empty_shapes(name: str) -> None:
    assert _make(name)((0, 3)).shape == (0, 3)


@pytest.mark.parametrize("name", RANDOM)
def test_refuses_integers_and_other_seeds(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: dtype='int32' is not a float dtype"):
        _make(name)((2, 2), "int32")
    with pytest.raises(ValueError, match=f"{name}: seed='a' is neither an int nor None"):
        _make(name, seed="a")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"scale": 0.0}, "VarianceScaling: scale=0.0 is not positive"),
        ({"mode": "fan"}, "VarianceScaling: mode='fan' is not one of"),
        ({"distribution": "gauss"}, "VarianceScaling: distribution='gauss' is not one of"),
    ],
)
def test_variance_scaling_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


def test_base_class_draws_nothing() -> None:
    with pytest.raises(NotImplementedError, match="Initializer doesn't define __call__"):
        initializers.Initializer()((2,))
