"""The plots of results/markets.md: functions of results/markets.json, and of nothing else."""

from charts import bars, good, legend, panel, shell


def latency(found):
    rows = [row for row in good(found, "logs") if row["network"] == "20 ms"]
    return rows and bars("Order to final by log", {row["name"]: (row["p50"], row["p99"]) for row in rows}, ("p50", "p99"), " ms")


def cures(found):
    groups = {}
    for row in good(found, "extraction"):
        kind, cure = row["name"].split(", ", 1)
        if "pbft" in row["held"]:
            groups.setdefault(kind, {})[cure] = row["net"] / row["runs"]
    names = list(next(iter(groups.values()), {}))
    return groups and bars("What insiders gain a run, in ticks × lots", {kind: [of.get(name) for name in names] for kind, of in groups.items()},
                           names, "")


def two_venues(found):
    rows = [row for row in good(found, "arbitrage") if row["name"].endswith("pbft")]
    names = ("found", "attempted", "both legs", "one leg")
    return rows and bars("Trades over two venues", {row["name"]: (row["found"], row["attempted"], row["taken"], row["one_leg"]) for row in rows},
                         names, "")


def reserved(found):
    groups = {}
    for row in good(found, "arbitrage"):
        parts = row["reserved"].replace(",", "").split(" / ")
        if parts[0] != "–":
            groups[row["name"]] = [float(part) for part in parts]
    return groups and bars("How long legs are reserved", groups, ("p50", "p99", "longest"), " ms")


def oracles(found):
    lines = {}
    for row in good(found, "oracle"):
        if row["of"] == 31:
            lines.setdefault(row["name"], []).append((100 * row["liars"] / row["of"], abs(row["moved"])))
    if not lines:
        return None
    body = panel(40, 280, [sorted(line) for line in lines.values()], "liars, % of 31 makers",
                 "mean move, deviations of a report", logarithmic=True)
    return shell("Error of the oracle against liars", 370, [*legend(list(lines), 18), *body])


def shares(found):
    lines, expected = {}, {}
    for row in good(found, "share"):
        held = int(row["held"].split()[0])
        lines.setdefault(row["name"], []).append((100 * row["blocks"], row["net"]))
        expected.setdefault(f"{row['name']}, in proportion", []).append((100 * held / 7, row["expected"]))
    if not lines:
        return None
    both = {**lines, **expected}
    body = panel(40, 260, [sorted(line) for line in both.values()], "blocks that insiders propose, %", "net gain a run, ticks × lots")
    return shell("Gains against the share of blocks", 350, [*legend(list(both), 18), *body])


def book(found):
    """Middle with trades, spread and depth over time."""
    rows = [row for row in good(found, "course") for row in row["series"]]
    with_books = [row for row in rows if row["books"]]
    if not with_books:
        return None
    per = lambda name: [(row["start_ns"] / 1e9, row[name] / row["books"]) for row in with_books]
    trades = [(row["start_ns"] / 1e9, row["trades"]) for row in rows]
    body = []
    for i, (line, title) in enumerate(((per("mid"), "middle, ticks"), (per("spread"), "spread, ticks"),
                                       (per("depth"), "lots within 10 ticks"), (trades, "trades"))):
        body += panel(20 + 170 * i, 120, [line], "s" if i == 3 else "", title)
    return shell("A book over time", 20 + 170 * 4, body)


def inventory(found):
    rows = [row for row in good(found, "course") for row in row["series"]]
    if not rows:
        return None
    worth, profit = 0, []
    for row in rows:
        worth += row["makers_gain"] - row["makers_loss"]
        profit.append((row["start_ns"] / 1e9, worth))
    held = [(row["start_ns"] / 1e9, row["inventory"]) for row in rows]
    body = [*panel(20, 150, [held], "", "most lots held"), *panel(220, 150, [profit], "s", "profit, ticks × lots")]
    return shell("Makers: inventory and profit", 420, body)


PLOTS = {"latency": (latency, "logs"), "cures": (cures, "extraction"), "share": (shares, "share"), "arbitrage": (two_venues, "arbitrage"),
         "reserved": (reserved, "arbitrage"), "oracle": (oracles, "oracle"), "book": (book, "course"), "makers": (inventory, "course")}
ABOUT = {"latency": "Order to final by log, p50 and p99", "cures": "What insiders gain under each cure",
         "share": "Gains against the share of blocks", "arbitrage": "Opportunities found, attempted and taken",
         "reserved": "How long legs are reserved", "oracle": "Error of the oracle against the share of liars",
         "book": "Middle, spread, depth and trades over time", "makers": "Inventory and profit of makers over time"}


def plots(raw):
    """Name of a file under results/ and its content, for each plot that the figures are enough for."""
    for name, (draw, _) in PLOTS.items():
        if content := draw(raw["found"]):
            yield f"markets-{name}.svg", content


def pictures(part, found):
    """Lines of the page that show the plots of a part."""
    out = []
    for name, (draw, of) in PLOTS.items():
        if of == part and draw(found):
            out += [f"![{ABOUT[name]}](markets-{name}.svg)", ""]
    return out
