"""Configs that want something run, imported or read: pickled and marshalled code, names of functions, paths."""

from __future__ import annotations

import base64
import copy
import marshal
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import (
    METADATA,
    Config,
    archive,
    as_json,
    called,
    functional,
    h5,
    input_layer,
    keras_file,
    layer,
    node,
    old_file,
    sequential,
    tensor,
)

# (module, class_name, registered_name): what a loader that imports names would find.
NAMES = [
    ("os", "system", None),
    ("posix", "system", "system"),
    ("subprocess", "Popen", None),
    ("subprocess", "run", "run"),
    ("builtins", "eval", None),
    ("builtins", "exec", "exec"),
    ("builtins", "open", None),
    ("builtins", "__import__", None),
    ("importlib", "import_module", None),
    ("pickle", "loads", None),
    ("shutil", "rmtree", None),
    ("ctypes", "CDLL", None),
    ("socket", "create_connection", None),
    ("code", "InteractiveConsole", None),
    ("numpy", "load", None),
    ("numpy", "fromfile", None),
    ("numpy.lib.npyio", "NpzFile", None),
    ("torch", "load", None),
    ("torch.hub", "load", None),
    ("torch.utils.data", "DataLoader", None),
    ("torch.jit", "load", None),
    ("keras.utils", "get_file", "get_file"),
    ("keras.models", "load_model", None),
    ("keras.src.saving.saving_lib", "load_model", None),
    ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", None),
    ("keras.config", "enable_unsafe_deserialization", None),
    ("keras.src.utils.module_utils", "LazyModule", None),
    ("keras.ops", "shape", None),
    ("keras.layers", "TFSMLayer", None),
    ("keras.layers", "TorchModuleWrapper", None),
    ("keras.layers", "JaxLayer", None),
    ("keras.layers", "FlaxLayer", None),
    ("keras.src.export.tfsm_layer", "TFSMLayer", "TFSMLayer"),
    ("torch_layers", "load_model", None),
    ("torch_layers", "from_keras", None),
    ("torch_layers.registry", "Registry", None),
    ("torch_layers.serialization", "deserialize", None),
    ("torch_layers.saving.load", "load_model", "load_model"),
    ("torch_layers.layers", "Dense", None),
    ("trap", "Trap", None),
    ("trap", "function", "trap>function"),
    (None, "trap", "trap"),
    ("keras.layers", "../trap", None),
    ("keras.layers", "__class__", None),
    ("keras.layers", "Dense.__init__.__globals__", None),
    ("keras.src.ops.numpy", "__globals__", "__globals__"),
    ("keras.src.ops.nn", "system", None),
    ("keras.layers (functions)", "add", None),
    ("keras.layers", "my_package>Dense", "my_package>Dense"),
    ("my_package", "Dense", "my_package>Dense"),
]
# Places of a Dense that hold the name or the config of an object.
ARGUMENTS = (
    "activation",
    "kernel_initializer",
    "kernel_regularizer",
    "bias_constraint",
    "dtype",
    "quantization_config",
)


class Exploit:
    """Unpickled, it makes a file."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.target}",)


def marshalled(target: str) -> str:
    """Code that makes a file, as Keras writes a Lambda's."""
    namespace: dict[str, Any] = {}
    source = f"def function(x):\n    open({target!r}, 'w').close()\n    return x\n"
    exec(compile(source, "lambda", "exec"), namespace)
    return base64.b64encode(marshal.dumps(namespace["function"].__code__)).decode()


def files(traps: Path) -> Iterator[Hostile]:
    """Yield configs with code, with names of functions and with paths."""
    target = str(traps / "executed")
    yield from _lambdas(target)
    yield from _names(target)
    yield from _paths(traps)
    yield from _injections(target)
    yield Hostile("pickle.keras", pickle.dumps(Exploit(target)), "a pickle under a Keras name")
    yield Hostile("pickle.h5", pickle.dumps(Exploit(target), 0), "a pickle of protocol 0 under a Keras name")


def _lambdas(target: str) -> Iterator[Hostile]:
    code = marshalled(target)
    described = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    lambdas = {
        "3": layer("Lambda", "l", function=described),
        "3-mask": layer("Lambda", "l", function="relu", mask=described),
        "3-shape": layer("Lambda", "l", function="relu", output_shape=described),
        "3-argument": layer("Lambda", "l", function="relu", arguments={"x": described}),
        "2": layer("Lambda", "l", function=[code, None, None], function_type="lambda", module="trap"),
        "2-shape": layer("Lambda", "l", function="relu", output_shape=[code, None, None], output_shape_type="lambda"),
        "function": layer("Lambda", "l", function="system", function_type="function", module="os"),
        "dense": layer("Dense", "l", units=3, activation=described),
        "initializer": layer("Dense", "l", units=3, kernel_initializer=described),
    }
    for name, entry in lambdas.items():
        inner = sequential(entry)
        wrapper = layer("TimeDistributed", layer=copy.deepcopy(entry))
        nested = functional(
            [input_layer([None, 3]), called(inner, "n", node(tensor("i")))], [["i", 0, 0]], [["n", 1, 0]]
        )
        yield Hostile(f"lambda-{name}.keras", keras_file(inner), "marshalled code in a Sequential")
        yield Hostile(
            f"lambda-{name}-wrapped.keras", keras_file(sequential(wrapper, shape=(None, 2, 3))), "in a wrapper"
        )
        yield Hostile(f"lambda-{name}-nested.keras", keras_file(nested), "marshalled code in a nested model")
        old = {"class_name": "Sequential", "config": [{"class_name": entry["class_name"], "config": entry["config"]}]}
        yield Hostile(f"lambda-{name}.h5", old_file(old), "marshalled code in a legacy file")


def _names(target: str) -> Iterator[Hostile]:
    for module, class_name, registered in NAMES:
        name = f"{module}.{class_name}".replace("/", "_")
        for config in ({"name": f"touch {target}"}, {"command": f"touch {target}", "name": "x"}):
            entry = {"module": module, "class_name": class_name, "config": config, "registered_name": registered}
            kind = "name" if "command" not in config else "command"
            yield Hostile(f"{kind}-{name}.keras", keras_file(entry), f"the model is {name}")
            yield Hostile(f"{kind}-layer-{name}.keras", keras_file(sequential(entry)), f"a layer is {name}")
        function = {
            "module": module,
            "class_name": "function",
            "config": class_name,
            "registered_name": registered or class_name,
        }
        for argument in ARGUMENTS:
            dense = layer("Dense", "d", units=3, **{argument: function})
            yield Hostile(f"function-{argument}-{name}.keras", keras_file(sequential(dense)), f"{argument} is {name}")
        yield Hostile(f"operation-{name}.keras", keras_file(_graph(called(entry, "x", node(tensor("i"))))), name)
        as_class = layer("Dense", "d", units=3, kernel_initializer={**function, "class_name": class_name, "config": {}})
        yield Hostile(f"initializer-{name}.keras", keras_file(sequential(as_class)), f"an initializer is {name}")
        old = {"class_name": class_name, "config": {"name": f"touch {target}", "layers": []}}
        yield Hostile(f"name-{name}.h5", old_file(old), f"the model is {name}, in a legacy file")
    for kind in ("layers", "activations", "initializers", "regularizers", "constraints", "losses"):
        # A class in the place of a function stays one for all models that come after.
        described = {"module": f"keras.{kind}", "class_name": "function", "config": "Dense", "registered_name": "Dense"}
        yield Hostile(f"class-{kind}.keras", keras_file(sequential(described)), "a class that is called a function")
        yield Hostile(
            f"class-{kind}-graph.keras", keras_file(_graph(called({**described, "config": {}}, "x"))), "the same"
        )


def _graph(entry: Config) -> Config:
    return functional([input_layer([None, 3]), entry], [["i", 0, 0]], [["x", 0, 0]])


def _paths(traps: Path) -> Iterator[Hostile]:
    secret, url = str(traps / "secret.txt"), f"file://{traps}/secret.txt"
    for path in (secret, url, "/dev/zero", str(traps / "fifo"), "../secret.txt"):
        name = path.rsplit("/", 1)[-1]
        lookups = [layer("StringLookup", "l", vocabulary=path), layer("TextVectorization", "l", vocabulary=path)]
        lookups += [layer("IntegerLookup", "l", vocabulary=path), layer("TFSMLayer", "l", filepath=path)]
        for entry in lookups:
            model = sequential(entry, shape=(None, 1))
            attack = f"a vocabulary or model at {path}"
            yield Hostile(f"path-{entry['class_name']}-{len(path)}-{name}.keras", keras_file(model), attack)
    compiled = {
        "optimizer": {"module": "trap", "class_name": "Trap", "config": {}, "registered_name": "trap>Trap"},
        "loss": {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        "metrics": [{"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"}],
    }
    model = {**sequential(layer("Dense", units=4)), "compile_config": compiled}
    weights = {"layers/dense/vars/0": [[0.0] * 4] * 3, "layers/dense/vars/1": [0.0] * 4}
    yield Hostile("compile.keras", keras_file(model, weights), "a compile config that names functions")
    lookup = sequential(layer("StringLookup", "lookup"), shape=(None, 1))
    members = {"metadata.json": as_json(METADATA), "config.json": as_json(lookup), "model.weights.h5": h5({})}
    members["assets/layers/string_lookup/vocabulary.txt"] = b"a\nb\n"
    yield Hostile("assets.keras", archive(members), "a vocabulary among the assets")


def _injections(target: str) -> Iterator[Hostile]:
    """Names that would be code if they were put into code as they are: a model's graph becomes Python source."""
    texts = [
        f"x = __import__('os').system('touch {target}')",
        f"x):\n    __import__('os').system('touch {target}')\n    return (x",
        f"x'); __import__('os').system('touch {target}'); ('",
        f'x", __import__("os").system("touch {target}"), "',
        "x\nimport trap\n",
        "x.__class__.__base__",
        "__class__",
        "forward",
        "_modules",
        "self",
        "a²",
        "ﬁ",
        "\ud800",
        "x\0y",
        "",
        "lambda",
        "../../x",
    ]
    for index, text in enumerate(texts):
        dense = layer("Dense", text, units=4)
        weights = {"layers/dense/vars/0": [[0.0] * 4] * 3, "layers/dense/vars/1": [0.0] * 4}
        yield Hostile(f"inject-{index}-layer.keras", keras_file(sequential(dense), weights), f"a layer named {text!r}")
        yield Hostile(
            f"inject-{index}-model.keras", keras_file(sequential(dense, name=text), weights), "a model's name"
        )
        model = functional(
            [input_layer([None, 3], text or "i"), called(dense, "d", node(tensor(text or "i")))],
            [[text or "i", 0, 0]],
            [["d", 0, 0]],
            text,
        )
        yield Hostile(f"inject-{index}-input.keras", keras_file(model, weights), f"an input named {text!r}")
        for operation in ("Mean", "Relu", "Add", "OnesLike", "Einsum", "Cast", "GetItem", "Reshape", "Norm", "Pad"):
            entry = {"module": "keras.src.ops.numpy", "class_name": operation, "registered_name": operation}
            for where in ("config", "kwargs", "value"):
                config = {text: 1} if where == "config" else {"axis": text} if where == "value" else {}
                call = node(tensor("i"), **({text: 1} if where == "kwargs" else {}))
                graph = _graph(called({**entry, "config": config}, "x", call))
                attack = f"{text!r} as {where} of an operation"
                yield Hostile(f"inject-{index}-{operation}-{where}.keras", keras_file(graph), attack)
        for kind in ("Dense", "Activation", "LSTM", "Functional"):
            inner = {"Dense": {"units": 3}, "Activation": {"activation": "relu"}, "LSTM": {"units": 2}}.get(kind)
            entry = sequential(layer("Dense", units=3)) if inner is None else layer(kind, **inner)
            graph = _graph(called(entry, "x", node(tensor("i"), **{text: tensor("i")})))
            yield Hostile(
                f"inject-{index}-{kind}-kwargs.keras", keras_file(graph), f"{text!r} as an argument of a call"
            )
            called_only = {"args": [], "kwargs": {text: tensor("i")}}
            yield Hostile(
                f"inject-{index}-{kind}-only.keras", keras_file(_graph(called(entry, "x", called_only))), "alone"
            )
