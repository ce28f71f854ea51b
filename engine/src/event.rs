//! An event and its place in the total order.
//!
//! The unique key (time, target, tie, source, sequence) is what makes any sharding give one
//! result: two engines that handle each node's events in key order handle the same run. `tie` is a
//! hash of seed, time and source, because breaking ties by lowest id would favour low ids in every
//! synchronous run.
//!
//! Inside a window's slot and a sub-shard the high bits of time and target are known, so the
//! stored form keeps 32 bits of time, 24 of target, source and sequence: 15 bytes of header carry
//! the full key, and a protocol whose payload is one byte has 16-byte events.

use core::convert::Infallible;

pub use anthill_protocol::Key;
use anthill_protocol::draw::{self, Purpose};
use anthill_protocol::{Message, NodeId, Time};

/// The tie-breaking hash of a key.
#[inline]
pub(crate) fn tie(seed: u64, time: Time, source: NodeId) -> u64 {
    draw::mix(seed ^ ((Purpose::Tie as u64) << 56) ^ time.0, u64::from(source.0))
}

/// What an event carries. A message whose source is its target is a self-send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<M, T, R = Infallible> {
    /// Calls `on_message`.
    Message(M),
    /// Calls `on_timer`.
    Timer(T),
    /// The node comes up again; exists only where nodes go down.
    Restart(R),
    /// Calls `on_wake` of a held node; exists there, too.
    Wake(R),
}

impl<M: Message, T, R> Payload<M, T, R> {
    /// What of the content enters the digest. A timer is named by its key alone.
    #[inline]
    pub(crate) fn fingerprint(&self) -> u64 {
        match self {
            Payload::Message(message) => message.fingerprint(),
            Payload::Timer(_) => 0x7135,
            Payload::Restart(_) => 0x4e57,
            Payload::Wake(_) => 0x3a4e,
        }
    }
}

/// A stored event: times and targets relative to its slot and sub-shard.
///
/// The header is bytes, so that each part of it is one load: source (4 bytes), sequence (4),
/// nanoseconds since the start of its window (4), and the target's index in its sub-shard (3), all
/// little-endian. The last seven, as one number, are the event's rank.
#[repr(C, align(4))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<L> {
    header: [u8; 15],
    pub(crate) payload: L,
}

impl<L> Event<L> {
    #[inline]
    pub(crate) fn new(
        time_offset: u32,
        local: u32,
        source: NodeId,
        sequence: u32,
        payload: L,
    ) -> Self {
        let mut header = [0; 15];
        header[..4].copy_from_slice(&source.0.to_le_bytes());
        header[4..8].copy_from_slice(&sequence.to_le_bytes());
        header[8..12].copy_from_slice(&time_offset.to_le_bytes());
        header[12..].copy_from_slice(&local.to_le_bytes()[..3]);
        Self { header, payload }
    }

    /// Four bytes of the header, from a place on.
    #[inline(always)]
    fn word<const AT: usize>(&self) -> u32 {
        let bytes = self.header.get(AT..).and_then(|bytes| bytes.first_chunk());
        u32::from_le_bytes(*bytes.expect("inside the header"))
    }

    /// Who sent it.
    #[inline(always)]
    pub(crate) fn source(&self) -> NodeId {
        NodeId(self.word::<0>())
    }

    /// Its number at the source.
    #[inline(always)]
    pub(crate) fn sequence(&self) -> u32 {
        self.word::<4>()
    }

    /// Nanoseconds since the start of its window.
    #[inline(always)]
    pub(crate) fn time_offset(&self) -> u32 {
        self.word::<8>()
    }

    /// Index of the target in its sub-shard.
    #[inline(always)]
    pub(crate) fn local(&self) -> u32 {
        (self.rank() >> 32) as u32
    }

    /// Node-major order inside a slot and sub-shard; equal only for events of one node and
    /// instant. One load that begins a byte early, and a shift.
    #[inline(always)]
    pub(crate) fn rank(&self) -> u64 {
        u64::from_le_bytes(*self.header.last_chunk().expect("15 bytes")) >> 8
    }

    /// The same with the instant before the node: strict order of time.
    #[inline(always)]
    pub(crate) fn rank_by_time(&self) -> u64 {
        self.rank().rotate_left(32)
    }
}

/// Mixes one handled event into 64 bits; a run's digest is the wrapping sum of these, so the order
/// in which independent nodes are handled does not matter.
#[inline]
pub(crate) fn trace_word(
    time: Time,
    target: NodeId,
    source: NodeId,
    sequence: u32,
    fingerprint: u64,
) -> u64 {
    let ends = u64::from(target.0) << 32 | u64::from(source.0);
    draw::fold(
        draw::fold(time.0 ^ 0x9e37_79b9_7f4a_7c15, ends ^ 0xe703_7ed1_a0b4_28db) ^ fingerprint,
        u64::from(sequence) ^ 0x8ebc_6af0_9c88_c6e3,
    )
}

/// The share of one node's final state in the digest.
#[inline]
pub(crate) fn state_word(node: NodeId, state_hash: u64) -> u64 {
    draw::mix(state_hash, u64::from(node.0) ^ 0x57a7_e000_0000_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Stamped;

    #[test]
    fn a_one_byte_payload_gives_a_sixteen_byte_event() {
        type Small = Payload<anthill_protocol::phold::Token, ()>;
        assert_eq!(size_of::<Event<Small>>(), 16);
        assert_eq!(size_of::<Event<Stamped<(), Small>>>(), 16);
        assert_eq!(size_of::<Event<Payload<u64, u8>>>(), 32);
    }

    #[test]
    fn local_targets_keep_24_bits() {
        let event = Event::new(5, 0x00ab_cdef, NodeId(1), 2, ());
        assert_eq!(event.local(), 0x00ab_cdef);
        assert_eq!(event.rank(), 0x00ab_cdef_0000_0005);
    }

    #[test]
    fn the_trace_word_depends_on_every_field() {
        let base = trace_word(Time(1), NodeId(2), NodeId(3), 4, 5);
        let others = [
            trace_word(Time(9), NodeId(2), NodeId(3), 4, 5),
            trace_word(Time(1), NodeId(9), NodeId(3), 4, 5),
            trace_word(Time(1), NodeId(2), NodeId(9), 4, 5),
            trace_word(Time(1), NodeId(2), NodeId(3), 9, 5),
            trace_word(Time(1), NodeId(2), NodeId(3), 4, 9),
        ];
        assert!(others.iter().all(|word| *word != base));
    }
}
