//! What must hold of a finished run.

use super::{Witness, WitnessMetric};
use crate::{Check, RunFacts};

/// Credit is conserved to the unit; nobody is paid twice with one withdrawal.
pub(super) fn checks(_witness: &Witness, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let pots = [WitnessMetric::Held, WitnessMetric::Reserved, WitnessMetric::Gas];
    let found = pots.into_iter().fold(0u64, |sum, pot| sum.wrapping_add(of(pot)));
    let made = of(WitnessMetric::Issued).wrapping_add(of(WitnessMetric::Counterfeit));
    let attacked = of(WitnessMetric::Attempts) > 0;
    let double_spends = Check::exact(
        "accepted double spends",
        "fewer corrupt witnesses than a draw needs",
        of(WitnessMetric::DoubleSpends) as f64,
        0.0,
    );
    vec![
        Check::exact(
            "credit: wallets + under way + gas = issued + counterfeit",
            "always, to the unit",
            found as f64,
            made as f64,
        ),
        Check { expected_violation: attacked, ..double_spends },
    ]
}
