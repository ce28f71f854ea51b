//! Going on under another scenario than a run was saved under: what may differ.
//!
//! Everything else is either in the saved run already (topology, who is held, when nodes come up again) or
//! was used to work out what is: with another value the nodes would hold what they could never have come
//! to hold. Messages that are under way at the fork were dealt with when they were sent.

use anthill_protocol::parameter::Part;
use anthill_protocol::{Protocol, Time};

use super::CheckpointError;
use crate::conditions::{FaultKind, FaultSpec};
use crate::scenario::{CryptoSpec, EngineOptions, Scenario};

/// What may differ after a fork, beside what a protocol names ([`Protocol::MAY_CHANGE`]).
pub const MAY_CHANGE: &str = "losses, duplication, reordering and corruption of [network], and faults \
                              that begin later, but for crashes";

/// Whether a run of `past` can go on under `future` at an instant: all that differs may, from then on.
///
/// # Errors
/// Naming the first key that may not.
pub fn may_fork<P: Protocol>(
    past: &Scenario,
    future: &Scenario,
    at: Time,
) -> Result<(), CheckpointError> {
    let refused = |problem: String| {
        let own = match P::MAY_CHANGE {
            [] => "none of the protocol's parameters".to_owned(),
            names => format!("of the protocol's parameters {}", names.join(", ")),
        };
        Err(CheckpointError::Fork(format!("{problem}; what may differ: {MAY_CHANGE}; {own}")))
    };
    if past.protocol != future.protocol {
        return refused("protocol.name differs".to_owned());
    }
    if past.values.adversary() != future.values.adversary() {
        return refused(
            "adversary.kind differs, and who is held was decided at the start".to_owned(),
        );
    }
    for (part, section) in
        [(Part::Protocol, "protocol"), (Part::Workload, "workload"), (Part::Adversary, "adversary")]
    {
        for ((name, before), (_, after)) in past.values.iter(part).zip(future.values.iter(part)) {
            let full = format!("{section}.{name}");
            if before != after && !P::MAY_CHANGE.contains(&full.as_str()) {
                return refused(format!("{full} differs, and what nodes hold depends on it"));
            }
        }
    }
    let (before, after) = (&past.conditions.faults, &future.conditions.faults);
    let same = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    for fault in before[same..].iter().chain(&after[same..]) {
        if let Some(problem) = why_not(fault, at) {
            return refused(problem);
        }
    }
    match first_difference(&stripped(past, past), &stripped(future, past)) {
        Some(key) => refused(format!("{key} differs")),
        None => Ok(()),
    }
}

/// Why an entry of the timeline may not be there after a fork only.
fn why_not(fault: &FaultSpec, at: Time) -> Option<String> {
    if matches!(fault.kind, FaultKind::Crash { .. }) {
        return Some(
            "a crash of [[fault]] differs, and when nodes go down was decided when they came up"
                .to_owned(),
        );
    }
    (fault.at < at).then(|| {
        format!(
            "an entry of [[fault]] that begins at {} differs, before the fork at {at}",
            fault.at
        )
    })
}

/// A scenario with all that may differ as in `past`.
fn stripped(scenario: &Scenario, past: &Scenario) -> String {
    let CryptoSpec { verdicts, budget, .. } = CryptoSpec::default();
    let mut stripped = Scenario {
        name: String::new(),
        engine: EngineOptions::default(),
        crypto: CryptoSpec { verdicts, budget, ..scenario.crypto.clone() },
        values: past.values.clone(),
        ..scenario.clone()
    };
    stripped.conditions.impairments = past.conditions.impairments.clone();
    stripped.conditions.faults = Vec::new();
    stripped.to_toml()
}

/// The full name of the first key in which two resolved scenarios differ.
fn first_difference(past: &str, future: &str) -> Option<String> {
    let mut section = String::new();
    let (mut past, mut future) = (past.lines(), future.lines());
    loop {
        let (before, after) = (past.next(), future.next());
        if before == after {
            let line = before?;
            if line.starts_with('[') {
                section = format!("{}.", line.trim_matches(['[', ']']));
            }
            continue;
        }
        let line = after.or(before)?;
        let key = line.split_once('=').map_or(line, |(key, _)| key).trim();
        return Some(match line.starts_with('[') {
            true => key.to_owned(),
            false => format!("{section}{key}"),
        });
    }
}
