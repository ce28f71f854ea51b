"""Sweeps, comparisons, scalings, and what is loaded from their directories."""

import anthill
import pytest


def test_a_sweep_gives_a_table_of_means():
    seen = []
    sweep = anthill.sweep("gossip", nodes=200, vary={"protocol.fanout": [4, 8]}, seeds=3, progress=seen.append)
    assert sweep.ok and sweep.problems == []
    assert [point["parameters"]["protocol.fanout"] for point in sweep.points] == ["4", "8"]
    means = sweep.pandas().query("metric == 'messages'").set_index("protocol.fanout")["mean"]
    assert means[4] < means[8]
    assert len(sweep.arrow("runs")) == 6
    assert sum(line.startswith("done: ") for line in seen) == 6
    loaded = anthill.load(sweep.directory)
    assert isinstance(loaded, anthill.Sweep) and loaded.points == sweep.points
    assert loaded.manifest["version"] == anthill.__version__


def test_a_sweep_goes_on_where_it_was():
    arguments = {"nodes": 100, "vary": {"protocol.mode": ["push", "flood"]}, "out": "there"}
    anthill.sweep("gossip", seeds=2, **arguments)
    assert len(anthill.sweep("gossip", seeds=3, **arguments).arrow("runs")) == 6


def test_a_change_is_judged():
    found = anthill.compare("gossip", nodes=200, seeds=10, set_b={"protocol": {"fanout": 4}})
    assert found.pairs == 10 and found.pairs_needed <= 10
    assert found.verdicts["messages"] == "better" and found.verdicts["metrics.coverage"] == "worse"
    table = found.polars()
    assert set(table["verdict"]) >= {"better", "worse"}
    assert "messages better" in repr(found) and found.ok
    assert isinstance(anthill.load(found.directory), anthill.Comparison)


def test_two_scenarios_as_text_are_compared():
    text = 'nodes = 100\nuntil = "60s"\nprotocol.name = "gossip"\n'
    same = anthill.compare(text, {"nodes": 100, "until": "60s", "protocol": {"name": "gossip"}}, seeds=2)
    assert set(same.verdicts.values()) <= {"no difference shown"}
    with pytest.raises(anthill.Refused, match="nodes"):
        anthill.compare(text, text.replace("100", "200"), seeds=2)
    assert anthill.compare(text, text.replace("100", "200"), seeds=2, allow_difference=True).pairs == 2


def test_a_scaling_gives_exponents():
    numpy = pytest.importorskip("numpy")
    found = anthill.scale("gossip", nodes=[100, "200", numpy.int64(400)], repeat=numpy.int64(1), protocol={"fanout": 6})
    messages = [fit for fit in found.fits if fit["quantity"] == "messages"]
    assert messages and 0.9 < messages[0]["exponent"] < 1.1
    assert [point["nodes"] for point in found.points] == [100, 200, 400]
    assert len(found.pandas()) == 3 and len(found.arrow("fits")) == len(found.fits)
    assert found.ok and "400" in repr(found)
    assert isinstance(anthill.load(found.directory), anthill.Scaling)


def test_what_failed_in_one_of_many_runs_is_named():
    sweep = anthill.sweep("gossip", vary={"nodes": [10_000]}, seeds=1)
    (point,) = (sweep.directory / "points").glob("*.json")
    point.write_text(point.read_text().replace('"ok": true', '"ok": false').replace('"ok":true', '"ok":false'))
    assert not anthill.load(sweep.directory).ok
    assert "coverage" in anthill.load(sweep.directory).problems[0]
