//! Published rates of access links.

/// A quantile function: (probability, bit/s), both rising, from probability 0 to 1.
pub type Quantiles = &'static [(f64, u64)];

/// Uplinks of Bitcoin nodes after Gervais et al. 2016.
pub const GERVAIS_2016_UP: Quantiles = &[(0.0, 1_000_000), (1.0, 1_000_000)];

/// Downlinks of Bitcoin nodes after Gervais et al. 2016.
pub const GERVAIS_2016_DOWN: Quantiles = &[(0.0, 1_000_000), (1.0, 1_000_000)];
