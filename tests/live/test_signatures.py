"""What torch_layers says of itself is what Keras says: signatures, names, configs, weights. Values: `parity run`."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

import torch_layers
from parity import draw
from parity.case import Case, Object
from parity.cases import all_cases
from parity.coverage import ABSTRACT
from parity.sides.torch_layers import TorchLayers
from torch_layers.registry import Registry

pytestmark = pytest.mark.keras

OURS = TorchLayers()
# Keras 2's arguments, which the base of our layers takes and Keras 3's does not name.
KERAS_2 = {"input_shape", "input_dim", "batch_input_shape", "weights"}
# Have no cases of their own: bases, and models, which have a test module of their own.
MODELS = {"Model", "Functional", "Sequential"}
NO_CASES = ABSTRACT | MODELS
# What Keras takes through `**kwargs`, beside the arguments that it names.
UNNAMED = {"InputLayer": {"input_shape", "batch_input_shape"}}
# What bases of Keras's layers take, which its public classes set by themselves.
OF_BASES = {"rank", "pool_dimensions", "pool_mode", "trainable", "name"}
KIND = {
    "keras.constraints": "constraint",
    "keras.initializers": "initializer",
    "keras.layers": "layer",
    "keras.losses": "loss",
    "keras.regularizers": "regularizer",
}

# The layers of Keras's own applications are in no public namespace: `parity applications` compares them. What files of
# Keras 1 and 2 alone hold is in no Keras of today: `tests/torch_layers/saving/legacy` compares it.
PUBLIC = [
    (m, name)
    for m, names in Registry.by_module.items()
    for name in names.unique()
    if name not in MODELS and m.startswith("keras") and not m.startswith("keras.src.applications")
]
CLASSES = [
    (module, name)
    for module, name in PUBLIC
    if name not in NO_CASES and inspect.isclass(Registry.by_module[module].find(name))
]
LAYERS = [name for module, name in CLASSES if module == "keras.layers"]

every_class = pytest.mark.parametrize("module, name", CLASSES)
every_layer = pytest.mark.parametrize("name", LAYERS)


def of_keras(keras: Any, module: str) -> Any:
    """Return Keras's namespace for one of our registries."""
    return getattr(keras, module.split()[0].removeprefix("keras."))


# --- signatures ----------------------------------------------------------------------------------------------------


def arguments(thing: Any, base: type | None = None) -> list[tuple[str, str, Any]]:
    """List (name, kind, default) of what a function takes, or a class's constructor: `**kwargs` leads on to its bases.

    What `base` takes, which all layers share, is left out.
    """
    found: dict[str, inspect.Parameter] = {}
    for cls in thing.__mro__ if inspect.isclass(thing) else [thing]:
        if cls in (base, object):
            break
        if inspect.isclass(cls) and "__init__" not in vars(cls):
            continue
        own = inspect.signature(cls.__init__ if inspect.isclass(cls) else cls).parameters.values()
        found |= {p.name: p for p in own if p.name not in found and p.name != "self"}
        if not any(p.kind is p.VAR_KEYWORD for p in own):
            break
    named = (p for p in found.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
    return [(p.name, p.kind.name, default(p.default)) for p in named]


def default(value: Any) -> Any:
    """Return a default value; equal numbers for all axes, such as strides=(1, 1), as the one number that stands for them."""
    while isinstance(value, tuple) and value and all(item == value[0] for item in value):
        value = value[0]
    return value


@pytest.mark.parametrize("module, name", [row for row in PUBLIC if row[1] != "Layer"])
def test_signature_is_keras_s(keras, module, name):
    ours, theirs = Registry.by_module[module].find(name), getattr(of_keras(keras, module), name)
    named = [row for row in arguments(ours, torch_layers.Layer) if row[0] not in UNNAMED.get(name, ())]
    known = {row[0] for row in named}
    assert named == [row for row in arguments(theirs, keras.layers.Layer) if row[0] in known or row[0] not in OF_BASES]


def test_the_base_of_layers_takes_keras_2_s_arguments_beside_keras_3_s(keras):
    ours, theirs = arguments(torch_layers.Layer), arguments(keras.layers.Layer)
    assert [argument for argument in ours if argument[0] not in KERAS_2] == theirs
    assert {name for name, *_ in ours} == KERAS_2 | {name for name, *_ in theirs}


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["activations", "constraints", "initializers", "losses", "regularizers"])
def test_every_name_of_keras_s_namespace_is_ours(keras, module):
    theirs, ours = getattr(keras, module), getattr(torch_layers, module)
    for name, thing in vars(theirs).items():
        if name.startswith("_") or inspect.ismodule(thing):
            continue
        assert hasattr(ours, name), f"torch_layers.{module} has no {name}"
        # An alias is the same object as the name it stands for.
        assert getattr(ours, name) is getattr(ours, thing.__name__)


def test_every_alias_of_a_layer_is_ours(keras):
    for name, thing in vars(keras.layers).items():
        if getattr(thing, "__name__", None) in torch_layers.layers.__all__:
            assert getattr(torch_layers.layers, name) is getattr(torch_layers.layers, thing.__name__)


@pytest.mark.parametrize("module", ["activations", "constraints", "initializers", "losses", "regularizers"])
def test_every_string_that_keras_s_get_knows_is_known(keras, module):
    known = importlib.import_module(f"keras.src.{module}").ALL_OBJECTS_DICT
    ours, namespace = getattr(torch_layers, module), getattr(keras, module)
    for text, theirs in known.items():
        if text is None or theirs.__name__ in NO_CASES or not hasattr(namespace, theirs.__name__):
            continue
        found = ours.get(text)
        assert (found if inspect.isfunction(found) else type(found)).__name__ == theirs.__name__


# --- configs and weights -------------------------------------------------------------------------------------------


@cache
def examples(module: str, name: str) -> list[Case]:
    """Return cases of a class that both sides accept: together they have every value of every argument.

    What has only refusals, or is called only inside others (InputLayer), is made, not called: `raises` says so.
    """
    kind = KIND[module]
    cases = [c for c in all_cases() if c.kind == kind and c.name == name and c.dtype == "float32"]
    cases = cases or [
        Case(name, part.config, raises=True) for part in _parts() if (part.kind, part.name) == (kind, name)
    ]
    assert cases, f"{name} has no case: add one to parity/cases"
    accepted = [(case, set(_said(case.config))) for case in [c for c in cases if not c.raises] or cases[:1]]
    chosen, left = [], set().union(*(said for _, said in accepted))
    while left or not chosen:
        case, said = max(accepted, key=lambda pair: len(pair[1] & left))
        chosen.append(_with_name(case))
        left -= said
    return chosen


def _said(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield where a config has which values: of layers inside it their classes, and what theirs say."""
    if isinstance(value, Object):
        yield path, value.name
        value = value.config
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _said(inner, f"{path}.{key}")
    elif isinstance(value, list) and any(isinstance(item, Object) for item in value):
        for item in value:
            yield from _said(item, path)
    else:
        yield path, repr(value)


@cache
def _parts() -> list[Object]:
    """List the objects inside the configs of all cases, such as the layers of a model."""
    found = (value if isinstance(value, (list, tuple)) else [value] for c in all_cases() for value in c.config.values())
    return [part for values in found for part in values if isinstance(part, Object)]


def _with_name(thing: Any, name: str = "mine") -> Any:
    """Name a layer, and the layers in its config: both sides would make up names, and number them."""
    if isinstance(thing, list):
        return [_with_name(item, f"{name}_{number}") for number, item in enumerate(thing)]
    if not isinstance(thing, (Case, Object)):
        return thing
    config = {key: _with_name(value) for key, value in thing.config.items()}
    return replace(thing, config={"name": name, **config} if thing.kind == "layer" else config)


@pytest.fixture(autouse=True, scope="module")
def _weights_begin_at_0(keras: Any) -> Iterator[None]:
    # To draw them takes Keras longest, and no weight is looked at before it is set.
    zeros = keras.initializers.Zeros()
    with pytest.MonkeyPatch.context() as patch:
        for drawing in (keras.initializers.VarianceScaling, keras.initializers.Orthogonal):
            patch.setattr(drawing, "__call__", lambda self, *args, **named: zeros(*args, **named))
        yield


MADE: dict[tuple[str, int], Any] = {}


def object_of(side: Any, case: Case) -> Any:
    """Return the object of a case, made once, as Keras takes long to build it; built for the case's inputs."""
    key = (side.name, id(case))  # `examples` keeps every case alive
    if key in MADE:
        return MADE[key]
    thing = MADE[key] = side.make(case, case, "float32")
    if case.kind == "layer" and not case.raises:
        convert = side._inputs if side is OURS else side._tensors
        (args, kwargs), _ = convert([draw.inputs(case, "float32"), draw.call(case, "float32")])
        if side is OURS:
            thing.eval()  # as Keras calls unless it is told to train
            thing(*args, **kwargs)
        else:
            side.build(thing, partial(thing, *args, **kwargs))
    return thing


def functions(case: Case) -> dict[str, Any]:
    """Return the functions in a case's config: both sides want them handed in when they read one."""
    return {value.__name__: value for value in case.config.values() if inspect.isfunction(value)}


def plain(config: Any, unsaid: tuple[str, ...] = ()) -> Any:
    """Return a config so that `==` tells: tuples and arrays, serialized or not, as lists; NaN equal to itself."""
    if isinstance(config, dict) and config.get("class_name") in ("__numpy__", "__tensor__"):
        return config["config"]["value"]
    if isinstance(config, dict):
        # Of a layer inside another, Keras notes the shape of its first call also where there is nothing to build, and
        # that it is trainable also where the outer one's `trainable=False` freezes it.
        inside = ("build_config", "trainable")
        return {key: plain(value, inside) for key, value in config.items() if key not in unsaid}
    if isinstance(config, (list, tuple)):
        return [plain(value, unsaid) for value in config]
    if isinstance(config, str) and config.startswith("stacked_rnn_cells"):
        return "stacked_rnn_cells"  # made of a list of cells, which has no name of its own to give
    if hasattr(config, "__array__"):
        return plain(np.asarray(config).tolist())
    return "nan" if config != config else config


def forms(config: Any) -> list[Any]:
    """Return a config as a file holds it, without tuples, and as it is where that is another."""
    stored = json.loads(json.dumps(config))
    return [stored] if stored == config else [stored, config]


@every_class
def test_config_is_keras_s(keras_side, module, name):
    for case in examples(module, name):
        ours, theirs = object_of(OURS, case), object_of(keras_side, case)
        assert plain(ours.get_config()) == plain(theirs.get_config()), case.id


@every_class
def test_serialized_form_is_keras_s(keras_side, keras, module, name):
    for case in examples(module, name):
        ours, theirs = object_of(OURS, case), object_of(keras_side, case)
        mine, expected = torch_layers.serialize(ours), keras.saving.serialize_keras_object(theirs)
        # Keras notes the shape of the first call also where there is nothing to build. That weights are built from it
        # is tested below.
        mine.pop("build_config", None)
        expected.pop("build_config", None)
        assert plain(mine) == plain(expected), case.id


@every_class
def test_each_reads_what_the_other_serializes_and_takes_its_weights(keras_side, keras, module, name):
    for case in examples(module, name):
        made, theirs, custom = object_of(OURS, case), object_of(keras_side, case), functions(case)
        weights = []
        if case.kind == "layer" and not case.raises:
            keras_side.set_weights(theirs, case, "float32")
            weights = theirs.get_weights()
        described, written = keras.saving.serialize_keras_object(theirs), torch_layers.serialize(made)
        for form in forms(described):
            ours = torch_layers.deserialize(form, custom_objects=custom)
            assert type(ours) is type(made)
            assert plain(ours.get_config()) == plain(theirs.get_config()), case.id
            assert plain(torch_layers.serialize(ours)) == plain(torch_layers.serialize(made)), case.id
            if weights:
                ours.set_weights(weights)
                assert_same(ours.get_weights(), weights)
        # Keras takes long to make weights: of what it reads with tuples it makes none.
        unbuilt = {key: value for key, value in written.items() if key != "build_config"}
        read = partial(keras.saving.deserialize_keras_object, custom_objects=custom)
        back, *others = map(read, (forms(written)[0], *forms(unbuilt)[1:]))
        for thing in (back, *others):
            assert type(thing) is type(theirs)
            assert plain(thing.get_config()) == plain(theirs.get_config()), case.id
        if weights:
            back.set_weights(ours.get_weights())
            assert_same(back.get_weights(), weights)


def assert_same(found: list[Any], expected: list[Any]) -> None:
    for mine, sent in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, sent)


@every_layer
def test_has_as_many_trainable_parameters_as_keras(keras_side, name):
    for case in examples("keras.layers", name):
        if case.raises:
            continue
        ours, theirs = object_of(OURS, case), object_of(keras_side, case)
        count = sum(p.numel() for p in ours.parameters() if p.requires_grad)
        assert count == sum(int(np.prod(w.shape)) for w in theirs.trainable_weights), case.id
        assert len(ours.state_dict()) == len(theirs.weights), case.id
