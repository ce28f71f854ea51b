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
//! [`event`] says what counts, [`members`] who may be drawn after it, `author` how it is made and
//! stamped, `sync` how two nodes find what the other lacks.

mod author;
pub mod event;
pub(super) mod link;
pub mod members;
mod sync;
#[cfg(test)]
mod tests;

pub use author::Authoring;
pub(super) use author::Happenings;
pub use event::{Event, EventError, EventKind, Stamp};
pub use link::Link;
pub use members::Members;
pub use sync::{Batch, Probes};

use super::genesis::Genesis;
use super::metrics::WitnessMetric;
use super::node::WitnessNode;
use super::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, Shared, Span, Time};

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
fn newest(tip: Tip, bodies: &impl Bodies<WitnessBody>, holds: impl Fn(&Link) -> bool) -> Tip {
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
pub(super) fn all(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> Vec<Shared> {
    since(tip, 0, bodies)
}

/// All events after the first `known`, in order.
fn since(tip: Tip, known: u32, bodies: &impl Bodies<WitnessBody>) -> Vec<Shared> {
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
fn key(event: Shared, bodies: &impl Bodies<WitnessBody>) -> Option<(Time, u64)> {
    bodies.get(event).event().map(|content| (content.time, content.id()))
}

/// Events in the order of a timeline, each once, with their places. A batch is what its sender put into
/// it: what is no event is refused.
fn sorted(events: &[Shared], cx: &mut impl Context<Witness>) -> Vec<((Time, u64), Shared)> {
    let bodies = cx.bodies();
    let mut sorted = Vec::with_capacity(events.len());
    for event in events {
        if let Some(key) = key(*event, &bodies) {
            sorted.push((key, *event));
        } else {
            cx.record(WitnessMetric::EventsRefused, 1);
            cx.record(WitnessMetric::of_event(EventError::Malformed), 1);
        }
    }
    sorted.sort_unstable();
    sorted.dedup_by_key(|(key, _)| *key);
    sorted
}

/// The result of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) tip: Tip,
    /// Whether an event was refused because it builds on a timeline that is not known.
    pub(super) is_behind: bool,
}

impl Witness {
    /// The timeline with more events: those that count and are not in it yet. Of two versions of an
    /// event, with other stamps, it keeps the one of the lesser name.
    pub(super) fn merge(&self, tip: Tip, more: &[Shared], cx: &mut impl Context<Self>) -> Merged {
        let bodies = cx.bodies();
        let mut more = sorted(more, cx);
        more.retain(|(key, event)| {
            let before = newest(tip, &bodies, |link| link.key() <= *key);
            let known = before.map(|before| get(before, &bodies)).filter(|l| l.key() == *key);
            known.is_none_or(|known| *event < known.event)
        });
        let mut merged = Merged { tip, is_behind: false };
        let Some((first, _)) = more.first().copied() else { return merged };
        merged.tip = newest(tip, &bodies, |link| link.key() < first);
        let replayed = since(tip, length(merged.tip, &bodies), &bodies);
        let place = |event| (key(event, &bodies).expect("an event"), event);
        let mut replayed = replayed.into_iter().map(place).peekable();
        let mut more = more.into_iter().peekable();
        loop {
            let old = replayed.peek().map(|(key, _)| *key);
            let new = more.peek().map(|(key, _)| *key);
            let event = match (old, new) {
                (Some(old), Some(new)) if old < new => replayed.next().expect("peeked").1,
                (Some(_), None) => replayed.next().expect("peeked").1,
                (None, None) => break,
                (_, Some(new)) => {
                    let event = more.next().expect("peeked").1;
                    let judged = self.judge_event(merged.tip, event, cx);
                    if old == Some(new) && judged.is_ok() {
                        replayed.next();
                    } else if let Err(why) = judged {
                        merged.is_behind |= why == EventError::Timeline;
                        cx.record(WitnessMetric::EventsRefused, 1);
                        cx.record(WitnessMetric::of_event(why), 1);
                        continue;
                    } else {
                        cx.record(WitnessMetric::TimelineEvents, 1);
                        let age = cx.local_clock().since(new.0);
                        cx.record(WitnessMetric::Convergence, age.0);
                        if self.genesis.rank(cx.id()).is_some() {
                            cx.record(WitnessMetric::VerifiersConvergence, age.0);
                        }
                    }
                    event
                }
            };
            let content = bodies.get(event).event().expect("an event");
            let link = Link::new(merged.tip, event, content, &bodies, &self.genesis);
            merged.tip = Some(cx.intern(WitnessBody::Link(link)));
        }
        merged
    }

    /// Whether an event counts, for a node with a timeline.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(super) fn judge_event(
        &self,
        tip: Tip,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), EventError> {
        let bodies = cx.bodies();
        let content = bodies.get(event).event().ok_or(EventError::Malformed)?;
        if self.conduct(cx.id()).trusts(content.author) {
            return Ok(());
        }
        if content.time > cx.local_clock() + self.terms.leniency {
            return Err(EventError::Time);
        }
        let own = settled(tip, content.time, self.terms.time_to_consistency, &bodies);
        let same = |link| checksum(link, &bodies, &self.genesis);
        if same(own) != same(content.settled) {
            return Err(EventError::Timeline);
        }
        if let Some(conviction) = content.kind.conviction() {
            self.judge_conviction(tip, (content, conviction), cx)?;
        }
        if let EventKind::Join { receipt } = content.kind {
            self.judge_stake(tip, (content, receipt), cx)?;
        }
        let (verdicts, scenario) = (cx.verify_body(event), cx.scenario());
        content.check(&verdicts, &bodies, &self.genesis, &self.terms, scenario)
    }

    /// Takes another timeline for the node's own.
    pub(super) fn set_timeline(
        &self,
        node: &mut WitnessNode,
        tip: Tip,
        cx: &mut impl Context<Self>,
    ) {
        let before = node.timeline;
        if before == tip {
            return;
        }
        tip.iter().for_each(|tip| cx.retain(*tip));
        before.iter().for_each(|before| cx.release(*before));
        node.timeline = tip;
        if self.is_counted(node, cx.id()) {
            self.count_timeline(before, tip, cx);
        }
    }

    /// Counts one timeline of a verifier's in place of another: sums from which it follows whether all
    /// verifiers hold the same.
    pub(super) fn count_timeline(&self, before: Tip, after: Tip, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let sum = |tip: Tip| tip.map_or(0, |tip| get(tip, &bodies).checksum);
        let holds = |tip: Tip| u64::from(tip.is_some());
        let (old, new) = (sum(before), sum(after));
        let square = |sum: u64| sum.wrapping_mul(sum);
        cx.record(WitnessMetric::TimelineHolders, holds(after).wrapping_sub(holds(before)));
        cx.record(WitnessMetric::TimelineSum, new.wrapping_sub(old));
        cx.record(WitnessMetric::TimelineSquares, square(new).wrapping_sub(square(old)));
    }

    /// Merges events into the node's timeline; whether it lacks something on which one builds.
    pub(super) fn learn(
        &self,
        node: &mut WitnessNode,
        events: &[Shared],
        cx: &mut impl Context<Self>,
    ) -> bool {
        let merged = self.merge(node.timeline, events, cx);
        self.set_timeline(node, merged.tip, cx);
        self.apply_convictions(node, events, cx);
        merged.is_behind
    }

    /// Whether a node may be drawn as far as a timeline knows.
    pub(super) fn is_active(
        &self,
        tip: Tip,
        node: anthill_protocol::NodeId,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        active(tip, bodies).contains(&self.genesis, node)
    }

    /// Whether a node may be drawn by somebody whose draw is settled: who was convicted since still
    /// is.
    pub(super) fn may_be_drawn(
        &self,
        tip: Tip,
        node: anthill_protocol::NodeId,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let left = || departure(tip, node, None, bodies, &self.genesis);
        self.is_active(tip, node, bodies)
            || left().is_some_and(|event| is_conviction(event, bodies))
    }

    /// The checksum of a timeline as far as it is settled for a payment at `time`.
    pub(super) fn settled_checksum(
        &self,
        tip: Tip,
        time: Time,
        bodies: &impl Bodies<WitnessBody>,
    ) -> u64 {
        let settled = settled(tip, time, self.terms.time_to_consistency, bodies);
        checksum(settled, bodies, &self.genesis)
    }
}
