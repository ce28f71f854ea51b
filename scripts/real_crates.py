"""Consensus crates from the registry beside the protocols of this repository, under the same network and faults.

The crates run in `bench/examples/off-the-shelf`, a binary of its own; figures are exact, by seed 1."""

import json
import os
import subprocess
import tempfile

import figures as published

FOLDER = published.ROOT / "bench/examples/off-the-shelf"
LINKS = {"network.model": "uniform", "network.min": "50ms", "network.max": "50ms"}


def fault(text):
    return {"fault": f"[{{{text}}}]"}


# what is done → keys, by who is compared
LOGS = {
    "nothing": {},
    "a fiftieth of the messages lost": {"network.loss": "0.02"},
    "two of five cut off for 10 s": fault('at="20s",heal="30s",kind="partition",nodes=["0-1"]'),
    "three of five cut off for 10 s": fault('at="20s",heal="30s",kind="partition",nodes=["0-2"]'),
    "two of five down for 10 s, state kept": fault('at="20s",heal="30s",kind="crash",nodes=[3,4],keep_state=true'),
}
CHAINS = {
    "nothing": {},
    "a fiftieth of the messages lost": {"network.loss": "0.02"},
    "half cut off for 10 s": fault('at="20s",heal="30s",kind="partition",nodes=["0-7"]'),
    "three of 16 down for 10 s, state kept": fault('at="20s",heal="30s",kind="crash",nodes=[0,1,2],keep_state=true'),
    "ten of 16 down for 10 s, state kept": fault('at="20s",heal="30s",kind="crash",nodes=["0-9"],keep_state=true'),
    "four of 16 are twins": {"adversary": '{kind="twins",fraction=0.25}'},
}
# who, its own keys, what counts as done, its latency
COMPARED = [
    ("logs", LOGS, 5, [("omnipaxos", {}, "decided", "answer"), ("raft", {}, "requests", "answer")]),
    ("chains", CHAINS, 16, [("malachite", {}, "decided", "decision"),
                            ("pos-bft", {"protocol.heights": "0"}, "decided", "finality")]),
]


def shelf():
    """The binary with the crates."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=FOLDER, check=True)
    target = published.ROOT / os.environ["CARGO_TARGET_DIR"] if "CARGO_TARGET_DIR" in os.environ else FOLDER / "target"
    return target / "release/off-the-shelf"


def run(binary, protocol, nodes, keys):
    with tempfile.TemporaryDirectory() as folder:
        sets = [f"--set={key}={value}" for key, value in keys.items()]
        command = [str(binary), "run", protocol, "--nodes", str(nodes), "--until", "60s", *sets, "--format", "json",
                   "--progress", "off", "--out", f"{folder}/run"]
        # 1: a judge found something, which its row says.
        return json.loads(published.output(command, may_end=(0, 1)))


def measure(anthill, quick):
    binary, rows = shelf(), []
    for group, conditions, nodes, protocols in COMPARED:
        for condition, changes in list(conditions.items())[:1 if quick else None]:
            for protocol, keys, counted, latency in protocols:
                of_shelf = protocol in ("omnipaxos", "malachite")
                summary = run(binary if of_shelf else anthill, protocol, nodes, {**LINKS, **keys, **changes})
                times = summary["latency_ns"][latency]
                done = times["count"] if group == "logs" else summary["metrics"][counted] / nodes
                broken = [it["name"] for it in summary["checks"] if not it["ok"] and not it.get("expected_violation")]
                rows.append({"group": group, "condition": condition, "protocol": protocol, "done": done,
                             "messages": summary["messages"] / done, "p50_ms": times["p50"] / 1e6,
                             "p99_ms": times["p99"] / 1e6, "digest": summary["digest"], "violated": broken})
    return rows
