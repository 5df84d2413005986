"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D: dropout, states, layouts, refusals."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F

import torch_layers as tl

RANKS = [1, 2, 3]
SIZES = {1: (5,), 2: (5, 4), 3: (3, 4, 5)}


def made(rank, *args, **kwargs):
    layer = getattr(tl, f"ConvLSTM{rank}D")(*args, dtype="float64", **kwargs)
    return layer, torch.randn(2, 3, *SIZES[rank], 2, dtype=torch.float64)


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    assert a.dtype is torch.float64


@pytest.mark.parametrize("rank", RANKS)
def test_channels_first_computes_the_same(rank):
    config = {"kernel_size": 2, "strides": 2, "return_sequences": True, "return_state": True}
    last, x = made(rank, 3, **config)
    expected = last(x)
    first, _ = made(rank, 3, data_format="channels_first", **config)
    actual = first(x.movedim(-1, 2))
    first.set_weights(last.get_weights())
    actual = first(x.movedim(-1, 2))
    close(actual[0], expected[0].movedim(-1, 2))
    for a, b in zip(actual[1:], expected[1:], strict=True):
        close(a, b.movedim(-1, 1))


@pytest.mark.parametrize("rank", RANKS)
def test_one_pixel_and_a_kernel_of_one_is_an_lstm(rank):
    layer, _ = made(rank, 4, 1, return_sequences=True, return_state=True)
    lstm = tl.LSTM(4, return_sequences=True, return_state=True, input_shape=(5, 2), dtype="float64")
    x = torch.randn(3, 5, 2, dtype=torch.float64)
    image = x.reshape(3, 5, *(1,) * rank, 2)
    layer(image)
    ones = (1,) * rank
    layer.set_weights([w.reshape(*ones, *w.shape) if w.ndim == 2 else w for w in lstm.get_weights()])
    for a, b in zip(layer(image), lstm(x), strict=True):
        close(a.flatten(), b.flatten())


@pytest.mark.parametrize("rank", RANKS)
def test_dropout_draws_once_for_a_sequence_and_for_each_gate(rank, monkeypatch):
    layer, x = made(rank, 3, 2, padding="same", dropout=0.5, recurrent_dropout=0.25)
    plain, _ = made(rank, 3, 2, padding="same")
    layer(x)
    plain(x)
    plain.set_weights(layer.get_weights())
    drawn = []

    def factors(self, x, rate):
        drawn.append(torch.rand(x.shape[0], 4 * x.shape[1], *x.shape[2:], dtype=x.dtype) + rate)
        return drawn[-1]

    monkeypatch.setattr(type(layer.cell), "_factors", factors)
    actual = layer(x)
    assert len(drawn) == 2
    assert torch.equal(layer.eval()(x), plain.eval()(x))

    # Step by step, gate by gate.
    convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    kernels, recurrent = plain.cell.weight_ih.chunk(4), plain.cell.weight_hh.chunk(4)
    of_x, of_h = (f.reshape(2, -1, *SIZES[rank]).chunk(4, 1) for f in drawn)
    h = c = x.new_zeros(2, 3, *SIZES[rank])
    after = [0, 1] * rank
    for step in x.movedim(-1, 2).unbind(1):
        i, f, g, o = (
            convolve(F.pad(step * kx, after), w) + b.reshape(1, -1, *(1,) * rank) + convolve(F.pad(h * kh, after), u)
            for kx, kh, w, u, b in zip(of_x, of_h, kernels, recurrent, plain.cell.bias.chunk(4), strict=True)
        )
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    close(actual, h.movedim(1, -1))


def test_dropout_keeps_the_share_and_the_mean():
    layer, x = made(2, 3, 2, padding="same", dropout=0.3, seed=1)
    layer(x)
    factors = layer.cell._factors(torch.ones(50, 8, 9, 10), 0.3)
    assert factors.shape == (50, 32, 9, 10)
    assert set(factors.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}
    share = (factors == 0).float().mean().item()
    assert abs(share - 0.3) < 5 * (0.3 * 0.7 / factors.numel()) ** 0.5
    assert layer.cell._factors(torch.ones(2, 3), 1.0) is None


def test_seed_says_what_is_dropped():
    first, x = made(2, 3, 2, dropout=0.5, seed=3)
    other, _ = made(2, 3, 2, dropout=0.5, seed=3)
    other.build(x.shape)
    other.set_weights([w * 0 + 0.1 for w in other.get_weights()])
    first.build(x.shape)
    first.set_weights(other.get_weights())
    assert torch.equal(first(x), other(x))
    assert not torch.equal(first(x), first(x))


@pytest.mark.parametrize("rank", RANKS)
def test_stateful_goes_on_where_it_ended(rank):
    layer, x = made(rank, 3, 2, padding="same", stateful=True)
    whole, _ = made(rank, 3, 2, padding="same")
    layer(x)
    whole(x)
    whole.set_weights(layer.get_weights())
    layer.reset_state()
    assert all((state == 0).all() for state in layer.states)
    layer(x[:, :1])
    close(layer(x[:, 1:]), whole(x))


def test_empty_batch_integers_and_gradients_through_time():
    layer, x = made(2, 3, 2)
    assert layer(x[:0]).shape == (0, 4, 3, 3)
    assert layer((x * 5).int()).dtype is torch.float64
    x.requires_grad_()
    layer(x).sum().backward()
    assert (x.grad.flatten(2).abs().sum(2) > 0).all()


def test_bias_of_the_forget_gate_begins_at_one():
    layer, x = made(2, 3, 2)
    layer(x)
    assert layer.cell.bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6
    layer, _ = made(2, 3, 2, unit_forget_bias=False, bias_initializer="ones")
    layer(x)
    assert (layer.cell.bias == 1).all()


def test_arguments_are_read_from_the_layer():
    layer, _ = made(2, 3, (2, 3), strides=2, dropout=7, activation="relu")
    assert (layer.filters, layer.kernel_size, layer.strides, layer.dropout) == (3, (2, 3), (2, 2), 1.0)
    config = layer.get_config()
    assert "cell" not in config
    assert config["activation"] == "relu"
    assert config["activity_regularizer"] is None
    assert type(layer).from_config(config).get_config() == config


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tl.ConvLSTM2D(0, 2), "ConvLSTM2D: filters=0 is not a positive int"),
        (lambda: tl.ConvLSTM1D(2, (2, 3)), "ConvLSTM1D: kernel_size=(2, 3) is not an int of at least 1"),
        (lambda: tl.ConvLSTM3D(2, 2, padding="causal"), "ConvLSTM3D: padding='causal' is not one of ('valid', 'same')"),
        (lambda: tl.ConvLSTM2D(2, 2, strides=2, dilation_rate=2), "ConvLSTM2D: strides=(2, 2) can't be combined with"),
        (lambda: tl.ConvLSTM2D(2, 2, activation="tan"), "ConvLSTM2D: activation: unknown activation 'tan'"),
        (lambda: tl.ConvLSTM2D(2, 2, dropout="much"), "ConvLSTM2D: dropout='much' is not a number from 0 to 1"),
        (
            lambda: tl.ConvLSTM2D(2, 2)(torch.ones(2, 3, 4, 5)),
            "ConvLSTM2D: input of shape (2, 3, 4, 5) has rank 4, allowed is 5",
        ),
        (
            lambda: tl.ConvLSTM2D(2, 9)(torch.ones(2, 3, 4, 5, 1)),
            "ConvLSTM2D: input of shape (2, 4, 5, 1) is too small for kernel_size=(9, 9)",
        ),
        (
            lambda: tl.ConvLSTM2D(2, 2)(tl.Input((3, None, 5, 1))),
            "ConvLSTM2D: the sizes of an input of shape (None, None, 5, 1) must be known",
        ),
        (
            lambda: tl.ConvLSTM2D(2, 2, padding="same")(
                torch.ones(2, 3, 4, 5, 1), initial_state=[torch.ones(2, 4, 5, 3)] * 2
            ),
            "ConvLSTM2D: initial_state of shapes [(2, 4, 5, 3), (2, 4, 5, 3)], needed are [(2, 4, 5, 2), (2, 4, 5, 2)]",
        ),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        call()


@pytest.mark.parametrize("size", [1, 4])
def test_images_of_another_size_than_built_for_are_refused(size):
    layer = tl.ConvLSTM1D(2, 1)
    layer(torch.ones(2, 3, size, 1))
    with pytest.raises(ValueError, match=r"ConvLSTM1D: input of shape \(2, 3, 5, 1\) has images of another size than"):
        layer(torch.ones(2, 3, 5, 1))
