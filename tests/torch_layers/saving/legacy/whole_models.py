"""Models of several layers, in which the files' order of layers and weights, and the count of calls, matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# Each takes a namespace: torch_layers, or Keras with its layers beside its models.
Builder = Callable[[Any], Any]


def _inner(k: Any, frozen: bool = False) -> Any:
    x = k.Input((4,))
    first, second = k.BatchNormalization(name="first"), k.BatchNormalization(name="second")
    first.trainable = not frozen
    return k.Model(x, k.Dense(4)(second(k.Dense(4)(first(x)))), name="inner")


def shared_layer(k: Any) -> Any:
    """One layer, called three times."""
    a, b, layer = k.Input((4,)), k.Input((4,)), k.Dense(4, activation="relu")
    return k.Model([a, b], [k.Dense(2)(k.Concatenate()([layer(a), layer(b)])), layer(layer(a))])


def names_against_order(k: Any) -> Any:
    """Groups of a file stand in the order of their names, layers do not."""
    x = k.Input((4,))
    y, z = k.Dense(4, name="z")(x), k.Dense(4, name="a")(k.Dense(4, name="m")(x))
    return k.Model(x, [k.Add()([y, z]), k.Dense(1, name="b")(y)])


def model_at_the_end(k: Any) -> Any:
    """A model whose output is the output."""
    x = k.Input((4,))
    return k.Model(x, _inner(k)(k.Dense(4)(x)))


def model_in_the_middle(k: Any) -> Any:
    """A model that feeds another layer, which Keras 2 and 3 count in their own ways."""
    x = k.Input((4,))
    return k.Model(x, k.Dense(2)(_inner(k)(k.Dense(4)(x))))


def model_frozen_in_part(k: Any) -> Any:
    """The weights of a frozen layer come last in the group of the model around it."""
    x = k.Input((4,))
    return k.Model(x, k.Dense(2)(_inner(k, frozen=True)(k.Dense(4)(x))))


def model_called_twice(k: Any) -> Any:
    """Shared, once in the middle and once at the end."""
    x, model = k.Input((4,)), _inner(k)
    y = model(k.Dense(4)(x))
    return k.Model(x, [k.Dense(2)(y), model(y)])


def all_frozen(k: Any) -> Any:
    """A model that is not trained at all."""
    model = model_in_the_middle(k)
    model.trainable = False
    return model


def chain_in_a_model(k: Any) -> Any:
    """A Sequential with an input of its own."""
    x = k.Input((4,))
    chain = k.Sequential([k.Input((4,)), k.Dense(3), k.BatchNormalization()], name="chain")
    return k.Model(x, [k.Dense(2)(chain(x)), chain(x)])


def chain_of_indices_in_a_model(k: Any) -> Any:
    """Keras 2 knows the shape of an Embedding's input by itself."""
    x = k.Input((5,), dtype="int32")
    chain = k.Sequential([k.Embedding(9, 4), k.LSTM(3)], name="chain")
    return k.Model(x, k.Dense(2)(chain(x)))


def chains_in_chains(k: Any) -> Any:
    """Three deep."""
    deep = k.Sequential([k.Dense(5), k.BatchNormalization()], name="deep")
    return k.Sequential([k.Input((4,)), k.Sequential([deep, k.Dense(3)], name="outer"), k.Dense(2)])


def model_first_in_a_chain(k: Any) -> Any:
    """Which takes its input from it."""
    return k.Sequential([_inner(k), k.Dense(2)])


def model_for_each_step(k: Any) -> Any:
    """A model inside a wrapper."""
    return k.Sequential([k.Input((6, 4)), k.TimeDistributed(_inner(k)), k.Dense(2)])


def both_ways(k: Any) -> Any:
    """Masks, and layers that two others make up."""
    layers = [k.Bidirectional(k.GRU(3, return_sequences=True)), k.Bidirectional(k.LSTM(3), merge_mode="sum")]
    return k.Sequential([k.Input((6, 4)), k.Masking(), *layers])


def cells(k: Any) -> Any:
    """Weights two levels down."""
    return k.Sequential([k.Input((6, 4)), k.RNN([k.LSTMCell(3), k.LSTMCell(4)]), k.Dense(2)])


def convolutions(k: Any) -> Any:
    """Objects among the arguments."""
    layers = [k.Conv2D(4, 3, padding="same", kernel_regularizer="l2", kernel_constraint="max_norm"), k.ReLU(6.0)]
    layers += [k.SeparableConv2D(3, 3, activation="gelu"), k.Flatten(), k.Dense(2)]
    return k.Sequential([k.Input((8, 8, 3)), *layers])


def named_inputs(k: Any) -> Any:
    """Inputs and outputs in dicts."""
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    return k.Model({"a": a, "b": b}, {"x": k.Dense(2)(a), "y": k.Add()([a, b])})


def built_by_a_call(k: Any) -> Any:
    """A chain that nobody told the shape of its input."""
    model = k.Sequential([k.Dense(3), k.Dense(2)])
    model(np.zeros((1, 4), "float32"))
    return model


SHARED: list[Builder] = [
    *(shared_layer, names_against_order, model_at_the_end, model_in_the_middle, model_frozen_in_part),
    *(model_called_twice, all_frozen, chain_in_a_model, chain_of_indices_in_a_model, chains_in_chains),
    *(model_first_in_a_chain, model_for_each_step, both_ways, cells, convolutions, named_inputs, built_by_a_call),
]


def heads(k: Any) -> Any:
    """A layer that is called with two tensors."""
    x = k.Input((5, 4))
    return k.Model(x, k.MultiHeadAttention(2, 3)(x, x))


def first_state(k: Any) -> Any:
    """A tensor that is passed by name."""
    x, h = k.Input((5, 4)), k.Input((3,))
    return k.Model([x, h], k.GRU(3)(x, initial_state=h))


def operators(k: Any) -> Any:
    """Calls of functions."""
    x = k.Input((4,))
    return k.Model(x, k.Dense(3)(x) * 2 + 1)


def grouped_queries(k: Any) -> Any:
    """A layer that only Keras 3 has."""
    x = k.Input((5, 4))
    return k.Model(x, k.GroupQueryAttention(3, 4, 2)(x, x))


def other_hard_sigmoid(k: Any) -> Any:
    """A function that Keras 2 computes otherwise."""
    return k.Sequential([k.Input((4,)), k.Dense(3, activation="hard_sigmoid")])


def masked_sum(k: Any) -> Any:
    """Inputs with masks, which Keras 2 merges in another way."""
    x = k.Input((5,), dtype="int32")
    return k.Model(x, k.GRU(3)(k.Add()([k.Embedding(9, 4, mask_zero=True)(x), k.Embedding(9, 4)(x)])))


KERAS_3_ALONE: list[Builder] = [heads, first_state, operators, grouped_queries, other_hard_sigmoid, masked_sum]


def randomized(model: Any) -> Any:
    """Give each weight values of its own, as those that layers begin with hide which is which."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def inputs(model: Any) -> Any:
    """Return random inputs in the structure of a torch model's."""
    rng = np.random.default_rng(1)
    shapes = [[2 if size is None else size for size in symbol.shape] for symbol in model.inputs]
    indices = ["int" in str(symbol.dtype) for symbol in model.inputs]
    arrays = [
        rng.integers(0, 9, shape).astype("int32") if index else rng.normal(size=shape).astype("float32")
        for shape, index in zip(shapes, indices, strict=True)
    ]
    if isinstance(model.input, dict):
        return dict(zip(model.input_names, arrays, strict=True))
    return arrays if len(arrays) > 1 else arrays[0]


def outputs(model: Any, x: Any) -> list[Any]:
    """Return a model's outputs as arrays."""
    y = model(x)
    leaves = list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, (list, tuple)) else [y]
    return [np.asarray(leaf) for leaf in leaves]


def close(ours: list[Any], theirs: list[Any]) -> None:
    """Raise AssertionError unless outputs in float32 are equal up to its rounding."""
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
