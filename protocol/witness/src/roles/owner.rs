//! The owner's side: when a fund rolls over, the dialogue, and what becomes of funds that do not.
//!
//! Every fund has a moment of its own between half and nine tenths of its period. A node has one
//! timer for the next of them. What was promised to a payment in vain waits until the promise may be
//! voided, and rolls over then.

use crate::book::Locked;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::fund::Fund;
use crate::objects::receipt::Signed;
use crate::objects::refusal::Refusal;
use crate::objects::rollover::Declared;
use crate::objects::statement::Statement;
use crate::roles::payer::{Choosing, Paying, Purpose, Step};
use crate::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::draw::{below, draw, mix, threshold};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Signature, Snapshot, Span, Time};

/// The signatures of a rollover gathered so far.
#[derive(Debug, Snapshot)]
pub(crate) struct Renewing {
    /// The rollover that the old witnesses are asked to sign; retained.
    pub(crate) declared: Shared,
    signed: Vec<Signed>,
    /// Witnesses that have answered, a bit per position.
    answered: u128,
}

impl Witness {
    /// When a fund was entrusted to its witnesses.
    fn born(&self, fund: &Fund, bodies: &impl Bodies<WitnessBody>) -> Time {
        bodies.get(fund.selection).selection().map_or(Time::ZERO, |s| s.history.time)
    }

    /// When a fund is to roll over, or expires if it is not to.
    fn moment(&self, fund: crate::objects::fund::FundId, born: Time) -> Time {
        let (seed, period) = (mix(fund.0, born.0), self.terms.rollover_period);
        if self.rollovers < 1.0 && draw(seed, 0) >= threshold(self.rollovers) {
            return born + period;
        }
        let spread = below(draw(seed, 1), (period.0 / 5 * 2).max(1));
        born + Span(period.0 / 2 + spread)
    }

    /// Sees to it that a timer is set for what is due next among a node's funds.
    pub(crate) fn schedule_maintenance(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        if !self.genesis.is_user(cx.id()) || !self.conduct(cx.id()).follows_workload() {
            return;
        }
        let (bodies, now) = (cx.bodies(), cx.local_clock());
        let period = self.terms.rollover_period;
        // What was due and is not done is tried again some time later, but is gone when it expires.
        let again = |moment: Time, end: Time| {
            let later = now + Span(period.0 / 64 + 1);
            if moment > now { moment } else { later.min(end.max(now)) }
        };
        let due = |fund: &Fund| {
            let born = self.born(fund, &bodies);
            again(self.moment(fund.id, born), born + period)
        };
        let unlocked = |locked: &Locked| {
            let end = self.born(&locked.fund, &bodies) + period;
            again(locked.ready.min(end), end)
        };
        let first = (!node.wallet.opened).then(|| {
            let moment = self.moment(self.genesis.fund(cx.id()), Time::ZERO);
            again(moment, Time::ZERO + period)
        });
        let funds = node.wallet.funds.iter().map(due);
        let next = funds.chain(node.wallet.locked.iter().map(unlocked)).chain(first).min();
        if let Some(next) = next.filter(|next| *next < node.next_maintenance) {
            node.next_maintenance = next;
            cx.set_timer(next.since(now), WitnessTimer::Maintain);
        }
    }

    /// The moment for something has come: funds expire or roll over.
    pub(crate) fn maintain(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let (bodies, now) = (cx.bodies(), cx.local_clock());
        node.next_maintenance = Time::MAX;
        if self.moment(self.genesis.fund(cx.id()), Time::ZERO) <= now {
            self.open_wallet(node, cx);
        }
        let expires = |fund: &Fund| self.born(fund, &bodies) + self.terms.rollover_period;
        for fund in node.wallet.funds.extract_if(.., |fund| expires(fund) <= now) {
            self.expire(&fund, 0, cx);
        }
        for locked in node.wallet.locked.extract_if(.., |locked| expires(&locked.fund) <= now) {
            self.expire(&locked.fund, locked.reserved, cx);
            locked.void.into_iter().for_each(|void| cx.release(void));
        }
        let is_due = |fund: &mut Fund| {
            let born = self.born(fund, &bodies);
            let moment = self.moment(fund.id, born);
            moment <= now && moment < born + self.terms.rollover_period
        };
        let due: Vec<Fund> = node.wallet.funds.extract_if(.., is_due).collect();
        let ready = node.wallet.locked.extract_if(.., |locked| locked.ready <= now);
        let ready: Vec<Locked> = ready.collect();
        for fund in due {
            self.begin_rollover(node, (fund, 0), None, cx);
        }
        for Locked { fund, reserved, void, .. } in ready {
            self.begin_rollover(node, (fund, reserved), void, cx);
        }
        self.schedule_maintenance(node, cx);
    }

    /// A fund has expired: its credit is gone.
    fn expire(&self, fund: &Fund, reserved: u64, cx: &mut impl Context<Self>) {
        cx.record(WitnessMetric::ExpiredFunds, 1);
        cx.record(WitnessMetric::Reserved, reserved.wrapping_neg());
        cx.record(WitnessMetric::Held, (fund.amount - reserved).wrapping_neg());
        cx.record(WitnessMetric::Expired, fund.amount);
        cx.release(fund.selection);
    }

    /// Begins to draw the witnesses to which a fund rolls over.
    pub(crate) fn begin_rollover(
        &self,
        node: &mut WitnessNode,
        source: (Fund, u64),
        void: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let before = bodies.get(source.0.selection).selection().expect("of a fund");
        let (parties, started) = ((before.payer, before.payee), cx.local_clock());
        let step = Step::Choosing(Choosing::new(self, node.timeline, (parties, started), cx));
        let number = node.payments;
        node.payments += 1;
        node.paying.push(Paying {
            number,
            payee: cx.id(),
            parties,
            amount: 0,
            started,
            sources: vec![source],
            asked: None,
            role: None,
            purpose: Purpose::Rollover { void },
            deferrals: 0,
            groups: 0,
            step,
        });
        cx.record(WitnessMetric::RolloversStarted, 1);
        self.greet(node, node.paying.len() - 1, cx);
    }

    /// The new witnesses are found: the old ones are asked to sign.
    pub(crate) fn declare(
        &self,
        node: &mut WitnessNode,
        place: usize,
        selection: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let (bodies, scenario) = (cx.bodies(), cx.scenario());
        let paying = &mut node.paying[place];
        let Purpose::Rollover { void } = paying.purpose else { return };
        let (fund, _) = paying.sources[0];
        let declared = Declared {
            owner: cx.id(),
            fund: fund.id,
            time: paying.started,
            left: fund.amount,
            sequence: fund.sequence,
            previous: fund.previous,
            void,
            from: fund.selection,
            to: selection,
        };
        let digest = declared.digest(&bodies, scenario).expect("of bodies of these kinds");
        let signature = cx.sign(&Statement::Renews.of(scenario, &digest));
        let declared = cx.share(WitnessBody::Rollover(declared.signed(digest, signature)));
        cx.retain(declared);
        paying.step = Step::Renewing(Renewing { declared, signed: Vec::new(), answered: 0 });
        self.press_rollover(&node.paying[place], 1, cx);
    }

    /// Asks all who have not answered yet, and waits.
    pub(crate) fn press_rollover(&self, paying: &Paying, tries: u8, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        match &paying.step {
            Step::Renewing(renewing) => {
                let from = bodies.get(paying.sources[0].0.selection).selection();
                let from = from.expect("of a fund");
                for (position, witness) in from.witnesses.iter().enumerate() {
                    if renewing.answered & 1 << position == 0 {
                        let rollover = renewing.declared;
                        cx.send(*witness, WitnessMessage::Renew { rollover });
                    }
                }
            }
            Step::Carrying { rollover, kept } => {
                let content = bodies.get(*rollover).rollover().expect("the owner's own");
                let to = bodies.get(content.to).selection().expect("drawn");
                for (position, witness) in to.witnesses.iter().enumerate() {
                    if kept & 1 << position == 0 {
                        cx.send(*witness, WitnessMessage::Carry { rollover: *rollover });
                    }
                }
            }
            _ => return,
        }
        self.wait(paying, tries, cx);
    }

    /// The answers are overdue. Who signed signs no other rollover of the fund, so this one is tried
    /// as long as it is young enough for anybody.
    pub(crate) fn rollover_timeout(
        &self,
        node: &mut WitnessNode,
        place: usize,
        tries: u8,
        cx: &mut impl Context<Self>,
    ) {
        let paying = &node.paying[place];
        let is_late = cx.local_clock() > paying.started + self.terms.leniency;
        if is_late || tries == u8::MAX {
            return self.give_up(node, place, cx);
        }
        self.press_rollover(paying, tries + 1, cx);
    }

    /// Asks one again whose timeline was another.
    pub(crate) fn retry_one(&self, paying: &Paying, whom: NodeId, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let is_among = |selection: Shared, done: u128| {
            let selection = bodies.get(selection).selection().expect("of a fund");
            selection.position(whom).is_some_and(|position| done & 1 << position == 0)
        };
        match &paying.step {
            Step::Renewing(Renewing { declared, answered, .. })
                if is_among(paying.sources[0].0.selection, *answered) =>
            {
                cx.send(whom, WitnessMessage::Renew { rollover: *declared });
            }
            Step::Carrying { rollover, kept } => {
                let content = bodies.get(*rollover).rollover().expect("the owner's own");
                if is_among(content.to, *kept) {
                    cx.send(whom, WitnessMessage::Carry { rollover: *rollover });
                }
            }
            _ => {}
        }
    }

    /// An old witness signed.
    pub(crate) fn renewed(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (rollover, signature): (Shared, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment_of(node, rollover) else { return };
        let paying = &mut node.paying[place];
        let Step::Renewing(renewing) = &mut paying.step else { return };
        let (bodies, fund) = (cx.bodies(), paying.sources[0].0);
        let witnesses = bodies.get(fund.selection).selection().expect("of a fund");
        let Some(position) = witnesses.position(from) else { return };
        if renewing.answered & 1 << position != 0 {
            return;
        }
        let content = bodies.get(rollover).rollover().expect("the owner's own");
        let digest = Statement::Succeeds.of(cx.scenario(), &content.digest);
        let key = cx.public_key(from);
        if !cx.verify(&anthill_protocol::Claim { key, digest, signature }) {
            return;
        }
        renewing.answered |= 1 << position;
        let position = position as u8;
        renewing.signed.push(Signed { source: 0, position, witness: from, signature });
        if renewing.signed.len() < self.terms.redundancy as usize {
            return;
        }
        let signed = content.with(core::mem::take(&mut renewing.signed));
        let to = bodies.get(content.to).selection().expect("drawn");
        let signed = cx.share(WitnessBody::Rollover(signed));
        cx.retain(signed);
        cx.release(rollover);
        paying.step = Step::Carrying { rollover: signed, kept: 0 };
        // The old ones are told once: who misses it goes without its gas.
        for witness in witnesses.witnesses.iter().filter(|w| to.position(**w).is_none()) {
            cx.send(*witness, WitnessMessage::Carry { rollover: signed });
        }
        self.press_rollover(&node.paying[place], 1, cx);
    }

    /// Somebody refused; too many, and the fund is lost.
    pub(crate) fn rollover_refused(
        &self,
        node: &mut WitnessNode,
        place: usize,
        (from, why): (NodeId, Refusal),
        cx: &mut impl Context<Self>,
    ) {
        let paying = &mut node.paying[place];
        let Step::Renewing(renewing) = &mut paying.step else { return };
        let bodies = cx.bodies();
        let witnesses = bodies.get(paying.sources[0].0.selection).selection();
        let Some(position) = witnesses.expect("of a fund").position(from) else { return };
        // A clock may be a little late, and a promise a little young.
        if matches!(why, Refusal::Promised | Refusal::Time) {
            return;
        }
        renewing.answered |= 1 << position;
        let refused = renewing.answered.count_ones() as usize - renewing.signed.len();
        if refused > (self.terms.witnesses - self.terms.redundancy) as usize {
            self.give_up(node, place, cx);
        }
    }

    /// A new witness watches the fund.
    pub(crate) fn carried(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment_of(node, rollover) else { return };
        let paying = &mut node.paying[place];
        let Step::Carrying { kept, .. } = &mut paying.step else { return };
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().expect("the owner's own");
        let to = bodies.get(content.to).selection().expect("drawn");
        let Some(position) = to.position(from) else { return };
        let before = kept.count_ones();
        *kept |= 1 << position;
        let now = kept.count_ones();
        if before < self.terms.redundancy && now >= self.terms.redundancy {
            let (fund, reserved) = paying.sources[0];
            cx.record(WitnessMetric::Rollovers, 1);
            cx.record(WitnessMetric::Rollover, cx.local_clock().since(content.time).0);
            cx.record(WitnessMetric::Reserved, reserved.wrapping_neg());
            cx.record(WitnessMetric::Held, reserved);
            if let Purpose::Rollover { void } = &mut paying.purpose
                && let Some(void) = void.take()
            {
                cx.release(void);
            }
            cx.retain(content.to);
            cx.release(fund.selection);
            node.wallet.funds.push(Fund { selection: content.to, ..fund });
            self.schedule_maintenance(node, cx);
            self.next_payment(node, cx);
        }
        if now == self.terms.witnesses {
            cx.release(rollover);
            node.paying.swap_remove(place);
        }
    }

    /// A rollover ends before all new witnesses watch the fund. One that nobody was asked to sign may
    /// be begun anew; after that the fund is lost, unless enough watch it already.
    pub(crate) fn give_up_rollover(
        &self,
        node: &mut WitnessNode,
        paying: Paying,
        void: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        let (fund, reserved) = paying.sources[0];
        let ready = match &paying.step {
            Step::Choosing(choosing) => {
                choosing.release(cx);
                cx.local_clock() + Span(self.terms.rollover_period.0 / 64)
            }
            Step::Carrying { rollover, kept } => {
                cx.release(*rollover);
                if kept.count_ones() >= self.terms.redundancy {
                    return;
                }
                Time::MAX
            }
            Step::Renewing(renewing) => {
                cx.release(renewing.declared);
                Time::MAX
            }
            _ => Time::MAX,
        };
        cx.record(WitnessMetric::RolloversFailed, 1);
        node.wallet.locked.push(Locked { fund, reserved, void, ready });
        self.schedule_maintenance(node, cx);
        self.next_payment(node, cx);
    }

    /// A payment ends in vain, some of whose witnesses may have promised: its funds wait until that may
    /// be voided. If the payee may have accepted, the withdrawals count as made.
    pub(crate) fn lock_funds(
        &self,
        node: &mut WitnessNode,
        sources: &[(Fund, u64)],
        (contract, is_in_doubt): (Shared, bool),
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let terms = bodies.get(contract).contract().expect("the payer's own");
        // A little more, for clocks that are late.
        let wait = self.terms.time_to_consistency + self.terms.timeout;
        let (made, ready) = (terms.fund(), terms.time + wait);
        for (fund, part) in sources {
            if is_in_doubt {
                let (left, sequence) = (fund.amount - part, fund.sequence + 1);
                if left == 0 {
                    cx.release(fund.selection);
                    continue;
                }
                let fund = Fund { amount: left, sequence, previous: made, ..*fund };
                node.wallet.locked.push(Locked { fund, reserved: 0, void: None, ready });
            } else {
                cx.retain(contract);
                let void = Some(contract);
                node.wallet.locked.push(Locked { fund: *fund, reserved: *part, void, ready });
            }
        }
        self.schedule_maintenance(node, cx);
    }
}
