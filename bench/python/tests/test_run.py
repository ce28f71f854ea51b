"""What a run gives."""

import json
import pathlib

import anthill
import pytest

SMALL = {"nodes": 1000, "until": "60s", "protocol": {"name": "gossip", "fanout": 6}}


def test_a_preset_gives_figures_and_tables():
    run = anthill.run("gossip", nodes=1000)
    assert run.ok and run.ended == "finished" and run.violations == []
    assert run.result["nodes"] == 1000 and run.result["protocol"] == "gossip"
    assert 0.99 < run.metrics["coverage"] <= 1
    assert run.latency_ns["coverage"]["count"] == round(1000 * run.metrics["coverage"])
    assert run.host["peak_rss_bytes"] > 0
    assert run.manifest["version"] == anthill.__version__
    assert len(run.digest) == 16 and run.digest in repr(run)
    assert run.tables == ("series",)
    assert run.arrow()["events"].to_pylist() and sum(run.arrow()["events"].to_pylist()) == run.result["events"]


def test_the_same_scenario_in_any_form_is_the_same_run(folder):
    text = 'nodes = 1000\nuntil = "60s"\n[protocol]\nname = "gossip"\nfanout = 6\n'
    file = folder / "mine.toml"
    file.write_text(text)
    (folder / "gossip").write_text(text)
    runs = [
        anthill.run(SMALL),
        anthill.run(text),
        anthill.run(file),
        anthill.run("mine.toml"),
        anthill.run(pathlib.Path("gossip")),  # a file, though a preset has that name
        anthill.run(SMALL, engine="sequential"),
        anthill.run(anthill.run(SMALL).scenario),  # as it was resolved
    ]
    assert len({run.digest for run in runs}) == 1
    assert len({run.directory for run in runs}) == len(runs)


def test_keywords_set_keys_and_leave_others_alone():
    numpy = pytest.importorskip("numpy")
    nested = anthill.run("gossip", nodes="1k", seed=3, protocol={"fanout": 5}, network={"loss": 0.25})
    dotted = anthill.run("gossip", nodes=numpy.int64(1000), seed=3, **{"protocol.fanout": 5, "network.loss": 0.25})
    assert nested.digest == dotted.digest
    assert nested.scenario["protocol"]["fanout"] == 5 and nested.scenario["protocol"]["mode"] == "push"
    assert nested.scenario["network"]["loss"] == 0.25 and nested.scenario["network"]["preset"] == "aws-p50"
    topology = {"kind": "random-regular", "degree": 6}
    run = anthill.run("gossip", nodes=100, network={"topology": topology}, fault=[
        {"kind": "crash", "at": "10ms", "nodes": [1, "3-5"]},
    ])
    assert run.scenario["network"]["topology"]["degree"] == 6
    assert run.manifest["faults"][0]["nodes"] == 4


def test_short_names_of_the_command_line_are_keys_too():
    run = anthill.run("gossip", nodes=100, shards=2, threads=1, crypto="modelled")
    assert run.host["shards"] == 2 and run.host["threads"] == 1
    assert run.result["crypto_mode"] == "modelled"


def test_tables_say_the_same_in_every_form():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    run = anthill.run("gossip", nodes=500, save=["table"])
    assert run.tables == ("nodes", "series")
    for name in run.tables:
        arrow = run.arrow(name)
        typed = run.polars(name)
        assert typed.equals(polars.from_arrow(arrow))
        assert run.pandas(name).to_dict("list") == arrow.to_pydict()
        (run.directory / f"{name}.parquet").unlink()
        # Without Parquet the CSV says the same, and a digest is text.
        assert run.arrow(name).to_pydict() == arrow.to_pydict()
        assert run.polars(name).to_dict(as_series=False) == arrow.to_pydict()
    assert pandas.api.types.is_string_dtype(run.pandas("series")["digest"])
    assert len(run.pandas("nodes")) == 500


def test_numbers_of_a_table_are_not_copied_for_pandas():
    numpy = pytest.importorskip("numpy")
    run = anthill.run("gossip", nodes=1000)
    column = run.arrow()["events"].combine_chunks()
    view = column.to_numpy(zero_copy_only=True)
    assert numpy.shares_memory(view, column.to_numpy(zero_copy_only=True))
    # Blocks that pandas owns would be writable.
    assert not run.pandas()["events"].to_numpy().flags.writeable


def test_out_names_the_directory_and_is_never_overwritten(folder):
    run = anthill.run("gossip", nodes=100, out="here")
    assert run.directory == (folder / "here").resolve()
    with pytest.raises(anthill.Refused, match="here"):
        anthill.run("gossip", nodes=200, out=folder / "here")
    assert anthill.load("here").digest == run.digest


def test_what_failed_inside_its_bound_is_told_and_no_exception(folder):
    run = anthill.run("gossip", nodes=10_000, out="here")
    summary = json.loads((folder / "here/summary.json").read_text())
    check = summary["result"]["checks"][0]
    check["ok"] = False
    (folder / "here/summary.json").write_text(json.dumps(summary))
    broken = anthill.load("here")
    assert [found["name"] for found in broken.violations] == [check["name"]]
    assert not broken.ok and "violated" in repr(broken) and run.ok
    check["expected_violation"] = True
    (folder / "here/summary.json").write_text(json.dumps(summary))
    assert anthill.load("here").ok, "beyond its bound it is a measurement"


def test_exit_code_1_is_an_exception_only_if_asked(folder, stand_in):
    anthill.run("gossip", nodes=10_000, out="here")
    summary = json.loads((folder / "here/summary.json").read_text())
    summary["result"]["checks"][0]["ok"] = False
    (folder / "here/summary.json").write_text(json.dumps(summary))
    stand_in(f"cat '{folder}/here/summary.json'; exit 1")
    assert not anthill.run("gossip").ok
    with pytest.raises(anthill.Violated, match="violated") as raised:
        anthill.run("gossip", check=True)
    assert raised.value.saved.violations


def test_a_run_at_its_memory_limit_is_saved_and_not_ok():
    run = anthill.run("gossip", nodes=1000, check=False, engine={"memory_limit": 1e-6})
    assert run.ended == "memory-limit" and not run.ok and "memory-limit" in repr(run)
