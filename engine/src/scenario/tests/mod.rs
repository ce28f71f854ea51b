//! Tests of the scenario as a whole: what is read, what is refused and in which words, and that
//! no text breaks the reader.

mod accepted;
mod arbitrary;
mod conditions;
mod conditions_accepted;
mod conditions_refused;
mod declared;
mod faults_refused;
mod inputs;
mod refused;
mod round_trip;
mod sources;

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Parameter, ParameterError, Value, Values};
use anthill_protocol::phold::Phold;

use super::*;

/// A stand-in for the gossip protocol: one parameter of each kind.
const GOSSIP: &[Parameter] = &[
    Parameter {
        name: "fanout",
        kind: Kind::Count { min: 1, max: 1_000 },
        default: Value::Count(8),
        about: "peers per push",
    },
    Parameter {
        name: "mode",
        kind: Kind::Choice(&["push", "push-pull", "flood", "inv"]),
        default: Value::Choice("push"),
        about: "how the rumour travels",
    },
    Parameter {
        name: "rounds",
        kind: Kind::Flag,
        default: Value::Flag(false),
        about: "push once per round",
    },
    Parameter {
        name: "round",
        kind: Kind::Span { min: Span(1) },
        default: Value::Span(Span::from_millis(100)),
        about: "length of a round",
    },
    Parameter {
        name: "lazy",
        kind: Kind::Share,
        default: Value::Share(0.0),
        about: "share of nodes that do not push",
    },
];

fn check_gossip(values: &Values, _: Option<(u32, u64)>) -> Result<u32, ParameterError> {
    if values.flag("rounds") && values.choice("mode") == "flood" {
        let problem = "flooding has no rounds: set rounds = false".to_owned();
        return Err(ParameterError { name: "rounds", problem });
    }
    Ok(0)
}

/// PHOLD, the stand-in for gossip, and one with a workload and adversaries.
pub(super) fn protocols() -> [ProtocolInfo; 3] {
    let gossip = ProtocolInfo {
        name: "gossip",
        about: "epidemic broadcast",
        parameters: GOSSIP,
        workload: &[],
        adversaries: &[],
        kinds: &["data", "inv", "getdata"],
        can_equivocate: true,
        metrics: &[],
        outputs: &[],
        invariants: &[],
        judges: Vec::new,
        check: check_gossip,
    };
    [ProtocolInfo::of::<Phold>(), gossip, declared::PAYMENTS]
}

/// The three required keys, then the rest from line 4 on.
fn gossip(rest: &str) -> String {
    format!("nodes = 1000\nuntil = \"60s\"\nprotocol.name = \"gossip\"\n{rest}")
}

fn read(rest: &str) -> Scenario {
    parse_text("t.toml", &gossip(rest), &protocols()).unwrap_or_else(|e| panic!("{e}"))
}

/// All that is said about a wrong scenario.
fn refuse(rest: &str) -> String {
    match parse_text("t.toml", &gossip(rest), &protocols()) {
        Ok(scenario) => panic!("accepted:\n{rest}\nas {scenario:?}"),
        Err(error) => error.to_string(),
    }
}

/// Reads a text with overrides, given as `path=value`.
fn with_overrides(text: &str, sets: &[&str]) -> Result<Scenario, ScenarioError> {
    let sets: Vec<Override> = sets.iter().map(|set| Override::set(set).unwrap()).collect();
    let source = Source::Text { name: "t.toml".into(), text: text.into() };
    Scenario::load(&source, &sets, &protocols())
}
