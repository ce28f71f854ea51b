"""Puts the program into the wheel.

The program is the file that the environment variable ANTHILL_BINARY names; without it, cargo builds one with the
profile `dist`. So a test wraps a binary that is there already, and `pip install bench/python` works as well.
"""

import os
import pathlib
import platform
import re
import subprocess
import sys

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class ProgramHook(BuildHookInterface):
    """Adds the program to the scripts of the wheel, and sets the wheel's tag."""

    def initialize(self, version, build_data):
        """Called before the wheel is written."""
        if version == "editable":
            return
        program = given() or built()
        said = version_of(program)
        wanted = f"anthill {self.metadata.version}"
        if said != wanted:
            raise SystemExit(f"{program}: says that it is {said!r}, and the wheel is of {wanted!r}: build it anew")
        build_data["shared_scripts"][str(program)] = "anthill"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(program.read_bytes())}"


def given():
    """The program that the environment names, if it names one."""
    named = os.environ.get("ANTHILL_BINARY")
    if not named:
        return None
    program = pathlib.Path(named).resolve()
    if not program.is_file():
        raise SystemExit(f"ANTHILL_BINARY={named}: there is no such file")
    return program


def built():
    """The program, built from the repository around this folder."""
    if not (REPOSITORY / "bench/anthill/Cargo.toml").is_file():
        raise SystemExit("not in Anthill's repository: name the program by ANTHILL_BINARY")
    try:
        subprocess.run(["cargo", "build", "--profile", "dist", "--package", "anthill"], cwd=REPOSITORY, check=True,
                       stdout=sys.stderr)
    except FileNotFoundError:
        raise SystemExit("cargo is not there: install Rust, or name the program by ANTHILL_BINARY") from None
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return (REPOSITORY / target / "dist/anthill").resolve()


def version_of(program):
    """What the program says of itself, without the commit."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        raise SystemExit(f"{program}: does not run here: {problem}") from None
    return answer.stdout.strip().partition(" (commit ")[0]


def platform_tag(program):
    """The systems on which a program runs: those whose C library has all the versions of symbols that it asks for.

    PEP 600 names them by glibc's version; a program asks by strings such as `GLIBC_2.34`.
    """
    machine = platform.machine()
    if sys.platform == "linux":
        minors = [int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)", program)]
        return f"manylinux_2_{max(minors, default=17)}_{machine}" if minors else f"linux_{machine}"
    if sys.platform == "darwin":
        return f"macosx_11_0_{machine}"
    raise SystemExit(f"no wheels are made on {sys.platform}")
