"""Where the program's progress line is shown: a notebook, a terminal, a function of the caller's, or nowhere."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from typing import Any, Protocol


class Sink(Protocol):
    """Takes each state of the progress line."""

    def show(self, line: str) -> None:
        """Replaces what was shown before."""

    def close(self) -> None:
        """Takes it away."""


def sink(wanted: bool | Callable[[str], None] | None) -> Sink | None:
    """Where to show progress; ``None`` shows it to people, and nowhere else."""
    if wanted is False:
        return None
    if callable(wanted):
        return _Function(wanted)
    if _in_notebook():
        return _Notebook()
    if wanted or sys.stderr.isatty():
        return _Terminal()
    return None


def _in_notebook() -> bool:
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class _Function:
    def __init__(self, function: Callable[[str], None]) -> None:
        self.show = function

    def close(self) -> None:
        pass


class _Terminal:
    def show(self, line: str) -> None:
        width = shutil.get_terminal_size().columns
        print(f"\r{line[: width - 1]}\x1b[K", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class _Notebook:
    """One output of the cell, changed in place."""

    handle: Any = None

    def show(self, line: str) -> None:
        display: Any = importlib.import_module("IPython.display").display
        data = {"text/plain": line}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)

    def close(self) -> None:
        if self.handle is not None:
            self.show("")
