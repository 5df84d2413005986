"""Models that came from Keras 2 go back to it, to live tf-keras, where Keras 3 reads no such file: calls with several
tensors, and functions between layers."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.legacy.whole_models import close, inputs, outputs, randomized
from torch_layers.saving.legacy.writing import KERAS_2, KERAS_3, write_h5
from torch_layers.saving.load import load_model

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning:tf_keras.*")]
K = tf_keras.layers
TOLD = "Keras 2 and torch_layers read the file, Keras 3 does not: "


def written(model: Any, path: Any) -> str:
    with h5py.File(path, "w") as file:
        write_h5(model, file)
        return str(file.attrs["keras_version"])


def queries_and_values() -> Any:
    x, y, z = K.Input((3, 4)), K.Input((5, 6)), K.Input((5, 2))
    mixed, scores = K.MultiHeadAttention(2, 3, name="heads")(x, y, key=z, return_attention_scores=True)
    return tf_keras.Model([x, y, z], [mixed, scores, K.MultiHeadAttention(1, 2)(y, value=x)])


def cells() -> Any:
    x, h, c = (K.Input((3,)) for _ in range(3))
    cell, stack = K.LSTMCell(3), K.StackedRNNCells([K.GRUCell(3), K.SimpleRNNCell(3)])
    y, states = cell(x, [h, c])
    z, _ = stack(cell(y, states)[0], [c, h])
    return tf_keras.Model([x, h, c], [y, z])


def first_states() -> Any:
    x, h = K.Input((5, 4)), K.Input((3,))
    _, *states = K.Bidirectional(K.LSTM(3, return_state=True))(x)
    decoded = K.Bidirectional(K.LSTM(3, return_sequences=True))(x, initial_state=states)
    return tf_keras.Model([x, h], [decoded, K.GRU(3)(x, initial_state=h)])


def model_on_its_own_output() -> Any:
    x, y = K.Input((4,)), K.Input((4,))
    inner = tf_keras.Model([x, y], [K.Dense(4)(x) * y, K.Dense(4)(y)], name="inner")
    a, b = K.Input((4,)), K.Input((4,))
    chain = tf_keras.Sequential([K.Input((4,)), K.Dense(4)])
    outer = tf_keras.Model([a, b], [chain(inner(inner([a, b]))[1]), *inner([b, chain(a)])])
    outer.trainable = False
    return outer


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (queries_and_values, "'heads' is called with tensors as"),
        (cells, "is called with tensors as"),
        (first_states, "is called with tensors as"),
        (model_on_its_own_output, "is called with other arguments than tensors, or with several"),
    ],
)
@torch.no_grad()
def test_goes_back_to_keras_2(build, reason, tmp_path):
    theirs = randomized(build())
    theirs.save(tmp_path / "m.h5")
    model, of_live = load_model(tmp_path / "m.h5"), tl.from_keras(theirs)
    x = inputs(model)
    close(outputs(model, x), outputs(theirs, x))
    for one in (model, of_live, copy.deepcopy(model)):
        with pytest.warns(UserWarning, match=TOLD + ".*" + reason):
            assert written(one, tmp_path / "n.h5") == KERAS_2
        close(outputs(tf_keras.models.load_model(tmp_path / "n.h5"), x), outputs(theirs, x))
        close(outputs(load_model(tmp_path / "n.h5"), x), outputs(theirs, x))


def test_what_did_not_come_from_keras_2_is_for_keras_3(tmp_path):
    x, y = tl.Input((3, 4)), tl.Input((5, 4))
    model = tl.Model([x, y], tl.MultiHeadAttention(2, 3)(x, y))
    assert written(model, tmp_path / "m.h5") == KERAS_3
    again = load_model(tmp_path / "m.h5")
    assert written(again, tmp_path / "m.h5") == KERAS_3


Operation = Callable[[Any], Any]
OPERATIONS: dict[str, Operation] = {
    **{name: getattr(torch, name) for name in ("abs", "ceil", "cos", "cosh", "erf", "exp", "expm1", "floor", "neg")},
    **{name: getattr(torch, name) for name in ("reciprocal", "round", "sigmoid", "sign", "sin", "sinh", "square")},
    **{name: getattr(torch, name) for name in ("tan", "tanh", "isnan", "isinf", "isfinite", "relu")},
    "log": lambda x: x.abs().log() + (x * x).log1p() + x.abs().sqrt() + x.abs().rsqrt(),
    "whole numbers": lambda x: 2 * x + 1 - (3 - x) / 4,
    "powers": lambda x: x**2 - 2 ** x.abs() + x.abs() ** x,
    "remainders": lambda x: (x // 0.75) + x % 0.75,
    "extremes": lambda x: torch.maximum(x, x * x) - torch.minimum(x, x * 2) + x.clamp(min=0.1) + x.clamp(max=0.3),
    "comparisons": lambda x: torch.where((x > 0) & ~(x >= 1) | (x < -1), x, 2 * x),
    "equality": lambda x: torch.where((x.floor() == 0) | (x.ceil() != 0) | (x <= 0), x, 0.0),
    "clip": lambda x: x.clamp(-0.5, 0.5),
    "activations": lambda x: (
        torch.nn.functional.relu6(x)
        + torch.nn.functional.selu(x)
        + torch.nn.functional.silu(x)
        + torch.nn.functional.softsign(x)
        + torch.nn.functional.softplus(x)
        + torch.nn.functional.leaky_relu(x, 0.3)
        + torch.nn.functional.gelu(x)
        + torch.nn.functional.gelu(x, approximate="tanh")
    ),
    "softmax": lambda x: torch.softmax(x, 1) + torch.log_softmax(x, -1),
    "reductions": lambda x: x.mean(1) + x.sum(dim=(1,)) + x.amax(1) - x.amin(1) + x.prod(1),
    "kept axes": lambda x: x.mean((1, 2), keepdim=True) * x,
    "reductions of booleans": lambda x: torch.where((x > 0).any(1), 1.0, 2.0) + torch.where((x > -9).all(1), 1.0, 2.0),
    "joined": lambda x: torch.cat([x, x * 2], 1).sum(1) + torch.stack([x, x], 1).sum((1, 2)),
    "axes": lambda x: x.unsqueeze(1).squeeze(1).permute(0, 2, 1).transpose(1, 2) + x.flip(1),
    "shapes": lambda x: x.reshape(-1, 2, 6),
    "product": lambda x: x @ x.transpose(1, 2),
    "cast": lambda x: (x * 3).to(torch.int32),
    "items": lambda x: x[:, 1:, ::2].sum((1, 2)) + x[..., 0].sum(1) + x[:, -1, None].sum((1, 2)),
    "places": lambda x: x.argmax(1) + x.argmin(-1)[:, :1],
}


@pytest.mark.parametrize("name", OPERATIONS)
@torch.no_grad()
def test_functions_between_layers(name, tmp_path):
    x = tl.Input((3, 4))
    model = tl.Model(x, OPERATIONS[name](x))
    model.is_of_keras_2 = True
    with pytest.warns(UserWarning, match=TOLD):
        assert written(model, tmp_path / "m.h5") == KERAS_2
    given = inputs(model)
    close(outputs(tf_keras.models.load_model(tmp_path / "m.h5"), given), outputs(model, given))
    close(outputs(load_model(tmp_path / "m.h5"), given), outputs(model, given))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.argmax(),
        lambda x: x.argmax(1, keepdim=True),
        lambda x: torch.einsum("bij,bkj->bik", x, x),
        lambda x: torch.nn.functional.gelu(tl.MultiHeadAttention(1, 2)(x, x, query_mask=x[..., 0] > 0)),
        lambda x: tl.RMSNormalization()(x.exp()),
    ],
)
def test_what_keras_2_has_not_is_for_keras_3(operation, tmp_path):
    x = tl.Input((3, 4))
    model = tl.Model(x, operation(x))
    model.is_of_keras_2 = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert written(model, tmp_path / "m.h5") == KERAS_3
