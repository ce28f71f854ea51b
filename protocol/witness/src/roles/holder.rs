//! The holder of a timeline: it learns of events, judges them, and compares its timeline with others.
//!
//! | message | what it does |
//! |---|---|
//! | publish | takes the event in; compares timelines if it builds on something unknown |
//! | probe | answers with what follows the newest event that both know |
//! | since | takes that in, and answers with what the other lacks |
//! | rest | takes that in: now both know all |

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::timeline::{Batch, EventError, Link, Probes, Tip, get, key, length, newest, since};
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Time};

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
pub(crate) struct Merged {
    pub(crate) tip: Tip,
    /// Whether an event was refused because it builds on a timeline that is not known.
    pub(crate) is_behind: bool,
}

impl Witness {
    /// The timeline with more events: those that count and are not in it yet. Of two versions of an
    /// event, with other stamps, it keeps the one of the lesser name.
    pub(crate) fn merge(&self, tip: Tip, more: &[Shared], cx: &mut impl Context<Self>) -> Merged {
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

    /// Counts one timeline of a verifier's in place of another: sums from which it follows whether all
    /// verifiers hold the same.
    pub(crate) fn count_timeline(&self, before: Tip, after: Tip, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let sum = |tip: Tip| tip.map_or(0, |tip| get(tip, &bodies).checksum);
        let holds = |tip: Tip| u64::from(tip.is_some());
        let (old, new) = (sum(before), sum(after));
        let square = |sum: u64| sum.wrapping_mul(sum);
        cx.record(WitnessMetric::TimelineHolders, holds(after).wrapping_sub(holds(before)));
        cx.record(WitnessMetric::TimelineSum, new.wrapping_sub(old));
        cx.record(WitnessMetric::TimelineSquares, square(new).wrapping_sub(square(old)));
    }
}

/// The most events in one message, and about the most bytes; whoever lacks more learns it in its next
/// dialogues.
const BATCH: usize = 4_096;
const BATCH_BYTES: u32 = 8 << 20;

/// Leaves as many events as fit into one message.
fn fit(events: &mut Vec<Shared>) {
    let mut bytes = 0;
    let fitting = events.iter().take_while(|event| {
        bytes += event.encoded_len();
        bytes <= BATCH_BYTES
    });
    let count = fitting.count().clamp(1, BATCH);
    events.truncate(count);
}

impl Witness {
    /// Sends a message of the timeline, which is counted apart.
    pub(crate) fn tell(&self, to: NodeId, message: WitnessMessage, cx: &mut impl Context<Self>) {
        cx.record(WitnessMetric::TimelineMessages, 1);
        cx.send(to, message);
    }

    /// Begins to compare timelines with another node.
    pub(crate) fn probe(&self, tip: Tip, to: NodeId, cx: &mut impl Context<Self>) {
        let probes = Probes::of(tip, &cx.bodies());
        let probes = cx.share(WitnessBody::Probes(probes));
        self.tell(to, WitnessMessage::Probe { probes }, cx);
    }
}

/// A participant as the holder of a timeline.
pub(crate) struct Holder<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    timeline: &'a mut Tip,
    /// Whether its timeline is compared with others at the end of a run.
    is_counted: bool,
}

impl<'a> Holder<'a> {
    /// The part of a participant that this role reads and changes.
    pub(crate) fn of(run: &'a Witness, node: &'a mut WitnessNode, me: NodeId) -> Self {
        let is_counted = run.is_counted(node, me);
        Self { run, timeline: &mut node.timeline, is_counted }
    }

    /// Another node compares timelines: it is told what follows the newest event that both know.
    pub(crate) fn on_probe(&self, from: NodeId, probes: Shared, cx: &mut impl Context<Witness>) {
        let bodies = cx.bodies();
        let Some(probes) = bodies.get(probes).probes() else { return };
        let known = probes.common(*self.timeline, &bodies);
        let mut events = since(*self.timeline, known, &bodies);
        fit(&mut events);
        let batch = cx.share(WitnessBody::Batch(Batch { known, events: events.into() }));
        self.run.tell(from, WitnessMessage::Since { batch }, cx);
    }

    /// The events that follow in this node's timeline, of which another does not know that it sent
    /// those in `theirs`.
    pub(crate) fn lacking(&self, theirs: &Batch, bodies: &impl Bodies<WitnessBody>) -> Batch {
        let mut own = since(*self.timeline, theirs.known, bodies);
        let mut names = theirs.events.to_vec();
        names.sort_unstable();
        own.retain(|event| names.binary_search(event).is_err());
        fit(&mut own);
        Batch { known: theirs.known, events: own.into() }
    }

    /// Merges events into the timeline; whether it lacks something on which one builds.
    pub(crate) fn learn(&mut self, events: &[Shared], cx: &mut impl Context<Witness>) -> bool {
        let merged = self.run.merge(*self.timeline, events, cx);
        self.replace(merged.tip, cx);
        merged.is_behind
    }

    /// Takes another timeline for the node's own.
    fn replace(&mut self, tip: Tip, cx: &mut impl Context<Witness>) {
        let before = *self.timeline;
        if before == tip {
            return;
        }
        tip.iter().for_each(|tip| cx.retain(*tip));
        before.iter().for_each(|before| cx.release(*before));
        *self.timeline = tip;
        if self.is_counted {
            self.run.count_timeline(before, tip, cx);
        }
    }
}
