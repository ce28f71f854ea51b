//! Rollover: a fund lives for a period only, and then goes to witnesses drawn anew.
//!
//! The owner draws them as for a payment, from the seed inputs of the draw before and the checksum of
//! today. It *declares* the state of the fund; enough of the old witnesses sign that they know of
//! nothing else; with their signatures the new witnesses take the fund into their books. What is
//! neither used up nor rolled over by then expires.
//!
//! Invariants. A witness that signed a rollover never signs anything else for that fund, so that no
//! two rollovers of it get enough signatures, nor a rollover and a payment. A witness does not sign
//! while it has promised the fund to a payment younger than the time to consistency: that payment may
//! be final, and only the old witnesses can settle it. An older promise that was not settled is
//! *voided*, openly: the declaration names it.
//!
//! The owner's side is in `roles/owner`, that of the witnesses, old and new, in
//! `roles/witness/renewal`.

use core::ops::Deref;

use crate::evidence::Tests;
use crate::genesis::Genesis;
use crate::objects::body::WitnessBody;
use crate::objects::contract::{check_owned, withdrawal};
use crate::objects::fund::FundId;
use crate::objects::once::Once;
use crate::objects::receipt::Signed;
use crate::objects::refusal::Refusal;
use crate::objects::statement::Statement;
use crate::rules::Terms;
use anthill_protocol::{
    Bodies, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, Time, Verdicts, fold_bytes,
};

/// The state of a fund as its owner declares it, and who is to watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Declared {
    /// Whose.
    pub owner: NodeId,
    /// The fund.
    pub fund: FundId,
    /// When the owner began to draw.
    pub time: Time,
    /// Credit in it.
    pub left: u64,
    /// Withdrawals so far.
    pub sequence: u32,
    /// The name of the last one; the fund's own if there was none.
    pub previous: FundId,
    /// A contract to which it was promised in vain.
    pub void: Option<Shared>,
    /// Its witnesses so far.
    pub from: Shared,
    /// Its witnesses from now on.
    pub to: Shared,
}

/// A declaration, at first alone, then with the old witnesses' signatures.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Rollover {
    declared: Declared,
    /// A hash of all of it.
    pub digest: Digest,
    /// The owner's signature.
    pub signature: Signature,
    /// Signatures of the old witnesses; none in what they are asked to sign.
    pub signed: Box<[Signed]>,
    sound: Once<Result<(), Refusal>>,
}

impl Deref for Rollover {
    type Target = Declared;

    fn deref(&self) -> &Declared {
        &self.declared
    }
}

impl Declared {
    /// The digest that all signatures cover.
    pub fn digest(&self, bodies: &impl Bodies<WitnessBody>, scenario: u64) -> Option<Digest> {
        let mut bytes = Vec::with_capacity(64);
        self.owner.0.save(&mut bytes);
        self.fund.0.save(&mut bytes);
        self.time.0.save(&mut bytes);
        self.left.save(&mut bytes);
        self.sequence.save(&mut bytes);
        self.previous.0.save(&mut bytes);
        if let Some(void) = self.void {
            bodies.get(void).contract()?.fund().0.save(&mut bytes);
        }
        for selection in [self.from, self.to] {
            bodies.get(selection).selection()?.fingerprint().save(&mut bytes);
        }
        Some(Statement::Rollover.digest(scenario, &bytes))
    }

    /// With the owner's signature of [`Statement::Renews`].
    pub fn signed(self, digest: Digest, signature: Signature) -> Rollover {
        let (signed, sound) = (Box::default(), Once::default());
        Rollover { declared: self, digest, signature, signed, sound }
    }
}

impl Rollover {
    /// The rollover with the old witnesses' signatures.
    #[must_use]
    pub fn with(&self, signed: Vec<Signed>) -> Self {
        Self { signed: signed.into(), sound: Once::default(), ..self.clone() }
    }

    /// The checks that need no book of a witness, given which signatures hold; made once,
    /// for all nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        verdicts: &Verdicts,
        bodies: &impl Bodies<WitnessBody>,
        (genesis, terms, tests): (&Genesis, &Terms, &Tests),
        scenario: u64,
    ) -> Result<(), Refusal> {
        *self.sound.get_or_init(|| {
            if self.declared.digest(bodies, scenario) != Some(self.digest) {
                return Err(Refusal::Malformed);
            }
            if !verdicts.holds(0) {
                return Err(Refusal::Signature);
            }
            let selection = |of| bodies.get(of).selection().ok_or(Refusal::Malformed);
            let (from, to) = (selection(self.from)?, selection(self.to)?);
            check_owned(from, self.fund, self.owner, genesis)?;
            if self.time >= from.history.time + terms.rollover_period {
                return Err(Refusal::Expired);
            }
            // The same seed inputs: a rollover is no other draw than the checksum gives.
            let expected = (from.payer, from.payee, self.time);
            let is_next = self.time > from.history.time;
            if !is_next || (to.payer, to.payee, to.history.time) != expected {
                return Err(Refusal::Selection);
            }
            for selection in [from, to] {
                let checked = selection.check_on_timeline(genesis, bodies, terms, tests);
                checked.map_err(|_| Refusal::Selection)?;
            }
            self.check_void(bodies, terms)?;
            let mut who = 0u128;
            for (signed, index) in self.signed.iter().zip(1..) {
                let position = usize::from(signed.position);
                let is_witness = from.witnesses.get(position) == Some(&signed.witness);
                if is_witness && verdicts.holds(index) {
                    who |= 1 << position;
                }
            }
            let is_enough = self.signed.is_empty() || who.count_ones() >= terms.redundancy;
            if is_enough { Ok(()) } else { Err(Refusal::Quorum) }
        })
    }

    /// Whether the voided contract is the next withdrawal of the fund, and old enough.
    fn check_void(&self, bodies: &impl Bodies<WitnessBody>, terms: &Terms) -> Result<(), Refusal> {
        let Some(void) = self.void else { return Ok(()) };
        let contract = bodies.get(void).contract().ok_or(Refusal::Malformed)?;
        let source = withdrawal(contract, self.fund).map_err(|_| Refusal::Malformed)?;
        if (contract.payer, source.sequence) != (self.owner, self.sequence) {
            return Err(Refusal::Malformed);
        }
        let is_old = contract.time + terms.time_to_consistency <= self.time;
        if is_old { Ok(()) } else { Err(Refusal::Promised) }
    }

    /// The owner's claim, then the old witnesses' in their order.
    pub(crate) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        let digest = Statement::Renews.of(scenario, &self.digest);
        announce(Claim { key: keys.public_key(self.owner), digest, signature: self.signature });
        let digest = Statement::Succeeds.of(scenario, &self.digest);
        for Signed { witness, signature, .. } in &self.signed {
            let (key, signature) = (keys.public_key(*witness), *signature);
            announce(Claim { key, digest, signature });
        }
    }

    /// Bytes on the wire: two ids and three names of 32, amount, sequence, time and signature, the
    /// selections, and 65 per signature.
    pub(crate) fn encoded_len(&self) -> u32 {
        let selections = self.from.encoded_len() + self.to.encoded_len();
        5 * 32 + 8 + 4 + 8 + 64 + selections + 65 * self.signed.len() as u32
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = self.digest.0.to_vec();
        bytes.extend(self.signed.iter().map(|signed| signed.position));
        fold_bytes(&bytes)
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.void.iter().for_each(|void| visit(*void));
        visit(self.from);
        visit(self.to);
    }
}
