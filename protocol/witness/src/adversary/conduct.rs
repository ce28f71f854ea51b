//! Where a participant may act otherwise than the protocol says.
//!
//! The files of the protocol are written for honest participants. Wherever an adversary can make one
//! decide differently they ask its [`Conduct`], and here is all that they ask. Without an adversary
//! every answer is the honest one.
//!
//! An attack acts when its timer fires (`Witness::attack`). Beside that it only hears of the steps of
//! its payments (`attempt_agreed`, `attempt_has_receipt`, `attempt_paid`, `attempt_gave_up`, `funded`,
//! `confirmed`) and of its claims and events (`own_claim_ended`, `attempt_convicted`,
//! `tell_accomplice`, `told_by_accomplice`).

use crate::adversary::backdated::earliest;
use crate::adversary::{Bodies, Context, NodeId, Shared, Tip, Witness, WitnessBody, WitnessNode};
use crate::objects::selection::Drawn;
use crate::timeline::Stamp;
use anthill_protocol::Time;

/// How a participant conducts itself.
#[derive(Clone, Copy)]
pub(crate) struct Conduct<'a> {
    witness: &'a Witness,
    me: NodeId,
}

impl Witness {
    /// The conduct of a node.
    #[inline]
    pub(crate) fn conduct(&self, me: NodeId) -> Conduct<'_> {
        Conduct { witness: self, me }
    }
}

/// Any participant.
impl Conduct<'_> {
    /// Whether the node does what the workload says; else it has a part in an attempt.
    pub(crate) fn follows_workload(self) -> bool {
        !self.witness.is_assigned(self.me)
    }

    /// Whether a message from another node arrives.
    #[inline]
    pub(crate) fn hears(self, from: NodeId) -> bool {
        !self.witness.is_cut(from, self.me)
    }

    /// Whether it believes whatever a verifier publishes.
    pub(crate) fn trusts(self, author: NodeId) -> bool {
        self.witness.believes_anything(self.me, author)
    }
}

/// A payer.
impl Conduct<'_> {
    /// The date of a payment that begins now.
    pub(crate) fn date(self, now: Time) -> Time {
        self.witness.dated(self.me, now)
    }

    /// The timeline on which a payment is drawn: the node's own.
    pub(crate) fn timeline(self, node: &WitnessNode, payee: NodeId) -> Tip {
        self.witness.shown(node, self.me, payee)
    }

    /// Whether it draws anew when a settled event was missing.
    pub(crate) fn draws_anew(self, payee: NodeId) -> bool {
        !self.witness.insists(self.me, payee)
    }

    /// The number of verifiers that it draws beyond its need, to deny that they answered: none.
    pub(crate) fn extra_draws(self, payee: NodeId) -> u32 {
        self.witness.lies(self.me, payee)
    }

    /// Denies so many answers.
    pub(crate) fn deny(self, draws: &mut [Drawn], lies: u32, cx: &mut impl Context<Witness>) {
        self.witness.lie(draws, lies, cx);
    }
}

/// A verifier.
impl Conduct<'_> {
    /// Whether it answers a greeting if it may not be drawn.
    pub(crate) fn answers_while_away(self) -> bool {
        self.witness.answers_anyway(self.me)
    }

    /// Whether it answers who asks for a promise.
    pub(crate) fn answers(
        self,
        of_source: (Shared, u8),
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        !self.witness.is_silent(self.me, of_source, bodies)
    }

    /// Whether it judges a contract before it signs.
    pub(crate) fn judges_contracts(self) -> bool {
        !self.witness.signs_blindly(self.me)
    }

    /// Whether it looks into its book before it signs, and notes there what it signed.
    pub(crate) fn keeps_book(self) -> bool {
        !self.witness.is_corrupt(self.me)
    }

    /// Whether it upholds a claim that is proved: a coalition upholds its own only.
    pub(crate) fn upholds(self, claimant: NodeId) -> bool {
        !self.witness.is_corrupt(self.me) || self.witness.is_of_coalition(claimant)
    }

    /// When it says that it saw an event: now.
    pub(crate) fn seen_at(self, event: (NodeId, Time), cx: &impl Context<Witness>) -> Time {
        self.witness.seen_at(event, cx)
    }

    /// For how many timestamps of an own event it waits: for as many as are needed.
    pub(crate) fn stamps_awaited(self, asked: usize) -> usize {
        let needed = self.witness.terms.redundancy as usize;
        if self.witness.chooses_stamps(self.me) { asked } else { needed }
    }

    /// Leaves out timestamps that do not suit it: none.
    pub(crate) fn choose_stamps(self, stamps: &mut Vec<Stamp>) {
        if self.witness.chooses_stamps(self.me) {
            earliest(stamps, self.witness.terms.redundancy);
        }
    }
}
