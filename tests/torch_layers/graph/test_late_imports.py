"""What torch imports to compile is not imported to draw a model, and whoever asks for it then gets the real thing."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODEL = """
import sys, torch
import torch_layers as tl
def model():
    x = tl.Input((12, 12, 3))
    y = tl.BatchNormalization()(tl.Conv2D(4, 3, activation="relu")(x))
    y = tl.MaxPooling2D()(tl.LeakyReLU()(y) + tl.Conv2DTranspose(4, 1, activation="elu")(y))
    y = tl.LSTM(5, return_sequences=True)(tl.Reshape((-1, 4))(y))
    y = tl.Concatenate()([y, tl.LayerNormalization()(y) * 2, torch.clamp(y, -1, 1) ** 2])
    return tl.Model(x, tl.Dense(3, activation="softmax")(tl.MultiHeadAttention(2, 3)(y, y)))
there = lambda: [name for name in ("torch._dynamo", "sympy", "torch.fx.experimental.symbolic_shapes") if name in sys.modules]
"""


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MODEL + code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_model_is_drawn_without_the_compiler():
    assert (
        run_python("m = model().eval(); print(there(), tuple(m(torch.zeros(2, 12, 12, 3)).shape))") == "[] (2, 25, 3)"
    )


def test_what_is_drawn_without_the_compiler_is_compiled_later():
    code = """
m = model().eval()
x = torch.randn(2, 12, 12, 3)
y = torch.compile(m, backend="aot_eager", fullgraph=True)(x)
torch.testing.assert_close(y, m(x))
print("torch._dynamo" in there(), torch.relu(torch.zeros(2, device="meta")).shape)
"""
    assert run_python(code) == "True torch.Size([2])"


@pytest.mark.parametrize(
    "asked",
    [
        "import sympy; assert sympy.Basic.__module__ == 'sympy.core.basic'",
        "from sympy import Basic, Symbol; assert isinstance(Symbol('x'), Basic)",
        "import torch._dynamo.config; assert torch._dynamo.config.recompile_limit",
        "from torch._dynamo import disable; assert disable.__module__.startswith('torch._dynamo')",
        "from torch.fx.experimental.symbolic_shapes import sym_and, ShapeEnv; assert ShapeEnv()",
    ],
)
def test_a_layer_that_asks_for_them_meanwhile_gets_the_real_ones(asked):
    code = f"""
def function(x):
    {asked}
    return torch.relu(x) + 1
x = tl.Input((3,))
m = tl.Model(x, tl.Lambda(function)(tl.ReLU()(x)))
print(m(torch.zeros(1, 3)).tolist(), model().output_shape)
"""
    assert run_python(code) == "[[1.0, 1.0, 1.0]] (None, 25, 3)"


def test_an_error_is_torch_s_own():
    code = """
try:
    tl.Input((4,)) + tl.Input((3,))
except ValueError as error:
    print(error)
"""
    said = run_python(code)
    assert "not possible for shapes" in said
    assert said == run_python(f"import torch._dynamo, sympy\n{code}")
