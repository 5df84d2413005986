"""Lambda: what it passes on, and configs, whose code is never run."""

from __future__ import annotations

import base64
import copy
import functools
import marshal
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

import torch_layers
from torch_layers import Lambda, activations

X = torch.tensor([[-1.0, 0.5, 2.0]])
NAMED = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}


def double(x: Tensor) -> Tensor:
    return x * 2


def last_of(inputs: Tensor, mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask[:, -1:]


def code(function: Any) -> str:
    """Return what Keras writes of a Python lambda."""
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


def test_takes_any_function() -> None:
    assert_close(Lambda(lambda x: x + 1)(X), X + 1)
    assert_close(Lambda(torch.abs)(X), X.abs())
    assert_close(Lambda(torch.clamp, arguments={"min": 0.0})(X), X.clamp(min=0))
    assert_close(Lambda(functools.partial(torch.mul, other=3))(X), X * 3)
    assert_close(Lambda(nn.ReLU())(X), X.relu())
    with pytest.raises(ValueError, match="Lambda: function='abs' is not callable"):
        Lambda("abs")


def test_gives_mask_and_training_to_those_who_name_them() -> None:
    def tell(x: Tensor, by: int, mask: Any = None, training: Any = None) -> list[Any]:
        return [by, mask, training]

    layer = Lambda(tell, arguments={"by": 2, "mask": "overruled"})
    assert layer(X) == [2, None, True]
    assert layer.eval()(X, mask="a mask") == [2, "a mask", False]


def test_mask_is_a_tensor_or_a_function_of_inputs_and_mask() -> None:
    mask = torch.tensor([[True, False]])
    assert Lambda(double).compute_mask(X, mask) is None
    assert torch.equal(Lambda(double, mask=last_of).compute_mask(X, mask), mask[:, -1:])
    fixed = Lambda(double, mask=mask)
    assert torch.equal(fixed.compute_mask(X), mask)
    assert fixed.state_dict() == {}
    assert fixed.to("meta").mask.is_meta
    assert fixed.supports_masking
    assert not Lambda(double).supports_masking


def test_config_names_functions() -> None:
    layer = Lambda(activations.relu, output_shape=(3,), mask=last_of, arguments={"threshold": 1.0}, name="step")
    config = layer.get_config()
    assert config["function"] == NAMED
    assert config["output_shape"] == (3,)
    assert config["mask"] == {**NAMED, "config": "last_of"}
    assert config["arguments"] == {"threshold": 1.0}
    plain = Lambda(double).get_config()
    assert "output_shape" not in plain
    assert "mask" not in plain
    again = Lambda.from_config(config, {"last_of": last_of})
    assert again.function is activations.relu
    assert again.mask is last_of
    assert again.get_config() == config
    assert_close(again(X), layer(X))


def test_repr_survives_any_function() -> None:
    assert repr(Lambda(lambda x: x)) == "Lambda(function=<lambda>)"
    assert repr(Lambda(functools.partial(torch.mul, other=3))) == "Lambda(function=partial)"


def test_a_lambda_s_code_is_refused_and_replaced_by_custom_objects() -> None:
    described = {
        "class_name": "__lambda__",
        "config": {"code": code(lambda x: 1 / 0), "defaults": None, "closure": None},
    }
    config = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "halve", "function": described}}
    with pytest.raises(
        ValueError, match=r"Lambda 'halve': .* a Python lambda, .* custom_objects=\{'halve': function\}"
    ):
        torch_layers.deserialize(config)
    assert_close(torch_layers.deserialize(config, {"halve": lambda x: x / 2})(X), X / 2)
    config["config"]["mask"] = described
    with pytest.raises(ValueError, match=r"custom_objects=\{'halve.mask': function\}"):
        torch_layers.deserialize(config, {"halve": double})
    assert torch_layers.deserialize(config, {"halve": double, "halve.mask": last_of}).mask is last_of
    config["config"].update(mask=None, output_shape=described)
    assert torch_layers.deserialize(config, {"halve": double}).output_shape is None


def test_a_named_function_comes_from_custom_objects() -> None:
    config = Lambda(double, name="twice").get_config()
    with pytest.raises(ValueError, match=r"Lambda 'twice': .* 'double'; .* custom_objects=\{'double': function\}"):
        Lambda.from_config(config)
    for name in ("double", "twice"):
        assert_close(Lambda.from_config(config, {name: double})(X), X * 2)


def test_own_lambda_is_written_without_its_code() -> None:
    config = Lambda(lambda x: x, name="same").get_config()
    assert config["function"] == {
        "class_name": "__lambda__",
        "config": {"code": None, "defaults": None, "closure": None},
    }
    assert_close(Lambda.from_config(config, {"same": double})(X), X * 2)


@pytest.mark.parametrize("function", [[code(lambda x: 1 / 0), None, None], ["code"]])
def test_reads_keras_2_s_config(function: Any) -> None:
    config = {
        "name": "old",
        "function": function,
        "function_type": "lambda",
        "module": "__main__",
        "output_shape": [4],
        "output_shape_type": "raw",
        "output_shape_module": None,
        "arguments": {"other": {"type": "ndarray", "value": [1.0, 2.0, 3.0]}},
    }
    with pytest.raises(ValueError, match=r"Lambda 'old': .*custom_objects=\{'old': function\}"):
        Lambda.from_config(config)
    layer = Lambda.from_config(config, {"old": lambda x, other: x + torch.from_numpy(other)})
    assert layer.output_shape == (4,)
    assert_close(layer(X), X + torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    named = {**config, "function": "tanh", "function_type": "function", "arguments": {}}
    assert Lambda.from_config(named).function is activations.tanh


def test_copies_keep_the_function() -> None:
    assert copy.deepcopy(Lambda(double)).function is double
