//! Requests and replies: 17 bytes in memory, on the wire as large as the scenario says.
//!
//! Wire form, little-endian: kind (0 request, 1 reply) and three zero bytes, the whole length as
//! u32, the number as u32, the send instant as u64, a CRC-32 of these 20 bytes, then zero bytes up
//! to the length. There is one form per message and a CRC finds every single flipped bit, so a
//! message that the network corrupts is rejected rather than counted.

use crate::{Message, Snapshot, Time, draw};

/// Bytes of the smallest message: all fields and no padding.
pub const HEADER_BYTES: u32 = 24;

/// What the checksum covers.
const CHECKED_BYTES: usize = 20;

/// One message. Kept as bytes: without alignment it fits, with the 15 bytes of an event's header,
/// into 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficMessage {
    number: [u8; 4],
    sent: [u8; 8],
    length: [u8; 4],
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Direction {
    Request,
    Reply,
}

impl TrafficMessage {
    /// A request; `length` is its size on the wire in bytes, raised to [`HEADER_BYTES`].
    pub fn request(number: u32, sent: Time, length: u32) -> Self {
        Self::new(number, sent, length, Direction::Request)
    }

    /// The reply to a request: its number and send instant, and a size in bytes of its own.
    #[must_use]
    pub fn reply(&self, length: u32) -> Self {
        Self::new(self.number(), self.sent(), length, Direction::Reply)
    }

    fn new(number: u32, sent: Time, length: u32, direction: Direction) -> Self {
        Self {
            number: number.to_le_bytes(),
            sent: sent.0.to_le_bytes(),
            length: length.max(HEADER_BYTES).to_le_bytes(),
            direction,
        }
    }

    /// How many requests its sender had sent before, modulo 2^32; a broadcast counts as one.
    pub fn number(&self) -> u32 {
        u32::from_le_bytes(self.number)
    }

    /// When the request was sent.
    pub fn sent(&self) -> Time {
        Time(u64::from_le_bytes(self.sent))
    }

    /// Whether it answers a request.
    pub fn is_reply(&self) -> bool {
        self.direction == Direction::Reply
    }

    fn checked_bytes(&self) -> [u8; CHECKED_BYTES] {
        let mut bytes = [0; CHECKED_BYTES];
        bytes[0] = self.direction as u8;
        bytes[4..8].copy_from_slice(&self.length);
        bytes[8..12].copy_from_slice(&self.number);
        bytes[12..20].copy_from_slice(&self.sent);
        bytes
    }
}

impl Message for TrafficMessage {
    const KINDS: &'static [&'static str] = &["request", "reply"];

    #[inline]
    fn kind(&self) -> usize {
        self.direction as usize
    }

    #[inline]
    fn encoded_len(&self) -> u32 {
        u32::from_le_bytes(self.length)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        let checked = self.checked_bytes();
        out.extend_from_slice(&checked);
        out.extend_from_slice(&crc32(&checked).to_le_bytes());
        out.resize(end, 0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (checked, rest) = bytes.split_first_chunk::<CHECKED_BYTES>()?;
        let (checksum, padding) = rest.split_first_chunk::<4>()?;
        let direction = match checked[0] {
            0 => Direction::Request,
            1 => Direction::Reply,
            _ => return None,
        };
        let mut fields = &checked[4..];
        let length = u32::load(&mut fields).ok()?;
        let number = u32::load(&mut fields).ok()?;
        let sent = Time(u64::load(&mut fields).ok()?);
        let message = Self::new(number, sent, length, direction);
        // Comparing with the only form of the fields covers the zero bytes beside the kind.
        let exact = message.checked_bytes() == *checked
            && crc32(checked).to_le_bytes() == *checksum
            && bytes.len() as u64 == u64::from(length)
            && padding.iter().all(|byte| *byte == 0);
        exact.then_some(message)
    }

    #[inline]
    fn fingerprint(&self) -> u64 {
        let size = u64::from(self.encoded_len()) << 1 | self.direction as u64;
        draw::mix(self.sent().0, u64::from(self.number()) << 32 ^ size)
    }
}

/// CRC-32 as in Ethernet (IEEE 802.3), bit by bit: only corrupted messages are ever encoded.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |c, _| shift(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Arrival;

    fn examples() -> [TrafficMessage; 3] {
        let request = TrafficMessage::request(7, Time(1_234_567_890_123), 60);
        [request, request.reply(HEADER_BYTES), TrafficMessage::request(u32::MAX, Time::MAX, 100)]
    }

    fn encoded(message: TrafficMessage) -> Vec<u8> {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    }

    #[test]
    fn every_message_round_trips_at_its_stated_length() {
        for (message, length) in examples().into_iter().zip([60, 24, 100]) {
            let bytes = encoded(message);
            assert_eq!((bytes.len(), message.encoded_len()), (length, length as u32));
            assert_eq!(TrafficMessage::decode(&bytes), Some(message));
        }
    }

    #[test]
    fn every_single_flipped_bit_is_rejected() {
        for message in examples() {
            let bytes = encoded(message);
            for bit in 0..8 * bytes.len() {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(TrafficMessage::decode(&changed), None, "bit {bit} of {message:?}");
            }
        }
    }

    #[test]
    fn wrong_lengths_are_rejected() {
        let mut bytes = encoded(examples()[0]);
        for short in 0..bytes.len() {
            assert_eq!(TrafficMessage::decode(&bytes[..short]), None, "{short} bytes");
        }
        bytes.push(0);
        assert_eq!(TrafficMessage::decode(&bytes), None);
    }

    /// A length below the header and a byte beside the kind, with checksums that match.
    #[test]
    fn only_what_encode_would_write_is_read() {
        for (position, value) in [(4, 23), (1, 1), (0, 2)] {
            let mut bytes = encoded(examples()[1]);
            bytes[position] = value;
            let checksum = crc32(&bytes[..CHECKED_BYTES]).to_le_bytes();
            bytes[CHECKED_BYTES..].copy_from_slice(&checksum);
            assert_eq!(TrafficMessage::decode(&bytes), None, "byte {position}");
        }
    }

    #[test]
    fn golden_wire_bytes() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
        let bytes = encoded(TrafficMessage::request(7, Time(258), 26).reply(26));
        let fields = [1, 0, 0, 0, 26, 0, 0, 0, 7, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes[..20], fields);
        assert_eq!(bytes[20..24], crc32(&fields).to_le_bytes());
        assert_eq!(bytes[24..], [0, 0]);
    }

    #[test]
    fn fingerprints_tell_all_fields_apart() {
        let [first, ..] = examples();
        let others = [
            TrafficMessage::request(8, first.sent(), 60),
            TrafficMessage::request(7, first.sent() + crate::Span(1), 60),
            TrafficMessage::request(7, first.sent(), 61),
            first.reply(60),
        ];
        for other in others {
            assert_ne!(first.fingerprint(), other.fingerprint(), "{other:?}");
        }
    }

    /// The engine's event has 15 bytes of header: one more and it is no longer 32.
    #[test]
    fn an_event_payload_is_seventeen_bytes() {
        #[allow(dead_code)]
        enum Payload {
            Message(TrafficMessage),
            Timer(Arrival),
        }
        assert_eq!(size_of::<Payload>(), 17);
        assert_eq!(align_of::<Payload>(), 1);
    }
}
