"""A picture of where two models part: each layer's own error, and the error that has grown up to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from parity.sides.base import MissingSide
from parity.whole.compare import Whole

_SMALLEST = 1e-18  # stands for an error of 0 on a logarithmic axis


def check(path: Path) -> None:
    """Raise before any work is done: ValueError if `path` is no PNG or SVG file, MissingSide without matplotlib."""
    if path.suffix not in (".png", ".svg"):
        raise ValueError(f"--plot {path}: the name must end in .png or .svg")
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingSide("--plot needs matplotlib; pip install matplotlib")


def plot(whole: Whole, path: Path) -> None:
    """Draw the errors along the layers and write them to `path`, PNG or SVG as its name ends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = figure.subplots()
    order = range(len(whole.steps))
    running = [(i, max(s.running, _SMALLEST)) for i, s in enumerate(whole.steps) if s.running is not None]
    axes.plot(*zip(*running, strict=True), color="#8899aa", linewidth=1.5, label="in the model, grown on")
    own = [max(min(step.own, 1e3), _SMALLEST) for step in whole.steps]
    axes.scatter(order, own, s=14, color="#1f6f8b", label="of the layer alone", zorder=3)
    axes.step(
        order, [step.allowed for step in whole.steps], where="mid", color="#555555", linestyle=":", label="allowed"
    )
    departing = [i for i, step in enumerate(whole.steps) if step.departs]
    if departing:
        axes.scatter(departing, [own[i] for i in departing], s=42, color="#c0392b", label="departs", zorder=4)
        first = departing[0]
        right = first > len(whole.steps) / 2
        axes.annotate(
            f"{whole.steps[first].path} ({whole.steps[first].cls})", (first, own[first]),
            xytext=(-12 if right else 12, 14), textcoords="offset points", ha="right" if right else "left",
            color="#c0392b", arrowprops={"arrowstyle": "-", "color": "#c0392b"},
        )  # fmt: skip
    axes.set_yscale("log")
    axes.margins(y=0.15)
    axes.set_xlabel("layers, in the order of their calls")
    axes.set_ylabel("error relative to the largest value, float64")
    axes.set_title(f"{whole.name}: torch beside Keras, layer by layer", loc="left")
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False, loc="best")
    figure.savefig(path, dpi=150)
