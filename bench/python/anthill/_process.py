"""Runs the program and says how it ended.

The program shows progress only on a terminal, so it gets one of its own where progress is wanted. Whatever ends the
caller's wait (Ctrl-C, an exception of a progress function) asks the program to end too: it saves what is finished.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import re
import select
import struct
import subprocess
import tempfile
import termios
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from . import _binary, _progress
from .errors import BinaryError, Failed, Interrupted, Refused

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRESS_MARKS = "█░▉▊▋▌▍▎▏"
MOST_LINES = 400
MOST_LINE_CHARACTERS = 4_000
COLUMNS = 160


def call(
    arguments: list[str], scenarios: list[str], text: str | None, progress: bool | Callable[[str], None] | None
) -> tuple[int, dict[str, Any]]:
    """Runs a command to its end; its exit code (0 or 1) and the JSON that it printed.

    Raises:
        Refused, Interrupted, Failed, BinaryError: As their names say.
    """
    program = _binary.binary()
    sink = _progress.sink(progress)
    command = [str(program), *arguments, "--format=json", f"--progress={'auto' if sink else 'off'}", *scenarios]
    with tempfile.TemporaryFile() as printed:
        code, said = _run(command, text, printed, sink)
        printed.seek(0)
        out = printed.read()
    if code == 2:
        raise Refused(said.removeprefix("error: ") or "refused, without a word")
    if code == 130:
        raise Interrupted(said or "interrupted", _directory(out))
    if code not in (0, 1):
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise Failed(f"{program} {how}" + (f": {said}" if said else ""))
    try:
        found = json.loads(out)
        if not isinstance(found, dict):
            raise ValueError
    except ValueError:
        raise Failed(f"{program} printed no JSON" + (f": {said}" if said else "")) from None
    return code, found


def _directory(printed: bytes) -> Path | None:
    """Where a command saved what it had when it was interrupted, if it came to say so."""
    try:
        found = json.loads(printed)
        return Path(found.get("host", {}).get("run_directory") or found["directory"])
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def _run(command: list[str], text: str | None, printed: IO[bytes], sink: _progress.Sink | None) -> tuple[int, str]:
    with tempfile.TemporaryFile() as stdin:
        if text is not None:
            try:
                stdin.write(text.encode())
            except UnicodeEncodeError:
                raise Refused("the scenario is no valid Unicode text") from None
            stdin.seek(0)
        ours, theirs = _terminal() if sink else os.pipe()
        try:
            process = _start(command, stdin, printed, theirs, on_terminal=sink is not None)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        said = _Said(sink)
        try:
            _follow(process, ours, said)
        except BaseException:
            # TERM, because a second Ctrl-C would end the program before it has saved anything.
            process.terminate()
            try:
                process.wait()
            except BaseException:
                process.kill()
                raise
            raise
        finally:
            process.wait()
            os.close(ours)
            if sink:
                sink.close()
    return process.returncode, said.text()


def _start(
    command: list[str], stdin: IO[bytes], printed: IO[bytes], stderr: int, *, on_terminal: bool
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TERM": "xterm"} if on_terminal else None
    try:
        return subprocess.Popen(command, stdin=stdin, stdout=printed, stderr=stderr, env=environment)
    except (OSError, ValueError) as problem:
        raise BinaryError(f"{command[0]} cannot be started: {problem}") from None


def _terminal() -> tuple[int, int]:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    return ours, theirs


def _follow(process: subprocess.Popen[bytes], stderr: int, said: _Said) -> None:
    """Reads what the program says, until it has ended: what it started may keep the pipe open longer."""
    ended = False
    while True:
        ready, _, _ = select.select([stderr], [], [], 0 if ended else 0.05)
        if ready:
            try:
                chunk = os.read(stderr, 65_536)
            except OSError:  # the other end of a terminal is closed
                chunk = b""
            if not chunk:
                process.wait()
                break
            said.add(chunk)
        elif ended:
            break
        else:
            ended = process.poll() is not None
    said.end()


class _Said:
    """The last lines of stderr, without the progress line, which goes to its sink."""

    def __init__(self, sink: _progress.Sink | None) -> None:
        self.sink = sink
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.open = ""
        self.lines: deque[str] = deque(maxlen=MOST_LINES)

    def add(self, chunk: bytes) -> None:
        """Takes in some bytes."""
        *whole, rest = re.split(r"[\r\n]+", self.open + self.decoder.decode(chunk))
        # Only its beginning is of use, and it may never end.
        self.open = rest[:MOST_LINE_CHARACTERS]
        for line in whole:
            self._line(line)
        if self.sink and any(mark in rest for mark in PROGRESS_MARKS):
            self.sink.show(ESCAPE.sub("", rest).strip())

    def end(self) -> None:
        """Takes what is left for a line."""
        self._line(self.open)
        self.open = ""

    def text(self) -> str:
        """What was said."""
        return "\n".join(self.lines)

    def _line(self, line: str) -> None:
        line = ESCAPE.sub("", line)[:MOST_LINE_CHARACTERS].strip()
        if not line:
            return
        if not any(mark in line for mark in PROGRESS_MARKS):
            self.lines.append(line)
        if self.sink:
            self.sink.show(line)
