"""Normalization: `adapt`, configs, refusals; its numbers are in parity/cases/preprocessing.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from torch_layers import Normalization, Sequential

RNG = np.random.default_rng(0)
DATA = RNG.standard_normal((50, 4, 3)) * [1.0, 5.0, 0.1] + [2.0, 1e4, -3.0]


def statistics(layer: Normalization) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    mean, variance, count = layer.get_weights()
    assert count == 0  # Keras keeps it for old files
    return mean, variance


def generator() -> Iterator[np.ndarray[Any, Any]]:
    yield DATA[:7]
    yield DATA[7:8]
    yield DATA[8:8]
    yield DATA[8:]


SOURCES: dict[str, Any] = {
    "array": lambda: DATA,
    "tensor": lambda: torch.from_numpy(DATA),
    "list of batches": lambda: [DATA[:20], DATA[20:]],
    "generator": generator,
    "batches of x and y": lambda: [(DATA[:20], 1), (DATA[20:], 0)],
    "DataLoader": lambda: DataLoader(TensorDataset(torch.from_numpy(DATA), torch.arange(50)), batch_size=16),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2), (2, 1), (0, 1, 2)])
def test_adapt_takes_mean_and_variance_of_all_batches(source: str, axis: Any) -> None:
    if axis == (0, 1, 2) and source not in ("array", "tensor"):
        pytest.skip("batches differ in size")
    layer = Normalization(axis, dtype="float64")
    layer.adapt(SOURCES[source]())
    kept = () if axis is None else axis if isinstance(axis, tuple) else (axis % 3,)
    others = tuple(i for i in range(3) if i not in kept)
    mean, variance = statistics(layer)
    np.testing.assert_allclose(mean, DATA.mean(others), rtol=1e-12)
    np.testing.assert_allclose(variance, DATA.var(others), rtol=1e-9, atol=1e-12)
    if others:
        y = layer(torch.from_numpy(DATA)).numpy()
        np.testing.assert_allclose(y.mean(others), 0, atol=1e-9)
        np.testing.assert_allclose(y.std(others), 1, rtol=1e-9)


def test_adapt_anew_forgets_what_was_there() -> None:
    layer = Normalization()
    layer.adapt(DATA)
    layer.adapt(DATA[:10] * 2)
    np.testing.assert_allclose(statistics(layer)[0], DATA[:10].mean((0, 1)) * 2, rtol=1e-6)


def test_adapt_works_inside_a_model_that_is_built_already() -> None:
    layer = Normalization(input_shape=(4, 3))
    model = Sequential([layer])
    layer.adapt(DATA.astype(np.float32))
    assert model(torch.from_numpy(DATA).float()).std().item() == pytest.approx(1, rel=0.01)


def test_a_scalar_mean_and_variance_take_data_of_any_rank() -> None:
    layer = Normalization(axis=None)
    layer.adapt(np.arange(5.0))
    layer.adapt(DATA)
    assert layer(torch.zeros(2, 3)).shape == (2, 3)


def test_no_gradient_goes_into_data_or_statistics() -> None:
    layer = Normalization()
    layer.adapt(torch.from_numpy(DATA).requires_grad_())
    assert not layer.running_mean.requires_grad
    assert not list(layer.parameters())


def test_invert_goes_back() -> None:
    layer = Normalization(dtype="float64")
    layer.adapt(DATA)
    back = Normalization(invert=True, dtype="float64", input_shape=(4, 3))
    back.set_weights(layer.get_weights())
    x = torch.from_numpy(DATA)
    torch.testing.assert_close(back(layer(x)), x)


def test_configs_are_keras_s() -> None:
    def own(layer: Normalization) -> dict[str, Any]:
        return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}

    assert own(Normalization()) == {"axis": (-1,), "mean": None, "variance": None, "invert": False}
    given = Normalization([0, 2], mean=np.float32(0.5), variance=2, invert=True)
    assert own(given) == {"axis": (0, 2), "mean": 0.5, "variance": 2, "invert": True}
    assert own(Normalization(mean=np.ones(2), variance=[1, 2]))["mean"] == [1.0, 1.0]


def test_what_is_given_is_no_weight_and_moves_with_the_layer() -> None:
    layer = Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 16.0], input_shape=(4, 3))
    assert not layer.state_dict()
    assert layer.double()(torch.from_numpy(DATA)).dtype is torch.float64


def adapted(*args: Any, **kwargs: Any) -> Any:
    layer = Normalization(**kwargs)
    for data in args:
        layer.adapt(data)


REFUSED: list[tuple[Any, str]] = [
    (lambda: Normalization(axis="1"), "Normalization: axis='1' is neither an int, a list of ints nor None"),
    (
        lambda: Normalization(axis=(1, 0.5)),
        r"Normalization: axis=\(1, 0.5\) is neither an int, a list of ints nor None",
    ),
    (lambda: Normalization(mean=1.0), "Normalization: mean=1.0 and variance=None: both must be given, or none"),
    (lambda: Normalization(mean=1.0, variance=[1.0]), r"mean of shape \(\) and variance of shape \(1,\) must have one"),
    (lambda: Normalization(None, [1.0], [1.0]), r"of at most as many axes as axis=\(\)"),
    (lambda: Normalization(axis=2)(torch.ones(2, 3)), r"axis=\(2,\) is outside of an input of shape \(2, 3\)"),
    (lambda: Normalization(axis=(1, -1))(torch.ones(2, 3)), r"axis=\(1, -1\) names an axis of an input .* twice"),
    (
        lambda: Normalization(input_shape=(None,)),
        r"input of shape \(None, None\) has an unknown size along axis=\(-1,\)",
    ),
    (
        lambda: Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(torch.ones(2, 3)),
        r"mean and variance of shape \(2,\) don't broadcast to \(3,\), the sizes of the input along axis=\(-1,\)",
    ),
    (lambda: adapted(DATA, mean=1.0, variance=2.0), "Normalization: adapt: mean and variance were given already"),
    (lambda: adapted([]), "Normalization: adapt: data has no values"),
    (lambda: adapted(DATA[:0]), "Normalization: adapt: data has no values"),
    (lambda: adapted(5), "Normalization: adapt: data is a int, neither an array nor an iterable"),
    (lambda: adapted([1.0, 2.0]), "Normalization: adapt: data has a float, allowed are arrays and tensors"),
    (
        lambda: adapted(DATA, DATA[:, :, :2]),
        r"Normalization: adapt: data of shape \(50, 4, 2\), the layer was built for 3 axes with sizes \(3,\) along axis",
    ),
    (lambda: adapted(DATA, DATA[0]), r"adapt: data of shape \(4, 3\), the layer was built for 3 axes"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_refuses_in_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_statistics_stay_what_they_were_after_an_error() -> None:
    layer = Normalization()
    layer.adapt(DATA)
    before = statistics(layer)
    with pytest.raises(ValueError, match="adapt: data of shape"):
        layer.adapt([DATA * 3, DATA[:, :, :2]])
    for mine, theirs in zip(statistics(layer), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
