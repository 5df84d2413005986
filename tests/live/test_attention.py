"""Whole Keras models with attention come over: equal in every layer, in evaluation and in a training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from parity.whole.compare import compare_models

pytestmark = pytest.mark.keras
L = keras.layers

# Sentences of different lengths, padded with 0; one has a hole, one is full.
IDS = np.array([[5, 3, 8, 0, 0, 0], [2, 9, 1, 7, 4, 6], [1, 0, 4, 2, 0, 0], [7, 0, 0, 0, 0, 0]], dtype="int32")
OTHER = np.array([[4, 1, 0, 0], [2, 2, 5, 3], [6, 0, 0, 0], [1, 8, 9, 0]], dtype="int32")


def tokens(length: int, name: str, width: int = 8) -> tuple[Any, Any]:
    ids = keras.Input((length,), dtype="int32", name=name)
    return ids, L.Embedding(11, width, mask_zero=True)(ids)


def block(x: Any, attend: Any, **call: Any) -> Any:
    """A transformer encoder block: attention and a small network, each beside the way past it."""
    x = L.LayerNormalization()(L.Add()([x, attend(x, x, **call)]))
    hidden = L.Dense(8)(L.Dense(16, activation="gelu")(x))
    return L.LayerNormalization()(L.Add()([x, hidden]))


def encoder() -> Any:
    ids, x = tokens(6, "ids")
    x = block(x, L.MultiHeadAttention(2, 4))
    return keras.Model(ids, L.Dense(3)(L.GlobalAveragePooling1D()(x)))


def tagger() -> Any:
    """One block, with an output for each token, those of the padding too."""
    ids, x = tokens(6, "ids")
    return keras.Model(ids, L.Dense(3)(block(x, L.MultiHeadAttention(2, 4))))


def deep_encoder() -> Any:
    ids, x = tokens(6, "ids")
    for attend in (
        L.MultiHeadAttention(2, 4),
        L.GroupQueryAttention(3, 4, 2),
        L.MultiHeadAttention(2, 4, use_gate=True),
    ):
        x = block(x, attend)
    return keras.Model(ids, L.Dense(3)(L.GlobalAveragePooling1D()(x)))


def language_model() -> Any:
    ids, x = tokens(6, "ids")
    x = block(x, L.MultiHeadAttention(2, 4, dropout=0.0, sliding_window=3), use_causal_mask=True)
    return keras.Model(ids, L.Dense(11)(x))


def decoder() -> Any:
    """Causal attention to what was said, attention to what is translated, and its scores as an output."""
    source, memory = tokens(6, "source")
    target, x = tokens(4, "target")
    x = L.Add()([x, L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)])
    y, scores = L.MultiHeadAttention(2, 4, value_dim=3)(x, memory, return_attention_scores=True)
    return keras.Model([source, target], [L.Dense(11)(L.Add()([x, y])), scores])


def attention_of_one_head() -> Any:
    """As Keras's documentation has it: queries and values through convolutions, pooled side by side."""
    source, value = tokens(6, "source")
    target, query = tokens(4, "target")
    attended = L.Attention(use_scale=True)([query, value])
    added = L.AdditiveAttention()([query, value])
    pooled = [L.GlobalAveragePooling1D()(x) for x in (query, attended, added)]
    return keras.Model([source, target], L.Dense(2)(L.Concatenate()(pooled)))


def causal_scores() -> Any:
    ids, x = tokens(6, "ids")
    y, scores = L.Attention(score_mode="concat")([x, x], use_causal_mask=True, return_attention_scores=True)
    return keras.Model(ids, [y, scores])


def of_images() -> Any:
    x = keras.Input((4, 3, 5))
    y = L.MultiHeadAttention(2, 3, attention_axes=(1,))(x, x)
    return keras.Model(x, L.MultiHeadAttention(2, 3)(y, y))


IMAGES = np.random.default_rng(2).standard_normal((2, 4, 3, 5)).astype("float32")


@pytest.mark.parametrize("make, inputs", [
    (encoder, [IDS]), (tagger, [IDS]), (deep_encoder, [IDS]), (language_model, [IDS]), (decoder, [IDS, OTHER]),
    (attention_of_one_head, [IDS, OTHER]), (causal_scores, [IDS]), (of_images, [IMAGES]),
])  # fmt: skip
def test_the_model_is_equal_in_eval_and_in_a_training_step(make: Callable[[], Any], inputs: list[Any]):
    whole = compare_models(make, name=make.__name__, training=True, inputs=inputs)
    assert whole.first is None, whole.first
    for mode, verdict in whole.verdicts.items():
        assert verdict.equal, (mode, [str(check) for check in verdict.failures[:3]])
    assert whole.equal
