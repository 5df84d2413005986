"""Kernels of Keras on Theano, which convolved where every other backend correlates.

Source: `_need_convert_kernel` in keras/engine/saving.py and keras/backend/theano_backend.py of Keras 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch_layers.layers.convolution.conv import _Conv
from torch_layers.layers.convolution.conv_transpose import Conv2DTranspose, Conv3DTranspose
from torch_layers.layers.recurrent.conv_lstm import ConvLSTM2D
from torch_layers.layers.weighted import Weighted
from torch_layers.saving.legacy.arrays import changed
from torch_layers.saving.stored import Stored


def turned(layer: Weighted, arrays: Sequence[Stored]) -> list[Stored]:
    """Return a layer's arrays with the kernels that Theano turned around in space turned back.

    Keras's own loaders forgot `Conv3DTranspose`. Depthwise kernels were turned by Keras before Theano did it again.
    """
    arrays = list(arrays)
    kernels = 2 if isinstance(layer, ConvLSTM2D) else isinstance(layer, (_Conv, Conv2DTranspose, Conv3DTranspose))
    arrays[:kernels] = [_turned(array) for array in arrays[:kernels]]
    return arrays


def _turned(kernel: Stored) -> Stored:
    space = len(kernel.shape) - 2
    return changed(kernel, kernel.shape, lambda array: array[(slice(None, None, -1),) * space])
