//! When commands come.

use crate::draw::Draws;

/// A point process, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// At a constant rate.
    Poisson {
        /// Per second.
        rate: f64,
    },
    /// Hawkes 1971 with an exponential kernel: every arrival raises the rate by `branching` ×
    /// `decay`, which fades at the rate `decay`. The mean rate is `base` / (1 − `branching`), and
    /// counts in long windows have the Fano factor 1 / (1 − `branching`)².
    Hawkes {
        /// μ, per second.
        base: f64,
        /// n, the arrivals that one causes: below 1.
        branching: f64,
        /// β, per second.
        decay: f64,
        /// The rate above `base` now.
        excited: f64,
    },
    /// Quiet and busy periods with exponential lengths.
    Bursts {
        /// Per second in a quiet period.
        quiet: f64,
        /// Per second in a busy one.
        busy: f64,
        /// Quiet periods' mean length, in seconds.
        calm: f64,
        /// Busy periods' mean length, in seconds.
        burst: f64,
        /// Whether it is busy now.
        now: bool,
    },
}

impl Arrivals {
    /// A Hawkes process that starts at its base rate.
    pub fn hawkes(base: f64, branching: f64, decay: f64) -> Self {
        Arrivals::Hawkes { base, branching, decay, excited: 0.0 }
    }

    /// Bursts that start in a quiet period.
    pub fn bursts(quiet: f64, busy: f64, calm: f64, burst: f64) -> Self {
        Arrivals::Bursts { quiet, busy, calm, burst, now: false }
    }

    /// Arrivals per second in the long run.
    pub fn mean_rate(&self) -> f64 {
        match *self {
            Arrivals::Poisson { rate } => rate,
            Arrivals::Hawkes { base, branching, .. } => base / (1.0 - branching),
            Arrivals::Bursts { quiet, busy, calm, burst, .. } => {
                (quiet * calm + busy * burst) / (calm + burst)
            }
        }
    }

    /// The seconds until the next arrival.
    pub fn gap(&mut self, draws: &mut Draws) -> f64 {
        match self {
            Arrivals::Poisson { rate } => draws.exponential() / *rate,
            // Ogata's thinning: between arrivals the rate only falls.
            Arrivals::Hawkes { base, branching, decay, excited } => {
                let mut gap = 0.0;
                loop {
                    let bound = *base + *excited;
                    let step = draws.exponential() / bound;
                    gap += step;
                    *excited *= libm::exp(-*decay * step);
                    if draws.unit() * bound <= *base + *excited {
                        *excited += *branching * *decay;
                        return gap;
                    }
                }
            }
            Arrivals::Bursts { quiet, busy, calm, burst, now } => {
                let mut gap = 0.0;
                loop {
                    let (rate, length) = if *now { (*busy, *burst) } else { (*quiet, *calm) };
                    // Memoryless: whichever comes first, arrival or change of period.
                    let total = rate + 1.0 / length;
                    gap += draws.exponential() / total;
                    if draws.unit() * total <= rate {
                        return gap;
                    }
                    *now = !*now;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
