//! Messages from the table of [dialogues](super::dialogues): their type and their wire form.
//!
//! Every message begins with a header of 16 bytes (its number, fifteen zeros), about what a datagram
//! protocol adds. Its fields follow in the order of the table; integers are little-endian.
//!
//! A message's fingerprint covers its number, the object in it and its plain fields. Signatures are
//! left out: their bytes differ between the modes of cryptography.

use core::marker::PhantomData;

use super::refusal::Refusal;
use crate::{Part, Shared, Signature, Time, draw, fingerprint_bytes};

/// The bytes before the fields.
pub(super) const HEADER_BYTES: usize = 16;
/// The most bytes of a message's plain fields.
const MOST_PLAIN: usize = 4 + 8 + 2 * CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 32;
const SIGNATURE_BYTES: u32 = 64;

/// A conversation between participants.
#[derive(Clone, Copy, Debug)]
pub struct Dialogue {
    /// What it is called.
    pub title: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What is said, in order.
    pub steps: &'static [Step],
    /// The same for a diagram.
    pub parts: &'static [Part],
}

/// A message in a dialogue.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The number of the step; an answer has that of its request.
    pub number: u8,
    /// Who sends it.
    pub from: &'static str,
    /// Who receives it.
    pub to: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Its fields; none if it is a message of another dialogue.
    pub carries: &'static [Carried],
    /// What it means.
    pub meaning: &'static str,
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// What it is called.
    pub name: &'static str,
    /// What travels of it: `""` for its value, or `"name of "`.
    pub as_what: &'static str,
}

impl Dialogue {
    /// A table for a page, in Markdown.
    pub fn table(&self) -> String {
        let mut table = format!(
            "**{}.** {}\n\n| step | from | to | message | carries | meaning |\n|---|---|---|---|---|---|\n",
            self.title, self.about
        );
        for Step { number, from, to, kind, carries, meaning } in self.steps {
            let carries: Vec<String> =
                carries.iter().map(|field| format!("{}{}", field.as_what, field.name)).collect();
            let carries = carries.join(", ");
            table += &format!("| {number} | {from} | {to} | *{kind}* | {carries} | {meaning} |\n");
        }
        table + "\n"
    }
}

/// How a type of the table is represented and travels.
pub trait Field {
    /// What a message holds of it.
    type Value: Copy;

    /// What travels of it, in words; see [`Carried`].
    const AS_WHAT: &'static str = "";

    /// Its length on the wire.
    fn len(value: Self::Value) -> u32;

    /// Appends its wire form.
    fn write(value: Self::Value, out: &mut Vec<u8>);

    /// Takes it off the front of `bytes`.
    fn read(bytes: &mut &[u8]) -> Option<Self::Value>;

    /// The object that it refers to.
    #[inline]
    fn object(_: Self::Value) -> Option<Shared> {
        None
    }

    /// Adds its bytes if it is plain.
    #[inline]
    fn add_plain(_: Self::Value, _: &mut Plain) {}
}

/// The bytes of a message's plain fields: neither objects nor signatures.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    bytes: [u8; MOST_PLAIN],
    length: usize,
}

impl Plain {
    pub(super) const NONE: Self = Self { bytes: [0; MOST_PLAIN], length: 0 };

    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// The fingerprint of a message of a kind with these fields and an object.
    #[inline]
    pub(super) fn fingerprint(&self, kind: usize, object: Option<Shared>) -> u64 {
        let (low, rest) = self.bytes.split_first_chunk().expect("more than four bytes");
        let low = u64::from(u32::from_le_bytes(*low)) << 8 | kind as u64;
        let hash = draw::mix(object.map_or(0, |object| object.id()), low);
        if self.length <= 4 { hash } else { draw::mix(hash, fingerprint_bytes(rest)) }
    }
}

/// Takes a fixed number of bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk()?;
    *bytes = tail;
    Some(*head)
}

/// A type whose wire form is a fixed number of bytes.
macro_rules! plain_fields {
    ($($name:ty, $value:ty, $bytes:expr, |$it:ident| $to:expr, $from:expr;)*) => {$(
        impl Field for $name {
            type Value = $value;

            #[inline]
            fn len(_: $value) -> u32 {
                $bytes as u32
            }

            fn write($it: $value, out: &mut Vec<u8>) {
                out.extend_from_slice(&$to);
            }

            fn read(bytes: &mut &[u8]) -> Option<$value> {
                let from: fn([u8; $bytes]) -> Option<$value> = $from;
                from(take(bytes)?)
            }

            #[inline]
            fn add_plain($it: $value, plain: &mut Plain) {
                plain.add(&$to);
            }
        }
    )*};
}

plain_fields! {
    u8, u8, 1, |value| [value], |[value]| Some(value);
    u32, u32, 4, |value| value.to_le_bytes(), |bytes| Some(u32::from_le_bytes(bytes));
    Time, Time, 8, |time| time.0.to_le_bytes(), |bytes| Some(Time(u64::from_le_bytes(bytes)));
    Refusal, Refusal, 1, |why| [why as u8], |[number]| Refusal::from_number(number);
    Checksum, u64, CHECKSUM_BYTES, |sum| checksum_bytes(sum), checksum_of;
}

/// A hash of 32 bytes, of which 8 are kept here and the others are zero.
#[derive(Debug)]
pub enum Checksum {}

#[inline]
fn checksum_bytes(checksum: u64) -> [u8; CHECKSUM_BYTES] {
    let mut bytes = [0; CHECKSUM_BYTES];
    bytes[..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn checksum_of(bytes: [u8; CHECKSUM_BYTES]) -> Option<u64> {
    let (checksum, zeros) = bytes.split_first_chunk()?;
    zeros.iter().all(|byte| *byte == 0).then(|| u64::from_le_bytes(*checksum))
}

impl Field for Signature {
    type Value = Self;

    #[inline]
    fn len(_: Self) -> u32 {
        SIGNATURE_BYTES
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.0);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self)
    }
}

/// An object that travels itself.
#[derive(Debug)]
pub struct Whole<T>(PhantomData<T>);

impl<T> Field for Whole<T> {
    type Value = Shared;

    #[inline]
    fn len(object: Shared) -> u32 {
        object.encoded_len()
    }

    fn write(object: Shared, out: &mut Vec<u8>) {
        object.encode(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Shared> {
        Shared::decode(bytes)
    }

    #[inline]
    fn object(object: Shared) -> Option<Shared> {
        Some(object)
    }
}

/// The name of an object, which the receiver has already.
#[derive(Debug)]
pub struct Name<T>(PhantomData<T>);

impl<T> Field for Name<T> {
    type Value = Shared;

    const AS_WHAT: &'static str = "name of ";

    #[inline]
    fn len(_: Shared) -> u32 {
        Shared::NAME_LEN
    }

    fn write(object: Shared, out: &mut Vec<u8>) {
        object.encode_name(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Shared> {
        Shared::decode_name(bytes)
    }

    #[inline]
    fn object(object: Shared) -> Option<Shared> {
        Some(object)
    }
}

/// The name of a kind: that of its variant in small letters.
macro_rules! kind_name {
    ($message:ident) => {
        const {
            const BYTES: [u8; stringify!($message).len()] = {
                let mut bytes = *stringify!($message).as_bytes().first_chunk().expect("its length");
                bytes.make_ascii_lowercase();
                bytes
            };
            match core::str::from_utf8(&BYTES) {
                Ok(name) => name,
                Err(_) => panic!("names of messages are ASCII"),
            }
        }
    };
}

/// Makes [`WitnessMessage`](super::WitnessMessage) and the [`Dialogue`]s; see
/// [`dialogues`](super::dialogues) for the form of the table.
macro_rules! dialogues {
    ($(
        $name:ident = $title:literal, $about:literal {$(
            $step:literal: $from:literal -> $to:literal: $message:ident
            $(= $number:literal { $($field:ident: $type:ty),* })?
            $meaning:literal;
        )*}
    )*) => {
        /// A message of the witness protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum WitnessMessage {$($($(
            #[doc = $meaning]
            $message {$(
                #[doc = concat!("`", stringify!($field), "` of the [glossary](self#glossary).")]
                $field: <$type as $crate::witness::message::Field>::Value,
            )*},
        )?)*)*}

        const _: () = {
            use $crate::witness::message::{Field, HEADER_BYTES, Plain};
            use $crate::{Claim as Signed, Keys, Message, NodeId, Shared};

            impl WitnessMessage {
                #[inline]
                fn object(&self) -> Option<Shared> {
                    match *self {$($($(
                        Self::$message { $($field),* } => {
                            None::<Shared>$(.or(<$type as Field>::object($field)))*
                        }
                    )?)*)*}
                }
            }

            impl Message for WitnessMessage {
                const KINDS: &'static [&'static str] = &{
                    let mut kinds = [""; [$($($(stringify!($number),)?)*)*].len()];
                    $($($(kinds[$number] = kind_name!($message);)?)*)*
                    kinds
                };
                const CARRIES: bool = true;

                #[inline]
                fn bodies(&self, mut visit: impl FnMut(Shared)) {
                    if let Some(object) = self.object() {
                        visit(object);
                    }
                }

                #[inline]
                fn kind(&self) -> usize {
                    match self {$($($( Self::$message { .. } => $number, )?)*)*}
                }

                #[inline]
                fn encoded_len(&self) -> u32 {
                    HEADER_BYTES as u32 + match *self {$($($(
                        Self::$message { $($field),* } => 0 $(+ <$type as Field>::len($field))*,
                    )?)*)*}
                }

                fn encode(&self, out: &mut Vec<u8>) {
                    let end = out.len() + self.encoded_len() as usize;
                    out.push(self.kind() as u8);
                    out.resize(out.len() + HEADER_BYTES - 1, 0);
                    match *self {$($($(
                        Self::$message { $($field),* } => {
                            $(<$type as Field>::write($field, out);)*
                        }
                    )?)*)*}
                    debug_assert_eq!(out.len(), end);
                }

                fn decode(bytes: &[u8]) -> Option<Self> {
                    let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
                    let (kind, zeros) = header.split_first()?;
                    if zeros.iter().any(|byte| *byte != 0) {
                        return None;
                    }
                    let message = match kind {
                        $($($(
                            $number => Self::$message {
                                $($field: <$type as Field>::read(&mut rest)?),*
                            },
                        )?)*)*
                        _ => return None,
                    };
                    rest.is_empty().then_some(message)
                }

                fn fingerprint(&self) -> u64 {
                    let mut plain = Plain::NONE;
                    match *self {$($($(
                        Self::$message { $($field),* } => {
                            $(<$type as Field>::add_plain($field, &mut plain);)*
                        }
                    )?)*)*}
                    plain.fingerprint(self.kind(), self.object())
                }

                /// None: what is signed in a message is checked against what its receiver asked for.
                fn claims(&self, _: NodeId, _: &mut dyn Keys, _: &mut dyn FnMut(Signed)) {}
            }
        };

        $(
            #[doc = $about]
            pub const $name: Dialogue = Dialogue {
                title: $title,
                about: $about,
                steps: &[$(Step {
                    number: $step,
                    from: $from,
                    to: $to,
                    kind: kind_name!($message),
                    carries: &[$($(Carried {
                        name: stringify!($field),
                        as_what: <$type as $crate::witness::message::Field>::AS_WHAT,
                    }),*)?],
                    meaning: $meaning,
                }),*],
                parts: &[$($crate::Part::new(kind_name!($message), $from, $to)),*],
            };
        )*

        /// All of them.
        pub const ALL: &[Dialogue] = &[$($name),*];
    };
}

pub(super) use {dialogues, kind_name};

#[cfg(test)]
mod tests {
    use super::super::dialogues::WitnessMessage::{self, *};
    use super::super::refusal::Refusal;
    use crate::{Message, Shared, Signature, Time, fingerprint_bytes};

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
