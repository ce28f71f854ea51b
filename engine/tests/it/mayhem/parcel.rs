//! What nodes in mayhem pass on: words, books and notes.

use anthill_protocol::{
    Body, Claim, Digest, Keys, Message, NodeId, Shared, Signature, Snapshot, draw,
    fingerprint_bytes,
};

/// A message. In bytes, so that it needs no alignment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parcel {
    /// Light, or heavy if it is odd.
    Word([u8; 2]),
    /// A shared body.
    Book(Shared),
    /// A claim outside of bodies, about its sender.
    Note([u8; 2], Signature),
}

/// A shared body: its place in a chain, and seals of which some may be forged.
#[derive(Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Book {
    pub(crate) number: u64,
    /// How many more books may be bound into it, one in the other.
    pub(crate) room: u32,
    pub(crate) parts: Vec<Shared>,
    /// Who is said to have signed, and the evidence.
    pub(crate) seals: Vec<(NodeId, Signature)>,
}

impl Book {
    /// What the `index`-th seal of a book is under.
    pub(crate) fn digest(number: u64, index: u32, scenario: u64) -> Digest {
        Digest::of("mayhem", scenario, 1 + index, &number.to_le_bytes())
    }
}

impl Body for Book {
    fn encoded_len(&self) -> u32 {
        // Some are shorter than any may be.
        20 + 64 * self.seals.len() as u32 + (self.number % 200) as u32
    }

    /// Without the signatures, whose bytes differ between the modes.
    fn fingerprint(&self) -> u64 {
        let parts = self.parts.iter().map(Shared::id);
        let signers = self.seals.iter().map(|(signer, _)| u64::from(signer.0));
        parts.chain(signers).fold(self.number ^ u64::from(self.room) << 48, draw::mix)
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        for ((signer, signature), index) in self.seals.iter().zip(0..) {
            let digest = Self::digest(self.number, index, keys.scenario());
            announce(Claim { key: keys.public_key(*signer), digest, signature: *signature });
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.parts.iter().for_each(|part| visit(*part));
    }
}

impl Parcel {
    pub(crate) fn note_digest(word: [u8; 2], scenario: u64) -> Digest {
        Digest::of("mayhem", scenario, 0, &word)
    }

    /// What contradicts it, if anything does.
    pub(crate) fn contradicted(self) -> Option<Self> {
        match self {
            Self::Word([low, high]) => (low & 1 == 0).then_some(Self::Word([low, !high])),
            Self::Book(book) => Some(Self::Word([book.id() as u8 & !1, 0])),
            // What is said now was not signed.
            Self::Note([low, high], signature) => Some(Self::Note([low, !high], signature)),
        }
    }
}

impl Message for Parcel {
    const KINDS: &'static [&'static str] = &["light", "heavy", "book", "note"];
    const SIGNED: bool = true;
    const CARRIES: bool = true;

    fn bodies(&self, mut visit: impl FnMut(Shared)) {
        if let Self::Book(book) = self {
            visit(*book);
        }
    }

    fn claims(&self, from: NodeId, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        if let Self::Note(word, signature) = *self {
            let digest = Self::note_digest(word, keys.scenario());
            announce(Claim { key: keys.public_key(from), digest, signature });
        }
    }

    fn kind(&self) -> usize {
        match self {
            Self::Word([low, _]) => usize::from(low & 1),
            Self::Book(_) => 2,
            Self::Note(..) => 3,
        }
    }

    fn encoded_len(&self) -> u32 {
        match self {
            Self::Word(_) => [9, 700][self.kind()],
            Self::Book(book) => 1 + book.encoded_len(),
            Self::Note(..) => 67,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        out.push(self.kind().saturating_sub(1) as u8);
        match self {
            Self::Word(word) => out.extend(word),
            Self::Book(book) => book.encode(out),
            Self::Note(word, signature) => {
                out.extend(word);
                out.extend(signature.0);
            }
        }
        out.resize(end, 0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, mut rest) = bytes.split_first()?;
        let parcel = match tag {
            0 => Self::Word(*rest.first_chunk()?),
            1 => Self::Book(Shared::decode(&mut rest)?),
            2 => Self::Note(*rest.first_chunk()?, Signature::try_from(rest.get(2..)?).ok()?),
            _ => return None,
        };
        let mut only = Vec::new();
        parcel.encode(&mut only);
        (only == bytes).then_some(parcel)
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Word(word) => fingerprint_bytes(word),
            Self::Book(book) => book.id(),
            Self::Note(word, _) => !fingerprint_bytes(word),
        }
    }
}
