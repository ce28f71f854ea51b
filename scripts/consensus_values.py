"""What theory says of the consensus family, measured: exact counts, delays, distributions, means.

A job runs one or more emulations and returns rows; a row knows the command of its first run."""

import bisect
import collections
import math

import consensus_theory as theory
from consensus_runs import Failed, adversary, check_of, constant, run, sets, unexpected

MODELLED = ("--crypto", "modelled")
# Distributions keep eleven bits of a duration, and round up.
RESOLUTION = 1 / 1024


def by(rows, runs):
    """Rows with what made them; checks that failed inside their bound go with the first."""
    found = sorted({name for summary in runs for name in unexpected(summary)})
    for index, row in enumerate(rows):
        row |= {"command": runs[0]["command"], "runs": len(runs), "violated": [] if index else found}
    return rows


def seeded(first, count, preset, *arguments, **more):
    return [run(preset, *arguments, seed=seed, **more) for seed in range(first, first + count)]


def kinds(summary, *names):
    sent = summary["metrics"]["messages_by_kind"]
    return sum(sent[name] for name in names)


def delays(protocol, what, summary, latency, which, unit_ns, expected):
    """A latency of a run with constant delays, in delays."""
    measured = summary["hgrm"][latency][which] / unit_ns
    return theory.bounded(protocol, what, round(measured, 4), expected, expected * (1 + RESOLUTION), expected)


# PBFT, HotStuff, Dolev-Strong, Streamlet: exact.

def pbft_messages(quick, seed, nodes):
    one = run("pbft", "--nodes", nodes, *sets(protocol__requests=10), constant("10ms"), *MODELLED, seed=seed)
    batches = one["metrics"]["batches"] / nodes
    sent = kinds(one, "pre-prepare", "prepare", "commit") / batches
    return by([theory.exact("pbft", f"messages a batch, n = {nodes}: 2n(n − 1)", sent, 2 * nodes * (nodes - 1)),
               theory.exact("pbft", f"replies a request, n = {nodes}: n", kinds(one, "reply") / 10, nodes),
               delays("pbft", f"delays until a reply, longest, n = {nodes}", one, "reply", "max", 1e7, 5)], [one])


def pbft_change(quick, seed, nodes):
    one = run("pbft", "--nodes", nodes, *sets(protocol__requests=10), constant("10ms"), *MODELLED,
              adversary("silent-primary", count=1), seed=seed)
    others = nodes - 1
    return by([theory.exact("pbft", f"VIEW-CHANGE of one silent primary, n = {nodes}: (n − 1)²",
                            kinds(one, "view-change"), others**2),
               theory.exact("pbft", f"NEW-VIEW, n = {nodes}: n − 1", kinds(one, "new-view"), others)], [one])


def hotstuff(quick, seed, chain, nodes):
    one = run("hotstuff", "--nodes", nodes, *sets(protocol__requests=50, protocol__chain=chain),
              constant("10ms"), *MODELLED, seed=seed)
    most, blocks = (7, 6) if chain == 3 else (5, 4), one["metrics"]["proposals"]
    name = f"{'three' if chain == 3 else 'two'}-chain, n = {nodes}"
    rows = [theory.exact("hotstuff", f"proposals a block, {name}: n − 1", kinds(one, "proposal") / blocks, nodes - 1),
            delays("hotstuff", f"delays until a commit, {name}: replicas", one, "commit", "max", 1e7, most[0]),
            delays("hotstuff", f"delays until a commit, {name}: leader", one, "commit", "min", 1e7, most[1])]
    # All votes are sent where all delays are equal; those of the last two views may be under way.
    rows.append(theory.bounded("hotstuff", f"votes, {name}: n − 1 a view, up to two views less at the end",
                               kinds(one, "vote"), (blocks - 2) * (nodes - 1), blocks * (nodes - 1), blocks * (nodes - 1)))
    return by(rows, [one])


def dolev_strong(quick, seed, nodes, faults):
    instances = 5
    one = run("dolev-strong", "--nodes", nodes, *sets(protocol__faults=faults, protocol__instances=instances,
              until="1000s"), *MODELLED, seed=seed)
    metrics, what = one["metrics"], f"n = {nodes}, f = {faults}"
    each = [("messages an instance", one["messages"], (nodes - 1)**2, "(n − 1)²"),
            ("signatures carried", metrics["carried"], (nodes - 1) * (2 * nodes - 3), "(n − 1)(2n − 3)"),
            ("signatures made", metrics["signed"], nodes, "n")]
    rows = [theory.exact("dolev-strong", f"{name}, {what}: {form}", measured / instances, expected)
            for name, measured, expected, form in each]
    rows.append(theory.exact("dolev-strong", f"rounds, {what}: f + 1", metrics["rounds"], faults + 1))
    return by(rows, [one])


def dolev_strong_lie(quick, seed, nodes):
    one = run("dolev-strong", "--nodes", nodes, *sets(protocol__instances=1), *MODELLED,
              adversary("equivocating-sender", count=1), seed=seed)
    lied = sum(one["metrics"]["messages_by_adversary"].values())
    return by([theory.exact("dolev-strong", f"honest messages if only the sender lies, n = {nodes}: 2(n − 1)(n − 2)",
                            one["messages"] - lied, 2 * (nodes - 1) * (nodes - 2))], [one])


def streamlet_messages(quick, seed, echo):
    epochs = 30
    one = run("streamlet", "--nodes", 7, *sets(protocol__faults=2, protocol__epochs=epochs, protocol__echo=echo),
              *MODELLED, seed=seed)
    name, expected = ("n³ − n with echo", 336) if echo else ("n² − 1", 48)
    return by([theory.exact("streamlet", f"messages an epoch, n = 7: {name}", one["messages"] / epochs, expected),
               theory.exact("streamlet", f"final blocks of {epochs} epochs{', echo' if echo else ''}: E − 1",
                            one["metrics"]["finalized"], epochs - 1)], [one])


def streamlet_final(quick, seed):
    one = run("streamlet", "--nodes", 7, *sets(protocol__faults=2, protocol__epochs=30), constant("100ms"),
              *MODELLED, seed=seed)
    # 2Δ + 2d with Δ = 500 ms and d = 100 ms.
    return by([delays("streamlet", "final after its proposal, Δ = 5d: 2Δ + 2d, in d", one, "finality", "max", 1e8, 12)],
              [one])


def streamlet_wait(quick, seed, nodes, faults):
    epochs = 2_000 if quick else 200_000 if nodes < 50 else 10_000
    one = run("streamlet", "--nodes", nodes, *sets(protocol__faults=faults, protocol__epochs=epochs,
              protocol__signed=False, until=f"{epochs + 10}s"), adversary("mute", count=faults), seed=seed)
    check = check_of(one, "mean wait for three new epochs")
    return by([theory.of_checks("streamlet", f"mean wait for three new honest epochs, silent {faults} of {nodes}",
                                [{**check, "expected": theory.mute_wait(nodes, faults)}])], [one])


def streamlet_lies(quick, seed, kind):
    """Mean and variance of a wait under the best play of one liar among four: a Markov chain of what it can still reach."""
    mean, variance = 7.177, 32.36
    epochs = 500 if quick else 10_000
    one = run("streamlet", "--nodes", 4, *sets(protocol__faults=1, protocol__epochs=epochs, protocol__echo=True,
              until=f"{epochs + 10}s"), adversary(kind), *MODELLED, seed=seed)
    waits = one["metrics"]["waits"]
    measured = one["metrics"]["wait_epochs"] / waits
    if kind == "optimal-withholder":
        # All nodes wait for the same epochs.
        return by([theory.normal("streamlet", f"mean wait, {kind}, 1 of 4: the most that any adversary reaches",
                                 measured, mean, math.sqrt(variance * 4 / waits))], [one])
    return by([theory.bounded("streamlet", f"mean wait, {kind}, 1 of 4: at most {mean} for any adversary",
                              measured, 0.0, mean, mean)], [one])


# Raft: what happens after all leaders crash at once.

def elections(quick, seed, nodes):
    # Few enough groups a run that their messages fit a trace, which is cut at 20 MB.
    groups, seeds = (50, 1) if quick else (8_000 // (nodes - 1), {3: 2, 5: 3, 7: 6, 9: 8}[nodes])
    found = [crashed(seed + i, nodes, groups) for i in range(seeds)]
    waits, takes = ([it for one in found for it in after_crash(one, nodes)[i]] for i in (0, 1))
    if len(waits) < 0.8 * groups * seeds:
        raise Failed(f"only {len(waits)} of {groups * seeds} elections were seen whole")
    return by(election_rows(nodes, waits, takes), found)


CRASH_S, DELAY_S, HEARTBEAT_S = 5, 0.1, 0.45


def crashed(seed, nodes, groups):
    """A run whose leaders, known from a run up to then, all crash at once."""
    base = ["--nodes", groups * nodes, constant("100ms"),
            *sets(protocol__group=nodes, protocol__heartbeat="450ms", workload__interval="100000s")]
    trace = ["--trace", "--most", "2M", "--from", f"{CRASH_S - 1.1 * HEARTBEAT_S}s", "--kind"]
    before = run("raft", *base, "--until", f"{CRASH_S}s", *trace, "heartbeat,append", seed=seed)
    last = {}
    for message in before["trace"]:
        group = message["from"] // nodes
        last[group] = max(last.get(group, (0, 0)), (message["sent_ns"], message["from"]))
    down = sorted(node for _, node in last.values())
    fault = f'--set=fault=[{{at="{CRASH_S}s",kind="crash",keep_state=true,nodes={down}}}]'
    return run("raft", *base, fault, "--until", f"{CRASH_S + 2.5}s", *trace, "heartbeat,append,request-vote", seed=seed)


def after_crash(one, nodes):
    """Of each group whose followers all heard the last heartbeat at once: seconds from then to the first
    candidacy, and delays from that until somebody leads."""
    heard, stood, led = (collections.defaultdict(list) for _ in range(3))
    for message in one["trace"]:
        group, sent = message["from"] // nodes, message["sent_ns"]
        if sent >= CRASH_S * 1e9:
            (stood if message["kind"] == "request-vote" else led)[group].append(sent)
        elif message["kind"] != "request-vote" and message["fate"] == "handled":
            heard[group].append(message["at_ns"])
    waits, takes = [], []
    for group, candidacies in stood.items():
        last, began = max(heard[group], default=0), min(candidacies)
        if sum(at == last for at in heard[group]) != nodes - 1:
            continue
        claims = sorted(led[group])
        place = bisect.bisect_left(claims, began)
        waits.append((began - last) / 1e9)
        takes.append((claims[place] - began) / 1e9 / DELAY_S if place < len(claims) else float("inf"))
    return waits, takes


def election_rows(nodes, waits, takes):
    count, live, name = len(waits), nodes - 1, f"n = {nodes}"
    # A second election begins at least an election timeout, ten delays, later.
    lost = sum(took > 5 for took in takes)
    sd = (live / ((live + 1)**2 * (live + 2) * count))**0.5
    return [theory.normal("raft", f"first timeout after a crash, T = 1 s, {name}: T(1 + 1/n)",
                          sum(waits) / count, 1 + 1 / nodes, sd),
            theory.binomial("raft", f"first election without a winner, d/T = 0.1, {name}", lost, count,
                            theory.failing_election(nodes, 0.1)),
            theory.exact("raft", f"delays from the first timeout to a leader, least, {name}",
                         round(min(takes), 6), 2)]


def raft_entries(quick, seed):
    """Messages an entry and commits, with leaders that nothing disturbs."""
    one = run("raft", "--nodes", 500, *sets(protocol__requests=20, protocol__heartbeat="500ms"),
              constant("10ms"), seed=seed)
    return by([theory.exact("raft", "appends an entry, n = 5: n − 1", kinds(one, "append") / one["metrics"]["appended"], 4),
               delays("raft", "delays until a commit, longest, n = 5", one, "commit", "max", 1e7, 2)], [one])


# Chord, Nakamoto.

def chord(quick, seed, nodes):
    nodes = min(nodes, 20_000) if quick else nodes
    seeds, lookups = (1, 2_000) if quick else (2, nodes) if nodes > 500_000 else (6, 100_000)
    found = seeded(seed, seeds, "chord", "--nodes", nodes, *sets(protocol__lookups=lookups))
    checks = [check_of(one, "mean_hops") for one in found]
    hops = theory.of_checks("chord", f"mean hops, {nodes:,} nodes: ½ log₂ n − 0.137", checks)
    longest = max(one["metrics"]["longest"] for one in found)
    most = check_of(found[0], "longest")["expected"]
    return by([hops, theory.bounded("chord", f"longest lookup, {nodes:,} nodes: at most log₂ n + 6", longest, 0, most, most)],
              found)


def fixed_delay(quick, seed, load):
    """Stale share and growth when every block reaches every miner after Δ = load · interval / rate."""
    seeds, blocks = (1, 500) if quick else (2, 10_000)
    delay = f"{round(600 * load * 1e3)}ms"
    network = f'--set=network={{model="uniform",min="{delay}",max="{delay}",topology={{kind="complete"}}}}'
    found = seeded(seed, seeds, "nakamoto", "--nodes", 50, network, *sets(protocol__miners=50,
                   protocol__relay="direct", protocol__retarget=0, protocol__blocks=blocks))
    what, gap = f"λΔ = {load:g}, 50 miners", theory.gap(load, 50)
    row = lambda name, check, expected: theory.of_checks("nakamoto", f"{name}, {what}", [
        {**check_of(one, check), "expected": expected} for one in found])
    return by([row("stale share: 1 − 1/g, g = 1 + x − (x + x² + x³/6)/n", "stale_rate", 1 - 1 / gap),
               row("growth, blocks per second: λ/g", "chain_growth", 1 / (600 * gap))], found)


NEAR = '--set=network={model="uniform",min="10ms",max="10ms",topology={kind="complete"}}'


def selfish(quick, seed, alpha, gamma):
    seeds, blocks = (1, 5_000) if quick else (3, 300_000)
    found = seeded(seed, seeds, "nakamoto", "--nodes", 5, NEAR, *sets(protocol__miners=4, protocol__blocks=blocks),
                   adversary("selfish-mining", share=alpha, gamma=gamma))
    checks = [check_of(one, "selfish_revenue") for one in found]
    expected = theory.selfish(alpha, gamma)
    return by([theory.of_checks("nakamoto", f"selfish mining, α = {alpha:.4g}, γ = {gamma}: R(α, γ)",
                                [{**check, "expected": expected} for check in checks])], found)


def double_spend(quick, seed, share, depth):
    seeds, attempts = (1, 300) if quick else (5, 20_000)
    found = seeded(seed, seeds, "nakamoto", "--nodes", 2, NEAR, adversary("double-spend", share=share,
                   confirmations=depth, attempts=attempts))
    tried = sum(one["metrics"]["attempts"] for one in found)
    won = sum(round(one["metrics"]["double_spend_success"] * one["metrics"]["attempts"]) for one in found)
    other = f"(Nakamoto's paper: {theory.nakamoto_poisson(share, depth):.4g})"
    return by([theory.binomial("nakamoto", f"double spend, q = {share}, z = {depth}: Rosenfeld {other}", won, tried,
                               theory.rosenfeld(share, depth))], found)


def quality(quick, seed, share):
    """What withheld blocks leave: growth by the honest rate alone."""
    blocks = 500 if quick else 20_000
    one = run("nakamoto", "--nodes", 5, NEAR, *sets(protocol__miners=4, protocol__blocks=blocks),
              adversary("withheld-blocks", share=share), seed=seed)
    metrics = one["metrics"]
    rate = metrics["chain_growth"] * 600
    return by([theory.normal("nakamoto", f"growth per interval while a share of {share} withholds: 1 − α",
                             rate, 1 - share, (1 - share) / metrics["chain_blocks"]**0.5)], [one])


JOBS = [
    *[(pbft_messages, nodes) for nodes in (4, 7, 100)], (pbft_change, 4), (pbft_change, 7),
    *[(hotstuff, chain, nodes) for chain in (3, 2) for nodes in (4, 31)],
    (dolev_strong, 10, 3), (dolev_strong, 50, 16), (dolev_strong_lie, 10),
    (streamlet_messages, False), (streamlet_messages, True), (streamlet_final,),
    *[(streamlet_wait, nodes, faults) for nodes, faults in ((10, 1), (10, 3), (100, 33))], (streamlet_lies, "withholder"),
    (streamlet_lies, "optimal-withholder"),
    *[(elections, nodes) for nodes in (3, 5, 7, 9)], (raft_entries,),
    *[(chord, nodes) for nodes in (1_024, 16_384, 100_000, 1_000_000)],
    *[(fixed_delay, load) for load in (0.05, 0.2, 0.5, 1)],
    *[(selfish, alpha, gamma) for alpha, gamma in ((0.3, 0.0), (1 / 3, 0.0), (0.4, 0.0), (0.25, 0.5), (0.4, 0.5))],
    *[(double_spend, share, depth) for share, depth in ((0.1, 5), (0.1, 6), (0.3, 6), (0.3, 10))],
    (quality, 0.3),
]
