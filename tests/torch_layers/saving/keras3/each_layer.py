"""A model around each registered layer, with random weights: those that layers begin with hide which is which."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

import torch_layers as tl
from parity import draw
from parity.case import Case
from tests.torch_layers.test_contract import LAYERS, SIDE, example

# A Lambda's function is code, which no file carries; Wrapper and the models are bases.
NAMES = sorted(set(LAYERS) - {"Layer", "Model", "Sequential", "Functional", "Wrapper", "InputLayer", "Lambda"})

# Keras's symbolic call of this layer wants the same size of query and value.
CASES = {
    "GroupQueryAttention": Case(
        "GroupQueryAttention",
        {"head_dim": 5, "num_query_heads": 6, "num_key_value_heads": 2, "use_gate": True},
        inputs=[(2, 5, 7), (2, 4, 7)],
    )
}


def around(name: str) -> tuple[Any, Any]:
    """Return a functional model of one layer, in eval mode, and inputs for it."""
    case = CASES.get(name) or example(name)
    layer = SIDE.make(case, case, "float32")
    (args, _), _ = SIDE._inputs([draw.inputs(case, "float32"), {}])
    args = pytree.tree_map(lambda x: x.detach() if _is(x) else x, args)
    layer.name, layer.has_own_name = "layer", True
    symbols = pytree.tree_map(lambda x: tl.Input(batch_shape=x.shape, dtype=str(x.dtype)[6:]) if _is(x) else x, args)
    model = tl.Model([s for s in pytree.tree_leaves(symbols) if not _is_plain(s)], layer(*symbols)).eval()
    randomize(model)
    return model, [x for x in pytree.tree_leaves(args) if _is(x)]


def randomize(model: Any) -> None:
    """Give each weight values of its own: positive ones, as variances are."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 1, w.shape).astype(w.dtype) for w in model.get_weights()])


def same_state(a: Any, b: Any) -> None:
    """Raise AssertionError unless two models have the same entries of state_dict, bit for bit."""
    one, other = a.state_dict(), b.state_dict()
    assert list(one) == list(other)
    for name, value in one.items():
        assert value.dtype == other[name].dtype
        assert torch.equal(value, other[name]), name


def same(a: Any, b: Any, atol: float = 0) -> None:
    """Raise AssertionError unless two structures of tensors or arrays are equal."""
    for x, y in zip(pytree.tree_leaves(a), pytree.tree_leaves(b), strict=True):
        torch.testing.assert_close(torch.as_tensor(np.asarray(x)), torch.as_tensor(np.asarray(y)), rtol=0, atol=atol)


def _is(x: Any) -> bool:
    return isinstance(x, Tensor)


def _is_plain(x: Any) -> bool:
    return x is None or isinstance(x, (bool, int, float, str))
