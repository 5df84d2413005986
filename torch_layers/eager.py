"""Where operations may choose their kernels by what they are given."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad


def is_eager() -> bool:
    """Tell whether operations run at once, once: no compiler, tracer, transform or forward-mode gradient looks on.

    What these write down must hold for other tensors as well, and they know torch's own operations alone.
    """
    return not (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def is_readable(x: Tensor) -> bool:
    """Tell whether code may depend on the values of a tensor: it has some, and on the CPU nobody waits for them."""
    return is_eager() and type(x) is Tensor and x.is_cpu
