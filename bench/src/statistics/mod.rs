//! What a handful of runs says: means with intervals, medians with spread, paired differences,
//! exponents of power laws.
//!
//! Every interval is of 95 % and from Student's t, so it holds for means of few samples as long as
//! these are independent and not far from normal. Nothing is made up: where there are too few
//! samples for an interval there is none, rather than one of width zero. Logarithms are `libm`'s,
//! so that equal samples give equal bytes on every machine.

mod fit;
mod paired;
mod sample;

pub(crate) use fit::{Fit, power_law};
pub(crate) use paired::{Paired, adjusted};
pub(crate) use sample::{Mean, Spread};

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The 97.5 % point of Student's t: how many standard errors a 95 % interval reaches.
fn reach(degrees: usize) -> Option<f64> {
    student(degrees).map(|t| t.inverse_cdf(0.975))
}

/// The probability of a t at least this far from zero, in either direction.
fn two_sided(t: f64, degrees: usize) -> Option<f64> {
    if t.is_infinite() {
        return student(degrees).map(|_| 0.0);
    }
    student(degrees).map(|distribution| (2.0 * distribution.sf(t.abs())).min(1.0))
}

fn student(degrees: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees as f64).ok()
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
            let tail = two_sided(-expected, degrees).expect("degrees of freedom");
            assert!((tail - 0.05).abs() < 1e-8, "{degrees}: {tail}");
        }
        assert_eq!((reach(0), two_sided(1.0, 0)), (None, None));
        assert_eq!(two_sided(f64::INFINITY, 3), Some(0.0));
        assert_eq!(two_sided(0.0, 3), Some(1.0));
    }
}
