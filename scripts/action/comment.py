"""Says in Markdown what `anthill compare` found.

    python3 scripts/action/comment.py DIR/compare.json [METRIC…]

Exits with 1 if one of the metrics named got worse, and with 2 if one of them was not measured.
"""

import json
import sys

SIGNS = {"better": "🟢 better", "worse": "🔴 worse", "higher": "▲ higher", "lower": "▼ lower"}
NONE = "no difference shown"


def text(cell):
    """A cell of a table: names come from scenarios, and may hold anything."""
    for character, instead in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`"), ("\n", " ")):
        cell = cell.replace(character, instead)
    return cell


def number(value):
    return "" if value is None else f"{value:,.6g}"


def row(metric):
    low, high = metric["interval"] or (None, None)
    change = "" if metric["relative"] is None else f"{100 * metric['relative']:+.2f} %"
    return (f"| {text(metric['metric'])} | {SIGNS.get(metric['verdict'], text(metric['verdict']))} "
            f"| {number(metric['mean_a'])} | {number(metric['mean_b'])} | {change} | {number(low)} to {number(high)} |")


def comment(found):
    shown = [metric for metric in found["metrics"] if metric["verdict"] in SIGNS]
    # What is good or bad first.
    shown.sort(key=lambda metric: list(SIGNS).index(metric["verdict"]))
    others = len(found["metrics"]) - len(shown)
    lines = [f"### anthill compare: {found['pairs']} pairs", ""]
    if shown:
        lines += ["| metric | verdict | A | B | change | 95 % interval of the difference |", "|---|---|---|---|---|---|"]
        lines += map(row, shown)
    needed = found.get("pairs_needed") or 0
    if needed > found["pairs"]:
        lines += [f"Too few pairs for any verdict: that takes {needed} (`--seeds {needed}`).", ""]
    lines += ["", f"{others} metrics: {NONE}." if shown else f"No difference is shown in any of {others} metrics."]
    lines += [f"Not the same: {text(difference)}." for difference in found["allowed_differences"]]
    return "\n".join(lines) + "\n"


def main():
    path, *not_worse = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    print(comment(found), end="")
    verdicts = {metric["metric"]: metric["verdict"] for metric in found["metrics"]}
    missing = [name for name in not_worse if name not in verdicts]
    if missing:
        print(f"not measured: {', '.join(missing)}; measured: {', '.join(sorted(verdicts))}", file=sys.stderr)
        sys.exit(2)
    worse = [name for name in not_worse if verdicts[name] == "worse"]
    if worse:
        print(f"worse: {', '.join(worse)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
