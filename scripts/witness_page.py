"""The page of the witness protocol: a function of results/witness.json, and of nothing else."""

import math
import statistics

import figures as published
from figures import table
from witness_plots import HOLES, TITLES, hole_rows, is_whole


def exponent(xs, ys):
    """Least squares on logarithms: exponent and half its 95 % interval."""
    lx, ly = [math.log(x) for x in xs], [math.log(y) for y in ys]
    mx, my = statistics.mean(lx), statistics.mean(ly)
    sxx = sum((x - mx) ** 2 for x in lx)
    slope = sum((x - mx) * (y - my) for x, y in zip(lx, ly)) / sxx
    n = len(xs)
    if n < 3:
        return slope, float("nan")
    rest = sum((y - my - slope * (x - mx)) ** 2 for x, y in zip(lx, ly))
    t = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57}.get(n - 2, 2.2)
    return slope, t * math.sqrt(rest / (n - 2) / sxx)


def share_rows(rows, first):
    return [[*first(r), f"{r['measured']:.5f}", f"{r['expected']:.5f}",
             f"{r['interval'][0]:.5f}–{r['interval'][1]:.5f}",
             "yes" if r["interval"][0] <= r["measured"] <= r["interval"][1] else "no"] for r in rows]


def holes(found):
    """The comparison of the rules, on one table and one plot."""
    rows = hole_rows(found)
    of = lambda pair: f"{pair[0]:,} of {pair[1]:,}"
    return ["## Nine holes of the original's rules, and what closes them", "",
            "Each attack under the original's rules, under the corrected ones, and with one correction "
            "off and all others on. R1 to R6: attempts whose double spend was accepted, by a coalition of "
            "a share f of the verifiers or with every verifier honest; for R1 and R2 R9 is off throughout, "
            "so that convictions do not thin out the coalition. R7 to R9: of the accepted double "
            "spends of a coalition, those that cost it no stake.", "",
            "![Successes of each attack under the three sets of rules](witness-holes.svg)", "",
            table(["rule", "what it stops", "attack", "corrupt", *TITLES],
                  [[rule, *HOLES[rule], *map(of, pairs)] for rule, pairs in rows.items()]), ""]


def fitted(rows):
    """Exponents of what grows with the number of payments, beside their goals."""
    lines = []
    for name, key, of, among, goal, low, high in (
            ("messages", "messages", "final", rows, "1.00 ± 0.01", 0.99, 1.01),
            ("virtual CPU", "virtual_cpu_s", "virtual_final", rows, "1.00 ± 0.01", 0.99, 1.01),
            ("host CPU", "cpu_s", "final", rows, "–", 0, math.inf),
            ("host CPU from 10⁴ participants up", "cpu_s", "final", rows[1:], "≤ 1.07", 0, 1.07)):
        each = lambda key: [r[key] / r["seeds"] for r in among]
        slope, half = exponent(each(of), each(key))
        is_met = "" if high == math.inf else "met" if low <= slope <= high else "missed"
        lines.append([name, f"{slope:.4f} ± {half:.4f}", goal, is_met])
    return ["Fitted exponents against the number of payments (least squares on logarithms, 95 % interval). "
            "The state of the verifiers fits the cache of this machine at 10⁴ participants, and not from "
            "10⁵ on.", "", table(["of", "exponent", "goal", ""], lines), ""]


# Packets per second of the original program as it ships; some 500 without its pauses.
SEEDS_OWN = 362


def scaling(rows):
    """What a payment costs in networks of different sizes."""
    out = ["## Cost of a payment against the number of participants", "",
           "A fifth are verifiers, 6.2 payments an hour each, 60 virtual seconds, signatures modelled, one "
           "thread. Small networks run with several seeds, which are summed: equal times, so that the "
           "payments are of the same kind (later ones have more sources). CPU is that of the event loop, "
           "median of two interleaved runs (lowest–highest). Virtual CPU is what the handlers of another "
           "run take with one core per node and the costs of messages and signatures that ship; no machine "
           "changes it. No event of the timeline happens in that time; what these cost is counted apart "
           "(`timeline_messages`).", "",
           table(["participants", "seeds", "payments final", "messages each", "of the timeline",
                  "MB on the wire each", "CPU µs each", "virtual CPU ms each", "ns per event",
                  "B per participant", "messages/s (wall)", "payment p50 / p99 ms"],
                 [[f"{r['nodes']:,}", r["seeds"], f"{r['final']:,}", f"{r['messages'] / r['final']:.2f}",
                   f"{r['timeline_messages']:,}", f"{r['bytes_on_wire'] / r['final'] / 1e6:.3f}",
                   f"{r['cpu_us_each']:.0f} ({r['spread'][0]:.0f}–{r['spread'][1]:.0f})",
                   f"{r['virtual_cpu_s'] / r['virtual_final'] * 1e3:.2f}",
                   f"{r['ns_per_event']:.0f}", f"{r['bytes_per_node']:.0f}",
                   f"{r['messages_per_s']:,.0f}",
                   f"{r['payment']['p50'] / 1e6:.0f} / {r['payment']['p99'] / 1e6:.0f}"]
                  for r in rows]), ""]
    if len(rows) > 2:
        out += [*fitted(rows),
                f"The seed's own emulator manages {SEEDS_OWN} packets/s on 107 nodes (some 500 without its pauses): "
                f"{rows[-1]['messages_per_s'] / SEEDS_OWN:,.0f} times fewer than one thread here on "
                f"{rows[-1]['nodes']:,}, {rows[0]['messages_per_s'] / SEEDS_OWN:,.0f} times fewer than on "
                f"{rows[0]['nodes']:,}.", ""]
    if all("idle_bytes_per_node" in r for r in rows):
        out += ["Memory per participant, of the whole process: before anybody pays, and what a payment adds "
                "(receipts, and the funds in the books of two hundred witnesses).", "",
                table(["participants", "B each, nobody pays", "B each after 60 s", "B per payment"],
                      [[f"{r['nodes']:,}", f"{r['idle_bytes_per_node']:,.0f}", f"{r['bytes_per_node']:,.0f}",
                        f"{(r['bytes_per_node'] - r['idle_bytes_per_node']) * r['nodes'] * r['seeds'] / r['final']:,.0f}"]
                       for r in rows]), ""]
    return out


def of_verifiers(found):
    rows = found["verifiers"]
    growth = rows[-1]["cpu"] / rows[0]["cpu"]
    return ["## Cost of a payment against the number of verifiers", "",
            table(["verifiers", "messages each", "CPU µs each"],
                  [[f"{r['verifiers']:,}", f"{r['messages_each']:.1f}", f"{r['cpu']:.0f}"]
                   for r in rows]), "", f"From the first to the last: {growth:.2f}×.", ""]


def of_timeline(found):
    return ["## Holes in the timeline", "",
            "A payment is drawn as a corrupt verifier wants, and its fund is spent twice. Found: "
            "attempts that found a draw that suits, whatever comes of it. R9 is off, so that convictions do "
            "not thin out the coalition while it attacks.", "",
            table(["attack", "rules", "V", "f", "attempts", "found", "measured", "expected",
                   "95 % interval", "inside"],
                  share_rows(found["timeline"],
                             lambda r: [f"`{r['kind']}`", r["rules"], f"{r['verifiers']:,}",
                                        r["fraction"], f"{r['attempts']:,}", f"{r['found']:,}"])),
            ""]


def of_collusion(found):
    return ["## Colluding witnesses", "",
            "Exactly round(f·V) verifiers sign two contracts of one withdrawal; the rest are "
            "shown one of them. Expected: P(X ≥ 2·signatures − 100), X hypergeometric, which is "
            "P(X ≥ 24) for 62 signatures.", "",
            table(["V", "signatures", "f", "attempts", "measured", "expected", "95 % interval", "inside"],
                  share_rows(found["collusion"],
                             lambda r: [f"{r['verifiers']:,}", r["redundancy"], r["fraction"],
                                        f"{r['attempts']:,}"])), ""]


VARIANTS = {"spends": "{} contracts of one withdrawal", "sources": "{} source funds",
            "online": "honest witnesses online with probability {}"}


def of_variants(found):
    return ["## Variants of collusion", "",
            "The same with 62 signatures. m contracts of one withdrawal need X ≥ ⌈(62 m − 100) / (m − 1)⌉ "
            "corrupt witnesses: 43, 50 and 53 for 3, 4 and 5. Of several source funds, drawn "
            "independently, each has to be spent twice. A witness that is away signs nothing, and the "
            "payer sees who is away: the mean over X of P(Bin(100 − X, .9) ≥ 124 − 2 X).", "",
            table(["variant", "V", "f", "attempts", "measured", "expected", "95 % interval", "inside"],
                  share_rows(found["variants"],
                             lambda r: [VARIANTS[[*r["variant"]][0]].format([*r["variant"].values()][0]),
                                        f"{r['verifiers']:,}", r["fraction"], f"{r['attempts']:,}"])), ""]


def of_dates(found):
    def what(r):
        if r["how"]:
            return f"{r['how']['offset']} {'ahead' if r['how']['ahead'] == 'true' else 'back'}"
        return f"leniency {r['terms']['leniency']}"

    return ["## Stale receipts and wrong dates", "",
            "No verifier is corrupt. `stale-receipt`: attempts that spend a fund twice by keeping a receipt "
            "until its promises are void (after a time to consistency of two days) and the fund was spent "
            "elsewhere. `wrong-timestamp`: payments refused whose contract is dated so far from the clock; "
            "the leniency is an hour.", "",
            table(["attack", "rules", "with", "attempts", "measured", "expected", "95 % interval", "inside"],
                  share_rows(found["dates"], lambda r: [f"`{r['kind']}`", r["rules"], what(r),
                                                        f"{r['attempts']:,}"])), ""]


def of_conviction(found):
    return ["## Conviction", "",
            "Of the accepted double spends, those whose witnesses are convicted within a minute: a "
            "jury of 100 is drawn for each, of which the corrupt refuse. Expected: P(X ≤ 38), X "
            "hypergeometric. Time: from when the attacker hears of the second acceptance until it "
            "hears of the conviction.", "",
            table(["V", "f", "attempts", "accepted", "convicted of these", "expected",
                   "95 % interval", "inside", "p50 / p99 s", "claims"],
                  [[*cells[:3], f"{r['accepted']:,}", *cells[3:],
                    f"{r['p50'] / 1e9:.2f} / {r['p99'] / 1e9:.2f}", f"{r['claims']:,}"]
                   for r, cells in zip(found["conviction"], share_rows(
                       found["conviction"], lambda r: [f"{r['verifiers']:,}", r["fraction"],
                                                       f"{r['attempts']:,}"]))]), "",
            "What it yields, in million credits: an attempt spends a fund of 1,000 twice, a stake is "
            "100. The stake of an attempt is counted as if it were the coalition's only one; each "
            "verifier has one to lose. Break-even: the fund that an accepted attempt has to spend "
            "twice to pay for stakes and gas.", "",
            table(["f", "witnesses named by a conviction", "gain of an accepted attempt",
                   "stake lost by a convicted one", "net of all attempts, each",
                   "break-even", "stakes lost by the coalition in all"],
                  [[r["fraction"], f"{r['named'] / max(r['convicted'], 1):.2f}",
                    f"{r['gain'] / max(r['accepted'], 1) / 1e6:,.0f}",
                    f"{r['price'] / max(r['convicted'], 1) / 1e6:,.0f}",
                    f"{(r['gain'] - r['price'] - r['gas']) / r['attempts'] / 1e6:,.0f}",
                    f"{(r['price'] + r['gas']) / max(r['accepted'], 1) / 1e6:,.3f}",
                    f"{r['stake_lost'] / 1e8:,.0f}"] for r in found["conviction"]]), ""]


def of_liars(found):
    return ["## Liars, lazy witnesses, ground keys", "",
            "2,000 verifiers; each row is a check of the run beside its closed form.", "",
            table(["attack", "with", "figure", "attempts", "measured", "expected",
                   "95 % interval", "inside"],
                  share_rows(found["liars"],
                             lambda r: [f"`{r['kind']}`", r["what"], r["name"],
                                        f"{r['attempts']:,}"])), ""]


def of_coalition(found):
    rows = found["coalition"]
    out = ["## What a coalition sees", "",
           "Payments one of whose 200 witnesses it holds; expected 1 − C(V−K, 200)/C(V, 200).", "",
           table(["V", "share", "payments", "measured", "expected", "95 % interval", "inside"],
                 share_rows(rows, lambda r: [f"{r['verifiers']:,}", r["fraction"],
                                             f"{r['payments']:,}"])), ""]
    if not all("histories" in r for r in rows):
        return out
    # Where hardly any payment stays unseen the normal law says nothing.
    rows = [r for r in rows if r["payments"] * (1 - r["expected"]) >= 5]
    cells = lambda r, name: share_rows([r["histories"][name]], lambda _: [])[0]
    return out + [
        "The same user by user: the share that it learns of the payments that a user made or received, in "
        "the mean over users, and the users of whom it learns all. Expected: each payment is seen with "
        "that probability. A payment is in two histories; the intervals are normal, by a bound of the "
        "variance from above, where five payments or more should stay unseen.", "",
        table(["share", "users", "payments each", "share learnt", "expected", "95 % interval", "inside",
               "wholly known", "expected", "95 % interval", "inside"],
              [[r["fraction"], f"{r['histories']['users']:,}", f"{r['histories']['payments_each']:.2f}",
                *cells(r, "share"), *cells(r, "whole")] for r in rows]), ""]


def of_eclipse(found):
    return ["## An eclipsed payee", "",
            "It hears only its payer and corrupt verifiers, so its timeline is old. Expected: all 62 "
            "signatures by corrupt witnesses.", "",
            table(["f", "attempts", "measured", "expected", "95 % interval", "inside"],
                  share_rows(found["eclipse"], lambda r: [r["fraction"], f"{r['attempts']:,}"])), ""]


def of_sybil(found):
    return ["## Joined identities", "",
            "The fewest that spend a fund twice so often, and what they stake at 100,000,000 each. R9 is "
            "off: convictions would thin them out while they attack.", "",
            table(["honest verifiers", "aim", "identities", "stake", "attempts", "measured",
                   "expected", "95 % interval", "inside"],
                  share_rows(found["sybil"],
                             lambda r: [f"{r['honest']:,}", r["target"], f"{r['identities']:,}",
                                        f"{r['stake']:,}", f"{r['attempts']:,}"])), ""]


def of_price(found):
    return ["## The price of a favourable draw", "",
            "Gas of self-payments until 24 witnesses are corrupt, or so many were made.", "",
            table(["f", "p of a draw", "1000/p", "at most", "attempts", "mean gas", "expected",
                   "95 % interval", "inside"],
                  [[r["fraction"], f"{r['p']:.5f}", f"{r['uncut']:,.0f}", r["hops"],
                    f"{r['attempts']:,}", f"{r['measured']:,.0f}", f"{r['expected']:,.0f}",
                    f"{r['interval'][0]:,.0f}–{r['interval'][1]:,.0f}",
                    "yes" if r["interval"][0] <= r["measured"] <= r["interval"][1] else "no"]
                   for r in found["price"]]), ""]


def of_churn(found):
    return ["## Verifiers that come and go", "",
            "Away for two minutes in the mean (a trace of exponential sessions); the tests assume "
            "that one in ten is. Not believed: honest draws that the tests reject.", "",
            table(["offline", "started", "final", "share", "given up", "not believed", "of draws",
                   "spendable", "p50 s", "p99 s"],
                  [[r["offline"], f"{r['started']:,}", f"{r['final']:,}",
                    f"{r['final'] / r['started']:.4f}", f"{r['rejected']:,}",
                    f"{r['unbelieved']:,}", f"{r['selections']:,}", f"{r['handed_over']:,}",
                    f"{r['p50'] / 1e9:.2f}", f"{r['p99'] / 1e9:.2f}"] for r in found["churn"]]), ""]


def of_outages(found):
    return ["## Outage and isolation", "",
            "Counted when it happens: a payment that fails is given up a minute or more after it "
            "began.", "",
            table(["what", "phase", "started", "final", "given up"],
                  [[r["about"], r["phase"], f"{r['started']:,}", f"{r['final']:,}",
                    f"{r['rejected']:,}"] for r in found["outages"]]), ""]


def of_partition(found):
    rows = found["partition"]
    out = ["## Two halves, and whole again", "",
           "From minute 10 to 15; verifiers pause for ten minutes twice a day each until minute 25; "
           "time to consistency 20 min. Convergence: from an event until a node holds it; users hear of it "
           "when they pay. With R1 no event happens in either half: its stamps take witnesses of both.", "",
           table(["network", "events", "p50 s", "p90 s", "p99 s", "p99.9 s", "max s",
                  "all timelines equal", "final before / during / after",
                  "given up before / during / after"],
                 [[r["about"], f"{r['published']:,}",
                   *(f"{r[name] / 1e9:.2f}" for name in ("p50", "p90", "p99", "p999", "max")),
                   "yes" if r["equal"] else "no",
                   *(" / ".join(f"{p[name]:,}" for p in r["phases"])
                     for name in ("final", "rejected"))] for r in rows]), ""]
    if not all("verifiers" in r for r in rows):
        return out
    return out + ["Until a verifier holds it:", "",
                  table(["network", "p50 s", "p90 s", "p99 s", "p99.9 s", "max s"],
                        [[r["about"], *(f"{r['verifiers'][name] / 1e9:.2f}"
                                        for name in ("p50", "p90", "p99", "p999", "max"))]
                         for r in rows]), "",
                  "![Verifiers that do not hold an event yet, against its age](witness-convergence.svg)", ""]


def of_availability(found):
    return ["## Verifiers that do not answer", "",
            "Each greeting stays unanswered with probability 1 − availability; the tests assume "
            "0.9. Rejected: honest selections that the tests refuse, beside the exact rate.", "",
            table(["availability", "started", "final", "p50 s", "p99 s", "rejected", "expected",
                   "95 % interval", "inside"],
                  [[r["availability"], f"{r['started']:,}", f"{r['final']:,}",
                    f"{r['p50'] / 1e9:.2f}", f"{r['p99'] / 1e9:.2f}", *cells]
                   for r, cells in zip(found["availability"],
                                       share_rows(found["availability"], lambda _: []))]), ""]


def of_real(found):
    row = found["real"][0]
    return ["## Executed signatures", "",
            f"{row['nodes']} participants, the same run in both modes (same digest).", "",
            table(["mode", "payments final", "CPU ms each", "signatures made each",
                   "checked each", "verified by the host each"],
                  [[mode, f"{r['final']:,}", f"{r['cpu_ms_each']:.2f}", f"{r['made']:.0f}",
                    f"{r['checked']:,.0f}", f"{r['verified']:.0f}"]
                   for mode, r in ((m, row[m]) for m in ("real", "modelled"))]), ""]


# In the order of the page.
SECTIONS = {
    "scaling": lambda found: scaling(found["scaling"]),
    "verifiers": of_verifiers,
    "timeline": of_timeline,
    "collusion": of_collusion,
    "variants": of_variants,
    "conviction": of_conviction,
    "liars": of_liars,
    "dates": of_dates,
    "coalition": of_coalition,
    "eclipse": of_eclipse,
    "sybil": of_sybil,
    "price": of_price,
    "churn": of_churn,
    "outages": of_outages,
    "partition": of_partition,
    "availability": of_availability,
    "real": of_real,
}


def text(found):
    """Every part that was measured."""
    out = holes(found) if is_whole(found) else []
    for name, section in SECTIONS.items():
        if name in found:
            out += section(found)
    return "\n".join(out)


def page(raw):
    commits = {}
    for name, commit in raw["commits"].items():
        commits.setdefault(commit, []).append(name)
    others = [f"{', '.join(names)}: `{commit}`" for commit, names in commits.items()
              if commit != raw["commit"]]
    kept = f" Parts measured before, by commit: {'; '.join(others)}." if others else ""
    return (f"# The witness protocol, measured\n\n{published.measured(raw)}. Written by "
            f"`scripts/bench-witness`.{kept}\n\n{text(raw['found'])}")
