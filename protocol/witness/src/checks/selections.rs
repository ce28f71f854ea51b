//! How many honest selections the tests of skips reject.

use crate::checks::{EXCLUDED, binomial, is_answered_in_time};
use crate::odds::Distribution;
use crate::{Witness, WitnessMetric};
use anthill_protocol::{Check, RunFacts};

/// Of the sampled round trips, so many may be longer than a timeout without one being found so (by
/// chance with probability e⁻¹⁰).
const UNSEEN: f64 = 10.0;

/// Honest selections that the tests reject beside the exact rate at the true availability.
///
/// Two things make the count of a right run differ. A verifier whose answer comes late counts as
/// skipped: where the sample of round trips finds any the rate does not hold, and where it finds none
/// there may be a few nevertheless, which raise it a little. And selections that are not complete at
/// the end are those with many skips: they may all be rejected later, or none.
pub(super) fn rejected(witness: &Witness, facts: &RunFacts) -> Option<Check> {
    let of = |metric| facts.totals.of(metric);
    let selections = of(WitnessMetric::Selections);
    let availability = witness.availability;
    // Far below what the tests assume draws are too long for an exact law, and all are rejected.
    if facts.disturbed || selections == 0 || availability < 0.5 {
        return None;
    }
    let begun =
        [WitnessMetric::Started, WitnessMetric::RolloversStarted, WitnessMetric::JoinsStarted];
    let open = begun.into_iter().map(of).sum::<u64>().saturating_sub(selections);
    let rejected = of(WitnessMetric::FalseRejections);
    // A sum of probabilities may be rounded to more than 1.
    let rate = |availability| witness.tests.false_rejection(availability).either.min(1.0);
    let late = match facts.answers.round_trips.len() {
        0 => 0.0,
        samples => (UNSEEN / samples as f64).min(0.1),
    };
    let (expected, most) = (rate(availability), rate(availability * (1.0 - late)));
    let (name, bound) = (
        "honest selections rejected",
        "verifiers answer independently and in time, nobody pauses or leaves, nothing else disturbs",
    );
    let check = binomial(name, bound, rejected as u32, selections as u32, expected);
    let trials = (selections + open) as u32;
    let is_too_many = Distribution::binomial(trials, most).at_least(rejected as u32) < EXCLUDED;
    let is_too_few =
        Distribution::binomial(trials, expected).at_most((rejected + open) as u32) < EXCLUDED;
    let happenings = &witness.happenings;
    let all_stay = happenings.pause.is_none() && happenings.leave.is_none();
    let check = Check { ok: !is_too_many && !is_too_few, ..check };
    Some(check.only_if(all_stay && is_answered_in_time(witness, facts)))
}
