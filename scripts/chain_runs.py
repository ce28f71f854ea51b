"""What jobs about chains share: rows from seeds, attacks seen with their correction off and on, runs of scale."""

import statistics
import sys

import chain_theory as theory
from consensus_runs import Failed, broken, reason, run, shown, unexpected
from consensus_scale import measured

MODELLED = ("--crypto", "modelled")


def uniform(delay, rest=""):
    """A network in which every message takes that long; `rest` as in its table."""
    return f'--set=network={{model="uniform",min="{delay}",max="{delay}"{rest}}}'


def by(group, rows, runs, count=None):
    """Rows with their group and what made them; checks that failed inside their bound go with the first."""
    found = sorted({name for summary in runs for name in unexpected(summary)})
    for index, row in enumerate(rows):
        row |= {"group": group, "command": runs[0]["command"], "runs": count or len(runs),
                "violated": [] if index else found}
    return rows


def many(quick, seed, count, *arguments, small=2, **more):
    """Runs of so many seeds; a few if it is only tried."""
    return [run(*arguments, *MODELLED, seed=seed + i, **more) for i in range(small if quick else count)]


def seconds(name, what, one, latency, which, expected, less=0.0):
    """A latency of a run with constant delays, exact but for the resolution of the distribution."""
    measured_s = one["hgrm"][latency][which] / 1e9 - less
    slack = (expected + less) / 1024
    return theory.bounded(name, what, round(measured_s, 5), expected - slack, expected + slack, expected)


def attack(name, what, held, opened, closed, is_open, is_closed, count=None, allowed=frozenset()):
    """Two lists of runs, with the hole open and closed: `is_open`, `is_closed` say what is seen, as text, and
    whether that is expected; checks that are `allowed` may fail where the hole is open."""
    open_text, open_ok = is_open(opened) if opened else ("–", True)
    closed_text, closed_ok = is_closed(closed) if closed else ("–", True)
    wrong = sorted({check for one in opened for check in unexpected(one) if check not in allowed}
                   | {check for one in closed for check in unexpected(one)})
    first = (closed or opened)[0]
    return [{"protocol": name, "property": what, "held": held, "open": open_text, "closed": closed_text,
             "runs": count or len(opened) + len(closed), "ok": open_ok and closed_ok and not wrong, "violated": wrong,
             "command": first["command"], "command_open": opened[0]["command"] if opened and closed else None}]


def judged(*judges):
    """What is seen is whether judges of those names find something: in some run, or in none."""
    def found(runs):
        return sum(any(name in judges for name in broken(one)) for one in runs)

    def seen(wanted):
        def look(runs):
            count = found(runs)
            text = f"{' or '.join(judges)} broken in {count} of {len(runs)}" if count else f"held in {len(runs)}"
            return text, bool(count) == wanted
        return look
    return seen(True), seen(False)


def scale(quick, rows, known):
    """`rows`: name, protocol, GB that must be free, limit in s, threads, full and small arguments, goals; a goal is a
    text and a function of the row."""
    out = []
    for name, protocol, needs_gb, limit_s, threads, full, small, goals in rows:
        if protocol not in known:
            continue
        for count in threads:
            arguments = [*(small if quick else full), "--threads", count]
            base = {"name": name, "protocol": protocol, "threads": count}
            try:
                row = {**base, **measured(arguments, count, limit_s, 0 if quick else needs_gb, 1)}
                row["goals"] = [] if quick else [{"text": text, "met": bool(met(row))} for text, met in goals]
            except Exception as problem:
                row = {**base, "failed": reason(problem), "command": shown(["run", *arguments, "--seed", 1])}
            out.append(row)
            text = row.get("failed") or f"{row['process_s']:.1f} s, {row['rate']:.2f} M/s, {row['bytes_per_node']:,.0f} B"
            print(f"  {name}, {count} thread(s): {text}", file=sys.stderr, flush=True)
    return out


def mean(values):
    return statistics.fmean(values)


def some(values, what):
    """Fails rather than to give a mean of nothing."""
    found = list(values)
    if not found:
        raise Failed(f"no {what}")
    return found
