"""Each hole of Good-Will with its correction off and on. A job gives one row."""

import chain_theory as theory
from chain_runs import attack
from consensus_runs import adversary, sets
from goodwill_values import arguments, many

NAME = "goodwill"


def odds(found):
    return tuple(sum(one["metrics"][name] for one in found) for name in ("attacks", "attacks_succeeded"))


def seen(comes_off, least=0):
    def look(found):
        tried, won = odds(found)
        return f"{won:,} of {tried:,}", (won > 0) == comes_off and tried >= least
    return look


def replayed(quick, seed):
    """A payment that is signed by key and amount is spent until nothing is left: a hundred coins in tens."""
    most = 300 if quick else 10_000
    kind = lambda **values: adversary("input-replayer", **values)
    opened = many(quick, seed, 10, *arguments(12, kind(), "--set=workload.amount=10.0", forgers=6, window=20, windows=10,
                                              rate=0.01, g1="off"))
    closed = many(True, seed, 1, *arguments(4, kind(attempts=most), window=100_000, windows=0, coinbase=0.0, bid=1.0, rate=1.0,
                                            g1="on"), small=1)
    return attack(NAME, "G1: input-replayer", "1 of 6, 1 of 4", opened, closed, seen(True), seen(False, most))


def hole(quick, seed, rule, kind, forgers, share=None):
    """As published; and, corrected, until ten thousand attempts."""
    most = 300 if quick else 10_000
    told = {"share": share} if share else {}
    of = lambda state, seed, **values: many(True, seed, 1, *arguments(
        forgers, adversary(kind, **told, **values), *sets(**{f"protocol__{rule}": state}), window=100_000, windows=0,
        coinbase=0.0, balance=1_000_000), small=1)
    return attack(NAME, f"{rule.upper()}: {kind}", f"1 of {forgers}", of("off", seed, attempts=min(most, 1_000)),
                  of("on", seed, attempts=most), seen(True), seen(False, most))


def banned(quick, seed, kind):
    """After the first pair of blocks of a slot, or a false block, a forger's slots are empty for ten windows."""
    windows = 10 if quick else 40
    of = lambda state: many(quick, seed, 20, *arguments(8, adversary(kind, share=0.3), *sets(protocol__g8=state), window=20,
                                                        windows=windows, degree=8))

    def look(bans, comes_off):
        def told(found):
            tried, won = odds(found)
            count = sum(one["metrics"]["bans"] for one in found)
            return f"{won:,} of {tried:,}, {count} bans", (count > 0) == bans and (won > 0) == comes_off
        return told
    return attack(NAME, f"G8: {kind}", ".3 of the weight", of("off"), of("on"), look(False, kind == "equivocator"),
                  # What it does before it is banned may still displace a block.
                  lambda found: (look(True, odds(found)[1] > 0)(found)))


def sybils(quick, seed):
    of = lambda state: many(quick, seed, 10, *arguments(
        24, adversary("sybil-voter", share=0.75), *sets(protocol__g5=state), window=10, windows=6, requests=2, scams=2, bid=100.0,
        approval="1.0"))

    def look(is_open):
        def told(found):
            scams, vetoed = (sum(one["metrics"][name] for one in found) for name in ("admitted_scams", "vetoed"))
            return f"{scams} scams admitted, {vetoed} genuine vetoed", (scams > 0, vetoed > 0) == (is_open, is_open)
        return told
    return attack(NAME, "G5: sybil-voter, three sybils at the least bid for each honest head", "18 of 24", of("off"), of("on"),
                  look(True), look(False))


def own_gift(quick, seed):
    of = lambda state: many(quick, seed, 10, *arguments(
        11, adversary("captor", kickback=0.5), *sets(protocol__g7=state), window=36, windows=12, bid=194.4, min_bid=0.001,
        balance=100_000))

    def look(comes_off):
        def told(found):
            tried, won = odds(found)
            back = sum(one["metrics"]["kickback"] for one in found)
            return f"{won:,} of {tried:,}; {back:,.0f} coins came back", (won > 0) == comes_off
        return told
    return attack(NAME, "G7: captor, gifts to its own key", "1 of 11", of("off"), of("on"), look(True), look(False))


def thousands(quick, seed, rule, kind, forgers, window, windows, told, least=10_000, **values):
    """An adversary that has an attempt in a window or a ban: as published, and, corrected, ten thousand of them."""
    of = lambda state, count: many(True, seed, 1, *arguments(
        forgers, adversary(kind, **told), *sets(**{f"protocol__{rule}": state}), window=window, windows=count,
        **{"coinbase": 0.0, "bid": 0.001, "min_bid": 0.0001, **values}), small=1)
    opened, closed = of("off", min(200, windows // 100)), of("on", windows // 100 if quick else windows)
    return attack(NAME, f"{rule.upper()}: {kind}, {'some' if quick else 'ten thousand'} attempts", f"1 of {forgers}", opened, closed,
                  seen(True), seen(False, least // 200 if quick else least))


def bought(quick, seed):
    """Votes of twelve sybils at the least bid, and their gifts to scams; honest forgers believe no scam."""
    of = lambda state, count: many(True, seed, 1, *arguments(
        16, adversary("sybil-voter", share=0.75), *sets(protocol__g5=state), window=6, windows=count, requests=1, scams=2, bid=50.0,
        approval="1.0", gullibility=0.0), small=1)

    def look(is_open, least):
        def told(found):
            tried, won = odds(found)
            scams, vetoed = (sum(one["metrics"][name] for one in found) for name in ("admitted_scams", "vetoed"))
            counted = (scams > 0, vetoed > 0) == (is_open, is_open) and (is_open or won == 0)
            return f"{tried:,} votes and gifts: {scams} scams admitted, {vetoed} genuine vetoed", counted and tried >= least
        return told
    return attack(NAME, "G5: sybil-voter, bought votes and gifts to scams", "12 of 16", of("off", 5), of("on", 10 if quick else 230),
                  look(True, 100), look(False, 100 if quick else 10_000))


def ground(quick, seed):
    windows = 50 if quick else 1_000
    of = lambda state: many(quick, seed, 10, *arguments(
        4, adversary("beacon-grinder", share=0.1, attempts=16), "--table", *sets(protocol__g6=state), window=10, windows=windows,
        coinbase=0.0, bid=0.001, min_bid=0.0001))

    def look(more):
        def told(found):
            share = sum(int(one["table"][-1]["forged"]) for one in found) / 10 / windows / len(found)
            return f"{share:.4f} of the slots", quick or (share > 0.11) == more
        return told
    return attack(NAME, "G6: beacon-grinder, 16 beacons", ".1 of the weight", of("off"), of("on"), look(True), look(False))


def eclipse(quick, seed):
    """All homes false with C(B, h)/C(F, h); of those, who has paid believes in blocks that nobody made."""
    found = many(quick, seed, 5, *arguments(1_020, adversary("eclipse", share=0.3), forgers=20, degree=4, window=20, windows=3,
                                            confirmations=1, rate=2.0))
    def told(found):
        tried, won = odds(found)
        return f"{won:,} of {tried:,} payments believed", won > 0
    return attack(NAME, f"eclipse: false homes, both with {theory.eclipsed(20, 6, 2):.4f} (no rule corrects it)", "6 of 20", found,
                  [], told, None)


def harmless(quick, seed, kind):
    found = many(quick, seed, 10, *arguments(12, adversary(kind), "--set=workload.crons=0.5", "--set=workload.calls=0.3", forgers=6,
                                             window=20, windows=10, rate=0.05))
    def told(found):
        tried, won = odds(found)
        fired, calls = (sum(one["metrics"][name] for one in found) for name in ("cron_fired", "calls"))
        return f"{won:,} of {tried:,}; of others {fired:,} payments, {calls:,} calls", won == 0 and tried > 0 and fired > 0
    return attack(NAME, kind, "1 of 6", [], found, None, told)


JOBS = [
    (replayed,), (hole, "g2", "back-dater", 30), (hole, "g3", "identity-thief", 8),
    (hole, "g4", "slot-thief", 8, 0.1), (sybils,), (ground,), (own_gift,), (banned, "equivocator"), (banned, "false-executor"),
    (bought,), (thousands, "g6", "beacon-grinder", 2, 2, 11_500, {"share": 0.9, "attempts": 2}),
    (thousands, "g7", "captor", 3, 2, 10_010, {}), (thousands, "g8", "equivocator", 4, 2, 125_000, {"share": 0.97}),
    (eclipse,), (harmless, "fee-starver"), (harmless, "cron-flooder"),
]
