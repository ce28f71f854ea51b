//! Joining: reserve the stake, have it deducted, publish the event.
//!
//! | step | where it is | it goes on when |
//! |---|---|---|
//! | the witnesses of its funds promise | `Purpose::Stake` of a payment | enough of each have |
//! | they deduct | what it receives from itself | enough of each have |
//! | the event is stamped and sent | [`Standing::Reserved`] | it is in the node's own timeline |
//!
//! The first two are the payer's and the payee's part of a payment, without new witnesses: the
//! contract names those of its first source in their place. A receipt is good for one join only,
//! because an event counts only within `leniency` of the contract in it, and who has joined cannot
//! have left and join again before `time_to_consistency`.

use crate::book::Locked;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::contract::{Draft, Source};
use crate::objects::fund::Fund;
use crate::objects::receipt::{Signatures, opened};
use crate::objects::statement::Statement;
use crate::roles::payee::Receiving;
use crate::roles::payer::{Gathering, Paying, Purpose, Step};
use crate::roles::stake::Standing;
use crate::timeline::{self, EventKind, joined};
use crate::{Witness, WitnessBody, WitnessTimer};
use anthill_protocol::{Bodies, Context, Shared, Span, Time, draw};

/// By then all know that somebody joined, and send it what they publish.
const KNOWN: Span = Span::from_secs(120);

impl Witness {
    /// Waits for the moment at which a user joins by itself.
    pub(crate) fn wait_to_join(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        let Some(mean) = self.happenings.join else { return };
        if self.may_join(node, cx) && self.conduct(cx.id()).follows_workload() {
            let delay = draw::exponential(mean, cx.random());
            if cx.now() + delay <= self.happenings.until {
                cx.set_timer(delay, WitnessTimer::Stake);
            }
        }
    }

    fn may_join(&self, node: &WitnessNode, cx: &impl Context<Self>) -> bool {
        let is_member = joined(node.timeline, &cx.bodies()).contains(&self.genesis, cx.id());
        let is_user = self.genesis.is_user(cx.id());
        is_user && !is_member && node.stake.is_none() && !node.is_convicted()
    }

    /// Begins to join, if the node has the funds.
    pub(crate) fn begin_join(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        if !self.may_join(node, cx) {
            return;
        }
        self.open_wallet(node, cx);
        let Some(sources) = self.take_funds(node, self.terms.stake) else {
            cx.record(WitnessMetric::JoinsUnfunded, 1);
            return self.wait_to_join(node, cx);
        };
        cx.record(WitnessMetric::JoinsStarted, 1);
        node.stake = Some(Box::new(Standing::Reserving));
        let (me, started, amount) = (cx.id(), cx.local_clock(), self.terms.stake);
        let (contract, agreement) = self.stake_contract(&sources, started, cx);
        let withdrawn = sources.iter().map(|(_, part)| *part).sum();
        self.reserve(withdrawn, cx);
        let signed = Signatures::with_capacity(self.terms.redundancy as usize * sources.len());
        let number = node.payments;
        node.payments += 1;
        let paying = Paying {
            number,
            payee: me,
            amount,
            started,
            sources,
            asked: None,
            parties: (me, me),
            purpose: Purpose::Stake,
            role: None,
            deferrals: 0,
            groups: 0,
            step: Step::Gathering(Gathering::new(contract, agreement, signed)),
        };
        if let Step::Gathering(gathering) = &paying.step {
            self.ask(&paying, gathering, cx);
        }
        self.wait(&paying, 1, cx);
        node.paying.push(paying);
    }

    /// The contract of a node with itself, retained, and its agreement to it.
    fn stake_contract(
        &self,
        sources: &[(Fund, u64)],
        time: Time,
        cx: &mut impl Context<Self>,
    ) -> (Shared, anthill_protocol::Signature) {
        let (me, scenario) = (cx.id(), cx.scenario());
        let selection = sources[0].0.selection;
        let draft = Draft {
            payer: me,
            payee: me,
            amount: self.terms.stake,
            time,
            selection,
            sources: sources.iter().map(|(fund, part)| Source::of(fund, *part)).collect(),
        };
        let bodies = cx.bodies();
        let watched = bodies.get(selection).selection().expect("of a fund");
        let digest = draft.digest(watched, self.terms.rules, scenario);
        let signature = cx.sign(&Statement::Pays.of(scenario, &digest));
        let agreement = cx.sign(&Statement::Agrees.of(scenario, &digest));
        let contract = cx.share(WitnessBody::Contract(draft.signed(digest, signature)));
        cx.retain(contract);
        (contract, agreement)
    }

    /// Enough witnesses have promised the stake: they are asked to deduct it.
    pub(crate) fn stake_promised(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        if self.drop_bad_promises(node, place, cx) {
            return;
        }
        let paying = node.paying.swap_remove(place);
        let Step::Paid { receipt, gathering } = paying.step else { return };
        let gas = self.terms.gas * paying.sources.len() as u64;
        cx.record(WitnessMetric::Reserved, gas.wrapping_neg());
        cx.record(WitnessMetric::Gas, gas);
        let made = opened(receipt, &cx.bodies()).1.fund();
        cx.release(gathering.contract);
        self.keep_change(node, &paying.sources, made, cx);
        let receiving = Receiving::new(made, receipt);
        receiving.request(1, self.terms.timeout, cx);
        node.receiving.push(receiving);
        self.schedule_maintenance(node, cx);
        self.next_payment(node, cx);
    }

    /// Enough witnesses have deducted the stake, as a receipt says that is retained.
    pub(crate) fn stake_reserved(
        &self,
        node: &mut WitnessNode,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        node.stake = Some(Box::new(Standing::Reserved { receipt }));
        self.announce_join(node, cx);
    }

    /// Publishes that the node joins, as long as its receipt is young enough for that.
    pub(crate) fn announce_join(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(Standing::Reserved { receipt }) = node.stake.as_deref().copied() else { return };
        if node.authoring.is_some() {
            return cx.set_timer(self.terms.timeout, WitnessTimer::Stake);
        }
        let reserved = opened(receipt, &cx.bodies()).1.time;
        if cx.local_clock() <= reserved + self.terms.leniency {
            return self.announce(node, EventKind::Join { receipt }, cx);
        }
        self.lose_reserved(node, receipt, cx);
        cx.release(receipt);
    }

    /// A stake was deducted, or perhaps was, and nobody knows that the node joined: it expires with
    /// the fund from which it came.
    pub(crate) fn lose_reserved(
        &self,
        node: &mut WitnessNode,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let (_, contract) = opened(receipt, &bodies);
        cx.retain(contract.selection);
        let (fund, reserved) = (Fund::made_by(contract), contract.amount);
        node.wallet.locked.push(Locked { fund, reserved, void: None, ready: Time::MAX });
        self.join_failed(node, cx);
        self.schedule_maintenance(node, cx);
    }

    /// A join was given up: perhaps another begins later.
    pub(crate) fn join_failed(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        cx.record(WitnessMetric::JoinsFailed, 1);
        node.stake = None;
        self.wait_to_join(node, cx);
    }

    /// The node's own event was published, and counts: it will be a verifier when that is settled.
    pub(crate) fn has_joined(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(Standing::Reserved { receipt }) = node.stake.as_deref().copied() else { return };
        cx.release(receipt);
        node.stake = Some(Box::new(Standing::Joined));
        let stake = self.terms.stake;
        cx.record(WitnessMetric::Joins, 1);
        cx.record(WitnessMetric::Reserved, stake.wrapping_neg());
        cx.record(WitnessMetric::Staked, stake);
        if self.is_held(cx.id()) {
            cx.record(WitnessMetric::SybilStake, stake);
        }
        self.wait_for_events(node, cx);
        cx.set_timer(KNOWN, WitnessTimer::Stake);
    }

    /// An event of the node's own was published: it has joined or left, if that counts.
    pub(crate) fn own_published(
        &self,
        node: &mut WitnessNode,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(event).event() else { return };
        let counts = timeline::contains(node.timeline, content, &bodies);
        match content.kind {
            EventKind::Join { .. } if counts => self.has_joined(node, cx),
            EventKind::Leave if counts => self.has_just_left(node, content.time, cx),
            kind @ (EventKind::Join { .. } | EventKind::Leave) => self.not_stamped(kind, cx),
            _ => {}
        }
    }

    /// An event of the node's own was given up: it tries again later.
    pub(crate) fn not_stamped(&self, kind: EventKind, cx: &mut impl Context<Self>) {
        match kind {
            EventKind::Join { .. } => cx.set_timer(self.terms.timeout, WitnessTimer::Stake),
            EventKind::Leave => self.wait_to_leave(cx),
            _ => {}
        }
    }
}
