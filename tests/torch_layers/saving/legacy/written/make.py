"""Write the files of this folder, with Keras 1.0 to 2.3 themselves, on a TensorFlow that is made to look as old.

Each needs its sources, TensorFlow 2 and tf-keras (2.21 it was), and keras_applications and keras_preprocessing from Keras
2.2 on:

    pip download --no-deps --no-binary :all: --no-build-isolation keras==1.2.2
    tar xzf Keras-1.2.2.tar.gz
    python make.py Keras-1.2.2 keras-1.2.2

Keras 2.3 only writes models of layers without weights this way.
"""

from __future__ import annotations

import collections
import inspect
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
RNG = np.random.RandomState(0)
# TensorFlow 2, which some parts of TensorFlow 1 still ask.
KEPT: list[Any] = []


def _module(name: str, **members: Any) -> None:
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


def old_python() -> None:
    """Bring back what Python and its packages had in 2016."""
    specs = collections.namedtuple("specs", "args varargs keywords defaults")

    def getargspec(function: Any) -> Any:
        found = inspect.getfullargspec(function)
        return specs(found.args, found.varargs, found.varkw, found.defaults)

    inspect.getargspec = getargspec  # type: ignore[attr-defined]
    for name in ("Iterable", "Mapping", "Sequence", "Callable"):
        setattr(collections, name, getattr(collections.abc, name))
    _module("yaml")
    _module("pkg_resources", parse_version=lambda text: tuple(int(n) for n in text.split(".")[:2]))


def old_tensorflow() -> None:
    """Let `import tensorflow` find TensorFlow 1, with the names that Keras 1 calls."""
    import tensorflow.compat.v1 as tf
    from tensorflow.python.framework import ops
    from tensorflow.python.ops import control_flow_ops

    tf.disable_v2_behavior()
    KEPT.append(sys.modules["tensorflow"])
    sys.modules["tensorflow"] = tf
    concat, reverse, split = tf.concat, tf.reverse, tf.split

    def either_concat(values: Any = None, axis: Any = None, name: str = "concat", concat_dim: Any = None) -> Any:
        if isinstance(values, int):  # the axis came first once
            values, axis = axis, values
        return concat(values, axis if concat_dim is None else concat_dim)

    def either_reverse(x: Any, axis: Any = None, dims: Any = None) -> Any:
        axes = dims if axis is None else axis
        if isinstance(axes, (list, tuple)) and axes and isinstance(axes[0], bool):
            axes = [place for place, turned in enumerate(axes) if turned]
        return reverse(x, axes)

    def either_split(first: Any = None, number: Any = None, last: Any = 0, **named: Any) -> Any:
        if "split_dim" in named:
            return split(named["value"], named["num_split"], named["split_dim"])
        if named:
            return split(**named)
        return split(last, number, first) if isinstance(first, int) else split(first, number, last)

    tf.concat, tf.reverse, tf.split = either_concat, either_reverse, either_split
    tf.batch_matmul = lambda x, y, adj_x=False, adj_y=False: tf.matmul(
        x, y, adjoint_a=bool(adj_x), adjoint_b=bool(adj_y)
    )
    tf.select, tf.pack, tf.unpack, tf.mul, tf.sub, tf.neg = (
        *(tf.where, tf.stack, tf.unstack),
        *(tf.multiply, tf.subtract, tf.negative),
    )
    tf.initialize_variables = tf.variables_initializer
    tf.python = types.SimpleNamespace(control_flow_ops=control_flow_ops)
    control_flow_ops.while_loop, control_flow_ops.cond = tf.while_loop, tf.cond
    ops._TensorLike = (tf.Tensor,)
    ops.is_dense_tensor_like = lambda x: isinstance(x, (tf.Tensor, tf.Variable))


def fill(layer: Any) -> None:
    """Give a layer's weights random values: signed, but for variances."""
    if hasattr(layer, "layers"):
        for inner in getattr(layer, "flattened_layers", None) or layer.layers:
            fill(inner)
    elif layer.weights:
        arrays = []
        for variable, array in zip(layer.weights, layer.get_weights(), strict=True):
            is_variance = "variance" in variable.name or "running_std" in variable.name
            sign = 1 if is_variance else RNG.choice([-0.7, 0.7], size=array.shape)
            arrays.append(RNG.uniform(0.2, 1, size=array.shape) * sign)
        layer.set_weights(arrays)


def write(make: Callable[[Any], tuple[Any, Any]], keras: Any, folder: Path) -> None:
    """Save a model, and what it computes of inputs."""
    keras.backend.clear_session()
    model, inputs = make(keras)
    inputs = inputs if isinstance(inputs, list) else [inputs]
    fill(model)
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    model.save(str(folder / f"{make.__name__}.h5"))
    arrays = {f"input_{n}": np.asarray(x, "int32" if x.dtype.kind == "i" else "float32") for n, x in enumerate(inputs)}
    np.savez_compressed(folder / make.__name__, **arrays, **{f"output_{n}": y for n, y in enumerate(outputs)})


def main(sources: str, version: str) -> None:
    """Write the models of one version."""
    sys.path[:0] = [sources, str(FOLDER)]
    os.environ.update(KERAS_BACKEND="tensorflow", TF_USE_LEGACY_KERAS="1")
    old_python()
    old_tensorflow()
    import keras
    from models import MODELS

    folder = FOLDER / version
    folder.mkdir(exist_ok=True)
    for make in MODELS[version]:
        write(make, keras, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
