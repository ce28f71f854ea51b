"""The page of the consensus family: a function of results/consensus.json, and of nothing else."""

import figures as published
from consensus_runs import csv_text, is_wrong
from figures import table, verdict

NAMES = {"pbft": "PBFT", "hotstuff": "HotStuff", "dolev-strong": "Dolev–Strong", "streamlet": "Streamlet",
         "randomized": "Randomised agreement", "raft": "Raft", "chord": "Chord", "nakamoto": "Nakamoto"}


def number(value):
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.6g}"


def listed(rows):
    """The commands of the rows, each once."""
    commands = {}
    for index, row in enumerate(rows, 1):
        commands.setdefault((row.get("command"), row.get("runs", 1)), []).append(str(index))
    lines = [f"{','.join(span(numbers))}: {command}" + (f"   # and {runs - 1} seeds after it" if runs > 1 else "")
             for (command, runs), numbers in commands.items() if command]
    return ["```sh", *lines, "```", ""] if lines else []


def span(numbers):
    """Consecutive numbers as first-last."""
    out = []
    for number in map(int, numbers):
        if out and out[-1][1] + 1 == number:
            out[-1][1] = number
        else:
            out.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in out]


def open_after(rows, with_commands=True):
    """The rows of what is open after 1, 2 … rounds as one table, a column for each way to schedule; and all others."""
    marker, columns, rest = ": open after ", {}, []
    for row in rows:
        name, found, after = row["property"].partition(marker)
        if found and "failed" not in row:
            columns.setdefault(name, {})[int(after)] = row
        else:
            rest.append(row)
    if not columns:
        return [], rest
    last = max(after for column in columns.values() for after in column)
    lines = [[after, *(drawn(column.get(after)) for column in columns.values())] for after in range(1, last + 1)]
    first = [next(iter(column.values())) for column in columns.values()]
    sizes = ["agreements", *(f"{row['trials']:,}" for row in first)]
    return ["Share of agreements that are open after so many rounds, and what theory expects; outside its 95 % interval: "
            "in italics; outside what theory excludes: **bold**. Rows of a column are not independent.", "",
            table(["rounds", *columns], [sizes, *lines]), "",
            *(listed(first) if with_commands else [])], rest


def drawn(row):
    if row is None:
        return ""
    text = f"{row['measured']:.5g}"
    text = text if row["inside"] else f"*{text}*" if row["ok"] else f"**{text}**"
    return f"{text} ({row['expected']:.5g})"


def by_protocol(rows):
    for protocol, name in NAMES.items():
        if mine := [row for row in rows if row["protocol"] == protocol]:
            yield name, mine


def value_cells(row):
    if "failed" in row:
        return [row["property"], "–", "–", "–", f"**failed**: {row['failed']}"]
    interval = "exact" if row["exact"] else f"{number(row['low'])}–{number(row['high'])}"
    mark = "yes" if row["inside"] else "no" if row["ok"] else "**no**"
    if row.get("violated"):
        mark += f"; violated: {', '.join(row['violated'])}"
    return [row["property"], number(row["measured"]), number(row["expected"]), interval, mark]


def inside(rows):
    """How often 95 % intervals hold what was measured, over all rows that chance plays a part in."""
    drawn = [row for row in rows if "failed" not in row and not row["exact"] and row["low"] < row["high"]]
    equal = [row for row in rows if row.get("exact")]
    failed = [row for row in rows if is_wrong(row)]
    return (f"{sum(row['inside'] for row in equal)} of {len(equal)} exact figures are equal; "
            f"{sum(row['inside'] for row in drawn)} of {len(drawn)} others are inside their interval; "
            f"{len(failed)} failed, are outside what theory excludes at p < 1e-6, or are of runs that violated a check.")


def of_values(rows):
    out = ["## What theory says, measured", "",
           "Expected are closed forms, computed apart from the emulator. Intervals are those of 95 % under theory, or "
           "bounds: one in twenty lies outside. *Exact* is equal. Latencies come from distributions with eleven bits "
           "a value, so they are up to 1/1024 too large.", "", inside(rows), ""]
    for name, mine in by_protocol(rows):
        rounds, rest = open_after(mine)
        out += [f"### {name}", "", *rounds,
                table(["", "property", "measured", "expected", "95 % interval or bound", "inside"],
                      [[index, *value_cells(row)] for index, row in enumerate(rest, 1)]), "", *listed(rest)]
    return out


def complement_cells(row):
    if "failed" in row:
        return [row["property"], "–", "–", "–", "–", f"**failed**: {row['failed']}"]
    found = ", ".join(f"{name}: {count}" for name, count in row["broken"].items()) or "nothing broken"
    if "done" in row:
        found = f"{row['done']} of it" if not row.get("note") else f"{row['done']} of it, {row['note']}"
    mark = "yes" if row["ok"] else "**no**"
    if row["violated"]:
        mark += f"; inside its bound: {', '.join(row['violated'])}"
    return [row["property"], row["held"], row["runs"], found, row["expected"], mark]


def of_complement(rows):
    out = ["## Both sides of the bounds", "",
           "The faults that a protocol is made for are tolerated, one more is not. Broken: runs in which a judge found "
           "a breach of safety. A breach beyond the bound is marked as such by the run itself; one inside it fails.", ""]
    for name, mine in by_protocol(rows):
        out += [f"### {name}, up to its bound and beyond", "",
                table(["", "attack", "held", "runs", "found", "expected", "as expected"],
                      [[index, *complement_cells(row)] for index, row in enumerate(mine, 1)]), "", *listed(mine)]
    return out


LARGE = 500_000


def goals_of(row):
    """Rate and memory beside their goals."""
    out = []
    if row["goal"] and row["threads"] == 1:
        met = row["rate"] >= row["goal"]
        out.append(f"≥ {row['goal']} M/s: {verdict(met)}" + ("" if met else f", {row['goal'] / row['rate']:.2f}× short"))
    if row["nodes"] >= LARGE and row["threads"] == 1:
        met = row["bytes_per_node"] <= 1_000
        out.append(f"≤ 1 kB: {verdict(met)}" + ("" if met else f", {row['bytes_per_node'] / 1_000:.2f}× above"))
    return "; ".join(out) or "–"


def scale_cells(row):
    if "failed" in row:
        return [row["name"], row["threads"], *["–"] * 9, f"**failed**: {row['failed']}"]
    crypto = f"modelled, {row['signatures']:,}" if row["signatures"] else "none"
    return [row["name"], row["threads"], f"{row['nodes']:,}", f"{row['messages'] / 1e6:,.1f}",
            f"{row['ns_per_event']:.0f}", f"{row['ns_per_message']:.0f}",
            f"{row['rate']:.2f} ({row['rate_low']:.2f}–{row['rate_high']:.2f})", f"{row['wall_rate']:.2f}",
            f"{row['loop_s']:.1f} / {row['process_s']:.1f}",
            f"{row['bytes_per_node']:,.0f} / {row['state_bytes_per_node']:,.0f}", crypto, goals_of(row)]


def of_load(loads):
    if not loads:
        return ("The machine built other programs meanwhile, at a load of 7 to 12: CPU times suffered a little, wall times and runs on "
                "two threads much.")
    return f"The machine's load before each run was {min(loads):.1f} to {max(loads):.1f}."


def of_scale(rows):
    return ["## Scale", "",
            "CPU time of the event loop per event and per message, and M messages a second and core from it; wall time "
            "of the loop and of the whole process. Medians of two runs, of a million nodes one, each in its own process. "
            "Bytes a node: peak memory "
            "of the process, and the states that nodes begin with; goals of memory are for 500,000 nodes or more, since "
            "less is mostly the process itself. Signatures are modelled (`--crypto modelled`: tags of the same "
            "size, no curve arithmetic) wherever a protocol signs, so these are figures of the emulator and not of "
            "cryptography. " + of_load([row["load"] for row in rows if "load" in row]), "",
            table(["", "run", "threads", "nodes", "M messages", "ns per event", "ns per message", "M messages/s and core",
                   "M messages/s (wall)", "loop / process s", "B per node: peak / state", "signatures", "goals"],
                  [[index, *scale_cells(row)] for index, row in enumerate(rows, 1)]), "", *listed(rows)]


def of_profiles(rows):
    cells = lambda row: ([row["name"], *["–"] * 3, f"**failed**: {row['failed']}"] if "failed" in row else
                         [row["name"], f"{row['nodes']:,}", f"{row['ns_per_event']:.0f}", f"{row['samples']:,}",
                          "; ".join(f"{share:.0%} `{name}`" for name, share in row["functions"])])
    return ["## Where the time goes", "",
            "Shares of the samples inside windows, on one thread, by function; what is inlined into a function, and the standard "
            "library below it, counts as the function's. Nakamoto and Chord at a tenth of their size above.", "",
            table(["", "run", "nodes", "ns per event", "samples", "shares"],
                  [[index, *cells(row)] for index, row in enumerate(rows, 1)]), "", *listed(rows)]


# Of SimBlock, on another day on a machine of the same kind: nodes -> with compact relay, without, blocks.
SIMBLOCK = {600: ("852 / 2,001 / 3,268", "2,334 / 4,252 / 6,585", 40),
            6_000: ("910 / 1,967 / 3,277", "3,799 / 5,906 / 8,233", 10)}


def peer_cells(row):
    theirs = SIMBLOCK.get(row["nodes"])
    theirs = f"{theirs[0] if row['relay'] == 'compact' else theirs[1]} ({theirs[2]} blocks)" if theirs else "–"
    if "failed" in row:
        return [row["name"], *["–"] * 6, theirs, f"**failed**: {row['failed']}"]
    return [row["name"], row["blocks"], " / ".join(f"{row[name]:,.0f}" for name in ("p50", "p90", "p99")), theirs,
            f"{row['stale']:.4f}", f"{row['messages_each']:.1f}", f"{row['ns_per_message']:.0f}",
            f"{row['rate'] / 1e6:.2f}", f"{row['bytes_per_node']:,.0f}"]


def of_peers(rows):
    return ["## How blocks spread, beside SimBlock", "",
            "The network of `bitcoin-2019`: regions, Pareto delays and bandwidths as SimBlock has them; each node chooses as "
            "many neighbours as its nodes do (`scripts/bench-consensus --graph 600 > simblock-600.csv`). Its 2 ms of work a "
            "message are left out. From when a block is found until a node has it, in ms. SimBlock's columns are its own output, measured with few blocks on "
            "another day and not by this script: shapes compare, speeds do not. It made 21 to 26 messages a node and block, "
            "and handled 455 to 686 thousand tasks a second; its port to Rust took 3.1 s for 6,000 nodes and 10 blocks, 59 kB "
            "a node.", "",
            table(["", "run", "blocks", "p50 / p90 / p99 ms", "SimBlock's", "stale share", "messages a node and block",
                   "ns per message", "M messages/s and core", "B per node, peak"],
                  [[index, *peer_cells(row)] for index, row in enumerate(rows, 1)]), "", *listed(rows)]


def complexity_cells(row):
    if "failed" in row:
        return [row["protocol"], "–", "–", "–", "–", "–", f"**failed**: {row['failed']}"]
    low, high = row["interval"] or (row["exponent"], row["exponent"])
    theory = "–" if row["theory"] is None else f"{row['theory']:.3f}"
    mean = "–" if row["mean"] is None else number(row["mean"])
    if row["mean"] is not None and not row["decisions"]:
        mean += " a run"
    return [NAMES.get(row["protocol"], row["protocol"]), row["cost"], f"{row['n']}: {mean}",
            f"{row['exponent']:.3f} ({low:.3f}–{high:.3f})", theory, row["sizes"], row["source"] or "–"]


def of_complexity(rows):
    return ["## By which power it grows", "",
            "`anthill complexity`: costs of honest nodes per decision, or of a whole run where a protocol counts none; the "
            "exponent against n with its 95 % interval, and that of the closed form over the same sizes.", "",
            table(["", "protocol", "cost", "at the largest n", "exponent", "in theory", "sizes", "source"],
                  [[index, *complexity_cells(row)] for index, row in enumerate(rows, 1)]), "", *listed(rows)]


# In the order of the page.
SECTIONS = {"values": of_values, "complement": of_complement, "scale": of_scale, "profiles": of_profiles, "peers": of_peers,
            "complexity": of_complexity}


def page(raw):
    commits = {}
    for name, commit in raw["commits"].items():
        commits.setdefault(commit, []).append(name)
    others = [f"{', '.join(names)}: `{commit}`" for commit, names in commits.items() if commit != raw["commit"]]
    kept = f" Parts measured before, by commit: {'; '.join(others)}." if others else ""
    out = [f"# The consensus family, measured\n\n{published.measured(raw)}. Written by `scripts/bench-consensus`; tables as "
           f"CSV are in `consensus/`.{kept}\n"]
    for name, section in SECTIONS.items():
        if raw["found"].get(name):
            out += section(raw["found"][name])
    return "\n".join(out)


COLUMNS = {
    "values": ["protocol", "property", "measured", "expected", "low", "high", "exact", "inside", "ok", "runs", "failed",
               "command"],
    "complement": ["protocol", "property", "held", "runs", "broken", "done", "expected", "ok", "failed", "command"],
    "scale": ["name", "protocol", "threads", "nodes", "events", "messages", "ns_per_event", "ns_per_message", "rate",
              "wall_rate", "loop_s", "process_s", "peak_bytes", "bytes_per_node", "state_bytes_per_node", "crypto",
              "signatures", "digest", "goal", "failed", "command"],
    "peers": ["name", "nodes", "relay", "blocks", "p50", "p90", "p99", "stale", "messages", "messages_each",
              "ns_per_message", "rate", "bytes_per_node", "failed", "command"],
    "complexity": ["protocol", "cost", "n", "f", "mean", "exponent", "theory", "sizes", "source", "failed", "command"],
}


def tables(found):
    """Path and content of each table; where the time goes is in none."""
    for name, rows in found.items():
        if name in COLUMNS:
            yield published.RESULTS / "consensus" / f"{name}.csv", csv_text(rows, COLUMNS[name])
