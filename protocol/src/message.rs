//! What travels between nodes.

use core::fmt::Debug;

use crate::{Claim, Keys, NodeId, Shared, draw};

/// A protocol's message: plain data, copied into the mailboxes of the engine.
///
/// `Copy` because a mailbox moves it by bytes, without drop glue; content larger than
/// [`Message::MAX_BYTES`] does not compile. Everything here must be a pure function of the value.
pub trait Message: Copy + Send + Sync + Debug + 'static {
    /// The names of the kinds of message, indexed by [`Message::kind`].
    const KINDS: &'static [&'static str];

    /// The largest in-memory size the engine accepts, in bytes.
    const MAX_BYTES: usize = 112;

    /// Whether messages carry signatures that their handlers check; off, nobody asks for claims.
    const SIGNED: bool = false;

    /// Whether messages carry handles of shared bodies; off, nobody asks for them.
    const CARRIES: bool = false;

    /// Visits the handles in it: their bodies live until it has arrived, and their signatures are
    /// announced before it is handled.
    fn bodies(&self, _visit: impl FnMut(Shared)) {}

    /// Announces the claims outside bodies that the handler of this message will check; `from` is its sender. A
    /// host verifies those of many messages as one batch. What is not announced is verified when
    /// the handler asks, one by one, with the same verdict.
    fn claims(&self, _from: NodeId, _keys: &mut dyn Keys, _announce: &mut dyn FnMut(Claim)) {}

    /// The index of this message's kind in [`Message::KINDS`].
    fn kind(&self) -> usize;

    /// Its size on the wire in bytes, headers of the protocol included.
    fn encoded_len(&self) -> u32;

    /// Appends the wire form, exactly [`Message::encoded_len`] bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads the wire form back; `None` for anything that `encode` would not write.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// 64 bits that differ when the content differs; enters the trace digest.
    fn fingerprint(&self) -> u64;
}

/// A fingerprint of bytes, for messages without a cheaper one.
pub fn fingerprint_bytes(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        draw::mix(hash, u64::from_le_bytes(word))
    })
}
