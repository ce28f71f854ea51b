//! The signatures of a receipt, each with whose it is.

use crate::objects::signature_list::SignatureList;
use anthill_protocol::{NodeId, Signature, Snapshot, SnapshotError};

/// A witness's signature in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Signed {
    /// The number of the contract's source.
    pub source: u8,
    /// Its position among that source's witnesses.
    pub position: u8,
    /// The signer.
    pub witness: NodeId,
    /// The signature.
    pub signature: Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signer {
    source: u8,
    position: u8,
    witness: NodeId,
}

/// Signatures in the order in which they came. Receipts are what memory goes into, so signers and signatures
/// are held apart, these as short as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedList {
    signers: Vec<Signer>,
    signatures: SignatureList,
}

impl SignedList {
    /// None yet, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self { signers: Vec::with_capacity(count), signatures: SignatureList::with_capacity(count) }
    }

    /// Adds one.
    pub fn push(&mut self, signed: Signed) {
        let Signed { source, position, witness, signature } = signed;
        self.signers.push(Signer { source, position, witness });
        self.signatures.push(signature);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.signers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.signers.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Signed> + '_ {
        self.signers.iter().zip(self.signatures.iter()).map(|(signer, signature)| {
            let Signer { source, position, witness } = *signer;
            Signed { source, position, witness, signature }
        })
    }

    /// As a list of whole ones.
    pub fn to_vec(&self) -> Vec<Signed> {
        self.iter().collect()
    }

    /// The same, in no more memory than it takes.
    #[must_use]
    pub fn shrunk(mut self) -> Self {
        self.signers.shrink_to_fit();
        self.signatures.shrink_to_fit();
        self
    }

    #[cfg(test)]
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Vec<Signed>)) {
        let mut all = self.to_vec();
        change(&mut all);
        *self = all.into();
    }
}

impl From<&[Signed]> for SignedList {
    fn from(all: &[Signed]) -> Self {
        let mut list = Self::with_capacity(all.len());
        all.iter().for_each(|signed| list.push(*signed));
        list
    }
}

impl From<Vec<Signed>> for SignedList {
    fn from(all: Vec<Signed>) -> Self {
        all[..].into()
    }
}

/// As a `Vec` of [`Signed`].
impl Snapshot for SignedList {
    fn save(&self, out: &mut Vec<u8>) {
        self.to_vec().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(Vec::<Signed>::load(bytes)?.into())
    }
}

/// The positions of one source, a bit each.
pub(crate) fn of_source(who: &[(u8, u8)], source: u8) -> u128 {
    let positions = who.iter().filter(|who| who.0 == source).map(|who| who.1);
    positions.fold(0, |set, position| set | 1 << position)
}
