//! The three kinds of message; one byte in memory, realistic sizes on the wire.
//!
//! Wire form: an 8-byte header (kind, three zero bytes, length of the rest as u32 LE), the
//! 32-byte id of the rumour, and in `data` the rumour itself. There is one rumour in a run, so its
//! id and its content are constants: what costs bandwidth is there, what would cost memory is not.

use crate::Message;

/// Bytes of the header of every message.
pub const HEADER_BYTES: u32 = 8;
/// Bytes of the rumour's id, in every message.
pub const ID_BYTES: u32 = 32;
/// Bytes of the rumour itself, in `data` only: about a small transaction.
pub const PAYLOAD_BYTES: u32 = 256;

const ID: [u8; ID_BYTES as usize] = [0x52; ID_BYTES as usize];

/// What nodes tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GossipMessage {
    /// The rumour.
    Data,
    /// "I have the rumour."
    Inv,
    /// "Send me the rumour if you have it."
    GetData,
}

/// Appends header and id of a message of `encoded_len` bytes in all.
pub(super) fn encode_head(kind: GossipMessage, encoded_len: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind as u8, 0, 0, 0]);
    out.extend_from_slice(&(encoded_len - HEADER_BYTES).to_le_bytes());
    out.extend_from_slice(&ID);
}

impl Message for GossipMessage {
    const KINDS: &'static [&'static str] = &["data", "inv", "getdata"];

    #[inline]
    fn kind(&self) -> usize {
        *self as usize
    }

    #[inline]
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Data => HEADER_BYTES + ID_BYTES + PAYLOAD_BYTES,
            Self::Inv | Self::GetData => HEADER_BYTES + ID_BYTES,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        encode_head(*self, self.encoded_len(), out);
        out.resize(end, 0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let message = match bytes.first()? {
            0 => Self::Data,
            1 => Self::Inv,
            2 => Self::GetData,
            _ => return None,
        };
        // One form per kind: comparing with it is the whole parser.
        let mut only = Vec::with_capacity(message.encoded_len() as usize);
        message.encode(&mut only);
        (bytes == only).then_some(message)
    }

    #[inline]
    fn fingerprint(&self) -> u64 {
        *self as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::Wake;

    const ALL: [GossipMessage; 3] =
        [GossipMessage::Data, GossipMessage::Inv, GossipMessage::GetData];

    #[test]
    fn every_message_round_trips_at_its_stated_length() {
        for message in ALL {
            let mut bytes = vec![0xff];
            message.encode(&mut bytes);
            assert_eq!(bytes.len(), 1 + message.encoded_len() as usize);
            assert_eq!(GossipMessage::decode(&bytes[1..]), Some(message));
        }
        assert_eq!(GossipMessage::Data.encoded_len(), 296);
    }

    /// Kind, zeros, the length of the rest, the id: as it is on the wire.
    #[test]
    fn the_header_says_what_follows() {
        for (message, kind, rest) in [
            (GossipMessage::Data, 0, [0x20, 1, 0, 0]),
            (GossipMessage::Inv, 1, [32, 0, 0, 0]),
            (GossipMessage::GetData, 2, [32, 0, 0, 0]),
        ] {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(bytes[..8], [&[kind, 0, 0, 0], &rest[..]].concat());
            assert!(bytes[8..40].iter().all(|byte| *byte == 0x52));
            assert!(bytes[40..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn garbage_is_rejected() {
        assert_eq!(GossipMessage::decode(&[]), None);
        assert_eq!(GossipMessage::decode(&[0; 296]), None);
        for message in ALL {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(GossipMessage::decode(&bytes[..bytes.len() - 1]), None);
            for position in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[position] ^= 0x40;
                assert_eq!(GossipMessage::decode(&changed), None, "byte {position}");
            }
            bytes.push(0);
            assert_eq!(GossipMessage::decode(&bytes), None);
        }
    }

    /// The engine's event has 15 bytes of header: one more and it is no longer 16.
    #[test]
    fn an_event_payload_is_one_byte() {
        #[allow(dead_code)]
        enum Payload {
            Message(GossipMessage),
            Timer(Wake),
        }
        assert_eq!(size_of::<Payload>(), 1);
    }
}
