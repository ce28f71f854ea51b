"""Every attack on the witness protocol, beside what theory expects of it: the parts of
scripts/bench-witness whose outcomes depend on no machine."""

import math

from witness_runs import anthill, found, sets

ATTACKS = [
    ("double-signer", "two contracts of one withdrawal, all witnesses asked for both", "r4"),
    ("fractional-overspend", "three withdrawals of 40 %, two to each witness", "r5"),
    ("receipt-twin", "two receipts with other new witnesses of one set of signatures", "r3"),
    ("receipt-replay", "a receipt shown again after its fund was spent", "r6"),
]


def attack(kind, nodes, attempts, until="600s", **more):
    changes = {"adversary__kind": kind, "workload__rate": 0.0, "adversary__attempts": attempts}
    return anthill("--nodes", nodes, "--until", until, *sets(**changes, **more))


def attacks(options):
    """Success of each attack under both rule sets, and with its own correction alone off."""
    rows = []
    for kind, about, rule in ATTACKS:
        row = {"kind": kind, "about": about, "rule": rule.upper()}
        # One rule alone off lets honest witnesses sign twice, and each conviction is told to every
        # verifier: attempts times verifiers messages.
        for name, attempts, more in (("seed", 10_000, {"protocol__rules": "seed"}),
                                     ("corrected", 10_000, {}),
                                     ("alone off", 2_000, {f"protocol__{rule}": "off"})):
            attempts, nodes = (100, "2k") if options.quick else (attempts, str(5 * attempts + 2_000))
            run = attack(kind, nodes, attempts, **more)
            assert run["metrics"]["double_spend_decided"] == attempts, run["metrics"]
            row[name] = (run["metrics"]["double_spend_accepted"], attempts)
        rows.append(row)
    return rows


def stakes(options):
    """What R8 and R9 change, under the original's rules, the corrected ones, and each alone off."""
    attempts = 100 if options.quick else 1_000
    cases = [("early-leaver", "r7", "convictions that cost those who left no stake",
              lambda m: (m["stakes_kept"], m["convicted"])),
             ("self-claimer", "r8", "convictions that cost the coalition no stake",
              lambda m: (m["stakes_kept"], m["convicted"])),
             ("colluding-witnesses", "r9", "accepted double spends that nobody is convicted of",
              lambda m: (m["double_spend_accepted"] - m["convicted"], m["double_spend_accepted"]))]
    rows = []
    for kind, rule, about, counts in cases:
        row = {"kind": kind, "about": about, "rule": rule.upper(), "attempts": attempts}
        # R7 shows when somebody is convicted, for which the original's rules lack R9.
        original = {"protocol__rules": "seed", **({"protocol__r9": "on"} if rule == "r7" else {})}
        for name, more in (("seed", original), ("corrected", {}),
                           ("alone off", {f"protocol__{rule}": "off"})):
            if rule == "r7":
                more = {**more, "protocol__time_to_consistency": "2h", "until": "130min"}
            row[name] = counts(colluding(2_000, 0.25, attempts, kind, **more)["metrics"])
        rows.append(row)
    return rows


def colluding(verifying, fraction, attempts, kind, size=3, **more):
    """Attempts by casts of that size against so many verifiers, a share of them corrupt."""
    nodes = 2 + verifying + size * attempts + 8
    return attack(kind, str(nodes), attempts, adversary__fraction=fraction,
                  protocol__verifiers=f"{verifying / (nodes - 2):.9f}", **more)


def conviction(options):
    """Accepted double spends whose witnesses are convicted, and what the attack yields."""
    attempts, fractions = (100, (0.25,)) if options.quick else (2_000, (0.2, 0.25, 0.3, 0.35, 0.4))
    rows = []
    for fraction in fractions:
        run = colluding(2_000, fraction, attempts, "colluding-witnesses")
        metrics, latency = run["metrics"], run["latency_ns"]["conviction"]
        rows.append({"verifiers": 2_000, "fraction": fraction, "attempts": attempts,
                     "accepted": metrics["double_spend_accepted"],
                     "convicted": metrics["convicted"], "claims": metrics["claims"],
                     "p50": latency["p50"], "p99": latency["p99"],
                     "named": metrics["guilty_named"], "price": metrics["stake_price"],
                     "stake_lost": metrics["stake_lost"], "gain": metrics["counterfeit"],
                     "gas": metrics["gas"],
                     **found(run, "accepted double spends convicted")})
    return rows


def collusion(options):
    """Share of attempts that succeed, beside the hypergeometric tail."""
    grid = {(1_000, 62): (0.1, 0.2, 0.3), (2_000, 62): (0.15, 0.2, 0.25, 0.3, 0.35),
            (5_000, 62): (0.2, 0.25), (2_000, 67): (0.25, 0.3, 0.35), (2_000, 75): (0.35, 0.45, 0.5)}
    if options.quick:
        grid = {(1_000, 62): (0.2,)}
    attempts = 200 if options.quick else 4_000
    rows = []
    for (verifying, redundancy), fractions in grid.items():
        for fraction in fractions:
            # Nobody is convicted: what follows an accepted attempt is the part `conviction`.
            run = colluding(verifying, fraction, attempts, "colluding-witnesses",
                            protocol__redundancy=redundancy, protocol__r9="off")
            rows.append({"verifiers": verifying, "redundancy": redundancy, "fraction": fraction,
                         "attempts": attempts, **found(run, "double spends by colluding")})
    return rows


def variants(options):
    """Collusion that spends a fund more than twice, or several funds, or while witnesses are away."""
    cases = [*((dict(spends=m), f) for m, fractions in
               ((3, (0.35, 0.4, 0.45)), (4, (0.45, 0.5, 0.55)), (5, (0.45, 0.5, 0.55)))
               for f in fractions),
             *((dict(online=0.9), f) for f in (0.15, 0.2, 0.25, 0.35)),
             *((dict(sources=k), f) for k, fractions in ((2, (0.2, 0.25, 0.3)), (3, (0.25, 0.3)))
               for f in fractions)]
    rows = []
    for variant, fraction in cases[1:2] if options.quick else cases:
        attempts = 200 if options.quick else 2_000
        size = variant.get("spends", 2) + variant.get("sources", 1)
        run = colluding(2_000, fraction, attempts, "colluding-witnesses", size, protocol__r9="off",
                        **{f"adversary__{key}": value for key, value in variant.items()})
        rows.append({"variant": variant, "verifiers": 2_000, "fraction": fraction,
                     "attempts": attempts, **found(run, "double spends by colluding")})
    return rows


def dates(options):
    """Receipts kept back until their promises are void, and contracts with wrong dates."""
    attempts = 100 if options.quick else 2_000
    cases = [("stale-receipt", rules, dict(leniency=leniency), {}, "double spends with a receipt")
             for rules, leniency in (("seed", "1h"), ("corrected", "1h"), ("corrected", "3d"))]
    cases += [("wrong-timestamp", rules, {}, dict(offset=offset, ahead=ahead), "payments with wrong")
              for rules in ("seed", "corrected") for ahead in ("false", "true")
              for offset in ("50min", "70min")]
    rows = []
    for kind, rules, terms, how, check in cases:
        run = attack(kind, str(2 + 2_000 + 8 + 3 * attempts), attempts, until="51h",
                     protocol__verifiers=f"{2_000 / (2_008 + 3 * attempts):.9f}", protocol__rules=rules,
                     protocol__entropy_rate=0.0,
                     **{f"protocol__{key}": value for key, value in terms.items()},
                     **{f"adversary__{key}": value for key, value in how.items()})
        assert run["metrics"]["double_spend_decided"] == attempts, run["metrics"]
        rows.append({"kind": kind, "rules": rules, "terms": terms, "how": how, "attempts": attempts,
                     **found(run, check)})
    return rows


def liars(options):
    """Lies about who answered, ground keys, lazy witnesses: beside their closed forms."""
    cases = [*(("skip-liar", 2_000, dict(adversary__lies=lies, protocol__availability=0.9))
               for lies in (4, 8, 12, 16, 20, 24)),
             *(("skip-liar", 2_000, dict(adversary__adaptive="true", adversary__fraction=fraction))
               for fraction in (0.1, 0.15, 0.2, 0.25)),
             *(("lazy-witness", 2_000, dict(adversary__fraction=fraction)) for fraction in (0.2, 0.3)),
             # All residues of keys that a payee can have.
             *(("key-grinder", 300, dict(adversary__fraction=fraction, adversary__tries=100_000))
               for fraction in (0.08, 0.1)),
             ("key-grinder", 5_000, dict(adversary__fraction=0.12, adversary__tries=300))]
    rows = []
    for kind, attempts, more in cases[3:4] if options.quick else cases:
        attempts = 200 if options.quick else attempts
        run = attack(kind, str(2 + 2_000 + 4 * attempts), attempts,
                     protocol__verifiers=f"{2_000 / (2_000 + 4 * attempts):.9f}", **more)
        for check in run["result"]["checks"]:
            if check["name"].startswith(("credit", "receipts", "stakes", "accepted", "honest", "timelines")):
                continue
            what = ", ".join(f"{k.split('__')[1]} = {v}" for k, v in more.items())
            rows.append({"kind": kind, "what": what, "attempts": attempts, **check})
    return rows


def coalition(options):
    """Share of payments that a coalition of verifiers sees, and of each user's history."""
    rows = []
    for fraction in (0.01,) if options.quick else (0.001, 0.005, 0.01, 0.02, 0.05):
        run = anthill("--nodes", "10002", "--until", "200s", "--table", *sets(
            adversary__kind="coalition", adversary__fraction=fraction))
        payments = found(run, "payments seen by a coalition")
        rows.append({"verifiers": 2_000, "fraction": fraction,
                     "payments": run["metrics"]["payments_final"], **payments,
                     "histories": histories(run["nodes"], payments["expected"])})
    return rows


def histories(nodes, p):
    """Of users with payments: the mean share that was seen and how many were seen wholly, each beside
    what independent payments seen with probability p would give. A payment is in two histories, so
    these are not independent: the variances are bounds from above, by 2ab <= a² + b²."""
    users = [(int(row["history"]), int(row["seen"])) for row in nodes if int(row["history"]) > 0]
    count, whole = len(users), [p**n for n, _ in users]
    share_variance = 2 * p * (1 - p) * sum(1 / n for n, _ in users)
    whole_variance = sum(w * (1 - w) + n * w * w * (1 - p) / p for w, (n, _) in zip(whole, users))

    def beside(measured, expected, variance):
        half = 1.96 * math.sqrt(variance) / count
        return {"measured": measured / count, "expected": expected / count,
                "interval": [max(expected / count - half, 0), min(expected / count + half, 1)]}

    return {"users": count, "payments_each": sum(n for n, _ in users) / count,
            "share": beside(sum(seen / n for n, seen in users), p * count, share_variance),
            "whole": beside(sum(n == seen for n, seen in users), sum(whole), whole_variance)}


def hypergeometric(verifiers, corrupt, least, drawn=100):
    """P(at least so many corrupt among the drawn), from whole numbers."""
    ways = sum(math.comb(corrupt, x) * math.comb(verifiers - corrupt, drawn - x)
               for x in range(least, drawn + 1))
    return ways / math.comb(verifiers, drawn)


def draw_attack(kind, verifying, attempts, size, start_s, **more):
    """An attack with casts of that size, in a network of so many verifiers and the casts."""
    nodes = 2 + verifying + size * attempts + 8 + more.get("adversary__identities", 0)
    share = f"{verifying / (nodes - 2):.9f}"
    changes = {"adversary__kind": kind, "adversary__attempts": attempts, "workload__rate": 0.0,
               "protocol__entropy_rate": 0.0, "protocol__verifiers": share}
    run = anthill("--nodes", str(nodes), "--until", f"{start_s + 10_000}s", *sets(**changes, **more))
    assert run["metrics"]["double_spend_decided"] == attempts, run["metrics"]
    return run


TWO_DAYS = 2 * 86_400
RULES = [("seed", {"protocol__rules": "seed"}), ("corrected", {})]


def timeline_row(kind, rules, verifying, fraction, attempts, run, beginning):
    return {"kind": kind, "rules": rules, "verifiers": verifying, "fraction": fraction,
            "attempts": attempts, "found": run["metrics"]["favourable_draws"],
            "refused": run["metrics"]["events_mistimed"], **found(run, beginning)}


def timeline(options):
    """Entropy dated back and events not known, with and without the rules that stop them."""
    verifying, fraction = (400, 0.2) if options.quick else (2_000, 0.15)
    rows = []
    # Convictions would thin out the coalition while it attacks: what is measured is the draw.
    nobody_claims = {"protocol__r9": "off"}
    for rules, more in [*RULES, ("without R1", {"protocol__r1": "off"})]:
        attempts = 50 if options.quick else 10_500 if rules == "corrected" else 1_000
        more = {**more, **nobody_claims}
        run = draw_attack("backdated-entropy", verifying, attempts, 4, TWO_DAYS + 10 * attempts,
                          adversary__fraction=fraction, adversary__tries=500, **more)
        rows.append(timeline_row("backdated-entropy", rules, verifying, fraction, attempts, run,
                                 "double spends by entropy"))
    for share in () if options.quick else (0.2, 0.25, 0.3):
        # As many attempts as authors: each has stampers of its own.
        attempts = round(share * verifying)
        run = draw_attack("backdated-entropy", verifying, attempts, 4, TWO_DAYS + 10 * attempts,
                          adversary__fraction=share, adversary__tries=500, **nobody_claims)
        rows.append(timeline_row("backdated-entropy", "corrected", verifying, share, attempts, run,
                                 "double spends by entropy"))
    for rules, more in [*RULES, ("without R2", {"protocol__r2": "off"})]:
        few = (400, 0.15) if options.quick else (1_000, 0.1)
        size, share = few if rules == "corrected" else (verifying, fraction)
        attempts = 100 if options.quick else 10_000 if rules == "corrected" else 2_000
        more = {**more, **nobody_claims}
        run = draw_attack("event-withholder", size, attempts, 4, 3_600, adversary__fraction=share,
                          **more)
        rows.append(timeline_row("event-withholder", rules, size, share, attempts, run,
                                 "double spends by events"))
    return rows


def eclipse(options):
    """Double spends against payees that hear only the adversary."""
    rows = []
    for fraction in (0.3, 0.6) if options.quick else (0.2, 0.3, 0.4, 0.55, 0.6, 0.65):
        attempts = 50 if options.quick else 1_000
        run = draw_attack("eclipse", 400 if options.quick else 2_000, attempts, 3, TWO_DAYS,
                          adversary__fraction=fraction)
        rows.append({"fraction": fraction, "attempts": attempts, **found(run, "double spends against")})
    return rows


def sybil(options):
    """Identities of one owner that join, and the stake they take."""
    honest = 400 if options.quick else 2_000
    rows = []
    for target in (0.5,) if options.quick else (0.01, 0.1, 0.5, 0.9):
        least, most = 0, honest
        while least < most:
            middle = (least + most) // 2
            if hypergeometric(honest + middle, middle, 24) >= target:
                most = middle
            else:
                least = middle + 1
        attempts = 50 if options.quick else 1_000
        # With R9 the convictions of the first successes would thin out the identities of the others.
        run = draw_attack("sybil", honest, attempts, 4, TWO_DAYS, adversary__identities=least,
                          protocol__r9="off")
        rows.append({"honest": honest, "target": target, "identities": least, "attempts": attempts,
                     "stake": run["metrics"]["sybil_stake"], **found(run, "double spends by identities")})
    return rows


def price(options):
    """Gas for self-payments until the witnesses suit."""
    rows = []
    verifying = 400 if options.quick else 2_000
    for fraction, hops in ((0.25, 10),) if options.quick else ((0.2, 40), (0.25, 12), (0.15, 600)):
        attempts = 50 if options.quick else 100 if hops > 100 else 1_000
        run = draw_attack("draw-buyer", verifying, attempts, hops + 3, 20 * hops,
                          adversary__fraction=fraction, adversary__hops=hops)
        p = hypergeometric(verifying, round(fraction * verifying), 24)
        rows.append({"fraction": fraction, "hops": hops, "attempts": attempts, "p": p,
                     "uncut": 1_000 / p, **found(run, "gas for a favourable draw")})
    return rows
