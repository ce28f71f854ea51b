"""Runs jobs, two at a time: each gives rows, or one row that says why there are none."""

import concurrent.futures
import os
import sys

from consensus_runs import is_wrong, reason

# The protocol that a job is about, where its module names it in no other way.
MODULES = {"consensus_random": "randomized", "pos_bft_values": "pos-bft", "pos_bft_attacks": "pos-bft",
           "goodwill_values": "goodwill", "goodwill_attacks": "goodwill", "goodwill_pictures": "goodwill",
           "markets_parts": "exchange",
           "markets_attacks": "exchange"}


def protocol_of(job):
    """By the beginning of the function's name, or its module."""
    name = job[0].__name__
    if job[0].__module__ in MODULES:
        return MODULES[job[0].__module__]
    known = {"pbft": "pbft", "hotstuff": "hotstuff", "dolev": "dolev-strong", "streamlet": "streamlet",
             "elections": "raft", "raft": "raft", "chord": "chord", "flp": "randomized", "mmr": "randomized",
             "randomized": "randomized"}
    return known.get(name.split("_")[0], "nakamoto")


def one(index, job, quick):
    """Seeds of its own for every job: with the same ones rows would deviate together."""
    function, *arguments = job
    name = f"{function.__name__.replace('_', ' ')} {', '.join(map(str, arguments))}".strip()
    try:
        found = function(quick, 100 * index + 1, *arguments)
        print(f"  {name}: {sum(not is_wrong(row) for row in found)} of {len(found)} ok", file=sys.stderr, flush=True)
        return found
    except Exception as problem:
        print(f"  {name}: {reason(problem)}", file=sys.stderr, flush=True)
        return [{"protocol": protocol_of(job), "property": name, "failed": reason(problem)}]


def measure(jobs, options):
    """All rows, in the order of the jobs; protocols that the binary has not are left out."""
    here = [(index, job) for index, job in enumerate(jobs) if protocol_of(job) in options.known]
    left = sorted({protocol_of(job) for job in jobs} - options.known)
    if left:
        print(f"  not measured, not in this binary: {', '.join(left)}", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda it: one(*it, options.quick), here)
        return [row for rows in found for row in rows]
