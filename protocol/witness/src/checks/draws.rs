//! What theory expects of attacks on draws and on the timeline from which they follow.

use crate::adversary::{Adversary, Attack};
use crate::checks::{Expectation, is_ordinary};
use crate::odds::{Distribution, draws_bought, found_by_grinding};
use crate::{Witness, WitnessMetric};
use anthill_protocol::{Check, RunFacts};

/// Where there is a closed form.
pub(super) fn expectation(witness: &Witness, adversary: &Adversary) -> Option<Expectation> {
    let (terms, genesis) = (&witness.terms, &witness.genesis);
    let collusion = adversary.collusion(genesis, terms);
    let p = collusion.accepted(2);
    let happenings = &witness.happenings;
    let nobody_leaves = happenings.pause.is_none() && happenings.leave.is_none();
    let all_answer = witness.availability == 1.0;
    Some(match adversary.attack {
        Attack::Backdated { tries } => {
            // An author's stampers are the same every time: if some are authors more than once, who
            // stamps for whom is taken as it is.
            let stamps = match terms.rules.no_backdating {
                false => 1.0,
                true if adversary.attempts <= adversary.held_count => {
                    adversary.stamps_lie(genesis, terms)
                }
                true => witness.authors_with_liars(adversary),
            };
            Expectation::spends(
                "double spends by entropy dated back",
                "all answer, no other events: 1 - (1 - p)^tries; with R1 times P(half of the stamps lie)",
                stamps * found_by_grinding(p, tries),
            )
            .only_if(all_answer && nobody_leaves)?
        }
        Attack::Withholder { .. } if terms.rules.settled_draw => Expectation::spends(
            "double spends by events not known",
            "all answer, no other events: with R2 one draw, hypergeometric tail",
            p,
        )
        .only_if(all_answer && nobody_leaves)?,
        Attack::Eclipse => Expectation::spends(
            "double spends against an eclipsed payee",
            "hypergeometric: all signatures by corrupt witnesses; without R2 and R4 all",
            match (terms.rules.settled_draw, terms.rules.signing_promises) {
                (true, _) => collusion.corrupt_witnesses().at_least(terms.redundancy),
                (false, false) => 1.0,
                // Who is asked first is a race.
                (false, true) => return None,
            },
        ),
        Attack::Sybil { .. } => Expectation::spends(
            "double spends by identities of one owner",
            "all have joined, and without R9 nobody convicts them: hypergeometric tail",
            p,
        )
        // What the first successes cost is missing among the witnesses of those that follow.
        .only_if(nobody_leaves && !terms.rules.witnesses_claim)?,
        Attack::DrawBuyer { hops } => Expectation::spends(
            "double spends after paying oneself for a draw",
            "draws independent: 1 - (1 - p)^hops, p a hypergeometric tail",
            found_by_grinding(p, hops),
        )
        .only_if(nobody_leaves)?,
        _ => return None,
    })
}

/// Figures that are no share with a closed form.
pub(super) fn others(witness: &Witness, adversary: &Adversary, facts: &RunFacts) -> Option<Check> {
    let of = |metric| facts.totals.of(metric);
    if facts.disturbed || of(WitnessMetric::Decided) != u64::from(adversary.attempts) {
        return None;
    }
    let happenings = &witness.happenings;
    if happenings.pause.is_some() || happenings.leave.is_some() {
        return None;
    }
    let check = match adversary.attack {
        Attack::DrawBuyer { hops } => Some(price(witness, adversary, hops, facts)),
        Attack::Withholder { .. }
            if !witness.terms.rules.settled_draw && witness.availability == 1.0 =>
        {
            Some(withholding(witness, adversary, of(WitnessMetric::DoubleSpends) as u32))
        }
        _ => None,
    };
    Some(check?.only_if(is_ordinary(witness, facts)))
}

/// The mean gas until a draw suits, or none did.
fn price(witness: &Witness, adversary: &Adversary, hops: u32, facts: &RunFacts) -> Check {
    let gas = witness.terms.gas as f64;
    let p = adversary.collusion(&witness.genesis, &witness.terms).accepted(2);
    let (mean, variance) = draws_bought(p, hops);
    let attempts = f64::from(adversary.attempts);
    let measured = facts.totals.of(WitnessMetric::DrawGas) as f64 / attempts;
    let (expected, error) = (gas * mean, gas * libm::sqrt(variance / attempts));
    Check {
        name: "gas for a favourable draw",
        bound: "mean of a geometric law cut off at `hops`: gas (1 - (1 - p)^hops) / p; normal",
        // Beyond 4.9 standard errors with probability 1e-6.
        ok: (measured - expected).abs() <= 4.9 * error,
        expected_violation: false,
        measured,
        expected,
        interval: (expected - 1.96 * error, expected + 1.96 * error),
        not_judged: None,
    }
}

/// Successes beside a simulation of the draws: neither sample alone excludes the other.
fn withholding(witness: &Witness, adversary: &Adversary, successes: u32) -> Check {
    let (found, rounds) = witness.simulate_withholding(adversary);
    let trials = adversary.attempts;
    let share = |count: u32, of: u32| f64::from(count) / f64::from(of);
    // Fisher's exact test: given how many of both were successes.
    let law = Distribution::hypergeometric(trials + rounds, successes + found, trials);
    let tail = law.at_least(successes).min(law.at_most(successes));
    let least = (0..=trials).find(|count| law.at_most(*count) >= 0.025).unwrap_or(0);
    Check {
        name: "double spends by events not known",
        bound: "all answer, no other events: simulated draws, Fisher's exact test",
        ok: tail >= crate::checks::EXCLUDED,
        expected_violation: false,
        measured: share(successes, trials),
        expected: share(found, rounds),
        interval: (share(least, trials), share(law.threshold(0.025).saturating_sub(1), trials)),
        not_judged: None,
    }
}
