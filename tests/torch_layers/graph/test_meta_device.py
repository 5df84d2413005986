"""What the meta device remembers is what torch computes there, and nothing else is remembered."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.overrides import handle_torch_function
from torch.utils._device import DeviceContext

from torch_layers.graph import meta_device
from torch_layers.graph.meta_device import MetaDevice

X = torch.empty(3, 4, 8, device="meta")
W = torch.nn.Parameter(torch.empty(5, 8, device="meta"))
CALLS = {
    "linear": lambda: F.linear(X, W),
    "relu": lambda: F.relu(X),
    "keywords": lambda: X.sum(dim=[0, 2], keepdim=True),
    "several": lambda: torch.lstm_cell(W, (W, W), X.new_empty(32, 8), X.new_empty(32, 8)),
    "a list": lambda: torch.cat([X, X, X.permute(1, 0, 2).transpose(0, 1)], -1),
    "a tuple": lambda: X.chunk(3, -1),
    "indexed": lambda: X[..., None, 1::2, [0, 1]],
    "a view": lambda: X.permute(2, 0, 1),
    "a dtype": lambda: X.to(torch.float16),
    "a new one": lambda: torch.ones(2, 3),
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(meta_device, "_results", {})


@pytest.fixture
def computed(monkeypatch):
    """The functions that torch was asked for, which `MetaDevice` did not answer."""
    asked = []

    def ask(self, function, types, args=(), kwargs=None):
        asked.append(function)
        return whole(self, function, types, args, kwargs)

    whole = DeviceContext.__torch_function__
    monkeypatch.setattr(DeviceContext, "__torch_function__", ask)
    return asked


def looks(result):
    if not isinstance(result, torch.Tensor):
        return type(result), [looks(item) for item in result]
    return type(result), result.device, result.shape, result.stride(), result.dtype


@pytest.mark.parametrize("name", CALLS)
@torch.no_grad()
def test_what_is_remembered_looks_as_torch_s_own(name, computed):
    call = CALLS[name]
    with torch.device("meta"):
        expected = looks(call())
    with MetaDevice():
        first = call()
        del computed[:]
        second = call()
        assert computed == []
    assert looks(first) == looks(second) == expected


@torch.no_grad()
def test_the_kind_of_a_number_and_the_default_dtype_count():
    whole = torch.empty(2, dtype=torch.int32, device="meta")
    with MetaDevice():
        dtypes = [torch.add(whole, one).dtype for one in (True, 1, 1.0, True, 1, 1.0)]
        halves = [(whole / 2).dtype]
        torch.set_default_dtype(torch.float64)
        try:
            halves.append((whole / 2).dtype)
        finally:
            torch.set_default_dtype(torch.float32)
    assert dtypes == [torch.int32, torch.int32, torch.float32] * 2
    assert halves == [torch.float32, torch.float64]


@torch.no_grad()
def test_strides_count():
    with MetaDevice():
        plain, turned = X.contiguous(), X.transpose(0, 1).contiguous().transpose(0, 1)
        assert torch.relu(plain).stride() != torch.relu(turned).stride()


@torch.no_grad()
def test_a_tensor_that_is_changed_or_handed_on_stays_itself():
    with MetaDevice():
        for _ in range(2):
            x = torch.empty(2, 3)
            assert x.unsqueeze_(0) is x
            assert x.shape == (1, 2, 3)
            assert x.to(torch.float32) is x
            assert torch.clamp(x, 0, out=(y := torch.empty(0))) is y


@torch.no_grad()
def test_values_are_computed():
    with MetaDevice():
        for value in (1.0, 2.0):
            assert torch.add(torch.tensor([value], device="cpu"), 1).item() == value + 1


def test_gradients_are_computed():
    with MetaDevice():
        assert all(F.linear(X, W).requires_grad for _ in range(2))


@torch.no_grad()
def test_functions_that_are_not_torch_s_are_called():
    called = []

    def own(x):
        called.append(x)
        return handle_torch_function(own, (x,), x) if len(called) % 2 else x + 1

    with MetaDevice():
        own(X)
        own.__module__ = None  # as of code that was compiled without a module
        own(X)
    assert len(called) == 4


@torch.no_grad()
def test_so_many_are_remembered_and_no_long_arguments(monkeypatch):
    monkeypatch.setattr(meta_device, "_MOST_RESULTS", 3)
    with MetaDevice():
        for size in range(5):
            torch.empty(size)
        torch.cat([X] * 65)
    sizes = [shape for _, [(shape, _, _)] in meta_device._results.values()]
    assert sizes == [(2,), (3,), (4,)]


@torch.no_grad()
def test_contexts_of_devices_nest():
    def device():
        return torch.empty(1).device.type, torch.get_default_device().type

    with torch.device("meta"), torch.device("cpu"):
        with MetaDevice():
            assert device() == ("meta", "meta")
            with torch.device("cpu"):
                assert device() == ("cpu", "cpu")
                with MetaDevice():
                    assert device() == ("meta", "meta")
                assert device() == ("cpu", "cpu")
            assert device() == ("meta", "meta")
        assert device() == ("cpu", "cpu")
    assert device() == ("cpu", "cpu")
