"""The plots of results/witness.md: functions of results/witness.json, and of nothing else."""

import math

# rule → what it stops, whom that takes, and what is counted
HOLES = {
    "R1": ("entropy dated back, to choose the draw", "`backdated-entropy`", "f = .15"),
    "R2": ("events withheld, to choose among lists", "`event-withholder`", "f = .15; corrected .1"),
    "R3": ("two receipts of one set of signatures", "`receipt-twin`", "nobody"),
    "R4": ("two contracts of one withdrawal", "`double-signer`", "nobody"),
    "R5": ("three withdrawals of 40 %", "`fractional-overspend`", "nobody"),
    "R6": ("a receipt shown again after its fund was spent", "`receipt-replay`", "nobody"),
    "R7": ("leaving before the fraud is seen: costs nothing", "`early-leaver`", "f = .25"),
    "R8": ("convicting oneself first: costs nothing", "`self-claimer`", "f = .25"),
    "R9": ("nobody compares receipts: costs nothing", "`colluding-witnesses`", "f = .25"),
}
COLUMNS = ("seed", "corrected", "alone off")
TITLES = ("original", "corrected", "that rule alone off")
# A page that is read in the dark is drawn dark, as the reports' plots are.
STYLE = ('<style>@media (prefers-color-scheme:dark){rect[fill="#fff"]{fill:#14171a}text{fill:#e6e9ec}'
         'path[stroke="#ddd"]{stroke:#353c43}}</style>')


def is_whole(found):
    """Whether each of the nine rules was attacked."""
    return {"attacks", "timeline", "stakes"} <= set(found)


def hole_rows(found):
    """Rule → successes and attempts under the original's rules, the corrected ones, and without it."""
    rows = {}
    for r in found["attacks"]:
        rows[r["rule"]] = [tuple(r[name]) for name in COLUMNS]
    for r in found["stakes"]:
        rows[r["rule"]] = [tuple(r[name]) for name in COLUMNS]
    for rule, kind in (("R1", "backdated-entropy"), ("R2", "event-withholder")):
        # The first of each: the others are corrected rules with more corrupt verifiers.
        of = {}
        for r in found["timeline"]:
            if r["kind"] == kind:
                of.setdefault(r["rules"], (round(r["measured"] * r["attempts"]), r["attempts"]))
        rows[rule] = [of["seed"], of["corrected"], of[f"without {rule}"]]
    return dict(sorted(rows.items()))


def holes_svg(found):
    """The same as bars."""
    rows, width, left, bar, gap = hole_rows(found), 900, 330, 11, 12
    colours = ("#b3261e", "#1b7f4b", "#c77700")
    scale, top = (width - left - 110) / 100, 46
    each = len(TITLES) * bar + gap
    height = top + each * len(rows) + 22
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="system-ui, sans-serif" font-size="12">',
           STYLE, '<title>Successes of each attack, in per cent</title>',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, (title, colour) in enumerate(zip(TITLES, colours)):
        out.append(f'<rect x="{left + 170 * i}" y="12" width="12" height="12" fill="{colour}"/>'
                   f'<text x="{left + 170 * i + 18}" y="22">{title}</text>')
    for percent in range(0, 101, 25):
        x = left + percent * scale
        out.append(f'<path d="M{x:.1f} {top - 8}V{height - 20}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{percent} %</text>')
    for i, (rule, pairs) in enumerate(rows.items()):
        y = top + each * i
        out.append(f'<text x="{left - 10}" y="{y + 2 * bar - 1}" text-anchor="end">'
                   f'<tspan font-weight="bold">{rule}</tspan> {HOLES[rule][0]}</text>')
        for j, ((successes, attempts), colour) in enumerate(zip(pairs, colours)):
            percent = 100 * successes / attempts
            out.append(f'<rect x="{left}" y="{y + j * bar}" width="{max(percent * scale, 1):.1f}" '
                       f'height="{bar - 2}" fill="{colour}"/>'
                       f'<text x="{left + percent * scale + 5:.1f}" y="{y + j * bar + 9}" '
                       f'font-size="10">{percent:.4g} %</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def convergence_svg(found):
    """The share of verifiers that do not hold an event yet against the time since it happened, on two
    logarithmic axes; a step for each row of the run's HDR percentiles."""
    rows, width, height, left, top, bottom = found["partition"], 760, 400, 70, 40, 50
    colours = ("#1b7f4b", "#c77700", "#b3261e")
    decades_x, decades_y = (-1, 4), (-5, 0)
    x_of = lambda s: left + (math.log10(max(s, 0.1)) - decades_x[0]) / 5 * (width - left - 40)
    y_of = lambda share: top + -math.log10(max(share, 1e-5)) / 5 * (height - top - bottom)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="system-ui, sans-serif" font-size="12">',
           STYLE, '<title>Verifiers that do not hold an event yet, against its age</title>',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for power in range(decades_x[0], decades_x[1] + 1):
        x = x_of(10.0**power)
        out.append(f'<path d="M{x:.1f} {top}V{height - bottom}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">'
                   f'{10.0**power:g} s</text>')
    for power in range(decades_y[0], decades_y[1] + 1):
        y = y_of(10.0**power)
        out.append(f'<path d="M{left} {y:.1f}H{width - 40}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power * 100:g} %</text>')
    for i, (row, colour) in enumerate(zip(rows, colours)):
        path, share = f"M{x_of(0):.1f} {y_of(1):.1f}", 1.0
        for seconds, count in row["distribution"]:
            share = 1 - count / row["verifiers"]["count"]
            path += f"H{x_of(seconds):.1f}V{y_of(share):.1f}"
        out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<path d="M{left + 10 + 200 * i} 20h24" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{left + 40 + 200 * i}" y="24">{row["about"]}</text>')
    out.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 10}" text-anchor="middle">'
               'age of an event</text>')
    middle = (top + height - bottom) / 2
    out.append(f'<text x="16" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 16 {middle:.0f})">'
               'verifiers without it</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
