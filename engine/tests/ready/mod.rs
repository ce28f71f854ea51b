//! A scenario that is ready to run, and what a run has told: for tests that hold one way of running it against
//! another.

use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, parse_text};
use anthill_protocol::Configure;

/// Everything about a run that must not depend on how it was executed.
pub(crate) fn told(outcome: &Outcome) -> String {
    let Outcome { result, series, ended, .. } = outcome;
    let latencies = result.latencies.iter().map(|(name, histogram)| {
        let recorded = histogram.iter_recorded();
        let cells = recorded.map(|cell| (cell.value_iterated_to(), cell.count_at_value()));
        (name, cells.collect::<Vec<_>>())
    });
    let latencies: Vec<_> = latencies.collect();
    format!(
        "digest {:016x}\n{:?}\n{latencies:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{series:?} {ended:?}",
        result.digest,
        (result.virtual_ns, &result.totals),
        result.checks,
        result.violations,
        (&result.conditions, result.signatures),
        result.facts,
    )
}

/// A scenario with everything built that a run needs.
pub(crate) struct Ready<P> {
    pub(crate) scenario: Scenario,
    pub(crate) protocol: P,
    pub(crate) network: Network,
}

impl<P: Configure> Ready<P> {
    /// Of a scenario's text.
    pub(crate) fn new(text: &str) -> Self {
        let scenario = match parse_text("test", text, &[ProtocolInfo::of::<P>()]) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{error}\n{text}"),
        };
        let protocol = scenario.protocol().expect("consistent parameters");
        let network = Network::build(&scenario.network, scenario.population(), scenario.seed);
        Self { scenario, protocol, network: network.expect("a network") }
    }
}
