//! What each switch closes: an attack that succeeds without it, and never with it.
//!
//! The first runs of each are tests. Ten thousand of each with the switch on:
//! `cargo test --release -p anthill-pos-bft --lib -- --ignored ten_thousand`.

use anthill_contracts::Address;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::{Pump, Recording};
use anthill_protocol::{Configure, Context as _, NodeId, Span, Time};

use super::normal::{decisions, raw};
use super::scripts::{accused, forgotten_decision, forks, two_forget, two_locks_by};
use crate::attacks::{Attack, Conduct};
use crate::block::Block;
use crate::messages::ChainMetric;
use crate::node::Node;
use crate::protocol::PosBft;
use crate::server::Server;

/// A chain with one more change, of a seed, under attack, and what its network does.
fn network(
    (n, seed): (u32, u64),
    attack: Option<Attack>,
    changes: &[(&str, Value)],
) -> Pump<PosBft> {
    let mut protocol = raw(changes);
    protocol.attack = attack;
    protocol.fit(n, seed).expect("fits");
    Pump::new(protocol, n).seed(seed).delays(Span::from_millis(60), Span::from_millis(140))
}

fn jitter(pump: Pump<PosBft>, seed: u64) -> Pump<PosBft> {
    pump.seed(seed).delays(Span::from_millis(95), Span::from_millis(105))
}

fn after(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

/// Without locks those who have not seen a decision make another one.
fn t1(on: bool, seed: u64) -> bool {
    let mut pump = jitter(forgotten_decision(on), seed);
    pump.run(after(60));
    forks(&pump).0 > 1
}

/// Without proofs two validators that are locked on different blocks wait for ever.
fn t2(on: bool, seed: u64) -> bool {
    let mut pump = jitter(two_locks_by(&[("t2", Value::Flag(on))], |script| script), seed);
    pump.run(after(300));
    (0..3).any(|node| decisions(&pump, node).is_empty())
}

/// Where two thirds are enough a third forks.
fn t3(on: bool, seed: u64) -> bool {
    let n = [3, 6, 9][seed as usize % 3];
    let attack = Some(Attack::of(Conduct::Split, n / 3));
    let changes = [("heights", Value::Count(1)), ("t3", Value::Flag(on))];
    let mut pump = network((n, seed), attack, &changes);
    pump.run(after(30));
    forks(&pump).0 > 1
}

/// Who can grind the draw gets more than 38 of sixty turns with a quarter of the stake, which a fair draw gives
/// with p = 8e-11.
fn t4(on: bool, seed: u64) -> bool {
    let changes = [
        ("heights", Value::Count(60)),
        ("proposer", Value::Choice("random")),
        ("t4", Value::Flag(on)),
    ];
    let mut pump = network((4, seed), Some(Attack::of(Conduct::Grinder, 1)), &changes);
    pump.run(after(1_000));
    let honest = pump.node(NodeId(1)).and_then(Node::server).expect("a server");
    let tip = honest.decided.map(|it| it.block).or(honest.tip);
    pump.protocol().outcome(tip, pump.bodies()).ledger.candidates[0].proposed > 38
}

/// Who unbonds all and then votes twice loses nothing but what fees have brought it.
fn t5(on: bool, seed: u64) -> bool {
    let changes = [
        ("heights", Value::Count(8)),
        ("execution", Value::Choice("transfer")),
        ("t5", Value::Flag(on)),
    ];
    let mut pump = network((7, seed), Some(Attack::of(Conduct::SelfUnbonder, 1)), &changes);
    let facts = pump.run(after(60));
    facts.totals.of(ChainMetric::Slashed) < 50_000
}

/// Who forgets its precommits forks without a double vote, and is not accused.
fn t6(on: bool, seed: u64) -> bool {
    let mut pump = jitter(two_forget(on), seed);
    pump.run(after(100));
    forks(&pump).0 > 1 && accused(&pump).len() < 2
}

/// Light clients that look every eight seconds believe headers that are older than they may trust.
fn t7(on: bool, seed: u64) -> bool {
    let changes = [
        ("heights", Value::Count(20)),
        ("users", Value::Count(4)),
        ("light", Value::Span(Span::from_secs(8))),
        ("trusting", Value::Span(Span::from_secs(5))),
        ("t7", Value::Flag(on)),
    ];
    let mut pump = network((8, seed), None, &changes);
    let facts = pump.run(after(60));
    assert!(facts.totals.of(ChainMetric::LightHeaders) > 4);
    facts.totals.of(ChainMetric::RefusedHeaders) == 0
}

/// What a call costs depends on whether the contract was called before, so nodes disagree on receipts.
fn t8(on: bool, seed: u64) -> bool {
    let changes = [
        ("users", Value::Count(2)),
        ("execution", Value::Choice("wasm")),
        ("workload.contract", Value::Choice("token")),
        ("t8", Value::Flag(on)),
    ];
    let mut protocol = raw(&changes);
    protocol.fit(6, seed).expect("fits");
    let user = 4 + (seed % 2) as u32;
    let mut cx = Recording::new(NodeId(user), 6);
    let to = protocol.order(Address::of_node(NodeId(9 - user)));
    let call = protocol.transaction(0, 0, to, &mut cx);
    let mut first = Recording::new(NodeId(0), 6).bodies_of(cx.bodies());
    let mut server = Server { height: 1, ..Server::default() };
    let header = protocol.make_block(&mut server, &mut first).expect("a block").header;
    let bodies = cx.bodies();
    let block = Block::new(header, None, None, (vec![call], Vec::new()), Time::ZERO, &bodies);
    let roots = [(); 2].map(|()| protocol.execute(&block, &bodies).accounts.receipts_root.0);
    roots[0] != roots[1]
}

macro_rules! holes {
    ($($hole:ident $closed:ident $long:ident;)*) => {$(
        #[test]
        fn $closed() {
            let open = (0..24).filter(|seed| $hole(false, *seed)).count();
            assert!(open > 0, "the attack never works");
            let closed = (0..24).filter(|seed| $hole(true, *seed)).count();
            assert_eq!(closed, 0, "{open} of 24 without the switch");
        }

        #[test]
        #[ignore = "minutes: 10,000 attacks"]
        fn $long() {
            let found = (0..10_000).find(|seed| $hole(true, *seed));
            assert_eq!(found, None);
        }
    )*};
}

holes! {
    t1 t1_closes_its_hole ten_thousand_attacks_on_t1;
    t2 t2_closes_its_hole ten_thousand_attacks_on_t2;
    t3 t3_closes_its_hole ten_thousand_attacks_on_t3;
    t4 t4_closes_its_hole ten_thousand_attacks_on_t4;
    t5 t5_closes_its_hole ten_thousand_attacks_on_t5;
    t6 t6_closes_its_hole ten_thousand_attacks_on_t6;
    t7 t7_closes_its_hole ten_thousand_attacks_on_t7;
    t8 t8_closes_its_hole ten_thousand_attacks_on_t8;
}
