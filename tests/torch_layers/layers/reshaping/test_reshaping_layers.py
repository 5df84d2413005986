"""The reshaping layers: views, configs, refusals; their numbers are in parity/cases/reshaping.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torch_layers import Flatten, Permute, RepeatVector, Reshape

X = torch.arange(24.0).reshape(2, 3, 4)


def own(layer: Any) -> dict[str, Any]:
    """Return what a layer's config says beside every layer's own entries."""
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def test_configs_are_keras_s() -> None:
    assert own(Flatten()) == {"data_format": "channels_last"}
    assert own(Flatten("CHANNELS_FIRST")) == {"data_format": "channels_first"}
    assert own(Reshape([3, -1])) == {"target_shape": (3, -1)}
    assert own(Permute([2, 1])) == {"dims": (2, 1)}
    assert own(RepeatVector(3)) == {"n": 3}


@pytest.mark.parametrize("layer", [Flatten(), Reshape((4, -1)), Permute((2, 1)), RepeatVector(3)], ids=lambda e: e.name)
def test_copies_nothing(layer: Any) -> None:
    x = X if not isinstance(layer, RepeatVector) else X[0]
    assert layer(x).untyped_storage().data_ptr() == X.untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Flatten("last"), r"Flatten: data_format='last' is not one of \('channels_last', 'channels_first'\)"),
        (lambda: Flatten()(torch.tensor(1.0)), r"Flatten: input of shape \(\) has rank 0, allowed is at least 1"),
        (lambda: Reshape(12), "Reshape: target_shape=12 is not a tuple of sizes"),
        (
            lambda: Reshape((2.0, 6)),
            r"target_shape=\(2.0, 6\) is not of sizes of at least 0 and one -1 at most",
        ),
        (lambda: Reshape((-1, None)), r"Reshape: target_shape=\(-1, None\) is not of sizes"),
        (lambda: Reshape((-2, 6)), r"Reshape: target_shape=\(-2, 6\) is not of sizes"),
        (lambda: Reshape((0, -1)), r"Reshape: target_shape=\(0, -1\) has a size of 0, beside which -1 can be any size"),
        (
            lambda: Reshape((5, 2))(X),
            r"does not fit an input of shape \(2, 3, 4\), which has 12 elements per sample",
        ),
        (lambda: Reshape((5, -1))(X), r"Reshape: target_shape=\(5, -1\) does not fit an input of shape \(2, 3, 4\)"),
        (lambda: Reshape((5,))(X[:0]), r"Reshape: target_shape=\(5,\) does not fit an input of shape \(0, 3, 4\)"),
        (lambda: Permute(1), "Permute: dims=1 is not a tuple of ints"),
        (lambda: Permute((0, 1)), r"Permute: dims=\(0, 1\) is not the numbers from 1 to 2 in any order"),
        (lambda: Permute((1.0,)), r"Permute: dims=\(1.0,\) is not the numbers from 1 to 1"),
        (lambda: Permute((1,))(X), r"Permute: input of shape \(2, 3, 4\) has rank 3, allowed is 2"),
        (lambda: RepeatVector(0), "RepeatVector: n=0 is not a positive int"),
        (lambda: RepeatVector("2"), "RepeatVector: n='2' is not a positive int"),
        (lambda: RepeatVector(2)(X), r"RepeatVector: input of shape \(2, 3, 4\) has rank 3, allowed is 2"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_masks_stop_at_layers_that_reshape() -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    for layer in (Flatten(), Reshape((12,)), Permute((2, 1)), RepeatVector(2)):
        assert layer.compute_mask(X, mask) is None
