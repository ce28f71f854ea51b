//! What is shared: its length on the wire, what tells two apart, what it keeps alive, and which
//! signatures it announces.

use super::*;
use crate::objects::claim::{Case, Claim};
use crate::objects::conviction::Conviction;
use crate::objects::receipt::{Signed, Stage};
use crate::tests::malformed::kit::{OTHER, START};
use crate::timeline::{Batch, EventKind, Probes, Stamp};
use anthill_protocol::{Body, Keys, PublicKey};

/// Of the recording's scenario.
struct NoKeys;

impl Keys for NoKeys {
    fn scenario(&self) -> u64 {
        0
    }

    fn public_key(&mut self, node: NodeId) -> PublicKey {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&node.0.to_le_bytes());
        PublicKey(key)
    }
}

fn parts(body: &WitnessBody) -> Vec<Shared> {
    let mut found = Vec::new();
    body.parts(&mut |part| found.push(part));
    found
}

/// Who is said to have signed something in it, in order.
fn signers(body: &WitnessBody) -> Vec<NodeId> {
    let mut found = Vec::new();
    body.claims(&mut NoKeys, &mut |claim| {
        let (low, _) = claim.key.0.split_first_chunk().expect("32 bytes");
        found.push(NodeId(u32::from_le_bytes(*low)));
    });
    found
}

/// All of them differ from each other, and none from itself.
fn assert_apart(bodies: &[WitnessBody]) {
    let prints: Vec<u64> = bodies.iter().map(Body::fingerprint).collect();
    for (i, (print, body)) in prints.iter().zip(bodies).enumerate() {
        assert_eq!(*print, body.clone().fingerprint());
        let same = prints[..i].iter().position(|other| other == print);
        assert_eq!(same, None, "{i}: {body:?}");
    }
}

fn handle(id: u64) -> Shared {
    Shared::new(id, 0, 100)
}

const SIGNATURE: Signature = Signature([0; 64]);
/// A selection of twenty.
const SELECTION: u32 = 2 * 32 + 32 + 8 + 20 * 33;
/// A contract with one source.
const CONTRACT: u32 = 4 * 32 + 16 + 64 + 88 + 2 * SELECTION;
/// A receipt with thirteen signatures.
const RECEIPT: u32 = CONTRACT + 64 + 13 * 66;

#[test]
fn selections() {
    let net = Net::at(START);
    let good = net.drawn_at((PAYER, PAYEE), START);
    let changed = |change: fn(&mut Selection)| {
        let mut selection = good.clone();
        change(&mut selection);
        WitnessBody::Selection(selection)
    };
    let plain = changed(|_| {});
    assert_eq!((plain.encoded_len(), parts(&plain)), (SELECTION, vec![]));
    assert_eq!(signers(&plain), []);
    let rich = changed(|s| {
        (s.history.settled, s.history.list) = (Some(handle(1)), Some(handle(2)));
        s.history.passed = [handle(3), handle(4)].into();
    });
    assert_eq!(rich.encoded_len(), SELECTION + 200);
    assert_eq!(parts(&rich), [1, 2, 3, 4].map(handle));
    assert_apart(&[
        plain,
        rich,
        changed(|s| s.payer = OTHER),
        changed(|s| s.payee = OTHER),
        changed(|s| s.checksum += 1),
        changed(|s| s.draws[3].answered = false),
        changed(|s| s.draws[3].verifier = OTHER),
        changed(|s| s.history.time.0 += 1),
        changed(|s| s.history.list = Some(handle(1))),
        changed(|s| s.history.passed = [handle(1)].into()),
        changed(|s| s.history = History::default()),
    ]);
}

#[test]
fn contracts_and_receipts() {
    let mut net = Net::at(START);
    let fund = net.first_fund_of(PAYER);
    let good = net.offer((PAYER, PAYEE), &[fund], 0);
    let contract = net.write(&good);
    let other = net.offer((PAYER, OTHER), &[fund], 0);
    let other = net.write(&other);
    let bodies = net.bodies.clone();
    let body = bodies.get(contract);
    let content = body.contract().expect("a contract");
    assert_eq!((contract.encoded_len(), body.encoded_len()), (CONTRACT, CONTRACT));
    assert_eq!(parts(body), [content.selection, content.sources[0].selection]);
    assert_eq!(signers(body), [PAYER]);
    let mut second = good.draft.clone();
    second.sources = [good.draft.sources[0]; 2].into();
    let second = WitnessBody::Contract(second.signed(content.digest, SIGNATURE));
    assert_eq!(second.encoded_len(), CONTRACT + 88 + SELECTION);
    assert_apart(&[body.clone(), bodies.get(other).clone()]);

    let receipt = net.receipt(contract, Stage::Promised, 13);
    let changed = |change: fn(&mut crate::objects::receipt::Receipt)| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        WitnessBody::Receipt(receipt)
    };
    let plain = changed(|_| {});
    assert_eq!((plain.encoded_len(), parts(&plain)), (RECEIPT, vec![contract]));
    let witnesses = net.selection(fund.selection).witnesses;
    assert_eq!(signers(&plain), [&[PAYEE], &witnesses[..13]].concat());
    assert_apart(&[
        plain,
        changed(|r| r.stage = Stage::Confirmed),
        changed(|r| r.digest.0[9] ^= 1),
        changed(|r| r.signed.edit(|all| all[4].source = 1)),
        changed(|r| r.signed.edit(|all| all[4].position = 15)),
        changed(|r| r.signed = r.signed.to_vec()[1..].into()),
    ]);
}

#[test]
fn rollovers() {
    let mut net = Net::new();
    let declared = declaration(&mut net, |_| {});
    let bodies = net.bodies.clone();
    let rollover = bodies.get(declared).rollover().expect("one");
    let signed = |positions: &[u8]| {
        let signed = |position: &u8| Signed {
            source: 0,
            position: *position,
            witness: NodeId(u32::from(*position) + 60),
            signature: SIGNATURE,
        };
        WitnessBody::Rollover(rollover.with(positions.iter().map(signed).collect()))
    };
    let length = 5 * 32 + 8 + 4 + 8 + 64 + 2 * SELECTION;
    assert_eq!(signed(&[]).encoded_len(), length);
    assert_eq!(signed(&[1, 2]).encoded_len(), length + 2 * 65);
    assert_eq!(parts(&signed(&[])), [rollover.from, rollover.to]);
    assert_eq!(signers(&signed(&[7, 3])), [PAYER, NodeId(67), NodeId(63)]);
    let contract = net.contract(|_| {});
    let void = declaration(&mut net, |declared| declared.void = Some(contract));
    assert_eq!(parts(bodies.get(void))[0], contract);
    type Change = fn(&mut Declared);
    let changes: [Change; 8] = [
        |d| d.owner = PAYEE,
        |d| d.fund.0 += 1,
        |d| d.time.0 += 1,
        |d| d.left += 1,
        |d| d.sequence += 1,
        |d| d.previous.0 += 1,
        |d| d.to = d.from,
        |d| d.from = d.to,
    ];
    let mut all = vec![signed(&[]), signed(&[1]), signed(&[2]), bodies.get(void).clone()];
    for change in changes {
        let changed = declaration(&mut net, change);
        all.push(bodies.get(changed).clone());
    }
    assert_apart(&all);
}

#[test]
fn events_and_batches() {
    let mut net = Net::at(START);
    let author = net.witness.genesis.verifier(9);
    let event = net.stamped_event(author, EventKind::Pause, START, None);
    let changed = |change: fn(&mut crate::timeline::Event)| {
        let mut event = event.clone();
        change(&mut event);
        WitnessBody::Event(event)
    };
    let plain = changed(|_| {});
    let length = 32 + 1 + 8 + 8 + 32 + 64;
    assert_eq!((plain.encoded_len(), parts(&plain)), (length + 20 * 73, vec![]));
    assert_eq!(changed(|e| e.stamps = [].into()).encoded_len(), length);
    let stampers: Vec<NodeId> = event.stamps.iter().map(|stamp| stamp.witness).collect();
    assert_eq!(signers(&plain), [&[author], &stampers[..]].concat());
    let joins = changed(|e| {
        (e.kind, e.settled) = (EventKind::Join { receipt: handle(7) }, Some(handle(8)));
    });
    assert_eq!(
        (joins.encoded_len(), parts(&joins)),
        (length + 20 * 73 + 100, [8, 7].map(handle).into())
    );
    let convicts = changed(|e| e.kind = EventKind::Convict { conviction: handle(7) });
    assert_eq!(parts(&convicts), [handle(7)]);
    assert_apart(&[
        plain,
        changed(|e| e.digest.0[1] ^= 1),
        changed(|e| e.settled = Some(handle(1))),
        changed(|e| e.stamps[2].position = 20),
        changed(|e| e.stamps[2].time.0 += 1),
        changed(|e| e.stamps = e.stamps[1..].into()),
    ]);
    let probes = |list: &[(u32, u64)]| WitnessBody::Probes(Probes { list: list.into() });
    assert_eq!(probes(&[]).encoded_len(), 4);
    assert_eq!(probes(&[(1, 2), (3, 4)]).encoded_len(), 4 + 2 * 36);
    assert!(parts(&probes(&[(1, 2)])).is_empty() && signers(&probes(&[(1, 2)])).is_empty());
    assert_apart(&[probes(&[]), probes(&[(1, 2)]), probes(&[(2, 1)]), probes(&[(1, 2), (1, 2)])]);
    let batch = |known, events: &[u64]| {
        let events = events.iter().map(|id| handle(*id)).collect();
        WitnessBody::Batch(Batch { known, events })
    };
    assert_eq!((batch(1, &[]).encoded_len(), batch(1, &[2, 3]).encoded_len()), (8, 208));
    assert_eq!(parts(&batch(1, &[2, 3])), [2, 3].map(handle));
    assert_apart(&[
        batch(1, &[]),
        batch(2, &[]),
        batch(1, &[2]),
        batch(1, &[2, 3]),
        batch(1, &[3, 2]),
    ]);
}

#[test]
fn claims_and_convictions() {
    let mut net = Net::at(START);
    let fund = net.first_fund_of(PAYER);
    let receipts = [PAYEE, OTHER].map(|payee| {
        let offer = net.offer((PAYER, payee), &[fund], 0);
        let contract = net.write(&offer);
        net.signed(contract, Stage::Promised)
    });
    let guilty = vec![NodeId(9), NodeId(11)];
    let payees = [PAYEE, OTHER];
    let case = Case { payer: PAYER, payees, cheated: OTHER, lost: 5, time: START, guilty };
    let bodies = net.bodies.clone();
    let of = |of: (fund::FundId, u32), receipts, case: &Case, settled| {
        WitnessBody::Claim(Claim::new(of, receipts, case, settled, &bodies, 0))
    };
    let plain = of((fund.id, 0), receipts, &case, None);
    assert_eq!(plain.encoded_len(), 32 + 4 + 8 + 32 + 2 * 32 + 2 * RECEIPT);
    assert_eq!((parts(&plain), signers(&plain)), (receipts.to_vec(), vec![]));
    let settled = of((fund.id, 0), receipts, &case, Some(handle(3)));
    assert_eq!(parts(&settled), [&receipts[..], &[handle(3)]].concat());
    let with = |change: fn(&mut Case)| {
        let mut case = case.clone();
        change(&mut case);
        of((fund.id, 0), receipts, &case, None)
    };
    let [one, other] = receipts;
    assert_apart(&[
        plain.clone(),
        settled,
        of((fund::FundId(1), 0), receipts, &case, None),
        of((fund.id, 1), receipts, &case, None),
        of((fund.id, 0), [other, one], &case, None),
        of((fund.id, 0), [one, one], &case, None),
        with(|case| case.time.0 += 1),
        with(|case| case.guilty.truncate(1)),
        with(|case| case.guilty[0] = NodeId(10)),
    ]);
    let digest = plain.claim().expect("a claim").digest;
    let claim = net.share(plain);
    let conviction = |claimant, stamps: &[(u8, u64)]| {
        let stamp = |(position, time): &(u8, u64)| Stamp {
            position: *position,
            witness: NodeId(u32::from(*position) + 40),
            time: Time(*time),
            signature: SIGNATURE,
        };
        let signed = stamps.iter().map(stamp).collect();
        WitnessBody::Conviction(Conviction::new(claim, digest, claimant, signed))
    };
    let plain = conviction(OTHER, &[(3, 5), (4, 6)]);
    assert_eq!(plain.encoded_len(), claim.encoded_len() + 32 + 8 + 2 * 73);
    assert_eq!((parts(&plain), signers(&plain)), (vec![claim], vec![NodeId(43), NodeId(44)]));
    assert_apart(&[
        plain,
        conviction(PAYEE, &[(3, 5), (4, 6)]),
        conviction(OTHER, &[(2, 5), (4, 6)]),
        conviction(OTHER, &[(3, 5), (4, 7)]),
        conviction(OTHER, &[(3, 4), (4, 6)]),
        conviction(OTHER, &[(3, 5)]),
    ]);
}

/// What counts each reason.
#[test]
fn refusals_are_counted_by_reason() {
    for (why, name) in Refusal::ALL.into_iter().zip([
        "refused_malformed",
        "refused_signature",
        "refused_sums",
        "refused_selection",
        "refused_owner",
        "refused_time",
        "refused_not_held",
        "refused_state",
        "refused_promised",
        "refused_quorum",
        "refused_unasked",
        "outdated",
        "refused_innocent",
        "refused_unwilling",
        "refused_expired",
        "refused_undeclared",
    ]) {
        let metric = WitnessMetric::of_refusal(why);
        assert_eq!(WitnessMetric::ALL[metric.index()].name, name);
    }
    use crate::timeline::EventError as E;
    for (why, name) in [
        (E::Malformed, "events_malformed"),
        (E::Signature, "events_unsigned"),
        (E::Author, "events_foreign"),
        (E::Stamps, "events_unstamped"),
        (E::Time, "events_mistimed"),
        (E::Stake, "events_unstaked"),
        (E::Conviction, "events_unproven"),
        (E::Timeline, "events_outdated"),
    ] {
        let metric = WitnessMetric::of_event(why);
        assert_eq!(WitnessMetric::ALL[metric.index()].name, name);
    }
}

/// The table of nodes: roles by how they stand, credit to the unit.
#[test]
fn a_row_of_the_table_says_what_a_participant_has() {
    use crate::roles::stake::Standing;
    use anthill_protocol::Cell;
    let mut net = Net::at(START);
    let row = |net: &Net, id: NodeId| net.witness.row(id, &net.nodes[id.index()]);
    let role = |net: &Net, id: NodeId| row(net, id)[0];
    let verifier = net.witness.genesis.verifier(3);
    assert_eq!(role(&net, NodeId(0)), Cell::Word("node-zero"));
    assert_eq!(role(&net, NodeId(1)), Cell::Word("credit-origin"));
    for (stand, expected) in [
        (None, "verifier"),
        (Some(Standing::Leaving { until: START, has_compared: false }), "user"),
        (Some(Standing::Released), "user"),
    ] {
        net.nodes[verifier.index()].stake = stand.map(Box::new);
        assert_eq!(role(&net, verifier), Cell::Word(expected));
    }
    for (stand, expected) in [
        (None, "user"),
        (Some(Standing::Reserving), "user"),
        (Some(Standing::Reserved { receipt: handle(1) }), "user"),
        (Some(Standing::Joined), "verifier"),
    ] {
        net.nodes[PAYER.index()].stake = stand.map(Box::new);
        assert_eq!(role(&net, PAYER), Cell::Word(expected));
    }
    let counts = |net: &Net, id| -> Vec<u64> {
        let count = |cell: &Cell| if let Cell::Count(count) = cell { *count } else { panic!() };
        row(net, id)[1..].iter().map(count).collect()
    };
    let endowment = net.witness.endowment;
    assert_eq!(counts(&net, PAYER), [endowment, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts(&net, NodeId(0))[..3], [0, 0, 0]);
    net.pay(PAYER, PAYEE, 500_000);
    assert_eq!(counts(&net, PAYER), [0, endowment, 0, 1, 0, 1, 0, 0, 0, 0]);
    net.hold(|message| matches!(message, WitnessMessage::Kept { .. }));
    assert_eq!(counts(&net, PAYER)[..6], [endowment - 501_000, 0, 1, 1, 0, 0]);
    assert_eq!(counts(&net, PAYEE)[..6], [endowment, 0, 1, 0, 1, 1]);
    let fund = net.first_fund_of(PAYER);
    let witness = net.selection(fund.selection).witnesses[0];
    assert_eq!(counts(&net, witness)[6..8], [1, 0], "it has deducted");
}
