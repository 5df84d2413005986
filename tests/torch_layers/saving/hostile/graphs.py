"""Functional models whose graphs are none: circles, missing ends, too many calls, models that double at each level."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import (
    Config,
    as_json,
    called,
    functional,
    input_layer,
    keras_file,
    layer,
    node,
    old_file,
    sequential,
    small,
    tensor,
)

_RELU = layer("Activation", activation="relu")
# Large, and not refused for it: `load_model` takes memory of its own, which is measured.
_DRAWN = ("backwards-3900",)
_ENDS: tuple[Any, Any] = [["i", 0, 0]], [["x", 0, 0]]


def files(traps: Path) -> Iterator[Hostile]:
    """Yield each graph as a `.keras` file and as JSON; those that take seconds in one form."""
    for name, config, attack in _graphs():
        text = as_json(config)
        is_large = len(text) > 1 << 20
        if not is_large or name in _DRAWN:
            yield Hostile(f"{name}.keras", keras_file(text, {}, compressed=is_large), attack)
        if not is_large or name not in _DRAWN:
            yield Hostile(f"{name}.json", text, attack)
    for name, config, attack in _old_graphs():
        yield Hostile(f"{name}.h5", old_file(config), attack)


def _graphs() -> Iterator[tuple[str, Config, str]]:
    yield "circle", _model(("x", node(tensor("y"))), ("y", node(tensor("x")))), "two layers that take each other"
    yield "itself", _model(("x", node(tensor("x")))), "a layer that takes its own output"
    yield "later-call", _model(("x", node(tensor("x", 1)), node(tensor("i")))), "a call that takes a later one"
    yield "unknown", _model(("x", node(tensor("z")))), "a layer that takes what isn't there"
    for index, place in enumerate(
        ([], ["i"], ["i", 0], ["i", "0", 0], ["i", 0, -1], ["i", -1, 0], ["i", 10**30, 0], "i00")
    ):
        call = node({**tensor("i"), "config": {**tensor("i")["config"], "keras_history": place}})
        yield f"history-{index}", _model(("x", call)), f"the place {place}"
        yield f"end-{index}", functional([input_layer([None, 3])], [["i", 0, 0]], [place]), f"an output at {place}"
    yield "call-999", _model(("x", node(tensor("i", 999)))), "a call of a model's input that doesn't exist"
    yield "output-999", _model(("x", node(tensor("i", 0, 999)))), "an output that doesn't exist"
    twice = [input_layer([None, 3]), called(_RELU, "x", node(tensor("i"))), called(_RELU, "x", node(tensor("i")))]
    yield "name-twice", functional(twice, *_ENDS), "two layers of one name"
    yield "no-nodes", functional([input_layer([None, 3]), called(_RELU, "x")], *_ENDS), "a layer that nothing calls"
    yield "no-input", functional([called(_RELU, "x", node())], [], [["x", 0, 0]]), "no input"
    yield "no-layers", functional([], [["i", 0, 0]], [["x", 0, 0]]), "no layers"
    yield "training", _model(("x", node(tensor("i"), training=True))), "a call in training"

    yield "backwards-3900", _chain(3900, backwards=True), "3,900 layers, the last one first"
    yield "chain-20000", _chain(20_000), "20,000 layers"
    many = [input_layer([None, 3]), called(layer("Add"), "x", node(*[tensor("i")] * 20_000))]
    yield "inputs-20000", functional(many, *_ENDS), "a layer with 20,000 inputs"
    calls = [input_layer([None, 3]), called(_RELU, "x", *[node(tensor("i"))] * 50_000)]
    yield "calls-50000", functional(calls, *_ENDS), "a layer with 50,000 calls"
    star = [called(_RELU, f"l{n}", node(*[tensor(f"l{k}") for k in range(n + 1, 400)])) for n in range(399)]
    yield "unordered-400", functional([input_layer([None, 3]), *star], *_ENDS), "80,000 references, none yet made"

    for depth in (5, 11, 30, 60):
        yield f"doubled-{depth}", _doubled(depth), f"models that call each other twice, {depth} deep"
        yield f"nested-{depth}", _nested(depth), f"models in each other, {depth} deep"
        yield f"nested-sequential-{depth}", _sequences(depth), f"models without shapes in each other, {depth} deep"
        yield f"masked-{depth}", _masked(depth), f"models that get a mask, {depth} deep"
        wrapped = layer("Dense", units=3)
        for _ in range(depth):
            wrapped = layer("TimeDistributed", layer=wrapped)
        yield f"wrapped-{depth}", sequential(wrapped, shape=[None, *[2] * depth, 3]), f"{depth} wrappers"
        both = layer("LSTM", units=2)
        cells = layer("LSTMCell", units=2)
        for _ in range(depth):
            both, cells = (
                layer("Bidirectional", layer=both),
                layer("StackedRNNCells", cells=[cells] * (2 if depth < 12 else 1)),
            )
        yield f"bidirectional-{depth}", sequential(both, shape=(None, 4, 3)), f"{depth} Bidirectional"
        yield f"cells-{depth}", sequential(layer("RNN", cell=cells), shape=(None, 4, 3)), f"cells, {depth} deep"
    cells = [layer("GRUCell", units=2)] * 20_000
    yield "cells-20000", sequential(layer("RNN", cell=cells), shape=(None, 4, 3)), "20,000 cells on each other"


def _model(*layers: Any) -> Config:
    return functional([input_layer([None, 3]), *(called(_RELU, name, *nodes) for name, *nodes in layers)], *_ENDS)


def _chain(length: int, backwards: bool = False) -> Config:
    names = ["i", *(f"l{number}" for number in range(length))]
    layers = [called(_RELU, name, node(tensor(before))) for before, name in pairwise(names)]
    layers = layers[::-1] if backwards else layers
    return functional([input_layer([None, 3]), *layers], [["i", 0, 0]], [[names[-1], 0, 0]])


def _inside(inner: Config, nodes: list[Config], output: int, name: str) -> Config:
    return functional([input_layer([None, 3]), called(inner, "x", *nodes)], [["i", 0, 0]], [["x", output, 0]], name)


def _nested(depth: int) -> Config:
    model = _model(("x", node(tensor("i"))))
    for level in range(depth):
        model = _inside(model, [node(tensor("i"))], 1, f"m{level}")
    return model


def _doubled(depth: int) -> Config:
    model = _model(("x", node(tensor("i"))))
    for level in range(depth):
        model = _inside(model, [node(tensor("i")), node(tensor("x"))], 2, f"m{level}")
    return model


def _sequences(depth: int) -> Config:
    model = layer("Dense", units=3)
    for level in range(depth):
        model = sequential(model, shape=None, name=f"m{level}")
    return sequential(model)


def _masked(depth: int) -> Config:
    lstm = called(layer("LSTM", units=3, return_sequences=True), "x", node(tensor("i")))
    model = functional([input_layer([None, 5, 3]), lstm], *_ENDS)
    for level in range(depth):
        masking = called(layer("Masking"), "k", node(tensor("i")))
        layers = [input_layer([None, 5, 3]), masking, called(model, "x", node(tensor("k")))]
        model = functional(layers, [["i", 0, 0]], [["x", 1, 0]], f"m{level}")
    return model


def _old_graphs() -> Iterator[tuple[str, Config, str]]:
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 4}, "name": "d"}
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "i"}, "name": "i"}
    start["inbound_nodes"] = []

    def model(*layers: Config, outputs: Any = (("d", 0, 0),)) -> Config:
        config = {"name": "m", "layers": list(layers), "input_layers": [["i", 0, 0]], "output_layers": list(outputs)}
        return {"class_name": "Model", "config": config}

    nodes: dict[str, Any] = {
        "circle": [[["d", 0, 0, {}]]],
        "unknown": [[["z", 0, 0, {}]]],
        "negative": [[["i", -1, 0, {}]]],
        "absurd": [[["i", 10**30, 10**30, {}]]],
        "text": [[["i", "0", "0", {}]]],
        "short": [[["i"]]],
        "number": [[5]],
        "keyword": [[["i", 0, 0, {"x y": 1}]]],
        "keyword-place": [[["i", 0, 0, {"mask": ["z", 0, 0]}]]],
        "keyword-text": [[["i", 0, 0, "x"]]],
        "object": [{"args": 1, "kwargs": 2}],
        "mixed": [[["i", 0, 0, {}]], {"args": [], "kwargs": {}}],
        "many": [[["i", 0, 0, {}]]] * 50_00,
    }
    for name, given in nodes.items():
        yield f"old-{name}", model(start, {**dense, "inbound_nodes": given}), f"a node of Keras 2: {name}"
    good = {**dense, "inbound_nodes": [[["i", 0, 0, {}]]]}
    for index, ends in enumerate(
        ([], [["z", 0, 0]], [["d", 5, 0]], [["d", 0, 5]], [["d"]], [[]], [5], ["d"], {"a": 5})
    ):
        broken = copy.deepcopy(model(start, good))
        broken["config"]["output_layers"] = ends
        yield f"old-end-{index}", broken, f"the outputs {ends}"
        broken = copy.deepcopy(model(start, good))
        broken["config"]["input_layers"] = ends
        yield f"old-start-{index}", broken, f"the inputs {ends}"
    for depth in (5, 11, 15):
        inner = model(start, good)
        for _ in range(depth):
            entry = {**inner, "name": "d", "inbound_nodes": [[["i", 0, 0, {}]], [["d", 1, 0, {}]]]}
            inner = model(start, entry, outputs=(("d", 2, 0),))
        yield f"old-doubled-{depth}", inner, f"models of Keras 2 that double, {depth} deep"
    yield "old-new", {**small(), "keras_version": "2.4.0"}, "a config of Keras 3 in a file of Keras 2"
