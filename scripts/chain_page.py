"""Sections of a chain's page: functions of its JSON, and of nothing else."""

import figures as published
from consensus_page import inside, listed, value_cells
from figures import table, verdict


def of_values(rows):
    """Groups in the order in which they come, each with its table and its commands."""
    out = ["## What theory says, measured", "",
           "Expected are closed forms, computed apart from the emulator. Intervals are those of 95 % under theory, or "
           "bounds: one in twenty lies outside. *Exact* is equal. Where no form gives a deviation, that of the seeds gives "
           "the interval (Student's t). Latencies come from distributions with eleven bits a value, so they are up to "
           "1/1024 off.", "", inside(rows), ""]
    return out + of_theory(rows)


def of_theory(rows):
    """Groups of rows, measured beside expected."""
    out = []
    for name in dict.fromkeys(row.get("group", "") for row in rows):
        mine = [row for row in rows if row.get("group", "") == name]
        out += [f"### {name}", ""] if name else []
        out += [table(["", "property", "measured", "expected", "95 % interval or bound", "inside"],
                      [[index, *value_cells(row)] for index, row in enumerate(mine, 1)]), "", *listed(mine)]
    return out


def attack_cells(row):
    if "failed" in row:
        return [row["property"], "–", "–", "–", "–", f"**failed**: {row['failed']}"]
    mark = "yes" if row["ok"] else "**no**"
    if row["violated"]:
        mark += f"; inside its bound: {', '.join(row['violated'])}"
    return [row["property"], row["held"], row["open"], row["closed"], row["runs"], mark]


def of_attacks(about, headings):
    """Rows in which an attack is seen twice: where it comes off, and where it does not."""
    def section(rows):
        lines = [[index, *attack_cells(row)] for index, row in enumerate(rows, 1)]
        return ["## Attacks, with the correction off and on", "", about, "",
                table(["", "attack", *headings, "runs", "as expected"], lines), "", *listed(rows),
                *listed([{"command": row.get("command_open")} for row in rows])]
    return section


def scale_cells(row):
    if "failed" in row:
        return [row["name"], row["threads"], *["–"] * 7, f"**failed**: {row['failed']}"]
    goals = [f"{goal['text']}: {verdict(goal['met'])}" for goal in row["goals"]]
    return [row["name"], row["threads"], f"{row['nodes']:,}", f"{row['messages'] / 1e6:,.2f}", f"{row['virtual_s']:,.1f}",
            f"{row['loop_s']:.1f} / {row['process_s']:.1f}", f"{row['ns_per_message']:,.0f}",
            f"{row['rate']:.2f} ({row['wall_rate']:.2f})",
            f"{row['bytes_per_node']:,.0f} / {row['state_bytes_per_node']:,.0f}", "; ".join(goals) or "–"]


def of_scale(rows):
    return ["## Scale", "",
            "Time on this machine, and messages a second: per core, from CPU time of the event loop, and in parentheses by its "
            "wall time. Bytes a node: peak memory of the process, and the states that nodes begin with. Signatures are "
            "modelled (`--crypto modelled`: tags of the same size, no curve arithmetic). A run each, in a process of its own.",
            "",
            table(["", "run", "threads", "nodes", "M messages", "virtual s", "loop / process s", "ns of CPU per message",
                   "M messages/s", "B per node: peak / state", "goals"],
                  [[index, *scale_cells(row)] for index, row in enumerate(rows, 1)]), "", *listed(rows)]


def of_table(title, about, columns):
    """Rows as they are: `columns` maps a heading to the key of a row, or to a function of it."""
    def cell(row, key):
        value = key(row) if callable(key) else row.get(key, "–")
        return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value

    def cells(row):
        if "failed" in row:
            return [row.get("name") or row.get("property"), *["–"] * (len(columns) - 1), f"**failed**: {row['failed']}"]
        mark = f"**{', '.join(row['violated'])}**" if row.get("violated") else "yes" if row.get("ok", True) else "**no**"
        return [*(cell(row, key) for key in columns.values()), mark]

    def section(rows):
        return [f"## {title}", "", about, "",
                table(["", *columns, "as expected"], [[index, *cells(row)] for index, row in enumerate(rows, 1)]), "",
                *listed(rows)]
    return section


def page_of(title, script, sections, not_shown):
    """The page as a function of the JSON; sections in the order of the page."""
    def page(raw):
        commits = {}
        for name, commit in raw["commits"].items():
            commits.setdefault(commit, []).append(name)
        others = [f"{', '.join(names)}: `{commit}`" for commit, names in commits.items() if commit != raw["commit"]]
        kept = f" Parts measured before, by commit: {'; '.join(others)}." if others else ""
        out = [f"# {title}, measured", "", f"{published.measured(raw)}. Written by `scripts/{script}`.{kept}", ""]
        for name, section in sections.items():
            if raw["found"].get(name):
                out += section(raw["found"][name])
        out += ["## Not shown", "", *(f"- {what}: {why}." for what, why in not_shown), ""]
        return "\n".join(out)
    return page
