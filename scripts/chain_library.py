"""Examples of the libraries that print figures: built, run, and read."""

import pathlib
import subprocess
import sys

from consensus_runs import BINARY, Failed, reason
from figures import ROOT, TARGET


def example(package, name, arguments, parsed):
    """The rows that `parsed` makes of its output; one that says why there are none, if so. With ANTHILL: of what is built
    beside that binary."""
    command = f"cargo run --release -p {package} --example {name} -- {' '.join(map(str, arguments))}"
    try:
        rows = [{**row, "command": command} for row in parsed(output(package, name, arguments))]
    except Exception as problem:
        rows = [{"name": name, "command": command, "failed": reason(problem)}]
    print(f"  {name} {' '.join(map(str, arguments))}: {rows[0].get('failed', 'done')}", file=sys.stderr, flush=True)
    return rows


def output(package, name, arguments):
    if BINARY:
        program = pathlib.Path(BINARY).parent / "examples" / name
        if not program.exists():
            raise Failed("not built beside the binary ANTHILL")
    else:
        subprocess.run(["cargo", "build", "--release", "--quiet", "-p", package, "--example", name], cwd=ROOT, check=True)
        program = TARGET / "release/examples" / name
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, timeout=1_800)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
