"""SpectralNormalization: what parity can't show. Values: `parity run SpectralNormalization`."""

from __future__ import annotations

import pytest
import torch

from torch_layers import Conv2D, Dense, EinsumDense, Embedding, Flatten, SeparableConv2D, SpectralNormalization


@pytest.mark.parametrize("power_iterations", [0, -1, 1.5, True, None])
def test_refuses_power_iterations(power_iterations):
    with pytest.raises(ValueError, match=f"power_iterations={power_iterations} is not a positive int"):
        SpectralNormalization(Dense(3), power_iterations)


@pytest.mark.parametrize("layer", [Flatten(), SeparableConv2D(3, 2)], ids=repr)
def test_refuses_layers_without_a_kernel(layer):
    with pytest.raises(
        ValueError, match=rf"layer={type(layer).__name__}\(...\) has no weight 'kernel' or 'embeddings'"
    ):
        SpectralNormalization(layer)


def test_refuses_what_is_no_layer():
    with pytest.raises(ValueError, match=r"SpectralNormalization: layer=.* is not a layer or model of torch_layers"):
        SpectralNormalization(torch.nn.Linear(2, 3))


@pytest.mark.parametrize(
    "layer, shape",
    [
        (Dense(4), (3, 5)),
        (Conv2D(4, 2), (3, 5, 5, 2)),
        (EinsumDense("abc,cd->abd", (None, 4)), (3, 2, 5)),
    ],
    ids=repr,
)
def test_the_largest_singular_value_comes_to_1_and_the_kernel_is_kept(layer, shape):
    torch.manual_seed(0)
    wrapper, x = SpectralNormalization(layer, power_iterations=50), torch.randn(shape)
    y = wrapper(x)
    kernel = torch.from_numpy(wrapper.get_weights()[0])
    assert torch.linalg.matrix_norm(kernel.reshape(-1, 4), 2).item() == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(wrapper.eval()(x), y)


def test_the_kernel_is_the_first_weight_as_in_keras():
    wrapper = SpectralNormalization(Dense(3), input_shape=(5,))
    assert [weight.shape for weight in wrapper.get_weights()] == [(5, 3), (1, 3), (3,)]


def test_a_kernel_of_zeros_stays_as_it_is():
    wrapper = SpectralNormalization(Dense(3, kernel_initializer="zeros"), input_shape=(5,))
    u = wrapper.vector_u.clone()
    assert not wrapper(torch.ones(2, 5)).any()
    assert torch.equal(wrapper.vector_u, u)


def test_gradients_of_an_earlier_call_see_the_kernel_of_that_call():
    torch.manual_seed(0)
    wrapper = SpectralNormalization(Dense(3, use_bias=False), input_shape=(5,))
    real, fake = torch.randn(2, 5, requires_grad=True), torch.randn(2, 5)
    first = wrapper(real)
    kernel = wrapper.layer.weight.detach().clone()
    second = wrapper(fake)
    (first.sum() + second.sum()).backward()
    torch.testing.assert_close(real.grad, kernel.sum(0).expand(2, 5))
    torch.testing.assert_close(wrapper.layer.weight.grad, (real + fake).sum(0).expand(3, 5))


def test_compiles_in_training():
    torch.manual_seed(0)
    wrapper, x = SpectralNormalization(Dense(3), input_shape=(5,)), torch.randn(2, 5)
    eager = SpectralNormalization(Dense(3), input_shape=(5,))
    eager.set_weights(wrapper.get_weights())
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(wrapper, fullgraph=True, backend="aot_eager")(x), eager(x))
    torch.testing.assert_close(wrapper.vector_u, eager.vector_u)
    torch.testing.assert_close(wrapper.layer.weight, eager.layer.weight)


def test_the_output_takes_the_dtype_of_the_input():
    wrapper = SpectralNormalization(Embedding(7, 4)).eval()
    assert wrapper(torch.tensor([1, 2])).dtype is torch.int64
    assert wrapper(torch.tensor([1.0, 2.0])).dtype is torch.float32
