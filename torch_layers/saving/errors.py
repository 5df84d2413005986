"""What is said of a file that can't be read."""

from __future__ import annotations

# Names and numbers in a file may be as long as the file.
_LONGEST = 20_000


class FileError(ValueError):
    """A file that is not what it claims to be, holds what is never run, or asks for more than it contains.

    The message names the file, the place inside it, and what is wrong there.
    """

    def __init__(self, place: str, message: str) -> None:
        message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
        super().__init__(f"{place}: {message}")
