"""Runs of the consensus family, each in a process of its own, with a limit of time and a look at memory."""

import csv
import json
import os
import pathlib
import shlex
import subprocess
import tempfile
import time

from figures import ANTHILL, ROOT

# Another binary than the release build, for developing: nothing is built, and nothing published.
BINARY = os.environ.get("ANTHILL")


class Failed(Exception):
    """A run that gave no figures: too long, too large, or ended otherwise."""


def reason(problem):
    """Why a row has failed: one that nobody has thought of must not cost what else is measured."""
    return str(problem) if isinstance(problem, Failed) else f"{type(problem).__name__}: {problem}"


def constant(delay):
    """A network in which every message takes that long."""
    return f'--set=network={{model="uniform",min="{delay}",max="{delay}"}}'


def adversary(kind, **values):
    rest = "".join(f",{key}={json.dumps(value)}" for key, value in values.items())
    return f'--set=adversary={{kind="{kind}"{rest}}}'


def sets(**values):
    """`protocol__faults=3` gives `--set=protocol.faults=3`."""
    return [f"--set={key.replace('__', '.')}={str(value).lower() if isinstance(value, bool) else value}"
            for key, value in values.items()]


def shown(arguments):
    """A command as one types it; long lists are cut."""
    words = [word if len(word) < 200 else f"{word[:120]}…" for word in map(str, arguments)]
    return shlex.join(["anthill", *words])


def available_bytes():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


def execute(arguments, limit_s):
    """What the command prints; `Failed`, with the last line that it says, if it ends in another way
    than with results."""
    command = [BINARY or str(ANTHILL), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {limit_s} s") from None
    if done.returncode not in (0, 1) or not done.stdout:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        problem = next((line for line in said if "error" in line or "panicked" in line), "nothing said")
        raise Failed(f"exit code {done.returncode}: {problem}")
    return done.stdout


def run(preset, *arguments, seed=1, limit_s=600, needs_gb=0):
    """Runs a preset with changes; its summary, with the distributions of its latencies under
    `hgrm`, with --trace the messages under `trace`, with --table the nodes under `table`, with an interval of
    measurement its counters under `series`. `--threads 1`
    unless it is said otherwise."""
    if available_bytes() < needs_gb * 1e9:
        raise Failed(f"needs {needs_gb} GB, {available_bytes() / 1e9:.1f} GB are available")
    arguments = [preset, *arguments, "--seed", seed]
    if "--threads" not in arguments:
        arguments += ["--threads", 1]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        text = execute(["run", *arguments, "--format", "json", "--progress", "off",
                        "--out", f"{folder}/run"], limit_s)
        summary = json.loads(text)
        summary["process_s"] = time.monotonic() - begun
        summary["command"] = shown(["run", *arguments])
        out = pathlib.Path(folder) / "run"
        summary["hgrm"] = {path.stem: distribution(path) for path in out.glob("metrics/*.hgrm")}
        if "--trace" in arguments:
            with open(out / "trace.jsonl") as lines:
                summary["trace"] = [json.loads(line) for line in lines]
        if "--table" in arguments:
            with open(out / "nodes.csv", newline="") as lines:
                summary["table"] = list(csv.DictReader(lines))
        if any(str(word).startswith("--set=measure.interval") for word in arguments):
            with open(out / "series.csv", newline="") as lines:
                summary["series"] = list(csv.DictReader(lines))
        return summary


def distribution(path):
    """Least, mean and greatest of an HDR percentile distribution; none if it is empty."""
    found = {}
    for line in path.read_text().splitlines():
        cells = line.replace("#[", " ").replace("]", " ").replace(",", " ").split()
        if line.startswith("#[Mean"):
            found |= {"mean": float(cells[2]), "sd": float(cells[5])}
        elif line.startswith("#[Max"):
            found |= {"max": float(cells[2]), "count": int(cells[6])}
        elif cells and cells[0][0].isdigit():
            found.setdefault("min", float(cells[0]))
    return found if found.get("count") else None


def command(*arguments, limit_s=600):
    """Another command than `run` that prints JSON."""
    with tempfile.TemporaryDirectory() as folder:
        whole = [*arguments, "--format", "json", "--progress", "off", "--out", f"{folder}/out"]
        return json.loads(execute(whole, limit_s))


def check_of(summary, beginning):
    """Measured, expected, interval of the check whose name begins so."""
    for check in summary["result"]["checks"]:
        if check["name"].startswith(beginning):
            return check
    raise Failed(f"no check {beginning}")


def broken(summary):
    """What did not hold, by name, and whether that is beyond the bound that was promised."""
    return {check["name"]: check["expected_violation"] for check in summary["result"]["checks"]
            if not check["ok"]}


def unexpected(summary):
    """Checks that failed inside their bound."""
    return [name for name, is_expected in broken(summary).items() if not is_expected]


def is_wrong(row):
    """Whether a row is no figure, disagrees with theory, or is of runs with a check that failed inside its bound."""
    return bool(row.get("failed") or row.get("ok") is False or row.get("violated"))


def protocols():
    """Those that the binary has."""
    return {line.split()[0] for line in execute(["protocols"], 60).splitlines()
            if line and not line[0].isspace() and "  " in line}


def csv_text(rows, columns):
    """A table as CSV: whatever is no number or text is left out."""
    class Lines(list):
        def write(self, line):
            self.append(line)

    lines = Lines()
    writer = csv.DictWriter(lines, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return "".join(lines)
