"""RNN."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.recurrent.loop import leaves, nested, over_time, where
from torch_layers.layers.recurrent.stacked_rnn_cells import (
    StackedRNNCells,
    cast_states,
    checked_cell,
    dtypes_of,
    is_layer,
    zero_states,
)


class RNN(Layer):
    """Runs a cell over the steps of a sequence: output_t, states_t = cell(input_t, states_t-1).

    `cell` is a cell of this library, a list of cells, which are stacked, or any module with `state_size` (an int, or a
    list of one for each state) and `forward(inputs, states) -> (output, states)`. With `return_sequences` the outputs of
    all steps are returned, else that of the last; with `return_state` a tuple of that and the last states. `stateful`
    keeps the last states, without their gradients, as the first of the next call, until `reset_state()`;
    `initial_state` sets them for one call. `go_backwards` begins at the end, and returns outputs in that order. Where
    `mask` is False a step changes nothing and repeats the output before it: zeros before the first one, and everywhere
    with `zero_output_for_mask`. `unroll` is Keras's and changes nothing but where these zeros are in sequences that
    begin at the end: by the mask as it was given.

    Shape: (batch, time, *) -> (batch, output size), or (batch, time, output size); `mask` (batch, time).
    Raises: ValueError for a cell without `state_size`, a sequence without steps, states or a mask of other shapes, and
    for a stateful layer without a batch size or with another one.
    Source: keras.layers.RNN, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    input_spec = InputSpec(min_ndim=3)
    cell: Any

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else checked_cell(self, cell)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        # The names of the buffers that hold the states of a stateful layer, nested as these.
        self._state_names: list[Any] = []

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    # --- build and states ------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        if self.stateful and input_shape[0] is None:
            raise ValueError(
                f"{type(self).__name__}: stateful=True needs a batch size, the input has shape {tuple(input_shape)}: "
                "give Input(batch_shape=...) or batch_input_shape= one"
            )
        if is_layer(self.cell) and not self.cell.built:
            self.cell.build((input_shape[0], *input_shape[2:]))
        if self.stateful:
            self._create_states(input_shape)

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build from the `build_config` of a serialized layer, which also names initial states if it was given some."""
        shapes = config.get("shapes_dict")
        super().build_from_config({"input_shape": shapes["sequences_shape"]} if shapes else config)

    def _create_states(self, input_shape: Any) -> None:
        numbers = count()

        def kept(state: Tensor) -> str:
            name = f"state_{next(numbers)}"
            state = state.detach().to(self._device(), self.variable_dtype, copy=True)
            self.register_buffer(name, state, persistent=False)
            return name

        self._state_names = nested(kept, self.get_initial_state(input_shape[0]))

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states that a sequence begins with: the cell's `get_initial_state(batch_size=)`, or zeros."""
        return zero_states(self.cell, batch_size, self)

    @property
    def states(self) -> list[Any] | None:
        """The states that a stateful layer keeps; None for others and before it is built."""
        if not self._state_names:
            return None
        states: list[Any] = nested(partial(getattr, self), self._state_names)
        return states

    def reset_state(self, states: Any = None) -> None:
        """Set the states of a stateful layer to zeros, or to the given ones, arrays too.

        Raises: ValueError if their number or a shape is another; nothing is changed then.
        """
        if states is None:
            for name in leaves(self._state_names):
                getattr(self, name).zero_()
            return
        self._keep(self._checked_states(states, self.states, "reset_state: states"))

    reset_states = reset_state

    @torch.no_grad()
    def _keep(self, states: Any) -> None:
        for name, state in zip(leaves(self._state_names), leaves(states), strict=True):
            getattr(self, name).copy_(state.detach())

    def _first_states(self, sequence: Tensor, initial_state: Any) -> list[Any]:
        batch = sequence.shape[0]
        if self.stateful:
            expected = getattr(self, leaves(self._state_names)[0]).shape[0]
            if batch != expected:
                raise ValueError(
                    f"{type(self).__name__}: the input has batch size {batch}, stateful=True keeps states for {expected}"
                )
        if initial_state is not None:
            return self._checked_states(initial_state, self.get_initial_state(batch), "initial_state")
        if self.stateful:
            # A copy: what autograd keeps must not change when the states do.
            return cast_states(nested(partial(getattr, self), self._state_names), dtypes_of(self.cell, self), copy=True)
        return self.get_initial_state(batch)

    def _checked_states(self, given: Any, like: Any, argument: str) -> list[Any]:
        """Return states in the cells' dtypes, nested as `like`. Raises: ValueError if their number or a shape differs."""
        if isinstance(given, Tensor) or not isinstance(given, (list, tuple)):
            given = [given]
        expected, found = leaves(like), [torch.as_tensor(state) for state in leaves(given)]
        shapes, wanted = [tuple(state.shape) for state in found], [tuple(state.shape) for state in expected]
        if len(shapes) != len(wanted) or any(
            len(a) != len(b) or any(m != n for m, n in zip(a, b, strict=True))
            for a, b in zip(shapes, wanted, strict=True)
        ):
            raise ValueError(f"{type(self).__name__}: {argument} of shapes {shapes}, needed are {wanted}")
        rest = iter(found)
        return cast_states(nested(lambda state: next(rest).to(state.device), like), dtypes_of(self.cell, self))

    # --- computing -------------------------------------------------------------------------------------------------

    def forward(self, sequence: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        """Return the output, or with `return_state` a tuple of it and the states."""
        if sequence.shape[1] == 0:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(sequence.shape)} has no step in axis 1, at least 1 is needed"
            )
        states = self._first_states(sequence, initial_state)
        if mask is not None:
            mask = self._checked_mask(mask, sequence)
        if self.go_backwards:
            sequence, mask = sequence.flip(1), None if mask is None else mask.flip(1)
        output, states = over_time(
            self.cell, sequence, states, mask, self.return_sequences, self.return_state or self.stateful
        )
        if mask is not None and self.zero_output_for_mask:
            # Unrolled, Keras does not turn the mask of sequences that begin at the end.
            steps = mask.flip(1) if self.unroll and self.go_backwards else mask
            output = where(steps if self.return_sequences else mask[:, -1], output, torch.zeros_like(output))
        if self.stateful:
            self._keep(states)
        dtype = self.compute_dtype
        if set(leaves(dtypes_of(self.cell, self))) != {dtype}:
            output, states = output.to(dtype), nested(lambda state: state.to(dtype), states)
        return (output, *states) if self.return_state else output

    def _checked_mask(self, mask: Tensor, sequence: Tensor) -> Tensor:
        if mask.ndim == 3 and mask.shape[2] == 1:
            mask = mask.squeeze(2)
        if mask.ndim != 2 or mask.shape[0] != sequence.shape[0] or mask.shape[1] != sequence.shape[1]:
            raise ValueError(
                f"{type(self).__name__}: mask of shape {tuple(mask.shape)} for an input of shape "
                f"{tuple(sequence.shape)}, needed is {tuple(sequence.shape[:2])}"
            )
        return mask.bool()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask if the layer returns sequences, else None; with `return_state` a list, None for each state."""
        if isinstance(mask, (list, tuple)):
            mask = mask[0] if mask else None
        passed = mask if self.return_sequences else None
        return [passed, *(None for _ in self.state_size)] if self.return_state else passed
