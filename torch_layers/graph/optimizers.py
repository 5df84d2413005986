"""Optimizers as Keras names and describes them, made with torch's.

Source: keras/src/optimizers, 3.15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from torch_layers.registry import nearest, snake_case

_BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
# Keras's name -> torch's optimizer, and Keras's defaults where they are arguments of both.
_OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
    "rmsprop": (torch.optim.RMSprop, {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}),
    "adam": (torch.optim.Adam, {**_BETAS, "amsgrad": False}),
    "adamw": (torch.optim.AdamW, {**_BETAS, "weight_decay": 0.004, "amsgrad": False}),
    "adamax": (torch.optim.Adamax, _BETAS),
    "nadam": (torch.optim.NAdam, _BETAS),
    "adagrad": (torch.optim.Adagrad, {"initial_accumulator_value": 0.1, "epsilon": 1e-7}),
    "adadelta": (torch.optim.Adadelta, {"rho": 0.95, "epsilon": 1e-7}),
}
_TORCH_NAMES = {"learning_rate": "lr", "epsilon": "eps"}
# Arguments that change nothing at these values.
_NEUTRAL = {
    "name": ...,
    "ema_momentum": ...,
    "ema_overwrite_frequency": ...,
    "use_ema": False,
    "weight_decay": None,
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor", "gradient_accumulation_steps")),
}


def make_optimizer(optimizer: Any, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer | None:
    """Return the torch optimizer that a name or config of Keras's, a class or a function of the parameters stands for.

    An optimizer comes back as it is. By name, the defaults are Keras's. Torch's own formulas remain: where they put
    epsilon differs from Keras in Adam, RMSprop, NAdam and Adamax.

    Raises: ValueError for an unknown name, or for an argument of Keras's that torch has nothing for.
    """
    if optimizer is None or isinstance(optimizer, torch.optim.Optimizer):
        return optimizer
    trained = list(parameters)
    if callable(optimizer):
        return optimizer(trained)  # type: ignore[no-any-return]
    config = dict(optimizer.get("config") or {}) if isinstance(optimizer, Mapping) else {}
    name = snake_case(optimizer["class_name"]) if isinstance(optimizer, Mapping) else str(optimizer).lower()
    name = {"adam_w": "adamw", "rms_prop": "rmsprop"}.get(name, name)
    if name not in _OPTIMIZERS:
        raise ValueError(
            f"compile: optimizer={optimizer!r} is not one of {tuple(_OPTIMIZERS)}{nearest(name, [*_OPTIMIZERS])}"
        )
    cls, defaults = _OPTIMIZERS[name]
    if name == "adam" and config.get("weight_decay") is not None:
        cls, defaults = torch.optim.AdamW, {**defaults, "weight_decay": 0.0}  # Keras's decay is AdamW's, everywhere
    arguments = {"learning_rate": 0.001, **defaults}
    for key, value in config.items():
        if key in arguments and isinstance(value, (int, float)):
            arguments[key] = value
        elif key not in _NEUTRAL or _NEUTRAL[key] not in (..., value):
            raise ValueError(f"compile: the optimizer {name!r} with {key}={value!r} has no counterpart in torch")
    if "beta_1" in arguments:
        arguments["betas"] = arguments.pop("beta_1"), arguments.pop("beta_2")
    if "rho" in arguments:
        arguments["rho" if name == "adadelta" else "alpha"] = arguments.pop("rho")
    made = {_TORCH_NAMES.get(key, key): value for key, value in arguments.items()}
    return cls(trained, **made) if trained else None
