//! The next move of the price given the two best queues: Cont and de Larrard, "Price dynamics in a
//! Markovian limit order market", 2013, for balanced flow (orders arrive as often as they leave).

/// The chance that the next move is up, with `bid` unit orders at the best bid and `ask` at the best
/// ask (proposition 3): (1/π) ∫₀^π (2 − cos t − √((2 − cos t)² − 1))^ask sin(bid t) cot(t/2) dt.
pub fn chance_of_up(bid: u32, ask: u32) -> f64 {
    let (n, p) = (f64::from(bid), f64::from(ask));
    let integrand = |t: f64| {
        if t == 0.0 {
            return 2.0 * n;
        }
        let c = 2.0 - libm::cos(t);
        let base = c - libm::sqrt(c * c - 1.0);
        libm::pow(base, p) * libm::sin(n * t) * libm::cos(t / 2.0) / libm::sin(t / 2.0)
    };
    // Simpson's rule, fine enough for the fastest wave.
    let steps = 400 * u64::from(bid.max(1)).max(5);
    let width = std::f64::consts::PI / steps as f64;
    let inner: f64 = (1..steps)
        .map(|at| integrand(at as f64 * width) * if at % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (integrand(0.0) + inner + integrand(std::f64::consts::PI)) * width
        / (3.0 * std::f64::consts::PI)
}

#[cfg(test)]
mod tests;
