"""Every test runs in a folder of its own: runs are saved below the working directory."""

import os
import stat

import pytest

from anthill import _binary


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder that is the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANTHILL", raising=False)
    return tmp_path


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a shell script take the place of the program; it gets the command's arguments."""

    def make(script, version=None):
        said = f"anthill {_binary.version()} (commit 0123, with uncommitted changes)" if version is None else version
        program = tmp_path / "stand-in"
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{said}" && exit 0\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(_binary, "_of_the_wheel", lambda: None)
        monkeypatch.setenv("ANTHILL", os.fspath(program))
        return program

    return make
