"""Bidirectional."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.arguments import one_of
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.recurrent.compaction import Compaction
from torch_layers.layers.recurrent.gru import GRU, GRUCell
from torch_layers.layers.recurrent.lstm import LSTM, LSTMCell
from torch_layers.layers.recurrent.simple_rnn import _KERNELS, SimpleRNN, SimpleRNNCell
from torch_layers.layers.recurrent.through_time import fits

_MODES = ("concat", "sum", "mul", "ave", None)
_EQUAL = ("stateful", "return_sequences", "return_state")
_PROPERTIES = ("go_backwards", *_EQUAL)
# What holds states of zeros, for each gate: i = 0 and f = 1, or z = 1.
_HOLDING: dict[type, tuple[float, ...]] = {LSTMCell: (-1.0, 1.0, 0.0, 0.0), GRUCell: (0.0, 1.0, 0.0)}


class Bidirectional(Layer):
    """Runs a recurrent layer from the start, another from the end, and joins what they return by `merge_mode`.

    `forward_layer` is made anew like `layer`, with weights of its own; so is the other, unless it is given as
    `backward_layer`. "concat" puts both outputs side by side, None returns both; of sequences, the backward one's are
    in the order of time. With `return_state` the states follow, the forward ones first; so they do in `initial_state`.
    With `return_sequences` the outputs of steps that `mask` leaves out are zeros. LSTM, GRU and SimpleRNN run both ways
    in one call of torch's kernel where that computes the same and is no slower; the former two with a mask, too.
    Shape: as of `layer`, with "concat" twice its features; parameters `forward_layer.cell.weight_ih` and so on.
    Raises: ValueError if a layer is no recurrent one, for an unknown `merge_mode`, for two layers that go the same way
    or differ in `stateful`, `return_sequences` or `return_state`, for a sequence without steps and for an odd number of
    states; what the layers raise.
    Source: keras.layers.Bidirectional, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    input_spec = InputSpec(min_ndim=3)
    config_omits = frozenset({"weights"})

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(weights=weights, **kwargs)
        self.merge_mode = one_of(self, "merge_mode", merge_mode, _MODES)
        self._check_recurrent("layer", layer)
        self.forward_layer = _anew(layer, "forward")
        if backward_layer is None:
            self.backward_layer = _anew(layer, "backward")
            self.backward_layer.go_backwards = True
        else:
            self._check_recurrent("backward_layer", backward_layer)
            self.backward_layer = backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.stateful, self.return_sequences = layer.stateful, layer.return_sequences
        self.return_state = layer.return_state

    def _check_recurrent(self, argument: str, layer: Any) -> None:
        if not isinstance(layer, Layer) or not all(hasattr(layer, name) for name in _PROPERTIES):
            raise ValueError(
                f"{type(self).__name__}: {argument}={layer!r} is not a layer with {', '.join(_PROPERTIES)}, such as LSTM"
            )

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ValueError(
                f"{type(self).__name__}: layer and backward_layer both have go_backwards={one.go_backwards}, one must not"
            )
        for name in _EQUAL:
            if getattr(one, name) != getattr(other, name):
                raise ValueError(
                    f"{type(self).__name__}: layer has {name}={getattr(one, name)}, backward_layer has "
                    f"{getattr(other, name)}: both must be equal"
                )

    @property
    def layer(self) -> Any:
        """The layer that goes forwards, as configs name it."""
        return self.forward_layer

    # --- build and states ------------------------------------------------------------------------------------------

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        if shape[1] == 0:
            raise ValueError(f"{type(self).__name__}: input of shape {tuple(shape)} has no step in axis 1")
        self.forward_layer.check_input(shape)

    def build(self, input_shape: Any) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(input_shape)

    @property
    def states(self) -> tuple[Any, ...] | None:
        """The states that stateful layers keep, the forward one's first; None for others and before they are built."""
        one, other = self.forward_layer.states, self.backward_layer.states
        return (*one, *other) if one and other else None

    def reset_state(self) -> None:
        """Set the states of both layers to zeros. Raises: AttributeError if they are not stateful."""
        if not self.stateful:
            raise AttributeError(f"{type(self).__name__}: reset_state needs layers with stateful=True")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    # --- computing -------------------------------------------------------------------------------------------------

    def forward(self, sequence: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        """Return the joined output, or both with `merge_mode=None`; with `return_state` a tuple of it and the states."""
        halves = [None, None] if initial_state is None else self._halves(initial_state)
        # For shapes the layers need one step, a kernel takes all.
        is_fused = self._is_fused() and not sequence.is_meta and not self._goes_back_quicker(sequence)
        if is_fused and mask is None:
            output, states = self._in_one_call(sequence, halves)
        elif is_fused and mask is not None and self._may_hold(initial_state):
            output, states = self._masked_in_one_call(sequence, mask)
        else:
            output, states = self._in_two_calls(sequence, halves, mask)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    def _halves(self, states: Any) -> list[Any]:
        if not isinstance(states, (list, tuple)) or len(states) % 2 or not states:
            given = len(states) if isinstance(states, (list, tuple)) else type(states).__name__
            raise ValueError(
                f"{type(self).__name__}: initial_state is not a list of an even number of states, but {given}"
            )
        half = len(states) // 2
        return [list(states[:half]), list(states[half:])]

    def _in_two_calls(self, sequence: Tensor, halves: list[Any], mask: Tensor | None) -> tuple[Any, Any]:
        given = {} if mask is None else {"mask": mask}
        pairs = list(zip((self.forward_layer, self.backward_layer), halves, strict=True))
        if self.stateful:
            for layer, first in pairs:  # what one refuses must not change the other
                layer._first_states(sequence, first)
        one, other = (
            layer(sequence, **given) if first is None else layer(sequence, initial_state=first, **given)
            for layer, first in pairs
        )
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*one[1:], *other[1:])
            one, other = one[0], other[0]
        if self.return_sequences:
            other = other.flip(1)
        return self._joined(one.to(self.compute_dtype), other.to(self.compute_dtype)), states

    def _joined(self, one: Tensor, other: Tensor) -> Any:
        mode = self.merge_mode
        if mode == "concat":
            return torch.cat([one, other], -1)
        if mode == "sum":
            return one + other
        if mode == "mul":
            return one * other
        return (one, other) if mode is None else (one + other) / 2

    # --- both ways in one call ---------------------------------------------------------------------------------------

    def _is_fused(self) -> bool:
        """Whether one call of a kernel computes what both layers do, in their present mode."""
        one, other = self.forward_layer, self.backward_layer
        if type(one) not in (LSTM, GRU, SimpleRNN) or type(other) is not type(one) or one.go_backwards:
            return False
        a, b = one.cell, other.cell
        return (
            a.is_fused()
            and b.is_fused()
            and (a.units, a.use_bias, a.activation) == (b.units, b.use_bias, b.activation)
            and not (self.training and (a.dropout or b.dropout))
            and self.compute_dtype is a.compute_dtype is b.compute_dtype
            and one.activity_regularizer is None is other.activity_regularizer
        )

    def _goes_back_quicker(self, sequence: Tensor) -> bool:
        """Whether two calls are quicker: torch's kernels run both ways one after the other, too."""
        return type(self.forward_layer) is not LSTM and fits(sequence, *self.forward_layer.cell.fused_weights())

    def _in_one_call(self, sequence: Tensor, halves: list[Any]) -> tuple[Any, Any]:
        layers, first = (self.forward_layer, self.backward_layer), None
        if self.stateful or halves[0] is not None:
            first = [layer._first_states(sequence, states) for layer, states in zip(layers, halves, strict=True)]
        outputs, last = self._run_both(sequence, first)
        if self.stateful:
            for layer, new in zip(layers, last, strict=True):
                layer._keep(new)
        states = (*last[0], *last[1])
        if not self.return_sequences:
            return self._joined(last[0][0], last[1][0]), states
        return self._joined_sides(outputs), states

    def _may_hold(self, initial_state: Any) -> bool:
        """Whether steps that are masked leave states of zeros alone, in one call."""
        layers = self.forward_layer, self.backward_layer
        zeros_as_usual = all(layer.zero_output_for_mask == self.return_sequences for layer in layers)
        zeros_as_usual &= not (layers[1].unroll and self.return_sequences)
        return zeros_as_usual and initial_state is None and not self.stateful and type(layers[0].cell) in _HOLDING

    def _masked_in_one_call(self, sequence: Tensor, mask: Tensor) -> tuple[Any, Any]:
        mask = self.forward_layer._checked_mask(mask, sequence)
        steps, units = Compaction(mask), self.forward_layer.cell.units
        # The backward cell sees first what lies behind the steps that stay, which must leave its zeros alone.
        outputs, last = self._run_both(steps.pack(sequence), None, steps.behind())
        if self.return_sequences:
            output = self._joined_sides(torch.where(mask.unsqueeze(-1), steps.unpack(outputs), 0))
            if not self.return_state:
                return output, ()
        last[0][0] = steps.last(outputs[..., :units])
        states = (*last[0], *last[1])
        return output if self.return_sequences else self._joined(last[0][0], last[1][0]), states

    def _joined_sides(self, outputs: Tensor) -> Any:
        return outputs if self.merge_mode == "concat" else self._joined(*outputs.chunk(2, -1))

    def _run_both(
        self, sequence: Tensor, first: list[list[Tensor]] | None, behind: Tensor | None = None
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Run both cells: return their outputs, side by side, and the last states of each."""
        a, b = self.forward_layer.cell, self.backward_layer.cell
        if sequence.shape[-1] != a.weight_ih.shape[1]:  # oneDNN's LSTM does not look, and reads what lies behind
            self.check_input(sequence.shape)
        weights = [a.fused_weights(), b.fused_weights()]
        if behind is not None:
            sequence = _holding(sequence, weights, behind, _HOLDING[type(a)])
        if first is None:
            count = len(a.state_size) if isinstance(a.state_size, list) else 1
            states = [sequence.new_zeros(2, sequence.shape[0], a.units)] * count
        else:
            states = [torch.stack(pair) for pair in zip(*first, strict=True)]
        kernel = _KERNELS[a.activation] if type(a) is SimpleRNNCell else torch.gru if len(states) == 1 else torch.lstm
        start: Any = states[0] if len(states) == 1 else tuple(states)
        train = torch.is_grad_enabled()
        outputs, *last = kernel(
            sequence, start, [*weights[0], *weights[1]], a.use_bias, 1, 0.0, train, True, batch_first=True
        )
        return outputs, [list(pair) for pair in zip(*(state.unbind(0) for state in last), strict=True)]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask for the output, or for both, if the layers return sequences; else None."""
        if isinstance(mask, (list, tuple)):
            mask = mask[0] if mask else None
        if not self.return_sequences:
            return None
        return (mask, mask) if self.merge_mode is None else mask


def _anew(layer: Any, way: str) -> Any:
    """Return a layer like another one, with weights of its own, named for the way it goes."""
    if layer.built:
        made = type(layer).from_config(layer.get_config())
        made.build_from_config(layer.get_build_config())
    else:  # cells of a user's own, too, which have no config
        made = copy.deepcopy(layer)
    made.name = f"{way}_{layer.name.removeprefix(f'{way}_')}"
    return made


def _holding(sequence: Tensor, weights: list[list[Tensor]], behind: Tensor, column: Sequence[float]) -> Tensor:
    """Return a sequence with one feature more, so large where `behind` is True that gates with the weight 1 are exactly 1
    and those with -1 exactly 0, and their gradients 0. The input weights get the `column` of these weights."""
    large = torch.finfo(sequence.dtype).max / 4
    # Zeros in the place of junk: a NaN would not be held.
    sequence = sequence.masked_fill(behind.unsqueeze(-1), 0.0)
    feature = sequence.new_zeros(*behind.shape, 1).masked_fill(behind.unsqueeze(-1), large)
    for of_cell in weights:
        size = (of_cell[0].shape[0] // len(column), 1)
        of_cell[0] = torch.cat([of_cell[0], torch.cat([of_cell[0].new_full(size, value) for value in column])], -1)
    return torch.cat([sequence, feature], -1)
