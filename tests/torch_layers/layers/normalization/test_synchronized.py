"""BatchNormalization(synchronized=True): two processes have the statistics and gradients of one with both batches."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from torch_layers import BatchNormalization

COUNTS = (3, 2)


def whole() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, cotangent = torch.randn(2, sum(COUNTS), 4, 3, generator=generator, dtype=torch.float64)
    return x + 100, cotangent


def step(x: torch.Tensor, cotangent: torch.Tensor, **config: Any) -> dict[str, torch.Tensor]:
    layer = BatchNormalization(input_shape=(4, 3), dtype="float64", momentum=0.6, **config)
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(cotangent)
    state = {"mean": layer.running_mean, "var": layer.running_var}
    return {"y": y.detach(), "x": x.grad, "weight": layer.weight.grad, "bias": layer.bias.grad, **state}


def work(rank: int, folder: str) -> None:
    warnings.simplefilter("error")
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    x, cotangent = (part.split(COUNTS)[rank] for part in whole())
    torch.save([step(x, cotangent, synchronized=True), step(x, cotangent)], f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch was built without torch.distributed")
def test_two_processes_share_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # The processes import this module by its name, wherever pytest found it, and take over this one's path.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[4]))
    mp.spawn(work, (str(tmp_path),), nprocs=2)
    (first, alone), (second, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    expected = step(*whole())
    for name in ("y", "x"):
        torch.testing.assert_close(torch.cat([first[name], second[name]]), expected[name])
    for name in ("weight", "bias"):
        torch.testing.assert_close(first[name] + second[name], expected[name])
    for name in ("mean", "var"):
        torch.testing.assert_close(first[name], expected[name])
        torch.testing.assert_close(second[name], expected[name])
    assert not torch.allclose(alone["var"], expected["var"])


def test_one_process_is_alone():
    x, cotangent = whole()
    shared, alone = step(x, cotangent, synchronized=True), step(x, cotangent)
    for name, value in alone.items():
        assert torch.equal(shared[name], value)
