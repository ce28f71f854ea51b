"""What is drawn of the economics of Good-Will: gain against the total, capture against kickback, wealth over time.

A job gives rows, as those of `goodwill_values` do; beside them stands which picture and which line a row is for."""

import chain_theory as theory
from chain_runs import MODELLED, many
from consensus_runs import adversary, run
from goodwill_values import COINBASE, NAME, arguments, by, forged, mean, seeds

VALUE = 360 * COINBASE


def gain(quick, seed, own):
    """Ten forgers bid X together, an eleventh bids `own`: its gain a window as X grows to what a window is worth and beyond."""
    rows, windows = [], 10 if quick else 100
    for i, others in enumerate((5_000, 20_000) if quick else (1_000, 2_500, 5_000, 7_500, 10_000, 15_000, 20_000, 25_000, 30_000)):
        found = seeds(quick, seed + 10 * i, 4, 11, windows=windows, bid=others / 10, odd_bid=float(own), balance=10_000_000)
        gains = [one["metrics"]["given"] * (one["metrics"]["gain"] - 1) / windows for one in found]
        p = own / (own + others)
        sd = COINBASE * (360 * p * (1 - p) / windows / len(found))**0.5
        row = theory.normal(NAME, f"gain a window of a donation of {own} beside {others:,}", mean(gains),
                            theory.donation_gain(VALUE, own, others), sd)
        rows += by("Gain of a donation", [{**row, "picture": "gain", "line": f"d = {own}", "own": own, "x": own + others}], found)
    return rows


def captured(quick, seed, kappa):
    """One of `n` has a share κ of its donations back from an association of its own; the others bid as among equals."""
    n, begin, windows = (20, 2, 8) if quick else (100, 2, 22)
    share, _ = theory.captor_share(VALUE, n, kappa)
    own, slots, runs = 0, 0, []
    for i in range(2):
        # From window 2 on it bids itself: what was before is taken off.
        both = [run(*arguments(n + 1, adversary("captor", kickback=kappa), "--table", windows=count, balance=10_000_000,
                               bid=theory.equilibrium(VALUE, n), min_bid=0.001, g7="off"), *MODELLED, seed=seed + i)
                for count in (begin, windows)]
        own += forged(both[1]) - forged(both[0])
        slots += (windows - begin) * 360
        runs.append(both[1])
    row = theory.normal(NAME, f"share of slots of a captor, κ = {kappa}, {n} do not react", own / slots, share,
                        (share * (1 - share) / slots)**0.5)
    return by("Capture against kickback", [{**row, "picture": "capture", "n": n, "x": kappa}], runs)


def wealth(quick, seed, rule):
    """A hundred forgers; node 0 tells after every window how even their wealth is, and the table who has how much at the end.

    `equal`: bids of 213.84, windows of 360, as the scheme has them. `proportion`: a fifth of what each has, windows of 10; each
    coin of the coinbase is a hundred, so that amounts in whole coins lose little."""
    n, windows = (20, 10) if quick else (100, 1_000)
    first, coinbase, slots, more = {
        "equal": (1_000, COINBASE, 360, {"bid": 213.84}),
        "proportion": (50 * 100 * COINBASE / n, 100 * COINBASE, 10,
                       {"bids": "wealth-share", "wealth_share": 0.2, "bid": 10 * 100 * COINBASE / n, "min_bid": 0.000001}),
    }[rule]
    length_s = 10 * slots
    found = many(quick, seed, 3 if rule == "equal" else 12, *arguments(
        n, f"--set=measure.interval={length_s}s", "--table", window=slots, windows=windows, balance=first, coinbase=coinbase,
        until=f"{length_s * windows + 1_000}s", **more), small=3, limit_s=3_000)
    series = [of_windows(one["series"], windows) for one in found]
    last = held(found[0]["table"], first, coinbase)
    rows = []
    for at in (3,) if quick else (3, 10) if rule == "equal" else (100, 1_000):
        if rule == "equal":
            name, index, expected = f"Gini, equal bids, after {at} windows", 1, theory.gini(n, first, 213.84, COINBASE, 360, at)
        else:
            name, index, expected = f"1 − Σx², bids in proportion, after {at} windows", 2, theory.monopoly_delayed(n, slots, 0.2, at)
        rows.append(theory.student(NAME, f"{name}, {n} forgers", [one[at - 1][index] for one in series], expected))
    # The table has whole coins; the run knows millionths.
    rows.append(theory.bounded(NAME, f"Gini of the table after {windows} windows, bids {rule}, beside the run's own", gini_of(last),
                               series[0][-1][1] - 0.005, series[0][-1][1] + 0.005, series[0][-1][1]))
    rows[0] |= {"picture": "wealth", "rule": rule, "n": n, "first": first, "slots": slots, "series": spread(series[0]),
                "lorenz": lorenz(last)}
    return by("Wealth over windows", rows, found)


FIGURES = ("gini", "monopoly", "poorest_half", "poorest_nine_tenths")


def of_windows(rows, windows):
    """After each window: its number and the figures, which the series has as differences modulo 2⁶⁴, in millionths."""
    sums, out = dict.fromkeys(FIGURES, 0), []
    for number, row in enumerate(rows[:windows], 1):
        for name in FIGURES:
            sums[name] = (sums[name] + int(row[name])) % 2**64
        out.append((number, *(sums[name] / 1e6 for name in FIGURES)))
    return out


def spread(rows):
    """Of a long series those that can be told apart where each decade is as wide."""
    chosen = {min(round(10**(i / 40)), len(rows)) for i in range(200)}
    return [rows[number - 1] for number in sorted(chosen)]


def held(table, first, coinbase):
    """What each has at the end, to a coin, the poorest first."""
    return sorted(max(0.0, first + coinbase * int(row["forged"]) - int(row["donated"])) for row in table)


def gini_of(sums):
    n, total = len(sums), sum(sums)
    return 2 * sum(rank * one for rank, one in enumerate(sums, 1)) / (n * total) - (n + 1) / n


def lorenz(sums):
    """What the poorest have of all: points of share of forgers, share of wealth."""
    total, so_far, out = sum(sums), 0.0, [(0.0, 0.0)]
    for rank, one in enumerate(sums, 1):
        so_far += one
        out.append((rank / len(sums), round(so_far / total, 6)))
    return out


JOBS = [(gain, 100), (gain, 500), *[(captured, kappa / 10) for kappa in range(10)], (wealth, "equal"), (wealth, "proportion")]
