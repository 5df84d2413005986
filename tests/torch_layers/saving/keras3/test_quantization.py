"""Quantized layers of live Keras, read as plain ones: the outputs of the dequantized kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from torch_layers.saving.errors import FileError
from torch_layers.saving.keras3.configs import plain_config
from torch_layers.saving.load import load_model

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]
L = keras.layers
RNG = np.random.default_rng(0)


def dense():
    x = keras.Input((7,))
    y = L.Dense(5, bias_initializer="normal")(x)
    return keras.Model(x, L.Dense(1, bias_initializer="normal")(L.Dense(6, use_bias=False)(y))), floats(4, 7)


def einsum():
    x = keras.Input((5, 7))
    y = L.EinsumDense("abc,cde->abde", (None, 3, 4), bias_axes="de", bias_initializer="normal")(x)
    y = L.EinsumDense("abde,def->abf", (None, 6), bias_axes="f", bias_initializer="normal")(y)
    return keras.Model(x, L.EinsumDense("abc,dc->abd", (None, 2))(y)), floats(4, 5, 7)


def attention():
    x = keras.Input((5, 8))
    return keras.Model(x, L.MultiHeadAttention(2, 3, bias_initializer="normal")(x, x)), floats(4, 5, 8)


def embedding():
    x = keras.Input((5,), dtype="int32")
    return keras.Model(x, L.Embedding(11, 7)(x)), RNG.integers(0, 11, (4, 5)).astype("int32")


def reversible(tie_weights):
    x = keras.Input((5,), dtype="int32")
    layer = L.ReversibleEmbedding(11, 7, tie_weights=tie_weights)
    return keras.Model(x, layer(layer(x), reverse=True)), RNG.integers(0, 11, (4, 5)).astype("int32")


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


MODELS = {
    "Dense": dense,
    "EinsumDense": einsum,
    "MultiHeadAttention": attention,
    "Embedding": embedding,
    "ReversibleEmbedding tied": lambda: reversible(True),
    "ReversibleEmbedding": lambda: reversible(False),
}
# Without quantizers for inputs, whose rounding is not part of the weights.
CONFIGS = {
    "int8": lambda q: q.Int8QuantizationConfig(activation_quantizer=None),
    "int4 by channel": lambda q: q.Int4QuantizationConfig(block_size=-1, activation_quantizer=None),
    "int4 in groups": lambda q: q.Int4QuantizationConfig(block_size=3, activation_quantizer=None),
}


@torch.no_grad()
def assert_equal_outputs(model, inputs, path, atol=2e-6):
    model.save(path)
    result, expected = load_model(path)(torch.from_numpy(inputs)), np.asarray(model(inputs))
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("mode", CONFIGS)
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_those_of_the_dequantized_kernels(name, mode, tmp_path):
    keras.utils.set_random_seed(0)
    model, inputs = MODELS[name]()
    exact = np.asarray(model(inputs))
    model.quantize(config=CONFIGS[mode](keras.quantizers))
    assert np.abs(np.asarray(model(inputs)) - exact).max() > 1e-5
    assert_equal_outputs(model, inputs, tmp_path / "m.keras")


@torch.no_grad()
def test_float8_files_hold_the_whole_kernel(tmp_path):
    model, inputs = dense()
    exact = np.asarray(model(inputs))
    model.quantize("float8")
    model.save(tmp_path / "m.keras")
    result = load_model(tmp_path / "m.keras")(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("policy", ["gptq/4/3", "gptq/8/-1", "gptq/3/4", "awq/4/3", "awq/4/-1"])
@pytest.mark.parametrize("kind", ["dense", "einsum"])
def test_calibrated_kernels_are_dequantized(kind, policy, tmp_path):
    model, layer = calibrated(kind, policy)
    # Keras 3.14 and 3.15 leave it out, and can't load what they saved.
    layer._get_kernel_with_merged_lora = lambda: (None, None, layer.kernel_zero)
    assert_equal_outputs(model, floats(4, 7), tmp_path / "m.keras", atol=1e-5)


def test_refuses_calibrated_kernels_without_zero_points(tmp_path):
    calibrated("dense", "gptq/4/3")[0].save(tmp_path / "m.keras")
    with pytest.raises(FileError, match="without its zero points"):
        load_model(tmp_path / "m.keras")


def calibrated(kind, policy):
    """Return a model of one layer whose kernel is random bytes, and the layer."""
    x, dtype = keras.Input((7,)), f"{policy}_from_float32"
    equation = ("ab,bcd->acd", (2, 3), None, "d")
    layer = L.Dense(5, dtype=dtype) if kind == "dense" else L.EinsumDense(*equation, dtype=dtype)
    model = keras.Model(x, layer(x))
    mode, bits, group = policy.split("/")
    for variable in layer.weights:
        if variable.dtype == "uint8":
            # Bytes of two numbers of 4 bits, or one number for each.
            high = 256 if variable.path.endswith("kernel") and bits == "4" else 2 ** int(bits)
            variable.assign(RNG.integers(0, high, variable.shape))
        elif variable.path.endswith("g_idx"):
            variable.assign(np.arange(7) // (7 if group == "-1" else int(group)))
        else:
            variable.assign(RNG.uniform(0.05, 0.2, variable.shape))
    setattr(layer, f"is_{mode}_calibrated", True)
    return model, layer


def test_lora_is_merged(tmp_path):
    x = keras.Input((7,))
    layer = L.Dense(5, bias_initializer="normal")
    model = keras.Model(x, layer(x))
    layer.enable_lora(2, lora_alpha=3)
    layer.lora_kernel_b.assign(floats(2, 5))
    assert_equal_outputs(model, floats(4, 7), tmp_path / "m.keras")


def test_lora_that_was_read_can_be_trained_further(tmp_path):
    x = keras.Input((7,))
    layer = L.Dense(5, lora_rank=2)
    keras.Model(x, layer(x)).save(tmp_path / "m.keras")
    model = load_model(tmp_path / "m.keras")
    model(torch.from_numpy(floats(4, 7))).square().sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert set(gradients) == {f"{layer.name}.{name}" for name in ("lora_a", "lora_b", "bias")}
    assert any(g.abs().sum() > 0 for name, g in gradients.items() if "lora" in name)


def test_policies_become_those_that_they_came_from():
    policy = {"module": "keras", "registered_name": None}
    quantized = {**policy, "class_name": "QuantizedDTypePolicy"}
    quantized["config"] = {"mode": "int8", "source_name": "mixed_bfloat16"}
    plain = {**policy, "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
    named = {**policy, "class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_mixed_bfloat16"}}
    mapped = {**policy, "class_name": "DTypePolicyMap", "config": {"default_policy": quantized, "policy_map": {}}}
    for given in (quantized, named, mapped):
        assert plain_config({"config": {"layers": [{"dtype": given}]}}) == {"config": {"layers": [{"dtype": plain}]}}
    assert plain_config({"dtype": "int8_from_float32"}) == {"dtype": "float32"}
    assert plain_config({"config": {"quantization_config": {"a": 1}}}) == {"config": {"quantization_config": None}}


@pytest.mark.parametrize("name", ["Dense", "EinsumDense", "Embedding"])
@pytest.mark.parametrize("mode", ["int8", "int4 in groups"])
def test_refuses_arrays_that_do_not_fit(name, mode, tmp_path):
    h5py = pytest.importorskip("h5py")
    model, _ = MODELS[name]()
    model.quantize(config=CONFIGS[mode](keras.quantizers))
    model.save(tmp_path / "m.keras")
    plain = load_model(tmp_path / "m.keras")
    before = plain.get_weights()
    changes = [
        (-1, lambda array: np.ones(13, "float32"), r"shape \(13,\)"),
        (0, lambda array: array.astype("float32") + 1, "float32|no weight of the model is kept there"),
        (-1, lambda array: array - 1e3 if mode == "int4 in groups" else array.astype("S4"), "numbers|holds object"),
    ]
    for number, (place, change, said) in enumerate(changes):
        path = tmp_path / f"{number}.weights.h5"
        model.save_weights(path)
        with h5py.File(path, "a") as file:
            group = next(iter(group for key, group in file["layers"].items() if "0" in group["vars"]))["vars"]
            last = str(len(group) - 1 if place else 0)
            changed = change(group[last][()])
            del group[last]
            group[last] = changed
        with pytest.raises(FileError, match=said):
            plain.load_weights(path)
    for one, other in zip(plain.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
