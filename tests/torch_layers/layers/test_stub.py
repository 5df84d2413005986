"""`torch_layers/layers/__init__.pyi` tells type checkers and editors the layers, which the package itself finds at run time.

After a new layer: `python tests/torch_layers/layers/test_stub.py` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import torch_layers.layers

STUB = Path(torch_layers.layers.__file__).with_suffix(".pyi")


def stub() -> str:
    """Return what the stub should hold."""
    public = {name: getattr(torch_layers.layers, name) for name in torch_layers.layers.__all__}
    imports = sorted(
        {f"from {thing.__module__} import {thing.__name__} as {thing.__name__}" for thing in public.values()}
    )
    aliases = [f"{name} = {thing.__name__}" for name, thing in public.items() if thing.__name__ != name]
    listed = [f'    "{name}",' for name in public]
    return "\n".join([*imports, "", *aliases, "", "__all__ = [", *listed, "]", ""])


def test_the_stub_names_every_layer() -> None:
    assert STUB.read_text() == stub(), "write it anew: python tests/torch_layers/layers/test_stub.py"


if __name__ == "__main__":
    STUB.write_text(stub())
