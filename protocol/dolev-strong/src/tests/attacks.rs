//! Liars, up to as many as the rounds can bear, and one more.

use anthill_protocol::behaviour::silent;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Context as _, Digest, NodeId, Protocol as _, Shared, Signature, draw};

use super::*;
use crate::chain::{self, Link};
use crate::node::{ChainMessage, DolevStrongMetric, Node};

fn count(name: &'static str, value: u64) -> (&'static str, Value) {
    (name, Value::Count(value))
}

/// What honest nodes decide of instance 0.
fn first_decisions(pump: &Pump<DolevStrong>) -> Vec<Option<u32>> {
    decisions(pump).iter().filter(|(instance, _)| *instance == 0).map(|(_, value)| *value).collect()
}

#[test]
fn an_equivocating_sender_is_found_out_by_all_at_twice_the_price() {
    for (n, f) in [(4, 2), (5, 3), (6, 2), (7, 6), (10, 5)] {
        let protocol = held(Some("equivocating-sender"), n, f, &[count("adversary.count", 1)]);
        let mut pump = Pump::new(protocol, n).seed(7);
        let facts = pump.run(END);
        assert_eq!(first_decisions(&pump), vec![None; n as usize - 1], "{n} {f}");
        let honest = facts.totals.messages - u64::from(n - 1);
        assert_eq!(honest, 2 * u64::from(n - 1) * u64::from(n - 2), "{n} {f}");
        assert!(is_judged_well(&mut pump));
        let checks = pump.protocol().checks(&facts);
        let twice = checks.last().expect("one more");
        assert!(checks.len() == 5 && twice.ok && !twice.expected_violation, "{twice:?}");
    }
}

/// With f = 1 the second value comes in the last round: all have it by then, and nobody passes it on.
#[test]
fn with_one_fault_the_second_value_is_not_passed_on() {
    let protocol = held(Some("equivocating-sender"), 4, 1, &[]);
    let mut pump = Pump::new(protocol, 4).seed(7);
    let facts = pump.run(END);
    assert_eq!(first_decisions(&pump), [None; 3]);
    assert_eq!(facts.totals.messages, 9);
    assert!(is_judged_well(&mut pump));
}

#[test]
fn f_signatures_are_too_few_in_the_last_round_and_enough_in_the_one_before() {
    for (n, f) in [(4, 1), (4, 2), (5, 2), (7, 3), (9, 6), (40, 20)] {
        let mut pump = Pump::new(held(Some("late-chain"), n, f, &[]), n).seed(7);
        let facts = pump.run(END);
        let honest = (n - f) as usize;
        let input = pump.protocol().input(0);
        assert_eq!(first_decisions(&pump), vec![Some(input); honest], "{n} {f}");
        assert_eq!(facts.totals.of(DolevStrongMetric::Refused), 1, "{n} {f}");
        assert!(is_judged_well(&mut pump));

        let earlier = [count("adversary.round", f.into())];
        let mut pump = Pump::new(held(Some("late-chain"), n, f, &earlier), n).seed(7);
        let facts = pump.run(END);
        assert_eq!(first_decisions(&pump), vec![None; honest], "{n} {f}");
        assert_eq!(facts.totals.of(DolevStrongMetric::Refused), 0);
        // The one that got it passed it on, and the others heard it in the last round.
        assert_eq!(facts.totals.of(DolevStrongMetric::Relays), honest as u64 + 1, "{n} {f}");
        assert!(is_judged_well(&mut pump));
    }
}

/// f rounds are too few for f liars: the same chain, in what is now the last round, splits the honest.
#[test]
fn with_one_round_less_the_late_chain_splits() {
    for (n, f) in [(4, 1), (4, 2), (5, 2), (7, 3), (9, 6)] {
        let cut = [count("rounds", f.into())];
        let mut pump = Pump::new(held(Some("late-chain"), n, f, &cut), n).seed(7);
        pump.run(END);
        let decided = first_decisions(&pump);
        let input = pump.protocol().input(0);
        let (last, others) = decided.split_last().expect("some are honest");
        assert_eq!(*last, None, "{n} {f}");
        assert!(others.iter().all(|value| *value == Some(input)), "{n} {f}");
        let found = pump.findings();
        assert_eq!((found[0].judge, found[0].expected), ("agreement", true), "{n} {f}");
    }
}

/// With all but two nodes held, two honest ones still agree; f + 1 liars need f + 2 rounds.
#[test]
fn one_liar_more_than_the_rounds_can_bear_splits() {
    let more = [count("adversary.count", 3)];
    let mut pump = Pump::new(held(Some("late-chain"), 7, 2, &more), 7).seed(7);
    pump.run(END);
    let found = pump.findings();
    assert_eq!((found[0].judge, found[0].expected), ("agreement", true));
}

#[test]
fn signatures_of_another_instance_count_for_nothing() {
    for n in [3, 4, 5] {
        let settings = [count("instances", 3 * u64::from(n))];
        let mut pump = Pump::new(held(Some("replayer"), n, 1, &settings), n).seed(7);
        let facts = pump.run(END);
        assert!(facts.totals.of(DolevStrongMetric::Refused) > 3 * u64::from(n), "{facts:?}");
        assert_eq!(facts.totals.of(DolevStrongMetric::Defaults), 0);
        assert!(is_judged_well(&mut pump));
    }
}

#[test]
fn a_silent_sender_costs_its_own_broadcast_only() {
    let protocol = protocol(5, 2, &[count("instances", 10)]);
    let mut pump = Pump::new(protocol, 5)
        .seed(7)
        .hold(NodeId(1), silent(Time::ZERO))
        .hold(NodeId(2), silent(Time::ZERO));
    pump.run(END);
    for (instance, value) in decisions(&pump) {
        assert_eq!(value.is_none(), [1, 2].contains(&(instance % 5)), "instance {instance}");
    }
    assert!(is_judged_well(&mut pump));
}

/// A random small run under liars that draw what they do, and delays up to the bound.
fn hunted(run: u64, is_lax: bool) -> Pump<DolevStrong> {
    let draw = |of: u64, bound: u64| draw::below(draw::draw(run, of), bound) as u32;
    let nodes = 3 + draw(0, 5);
    let faults = 1 + draw(1, u64::from(nodes) - 1);
    let settings = [count("instances", 1 + u64::from(draw(2, 3)))];
    let mut protocol = held(Some("random-chains"), nodes, faults, &settings);
    protocol.is_lax = is_lax;
    let mut pump = Pump::new(protocol, nodes).seed(run).delays(MS, MS * 12);
    pump.run(END);
    pump
}

#[test]
fn a_hunt_finds_nothing_but_a_planted_round_that_takes_too_few_signatures() {
    let (mut defaults, mut passed_on) = (0, 0);
    for run in 0..1_000 {
        let mut pump = hunted(run, false);
        assert!(is_judged_well(&mut pump), "run {run}: {:?}", pump.findings());
        defaults += usize::from(decisions(&pump).iter().any(|(_, value)| value.is_none()));
        let late = |said: &Said| matches!(said, Said::Extracted { round, .. } if *round > 1);
        passed_on += usize::from(pump.outputs().iter().any(|said| late(&said.output)));
    }
    // It has been where it matters.
    assert!(defaults > 100 && passed_on > 100, "{defaults} {passed_on}");
    let found = (0..1_000).find(|run| {
        hunted(*run, true).findings().iter().any(|finding| {
            assert!(!finding.expected);
            finding.judge == "agreement"
        })
    });
    assert!(found.is_some(), "the planted error was not found");
}

/// The context of a node and a world in which others have signed.
fn signed_by(node: u32, nodes: u32, like: &Recording<DolevStrong>, link: Link) -> Shared {
    let mut cx = Recording::<DolevStrong>::new(NodeId(node), nodes).bodies_of(like.bodies());
    cx.share(link)
}

#[test]
fn numbers_out_of_range_are_survived() {
    let protocol = protocol(4, 2, &[]);
    let huge = u32::MAX;
    let mut cx = Recording::<DolevStrong>::new(NodeId(1), 4);
    let mut node: Node = protocol.start(&mut cx);
    let link = Link {
        instance: 0,
        value: 1,
        length: 1,
        signer: NodeId(0),
        previous: None,
        before: Digest([0; 32]),
        signature: Signature([9; 64]),
        body: None,
        body_len: 0,
    };
    let first = signed_by(0, 4, &cx, link.clone());
    let absurd = [
        Link { signer: NodeId(huge), ..link.clone() },
        Link { length: huge, ..link.clone() },
        Link { length: 0, ..link.clone() },
        Link { instance: huge, value: huge, ..link.clone() },
        Link { length: 2, signer: NodeId(2), previous: Some(first), ..link.clone() },
        Link { length: huge, signer: NodeId(2), previous: Some(first), ..link.clone() },
        link,
    ];
    for link in absurd {
        let chain = signed_by(0, 4, &cx, link);
        protocol.on_message(&mut node, NodeId(2), &ChainMessage::Relay { chain }, &mut cx);
        assert_eq!(node.extracted, [None; 2]);
    }
    assert!(cx.outputs().is_empty());
}

/// Who may sign: the sender first, all of them different, and not the one that is asked to believe it.
#[test]
fn signers_are_different_and_begin_with_the_sender() {
    let mut me = Recording::<DolevStrong>::new(NodeId(4), 5);
    let mut of = |signers: &[u32]| {
        let mut chain = None;
        for signer in signers {
            let mut cx = Recording::<DolevStrong>::new(NodeId(*signer), 5).bodies_of(me.bodies());
            chain = Some(match chain {
                None => chain::begin((0, 1), &mut cx),
                Some(chain) => chain::extend(chain, &mut cx),
            });
        }
        chain::holds(chain.expect("some"), NodeId(0), &mut me)
    };
    assert!(of(&[0]) && of(&[0, 1]) && of(&[0, 3, 1, 2]));
    assert!(!of(&[1]) && !of(&[1, 0]), "the sender is not first");
    assert!(!of(&[0, 1, 1]) && !of(&[0, 1, 0]), "twice");
    assert!(!of(&[0, 4]) && !of(&[0, 4, 1]), "its own");
}

/// A chain of three signatures, first to last.
fn chain_of_three(like: &Recording<DolevStrong>) -> [Shared; 3] {
    let by = |signer| Recording::<DolevStrong>::new(NodeId(signer), 5).bodies_of(like.bodies());
    let first = chain::begin((0, 1), &mut by(0));
    let second = chain::extend(first, &mut by(1));
    [first, second, chain::extend(second, &mut by(2))]
}

/// Each link pins the instance, the value, its place and what came before.
#[test]
fn a_chain_that_is_altered_anywhere_is_refused() {
    use anthill_protocol::Bodies as _;
    let mut me = Recording::<DolevStrong>::new(NodeId(4), 5);
    let [first, second, third] = chain_of_three(&me);
    let holds = |link: Link, me: &mut Recording<DolevStrong>| {
        let altered = signed_by(0, 5, me, link);
        chain::holds(altered, NodeId(0), me)
    };
    let bodies = me.bodies();
    let last = bodies.get(third).clone();
    assert!(holds(last.clone(), &mut me));
    let other = chain::begin(
        (0, 0),
        &mut Recording::<DolevStrong>::new(NodeId(0), 5).bodies_of(me.bodies()),
    );
    for altered in [
        Link { instance: 1, ..last.clone() },
        Link { value: 0, ..last.clone() },
        Link { length: 2, ..last.clone() },
        Link { length: 4, ..last.clone() },
        Link { signer: NodeId(3), ..last.clone() },
        Link { before: Digest([0; 32]), ..last.clone() },
        Link { previous: Some(first), ..last.clone() },
        Link { previous: Some(other), ..last.clone() },
        Link { previous: None, ..last.clone() },
        Link { previous: None, length: 1, ..last.clone() },
        Link { signature: bodies.get(second).signature, ..last.clone() },
    ] {
        assert!(!holds(altered.clone(), &mut me), "{altered:?}");
    }
    // Signed anew over a beginning that is another value's, with its length, or without it.
    let resigned =
        |previous: Shared, before: Digest, length: u32, me: &mut Recording<DolevStrong>| {
            let mut by = Recording::<DolevStrong>::new(NodeId(2), 5).bodies_of(me.bodies());
            let unsigned = Link { previous: Some(previous), before, length, ..last.clone() };
            let signature = by.sign(&unsigned.digest(0));
            holds(Link { signature, ..unsigned }, me)
        };
    let digest = |link| bodies.get(link).digest(0);
    assert!(resigned(second, digest(second), 3, &mut me));
    assert!(!resigned(other, digest(other), 2, &mut me), "of another value");
    assert!(!resigned(second, digest(first), 3, &mut me), "over another link");
    assert!(!resigned(first, digest(first), 3, &mut me), "a link is left out");
    assert!(!resigned(second, digest(second), 9, &mut me), "longer than it is");
}

/// What is extracted in the last round is not kept: nobody is told of it any more.
#[test]
fn chains_are_kept_while_they_are_to_be_passed_on() {
    let protocol = protocol(5, 2, &[]);
    let mut me = Recording::<DolevStrong>::new(NodeId(4), 5);
    let mut node = protocol.start(&mut me);
    let [_, _, third] = chain_of_three(&me);
    let relay = ChainMessage::Relay { chain: third };
    let mut last = node.clone();
    protocol.on_message(&mut node, NodeId(2), &relay, &mut me);
    assert_eq!((node.extracted[0], me.retained()), (Some(1), 1));
    protocol.restart(&mut node, false, &mut me);
    assert_eq!((node.extracted[0], me.retained()), (None, 0));
    last.round = 3;
    protocol.on_message(&mut last, NodeId(2), &relay, &mut me);
    assert_eq!((last.extracted[0], me.retained()), (Some(1), 0));
}
