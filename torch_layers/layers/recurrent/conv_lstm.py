"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, ClassVar

from torch import Tensor

from torch_layers.layers.base import InputSpec
from torch_layers.layers.recurrent.conv_lstm_cell import _CELLS
from torch_layers.layers.recurrent.rnn import RNN
from torch_layers.serialization import serialize

_OF_LAYER = ("return_sequences", "return_state", "go_backwards", "stateful", "activity_regularizer")


class _ConvLSTM(RNN):
    """Base of the convolutional LSTMs over images of `rank` axes."""

    rank: ClassVar[int]
    config_omits = frozenset({"cell"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.input_spec = InputSpec(min_ndim=cls.rank + 3, max_ndim=cls.rank + 3)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "kwargs", "__class__")}
        of_cell = {name: value for name, value in given.items() if name not in _OF_LAYER}
        of_both = {name: kwargs[name] for name in ("dtype", "trainable", "autocast") if name in kwargs}
        with self._speaking():
            cell = _CELLS[self.rank](**of_cell, **of_both)
        super().__init__(cell, **{name: given[name] for name in _OF_LAYER}, **kwargs)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Let errors of the cell, which has no name in public, be the layer's."""
        try:
            yield
        except ValueError as error:
            raise ValueError(str(error).replace(_CELLS[self.rank].__name__, type(self).__name__)) from error.__cause__

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        with self._speaking():
            self.cell.check_input((shape[0], *shape[2:]))

    def build(self, input_shape: Any) -> None:
        with self._speaking():
            super().build(input_shape)

    def forward(self, sequence: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        with self._speaking():
            return super().forward(sequence, initial_state, mask)

    def get_config(self) -> dict[str, Any]:
        # As in Keras, written whether there is one or not.
        return {**super().get_config(), "activity_regularizer": serialize(self.activity_regularizer)}


for _name in _CELLS[1].arguments:
    setattr(_ConvLSTM, _name, property(attrgetter(f"cell.{_name}")))


class ConvLSTM1D(_ConvLSTM):
    """LSTM whose products with weights are convolutions along one axis; see `ConvLSTM2D`.

    Shape: (batch, time, steps, channels) -> (batch, new_steps, filters), or (batch, time, new_steps, filters) with
    `return_sequences`; with `data_format="channels_first"` the channels before the steps.
    Raises: ValueError as `ConvLSTM2D`.
    Source: keras.layers.ConvLSTM1D, Keras 3.15.
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """LSTM whose products with weights are convolutions: with x * w + b of an image x and h * u of the last output h,

        i, f, o = recurrent_activation of a quarter each, and c' = f * c + i * activation(the third quarter)
        h' = o * activation(c'), which is the output; the states are h', c'.

    Strides, `padding` and `dilation_rate` are for the inputs; h * u keeps the size of h. With `unit_forget_bias`, the
    bias of f begins at 1. Masks, states and the order of steps are as of `RNN`. `dropout` is for inputs and
    `recurrent_dropout` for the state, with one mask for each gate and all steps of a sequence; 1 means none.
    Shape: (batch, time, height, width, channels) -> (batch, new_height, new_width, filters), or with `return_sequences`
    (batch, time, new_height, new_width, filters); with `data_format="channels_first"` the channels before the height;
    `cell.weight_ih` (4 * filters, channels, height, width), `cell.weight_hh` (4 * filters, filters, height, width),
    `cell.bias` (4 * filters,), parts in the order i, f, c, o.
    Raises: ValueError as RNN does, for an argument that is out of its range, an unknown `padding`, strides with a
    dilation, an input smaller than the kernel with padding "valid", and images of another size than the layer was built
    for.
    Source: keras.layers.ConvLSTM2D, Keras 3.15.
    """

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """LSTM whose products with weights are convolutions along three axes; see `ConvLSTM2D`.

    Shape: (batch, time, depth, height, width, channels) -> (batch, new sizes, filters), or (batch, time, new sizes,
    filters) with `return_sequences`; with `data_format="channels_first"` the channels before the depth.
    Raises: ValueError as `ConvLSTM2D`.
    Source: keras.layers.ConvLSTM3D, Keras 3.15.
    """

    rank = 3
