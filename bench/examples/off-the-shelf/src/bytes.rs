//! What the crates' own encoding makes of a message, as a body.

use anthill_protocol::{Body, Signature, Snapshot, fingerprint_bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message as bytes, and the signatures under it.
#[derive(Debug, PartialEq, Eq, Snapshot)]
pub struct Bytes {
    content: Vec<u8>,
    signatures: Vec<Signature>,
}

impl Bytes {
    /// A message without signatures; one that a crate makes always has a form as bytes.
    pub(crate) fn of(message: &impl Serialize) -> Self {
        Self::signed(message, [])
    }

    pub(crate) fn signed(
        message: &impl Serialize,
        seals: impl IntoIterator<Item = [u8; 64]>,
    ) -> Self {
        let content = postcard::to_stdvec(message).expect("serialises to memory");
        Self { content, signatures: seals.into_iter().map(Signature).collect() }
    }

    /// The message; `None` if these are not its bytes.
    pub(crate) fn message<T: DeserializeOwned>(&self) -> Option<T> {
        postcard::from_bytes(&self.content).ok()
    }

    pub(crate) fn seals(&self) -> impl Iterator<Item = [u8; 64]> {
        self.signatures.iter().map(|signature| signature.0)
    }
}

impl Body for Bytes {
    fn encoded_len(&self) -> u32 {
        (self.content.len() + 64 * self.signatures.len()) as u32
    }

    /// Of the content alone: signatures differ between modes.
    fn fingerprint(&self) -> u64 {
        fingerprint_bytes(&self.content)
    }
}
