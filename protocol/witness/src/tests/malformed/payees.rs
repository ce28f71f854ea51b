//! A row per check of a payee: what of all that it is told it takes for an answer.

use super::*;
use crate::objects::receipt::Stage;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::{OTHER, Offer, START};
use crate::tests::malformed::parties::{
    BAD, Held, M, another, assert_ignored, receiving, started, stranger,
};

#[test]
fn a_payee_agrees_to_what_it_is_offered_itself() {
    let mut net = Net::at(START);
    let fund = net.first_fund_of(PAYER);
    let good = net.offer((PAYER, PAYEE), &[fund], 0);
    let contract = net.write(&good);
    let no_contract = good.draft.selection;
    let mut forged = good.clone();
    forged.signer = OTHER;
    let forged = net.write(&forged);
    let rows = [
        ("offered by another", OTHER, PAYEE, contract, Refusal::Unasked),
        ("offered to another", PAYER, OTHER, contract, Refusal::Unasked),
        ("offered by the payee", PAYEE, PAYER, contract, Refusal::Unasked),
        ("no contract", PAYER, PAYEE, no_contract, Refusal::Malformed),
        ("forged", PAYER, PAYEE, forged, Refusal::Signature),
    ];
    for (name, from, to, contract, why) in rows {
        let verdict = net.verdict(from, to, M::Propose { contract });
        assert_eq!(verdict, Err(why), "{name}");
    }
    let Ok(M::Agree { contract: of, signature }) =
        net.verdict(PAYER, PAYEE, M::Propose { contract })
    else {
        panic!("it agrees")
    };
    let digest = net.bodies.get(contract).contract().expect("one").digest;
    let agrees = net.worlds[PAYEE.index()].sign(&Statement::Agrees.of(0, &digest));
    assert_eq!((of, signature), (contract, agrees));
}

fn offered(net: &mut Net) -> (Offer, Shared) {
    let fund = net.first_fund_of(PAYER);
    let offer = net.offer((PAYER, PAYEE), &[fund], 7);
    let contract = net.write(&offer);
    (offer, contract)
}

#[test]
fn a_payee_accepts_once_what_enough_have_promised() {
    let mut net = Net::at(START);
    let (offer, contract) = offered(&mut net);
    let mut few = net.receipt(contract, Stage::Promised, 12);
    let few_signed = few.signed.to_vec();
    few.signed = [&few_signed[..], &few_signed[..1]].concat().into();
    let few = net.share(WitnessBody::Receipt(few));
    let confirmed = net.signed(contract, Stage::Confirmed);
    let mut strange = net.receipt(contract, Stage::Promised, 13);
    strange.agreement = BAD;
    let strange = net.share(WitnessBody::Receipt(strange));
    let good = net.signed(contract, Stage::Promised);
    let rows = [
        ("one twice", PAYEE, few, Refusal::Quorum),
        ("confirmed", PAYEE, confirmed, Refusal::Malformed),
        ("not agreed to", PAYEE, strange, Refusal::Signature),
        ("another's", OTHER, good, Refusal::Unasked),
        ("the payer's", PAYER, good, Refusal::Unasked),
    ];
    for (name, to, receipt, why) in rows {
        assert_eq!(net.verdict(PAYER, to, M::Pay { receipt }), Err(why), "{name}");
        assert_eq!(net.of(WitnessMetric::Final), 0, "{name}");
    }
    assert_eq!(net.says(PAYER, PAYEE, M::Pay { receipt: contract }), [], "no receipt");
    net.totals[WitnessMetric::Reserved.index()] += offer.draft.amount + 1_000;
    let answers = net.says(PAYER, PAYEE, M::Pay { receipt: good });
    assert_eq!(answers.len(), 21);
    assert_eq!(answers[20], M::Accept { receipt: good });
    for answer in &answers[..20] {
        assert_eq!(*answer, M::Settle { receipt: good, source: 0 });
    }
    assert_eq!((net.of(WitnessMetric::Final), receiving(&net)), (1, ("settling", 0)));
    assert_eq!(net.of(WitnessMetric::Reserved), 0);
    assert_eq!(net.of(WitnessMetric::Gas), 1_000);
    for again in [good, net.signed(contract, Stage::Promised)] {
        let answers = net.says(PAYER, PAYEE, M::Pay { receipt: again });
        assert_eq!(answers, [M::Accept { receipt: again }], "the first answer may be lost");
        assert_eq!(net.of(WitnessMetric::Final), 1);
    }
}

#[test]
fn a_payee_counts_each_witness_once() {
    let mut net = started();
    let held = net.hold(|message| matches!(message, M::Settled { .. }));
    let (first, _, M::Settled { receipt, signature, .. }) = held[0] else { panic!("{held:?}") };
    let other = another(&mut net);
    let other = net.signed(other, Stage::Promised);
    let outsider = stranger(&net, &held);
    let settled = |receipt, source| M::Settled { receipt, source, signature };
    assert_ignored(&mut net, "of something else", first, PAYEE, settled(other, 0));
    assert_ignored(&mut net, "no such source", first, PAYEE, settled(receipt, 1));
    assert_ignored(&mut net, "no witness", outsider, PAYEE, settled(receipt, 0));
    assert_ignored(&mut net, "not kept yet", first, PAYEE, M::Kept { receipt });
    for (count, (from, to, message)) in (1..).zip(&held[..12]) {
        net.deliver(*from, *to, *message);
        assert_eq!(receiving(&net), ("settling", count));
        assert_ignored(&mut net, "twice", *from, *to, *message);
    }
    let (from, to, message) = held[12];
    net.deliver(from, to, message);
    assert_eq!(receiving(&net), ("entrusting", 0));
    let (from, to, message) = held[13];
    let asked: Vec<Held> = net.queue.drain(..).collect();
    assert_ignored(&mut net, "one too many", from, to, message);
    let Some((_, _, M::Entrust { receipt: confirmed })) = asked.first().copied() else {
        panic!("{asked:?}")
    };
    let new: Vec<NodeId> = asked.iter().map(|(_, to, _)| *to).collect();
    let outsider = (0..99).map(|rank| net.witness.genesis.verifier(rank));
    let outsider = { outsider }.find(|id| !new.contains(id)).expect("one of 99");
    assert_eq!(new.len(), 20);
    assert_ignored(&mut net, "confirmed, not settled", new[0], PAYEE, settled(confirmed, 0));
    assert_ignored(&mut net, "of the payer's receipt", new[0], PAYEE, M::Kept { receipt });
    assert_ignored(&mut net, "no new witness", outsider, PAYEE, M::Kept { receipt: confirmed });
    for (count, id) in (1..).zip(&new) {
        assert_eq!(net.nodes[PAYEE.index()].wallet.funds.len(), usize::from(count > 13));
        net.deliver(*id, PAYEE, M::Kept { receipt: confirmed });
        let expected = if count < 20 { ("entrusting", count) } else { ("ended", 0) };
        assert_eq!(receiving(&net), expected);
        assert_eq!(net.of(WitnessMetric::HandedOver), u64::from(count >= 13), "{count}");
        assert_ignored(&mut net, "twice", *id, PAYEE, M::Kept { receipt: confirmed });
    }
    assert_eq!(net.nodes[PAYEE.index()].wallet.funds.len(), 1);
}

#[test]
fn a_payee_asks_those_who_have_not_answered_and_gives_up() {
    let fund_of = |net: &Net| net.nodes[PAYEE.index()].receiving[0].fund;
    for (number, until, after) in [(0, "settled", "settling"), (1, "kept", "entrusting")] {
        let mut net = started();
        let held = net.hold(|message| WitnessMessage::KINDS[message.kind()] == until);
        for (from, to, message) in &held[..5] {
            net.deliver(*from, *to, *message);
        }
        assert_eq!(receiving(&net), (after, 5));
        let fund = fund_of(&net);
        let timer = |fund, step, tries| WitnessTimer::Payee { fund, step, tries };
        for ignored in [
            timer(fund::FundId(9), number, MAX_TRIES),
            timer(fund, 1 - number, 1),
            timer(fund, 1 - number, MAX_TRIES),
        ] {
            net.fire(PAYEE, ignored, START);
            assert_eq!((net.queue.len(), receiving(&net)), (0, (after, 5)));
        }
        for tries in 1..MAX_TRIES {
            net.fire(PAYEE, timer(fund, number, tries), START);
            let mut asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
            let mut missing: Vec<NodeId> = held[5..].iter().map(|(from, ..)| *from).collect();
            asked.sort_unstable();
            missing.sort_unstable();
            assert_eq!((asked, receiving(&net)), (missing, (after, 5)));
        }
        net.fire(PAYEE, timer(fund, number, MAX_TRIES), START);
        assert_eq!(receiving(&net), ("ended", 0));
        let wallet = &net.nodes[PAYEE.index()].wallet;
        let [locked] = wallet.locked[..] else { panic!("too few watch it") };
        assert_eq!((locked.fund.amount, locked.ready, locked.void), (500_000, Time::MAX, None));
        assert!(wallet.funds.is_empty());
        net.assert_conserved();
    }
}

/// A new witness that does not believe the receipt makes the payee look, and ask others instead.
#[test]
fn a_payee_looks_again_when_a_new_witness_does_not_believe_it() {
    let mut net = started();
    let settled = net.hold(|message| matches!(message, M::Settled { .. }));
    for (at, (from, to, message)) in settled[..13].iter().enumerate() {
        let mut message = *message;
        if let (4, M::Settled { signature, .. }) = (at, &mut message) {
            *signature = BAD;
        }
        net.deliver(*from, *to, message);
    }
    assert_eq!(receiving(&net), ("entrusting", 0));
    let asked: Vec<Held> = net.queue.drain(..).collect();
    let (new, M::Entrust { receipt }) = (asked[0].1, asked[0].2) else { panic!("{asked:?}") };
    let contract = net.bodies.get(receipt).receipt().expect("one").contract;
    let another = another(&mut net);
    let refuse = |contract, why| M::Refuse { contract, source: u8::MAX, why };
    let old = settled[4].0;
    let new_too = asked.iter().any(|(_, to, _)| *to == old);
    if !new_too {
        assert_ignored(&mut net, "an old witness", old, PAYEE, refuse(contract, Refusal::Quorum));
    }
    assert_ignored(&mut net, "of something else", new, PAYEE, refuse(another, Refusal::Quorum));
    assert_ignored(&mut net, "for another reason", new, PAYEE, refuse(contract, Refusal::Time));
    assert_ignored(&mut net, "the payer", PAYER, PAYEE, refuse(contract, Refusal::Quorum));
    net.deliver(new, PAYEE, refuse(contract, Refusal::Quorum));
    assert_eq!(receiving(&net), ("settling", 12), "without the one that does not hold");
    let asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
    let others: Vec<NodeId> = settled[13..].iter().map(|(from, ..)| *from).collect();
    assert_eq!(asked, others, "nor is who sent it asked again");
    let (from, to, message) = settled[4];
    assert_ignored(&mut net, "who is not believed any more", from, to, message);
    let (from, to, message) = settled[13];
    net.deliver(from, to, message);
    assert_eq!(receiving(&net), ("entrusting", 0));
    net.queue.clear();
    assert_ignored(&mut net, "all hold", new, PAYEE, refuse(contract, Refusal::Signature));
}
