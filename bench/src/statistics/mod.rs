//! What a handful of runs says: means with intervals, medians with spread, paired differences,
//! exponents of power laws.
//!
//! Every interval is of 95 % and from Student's t (of shares that are 0 or 1 in every run: Clopper and
//! Pearson's), so it holds for means of few samples as long as these are independent and not far from
//! normal, and it stays within the values that the quantity can have ([`Range`]). Nothing is made up:
//! where there are too few samples for an interval, or all are equal, there is none, rather than one
//! of width zero. Verdicts on differences rest on the exact `sign_flip` test, which assumes no law.
//! Logarithms are `libm`'s, so that equal samples give equal bytes on every machine.

mod fit;
mod paired;
mod proportion;
mod range;
mod sample;
mod sign_flip;

pub(crate) use fit::{Fit, power_law};
pub(crate) use paired::{Paired, adjusted, pairs_needed};
pub(crate) use range::Range;
pub(crate) use sample::{Mean, Spread};

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The 97.5 % point of Student's t: how many standard errors a 95 % interval reaches.
fn reach(degrees: usize) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, degrees as f64).ok()?;
    Some(student.inverse_cdf(0.975))
}

#[cfg(test)]
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * b.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From printed tables of Student's t.
    #[test]
    fn the_distribution_is_that_of_the_tables() {
        for (degrees, expected) in
            [(1, 12.706_204_736), (2, 4.302_652_730), (10, 2.228_138_852), (1000, 1.962_339_081)]
        {
            let found = reach(degrees).expect("degrees of freedom");
            assert!((found - expected).abs() < 1e-6, "{degrees}: {found}");
        }
        assert_eq!(reach(0), None);
    }
}
