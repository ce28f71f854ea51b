"""What theory says of proof of stake, measured: counts, times, proposers, transactions.

A job runs one or more emulations and returns rows; a row knows the command of its first run."""

import pathlib
import tempfile

import chain_theory as theory
from chain_runs import MODELLED, by, many, mean, seconds, some, uniform
from consensus_runs import adversary, run, sets

NAME, P = "pos-bft", "pos-bft"
D = uniform("100ms")
LONG = ("--until", "10d")


def chain(*arguments, nodes, heights, seed, network=D, **more):
    return run(P, "--nodes", nodes, network, *sets(protocol__heights=heights, protocol__max_validators=max(100, nodes)),
               *LONG, *MODELLED, *arguments, seed=seed, **more)


def stakes(*millions):
    given = {f"protocol__stake_{place}": stake for place, stake in enumerate(millions, 1)}
    return sets(protocol__stake="list", **given)


# Messages.

def messages(quick, seed, nodes):
    heights = 2 if nodes > 100 else 20
    one = chain(nodes=min(nodes, 200) if quick else nodes, heights=heights, seed=seed)
    n = one["nodes"]
    return by("Messages", [
        theory.exact(NAME, f"messages a height, n = {n:,}: (n − 1)(2n + 1)", one["messages"] / heights, (n - 1) * (2 * n + 1)),
        theory.exact(NAME, f"signatures a height, n = {n:,}: 2n + 1", one["signatures"]["made"] / heights, 2 * n + 1),
    ], [one])


def silent_round(quick, seed, nodes):
    one = chain(adversary("silent", nodes=1), nodes=nodes, heights=1, seed=seed)
    honest, others = nodes - 1, nodes - 1
    decided = others + 2 * honest * others
    return by("Messages", [
        theory.exact(NAME, f"messages of a silent proposer's round, n = {nodes}: 2H(n − 1)", one["messages"] - decided,
                     2 * honest * others)], [one])


def flood(quick, seed, nodes, degree):
    heights = 2
    network = uniform("100ms", f',topology={{kind="random-regular",degree={degree}}}')
    one = chain(*sets(protocol__relay="flood"), nodes=nodes, heights=heights, seed=seed, network=network)
    return by("Messages", [
        theory.exact(NAME, f"messages a height, flooded, n = {nodes}, d = {degree}: (2n + 1)(n(d − 1) + 1)",
                     one["messages"] / heights, (2 * nodes + 1) * (nodes * (degree - 1) + 1))], [one])


# Times, with a delay of 100 ms.

def height(quick, seed, nodes):
    one = chain(nodes=nodes, heights=20, seed=seed)
    return by("Times", [seconds(NAME, f"from a block's making to its decision, n = {nodes}: 3d", one, "finality", "max", 0.3),
                        seconds(NAME, f"interval, n = {nodes}: 3d + timeout_commit", one, "interval", "max", 1.3)], [one])


def silent_proposer(quick, seed, nodes, count, cycles, expected):
    one = chain(adversary("silent", nodes=count), nodes=nodes, heights=nodes * cycles + 1, seed=seed)
    return by("Times", [seconds(NAME, f"mean interval, the first {count} of {nodes} silent", one, "interval", "mean", expected)],
              [one])


def down(quick, seed, nodes, ids, cycles, expected):
    """Validators that are down from the start send as little as silent ones, and may be any."""
    fault = f'--set=fault=[{{at="0s",kind="crash",nodes={list(ids)}}}]'
    one = chain(fault, nodes=nodes, heights=nodes * cycles + 1, seed=seed)
    named = ", ".join(str(1 + it) for it in ids)
    return by("Times", [seconds(NAME, f"mean interval, {named} of {nodes} down", one, "interval", "mean", expected)], [one])


def double(quick, seed):
    one = chain(adversary("double-proposer", nodes=1), nodes=4, heights=8, seed=seed)
    return by("Times", [seconds(NAME, "to a decision after a double proposal: 3d + timeout_prevote + timeout_precommit", one,
                                "interval", "max", 2.6, less=1.0)], [one])


def unequal(quick, seed):
    one = chain(*stakes(100, 500, 200), nodes=3, heights=25, seed=seed)
    return by("Times", [seconds(NAME, "mean interval over three cycles, stakes 100, 500, 200: two validators suffice", one,
                                "interval", "mean", 1.275)], [one])


def regions(quick, seed):
    with tempfile.TemporaryDirectory() as folder:
        # a, a′, b, c in the order in which they propose.
        path = pathlib.Path(folder) / "regions.csv"
        path.write_text("index,region\n0,a\n1,a\n2,b\n3,c\n")
        table = (f'network={{model="regional",jitter="none",node_file="{path}",regions={{latency="one-way",'
                 'names=["a","b","c"],p50_ms=[[1,40,100],[40,1,70],[100,70,1]]}}')
        one = chain(nodes=4, heights=41, seed=seed, network=f"--set={table}")
        one["command"] = one["command"].replace(str(path), path.name)
    return by("Times", [seconds(NAME, "mean interval, one-way ms a–a′ 1, a–b 40, a–c 100, b–c 70, four equal", one, "interval",
                                "mean", 1.1305)], [one])


def silent_drawn(quick, seed):
    """Up to fifty heights: then who is silent is put out."""
    arguments = [P, "--nodes", 5, D, *sets(protocol__proposer="random", protocol__heights=50), *LONG,
                 adversary("silent", nodes=1)]
    found = many(quick, seed, 100, *arguments, small=6)
    means = [one["hgrm"]["interval"]["mean"] / 1e9 for one in found]
    return by("Times", [theory.student(NAME, "mean interval, proposers drawn, .2 of the stake silent: T + sL/(1 − s) + g s²/(1 − s)²",
                                       means, 1.3 + theory.silent_share(0.2, 4.2, 1))], found)


def stable(quick, seed):
    """Lemma 5 is the bound of the judge `progress`, where the run says that it holds."""
    network = '--set=network={model="partial",gst="20s",delta="200ms",mean="2s"}'
    found = many(quick, seed, 40, P, "--nodes", 7, network, *sets(protocol__heights=10), "--until", "300s")
    judges = [check for one in found for check in one["checks"] if check["name"] == "progress"]
    done = sum(one["metrics"]["decided"] == 70 for one in found)
    rows = [theory.exact(NAME, "runs, of 7 validators, unstable for 20 s, in which all is decided", done / len(found), 1)]
    claimed = [check for check in judges if not check["expected_violation"]]
    if claimed:
        rows.append(theory.exact(NAME, "of those to which lemma 5 applies: nodes later than it allows",
                                 sum(check["measured"] for check in claimed), 0))
    return by("Times", rows, found)


# Transactions.

def receipts(quick, seed):
    arguments = [P, "--nodes", 24, D, *LONG, *sets(protocol__users=20, protocol__execution="transfer", protocol__heights=300),
                 "--set=workload.rate=8"]
    found = many(quick, seed, 10, *arguments)
    count = sum(one["hgrm"]["transaction"]["count"] for one in found)
    took = sum(one["hgrm"]["transaction"]["mean"] * one["hgrm"]["transaction"]["count"] for one in found) / count / 1e9
    sd = 1.3 / 12**0.5 / count**0.5
    # Fuel occupies processors for microseconds, the distribution rounds.
    row = theory.normal(NAME, "transaction to receipt, n = 4, u = d = 100 ms: 2u + d(1 − 1/n) + T/2 + 3d", took, 1.225, sd + 6e-4)
    return by("Transactions", [row], found)


def full_blocks(quick, seed, most, load):
    interval = 1.3
    arguments = [P, "--nodes", 24, D, *LONG,
                 *sets(protocol__users=20, protocol__execution="transfer", protocol__block_transactions=most,
                       protocol__heights=200 if quick else 2_000), f"--set=workload.rate={load * most / interval:.6f}"]
    found = many(quick, seed, 20, *arguments, small=3)
    waits = [one["hgrm"]["transaction"]["mean"] / 1e9 - 0.2 - 0.075 - 0.3 for one in found]
    return by("Transactions", [theory.student(NAME, f"wait for a block of {most}, load {load}: T/2 + E[Q]/λ", waits,
                                              theory.waiting(load, most, interval))], found)


def once(quick, seed):
    """Executed by the host once for all, or by each: charges, digest and all that is measured are the same."""
    runs = [run(P, "--nodes", 14, D, *LONG, *sets(protocol__users=10, protocol__execution="wasm", protocol__heights=10,
                protocol__execution_memo=memo), "--set=workload.rate=20", "--set=workload.contract=token", *MODELLED, seed=seed)
            for memo in (True, False)]
    one = runs[0]["metrics"]
    return by("Transactions", [
        theory.exact(NAME, "executions on the host, 10 blocks", one["executed"], 10),
        theory.exact(NAME, "executions charged, 10 blocks at 4 validators", one["charged_executions"], 40),
        theory.exact(NAME, "runs that executed everywhere and have another digest",
                     int(runs[0]["digest"] != runs[1]["digest"]), 0)], runs)


def late(quick, seed):
    """A full node that comes back after so many heights."""
    heights, window, delay = (100 if quick else 1_000), 20, 0.05
    interval = 3 * delay + 1
    begin = round(heights * interval)
    fault = f'--set=fault=[{{at="1ms",heal="{begin}s",kind="crash",nodes=[4]}}]'
    one = run(P, "--nodes", 5, uniform("50ms"), fault, *sets(protocol__full_nodes=1, protocol__window=window,
              protocol__heights=heights + 30), "--trace", "--most", "2M", "--from", f"{begin - 1}s", "--kind", "fetch,decided",
              *LONG, *MODELLED, seed=seed)
    asked = min(some((m["sent_ns"] for m in one["trace"] if m["kind"] == "fetch"), "fetch"))
    got = sorted((m["at_ns"] - asked) / 1e9 for m in one["trace"] if m["kind"] == "decided" and m["to"] == 4)
    # It has caught up when it has as many blocks as there are by then.
    took = some((at for count, at in enumerate(got, 1) if count >= heights + at / interval), "end")[0]
    expected = theory.sync_time(heights, window, delay, interval)
    row = theory.bounded(NAME, f"to catch up {heights:,} heights, {window} requests under way: 2dH/(W − 2d/T), ± 2 round trips",
                         took, expected - 4 * delay, expected + 4 * delay, expected)
    return by("Transactions", [row], [one])


# Gossip, beside the reports of CometBFT's developers (`docs/references/qa`, v0.38 and v1): 175 validators and 20
# full nodes with the default configuration in one data centre, transactions of 1 kB; some runs with delays between
# the regions of AWS.

def gossip(seed, validators, full_nodes, heights, rate, network, **more):
    users = 4 * rate
    return run(P, "--nodes", validators + full_nodes + users, network,
               *sets(protocol__relay="gossip", protocol__full_nodes=full_nodes, protocol__users=users,
                     protocol__max_validators=validators, protocol__execution="transfer", protocol__heights=heights, **more),
               f"--set=workload.rate={rate}", "--set=workload.bytes=1024", *LONG, *MODELLED, seed=seed, limit_s=1_800)


def within_a_quarter(what, measured, reported):
    return theory.bounded(NAME, what, measured, 0.75 * reported, 1.25 * reported, reported)


def blocks_a_minute(one):
    return 60e9 / one["hgrm"]["interval"]["mean"]


def few_gossip(quick, seed):
    one = gossip(seed, 10, 0, 10 if quick else 100, 0, uniform("1ms"))
    return by("Beside CometBFT", [within_a_quarter("blocks a minute, 10 validators, no load: within a quarter of what is reported",
                                                   blocks_a_minute(one), 41)], [one])


def many_gossip(quick, seed, rate, heights):
    """A report of v0.38 says 19.5 blocks a minute and 3.438 s at 400/s, one of v1 about 30: machines that are busy
    with transactions, which cost nothing here."""
    validators, full_nodes = (20, 5) if quick else (175, 20)
    one = gossip(seed, validators, full_nodes, 4 if quick else heights, rate, uniform("1ms"))
    took = one["hgrm"]["transaction"]
    made = one["metrics"]["transactions"]
    # Of the last two heights' transactions no receipts have come when the run ends.
    due = made - 2 * rate * one["hgrm"]["interval"]["mean"] / 1e9
    if rate < 100:
        rows = [within_a_quarter(f"seconds from a transaction to its block, 175 validators, {rate}/s", took["mean"] / 1e9, 1.441)]
    else:
        rows = [within_a_quarter(f"blocks a minute, 175 validators, {rate}/s (v1)", blocks_a_minute(one), 30),
                theory.bounded(NAME, f"transactions taken of those due, {rate}/s: all of 35,600", took["count"] / due, 0.75, 1.25, 1)]
    return by("Beside CometBFT", rows, [one])


# Proposers and what they earn.

def proposed(one, node=None):
    found = [int(row["proposed"]) for row in one["table"]]
    return found if node is None else found[node]


def shares(quick, seed):
    one = chain("--table", *stakes(4, 3, 2, 1), nodes=4, heights=40, seed=seed)
    return by("Proposers", [theory.exact(NAME, f"priority, stakes 4, 3, 2, 1: blocks of validator {place + 1} in four cycles",
                                         count, 4 * (4 - place)) for place, count in enumerate(proposed(one))], [one])


def drawn(quick, seed):
    heights = 500 if quick else 20_000
    one = chain("--table", *sets(protocol__proposer="random", protocol__stake="zipf"),
                nodes=10, heights=heights, seed=seed)
    held = [int(row["stake"]) for row in one["table"]]
    return by("Proposers", [theory.chi_squared(NAME, f"χ² of {heights:,} drawn proposers, ten stakes by Zipf's law",
                                               proposed(one), [it / sum(held) for it in held])], [one])


def grinder(quick, seed, source):
    heights = 300 if quick else 2_000
    arguments = [P, "--nodes", 4, D, *LONG, "--table", *stakes(10, 30, 30, 30), adversary("grinder", nodes=1),
                 *sets(protocol__proposer="random", protocol__seed=source, protocol__heights=heights)]
    found = many(quick, seed, 20, *arguments, small=4)
    gains = [proposed(one, 0) / heights for one in found]
    if source == "chain":
        row = theory.student(NAME, "share of blocks, stake .1, sixteen tries, seed from the chain (T4 off): s/((1 − s)^g + s)",
                             gains, theory.grinding_proposers(0.1, 16))
    else:
        row = theory.binomial(NAME, "the same, seed that nobody can grind (T4): s", round(sum(gains) * heights),
                              heights * len(found), 0.1)
    return by("Proposers", [row], found)


def compound(quick, seed):
    heights = 100 if quick else 1_000
    arguments = [P, "--nodes", 4, D, *LONG, "--table", *stakes(10, 30, 30, 30),
                 *sets(protocol__proposer="random", protocol__heights=heights, protocol__reward=1_000_000,
                       protocol__proposer_share="1.0")]
    # Proposers wait for the votes of all (`timeout_commit`): who misses half of the commits is jailed and leaves the urn.
    found = many(quick, seed, 60, *arguments, small=6)
    wins = [proposed(one, 0) for one in found]
    sd = theory.beta_binomial_sd(heights, 10, 90)
    jailed = sum(one["metrics"]["slashed"] > 0 for one in found)
    rows = [theory.exact(NAME, f"runs in which a validator was jailed, of {len(found)} whose rewards are restaked", jailed, 0),
            theory.normal(NAME, f"blocks of {heights:,}, stake .1, rewards of .01 restaked: Ns/S", mean(wins), heights / 10,
                          sd / len(wins)**0.5)]
    if len(wins) > 20:
        spread = (sum((win - heights / 10)**2 for win in wins) / len(wins))**0.5
        # Of a nearly normal variable; and rewards weigh two heights later.
        rows.append(theory.normal(NAME, "their deviation: that of BetaBinomial(N, s/R, (S − s)/R)", spread, sd,
                                  sd * (0.02 + 1 / (2 * len(wins))**0.5)))
    return by("Proposers", rows, found)


JOBS = [
    *[(messages, nodes) for nodes in (4, 100, 1_000)], (silent_round, 4), (silent_round, 100), (flood, 100, 10),
    (height, 4), (height, 7), (silent_proposer, 4, 1, 10, 2.35), (silent_proposer, 7, 2, 4, 3.242857),
    (down, 7, (0, 3), 4, 2.5), (double,), (unequal,), (regions,), (silent_drawn,), (stable,),
    (receipts,), *[(full_blocks, *it) for it in ((10, 0.5), (10, 0.8), (10, 0.9), (20, 0.9), (5, 0.8))], (once,), (late,),
    (few_gossip,), (many_gossip, 25, 30), (many_gossip, 400, 15),
    (shares,), (drawn,), (grinder, "chain"), (grinder, "ideal"), (compound,),
]
