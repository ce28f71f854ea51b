"""Bad input: every door answers with an error of its own that says what is wrong."""

import importlib.metadata
import json
import pathlib
import sys

import anthill
import pytest
from anthill import _binary

NESTED = []
NESTED.append(NESTED)


@pytest.mark.parametrize("scenario, says", [
    ("nope", "neither a file nor a preset"),
    ("nope.toml", "nope.toml"),
    (pathlib.Path("/"), "/"),
    ("", "write a preset's name"),
    ("-", "write a preset's name"),
    ("--help", "neither a file nor a preset"),
    ("--out=/dev/null", "standard input:1"),
    ("a\0b", "zero byte"),
    ("a\ud800", "no valid Unicode"),
    ("a = \ud800", "no valid Unicode"),
    ("a = \0", "standard input:1"),
    ("nodes = 3\nuntl = '4s'", "did you mean `until`"),
    ("nodes = 3\nuntil = '4s'\nprotocol.name = 'gosip'", "gossip"),
    ("nodes = 1e400\n", "nodes"),
    ("nodes = 99999999999999999999\n", "nodes"),
    ("x = " + "[" * 100_000, "standard input"),
    ("#" * (2 << 20) + "\n", "longer than 1048576 bytes"),
    ("x" * 200_000, "longer than 100000 bytes"),
    ({}, "missing nodes"),
    ({"nodes": None}, "nodes: None (NoneType)"),
    ({"nodes": 3, 4: 5}, "4: a key of a scenario is text"),
    ({"fault": NESTED}, "nested too deeply"),
    ({"nodes": float("nan")}, "nodes"),
    ({"a\nb = 3\nc": 3}, "missing nodes"),
])
def test_a_hostile_scenario_is_refused(scenario, says, folder):
    with pytest.raises(anthill.Refused) as raised:
        anthill.run(scenario)
    assert says in str(raised.value)
    assert not str(raised.value).startswith("error")
    assert list(folder.glob("anthill-runs/*")) == [], "nothing is left of it"


@pytest.mark.parametrize("scenario", [None, 7, b"gossip", ["gossip"]])
def test_what_is_no_scenario_is_a_type_error(scenario):
    with pytest.raises(TypeError, match="a scenario is a name"):
        anthill.run(scenario)


@pytest.mark.parametrize("arguments, says", [
    ({"nodes": -1}, "nodes"),
    ({"nodes": "many"}, "many"),
    ({"until": "5"}, "unit"),
    ({"protocol": {"fanuot": 3}}, "did you mean `fanout`"),
    ({"protocol": {"fanout": object()}}, "protocol.fanout: <object"),
    ({"a=b": 1}, "unknown key"),
    ({"": 1}, "not a key"),
    ({"engine": "warp"}, "warp"),
    ({"engine": "sharded\0"}, "zero byte"),
    ({"save": ["everything"]}, "choose from table"),
    ({"out": "a\0b"}, "zero byte"),
    ({"out": "/proc/there"}, "/proc/there"),
])
def test_a_bad_argument_is_refused(arguments, says):
    with pytest.raises(anthill.Refused) as raised:
        anthill.run("gossip", **arguments)
    assert says in str(raised.value)


@pytest.mark.parametrize("call, says", [
    (lambda: anthill.run("witness", nodes=4 * 10**9), "of memory"),
    (lambda: anthill.sweep("gossip", vary={}, seeds=2), "at least one key"),
    (lambda: anthill.sweep("gossip", vary={"nodes": "10"}, seeds=2), "no list of values"),
    (lambda: anthill.sweep("gossip", vary={"nodes": [10]}, seeds=0), "seeds"),
    (lambda: anthill.sweep("gossip", vary={"nope": [10]}, seeds=1), "nope"),
    (lambda: anthill.compare("gossip", seeds=1), "seeds"),
    (lambda: anthill.compare("gossip", "nope", seeds=2), "nope"),
    (lambda: anthill.compare("gossip", "a = \ud800", seeds=2), "Unicode"),
    (lambda: anthill.scale("gossip", nodes=[]), "nodes"),
    (lambda: anthill.scale("gossip", nodes=["1k", "--help"]), "--help"),
])
def test_what_is_asked_for_in_vain_is_refused(call, says):
    with pytest.raises(anthill.Refused) as raised:
        call()
    assert says in str(raised.value)


def test_a_program_of_another_version_is_not_run(stand_in):
    program = stand_in("touch ran", version="anthill 0.0.1")
    with pytest.raises(anthill.BinaryError, match=r"of another version: it says 'anthill 0\.0\.1'"):
        anthill.run("gossip")
    assert not program.with_name("ran").exists()


def test_what_is_no_anthill_is_not_run(stand_in):
    stand_in("exit 0", version="something else")
    with pytest.raises(anthill.BinaryError, match="something else"):
        anthill.binary()


def test_without_a_program_it_is_said_where_one_was_looked_for(monkeypatch, folder):
    monkeypatch.setattr(_binary, "_of_the_wheel", lambda: None)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(anthill.BinaryError, match="none is on the PATH"):
        anthill.run("gossip")
    monkeypatch.setenv("ANTHILL", "/nowhere/anthill")
    with pytest.raises(anthill.BinaryError, match="ANTHILL=/nowhere/anthill: there is no such file"):
        anthill.run("gossip")
    (folder / "text").write_text("no program")
    monkeypatch.setenv("ANTHILL", str(folder / "text"))
    with pytest.raises(anthill.BinaryError, match="does not run"):
        anthill.run("gossip")


def test_the_program_of_the_wheel_comes_first_then_the_environment_then_the_path(stand_in, monkeypatch):
    of_the_wheel = anthill.binary()
    assert of_the_wheel.parent == pathlib.Path(sys.executable).parent.resolve()
    monkeypatch.setenv("ANTHILL", "/nowhere")
    assert anthill.binary() == of_the_wheel
    program = stand_in("")
    assert anthill.binary() == program
    monkeypatch.delenv("ANTHILL")
    monkeypatch.setenv("PATH", f"{of_the_wheel.parent}")
    assert anthill.binary() == of_the_wheel


@pytest.mark.parametrize("script, says", [
    ("exit 101", "exit code 101"),
    ("kill -9 $$", "signal 9"),
    ("echo trouble >&2; exit 3", "trouble"),
    ("echo no json", "printed no JSON"),
    ("echo '[1]'", "printed no JSON"),
    ("", "printed no JSON"),
])
def test_a_program_that_fails_is_no_refusal(stand_in, script, says):
    stand_in(script)
    with pytest.raises(anthill.Failed, match=says):
        anthill.run("gossip")


def test_a_program_that_never_stops_talking_is_heard_in_part(stand_in):
    stand_in("head -c 30000000 /dev/zero | tr '\\0' x >&2; echo >&2; yes | head -n 1000000 >&2; exit 2")
    with pytest.raises(anthill.Refused) as raised:
        anthill.run("gossip")
    assert len(str(raised.value)) < 20_000


@pytest.mark.parametrize("content, says", [
    (None, "holds nothing that anthill saved"),
    ({"manifest.json": "{}"}, "was killed, or goes on"),
    ({"summary.json": "{", "manifest.json": "{}"}, "no JSON"),
    ({"summary.json": "[" * 200_000, "manifest.json": "{}"}, "no JSON"),
    ({"summary.json": "[]", "manifest.json": "{}"}, "no JSON object"),
    ({"summary.json": "{}"}, "manifest.json"),
    ({"summary.json": "{}", "manifest.json": "{}"}, "has no part 'result'"),
    ({"sweep.json": "\xff"}, "no JSON"),
])
def test_a_directory_without_a_whole_run_is_refused(folder, content, says):
    for name, text in (content or {}).items():
        (folder / name).write_text(text, encoding="latin-1")
    with pytest.raises(anthill.NotSaved) as raised:
        anthill.load(folder)
    assert says in str(raised.value)


def test_what_is_no_directory_and_no_table_is_refused():
    with pytest.raises(anthill.NotSaved, match="no such directory"):
        anthill.load("nowhere")
    run = anthill.run("gossip", nodes=100)
    with pytest.raises(anthill.NotSaved, match="run with save="):
        run.arrow("nodes")
    with pytest.raises(anthill.NotSaved, match="there are: series"):
        run.polars("../series")


@pytest.mark.parametrize("package, method", [("pyarrow", "arrow"), ("pandas", "pandas"), ("polars", "polars")])
def test_a_missing_package_is_named_with_the_cure(monkeypatch, package, method):
    run = anthill.run("gossip", nodes=100)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(anthill.MissingPackage, match=rf"needs {package}.*pip install 'anthill-emulator\[{method}\]'"):
        getattr(run, method)()
    assert run.metrics["coverage"] > 0.9, "figures need no package"


def test_what_is_installed_says_which_python_it_needs_and_has_its_types():
    metadata = importlib.metadata.metadata("anthill-emulator")
    assert metadata["Requires-Python"] == ">=3.11"
    files = {str(file) for file in importlib.metadata.files("anthill-emulator")}
    assert "anthill/py.typed" in files
    assert json.dumps(anthill.__version__) in (json.dumps(metadata["Version"]),)
