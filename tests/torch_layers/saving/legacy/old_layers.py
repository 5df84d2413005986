"""Layers as Keras 1 and 2.0 computed them, in numpy, from the arrays as they kept them.

Source: keras/layers and keras/backend of Keras 1.2.2 and 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray[Any, Any]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: Array) -> Array:
    return np.clip(0.2 * x + 0.5, 0, 1)


def batch_normalization(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array) -> Array:
    """`running_std`, as Keras 1 called the last, is a variance."""
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


def highway(x: Array, w: Array, w_carry: Array, b: Array, b_carry: Array) -> Array:
    share = sigmoid(x @ w_carry + b_carry)
    return share * np.tanh(x @ w + b) + (1 - share) * x


def maxout(x: Array, w: Array, b: Array) -> Array:
    return np.max([x @ one + bias for one, bias in zip(w, b, strict=True)], axis=0)


def conv(x: Array, kernel: Array) -> Array:
    """Correlate images (batch, rows, columns, channels) with a kernel (rows, columns, channels, filters)."""
    windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, kernel)


def conv_transpose(x: Array, kernel: Array) -> Array:
    """Put the kernel (rows, columns, channels, filters) at each place, as often as x says, and add up."""
    rows, columns = x.shape[1] + kernel.shape[0] - 1, x.shape[2] + kernel.shape[1] - 1
    y = np.zeros((x.shape[0], rows, columns, kernel.shape[3]))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            y[:, i : i + x.shape[1], j : j + x.shape[2]] += x @ kernel[i, j]
    return y


def separable_conv(x: Array, depthwise: Array, pointwise: Array) -> Array:
    """Each channel by itself, then all of them at each place."""
    windows = sliding_window_view(x, depthwise.shape[:2], axis=(1, 2))
    each = np.einsum("nhwcij,ijcm->nhwcm", windows, depthwise)
    return each.reshape(*each.shape[:3], -1) @ pointwise[0, 0]


def same_conv(x: Array, kernel: Array) -> Array:
    """As `conv`, with zeros around the images; one more after them than before if their number is odd."""
    pads = [(0, 0), *(((n - 1) // 2, n // 2) for n in kernel.shape[:2]), (0, 0)]
    return conv(np.pad(x, pads), kernel)


def lstm(
    x: Array,
    arrays: Sequence[Array],
    inner: Callable[[Array], Array],
    product: Callable[[Array, Array], Array] = np.matmul,
) -> Array:
    """Twelve arrays: W, U and b of the gates i, c, f, o. `product` is what a ConvLSTM2D takes instead of a product."""
    gates = dict(zip("icfo", (arrays[n : n + 3] for n in range(0, 12, 3)), strict=True))
    h: Any = None
    c: Any = 0
    found = []
    for t in range(x.shape[1]):
        z = {}
        for gate, (w, u, b) in gates.items():
            z[gate] = product(x[:, t], w) + b + (0 if h is None else product(h, u))
        c = inner(z["f"]) * c + inner(z["i"]) * np.tanh(z["c"])
        h = inner(z["o"]) * np.tanh(c)
        found.append(h)
    return np.stack(found, 1)


def gru(x: Array, arrays: Sequence[Array], inner: Callable[[Array], Array]) -> Array:
    """Nine arrays: W, U and b of the gates z, r, h."""
    (wz, uz, bz), (wr, ur, br), (wh, uh, bh) = (arrays[n : n + 3] for n in range(0, 9, 3))
    h, found = np.zeros((x.shape[0], bz.size)), []
    for t in range(x.shape[1]):
        z, r = inner(x[:, t] @ wz + bz + h @ uz), inner(x[:, t] @ wr + br + h @ ur)
        h = z * h + (1 - z) * np.tanh(x[:, t] @ wh + bh + (r * h) @ uh)
        found.append(h)
    return np.stack(found, 1)


def split(kernel: Array, recurrent: Array, bias: Array, order: str, wanted: str) -> list[Array]:
    """Return the arrays of each gate in the order `wanted` of arrays that hold the gates side by side in `order`."""
    parts = [np.split(array, len(order), axis=-1) for array in (kernel, recurrent, bias)]
    return [part[order.index(gate)] for gate in wanted for part in parts]


def cudnn_lstm(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """cuDNN reads each gate's matrix as (units, inputs), row by row, and adds two biases. Its gates are i, f, c, o."""
    units = len(recurrent)
    gates = split(kernel, recurrent, bias[: 4 * units] + bias[4 * units :], "ifco", "icfo")
    gates = [a if a.ndim == 1 else a.reshape(-1).reshape(units, -1).T for a in gates]
    return lstm(x, gates, sigmoid)


def cudnn_gru(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """The gates are z, r, h; r is applied after the product with the state and its bias."""
    units = len(recurrent)
    w, u = ([part.reshape(-1).reshape(units, -1).T for part in np.split(a, 3, axis=1)] for a in (kernel, recurrent))
    b = bias.reshape(2, 3, units)
    h, found = np.zeros((x.shape[0], units)), []
    for t in range(x.shape[1]):
        of_x = [x[:, t] @ w[gate] + b[0, gate] for gate in range(3)]
        of_h = [h @ u[gate] + b[1, gate] for gate in range(3)]
        z, r = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
        h = z * h + (1 - z) * np.tanh(of_x[2] + r * of_h[2])
        found.append(h)
    return np.stack(found, 1)
