//! How two nodes find out what the other does not know.
//!
//! The initiator sends its checksums at growing distances back from its tip (1, 2, 4, …). The peer
//! answers with the newest that it knows, and all that follows it in its own timeline; the initiator
//! sends what follows it in its own. So both know all, and two short messages go ahead of it however
//! long the timeline is. A common beginning has the same length in both, so a length says where to
//! look.

use super::super::body::WitnessBody;
use super::super::metrics::WitnessMetric;
use super::super::node::WitnessNode;
use super::super::{Witness, WitnessMessage};
use super::{Tip, at_length, get, length, since};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot, draw, fold_bytes};

/// Checksums of a timeline: the whole, and of its beginnings at growing distances.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Probes {
    /// Length and checksum, the longest first.
    pub list: Box<[(u32, u64)]>,
}

impl Probes {
    /// The checksums of a timeline.
    pub fn of(tip: Tip, bodies: &impl Bodies<WitnessBody>) -> Self {
        let whole = length(tip, bodies);
        let back = core::iter::successors(Some(1u32), |distance| distance.checked_mul(2));
        let lengths = [0].into_iter().chain(back).map_while(|distance| whole.checked_sub(distance));
        let links = lengths.filter_map(|length| at_length(tip, length, bodies));
        let probe = |link| {
            let link = get(link, bodies);
            (link.length, link.checksum)
        };
        Self { list: links.map(probe).collect() }
    }

    /// The length of the longest beginning that another timeline has in common.
    pub fn common(&self, tip: Tip, bodies: &impl Bodies<WitnessBody>) -> u32 {
        let known = |(wanted, checksum): &&(u32, u64)| {
            let own = at_length(tip, *wanted, bodies).map(|own| get(own, bodies));
            own.is_some_and(|own| own.length == *wanted && own.checksum == *checksum)
        };
        self.list.iter().find(known).map_or(0, |(length, _)| *length)
    }

    /// Bytes on the wire: a length and a checksum each.
    pub(crate) fn encoded_len(&self) -> u32 {
        4 + 36 * self.list.len() as u32
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mix = |hash, (length, checksum): &(u32, u64)| {
            draw::mix(hash, draw::mix(u64::from(*length), *checksum))
        };
        self.list.iter().fold(0x7072_6f62_6573, mix)
    }
}

/// Events that another may not know.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Batch {
    /// The number of events that both know before these.
    pub known: u32,
    /// In their order.
    pub events: Box<[Shared]>,
}

impl Batch {
    /// Bytes on the wire: all events.
    pub(crate) fn encoded_len(&self) -> u32 {
        let len = self.events.iter().map(|event| event.encoded_len()).fold(8, u32::saturating_add);
        len.min(Shared::MAX_LEN)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::with_capacity(4 + 8 * self.events.len());
        self.known.save(&mut bytes);
        self.events.iter().for_each(|event| event.id().save(&mut bytes));
        fold_bytes(&bytes)
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
    pub(in super::super) fn tell(
        &self,
        to: NodeId,
        message: WitnessMessage,
        cx: &mut impl Context<Self>,
    ) {
        cx.record(WitnessMetric::TimelineMessages, 1);
        cx.send(to, message);
    }

    /// Begins to compare timelines with another node.
    pub(in super::super) fn probe(&self, tip: Tip, to: NodeId, cx: &mut impl Context<Self>) {
        let probes = Probes::of(tip, &cx.bodies());
        let probes = cx.share(WitnessBody::Probes(probes));
        self.tell(to, WitnessMessage::Probe { probes }, cx);
    }

    /// Another node compares timelines.
    pub(in super::super) fn probed(
        &self,
        node: &WitnessNode,
        from: NodeId,
        probes: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(probes) = bodies.get(probes).probes() else { return };
        let known = probes.common(node.timeline, &bodies);
        let batch = self.batch(node.timeline, known, cx);
        self.tell(from, WitnessMessage::Since { batch }, cx);
    }

    fn batch(&self, tip: Tip, known: u32, cx: &mut impl Context<Self>) -> Shared {
        let mut events = since(tip, known, &cx.bodies());
        fit(&mut events);
        cx.share(WitnessBody::Batch(Batch { known, events: events.into() }))
    }

    /// The other node's events: what it lacks goes back to it.
    pub(in super::super) fn caught_up(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        batch: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(theirs) = bodies.get(batch).batch() else { return };
        let mut own = since(node.timeline, theirs.known, &bodies);
        let mut names = theirs.events.to_vec();
        names.sort_unstable();
        own.retain(|event| names.binary_search(event).is_err());
        fit(&mut own);
        self.learn(node, &theirs.events, cx);
        let rest = Batch { known: theirs.known, events: own.into() };
        let batch = cx.share(WitnessBody::Batch(rest));
        self.tell(from, WitnessMessage::Rest { batch }, cx);
        self.synchronised(node, from, cx);
    }

    /// The other side has all of this node's events, and sends what this node lacks: what waits for
    /// it can be asked again.
    pub(in super::super) fn completed(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        batch: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(theirs) = bodies.get(batch).batch() else { return };
        self.learn(node, &theirs.events, cx);
        self.ask_again(node, from, cx);
    }

    /// An event arrives from its author.
    pub(in super::super) fn published(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if cx.bodies().get(event).event().is_some() && self.learn(node, &[event], cx) {
            self.probe(node.timeline, from, cx);
        }
        self.told_by_accomplice(node, from, cx);
    }
}
