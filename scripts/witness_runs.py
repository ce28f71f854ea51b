"""Runs of the witness protocol, each in a process of its own."""

import csv
import json
import pathlib
import sys
import tempfile

import figures as published
from figures import ANTHILL, ROOT


def anthill(*arguments, more=None):
    """Runs the protocol's preset with changes, in a process of its own; its summary. `more` is TOML
    that the preset has not; then the rows of series.csv come with the summary, and with --table
    those of nodes.csv."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = "witness"
        if more is not None:
            scenario = f"{folder}/witness.toml"
            preset = (ROOT / "bench/scenarios/witness.toml").read_text()
            pathlib.Path(scenario).write_text(f"{preset}\n{more.replace('FOLDER', folder)}")
        command = [str(ANTHILL), "run", scenario, *arguments, "--format", "json", "--progress",
                   "off", "--out", f"{folder}/run"]
        summary = json.loads(published.output(command, may_end=(0, 1)))
        wrong = [c for c in summary["result"]["checks"] if not c["ok"] and not c["expected_violation"]]
        if wrong:
            sys.exit(f"{' '.join(command)}\nviolated: {wrong}")
        for name, is_wanted in (("series", more is not None), ("nodes", "--table" in arguments)):
            if is_wanted:
                with open(f"{folder}/run/{name}.csv", newline="") as rows:
                    summary[name] = list(csv.DictReader(rows))
        if more is not None:
            distribution = f"{folder}/run/metrics/convergence_verifiers.hgrm"
            summary["verifiers_convergence"] = percentiles(distribution)
        return summary


def percentiles(path):
    """The rows of an HDR percentile distribution: value in seconds, values up to it."""
    if not pathlib.Path(path).exists():
        return []
    with open(path) as lines:
        cells = [line.split() for line in lines if not line.startswith("#")]
    return [[float(row[0]) / 1e9, int(row[2])] for row in cells if row and row[0][0].isdigit()]


def sets(**values):
    return [f"--set={key.replace('__', '.')}={value}" for key, value in values.items()]


def count(text):
    return int(float(text[:-1]) * {"k": 1e3, "M": 1e6}[text[-1]]) if text[-1] in "kM" else int(text)


def found(run, beginning):
    """Measured, expected, interval of the check whose name begins so."""
    return next(c for c in run["result"]["checks"] if c["name"].startswith(beginning))
