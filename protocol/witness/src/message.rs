//! Messages from the table of [dialogues](crate::dialogues): their type and their wire form.
//!
//! Every message begins with a header of 16 bytes (its number, fifteen zeros), about what a datagram
//! protocol adds. Its fields follow in the order of the table; integers are little-endian.
//!
//! A message's fingerprint covers its number, the object in it and its plain fields. Signatures are
//! left out: their bytes differ between the modes of cryptography.

use core::marker::PhantomData;

use crate::objects::refusal::Refusal;
use anthill_protocol::{Part, Shared, Signature, Time, draw, fingerprint_bytes};

/// The bytes before the fields.
pub(crate) const HEADER_BYTES: usize = 16;
/// The most bytes of a message's plain fields.
const MOST_PLAIN: usize = 4 + 8 + 2 * CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 32;
const SIGNATURE_BYTES: u32 = 64;

/// A conversation between participants.
#[derive(Clone, Copy, Debug)]
pub struct Dialogue {
    /// Its title.
    pub title: &'static str,
    /// Its subject, a sentence.
    pub about: &'static str,
    /// Its messages, in order.
    pub steps: &'static [Step],
    /// The roles of a diagram.
    pub parts: &'static [Part],
}

/// A message in a dialogue.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The number of the step; an answer has that of its request.
    pub number: u8,
    /// The sender.
    pub from: &'static str,
    /// The receiver.
    pub to: &'static str,
    /// The kind of the message.
    pub kind: &'static str,
    /// Its fields; none if it is a message of another dialogue.
    pub carries: &'static [Carried],
    /// Its meaning, a sentence.
    pub meaning: &'static str,
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Its name.
    pub name: &'static str,
    /// The part of it that travels: `""` for the value, `"name of "` for an object's name.
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
    /// Its representation in a message.
    type Value: Copy;

    /// The part of it that travels, in words; see [`Carried`].
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
    pub(crate) const NONE: Self = Self { bytes: [0; MOST_PLAIN], length: 0 };

    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// The fingerprint of a message of a kind with these fields and an object.
    #[inline(always)]
    pub(crate) fn fingerprint(&self, kind: usize, object: Option<Shared>) -> u64 {
        let (low, rest) = self.bytes.split_first_chunk().expect("more than four bytes");
        let low = u64::from(u32::from_le_bytes(*low)) << 8 | kind as u64;
        let hash = draw::mix(object.map_or(0, |object| object.id()), low);
        if self.length <= 4 { hash } else { draw::mix(hash, fingerprint_bytes(rest)) }
    }
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
                from(fixed(bytes)?)
            }

            #[inline]
            fn add_plain($it: $value, plain: &mut Plain) {
                plain.add(&$to);
            }
        }
    )*};
}

/// Takes a fixed number of bytes off the front.
fn fixed<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk()?;
    *bytes = tail;
    Some(*head)
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
        fixed(bytes).map(Self)
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

/// Makes [`WitnessMessage`](crate::WitnessMessage) and the [`Dialogue`]s; see
/// [`dialogues`](crate::dialogues) for the form of the table.
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
                $field: <$type as $crate::message::Field>::Value,
            )*},
        )?)*)*}

        const _: () = {
            use $crate::message::{Field, HEADER_BYTES, Plain};
            use anthill_protocol::{Claim as Signed, Keys, Message, NodeId, Shared};

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

                // Kind by kind: then what a kind adds is known when this is compiled.
                fn fingerprint(&self) -> u64 {
                    match *self {$($($(
                        Self::$message { $($field),* } => {
                            #[allow(unused_mut, reason = "not every kind has plain fields")]
                            let mut plain = Plain::NONE;
                            $(<$type as Field>::add_plain($field, &mut plain);)*
                            let object = None::<Shared>$(.or(<$type as Field>::object($field)))*;
                            plain.fingerprint($number, object)
                        }
                    )?)*)*}
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
                        as_what: <$type as $crate::message::Field>::AS_WHAT,
                    }),*)?],
                    meaning: $meaning,
                }),*],
                parts: &[$(anthill_protocol::Part::new(kind_name!($message), $from, $to)),*],
            };
        )*

        /// All of them.
        pub const ALL: &[Dialogue] = &[$($name),*];
    };
}

pub(crate) use {dialogues, kind_name};

#[cfg(test)]
mod tests;
