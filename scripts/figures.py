"""What the scripts that measure have in common: where they run, and how figures are published.

A script measures into one JSON object, and its page and its block of the README or of a page in docs/
are functions of that object alone. So results/NAME.json is all that a page says, and `--check`, which measures
nothing, finds every figure that somebody changed by hand or forgot to publish.
"""

import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
README = ROOT / "README.md"
# The page in which a script's block stands; blocks of others are in the README.
PLACES = {
    "compare": ROOT / "docs/scaling.md",
    "crypto": ROOT / "docs/crypto.md",
    "engine": ROOT / "docs/peers.md",
    "main": ROOT / "docs/first-run.md",
}
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
ANTHILL = TARGET / "release/anthill"
# The content of a block until its script has run in full.
UNMEASURED = "Not measured yet."


def build(*more):
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "anthill", "-p", "anthill-bench", "--bins", *more],
                   cwd=ROOT, check=True)


def output(command, shown=None, may_end=(0,)):
    """What a command prints; ends the script, with what it said, if it ends in another way."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode not in may_end:
        sys.exit(f"{shown or ' '.join(command)}\nexit code {done.returncode}\n{done.stderr}")
    return done.stdout


def git(*arguments):
    return output(["git", *arguments]).strip()


def machine():
    def first(path, key):
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
        return "unknown"

    memory_gib = int(first("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    return (f"{first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, "
            f"{memory_gib:.0f} GiB, Linux {platform.release()}")


def origin():
    """Where figures come from: the first keys of every JSON file. Call it after `build`."""
    commit = git("rev-parse", "--short=12", "HEAD")
    # What was published a moment ago changes nothing that is measured.
    if git("status", "--porcelain", "-uno", ".", ":!results", ":!profiles", ":!README.md"):
        commit += " with local changes"
    return {"commit": commit, "machine": machine(), "date": time.strftime("%Y-%m-%d")}


def measured(raw):
    """The beginning of every page."""
    return f"Commit `{raw['commit']}`; {raw['machine']}; {raw['date']}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def spread(values, form="{:.1f}"):
    """The median, with the least and the greatest."""
    middle = form.format(statistics.median(values))
    return f"{middle} ({form.format(min(values))}–{form.format(max(values))})"


def verdict(met):
    return "met" if met else "**missed**"


def publish(name, raw, page, block=None):
    """Writes results/NAME.json, the page that it gives and the block of that name."""
    RESULTS.mkdir(exist_ok=True)
    write(RESULTS / f"{name}.json", json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
    raw = read(name)  # as `check` will see it
    write(RESULTS / f"{name}.md", page(raw))
    if block:
        place = place_of(name)
        head, _, tail = around_block(place, name)
        write(place, f"{head}{placed(block(raw), place)}\n{tail}")


def check(name, page, block=None):
    """Ends the script; with exit code 1, naming the first line that its JSON does not give."""
    if not (RESULTS / f"{name}.json").exists():
        check_unmeasured(name, block)
    raw, source = read(name), f"results/{name}.json"
    compare(RESULTS / f"{name}.md", (RESULTS / f"{name}.md").read_text(), page(raw), 1, source)
    if block:
        place = place_of(name)
        head, content, _ = around_block(place, name)
        compare(place, content, f"{placed(block(raw), place)}\n", head.count("\n") + 1, source)
    sys.exit(0)


def check_unmeasured(name, block):
    """Nothing is published, and the page of its block says so."""
    if (RESULTS / f"{name}.md").exists():
        sys.exit(f"results/{name}.md: there is no results/{name}.json that gives it")
    if block:
        place = place_of(name)
        head, content, _ = around_block(place, name)
        compare(place, content, f"{UNMEASURED}\n", head.count("\n") + 1, "a block not yet measured")
    print(f"results/{name}.json: not measured yet", file=sys.stderr)
    sys.exit(0)


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def write(path, content):
    """The whole file or none of it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(content)
    unfinished.replace(path)


def place_of(name):
    return PLACES.get(name, README)


def placed(text, place):
    """A block's text, whose links start at the root, as it stands in that page."""
    return text if place == README else re.sub(r"\]\((results|profiles)/", r"](../\1/", text)


def around_block(place, name):
    """What stands before, in and behind the block of that name, markers outside."""
    text = place.read_text()
    begin, end = f"<!-- figures:{name}:begin -->\n", f"<!-- figures:{name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        sys.exit(f"{place.relative_to(ROOT)}: there must be one block {begin.strip()} … {end}")
    head, rest = text.split(begin)
    content, tail = rest.split(end)
    return head + begin, content, end + tail


def compare(path, found, wanted, first_line, source):
    """Ends the script with exit code 1 at the first line that is not what the source gives."""
    lines, expected = found.split("\n"), wanted.split("\n")
    for number in range(max(len(lines), len(expected))):
        line = lines[number] if number < len(lines) else "(ends here)"
        other = expected[number] if number < len(expected) else "(ends here)"
        if line != other:
            sys.exit(f"{path.relative_to(ROOT)}:{first_line + number}: is not what"
                     f" {source} gives\n  there: {line}\n  given: {other}")
