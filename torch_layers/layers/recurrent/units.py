"""What SimpleRNN, GRU and LSTM have in common: an RNN whose cell their own arguments describe."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, ClassVar

from torch_layers.layers.arguments import one_of
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.recurrent.cell import _Cell
from torch_layers.layers.recurrent.rnn import RNN
from torch_layers.serialization import parameters, serialize


class _OfUnits(RNN):
    """Base of the layers that make their cell, `cell_class`: its arguments are theirs, read from `cell`.

    `implementation` is the cell's; `time_major=False` is Keras 2's. `use_cudnn` is Keras's and changes nothing: torch
    chooses its kernels itself.
    """

    cell_class: ClassVar[type[_Cell]]
    config_omits = frozenset({"cell", "implementation", "time_major", "use_cudnn"})
    input_spec = InputSpec(min_ndim=3, max_ndim=3)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in cls._arguments_of_cell():
            setattr(cls, name, property(attrgetter(f"cell.{name}")))

    @classmethod
    def _arguments_of_cell(cls) -> list[str]:
        base = {parameter.name for parameter in parameters(Layer)}
        return [parameter.name for parameter in parameters(cls.cell_class) if parameter.name not in base]

    def __init__(self, cell: Mapping[str, Any], **kwargs: Any) -> None:
        # What the cell is made of, with the layer's own arguments beside it.
        given = cell
        if kwargs.pop("time_major", False):
            raise ValueError(
                f"{type(self).__name__}: time_major=True is not possible, as in Keras 3: pass (batch, time, features), "
                "such as x.transpose(0, 1)"
            )
        of_cell = {name: given[name] for name in self._arguments_of_cell() if name in given}
        made = self.cell_class(
            **of_cell,
            implementation=kwargs.pop("implementation", 2),
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            autocast=kwargs.get("autocast", True),
        )
        of_layer = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "activity_regularizer")
        super().__init__(made, **{name: given[name] for name in of_layer}, **kwargs)
        if "use_cudnn" in given:
            self.use_cudnn = one_of(self, "use_cudnn", given["use_cudnn"], ("auto", True, False))

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=3, max_ndim=3, axes={-1: input_shape[-1]})

    def get_config(self) -> dict[str, Any]:
        # As in Keras, written whether there is one or not.
        return {**super().get_config(), "activity_regularizer": serialize(self.activity_regularizer)}
