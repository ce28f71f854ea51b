"""What large networks cost, how blocks spread, and by which powers agreement costs."""

import bisect
import os
import pathlib
import random
import statistics
import sys
import tempfile

from consensus_runs import Failed, command, reason, run, sets, shown, unexpected

# name, protocol, goal in M messages/s and core or None, GB that must be free, limit in s, full size, small size
MODELLED = ("--crypto", "modelled")
REGULAR = '--set=network.topology={kind="random-regular",degree=8}'
CHURN = '--set=churn={kind="exponential",session="1h",downtime="5min"}'
SCALE = [
    ("PBFT, 10 requests", "pbft", 5, 6, 600,
     ["--nodes", "1000", *sets(protocol__requests=10), *MODELLED],
     ["--nodes", "50", *sets(protocol__requests=5), *MODELLED]),
    ("PBFT with MACs, 10 requests", "pbft", 5, 6, 600,
     ["--nodes", "1000", *sets(protocol__requests=10, protocol__auth="mac"), *MODELLED],
     ["--nodes", "50", *sets(protocol__requests=5, protocol__auth="mac"), *MODELLED]),
    ("HotStuff, empty blocks, aggregates", "hotstuff", None, 4, 600,
     ["--nodes", "10k", "--until", "60s", *sets(protocol__certificates="aggregate", protocol__requests=0),
      *MODELLED],
     ["--nodes", "200", "--until", "5s", *sets(protocol__certificates="aggregate", protocol__requests=0),
      *MODELLED]),
    ("HotStuff, empty blocks, lists", "hotstuff", None, 4, 600,
     ["--nodes", "1000", "--until", "60s", *sets(protocol__requests=0), *MODELLED],
     ["--nodes", "100", "--until", "5s", *sets(protocol__requests=0), *MODELLED]),
    ("Streamlet, 20 epochs", "streamlet", 5, 4, 600,
     ["--nodes", "1000", *sets(protocol__epochs=20, protocol__faults=333), *MODELLED],
     ["--nodes", "50", *sets(protocol__epochs=20, protocol__faults=16), *MODELLED]),
    ("Streamlet, unsigned, 20 epochs", "streamlet", 5, 4, 600,
     ["--nodes", "1000", *sets(protocol__epochs=20, protocol__faults=333, protocol__signed=False), *MODELLED],
     ["--nodes", "50", *sets(protocol__epochs=20, protocol__faults=16, protocol__signed=False), *MODELLED]),
    ("Dolev–Strong, f = 100, 20 broadcasts", "dolev-strong", None, 4, 600,
     ["--nodes", "300", *sets(protocol__faults=100, protocol__instances=20, until="2000s"), *MODELLED],
     ["--nodes", "30", *sets(protocol__faults=10, protocol__instances=5, until="2000s"), *MODELLED]),
    ("Nakamoto, 100 blocks, inv, 8-regular", "nakamoto", 3, 5, 900,
     ["--nodes", "1M", REGULAR, *sets(protocol__blocks=100, protocol__relay="inv")],
     ["--nodes", "2k", REGULAR, *sets(protocol__blocks=20, protocol__relay="inv")]),
    ("Chord, 10⁶ lookups under churn", "chord", 3, 8, 900,
     ["--nodes", "1M", *sets(protocol__lookups=1_000_000), CHURN],
     ["--nodes", "2k", *sets(protocol__lookups=2_000), CHURN]),
    ("Raft, 10⁴ groups of 5", "raft", 5, 4, 600, ["--nodes", "50k", "--until", "20s"],
     ["--nodes", "500", "--until", "5s"]),
    ("Raft, 10⁵ groups of 5", "raft", 3, 6, 600, ["--nodes", "500k", "--until", "20s"],
     ["--nodes", "1k", "--until", "5s"]),
]


def scale(quick, known):
    rows = []
    for name, protocol, goal, needs_gb, limit_s, full, small in SCALE:
        if protocol not in known:
            continue
        base = {"name": name, "protocol": protocol, "goal": None if quick else goal}
        once = quick or "1M" in full
        for threads in (1, 2):
            arguments = [protocol, *(small if quick else full), "--threads", threads]
            try:
                rows.append({**base, **measured(arguments, threads, limit_s, 0 if quick else needs_gb, 1 if once else 2)})
            except Exception as problem:
                rows.append({**base, "threads": threads, "failed": reason(problem),
                             "command": shown(["run", *arguments, "--seed", 1])})
            told(rows[-1])
    return rows


def measured(arguments, threads, limit_s, needs_gb, repeats):
    """The run with the median CPU time of a message; what all of them gave is checked to be the same."""
    load = os.getloadavg()[0]
    found = [run(*arguments, limit_s=limit_s, needs_gb=needs_gb) for _ in range(repeats)]
    if len({one["digest"] for one in found}) != 1:
        raise Failed("repeats differ in their digests")
    if found[0]["ended"] != "finished":
        raise Failed(f"ended: {found[0]['ended']}")
    if wrong := unexpected(found[0]):
        raise Failed(f"violated: {', '.join(wrong)}")
    per = lambda which: statistics.median(one["loop_cpu_s"] * 1e9 / max(one[which], 1) for one in found)
    loop_s = statistics.median(one["loop_s"] for one in found)
    first = found[0]
    rate = 1e3 / per("messages")
    rates = [one["messages"] / one["loop_cpu_s"] / 1e6 for one in found]
    return {"threads": threads, "nodes": first["nodes"], "digest": first["digest"], "events": first["events"],
            "messages": first["messages"], "ns_per_event": per("events"), "ns_per_message": per("messages"),
            "rate": rate, "rate_low": min(rates), "rate_high": max(rates), "loop_s": loop_s,
            "wall_rate": first["messages"] / loop_s / 1e6, "process_s": first["process_s"],
            "setup_s": first["setup_s"], "peak_bytes": max(one["peak_rss_bytes"] for one in found),
            "bytes_per_node": max(one["peak_rss_bytes"] for one in found) / first["nodes"],
            "state_bytes_per_node": first["state_bytes"] / first["nodes"],
            "crypto": first["crypto_mode"], "signatures": first.get("signatures", {}).get("made", 0),
            "virtual_s": first["virtual_s"], "repeats": repeats, "load": load, "command": first["command"]}


def told(row):
    text = row.get("failed") or f"{row['ns_per_message']:.0f} ns a message, {row['rate']:.2f} M/s and core"
    print(f"  {row['name']}, {row['threads']} thread(s): {text}", file=sys.stderr, flush=True)


# Propagation of blocks in a network as SimBlock's.
PEER_SIZES = [600, 6_000, 20_000]
# P(a node chooses at most 1, 2 … 20 neighbours), SimBlock's for Bitcoin in 2019.
OUTBOUND = [.025, .05, .075, .10, .20, .30, .40, .50, .60, .70, .80, .85, .90, .95, .97, .97, .98, .99, .995, 1]


def graph(nodes):
    """Each node chooses so many others; the same graph every time."""
    draws, rows = random.Random(nodes), ["source,target"]
    for node in range(nodes):
        wanted = min(1 + bisect.bisect_left(OUTBOUND, draws.random()), nodes - 1)
        chosen = {}
        while len(chosen) < wanted:
            other = draws.randrange(nodes)
            if other != node:
                chosen[other] = True
        rows += [f"{node},{other}" for other in chosen]
    return "\n".join(rows) + "\n"


def peers(quick, known):
    if "nakamoto" not in known:
        return []
    rows = []
    for nodes in [100, 300] if quick else PEER_SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"simblock-{nodes}.csv"
            path.write_text(graph(nodes))
            rows += [peer(quick, nodes, relay, path) for relay in ("compact", "inv")]
    return rows


def peer(quick, nodes, relay, path):
    network = f'{{preset="bitcoin-2019",bandwidth={{kind="preset"}},topology={{kind="file",path="{path}"}}}}'
    arguments = ["nakamoto", "--nodes", nodes, f"--set=network={network}",
                 *sets(protocol__relay=relay, protocol__blocks=20 if quick else 120), "--threads", 1]
    base = {"protocol": "nakamoto", "name": f"{nodes:,} nodes, {relay}", "nodes": nodes, "relay": relay,
            "command": shown(["run", *arguments, "--seed", 1]).replace(str(path), path.name)}
    try:
        row = {**base, **spread_of(run(*arguments, limit_s=900, needs_gb=0 if quick else 3))}
    except Exception as problem:
        row = {**base, "failed": reason(problem)}
    print(f"  {base['name']}: {row.get('failed', 'done')}", file=sys.stderr, flush=True)
    return row


def spread_of(one):
    latency, metrics = one["latency_ns"]["block_propagation"], one["metrics"]
    blocks = metrics["mined"]
    return {"blocks": blocks, **{name: latency[name] / 1e6 for name in ("p50", "p90", "p99")},
            "stale": metrics["stale_rate"], "messages": one["messages"],
            "messages_each": one["messages"] / blocks / one["nodes"],
            "ns_per_message": one["loop_cpu_s"] * 1e9 / one["messages"],
            "rate": one["messages"] / one["loop_cpu_s"], "loop_s": one["loop_s"],
            "bytes_per_node": one["bytes_per_node"]}


# What agreement costs, and by which power of n it grows.
GRIDS = [
    (["pbft", "hotstuff", "streamlet"], "4,7,10,13,16,31,61", "4,7,10", []),
    (["dolev-strong"], "10,20,40,80", "5,10", ["--f", "3"]),
    (["randomized"], "4,7,10,13,16", "4,7", []),
    (["raft"], "5,15,45", "5,10", []),
]


def complexity(quick, known):
    rows = []
    for names, full, small, more in GRIDS:
        here = [name for name in names if name in known]
        arguments = ["complexity", "--protocol", ",".join(here), "--n", small if quick else full,
                     "--seeds", 1 if quick else 3, *more]
        if not here:
            continue
        base = {"protocol": ", ".join(here), "command": shown(arguments)}
        try:
            rows += [{**base, **row} for row in exponents(command(*arguments))]
        except Exception as problem:
            rows.append({**base, "failed": reason(problem)})
        print(f"  complexity of {base['protocol']}: {rows[-1].get('failed', 'done')}", file=sys.stderr, flush=True)
    return rows


def exponents(found):
    """A row for each protocol and cost: what was measured at the largest n, and how it grows."""
    rows = []
    for one in found["exponents"]:
        cells = [cell for cell in found["cells"] if cell["protocol"] == one["protocol"]]
        last = max(cells, key=lambda cell: cell["n"])
        costs = {cost["cost"]: cost for cost in last["costs"]}
        theory = one["theory"] or {}
        here = costs.get(one["cost"], {})
        if one["measured"]:
            rows.append({"protocol": one["protocol"], "cost": one["cost"], "n": last["n"], "f": one["f"],
                         "decisions": last["decisions"] is not None, "mean": here.get("mean"),
                         "theory_mean": (here.get("theory") or {}).get("value"), "sizes": one["measured"]["sizes"],
                         "exponent": one["measured"]["exponent"], "interval": one["measured"]["interval"],
                         "theory": theory.get("exponent"), "source": one["source"]})
    return rows
