"""Masks in functional models are Keras's: which layers pass, change, make and stop them, and what losses make of them."""

from __future__ import annotations

import contextlib
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import _pytree as pytree

import torch_layers as tl
from parity.case import Array, Case
from parity.cases import all_cases
from parity.sides.torch_layers import TorchLayers
from torch_layers import registry

pytestmark = pytest.mark.keras

OURS = TorchLayers()
Masks = list["np.ndarray[Any, Any] | None"]
NOT_CALLED = {"Layer", "Model", "Sequential", "Functional", "Wrapper", "InputLayer", "Lambda"}


def shapes_of(spec: Any) -> Any:
    """Return the shapes of a case's inputs, lists as lists; raise ValueError for what no mask can come with."""
    if isinstance(spec, list):
        return [shapes_of(item) for item in spec]
    array = Array(spec) if isinstance(spec, tuple) else spec
    if (
        not isinstance(array, Array)
        or len(array.shape) < 2
        or array.dtype is not None
        or array.fill != "normal"
        or 0 in array.shape
    ):
        raise ValueError("takes no floats of rank 2 or more")
    return array.shape


@cache
def examples(name: str) -> list[tuple[Case, Any]]:
    """Return the first cases of a layer, with the shapes of their inputs, one for each number of them and rank."""
    found: dict[Any, tuple[Case, Any]] = {}
    for case in all_cases():
        if (case.kind, case.name, case.dtype) == ("layer", name, "float32") and not (case.raises or case.call):
            if "ConvLSTM" in case.id:
                continue  # its masks are of steps; those of Masking are of pixels here
            with contextlib.suppress(ValueError):
                shapes = shapes_of(list(case.inputs))
                ranks = str([len(s) if isinstance(s, tuple) else [len(t) for t in s] for s in shapes])
                found.setdefault((ranks, str(case.config.get("axis"))), (case, shapes))
    return list(found.values())[:4]


def drawn(shapes: list[Any]) -> list[np.ndarray[Any, Any]]:
    """Draw inputs some of whose steps are 0 everywhere, which `Masking` hides."""
    rng, arrays = np.random.default_rng(0), []
    for shape in leaves(shapes):
        array = rng.normal(size=shape).astype("float32")
        arrays.append(array * (rng.random((*shape[:-1], 1)) < 0.6))
    return arrays


def leaves(nested: Any) -> list[Any]:
    return [leaf for item in nested for leaf in leaves(item)] if isinstance(nested, list) else [nested]


def called(package: Any, layer: Any, shapes: list[Any], masked: list[bool]) -> tuple[list[Any], list[Any]]:
    """Return symbolic inputs and outputs of a layer that is called with some inputs masked."""
    layers = package if package is tl else package.layers
    inputs = [package.Input(shape[1:], batch_size=shape[0]) for shape in leaves(shapes)]
    hidden = iter([layers.Masking()(x) if yes else x for x, yes in zip(inputs, masked, strict=True)])
    args = [[next(hidden) for _ in item] if isinstance(item, list) else next(hidden) for item in shapes]
    return inputs, [y for y in pytree.tree_leaves(layer(*args)) if hasattr(y, "shape")]


def masks_of_ours(layer: Any, shapes: list[Any], masked: list[bool]) -> Masks:
    """Return the masks that a model of ours draws for the outputs of a layer."""
    inputs, outputs = called(tl, layer, shapes, masked)
    model = tl.Model(inputs, [*outputs, *(y.mask for y in outputs if y.mask is not None)])
    computed = iter(model([torch.from_numpy(x) for x in drawn(shapes)])[len(outputs) :])
    return [None if y.mask is None else next(computed).numpy() for y in outputs]


def masks_of_keras(keras: Any, layer: Any, shapes: list[Any], masked: list[bool]) -> Masks:
    """Return the masks that layers behind a layer of Keras's get when its model runs.

    Not those of its symbols: what hangs on a tensor then counts where the graph has no mask.
    """
    seen: dict[Any, Any] = {}

    class Probe(keras.layers.Layer):  # type: ignore[misc]
        supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            seen[self] = mask
            return x

    inputs, outputs = called(keras, layer, shapes, masked)
    probes = [Probe() for _ in outputs]
    keras.Model(inputs, [probe(y) for probe, y in zip(probes, outputs, strict=True)])(drawn(shapes))
    return [None if seen[probe] is None else np.asarray(seen[probe]) for probe in probes]


CALLED = sorted(name for name in registry.layers.unique() if name not in NOT_CALLED and examples(name))


@pytest.mark.parametrize("name", CALLED)
def test_each_layer_does_to_masks_what_keras_s_does(keras_side, keras, name):
    for case, shapes in examples(name):
        count = len(leaves(shapes))
        for masked in {(True,) * count, (True,) + (False,) * (count - 1), (False,) * (count - 1) + (True,)}:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # both warn where a mask ends
                try:
                    theirs = masks_of_keras(keras, keras_side.make(case, case, "float32"), shapes, list(masked))
                except Exception:
                    continue  # Keras can't do anything with a mask of this shape here
                ours = masks_of_ours(OURS.make(case, case, "float32"), shapes, list(masked))
            assert [m is None for m in ours] == [m is None for m in theirs], (case.id, masked)
            for mine, expected in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(mine, expected, err_msg=f"{case.id} {masked}")


# --- whole models --------------------------------------------------------------------------------------------------

IDS = np.array([[5, 3, 8, 0, 0, 0], [2, 9, 1, 7, 4, 6], [1, 0, 4, 2, 0, 0], [7, 0, 0, 0, 0, 0]], dtype="int32")


def tokens(k: Any) -> tuple[Any, Any]:
    ids = k.Input((6,), dtype="int32")
    return ids, k.layers.Embedding(11, 8, mask_zero=True)(ids)


def straight(k: Any) -> Any:
    ids, x = tokens(k)
    return k.Model(ids, k.layers.Dense(3)(k.layers.Dropout(0.5)(k.layers.LayerNormalization()(x))))


def merged(k: Any) -> Any:
    ids, x = tokens(k)
    y = k.layers.Concatenate()([k.layers.Dense(2)(x), k.layers.Multiply()([x, x])])
    return k.Model(ids, k.layers.Dense(3)(y))


def stopped(k: Any) -> Any:
    ids, x = tokens(k)
    return k.Model(ids, k.layers.Dense(3)(k.layers.Reshape((6, 8))(x)))


def made_again(k: Any) -> Any:
    ids, x = tokens(k)
    return k.Model(ids, k.layers.Dense(3)(k.layers.Masking(0.5)(x)))


def attended(k: Any) -> Any:
    """The mask of what attention returns is its query's."""
    ids, x = tokens(k)
    return k.Model(ids, k.layers.Dense(3)(k.layers.MultiHeadAttention(2, 4)(x, x)))


def beside_attention(k: Any) -> Any:
    """MultiHeadAttention takes the mask off x: the sum has none, and the second layer attends to the padding."""
    ids, x = tokens(k)
    x = k.layers.Add()([x, k.layers.MultiHeadAttention(2, 4)(x, x)])
    return k.Model(ids, k.layers.Dense(3)(k.layers.MultiHeadAttention(2, 4)(x, x)))


def pooled_beside_attention(k: Any) -> Any:
    """A layer that is called with one tensor has its mask from the graph, where nothing is taken off."""
    ids, x = tokens(k)
    x = k.layers.Add()([x, k.layers.MultiHeadAttention(2, 4)(x, x)])
    pooled = k.layers.RepeatVector(6)(k.layers.GlobalAveragePooling1D()(x))
    return k.Model(ids, k.layers.Dense(3)(pooled))


def in_groups(k: Any) -> Any:
    """GroupQueryAttention takes no masks off."""
    ids, x = tokens(k)
    x = k.layers.Add()([x, k.layers.GroupQueryAttention(3, 4, 2)(x, x)])
    return k.Model(ids, k.layers.Dense(3)(k.layers.GroupQueryAttention(3, 4, 2)(x, x)))


def of_one_head(k: Any) -> Any:
    ids, x = tokens(k)
    return k.Model(ids, k.layers.Dense(3)(k.layers.Attention()([x, k.layers.Dense(8)(x)], use_causal_mask=True)))


@pytest.mark.parametrize("make", [
    straight, merged, stopped, made_again, attended, beside_attention, pooled_beside_attention, in_groups, of_one_head,
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*support masking:UserWarning", "ignore:(?s)Exception.*masking:UserWarning")
def test_masks_weigh_losses_and_metrics(keras, make):
    theirs, rng = make(keras), np.random.default_rng(3)
    # Larger ones make scores of hundreds, in whose softmax rounding grows beyond what is allowed below.
    theirs.set_weights([rng.normal(scale=0.5, size=w.shape).astype("float32") for w in theirs.get_weights()])
    drawn_here, converted = make(tl), tl.from_keras(theirs)
    drawn_here.set_weights(theirs.get_weights())
    labels, results = rng.integers(0, 3, IDS.shape), []
    for model in (theirs, drawn_here, converted):
        package, mode = (keras, {"run_eagerly": True}) if model is theirs else (tl, {})  # to trace takes longest
        loss = package.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(loss=loss, metrics=["accuracy"], **mode)
        results.append(
            [*model.evaluate(IDS, labels, batch_size=4, verbose=0), *np.ravel(model.predict(IDS, verbose=0))]
        )
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-5, atol=1e-5)
