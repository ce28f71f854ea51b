"""The exchange attacked, and what theory says of it: makers that lie to oracles, gains against the share of blocks, legs
that naive trades lose, two-phase trades under crashes and partitions, makers over each log, one run over time."""

import functools
import json
import math
import random
import statistics

import chain_theory as theory
from chain_runs import MODELLED, by, many, mean, uniform
from consensus_runs import adversary, broken, run, sets
from markets_parts import BUSY, JITTER, LOGS, NAME, broken_of, requests, total

# Oracles. Reports deviate by so many ticks that rounding to one does not matter; lies are a hundred deviations off.

NOISE, OFF = 10_000, 1_000_000
RULES = ["vwap", "weighted-mean", "weighted-median", "trimmed-mean", "third-trimmed"]
BENT = "the oracle is among honest reports"


@functools.cache
def order_statistic(k, n):
    """The mean of the k-th smallest of n standard normal values, by Simpson's rule."""
    steps, reach = 4_000, 9.0
    weight = math.exp(math.lgamma(n + 1) - math.lgamma(k) - math.lgamma(n - k + 1))

    def density(x):
        below, above = 0.5 * math.erfc(-x / math.sqrt(2)), 0.5 * math.erfc(x / math.sqrt(2))
        return weight * below**(k - 1) * above**(n - k) * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    width = 2 * reach / steps
    points = ((i, -reach + i * width) for i in range(steps + 1))
    return sum((1 if i in (0, steps) else 4 if i % 2 else 2) * x * density(x) for i, x in points) * width / 3


def bears(rule, n):
    return {"vwap": 0, "weighted-mean": 0, "weighted-median": (n - 1) // 2, "trimmed-mean": (n - 1) // 3,
            "third-trimmed": n * 33 // 100 // 2}[rule]


def expected_move(rule, n, liars):
    """In deviations of a report, with all liars high; none where lies themselves are in the price."""
    honest = n - liars
    if rule == "weighted-median" and 2 * liars < n:
        places = [(n + 1) // 2] if n % 2 else [n // 2, n // 2 + 1]
    elif rule in ("trimmed-mean", "third-trimmed"):
        out = n * 33 // 100
        low, high = ((n - 1) // 3,) * 2 if rule == "trimmed-mean" else (out // 2, out - out // 2)
        if liars > high:
            return None
        places = range(low + 1, honest - (high - liars) + 1)
    else:
        return 0.0 if liars == 0 else None
    if max(places) > honest:
        return None
    return statistics.fmean(order_statistic(k, honest) for k in places)


def oracle(quick, seed, rule, n, liars):
    more = [adversary("oracle-liar", count=liars, off=OFF)] if liars else []
    found = many(quick, 1, 8, NAME, "--nodes", 4, JITTER, "--set=workload.flow=poisson", *more, "--until", "20s",
                 *sets(protocol__oracle=rule, protocol__makers=n, protocol__traders=0, protocol__delta="50ms",
                       protocol__report_noise=NOISE, protocol__report_every="200ms", protocol__ordering="commit-reveal"))
    move = lambda one: (one["metrics"]["oracle_above"] - one["metrics"]["oracle_below"]) / one["metrics"]["oracle_prices"] / NOISE
    moves, expected = [move(one) for one in found], expected_move(rule, n, liars)
    is_borne = liars <= bears(rule, n)
    bent = sum(BENT in broken(one) for one in found)
    # A second is five rounds of reports; prices of one run depend on each other, its mean does not on other runs'.
    beside = theory.student(NAME, rule, moves, expected) if expected is not None and not quick else None
    error = statistics.stdev(moves) / math.sqrt(len(moves)) if len(moves) > 1 else 0.0
    wide = theory.student_quantile(0.025, len(moves) - 1) * error if len(moves) > 1 else 0.0
    return [{"name": rule, "liars": liars, "of": n, "bears": bears(rule, n), "runs": len(found),
             "moved": mean(moves), "interval": f"± {wide:.3g}", "expected": "–" if expected is None else expected,
             "worst": max(one["metrics"]["oracle_error"] for one in found) / NOISE, "bent": f"{bent} of {len(found)}",
             "ok": (bent == 0 if is_borne else True) and (beside is None or beside["ok"]),
             "violated": broken_of(found), "command": found[0]["command"]}]


ORACLE_JOBS = [*[(oracle, rule, 31, liars) for rule in RULES for liars in (0, 1, 3, 5, 6, 8, 10, 11, 13, 15, 16)],
               *[(oracle, rule, n, f) for n, f in ((7, 2), (10, 3)) for rule in RULES]]


# What insiders gain against the share of the blocks that they propose.

SHARED = 7


@functools.cache
def shared(quick, kind, count):
    """Leaders of HotStuff take turns, so insiders propose their share of blocks; the same seeds for each count."""
    return tuple(json.dumps(one) for one in many(
        quick, 1, 20, NAME, "--nodes", SHARED, JITTER, *BUSY, requests(60), *sets(protocol__over="hotstuff"),
        "--until", "60s", adversary(kind, count=count)))


def share(quick, seed, kind, count):
    found, all_of = ([json.loads(one) for one in shared(quick, kind, held)] for held in (count, SHARED))
    net = lambda one: one["metrics"]["extraction"] - one["metrics"]["extraction_lost"]
    nets, whole = [net(one) for one in found], [net(one) for one in all_of]
    part = count / SHARED
    blocks = total(found, "insider_blocks") / total(found, "blocks")
    # Paired by seed: what is gained beyond the share of what all gain.
    beyond = [a - part * b for a, b in zip(nets, whole)]
    beside = theory.student(NAME, kind, beyond, 0.0)
    error = statistics.stdev(nets) / math.sqrt(len(nets))
    return [{"name": kind, "held": f"{count} of {SHARED}", "runs": len(found), "blocks": blocks, "net": mean(nets),
             "interval": f"± {theory.student_quantile(0.025, len(nets) - 1) * error:,.3g}",
             "expected": part * mean(whole), "beyond": mean(beyond), "ok": beside["ok"],
             "violated": broken_of(found), "command": found[0]["command"]}]


SHARE_JOBS = [(share, kind, count) for kind in ("front-runner", "sandwich") for count in (1, 2, 3, 4, 5, 6, 7)]


# Legs that naive trades lose.

def legs(quick, seed, rate, delay_ms):
    """What the arbitrageur knows of a quote is four delays old; its first leg takes five to be answered, its second one
    to arrive: L is ten delays. An order that comes while a block is agreed upon waits for it, which takes three delays:
    there are more such orders the more quotes are taken. One trader takes them, at a rate."""
    found = many(quick, seed, 4, NAME, "--nodes", 8, uniform(f"{delay_ms}ms"), "--until", "900s",
                 "--set=workload.flow=quotes", f"--set=workload.interval={round(1000 / rate)}ms",
                 *sets(protocol__venues=2, protocol__traders=2, protocol__arbitrage="naive", protocol__delta=f"{delay_ms}ms",
                       protocol__funds=1_000_000_000_000, protocol__stock=1_000_000_000))
    lost, kept = total(found, "one_leg"), total(found, "taken")
    what = (f"quotes taken {rate} times a second, L = {10 * delay_ms} ms and up to {3 * delay_ms} for a block under way: one "
            "leg, of those whose first has traded")
    within = [theory.taken_between(rate, delays * delay_ms / 1000) for delays in (10, 13)]
    row = theory.binomial_between(NAME, what, lost, lost + kept, *within)
    return by("Legs lost by naive trades over two venues", [row], found)


LEG_JOBS = [(legs, rate, delay) for delay in (10, 20) for rate in (1, 2, 5, 10)]


# Two-phase trades under crashes and partitions.

def torment(draws, over):
    """A chain cut off twice and replicas or the arbitrageur down, at drawn times; all is well again by 8 s."""
    faults = []
    for begin in (1_000, 4_000):
        first = 4 * draws.randrange(3)
        at = begin + draws.randrange(1_500)
        faults.append({"at": f"{at}ms", "heal": f"{at + 200 + draws.randrange(1_250)}ms", "kind": "partition",
                       "nodes": list(range(first, first + 4))})
    at = 1_000 + draws.randrange(5_000)
    faults.append({"at": f"{at}ms", "heal": f"{at + 200 + draws.randrange(2_000)}ms", "kind": "crash", "keep_state": True,
                   "nodes": [draws.randrange(12)]})
    return faults


def inline(value):
    """As TOML in a line."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}={inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(inline, value)) + "]"
    return json.dumps(value)


def atomicity(quick, seed, over, part):
    """So many runs, each with faults of its own; none may end with one leg."""
    count = 3 if quick else 500
    found = []
    for i in range(count):
        faults = torment(random.Random(f"{over} {part} {i}"), over)
        one = run(NAME, "--nodes", 12, JITTER, "--set=workload.flow=poisson", "--set=workload.interval=100ms",
                  *sets(protocol__venues=2, protocol__traders=4, protocol__arbitrage="two-phase", protocol__over=over,
                        protocol__delta="50ms"), f"--set=fault={inline(faults)}", "--until", "14s", *MODELLED,
                  seed=100_000 * part + i)
        # What is kept of ten thousand runs has to be little.
        found.append({key: one[key] for key in ("metrics", "command", "result")})
    return [{"over": over, "runs": count, **{name: total(found, name) for name in ("attempted", "taken", "one_leg", "changes")},
             "bad": broken_of(found), "command": found[0]["command"]}]


ATOMICITY_JOBS = [(atomicity, over, part) for over in ("pbft", "raft") for part in range(10)]


def atomicity_rows(rows):
    """A row for each log."""
    out = [row for row in rows if "failed" in row]
    for over in ("pbft", "raft"):
        mine = [row for row in rows if row.get("over") == over]
        if mine:
            add = lambda name: sum(row[name] for row in mine)
            out.append({"name": f"two-phase, {over}", **{name: add(name) for name in ("runs", "attempted", "taken", "one_leg")},
                        "ok": add("one_leg") == 0 < add("taken"), "command": mine[0]["command"],
                        "violated": sorted({name for row in mine for name in row["bad"]})})
    return out


# Makers over each log.

def makers(quick, seed, over):
    found = many(quick, 1, 10, NAME, "--nodes", 7, uniform("20ms"), "--set=workload.flow=poisson",
                 "--set=workload.interval=100ms", *sets(protocol__traders=20, protocol__makers=2, protocol__over=over,
                                                        protocol__delta="25ms"), "--until", "12s")
    profits = [one["metrics"]["makers_gain"] - one["metrics"]["makers_loss"] for one in found]
    error = statistics.stdev(profits) / math.sqrt(len(profits))
    of = lambda which: mean([one["latency_ns"]["order_final"][which] / 1e6 for one in found])
    each = lambda name: mean([one["metrics"][name] for one in found])
    return [{"name": over, "runs": len(found), "trades": each("trades"), "p50": of("p50"), "p99": of("p99"), "spread": each("spread"),
             "depth": each("depth"), "inventory": max(one["metrics"]["inventory"] for one in found), "profit": mean(profits),
             "interval": f"± {theory.student_quantile(0.025, len(profits) - 1) * error:,.3g}",
             "violated": broken_of(found), "command": found[0]["command"]}]


MAKER_JOBS = [(makers, over) for over in LOGS]


# One run, over time.

COURSE = ("start_ns", "interval_ns", "books", "spread", "mid", "depth", "trades", "orders", "makers_gain", "makers_loss", "inventory")


def course(quick, seed):
    one = run(NAME, "--nodes", 7, uniform("20ms"), "--set=workload.flow=poisson", "--set=workload.interval=100ms",
              "--set=measure.interval=500ms", *sets(protocol__traders=20, protocol__makers=2, protocol__delta="25ms"),
              "--until", "10s" if quick else "60s", *MODELLED, seed=seed)
    rows = [{name: int(row[name]) for name in COURSE} for row in one["series"]]
    return [{"name": "pbft", "series": rows, "intervals": len(rows), "trades": sum(row["trades"] for row in rows),
             "violated": broken_of([one]), "command": one["command"]}]
