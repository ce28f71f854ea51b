//! Whole networks, on the pump.

mod costs;

use anthill_protocol::behaviour::{delayed, replaying, silent, withholding};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::{Pump, Recording};
use anthill_protocol::{
    Bodies, Cell, Check, Configure, Context, Message, Metric, NodeId, Protocol, Reach, RunFacts,
    Span, Time, laws,
};

use crate::Nakamoto;
use crate::block::{Block, Header};
use crate::message::{Carried, NakamotoMessage, Name, Padded};
use crate::metric::NakamotoMetric as M;
use crate::node::Node;
use crate::output::NakamotoOutput;
use crate::transaction::Transaction;

/// A protocol for so many nodes, with some values set; `kind=…` turns an adversary on.
pub(crate) fn nakamoto(nodes: u32, kind: Option<&str>, set: &[(&str, Value)]) -> Nakamoto {
    let mut values = Values::of::<Nakamoto>();
    if let Some(kind) = kind {
        let kind = Nakamoto::ADVERSARIES.iter().find(|one| one.name == kind).expect("known");
        values.set_adversary(kind);
    }
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut protocol = Nakamoto::configure(&values).expect("consistent");
    protocol.fit(nodes, 1).expect("enough nodes");
    protocol
}

pub(crate) fn days(days: u64) -> Time {
    Time::ZERO + Span::from_secs(86_400 * days)
}

/// The checks of a run, by the beginnings of their names.
pub(crate) fn checked(protocol: &Nakamoto, facts: &RunFacts, name: &str) -> Check {
    let checks = protocol.checks(facts);
    checks.into_iter().find(|check| check.name.starts_with(name)).expect("made")
}

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Nakamoto>();
    assert_eq!(Nakamoto::NAME, "nakamoto");
}

#[test]
fn all_nodes_have_the_same_chain_in_the_end() {
    for relay in ["inv", "compact", "direct"] {
        let set = [("relay", Value::Choice(relay)), ("miners", Value::Count(5))];
        let mut pump = Pump::new(nakamoto(20, None, &set), 20).seed(3);
        let facts = pump.run(days(30));
        assert!(facts.quiescent);
        assert_eq!(facts.totals.of(M::ChainBlocks), 100, "{relay}");
        let tips: Vec<u64> =
            (0..20).map(|id| pump.node(NodeId(id)).expect("up").tip.id()).collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]), "{relay}");
        let growth = M::ALL[M::ChainGrowth as usize];
        let figure = growth.figure(100_000_000, &facts.totals.values, 20.0).expect("a ratio");
        assert!((1.0 / 900.0..1.0 / 400.0).contains(&figure), "{figure} blocks a second");
        let mined = facts.totals.of(M::Mined);
        assert_eq!(mined, 100 + facts.totals.of(M::StaleRate));
        assert_eq!(pump.findings(), []);
        assert_eq!(pump.leaks(), [""; 0]);
        let checks = pump.judged();
        assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
    }
}

/// The figures of theory for equal delays, which a pump does not tell.
fn with_equal_delays(facts: &mut RunFacts, delay: Span) {
    facts.answers.round_trips = vec![delay * 2; 3].into();
}

#[test]
fn stale_blocks_and_growth_are_those_of_a_fixed_delay() {
    for (delay_ms, relay, hops) in [(200, "direct", 1), (1_000, "direct", 1), (50, "inv", 3)] {
        let set = [
            ("interval", Value::Span(Span::from_secs(1))),
            ("miners", Value::Count(50)),
            ("blocks", Value::Count(500)),
            ("relay", Value::Choice(relay)),
        ];
        let protocol = nakamoto(50, None, &set);
        let delay = Span::from_millis(delay_ms);
        let mut pump = Pump::new(protocol.clone(), 50).seed(11).delay(delay);
        let mut facts = pump.run(days(1));
        with_equal_delays(&mut facts, delay);
        let found = hops as f64 * delay_ms as f64 / 1_000.0;
        let (load, lead) = (found * 49.0 / 50.0, crate::theory::lead(found, 50));
        let stale = checked(&protocol, &facts, "stale_rate");
        assert!(!stale.expected_violation && stale.ok, "{stale:?}");
        let expected = crate::theory::growth(load, lead);
        assert!((stale.expected - (1.0 - expected)).abs() < 0.002, "{load}: {stale:?}");
        assert!((stale.interval.0..stale.interval.1).contains(&stale.measured), "{stale:?}");
        let growth = checked(&protocol, &facts, "chain_growth");
        assert!(!growth.expected_violation && growth.ok, "{growth:?}");
        assert!((growth.expected - expected).abs() < 0.002, "{load}: {growth:?}");
        let breaches: Vec<_> = pump.findings().into_iter().filter(|one| !one.expected).collect();
        assert_eq!(breaches, []);
    }
}

/// Neighbours at distances 1, 2, 4 and 8 on a ring, both ways.
fn circulant(nodes: u32) -> Vec<Vec<NodeId>> {
    let at = |node: u32| [1, 2, 4, 8].map(|step| [node + step, node + nodes - step]).concat();
    (0..nodes).map(|node| at(node).iter().map(|peer| NodeId(peer % nodes)).collect()).collect()
}

#[test]
fn over_a_sparse_graph_every_node_is_sent_each_block_once() {
    let kind = |facts: &RunFacts, name| {
        let place = NakamotoMessage::KINDS.iter().position(|kind| *kind == name).expect("a kind");
        facts.totals.messages_by_kind[place]
    };
    let (nodes, blocks) = (300, 10);
    for (relay, whole) in [("inv", true), ("compact", false), ("direct", true)] {
        let set = [
            ("relay", Value::Choice(relay)),
            ("blocks", Value::Count(blocks)),
            ("compact_failure", Value::Share(0.25)),
        ];
        let protocol = nakamoto(nodes, None, &set);
        let mut pump = Pump::new(protocol.clone(), nodes).seed(1).topology(circulant(nodes));
        let mut facts = pump.run(days(300));
        assert_eq!((facts.totals.of(M::Mined), facts.totals.of(M::StaleRate)), (blocks, 0));
        // Everybody tells all neighbours but the one it has it from.
        let told = blocks * u64::from(nodes * 8 - (nodes - 1));
        let copies = blocks * u64::from(nodes - 1);
        let (inv, asked) = (kind(&facts, "inv"), kind(&facts, "get-data"));
        let (sent, compact) = (kind(&facts, "block"), kind(&facts, "compact"));
        let missing = kind(&facts, "missing");
        match relay {
            "inv" => assert_eq!((inv, asked, sent, compact), (told, copies, copies, 0)),
            "compact" => {
                assert_eq!((inv, asked, sent, compact), (0, 0, 0, told));
                assert_eq!(missing, facts.totals.of(M::CompactFailures));
                let share = missing as f64 / copies as f64;
                assert!((share - 0.25).abs() < 0.04, "{share}");
            }
            _ => assert_eq!((inv, asked, sent, compact), (0, 0, told, 0)),
        }
        assert_eq!(facts.totals.of(M::Duplicates) > 0, relay == "direct");
        facts.answers.reach = Some(Reach { nodes: 300, edges: 2_400, back: (299, 299) });
        let check = protocol.checks(&facts).into_iter().find(|one| one.name.starts_with("blocks"));
        assert_eq!(check.map(|check| check.ok), (relay == "inv").then_some(whole));
        assert_eq!(pump.findings(), []);
    }
}

#[test]
fn the_table_shows_a_node() {
    let protocol = nakamoto(3, None, &[("miners", Value::Count(1)), ("blocks", Value::Count(2))]);
    let mut pump = Pump::new(protocol, 3).seed(1);
    pump.run(days(1));
    let row = |id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up"));
    let (yes, no) = (Cell::Word("yes"), Cell::Word("no"));
    assert_eq!(row(0), [Cell::Count(2), yes, Cell::Count(0)]);
    assert_eq!(row(2), [Cell::Count(2), no, Cell::Count(0)]);
    assert_eq!(Nakamoto::COLUMNS.len(), 3);
}

#[test]
fn an_attack_needs_nodes_and_a_run_of_it_its_own_end() {
    let with = |nodes, kind, set: &[(&str, Value)]| nakamoto(nodes, Some(kind), set).most_blocks();
    assert_eq!(with(2, "selfish-mining", &[]), 1_000_000);
    assert_eq!(with(2, "double-spend", &[]), u32::MAX);
    assert_eq!(with(3, "eclipse", &[]), u32::MAX);
    assert_eq!(with(2, "withheld-blocks", &[]), 100);
    assert_eq!(with(2, "selfish-mining", &[("blocks", Value::Count(7))]), 7);
    let mut protocol = nakamoto(3, Some("eclipse"), &[]);
    let refused = protocol.fit(2, 1).expect_err("too few").to_string();
    assert_eq!(refused, "adversary.kind: 2 nodes are too few for this attack; give 3 or more");
    let mut six = nakamoto(9, Some("double-spend"), &[]);
    assert_eq!((six.confirmations(), six.honest_miners()), (6, 8));
    assert!((0..9).map(|id| six.share_of(NodeId(id))).sum::<f64>() - 1.0 < 1e-12);
    assert_eq!(six.schedule().period, 0);
    six.attack.as_mut().expect("an attack").retargets = true;
    assert_eq!(six.schedule().period, 2_016);
}

#[test]
fn a_check_that_does_not_hold_fails() {
    let set = [("blocks", Value::Count(200)), ("relay", Value::Choice("direct"))];
    let facts = Pump::new(nakamoto(4, None, &set), 4).seed(1).run(days(30));
    let twice = nakamoto(4, None, &[("hash_rate", Value::Number(2.0))]);
    assert!(checked(&nakamoto(4, None, &set), &facts, "chain_growth").ok);
    assert!(!checked(&twice, &facts, "chain_growth").ok, "half as fast as it should be");
    let mut more = facts.clone();
    more.totals.values[M::StaleRate as usize] += 100;
    assert!(!checked(&nakamoto(4, None, &set), &more, "stale_rate").ok);
}

#[test]
fn the_difficulty_follows_the_hash_rate() {
    let set = [
        ("hash_rate", Value::Number(3.0)),
        ("retarget", Value::Count(50)),
        ("blocks", Value::Count(1_000)),
    ];
    let mut pump = Pump::new(nakamoto(4, None, &set), 4).seed(5);
    let facts = pump.run(days(60));
    assert_eq!(facts.totals.of(M::ChainBlocks), 1_000);
    assert!(facts.totals.of(M::Retargets) >= 15, "{facts:?}");
    // One period at a third of the interval, then at the interval: 1,000 blocks in about 967.
    let intervals = facts.totals.of(M::LastTip) as f64 / 600e6;
    assert!((850.0..1_100.0).contains(&intervals), "{intervals}");
    assert_eq!(pump.findings(), []);
    let constant = nakamoto(4, None, &[set[0], set[2], ("retarget", Value::Count(0))]);
    let facts = Pump::new(constant, 4).seed(5).run(days(60));
    let intervals = facts.totals.of(M::LastTip) as f64 / 600e6;
    assert!((300.0..370.0).contains(&intervals), "{intervals}");
}

#[test]
fn headers_are_hashed_if_asked_for() {
    let set = [("hash_bits", Value::Count(8)), ("blocks", Value::Count(30))];
    let mut pump = Pump::new(nakamoto(4, None, &set), 4).seed(2);
    let facts = pump.run(days(30));
    assert_eq!((facts.totals.of(M::ChainBlocks), facts.totals.of(M::Refused)), (30, 0));
    let bodies = pump.bodies().clone();
    let mut block = bodies.get(pump.node(NodeId(0)).expect("up").tip);
    while let Some(parent) = block.parent {
        assert_eq!(block.header.digest(parent, 2).0[0], 0);
        block = bodies.get(parent);
    }
}

#[test]
fn transactions_are_confirmed_six_deep() {
    let set = [
        ("workload.rate", Value::Number(0.01)),
        ("blocks", Value::Count(60)),
        ("relay", Value::Choice("compact")),
        ("compact_failure", Value::Share(0.2)),
    ];
    let protocol = nakamoto(8, None, &set);
    let mut pump = Pump::new(protocol, 8).seed(4);
    let facts = pump.run(days(30));
    let of = |metric| facts.totals.of(metric);
    // 60 blocks in 36,000 s, one transaction in 100 s.
    assert!((200..550).contains(&of(M::Transactions)), "{facts:?}");
    assert!(of(M::Inclusion) > of(M::Transactions) - 30);
    assert!(of(M::Confirmation) < of(M::Inclusion) && of(M::Confirmation) > 150, "{facts:?}");
    assert!(of(M::CompactFailures) > 20, "{facts:?}");
    assert_eq!(pump.findings(), []);
    // Every node confirms each payment once.
    let mut said: Vec<_> = pump
        .outputs()
        .iter()
        .filter_map(|said| match said.output {
            NakamotoOutput::Confirmed { transaction, .. } => Some((said.node, transaction)),
            _ => None,
        })
        .collect();
    let all = said.len() as u64;
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len() as u64, all);
    assert_eq!(all, 8 * of(M::Confirmation), "and so do all others");
}

#[test]
fn lost_messages_are_asked_for_again() {
    for relay in ["inv", "compact", "direct"] {
        for seed in 0..5 {
            let set = [("relay", Value::Choice(relay)), ("blocks", Value::Count(40))];
            let mut pump = Pump::new(nakamoto(8, None, &set), 8).seed(seed).loss(0.2);
            pump.run(days(30));
            let heights: Vec<u32> = (0..8)
                .map(|id| pump.bodies().get(pump.node(NodeId(id)).expect("up").tip).header.height)
                .collect();
            // The last block may be lost to some.
            assert!(heights.iter().all(|height| *height >= 38), "{relay} {heights:?}");
            assert!(pump.findings().iter().all(|one| one.expected), "{:?}", pump.findings());
        }
    }
}

/// Two groups of five, and node 10 between them, which is down for a while.
#[test]
fn a_partition_heals_and_the_heavier_side_wins() {
    let lists = (0..11u32).map(|id| {
        let all = (0..11).filter(|other| *other != id);
        let is_near = |other: &u32| id == 10 || *other == 10 || id / 5 == other / 5;
        all.filter(is_near).map(NodeId).collect()
    });
    let set = [("miners", Value::Count(7)), ("blocks", Value::Count(200))];
    let mut pump = Pump::new(nakamoto(11, None, &set), 11).seed(9).topology(lists.collect());
    pump.run(days(0) + Span::from_secs(3_600));
    let bridge = pump.crash(NodeId(10)).expect("up");
    pump.run(days(0) + Span::from_secs(50_000));
    let tip = |pump: &Pump<Nakamoto>, id| {
        pump.bodies().get(pump.node(NodeId(id)).expect("up").tip).header
    };
    let (left, right) = (tip(&pump, 0), tip(&pump, 9));
    assert!(left.height > right.height + 10 && right.height > 10, "{left:?} {right:?}");
    pump.restart(NodeId(10), bridge, true);
    pump.run(days(0) + Span::from_secs(50_060));
    for id in 0..11 {
        assert!(tip(&pump, id).work >= left.work, "node {id}: {:?}", tip(&pump, id));
    }
    let facts = pump.run(days(30));
    assert!(facts.totals.of(M::DeepestReorg) >= 10, "{facts:?}");
    let found: Vec<_> = pump.findings().iter().map(|one| one.judge).collect();
    assert_eq!(found, ["common prefix"], "a deep reorganisation, and nothing else");
}

#[test]
fn whoever_comes_back_without_state_catches_up() {
    let set = [("blocks", Value::Count(300))];
    let mut pump = Pump::new(nakamoto(6, None, &set), 6).seed(3);
    pump.run(days(1));
    for (id, keep) in [(2, false), (3, true)] {
        let old = pump.crash(NodeId(id)).expect("up");
        pump.run(days(1) + Span::from_secs(7_200 * u64::from(id)));
        pump.restart(NodeId(id), old, keep);
    }
    let now = days(1) + Span::from_secs(7_200 * 3 + 30);
    pump.run(now);
    let height = |id| pump.bodies().get(pump.node(NodeId(id)).expect("up").tip).header.height;
    let heights: Vec<u32> = (0..6).map(height).collect();
    assert!(heights.iter().all(|height| *height + 1 >= heights[0] && *height > 100), "{heights:?}");
    let facts = pump.run(days(30));
    assert!(facts.quiescent && facts.totals.of(M::ChainBlocks) == 300);
    assert_eq!(pump.findings(), []);
}

/// Seeds, delays, losses and adversaries at random; what the judges find within their bounds.
fn hunt(runs: u64, is_planted: bool) -> Option<(u64, String)> {
    (0..runs).find_map(|seed| {
        let nodes = 2 + (seed % 6) as u32;
        let interval = Span::from_secs(1 + seed % 7);
        let relay = ["inv", "compact", "direct"][(seed % 3) as usize];
        let set = [
            ("interval", Value::Span(interval)),
            ("blocks", Value::Count(30)),
            ("relay", Value::Choice(relay)),
            ("retarget", Value::Count(seed % 4 * 8)),
            ("retry", Value::Span(Span::from_secs(1))),
        ];
        let mut protocol = nakamoto(nodes, None, &set);
        protocol.planted = is_planted;
        let delay = Span::from_millis(10 + seed * 37 % 500);
        let mut pump = Pump::new(protocol, nodes).seed(seed).delay(delay);
        if seed % 5 == 0 {
            pump = pump.loss(0.1);
        }
        let held = NodeId(nodes - 1);
        pump = match seed % 7 {
            0 => pump.hold(held, silent(Time(10_000_000_000))),
            1 => pump.hold(held, delayed(Span::from_secs(3))),
            2 => pump.hold(held, withholding(Time(5_000_000_000), Time(30_000_000_000))),
            3 => pump.hold(held, replaying(|_| true)),
            _ => pump,
        };
        pump.run(days(1));
        let found = pump.findings().into_iter().find(|finding| !finding.expected)?;
        Some((seed, format!("{}: {}", found.judge, found.about)))
    })
}

#[test]
fn the_planted_error_is_found_and_nothing_without_it() {
    let (runs, about) = hunt(1_000, true).expect("it is found");
    assert!(runs < 100 && about.starts_with("first seen"), "{runs}: {about}");
    assert_eq!(hunt(200, false), None);
}

/// Whatever a message says, no handler panics, and what a node keeps is bounded.
#[test]
fn absurd_messages_are_survived() {
    let protocol = nakamoto(4, None, &[("workload.rate", Value::Number(0.1))]);
    let mut cx = Recording::<Nakamoto>::new(NodeId(1), 4).seed(1);
    let mut node = protocol.start(&mut cx);
    let genesis = cx.intern(Block::genesis());
    let header = cx.bodies().get(genesis).header;
    let absurd = [0, 1, u64::MAX];
    for height in [0, 1, 5_000, u32::MAX] {
        for (work, time) in absurd.into_iter().flat_map(|a| absurd.map(|b| (a, Time(b)))) {
            let payment =
                Transaction { payer: NodeId(u32::MAX), number: height, is_twin: false, made: time };
            let header = Header { height, work, time, latest: time, miner: NodeId(9), ..header };
            let transactions: Box<[_]> = [payment].into();
            let rootless = Block { parent: None, header, transactions: transactions.clone() };
            let rootless = cx.share(rootless);
            for parent in [genesis, rootless] {
                let block =
                    Block { parent: Some(parent), header, transactions: transactions.clone() };
                let block = cx.share(block);
                let (name, whole) = (Name(block), Carried::new(block, u32::MAX));
                for message in [
                    NakamotoMessage::Inv { block: name },
                    NakamotoMessage::GetData { block: name },
                    NakamotoMessage::GetMissing { block: name },
                    NakamotoMessage::Compact { block: whole },
                    NakamotoMessage::Missing { block: whole },
                    NakamotoMessage::Block { block: whole },
                    NakamotoMessage::Block { block: Carried::new(rootless, 0) },
                    NakamotoMessage::GetTip,
                    NakamotoMessage::TxInv { transaction: payment },
                    NakamotoMessage::GetTx { transaction: payment },
                    NakamotoMessage::Tx { transaction: Padded(payment) },
                    NakamotoMessage::Shipped { transaction: payment },
                ] {
                    protocol.on_message(&mut node, NodeId(2), &message, &mut cx);
                }
            }
        }
    }
    assert_eq!(node.tip, genesis, "none of them is valid");
    assert!(node.requests.len() <= 64, "{}", node.requests.len());
    for id in 0..3_000 {
        let header =
            Header { nonce: id, ..header.child(protocol.schedule(), NodeId(9), Time(1), Time(1)) };
        let parent = Block { parent: Some(genesis), header, transactions: Box::default() };
        let header = parent.header.child(protocol.schedule(), NodeId(9), Time(2), Time(2));
        let parent = cx.share(parent);
        let block = Block { parent: Some(parent), header, transactions: Box::default() };
        let block = Carried::new(cx.share(block), 100);
        protocol.on_message(&mut node, NodeId(2), &NakamotoMessage::Block { block }, &mut cx);
    }
    assert_eq!((node.orphans.len(), node.requests.len()), (1_024, 64));
    let kept = 1_024 + 64 + 8 + 1;
    assert_eq!(cx.retained(), kept, "it holds what it names, once each");
    laws::state(&node);
    protocol.restart(&mut node, false, &mut cx);
    assert_eq!(cx.retained(), 9, "a new life begins with the genesis alone");
}

#[test]
fn a_node_is_small() {
    assert!(size_of::<Node>() <= 320, "{}", size_of::<Node>());
}
