//! Receipts in the wrong hands.

use super::*;

#[test]
fn a_fund_is_entrusted_to_its_witnesses_alone() {
    let mut net = Net::new();
    let entrusted = std::cell::Cell::new(None);
    net.pay(PAYER, PAYEE, 50_000);
    net.run(|_, message| {
        if let WitnessMessage::Entrust { receipt } = *message {
            entrusted.set(Some(receipt));
        }
    });
    let receipt = entrusted.get().expect("the payee entrusts its fund");
    let contract = net.bodies.get(receipt).receipt().expect("one").contract;
    let new = net.bodies.get(contract).contract().expect("a contract").selection;
    let watches = |net: &Net, who: NodeId| {
        net.bodies.get(new).selection().expect("a selection").position(who).is_some()
    };
    let mut others = 0;
    for id in (0..NODES).map(NodeId).filter(|id| ![PAYER, PAYEE].contains(id)) {
        let known = net.nodes[id.index()].book.len();
        net.queue.clear();
        net.deliver(PAYEE, id, WitnessMessage::Entrust { receipt });
        match net.queue.pop_back().expect("an answer").2 {
            WitnessMessage::Kept { .. } => assert!(watches(&net, id), "{id}"),
            WitnessMessage::Refuse { why: Refusal::NotHeld, .. } => {
                assert!(!watches(&net, id), "{id}");
                others += 1;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(net.nodes[id.index()].book.len(), known, "{id}");
    }
    assert_eq!(others, NODES - 2 - 20);
}

/// What watches over books is itself watched: it sees a receipt in the wrong hands.
#[test]
fn a_receipt_held_by_no_witness_is_noticed() {
    let mut net = Net::new();
    net.pay(PAYER, PAYEE, 50_000);
    net.run(|_, _| {});
    let receipt_of = |net: &Net, of: Shared| net.bodies.get(of).receipt().is_some();
    let receipts: Vec<Shared> =
        net.seen.iter().copied().filter(|body| receipt_of(&net, *body)).collect();
    let fund = net.witness.genesis.fund(PAYER);
    let source = net.witness.first_fund(&mut net.worlds[PAYER.index()]).selection;
    let notices = |net: &mut Net, holder: NodeId, fund: FundId| {
        let world = &mut net.worlds[holder.index()];
        crate::roles::witness::note_holder(fund, receipts[0], world);
        let is_it =
            |effect| matches!(effect, &Effect::Record { metric: WitnessMetric::Misheld, .. });
        let noticed = world.effects().iter().any(is_it);
        world.clear();
        noticed
    };
    let watches = |net: &Net, of: Shared, who: NodeId| {
        net.bodies.get(of).selection().expect("a selection").position(who).is_some()
    };
    let contract = net.bodies.get(receipts[0]).receipt().expect("one").contract;
    let (made, new) = {
        let contract = net.bodies.get(contract).contract().expect("a contract");
        (contract.fund(), contract.selection)
    };
    let mut found = [0; 2];
    for id in (0..NODES).map(NodeId) {
        assert_eq!(notices(&mut net, id, fund), !watches(&net, source, id), "{id}");
        assert_eq!(notices(&mut net, id, made), !watches(&net, new, id), "{id}");
        assert!(notices(&mut net, id, FundId(9)), "nobody watches a fund that is not in it");
        found[usize::from(watches(&net, source, id))] += 1;
    }
    assert_eq!(found, [180, 20]);
}
