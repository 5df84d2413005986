"""Recording the call of a layer: it is built, run on the meta device for its shapes, and given the masks it takes."""

from __future__ import annotations

import inspect
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torch_layers.graph.meta_device import MetaDevice
from torch_layers.graph.symbols import Call, Symbol, constant, finish, flatten, map_structure, symbols_in
from torch_layers.layers.base import Layer


def record_layer(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record the call of a layer with symbolic tensors, and return its symbols, which carry the masks of its output.

    Raises: ValueError if the layer can't take inputs of these shapes.
    """
    call = Call("module", layer, map_structure(constant, args), map_structure(constant, kwargs))
    bound = _bind(layer, call)
    call.masks = _masks_taken(bound, hanging_of if len(call.args) != 1 or call.kwargs else _lone_mask_of)
    layer.prepare(call.args, call.kwargs)
    outputs = finish(call, partial(_run_on_meta, layer, layer), (call.args, {**call.kwargs, **call.masks}))
    if not symbols_in(outputs):
        raise ValueError(f"{type(layer).__name__}: {layer.name!r} returns no tensor, but {outputs!r}")
    layer._calls = [known for known in layer._calls if known() is not None] + [weakref.ref(call)]
    _give_masks(layer, bound, call)
    if getattr(layer, "takes_masks_off", False):
        for symbol in call.sources():
            symbol.hanging = None
    return outputs


# --- masks ----------------------------------------------------------------------------------------------------------


def _bind(layer: Any, call: Call) -> dict[str, Any]:
    """Return the arguments of a call under the names that the layer's `forward` gives them."""
    signature = getattr(layer, "call_signature", None) or _signature(type(layer).forward)
    try:
        bound = signature.bind(*call.args, **call.kwargs)
    except TypeError as error:
        raise TypeError(f"{type(layer).__name__}: {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


@cache
def _signature(forward: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(forward)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def mask_of(value: Any) -> Symbol | None:
    """Return the mask of a symbol; None for anything else."""
    return value.mask if isinstance(value, Symbol) else None


def hanging_of(value: Any) -> Symbol | None:
    """Return the mask that hangs on a symbol when Keras's model runs; None for anything else."""
    return value.hanging if isinstance(value, Symbol) else None


def _lone_mask_of(value: Any) -> Any:
    """Return the mask that a layer takes that is called with one tensor and nothing else.

    Keras notes it in the model's graph. Other calls find what hangs on their tensors when the model runs.
    """
    own = mask_of(value)
    return hanging_of(value) if own is None else own


def _masks_taken(bound: dict[str, Any], of: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the mask arguments to fill in: `mask` for a lone tensor (or nest), `x_mask` for each `x` of several.

    As in Keras, a layer that takes one `mask`, but is called with more tensors, such as initial states, gets none.
    """
    tensors = {name: value for name, value in bound.items() if _is_tensors(value)}
    if len(tensors) == 1:
        wanted = dict.fromkeys(["mask"], *tensors.values()) if "mask" in bound else {}
    else:
        wanted = {f"{name}_mask": value for name, value in tensors.items() if f"{name}_mask" in bound}
    masks = {name: map_structure(of, value) for name, value in wanted.items() if bound[name] is None}
    return {name: mask for name, mask in masks.items() if symbols_in(mask)}


def _is_tensors(value: Any) -> bool:
    leaves = flatten(value) if isinstance(value, (list, tuple, dict)) else [value]
    tensors = [isinstance(leaf, (Symbol, Tensor)) for leaf in leaves]
    return any(tensors) and all(is_tensor or leaf is None for is_tensor, leaf in zip(tensors, leaves, strict=True))


def _give_masks(layer: Any, bound: dict[str, Any], call: Call) -> None:
    """Give the outputs of a call their masks, by a recorded call of `compute_mask` unless it just hands masks on."""
    inputs = next(iter(bound.values()))
    explicit = bound.get("mask")
    mask = _some(map_structure(mask_of, inputs) if explicit is None else explicit)
    taken = call.masks.get("mask", explicit)
    hanging = _some(map_structure(hanging_of, inputs) if taken is None else taken)
    hands_on = type(layer).compute_mask is Layer.compute_mask
    # A layer may say of itself whether it supports masks; to define `compute_mask` says so too, as in Keras.
    if not vars(layer).get("supports_masking", layer.supports_masking or not hands_on):
        if mask is not None:
            warnings.warn(
                f"{type(layer).__name__}: {layer.name!r} does not support masking: the mask of its input ends here",
                stacklevel=2,
            )
        return
    masks = mask if hands_on else _record_mask(layer, inputs, mask)
    same = all(a is b for a, b in zip(flatten(mask), flatten(hanging), strict=False)) and (mask is None) == (
        hanging is None
    )
    of_run = masks if same else hanging if hands_on else _record_mask(layer, inputs, hanging)
    for output, own, at_run in zip_longest(flatten(call.outputs), flatten(masks), flatten(of_run)):
        if isinstance(output, Symbol):
            output.mask = own if isinstance(own, Symbol) else None
            output.hanging = at_run if isinstance(at_run, Symbol) else None


def _some(mask: Any) -> Any:
    """Return a structure of masks, or None if it holds none."""
    return mask if any(leaf is not None for leaf in flatten(mask)) else None


def _record_mask(layer: Any, inputs: Any, mask: Any) -> Any:
    call = Call("mask", layer, (inputs, mask))
    masks = finish(call, partial(_run_on_meta, layer, layer.compute_mask), (call.args, {}))
    # A mask that is handed on as it came, as by recurrent layers, is no new one.
    given = {id(symbol.samples[0]): symbol for symbol in symbols_in(mask)}
    return map_structure(
        lambda found: given.get(id(found.samples[0]), found) if isinstance(found, Symbol) else found, masks
    )


# --- shapes ---------------------------------------------------------------------------------------------------------


def _run_on_meta(layer: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a layer, or a method of it, on meta tensors, with meta tensors for the layer's weights.

    A layer of layers builds those inside while it runs, for real: it is run again until none is left to build.
    """
    while True:
        modules = list(layer.modules())
        unbuilt = [module for module in modules if isinstance(module, Layer) and not module.built]
        try:
            with _weights_on_meta(modules), _built_for_real(unbuilt), _without_traces(modules), MetaDevice():
                return function(*args, **kwargs)
        except Exception:
            if all(not module.built for module in unbuilt):
                raise


@contextmanager
def _weights_on_meta(modules: list[nn.Module]) -> Iterator[None]:
    """Put meta tensors in the place of weights, and these back.

    As `torch.func.functional_call` does, which takes four times as long.
    """
    stores: list[dict[str, Any]] = [store for module in modules for store in (module._parameters, module._buffers)]
    weights = [
        (store, name, tensor)
        for store in stores
        for name, tensor in store.items()
        if tensor is not None and not is_lazy(tensor)
    ]
    try:
        for store, name, tensor in weights:
            store[name] = tensor.detach().to("meta")
        yield
    finally:
        for store, name, tensor in weights:
            store[name] = tensor


@contextmanager
def _built_for_real(layers: list[Any]) -> Iterator[None]:
    """Let layers that are built inside build on the device that is in force here, and for any batch size."""
    if not layers:
        yield
        return
    device = torch.get_default_device()

    def build(layer: Any, shape: Any) -> None:
        with torch.device(device):
            type(layer)._build_now(layer, (None, *shape[1:]) if isinstance(shape, tuple) else shape)

    for layer in layers:
        layer._build_now = partial(build, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer._build_now


@contextmanager
def _without_traces(modules: list[nn.Module]) -> Iterator[None]:
    """Run modules in inference mode, and leave their mode and their activity losses as they were."""
    # Through the dicts of attributes: torch's own way takes as long as a small layer.
    kept = [(vars(module), module.training, vars(module).get("_activity_losses")) for module in modules]
    try:
        for attributes, _, _ in kept:
            attributes["training"] = False
        yield
    finally:
        for attributes, mode, losses in kept:
            attributes["training"] = mode
            if losses is not None:
                attributes["_activity_losses"] = losses
