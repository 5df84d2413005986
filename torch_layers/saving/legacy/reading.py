"""What is known while an old config is read, and the problems found on the way: all of them are told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ConfigError(ValueError):
    """A part of a config has not the form that it needs to be read any further. The message leaves out the place."""


@dataclass
class Reading:
    """One config under way: the version of Keras that wrote it, and what of it can't be taken so far.

    `is_tf` tells Keras inside TensorFlow, and tf-keras, from the Keras of several backends, which ended with 2.3.
    """

    version: tuple[int, ...]
    is_tf: bool
    backend: str
    # Whether some layer of the model makes masks.
    has_masks: bool = False
    problems: list[tuple[str, str]] = field(default_factory=list)

    def problem(self, path: str, reason: str) -> None:
        """Note that what stands at `path` can't be taken."""
        self.problems.append((path, reason))

    def finish(self) -> None:
        """Raise ValueError that lists every problem, if there is one."""
        if not self.problems:
            return
        found = list(dict.fromkeys(self.problems))
        lines = "".join(f"\n  {path}: {reason}" for path, reason in found)
        raise ValueError(
            f"the config of Keras {self.version[0]} holds {len(found)} part{'s' * (len(found) > 1)} that can't be taken:"
            f"{lines}"
        )


def a_dict(value: Any, what: str) -> dict[str, Any]:
    """Return a copy of a dict with names for keys. Raises: ConfigError for anything else."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ConfigError(f"{what} is {shown(value)}, not a dict")
    return dict(value)


def a_list(value: Any, what: str) -> list[Any]:
    """Return a copy of a list. Raises: ConfigError for anything else."""
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{what} is {shown(value)}, not a list")
    return list(value)


def a_name(value: Any, what: str) -> str:
    """Return a text that is not empty. Raises: ConfigError for anything else."""
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{what} is {shown(value)}, not a name")
    return value


def shown(value: Any) -> str:
    """Return a value as an error shows it: never longer than a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
