"""Cases of the attention layers."""

from itertools import product
from typing import Any

from parity.case import Array, Case, integers, mask, normal, values

_HEADS: dict[str, Any] = {"num_heads": 3, "key_dim": 4}
_GROUPS: dict[str, Any] = {"head_dim": 5, "num_query_heads": 6, "num_key_value_heads": 2}
# Logits of usual size. The fused kernel's backward pass computes the softmax once more, from sums that larger ones round.
_QUERY, _VALUE, _KEY = normal(2, 5, 7, scale=0.5), normal(2, 4, 8, scale=0.5), normal(2, 4, 3, scale=0.5)
_CAUSAL, _SCORES = {"use_causal_mask": True}, {"return_attention_scores": True}
# The first query may look nowhere, for one sample or for all.
_BLIND = values([[[False] * 4, *[[True, False, True, True]] * 4], [[True] * 4] * 5], "bool")
_NOTHING = values([[False, False, True, True], [False] * 4], "bool")

# The ways in which masks come: what hangs on query, value and key, and what is passed by keyword.
_MASKS: dict[str, tuple[list[Any] | None, dict[str, Any]]] = {
    "query": ([mask(2, 5), None], {}),
    "value": ([None, mask(2, 4)], {}),
    "both": ([mask(2, 5), mask(2, 4)], {}),
    "value that is all hidden": ([None, _NOTHING], {}),
    "attention": (None, {"attention_mask": mask(2, 5, 4)}),
    "attention of each head": (None, {"attention_mask": mask(2, 1, 5, 4)}),
    "attention of all samples": (None, {"attention_mask": mask(5, 4)}),
    "blind": (None, {"attention_mask": _BLIND}),
    "all": ([mask(2, 5), mask(2, 4)], {"attention_mask": mask(2, 5, 4)}),
}


def _masked(name: str, config: dict[str, Any], call: dict[str, Any]) -> list[Case]:
    """Return a case for each way in which masks come."""
    return [
        Case(name, config, [_QUERY, _VALUE], {**call, **passed}, masks=hung, why=f"mask: {which}")
        for which, (hung, passed) in _MASKS.items()
    ]


_SHARED_ARGUMENTS: list[dict[str, Any]] = [
    {"use_bias": False},
    {"use_gate": True},
    {"use_gate": True, "use_bias": False},
    {"dropout": 0.5},
    {"dropout": 0.25, "seed": 3},
    {"flash_attention": False},
    {"sliding_window": 1},
    {"sliding_window": 2},
    {"sliding_window": 99},
    {"kernel_initializer": "he_normal", "bias_initializer": "ones"},
    {"kernel_regularizer": "l2", "bias_regularizer": "l1"},
    {"activity_regularizer": "l2", "use_gate": True},
    {"kernel_constraint": "non_neg", "bias_constraint": "max_norm"},
    {"trainable": False, "name": "mine"},
    {"autocast": False},
    {"dtype": "float64"},
]
_REFUSED: list[dict[str, Any]] = [
    {"dropout": 1.5},
    {"dropout": -0.5},
    {"sliding_window": 0},
    {"sliding_window": 2.5},
    {"flash_attention": True, "dropout": 0.5},
]


def _in_heads(name: str, config: dict[str, Any]) -> list[Case]:
    """Return what both layers that attend in heads do alike, for one config that all others change."""
    both = [_QUERY, _VALUE]
    return [
        Case(name, config, both),
        *(Case(name, {**config, **more}, both) for more in _SHARED_ARGUMENTS),
        *(Case(name, {**config, **more}, both, raises=True) for more in _REFUSED),
        Case(name, config, [_QUERY, _VALUE, _KEY], why="a key of its own"),
        Case(name, config, both, {"key": _KEY}),
        Case(name, config, [_QUERY, _VALUE, _KEY], masks=[mask(2, 5), mask(2, 4), mask(2, 4)]),
        Case(name, config, [_QUERY, _VALUE, _KEY], masks=[None, None, mask(2, 4)]),
        Case(name, config, both, {"value_mask": mask(2, 4)}, why="a mask by keyword"),
        Case(name, config, both, {"value_mask": mask(2, 4), "key_mask": mask(2, 4)}),
        Case(name, config, both, {"value_mask": integers(2, 4, high=2)}, why="a mask of integers"),
        Case(name, config, both, {"attention_mask": values([[0, 1, 1, 0]] * 5, "float32")}, why="a mask of floats"),
        Case(name, config, both, {"attention_mask": mask(1, 1, 5, 4)}),
        Case(name, config, both, {"attention_mask": mask(2, 5, 1)}, why="a query that looks everywhere or nowhere"),
        *_masked(name, config, {}),
        *_masked(name, config, _CAUSAL),
        *_masked(name, config, {**_SCORES}),
        *_masked(name, {**config, "dropout": 0.3}, {}),
        *(
            Case(name, {**config, "sliding_window": 2, "dropout": rate}, both, call, masks=hung)
            for rate, call, hung in product((0, 0.3), ({}, _CAUSAL), (None, [mask(2, 5), mask(2, 4)]))
            if rate or call or hung
        ),
        Case(name, config, both, _SCORES),
        Case(name, config, both, _CAUSAL, why="more queries than keys"),
        Case(name, config, [(2, 4, 7), (2, 6, 7)], _CAUSAL, why="fewer queries than keys: the first sees the first"),
        Case(name, config, both, {**_SCORES, **_CAUSAL}),
        Case(name, {**config, "dropout": 0.3}, both, _CAUSAL, why="causal without the fused form"),
        Case(name, {**config, "use_gate": True}, both, {**_SCORES, **_CAUSAL}),
        # Of several hundred. Beyond that, all gradients are 0, but for what the fused kernel rounds.
        Case(name, config, [normal(2, 5, 7, scale=4.0), normal(2, 4, 7, scale=4.0)], why="large logits"),
        Case(name, config, [normal(2, 5, 7, scale=30.0), normal(2, 4, 7, scale=30.0)], {**_CAUSAL, **_SCORES}),
        Case(
            name,
            config,
            [normal(2, 5, 7, scale=1e3), normal(2, 4, 7, scale=1e3)],
            _SCORES,
            masks=[mask(2, 5), mask(2, 4)],
            why="the number that hides must be larger than any logit",
        ),
        Case(name, config, [(0, 5, 7), (0, 4, 7)], why="empty batch"),
        Case(name, config, [(0, 5, 7), (0, 4, 7)], _CAUSAL),
        Case(name, config, [(1, 1, 1), (1, 1, 1)]),
        Case(name, config, [(1, 1, 3), (1, 6, 2)], why="one query"),
        Case(name, config, [(1, 6, 3), (1, 1, 2)], _SCORES, why="one key"),
        Case(name, config, [integers(2, 5, 7, low=-3, high=3), _VALUE], why="integers"),
        Case(name, config, [(2, 5, 7), (2, 4, 7), (2, 3, 7)], raises=True, why="value and key differ in steps"),
        Case(name, config, [(2, 5, 7), (3, 4, 7)], raises=True, why="batch sizes differ"),
        Case(name, config, [(2, 5, 7), (4, 7)], raises=True, why="ranks differ"),
        Case(name, config, [(2, 5, 7)], raises=True, why="no value"),
        Case(name, config, both, {"attention_mask": mask(2, 4, 5)}, raises=True),
        Case(name, config, both, {"value_mask": mask(2, 5)}, raises=True),
        Case(name, {**config, "flash_attention": True}, both, _SCORES, raises=True),
    ]


_IMAGES: list[tuple[Any, list[Any]]] = [
    (None, [(2, 3, 4, 5), (2, 2, 3, 6)]),
    (2, [(2, 3, 4, 5), (2, 3, 6, 7)]),
    ([1], [(2, 4, 3, 5), (2, 6, 3, 7)]),
    (-2, [(2, 3, 4, 5), (2, 3, 6, 7)]),
    ((-3,), [(2, 4, 3, 5), (2, 6, 3, 7)]),
    ((1, 2), [(2, 3, 4, 5), (2, 2, 3, 6)]),
    ((2, 1), [(2, 3, 4, 5), (2, 2, 3, 6)]),
    (None, [(2, 2, 3, 1, 5), (2, 1, 2, 3, 4)]),
    ((1, 3), [(2, 2, 3, 4, 5), (2, 1, 3, 2, 4)]),
    ((2, 3), [(1, 2, 3, 1, 5), (1, 2, 1, 4, 4)]),
]
_OF_IMAGES = [
    *(
        Case("MultiHeadAttention", {**_HEADS, **({} if axes is None else {"attention_axes": axes})}, inputs, call)
        for (axes, inputs), call in product(_IMAGES, ({}, _SCORES))
    ),
    *(
        Case("MultiHeadAttention", {**_HEADS, "attention_axes": 2, **more}, [(2, 3, 4, 5), (2, 3, 6, 7)], call, masks=m)
        for more, call, m in (
            ({}, {"attention_mask": mask(2, 4, 6)}, None),
            ({}, {"attention_mask": mask(2, 3, 4, 6)}, None),
            ({}, {}, [mask(2, 3, 4), mask(2, 3, 6)]),
            ({}, {}, [mask(2, 4), None]),
            ({"output_shape": (2, 5)}, {"attention_mask": mask(2, 3, 4, 6)}, [mask(2, 3, 4), None]),
            ({"use_gate": True, "value_dim": 2}, {}, None),
        )
    ),
    Case(
        "MultiHeadAttention", {**_HEADS, "attention_axes": 2, "sliding_window": 2}, [(2, 4, 4, 5), (2, 4, 4, 7)], _CAUSAL
    ),
    *(Case("MultiHeadAttention", {**_HEADS, "attention_axes": 2, **more}, [(2, 1, 4, 5), (2, 1, 6, 7)], call,
           why="steps are counted along axis 1, where one sees all")
      for more, call in (({}, _CAUSAL), ({"sliding_window": 2}, {}), ({"sliding_window": 2}, _CAUSAL))),
    Case("MultiHeadAttention", _HEADS, [(2, 3, 2, 5), (2, 2, 3, 6)], {"attention_mask": mask(2, 3, 2, 2, 3)}),
    Case("MultiHeadAttention", _HEADS, [(2, 3, 2, 5), (2, 2, 3, 6)], {"attention_mask": mask(2, 1, 3, 2, 2, 1)}),
    Case("MultiHeadAttention", {**_HEADS, "attention_axes": (2, 1)}, [(2, 3, 2, 5), (2, 2, 1, 6)],
         {"attention_mask": mask(2, 2, 3, 1, 2), **_SCORES}, why="the mask's axes are in the order of attention_axes"),
    Case("MultiHeadAttention", _HEADS, [(0, 3, 2, 5), (0, 2, 3, 6)], why="empty batch of images"),
    Case("MultiHeadAttention", {**_HEADS, "dropout": 0.4}, [(2, 3, 2, 5), (2, 2, 3, 6)]),
    Case("MultiHeadAttention", {**_HEADS, "attention_axes": 7}, [(2, 3, 4, 5), (2, 3, 4, 5)], raises=True),
    Case("MultiHeadAttention", {**_HEADS, "attention_axes": "1"}, [_QUERY, _VALUE], raises=True),
    Case("MultiHeadAttention", {**_HEADS, "attention_axes": 2}, [(2, 3, 4, 5), (2, 2, 4, 5)], raises=True),
]  # fmt: skip

_OF_HEADS = [
    *_in_heads("MultiHeadAttention", _HEADS),
    *(
        Case("MultiHeadAttention", {**_HEADS, **more}, [_QUERY, _VALUE], call)
        for more, call in (
            ({"num_heads": 1}, {}),
            ({"num_heads": 1, "key_dim": 1}, {}),
            ({"key_dim": 6}, {}),
            ({"value_dim": 2}, {}),
            ({"value_dim": 9, "use_gate": True}, {}),
            ({"value_dim": 2}, _SCORES),
            ({"output_shape": 6}, {}),
            ({"output_shape": (3,)}, {}),
            ({"output_shape": [2, 3]}, {}),
            ({"output_shape": (2, 1, 3), "use_bias": False}, {}),
            ({"attention_axes": (1,)}, {}),
            ({"attention_axes": -2}, _SCORES),
        )
    ),
    *(
        Case("MultiHeadAttention", {**_HEADS, **more}, [_QUERY, _VALUE], raises=True)
        for more in ({"num_heads": 0}, {"num_heads": 1.5}, {"key_dim": 0}, {"value_dim": 0}, {"output_shape": 0.5})
    ),
    *_OF_IMAGES,
]
_OF_GROUPS = [
    *_in_heads("GroupQueryAttention", _GROUPS),
    *(
        Case("GroupQueryAttention", {**_GROUPS, **more}, [_QUERY, _VALUE], call)
        for more, call in (
            ({"num_key_value_heads": 1}, {}),
            ({"num_key_value_heads": 6}, {}),
            ({"num_key_value_heads": 3}, _SCORES),
            ({"num_key_value_heads": 1}, {**_SCORES, **_CAUSAL}),
            ({"head_dim": 1}, {}),
            ({"num_query_heads": 8, "num_key_value_heads": 4}, {"attention_mask": mask(2, 8, 5, 4)}),
        )
    ),
    *(
        Case("GroupQueryAttention", {**_GROUPS, **more}, [_QUERY, _VALUE], raises=True)
        for more in ({"num_key_value_heads": 4}, {"num_key_value_heads": 0}, {"head_dim": 0}, {"num_query_heads": 0})
    ),
]

_PAIR, _TRIPLE = [[(2, 5, 7), (2, 4, 7)]], [[(2, 5, 7), (2, 4, 6), (2, 4, 7)]]
_HUNG: tuple[Any, ...] = (
    None,
    [[mask(2, 5), None]],
    [[None, mask(2, 4)]],
    [[mask(2, 5), mask(2, 4)]],
    [[None, _NOTHING]],
)


def _of_sequences(name: str, configs: list[dict[str, Any]]) -> list[Case]:
    """Return what both layers of one head do alike."""
    return [
        *(Case(name, config, _PAIR) for config in configs),
        *(
            Case(name, config, _PAIR, call, masks=hung)
            for config, hung, call in product(configs[:2], _HUNG, ({}, _CAUSAL, {**_SCORES, **_CAUSAL}))
            if hung or call
        ),
        *(Case(name, config, _TRIPLE, _SCORES) for config in configs),
        Case(name, {}, _TRIPLE, masks=[[mask(2, 5), mask(2, 4), mask(2, 4)]], why="the mask of the key is not used"),
        Case(name, {"dropout": 0.5}, _PAIR),
        Case(name, {"dropout": 0.5, "seed": 3}, _PAIR, _SCORES),
        Case(name, {}, _PAIR, {"mask": [mask(2, 5), mask(2, 4)]}, why="masks by keyword"),
        Case(name, {}, [[(2, 5, 7), (2, 4, 3), (2, 4, 7)]], _CAUSAL, why="a value of another size"),
        Case(name, {}, [[(5, 7), (4, 7)]], why="rank 2: no batch"),
        Case(name, {}, [[(2, 3, 5, 7), (2, 3, 4, 7)]]),
        Case(name, {}, [[(2, 3, 5, 7), (2, 3, 4, 7)]], {**_CAUSAL, **_SCORES}),
        Case(name, {}, [[(2, 3, 5, 7), (2, 3, 4, 7)]], _CAUSAL, masks=[[mask(2, 3, 5), mask(2, 3, 4)]]),
        Case(name, {}, [[(2, 1, 3, 5, 7), (2, 1, 3, 4, 7)]]),
        Case(name, {}, [[(0, 5, 7), (0, 4, 7)]], why="empty batch"),
        Case(name, {}, [[(1, 1, 1), (1, 1, 1)]]),
        Case(name, {}, [[(1, 6, 3), (1, 1, 3)]], _SCORES, why="one key"),
        Case(name, {}, [[normal(2, 5, 7, scale=4.0), normal(2, 4, 7, scale=4.0)]], why="large logits"),
        Case(
            name, {}, [[normal(2, 5, 7, scale=30.0), normal(2, 4, 7, scale=30.0)]], _CAUSAL, masks=[[None, mask(2, 4)]]
        ),
        Case(name, {"activity_regularizer": "l2"}, _PAIR, _SCORES, why="scores are activities too"),
        Case(name, {"trainable": False, "name": "mine"}, _PAIR),
        Case(name, {"autocast": False}, _PAIR),
        Case(name, {"dtype": "float64"}, _PAIR),
        Case(name, {}, [(2, 5, 7)], raises=True, why="a tensor is not a list"),
        Case(name, {}, [[(2, 5, 7)]], raises=True),
        Case(name, {}, [[(2, 5, 7)] * 4], raises=True),
        Case(name, {}, [[(2, 5, 7), (2, 4, 6)]], raises=True, why="features differ"),
        Case(name, {}, [[(2, 5, 7), (3, 4, 7)]], raises=True, why="batch sizes differ"),
        Case(name, {}, [[(2, 5, 7), (2, 4, 7), (2, 3, 7)]], raises=True, why="value and key differ in steps"),
        Case(name, {}, _PAIR, {"mask": mask(2, 5)}, raises=True, why="a mask is not a list"),
        Case(name, {}, _PAIR, {"mask": [mask(2, 5)]}, raises=True),
        Case(name, {}, _PAIR, {"mask": [None, mask(2, 5)]}, raises=True),
    ]


_RATE: dict[str, Any] = {"dropout": 0.3, "use_scale": False}
_DRAWS: list[Any] = [[Array((40, 50, 2)), Array((40, 1, 1)), Array((40, 1, 2))]]
_OF_SEQUENCES = [
    *_of_sequences(
        "Attention",
        [
            {},
            {"use_scale": True},
            {"score_mode": "concat"},
            {"use_scale": True, "score_mode": "concat"},
        ],
    ),
    Case("Attention", {"score_mode": "concat"}, _PAIR, _CAUSAL, masks=[[mask(2, 5), mask(2, 4)]]),
    Case("Attention", {"score_mode": "sum"}, _PAIR, raises=True),
    Case(
        "Attention",
        {"use_scale": True},
        [[normal(2, 5, 130, scale=0.3), normal(2, 4, 130, scale=0.3)]],
        why="so many features that it trains step by step",
    ),
    *_of_sequences("AdditiveAttention", [{}, {"use_scale": False}]),
    *(
        Case(name, config, [[(2, 31, 37), (2, 29, 37)]], why="so many sums that another kernel takes them")
        for name, config in (("AdditiveAttention", {}), ("Attention", {"use_scale": True, "score_mode": "concat"}))
    ),
    # One key: its weight is 1, or what dropout makes of it.
    *(
        case
        for name in ("Attention", "AdditiveAttention")
        for case in (
            Case(name, _RATE, _PAIR),
            Case(name, _RATE, _DRAWS, _SCORES, training=True, statistical=True),
        )
    ),
]

CASES = [*_OF_HEADS, *_OF_GROUPS, *_OF_SEQUENCES]
