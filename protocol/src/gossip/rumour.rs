//! What of the rumour travels: nothing, since all know it, or a signed body that all check.

use core::fmt::Debug;

use super::{GossipMessage, PAYLOAD_BYTES};
use crate::{
    Body, Claim, Context, Digest, Keys, Message, NoBody, NodeId, Protocol, Shared, Signature,
    Snapshot, SnapshotError, draw,
};

/// How the rumour is carried, held and checked.
pub trait Rumour: Clone + Debug + Send + Sync + 'static {
    /// Whether it is signed.
    const SIGNED: bool;
    /// What travels.
    type Message: Message;
    /// What is shared.
    type Body: Body;
    /// What an informed node holds of it.
    type Held: Copy + Debug + Default + PartialEq + Send + Snapshot;

    /// The message of a kind, from a node that holds `held`.
    fn wrap(kind: GossipMessage, held: Self::Held) -> Self::Message;

    /// The kind of a message, and what it tells of the rumour.
    fn open(message: &Self::Message) -> (GossipMessage, Self::Held);

    /// Makes the rumour, at its origin.
    fn publish<P: Protocol<Body = Self::Body>>(cx: &mut impl Context<P>) -> Self::Held;

    /// Whether what was told is to be believed.
    fn check<P: Protocol<Body = Self::Body>>(told: Self::Held, cx: &mut impl Context<P>) -> bool;

    /// A node that will pass it on later keeps it.
    fn keep<P: Protocol<Body = Self::Body>>(held: Self::Held, cx: &mut impl Context<P>);

    /// Such a node forgets it.
    fn forget<P: Protocol<Body = Self::Body>>(held: Self::Held, cx: &mut impl Context<P>);
}

/// A rumour without signature: one byte per message, nothing per node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain;

impl Rumour for Plain {
    const SIGNED: bool = false;
    type Message = GossipMessage;
    type Body = NoBody;
    type Held = ();

    #[inline]
    fn wrap(kind: GossipMessage, (): ()) -> GossipMessage {
        kind
    }

    #[inline]
    fn open(message: &GossipMessage) -> (GossipMessage, ()) {
        (*message, ())
    }

    fn publish<P: Protocol<Body = NoBody>>(_: &mut impl Context<P>) {}

    #[inline]
    fn check<P: Protocol<Body = NoBody>>((): (), _: &mut impl Context<P>) -> bool {
        true
    }

    fn keep<P: Protocol<Body = NoBody>>((): (), _: &mut impl Context<P>) {}

    fn forget<P: Protocol<Body = NoBody>>((): (), _: &mut impl Context<P>) {}
}

/// A rumour that its origin signs and every node checks before it believes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed;

/// The signed rumour itself, once for the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct SignedRumour {
    /// Who is said to have published it.
    pub origin: NodeId,
    /// The evidence.
    pub signature: Signature,
}

impl SignedRumour {
    /// Bytes on the wire beside the rumour's own: the origin and its signature.
    const EVIDENCE_BYTES: u32 = 4 + 64;

    fn digest(origin: NodeId, scenario: u64) -> Digest {
        Digest::of("gossip", scenario, 0, &origin.0.to_le_bytes())
    }
}

impl Body for SignedRumour {
    fn encoded_len(&self) -> u32 {
        PAYLOAD_BYTES + Self::EVIDENCE_BYTES
    }

    fn fingerprint(&self) -> u64 {
        u64::from(self.origin.0)
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let digest = Self::digest(self.origin, keys.scenario());
        announce(Claim { key: keys.public_key(self.origin), digest, signature: self.signature });
    }
}

/// As [`GossipMessage`], with the rumour in `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SignedGossipMessage {
    /// The rumour.
    Data(Shared),
    /// "I have the rumour."
    Inv,
    /// "Send me the rumour if you have it."
    GetData,
}

impl SignedGossipMessage {
    fn plain(&self) -> GossipMessage {
        match self {
            Self::Data(_) => GossipMessage::Data,
            Self::Inv => GossipMessage::Inv,
            Self::GetData => GossipMessage::GetData,
        }
    }

    fn rumour(&self) -> Option<Shared> {
        if let Self::Data(rumour) = self { Some(*rumour) } else { None }
    }
}

/// The wire form of a [`GossipMessage`]; in `data` the body of the rumour takes the place of the
/// rumour, and the header's length counts it.
impl Message for SignedGossipMessage {
    const KINDS: &'static [&'static str] = GossipMessage::KINDS;
    const CARRIES: bool = true;

    #[inline]
    fn bodies(&self, mut visit: impl FnMut(Shared)) {
        if let Self::Data(rumour) = self {
            visit(*rumour);
        }
    }

    #[inline]
    fn kind(&self) -> usize {
        self.plain().kind()
    }

    #[inline]
    fn encoded_len(&self) -> u32 {
        let body = self.rumour().map_or(0, |rumour| rumour.encoded_len());
        super::HEADER_BYTES + super::ID_BYTES + body
    }

    fn encode(&self, out: &mut Vec<u8>) {
        super::message::encode_head(self.plain(), self.encoded_len(), out);
        if let Self::Data(rumour) = self {
            rumour.encode(out);
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get((super::HEADER_BYTES + super::ID_BYTES) as usize..)?;
        let message = match bytes[0] {
            0 => Self::Data(Shared::decode(&mut rest)?),
            1 => Self::Inv,
            2 => Self::GetData,
            _ => return None,
        };
        let mut only = Vec::with_capacity(bytes.len());
        message.encode(&mut only);
        (bytes == only).then_some(message)
    }

    #[inline]
    fn fingerprint(&self) -> u64 {
        self.rumour().map_or(0, |rumour| draw::mix(rumour.id(), 0)) + self.kind() as u64
    }
}

/// What an informed node holds: the handle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held(Option<Shared>);

impl Snapshot for Held {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.is_some().save(out);
        if let Some(rumour) = self.0 {
            rumour.save(out);
        }
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(Self(if bool::load(bytes)? { Some(Shared::load(bytes)?) } else { None }))
    }
}

impl Rumour for Signed {
    const SIGNED: bool = true;
    type Message = SignedGossipMessage;
    type Body = SignedRumour;
    type Held = Held;

    #[inline]
    fn wrap(kind: GossipMessage, held: Held) -> SignedGossipMessage {
        match (kind, held.0) {
            (GossipMessage::Data, Some(rumour)) => SignedGossipMessage::Data(rumour),
            (GossipMessage::Data, None) => unreachable!("only informed nodes send the rumour"),
            (GossipMessage::Inv, _) => SignedGossipMessage::Inv,
            (GossipMessage::GetData, _) => SignedGossipMessage::GetData,
        }
    }

    #[inline]
    fn open(message: &SignedGossipMessage) -> (GossipMessage, Held) {
        (message.plain(), Held(message.rumour()))
    }

    fn publish<P: Protocol<Body = SignedRumour>>(cx: &mut impl Context<P>) -> Held {
        let digest = SignedRumour::digest(cx.id(), cx.scenario());
        let rumour = SignedRumour { origin: cx.id(), signature: cx.sign(&digest) };
        Held(Some(cx.share(rumour)))
    }

    fn check<P: Protocol<Body = SignedRumour>>(told: Held, cx: &mut impl Context<P>) -> bool {
        told.0.is_some_and(|rumour| cx.verify_body(rumour).failed() == 0)
    }

    fn keep<P: Protocol<Body = SignedRumour>>(held: Held, cx: &mut impl Context<P>) {
        held.0.into_iter().for_each(|rumour| cx.retain(rumour));
    }

    fn forget<P: Protocol<Body = SignedRumour>>(held: Held, cx: &mut impl Context<P>) {
        held.0.into_iter().for_each(|rumour| cx.release(rumour));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::Wake;

    #[test]
    fn every_message_round_trips_at_its_stated_length_and_damage_is_recognised() {
        let rumour = Shared::new(77, 3, PAYLOAD_BYTES + SignedRumour::EVIDENCE_BYTES);
        for message in [
            SignedGossipMessage::Data(rumour),
            SignedGossipMessage::Inv,
            SignedGossipMessage::GetData,
        ] {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(bytes.len(), message.encoded_len() as usize);
            assert_eq!(SignedGossipMessage::decode(&bytes), Some(message));
            for position in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[position] ^= 0x40;
                assert_eq!(SignedGossipMessage::decode(&changed), None, "byte {position}");
            }
            assert_eq!(SignedGossipMessage::decode(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(SignedGossipMessage::Data(rumour).encoded_len(), 296 + 68);
    }

    /// With the engine's 15 bytes of header: an event of 32.
    #[test]
    fn an_event_payload_is_seventeen_bytes() {
        #[allow(dead_code)]
        enum Payload {
            Message(SignedGossipMessage),
            Timer(Wake),
        }
        assert_eq!(size_of::<Payload>(), 17);
    }

    #[test]
    fn what_is_held_round_trips_by_name() {
        for held in [Held(None), Held(Some(Shared::new(5, 9, 64)))] {
            let mut bytes = Vec::new();
            held.save(&mut bytes);
            assert_eq!(Held::load(&mut &bytes[..]), Ok(held));
        }
    }
}
