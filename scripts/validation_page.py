"""The validation page: a function of results/validation.json and of the values in results/consensus.json."""

import figures as published
from consensus_page import by_protocol, inside, open_after, value_cells
from figures import table


def cells(row):
    low, high = row["interval"]
    inside_of = sum(low <= measured <= high for measured in row["measured"])
    return (row["property"], row["nodes"], ", ".join(f"{m:.7g}" for m in row["measured"]),
            f"{row['expected']:.7g}", f"{low:.7g}–{high:.7g}", f"{inside_of} of {len(row['measured'])}")


def consensus():
    """The rows of the consensus family, once they were measured."""
    path = published.RESULTS / "consensus.json"
    raw = published.read("consensus") if path.exists() else {"found": {}}
    rows = raw["found"].get("values")
    if not rows:
        return []
    out = ["## Consensus", "",
           f"Commit `{raw['commits']['values']}`. Written by `scripts/bench-consensus`; the commands are in "
           f"[consensus.md](consensus.md). {inside(rows)}", ""]
    rounds, rest = open_after(rows, with_commands=False)
    return out + [table(["protocol", "property", "measured", "expected", "95 % interval or bound", "inside"],
                        [[name, *value_cells(row)] for name, mine in by_protocol(rest) for row in mine]), "", *rounds]


def page(raw):
    return "\n".join([
        "# Agreement with theory",
        "",
        f"{published.measured(raw)}. Written by `scripts/validate`: {raw['seeds']}"
        " seeds a row, other ones in each, one measured value per seed. Results do not depend on the"
        " machine. The interval of lock-step push is that of its O(1) term; a check fails only outside"
        " what theory excludes at p < 1e-6.",
        "",
        table(("property", "nodes", "measured", "expected", "95 % interval", "inside"),
              [cells(row) for row in raw["rows"]]),
        "",
        *consensus(),
    ])
