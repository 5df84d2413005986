"""Devices that exist only in name: tensors on them have shapes and dtypes but no data, and refuse every CPU tensor.

Fake CUDA tensors run forward; in a CPU build of torch autograd aborts on them, for want of CUDA's device guard. So backward
runs on a fake accelerator, which torch lets a Python backend pose as, and, in a CUDA build, on fake CUDA too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils import _pytree as pytree
from torch.utils import backend_registration

DEVICES = ("meta", "cuda", "pretended")


class _Pretended(backend_registration._DummyBackendModule):
    """What `torch.random.fork_rng` asks of every accelerator that is there."""

    def get_rng_state(self, device: int) -> Tensor:
        return torch.empty(0)

    def set_rng_state(self, state: Tensor, device: int) -> None:
        pass


# At import, which conftest.py sees to: autograd counts the devices at its first backward.
backend_registration._setup_privateuseone_for_python_backend("pretended", _Pretended())


@contextmanager
def on(device: str) -> Iterator[Callable[[Any], Any]]:
    """Give a function that makes tensors of a nested structure anew on `device`, where backward works if it can."""
    with_gradients = device != "cuda" or torch.version.cuda is not None

    def moved(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        new = torch.empty(x.shape, dtype=x.dtype, device=device)
        return new.requires_grad_(with_gradients and x.is_floating_point())

    with FakeTensorMode() if device != "meta" else torch.device("meta"):
        yield lambda nested: pytree.tree_map(moved, nested)


def run_on(device: str, module: nn.Module, *args: Any, **kwargs: Any) -> None:
    """Run a module forward and backward on a device without data; raise if anything is left on another device."""
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    with on(device) as moved:
        state, args, kwargs = moved(state), moved(args), moved(kwargs)
        outputs = [
            y
            for y in pytree.tree_leaves(torch.func.functional_call(module, state, args, kwargs))
            if isinstance(y, Tensor)
        ]
        assert outputs
        assert {y.device.type for y in outputs} == {device}
        differentiable = [y for y in outputs if y.requires_grad]
        if differentiable:
            sum(y.sum() for y in differentiable).backward()
            leaves = [x for x in pytree.tree_leaves((state, args, kwargs)) if isinstance(x, Tensor)]
            assert {x.grad.device.type for x in leaves if x.grad is not None} == {device}
