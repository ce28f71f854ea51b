//! Whether executed signatures fit the scenario's budget of CPU time: a few of them are measured,
//! the protocol says how many there will be.
//!
//! Only ever a warning: the estimate is rough, and modelled signatures give the same outcome.

use anthill_engine::crypto::{Batch, CACHED_PUBLIC_KEYS, CACHED_SIGNING_KEYS, Mode, Scheme};
use anthill_engine::scenario::Scenario;
use anthill_protocol::{Claim, Digest, NodeId, SignatureEstimate, Span};

use crate::clock::thread_cpu_ns;
use crate::{Entry, units};

/// More than a signature takes on any machine, in ns: what stays within the budget even so needs no
/// measurement.
const SURELY_ENOUGH_NS: u64 = 1_000_000;

/// What signatures take here, in ns of CPU time each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    sign: f64,
    /// In a batch.
    verify: f64,
    /// Deriving the keys of a node.
    derive: f64,
}

/// The signatures that a run is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    mode: Mode,
    expected: SignatureEstimate,
    nodes: u32,
    budget: Span,
}

impl Forecast {
    /// The forecast for a scenario, if its protocol has one.
    pub(crate) fn of(entry: &Entry, scenario: &Scenario) -> anyhow::Result<Option<Self>> {
        let expected = (entry.signatures)(scenario)?;
        let crypto = &scenario.crypto;
        let (mode, budget, nodes) = (crypto.mode, crypto.budget, scenario.population());
        Ok(expected.map(|expected| Self { mode, expected, nodes, budget }))
    }

    /// What to warn of before a run, measured only if it could be anything.
    pub(crate) fn warning(&self) -> Option<String> {
        let SignatureEstimate { made, verified } = self.expected;
        let most = made.saturating_add(verified).saturating_mul(2 * SURELY_ENOUGH_NS);
        if self.mode == Mode::Modelled || most <= self.budget.0 {
            return None;
        }
        self.warning_with(&Measured::here())
    }

    /// The block of `validate`, and what to warn of.
    pub(crate) fn describe(&self) -> (String, Option<String>) {
        let counts = self.counts();
        if self.mode == Mode::Modelled {
            let text = format!(
                "Signatures\n  mode           modelled: no curve arithmetic\n  \
                 expected       {counts}\n\n"
            );
            return (text, None);
        }
        let measured = Measured::here();
        let text = format!(
            "Signatures\n  mode           real: executed\n  expected       {counts}\n  \
             CPU time       about {} on this machine, crypto.budget {}\n\n",
            units::nanos(self.cpu_ns(&measured)),
            units::span(self.budget.0),
        );
        (text, self.warning_with(&measured))
    }

    fn counts(&self) -> String {
        let SignatureEstimate { made, verified } = self.expected;
        format!("about {} made, {} verified", units::count(made), units::count(verified))
    }

    fn warning_with(&self, measured: &Measured) -> Option<String> {
        let cpu_ns = self.cpu_ns(measured);
        (cpu_ns > self.budget.0).then(|| {
            format!(
                "real signatures would take about {} of CPU time on this machine ({}), more than \
                 crypto.budget, {}: take modelled ones, which give the same outcome \
                 (`anthill run --crypto modelled`, or crypto.mode = \"modelled\"), fewer --nodes, or \
                 a higher crypto.budget",
                units::nanos(cpu_ns),
                self.counts(),
                units::span(self.budget.0),
            )
        })
    }

    fn cpu_ns(&self, measured: &Measured) -> u64 {
        let SignatureEstimate { made, verified } = self.expected;
        // Keys are derived once, or again and again where there are more than are cached.
        let derived = |uses: u64, cached: usize| match self.nodes as usize > cached {
            true => uses,
            false => uses.min(self.nodes.into()),
        };
        let derived = derived(made, CACHED_SIGNING_KEYS) as f64
            + derived(verified, CACHED_PUBLIC_KEYS) as f64;
        let ns = made as f64 * measured.sign
            + verified as f64 * measured.verify
            + derived * measured.derive;
        ns as u64
    }
}

impl Measured {
    /// A few milliseconds of signing and verifying.
    fn here() -> Self {
        const SIGNERS: u32 = 256;
        let mut scheme = Scheme::new(Mode::Real, 1);
        let digest = Digest::of("budget", 1, 0, &[]);
        let mut sign = |first: u32| {
            let nodes = (first..first + SIGNERS).map(NodeId);
            timed(|| nodes.map(|node| scheme.sign(node, &digest)).collect::<Vec<_>>())
        };
        // What only the first use takes: memory of the caches, pages of the program.
        sign(0);
        let (_, new_keys) = sign(SIGNERS);
        let (signatures, known_keys) = sign(SIGNERS);
        let nodes = (SIGNERS..2 * SIGNERS).map(NodeId);
        let claims: Vec<Claim> = nodes
            .zip(signatures)
            .map(|(node, signature)| Claim { key: scheme.public_key(node), digest, signature })
            .collect();
        let mut batch = Batch::new(claims.len());
        batch.verify(&claims[..16]);
        let (verdicts, verify) = timed(|| batch.verify(&claims));
        debug_assert!(verdicts.iter().all(|verdict| *verdict));
        let each = |ns: u64| ns as f64 / f64::from(SIGNERS);
        let derive = each(new_keys.saturating_sub(known_keys));
        Self { sign: each(known_keys), verify: each(verify), derive }
    }
}

/// What something gives, and the CPU time it takes.
fn timed<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let begun = thread_cpu_ns();
    let value = run();
    (value, thread_cpu_ns() - begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURED: Measured = Measured { sign: 10.0, verify: 20.0, derive: 5.0 };

    fn forecast(nodes: u32, made: u64, verified: u64) -> Forecast {
        let expected = SignatureEstimate { made, verified };
        Forecast { mode: Mode::Real, expected, nodes, budget: Span::from_micros(1) }
    }

    #[test]
    fn keys_are_derived_once_as_long_as_they_are_cached() {
        assert_eq!(forecast(4, 100, 10).cpu_ns(&MEASURED), 1_000 + 200 + 5 * (4 + 4));
        assert_eq!(forecast(4, 2, 0).cpu_ns(&MEASURED), 20 + 5 * 2);
        let many = forecast(1_000_000, 100, 10).cpu_ns(&MEASURED);
        assert_eq!(many, 1_000 + 200 + 5 * (100 + 10));
    }

    #[test]
    fn the_warning_names_estimate_budget_and_ways_out() {
        assert_eq!(forecast(4, 90, 3).warning_with(&MEASURED), None, "995 ns of 1000");
        let warning = forecast(4, 100, 10).warning_with(&MEASURED).expect("above");
        for part in [
            "1.24 us",
            "about 100 made, 10 verified",
            "crypto.budget, 1 us:",
            "--crypto modelled",
            "--nodes",
        ] {
            assert!(warning.contains(part), "`{part}` is not in: {warning}");
        }
        let modelled = Forecast { mode: Mode::Modelled, ..forecast(4, u64::MAX, u64::MAX) };
        assert_eq!(modelled.warning(), None);
        let (text, warning) = modelled.describe();
        assert!(text.contains("no curve arithmetic") && warning.is_none(), "{text}");
    }

    #[test]
    fn what_surely_fits_is_not_measured_and_all_figures_are_finite() {
        let small = Forecast { budget: Span::from_secs(600), ..forecast(4, 100, 100) };
        assert_eq!(small.warning(), None);
        let most = forecast(u32::MAX, u64::MAX, u64::MAX);
        assert!(most.warning().is_some());
    }
}
