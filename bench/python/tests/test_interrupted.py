"""Progress, and what happens when somebody wants no more."""

import os
import signal
import subprocess
import sys
import time
import types

import anthill
import pytest

# Far longer than any test waits, and small.
ENDLESS = {"nodes": 1000, "until": "1000000h"}
LONGEST_WAIT_S = 300


def processes_in(folder):
    """How many processes work in a folder."""
    found = 0
    for process in os.listdir("/proc"):
        if process.isdigit() and int(process) != os.getpid():
            try:
                found += os.readlink(f"/proc/{process}/cwd") == str(folder)
            except OSError:
                pass
    return found


def test_a_function_sees_the_progress():
    seen = []

    def stop_later(line):
        seen.append(line)
        if "events" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        anthill.run("phold", **ENDLESS, out="here", progress=stop_later)
    assert "events" in seen[-1] and "\x1b" not in "".join(seen)
    saved = anthill.load("here")
    assert saved.ended == "interrupted" and not saved.ok


def test_an_exception_of_the_function_ends_the_program(folder):
    def fail(line):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        anthill.run("phold", **ENDLESS, progress=fail)
    assert processes_in(folder) == 0


@pytest.mark.parametrize("whom", ["the caller", "the group", "the program"])
def test_a_signal_ends_the_run_and_saves_it(folder, whom):
    code = (
        "import anthill\n"
        "try:\n"
        f"    anthill.run('phold', **{ENDLESS}, out='here', progress=lambda line: print(line, flush=True))\n"
        "except KeyboardInterrupt:\n"
        "    print('KeyboardInterrupt', anthill.load('here').ended)\n"
        "except anthill.Interrupted as problem:\n"
        "    print('Interrupted', problem.directory, anthill.load('here').ended)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        for line in caller.stdout:
            if "events" in line:
                break
        if whom == "the caller":
            caller.send_signal(signal.SIGINT)
        elif whom == "the group":
            os.killpg(caller.pid, signal.SIGINT)
        else:
            (child,) = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(caller.pid)], capture_output=True, text=True, check=True
            ).stdout.split()
            os.kill(int(child), signal.SIGTERM)
        out, _ = caller.communicate(timeout=LONGEST_WAIT_S)
    finally:
        caller.kill()
        caller.wait()
    wanted = "Interrupted here interrupted" if whom == "the program" else "KeyboardInterrupt interrupted"
    assert out.splitlines()[-1] == wanted
    assert processes_in(folder) == 0


def test_what_the_program_started_does_not_keep_the_caller_waiting(stand_in):
    stand_in("sleep 600 & echo $! >sleeper; exit 2")
    begun = time.monotonic()
    with pytest.raises(anthill.Refused, match="without a word"):
        anthill.run("gossip")
    with open("sleeper", encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGKILL)
    assert time.monotonic() - begun < 500


def test_progress_on_a_terminal_is_taken_away_again(capsys):
    anthill.run("gossip", nodes=100_000, progress=True)
    shown = capsys.readouterr().err
    assert "\r" in shown and shown.endswith("\r\x1b[K")
    anthill.run("gossip", nodes=100)
    assert capsys.readouterr().err == "", "nobody is there to see it"


def test_a_notebook_shows_one_output_and_changes_it(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(("update", data["text/plain"], raw))

    def display(data, raw, display_id):
        shown.append(("display", data["text/plain"], raw))
        return Handle()

    shell = type("ZMQInteractiveShell", (), {})()
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: shell
    notebook.display = types.ModuleType("IPython.display")
    notebook.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook.display)
    anthill.sweep("gossip", nodes=100, vary={"protocol.fanout": [4, 8]}, seeds=1)
    how, lines, raw = zip(*shown)
    assert how[0] == "display" and set(how[1:]) == {"update"} and all(raw)
    assert any(line.startswith("done: 2 of 2") for line in lines) and lines[-1] == ""
