//! What the crate leaves to its user: heights, values, votes, validators, signatures.

use arc_malachitebft_core_types::{
    self as core, Context, LinearTimeouts, NilOrVal, Round, SignedExtension, SignedMessage,
    SigningScheme, ValidatorSet as _, VoteType, VotingPower,
};
use derive_more::Display;
use serde::{Deserialize, Serialize};

/// The types of this network of validators.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types;

/// A validator, by its node.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Address(pub(crate) u32);

/// A height, counted from 1.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Display,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
)]
pub(crate) struct Height(pub(crate) u64);

/// A block, which is its number: who made it, in which of its turns.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Block(pub(crate) u64);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    height: Height,
    round: Round,
    block: Block,
    pol_round: Round,
    proposer: Address,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vote {
    height: Height,
    round: Round,
    kind: VoteType,
    block: NilOrVal<Block>,
    voter: Address,
}

/// Blocks travel whole, in proposals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPart {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator {
    address: Address,
    /// Keys are asked for by address.
    key: (),
}

/// Nodes 0 to n − 1, of one vote each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validators(Vec<Validator>);

/// A signature, as Anthill makes and checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seal(pub(crate) [u8; 64]);

/// Signatures by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByHost;

impl Validators {
    pub(crate) fn first(nodes: u32) -> Self {
        Self((0..nodes).map(|node| Validator { address: Address(node), key: () }).collect())
    }
}

impl Context for Types {
    type Address = Address;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = Validators;
    type Timeouts = LinearTimeouts;
    type Value = Block;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = ByHost;

    /// In turn, a step further with every height and round.
    fn select_proposer<'a>(
        &self,
        validators: &'a Validators,
        height: Height,
        round: Round,
    ) -> &'a Validator {
        let turn = height.0 + u64::from(round.as_u32().unwrap_or(0));
        &validators.0[(turn % validators.count() as u64) as usize]
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        block: Block,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, block, pol_round, proposer }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<Block>,
        voter: Address,
    ) -> Vote {
        Vote { height, round, kind: VoteType::Prevote, block, voter }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<Block>,
        voter: Address,
    ) -> Vote {
        Vote { height, round, kind: VoteType::Precommit, block, voter }
    }
}

impl core::Address for Address {}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0 + n)
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl core::Value for Block {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl core::ProposalPart<Types> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl core::Proposal<Types> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Block {
        &self.block
    }

    fn take_value(self) -> Block {
        self.block
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

impl core::Vote<Types> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Block> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<Block> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Types>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Types>> {
        None
    }

    fn extend(self, _: SignedMessage<Types, ()>) -> Self {
        self
    }
}

impl core::Validator<Types> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &() {
        &self.key
    }

    fn voting_power(&self) -> VotingPower {
        1
    }
}

impl core::ValidatorSet<Types> for Validators {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        self.0.len() as VotingPower
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.0.get(address.0 as usize)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }
}

impl SigningScheme for ByHost {
    type DecodingError = &'static str;
    type Signature = Seal;
    type PublicKey = ();
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Seal, &'static str> {
        bytes.try_into().map(Seal).map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(signature: &Seal) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(_: &[u8]) -> Result<(), &'static str> {
        Ok(())
    }

    fn encode_public_key(_: &()) -> Vec<u8> {
        Vec::new()
    }
}
