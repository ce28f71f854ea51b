"""What can go wrong, by who has to do something about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._saved import Saved


class AnthillError(Exception):
    """The base of all errors of this module."""


class Refused(AnthillError, ValueError):
    """Bad input: the text names what is wrong, where, and what to write instead (exit code 2)."""


class Violated(AnthillError):
    """A check failed inside its bound, and ``check=True`` asked for an exception."""

    saved: Saved
    """What was run, whole."""

    def __init__(self, message: str, saved: Saved) -> None:
        super().__init__(message)
        self.saved = saved


class Interrupted(AnthillError):
    """A signal ended the program; what was finished is saved (exit code 130)."""

    directory: Path | None
    """Where, if the program said so."""

    def __init__(self, message: str, directory: Path | None) -> None:
        super().__init__(message)
        self.directory = directory


class Failed(AnthillError):
    """The program ended as it never should: killed, or with an error of its own."""


class BinaryError(AnthillError):
    """There is no program to run, or it does not belong to this module."""


class NotSaved(AnthillError, ValueError):
    """A directory does not hold what was asked of it."""


class MissingPackage(AnthillError, ImportError):
    """A table was asked for in the form of a package that is not installed."""
