"""Lets einops's functions take symbolic tensors: what they do is recorded as reshapes, permutations and reductions."""

from __future__ import annotations

from typing import Any

from torch_layers.graph.symbols import SymbolicTensor

try:
    # Not public, but the only way in: einops asks the subclasses of its backends who knows a type.
    from einops._backends import TorchBackend
except ImportError:  # pragma: no cover
    pass
else:

    class _SymbolicBackend(TorchBackend):
        # einops looks a backend's framework up among the imported modules.
        framework_name = __name__

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, SymbolicTensor)

        def shape(self, x: Any) -> Any:
            return x.size()
