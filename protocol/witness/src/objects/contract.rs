//! The contract of a payment, which every signature of it covers.

use core::ops::Deref;

use crate::evidence::Tests;
use crate::genesis::{CREDIT_ORIGIN, Genesis};
use crate::objects::fund::{Fund, FundId};
use crate::objects::once::Once;
use crate::objects::refusal::Refusal;
use crate::objects::selection::Selection;
use crate::objects::statement::Statement;
use crate::rules::{Rules, Terms};
use anthill_protocol::{
    Bodies, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, Time, fold_bytes,
};

use crate::objects::body::WitnessBody;

/// The most funds from which one payment withdraws.
pub(crate) const MAX_SOURCES: usize = 4;

/// One fund from which a payment withdraws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Source {
    /// Its name.
    pub fund: FundId,
    /// The amount withdrawn, gas included.
    pub amount: u64,
    /// The amount left after it.
    pub left: u64,
    /// Withdrawals before this one.
    pub sequence: u32,
    /// The name of the last one; the fund's own before the first.
    pub previous: FundId,
    /// The witnesses of the fund, with the evidence of their selection.
    pub selection: Shared,
}

/// The terms that a payer offers and a payee agrees to.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Contract {
    /// Its terms; their fields are read as the contract's own.
    draft: Draft,
    /// A hash of all of it (without R3: of less), and the name of the fund it makes.
    pub digest: Digest,
    /// The payer's signature.
    pub signature: Signature,
    /// The verdict of every honest node on the contract by itself.
    sound: Once<Result<(), Refusal>>,
    /// What nodes that know of no event find of its draws.
    at_genesis: Once<Option<Result<(), Refusal>>>,
    /// The digests that the witnesses of each source sign: the hundred of a source sign the same.
    signed: Once<Box<[SourceDigests]>>,
    /// The name of the payer's first fund.
    first: Once<FundId>,
}

/// What the witnesses of a source sign.
#[derive(Clone, Copy, Debug)]
struct SourceDigests {
    promises: Digest,
    confirms: Digest,
}

/// The terms of a contract, before it is signed and after.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Draft {
    /// The payer.
    pub payer: NodeId,
    /// The payee.
    pub payee: NodeId,
    /// The amount that arrives; the sources cover it and their gas.
    pub amount: u64,
    /// When the payer began.
    pub time: Time,
    /// The witnesses of the fund that the payment makes.
    pub selection: Shared,
    /// Where the credit comes from.
    pub sources: Box<[Source]>,
}

impl Source {
    /// The withdrawal from a fund, gas included.
    pub(crate) fn of(fund: &Fund, part: u64) -> Self {
        Self {
            fund: fund.id,
            amount: part,
            left: fund.amount - part,
            sequence: fund.sequence,
            previous: fund.previous,
            selection: fund.selection,
        }
    }
}

impl Draft {
    /// Whether it is no payment but a stake: a contract with oneself, of which no fund comes.
    pub fn is_stake(&self) -> bool {
        self.payer == self.payee
    }

    /// The digest that all signatures cover. **R3**: all of it; without, as the original had it, all
    /// but the new witnesses and the time.
    pub fn digest(&self, selection: &Selection, rules: Rules, scenario: u64) -> Digest {
        let mut bytes = Vec::with_capacity(64 + 48 * self.sources.len());
        bytes.extend(self.payer.0.to_le_bytes());
        bytes.extend(self.payee.0.to_le_bytes());
        bytes.extend(self.amount.to_le_bytes());
        for source in &self.sources {
            bytes.extend(source.fund.0.to_le_bytes());
            bytes.extend(source.amount.to_le_bytes());
            bytes.extend(source.sequence.to_le_bytes());
            rules.cover(&mut bytes, |bytes| {
                bytes.extend(source.left.to_le_bytes());
                bytes.extend(source.previous.0.to_le_bytes());
            });
        }
        rules.cover(&mut bytes, |bytes| {
            bytes.extend(self.time.0.to_le_bytes());
            bytes.extend(selection.fingerprint().to_le_bytes());
        });
        Statement::Contract.digest(scenario, &bytes)
    }

    /// The contract, with the payer's signature of [`Statement::Pays`].
    pub fn signed(self, digest: Digest, signature: Signature) -> Contract {
        Contract {
            draft: self,
            digest,
            signature,
            sound: Once::default(),
            at_genesis: Once::default(),
            signed: Once::default(),
            first: Once::default(),
        }
    }
}

impl Deref for Contract {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.draft
    }
}

impl Contract {
    /// The name of the fund that it makes.
    pub fn fund(&self) -> FundId {
        FundId::of(&self.digest)
    }

    /// The checks that need no book of a witness: sums, evidence of all selections, that
    /// the digest is its own. Found once, for all nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        bodies: &impl Bodies<WitnessBody>,
        genesis: &Genesis,
        terms: &Terms,
        tests: &Tests,
        scenario: u64,
    ) -> Result<(), Refusal> {
        *self.sound.get_or_init(|| {
            self.check_sums(terms)?;
            let selection = bodies.get(self.selection).selection().ok_or(Refusal::Malformed)?;
            if self.draft.digest(selection, terms.rules, scenario) != self.digest {
                return Err(Refusal::Malformed);
            }
            let believable = |selection: &Selection| {
                let checked = selection.check_on_timeline(genesis, bodies, terms, tests);
                checked.map_err(|_| Refusal::Selection)
            };
            if self.is_stake() {
                // Nobody is drawn to watch it: those of its first source stand in their place.
                if self.selection != self.sources[0].selection {
                    return Err(Refusal::Selection);
                }
            } else {
                let expected = (self.payer, self.payee, self.time);
                if (selection.payer, selection.payee, selection.history.time) != expected {
                    return Err(Refusal::Selection);
                }
                believable(selection)?;
            }
            for source in &self.sources {
                let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
                check_owned(watched, source.fund, self.payer, genesis)?;
                if self.time >= watched.history.time + terms.rollover_period {
                    return Err(Refusal::Expired);
                }
                believable(watched)?;
            }
            Ok(())
        })
    }

    /// The digest of a witness's statement about one source, found once for all of a run's nodes.
    pub(crate) fn of_source(&self, statement: Statement, scenario: u64, source: u8) -> Digest {
        let of = |statement: Statement, source| statement.of_source(scenario, &self.digest, source);
        let all = self.signed.get_or_init(|| {
            // A contract of more sources is not signed.
            let sources = 0..self.sources.len().min(MAX_SOURCES) as u8;
            let digests = |source| SourceDigests {
                promises: of(Statement::Promises, source),
                confirms: of(Statement::Confirms, source),
            };
            sources.map(digests).collect()
        });
        match (all.get(usize::from(source)), statement) {
            (Some(known), Statement::Promises) => known.promises,
            (Some(known), Statement::Confirms) => known.confirms,
            _ => of(statement, source),
        }
    }

    /// The name of the payer's first fund, found once for all nodes.
    pub(crate) fn first_fund(&self, genesis: &Genesis) -> FundId {
        *self.first.get_or_init(|| genesis.fund(self.payer))
    }

    /// What nodes that know of no event find of its draws, found once for all; `None` if they have to
    /// look each time.
    pub(crate) fn at_genesis(
        &self,
        find: impl FnOnce() -> Option<Result<(), Refusal>>,
    ) -> Option<Result<(), Refusal>> {
        *self.at_genesis.get_or_init(find)
    }

    fn check_sums(&self, terms: &Terms) -> Result<(), Refusal> {
        let distinct = |(i, source): (usize, &Source)| {
            self.sources[..i].iter().all(|other| other.fund != source.fund)
        };
        // More than a payer ever takes would not be numbered by a byte.
        let is_countable = (1..=MAX_SOURCES).contains(&self.sources.len());
        if !is_countable || !self.sources.iter().enumerate().all(distinct) {
            return Err(Refusal::Malformed);
        }
        let gas = terms.gas.saturating_mul(self.sources.len() as u64);
        let withdrawn = self.sources.iter().try_fold(0u64, |sum, source| {
            if source.amount <= terms.gas { None } else { sum.checked_add(source.amount) }
        });
        let fits = match self.is_stake() {
            true => self.amount == terms.stake,
            false => self.amount > terms.gas,
        };
        if !fits || withdrawn.is_none() || withdrawn != self.amount.checked_add(gas) {
            return Err(Refusal::Sums);
        }
        Ok(())
    }

    /// The payer's claim.
    pub(crate) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let digest = Statement::Pays.of(keys.scenario(), &self.digest);
        announce(Claim { key: keys.public_key(self.payer), digest, signature: self.signature });
    }

    /// Bytes on the wire beside its selections: 32 for each id and digest.
    pub(crate) fn own_len(&self) -> u32 {
        4 * 32 + 2 * 8 + 64 + self.sources.len() as u32 * (2 * 32 + 3 * 8)
    }

    pub(crate) fn encoded_len(&self) -> u32 {
        let selections = self.sources.iter().map(|source| source.selection.encoded_len());
        let own = self.own_len() + self.selection.encoded_len();
        selections.fold(own, u32::saturating_add).min(Shared::MAX_LEN)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        fold_bytes(&self.digest.0)
    }

    /// The selections of its sources, then that of the fund that it makes.
    pub(crate) fn selections(&self) -> impl Iterator<Item = Shared> {
        self.sources.iter().map(|source| source.selection).chain([self.selection])
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        visit(self.selection);
        self.sources.iter().for_each(|source| visit(source.selection));
    }
}

/// Whether a selection is that of a fund of an owner's, as far as it says itself.
pub(crate) fn check_owned(
    watched: &Selection,
    fund: FundId,
    owner: NodeId,
    genesis: &Genesis,
) -> Result<(), Refusal> {
    let is_first = watched.payer == CREDIT_ORIGIN;
    if watched.payee != owner || is_first != (fund == genesis.fund(owner)) {
        return Err(Refusal::NotOwner);
    }
    // At genesis all answered: else an owner could choose among many sets of witnesses, none of which
    // needs an entry in its book to sign for the fund.
    let is_untouched = is_first && watched.history.time == Time::ZERO;
    if is_untouched && watched.draws.iter().any(|drawn| !drawn.answered) {
        return Err(Refusal::Selection);
    }
    Ok(())
}

/// The withdrawal of a contract from a fund.
pub(crate) fn withdrawal(contract: &Contract, fund: FundId) -> Result<&Source, Refusal> {
    contract.sources.iter().find(|source| source.fund == fund).ok_or(Refusal::NotHeld)
}
