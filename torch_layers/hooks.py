"""Whether a module's call is more than its `forward`."""

from __future__ import annotations

from torch import nn
from torch._C import _get_tracing_state
from torch.nn.modules.module import (
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_forward_hooks,
    _global_forward_pre_hooks,
)


def is_watched(module: nn.Module) -> bool:
    """Tell whether nn.Module's `__call__` would do anything but call `forward`, which takes half of its time."""
    return bool(
        module._compiled_call_impl is not None
        or type(module)._call_impl is not nn.Module._call_impl
        or module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or _global_forward_hooks
        or _global_forward_pre_hooks
        or _global_backward_hooks
        or _global_backward_pre_hooks
        or _get_tracing_state()
    )
