"""ActivityRegularization: its penalties; their numbers are in parity/cases/regularization.py."""

from __future__ import annotations

import pytest
import torch

from torch_layers import ActivityRegularization


def test_adds_one_penalty_at_each_call_and_passes_its_input() -> None:
    layer, x = ActivityRegularization(l1=0.5, l2=2.0), torch.tensor([[1.0, -2.0], [0.0, 3.0]], requires_grad=True)
    assert layer(x) is x
    (penalty,) = layer.losses
    assert penalty.item() == (0.5 * 6 + 2.0 * 14) / 2
    penalty.backward()
    assert x.grad is not None
    layer(x)
    assert len(layer.losses) == 1


def test_config_says_both_factors_alone() -> None:
    config = ActivityRegularization(l2=0.25, name="a").get_config()
    assert {k: v for k, v in config.items() if k != "dtype"} == {"name": "a", "trainable": True, "l1": 0.0, "l2": 0.25}


def test_an_exported_program_has_no_penalty() -> None:
    program = torch.export.export(ActivityRegularization(l1=0.5), (torch.ones(2, 3),)).module()
    assert torch.equal(program(torch.ones(2, 3)), torch.ones(2, 3))


def test_refuses_a_negative_factor() -> None:
    with pytest.raises(ValueError, match=r"ActivityRegularization: l1: L1L2: l1=-0.5 is not|l1=-0.5 is not a finite"):
        ActivityRegularization(l1=-0.5)
