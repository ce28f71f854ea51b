"""What large chains cost, and how fast contracts run without a network."""

import re

import chain_runs
import chain_theory as theory
from chain_library import example
from chain_runs import MODELLED
from consensus_runs import sets

P = "pos-bft"


def of_users(users, rate, until):
    return [P, "--nodes", 100 + users, "--until", until, "--set=network.preset=aws-p50",
            *sets(protocol__users=users, protocol__execution="transfer", protocol__heights=0, protocol__mempool=100_000,
                  protocol__block_transactions=100_000), f"--set=workload.rate={rate}", *MODELLED]


def of_validators(nodes):
    return [P, "--nodes", nodes, *sets(protocol__max_validators=nodes, protocol__heights=20, until="600s"), *MODELLED]


SCALE = [
    ("1,000 validators × 20 heights", P, 6, 900, (1, 2), of_validators(1_000), of_validators(100),
     [("≤ 60 s for the process", lambda row: row["process_s"] <= 60)]),
    ("100 validators, 10⁶ users, 10⁶ transactions in 60 s", P, 12, 1_800, (1, 2), of_users(1_000_000, 16_667, "60s"),
     of_users(2_000, 20, "20s"),
     [("≤ 1 kB of state a user", lambda row: row["state_bytes_per_node"] <= 1_000),
      ("≤ 1 kB a user in all", lambda row: row["bytes_per_node"] <= 1_000)]),
]


def scale(options):
    return chain_runs.scale(options.quick, SCALE, options.known)


def library(options):
    """Transfers of a token on one core, over states of 10³ and 10⁶ accounts: with the state before each block kept, as chains
    keep it that may leave their tip, and in place."""
    rows = []
    for accounts, transfers, kept in ((1_000, 2_000, 1),) if options.quick else (
            (1_000, 1_000_000, 1), (1_000_000, 1_000_000, 1), (1_000_000, 1_000_000, 0)):
        rows += example("anthill-contracts", "transfers", [accounts, transfers, min(transfers, 10_000), kept],
                        lambda text, accounts=accounts: parsed(text, accounts, options.quick))
    return rows


def parsed(text, accounts, quick):
    first = re.search(r"(\d+) accounts, (\d+) entries, built in ([\d.]+) s; mean depth ([\d.]+)", text)
    last = re.search(r"(\d+) transfers, (\d+) states kept, in ([\d.]+) s: (\d+) a second, ([\d.]+) us and (\d+) fuel each", text)
    depth, expected = float(first[4]), theory.trie_depth(int(first[2]))
    met = int(last[4]) >= 100_000
    goal = "–" if quick or accounts < 1_000_000 else f"≥ 100,000: {'met' if met else '**missed**'}"
    # The deviation of a mean depth is below 2/√entries.
    ok = abs(depth - expected) <= 4.9 * 2 / int(first[2])**0.5
    kept = "in place" if last[2] == "0" else "the state before kept"
    return [{"name": f"{accounts:,} accounts, {kept}", "entries": int(first[2]), "depth": f"{depth:.4f}",
             "expected": f"{expected:.4f}", "transfers": int(last[1]), "rate": int(last[4]), "us": float(last[5]),
             "fuel": int(last[6]), "goal": goal, "ok": ok}]
