"""AdditiveAttention."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.attention.attention import Attention
from torch_layers.tanh import tanh


class AdditiveAttention(Attention):
    """`Attention` with scores = sum(scale * tanh(query + key)) over the features.

    With `use_scale`, `scale` has a learned number for each feature.
    Shape: [(batch, steps, features), (batch, other steps, *), (batch, other steps, features)] -> (batch, steps, *);
    scores (batch, steps, other steps); `scale` (features,).
    Raises: ValueError as `Attention` does.
    Source: keras.layers.AdditiveAttention, Keras 3.15.
    """

    # Taken, as in Keras, but of no use here.
    config_omits = frozenset({"score_mode"})
    _fuses = False

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def _declare(self) -> None:
        self.concat_score_weight = None
        if self.use_scale:
            self.add_weight("scale", initializer="glorot_uniform")
        else:
            self.scale = None

    def build(self, input_shape: Any) -> None:
        self.create_weights(**({"scale": (input_shape[0][-1],)} if self.use_scale else {}))

    def check_features(self, query: int | None, key: int | None, listed: str) -> None:
        cls = type(self).__name__
        if query is not None and key is not None and query != key and 1 not in (query, key):
            raise ValueError(f"{cls}: {listed}: query and key differ in the last axis, the features")
        features = key if query == 1 else query
        if self.built and self.scale is not None and features is not None and features != self.scale.shape[0]:
            raise ValueError(f"{cls}: {listed}: there are {features} features, built was {self.scale.shape[0]}")

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        total = tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
        return total.sum(-1) if self.scale is None else total @ self.cast(self.scale)
