//! What must hold of a finished run, and what theory expects of one under attack.

use super::adversary::{Adversary, Attack};
use super::odds::{Collusion, Distribution, seen_by_coalition};
use super::{Witness, WitnessMetric};
use crate::{Check, RunFacts};

/// Credit is conserved to the unit; nobody is paid twice with one withdrawal; attacks succeed as
/// often as their closed form says.
pub(super) fn checks(witness: &Witness, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let pots = [WitnessMetric::Held, WitnessMetric::Reserved, WitnessMetric::Gas];
    let found = pots.into_iter().fold(0u64, |sum, pot| sum.wrapping_add(of(pot)));
    let made = of(WitnessMetric::Issued).wrapping_add(of(WitnessMetric::Counterfeit));
    let double_spends = Check::exact(
        "accepted double spends",
        "no witness corrupt, all corrections on",
        of(WitnessMetric::DoubleSpends) as f64,
        0.0,
    );
    let holes = witness.adversary.is_some();
    let mut checks = vec![
        Check::exact(
            "credit: wallets + under way + gas = issued + counterfeit",
            "always, to the unit",
            found as f64,
            made as f64,
        ),
        Check { expected_violation: holes, ..double_spends },
    ];
    checks.extend(false_rejections(witness, facts));
    checks.extend(witness.adversary.as_ref().and_then(|a| under_attack(witness, a, facts)));
    checks
}

/// Honest selections that the tests reject beside the exact rate at the true availability.
fn false_rejections(witness: &Witness, facts: &RunFacts) -> Option<Check> {
    let selections = facts.totals.of(WitnessMetric::Selections) as u32;
    if facts.disturbed || selections == 0 {
        return None;
    }
    // As a share of all draws: 2⁶⁴ of them is 1.
    let availability = witness.availability as f64 / u64::MAX as f64;
    let expected = witness.tests.false_rejection(availability).either;
    let rejected = facts.totals.of(WitnessMetric::FalseRejections) as u32;
    let (name, bound) =
        ("honest selections rejected", "verifiers answer independently, nothing else disturbs");
    Some(binomial(name, bound, rejected, selections, expected))
}

/// The measured success of an attack beside its closed form, once all attempts are decided.
fn under_attack(witness: &Witness, adversary: &Adversary, facts: &RunFacts) -> Option<Check> {
    let of = |metric| facts.totals.of(metric) as u32;
    let rules = witness.terms.rules;
    let (verifiers, corrupt) = (witness.genesis.verifiers(), adversary.held_count);
    let (witnesses, redundancy) = (witness.terms.witnesses, witness.terms.redundancy);
    let closed = |stops: bool| if stops { 0.0 } else { 1.0 };
    let (name, bound, successes, trials, p) = match adversary.attack {
        Attack::Colluding => {
            let collusion = Collusion { verifiers, corrupt, witnesses, redundancy };
            (
                "double spends by colluding witnesses",
                "all verifiers online, nothing lost: hypergeometric tail",
                of(WitnessMetric::DoubleSpends),
                of(WitnessMetric::Decided),
                collusion.accepted(2),
            )
        }
        Attack::DoubleSigner => (
            "double spends by asking all witnesses for both",
            "no corrupt witness: none with R4, all without",
            of(WitnessMetric::DoubleSpends),
            of(WitnessMetric::Decided),
            closed(rules.signing_promises),
        ),
        Attack::Fractional => (
            "overspends by three withdrawals of 40 %",
            "no corrupt witness: none with R5, all without",
            of(WitnessMetric::DoubleSpends),
            of(WitnessMetric::Decided),
            closed(rules.chained),
        ),
        Attack::Coalition => (
            "payments seen by a coalition",
            "one source each: hypergeometric",
            of(WitnessMetric::Seen),
            of(WitnessMetric::Final),
            seen_by_coalition(verifiers, corrupt, 2 * witnesses),
        ),
    };
    let complete = adversary.attack == Attack::Coalition || trials == adversary.attempts;
    let honest_network = !facts.disturbed && trials > 0;
    (complete && honest_network).then(|| binomial(name, bound, successes, trials, p))
}

/// A count of independent successes beside its probability: excluded at p < 1e-6, two-sided.
fn binomial(name: &'static str, bound: &'static str, successes: u32, trials: u32, p: f64) -> Check {
    let share = |count: u32| f64::from(count) / f64::from(trials);
    let (ok, interval) = if p <= 0.0 || p >= 1.0 {
        (share(successes) == p, (p, p))
    } else {
        let law = Distribution::binomial(trials, p);
        let tail = law.at_least(successes).min(law.at_most(successes));
        let least = (0..=trials).find(|count| law.at_most(*count) >= 0.025).unwrap_or(0);
        (tail >= 5e-7, (share(least), share(law.threshold(0.025).saturating_sub(1))))
    };
    let (measured, expected_violation) = (share(successes), false);
    Check { name, bound, ok, expected_violation, measured, expected: p, interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_judged_by_their_law() {
        let check = |successes, p| binomial("", "", successes, 1_000, p);
        assert!(check(250, 0.25).ok && check(300, 0.25).ok && !check(340, 0.25).ok);
        assert!(check(0, 0.001).ok && !check(0, 0.02).ok);
        assert!(
            check(0, 0.0).ok && !check(1, 0.0).ok && check(1_000, 1.0).ok && !check(999, 1.0).ok
        );
        let (low, high) = check(250, 0.25).interval;
        // 1.96 standard deviations of 0.0137.
        assert!((0.221..0.225).contains(&low) && (0.275..0.279).contains(&high), "{low} {high}");
    }
}
