//! The timeline as a chain: each link an event and everything before it.

use crate::WitnessBody;
use crate::genesis::Genesis;
use crate::timeline::event::{Event, EventKind};
use crate::timeline::members::Members;
use crate::timeline::{Tip, active, checksum, get, joined, length};
use anthill_protocol::{Bodies, Digest, NodeId, Shared, Snapshot, Time, draw};

/// An event and all that came before it. Interned: nodes with the same history hold the same link.
#[derive(Clone, Debug, Snapshot)]
pub struct Link {
    /// The timeline before it.
    pub parent: Tip,
    /// An earlier link, so far back that any is found in logarithmically many steps.
    pub jump: Tip,
    /// The event.
    pub event: Shared,
    /// The event's name.
    pub id: u64,
    /// When it happened.
    pub time: Time,
    /// H(id, checksum of the parent).
    pub checksum: u64,
    /// The number of events.
    pub length: u32,
    /// The verifiers that have joined and not left.
    pub joined: Members,
    /// Those of them that have not paused, and so may be drawn.
    pub active: Members,
}

/// Checksum, event and parent: the rest follows.
impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        let key = |link: &Self| (link.checksum, link.event, link.parent);
        key(self) == key(other)
    }
}

impl Eq for Link {}

impl Link {
    /// An event after a timeline.
    pub(crate) fn new(
        parent: Tip,
        handle: Shared,
        event: &Event,
        bodies: &impl Bodies<WitnessBody>,
        genesis: &Genesis,
    ) -> Self {
        let id = event.id();
        let (joined, active) =
            apply(event, joined(parent, bodies), active(parent, bodies), bodies, genesis);
        Self {
            parent,
            jump: jump(parent, bodies),
            event: handle,
            id,
            time: event.time,
            checksum: checksum_after(id, checksum(parent, bodies, genesis)),
            length: length(parent, bodies) + 1,
            joined,
            active,
        }
    }

    /// Its place in the order of the timeline.
    pub(crate) fn key(&self) -> (Time, u64) {
        (self.time, self.id)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let before = self.parent.map_or(0, |parent| parent.id());
        draw::mix(draw::mix(self.checksum, self.event.id()), before)
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.parent.iter().for_each(|parent| visit(*parent));
        visit(self.event);
    }
}

/// The checksum of a timeline with one event more: H(id, checksum before).
pub(crate) fn checksum_after(id: u64, before: u64) -> u64 {
    let mut content = [0; 16];
    content[..8].copy_from_slice(&id.to_le_bytes());
    content[8..].copy_from_slice(&before.to_le_bytes());
    let hash = Digest::of("witness: timeline", 0, 0, &content);
    let (low, _) = hash.0.split_first_chunk().expect("32 bytes");
    u64::from_le_bytes(*low)
}

/// The effect of an event on the lists of verifiers. An event that does not fit what was before, as
/// a pause of one that has left, changes nothing.
fn apply(
    event: &Event,
    joined: Members,
    active: Members,
    bodies: &impl Bodies<WitnessBody>,
    genesis: &Genesis,
) -> (Members, Members) {
    let author: NodeId = event.author;
    match event.kind {
        EventKind::Join { .. } => {
            (joined.with(genesis, author, true), active.with(genesis, author, true))
        }
        EventKind::Leave => {
            (joined.with(genesis, author, false), active.with(genesis, author, false))
        }
        EventKind::Pause => {
            let active = active.with(genesis, author, false);
            (joined, active)
        }
        EventKind::Resume if joined.contains(genesis, author) => {
            let active = active.with(genesis, author, true);
            (joined, active)
        }
        EventKind::Resume | EventKind::Entropy { .. } => (joined, active),
        EventKind::Convict { .. } => {
            let guilty = event.claim(bodies).map_or(&[][..], |claim| &claim.guilty);
            let without = |members: Members| {
                guilty.iter().fold(members, |members, guilty| members.with(genesis, *guilty, false))
            };
            (without(joined), without(active))
        }
    }
}

/// Where the link after `parent` jumps to: distances follow the skew-binary numbers (Myers 1983).
fn jump(parent: Tip, bodies: &impl Bodies<WitnessBody>) -> Tip {
    let link = get(parent?, bodies);
    let first = length(link.jump, bodies);
    let second = link.jump.map_or(0, |jump| length(get(jump, bodies).jump, bodies));
    match link.length - first == first - second && first > 0 {
        true => link.jump.and_then(|jump| get(jump, bodies).jump),
        false => parent,
    }
}
