"""All that a config asks for and that is not there is told at once, each with its layer."""

from __future__ import annotations

import re

import pytest
import torch

import torch_layers as tl
from torch_layers.saving.load import model_from_config
from torch_layers.saving.refusals import listing, missing_names, refusals


def layer(class_name, name=None, module="keras.layers", **config):
    config = config if name is None else {"name": name, **config}
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def chain(*layers, name="chain"):
    return layer("Sequential", name, "keras", layers=list(layers))


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
# Configs of layers, and what is said: (layer, argument, name for custom_objects, a part of the reason).
CASES = {
    "class": (layer("Mine", "m", "my.package"), [("m", "", "Mine", "'Mine' (module 'my.package') is not a")]),
    "registered class": (
        {**layer("P>Mine", "m", None), "registered_name": "P>Mine"},
        [("m", "", "Mine", "custom_objects={'Mine'")],
    ),
    "function": (
        layer("Dense", "d", units=3, activation=function("swishy")),
        [("d", "activation", "swishy", "'swishy' (module 'builtins') is not an activation")],
    ),
    "two functions and a bad argument": (
        layer("Dense", "d", units=-3, activation=function("f"), kernel_initializer=layer("Init", module="my")),
        [
            ("d", "activation", "f", "'f'"),
            ("d", "kernel_initializer", "Init", "'Init' (module 'my')"),
            ("d", "", None, "Dense: units=-3 is not a positive int"),
        ],
    ),
    "unknown argument": (layer("Dense", "d", units=3, use_bia=True), [("d", "", None, "unknown argument 'use_bia'")]),
    "lambda": (layer("Lambda", "double", function=LAMBDA), [("double", "", "double", "custom_objects={'double': ")]),
    "lambda of a name": (
        layer("Lambda", "double", function=function("system", "os")),
        [("double", "", "system", "custom_objects={'system': ")],
    ),
    "wrapped lambda": (
        layer("TimeDistributed", "td", layer=layer("Lambda", "inner", function=LAMBDA)),
        [("td", "layer", "inner", "Lambda 'inner'")],
    ),
    "cell of a layer in a wrapper": (
        layer("Bidirectional", "b", layer=layer("RNN", cell=[layer("Cell", module="my"), layer("LSTMCell", units=0)])),
        [("b", "layer/cell[0]", "Cell", "'Cell'"), ("b", "layer/cell[1]", None, "LSTMCell: units=0")],
    ),
    "nested model": (
        chain(layer("Mine", "m", "my"), layer("Lambda", "l", function=LAMBDA), name="inner"),
        [("inner/m", "", "Mine", "'Mine'"), ("inner/l", "", "l", "Lambda 'l'")],
    ),
    "model in a wrapper": (
        layer("TimeDistributed", "td", layer=chain(layer("Mine", "m", "my"), name="inner")),
        [("td", "layer/m", "Mine", "'Mine'")],
    ),
    "model of a class of its own": (
        layer("MyModel", "own", "my", layers=[layer("Dense", "d", units=0)]),
        [("own", "", "MyModel", "'MyModel'"), ("own/d", "", None, "units=0")],
    ),
    "function of the standard library": (layer("system", "s", "os"), [("s", "", "system", "(module 'os')")]),
    "operation": (layer("Det", "op", "keras.src.ops.linalg"), [("op", "", None, "operation 'Det'")]),
    "no layer": ({"name": "n"}, [("n", "", None, "no description of a layer")]),
    "no class name": (
        {"class_name": ["Dense"], "config": {}},
        [("['Dense'] 0", "", None, "no description of a layer")],
    ),
    "no config": (
        {"class_name": "Dense", "config": None, "name": "d", "module": "keras.layers"},
        [("d", "", None, "units")],
    ),
    "no name": ({"class_name": "Mine", "config": {"name": {"a": 1}}}, [("Mine 0", "", "Mine", "'Mine'")]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(case):
    config, expected = CASES[case]
    found = refusals(chain(config), None, None)
    assert [(one.layer, one.argument, one.missing) for one in found] == [row[:3] for row in expected]
    for one, (_, _, _, reason) in zip(found, expected, strict=True):
        assert reason in one.reason
        assert reason in str(one)
        assert one.arrays is None
    with pytest.raises(ValueError, match=re.escape(expected[0][3])):
        model_from_config(chain(config))


def test_all_are_listed_at_once_and_each_name_once():
    config = chain(*(case for case, _ in CASES.values()))
    with pytest.raises(ValueError, match="layers can't be taken") as error:
        model_from_config(config)
    said = str(error.value)
    assert said.count("\n") == sum(len(expected) for _, expected in CASES.values()) + 1
    names = {"Mine", "swishy", "f", "Init", "double", "system", "inner", "Cell", "l", "MyModel"}
    assert set(missing_names(refusals(config, None, None))) == names
    last = said.splitlines()[-1]
    assert last.startswith("pass custom_objects={'Mine': ..., 'swishy': ...")
    assert all(last.count(f"{name!r}: ...") == 1 for name in names)


def test_what_is_given_is_not_asked_for():
    class Mine(tl.Layer):
        def forward(self, x):
            return x * 2

    config = chain(
        layer("InputLayer", "x", batch_shape=[None, 3]),
        layer("Mine", "m", "my.package"),
        layer("Lambda", "double", function=LAMBDA),
        layer("Dense", "d", units=2, activation=function("swishy")),
    )
    given = {"Mine": Mine, "double": lambda x: x * 5, "swishy": lambda x: x + 1}
    assert refusals(config, given, None) == []
    for name in given:
        left = {key: value for key, value in given.items() if key != name}
        assert missing_names(refusals(config, left, None)) == [name]
    model = model_from_config(config, given)
    x = torch.randn(2, 3)
    torch.testing.assert_close(model(x), x * 10 @ model.layers[-1].weight.T + 1)


def test_nothing_gets_memory():
    config = chain(layer("Mine", "m"), layer("Dense", "d", units=10**12, input_shape=[10**6]))
    assert [one.layer for one in refusals(config, None, None)] == ["m"]


def test_long_configs_and_lists_are_cut():
    config = chain(*(layer("Mine", f"m{number}", values=list(range(1000))) for number in range(200)))
    said = listing(refusals(config, None, None)).splitlines()
    assert said[0] == "200 layers can't be taken:"
    assert said[-2:] == ["  and 100 more", "pass custom_objects={'Mine': ...} to say what is missing"]
    assert max(map(len, said)) < 600
