"""Where no gradient is asked for, uneven padding goes another way: it must lead to the same place."""

from __future__ import annotations

import pytest
import torch

from parity import draw
from parity.cases import convolution
from parity.sides.torch_layers import TorchLayers

SIDE = TorchLayers()
CASES = {case.id: case for case in convolution.CASES if not case.raises and case.dtype == "float32"}


@pytest.mark.parametrize("id", CASES)
def test_outputs_are_the_same_without_gradients(id):
    case = CASES[id]
    layer = SIDE.make(case, case, "float64")
    (args, _), _ = SIDE._inputs([draw.inputs(case, "float64"), {}])
    expected = layer(*args)
    with torch.no_grad():
        found = layer(*args)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-12, atol=1e-12)
    assert found.is_contiguous() == expected.is_contiguous()
