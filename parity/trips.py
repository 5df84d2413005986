"""Round trips of files: what Keras saves is read by torch_layers, written back, and read by Keras; outputs compared.

Every layer that has cases takes part, without a table of its own: a few of its cases, chosen so that each argument that
they set is in a file. A trip is one case of kind "file". Its reference writes the model in each format that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from parity.case import Array, Case
from parity.judge import Check, Verdict, judge
from parity.record import Record
from torch_layers.registry import layers

# How many cases of a layer are saved at most; models are all saved.
CASES_OF_A_LAYER = 3
# Arguments that say nothing of what is computed or saved.
PLAIN = ("name", "dtype", "seed", "trainable")
# What is in no file, by name and part of the id, and why.
LEFT_OUT = (
    ("Lambda", "", "its function is code: load_model takes it from custom_objects alone"),
    ("GroupQueryAttention", ", 2x4x8*0.5", "Keras's symbolic call wants queries and values of one size"),
)
MADE, READ, WRITTEN = "made", "read", "written back"
# What a check notes where the reference fails with its own file too.
OWN = "so does Keras with its own file"


def trips(cases: Iterable[Case]) -> Iterator[Case]:
    """Yield the round trips of layers and models, chosen among their cases."""
    of_name: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        if case.kind in ("layer", "model") and _can_travel(case):
            of_name.setdefault((case.kind, case.name), []).append(case)
    for (kind, _), found in of_name.items():
        for case in found if kind == "model" else _chosen(found):
            yield replace(case, kind="file", why="")


def made_of(case: Case) -> Case:
    """Return the case whose layer or model a trip saves."""
    is_layer = case.name in layers and case.name != "Sequential"
    return replace(case, kind="layer" if is_layer else "model")


def _can_travel(case: Case) -> bool:
    plain = not (case.raises or case.statistical or case.training) and case.masks is None
    plain = plain and not any(case.name == name and part in case.id for name, part, _ in LEFT_OUT)
    return plain and case.dtype == "float32" and case.calls == 1 and all(_has_elements(x) for x in case.inputs)


def _has_elements(spec: Any) -> bool:
    if isinstance(spec, list):
        return all(map(_has_elements, spec))
    if isinstance(spec, Mapping):
        return all(map(_has_elements, spec.values()))
    shape = spec.shape if isinstance(spec, Array) else spec
    return (isinstance(spec, Array) and spec.fill == "values") or (len(shape) > 0 and 0 not in shape)


def _chosen(cases: list[Case]) -> list[Case]:
    """Return the first case, and then those that set most arguments that no chosen one sets."""
    chosen, left = cases[:1], cases[1:]
    seen = set(cases[0].config)
    while left and len(chosen) < CASES_OF_A_LAYER:
        best = max(left, key=lambda case: len(set(case.config) - seen - set(PLAIN)))
        if not set(best.config) - seen - set(PLAIN):
            break
        chosen.append(best)
        left.remove(best)
        seen |= set(best.config)
    return chosen


def judge_trip(case: Case, ask: Callable[[str, Mapping[str, bytes]], Record]) -> Verdict:
    """Judge one trip; `ask(role, files)` gives what a role made of files, or wrote, given none."""
    start = ask("reference", {})
    if start.lacks is not None:
        return Verdict(lacks=f"reference: {start.lacks}")
    if start.error is not None:
        return Verdict([Check(MADE, "model", passed=False, note=start.error)])
    if "lora_rank" in case.config:  # Keras adds the product of the factors to the kernel before it saves that
        start.values = {what: value for what, value in start.values.items() if not what.startswith("weight")}
    checks = [Check(f"{format} saved", "file", passed=False, note=said) for format, said in start.refusals.items()]
    read = ask("implementation", start.files) if start.files else Record()
    back = ask("reference", read.files) if read.files else Record()
    for format, content in start.files.items():
        found = _compared(format, READ, start, read)
        if read.error is None and format not in read.refusals:
            unsaved = read.refusals.get(f"{format} saved")
            if unsaved is not None:
                found.append(Check(f"{format} {WRITTEN}", "file", passed=False, note=unsaved))
            else:
                found += _compared(format, WRITTEN, start, back)
        if not all(check.passed for check in found):
            # It may be Keras itself that can't take this model from such a file.
            found = _beside(found, _compared(format, WRITTEN, start, ask("reference", {format: content})))
        checks += found
    return Verdict(checks)


def _beside(found: list[Check], own: list[Check]) -> list[Check]:
    """Note with each failure whether the reference fails so with its own file: refuses it, or computes another value."""
    failed = {check.what for check in own if not check.passed}
    return [
        replace(check, note=f"{check.note or check} ({OWN})") if not check.passed and check.what in failed else check
        for check in found
    ]


def _compared(format: str, direction: str, start: Record, found: Record) -> list[Check]:
    """Compare what was made of a file with what was saved: outputs by the gates, weights bit by bit."""
    gate = f"{format} {direction}"
    said = found.error or found.refusals.get(format)
    if said is not None:
        return [Check(gate, "file", passed=False, note=said)]
    outputs = {what: value for what, value in start.values.items() if what.startswith("output")}
    of_format = {w.removeprefix(f"{format} "): value for w, value in found.values.items() if w.startswith(f"{format} ")}
    expected = Record(outputs)
    actual = Record({what: value for what, value in of_format.items() if what.startswith("output")})
    checks = [replace(check, gate=gate) for check in judge(expected, actual, expected, actual).checks]
    ours, theirs = (
        sorted(value.array.tobytes() for what, value in values.items() if what.startswith("weight"))
        for values in (of_format, start.values)
    )
    if theirs and ours != theirs:
        note = f"are not the {len(theirs)} arrays that were saved, bit by bit"
        checks.append(Check(gate, "weights", passed=False, note=note))
    return checks
