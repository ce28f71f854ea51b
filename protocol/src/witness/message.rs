//! What participants tell each other, in the order in which a payment meets it.
//!
//! Wire form: the kind, then the fields in their order; integers little-endian, signatures as they
//! are, bodies as [`Shared::encode`] has them. Every message begins with a 16-byte header (kind,
//! fifteen zero bytes), about what a datagram protocol adds.

use super::refusal::Refusal;
use crate::{
    Claim as Signed, Keys, Message, NodeId, Shared, Signature, Time, draw, fingerprint_bytes,
};

/// A message of the witness protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessMessage {
    /// Payer to a drawn verifier: "are you there?"
    Hello {
        /// The payer's count of payments.
        payment: u32,
        /// When the payment began.
        time: Time,
        /// The checksum of the payer's timeline as far as it was settled then.
        settled: u64,
        /// Of all of it.
        tip: u64,
    },
    /// "I am."
    Here {
        /// As asked.
        payment: u32,
        /// The checksum of the verifier's timeline as far as it was settled at the asked time.
        settled: u64,
        /// Of all of it.
        tip: u64,
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
    /// Author to a verifier: an event of the timeline.
    Publish {
        /// The event.
        event: Shared,
    },
    /// "Which of these checksums do you know?"
    Probe {
        /// Of the sender's timeline.
        probes: Shared,
    },
    /// To who probed: the events after the newest that both know.
    Since {
        /// The events.
        batch: Shared,
    },
    /// Back to the other: what it lacked, perhaps nothing.
    Rest {
        /// The events.
        batch: Shared,
    },
    /// Author to a drawn witness: "say when you saw this."
    Stamp {
        /// The event, not stamped yet.
        event: Shared,
    },
    /// Witness to author: seen.
    Stamped {
        /// Which event.
        event: Shared,
        /// What the witness's clock showed.
        time: Time,
        /// The witness's signature.
        signature: Signature,
    },
    /// Claimant to a juror: "these have signed both."
    Claim {
        /// The claim.
        claim: Shared,
    },
    /// Juror to claimant: seen, and right.
    Upheld {
        /// Which claim.
        claim: Shared,
        /// What the juror's clock showed.
        time: Time,
        /// The juror's signature.
        signature: Signature,
    },
    /// Owner to a witness of a fund that rolls over: "is this all that you know?"
    Renew {
        /// What it declares.
        rollover: Shared,
    },
    /// Witness to owner: it is.
    Renewed {
        /// As asked.
        rollover: Shared,
        /// The witness's signature.
        signature: Signature,
    },
    /// Owner to a witness drawn anew: "watch over this"; to one so far: "no longer."
    Carry {
        /// The signed rollover.
        rollover: Shared,
    },
    /// Witness drawn anew to owner: "I do."
    Carried {
        /// As asked.
        rollover: Shared,
    },
}

use WitnessMessage::*;

const HEADER_BYTES: usize = 16;
/// The most bytes beside body and signature.
const SMALL: usize = 4 + 8 + 2 * CHECKSUM;
/// A checksum is a hash of 32 bytes, of which 8 are kept here and the others are zero.
const CHECKSUM: usize = 32;

/// The bytes beside body and signature.
struct Small {
    bytes: [u8; SMALL],
    length: usize,
}

impl Small {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn put_checksum(&mut self, checksum: u64) {
        self.put(&checksum.to_le_bytes());
        self.length += CHECKSUM - 8;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

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
            Renew { rollover }
            | Renewed { rollover, .. }
            | Carry { rollover }
            | Carried { rollover } => Some(rollover),
            Publish { event } | Stamp { event } | Stamped { event, .. } => Some(event),
            Probe { probes } => Some(probes),
            Since { batch } | Rest { batch } => Some(batch),
            Claim { claim } | Upheld { claim, .. } => Some(claim),
        }
    }

    /// Whether the body itself travels: else only its name, which the receiver knows.
    fn carries_body(&self) -> bool {
        matches!(
            self,
            Propose { .. }
                | Ask { .. }
                | Pay { .. }
                | Settle { .. }
                | Entrust { .. }
                | Publish { .. }
                | Probe { .. }
                | Since { .. }
                | Rest { .. }
                | Stamp { .. }
                | Claim { .. }
                | Renew { .. }
                | Carry { .. }
        )
    }

    fn signature(&self) -> Option<&Signature> {
        match self {
            Agree { signature, .. }
            | Promise { signature, .. }
            | Settled { signature, .. }
            | Stamped { signature, .. }
            | Upheld { signature, .. }
            | Renewed { signature, .. } => Some(signature),
            _ => None,
        }
    }

    fn small(&self) -> Small {
        let mut small = Small { bytes: [0; SMALL], length: 0 };
        match *self {
            Hello { payment, time, settled, tip } => {
                small.put(&payment.to_le_bytes());
                small.put(&time.0.to_le_bytes());
                small.put_checksum(settled);
                small.put_checksum(tip);
            }
            Here { payment, settled, tip } => {
                small.put(&payment.to_le_bytes());
                small.put_checksum(settled);
                small.put_checksum(tip);
            }
            Refuse { source, why, .. } => small.put(&[source, why as u8]),
            Ask { source, .. }
            | Promise { source, .. }
            | Settle { source, .. }
            | Settled { source, .. } => small.put(&[source]),
            Stamped { time, .. } | Upheld { time, .. } => small.put(&time.0.to_le_bytes()),
            _ => {}
        }
        small
    }
}

impl Message for WitnessMessage {
    const KINDS: &'static [&'static str] = &[
        "hello", "here", "propose", "agree", "refuse", "ask", "promise", "pay", "accept", "settle",
        "settled", "entrust", "kept", "publish", "probe", "since", "rest", "stamp", "stamped",
        "claim", "upheld", "renew", "renewed", "carry", "carried",
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
            Publish { .. } => 13,
            Probe { .. } => 14,
            Since { .. } => 15,
            Rest { .. } => 16,
            Stamp { .. } => 17,
            Stamped { .. } => 18,
            Claim { .. } => 19,
            Upheld { .. } => 20,
            Renew { .. } => 21,
            Renewed { .. } => 22,
            Carry { .. } => 23,
            Carried { .. } => 24,
        }
    }

    fn encoded_len(&self) -> u32 {
        let body = match self.body() {
            Some(body) if self.carries_body() => body.encoded_len(),
            Some(_) => Shared::NAME_LEN,
            None => 0,
        };
        let signature = if self.signature().is_some() { 64 } else { 0 };
        (HEADER_BYTES + self.small().length) as u32 + body + signature
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        out.push(self.kind() as u8);
        out.resize(out.len() + HEADER_BYTES - 1, 0);
        out.extend_from_slice(self.small().bytes());
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
        let small = self.small();
        let (low, rest) = small.bytes.split_first_chunk().expect("more than four bytes");
        let low = u64::from(u32::from_le_bytes(*low)) << 8 | self.kind() as u64;
        let hash = draw::mix(self.body().map_or(0, |body| body.id()), low);
        if small.length <= 4 { hash } else { draw::mix(hash, fingerprint_bytes(rest)) }
    }

    /// None: what is signed in a message is checked against what its receiver asked for.
    fn claims(&self, _: NodeId, _: &mut dyn Keys, _: &mut dyn FnMut(Signed)) {}
}

fn read(kind: u8, rest: &mut &[u8]) -> Option<WitnessMessage> {
    let body = |rest: &mut &[u8]| Shared::decode(rest);
    let name = |rest: &mut &[u8]| Shared::decode_name(rest);
    Some(match kind {
        0 => Hello {
            payment: u32::from_le_bytes(take(rest)?),
            time: Time(u64::from_le_bytes(take(rest)?)),
            settled: take_checksum(rest)?,
            tip: take_checksum(rest)?,
        },
        1 => Here {
            payment: u32::from_le_bytes(take(rest)?),
            settled: take_checksum(rest)?,
            tip: take_checksum(rest)?,
        },
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
        13 => Publish { event: body(rest)? },
        14 => Probe { probes: body(rest)? },
        15 => Since { batch: body(rest)? },
        16 => Rest { batch: body(rest)? },
        17 => Stamp { event: body(rest)? },
        18 => {
            let time = Time(u64::from_le_bytes(take(rest)?));
            let signature = Signature(take(rest)?);
            Stamped { time, signature, event: name(rest)? }
        }
        19 => Claim { claim: body(rest)? },
        20 => {
            let time = Time(u64::from_le_bytes(take(rest)?));
            let signature = Signature(take(rest)?);
            Upheld { time, signature, claim: name(rest)? }
        }
        21 => Renew { rollover: body(rest)? },
        22 => {
            let signature = Signature(take(rest)?);
            Renewed { signature, rollover: name(rest)? }
        }
        23 => Carry { rollover: body(rest)? },
        24 => Carried { rollover: name(rest)? },
        _ => return None,
    })
}

fn take_checksum(rest: &mut &[u8]) -> Option<u64> {
    let checksum = u64::from_le_bytes(take(rest)?);
    (take(rest)? == [0; CHECKSUM - 8]).then_some(checksum)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of each kind, in the order of their numbers.
    fn one_of_each() -> [WitnessMessage; 25] {
        let (contract, receipt) = (Shared::new(1, 2, 300), Shared::new(3, 4, 5_000));
        let signature = Signature([9; 64]);
        [
            Hello { payment: 7, time: Time(6), settled: 5, tip: u64::MAX },
            Here { payment: 8, settled: 9, tip: 10 },
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
            Publish { event: contract },
            Probe { probes: contract },
            Since { batch: contract },
            Rest { batch: receipt },
            Stamp { event: receipt },
            Stamped { event: receipt, time: Time(77), signature },
            Claim { claim: receipt },
            Upheld { claim: receipt, time: Time(78), signature },
            Renew { rollover: receipt },
            Renewed { rollover: receipt, signature },
            Carry { rollover: receipt },
            Carried { rollover: receipt },
        ]
    }

    /// Of [`one_of_each`]: a hash of the bytes, the length, the fingerprint.
    const ON_RECORD: [(u64, u32, u64); 25] = [
        (0x2460_7e74_26dc_4ed5, 92, 0x4e82_dc0d_9e76_bd05),
        (0xea29_9ebe_1ba7_1ebe, 84, 0xe753_e52a_6567_aa70),
        (0x35cc_161d_173d_133e, 316, 0x0a30_0e1b_56ee_4296),
        (0x4a08_068c_ee2c_eab2, 112, 0x5b2b_e2be_ab31_38be),
        (0x3de8_d181_0c99_84dd, 50, 0x2008_f4c3_3486_62c6),
        (0x9e05_1e01_e836_614f, 317, 0x3479_4d94_d9c0_8e20),
        (0x31c8_ce7f_1566_7470, 113, 0xe2bb_af4c_bbbb_9cc1),
        (0x2477_d362_dca7_f718, 5016, 0x5c51_5a5d_aeac_808f),
        (0x7e8d_3ccb_5fe4_21ad, 48, 0x4004_6f10_e659_9a0f),
        (0x730e_978b_9276_aca0, 5017, 0x082a_5c43_f2e7_3d1d),
        (0xcac3_ba4b_be99_ba28, 113, 0xe128_b521_fbb6_91c7),
        (0xf66a_2f4e_e4ec_1393, 5016, 0x67fe_1f35_9dd4_5fdf),
        (0xfea1_3b26_8abf_5954, 48, 0xbf51_bfaa_af4d_8c74),
        (0x4de4_0f0a_6794_d4d6, 316, 0x46c2_f7b6_cc84_a79f),
        (0x0712_9147_60fe_201b, 316, 0xfc21_cf8e_35c7_bf35),
        (0x2369_fcd0_9f79_15ae, 316, 0x2dd3_1c41_129a_e8dd),
        (0xc1a2_8c5e_1f58_c790, 5016, 0x676b_72a4_fb7e_906e),
        (0x058a_74a0_4dff_9b4d, 5016, 0xaeea_3bd2_149b_a942),
        (0x5af0_3ef4_cea0_c80d, 120, 0xa886_d8a8_99b5_8066),
        (0x86c6_46d5_5dd2_e783, 5016, 0xb65a_e0c4_45cf_37ae),
        (0xf87c_ae0c_0493_af5a, 120, 0xc26b_b89f_2953_090b),
        (0xab71_1253_3a10_0982, 5016, 0xfeec_21b6_7eea_9723),
        (0xea5a_c9b1_cd98_2c84, 112, 0xeead_e3a1_2679_9fe9),
        (0x68cb_a5be_a4f8_aa10, 5016, 0x5561_1adf_4b78_2673),
        (0xcf84_d061_1b69_3e21, 48, 0x7b92_2e28_577c_82f7),
    ];

    /// The digests of runs depend on them.
    #[test]
    fn wire_forms_are_those_on_record() {
        for (message, on_record) in one_of_each().into_iter().zip(ON_RECORD) {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            let found = (fingerprint_bytes(&bytes), message.encoded_len(), message.fingerprint());
            assert_eq!(found, on_record, "{message:?}");
        }
    }

    #[test]
    fn every_message_round_trips_at_its_stated_length() {
        let all = one_of_each();
        assert_eq!(all.len(), WitnessMessage::KINDS.len());
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

    /// Each field of each kind, signatures aside, whose bytes differ between the modes.
    #[test]
    fn fingerprints_tell_messages_apart() {
        let (a, b) = (Shared::new(1, 0, 100), Shared::new(2, 0, 100));
        let [one, other] = [Signature([1; 64]), Signature([2; 64])];
        let mut all = Vec::new();
        for (payment, settled, tip) in [(1, 5, 7), (2, 5, 7), (1, 6, 7), (1, 5, 8)] {
            all.push(Hello { payment, time: Time(3), settled, tip });
            all.push(Here { payment, settled, tip });
        }
        all.push(Hello { payment: 1, time: Time(4), settled: 5, tip: 7 });
        for body in [a, b] {
            let (contract, receipt, event, claim, rollover) = (body, body, body, body, body);
            all.extend([
                Propose { contract },
                Agree { contract, signature: one },
                Pay { receipt },
                Accept { receipt },
                Entrust { receipt },
                Kept { receipt },
                Publish { event },
                Probe { probes: body },
                Since { batch: body },
                Rest { batch: body },
                Stamp { event },
                Claim { claim },
                Renew { rollover },
                Renewed { rollover, signature: one },
                Carry { rollover },
                Carried { rollover },
            ]);
            for source in [0, 1] {
                all.extend([
                    Ask { contract, source },
                    Promise { contract, source, signature: one },
                    Settle { receipt, source },
                    Settled { receipt, source, signature: one },
                    Refuse { contract, source, why: Refusal::Time },
                    Refuse { contract, source, why: Refusal::State },
                ]);
            }
            for time in [Time(0), Time(1), Time(1 << 40)] {
                all.push(Stamped { event, time, signature: one });
                all.push(Upheld { claim, time, signature: one });
            }
        }
        let mut prints: Vec<u64> = all.iter().map(Message::fingerprint).collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), all.len());
        let signed = |signature| Agree { contract: a, signature }.fingerprint();
        assert_eq!(signed(one), signed(other));
    }
}
