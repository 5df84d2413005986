"""compile, predict, evaluate and the summary."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from torch_layers import Add, Dense, Embedding, Input, Layer, Model, Sequential, losses

A = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
B = A[:, ::-1] + 1


class Noise(Layer):
    def forward(self, x):
        return x + 1000 if self.training else x


def two() -> Model:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    h = Noise()(Add()([Dense(3)(a), Dense(3)(b)]))
    return Model([a, b], {"h": h, "p": Dense(2, activation="softmax")(h)})


def one(**kwargs) -> Model:
    x = Input((4,))
    return Model(x, Dense(1, **kwargs)(x))


# --- predict -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 7, 70, 100])
def test_predict_gives_all_samples_in_eval_mode(batch_size):
    model = two()
    model.get_layer("dense").eval()
    result = model.predict([A, B], batch_size=batch_size)
    assert {name: value.shape for name, value in result.items()} == {"h": (70, 3), "p": (70, 2)}
    assert all(isinstance(value, np.ndarray) for value in result.values())
    with torch.no_grad():
        expected = model.eval()([A, B])
    np.testing.assert_allclose(result["h"], expected["h"].numpy(), rtol=1e-6, atol=1e-6)


def test_predict_restores_the_mode_of_every_layer():
    model = two()
    model.get_layer("dense").eval()
    model.predict([A, B])
    assert model.training
    assert model.get_layer("noise").training
    assert not model.get_layer("dense").training


@pytest.mark.parametrize(
    "data",
    [
        A,
        torch.from_numpy(A),
        A.tolist(),
        {"input_layer": A},
        [A],
        DataLoader(TensorDataset(torch.from_numpy(A)), batch_size=9),
        DataLoader(TensorDataset(torch.from_numpy(A), torch.ones(70)), batch_size=9),
    ],
    ids=["numpy", "tensor", "list", "dict", "list of one", "loader", "loader with targets"],
)
def test_predict_takes(data):
    model = one()
    np.testing.assert_allclose(model.predict(data), model(A).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_predict_edges():
    model = one()
    assert model.predict(A[:0]).shape == (0, 1)
    assert model.predict(A, batch_size=8, steps=2).shape == (16, 1)
    assert model.to(torch.bfloat16).predict(A).dtype == np.float32
    with pytest.raises(ValueError, match=r"the arrays have different numbers of samples: \[3, 70\]"):
        two().predict([A, B[:3]])
    with pytest.raises(ValueError, match="predict got no batch"):
        model.predict(iter(()))


def test_predict_builds_a_model_that_can_be_trained():
    model = Sequential([Dense(2)])
    model.predict(A)
    model(torch.from_numpy(A)).sum().backward()
    assert model.dense.weight.grad is not None


def test_progress(capsys):
    one().predict(A, batch_size=35, verbose=1)
    assert capsys.readouterr().err.endswith("\r2/2 ====================\n")
    one().predict(iter([A, A]), verbose=1)
    assert capsys.readouterr().err == "\r1/?\r2/?\n"
    one().predict(A, verbose=0)
    one().predict(A)  # stderr is no terminal here
    assert capsys.readouterr().err == ""


# --- compile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer, cls, values",
    [
        ("sgd", torch.optim.SGD, {"lr": 0.01, "momentum": 0.0}),
        ("rmsprop", torch.optim.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 1e-7}),
        ("adam", torch.optim.Adam, {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-7}),
        ("AdamW", torch.optim.AdamW, {"weight_decay": 0.004}),
        ("adadelta", torch.optim.Adadelta, {"lr": 0.001, "rho": 0.95}),
        ("adagrad", torch.optim.Adagrad, {"initial_accumulator_value": 0.1}),
        ("adamax", torch.optim.Adamax, {"lr": 0.001, "eps": 1e-7}),
        ("nadam", torch.optim.NAdam, {"lr": 0.001, "eps": 1e-7}),
        (torch.optim.RAdam, torch.optim.RAdam, {}),
        (partial(torch.optim.SGD, lr=0.5), torch.optim.SGD, {"lr": 0.5}),
        (
            {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 0.25, "momentum": 0.5}},
            torch.optim.SGD,
            {"lr": 0.25, "momentum": 0.5},
        ),
        (
            {"class_name": "Adam", "config": {"name": "adam", "weight_decay": 0.1, "clipnorm": None}},
            torch.optim.AdamW,
            {"weight_decay": 0.1},
        ),
    ],
    ids=str,
)
def test_optimizers(optimizer, cls, values):
    model = one()
    model.compile(optimizer)
    assert type(model.optimizer) is cls
    group = model.optimizer.param_groups[0]
    assert {name: group[name] for name in values} == values
    assert group["params"][0] is model.dense.weight


def test_an_optimizer_is_kept():
    model = one()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.compile(optimizer)
    assert model.optimizer is optimizer
    assert model.compiled


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"optimizer": "rmsprob"}, r"compile: optimizer='rmsprob' is not one of .* \(did you mean 'rmsprop'\?\)"),
        (
            {"optimizer": {"class_name": "SGD", "config": {"clipnorm": 1.0}}},
            "'sgd' with clipnorm=1.0 has no counterpart",
        ),
        ({"loss": "mes"}, r"unknown loss 'mes' \(did you mean 'mse'\?\)"),
        (
            {"metrics": ["acuracy"]},
            r"metrics='acuracy' is neither an accuracy nor a loss \(did you mean 'accuracy'\?\)",
        ),
    ],
)
def test_compile_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        one().compile(**kwargs)


def test_compile_is_not_torch_s():
    with pytest.raises(TypeError, match="fullgraph"):
        one().compile(fullgraph=True)


def test_training_is_torch_s():
    model = one()
    model.compile("sgd", "mse")
    y = torch.from_numpy(A.sum(1, keepdims=True))
    x = torch.from_numpy(A)
    first = model.compute_loss(y=y, y_pred=model(x))
    for _ in range(50):
        model.optimizer.zero_grad()
        model.compute_loss(y=y, y_pred=model(x)).backward()
        model.optimizer.step()
    assert model.compute_loss(y=y, y_pred=model(x)) < first / 2


def test_compile_config():
    model = one()
    assert model.get_compile_config() == {}
    model.compile("adam", "mse", metrics=["mae"])
    config = model.get_compile_config()
    assert (config["optimizer"], config["loss"], config["metrics"]) == ("adam", "mse", ["mae"])
    other = one()
    other.compile_from_config({**config, "run_eagerly": False, "jit_compile": False})
    assert type(other.optimizer) is torch.optim.Adam
    model.compile(torch.optim.SGD(model.parameters(), lr=1.0), "mse")
    assert model.get_compile_config() == {}


# --- evaluate ------------------------------------------------------------------------------------------------------

Y = A.sum(1, keepdims=True) > 0
W = np.random.default_rng(1).random(70).astype("float32")


def test_evaluate_weighs_batches_by_their_samples():
    model = one()
    model.compile(loss="mse")
    error = (model.predict(A) - Y) ** 2
    assert model.evaluate(A, Y, batch_size=32) == pytest.approx(error.mean(), rel=1e-5)
    weighted = model.evaluate(A, Y, sample_weight=W)
    assert weighted == pytest.approx((error[:, 0] * W).mean(), rel=1e-5)


def test_evaluate_adds_penalties():
    model = one(kernel_regularizer="l2", activity_regularizer="l1")
    model.compile(loss="mse")
    outputs = model.predict(A)
    expected = ((outputs - Y) ** 2).mean() + 0.01 * np.abs(outputs).mean() + 0.01 * (model.get_weights()[0] ** 2).sum()
    assert model.evaluate(A, Y) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    ["binary_crossentropy", losses.BinaryCrossentropy(), losses.binary_crossentropy, "crossentropy", nn.BCELoss()],
    ids=["name", "instance", "function", "crossentropy", "torch.nn"],
)
def test_losses_of_every_kind(loss):
    model = one(activation="sigmoid")
    model.compile(loss=loss)
    p = model.predict(A).astype("float64")
    expected = -np.where(Y, np.log(p), np.log(1 - p)).mean()
    assert model.evaluate(A, Y.astype("float32")) == pytest.approx(expected, rel=1e-4)


def test_torch_losses_get_class_ids():
    x = Input((4,))
    model = Model(x, Dense(3)(x))
    model.compile(loss=nn.CrossEntropyLoss())
    classes = torch.randint(0, 3, (70,))
    expected = nn.functional.cross_entropy(model(A), classes).item()
    assert model.evaluate(A, classes, batch_size=70) == pytest.approx(expected, rel=1e-5)


def test_functions_as_loss_and_metric():
    def fourth(y_true, y_pred):
        return ((y_true - y_pred) ** 4).mean(-1)

    model = one()
    model.compile(loss=fourth, metrics=[fourth, "mae"])
    loss, metric, mae = model.evaluate(A, Y)
    error = model.predict(A) - Y
    assert loss == pytest.approx(metric)
    assert loss == pytest.approx((error**4).mean(), rel=1e-4)
    assert mae == pytest.approx(np.abs(error).mean(), rel=1e-4)


def targets() -> dict[str, np.ndarray]:
    return {"h": A[:, :3], "p": (A[:, 0] > 0).astype("int64")}


@pytest.mark.parametrize("as_list", [False, True])
def test_several_outputs(as_list):
    model = two()
    y, loss, weights = targets(), {"h": "mse", "p": "sparse_categorical_crossentropy"}, {"h": 2.0, "p": 0.5}
    model.compile(
        loss=list(loss.values()) if as_list else loss,
        loss_weights=list(weights.values()) if as_list else weights,
        metrics={"p": ["accuracy"]},
    )
    logs = model.evaluate([A, B], list(y.values()) if as_list else y, return_dict=True)
    assert list(logs) == ["loss", "h_loss", "p_loss", "p_accuracy"]
    result = model.predict([A, B])
    assert logs["h_loss"] == pytest.approx(((result["h"] - y["h"]) ** 2).mean(), rel=1e-5)
    assert logs["p_accuracy"] == pytest.approx((result["p"].argmax(1) == y["p"]).mean())
    assert logs["loss"] == pytest.approx(2 * logs["h_loss"] + 0.5 * logs["p_loss"], rel=1e-5)
    assert model.evaluate([A, B], y) == list(logs.values())


def test_an_output_without_loss():
    model = two()
    model.compile(loss={"h": "mse"})
    expected = ((model.predict([A, B])["h"] - A[:, :3]) ** 2).mean()
    for y in ({"h": A[:, :3], "p": None}, [A[:, :3]]):
        assert model.evaluate([A, B], y) == pytest.approx(expected, rel=1e-5)


def test_accuracies():
    model = one(activation="sigmoid")
    model.compile(loss="mse", metrics=["accuracy"], weighted_metrics=["accuracy"])
    hits = (model.predict(A) > 0.5) == Y
    logs = model.evaluate(A, Y, sample_weight=W, return_dict=True)
    assert logs["accuracy"] == pytest.approx(hits.mean())
    assert logs["weighted_accuracy"] == pytest.approx((hits[:, 0] * W).sum() / W.sum())


def test_masked_steps_count_nothing():
    ids = Input((3,), dtype="int64")
    x = Embedding(5, 4, mask_zero=True)(ids)
    model = Model(ids, Dense(2, activation="softmax")(x))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    tokens, y = np.array([[1, 2, 0], [3, 0, 0]]), np.array([[0, 1, 1], [1, 0, 0]])
    p, keep = model.predict(tokens), tokens != 0
    chosen = np.take_along_axis(p, y[..., None], -1)[..., 0]
    loss, accuracy = model.evaluate(tokens, y)
    assert loss == pytest.approx(-np.log(chosen[keep]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((p.argmax(-1) == y)[keep].mean())


def test_evaluate_takes_loaders():
    model = one()
    model.compile(loss="mse")
    data = DataLoader(TensorDataset(torch.from_numpy(A), torch.from_numpy(Y)), batch_size=9)
    assert model.evaluate(data) == pytest.approx(model.evaluate(A, Y), rel=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.evaluate([A, B], targets()), r"evaluate needs compile\(\) first"),
        (lambda m: m.compute_loss(y_pred=m([A, B])), r"there is no loss to compute, give compile\(\) one"),
        (
            lambda m: _evaluate(m, {"h": "mse", "q": "mse"}),
            r"loss is given for \['h', 'q'\], the outputs are \['h', 'p'\]",
        ),
        (lambda m: _evaluate(m, ["mse"] * 3), "loss has 3 items, needed is one for each of 2 outputs"),
        (lambda m: _evaluate(m, "mse", y=[A]), "y has 1 items, needed is one for each of 2 outputs"),
    ],
)
def test_evaluate_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call(two())


def _evaluate(model, loss, y=None):
    model.compile(loss=loss)
    return model.evaluate([A, B], targets() if y is None else y)


# --- summary -------------------------------------------------------------------------------------------------------


def lines(model, **kwargs) -> list[str]:
    printed: list[str] = []
    model.summary(print_fn=printed.append, **kwargs)
    return printed


def test_summary():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    model = Model([a, b], Dense(1, trainable=False)(Add()([shared(a), shared(b) * 2])), name="net")
    assert lines(model) == [
        "Functional 'net'",
        "Layer (type)    Output shape  Param #  Connected to",
        "---------------------------------------------------",
        "a (InputLayer)  (None, 4)           0",
        "b (InputLayer)  (None, 4)           0",
        "shared (Dense)  (None, 3)          15  a, b",
        "add (Add)       (None, 3)           0  shared",
        "dense (Dense)   (None, 1)           4  add",
        "---------------------------------------------------",
        "Total params: 19",
        "Trainable params: 15",
        "Non-trainable params: 4",
    ]


def test_summary_of_chains_and_nested_models(capsys):
    inner = Sequential([Input((4,)), Dense(3)], name="inner")
    model = Sequential([inner, Dense(2)])
    expanded = lines(model, expand_nested=True)
    assert expanded[1] == "Layer (type)        Output shape  Param #"
    assert [line.split(" (")[0] for line in expanded[3:6]] == ["inner", "  dense", "dense"]
    model.summary()
    assert capsys.readouterr().out.splitlines()[0] == "Sequential 'sequential'"


def test_summary_of_unbuilt():
    assert lines(Sequential([Dense(2)]))[3] == "dense (Dense)  ?             not built"
