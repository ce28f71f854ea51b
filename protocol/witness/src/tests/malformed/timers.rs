//! Which timers are set, and for when: every request waits for its answers, and what happens to
//! verifiers by itself happens in time.

use super::*;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::START;
use crate::timeline::EventKind;

type M = WitnessMessage;
type T = WitnessTimer;

impl Net {
    /// The timers of a node since it was asked last, with what is left until then.
    fn set(&mut self, of: NodeId) -> Vec<(Span, T)> {
        let now = self.worlds[of.index()].now();
        let all = core::mem::take(&mut self.timers);
        let own = all.into_iter().filter(|(node, ..)| *node == of);
        own.map(|(_, at, timer)| (at.since(now), timer)).collect()
    }
}

#[test]
fn each_request_of_a_payment_waits_for_its_answers() {
    let mut net = Net::at(START);
    let wait = net.witness.terms.timeout;
    net.timers.clear();
    net.pay(PAYER, PAYEE, 500_000);
    assert_eq!(net.set(PAYER), [(wait, T::Greeting { payment: 0, group: 0 })]);
    for (kind, step) in [("agree", 1), ("promise", 2), ("accept", 3)] {
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        assert_eq!(net.set(PAYER), [(wait, T::Payer { payment: 0, step, tries: 1 })], "{kind}");
        for tries in 1..MAX_TRIES {
            let timer = |tries| T::Payer { payment: 0, step, tries };
            net.fire(PAYER, timer(tries), START);
            assert_eq!(net.set(PAYER), [(wait, timer(tries + 1))], "{kind}");
            net.queue.clear();
        }
        net.queue.extend(held);
    }
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    net.timers.clear();
    for (kind, step) in [("settled", 0), ("kept", 1)] {
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        let fund = net.nodes[PAYEE.index()].receiving[0].fund;
        let timer = |tries| T::Payee { fund, step, tries };
        assert_eq!(net.set(PAYEE), [(wait, timer(1))], "{kind}");
        for tries in 1..MAX_TRIES {
            net.fire(PAYEE, timer(tries), START);
            assert_eq!(net.set(PAYEE), [(wait, timer(tries + 1))], "{kind}");
            net.queue.clear();
        }
        net.queue.extend(held);
    }
    net.run(|_, _| {});
    let set = net.set(PAYEE);
    assert!(set.iter().all(|(_, timer)| *timer == T::Maintain), "nothing else is due: {set:?}");
}

#[test]
fn rollovers_and_stamps_wait_for_their_answers() {
    let mut net = Net::at(START);
    let wait = net.witness.terms.timeout;
    let (node, world) = (&mut net.nodes[PAYER.index()], &mut net.worlds[PAYER.index()]);
    net.witness.open_wallet(node, world);
    let fund = node.wallet.funds.pop().expect("its first");
    net.timers.clear();
    net.witness.begin_rollover(node, (fund, 0), None, world);
    net.take_effects(PAYER);
    assert_eq!(net.set(PAYER), [(wait, T::Greeting { payment: 0, group: 0 })]);
    for (kind, step) in [("renewed", 4), ("carried", 5)] {
        let held = net.hold(|message| M::KINDS[message.kind()] == kind);
        let timer = |tries| T::Payer { payment: 0, step, tries };
        assert_eq!(net.set(PAYER), [(wait, timer(1))], "{kind}");
        net.fire(PAYER, timer(9), START);
        assert_eq!(net.set(PAYER), [(wait, timer(10))], "{kind}");
        net.queue.clear();
        net.queue.extend(held);
    }
    let author = net.witness.genesis.verifier(20);
    let (node, world) = (&mut net.nodes[author.index()], &mut net.worlds[author.index()]);
    net.witness.announce(node, EventKind::Pause, world);
    net.take_effects(author);
    let event = net.nodes[author.index()].authoring.as_ref().expect("it asks").event().id();
    for tries in 1..MAX_TRIES {
        assert_eq!(net.set(author), [(wait, T::Stamps { event, tries })]);
        net.fire(author, T::Stamps { event, tries }, START);
    }
}

/// Witnesses of a fund claim one after the other, by their places, and then wait as anybody does.
#[test]
fn claims_are_made_in_turn() {
    let mut net = Net::at(START);
    let wait = net.witness.terms.timeout;
    let fund = net.first_fund_of(PAYER);
    let witnesses = net.selection(fund.selection).witnesses.to_vec();
    let mut receipts = Vec::new();
    for payee in [PAYEE, NodeId(7)] {
        let offer = net.offer((PAYER, payee), &[fund], 0);
        let contract = net.write(&offer);
        let receipt = net.receipt(contract, crate::objects::receipt::Stage::Promised, 13);
        receipts.push((payee, net.share(WitnessBody::Receipt(receipt))));
    }
    for (place, witness) in witnesses.iter().enumerate().skip(13) {
        net.timers.clear();
        for (payee, receipt) in &receipts {
            net.deliver(*payee, *witness, M::Settle { receipt: *receipt, source: 0 });
        }
        let timer = |tries| T::Claim { fund: fund.id, sequence: 0, tries };
        assert_eq!(net.set(*witness), [(Span(wait.0 / 32 * place as u64), timer(0))]);
        for tries in 0..3 {
            net.fire(*witness, timer(tries), START);
            assert_eq!(net.set(*witness), [(wait, timer(tries + 1))]);
        }
    }
}

const BUSY: Span = Span::from_secs(50);

/// A verifier's own events: which begin by themselves, and what follows on each.
#[test]
fn what_happens_to_verifiers_happens_in_time() {
    let verifier = Net::new().witness.genesis.verifier(20);
    let kinds = |net: &mut Net, of: NodeId| -> Vec<EventKind> {
        let kind = |(_, timer)| match timer {
            T::Announce { kind: EventKind::Entropy { .. } } => {
                Some(EventKind::Entropy { bytes: 0 })
            }
            T::Announce { kind } => Some(kind),
            _ => None,
        };
        net.set(of).into_iter().filter_map(kind).collect()
    };
    let quiet = || {
        let mut net = Net::at(START);
        let happenings = &mut net.witness.happenings;
        (happenings.entropy, happenings.pause, happenings.leave, happenings.join) =
            (None, None, None, None);
        (happenings.pause_length, happenings.until) = (BUSY, Time::MAX);
        net.timers.clear();
        net
    };
    type Set = fn(&mut Net, Option<Span>);
    let rows: [(EventKind, Set); 3] = [
        (EventKind::Entropy { bytes: 0 }, |net, mean| net.witness.happenings.entropy = mean),
        (EventKind::Pause, |net, mean| net.witness.happenings.pause = mean),
        (EventKind::Leave, |net, mean| net.witness.happenings.leave = mean),
    ];
    for (kind, set) in rows {
        let begun = |of: NodeId, until: Time| {
            let mut net = quiet();
            set(&mut net, Some(BUSY));
            net.witness.happenings.until = until;
            let world = &mut net.worlds[of.index()];
            net.witness.wait_for_events(&WitnessNode::default(), world);
            net.take_effects(of);
            kinds(&mut net, of)
        };
        assert_eq!(begun(verifier, Time::MAX), [kind]);
        assert_eq!(begun(verifier, START), [], "nothing begins after the end");
        assert_eq!(begun(PAYER, Time::MAX), [], "a user's is nothing of that");
    }
    // What follows: a resume after each pause, and the next entropy.
    for (kind, expected) in [
        (EventKind::Pause, vec![EventKind::Resume]),
        (EventKind::Resume, vec![EventKind::Pause]),
        (EventKind::Entropy { bytes: 0 }, vec![EventKind::Entropy { bytes: 0 }]),
        (EventKind::Leave, vec![]),
    ] {
        let mut net = quiet();
        net.witness.happenings.entropy = Some(BUSY);
        net.witness.happenings.pause = Some(BUSY);
        net.fire(verifier, T::Announce { kind }, START);
        assert!(net.nodes[verifier.index()].authoring.is_some(), "it is on its way");
        if kind == EventKind::Pause {
            let resume = (BUSY, T::Announce { kind: EventKind::Resume });
            assert!(net.set(verifier).contains(&resume));
        } else {
            assert_eq!(kinds(&mut net, verifier), expected, "{kind:?}");
        }
        // One after the other.
        net.fire(verifier, T::Announce { kind: EventKind::Leave }, START);
        let wait = net.witness.terms.timeout;
        assert_eq!(net.set(verifier), [(wait, T::Announce { kind: EventKind::Leave })]);
    }
    let mut net = quiet();
    net.fire(PAYER, T::Announce { kind: EventKind::Pause }, START);
    assert!(net.nodes[PAYER.index()].authoring.is_none() && net.set(PAYER).is_empty());
    // Who comes up again while it has paused resumes some time later.
    let mut net = quiet();
    net.witness.happenings.pause = Some(BUSY);
    let paused = net.stamped_event(verifier, EventKind::Pause, START, None);
    let paused = net.share(WitnessBody::Event(paused));
    let tip = net.timeline(&[paused]);
    net.nodes[verifier.index()].timeline = tip;
    net.timers.clear();
    let (node, world) = (&net.nodes[verifier.index()], &mut net.worlds[verifier.index()]);
    net.witness.wait_for_events(node, world);
    net.take_effects(verifier);
    assert_eq!(net.set(verifier), [(BUSY, T::Announce { kind: EventKind::Resume })]);
}

/// Users join by themselves, if they have not and are none of the verifiers.
#[test]
fn users_wait_to_join() {
    use crate::roles::stake::Standing;
    let verifier = Net::new().witness.genesis.verifier(20);
    let waits = |of: NodeId, until: Time, standing: Option<Standing>| {
        let mut net = Net::at(START);
        net.witness.happenings.join = Some(BUSY);
        net.witness.happenings.until = until;
        net.timers.clear();
        let world = &mut net.worlds[of.index()];
        let node = WitnessNode { stake: standing.map(Box::new), ..WitnessNode::default() };
        net.witness.wait_to_join(&node, world);
        net.take_effects(of);
        let set = net.set(of);
        assert!(set.iter().all(|(_, timer)| *timer == T::Stake));
        set.len()
    };
    for (of, until, standing, expected) in [
        (PAYER, Time::MAX, None, 1),
        (PAYER, START, None, 0),
        (PAYER, Time::MAX, Some(Standing::Joined), 0),
        (PAYER, Time::MAX, Some(Standing::Reserving), 0),
        (verifier, Time::MAX, None, 0),
        (NodeId(0), Time::MAX, None, 0),
        (NodeId(1), Time::MAX, None, 0),
    ] {
        assert_eq!(waits(of, until, standing), expected, "{of} {standing:?}");
    }
    // After a crash: what was under way is taken up again.
    for (standing, expected) in [
        (Some(Standing::Reserving), 0),
        (Some(Standing::Released), 0),
        (Some(Standing::Joined), 1),
        (Some(Standing::Leaving { until: START, has_compared: false }), 1),
    ] {
        let mut net = Net::at(START);
        net.timers.clear();
        let node = WitnessNode { stake: standing.map(Box::new), ..WitnessNode::default() };
        let world = &mut net.worlds[PAYER.index()];
        net.witness.resume_stake(&node, world);
        net.take_effects(PAYER);
        let wait = net.witness.terms.timeout;
        assert_eq!(net.set(PAYER), vec![(wait, T::Stake); expected], "{standing:?}");
    }
}
