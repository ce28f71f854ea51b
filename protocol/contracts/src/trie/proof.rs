//! Proofs that a key holds a value, or that it is absent, against a root alone.

use anthill_protocol::Digest;
use thiserror::Error;

use super::{EMPTY, Link, Trie, Value, bit, branch_hash, leaf_hash};

/// What a root says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The hashes beside the path, from the root downwards: at most 256.
    pub siblings: Vec<Digest>,
    /// What the path ends in.
    pub end: End,
}

/// The end of a key's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing: the key is absent.
    Empty,
    /// A leaf. With another key it proves absence, because a lone leaf stands for its subtree.
    Leaf {
        /// Its key.
        key: Digest,
        /// The hash of its value.
        value: Digest,
    },
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The path is longer than a key.
    #[error("a path of {0} branches: a key has 256 bits")]
    TooLong(usize),
    /// The leaf at the end does not lie on the key's path.
    #[error("the leaf at the end is not on the key's path")]
    Astray,
    /// The hashes do not lead to the root.
    #[error("the hashes do not lead to the root")]
    OtherRoot,
}

impl<V: Value> Trie<V> {
    /// A proof of the value at a key, or of its absence.
    pub fn prove(&self, key: &Digest) -> Proof {
        let mut siblings = Vec::new();
        let mut link = &self.root.link;
        loop {
            match link {
                Link::Empty => return Proof { siblings, end: End::Empty },
                Link::Leaf(leaf) => {
                    let end = End::Leaf { key: leaf.key, value: leaf.value.digest() };
                    return Proof { siblings, end };
                }
                Link::Branch(branch) => {
                    let (next, beside) = if bit(key, siblings.len()) {
                        (&branch.right, &branch.left)
                    } else {
                        (&branch.left, &branch.right)
                    };
                    siblings.push(beside.hash);
                    link = &next.link;
                }
            }
        }
    }
}

impl Proof {
    /// The hash of the value that `root` holds at `key`; `None` if it holds none.
    ///
    /// # Errors
    /// When the proof does not prove either.
    pub fn verify(&self, root: &Digest, key: &Digest) -> Result<Option<Digest>, ProofError> {
        if self.siblings.len() > 256 {
            return Err(ProofError::TooLong(self.siblings.len()));
        }
        let mut hash = match self.end {
            End::Empty => EMPTY,
            End::Leaf { key: found, value } => {
                if (0..self.siblings.len()).any(|depth| bit(&found, depth) != bit(key, depth)) {
                    return Err(ProofError::Astray);
                }
                leaf_hash(&found, &value)
            }
        };
        for (depth, beside) in self.siblings.iter().enumerate().rev() {
            hash = if bit(key, depth) {
                branch_hash(beside, &hash)
            } else {
                branch_hash(&hash, beside)
            };
        }
        if hash != *root {
            return Err(ProofError::OtherRoot);
        }
        Ok(match self.end {
            End::Leaf { key: found, value } if found == *key => Some(value),
            _ => None,
        })
    }
}
