"""Faults of the normalization layers."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.faults.planting import Fault, instead, then

_HERE = "torch_layers.layers.normalization"
_BATCH = f"{_HERE}.batch_normalization.BatchNormalization"
_LAYER = f"{_HERE}.layer_normalization.LayerNormalization"
_GROUP = f"{_HERE}.group_normalization.GroupNormalization"
_RMS = f"{_HERE}.rms_normalization.RMSNormalization"
_SPECTRAL = f"{_HERE}.spectral_normalization"


def _with(name: str, value: Any) -> Any:
    """Call a method of a layer whose attribute has another value meanwhile."""

    def replacement(correct: Any) -> Any:
        def faulty(self: Any, *args: Any, **kwargs: Any) -> Any:
            kept = getattr(self, name)
            object.__setattr__(self, name, value(kept) if callable(value) else value)
            try:
                return correct(self, *args, **kwargs)
            finally:
                object.__setattr__(self, name, kept)

        return faulty

    return replacement


def _unbiased(move: Any) -> Any:
    return lambda self, name, value, momentum, share=1.0: move(self, name, value, momentum)


def _reversed(move: Any) -> Any:
    return lambda self, name, value, momentum, share=1.0: move(self, name, value, 1 - momentum, share)


def _interleaved(forward: Any) -> Any:
    def faulty(self: Any, x: Any) -> Any:
        axis, groups = self._axis, self.groups
        size = x.shape[axis]
        order = torch.arange(size).view(groups, size // groups).t().flatten()
        return forward(self, x.index_select(axis, order)).index_select(axis, order.argsort())

    return faulty


FAULTS = [
    Fault("unbiased variance in the moving statistics", f"{_BATCH}._move", "BatchNormalization", "semantics", _unbiased),
    Fault("momentum taken for the share of the new", f"{_BATCH}._move", "BatchNormalization", "semantics", _reversed),
    Fault("epsilon of torch in BatchNormalization", f"{_BATCH}.forward", "BatchNormalization", "semantics",
          _with("epsilon", 1e-5)),
    Fault("mask of BatchNormalization ignored", f"{_BATCH}.forward", "BatchNormalization", "semantics",
          lambda forward: lambda self, x, mask=None: forward(self, x)),
    Fault("mask counted exactly", f"{_HERE}.statistics._EPSILON", "BatchNormalization", "semantics", instead(0.0)),
    Fault("eval takes the batch's statistics", f"{_BATCH}.forward", "BatchNormalization", "semantics",
          _with("training", True)),
    Fault("training takes the moving statistics", f"{_BATCH}.forward", "BatchNormalization", "semantics",
          _with("training", False)),
    Fault("trainable=False trains all the same", f"{_BATCH}.forward", "BatchNormalization", "semantics",
          _with("_trainable", True)),
    Fault("axis of BatchNormalization is the last", f"{_BATCH}.forward", "BatchNormalization", "",
          lambda forward: lambda self, x, mask=None: _with("_axis", x.ndim - 1)(forward)(self, x, mask)),
    Fault("statistics take no gradient", f"{_HERE}.batch_normalization.moments", "BatchNormalization",
          "semantics of gradients", then(lambda both: tuple(m.detach() for m in both))),
    Fault("renorm without its shift", f"{_BATCH}._corrections", "BatchNormalization", "semantics",
          then(lambda both: (both[0], torch.zeros_like(both[1])))),
    Fault("clipping of renorm ignored", f"{_BATCH}._corrections", "BatchNormalization", "semantics",
          _with("renorm_clipping", None)),
    Fault("statistics of half precision in half precision", f"{_HERE}.batch_normalization.wide", "BatchNormalization",
          "", instead(lambda x: x)),
    Fault("epsilon of torch in LayerNormalization", f"{_LAYER}.forward", "LayerNormalization", "semantics",
          _with("epsilon", 1e-5)),
    Fault("bias of LayerNormalization forgotten", f"{_LAYER}.forward", "LayerNormalization", "semantics",
          _with("bias", None)),
    Fault("weights laid out by their axes", f"{_LAYER}.forward", "LayerNormalization", "semantics",
          lambda forward: lambda self, x: forward(self, x) if self._as_they_are or self.weight is None
          else _with("weight", lambda w: w.permute(*reversed(range(w.ndim))))(forward)(self, x)),
    Fault("input of LayerNormalization rounded first", f"{_LAYER}.forward", "LayerNormalization", "",
          lambda forward: lambda self, x: forward(self, x.to(torch.bfloat16).to(x.dtype))),
    Fault("groups interleaved", f"{_GROUP}.forward", "GroupNormalization", "semantics", _interleaved),
    Fault("all channels in one group", f"{_GROUP}.forward", "GroupNormalization", "semantics", _with("groups", 1)),
    Fault("scale of GroupNormalization ignored", f"{_GROUP}.forward", "GroupNormalization", "semantics",
          _with("weight", None)),
    Fault("mean taken off in RMSNormalization", f"{_RMS}.forward", "RMSNormalization", "semantics",
          lambda forward: lambda self, x: forward(self, (x.double() - x.double().mean(-1, keepdim=True)).to(x.dtype))),
    Fault("epsilon 1e-3 in RMSNormalization", f"{_RMS}.forward", "RMSNormalization", "semantics", _with("epsilon", 1e-3)),
    Fault("scale of RMSNormalization along its axis", f"{_RMS}.forward", "RMSNormalization", "",
          lambda forward: lambda self, x: forward(self, x) if self.axis != [1] else _with("weight", lambda w: (
              w.unsqueeze(-1)))(forward)(self, x)),
    Fault("kernel divided by its Frobenius norm", f"{_SPECTRAL}.SpectralNormalization._normalize",
          "SpectralNormalization", "semantics",
          instead(lambda self: self.layer.weight.data.div_(self.layer.weight.data.norm()))),
    Fault("kernel not divided", f"{_SPECTRAL}.SpectralNormalization._normalize", "SpectralNormalization", "semantics",
          instead(lambda self: None)),
    Fault("one power iteration whatever is asked", f"{_SPECTRAL}.SpectralNormalization._normalize",
          "SpectralNormalization", "semantics", _with("power_iterations", 1)),
    Fault("UnitNormalization by the sum", f"{_HERE}.unit_normalization.UnitNormalization.forward", "UnitNormalization",
          "semantics", instead(lambda self, x: x / x.abs().sum(self.axis, keepdim=True))),
]  # fmt: skip
