//! Where two runs that should be one part ways.
//!
//! Every outcome carries the digest of each row of its series, so two outcomes already say in which
//! interval of virtual time they first differ. Both are then run again with the events of that
//! interval kept one by one, and the first differing key is named.

use crate::event::Key;
use crate::outcome::{Outcome, Series};
use crate::run::{Control, RunError, Watch};

/// Events kept at once per thread and run.
const MOST_EVENTS: usize = 4_000_000;

/// How two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The first event that the two runs do not have in common.
    Event {
        /// The least key that only one run has, or that has different content.
        key: Key,
        /// Its fingerprint in the first run, if it is there.
        first: Option<u64>,
        /// Its fingerprint in the second run, if it is there.
        second: Option<u64>,
    },
    /// All events are the same, and the nodes' final states are not: a handler depends on
    /// something beside its inputs.
    States,
}

impl core::fmt::Display for Divergence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Event { key, first, second } => {
                let side = match (first, second) {
                    (Some(_), None) => "only the first run has it",
                    (None, Some(_)) => "only the second run has it",
                    _ => "its content differs",
                };
                write!(f, "first differing event: {key} ({side})")
            }
            Self::States => f.write_str("all events agree, the final states of nodes differ"),
        }
    }
}

/// Runs both and names where they part; `None` if their digests agree. A rerun must repeat its
/// run.
///
/// # Errors
/// When a run fails.
pub fn find(
    mut first: impl FnMut(&Control) -> Result<Outcome, RunError>,
    mut second: impl FnMut(&Control) -> Result<Outcome, RunError>,
) -> Result<Option<Divergence>, RunError> {
    let (a, b) = (first(&Control::default())?, second(&Control::default())?);
    if a.result.digest == b.result.digest {
        return Ok(None);
    }
    let Some(mut from_ns) = first_differing_row(&a.series, &b.series) else {
        return Ok(Some(Divergence::States));
    };
    loop {
        let watch = Watch { from_ns, to_ns: u64::MAX, most: MOST_EVENTS };
        let control = || Control { watch: Some(watch), ..Control::default() };
        let (a, b) = (first(&control())?, second(&control())?);
        let (a, b) = (a.watched.unwrap_or_default(), b.watched.unwrap_or_default());
        let to_ns = a.to_ns.min(b.to_ns);
        if let Some(divergence) = first_difference(&a.events, &b.events, to_ns) {
            return Ok(Some(divergence));
        }
        if to_ns == u64::MAX {
            return Ok(Some(Divergence::States));
        }
        from_ns = to_ns;
    }
}

/// The start of the first interval in which the series differ.
fn first_differing_row(a: &Series, b: &Series) -> Option<u64> {
    if a.interval_ns != b.interval_ns {
        return Some(0);
    }
    let differing = a.rows.iter().zip(&b.rows).find(|(a, b)| a != b);
    match differing {
        Some((a, b)) => Some(a.start_ns.min(b.start_ns)),
        None => {
            let common = a.rows.len().min(b.rows.len());
            a.rows.get(common).or(b.rows.get(common)).map(|row| row.start_ns)
        }
    }
}

fn first_difference(a: &[(Key, u64)], b: &[(Key, u64)], to_ns: u64) -> Option<Divergence> {
    let within = |events: &[(Key, u64)]| events.partition_point(|(key, _)| key.time.0 < to_ns);
    let (a, b) = (&a[..within(a)], &b[..within(b)]);
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    match (a.get(at), b.get(at)) {
        (None, None) => None,
        (Some((key, print)), None) => {
            Some(Divergence::Event { key: *key, first: Some(*print), second: None })
        }
        (None, Some((key, print))) => {
            Some(Divergence::Event { key: *key, first: None, second: Some(*print) })
        }
        (Some((key_a, print_a)), Some((key_b, print_b))) => {
            let key = *key_a.min(key_b);
            Some(Divergence::Event {
                key,
                first: (key == *key_a).then_some(*print_a),
                second: (key == *key_b).then_some(*print_b),
            })
        }
    }
}
