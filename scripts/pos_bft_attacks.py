"""Each hole of proof of stake with its correction off and on, coalitions up to and beyond the bound, all adversaries
below a third, and a swarm of random runs in which no honest stake may be lost.

A job gives one row."""

import json

import chain_theory as theory
from chain_runs import MODELLED, attack, judged, many, uniform
from consensus_runs import adversary, execute, sets, shown

NAME = "pos-bft"
D = uniform("100ms")
FORKED, WHOLE = judged("agreement")


def runs(quick, seed, count, nodes, *arguments, heights=3, network=D):
    return many(quick, seed, count, NAME, "--nodes", nodes, network, *arguments,
                *sets(protocol__heights=heights, protocol__max_validators=100), "--until", "400s")


def coalition(quick, seed, nodes):
    """Votes for both of two blocks: from 2q − n on there is a fork, with one fewer never."""
    least = theory.least_coalition(nodes)
    split = lambda count, first: runs(quick, first, 5 if nodes > 20 else 20, nodes, adversary("split-coalition", nodes=count))
    accounted = lambda found: FORKED(found) if all(accused(one) for one in found) else ("not accounted for", False)
    return attack(NAME, f"coalition that votes for two blocks, n = {nodes}: 2q − n fork, one fewer do not",
                  f"{least} and {least - 1} of {nodes}", split(least, seed), split(least - 1, seed + 50), accounted, WHOLE)


def accused(one):
    """Whether the judge of that found nothing."""
    return all(check["ok"] for check in one["checks"] if check["name"] == "forks are accounted for")


def two_thirds(quick, seed, nodes):
    third = nodes // 3
    split = lambda on, first: runs(quick, first, 5, nodes, adversary("split-coalition", nodes=third), *sets(protocol__t3=on))
    return attack(NAME, "T3, more than two thirds and not two thirds: a coalition of exactly a third", f"{third} of {nodes}",
                  split(False, seed), split(True, seed + 50), FORKED, WHOLE,
                  # A third is accused then, and not more than a third.
                  allowed={"forks are accounted for"})


def silent_bound(quick, seed, nodes):
    """n − q silent validators cost rounds, one more stop it."""
    bound = nodes - (2 * nodes // 3 + 1)
    silent = lambda count, first: runs(quick, first, 5, nodes, adversary("silent", nodes=count))

    def seen(is_live):
        def look(found):
            done = sum(one["metrics"]["decided"] == 3 * (nodes - bound - (not is_live)) for one in found)
            return f"all decided in {done} of {len(found)}", done == (len(found) if is_live else 0)
        return look
    return attack(NAME, f"silent validators, n = {nodes}: n − q are live, one more stop it", f"{bound + 1} and {bound} of {nodes}",
                  silent(bound + 1, seed), silent(bound, seed + 50), seen(False), seen(True))


def unbonder(quick, seed):
    of = lambda on, first: runs(quick, first, 20, 7, adversary("self-unbonder", nodes=1), heights=12,
                                *sets(protocol__execution="transfer", protocol__t5=on))

    def seen(is_slashed):
        def look(found):
            # What fees brought it, a few units, can always be taken.
            lost = [one["metrics"]["slashed"] for one in found]
            return f"{min(lost):,}–{max(lost):,} of 1,000,000 lost", all((it >= 50_000) == is_slashed for it in lost)
        return look
    return attack(NAME, "T5, unbonding stake can be slashed: unbonds all, then votes twice", "1 of 7", of(False, seed),
                  of(True, seed + 50), seen(False), seen(True))


SLOW = '--set=network={model="exponential",floor="20ms",mean="600ms",loss=0.1}'
HASTY = sets(protocol__timeout_propose="700ms", protocol__timeout_prevote="200ms", protocol__timeout_precommit="200ms")


def amnesia(quick, seed):
    of = lambda on, first: runs(quick, first, 20, 4, adversary("amnesiac", nodes=2), *HASTY, *sets(protocol__t6=on), heights=40,
                                network=SLOW)

    def seen(is_slashed):
        def look(found):
            hit = sum(one["metrics"]["slashed"] > 0 for one in found)
            honest = sum(one["metrics"]["honest_slashed"] for one in found)
            return f"slashed in {hit} of {len(found)}, honest stake lost {honest}", (hit > 0) == is_slashed and honest == 0
        return look
    return attack(NAME, "T6, amnesia is an offence: validators forget their locks, slow network", "2 of 4", of(False, seed),
                  of(True, seed + 50), seen(False), seen(True))


def old_headers(quick, seed):
    """Without T7 a light client believes what is older than `trusting`."""
    of = lambda on, first: many(quick, first, 5, NAME, "--nodes", 24, D, *sets(protocol__users=20, protocol__light="8s",
                                protocol__trusting="5s", protocol__heights=60, protocol__t7=on))

    def seen(is_refused):
        def look(found):
            refused, all_ = (sum(one["metrics"][name] for one in found) for name in ("refused_headers", "light_headers"))
            return f"{refused:,} of {all_:,} headers refused", (refused > 0) == is_refused
        return look
    return attack(NAME, "T7, a trusting period: clients that look every 8 s and trust for 5 s", "0 of 4", of(False, seed),
                  of(True, seed + 50), seen(False), seen(True))


def compiled(quick, seed):
    """Off, the first call pays for its translation: fuel depends on who called first."""
    of = lambda on, first: many(quick, first, 5, NAME, "--nodes", 14, D, *sets(protocol__users=10, protocol__execution="wasm",
                                protocol__heights=10, protocol__t8=on), "--set=workload.contract=token",
                                "--set=workload.rate=1")
    opened, closed = of(False, seed), of(True, seed)
    extra = [a["metrics"]["fuel"] - b["metrics"]["fuel"] for a, b in zip(opened, closed)]
    return attack(NAME, "T8, compiled at deployment: fuel beside the same seeds", "0 of 4", opened, closed,
                  lambda _: (f"{min(extra):,}–{max(extra):,} more fuel", min(extra) > 0),
                  lambda found: (f"{found[0]['metrics']['fuel']:,} fuel, seed {seed}", True))


def lunatic(quick, seed):
    count = lambda held: many(quick, seed, 10, NAME, "--nodes", 27, D, adversary("lunatic", nodes=held),
                              *sets(protocol__users=20, protocol__light="2s", protocol__heights=30))
    _, held = judged("light clients")

    def look(found):
        text, ok = held(found)
        refused = sum(one["metrics"]["refused_headers"] for one in found)
        return f"{text}; {refused:,} headers refused", ok and refused > 0
    return attack(NAME, "lunatic: headers with a false root for light clients", "2 of 7", [], count(2), None, look)


KINDS = {"silent": "none", "double-proposer": "none", "split-coalition": "none", "amnesiac": "none", "selective-voter": "none",
         "false-root": "transfer", "grinder": "none", "evidence-forger": "none", "spammer": "transfer"}


def below(quick, seed, kind):
    """All is decided, nobody honest loses stake, and no judge finds anything; liars' blocks may be decided."""
    found = []
    for nodes, held in ((4, 1), (5, 1), (6, 1), (7, 2)):
        found += [one | {"held": held} for one in runs(quick, seed, 25, nodes, adversary(kind, nodes=held), heights=12,
                                                       *sets(protocol__execution=KINDS[kind]))]
    bad = ("agreement", "prefix order", "one chain", "equal roots", "locks", "supply", "light clients",
           "no honest stake slashed")

    def look(found):
        text, ok = judged(*bad)[1](found)
        done = sum(one["metrics"]["decided"] == 12 * (one["nodes"] - one["held"]) for one in found)
        lost = sum(one["metrics"]["honest_slashed"] for one in found)
        return (f"{text}; all decided in {done}; honest stake lost {lost}",
                ok and done == len(found) and lost == 0)
    return attack(NAME, f"{kind}, below a third", "1 of 4, 5, 6; 2 of 7", [], found, None, look)


def swarm(quick, seed):
    """Random networks, faults, adversaries and parameters; every judge within its bound."""
    count = 50 if quick else 10_000
    arguments = ["swarm", "--protocol", NAME, "--runs", count, "--seed", seed]
    done = json.loads(execute([*arguments, "--format", "json"], 3_000))
    ran = done["protocols"][NAME]["runs"]
    held = done["protocols"][NAME]["held"]["runs"]
    find = done["find"]
    return [{"protocol": NAME, "property": "random runs (`anthill swarm`): all judges, honest stake among them",
             "held": f"an adversary in {held:,}", "open": "–", "closed": "nothing found" if not find else f"found: {find}",
             "runs": ran, "ok": not find and ran == count, "violated": [], "command": shown(arguments), "command_open": None}]


JOBS = [
    *[(coalition, nodes) for nodes in (4, 6, 7, 99, 100)], *[(two_thirds, nodes) for nodes in (6, 9, 99)],
    *[(silent_bound, nodes) for nodes in (4, 7)], (unbonder,), (amnesia,), (old_headers,), (compiled,), (lunatic,),
    *[(below, kind) for kind in KINDS], (swarm,),
]
