"""Which program is run: one, of this module's own version."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

from .errors import BinaryError

DISTRIBUTION = "anthill-emulator"
NAMES = ("anthill", "anthill.exe")
SCRIPTS = ("bin", "Scripts")


def version() -> str:
    """The version of this module, and of the program that it runs."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise BinaryError(f"the module anthill is not installed: pip install {DISTRIBUTION}") from None


def binary() -> Path:
    """The program: of the wheel, else what ``ANTHILL`` names, else the one on the PATH.

    Raises:
        BinaryError: There is none, it does not run, or it is of another version than the module.
    """
    path = _of_the_wheel() or _of_the_environment() or _of_the_path()
    if path is None:
        raise BinaryError(
            "there is no program anthill: not in the scripts of the wheel, ANTHILL names none, and none is on the "
            f"PATH; install {DISTRIBUTION} again, or set ANTHILL to the program"
        )
    status = path.stat()
    said = _said(path, status.st_mtime_ns, status.st_size)
    if said != f"anthill {version()}":
        raise BinaryError(
            f"{path} is of another version: it says {said[:80]!r}, and the module is anthill {version()}; "
            f"install both together (pip install {DISTRIBUTION}), or build the program from the same source"
        )
    return path


def _of_the_wheel() -> Path | None:
    # What was installed is listed, wherever the scripts of this environment are.
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    listed = [Path(str(file.locate())) for file in files if file.name in NAMES and file.parent.name in SCRIPTS]
    # `pip install --target` puts them elsewhere than it lists.
    beside = [Path(__file__).parent.parent / folder / name for folder in SCRIPTS for name in NAMES]
    return next((path.resolve() for path in listed + beside if path.is_file()), None)


def _of_the_environment() -> Path | None:
    named = os.environ.get("ANTHILL")
    if not named:
        return None
    path = Path(named)
    if not path.is_file():
        raise BinaryError(f"ANTHILL={named}: there is no such file")
    return path.resolve()


def _of_the_path() -> Path | None:
    found = shutil.which("anthill")
    return Path(found).resolve() if found else None


@functools.lru_cache(maxsize=16)
def _said(path: Path, modified_ns: int, size_bytes: int) -> str:
    """What a program says of itself, without the commit; asked once for each file."""
    try:
        answer = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise BinaryError(f"{path} does not run: {problem}") from None
    return answer.stdout[:1000].decode(errors="replace").strip().partition(" (commit ")[0]
