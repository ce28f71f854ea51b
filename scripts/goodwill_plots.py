"""The plots of results/goodwill.md: functions of results/goodwill.json, and of nothing else. Dots are measured, lines of
theory; of wealth, lines are measured."""

import chain_theory as theory
from charts import good, legend, panel, shell
from goodwill_pictures import COINBASE, VALUE


def drawn(found, picture):
    return [row for row in good(found, "pictures") if row.get("picture") == picture]


def gain(found):
    """What a donation of d gains against the total d + X."""
    lines = {}
    for row in drawn(found, "gain"):
        lines.setdefault((row["own"], row["line"]), []).append((row["x"], row["measured"]))
    if not lines:
        return None
    dots = list(lines.values())
    most = max(x for some in dots for x, _ in some)
    curves = []
    for own, _ in lines:
        least = min(x for x, _ in lines[own, f"d = {own}"])
        totals = [least + (most - least) * i / 100 for i in range(101)]
        curves.append([(total, theory.donation_gain(VALUE, own, total - own)) for total in totals])
    names = [f"{name}: line Vd/(d + X) − d, dots measured" for _, name in lines]
    body = panel(40, 280, curves, f"total of all donations d + X, coins; a window is worth V = {VALUE:,}", "gain a window, coins",
                 dots=dots, colours=[*range(len(curves))] * 2)
    return shell("Gain of a donation against the total", 370, [*legend(names, 18), *body])


def capture(found):
    """A captor's share of slots, and its gain, against the share that it gets back."""
    rows = sorted(drawn(found, "capture"), key=lambda row: row["x"])
    if not rows:
        return None
    n = rows[0]["n"]
    kappas = [i / 100 for i in range(100)]
    apart = [(kappa, theory.captor_share(VALUE, n, kappa)[0]) for kappa in kappas]
    among = [(kappa, 1 - (1 - kappa) * (n - 1) / (n - kappa)) for kappa in kappas]
    won = lambda kappa, share: (share * VALUE - theory.captor_share(VALUE, n, kappa)[1] * (1 - kappa)) - VALUE / n**2
    gains = [(kappa, won(kappa, share)) for kappa, share in apart]
    top = panel(40, 200, [apart, among, [(0, 0.5), (0.99, 0.5)]], "", "share of slots",
                dots=[[(row["x"], row["measured"]) for row in rows]], colours=(0, 1, 5, 0))
    below = panel(290, 200, [gains], "share κ of donations that comes back", "gain a window, coins",
                  dots=[[(row["x"], won(row["x"], row["measured"])) for row in rows]], colours=(0, 0))
    names = ["others bid as among equals", "others react: equilibrium"]
    return shell(f"A captor among {n}, against its kickback", 540, [*legend(names, 18), *top, *below])


NAMES = {"equal": "equal bids, windows of 360", "proportion": "a fifth of wealth, windows of 10"}


def wealth(found):
    """How even wealth is after each window, and Lorenz's curves at the end."""
    rows = drawn(found, "wealth")
    if not rows:
        return None
    names, colours = [NAMES[row["rule"]] for row in rows], [list(NAMES).index(row["rule"]) for row in rows]
    pick = lambda index: [[(point[0], point[index]) for point in row["series"]] for row in rows]
    dots = [expected(row) for row in rows]
    top = panel(40, 180, pick(1), "", "Gini", log_x=True, colours=[*colours, *colours],
                dots=[points if row["rule"] == "equal" else [] for row, points in zip(rows, dots)])
    middle = panel(260, 180, pick(2), "windows", "1 − Σx²", log_x=True, colours=[*colours, *colours],
                   dots=[points if row["rule"] == "proportion" else [] for row, points in zip(rows, dots)])
    even = [(0.0, 0.0), (1.0, 1.0)]
    below = panel(530, 260, [*(row["lorenz"] for row in rows), even], f"poorest share of forgers, after {rows[0]['series'][-1][0]:,} windows",
                  "share of wealth", colours=[*colours, 5])
    return shell("Wealth of forgers", 850, [*legend(names, 18), *top, *middle, *below])


def expected(row):
    """Theory at some windows: of Gini while nobody is ruined, of 1 − Σx² always."""
    last = row["series"][-1][0]
    some = [at for at in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1_000) if at <= last]
    if row["rule"] == "equal":
        return [(at, theory.gini(row["n"], row["first"], 213.84, COINBASE, row["slots"], at)) for at in some if at <= 30]
    return [(at, theory.monopoly_delayed(row["n"], row["slots"], 0.2, at)) for at in some]


PLOTS = {"gain": gain, "capture": capture, "wealth": wealth}
ABOUT = {"gain": "Gain of a donation against the total of all donations", "capture": "A captor's share and gain against its kickback",
         "wealth": "Gini, 1 − Σx² and Lorenz's curves over windows"}


def plots(raw):
    """Name of a file under results/ and its content, for each plot that the figures are enough for."""
    for name, draw in PLOTS.items():
        if content := draw(raw["found"]):
            yield f"goodwill-{name}.svg", content


def pictures(found):
    """Lines of the page that show the plots."""
    out = []
    for name, draw in PLOTS.items():
        if draw(found):
            out += [f"![{ABOUT[name]}](goodwill-{name}.svg)", ""]
    return out
