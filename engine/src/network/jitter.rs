//! How delays vary from message to message, made ready to draw from.

use super::fit::Figures;
use super::link::{DEFAULT_SIGMA, Link, MAX_SIGMA, MIN_SIGMA, pareto_scale};
use super::quantile::Quantile;
use super::{JitterSpec, NetworkError, gamma, load};

/// Least shape of a gamma distribution.
const MIN_SHAPE: f64 = 0.1;
/// Greatest shape, which is close to normal.
const MAX_SHAPE: f64 = 100.0;

/// What the links of a network are made of; the table of quantiles goes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Jitter {
    /// An excess above a floor, of the table's shape.
    Above {
        /// Factor on the table; `None`: as each link's figures have it.
        sigma: Option<f64>,
    },
    /// Pareto, over the table of Exp(1).
    Pareto,
    /// No variation: each delay is the table's median, or its mean.
    None,
}

impl Jitter {
    /// Lognormal with the σ that figures have, or 0.25.
    pub(crate) const FITTED: Self = Self::Above { sigma: None };

    /// What a scenario asks for, with its table. `pareto` says that the source of the latencies
    /// varies them by Pareto, which is then the fit. What is to be said of a file is added to `notes`.
    pub(crate) fn build(
        spec: &JitterSpec,
        pareto: bool,
        notes: &mut Vec<String>,
    ) -> Result<(Self, Quantile), NetworkError> {
        // Shapes that the table holds as they are.
        const AS_IT_IS: Jitter = Jitter::Above { sigma: Some(1.0) };
        match spec {
            JitterSpec::Fitted if pareto => Ok((Self::Pareto, Quantile::exponential())),
            JitterSpec::Fitted => Ok((Self::FITTED, Quantile::normal())),
            JitterSpec::Lognormal { sigma } => {
                within("network.jitter.sigma", *sigma, MIN_SIGMA, MAX_SIGMA)?;
                Ok((Self::Above { sigma: Some(*sigma) }, Quantile::normal()))
            }
            JitterSpec::Gamma { shape } => {
                within("network.jitter.shape", *shape, MIN_SHAPE, MAX_SHAPE)?;
                Ok((AS_IT_IS, gamma::log_quantiles(*shape)))
            }
            JitterSpec::Pareto => Ok((Self::Pareto, Quantile::exponential())),
            // Drawn from and multiplied by nothing.
            JitterSpec::None => Ok((Self::None, Quantile::exponential())),
            JitterSpec::Empirical { path } => {
                let (histogram, said) = load::histogram(path)?;
                notes.extend(said);
                Ok((AS_IT_IS, histogram.log_quantiles()))
            }
        }
    }

    /// The link of measured figures, with whether its floor had to be raised to `min_delay`.
    pub(crate) fn fit(self, figures: Figures, min_delay: u64) -> (Link, bool) {
        match self {
            Self::Above { sigma } => figures.fit(min_delay, sigma),
            Self::Pareto => {
                let mean = libm::round(figures.middle()) as u64;
                let link = Link::pareto(mean, min_delay);
                let link = figures.greatest().map_or(link, |max| link.capped(max));
                (link, pareto_scale(mean) < min_delay)
            }
            Self::None => {
                let delay = libm::round(figures.middle()) as u64;
                (Link::constant(delay.max(min_delay)), delay < min_delay)
            }
        }
    }

    /// Delays without a floor, with this median (for Pareto: mean) in ns.
    pub(crate) fn around(self, centre: u64) -> Link {
        match self {
            Self::Above { sigma } => Link::above(0, centre, sigma.unwrap_or(DEFAULT_SIGMA)),
            Self::Pareto => Link::pareto(centre, 1),
            Self::None => Link::above(0, centre, 0.0),
        }
    }

    /// The link of which nothing is known but that it exists.
    pub(crate) fn assumed(self, min_delay: u64) -> Link {
        match self {
            Self::Above { sigma } => Link::assumed(min_delay, sigma.unwrap_or(DEFAULT_SIGMA)),
            Self::Pareto => Link::pareto(min_delay, min_delay),
            Self::None => Link::constant(2 * min_delay),
        }
    }
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), NetworkError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::field(field, format!("{value}; give {least} to {most}")))
}
