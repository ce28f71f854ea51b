"""The exchange measured: exact figures, one flow of orders over each log, what an insider gains under each cure, trades over
two venues by each way, scale, and books without a network.

A job runs one or more emulations and returns rows; a row knows the command of its first run."""

import re

import chain_runs
import chain_theory as theory
from chain_library import example
from chain_runs import MODELLED, by, many, mean, seconds, uniform
from consensus_runs import adversary, run, sets, unexpected

NAME = "exchange"
LOGS = ["pbft", "hotstuff", "raft", "streamlet", "dolev-strong", "randomized", "pos-bft"]
JITTER = '--set=network={model="uniform",min="1ms",max="40ms"}'
BUSY = ("--set=workload.flow=poisson", "--set=workload.interval=25ms", *sets(protocol__traders=8, protocol__delta="50ms"))


def requests(count):
    return f"--set=workload.requests={count}"


def total(found, name):
    return sum(one["metrics"][name] for one in found)


def broken_of(found):
    return sorted({name for one in found for name in unexpected(one)})


# Exact.

def example_trade(quick, seed, over):
    """Alice buys the hundred of Bob; no request is answered twice, none is lost."""
    one = run(NAME, "--nodes", 7, uniform("50ms"), *sets(protocol__over=over), "--until", "60s", *MODELLED, seed=seed)
    metrics = one["metrics"]
    rows = [theory.exact(NAME, f"{over}: trades of the example", metrics["trades"], 1),
            theory.exact(NAME, f"{over}: orders, answered", metrics["answered"], 2)]
    if over == "pbft":
        rows.append(seconds(NAME, "pbft: order → final, delays of 50 ms: submit, three phases, answer", one, "order_final", "max",
                            0.25))
    return by("One trade", rows, [one])


def worthless(quick, seed, kind, cure):
    """Where orders are sealed, or all of a block trade at one price, the order inside a block is worth nothing."""
    found = many(quick, seed, 10, NAME, "--nodes", 4, JITTER, *BUSY, requests(60), *CURES[cure], "--until", "60s",
                 adversary(kind, count=1))
    return by("Order inside a block", [theory.exact(NAME, f"{kind}, {cure}: extraction", total(found, "extraction"), 0)], found)


CURES = {"no cure": (), "batch auction": sets(protocol__auction="batch"),
         "commit–reveal": sets(protocol__ordering="commit-reveal", protocol__reveal_within="400ms"),
         "both": sets(protocol__auction="batch", protocol__ordering="commit-reveal", protocol__reveal_within="400ms")}
# What they gain is by the order of a block, which may be hidden.
HIDDEN = ["front-runner", "sandwich", "back-runner"]
KINDS = [*HIDDEN, "censor", "last-look"]
VALUES = [*[(example_trade, over) for over in LOGS],
          *[(worthless, kind, cure) for kind in HIDDEN
            for cure in ("commit–reveal", "both")]]


# One flow over each log.

def log(quick, seed, over, network, delta):
    nets = {"regions of AWS": "--set=network.preset=aws-p50", "20 ms": uniform("20ms")}
    found = many(quick, 1, 10, NAME, "--nodes", 7, nets[network], "--set=workload.flow=poisson", "--set=workload.interval=100ms",
                 *sets(protocol__traders=20, protocol__over=over, protocol__delta=delta), requests(20 if quick else 100),
                 "--until", "120s")
    orders, answered = total(found, "orders"), total(found, "answered")
    of = lambda which: mean([one["latency_ns"]["order_final"][which] / 1e6 for one in found])
    wanted = 20 * (20 if quick else 100) * len(found)
    return [{"name": over, "network": network, "runs": len(found), "orders": orders, "trades": total(found, "trades"),
             "rejected": total(found, "rejected"), "answered": answered, "p50": of("p50"), "p99": of("p99"), "max": of("max"),
             "blocks": total(found, "blocks") / len(found), "messages": sum(one["messages"] for one in found) / answered,
             "ok": answered == wanted, "violated": broken_of(found), "command": found[0]["command"]}]


LOG_JOBS = [(log, over, network, delta) for network, delta in (("20 ms", "25ms"), ("regions of AWS", "250ms")) for over in LOGS]


# What an insider gains.

def extraction(quick, seed, kind, cure, over="pbft", nodes=4, count=1):
    """The same seeds under every cure; in HotStuff leaders take turns, so gains grow with the share of blocks."""
    found = many(quick, 1, 20, NAME, "--nodes", nodes, JITTER, *BUSY, requests(60), *CURES[cure], *sets(protocol__over=over),
                 "--until", "60s", adversary(kind, count=count))
    won, lost = total(found, "extraction"), total(found, "extraction_lost")
    # Order inside a block is worth nothing where it is hidden; last look is not order.
    is_closed = kind in HIDDEN and cure in ("commit–reveal", "both")
    return [{"name": f"{kind}, {cure}", "held": f"{count} of {nodes}, {over}", "runs": len(found), "won": won, "lost": lost,
             "net": won - lost, "each": (won - lost) / max(1, total(found, "trades")), "trades": total(found, "trades"),
             "forfeited": total(found, "forfeited"), "ok": not is_closed or won == lost == 0, "violated": broken_of(found),
             "command": found[0]["command"]}]


EXTRACTION_JOBS = [*[(extraction, kind, cure) for kind in KINDS for cure in CURES],
                   *[(extraction, "sandwich", "no cure", "hotstuff", 7, count) for count in (1, 2)]]


# Trades over two venues.

CALM = "--set=fault=[]"
CUTS = ('--set=fault=[{at="2s",heal="5s",kind="partition",nodes=[0,1,2,3]},{at="8s",heal="11s",kind="partition",nodes=[4,5,6,7]},'
        '{at="14s",heal="17s",kind="partition",nodes=[0,1,2,3]},{at="20s",heal="21s",kind="partition",nodes=[4,5,6,7]}]')


def arbitrage(quick, seed, way, weather, over):
    nodes = 12 if way == "two-phase" else 8
    found = many(quick, 1, 20, NAME, "--nodes", nodes, JITTER, "--set=workload.flow=poisson", "--set=workload.interval=200ms",
                 *sets(protocol__venues=2, protocol__traders=4, protocol__arbitrage=way, protocol__over=over, protocol__delta="50ms",
                       protocol__taker_fee=10, protocol__lock_timeout="1500ms"),
                 CUTS if weather == "partitions" else CALM, "--until", "45s")
    attempted, taken, one_leg = (total(found, name) for name in ("attempted", "taken", "one_leg"))
    held = [one["latency_ns"]["reserved"] for one in found if one["latency_ns"]["reserved"]["count"]]
    reserved = lambda which: f"{mean([it[which] for it in held]) / 1e6:,.0f}" if held else "–"
    longest = f"{max(it['max'] for it in held) / 1e6:,.0f}" if held else "–"
    return [{"name": f"{way}, {weather}, {over}", "runs": len(found), "found": total(found, "found"), "attempted": attempted,
             "taken": taken, "one_leg": one_leg, "share": one_leg / max(1, attempted), "profit": total(found, "profit"),
             "reserved": f"{reserved('p50')} / {reserved('p99')} / {longest}", "ok": way != "two-phase" or (one_leg == 0 and taken > 0),
             "violated": broken_of(found), "command": found[0]["command"]}]


ARBITRAGE_JOBS = [(arbitrage, way, weather, over) for over in ("pbft", "raft") for weather in ("calm", "partitions")
                  for way in ("naive", "htlc", "two-phase")]


# Costs.

def of_size(replicas, traders, over, until, interval):
    return [NAME, "--nodes", replicas, "--until", until, "--set=network.preset=aws-p50", "--set=workload.flow=poisson",
            f"--set=workload.interval={interval}", *sets(protocol__over=over, protocol__traders=traders), *MODELLED]


SCALE = [
    ("7 replicas, 10,000 traders, 10,000 requests/s, pbft", NAME, 4, 900, (1, 2), of_size(7, 10_000, "pbft", "30s", "1s"),
     of_size(7, 200, "pbft", "5s", "1s"), []),
    ("10 venues of 4 replicas, 100,000 traders, 1,000 requests/s, pbft", NAME, 4, 900, (1, 2),
     [*of_size(40, 10_000, "pbft", "10s", "100s"), *sets(protocol__venues=10)],
     [*of_size(8, 100, "pbft", "3s", "1s"), *sets(protocol__venues=2)],
     [("≤ 10 kB a node", lambda row: row["bytes_per_node"] * row["nodes"] / (row["nodes"] + 100_000) <= 10_000)]),
    ("100 replicas, 1,000 traders, 1,000 requests/s, pbft", NAME, 4, 900, (1, 2), of_size(100, 1_000, "pbft", "20s", "1s"),
     of_size(16, 100, "pbft", "3s", "1s"), []),
    ("100 replicas, 1,000 traders, 1,000 requests/s, hotstuff", NAME, 4, 900, (1, 2),
     of_size(100, 1_000, "hotstuff", "20s", "1s"), of_size(16, 100, "hotstuff", "3s", "1s"), []),
]


def scale(options):
    """`nodes` of a scenario are replicas; here traders count, too."""
    rows = chain_runs.scale(options.quick, SCALE, options.known)
    for row in rows:
        if "failed" not in row:
            venues = re.search(r"protocol\.venues=(\d+)", row["command"])
            traders = int(re.search(r"protocol\.traders=(\d+)", row["command"])[1]) * int(venues[1] if venues else 1)
            share = row["nodes"] / (row["nodes"] + traders)
            row["nodes"] += traders
            row["bytes_per_node"] *= share
            row["state_bytes_per_node"] *= share
    return rows


def library(options):
    arguments = [20_000, 1, 1_000] if options.quick else [4_000_000, 3, 1_000, 10_000, 100_000, 1_000_000]
    return example("anthill-market", "book-bench", arguments, lambda text: books(text, options.quick))


def books(text, quick):
    """A row for each number of resting orders, with its goals."""
    lines = [line.split() for line in text.splitlines()[1:] if re.match(r"\s*\d+\s", line)]
    first = float(lines[0][1])
    rows = []
    for resting, blocks, single, roots, allocations, rival, ratio in lines:
        goals = [("≥ 10 M/s", float(blocks) <= 100), ("≥ 2.5 × matchcore", float(ratio) >= 2.5),
                 ("0 allocations", int(allocations) == 0), ("≤ 1.5 × of the fewest", float(blocks) <= 1.5 * first)]
        rows.append({"name": f"{int(resting):,}", "blocks": float(blocks), "rate": f"{1e3 / float(blocks):.2f}",
                     "single": float(single), "roots": float(roots), "allocations": int(allocations), "rival": float(rival),
                     "ratio": float(ratio),
                     "goals": "–" if quick else "; ".join(f"{name}: {'met' if met else '**missed**'}" for name, met in goals)})
    return rows
