"""f faulty nodes are tolerated, one more is not: both sides of each bound, under the protocol's own attacks.

A job gives one row: how many of its runs broke which judge, and whether that is what theory says."""

import collections

from consensus_runs import adversary, broken, constant, run, sets, unexpected

MODELLED = ("--crypto", "modelled")


def judged(protocol, what, held, found, breaks):
    """`breaks`: the judge that must find something in some run; None: nothing may be found. A check
    that is no judge may differ under an attack; what fails inside its bound is always wrong."""
    counts = collections.Counter(name for one in found for name in broken(one) if name in JUDGES)
    wrong = sorted({name for one in found for name in unexpected(one)})
    ok = not wrong and (counts[breaks] > 0 if breaks else not counts)
    return [{"protocol": protocol, "property": what, "held": held, "runs": len(found), "broken": dict(counts),
             "expected": f"*{breaks}* breaks" if breaks else "holds", "violated": wrong, "ok": ok,
             "command": found[0]["command"]}]


# What judges are called that find a breach of safety.
JUDGES = {"one order", "one result", "accepted results", "agreement", "validity", "one chain", "one log",
          "election safety", "true successor", "common prefix", "confirmed payments stay", "one state"}


def seeds(quick, seed, preset, *arguments, many=10):
    return [run(preset, *arguments, seed=seed + i) for i in range(2 if quick else many)]


def finished(protocol, what, held, found, done, is_done):
    """Whether runs make progress: of each, the share of what was asked for that was done."""
    shares = [done(one) for one in found]
    wrong = sorted({name for one in found for name in unexpected(one)})
    ok = not wrong and (min(shares) == 1 if is_done else max(shares) < 1)
    share = f"{sum(shares) / len(shares):.3g}"
    return [{"protocol": protocol, "property": what, "held": held, "runs": len(found), "broken": {},
             "done": share, "expected": "all is done" if is_done else "not all is done", "violated": wrong,
             "ok": ok, "command": found[0]["command"]}]


def pbft(quick, seed, nodes, more):
    faults = (nodes - 1) // 3 + more
    kind = "split-coalition" if more else "equivocating-primary"
    found = seeds(quick, seed, "pbft", "--nodes", nodes, *sets(protocol__requests=20), *MODELLED,
                  adversary(kind, count=faults))
    return judged("pbft", "an equivocating primary and its helpers", f"{faults} of {nodes}", found,
                  "one order" if more else None)


def pbft_silent(quick, seed, nodes, more):
    faults = (nodes - 1) // 3 + more
    found = seeds(quick, seed, "pbft", "--nodes", nodes, *sets(protocol__requests=20, protocol__view_timeout="500ms"),
                  *MODELLED, adversary("silent-primary", count=faults), many=3)
    return finished("pbft", "silent replicas, the first primaries", f"{faults} of {nodes}", found,
                    lambda one: one["metrics"]["committed"] / 20, not more)


def hotstuff(quick, seed, nodes, more):
    faults = (nodes - 1) // 3 + more
    found = seeds(quick, seed, "hotstuff", "--nodes", nodes, *sets(protocol__requests=200, protocol__tenure=2,
                  protocol__view_timeout="1s"), *MODELLED, adversary("equivocating-leader", count=faults), many=5)
    return judged("hotstuff", "equivocating leaders, tenure 2", f"{faults} of {nodes}", found,
                  "one chain" if more else None)


def hotstuff_silent(quick, seed, tenure):
    found = seeds(quick, seed, "hotstuff", "--nodes", 4, *sets(protocol__requests=20, protocol__tenure=tenure),
                  *MODELLED, adversary("silent-leader", count=1), "--until", "60s", many=3)
    return finished("hotstuff", f"a silent leader, three-chain, tenure {tenure}", "1 of 4", found,
                    lambda one: min(1, one["metrics"]["blocks"]), tenure > 1)


def streamlet(quick, seed, nodes, more):
    faults = (nodes - 1) // 3 + more
    found = seeds(quick, seed, "streamlet", "--nodes", nodes, *sets(protocol__faults=(nodes - 1) // 3,
                  protocol__epochs=100), *MODELLED, adversary("two-faced", count=faults))
    return judged("streamlet", "two chains, each shown to one half", f"{faults} of {nodes}", found,
                  "one chain" if more else None)


def streamlet_mute(quick, seed, nodes, more):
    faults = (nodes - 1) // 3 + more
    found = seeds(quick, seed, "streamlet", "--nodes", nodes, *sets(protocol__faults=(nodes - 1) // 3,
                  protocol__epochs=200), *MODELLED, adversary("mute", count=faults), many=3)
    return finished("streamlet", "silent nodes: is anything final?", f"{faults} of {nodes}", found,
                    lambda one: min(1, one["metrics"]["waits"]), not more)


def dolev_strong(quick, seed, faults, rounds):
    found = seeds(quick, seed, "dolev-strong", "--nodes", 10, *sets(protocol__faults=faults, protocol__rounds=rounds,
                  until="500s"), *MODELLED, adversary("late-chain", count=faults))
    what = f"a late chain, {rounds} rounds"
    return judged("dolev-strong", what, f"{faults} of 10", found, None if rounds > faults else "agreement")


def raft_crash(quick, seed, down):
    """So many of each group of five are down from the second second on."""
    groups = 20
    nodes = [5 * group + i for group in range(groups) for i in range(down)]
    fault = f'--set=fault=[{{at="2s",kind="crash",keep_state=true,nodes={nodes}}}]'
    found = seeds(quick, seed, "raft", "--nodes", 5 * groups, fault, "--until", "30s", constant("10ms"),
                  *sets(workload__interval="1s"), many=3)
    late = lambda one: float(one["metrics"]["committed"] > 0.5 * groups * (5 - down) * 30)
    return finished("raft", "crashed replicas of each group: does it go on?", f"{down} of 5", found, late, down < 3)


def raft_twins(quick, seed):
    found = seeds(quick, seed, "raft", "--nodes", 50, '--set=adversary={kind="twins",fraction=0.4}', "--until", "20s",
                  many=5)
    return judged("raft", "liars at all (it tolerates none): replicas that are two each", "0.4 of 5", found,
                  "election safety")


def randomized(quick, seed, rules, nodes, more):
    faults = (nodes - 1) // 3
    found = seeds(quick, seed, "randomized", "--nodes", nodes, *sets(protocol__rules=rules, protocol__faults=faults,
                  protocol__instances=20), *MODELLED, '--set=network={model="uniform",min="1ms",max="20ms"}',
                  adversary("two-faced", count=faults + more), many=10)
    return judged("randomized", f"{rules}: liars with two faces", f"{faults + more} of {nodes}", found,
                  "agreement" if more else None)


def flp(quick, seed, what):
    """One scheduler against a coin that it sees, one that it does not, and none."""
    how = {"no coin: a bit that all know": (["coin=none", "horizon=10000"], False),
           "a coin, without CONF": (["conf=false", "horizon=1000"], False),
           "a coin, with CONF": (["horizon=1000"], True)}
    more, is_done = how[what]
    found = seeds(quick, seed, "randomized", "--nodes", 4, *(f"--set=protocol.{it}" for it in more),
                  "--set=protocol.instances=1", *MODELLED,
                  '--set=network={model="uniform",min="1ms",max="20ms"}', "--until", "30d",
                  adversary("worst-schedule"), many=3)
    rows = finished("randomized", f"worst scheduler of MMR, {what}", "1 of 4", found,
                    lambda one: one["metrics"]["decided"] / 3, is_done)
    rows[0]["note"] = f"{max(one['metrics']['rounds'] for one in found):,} rounds"
    return rows


def nakamoto(quick, seed, share):
    found = seeds(quick, seed, "nakamoto", "--nodes", 2, '--set=network={model="uniform",min="10ms",max="10ms",'
                  'topology={kind="complete"}}', adversary("double-spend", share=share, confirmations=6,
                  attempts=100 if quick else 1_000, give_up=200), many=3)
    lost = [one["metrics"]["double_spend_success"] for one in found]
    mean = sum(lost) / len(lost)
    ok = mean < 0.5 if share < 0.5 else mean > 0.9
    return [{"protocol": "nakamoto", "property": "payments of six confirmations spent twice", "held": f"α = {share}",
             "runs": len(found), "broken": {}, "done": f"{mean:.3g}", "ok": ok, "violated": [],
             "expected": "now and then" if share < 0.5 else "nearly always", "command": found[0]["command"]}]


def chord_liar(quick, seed, checked):
    found = seeds(quick, seed, "chord", "--nodes", 500, *sets(protocol__lookups=5_000, protocol__checked=checked),
                  adversary("liar", count=50), many=3)
    return judged("chord", f"owners that lie, answers {'' if checked else 'not '}checked", "50 of 500", found,
                  None if checked else "true successor")


JOBS = [
    *[(pbft, nodes, more) for nodes in (4, 7, 31) for more in (0, 1)],
    *[(pbft_silent, 7, more) for more in (0, 1)],
    *[(hotstuff, nodes, more) for nodes in (4, 7, 31) for more in (0, 1)],
    (hotstuff_silent, 1), (hotstuff_silent, 2),
    *[(streamlet, nodes, more) for nodes in (4, 10, 31) for more in (0, 1)],
    *[(streamlet_mute, 10, more) for more in (0, 1)],
    *[(dolev_strong, faults, faults + 1 - less) for faults in (3, 8) for less in (0, 1)],
    (raft_crash, 2), (raft_crash, 3), (raft_twins,),
    *[(randomized, rules, nodes, more) for rules in ("mmr", "shi") for nodes in (4, 7) for more in (0, 1)],
    (flp, "no coin: a bit that all know"), (flp, "a coin, without CONF"), (flp, "a coin, with CONF"),
    (nakamoto, 0.3), (nakamoto, 0.6), (chord_liar, True), (chord_liar, False),
]
