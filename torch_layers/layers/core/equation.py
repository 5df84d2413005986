"""The equation of EinsumDense: its letters, and the sizes that they stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@dataclass(frozen=True)
class Equation:
    """An equation's letters: of input, kernel and output; `left` and `right` say where an ellipsis stands."""

    x: str
    kernel: str
    y: str
    left: bool
    right: bool

    @classmethod
    def parse(cls, equation: Any) -> Equation:
        """Read an equation. Raises: ValueError if it is not one of the forms that Keras takes."""
        found = _EQUATION.fullmatch(equation) if isinstance(equation, str) else None
        if found is not None:
            left, x, right, kernel, y_left, y, y_right = found.groups()
            if left == y_left and right == y_right and not (left and right) and not (right and len(x) < 2):
                _check_letters(equation, x, kernel, y)
                return cls(x, kernel, y, bool(left), bool(right))
        raise ValueError(
            f"EinsumDense: equation={equation!r} is not of the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...'"
        )

    @property
    def summed(self) -> str:
        """The kernel's letters that the output lacks."""
        return "".join(letter for letter in self.kernel if letter not in self.y)

    @property
    def new(self) -> str:
        """The kernel's letters that the input lacks."""
        return "".join(letter for letter in self.kernel if letter not in self.x)

    def elided(self, shape: Sequence[int | None]) -> int:
        """Return how many axes of an input the ellipsis stands for. Raises: ValueError if the rank doesn't fit."""
        count = len(shape) - len(self.x)
        if count < 0 or (count > 0 and not (self.left or self.right)):
            allowed = f"at least {len(self.x)}" if self.left or self.right else str(len(self.x))
            raise ValueError(f"EinsumDense: input of shape {tuple(shape)} has rank {len(shape)}, allowed is {allowed}")
        return count

    def full_output(self, shape: Sequence[int | None], given: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape, where `given` lacks the batch axis and those of the ellipsis."""
        count = self.elided(shape)
        before = shape[:count] if self.left and count else shape[:1]
        return (*before, *given, *(shape[len(shape) - count :] if self.right else ()))

    def sizes(self, shape: Sequence[int | None], given: Sequence[int | None]) -> dict[str, int]:
        """Return the size of each letter. Raises: ValueError if the input and `output_shape` disagree or lack one."""
        before = self.elided(shape) if self.left else 0
        output = self.full_output(shape, given)
        if len(output) < before + len(self.y):
            raise ValueError(
                f"EinsumDense: output_shape={tuple(given)} is too short for the output {self.y!r} of the equation; it "
                "lacks only the batch axis and those of the ellipsis"
            )
        of_input = dict(zip(self.x, shape[before:], strict=False))
        of_output = dict(zip(self.y, output[before:], strict=False))
        for letter in self.x:
            a, b = of_input[letter], of_output.get(letter)
            if None not in (a, b) and a != b:
                raise ValueError(
                    f"EinsumDense: input of shape {tuple(shape)} has size {a} in {letter!r}, "
                    f"output_shape={tuple(given)} says {b}"
                )
        found = {letter: of_output.get(letter) or of_input.get(letter) for letter in self.x + self.y}
        for letter in self.kernel:
            if found[letter] is None:
                raise ValueError(f"EinsumDense: output_shape={tuple(given)} does not give the size of {letter!r}")
        return found  # type: ignore[return-value]

    def bias_letters(self, bias_axes: str) -> str:
        """Return the output's letters from the first with a bias on. Raises: ValueError if one is not in the output."""
        for letter in bias_axes:
            if letter not in self.y:
                raise ValueError(
                    f"EinsumDense: bias_axes={bias_axes!r} holds {letter!r}, the output {self.y!r} does not"
                )
        if not bias_axes:
            raise ValueError("EinsumDense: bias_axes='' names no axis; None means no bias")
        return self.y[min(map(self.y.index, bias_axes)) :]

    @property
    def is_product(self) -> bool:
        """Whether it is a product with a matrix: the last axes of the input, summed, give way to new ones."""
        summed, new = self.summed, self.new
        kept = self.x.removesuffix(summed)
        if not summed or not new or self.right or len(set(self.x)) < len(self.x):
            return False
        return self.x == kept + summed and self.y == kept + new and self.kernel in (summed + new, new + summed)


def _check_letters(equation: str, x: str, kernel: str, y: str) -> None:
    for letter in y:
        if letter not in x + kernel:
            raise ValueError(f"EinsumDense: equation={equation!r} has {letter!r} in its output, but not before '->'")
    for letter in kernel:
        if letter not in x + y:
            raise ValueError(f"EinsumDense: equation={equation!r} has {letter!r} in its kernel only")
