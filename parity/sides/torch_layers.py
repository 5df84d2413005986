"""torch_layers as a side, on any torch device."""

from __future__ import annotations

import contextlib
import inspect
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import torch_layers
from parity import draw, transfer
from parity.case import Case, Object
from parity.record import Record, Value
from parity.sides.base import MissingSide, Side, leaves, machine, numbered, of_tensor, rebuilt
from parity.sides.files import rewrite
from parity.trips import made_of
from torch_layers.layers.weighted import Weighted


def torch_device(name: str) -> torch.device:
    """Return the device that `name` ("cpu", "cuda", "cuda:1", "auto") asks for.

    Raises: MissingSide if it is CUDA and there is none; ValueError for any other name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise ValueError(f"device {name!r} is not one of 'cpu', 'cuda', 'cuda:N', 'auto'")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise MissingSide(
                f"device {name!r} was asked for, but torch {torch.__version__} sees no CUDA GPU here; on a machine with "
                "one, install torch's CUDA build: pip install torch"
            )
        if index and int(index) >= torch.cuda.device_count():
            raise MissingSide(f"device {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices")
        # TF32 would round products to 10 bits and drown what is compared.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def gradients(outputs: list[Tensor], sources: list[Tensor], case: Case) -> list[Value]:
    """Pull the case's cotangents back through `outputs` to `sources`; no connection is a gradient of zeros."""
    floating = [(i, y) for i, y in enumerate(outputs) if y.is_floating_point()]
    cotangents = [
        torch.from_numpy(np.asarray(draw.cotangent(case, i, y.shape, _name(y)), dtype=np.float64)).to(y)
        for i, y in floating
    ]
    connected = [(y, c) for (_, y), c in zip(floating, cotangents, strict=True) if y.requires_grad]
    if not connected:
        return [of_tensor(torch.zeros_like(source)) for source in sources]
    grads = torch.autograd.grad(
        [y for y, _ in connected], sources, [c for _, c in connected], allow_unused=True, materialize_grads=True
    )
    return [of_tensor(grad.to_dense() if grad.is_sparse else grad) for grad in grads]


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


class TorchLayers(Side):
    """torch_layers, on `device`."""

    name = "torch_layers"

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch_device(device)
        self.device = str(self._device)

    def environment(self) -> dict[str, str]:
        device = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else "cpu"
        return {
            "side": self.name,
            "framework": f"torch_layers {torch_layers.__version__}",
            "torch": torch.__version__,
            "device": device,
            "threads": str(torch.get_num_threads()),
            "tf32": str(torch.backends.cuda.matmul.allow_tf32),
            **({"omp": os.environ["OMP_NUM_THREADS"]} if "OMP_NUM_THREADS" in os.environ else {}),
            **machine(),
        }

    def run(self, case: Case, policy: str) -> dict[str, Value]:
        # Random initializers and layers without a seed: a case is the same whatever ran before it.
        # Not torch.manual_seed, which for each kind of device that isn't there writes down the whole stack, each time.
        seed = case.seed("torch") % 2**63
        torch.default_generator.manual_seed(seed)
        if self._device.type == "cuda":
            torch.cuda.manual_seed_all(seed)
        default = torch.get_default_dtype()
        # For float64 too: what it computes must not depend on torch's default.
        torch.set_default_dtype(torch.float32)
        try:
            # Each call of torch goes through what sets a device: not for the one that is torch's own.
            made_there = contextlib.nullcontext() if self.device == "cpu" else self._device
            with warnings.catch_warnings(), made_there:
                warnings.simplefilter("ignore", SyntaxWarning)
                return getattr(self, f"_run_{case.kind}", self._run_function)(case, policy)
        finally:
            torch.set_default_dtype(default)

    def make(self, spec: Case | Object, case: Case, policy: str) -> Any:
        """Make the object that a case or a part of it describes."""
        if "build" in spec.config:
            return spec.config["build"](_BUILDING, policy)
        config = draw.config(
            spec if isinstance(spec, Case) else Case(spec.name, spec.config),
            policy,
            lambda o: self.make(o, case, policy),
        )
        dtype = draw.dtype_argument(spec.kind, spec.name, policy)
        if dtype is not None:
            config.setdefault("dtype", dtype)
        return getattr(_namespace(spec.kind), spec.name)(**config)

    def _tensor(self, array: Any) -> Tensor:
        array = np.asarray(array)
        if array.dtype.name == "bfloat16":
            return torch.tensor(array.astype(np.float32), dtype=torch.bfloat16, device=self._device)
        return torch.tensor(array, device=self._device)

    def _inputs(self, nested: Any) -> tuple[Any, list[Tensor]]:
        """Return the structure as tensors, and those of them that take gradients."""
        flat = [x if x is None or isinstance(x, (str, int, float)) else self._tensor(x) for x in leaves(nested)]
        floating = [x.requires_grad_() for x in flat if isinstance(x, Tensor) and x.is_floating_point()]
        return rebuilt(nested, flat), floating

    def pairs(self, module: nn.Module) -> list[transfer.Pairing]:
        """Return how Keras's weights correspond to the module's tensors."""
        assert isinstance(module, Weighted)
        return transfer.own(module)

    def weights(self, module: nn.Module, pairs: list[transfer.Pairing], case: Case, policy: str) -> None:
        """Give the module the weights of the case."""
        named = [(pair.keras_name, pair.keras_shape, _name(pair.tensor(module))) for pair in pairs]
        transfer.send(draw.weights(case, named, policy), module, pairs)

    def _run_layer(self, case: Case, policy: str) -> dict[str, Value]:
        layer = self.make(case, case, policy)
        if isinstance(layer, nn.Module):
            layer.train(case.training)
        (args, kwargs), floating = self._inputs([draw.inputs(case, policy), draw.call(case, policy)])
        masks = draw.masks(case, policy)
        mask: Any = None
        if masks is not None:
            mask = pytree.tree_map(lambda m: None if m is None else self._tensor(m), masks[0])
            if takes_mask(layer):
                kwargs = {**kwargs, "mask": mask}
            else:  # a mask for each of several arguments, as `query_mask`
                taken = list(inspect.signature(getattr(layer, "forward", layer)).parameters)
                each = {f"{name}_mask": m for name, m in zip(taken, masks, strict=False) if m is not None}
                kwargs |= {name: self._tensor(m) for name, m in each.items() if name in taken}
        with torch.no_grad():
            layer(*args, **kwargs)
        pairs = self.pairs(layer)
        self.weights(layer, pairs, case, policy)
        inside = layer.modules() if isinstance(layer, nn.Module) else ()
        stateful: list[Any] = [inner for inner in inside if getattr(inner, "stateful", None) is True]
        for inner in stateful:
            inner.reset_state()
        outputs = [layer(*args, **kwargs) for _ in range(case.calls)]
        flat = [y for y in leaves(outputs) if isinstance(y, Tensor)]
        trained = [pair for pair in pairs if pair.tensor(layer).requires_grad]
        penalties = layer.losses if isinstance(layer, Weighted) else []
        sources = [*floating, *(pair.tensor(layer) for pair in trained)]
        grads = gradients([*flat, *penalties], sources, case)
        found = numbered("output", map(of_tensor, flat))
        found |= numbered("gradient of input", grads[: len(floating)])
        for pair, grad in zip(trained, grads[len(floating) :], strict=True):
            array = pair.layout.to_keras(grad.array, pair.keras_shape)
            found[f"gradient of weight {pair.index} ({pair.keras_name})"] = Value(
                np.array(array, order="C"), grad.dtype
            )
        found |= numbered("penalty", map(of_tensor, penalties))
        kept = (pair for pair in pairs if not isinstance(pair.tensor(layer), nn.Parameter))
        found |= numbered(
            "state", (of_tensor(pair.layout.to_keras(pair.tensor(layer), pair.keras_shape)) for pair in kept)
        )
        remembered = [leaf for inner in stateful if hasattr(inner, "cell") for leaf in leaves(inner.states)]
        found |= numbered("remembered state", map(of_tensor, remembered))
        if hasattr(layer, "compute_mask"):
            # As in Keras, a mask passed by keyword counts as the input's.
            named = inspect.signature(layer.compute_mask).parameters
            said = {key: value for key, value in kwargs.items() if key in named and key != "mask"}
            out_mask = layer.compute_mask(args[0] if args else None, kwargs.get("mask", mask), **said)
            found |= numbered("mask", (of_tensor(m) for m in leaves(out_mask) if isinstance(m, Tensor)))
        return found

    _run_model = _run_layer

    def travel(self, case: Case, files: Mapping[str, bytes], record: Record) -> None:
        rewrite(made_of(case), files, record)

    def _run_loss(self, case: Case, policy: str) -> dict[str, Value]:
        return self._call(self.make(case, case, policy), case, policy)

    def _run_function(self, case: Case, policy: str) -> dict[str, Value]:
        function = getattr(_namespace(case.kind), case.name)
        config = draw.config(case, policy, lambda o: self.make(o, case, policy))
        return self._call(lambda *args, **kwargs: function(*args, **kwargs, **config), case, policy)

    def _run_merge_function(self, case: Case, policy: str) -> dict[str, Value]:
        # What such a function doesn't name itself goes to the layer that it makes.
        function, config = getattr(torch_layers, case.name), {"dtype": policy, **case.config}
        return self._call(lambda *args, **kwargs: function(*args, **kwargs, **config), case, policy)

    def _run_regularizer(self, case: Case, policy: str) -> dict[str, Value]:
        return self._call(self.make(case, case, policy), case, policy)

    _run_constraint = _run_regularizer

    def _run_initializer(self, case: Case, policy: str) -> dict[str, Value]:
        initializer = self.make(case, case, policy)
        shape = case.inputs[0]
        return {"output 0": of_tensor(initializer(shape, dtype=getattr(torch, draw.variable_dtype(policy))))}

    def _call(self, function: Callable[..., Any], case: Case, policy: str) -> dict[str, Value]:
        (args, kwargs), floating = self._inputs([draw.inputs(case, policy), draw.call(case, policy)])
        masks = draw.masks(case, policy)
        if masks is not None:
            kwargs = {**kwargs, "mask": self._tensor(masks[0])}
        flat = [y for y in leaves(function(*args, **kwargs)) if isinstance(y, Tensor)]
        grads = gradients(flat, floating, case)
        return numbered("output", map(of_tensor, flat)) | numbered("gradient of input", grads)


class _Building:
    """What the builder of a model sees: layers, `Input`, `Model`, `Sequential`."""

    input_dtype = staticmethod(draw.compute_dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch_layers, name)


_BUILDING = _Building()


def _namespace(kind: str) -> Any:
    return {
        "layer": torch_layers,
        "model": torch_layers,
        "merge_function": torch_layers,
        "loss": torch_layers.losses,
        "loss_function": torch_layers.losses,
        "activation": torch_layers.activations,
        "initializer": torch_layers.initializers,
        "regularizer": torch_layers.regularizers,
        "constraint": torch_layers.constraints,
    }[kind]


def takes_mask(layer: Any) -> bool:
    """Tell whether a layer's `forward` takes a mask."""
    return "mask" in inspect.signature(getattr(layer, "forward", layer)).parameters
