//! Liars: fewer than a third, and one more.

use anthill_protocol::behaviour::silent;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared, draw};

use super::*;
use crate::attacks::optimal::WAIT;
use crate::body::{Block, Place, Shown, Vote};
use crate::checks::wait_for_three;
use crate::messages::{StreamletMessage, StreamletMetric};
use crate::node::{MOST_OF_EPOCH, Node};

#[test]
fn closed_forms_of_waits_are_those_of_the_tables() {
    for ((n, f), mean) in [((10.0, 1.0), 3.717), ((10.0, 3.0), 6.385), ((100.0, 33.0), 7.045)] {
        assert!((wait_for_three((n - f) / n).0 - mean).abs() < 5e-4, "{n} {f}");
    }
    assert_eq!(wait_for_three(1.0), (3.0, 0.0));
    // Tosses of a fair coin until three heads in a row.
    let (mean, variance) = wait_for_three(0.5);
    assert!((mean - 14.0).abs() < 1e-9 && (variance - 142.0).abs() < 1e-9, "{mean} {variance}");
}

#[test]
fn mute_leaders_cost_the_epochs_that_theory_says() {
    for (n, f) in [(4, 1), (10, 3), (9, 2)] {
        let settings = [count("epochs", 2_000), UNSIGNED];
        let mut pump = Pump::new(held(Some("mute"), (n, f), 11, &settings), n).seed(11);
        let facts = pump.run(END);
        let checks = pump.protocol().checks(&facts);
        let wait = checks.last().expect("there is one");
        assert!(wait.ok && !wait.expected_violation && checks.len() == 4, "{wait:?}");
        assert!((wait.measured / wait.expected - 1.0).abs() < 0.2, "{wait:?}");
        // Rows of three suffice.
        assert!(
            judged(&mut pump).iter().all(|check| {
                check.ok && !check.expected_violation && check.not_judged.is_none()
            })
        );
    }
}

/// No adversary makes four nodes wait longer than 7.177 epochs in the mean: the optimum, by an exact calculation.
#[test]
fn liars_cost_no_more_epochs_than_the_worst_could() {
    for kind in ["withholder", "random-blocks"] {
        let settings = [count("epochs", 2_000), ECHO];
        let mut pump = Pump::new(held(Some(kind), (4, 1), 11, &settings), 4).seed(11);
        let facts = pump.run(END);
        let checks = pump.protocol().checks(&facts);
        let wait = checks.last().expect("there is one");
        assert!(wait.ok && !wait.expected_violation && checks.len() == 4, "{wait:?}");
        assert!((wait.expected - 7.177).abs() < 1e-3, "{wait:?}");
        assert!((3.5..7.177).contains(&wait.measured), "{kind}: {wait:?}");
        assert!(is_judged_well(&mut pump));
    }
}

/// And one reaches it: the nodes' own waits are those of the best play of the game, which are 7.177 epochs in the mean.
#[test]
fn the_worst_liar_makes_waits_as_long_as_they_can_be() {
    let (mut waits, mut epochs) = (0, 0);
    for seed in 0..4 {
        let settings = [count("epochs", 1_500), ECHO];
        let protocol = held(Some("optimal-withholder"), (4, 1), seed, &settings);
        let mut pump = Pump::new(protocol, 4).seed(seed).delays(Span(1_000), Span(100_000));
        let facts = pump.run(END);
        assert!(is_judged_well(&mut pump), "{seed}");
        let wait = pump.protocol().checks(&facts).pop().expect("there is one");
        assert!(wait.ok && !wait.expected_violation, "{wait:?}");
        waits += facts.totals.of(StreamletMetric::Waits);
        epochs += facts.totals.of(StreamletMetric::WaitEpochs);
    }
    let (mean, n) = (epochs as f64 / waits as f64, waits as f64 / 4.0);
    let (due, variance) = WAIT;
    assert!((mean - due).abs() < 3.5 * (variance / n).sqrt(), "{mean} of {n}, {due} is due");
}

#[test]
fn the_worst_liar_is_known_for_four_nodes_alone() {
    let refused = |nodes: u32, echo: bool| {
        let mut values = Values::of::<Streamlet>();
        let known = Streamlet::ADVERSARIES.iter().find(|kind| kind.name == "optimal-withholder");
        values.set_adversary(known.expect("known"));
        values.set("echo", Value::Flag(echo));
        let mut streamlet = Streamlet::configure(&values).expect("consistent");
        streamlet.fit(nodes, 1).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(7, true).contains("for 4 nodes, not 7"));
    assert!(refused(4, false).contains("echo = true"));
    assert_eq!(refused(4, true), "");
}

/// The generic silence, from some moment on, is within the bound with echo.
#[test]
fn silence_costs_no_safety() {
    for seed in 0..10 {
        let streamlet = held(None, (5, 1), seed, &[count("epochs", 60), ECHO]);
        let mut pump = Pump::new(streamlet, 5).seed(seed).hold(NodeId(4), silent(Time(7 * EPOCH)));
        pump.run(END);
        assert!(is_judged_well(&mut pump), "seed {seed}");
    }
}

/// What two faces achieve among so many nodes: whether a judge of safety has found it.
fn is_split(nodes: u32, faults: u32, more: u64, seed: u64) -> bool {
    let settings = [count("epochs", 60), count("adversary.count", u64::from(faults) + more)];
    let streamlet = held(Some("two-faced"), (nodes, faults), seed, &settings);
    let mut pump = Pump::new(streamlet, nodes).seed(seed);
    pump.run(END);
    let found = pump.findings();
    let broken = found.iter().find(|finding| finding.judge == "one chain");
    assert!(broken.is_none_or(|finding| finding.expected == (more > 0)), "{broken:?}");
    broken.is_some()
}

#[test]
fn two_faces_of_f_split_nothing_and_of_f_plus_one_split_the_chain() {
    for (nodes, faults) in [(4, 1), (7, 2), (10, 3)] {
        assert!((0..10).all(|seed| !is_split(nodes, faults, 0, seed)), "{nodes}");
        assert!((0..10).all(|seed| is_split(nodes, faults, 1, seed)), "{nodes}");
    }
    // Where two thirds are rounded up, more than f + 1 may be needed; f never suffices.
    for (nodes, faults) in [(5, 1), (6, 1), (8, 2), (9, 2)] {
        assert!((0..10).all(|seed| !is_split(nodes, faults, 0, seed)), "{nodes}");
        assert!((0..10).any(|seed| is_split(nodes, faults, 2, seed)), "{nodes}");
    }
}

/// With echo, whatever f do, every row of five honest epochs has a new block.
#[test]
fn liars_delay_no_row_of_five() {
    let mut rows = 0;
    for kind in ["two-faced", "withholder", "random-blocks"] {
        for seed in 0..12 {
            for (nodes, faults) in [(4, 1), (7, 2)] {
                let streamlet =
                    held(Some(kind), (nodes, faults), seed, &[count("epochs", 40), ECHO]);
                let mut pump = Pump::new(streamlet, nodes).seed(seed).delays(MS, MS * 12);
                pump.run(END);
                let checks = judged(&mut pump);
                let is_well = |check: &Check| {
                    check.ok && !check.expected_violation || check.not_judged.is_some()
                };
                assert!(checks[..3].iter().all(|check| check.not_judged.is_none()));
                assert!(checks.iter().all(is_well), "{kind} {seed} {nodes}: {checks:?}");
                rows += usize::from(checks[3].not_judged.is_none());
            }
        }
    }
    assert!(rows > 50, "{rows}");
}

/// A withheld vote makes blocks notarised epochs later.
#[test]
fn withheld_votes_come_late_and_still_count() {
    let streamlet = held(Some("withholder"), (4, 1), 5, &[count("epochs", 200), ECHO]);
    let mut pump = Pump::new(streamlet, 4).seed(5);
    let facts = pump.run(END);
    assert!(facts.totals.of(StreamletMetric::Late) > 100);
    let late = pump.outputs().iter().filter(|said| match said.output {
        Said::Notarised { epoch, .. } => said.at.time.0 > u64::from(epoch) * EPOCH,
        Said::Final { .. } => false,
    });
    assert!(late.count() > 10);
    assert!(is_judged_well(&mut pump));
}

/// A random small run under liars that draw what they do, and delays up to the bound.
fn hunted(run: u64, slack: u32) -> Pump<Streamlet> {
    let draw = |of: u64, bound: u64| draw::below(draw::draw(run, of), bound) as u32;
    let (nodes, faults) = [(4, 1), (4, 1), (5, 1), (6, 1), (7, 2), (7, 2)][draw(0, 6) as usize];
    let kind = ["random-blocks", "random-blocks", "withholder", "two-faced"][draw(1, 4) as usize];
    let settings = [
        count("epochs", 16),
        ("echo", Value::Flag(draw(2, 2) == 0)),
        ("signed", Value::Flag(true)),
    ];
    let mut streamlet = held(Some(kind), (nodes, faults), run, &settings);
    streamlet.slack = slack;
    let mut pump = Pump::new(streamlet, nodes).seed(run).delays(MS, MS * 12);
    pump.run(END);
    pump
}

#[test]
fn a_hunt_finds_nothing_but_a_planted_vote_for_a_shorter_chain() {
    let (mut two_of_height, mut finals) = (0, 0);
    for run in 0..1_000 {
        let pump = hunted(run, 0);
        assert_eq!(pump.findings(), [], "run {run}");
        let blocks = pump.outputs().iter().filter_map(|said| match said.output {
            Said::Notarised { block, height, .. } => Some((height, block)),
            Said::Final { .. } => None,
        });
        let mut blocks: Vec<_> = blocks.collect();
        blocks.sort_unstable();
        blocks.dedup();
        two_of_height += usize::from(blocks.windows(2).any(|pair| pair[0].0 == pair[1].0));
        finals += usize::from(!super::finals(&pump, nodes_of(&pump) - 1).is_empty());
    }
    // It has been where it matters: forks, and blocks that became final all the same.
    assert!(two_of_height > 100 && finals > 800, "{two_of_height} {finals}");
    let found = (0..1_000).find(|run| {
        let found = hunted(*run, 1).findings();
        assert!(found.iter().all(|finding| !finding.expected));
        found.iter().any(|finding| finding.judge.starts_with("one "))
    });
    assert!(found.is_some(), "the planted error was not found");
}

fn nodes_of(pump: &Pump<Streamlet>) -> u32 {
    (0..).find(|node| pump.node(NodeId(*node)).is_none()).expect("a finite number")
}

/// A node in epoch 3 of which it is not the leader, and its context.
fn in_epoch_three(streamlet: &Streamlet, nodes: u32) -> (Node, Recording<Streamlet>) {
    let me = (0..nodes).map(NodeId).find(|node| *node != streamlet.leader(3, nodes));
    let mut cx = Recording::new(me.expect("two nodes"), nodes).at(Time(2 * EPOCH));
    let mut node = Node::default();
    streamlet.enter(&mut node, 3, &mut cx);
    cx.clear();
    (node, cx)
}

/// The context of another node, that knows the same bodies.
fn another(node: NodeId, nodes: u32, like: &Recording<Streamlet>) -> Recording<Streamlet> {
    Recording::new(node, nodes).bodies_of(like.bodies())
}

#[test]
fn numbers_out_of_range_are_survived() {
    let huge = u32::MAX;
    for settings in [&[][..], &[UNSIGNED], &[ECHO]] {
        let streamlet = honest(4, 3, settings);
        let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
        let leader = streamlet.leader(3, 4);
        let parents =
            [Place::default(), Place { epoch: huge, name: 1 }, Place { epoch: 2, name: u64::MAX }];
        for epoch in [0, 1, 3, 4, huge] {
            for height in [0, 1, 2, huge] {
                for parent in parents {
                    let mut by = another(leader, 4, &cx);
                    let block = Block::share(&streamlet, (epoch, height), parent, 7, &mut by);
                    let place = Place { epoch, name: block.id() };
                    let wrong = Vote::share(block, place, &mut by);
                    for from in [NodeId(0), NodeId(3), NodeId(huge)] {
                        for message in [
                            StreamletMessage::Proposal { block },
                            StreamletMessage::Proposal { block: wrong },
                            StreamletMessage::Vote { ballot: block },
                            StreamletMessage::Vote { ballot: wrong },
                        ] {
                            streamlet.on_message(&mut node, from, &message, &mut cx);
                        }
                    }
                }
            }
        }
        // Of each epoch so many and no more.
        assert!(node.entries.len() <= 3 * MOST_OF_EPOCH, "{}", node.entries.len());
        assert_eq!(node.tip.height, node.root.height.max(node.tip.height));
        assert!(cx.outputs().is_empty());
    }
}

#[test]
fn a_node_votes_once_and_only_for_what_the_leader_proposed_first() {
    let streamlet = honest(4, 3, &[]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    let leader = streamlet.leader(3, 4);
    let me = cx.id();
    let propose = |by: NodeId, payload, node: &mut Node, cx: &mut Recording<Streamlet>| {
        let mut by = another(by, 4, cx);
        let block = Block::share(&streamlet, (3, 1), Place::default(), payload, &mut by);
        streamlet.on_message(node, leader, &StreamletMessage::Proposal { block }, cx);
    };
    let other = (0..4).map(NodeId).find(|node| *node != leader && *node != me).expect("four");
    propose(other, 1, &mut node, &mut cx);
    assert!(cx.messages().is_empty(), "not by the leader");
    propose(leader, 1, &mut node, &mut cx);
    assert_eq!((cx.messages().len(), node.entries.len()), (3, 1));
    propose(leader, 2, &mut node, &mut cx);
    assert_eq!((cx.messages().len(), node.entries.len()), (3, 2), "a second block");
    assert_eq!((node.entries[0].count, node.entries[1].count), (1, 0));
}

/// A proposal whose parent is not known to be notarised yet is looked at again when it is.
#[test]
fn a_proposal_waits_for_its_ancestors() {
    let streamlet = honest(4, 3, &[]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    node.epoch = 2;
    let mut of_two = another(streamlet.leader(2, 4), 4, &cx);
    let parent = Block::share(&streamlet, (2, 1), Place::default(), 1, &mut of_two);
    let place = place_of(parent, &cx);
    node.epoch = 3;
    let mut of_three = another(streamlet.leader(3, 4), 4, &cx);
    let block = Block::share(&streamlet, (3, 2), place, 1, &mut of_three);
    streamlet.on_message(
        &mut node,
        streamlet.leader(3, 4),
        &StreamletMessage::Proposal { block },
        &mut cx,
    );
    assert!(cx.messages().is_empty(), "its parent is unknown");
    let me = cx.id();
    for voter in (0..4).map(NodeId).filter(|voter| *voter != me) {
        assert!(!node.has_voted);
        let ballot = Vote::share(parent, place, &mut another(voter, 4, &cx));
        // Who forwards a signed vote does not matter; twice is once.
        for _ in 0..2 {
            streamlet.on_message(&mut node, NodeId(0), &StreamletMessage::Vote { ballot }, &mut cx);
        }
    }
    assert!(node.has_voted);
    assert_eq!(cx.messages().len(), 3);
    assert_eq!(node.tip.height, 1);
}

/// A vote counts once, for whoever signed it, and a block only if the leader of its epoch did, after its parent's.
#[test]
fn what_is_not_signed_by_whom_it_says_is_refused() {
    let streamlet = honest(4, 3, &[]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    let (leader, me) = (streamlet.leader(3, 4), cx.id());
    let others: Vec<NodeId> =
        (0..4).map(NodeId).filter(|node| *node != leader && *node != me).collect();
    let block_by = |by: NodeId, parent: Place, cx: &Recording<Streamlet>| {
        let mut by = another(by, 4, cx);
        let block = Block::share(&streamlet, (3, 1), parent, 7, &mut by);
        (block, place_of(block, &by))
    };
    let ballot_by = |by: NodeId, (block, place): (Shared, Place), cx: &Recording<Streamlet>| {
        StreamletMessage::Vote { ballot: Vote::share(block, place, &mut another(by, 4, cx)) }
    };
    // Blocks by another node, and with a parent of the same epoch.
    let wrong = [
        block_by(others[0], Place::default(), &cx),
        block_by(leader, Place { epoch: 3, name: 1 }, &cx),
    ];
    for wrong in wrong {
        let proposal = StreamletMessage::Proposal { block: wrong.0 };
        streamlet.on_message(&mut node, leader, &proposal, &mut cx);
        let vote = ballot_by(leader, wrong, &cx);
        streamlet.on_message(&mut node, leader, &vote, &mut cx);
        assert_eq!((node.entries.len(), node.candidate), (0, None));
    }
    let right = block_by(leader, Place::default(), &cx);
    // One vote, under another one's name, and for another block.
    let StreamletMessage::Vote { ballot } = ballot_by(others[0], right, &cx) else { return };
    let Shown::Vote(vote) = cx.bodies().get(ballot).clone() else { return };
    let elsewhere = Place { epoch: 3, name: 1 };
    for (forged, counted) in [
        (Vote { voter: others[1], ..vote.clone() }, 0),
        (Vote { voter: NodeId(u32::MAX), ..vote.clone() }, 0),
        (Vote { place: elsewhere, ..vote.clone() }, 0),
        (vote, 1),
    ] {
        let ballot = another(others[0], 4, &cx).share(Shown::Vote(forged));
        streamlet.on_message(&mut node, leader, &StreamletMessage::Vote { ballot }, &mut cx);
        assert_eq!(node.get(right.1).map_or(0, |entry| entry.count), counted);
    }
    assert!(node.get(elsewhere).is_none());
}

/// Without signatures it is the channel that says who votes and who proposes.
#[test]
fn without_signatures_senders_are_whom_channels_say() {
    let streamlet = honest(4, 3, &[UNSIGNED]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    let leader = streamlet.leader(3, 4);
    let block = Block::share(&streamlet, (3, 1), Place::default(), 7, &mut another(leader, 4, &cx));
    let other = (0..4).map(NodeId).find(|node| *node != leader && *node != cx.id()).expect("four");
    let proposal = StreamletMessage::Proposal { block };
    streamlet.on_message(&mut node, other, &proposal, &mut cx);
    assert_eq!(node.candidate, None);
    let vote = StreamletMessage::Vote { ballot: block };
    for (from, counted) in [(other, 1), (other, 1), (leader, 2), (NodeId(u32::MAX), 2)] {
        streamlet.on_message(&mut node, from, &vote, &mut cx);
        assert_eq!(node.entries[0].count, counted);
    }
    streamlet.on_message(&mut node, leader, &proposal, &mut cx);
    assert!(node.has_voted && node.entries[0].count == 3);
    assert_eq!(node.tip.height, 1);
}

/// Of one epoch a node keeps so many blocks.
#[test]
fn a_leader_that_makes_blocks_without_end_fills_eight_places() {
    let streamlet = honest(4, 3, &[]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    let leader = streamlet.leader(3, 4);
    for payload in 0..100 {
        let block = Block::share(
            &streamlet,
            (3, 1),
            Place::default(),
            payload,
            &mut another(leader, 4, &cx),
        );
        streamlet.on_message(&mut node, leader, &StreamletMessage::Proposal { block }, &mut cx);
    }
    assert_eq!(node.entries.len(), MOST_OF_EPOCH);
    assert_eq!(cx.messages().len(), 3, "one vote");
}

/// Votes for a block may come before those for its parent.
#[test]
fn a_chain_grows_by_all_that_waited_for_a_missing_block() {
    let streamlet = honest(4, 3, &[]);
    let (mut node, mut cx) = in_epoch_three(&streamlet, 4);
    let mut parent = Place::default();
    let mut blocks = Vec::new();
    for epoch in 1..=3 {
        let mut by = another(streamlet.leader(epoch, 4), 4, &cx);
        let block = Block::share(&streamlet, (epoch, epoch), parent, 7, &mut by);
        parent = place_of(block, &by);
        blocks.push((block, parent));
    }
    for (block, place) in blocks.iter().rev().copied() {
        assert!(cx.outputs().is_empty());
        for voter in (0..4).map(NodeId).filter(|voter| *voter != cx.id()).collect::<Vec<_>>() {
            let ballot = Vote::share(block, place, &mut another(voter, 4, &cx));
            streamlet.on_message(&mut node, voter, &StreamletMessage::Vote { ballot }, &mut cx);
        }
    }
    let name = |index: usize| blocks[index].1.name;
    let said = cx.outputs();
    assert_eq!(said.len(), 5, "{said:?}");
    // With the genesis block, epochs 0, 1 and 2 make the first final, and 1, 2 and 3 the second.
    assert_eq!(said[2], Said::Final { block: name(0), height: 1, is_middle: true });
    assert_eq!(said[4], Said::Final { block: name(1), height: 2, is_middle: true });
    assert_eq!((node.root.height, node.tip.height, node.entries.len()), (2, 3, 1));
}

fn place_of(block: Shared, cx: &Recording<Streamlet>) -> Place {
    match cx.bodies().get(block) {
        Shown::Block(block) => block.place(),
        Shown::Vote(vote) => vote.place,
    }
}
