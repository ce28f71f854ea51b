//! The timeline of the verification network: who may be chosen, and since when all know it.
//!
//! Events, each signed by the verifier to whom it happened, in the order of (time, id). Nodes that
//! know the same events have the same timeline, in whatever order they came (a state-based CRDT), so
//! nobody votes on it. A node holds one handle, to the newest [`Link`] of a chain; chains share what
//! they have in common. An event that belongs further back makes new links of all that follow.
//!
//! What is older than the time to consistency is *settled*: all know it. That is an assumption of
//! the protocol and not enforced: an event that comes later than that can divide the network, when
//! those who have it refuse what builds on a timeline without it.
//!
//! [`event`] says what counts, [`members`] who may be drawn after it, `sync` what two nodes show each
//! other to find what the other lacks. How an event is made and stamped is the role of its author
//! (`roles/author`), how it is learnt that of each holder (`roles/holder`).

pub mod event;
pub(crate) mod link;
pub mod members;
mod sync;
#[cfg(test)]
mod tests;

pub use event::{Event, EventError, EventKind, Stamp};
pub use link::Link;
pub use members::Members;
pub use sync::{Batch, Probes};

use crate::WitnessBody;
use crate::genesis::Genesis;
use anthill_protocol::{Bodies, Shared, Span, Time};

/// A timeline: its newest link; `None` is that of genesis.
pub type Tip = Option<Shared>;

/// The link behind a handle.
///
/// # Panics
/// If it is that of another body: nobody makes such a handle.
pub fn get<B: Bodies<WitnessBody>>(link: Shared, bodies: &B) -> &Link {
    bodies.get(link).link().expect("a link")
}

/// The number of events.
pub fn length(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> u32 {
    tip.map_or(0, |tip| get(tip, bodies).length)
}

/// The hash of all events in their order.
pub fn checksum(tip: Tip, bodies: &impl Bodies<WitnessBody>, genesis: &Genesis) -> u64 {
    tip.map_or(genesis.checksum(), |tip| get(tip, bodies).checksum)
}

/// The verifiers that have joined and not left.
pub fn joined(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> Members {
    tip.map_or_else(Members::default, |tip| get(tip, bodies).joined.clone())
}

/// The verifiers that may be drawn.
pub fn active(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> Members {
    tip.map_or_else(Members::default, |tip| get(tip, bodies).active.clone())
}

/// The newest link of which something holds that holds of all before it; logarithmic.
pub(crate) fn newest(
    tip: Tip,
    bodies: &impl Bodies<WitnessBody>,
    holds: impl Fn(&Link) -> bool,
) -> Tip {
    let mut at = tip;
    while let Some(handle) = at {
        let link = get(handle, bodies);
        if holds(link) {
            break;
        }
        // A jump that goes past what is looked for is not taken. (`None` is genesis, of which all
        // holds.)
        at = match link.jump {
            Some(jump) if !holds(get(jump, bodies)) => Some(jump),
            _ => link.parent,
        };
    }
    at
}

/// A timeline as far as it is settled for a payment at `time`.
pub fn settled(tip: Tip, time: Time, ttc: Span, bodies: &impl Bodies<WitnessBody>) -> Tip {
    // Earlier than the time to consistency nothing is settled but genesis.
    let cutoff = Time(time.0.checked_sub(ttc.0)?);
    newest(tip, bodies, |link| link.time <= cutoff)
}

/// A timeline as far as it had come at an instant.
pub fn until(tip: Tip, time: Time, bodies: &impl Bodies<WitnessBody>) -> Tip {
    newest(tip, bodies, |link| link.time <= time)
}

/// The events of a timeline that are not in another, and those of the other that are not in it, both
/// in order; takes as long as their ends differ.
pub fn difference(
    one: Tip,
    other: Tip,
    bodies: &impl Bodies<WitnessBody>,
) -> (Vec<Shared>, Vec<Shared>) {
    let (mut only_one, mut only_other) = (Vec::new(), Vec::new());
    let (mut one, mut other) = (one, other);
    while one != other {
        let (a, b) = (one.map(|link| get(link, bodies)), other.map(|link| get(link, bodies)));
        let order = a.map(Link::key).cmp(&b.map(Link::key));
        if let Some(a) = a.filter(|_| order.is_ge()) {
            if order.is_gt() {
                only_one.push(a.event);
            }
            one = a.parent;
        }
        if let Some(b) = b.filter(|_| order.is_le()) {
            if order.is_lt() {
                only_other.push(b.event);
            }
            other = b.parent;
        }
    }
    only_one.reverse();
    only_other.reverse();
    (only_one, only_other)
}

/// The first so many events of a timeline.
pub fn at_length(tip: Tip, wanted: u32, bodies: &impl Bodies<WitnessBody>) -> Tip {
    newest(tip, bodies, |link| link.length <= wanted)
}

/// All events of a timeline, in order.
pub(crate) fn all(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> Vec<Shared> {
    since(tip, 0, bodies)
}

/// All events after the first `known`, in order.
pub(crate) fn since(tip: Tip, known: u32, bodies: &impl Bodies<WitnessBody>) -> Vec<Shared> {
    let mut events = Vec::new();
    let mut at = tip;
    while let Some(link) = at.map(|at| get(at, bodies)).filter(|link| link.length > known) {
        events.push(link.event);
        at = link.parent;
    }
    events.reverse();
    events
}

/// The event by which a verifier that was active ceased to be: the pause or leave of its present
/// absence, or of an earlier one since a timeline in which it was active. Logarithmic.
pub fn departure(
    tip: Tip,
    of: anthill_protocol::NodeId,
    after: Tip,
    bodies: &impl Bodies<WitnessBody>,
    genesis: &Genesis,
) -> Option<Shared> {
    // No verifier has left at genesis.
    tip?;
    let is_active = |link: Tip| active(link, bodies).contains(genesis, of);
    let mut at = tip;
    while !is_active(at) {
        let link = get(at?, bodies);
        if is_active(link.parent) {
            return Some(link.event);
        }
        let is_late = length(link.jump, bodies) > length(after, bodies);
        at = if is_late && !is_active(link.jump) { link.jump } else { link.parent };
    }
    None
}

/// Whether an event is in a timeline.
pub fn contains(tip: Tip, event: &Event, bodies: &impl Bodies<WitnessBody>) -> bool {
    let key = (event.time, event.id());
    let before = newest(tip, bodies, |link| link.key() <= key);
    before.is_some_and(|link| get(link, bodies).key() == key)
}

/// Whether an event publishes a conviction.
pub fn is_conviction(event: Shared, bodies: &impl Bodies<WitnessBody>) -> bool {
    bodies.get(event).event().is_some_and(|event| event.kind.conviction().is_some())
}

/// The place of an event in the order of a timeline; `None` of what is no event.
pub(crate) fn key(event: Shared, bodies: &impl Bodies<WitnessBody>) -> Option<(Time, u64)> {
    bodies.get(event).event().map(|content| (content.time, content.id()))
}
