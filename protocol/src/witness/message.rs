//! What participants tell each other, in the order in which a payment meets it.
//!
//! Wire form: the kind, then the fields in their order; integers little-endian, signatures as they
//! are, bodies as [`Shared::encode`] has them. Every message begins with a 16-byte header (kind,
//! fifteen zero bytes), about what a datagram protocol adds.

use super::refusal::Refusal;
use crate::{Claim, Keys, Message, NodeId, Shared, Signature, draw};

/// A message of the witness protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessMessage {
    /// Payer to a drawn verifier: "are you there?"
    Hello {
        /// The payer's count of payments.
        payment: u32,
    },
    /// "I am."
    Here {
        /// As asked.
        payment: u32,
    },
    /// Payer to payee: the contract.
    Propose {
        /// Of the payment.
        contract: Shared,
    },
    /// Payee to payer: agreed.
    Agree {
        /// To which contract.
        contract: Shared,
        /// The payee's signature.
        signature: Signature,
    },
    /// Anybody to whoever asked for a signature: no.
    Refuse {
        /// Of which contract.
        contract: Shared,
        /// For which source; 255 for the contract as a whole.
        source: u8,
        /// Why not.
        why: Refusal,
    },
    /// Payer to a witness of a source: "promise it."
    Ask {
        /// For which contract.
        contract: Shared,
        /// Which source.
        source: u8,
    },
    /// Witness to payer: promised.
    Promise {
        /// To which contract.
        contract: Shared,
        /// Which source.
        source: u8,
        /// The witness's signature.
        signature: Signature,
    },
    /// Payer to payee: the contract with enough promises.
    Pay {
        /// The receipt.
        receipt: Shared,
    },
    /// Payee to payer: the payment is final.
    Accept {
        /// The receipt.
        receipt: Shared,
    },
    /// Payee to a witness of a source: "deduct it."
    Settle {
        /// The receipt.
        receipt: Shared,
        /// Which source.
        source: u8,
    },
    /// Witness to payee: deducted.
    Settled {
        /// As asked.
        receipt: Shared,
        /// Which source.
        source: u8,
        /// The witness's signature.
        signature: Signature,
    },
    /// Payee to a witness of the new fund: "watch over this."
    Entrust {
        /// The confirmed receipt.
        receipt: Shared,
    },
    /// Witness to payee: "I do."
    Kept {
        /// As asked.
        receipt: Shared,
    },
}

use WitnessMessage::*;

/// Who sends a kind of message to whom, in words.
pub(super) const PARTS: &[(&str, &str)] = {
    const NEW: &str = "new witnesses";
    const OLD: &str = "witnesses of the source";
    &[
        ("payer", NEW),     // hello
        (NEW, "payer"),     // here
        ("payer", "payee"), // propose
        ("payee", "payer"), // agree
        (OLD, "payer"),     // refuse: anybody may, mostly they do
        ("payer", OLD),     // ask
        (OLD, "payer"),     // promise
        ("payer", "payee"), // pay
        ("payee", "payer"), // accept
        ("payee", OLD),     // settle
        (OLD, "payee"),     // settled
        ("payee", NEW),     // entrust
        (NEW, "payee"),     // kept
    ]
};

const HEADER_BYTES: usize = 16;

impl WitnessMessage {
    fn body(&self) -> Option<Shared> {
        match *self {
            Hello { .. } | Here { .. } => None,
            Propose { contract }
            | Agree { contract, .. }
            | Refuse { contract, .. }
            | Ask { contract, .. }
            | Promise { contract, .. } => Some(contract),
            Pay { receipt }
            | Accept { receipt }
            | Settle { receipt, .. }
            | Settled { receipt, .. }
            | Entrust { receipt }
            | Kept { receipt } => Some(receipt),
        }
    }

    /// Whether the body itself travels: else only its name, which the receiver knows.
    fn carries_body(&self) -> bool {
        matches!(self, Propose { .. } | Ask { .. } | Pay { .. } | Settle { .. } | Entrust { .. })
    }

    fn signature(&self) -> Option<&Signature> {
        match self {
            Agree { signature, .. } | Promise { signature, .. } | Settled { signature, .. } => {
                Some(signature)
            }
            _ => None,
        }
    }

    /// The bytes beside body and signature.
    fn small(&self) -> ([u8; 4], usize) {
        match *self {
            Hello { payment } | Here { payment } => (payment.to_le_bytes(), 4),
            Refuse { source, why, .. } => ([source, why as u8, 0, 0], 2),
            Ask { source, .. }
            | Promise { source, .. }
            | Settle { source, .. }
            | Settled { source, .. } => ([source, 0, 0, 0], 1),
            _ => ([0; 4], 0),
        }
    }
}

impl Message for WitnessMessage {
    const KINDS: &'static [&'static str] = &[
        "hello", "here", "propose", "agree", "refuse", "ask", "promise", "pay", "accept", "settle",
        "settled", "entrust", "kept",
    ];
    const CARRIES: bool = true;

    #[inline]
    fn bodies(&self, mut visit: impl FnMut(Shared)) {
        if let Some(body) = self.body() {
            visit(body);
        }
    }

    fn kind(&self) -> usize {
        match self {
            Hello { .. } => 0,
            Here { .. } => 1,
            Propose { .. } => 2,
            Agree { .. } => 3,
            Refuse { .. } => 4,
            Ask { .. } => 5,
            Promise { .. } => 6,
            Pay { .. } => 7,
            Accept { .. } => 8,
            Settle { .. } => 9,
            Settled { .. } => 10,
            Entrust { .. } => 11,
            Kept { .. } => 12,
        }
    }

    fn encoded_len(&self) -> u32 {
        let body = match self.body() {
            Some(body) if self.carries_body() => body.encoded_len(),
            Some(_) => Shared::NAME_LEN,
            None => 0,
        };
        let signature = if self.signature().is_some() { 64 } else { 0 };
        (HEADER_BYTES + self.small().1) as u32 + body + signature
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        out.push(self.kind() as u8);
        out.resize(out.len() + HEADER_BYTES - 1, 0);
        let (small, length) = self.small();
        out.extend_from_slice(&small[..length]);
        if let Some(signature) = self.signature() {
            out.extend_from_slice(&signature.0);
        }
        if let Some(body) = self.body() {
            if self.carries_body() {
                body.encode(out);
            } else {
                body.encode_name(out);
            }
        }
        debug_assert_eq!(out.len(), end);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let (kind, zeros) = header.split_first()?;
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let message = read(*kind, &mut rest)?;
        rest.is_empty().then_some(message)
    }

    /// Without signatures, whose bytes differ between the modes.
    fn fingerprint(&self) -> u64 {
        let (small, _) = self.small();
        let small = u64::from(u32::from_le_bytes(small)) << 8 | self.kind() as u64;
        draw::mix(self.body().map_or(0, |body| body.id()), small)
    }

    /// None: what is signed in a message is checked against what its receiver asked for.
    fn claims(&self, _: NodeId, _: &mut dyn Keys, _: &mut dyn FnMut(Claim)) {}
}

fn read(kind: u8, rest: &mut &[u8]) -> Option<WitnessMessage> {
    let body = |rest: &mut &[u8]| Shared::decode(rest);
    let name = |rest: &mut &[u8]| Shared::decode_name(rest);
    Some(match kind {
        0 => Hello { payment: u32::from_le_bytes(take(rest)?) },
        1 => Here { payment: u32::from_le_bytes(take(rest)?) },
        2 => Propose { contract: body(rest)? },
        3 => {
            let signature = Signature(take(rest)?);
            Agree { contract: name(rest)?, signature }
        }
        4 => {
            let [source, why] = take(rest)?;
            Refuse { why: Refusal::from_number(why)?, source, contract: name(rest)? }
        }
        5 => {
            let [source] = take(rest)?;
            Ask { source, contract: body(rest)? }
        }
        6 => {
            let ([source], signature) = (take(rest)?, Signature(take(rest)?));
            Promise { source, signature, contract: name(rest)? }
        }
        7 => Pay { receipt: body(rest)? },
        8 => Accept { receipt: name(rest)? },
        9 => {
            let [source] = take(rest)?;
            Settle { source, receipt: body(rest)? }
        }
        10 => {
            let ([source], signature) = (take(rest)?, Signature(take(rest)?));
            Settled { source, signature, receipt: name(rest)? }
        }
        11 => Entrust { receipt: body(rest)? },
        12 => Kept { receipt: name(rest)? },
        _ => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_round_trips_at_its_stated_length() {
        let (contract, receipt) = (Shared::new(1, 2, 300), Shared::new(3, 4, 5_000));
        let signature = Signature([9; 64]);
        let all = [
            Hello { payment: 7 },
            Here { payment: 8 },
            Propose { contract },
            Agree { contract, signature },
            Refuse { contract, source: 255, why: Refusal::Quorum },
            Ask { contract, source: 1 },
            Promise { contract, source: 2, signature },
            Pay { receipt },
            Accept { receipt },
            Settle { receipt, source: 0 },
            Settled { receipt, source: 3, signature },
            Entrust { receipt },
            Kept { receipt },
        ];
        assert_eq!((all.len(), PARTS.len()), (WitnessMessage::KINDS.len(), all.len()));
        for (kind, message) in all.into_iter().enumerate() {
            assert_eq!(message.kind(), kind);
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(bytes.len(), message.encoded_len() as usize, "{message:?}");
            assert_eq!(WitnessMessage::decode(&bytes), Some(message));
            assert_eq!(WitnessMessage::decode(&bytes[..bytes.len() - 1]), None);
            for bit in 0..8 * bytes.len() {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                if let Some(other) = WitnessMessage::decode(&changed) {
                    assert_ne!(other, message, "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_message_fits_an_event_of_128_bytes() {
        assert!(size_of::<WitnessMessage>() <= 112 - 8);
    }
}
