//! What must hold of a finished run, and what theory expects of one under attack.

use super::adversary::{Adversary, Attack};
use super::odds::{Collusion, Distribution, seen_by_coalition};
use super::{Witness, WitnessMetric};
use crate::{Check, RunFacts, Span};

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
    checks.extend(same_timelines(witness, facts));
    checks.extend(witness.adversary.as_ref().and_then(|a| under_attack(witness, a, facts)));
    checks
}

/// The name of the check that all verifiers hold the same timeline.
pub(super) const TIMELINES_EQUAL: &str = "timelines: spread of the verifiers' checksums";

/// Once nothing has happened for a while, all verifiers hold the same timeline: n Σc² = (Σc)², which
/// holds of equal checksums c alone, but for one case in 2³² as the sums are modulo 2⁶⁴.
fn same_timelines(witness: &Witness, facts: &RunFacts) -> Option<Check> {
    let of = |metric| facts.totals.of(metric);
    let (terms, happenings) = (&witness.terms, &witness.happenings);
    let (quiet, holders) = (QUIET + terms.timeout * 8, of(WitnessMetric::TimelineHolders));
    let ends = happenings.until + happenings.pause_length + quiet;
    let all = u64::from(witness.genesis.verifiers());
    let is_sent_to_all = u64::from(happenings.receivers) >= all;
    if holders == 0 || facts.until < ends || facts.disturbed || !is_sent_to_all {
        return None;
    }
    let sum = of(WitnessMetric::TimelineSum);
    let squares = holders.wrapping_mul(of(WitnessMetric::TimelineSquares));
    let spread = squares.wrapping_sub(sum.wrapping_mul(sum));
    let bound = "all verifiers hold one, and it is the same";
    let found = if holders == all { spread as f64 } else { f64::MAX };
    Some(Check::exact(TIMELINES_EQUAL, bound, found, 0.0))
}

/// How long an event may be on its way.
const QUIET: Span = Span::from_secs(60);

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
