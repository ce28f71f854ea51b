"""Randomised agreement, measured: how many agreements are open after each round, by rules and scheduler."""

import consensus_theory as theory
from consensus_runs import adversary, sets
from consensus_values import MODELLED, by, seeded

NETWORK = '--set=network={model="uniform",min="1ms",max="20ms"}'


def open_after(quick, seed, rules, nodes, faults, agreements, *more):
    """Runs until so many agreements are made; how many are open after 0, 1, 2 … rounds, and the runs.
    Groups of nodes agree by themselves, side by side, fifty agreements each."""
    instances, groups = (5, 2) if quick else (50, 20)
    seeds = 1 if quick else max(1, agreements // (instances * groups))
    found = seeded(seed, seeds, "randomized", "--nodes", nodes * groups, NETWORK, *MODELLED, *sets(
        protocol__rules=rules, protocol__faults=faults, protocol__group=nodes, protocol__instances=instances),
        *more)
    # A run says which share of its agreements is open.
    of_run = lambda one, after: round(one["metrics"][f"undecided_after_{after}"] * one["metrics"]["agreements"])
    agreements = sum(one["metrics"]["agreements"] for one in found)
    return [agreements, *(sum(of_run(one, after) for one in found) for after in range(1, 13))], found


def table(quick, seed, name, survival, rounds, *arguments):
    """A row for each number of rounds, and the mean."""
    alive, found = open_after(quick, seed, *arguments)
    expected = [survival(after) for after in range(rounds + 1)]
    rows = [theory.binomial("randomized", f"{name}: open after {after}", alive[after], alive[0], expected[after])
            for after in range(1, rounds + 1)]
    if 0 < expected[1]:
        whole = [survival(after) for after in range(13)]
        rows.append(theory.truncated_mean("randomized", f"{name}: mean rounds, cut at 13", alive, alive[0], whole))
    return by(rows, found)


def half(power):
    return 0.5**power


def mmr(quick, seed, schedule, nodes, faults, agreements):
    how = {"unanimous": ([*sets(protocol__inputs="ones")], half),
           "all see both": ([adversary("both-schedule")], lambda after: half(max(after - 1, 0))),
           "worst": ([adversary("worst-schedule")], lambda after: (after + 1) * half(after))}
    arguments, survival = how[schedule]
    return table(quick, seed, f"MMR with CONF, {schedule}, n = {nodes}", survival, 12, "mmr", nodes, faults,
                 agreements, *arguments)


def shi(quick, seed, nodes, faults, agreements):
    return table(quick, seed, f"Shi, coin at n − f, worst, n = {nodes}", lambda after: half(after // 2), 8, "shi",
                 nodes, faults, agreements, *sets(protocol__inputs="few"), adversary("worst-schedule"))


def shi_unanimous(quick, seed):
    return table(quick, seed, "Shi, coin at n − f, unanimous, n = 4", lambda after: float(after == 0), 1, "shi", 4, 1,
                 1_000, *sets(protocol__inputs="ones"))


def shi_early(quick, seed):
    return table(quick, seed, "Shi, coin at f + 1, worst, n = 4", lambda after: 1.0 if after < 2 else 0.5, 8, "shi",
                 4, 1, 1_000, *sets(protocol__inputs="few", protocol__coin_threshold=2, protocol__horizon=14),
                 adversary("worst-schedule"))


def ben_or(quick, seed, nodes, faults, agreements, one_by_one=False):
    """Rounds in which all toss are those after the first. Tosses that are seen one by one save every second of them."""
    kind, words, part = ("one-by-one-schedule", "one by one", 2) if one_by_one else ("worst-schedule", "lock step", 1)
    alive, found = open_after(quick, seed, "ben-or", nodes, faults, agreements, *sets(protocol__horizon=20), adversary(kind))
    row = theory.binomial("randomized", f"Ben-Or, {words}, n = {nodes}, f = {faults}: a round in which all toss decides",
                          alive[1] - alive[12], sum(alive[1:12]), theory.toss(nodes, faults) / part)
    return by([row], found)


JOBS = [
    (mmr, "unanimous", 4, 1, 20_000), (mmr, "all see both", 4, 1, 10_000), (mmr, "worst", 4, 1, 10_000),
    (mmr, "worst", 7, 2, 2_000), (shi, 4, 1, 5_000), (shi, 7, 2, 1_000), (shi_unanimous,), (shi_early,),
    (ben_or, 7, 3, 2_000), (ben_or, 21, 2, 1_000), (ben_or, 5, 1, 1_000),
    *[(ben_or, *group, True) for group in ((3, 1, 1_000), (5, 2, 1_000), (7, 3, 2_000), (21, 2, 1_000))],
]
