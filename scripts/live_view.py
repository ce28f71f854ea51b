"""What it costs to follow a run in a browser: a part of scripts/bench-engine.

The same run alone and with `--serve` and a client, in turns, each in a process of its own. The client
does what a page and a Prometheus do: it stays connected to the stream of events to its end, and asks
for /metrics once a second. It runs beside the emulation, on the same cores.
"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from figures import ANTHILL, ROOT, spread, table, verdict

GOAL = 1.02
REPEATS = 9
# What is compared: where it is in the summary, what it is called, whether the goal is about it.
QUANTITIES = (("loop_s", "wall time of the loop", True), ("loop_cpu_s", "CPU of the loop", True),
              ("cpu_s", "CPU of the whole process, its server too", False))


class Client:
    """Watches a run until its server ends."""

    def __init__(self, address):
        self.address = address
        self.events = self.answers = 0
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.follow, self.poll)]
        for thread in self.threads:
            thread.start()

    def follow(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/events", timeout=60) as stream:
                for line in stream:
                    self.events += line.startswith(b"data: ")
        except (OSError, http.client.HTTPException):
            return  # what was received is checked

    def poll(self):
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=60) as answer:
                    self.answers += b"anthill_events_total" in answer.read()
            except (OSError, http.client.HTTPException):
                return  # the run is over
            time.sleep(1)

    def finish(self):
        for thread in self.threads:
            thread.join(60)


def run(arguments, watched):
    """Figures of one run; if it is watched, with what its client received."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(ANTHILL), "run", *arguments, "--progress", "off", "--format", "json",
                   "--out", f"{folder}/run", *["--serve", "127.0.0.1:0"] * watched]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 cwd=ROOT)
        client, said = None, ""
        while watched and not client and (line := child.stderr.readline()):
            said += line
            if found := re.search(r"http://([^/]+)/", line):
                client = Client(found[1])
        told, rest = child.communicate()
        if child.returncode != 0:
            sys.exit(f"{' '.join(command)}\nexit code {child.returncode}\n{said}{rest}")
    summary = json.loads(told)
    figures = {key: summary["result"][key] for key in ("digest", "events")}
    figures |= {key: summary["host"][key] for key in ("threads", *(key for key, *_ in QUANTITIES))}
    if client:
        client.finish()
        figures |= {"stream_events": client.events, "metrics_answers": client.answers}
    return figures


def jobs(quick):
    """name → arguments: windows full of events, and windows with next to none, of which there are very
    many. Neither takes fresh memory in its loop, which would cost as it happens."""
    full = ["--protocol", "phold", "--nodes", "10k" if quick else "1M", "--until",
            "100ms" if quick else "400ms"]
    sparse = ["--protocol", "phold", "--nodes", "1k", "--until", "10s" if quick else "120s",
              "--set=protocol.lookahead=4.2us", "--set=protocol.mean_delay=1.36ms"]
    return {
        "PHOLD, 10⁶ nodes, 2 threads": [*full, "--threads", "2"],
        "PHOLD, 10⁶ nodes, 1 thread": [*full, "--threads", "1"],
        "PHOLD, 10³ nodes, ~3 events per window, 1 thread": [*sparse, "--threads", "1"],
    }


def measure(quick, repeats):
    """name → pairs of a run alone and one that is watched; which is first alternates."""
    pairs = {name: [] for name in jobs(quick)}
    for repeat in range(repeats):
        for name, arguments in jobs(quick).items():
            order = (False, True) if repeat % 2 == 0 else (True, False)
            runs = {watched: run(arguments, watched) for watched in order}
            alone, watched = runs[False], runs[True]
            if alone["digest"] != watched["digest"]:
                sys.exit(f"{name}: watched, its digest is {watched['digest']}, not {alone['digest']}")
            # One event greets, one says how it ended.
            if not quick and (watched["stream_events"] < watched["loop_s"] or
                              watched["metrics_answers"] < watched["loop_s"] / 2):
                sys.exit(f"{name}: the client did not get to follow the run: {watched}")
            pairs[name].append({"alone": alone, "watched": watched})
            print(f"  live view {repeat + 1}/{repeats} {name}: loop {alone['loop_s']:.2f} s alone,"
                  f" {watched['loop_s']:.2f} s watched", file=sys.stderr)
    return pairs


def rows(name, pairs):
    for key, quantity, has_goal in QUANTITIES:
        alone = [pair["alone"][key] for pair in pairs]
        watched = [pair["watched"][key] for pair in pairs]
        ratios = [b / a for a, b in zip(alone, watched)]
        yield (name, quantity, spread(alone, "{:.2f}"), spread(watched, "{:.2f}"),
               spread(ratios, "{:.3f}"), f"{min(watched) / min(alone):.3f}",
               f"≤ {GOAL}" if has_goal else "–",
               verdict(statistics.median(ratios) <= GOAL) if has_goal else "–")


def section(live, commit):
    """The part of the page; nothing of figures that were measured before this part was there."""
    if not live:
        return []
    pairs = live["pairs"]
    watched = [pair["watched"] for of_job in pairs.values() for pair in of_job]
    events = [run["stream_events"] for run in watched]
    answers = [run["metrics_answers"] for run in watched]
    return [
        "## The live view",
        "",
        f"`anthill run --serve` with a client that follows the stream of events ({min(events)} to"
        f" {max(events)} of them) and asks for `/metrics` once a second ({min(answers)} to"
        f" {max(answers)} answers), against the same run alone: {len(next(iter(pairs.values())))}"
        " pairs, either first in turn, the same digest in all. The client runs on the same cores."
        " Seconds are medians with least and greatest; the ratio is taken within a pair, and once of the"
        " least on both sides, which noise disturbs least. The goal is met by the median ratio."
        + f" Measured at commit `{live['commit']}`." * (live["commit"] != commit),
        "",
        table(("run", "what", "alone, s", "watched, s", "ratio", "of the least", "goal", ""),
              [row for name, of_job in pairs.items() for row in rows(name, of_job)]),
        "",
    ]
