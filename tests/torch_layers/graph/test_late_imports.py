"""What torch imports to compile is not imported to draw a model, and whoever asks for it then gets the real thing."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys

import pytest

import torch_layers as tl
from torch_layers.graph import late_imports

MODEL = """
import sys, torch
import torch_layers as tl
def model():
    x = tl.Input((6, 6, 3))
    y = tl.BatchNormalization()(tl.Conv2D(4, 3, activation="relu")(x))
    y = tl.MaxPooling2D()(tl.LeakyReLU()(y) + tl.Conv2DTranspose(4, 1, activation="elu")(y))
    y = tl.LSTM(5, return_sequences=True)(tl.Reshape((-1, 4))(y))
    y = tl.Concatenate()([y, tl.LayerNormalization()(y) * 2, torch.clamp(y, -1, 1) ** 2])
    return tl.Model(x, tl.Dense(3, activation="softmax")(tl.MultiHeadAttention(2, 3)(y, y)))
there = lambda: [name for name in ("torch._dynamo", "sympy", "torch.fx.experimental.symbolic_shapes") if name in sys.modules]
"""


# To import torch takes longer than most of what is run here: each code runs in a copy of one process, which has it. To
# collect garbage while modules are imported, and to take all of torch apart at the end, would take as long again.
COPIES = """
import gc, json, os, tempfile, traceback
gc.disable()
for line in sys.stdin:
    with tempfile.TemporaryFile() as file:
        copy = os.fork()
        if not copy:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            status = 1
            try:
                exec(json.loads(line))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(copy, 0)
        file.seek(0)
        print(json.dumps([status, file.read().decode()]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def run_python():
    """Run code in a process of its own, where torch and torch_layers were imported, and return what it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", MODEL + COPIES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # a process that has threads is not to be copied
    ) as process:

        def run(code: str) -> str:
            print(json.dumps(code), file=process.stdin, flush=True)
            status, said = json.loads(process.stdout.readline())
            assert status == 0, said
            return said.strip()

        yield run


def test_a_model_is_drawn_without_the_compiler(run_python):
    assert run_python("m = model().eval(); print(there(), tuple(m(torch.zeros(2, 6, 6, 3)).shape))") == "[] (2, 4, 3)"


def test_what_is_drawn_without_the_compiler_is_compiled_later(run_python):
    code = """
m = model().eval()
x = torch.randn(2, 6, 6, 3)
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
def test_a_layer_that_asks_for_them_meanwhile_gets_the_real_ones(run_python, asked):
    code = f"""
def function(x):
    {asked}
    return torch.relu(x) + 1
x = tl.Input((3,))
m = tl.Model(x, tl.Lambda(function)(tl.ReLU()(x)))
print(m(torch.zeros(1, 3)).tolist(), model().output_shape)
"""
    assert run_python(code) == "[[1.0, 1.0, 1.0]] (None, 4, 3)"


def test_an_error_is_torch_s_own(run_python):
    code = """
try:
    tl.Input((4,)) + tl.Input((3,))
except ValueError as error:
    print(error)
"""
    said = run_python(code)
    assert "not possible for shapes" in said
    importlib.import_module("torch._dynamo")  # with it comes all that could be stood in for
    with pytest.raises(ValueError, match="shapes") as real:
        tl.Input((4,)) + tl.Input((3,))
    assert said == str(real.value)


def test_an_interrupt_leaves_nothing_in_place(run_python):
    code = """
def function(x):
    raise KeyboardInterrupt
try:
    tl.Lambda(function)(tl.Input((3,)))
except KeyboardInterrupt:
    print(there(), model().output_shape)
"""
    assert run_python(code) == "[] (None, 4, 3)"


def test_other_threads_see_the_real_ones_only(run_python):
    code = """
import threading
done = threading.Event()
threading.Thread(target=done.wait).start()
m = model().eval()
print(there(), all(sys.modules[name].__file__ for name in there()), tuple(m(torch.zeros(2, 6, 6, 3)).shape))
done.set()
"""
    expected = "['torch._dynamo', 'sympy', 'torch.fx.experimental.symbolic_shapes'] True (2, 4, 3)"
    assert run_python(code) == expected


def test_whoever_keeps_a_stand_in_gets_the_real_ones_from_it_later(run_python):
    code = """
kept = {}
def function(x):
    kept.update({name: sys.modules[name] for name in there()})
    return x
tl.Lambda(function)(tl.Input((3,)))
assert not there() and len(kept) == 3
def asks(asker, what):
    return eval(what, {"__name__": asker, "kept": kept})
import torch._dynamo, sympy
from torch.fx.experimental import symbolic_shapes
assert asks("torch._compile", "kept['torch._dynamo'].disable") is torch._dynamo.disable
assert asks("torch._prims_common", "kept['sympy'].Basic") is sympy.Basic
shape = symbolic_shapes.ShapeEnv().create_unbacked_symint()
assert kept["torch.fx.experimental.symbolic_shapes"].sym_eq(shape, shape) == symbolic_shapes.sym_eq(shape, shape)
print("all")
"""
    assert run_python(code) == "all"


VALUES = (
    *(True, False, 0, 1, 3, 1.5, None, "text"),
    *((), [], (2, 3), [2, 3], (3, 2), [2], (2, True), (1,), [True], ((2,), 3), [[2], 3]),
)


@pytest.mark.filterwarnings("ignore:guard_size_oblivious will be removed:FutureWarning")
@pytest.mark.parametrize("name", late_imports.OF_PLAIN)
def test_answers_are_those_of_torch(name):
    from torch.fx.experimental import symbolic_shapes

    real = getattr(symbolic_shapes, name, None)
    if real is None:
        pytest.skip(f"this version of torch has no {name}")
    takes = {"sym_and": 3, "sym_or": 3, "sym_eq": 2}.get(name, 1)
    said = 0
    for values in itertools.product(VALUES, repeat=takes):
        found = late_imports.OF_PLAIN[name](*values)
        if found is NotImplemented:
            continue
        expected = real(*values)
        assert found == expected
        assert type(found) is type(expected)
        said += 1
    assert said >= 2
