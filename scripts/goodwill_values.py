"""What theory says of Proof of Good-Will, measured: messages, gains, votes, wealth, forks, waits.

A job runs one or more emulations and returns rows; a row knows the command of its first run."""

import math

import chain_theory as theory
from chain_runs import MODELLED, by, many, mean, uniform
from consensus_runs import adversary, run, sets

NAME = "goodwill"
NEAR = uniform("20ms")
COINBASE = 60


def arguments(nodes, *more, forgers=None, network=NEAR, rate=0, until="20000d", **values):
    """Everything that a preset might say otherwise; rings, whose blocks take the fewest messages."""
    values = {"degree": 2, "windows": 1, "window": 360, "spend": 0.0, "balance": 1_000, "bid": 10.0, **values}
    given = {f"protocol__{key}": value for key, value in {"forgers": forgers or nodes, **values}.items()}
    return [NAME, "--nodes", nodes, network, "--until", until, f"--set=workload.rate={rate}", *sets(**given), *more]


def one(seed, *given, **values):
    return run(*arguments(*given, **values), *MODELLED, seed=seed)


def seeds(quick, seed, count, *given, small=3, **values):
    return many(quick, seed, count, *arguments(*given, **values), small=small)


def sent(summary, *names):
    return sum(summary["metrics"]["messages_by_kind"][name] for name in names)


def forged(summary, node=-1):
    return int(summary["table"][node]["forged"])


# Messages, energy, waits.

def flood(quick, seed, forgers, degree):
    forgers = min(forgers, 200) if quick else forgers
    found = one(seed, forgers, degree=degree, window=20)
    return by("Messages, energy, waits", [theory.exact(
        NAME, f"messages a block, {forgers:,} forgers, degree {degree}: F(d − 1) + 1",
        sent(found, "block") / found["metrics"]["blocks"], forgers * (degree - 1) + 1)], [found])


def copied(quick, seed):
    found = one(seed, 10, '--set=fault=[{at="500s",heal="503s",kind="crash",nodes=[9]}]', window=100)
    asked = sent(found, "hello", "get-ledger-infos", "ledger-infos", "get-ledger-block", "ledger-block")
    # Fifty slots are yet to come, each with its block; slots of the node itself may have passed without one.
    blocks = found["metrics"]["chain_blocks"] - 50
    return by("Messages, energy, waits", [theory.exact(NAME, f"messages to copy a ledger of {blocks} blocks: 2 + 2 + 2B", asked,
                                                       4 + 2 * blocks)], [found])


def energy(quick, seed):
    forgers = 100 if quick else 1_000
    found = one(seed, forgers, degree=8, window=60)
    watts = found["metrics"]["energy"] / 1e6 / found["virtual_s"]
    return by("Messages, energy, waits", [theory.bounded(NAME, f"W of {forgers:,} forgers: 1 W idle to 5 W busy each", watts,
                                                         0.99 * forgers, 5 * forgers, 5 * forgers)], [found])


def light(quick, seed):
    """Of blocks that all nodes have a delay later; the pool of the leader has what its home has a delay later.

    A peer makes no payment while one is open, and its payments come from a Poisson process: the first after a block that
    confirmed one is a little likelier early in a slot than late, by slot/12 over the mean pause, of a slot.
    """
    found = seeds(quick, seed, 20, 110, forgers=10, degree=10, window=2_000 if not quick else 200, rate=0.5, confirmations=6)
    latency = lambda which: [one["hgrm"][which]["mean"] / 1e9 for one in found]
    slot, pause, delay = 10, 100 / 0.5, 0.02
    expected = 2 * delay + slot / 2 + slot**2 / 12 / pause + delay
    return by("Messages, energy, waits", [
        theory.student(NAME, "payment of a light peer to a block: 2u + slot/2 + path", latency("inclusion"), expected),
        theory.bounded(NAME, "longer until it is 6 deep: 5 slots", mean(latency("confirmation")) - mean(latency("inclusion")),
                       49.7, 50.3, 50)], found)


def growth(quick, seed, delay, blocks):
    """Of 64 forgers the same one may have two slots that follow: at most a 64th more for each."""
    window = 100 if quick else 1_000
    found = one(seed, 64, network=uniform(f"{delay}s"), degree=64, window=window)
    share = found["metrics"]["chain_blocks"] / window
    low, high = 1 / blocks, (1 + (blocks - 1) / 64) / blocks
    slack = 4.9 * math.sqrt((blocks - 1) / 64 / window) / blocks + 2 / window
    return by("Messages, energy, waits", [theory.bounded(
        NAME, f"growth in blocks a slot of 10 s, blocks under way {delay} s: 1/(⌊τ/slot⌋ + 1), up to 1/64 more for each own",
        share, low - slack, high + slack, low)], [found])


def partition(quick, seed):
    slots, x = 60, 0.3
    found = seeds(quick, seed, 60, 10, '--set=fault=[{at="603s",heal="1203s",kind="partition",nodes=[0,1,2]}]', degree=10,
                  window=200)
    law = theory.binomials(slots, x)
    expected = theory.shorter_branch(slots, x)
    variance = sum(p * min(k, slots - k)**2 for k, p in enumerate(law)) - expected**2
    undone = mean([one["metrics"]["stale"] for one in found])
    return by("Forks", [theory.normal(NAME, "blocks undone after a partition of 60 slots, .3 : .7", undone, expected,
                                      math.sqrt(variance / len(found)))], found)


def private(quick, seed, a, z, attempts):
    attempts = 200 if quick else attempts
    runs = 1 if quick else 4
    found = [one(seed + i, 3, adversary("private-fork", share=a, attempts=attempts), window=100_000, windows=0, coinbase=0.0,
                 confirmations=z) for i in range(runs)]
    tried, won = (sum(it["metrics"][name] for it in found) for name in ("attacks", "attacks_succeeded"))
    return by("Forks", [theory.binomial(NAME, f"private fork overtakes, a = {a}, z = {z}: Σ C(m+z−2, m)(1−a)^(z−1)aᵐ(a/(1−a))^…",
                                        won, tried, theory.private_fork(a, z))], found)


def cron(quick, seed):
    found = seeds(quick, seed, 20, 20, "--set=workload.crons=1.0",
                  '--set=fault=[{at="0s",kind="crash",nodes=[7,8,9]}]', forgers=10, degree=10, window=2_000, rate=0.05)
    late = [one["metrics"]["cron_late"] / max(1, one["metrics"]["cron_fired"]) for one in found]
    empty = [1 - one["metrics"]["chain_blocks"] / 2_000 for one in found]
    o = mean(empty)
    return by("Messages, energy, waits", [
        theory.normal(NAME, "share of empty slots, three of ten forgers down", o, 0.3, math.sqrt(0.21 / 2_000 / len(found))),
        theory.student(NAME, "slots by which a payment of a schedule is late: o/(1 − o)", late, 0.3 / 0.7)], found)


# Money.

def donation(quick, seed, own, others):
    """Ten forgers bid X together, the last one d."""
    windows = 20 if quick else 100
    found = seeds(quick, seed, 12, 11, windows=windows, bid=others / 10, odd_bid=float(own), balance=10_000_000)
    gains = [one["metrics"]["given"] * (one["metrics"]["gain"] - 1) / windows for one in found]
    value, p = 360 * COINBASE, own / (own + others)
    sd = COINBASE * math.sqrt(360 * p * (1 - p) / windows / len(found))
    return by("Gains", [theory.normal(NAME, f"gain of a donation of {own} beside {others:,}, a window: Vd/(d + X) − d", mean(gains),
                                      theory.donation_gain(value, own, others), sd)], found)


def profit(quick, seed, n):
    windows = 10 if quick else 30 if n > 50 else 100
    value = 360 * COINBASE
    found = seeds(quick, seed, 8, n, windows=windows, bid=theory.equilibrium(value, n), balance=10_000_000)
    gains = [one["metrics"]["given"] * (one["metrics"]["gain"] - 1) / windows for one in found]
    sd = COINBASE * math.sqrt(360 * (1 / n) * (1 - 1 / n) / windows / len(found))
    return by("Gains", [theory.normal(NAME, f"profit a window in equilibrium, n = {n}: V/n²", mean(gains), value / n**2, sd)], found)


def towards(quick, seed):
    """Total of eleven bids, to the micro-coin: they move 1/n towards the best reply, from 500."""
    found = one(seed, 10, bids="best-reply", bid=500.0, windows=11, balance=1_000_000)
    due = sum(theory.moving_bids(360 * COINBASE, 10, 500, w) for w in range(1, 12))
    return by("Gains", [theory.bounded(NAME, "sum of a forger's bids in 11 windows, n = 10, from 500: 985.90, 1,384.41 … 1,941.42",
                                       found["metrics"]["given"], due - 0.001, due + 0.001, due)], [found])


def shares(quick, seed):
    """Twenty forgers, the last with five times as much."""
    window = 500 if quick else 50_000
    found = one(seed, 20, "--table", window=window, odd_bid=50.0)
    counts = [int(row["forged"]) for row in found["table"]]
    return by("Gains", [theory.chi_squared(NAME, f"χ² of {window:,} slots, nineteen weights of 10 and one of 50", counts,
                                           [10 / 240] * 19 + [50 / 240])], [found])


def captor(quick, seed, kappa):
    """Of a hundred that bid as among equals; counted from window 2 on, for which it bids itself."""
    n, begin, windows = (20, 2, 8) if quick else (100, 2, 22)
    value = 360 * COINBASE
    share, bid = theory.captor_share(value, n, kappa)
    own = slots = 0
    runs = []
    for i in range(2 if quick else 4):
        both = [one(seed + i, n + 1, adversary("captor", kickback=kappa), "--table", windows=count, balance=10_000_000,
                    bid=theory.equilibrium(value, n), min_bid=0.001, g7="off") for count in (begin, windows)]
        own += forged(both[1]) - forged(both[0])
        slots += (windows - begin) * 360
        runs.append(both[1])
    gain = lambda part: part * value - bid * (1 - kappa) - value / n**2
    sd = value * math.sqrt(share * (1 - share) / slots)
    return by("Gains", [theory.normal(NAME, f"gain a window of a captor, κ = {kappa}, {n} do not react: V[(1 − √c(n−1)/n)² − 1/n²]",
                                      gain(own / slots), gain(share), sd)], runs)


# Votes and wealth.

def votes(quick, seed, honest, p):
    found = seeds(quick, seed, 4, honest, small=1, window=20, windows=6, requests=8 if quick else 60, approval=p, g5="off")
    yes = sum(one["metrics"]["admitted"] for one in found)
    all_ = yes + sum(one["metrics"]["vetoed"] for one in found)
    return by("Votes", [theory.binomial(NAME, f"admitted, {honest} heads that say yes with {p}: P(Bin(H, p) ≥ ⌈¾H⌉)", yes, all_,
                                        theory.admitted(honest, p))], found)


def scams(quick, seed, honest, sybils):
    found = seeds(quick, seed, 4, honest + sybils, adversary("sybil-voter", share=sybils / (honest + sybils)), small=1, window=60,
                  windows=6, scams=1 if quick else 12, g5="off", bid=100.0)
    asked = (1 if quick else 12) * 4 * len(found)
    won = sum(one["metrics"]["admitted_scams"] for one in found)
    return by("Votes", [theory.binomial(NAME, f"scams admitted, {honest} heads that say yes with .05, {sybils} sybils", won, asked,
                                        theory.admitted(honest, 0.05, sybils))], found)


def gini(quick, seed, windows):
    bid = 213.84
    found = seeds(quick, seed, 12, 100, windows=windows, bid=bid)
    return by("Wealth", [theory.student(NAME, f"Gini, 100 forgers of 1,000, bids {bid}, after {windows} windows",
                                        [one["metrics"]["gini"] for one in found],
                                        theory.gini(100, 1_000, bid, COINBASE, 360, windows))], found)


def monopoly(quick, seed, n, slots, delta, windows):
    total = slots * COINBASE / delta
    found = seeds(quick, seed, 40, n, window=slots, windows=windows, bids="wealth-share", wealth_share=delta,
                  bid=total / n * delta, balance=total / n, min_bid=0.000001)
    return by("Wealth", [theory.student(
        NAME, f"1 − Σx², bids {delta} of wealth drawn on two windows later, n = {n}, W = {slots}, after {windows} windows",
        [one["metrics"]["monopoly"] for one in found], theory.monopoly_delayed(n, slots, delta, windows))], found)


def grinder(quick, seed, rule):
    """Its share of all slots: of windows whose beacon it chose E max, of the others a; it chooses as often as it has a
    last slot, so the share s solves s = sE + (1 − s)a."""
    a, slots, tries, windows = 0.1, 10, 16, 100 if quick else 1_000
    found = seeds(quick, seed, 20, 4, adversary("beacon-grinder", share=a, attempts=tries), "--table", window=slots,
                  windows=windows, coinbase=0.0, bid=0.001, min_bid=0.0001, g6=rule)
    won = [forged(one) / slots / windows for one in found]
    most = theory.grinding_slots(slots, a, tries)
    expected = a / (1 + a - most) if rule == "off" else a
    what = "G6 off: a/(1 + a − E), E = .2895" if rule == "off" else "G6 on: a"
    return by("Forks", [theory.student(NAME, f"share of slots of a tenth of the weight, 16 beacons, windows of 10, {what}", won,
                                       expected)], found)


JOBS = [
    (flood, 1_000, 8), (flood, 50, 4), (copied,), (energy,), (light,), (growth, 15, 2), (growth, 25, 3), (cron,),
    *[(donation, own, others) for own, others in ((100, 10_000), (100, 21_500), (500, 21_500))], (profit, 10), (profit, 100),
    (towards,), (shares,), *[(captor, kappa) for kappa in (0.1, 0.5, 0.9)],
    *[(votes, honest, p) for honest, p in ((100, 0.8), (100, 0.75), (100, 0.7), (20, 0.9))], (scams, 20, 58), (scams, 20, 40),
    (gini, 3), (gini, 10), (monopoly, 5, 5, 0.5, 30), (monopoly, 100, 10, 0.2, 100),
    (partition,), *[(private, a, z, attempts) for a, z, attempts in ((0.1, 3, 10_000), (0.3, 3, 2_500), (0.3, 6, 2_500),
                                                                      (0.4, 6, 1_000))],
    (grinder, "off"), (grinder, "on"),
]
