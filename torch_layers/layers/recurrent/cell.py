"""What the cells of SimpleRNN, GRU and LSTM have in common: units, weights, dropout, and how to run over a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.arguments import one_of, positive_int
from torch_layers.layers.base import InputSpec
from torch_layers.layers.recurrent.compaction import Compaction
from torch_layers.layers.recurrent.loop import loop
from torch_layers.layers.regularization.noise import _Noise


class _Cell(_Noise):
    """Base of the cells with `units`: one step of a recurrent layer, `forward(inputs, states) -> (output, states)`.

    A layer runs its cell over a whole sequence by `over_time`: by a fused kernel of torch's where that computes the same
    (`fused`, if `is_fused` says so), else with one matrix product for the inputs of all steps, and `step` for each.
    Masks of dropout are drawn once for a sequence: one for all gates, or one for each with `implementation=1` and with
    recurrent dropout.
    """

    strength = "dropout"
    takes_integers = False
    supports_masking = False
    input_spec = InputSpec(min_ndim=2, max_ndim=2)
    config_omits = frozenset({"implementation"})
    # Layouts of the kernels' last axis and of the bias: the gates in Keras's order and in PyTorch's.
    gates: ClassVar[tuple[str, str]]
    # Kinds of tensors, off the CPU, that the fused kernel can't take.
    too_special: ClassVar[tuple[type, ...]] = ()
    state_size: Any
    weight_ih: Tensor
    weight_hh: Tensor
    bias: Tensor | None
    dropout: float
    activation: Any
    recurrent_activation: Any
    bias_initializer: Any

    def __init__(self, **kwargs: Any) -> None:
        implementation = kwargs.pop("implementation", 2)  # which Keras's signatures don't name either
        super().__init__(**kwargs)
        self.implementation = one_of(self, "implementation", implementation, (0, 1, 2))

    def _set_cell(self, given: Mapping[str, Any]) -> None:
        self.units = positive_int(self, "units", given["units"])
        self.activation = activations.get(given["activation"])
        self.use_bias = bool(given["use_bias"])
        self._set_noise(_share(self, "dropout", given["dropout"]), given["seed"])
        self.recurrent_dropout = _share(self, "recurrent_dropout", given["recurrent_dropout"])
        if self.recurrent_dropout:
            self.implementation = 1
        self.state_size, self.output_size = self.units, self.units
        keras, ours = self.gates
        self._count = keras.count("+") + 1
        self.declare("weight_ih", f"i {keras} -> {ours} i", "kernel", "kernel", given)
        self.declare("weight_hh", f"i {keras} -> {ours} i", "recurrent_kernel", "recurrent", given)
        self._declare_bias(f"{keras} -> {ours}", given)

    def _declare_bias(self, pattern: str, given: Mapping[str, Any]) -> None:
        self.declare("bias", pattern, "bias", "bias", given, self.use_bias)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._count * self.units,)

    def build(self, input_shape: Any) -> None:
        features, width = input_shape[-1], self._count * self.units
        if features is None:
            raise ValueError(
                f"{type(self).__name__}: the last axis of an input of shape {tuple(input_shape)} needs a size"
            )
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (features, width), "weight_hh": (self.units, width)}
        self.create_weights(**shapes, **({"bias": self._bias_shape()} if self.use_bias else {}))
        self.input_spec = InputSpec(min_ndim=2, max_ndim=2, axes={-1: features})

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Return states of zeros for a batch."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        device = self.weight_hh.device
        return [torch.zeros(batch_size or 0, size, dtype=self.compute_dtype, device=device) for size in sizes]

    def _convert_input(self, x: Any, integers: bool) -> Any:
        x = super()._convert_input(x, integers)
        # Keras's operations promote what autocast leaves as it is.
        if not self.autocast and isinstance(x, Tensor) and (integers or x.is_floating_point()):
            return x.to(self.variable_dtype)
        return x

    def forward(self, inputs: Tensor, states: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        """Return the output of one step and the states after it, which are nested as those before it."""
        nested = isinstance(states, (list, tuple))
        sequence = inputs.unsqueeze(1)
        output, new = self._over_steps(sequence, list(states) if nested else [states], None, False)
        return output, new if nested else new[0]

    # --- a whole sequence ------------------------------------------------------------------------------------------

    def over_time(
        self, sequence: Tensor, states: Sequence[Tensor], mask: Tensor | None, everything: bool, final: bool
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Run over a sequence; see `torch_layers.layers.recurrent.loop.over_time`."""
        sequence = self._convert_input(sequence, True)  # the layer around it may compute in another dtype
        if not self.is_fused() or (not sequence.is_cpu and isinstance(sequence, self.too_special)):
            return self._over_steps(sequence, states, mask, everything)
        features = self.weight_ih.shape[1]
        if sequence.shape[-1] != features:  # oneDNN's LSTM does not look, and reads what lies behind
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(sequence.shape)} has size {sequence.shape[-1]} in axis "
                f"-1, the cell was built for {features}"
            )
        if self.training and self._drops_inputs():
            sequence = sequence * self._dropped(sequence[:, 0], self.dropout).unsqueeze(1)
        if mask is None:
            outputs, *new = self.fused(sequence, states)
            return outputs if everything else new[0], new
        steps = Compaction(mask)
        outputs, *new = self.fused(steps.pack(sequence), states, steps.behind() if final else None)
        last = steps.last(outputs)
        if final:
            new[0] = torch.where(steps.begun[:, -1:], last, states[0])
        return steps.unpack(outputs) if everything else last, new

    def is_fused(self) -> bool:
        """Whether a fused kernel of torch's computes what the cell does, in its present mode."""
        return not self.training or not (
            self.recurrent_dropout or (self.implementation == 1 and self._count > 1 and self._drops_inputs())
        )

    def fused(self, sequence: Tensor, states: Sequence[Tensor], behind: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return all outputs of a sequence and the states after it, which `behind` holds back where it is True.

        Of these, only those that differ from the outputs need holding back.
        """
        raise NotImplementedError

    def fused_weights(self) -> list[Tensor]:
        """Return the weights in the order in which torch's kernels take them, with two biases or none."""
        weights = [self.cast(self.weight_ih), self.cast(self.weight_hh)]
        if self.bias is not None:
            bias = self.cast(self.bias)
            weights += [bias, torch.zeros_like(bias)] if bias.ndim == 1 else list(bias.unbind(0))
        return weights

    def _over_steps(
        self, sequence: Tensor, states: Sequence[Tensor], mask: Tensor | None, everything: bool
    ) -> tuple[Tensor, Any]:
        drops = self.training and 0 < self.recurrent_dropout <= self._most_dropped()
        kept = self._dropped(states[0], self.recurrent_dropout, self._count) if drops else None
        weight = self.cast(self.weight_hh)
        if kept is not None and self._count > 1:
            recurrent = self._recurrent(weight.view(self._count, self.units, -1).transpose(1, 2), kept)
        else:
            recurrent = self._recurrent(weight.t(), kept)

        def step(x: Any, states: Any) -> tuple[Tensor, Any]:
            return self.step(x, states, recurrent, kept)

        return loop(step, self._steps(self._project(sequence)), states, mask, everything)

    def step(self, x: Any, states: Any, recurrent: Any, kept: Tensor | None) -> tuple[Tensor, Any]:
        """Return output and states of a step from its projected inputs, what is recurrent and the dropout of states."""
        raise NotImplementedError

    # What a step needs is cut to pieces before the loop: a gradient that goes through a slice costs as much as the whole.

    def _steps(self, projected: Tensor) -> Sequence[Any]:
        """Return the projected inputs of each step."""
        return projected.unbind(1)

    def _recurrent(self, weight: Tensor, kept: Tensor | None) -> Any:
        """Return what all steps need of the recurrent weight (units, gates), with dropout a stack of one per gate."""
        return weight

    def _project(self, sequence: Tensor) -> Tensor:
        """Return inputs @ kernel + bias for all steps at once."""
        weight, bias = self.cast(self.weight_ih), self._input_bias()
        if not (self.training and self._drops_inputs()):
            return F.linear(sequence, weight, bias)
        if self.implementation != 1 or self._count == 1:
            return F.linear(sequence * self._dropped(sequence[:, 0], self.dropout).unsqueeze(1), weight, bias)
        kept = self._dropped(sequence[:, 0], self.dropout, self._count)
        parts = zip(kept, weight.chunk(self._count), strict=True)
        projected = torch.cat([F.linear(sequence * mask.unsqueeze(1), part) for mask, part in parts], -1)
        return projected if bias is None else projected + bias

    def _input_bias(self) -> Tensor | None:
        return None if self.bias is None else self.cast(self.bias)

    # --- dropout ---------------------------------------------------------------------------------------------------

    def _most_dropped(self) -> float:
        """Return the highest rate that has an effect: as in Keras, GRU and LSTM take one of 1 for none."""
        return 1.0 if self._count == 1 else 1 - 2**-53

    def _drops_inputs(self) -> bool:
        return 0 < self.dropout <= self._most_dropped()

    def _dropped(self, x: Tensor, rate: float, count: int | None = None) -> Tensor:
        """Draw 0 at a rate of `rate`, else 1 / (1 - rate), for each value of x; `count` times, stacked."""
        sizes = x.shape if count is None or count == 1 else (count, *x.shape)
        if rate == 1:
            return x.new_zeros(sizes)
        return self._uniform(sizes, x).sub_(rate).ceil_().mul_(1 / (1 - rate)).to(x.dtype)


def _share(cell: object, argument: str, value: Any) -> float:
    """Return a rate as Keras clips it. Raises: ValueError if it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise ValueError(f"{type(cell).__name__}: {argument}={value!r} is not a number from 0 to 1")
    return min(1.0, max(0.0, value))
