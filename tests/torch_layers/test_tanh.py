"""The tanh of large tensors: as exact as torch's, with gradients of every kind, and torch's own wherever it can't serve."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.testing import assert_close

from torch_layers import tanh as module
from torch_layers.tanh import tanh

LARGE = module._LARGE
needs_kernel = pytest.mark.skipif(not module._is_there(), reason="oneDNN's kernel is not for this processor")


@pytest.fixture
def by_onednn(monkeypatch):
    """Count the calls of oneDNN's kernel."""
    calls: list[torch.Size] = []
    kernel = module._by_onednn

    def counted(x: Tensor) -> Tensor:
        calls.append(x.shape)
        return kernel(x)

    monkeypatch.setattr(module, "_by_onednn", counted)
    return calls


def values(*shape: int) -> Tensor:
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@needs_kernel
def test_large_tensors_get_exact_values(by_onednn):
    x = torch.cat([torch.logspace(-38, 1.2, LARGE), torch.linspace(1e-3, 10, LARGE)])
    expected = torch.tanh(x.double())
    assert ((tanh(x).double() - expected) / expected).abs().max() < 1e-7
    assert ((tanh(-x).double() + expected) / expected).abs().max() < 1e-7
    assert len(by_onednn) == 2


@needs_kernel
def test_special_values_stay_special(by_onednn):
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-45, 3e38])
    x = torch.cat([special, torch.zeros(LARGE)])
    y = tanh(x)
    assert by_onednn
    assert_close(y, torch.tanh(x), rtol=0, atol=0, equal_nan=True)
    assert y[:7].signbit().tolist()[1:] == [False, True, False, True, False, False]


@needs_kernel
def test_shapes_are_kept(by_onednn):
    x = values(1, 2, *[1] * 12, LARGE)
    y = tanh(x)
    assert by_onednn == [x.shape] == [y.shape]
    assert y.stride() == x.stride()
    assert y.layout is torch.strided


@needs_kernel
def test_first_and_second_gradients(by_onednn):
    x, weight = values(LARGE).requires_grad_(), torch.linspace(-1, 1, LARGE)
    found, expected = [], []
    for function, grads in ((tanh, found), (torch.tanh, expected)):
        (first,) = torch.autograd.grad(function(x), x, weight, create_graph=True)
        grads += [first, *torch.autograd.grad((first * weight).sum(), x)]
    assert len(by_onednn) == 1
    assert_close(found, expected, rtol=1e-6, atol=2e-6)


def forward_mode(x: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(tanh(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


def fake(x: Tensor) -> Tensor:
    with FakeTensorMode() as mode:
        assert tanh(mode.from_tensor(x)).shape == x.shape
    return torch.zeros(())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.jit's, which forward mode runs into
@pytest.mark.parametrize(
    "work",
    [
        torch.func.vmap(tanh),
        torch.func.grad(lambda x: tanh(x).sum()),
        lambda x: torch.func.jvp(tanh, (x,), (x,))[1],
        forward_mode,
        torch.compile(tanh, fullgraph=True, backend="eager", dynamic=True),
        lambda x: torch.export.export(_Module(), (x,), strict=True).module()(x),
        fake,
        lambda x: tanh(x.to("meta")).new_zeros((), device="cpu"),
        lambda x: tanh(x.double()),
        lambda x: tanh(x.bfloat16()),
        lambda x: tanh(x.view(2, -1).t()),
        lambda x: tanh(x.to_mkldnn()).to_dense(),
        lambda x: tanh(x[:, : LARGE // 2].contiguous()),
    ],
    ids=(
        "vmap grad jvp forward_mode compile export fake meta float64 bfloat16 transposed mkldnn small".split()  # noqa: SIM905
    ),
)
def test_what_the_kernel_can_not_take_goes_to_torch(work, by_onednn):
    assert work(values(1, LARGE)).isfinite().all()
    assert not by_onednn


class _Module(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return tanh(x)


@needs_kernel
def test_onednn_turned_off_is_not_called(by_onednn):
    torch._C._set_mkldnn_enabled(False)  # mkldnn.flags warns of TF32
    try:
        tanh(values(LARGE))
    finally:
        torch._C._set_mkldnn_enabled(True)
    assert not by_onednn
    tanh(values(LARGE))
    assert by_onednn
