"""Cases of whole models: Sequential as data, functional graphs as functions that build them of either side's layers.

A builder gets a namespace `k` of layers, `Input`, `Model` and `Sequential`, and the dtype policy of the run.
"""

from typing import Any

from parity.case import Case, Object, integers


def layer(class_name: str, /, **config: Any) -> Object:
    return Object("layer", class_name, config)


def shared_layer(k: Any, dtype: str) -> Any:
    """One Dense, called on two inputs and on their sum: its gradient is the sum of three."""
    a, b = k.Input((5,), dtype=k.input_dtype(dtype)), k.Input((5,), dtype=k.input_dtype(dtype))
    dense = k.Dense(3, activation="tanh", dtype=dtype)
    both = k.Add(dtype=dtype)([a, b])
    return k.Model([a, b], k.Concatenate(dtype=dtype)([dense(a), dense(b), dense(both)]))


def several_outputs(k: Any, dtype: str) -> Any:
    """Outputs in a dict, one of them used by the other."""
    x = k.Input((4,), dtype=k.input_dtype(dtype))
    hidden = k.Dense(6, activation="relu", dtype=dtype)(x)
    return k.Model(x, {"b": k.Softmax(dtype=dtype)(hidden), "a": k.Dense(2, dtype=dtype)(hidden)})


def nested_models(k: Any, dtype: str) -> Any:
    """A model that is a layer of another, called twice."""
    inner_in = k.Input((3,), dtype=k.input_dtype(dtype))
    inner = k.Model(inner_in, k.Dense(3, activation="sigmoid", dtype=dtype)(inner_in))
    x = k.Input((3,), dtype=k.input_dtype(dtype))
    return k.Model(x, k.Dense(2, dtype=dtype)(inner(inner(x))))


def sequential_in_functional(k: Any, dtype: str) -> Any:
    """A Sequential that is a layer."""
    x = k.Input((4, 3), dtype=k.input_dtype(dtype))
    inner = k.Sequential([k.Dense(5, dtype=dtype), k.LeakyReLU(dtype=dtype), k.Flatten(dtype=dtype)])
    return k.Model(x, k.Dense(2, dtype=dtype)(inner(x)))


def residual(k: Any, dtype: str) -> Any:
    """Operators on symbols, between layers."""
    x = k.Input((4,), dtype=k.input_dtype(dtype))
    return k.Model(x, x + 2 * k.Dense(4, dtype=dtype)(x) - 1)


def penalties_of_a_shared_layer(k: Any, dtype: str) -> Any:
    """Each call of a layer pays for its activity; its weights pay once."""
    x = k.Input((4,), dtype=k.input_dtype(dtype))
    dense = k.Dense(4, kernel_regularizer="l2", activity_regularizer="l1", dtype=dtype)
    return k.Model(x, dense(dense(x)))


def masks_through_layers(k: Any, dtype: str) -> Any:
    """Masking's mask passes Dense and ReLU, and two masks meet in Multiply, whose result depends on them."""
    x = k.Input((5, 3), dtype=k.input_dtype(dtype))
    masked = k.Masking(dtype=dtype)(x)
    left, right = k.Dense(5, dtype=dtype)(masked), k.ReLU(dtype=dtype)(k.Dense(5, dtype=dtype)(masked))
    return k.Model(x, k.Multiply(dtype=dtype)([left, right]))


def masks_of_tokens(k: Any, dtype: str) -> Any:
    """The mask of padding tokens reaches Maximum, whose result depends on it, and leaves the model."""
    tokens = k.Input((6,), dtype="int32")
    embedded = k.Embedding(9, 4, mask_zero=True, dtype=dtype)(tokens)
    other = k.Embedding(9, 4, mask_zero=True, dtype=dtype)(tokens)
    return k.Model(tokens, k.Maximum(dtype=dtype)([embedded, k.Dense(4, dtype=dtype)(other)]))


def model(build: Any, inputs: list[Any], why: str = "") -> Case:
    return Case(build.__name__, {"build": build}, inputs, kind="model", why=why or build.__doc__)


def sequential(layers: list[Object], inputs: list[Any], **fields: Any) -> Case:
    return Case("Sequential", {"layers": layers}, inputs, kind="model", **fields)


DENSE = layer("Dense", units=3)

CASES = [
    sequential([layer("InputLayer", shape=(5,)), layer("Dense", units=4, activation="relu"), DENSE], [(2, 5)]),
    sequential([layer("Dense", units=4), layer("ReLU", negative_slope=0.5), DENSE], [(2, 7, 5)], why="no input shape"),
    sequential([layer("InputLayer", batch_shape=(2, 5)), DENSE], [(2, 5)]),
    sequential([layer("InputLayer", shape=(5,), batch_size=2, name="here"), DENSE], [(2, 5)]),
    sequential([layer("InputLayer", shape=(None, 5), sparse=False, ragged=False, optional=False), DENSE], [(2, 3, 5)]),
    sequential([layer("InputLayer", shape=(5,), optional=True, input_tensor=None), DENSE], [(2, 5)]),
    sequential(
        [layer("InputLayer", shape=(4,), dtype="int32"), layer("Embedding", input_dim=7, output_dim=3), DENSE],
        [integers(2, 4, high=7)],
    ),
    sequential(
        [layer("Flatten"), DENSE, layer("Reshape", target_shape=(3, 1)), layer("Permute", dims=(2, 1))], [(2, 4, 5)]
    ),
    sequential([layer("InputLayer", shape=(5,)), DENSE], [(0, 5)], why="an empty batch"),
    model(shared_layer, [[(4, 5), (4, 5)]]),
    model(several_outputs, [(3, 4)]),
    model(nested_models, [(2, 3)]),
    model(sequential_in_functional, [(2, 4, 3)]),
    model(residual, [(3, 4)]),
    model(penalties_of_a_shared_layer, [(3, 4)]),
    model(masks_through_layers, [(2, 5, 3)]),
    model(masks_of_tokens, [integers(3, 6, high=9)]),
]
