//! The payer's side of a payment: choose witnesses, agree, gather promises, pay.
//!
//! | step | it asks | it goes on when |
//! |---|---|---|
//! | [`Step::Choosing`] | drawn verifiers whether they are there | the last witness answered |
//! | [`Step::Agreeing`] | the payee to agree to the contract | it did |
//! | [`Step::Gathering`] | the witnesses of all sources to promise | enough of each have |
//! | [`Step::Paid`] | the payee to accept the receipt | it did |
//!
//! Every request is repeated after `timeout` to those who have not answered, [`MAX_TRIES`] times in
//! all. A payment that is given up before it asked for promises gives its funds back; after that
//! they stay locked, because some witnesses may have promised them (R4).

mod choose;
mod gather;
mod outdated;

use crate::adversary::AttemptRole;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::contract::MAX_SOURCES;
use crate::objects::fund::Fund;
use crate::objects::receipt::Signatures;
use crate::objects::selection::Selection;
use crate::roles::owner::Renewing;
use crate::roles::payee::Payee;
use crate::rules::MAX_TRIES;
use crate::{Witness, WitnessTimer};
use anthill_protocol::{Context, NodeId, Shared, Signature, Snapshot, Time};

pub(crate) use choose::Choosing;

/// A payment under way, at its payer.
#[derive(Debug, Snapshot)]
pub(crate) struct Paying {
    /// The payer's count of payments.
    pub(crate) number: u32,
    pub(crate) payee: NodeId,
    pub(crate) amount: u64,
    pub(crate) started: Time,
    /// The funds, and what is withdrawn from each.
    pub(crate) sources: Vec<(Fund, u64)>,
    /// The witnesses that an attacker asks of each source, a bit per position. Else all are asked.
    pub(crate) asked: Option<Box<[u128]>>,
    /// Payer and payee of the draw; for a rollover those of the fund's first draw.
    pub(crate) parties: (NodeId, NodeId),
    /// Payment, rollover or stake.
    pub(crate) purpose: Purpose,
    /// Set if it is one of an attempt's.
    pub(crate) role: Option<AttemptRole>,
    /// How often something was asked again because timelines differed.
    pub(crate) deferrals: u16,
    /// Greetings sent together wait for one timer; how often that was.
    pub(crate) groups: u16,
    pub(crate) step: Step,
}

/// The purpose of a dialogue with a fund's witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Purpose {
    /// Somebody is paid.
    Payment,
    /// A fund gets new witnesses; a contract to which it was promised in vain is voided. That is
    /// retained.
    Rollover { void: Option<Shared> },
    /// Its own stake, for which it asks its witnesses as for a payment to itself.
    Stake,
}

/// How far it is.
#[derive(Debug, Snapshot)]
pub(crate) enum Step {
    /// The new witnesses are drawn and greeted.
    Choosing(Choosing),
    /// The payee has the contract.
    Agreeing { contract: Shared },
    /// The witnesses of the sources have it.
    Gathering(Gathering),
    /// The payee has the receipt.
    Paid { receipt: Shared, gathering: Gathering },
    /// The witnesses of a fund that rolls over have what its owner declares.
    Renewing(Renewing),
    /// Its new witnesses have what those signed; a bit per position that watches.
    Carrying { rollover: Shared, kept: u128 },
}

/// The promises gathered so far.
#[derive(Debug, Snapshot)]
pub(crate) struct Gathering {
    pub(crate) contract: Shared,
    pub(crate) agreement: Signature,
    /// Moved into the receipt once there is one.
    pub(crate) signed: Signatures,
    /// Refusals, each a source and a position.
    pub(crate) refused: Vec<(u8, u8)>,
    /// Witnesses whose signature does not hold, which are not asked again.
    pub(crate) distrusted: Vec<(u8, u8)>,
}

impl Gathering {
    pub(crate) fn new(contract: Shared, agreement: Signature, signed: Signatures) -> Self {
        Self { contract, agreement, signed, refused: Vec::new(), distrusted: Vec::new() }
    }
}

impl Step {
    /// Its number, so that the timer of an earlier step is recognised.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Choosing(_) => 0,
            Self::Agreeing { .. } => 1,
            Self::Gathering(_) => 2,
            Self::Paid { .. } => 3,
            Self::Renewing(_) => 4,
            Self::Carrying { .. } => 5,
        }
    }
}

impl Paying {
    /// Whether there is credit for it: always, but for an attempt's payment too many.
    pub(crate) fn is_covered(&self) -> bool {
        self.role != Some(AttemptRole::Phantom)
    }

    /// The witnesses of a source that are asked, a bit per position.
    pub(crate) fn asked(&self, source: u8) -> u128 {
        self.asked.as_ref().map_or(u128::MAX, |asked| asked[usize::from(source)])
    }

    /// The contract or rollover, once there is one.
    pub(crate) fn contract(&self) -> Option<Shared> {
        match &self.step {
            Step::Choosing(_) => None,
            Step::Agreeing { contract } => Some(*contract),
            Step::Gathering(gathering) | Step::Paid { gathering, .. } => Some(gathering.contract),
            Step::Renewing(renewing) => Some(renewing.declared),
            Step::Carrying { rollover, .. } => Some(*rollover),
        }
    }
}

impl Witness {
    /// Begins a payment of the node, if it has the funds.
    pub(crate) fn pay(
        &self,
        node: &mut WitnessNode,
        payee: NodeId,
        amount: u64,
        cx: &mut impl Context<Self>,
    ) {
        self.open_wallet(node, cx);
        let Some(sources) = self.take_funds(node, amount) else {
            // Perhaps what is under way comes back.
            if node.paying.is_empty() {
                cx.record(WitnessMetric::Unfunded, 1);
            } else {
                node.waiting += 1;
            }
            return;
        };
        self.begin(node, payee, amount, sources, (None, None), cx);
    }

    /// Begins a payment from given funds.
    pub(crate) fn begin(
        &self,
        node: &mut WitnessNode,
        payee: NodeId,
        amount: u64,
        sources: Vec<(Fund, u64)>,
        (asked, role): (Option<Box<[u128]>>, Option<AttemptRole>),
        cx: &mut impl Context<Self>,
    ) {
        cx.record(WitnessMetric::Started, 1);
        let number = node.payments;
        node.payments += 1;
        let started = self.conduct(cx.id()).date(cx.local_clock());
        let timeline = self.conduct(cx.id()).timeline(node, payee);
        let parties = (cx.id(), payee);
        let step = Step::Choosing(Choosing::new(self, timeline, (parties, started), cx));
        let paying = Paying {
            number,
            payee,
            parties,
            amount,
            started,
            sources,
            asked,
            role,
            purpose: Purpose::Payment,
            deferrals: 0,
            groups: 0,
            step,
        };
        node.paying.push(paying);
        self.greet(node, node.paying.len() - 1, cx);
    }

    /// Puts the node's first fund among the others.
    pub(crate) fn open_wallet(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        if node.wallet.opened || !self.genesis.is_user(cx.id()) {
            return;
        }
        node.wallet.opened = true;
        let first = self.first_fund(cx);
        cx.retain(first.selection);
        node.wallet.funds.push(first);
    }

    /// The fund with which the node began, untouched.
    pub(crate) fn first_fund(&self, cx: &mut impl Context<Self>) -> Fund {
        let owner = cx.id();
        let selection = Selection::genesis(&self.genesis, owner, self.terms.witnesses);
        let id = self.genesis.fund(owner);
        Fund {
            id,
            amount: self.endowment,
            sequence: 0,
            previous: id,
            selection: cx.share(crate::WitnessBody::Selection(selection)),
        }
    }

    /// Takes funds out of the wallet that cover an amount and its gas, the newest first.
    pub(crate) fn take_funds(
        &self,
        node: &mut WitnessNode,
        amount: u64,
    ) -> Option<Vec<(Fund, u64)>> {
        let gas = self.terms.gas;
        let (mut missing, mut places) = (amount, Vec::new());
        for (place, fund) in node.wallet.funds.iter().enumerate().rev() {
            let usable = fund.amount.saturating_sub(gas);
            if usable > 0 && missing > 0 && places.len() < MAX_SOURCES {
                let part = usable.min(missing);
                missing -= part;
                places.push((place, part + gas));
            }
        }
        if missing > 0 {
            return None;
        }
        // From the back: removing one leaves the places before it.
        Some(places.into_iter().map(|(at, part)| (node.wallet.funds.remove(at), part)).collect())
    }

    /// The place of a payment under way by its number.
    pub(crate) fn payment(&self, node: &WitnessNode, number: u32) -> Option<usize> {
        node.paying.iter().position(|paying| paying.number == number)
    }

    /// The place of a payment under way by its contract.
    pub(crate) fn payment_of(&self, node: &WitnessNode, contract: Shared) -> Option<usize> {
        node.paying.iter().position(|paying| paying.contract() == Some(contract))
    }

    /// Waits for answers to what was just asked.
    pub(crate) fn wait(&self, paying: &Paying, tries: u8, cx: &mut impl Context<Self>) {
        let (payment, step) = (paying.number, paying.step.number());
        cx.set_timer(self.terms.timeout, WitnessTimer::Payer { payment, step, tries });
    }

    /// The answers to what was asked are overdue.
    pub(crate) fn payer_timeout(
        &self,
        node: &mut WitnessNode,
        payment: u32,
        (step, tries): (u8, u8),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment(node, payment) else { return };
        if node.paying[place].step.number() != step {
            return;
        }
        if matches!(node.paying[place].step, Step::Renewing(_) | Step::Carrying { .. }) {
            return self.rollover_timeout(node, place, tries, cx);
        }
        if tries >= MAX_TRIES {
            return self.give_up(node, place, cx);
        }
        let paying = &node.paying[place];
        match &paying.step {
            Step::Choosing(_) | Step::Renewing(_) | Step::Carrying { .. } => {}
            Step::Agreeing { contract } => self.propose(paying.payee, *contract, cx),
            Step::Gathering(gathering) => self.ask(paying, gathering, cx),
            Step::Paid { receipt, .. } => self.hand_over_receipt(paying.payee, *receipt, cx),
        }
        self.wait(paying, tries + 1, cx);
    }

    /// A node that comes up again: its timers died.
    pub(crate) fn resume(
        &self,
        node: &mut WitnessNode,
        keep_state: bool,
        cx: &mut impl Context<Self>,
    ) {
        if !keep_state {
            while !node.paying.is_empty() {
                node.waiting = 0;
                self.give_up(node, 0, cx);
            }
            while let Some(outcome) = Payee::of(self, node).give_up_one(cx) {
                self.after_payee(node, outcome, cx);
            }
            return;
        }
        for paying in &node.paying {
            if let Step::Choosing(choosing) = &paying.step {
                choosing.renew_timers(paying.number, paying.groups, self.terms.timeout, cx);
            } else {
                self.wait(paying, 1, cx);
            }
        }
        Payee::of(self, node).resume(cx);
    }

    /// Ends a payment that cannot be completed.
    pub(crate) fn give_up(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        let paying = node.paying.swap_remove(place);
        if let Purpose::Rollover { void } = paying.purpose {
            return self.give_up_rollover(node, paying, void, cx);
        }
        match paying.purpose {
            Purpose::Stake => self.join_failed(node, cx),
            _ => cx.record(WitnessMetric::Rejected, 1),
        }
        if let Some(role) = paying.role {
            return self.attempt_gave_up(node, paying, role, cx);
        }
        let withdrawn: u64 = paying.sources.iter().map(|(_, part)| *part).sum();
        match paying.step {
            Step::Choosing(choosing) => {
                choosing.release(cx);
                node.wallet.funds.extend(paying.sources.iter().map(|s| s.0));
            }
            Step::Agreeing { contract } => {
                self.reserve(withdrawn.wrapping_neg(), cx);
                node.wallet.funds.extend(paying.sources.iter().map(|s| s.0));
                cx.release(contract);
            }
            Step::Gathering(Gathering { contract, .. }) => {
                self.lock_funds(node, &paying.sources, (contract, false), cx);
                cx.release(contract);
            }
            Step::Paid { receipt, gathering } => {
                self.lock_funds(node, &paying.sources, (gathering.contract, true), cx);
                cx.release(receipt);
                cx.release(gathering.contract);
            }
            Step::Renewing(_) | Step::Carrying { .. } => {}
        }
        self.schedule_maintenance(node, cx);
        self.next_payment(node, cx);
    }

    /// Moves credit between the wallet and what is under way.
    pub(crate) fn reserve(&self, amount: u64, cx: &mut impl Context<Self>) {
        cx.record(WitnessMetric::Held, amount.wrapping_neg());
        cx.record(WitnessMetric::Reserved, amount);
    }

    /// Begins a payment that had to wait.
    pub(crate) fn next_payment(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        if node.waiting > 0 {
            node.waiting -= 1;
            let (payee, amount) = self.draw_payment(cx);
            self.pay(node, payee, amount, cx);
        }
    }
}
