//! Messages that do not fit: what a witness, payer or payee must survive without harm.

use std::collections::VecDeque;

use super::*;
use crate::objects::contract::{Contract, Draft, Source};
use crate::objects::refusal::Refusal;
use crate::objects::rollover::Declared;
use crate::objects::selection::{Drawn, History, Selection};
use crate::objects::statement::Statement;
use anthill_protocol::invariant::Invariants;
use anthill_protocol::recording::{Effect, RecordedBodies, Recording};
use anthill_protocol::{Bodies, Message, Metric, Shared, Signature};

mod again;
mod away;
mod bodies;
mod claims;
mod contracts;
mod events;
mod guilt;
mod holders;
mod joins;
mod kept;
mod kit;
mod maintenance;
mod owners;
mod parties;
mod payees;
mod promises;
mod rollovers;
mod switches;
mod timers;

const NODES: u32 = 200;
/// Users that are no verifiers.
const PAYER: NodeId = NodeId(3);
const PAYEE: NodeId = NodeId(5);

/// A network that delivers in the order of sending, and lets a test change what is sent.
struct Net {
    witness: Witness,
    nodes: Vec<WitnessNode>,
    worlds: Vec<Recording<Witness>>,
    bodies: RecordedBodies<WitnessBody>,
    queue: VecDeque<(NodeId, NodeId, WitnessMessage)>,
    seen: Vec<Shared>,
    /// Timers that were set, in order.
    timers: Vec<(NodeId, Time, WitnessTimer)>,
    totals: Vec<u64>,
}

impl Net {
    fn new() -> Self {
        let witness = witness(NODES, &[("workload.rate", Value::Number(0.0))]);
        let (nodes, bodies) = (Vec::new(), RecordedBodies::default());
        let worlds =
            (0..NODES).map(|id| Recording::new(NodeId(id), NODES).bodies_of(bodies.clone()));
        let worlds = worlds.collect();
        let (queue, seen, timers) = (VecDeque::new(), Vec::new(), Vec::new());
        let totals = vec![0; WitnessMetric::ALL.len()];
        let mut net = Self { witness, nodes, worlds, bodies, queue, seen, timers, totals };
        for world in &mut net.worlds {
            net.nodes.push(net.witness.start(world));
        }
        (0..NODES).for_each(|id| net.take_effects(NodeId(id)));
        net
    }

    fn of(&self, metric: WitnessMetric) -> u64 {
        self.totals[metric.index()]
    }

    fn take_effects(&mut self, of: NodeId) {
        let world = &mut self.worlds[of.index()];
        let mut invariants = Invariants::default();
        for effect in world.effects() {
            match effect {
                Effect::Send { to, message, .. } => {
                    message.bodies(|body| {
                        if !self.seen.contains(&body) {
                            self.seen.push(body);
                        }
                    });
                    self.queue.push_back((of, *to, *message));
                }
                Effect::Record { metric, value } => {
                    let total = &mut self.totals[metric.index()];
                    *total = total.wrapping_add(*value);
                    invariants.note(*metric, *value);
                }
                Effect::Timer { at, timer } => self.timers.push((of, *at, *timer)),
                Effect::Charge(_) | Effect::Output(_) | Effect::Wake { .. } => {}
            }
        }
        world.clear();
        assert_eq!(invariants.take::<WitnessMetric>().next(), None, "no message breaks any");
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, message: WitnessMessage) {
        let (node, world) = (&mut self.nodes[to.index()], &mut self.worlds[to.index()]);
        self.witness.on_message(node, from, &message, world);
        self.take_effects(to);
    }

    /// Delivers until nothing is left; `change` sees each message before it arrives.
    fn run(&mut self, change: impl Fn(NodeId, &mut WitnessMessage)) {
        while let Some((from, to, mut message)) = self.queue.pop_front() {
            change(from, &mut message);
            self.deliver(from, to, message);
        }
    }

    fn pay(&mut self, payer: NodeId, payee: NodeId, amount: u64) {
        let (node, world) = (&mut self.nodes[payer.index()], &mut self.worlds[payer.index()]);
        self.witness.pay(node, payee, amount, world);
        self.take_effects(payer);
    }

    fn assert_conserved(&self) {
        let pots = WitnessMetric::POTS.into_iter();
        let found = pots.fold(0u64, |sum, pot| sum.wrapping_add(self.of(pot)));
        assert_eq!(found, self.of(WitnessMetric::Issued));
    }

    /// A contract as an owner of its first fund may write it, changed before it is signed.
    fn contract(&mut self, change: impl FnOnce(&mut Draft)) -> Shared {
        let world = &mut self.worlds[PAYER.index()];
        let fund = self.witness.first_fund(world);
        let genesis = &self.witness.genesis;
        let seed = genesis.seed(genesis.checksum(), PAYER, PAYEE);
        let drawn = |verifier| Drawn { verifier, answered: true };
        let draws = genesis.draw(seed).take(20).map(drawn).collect();
        let selection = Selection::new(PAYER, PAYEE, genesis.checksum(), draws);
        let source = all_of(&fund);
        let mut draft = Draft {
            payer: PAYER,
            payee: PAYEE,
            amount: fund.amount - 1_000,
            time: Time::ZERO,
            selection: world.share(WitnessBody::Selection(selection)),
            sources: [source].into(),
        };
        change(&mut draft);
        let new = self.bodies.get(draft.selection).selection().expect("a selection");
        let digest = draft.digest(new, self.witness.terms.rules, world.scenario());
        let signature = world.sign(&Statement::Pays.of(world.scenario(), &digest));
        world.share(WitnessBody::Contract(draft.signed(digest, signature)))
    }

    fn judge(&mut self, contract: Shared) -> Result<(), Refusal> {
        self.witness.judge_contract(None, contract, &mut self.worlds[PAYEE.index()]).map(|_| ())
    }
}

/// A selection of the same draw in which some positions count as skipped.
fn with_skips(witness: &Witness, of: &Selection, skipped: &[usize]) -> Selection {
    let seed = witness.genesis.seed(of.checksum, of.payer, of.payee);
    let drawn = |(at, verifier)| Drawn { verifier, answered: !skipped.contains(&at) };
    let draws = witness.genesis.draw(seed).enumerate().take(20 + skipped.len()).map(drawn);
    Selection::new(of.payer, of.payee, of.checksum, draws.collect())
}

#[test]
fn an_owner_cannot_choose_the_witnesses_of_its_first_fund() {
    let mut net = Net::new();
    let good = net.contract(|_| {});
    assert_eq!(net.judge(good), Ok(()));
    let fund = net.witness.first_fund(&mut net.worlds[PAYER.index()]);
    let first = net.bodies.get(fund.selection).selection().expect("a selection");
    let other = with_skips(&net.witness, first, &[2, 5]);
    assert_eq!(other.check(&net.witness.genesis, 20, &net.witness.tests), Ok(()));
    let other = net.worlds[PAYER.index()].share(WitnessBody::Selection(other));
    let bad = net.contract(|draft| draft.sources[0].selection = other);
    assert_eq!(net.judge(bad), Err(Refusal::Selection));
}

#[test]
fn a_payment_has_few_sources() {
    let mut net = Net::new();
    for count in [0, 5, 256, 300] {
        let many = net.contract(|draft| {
            let source = draft.sources[0];
            let named = |number| Source { fund: fund::FundId(number), amount: 2_000, ..source };
            draft.sources = (0..count).map(named).collect();
            draft.amount = count * 1_000;
        });
        assert_eq!(net.judge(many), Err(Refusal::Malformed), "{count}");
    }
}

/// A witness that signed for a selection signs no withdrawal that shows another one.
#[test]
fn an_owner_cannot_choose_the_witnesses_of_a_fund_received() {
    let mut net = Net::new();
    net.pay(PAYER, PAYEE, 500_000);
    net.run(|_, _| {});
    let fund = *net.nodes[PAYEE.index()].wallet.funds.last().expect("paid");
    let known = net.bodies.get(fund.selection).selection().expect("a selection").clone();
    let other = with_skips(&net.witness, &known, &[0, 3]);
    let other = net.worlds[PAYEE.index()].share(WitnessBody::Selection(other));
    // The wallet lies; the payment is honest otherwise.
    let place = net.nodes[PAYEE.index()].wallet.funds.len() - 1;
    net.nodes[PAYEE.index()].wallet.funds[place].selection = other;
    net.nodes[PAYEE.index()].wallet.opened = true;
    let before = net.of(WitnessMetric::Final);
    net.pay(PAYEE, PAYER, 400_000);
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::Final), before);
    assert_eq!(net.of(WitnessMetric::Rejected), 1);
    net.assert_conserved();
}

#[test]
fn a_witness_that_signs_badly_stops_nothing() {
    let mut net = Net::new();
    let fund = net.witness.first_fund(&mut net.worlds[PAYER.index()]);
    let watched = net.bodies.get(fund.selection).selection().expect("a selection").clone();
    let bad = [watched.witnesses[0], watched.witnesses[4]];
    net.pay(PAYER, PAYEE, 500_000);
    net.run(|from, message| {
        if let WitnessMessage::Promise { signature, .. } | WitnessMessage::Settled { signature, .. } =
            message
            && bad.contains(&from)
        {
            *signature = Signature([7; 64]);
        }
    });
    assert_eq!(net.of(WitnessMetric::Final), 1);
    assert_eq!(net.of(WitnessMetric::HandedOver), 1);
    assert!(net.nodes.iter().all(|node| node.paying.is_empty() && node.receiving.is_empty()));
    net.assert_conserved();
}

#[test]
fn one_witness_cannot_refuse_for_all() {
    let mut net = Net::new();
    let fund = net.witness.first_fund(&mut net.worlds[PAYER.index()]);
    let watched = net.bodies.get(fund.selection).selection().expect("a selection").clone();
    let from = watched.witnesses[19];
    net.pay(PAYER, PAYEE, 500_000);
    while let Some((sender, to, message)) = net.queue.pop_front() {
        net.deliver(sender, to, message);
        if let WitnessMessage::Ask { contract, source } = message {
            let why = Refusal::State;
            net.deliver(from, PAYER, WitnessMessage::Refuse { contract, source, why });
        }
    }
    assert_eq!((net.of(WitnessMetric::Final), net.of(WitnessMetric::Rejected)), (1, 0));
}

/// Times are judged by the clock of whoever is asked: the contract's when it is proposed, and again
/// when its receipt comes.
#[test]
fn what_is_too_late_or_early_is_refused_and_counted() {
    let leniency = Net::new().witness.terms.leniency;
    let start = Time::ZERO + leniency * 10;
    for (off, refused) in [(Span::ZERO, 0), (Span(1), 1)] {
        let mut net = Net::new();
        net.worlds.iter_mut().for_each(|world| world.set_now(start));
        net.pay(PAYER, PAYEE, 500_000);
        // The receipt alone takes so long.
        while let Some((from, to, message)) = net.queue.pop_front() {
            if matches!(message, WitnessMessage::Pay { .. }) {
                net.worlds.iter_mut().for_each(|world| world.set_now(start + leniency + off));
            }
            net.deliver(from, to, message);
        }
        let found = (net.of(WitnessMetric::RefusedTime), net.of(WitnessMetric::Final));
        assert_eq!(found, (refused, 1 - refused));
        assert_eq!(net.of(WitnessMetric::Refused), refused);
        net.assert_conserved();

        for now in [start + leniency + off, Time(start.0 - leniency.0 - off.0)] {
            let mut net = Net::new();
            net.worlds[PAYEE.index()].set_now(now);
            let dated = net.contract(|draft| draft.time = start);
            net.deliver(PAYER, PAYEE, WitnessMessage::Propose { contract: dated });
            assert_eq!(net.of(WitnessMetric::RefusedTime), refused, "{now}");
        }
    }
}

/// Every kind of message, with every kind of body, from parties and others, at every step of a
/// payment: nothing panics, and no credit is made, lost or moved.
#[test]
fn messages_that_do_not_fit_change_nothing() {
    for steps in [0, 30, 45, 60, 90, 120, 1_000] {
        let mut net = Net::new();
        net.pay(PAYER, PAYEE, 500_000);
        for _ in 0..steps {
            let Some((from, to, message)) = net.queue.pop_front() else { break };
            net.deliver(from, to, message);
        }
        let selection = net.contract(|_| {});
        let contract: &Contract = net.bodies.get(selection).contract().expect("a contract");
        let (selection, other) = (contract.selection, selection);
        let mut bodies = net.seen.clone();
        bodies.extend([selection, other]);
        let pending = core::mem::take(&mut net.queue);
        let before = (net.of(WitnessMetric::Final), net.of(WitnessMetric::Held));
        let verifier = pending.back().map_or(net.witness.genesis.verifier(0), |(_, to, _)| *to);
        let stranger = NodeId(NODES - 1);
        for body in bodies {
            for message in all_kinds(body) {
                for from in [stranger, verifier] {
                    for to in [PAYER, PAYEE, verifier, NodeId(0), stranger] {
                        net.deliver(from, to, message);
                        net.queue.clear();
                    }
                }
            }
        }
        assert_eq!((net.of(WitnessMetric::Final), net.of(WitnessMetric::Held)), before);
        assert_eq!((net.of(WitnessMetric::StakeLost), net.of(WitnessMetric::Claims)), (0, 0));
        net.assert_conserved();
        net.queue = pending;
        net.run(|_, _| {});
        net.assert_conserved();
    }
}

/// The first withdrawal of a fund, of all that is in it.
fn all_of(fund: &fund::Fund) -> Source {
    Source {
        fund: fund.id,
        amount: fund.amount,
        left: 0,
        sequence: 0,
        previous: fund.id,
        selection: fund.selection,
    }
}

/// The rollover of a fund as its owner may declare it, changed before it is signed.
fn declaration(net: &mut Net, change: impl FnOnce(&mut Declared)) -> Shared {
    let world = &mut net.worlds[PAYER.index()];
    let fund = net.witness.first_fund(world);
    let genesis = &net.witness.genesis;
    let (checksum, origin) = (genesis.checksum(), genesis::CREDIT_ORIGIN);
    let drawn = |verifier| Drawn { verifier, answered: true };
    let draws = genesis.draw(genesis.seed(checksum, origin, PAYER)).take(20).map(drawn).collect();
    let history = History { time: Time(5), ..History::default() };
    let to = Selection::new(origin, PAYER, checksum, draws).on(history);
    let mut declared = Declared {
        owner: PAYER,
        fund: fund.id,
        time: Time(5),
        left: fund.amount,
        sequence: 0,
        previous: fund.id,
        void: None,
        from: fund.selection,
        to: world.share(WitnessBody::Selection(to)),
    };
    change(&mut declared);
    let digest = declared.digest(&net.bodies, world.scenario()).expect("selections");
    let signature = world.sign(&Statement::Renews.of(world.scenario(), &digest));
    world.share(WitnessBody::Rollover(declared.signed(digest, signature)))
}

/// What one of the fund's witnesses answers to a declaration.
fn answer(net: &mut Net, from: NodeId, rollover: Shared) -> Result<(), Refusal> {
    let fund = net.witness.first_fund(&mut net.worlds[PAYER.index()]);
    let witness = net.bodies.get(fund.selection).selection().expect("a selection").witnesses[0];
    net.queue.clear();
    net.deliver(from, witness, WitnessMessage::Renew { rollover });
    match net.queue.pop_back().expect("an answer").2 {
        WitnessMessage::Renewed { .. } => Ok(()),
        WitnessMessage::Refuse { why, .. } => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rollover_declares_what_its_witnesses_know() {
    type Change = fn(&mut Declared);
    let wrong: [(Change, Refusal); 7] = [
        (|declared| declared.left += 1, Refusal::Undeclared),
        (|declared| declared.sequence = 1, Refusal::Undeclared),
        (|declared| declared.previous = fund::FundId(9), Refusal::Undeclared),
        (|declared| declared.fund = fund::FundId(9), Refusal::NotOwner),
        (|declared| declared.owner = PAYEE, Refusal::Signature),
        (|declared| declared.time = Time(6), Refusal::Selection),
        (|declared| declared.to = declared.from, Refusal::Selection),
    ];
    for (change, why) in wrong {
        let mut net = Net::new();
        let bad = declaration(&mut net, change);
        assert_eq!(answer(&mut net, PAYER, bad), Err(why));
        let good = declaration(&mut net, |_| {});
        assert_eq!(answer(&mut net, PAYER, good), Ok(()), "the refusal left no trace");
    }
}

/// Who signed a rollover signs it again, but nothing else of the fund: no other rollover, no payment.
#[test]
fn a_witness_signs_one_rollover_and_no_payment_after_it() {
    let mut net = Net::new();
    let good = declaration(&mut net, |_| {});
    assert_eq!(answer(&mut net, PAYEE, good), Err(Refusal::Unasked));
    assert_eq!(answer(&mut net, PAYER, good), Ok(()));
    assert_eq!(answer(&mut net, PAYER, good), Ok(()));
    let other = declaration(&mut net, |declared| declared.left -= 1);
    assert_eq!(answer(&mut net, PAYER, other), Err(Refusal::Promised));
    let contract = net.contract(|_| {});
    let (witness, _) = first_witness(&net, contract);
    net.deliver(PAYER, witness, WitnessMessage::Ask { contract, source: 0 });
    let (.., last) = net.queue.pop_back().expect("an answer");
    assert!(matches!(last, WitnessMessage::Refuse { why: Refusal::Promised, .. }), "{last:?}");
    // Without signatures nothing is carried over.
    net.deliver(PAYER, witness, WitnessMessage::Carry { rollover: good });
    let (.., last) = net.queue.pop_back().expect("an answer");
    assert!(matches!(last, WitnessMessage::Refuse { why: Refusal::Quorum, .. }), "{last:?}");
    assert!(net.nodes[witness.index()].book.is_empty());
}

/// A young promise may be part of a final payment, and a promise cannot be kept back.
#[test]
fn a_promise_stands_in_the_way_of_a_rollover() {
    let mut net = Net::new();
    let contract = net.contract(|_| {});
    let (witness, fund) = first_witness(&net, contract);
    net.deliver(PAYER, witness, WitnessMessage::Ask { contract, source: 0 });
    let good = declaration(&mut net, |_| {});
    assert_eq!(answer(&mut net, PAYER, good), Err(Refusal::Promised));
    let voids = declaration(&mut net, |declared| declared.void = Some(contract));
    assert_eq!(answer(&mut net, PAYER, voids), Err(Refusal::Promised), "too young to be voided");
    assert_eq!(net.nodes[witness.index()].book.promise(fund), Some(contract));
}

/// After its period a fund is worth nothing to anybody.
#[test]
fn a_fund_that_expired_is_refused() {
    let mut net = Net::new();
    net.witness.terms.rollover_period = Span(1);
    for world in &mut net.worlds {
        world.set_now(Time(6));
    }
    let rollover = declaration(&mut net, |_| {});
    assert_eq!(answer(&mut net, PAYER, rollover), Err(Refusal::Expired));
    // Made in time, asked for too late.
    let contract = net.contract(|_| {});
    let (witness, _) = first_witness(&net, contract);
    net.deliver(PAYER, witness, WitnessMessage::Ask { contract, source: 0 });
    let (.., last) = net.queue.pop_back().expect("an answer");
    assert!(matches!(last, WitnessMessage::Refuse { why: Refusal::Expired, .. }), "{last:?}");
    assert_eq!(net.of(WitnessMetric::RefusedExpired), 2);
}

/// The first witness of a contract's first source, and that fund.
fn first_witness(net: &Net, contract: Shared) -> (NodeId, fund::FundId) {
    let content: &Contract = net.bodies.get(contract).contract().expect("a contract");
    let source = &content.sources[0];
    let watched = net.bodies.get(source.selection).selection().expect("a selection");
    (watched.witnesses[0], source.fund)
}

fn all_kinds(body: Shared) -> Vec<WitnessMessage> {
    use WitnessMessage as M;
    let signature = Signature([9; 64]);
    let (contract, receipt) = (body, body);
    let mut all = vec![
        M::Hello { payment: 7, time: Time(5), settled: 8, tip: 9 },
        M::Here { payment: 0, settled: 8, tip: 9 },
        M::Here { payment: 9, settled: 8, tip: 9 },
        M::Propose { contract },
        M::Agree { contract, signature },
        M::Pay { receipt },
        M::Accept { receipt },
        M::Entrust { receipt },
        M::Kept { receipt },
        M::Claim { claim: body },
        M::Upheld { claim: body, time: Time(3), signature },
        M::Renew { rollover: body },
        M::Renewed { rollover: body, signature },
        M::Carry { rollover: body },
        M::Carried { rollover: body },
        M::Publish { event: body },
        M::Probe { probes: body },
        M::Since { batch: body },
        M::Rest { batch: body },
        M::Stamp { event: body },
        M::Stamped { event: body, time: Time(3), signature },
    ];
    for source in [0, 1, 200, 255] {
        all.extend([
            M::Refuse { contract, source, why: Refusal::Quorum },
            M::Refuse { contract, source, why: Refusal::State },
            M::Ask { contract, source },
            M::Promise { contract, source, signature },
            M::Settle { receipt, source },
            M::Settled { receipt, source, signature },
        ]);
    }
    all
}
