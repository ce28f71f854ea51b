//! How two nodes find out what the other does not know.
//!
//! The initiator sends its checksums at growing distances back from its tip (1, 2, 4, …). The peer
//! answers with the newest that it knows, and all that follows it in its own timeline; the initiator
//! sends what follows it in its own. So both know all, and two short messages go ahead of it however
//! long the timeline is. A common beginning has the same length in both, so a length says where to
//! look.

use crate::objects::body::WitnessBody;
use crate::timeline::{Tip, at_length, get, length};
use anthill_protocol::{Bodies, Shared, Snapshot, draw, fold_bytes};

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
