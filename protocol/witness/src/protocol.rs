//! Which role gets which message, timer and crash.

use crate::metrics::WitnessMetric;
use crate::objects::receipt::Receipt;
use crate::roles::author::{Author, Stamper};
use crate::roles::guilt::{Claimant, Juror};
use crate::roles::holder::Holder;
use crate::roles::payee::Payee;
use crate::roles::witness::FundWitness;
use crate::{Witness, WitnessBody, WitnessMessage, WitnessNode, WitnessTimer};
use anthill_protocol::{Context, NodeId, Protocol, Time};

impl Witness {
    /// Waits for the node's next payment of the workload.
    pub(crate) fn wait_for_payment(&self, cx: &mut impl Context<Self>) {
        if let Some(mean) = self.workload.interval
            && self.genesis.is_user(cx.id())
            && self.conduct(cx.id()).follows_workload()
        {
            let delay = anthill_protocol::draw::exponential(mean, cx.random());
            cx.set_timer(delay, WitnessTimer::Pay);
        }
    }

    /// The next payment of the workload: payee and amount.
    pub(crate) fn draw_payment(&self, cx: &mut impl Context<Self>) -> (NodeId, u64) {
        let other = cx.random_below(u64::from(self.genesis.users()) - 1) as u32;
        let payee = self.genesis.user(other);
        let payee = if payee < cx.id() { payee } else { NodeId(payee.0 + 1) };
        let spread = self.workload.most - self.workload.least + 1;
        (payee, self.workload.least + cx.random_below(spread))
    }
}

impl Protocol for Witness {
    type Node = WitnessNode;
    type Message = WitnessMessage;
    type Body = WitnessBody;
    type Timer = WitnessTimer;
    type Metric = WitnessMetric;
    type Output = anthill_protocol::NoOutput;

    const HINTS: bool = true;

    /// A witness meets its book, which is a line or two in a list of many; payer and payee the payments
    /// that they have under way.
    fn hint(
        &self,
        node: &WitnessNode,
        message: &WitnessMessage,
        bodies: &impl anthill_protocol::Bodies<WitnessBody>,
        mut fetch: impl FnMut(*const u8),
    ) {
        use WitnessMessage as M;
        let contract_of = |receipt| bodies.get(receipt).receipt().map(|receipt| receipt.contract);
        let source_of = |contract, source: u8| {
            let contract = bodies.get(contract).contract()?;
            contract.sources.get(usize::from(source)).map(|source| source.fund)
        };
        let fund = match *message {
            M::Ask { contract, source } => source_of(contract, source),
            M::Settle { receipt, source } => {
                contract_of(receipt).and_then(|contract| source_of(contract, source))
            }
            M::Entrust { receipt } => bodies.get(receipt).receipt().map(Receipt::fund),
            M::Here { .. } | M::Promise { .. } => return fetch(node.paying.as_ptr().cast()),
            M::Settled { .. } | M::Kept { .. } => return fetch(node.receiving.as_ptr().cast()),
            _ => None,
        };
        if let Some(fund) = fund {
            node.book.hint(fund, fetch);
        }
    }

    fn start(&self, cx: &mut impl Context<Self>) -> WitnessNode {
        if self.genesis.is_user(cx.id()) {
            cx.record(WitnessMetric::Issued, self.endowment);
            cx.record(WitnessMetric::Held, self.endowment);
        }
        if self.genesis.rank(cx.id()).is_some() {
            cx.record(WitnessMetric::Issued, self.terms.stake);
            cx.record(WitnessMetric::Staked, self.terms.stake);
        }
        self.wait_for_payment(cx);
        self.wait_for_attack(cx);
        let mut node = WitnessNode::default();
        self.wait_for_events(&node, cx);
        self.wait_to_join(&node, cx);
        self.schedule_maintenance(&mut node, cx);
        node
    }

    fn on_message(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        message: &WitnessMessage,
        cx: &mut impl Context<Self>,
    ) {
        use WitnessMessage as M;
        if !self.conduct(cx.id()).hears(from) {
            return cx.record(WitnessMetric::Cut, 1);
        }
        match *message {
            // Payer.
            M::Here { payment, settled, tip } => {
                self.here(node, from, (payment, settled, tip), cx);
            }
            M::Agree { contract, signature } => {
                self.agreed(node, from, (contract, signature), cx);
            }
            M::Promise { contract, source, signature } => {
                self.promised(node, from, (contract, source, signature), cx);
            }
            M::Accept { receipt } => self.accepted(node, from, receipt, cx),
            M::Refuse { contract, source, why } => {
                self.refused(node, from, (contract, source, why), cx);
            }
            // Payee.
            M::Propose { contract } => {
                let answer = Payee::of(self, node).on_propose(from, contract, cx);
                self.answer(node, from, answer, cx);
            }
            M::Pay { receipt } => {
                let (answer, outcome) = Payee::of(self, node).on_pay(receipt, cx);
                self.after_payee(node, outcome, cx);
                self.answer(node, from, answer, cx);
            }
            M::Settled { receipt, source, signature } => {
                let settled = (receipt, source, signature);
                let outcome = Payee::of(self, node).on_settled(from, settled, cx);
                self.after_payee(node, outcome, cx);
            }
            M::Kept { receipt } => {
                let outcome = Payee::of(self, node).on_kept(from, receipt, cx);
                self.after_payee(node, outcome, cx);
            }
            // Witness of a fund.
            M::Hello { payment, time, .. } => {
                let answer = FundWitness::of(self, node).on_hello((payment, time), cx);
                self.answer(node, from, answer, cx);
            }
            M::Ask { contract, source } => {
                let answer = FundWitness::of(self, node).on_ask(from, (contract, source), cx);
                self.answer(node, from, answer, cx);
            }
            M::Settle { receipt, source } => {
                let of_source = (receipt, source);
                let (answer, conflict) = FundWitness::of(self, node).on_settle(from, of_source, cx);
                self.after_settle(node, conflict, cx);
                self.answer(node, from, answer, cx);
            }
            M::Entrust { receipt } => {
                let answer = FundWitness::of(self, node).on_entrust(from, receipt, cx);
                self.answer(node, from, answer, cx);
            }
            M::Renew { rollover } => {
                let answer = FundWitness::of(self, node).on_renew(from, rollover, cx);
                self.answer(node, from, answer, cx);
            }
            M::Carry { rollover } => {
                let answer = FundWitness::of(self, node).on_carry(from, rollover, cx);
                self.answer(node, from, answer, cx);
            }
            // Owner of a fund that rolls over.
            M::Renewed { rollover, signature } => {
                self.renewed(node, from, (rollover, signature), cx);
            }
            M::Carried { rollover } => self.carried(node, from, rollover, cx),
            // The timeline: author, its witnesses, all others.
            M::Stamped { event, time, signature } => {
                let stamped = (event, time, signature);
                if let Some(event) = Author::of(self, node).on_stamped(from, stamped, cx) {
                    self.publish(node, event, cx);
                }
            }
            M::Stamp { event } => Stamper::of(self, node).on_stamp(from, event, cx),
            M::Publish { event } => self.published(node, from, event, cx),
            M::Probe { probes } => Holder::of(self, node, cx.id()).on_probe(from, probes, cx),
            M::Since { batch } => self.caught_up(node, from, batch, cx),
            M::Rest { batch } => self.completed(node, from, batch, cx),
            // A claim: claimant, then jury.
            M::Upheld { claim, time, signature } => {
                let upheld = (claim, time, signature);
                let verdict = Claimant::of(self, node).on_upheld(from, upheld, cx);
                self.after_claimant(node, verdict, cx);
            }
            M::Claim { claim } => {
                let answer = Juror::of(self, node).on_claim(from, claim, cx);
                self.answer(node, from, answer, cx);
            }
        }
    }

    fn on_timer(&self, node: &mut WitnessNode, timer: WitnessTimer, cx: &mut impl Context<Self>) {
        match timer {
            WitnessTimer::Pay => {
                let (payee, amount) = self.draw_payment(cx);
                self.pay(node, payee, amount, cx);
                self.wait_for_payment(cx);
            }
            WitnessTimer::Attack => self.attack(node, cx),
            WitnessTimer::Maintain => self.maintain(node, cx),
            WitnessTimer::Stake => self.stake_due(node, cx),
            WitnessTimer::Announce { kind } => self.happens(node, kind, cx),
            WitnessTimer::Stamps { event, tries } => {
                if let Some(kind) = Author::of(self, node).on_timeout((event, tries), cx) {
                    self.not_stamped(kind, cx);
                }
            }
            WitnessTimer::Greeting { payment, group } => self.skip(node, payment, group, cx),
            WitnessTimer::Payer { payment, step, tries } => {
                self.payer_timeout(node, payment, (step, tries), cx);
            }
            WitnessTimer::Payee { fund, step, tries } => {
                let outcome = Payee::of(self, node).on_timeout(fund, (step, tries), cx);
                self.after_payee(node, outcome, cx);
            }
            WitnessTimer::Claim { fund, sequence, tries } => {
                let due = ((fund, sequence), tries);
                let verdict = Claimant::of(self, node).on_timeout(due, cx);
                self.after_claimant(node, verdict, cx);
            }
        }
    }

    /// Wallet and book are durable; what was under way is taken up again with the state, and given
    /// up without.
    fn restart(&self, node: &mut WitnessNode, keep_state: bool, cx: &mut impl Context<Self>) {
        self.resume_stake(node, cx);
        self.resume(node, keep_state, cx);
        Claimant::of(self, node).resume(keep_state, cx);
        // An event that was being stamped is given up: its time would be off.
        if let Some(authoring) = node.authoring.take() {
            cx.release(authoring.event());
        }
        self.wait_for_events(node, cx);
        self.wait_for_payment(cx);
        node.next_maintenance = Time::MAX;
        self.schedule_maintenance(node, cx);
    }

    fn state_hash(&self, node: &WitnessNode) -> u64 {
        let mut bytes = Vec::new();
        node.save_durable(&mut bytes);
        anthill_protocol::fold_bytes(&bytes)
    }

    fn events_per_node_second(&self) -> f64 {
        let messages = 8.0 * f64::from(self.terms.witnesses);
        self.workload.interval.map_or(1.0, |mean| messages / mean.as_secs_f64())
    }
}
