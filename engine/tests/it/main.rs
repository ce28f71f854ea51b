//! The engine from outside: one binary, so that it links once.

mod behaviour;
mod bodies;
mod conditions;
mod connections;
mod corners;
mod declared;
mod divergence;
mod edge_claims;
mod invariants;
mod judges;
mod matrix;
mod mayhem;
mod scale;
mod schedule;
mod signatures;
mod swarm;
mod theory;
mod trace;
mod validation;
mod verdicts;
mod watched;

use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, parse_text};
use anthill_engine::{Control, RunError, judge, run, sequential};
use anthill_protocol::{Check, Configure, Message};

/// The message of protocols that tests make up: a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Numbered(pub(crate) u32);

impl Message for Numbered {
    const KINDS: &'static [&'static str] = &["number"];

    fn kind(&self) -> usize {
        0
    }

    fn encoded_len(&self) -> u32 {
        4
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u32::from_le_bytes).map(Self)
    }

    fn fingerprint(&self) -> u64 {
        self.0.into()
    }
}

/// A scenario of protocol `P` from TOML text.
pub(crate) fn scenario<P: Configure>(text: &str) -> Scenario {
    match parse_text("test", text, &[ProtocolInfo::of::<P>()]) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// A scenario with everything built that a run needs.
pub(crate) struct Ready<P> {
    pub(crate) scenario: Scenario,
    pub(crate) protocol: P,
    pub(crate) network: Network,
}

impl<P: Configure> Ready<P> {
    pub(crate) fn new(text: &str) -> Self {
        let scenario = scenario::<P>(text);
        let protocol = scenario.protocol().expect("consistent parameters");
        let network = Network::build(&scenario.network, scenario.population(), scenario.seed)
            .unwrap_or_else(|error| panic!("{error}"));
        Self { scenario, protocol, network }
    }

    /// What the protocol's checks find.
    pub(crate) fn judge(&self, outcome: &Outcome) -> Vec<Check> {
        judge(&self.protocol, &self.network, &outcome.result.facts)
    }

    /// The oracle's outcome.
    pub(crate) fn sequential(&self) -> Outcome {
        self.try_sequential(&Control::default()).expect("runs")
    }

    pub(crate) fn try_sequential(&self, control: &Control) -> Result<Outcome, RunError> {
        sequential::run(&self.protocol, &self.scenario, &self.network, control)
    }

    /// The sharded engine's outcome.
    pub(crate) fn sharded(&self, shards: u32, threads: u32, stealing: bool) -> Outcome {
        self.try_sharded(shards, threads, stealing, &Control::default()).expect("runs")
    }

    pub(crate) fn try_sharded(
        &self,
        shards: u32,
        threads: u32,
        stealing: bool,
        control: &Control,
    ) -> Result<Outcome, RunError> {
        let mut scenario = self.scenario.clone();
        scenario.engine.shards = Some(shards);
        scenario.engine.threads = Some(threads);
        scenario.engine.stealing = stealing;
        run(&self.protocol, &scenario, &self.network, control)
    }
}

/// Everything of an outcome that must not depend on how it was executed.
pub(crate) fn invariant_part(outcome: &Outcome) -> String {
    let result = &outcome.result;
    let latencies: Vec<String> = result
        .latencies
        .iter()
        .map(|(name, histogram)| {
            let cells: Vec<_> = histogram
                .iter_recorded()
                .map(|cell| (cell.value_iterated_to(), cell.count_at_value()))
                .collect();
            format!("{name} {cells:?}")
        })
        .collect();
    format!(
        "digest {:016x} virtual {} w {} l {}\n{:?}\n{:?}\n{:?}\n{latencies:?}\n{:?}\n{:?}\n{:?}",
        result.digest,
        result.virtual_ns,
        result.w_ns,
        result.l_ns,
        result.totals,
        result.facts,
        (&result.conditions, result.signatures, &result.violations),
        outcome.series,
        outcome.ended,
        result.checks,
    )
}
