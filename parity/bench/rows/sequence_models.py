"""Rows of small sequence models, made of a few layers: what a user of attention and recurrent layers runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.bench.handwritten import sequence_models as by_hand
from parity.bench.rows.row import Row
from parity.case import Array, Case, values


@dataclass(frozen=True)
class Encoder:
    """Builds a transformer's encoder block: sides in other processes get it by pickle, so no function in a function."""

    steps: int
    width: int
    heads: int
    __name__ = "transformer encoder"

    def __call__(self, k: Any, dtype: str) -> Any:
        x = k.Input((self.steps, self.width), dtype=k.input_dtype(dtype))
        key_dim = self.width // self.heads
        attended = k.MultiHeadAttention(self.heads, key_dim, use_bias=False, dtype=dtype)(x, x)
        x1 = k.LayerNormalization(dtype=dtype)(k.Add(dtype=dtype)([x, attended]))
        hidden = k.Dense(4 * self.width, activation="relu", dtype=dtype)(x1)
        narrowed = k.Dense(self.width, dtype=dtype)(hidden)
        return k.Model(x, k.LayerNormalization(dtype=dtype)(k.Add(dtype=dtype)([x1, narrowed])))


@dataclass(frozen=True)
class Tagger:
    """Builds a tagger of words: a masked Bidirectional LSTM."""

    words: int
    width: int
    units: int
    tags: int
    __name__ = "tagger"

    def __call__(self, k: Any, dtype: str) -> Any:
        x = k.Input((None,), dtype="int32")
        embedded = k.Embedding(self.words, self.width, mask_zero=True, dtype=dtype)(x)
        lstm = k.LSTM(self.units, return_sequences=True, zero_output_for_mask=True, dtype=dtype)
        both = k.Bidirectional(lstm, dtype=dtype)(embedded)
        return k.Model(x, k.Dense(self.tags, activation="softmax", dtype=dtype)(both))


def _case(build: Any, inputs: Any) -> Case:
    return Case(build.__name__, {"build": build}, [inputs], kind="model")


def _sentences(batch: int, time: int, words: int) -> Array:
    """Sentences of half the time to all of it, and zeros behind them."""
    lengths = [time - (row * 7) % (time // 2 + 1) for row in range(batch)]
    spoken = [[1 + (7 * row + 3 * step) % (words - 1) for step in range(length)] for row, length in enumerate(lengths)]
    return values([[*sentence, *[0] * (time - len(sentence))] for sentence in spoken], "int32")


ROWS = (
    Row(_case(Encoder(128, 256, 8), (8, 128, 256)), _case(Encoder(4, 32, 2), (1, 4, 32)), by_hand.Encoder),
    Row(
        _case(Tagger(1000, 64, 64, 17), _sentences(32, 48, 1000)),
        _case(Tagger(20, 8, 4, 3), _sentences(1, 4, 20)),
        by_hand.Tagger,
    ),
)
