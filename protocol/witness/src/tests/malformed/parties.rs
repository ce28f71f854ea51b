//! A row per check of a payer: what of all that it is told it takes for an answer.

use super::*;
use crate::objects::receipt::Stage;
use crate::roles::payee;
use crate::roles::payer::Step;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::{OTHER, START};

pub(super) type M = WitnessMessage;
/// A message held back.
pub(super) type Held = (NodeId, NodeId, M);

pub(super) const BAD: Signature = Signature([7; 64]);

pub(super) fn started() -> Net {
    let mut net = Net::at(START);
    net.pay(PAYER, PAYEE, 500_000);
    net
}

/// How many have answered a payer as it wants, in the step in which it is.
pub(super) fn step(net: &Net) -> (&'static str, u32) {
    let Some(paying) = net.nodes[PAYER.index()].paying.first() else { return ("ended", 0) };
    match &paying.step {
        Step::Choosing(_) => ("choosing", 0),
        Step::Agreeing { .. } => ("agreeing", 0),
        Step::Gathering(gathering) => ("gathering", gathering.signed.of(0).count_ones()),
        Step::Paid { .. } => ("paid", 0),
        Step::Renewing(_) => ("renewing", 0),
        Step::Carrying { kept, .. } => ("carrying", kept.count_ones()),
    }
}

/// The same of a payee.
pub(super) fn receiving(net: &Net) -> (&'static str, u32) {
    let Some(receiving) = net.nodes[PAYEE.index()].receiving.first() else { return ("ended", 0) };
    match &receiving.step {
        payee::Step::Settling { signed } => ("settling", signed.of(0).count_ones()),
        payee::Step::Entrusting { kept, .. } => ("entrusting", kept.count_ones()),
    }
}

/// Some contract that nobody has asked for.
pub(super) fn another(net: &mut Net) -> Shared {
    let fund = net.first_fund_of(OTHER);
    let offer = net.offer((OTHER, PAYEE), &[fund], 0);
    net.write(&offer)
}

/// Who is neither a party nor asked for anything.
pub(super) fn stranger(net: &Net, asked: &[Held]) -> NodeId {
    let genesis = &net.witness.genesis;
    let verifiers = (0..genesis.verifiers()).map(|rank| genesis.verifier(rank));
    { verifiers }.find(|id| asked.iter().all(|(from, ..)| from != id)).expect("one of 99")
}

/// Delivers one that must change nothing and be answered by nothing.
pub(super) fn assert_ignored(net: &mut Net, name: &str, from: NodeId, to: NodeId, message: M) {
    let before = (step(net), receiving(net));
    let refused = net.of(WitnessMetric::Refused);
    assert_eq!(net.says(from, to, message), [], "{name}");
    assert_eq!((step(net), receiving(net)), before, "{name}");
    assert_eq!(net.of(WitnessMetric::Refused), refused, "{name}");
}

#[test]
fn a_draw_counts_each_that_was_greeted_once() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Here { .. }));
    assert_eq!(held.len(), 20);
    let (first, _, M::Here { payment, settled, tip }) = held[0] else { panic!("an answer") };
    let here = |payment| M::Here { payment, settled, tip };
    let stranger = stranger(&net, &held);
    assert_ignored(&mut net, "another payment", first, PAYER, here(payment + 1));
    assert_ignored(&mut net, "never greeted", stranger, PAYER, here(payment));
    for (from, to, message) in &held[..19] {
        assert_ignored(&mut net, "one of twenty", *from, *to, *message);
        assert_ignored(&mut net, "twice", *from, *to, *message);
    }
    let (last, to, message) = held[19];
    net.deliver(last, to, message);
    assert_eq!(step(&net).0, "agreeing");
    assert!(matches!(net.queue.pop_front(), Some((PAYER, PAYEE, M::Propose { .. }))));
    assert_ignored(&mut net, "again", last, PAYER, here(payment));
    assert_eq!(net.of(WitnessMetric::Skips), 0);
}

#[test]
fn who_does_not_answer_in_time_is_skipped_and_another_greeted() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Here { .. }));
    for (from, to, message) in &held[..15] {
        net.deliver(*from, *to, *message);
    }
    let timer = |payment, group| WitnessTimer::Greeting { payment, group };
    for ignored in [timer(1, 0), timer(0, 1)] {
        net.fire(PAYER, ignored, START);
        assert_eq!((net.queue.len(), net.of(WitnessMetric::Skips)), (0, 0));
    }
    net.fire(PAYER, timer(0, 0), START);
    assert_eq!((net.queue.len(), net.of(WitnessMetric::Skips)), (5, 5));
    let order = net.drawn((PAYER, PAYEE), [None; 2], &[], 25);
    let greeted: Vec<NodeId> = net.queue.iter().map(|(_, to, _)| *to).collect();
    assert_eq!(greeted, order[20..], "in the order of the draw");
    net.fire(PAYER, timer(0, 0), START);
    assert_eq!(
        (net.queue.len(), net.of(WitnessMetric::Skips)),
        (5, 5),
        "those have had their time"
    );
    let second = net.hold(|message| matches!(message, M::Here { .. }));
    let (late, to, message) = held[16];
    assert_ignored(&mut net, "too late", late, to, message);
    for (from, to, message) in second {
        net.deliver(from, to, message);
    }
    assert_eq!(step(&net).0, "agreeing");
    // All that are left are skipped: then nobody can be a witness.
    let mut net = started();
    net.witness.availability = 0.0;
    for group in 0..10 {
        net.run(|_, _| {});
        net.fire(PAYER, timer(0, group), START);
    }
    assert_eq!(step(&net).0, "ended");
    assert_eq!(
        (net.of(WitnessMetric::Rejected), net.of(WitnessMetric::Skips)),
        (1, 80),
        "19 are too few"
    );
    net.assert_conserved();
}

#[test]
fn only_the_payee_agrees() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Agree { .. }));
    let [(_, _, M::Agree { contract, signature })] = held[..] else { panic!("{held:?}") };
    let other = another(&mut net);
    let agree = |contract| M::Agree { contract, signature };
    assert_ignored(&mut net, "another", OTHER, PAYER, agree(contract));
    assert_ignored(&mut net, "to something else", PAYEE, PAYER, agree(other));
    assert_ignored(&mut net, "to another", PAYEE, OTHER, agree(contract));
    net.deliver(PAYEE, PAYER, agree(contract));
    assert_eq!((step(&net), net.queue.len()), (("gathering", 0), 20));
    net.queue.clear();
    assert_ignored(&mut net, "again", PAYEE, PAYER, agree(contract));
}

#[test]
fn promises_count_once_for_each_witness() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Promise { .. }));
    let (first, _, M::Promise { contract, signature, .. }) = held[0] else { panic!("{held:?}") };
    let other = another(&mut net);
    let stranger = stranger(&net, &held);
    let promise = |contract, source| M::Promise { contract, source, signature };
    assert_ignored(&mut net, "of something else", first, PAYER, promise(other, 0));
    assert_ignored(&mut net, "no such source", first, PAYER, promise(contract, 1));
    assert_ignored(&mut net, "no witness", stranger, PAYER, promise(contract, 0));
    assert_ignored(&mut net, "the payee", PAYEE, PAYER, promise(contract, 0));
    for (count, (from, to, message)) in (1..).zip(&held[..12]) {
        net.deliver(*from, *to, *message);
        assert_eq!(step(&net), ("gathering", count));
        assert_ignored(&mut net, "twice", *from, *to, *message);
    }
    let (from, to, message) = held[12];
    net.deliver(from, to, message);
    assert_eq!(step(&net).0, "paid");
    let Some((PAYER, PAYEE, M::Pay { receipt })) = net.queue.pop_front() else { panic!("paid") };
    let content = net.bodies.clone();
    let content = content.get(receipt).receipt().expect("a receipt");
    assert_eq!((content.signed.len(), content.stage), (13, Stage::Promised));
    let (from, to, message) = held[13];
    assert_ignored(&mut net, "one too many", from, to, message);
}

/// Thirteen of twenty are needed: the eighth refusal ends it, and no witness has two votes.
#[test]
fn refusals_count_once_for_each_witness() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Promise { .. }));
    let (signed, _, M::Promise { contract, .. }) = held[19] else { panic!("{held:?}") };
    let other = another(&mut net);
    let refuse = |contract, source| M::Refuse { contract, source, why: Refusal::Promised };
    net.deliver(signed, PAYER, held[19].2);
    let stranger = stranger(&net, &held);
    let rows = [
        ("of something else", held[0].0, refuse(other, 0)),
        ("no such source", held[0].0, refuse(contract, 1)),
        ("all sources, by a witness", held[0].0, refuse(contract, u8::MAX)),
        ("one source, by the payee", PAYEE, refuse(contract, 0)),
        ("no witness", stranger, refuse(contract, 0)),
        ("it has signed", signed, refuse(contract, 0)),
    ];
    for (name, from, message) in rows {
        for _ in 0..9 {
            assert_ignored(&mut net, name, from, PAYER, message);
        }
    }
    for (from, ..) in &held[..7] {
        for _ in 0..2 {
            assert_ignored(&mut net, "seven", *from, PAYER, refuse(contract, 0));
        }
    }
    // One that has thought better of it.
    net.deliver(held[0].0, PAYER, held[0].2);
    assert_eq!(step(&net), ("gathering", 2));
    assert_ignored(&mut net, "seven again", held[7].0, PAYER, refuse(contract, 0));
    net.deliver(held[8].0, PAYER, refuse(contract, 0));
    assert_eq!((step(&net).0, net.of(WitnessMetric::Rejected)), ("ended", 1));
    let locked = &net.nodes[PAYER.index()].wallet.locked;
    let wait = net.witness.terms.time_to_consistency + net.witness.terms.timeout;
    assert_eq!((locked.len(), locked[0].ready), (1, START + wait), "until it may be voided");
    assert_eq!((locked[0].void, locked[0].reserved), (Some(contract), 501_000));
    net.assert_conserved();
}

#[test]
fn only_the_payee_accepts() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Accept { .. }));
    let [(_, _, M::Accept { receipt })] = held[..] else { panic!("{held:?}") };
    let other = another(&mut net);
    let other = net.signed(other, Stage::Promised);
    assert_ignored(&mut net, "another", OTHER, PAYER, M::Accept { receipt });
    let verifier = net.witness.genesis.verifier(3);
    assert_ignored(&mut net, "a verifier", verifier, PAYER, M::Accept { receipt });
    assert_ignored(&mut net, "another receipt", PAYEE, PAYER, M::Accept { receipt: other });
    net.deliver(PAYEE, PAYER, M::Accept { receipt });
    let wallet = &net.nodes[PAYER.index()].wallet;
    let [change] = wallet.funds[..] else { panic!("one fund") };
    let contract = net.bodies.get(receipt).receipt().expect("one").contract;
    let contract = net.bodies.get(contract).contract().expect("one");
    assert_eq!((change.amount, change.sequence), (net.witness.endowment - 501_000, 1));
    assert_eq!((change.previous, change.id), (contract.fund(), net.witness.genesis.fund(PAYER)));
    assert_ignored(&mut net, "again", PAYEE, PAYER, M::Accept { receipt });
    assert_eq!(net.nodes[PAYER.index()].wallet.funds.len(), 1);
}

/// What a timer means depends on the payment, the step and how often was asked.
#[test]
fn a_payer_asks_those_who_have_not_answered_and_gives_up() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Promise { .. }));
    for (from, to, message) in &held[..5] {
        net.deliver(*from, *to, *message);
    }
    let timer = |payment, step, tries| WitnessTimer::Payer { payment, step, tries };
    for (name, ignored) in [
        ("another payment", timer(1, 2, 1)),
        ("an earlier step", timer(0, 1, 1)),
        ("an earlier step, too late", timer(0, 0, MAX_TRIES)),
        ("a later step", timer(0, 3, 1)),
    ] {
        net.fire(PAYER, ignored, START);
        assert_eq!((net.queue.len(), step(&net)), (0, ("gathering", 5)), "{name}");
    }
    for tries in 1..MAX_TRIES {
        net.fire(PAYER, timer(0, 2, tries), START);
        let asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
        let missing: Vec<NodeId> = held[5..].iter().map(|(from, ..)| *from).collect();
        assert_eq!((asked, step(&net)), (missing, ("gathering", 5)));
    }
    net.fire(PAYER, timer(0, 2, MAX_TRIES), START);
    assert_eq!((step(&net).0, net.of(WitnessMetric::Rejected)), ("ended", 1));
    net.assert_conserved();
    // The payee's steps: the contract comes back whole, the receipt in doubt.
    for (number, until, locked) in [(1, "agree", 0), (3, "accept", 1)] {
        let mut net = started();
        net.hold(|message| WitnessMessage::KINDS[message.kind()] == until);
        for tries in 1..MAX_TRIES {
            net.fire(PAYER, timer(0, number, tries), START);
            let [(PAYER, PAYEE, message)] = net.queue.make_contiguous() else { panic!("one") };
            assert!(matches!(message, M::Propose { .. } | M::Pay { .. }));
            net.queue.clear();
        }
        net.fire(PAYER, timer(0, number, MAX_TRIES), START);
        assert_eq!((step(&net).0, net.of(WitnessMetric::Rejected)), ("ended", 1), "{until}");
        let wallet = &net.nodes[PAYER.index()].wallet;
        assert_eq!((wallet.locked.len(), wallet.funds.len()), (locked, 1 - locked));
        if let [locked] = wallet.locked[..] {
            let fund = locked.fund;
            assert_eq!((fund.amount, fund.sequence), (net.witness.endowment - 501_000, 1));
            assert_eq!((locked.void, locked.reserved), (None, 0));
            let wait = net.witness.terms.time_to_consistency + net.witness.terms.timeout;
            assert_eq!((locked.ready, fund.id), (START + wait, net.witness.genesis.fund(PAYER)));
            let of = |body: &&Shared| net.bodies.get(**body).contract().is_some();
            let contract = net.seen.iter().rev().find(of).expect("the payment's");
            let contract = net.bodies.get(*contract).contract().expect("one");
            assert_eq!(fund.previous, contract.fund(), "as if it had been made");
        }
        net.assert_conserved();
    }
}

/// The newest first, four at most, each with its own gas; nothing is taken if it is not enough.
#[test]
fn funds_are_taken_that_cover_an_amount() {
    let mut net = Net::at(START);
    let first = net.first_fund_of(PAYER);
    let fund = |id, amount| fund::Fund { id: fund::FundId(id), amount, ..first };
    let has = [
        fund(1, 50_000),
        fund(2, 1_000),
        fund(3, 7_000),
        fund(4, 1_001),
        fund(5, 9_000),
        fund(6, 3_000),
    ];
    type Taken = Option<&'static [(u64, u64)]>;
    let rows: [(u64, Taken); 9] = [
        (1, Some(&[(6, 1_001)])),
        (2_000, Some(&[(6, 3_000)])),
        (2_001, Some(&[(6, 3_000), (5, 1_001)])),
        (10_000, Some(&[(6, 3_000), (5, 9_000)])),
        (10_001, Some(&[(6, 3_000), (5, 9_000), (4, 1_001)])),
        (10_002, Some(&[(6, 3_000), (5, 9_000), (4, 1_001), (3, 1_001)])),
        (16_001, Some(&[(6, 3_000), (5, 9_000), (4, 1_001), (3, 7_000)])),
        (16_002, None),
        (1_000_000, None),
    ];
    for (amount, expected) in rows {
        let node = &mut net.nodes[PAYER.index()];
        node.wallet.funds = has.to_vec();
        let taken = net.witness.take_funds(node, amount);
        let parts = taken.map(|all| all.iter().map(|(fund, part)| (fund.id.0, *part)).collect());
        assert_eq!(parts, expected.map(<[_]>::to_vec), "{amount}");
        let left = has.len() - expected.map_or(0, <[_]>::len);
        assert_eq!(net.nodes[PAYER.index()].wallet.funds.len(), left, "{amount}");
    }
    // Nothing is begun, and nothing waits for what will not come; but for what is under way.
    let mut net = Net::at(START);
    let all = net.witness.endowment;
    net.pay(PAYER, PAYEE, all - 999);
    assert_eq!((net.of(WitnessMetric::Unfunded), net.of(WitnessMetric::Started)), (1, 0));
    net.pay(PAYER, PAYEE, all - 1_000);
    net.pay(PAYER, PAYEE, 1);
    assert_eq!((net.of(WitnessMetric::Unfunded), net.of(WitnessMetric::Started)), (1, 1));
    assert_eq!(net.nodes[PAYER.index()].waiting, 1);
    net.run(|_, _| {});
    assert_eq!(net.nodes[PAYER.index()].waiting, 0);
}

/// A payee that refuses has not accepted, unless it only says that it is too late to say so again.
#[test]
fn a_refusing_payee_ends_the_payment() {
    for (why, in_doubt) in
        [(Refusal::State, false), (Refusal::Time, true), (Refusal::Quorum, false)]
    {
        let mut net = started();
        let held = net.hold(|message| matches!(message, M::Accept { .. }));
        let [(_, _, M::Accept { receipt })] = held[..] else { panic!("{held:?}") };
        let contract = net.bodies.get(receipt).receipt().expect("one").contract;
        let refuse = M::Refuse { contract, source: u8::MAX, why };
        assert_ignored(&mut net, "another", OTHER, PAYER, refuse);
        net.deliver(PAYEE, PAYER, refuse);
        assert_eq!((step(&net).0, net.of(WitnessMetric::Rejected)), ("ended", 1), "{why}");
        let [locked] = net.nodes[PAYER.index()].wallet.locked[..] else { panic!("locked") };
        assert_eq!((locked.void.is_none(), locked.fund.sequence), (in_doubt, u32::from(in_doubt)));
    }
}
