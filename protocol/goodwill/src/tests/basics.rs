//! Slots, blocks, forks and money of honest forgers.

use anthill_protocol::judge::{Panel, Said, Setting};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Digest, Key, NodeId, Protocol, Span, Time, laws};

use super::{LONG, checked, count, full, goodwill, ledger, number, run, sent, share, word};
use crate::Goodwill;
use crate::metric::GoodwillMetric as M;
use crate::output::{GoodwillOutput, Money, Seen};

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Goodwill>();
}

#[test]
fn more_forgers_than_nodes_are_refused() {
    let of = |forgers, nodes| {
        let mut values = Values::of::<Goodwill>();
        values.set("forgers", Value::Count(forgers));
        let mut protocol = Goodwill::configure(&values).expect("consistent");
        protocol.fit(nodes, 1).map(|()| protocol.forgers()).map_err(|error| error.to_string())
    };
    let refused = of(100, 60).expect_err("too many");
    assert!(refused.starts_with("protocol.forgers: 100 forgers are more than the 60"), "{refused}");
    assert!(refused.contains("give 60 or fewer"), "{refused}");
    assert_eq!((of(61, 60).is_err(), of(60, 60), of(1, 60)), (true, Ok(60), Ok(1)));
    assert_eq!((of(0, 60), of(0, 1_000)), (Ok(60), Ok(100)), "the usual number");
}

/// Every slot has its block, all have the same chain, and a block takes F(d − 1) + 1 messages.
#[test]
fn honest_forgers_fill_every_slot() {
    for (forgers, degree, due) in
        [(1u64, 8u64, 0), (2, 8, 1), (5, 8, 16), (20, 8, 141), (100, 8, 701), (30, 16, 451)]
    {
        let set = [
            count("forgers", forgers),
            count("degree", degree),
            count("window", 10),
            count("windows", 3),
        ];
        let protocol = goodwill(forgers as u32, None, &set);
        let (mut pump, facts) = run(protocol.clone(), forgers as u32, 3);
        assert!(facts.quiescent);
        assert_eq!(facts.totals.of(M::Blocks), 30, "{forgers}");
        let charged = facts.totals.of(M::ChargedExecutions);
        assert_eq!((facts.totals.of(M::Executions), charged), (30, 30 * forgers));
        assert_eq!(pump.protocol().executions.on_host(), 30, "{forgers}");
        assert_eq!((facts.totals.of(M::Stale), facts.totals.of(M::ChainBlocks)), (0, 30));
        assert_eq!(sent(&facts, "block"), 30 * due, "{forgers} {degree}");
        let tips: Vec<_> = (0..forgers as u32).map(|id| full(&pump, id).tip).collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]));
        assert_eq!(facts.totals.of(M::Minted), 30 * 60_000_000);
        let check = checked(&protocol, &facts, "messages");
        assert!(check.ok && !check.expected_violation, "{check:?}");
        assert!(checked(&protocol, &facts, "minted").ok);
        let checks = pump.judged();
        assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
    }
}

/// A bid goes to an association and is never returned; burnt it is in nobody's hands; a stake comes back
/// after its window.
#[test]
fn the_money_of_bids_goes_where_it_should() {
    for (proof, donated, burnt) in [("good-will", 4, 0), ("burn", 0, 4), ("stake", 0, 0)] {
        let set = [
            count("forgers", 5),
            count("window", 10),
            count("windows", 4),
            number("bid", 100.0),
            share("spend", 0.0),
            word("proof", proof),
        ];
        let (pump, facts) = run(goodwill(5, None, &set), 5, 1);
        let of = |metric| facts.totals.of(metric) / 1_000_000;
        assert_eq!((of(M::Donated), of(M::Burnt)), (500 * donated, 500 * burnt), "{proof}");
        let ledger = ledger(&pump, 0);
        assert_eq!(ledger.donated, 500_000_000 * donated);
        let forgers: u64 = (0..5).map(|id| ledger.accounts.balance(id)).sum();
        // Stakes for windows 3, 4 and 5 are held; those for 2 are back.
        let escrow = if proof == "stake" { 3 * 500 } else { 0 };
        assert_eq!(ledger.pots.escrow, escrow * 1_000_000);
        let left = 5 * 1_000 + 40 * 60 - 500 * (donated + burnt) - escrow;
        assert_eq!(forgers, left * 1_000_000, "{proof}");
    }
}

#[test]
fn stakes_are_returned_after_their_window() {
    let set = [
        count("forgers", 5),
        count("window", 10),
        count("windows", 7),
        number("bid", 100.0),
        word("proof", "stake"),
    ];
    let (pump, _) = run(goodwill(5, None, &set), 5, 1);
    // Bid in seven windows; in the last one those for windows 6, 7 and 8 are held, and those for 2 to 5 back.
    assert_eq!(ledger(&pump, 0).pots.escrow, 3 * 500 * 1_000_000);
}

/// min(cap, genesis + 60 B), the last reward in part.
#[test]
fn the_coinbase_ends_at_the_cap() {
    let set =
        [count("forgers", 5), count("window", 10), count("windows", 3), number("cap", 5_130.0)];
    let (pump, facts) = run(goodwill(5, None, &set), 5, 1);
    assert_eq!(facts.totals.of(M::ChainBlocks), 30);
    assert_eq!(facts.totals.of(M::Minted), 130_000_000);
    assert_eq!(ledger(&pump, 0).issued(), 5_130_000_000);
}

/// Payments by light peers: included, believed by what both homes say, fees to forgers and associations.
#[test]
fn light_peers_pay_and_believe() {
    let nodes = 220;
    for relay in ["flood", "leader"] {
        let set = [
            count("forgers", 20),
            count("window", 20),
            count("windows", 4),
            count("confirmations", 3),
            number("workload.rate", 0.5),
            number("workload.fee", 0.01),
            share("eco_tax", 0.25),
            share("spend", 0.0),
            word("tx_relay", relay),
        ];
        let (pump, facts) = run(goodwill(nodes, None, &set), nodes, 5);
        let sent_out = pump
            .outputs()
            .iter()
            .filter(|said| matches!(said.output, crate::output::GoodwillOutput::Sent { .. }));
        let made = sent_out.count() as u64;
        assert!((300..500).contains(&made), "{made}");
        let included = facts.totals.of(M::Inclusion);
        let believed = facts.totals.of(M::Confirmation);
        // Forgers' bids are counted, too; of the last slots' payments nothing is heard.
        assert!(included >= made - 20, "{relay}: {included} of {made}");
        assert!(believed >= made - 40, "{relay}: {believed} of {made}");
        assert_eq!(facts.totals.of(M::Refused), 0);
        let ledger = ledger(&pump, 0);
        let fees = (facts.totals.of(M::Executed) - 80) * 10_000;
        let bids = 80 * 213_840_000;
        assert_eq!(ledger.donated, bids + fees / 4, "{relay}");
    }
}

/// Blocks that take longer than a slot to arrive: the chain grows by 1/(⌊τ/slot⌋ + 1) blocks a slot.
#[test]
fn the_chain_grows_as_delays_let_it() {
    for (delay_ms, slots) in [(500, 1), (10_500, 2), (25_000, 3)] {
        let set = [
            count("forgers", 40),
            count("degree", 64),
            count("window", 50),
            count("windows", 3),
            number("bid", 1.0),
        ];
        let protocol = goodwill(40, None, &set);
        let mut pump = Pump::new(protocol, 40).seed(2).delay(Span::from_millis(delay_ms));
        let facts = pump.run(LONG);
        let grown = facts.totals.of(M::ChainBlocks) as f64;
        // Among forty a forger that has two slots close to each other builds on its own block sooner.
        let due = 150.0 / f64::from(slots);
        assert!(
            (grown - due).abs() <= 0.07 * due + 1.0,
            "{delay_ms} ms: {grown} blocks, {due} due"
        );
        assert_eq!(facts.totals.of(M::Blocks), 150);
    }
}

/// A partition of D slots: chains of Bin(D, x) and D minus that; the shorter is undone, once it heals.
#[test]
fn of_a_partition_the_shorter_chain_is_undone() {
    let mut undone = Vec::new();
    for seed in 0..12 {
        let set = [
            count("forgers", 10),
            count("degree", 8),
            count("window", 100),
            count("windows", 1),
            number("bid", 10.0),
        ];
        let mut protocol = goodwill(10, None, &set);
        protocol.fit(10, seed).expect("enough");
        let side: Vec<NodeId> = (0..3).map(NodeId).collect();
        let slot = |slot: u64| Time::ZERO + Span::from_secs(10) * slot + Span::from_secs(5);
        let mut pump = Pump::new(protocol, 10).seed(seed).delay(Span::from_millis(20)).cut(
            &side,
            false,
            slot(10),
            slot(70),
        );
        let facts = pump.run(LONG);
        let tips: Vec<_> = (0..10).map(|id| full(&pump, id).tip).collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]), "healed");
        undone.push(facts.totals.of(M::DeepestReorg) as f64);
    }
    let n = undone.len() as f64;
    let mean = undone.iter().sum::<f64>() / n;
    let due = crate::theory::shorter_branch(60, 0.3);
    let sd = (60.0f64 * 0.3 * 0.7).sqrt() / n.sqrt();
    assert!((mean - due).abs() < 3.5 * sd, "{mean} beside {due}: {undone:?}");
}

/// A node that lost everything asks for the ledger: two greetings, two messages on it, two a block.
#[test]
fn a_late_node_copies_the_ledger_block_by_block() {
    let set = [count("forgers", 6), count("window", 30), count("windows", 1)];
    let protocol = goodwill(6, None, &set);
    let mut pump = Pump::new(protocol, 6).seed(4).delay(Span::from_millis(20));
    let at = |slot: u64| Time::ZERO + Span::from_secs(10) * slot + Span::from_secs(5);
    pump.run(at(20));
    let state = pump.crash(NodeId(5)).expect("up");
    pump.restart(NodeId(5), state, false);
    let before = pump.run(at(20) + Span(1));
    let facts = pump.run(at(20) + Span::from_secs(4));
    let _ = before;
    assert_eq!(sent(&facts, "hello"), 2);
    assert_eq!((sent(&facts, "get-ledger-infos"), sent(&facts, "ledger-infos")), (1, 1));
    let height = u64::from(full(&pump, 0).height);
    assert_eq!((sent(&facts, "get-ledger-block"), sent(&facts, "ledger-block")), (height, height));
    assert_eq!(full(&pump, 5).tip, full(&pump, 0).tip);
    assert_eq!(height, 20);
    pump.run(LONG);
    assert_eq!(full(&pump, 5).tip, full(&pump, 0).tip);
}

/// From sending to believing: 2u + slot/2 + path, and a slot for each confirmation more.
#[test]
fn a_light_peer_waits_for_half_a_slot_and_for_confirmations() {
    let set = [
        count("forgers", 10),
        count("degree", 10),
        count("window", 100),
        count("windows", 2),
        count("confirmations", 3),
        number("bid", 1.0),
        number("workload.rate", 0.3),
    ];
    let (pump, _) = run(goodwill(310, None, &set), 310, 5);
    let (mut sent, mut waits) = (std::collections::BTreeMap::new(), Vec::new());
    for said in pump.outputs() {
        match said.output {
            GoodwillOutput::Sent { transaction } => {
                sent.insert(transaction, said.at.time);
            }
            GoodwillOutput::Believed { transaction, .. } => {
                if let Some(at) = sent.get(&transaction) {
                    waits.push(said.at.time.since(*at).as_secs_f64());
                }
            }
            _ => {}
        }
    }
    let n = waits.len() as f64;
    let mean = waits.iter().sum::<f64>() / n;
    // Delays of 20 ms: to the homes, to the leader unless it is one, to the homes, to the peer.
    let due = 2.0 * 0.02 + 5.0 + 0.02 + 2.0 * 10.0;
    let sd = 10.0 / 12f64.sqrt() / n.sqrt();
    assert!(n > 400.0 && (mean - due).abs() < 3.5 * sd, "{mean} beside {due}, {n} payments");
}

/// What every judge says of a hand-made breach, and of the same words without it.
#[test]
fn judges_hear_what_is_wrong() {
    let set = [number("cap", 1_100.0)];
    let protocol = goodwill(1, None, &set);
    let seen = Seen {
        block: 7,
        parent: 1,
        slot: 1,
        height: 1,
        forger: 0,
        leader: 0,
        root: Digest([5; 32]),
    };
    let money = Money { held: 1_060, genesis: 1_000, minted: 60 };
    let joined = |seen| GoodwillOutput::Joined { seen, dropped: 0 };
    let has = |money, unapproved| GoodwillOutput::Money { block: 7, money, unapproved };
    let forged = |slot| GoodwillOutput::Forged { slot, height: 1, block: 7 };
    let owns = |owner| GoodwillOutput::Owner { block: 7, token: 1, owner };
    let confirmed = |block| GoodwillOutput::Confirmed { height: 1, block };
    let over = Money { held: 1_000_000_000, genesis: 0, minted: 1_000_000_000 };
    let much = Money { held: 2_000_000_000, genesis: 0, minted: 2_000_000_000 };
    let cases = [
        ("money conserved", has(money, 0), has(Money { held: 1_061, ..money }, 0)),
        ("cap held", has(over, 0), has(much, 0)),
        (
            "only leaders' blocks",
            joined(seen),
            joined(Seen { block: 8, parent: 7, height: 2, leader: 1, ..seen }),
        ),
        ("approved donations only", has(money, 0), has(money, 1)),
        (
            "equal roots at equal blocks",
            joined(seen),
            joined(Seen { root: Digest([6; 32]), ..seen }),
        ),
        ("one block per slot of an honest forger", forged(2), forged(2)),
        (
            "longer chains only",
            joined(seen),
            joined(Seen { block: 9, parent: 3, height: 2, ..seen }),
        ),
        ("prefixes agree at depth", confirmed(7), confirmed(8)),
        ("one owner of a token after a block", owns(3), owns(4)),
    ];
    for (judge, fine, breach) in cases {
        for (second, is_breach) in [(None, false), (Some(breach), true)] {
            let setting = Setting::of(1, LONG);
            let mut panel = Panel::new(protocol.judges(&setting));
            for (place, output) in [Some(fine), second].into_iter().flatten().enumerate() {
                let node = NodeId(if matches!(output, GoodwillOutput::Owner { .. }) {
                    place as u32
                } else {
                    0
                });
                let time = Time(place as u64);
                let at = Key { time, target: node, tie: 0, source: node, sequence: 0 };
                panel.hear(&Said { at, node, output });
            }
            let found = panel.findings().iter().any(|finding| finding.judge == judge);
            assert_eq!(found, is_breach, "{judge}: {:?}", panel.findings());
        }
    }
}
