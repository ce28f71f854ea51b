//! What is signed: one domain per kind of statement, so that no signature can be moved.

use anthill_protocol::{Digest, Snapshot};

/// A kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Statement {
    /// The content of a contract: not signed itself, covered by all others.
    Contract = 1,
    /// The payer: "I pay this."
    Pays = 2,
    /// The payee: "I accept being paid this."
    Agrees = 3,
    /// A witness of a source: "the fund has this, and I have promised it to nobody else."
    Promises = 4,
    /// A witness of a source: "it is deducted."
    Confirms = 5,
    /// An author: "this happened to me."
    Event = 6,
    /// A witness of an event: "I saw it when my clock showed this."
    Stamps = 7,
    /// The content of a claim: not signed itself, covered by the jurors' signatures.
    Claim = 16,
    /// A juror: "I saw this claim when my clock showed this, and it is right."
    Upholds = 17,
    /// The content of a rollover: not signed itself, covered by the two that follow.
    Rollover = 8,
    /// An owner: "this is what is in my fund, and those shall watch it."
    Renews = 9,
    /// A witness so far: "I know of nothing else, and sign nothing more for this fund."
    Succeeds = 10,
}

impl Statement {
    /// The digest of a statement with a content.
    pub fn digest(self, scenario: u64, content: &[u8]) -> Digest {
        Digest::of("witness", scenario, self as u32, content)
    }

    /// The digest of a statement about a contract.
    pub fn of(self, scenario: u64, contract: &Digest) -> Digest {
        self.digest(scenario, &contract.0)
    }

    /// The digest of a witness's statement about one source of a contract.
    pub fn of_source(self, scenario: u64, contract: &Digest, source: u8) -> Digest {
        let mut content = Vec::with_capacity(33);
        contract.save(&mut content);
        content.push(source);
        self.digest(scenario, &content)
    }
}
