"""Where the time of large runs goes, by function: what a figure that misses its goal is made of."""

import collections
import json
import pathlib
import re
import sys
import tempfile

import consensus_scale
from consensus_runs import Failed, execute, reason, shown

# Runs of `consensus_scale.SCALE`, by the beginnings of their names, smaller where one takes minutes.
SIZES = {"PBFT, 10": None, "Streamlet, 20": None, "Nakamoto": "100k", "Chord": "100k", "Raft, 10⁴": None}
LISTED = 8
LEAST_SAMPLES = 500


def profiles(quick, known):
    return [profile(quick, name, arguments) for name, arguments in chosen(quick) if arguments[0] in known]


def chosen(quick):
    for name, protocol, _, _, _, full, small in consensus_scale.SCALE:
        size = next((size for begin, size in SIZES.items() if name.startswith(begin)), "none")
        if size != "none":
            # `profile` has no flag for it.
            arguments = " ".join(map(str, small if quick else full)).replace(
                "--crypto modelled", "--set=crypto.mode=modelled").split()
            if size and not quick:
                arguments[arguments.index("--nodes") + 1] = size
            yield name, [protocol, *arguments]


def profile(quick, name, arguments):
    whole = ["profile", *arguments, "--threads", "1", "--at-least", "1s" if quick else "20s"]
    row = {"name": name, "command": shown(whole)}
    try:
        with tempfile.TemporaryDirectory() as folder:
            execute([*whole, "--progress", "off", "--out", f"{folder}/out"], 900)
            stacks = next(pathlib.Path(folder).rglob("stacks.folded")).read_text()
            summary = json.loads(next(pathlib.Path(folder).rglob("summary.json")).read_text())
        row |= {"nodes": summary["nodes"], "ns_per_event": summary["ns_per_event"], **shares(stacks, arguments[0], quick)}
    except Exception as problem:
        row["failed"] = reason(problem)
    print(f"  {name}: {row.get('failed') or row['functions'][0]}", file=sys.stderr, flush=True)
    return row


def shares(stacks, protocol, quick):
    """Shares of the samples inside windows, by the innermost function of the engine or a protocol: the standard library is of
    whoever calls it."""
    ours = re.compile(rf"(engine|protocol|{protocol})::")
    counts = collections.Counter()
    for line in stacks.splitlines():
        stack, count = line.rsplit(" ", 1)
        frames = stack.split(";")
        if any(frame.endswith("::run_window") for frame in frames):
            own = next((frame for frame in reversed(frames) if ours.match(frame)), "other")
            counts[own] += int(count)
    samples = sum(counts.values())
    if samples < (1 if quick else LEAST_SAMPLES):
        raise Failed(f"only {samples} samples inside windows")
    return {"samples": samples, "functions": [(name, count / samples) for name, count in counts.most_common(LISTED)]}
