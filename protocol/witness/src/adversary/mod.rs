//! Adversaries that know the protocol's rules: the verifiers they hold, and their attempts.
//!
//! An attempt has a cast of its own, users that are no verifiers and do nothing else. Its draws are
//! honest (unless lying about them is the attack) and it never tries again after seeing one, so that
//! attempts are independent and the closed forms of [`crate::odds`] are exact.
//!
//! | attack | cast | file |
//! |---|---|---|
//! | several withdrawals of a fund, or of some, at once | payers, attacker, payees | [`at_once`] |
//! | spraying two contracts in random order | attacker, payees | [`spray`] |
//! | a second receipt of a payment | payer, attacker, payees | [`receipt_twin`] |
//! | an old receipt shown again | payer, attacker, payees | [`replay`] |
//! | a dishonest draw | payer, attacker, payees; or payer, payee | [`skip_liar`] |
//! | claiming the stake of its own witnesses | attacker, payees | [`self_claimer`] |
//! | leaving before signing both | attacker, payees; verifiers | [`early_leaver`] |
//! | an offline search for a draw | attacker | [`key_grinder`] |
//! | a fund passed on until its draw suits | owners, payees | [`draw_buyer`] |
//! | a receipt kept back too long | attacker, payees | [`stale_receipt`] |
//! | contracts with wrong dates | payer, payee | [`misdated`] |
//! | an event dated back | payer, attacker, payees; a verifier | [`backdated`] |
//! | events that a payer does not want to know | payer, attacker, payees; verifiers | [`withholder`] |
//! | a payee that hears only the adversary | attacker, payees | [`eclipse`] |
//! | many identities of one owner | payer, attacker, payees; identities | [`sybil`] |
//!
//! Where a payer comes before the attacker, the two are one: the payment between them makes the fund
//! that is attacked. The first of a cast begins at a moment of its own; what it shares with the
//! others is only what the protocol's messages carry.

mod accomplices;
mod at_once;
mod backdated;
mod cast;
mod coalition;
mod conduct;
mod cost;
mod draw_buyer;
mod early_leaver;
mod eclipse;
mod key_grinder;
mod kinds;
mod masks;
mod misdated;
mod receipt_twin;
mod replay;
mod self_claimer;
mod skip_liar;
mod spray;
mod stale_receipt;
mod sybil;
mod withholder;

pub(super) use cast::Adversary;
pub(super) use kinds::KINDS;
pub(super) use receipt_twin::is_twin_believable;

use crate::genesis::Genesis;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::fund::Fund;
use crate::roles::payer::{Paying, Step};
use crate::rules::Terms;
use crate::timeline::Tip;
use crate::{Witness, WitnessBody, WitnessTimer};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot, Span};

/// When the attempts of a run begin: each at a moment of its own within this.
pub(super) const SPREAD: Span = Span::from_secs(10);
/// Until all know of an event of which nothing is lost.
const KNOWN: Span = Span::from_secs(60);

/// The kinds of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// Corrupt witnesses sign all contracts: so many over each of so many funds, of whose honest
    /// witnesses each is online with this probability (of 2⁶⁴).
    Colluding { spends: u8, sources: u8, online: u64 },
    /// All witnesses are asked for both.
    DoubleSigner,
    /// Three withdrawals of 40 %, two of them to each witness.
    Fractional,
    /// Two receipts of one payment.
    ReceiptTwin,
    /// The receipt of a spent fund is handed over again.
    Replay,
    /// So many who answered are declared skipped, at random.
    Liar { lies: u32 },
    /// As many as needed and believable, so that corrupt ones take their places.
    AdaptiveLiar,
    /// So many keys are tried offline.
    Grinder { tries: u32 },
    /// Some witnesses sign unchecked; nobody knows who.
    Lazy,
    /// Corrupt witnesses sign both, and the attacker claims their stakes itself.
    SelfClaimer,
    /// Corrupt witnesses leave, and sign both once they have their stakes back.
    EarlyLeaver,
    /// Only watches.
    Coalition,
    /// A verifier tries so many events, and publishes one as if it were older.
    Backdated { tries: u32 },
    /// So many events of this age are known to a payer, or not.
    Withholder { events: u32, age: Span, is_stale: bool },
    /// A payee hears nobody but the adversary.
    Eclipse,
    /// So many identities of one owner join.
    Sybil { identities: u32 },
    /// A fund is passed on until its witnesses suit, so often at most.
    DrawBuyer { hops: u32 },
    /// A receipt is kept back until what it spends was promised in vain, and spent elsewhere.
    StaleReceipt,
    /// Contracts are dated so far from the clock, later or earlier.
    Misdated { offset: Span, is_ahead: bool },
}

/// The role of a payment in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(super) enum AttemptRole {
    /// The one that makes the fund to be attacked.
    Opening,
    /// One for which there is credit.
    Covered,
    /// The one too many.
    Phantom,
}

/// How far an attempt is, at the one of its cast that spends.
#[derive(Debug, Default, Snapshot)]
pub(super) struct Attempt {
    /// Payments that have ended.
    ended: u8,
    /// Payments that were accepted.
    accepted: u8,
    /// Steps done, of an attack with several.
    stage: u8,
    /// The fund that is to be spent twice; its selection is retained.
    fund: Option<Fund>,
    /// More that are spent together with it; their selections are retained.
    others: Vec<Fund>,
    /// The receipt that made it, or a second one; retained.
    receipt: Option<Shared>,
    /// The timeline that a payer shows instead of its own; retained.
    shown: Tip,
    /// Attempts that an accomplice in several has begun.
    begun: u32,
    /// With a coalition: the payments that any user made or received, and how many of them the
    /// coalition has seen.
    pub(super) history: [u32; 2],
    /// Whether it has claimed the stakes of its own witnesses.
    has_claimed: bool,
    /// The conviction that came of it, not published yet; retained.
    conviction: Option<Shared>,
    /// The cost of the attempt.
    cost: cost::Cost,
}

impl Witness {
    /// Whether the adversary holds a verifier.
    pub(super) fn is_held(&self, verifier: NodeId) -> bool {
        let adversary = self.adversary.as_ref();
        adversary.is_some_and(|adversary| adversary.holds_node(&self.genesis, verifier))
    }

    /// Whether a verifier signs whatever it is asked for.
    fn is_corrupt(&self, verifier: NodeId) -> bool {
        let signs = |adversary: &Adversary| {
            matches!(
                adversary.attack,
                Attack::Colluding { .. }
                    | Attack::AdaptiveLiar
                    | Attack::Lazy
                    | Attack::SelfClaimer
                    | Attack::EarlyLeaver
                    | Attack::Backdated { .. }
                    | Attack::Withholder { .. }
                    | Attack::Eclipse
                    | Attack::Sybil { .. }
                    | Attack::DrawBuyer { .. }
            )
        };
        self.adversary.as_ref().is_some_and(signs) && self.is_held(verifier)
    }

    /// Whether a node plays a part in an attempt, and so does nothing else.
    fn is_assigned(&self, node: NodeId) -> bool {
        let plays = |adversary: &Adversary| {
            adversary.part(node).is_some() || adversary.identities.binary_search(&node).is_ok()
        };
        self.adversary.as_ref().is_some_and(plays)
    }

    /// The first of a cast waits for its moment, and so do accomplices.
    pub(super) fn wait_for_attack(&self, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let is_first = adversary.part(cx.id()).is_some_and(|(part, _)| adversary.is_beginner(part));
        if let Some(begin) = adversary.begins(&self.terms).filter(|_| is_first) {
            let delay = cx.random_below(SPREAD.0);
            cx.set_timer(begin + Span(delay), WitnessTimer::Attack);
        }
        if let Some(delay) = self.accomplice_begins(adversary, cx.id()) {
            cx.set_timer(delay, WitnessTimer::Attack);
        }
    }

    /// The moment of a node of a cast has come: the first begins the attempt, the spender goes on.
    pub(super) fn attack(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some((part, cast)) = adversary.part(cx.id()) else {
            return self.accomplice_acts(node, adversary, cx);
        };
        if adversary.is_beginner(part) && node.attempt.is_none() {
            node.attempt = Some(Box::default());
            if part == 0 {
                cx.record(WitnessMetric::Attempts, 1);
            }
            return match adversary.attack {
                Attack::Grinder { tries } => self.grind(adversary, tries, cx),
                Attack::Liar { .. } | Attack::Misdated { .. } => self.open(node, cast[1], cx),
                Attack::StaleReceipt => self.begin_stale(node, cast[1], cx),
                Attack::Withholder { .. } => self.learn_events(node, adversary, cx),
                _ if adversary.openings() > 0 => self.open(node, cast[adversary.openings()], cx),
                _ => self.spend_at_once(node, cx),
            };
        }
        match adversary.attack {
            Attack::Lazy => self.spray_the_rest(node, cx),
            Attack::ReceiptTwin => self.spend_both_receipts(node, cx),
            Attack::Replay => self.replay(node, cx),
            Attack::Backdated { .. } if part == 0 => self.open(node, cast[1], cx),
            Attack::Withholder { events, .. } if part == 0 => {
                self.withhold(node, (adversary, events), cast[1], cx);
            }
            Attack::AdaptiveLiar | Attack::Sybil { .. } => self.spend_at_once(node, cx),
            Attack::Backdated { .. } | Attack::Withholder { .. } => self.spend_at_once(node, cx),
            Attack::DrawBuyer { hops } => self.pass_on(node, (part, hops), cast, cx),
            Attack::Colluding { .. } => self.spend_if_funded(node, adversary, cx),
            Attack::StaleReceipt => self.go_on_stale(node, cast, cx),
            _ => {}
        }
    }

    /// The fund with which a node of a cast began, retained for a payment of it.
    fn take_first_fund(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) -> Fund {
        node.wallet.opened = true;
        let first = self.first_fund(cx);
        cx.retain(first.selection);
        first
    }

    /// The payment that makes the fund to be attacked.
    fn open(&self, node: &mut WitnessNode, to: NodeId, cx: &mut impl Context<Self>) {
        let fund = self.take_first_fund(node, cx);
        self.spend(node, fund, to, (None, AttemptRole::Opening), cx);
    }

    /// Begins a payment of a whole fund, whose selection the caller has retained for it.
    fn spend(
        &self,
        node: &mut WitnessNode,
        fund: Fund,
        to: NodeId,
        (asked, role): (Option<u128>, AttemptRole),
        cx: &mut impl Context<Self>,
    ) {
        // A payee that would end with zero is not paid.
        let amount = fund.amount.saturating_sub(self.terms.gas);
        let asked = asked.map(|mask| Box::from([mask]));
        self.begin(node, to, amount, vec![(fund, fund.amount)], (asked, Some(role)), cx);
    }

    /// The fund of a payment received is watched by enough witnesses: that of an attempt's opening
    /// is taken out of the wallet, to be attacked.
    pub(super) fn funded(
        &self,
        node: &mut WitnessNode,
        payer: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        let opened = |(part, cast): &(usize, &[NodeId])| {
            adversary.is_spender(*part) && cast[..*part].contains(&payer)
        };
        if adversary.openings() == 0 || !adversary.part(cx.id()).is_some_and(|p| opened(&p)) {
            return;
        }
        let attempt = node.attempt.get_or_insert_default();
        if let Attack::Colluding { .. } = adversary.attack {
            attempt.others.extend(node.wallet.funds.pop());
            return cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
        }
        if attempt.fund.is_some() || attempt.stage > 0 {
            return;
        }
        attempt.fund = node.wallet.funds.pop();
        if adversary.attack == Attack::Replay {
            cx.retain(receipt);
            attempt.receipt = Some(receipt);
        }
        // By then the slowest of its witnesses has it in its book too.
        cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
    }

    /// A payment of an attempt cannot be completed: its funds stay where they are.
    pub(super) fn attempt_gave_up(
        &self,
        node: &mut WitnessNode,
        paying: Paying,
        role: AttemptRole,
        cx: &mut impl Context<Self>,
    ) {
        self.attempt_ended(node, &paying, role, false, cx);
        if let Some(contract) = paying.contract() {
            cx.release(contract);
        }
        match &paying.step {
            Step::Choosing(choosing) => choosing.release(cx),
            Step::Paid { receipt, .. } => cx.release(*receipt),
            _ => {}
        }
        paying.sources.iter().for_each(|(fund, _)| cx.release(fund.selection));
    }

    /// A payment of an attempt was accepted: nothing of its funds comes back.
    pub(super) fn attempt_paid(
        &self,
        node: &mut WitnessNode,
        paying: &Paying,
        role: AttemptRole,
        cx: &mut impl Context<Self>,
    ) {
        self.attempt_ended(node, paying, role, true, cx);
        paying.sources.iter().for_each(|(fund, _)| cx.release(fund.selection));
    }

    /// A payment of an attempt has ended.
    fn attempt_ended(
        &self,
        node: &mut WitnessNode,
        paying: &Paying,
        role: AttemptRole,
        was_accepted: bool,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        if role == AttemptRole::Opening {
            let is_all = matches!(adversary.attack, Attack::Liar { .. } | Attack::Misdated { .. });
            if is_all && !was_accepted {
                cx.record(WitnessMetric::Detected, 1);
            }
            if is_all || !was_accepted {
                cx.record(WitnessMetric::Decided, 1);
            }
            let shown = node.attempt.as_mut().and_then(|attempt| attempt.shown.take());
            return shown.into_iter().for_each(|shown| cx.release(shown));
        }
        let attempt = node.attempt.get_or_insert_default();
        attempt.ended += 1;
        attempt.accepted += u8::from(was_accepted);
        let (ended, accepted, all) = (attempt.ended, attempt.accepted, adversary.payments());
        if adversary.attack == Attack::Replay && role == AttemptRole::Covered {
            if was_accepted {
                return cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
            }
            // There will be no second payment.
            attempt.fund.take().into_iter().for_each(|fund| cx.release(fund.selection));
            attempt.receipt.take().into_iter().for_each(|receipt| cx.release(receipt));
            cx.record(WitnessMetric::Decided, 1);
        }
        if ended == all {
            cx.record(WitnessMetric::Decided, 1);
        }
        if was_accepted && accepted > adversary.covered() {
            // One more than there was credit for.
            let withdrawn = paying.sources.iter().map(|(_, part)| *part).sum();
            if accepted == adversary.covered() + 1 {
                cx.record(WitnessMetric::DoubleSpends, 1);
            }
            cx.record(WitnessMetric::Counterfeit, withdrawn);
            cx.record(WitnessMetric::Reserved, withdrawn);
        }
        if accepted == all {
            cx.record(WitnessMetric::AllAccepted, 1);
            self.attempt_accepted(node, cx);
            self.convict_oneself(node, cx);
        }
        if adversary.attack == Attack::StaleReceipt && ended == 1 {
            self.hand_over_stale(node, cx);
        }
    }
}

#[cfg(test)]
mod tests;
