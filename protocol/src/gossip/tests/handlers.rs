//! A row per message, timer and restart, in every mode and whatever the node knows: exactly what it
//! does.

use super::*;
use crate::gossip::rumour::Held;
use crate::{Protocol, Shared, Signature, Snapshot};

/// Seven and a half rounds after the start.
const NOW: Time = Time(7_500_000_000);
const PEERS: [NodeId; 3] = [NodeId(5), NodeId(6), NodeId(7)];

fn world() -> Recording<Gossip> {
    Recording::new(NodeId(0), 100).peers(&PEERS).at(NOW)
}

fn done<R: Rumour>(cx: &Recording<Spread<R>>) -> Vec<String> {
    cx.effects().iter().map(|effect| format!("{effect:?}")).collect()
}

fn node(knowledge: Knowledge) -> GossipNode {
    let requests = u8::from(knowledge == Knowledge::Wanting);
    let counted = knowledge == Knowledge::Informed;
    GossipNode { knowledge, counted, requests, ..GossipNode::default() }
}

type Settings<'a> = &'a [(&'static str, Value)];

/// With a far origin.
fn far(settings: &[(&'static str, Value)]) -> Gossip {
    gossip(&[settings, &[("origin", Value::Count(99))]].concat())
}

use GossipMessage::{Data, GetData, Inv};
use Knowledge::{Informed, Unaware, Wanting};

const PUSH: (&str, Value) = ("mode", Value::Choice("push"));
const PULL: (&str, Value) = ("mode", Value::Choice("push-pull"));
const FLOOD: (&str, Value) = ("mode", Value::Choice("flood"));
const INV: (&str, Value) = ("mode", Value::Choice("inv"));
const ROUNDS: (&str, Value) = ("rounds", Value::Flag(true));
const LEARNT: [&str; 2] = ["coverage += 1", "coverage += 7500000000"];

#[test]
fn each_message_has_its_effect() {
    let learnt = |more: &[&'static str]| [&LEARNT[..], more].concat();
    let to_all = [
        "sends += 3",
        "Data to n5 over slot 0",
        "Data to n6 over slot 1",
        "Data to n7 over slot 2",
    ];
    let flooded = ["Data to n5 over slot 0", "Data to n7 over slot 2", "sends += 2"];
    let announced = ["Inv to n5 over slot 0", "Inv to n7 over slot 2"];
    let in_round = ["rounds_to_all += 7"];
    let next = ["rounds_to_all += 7", "Wake at 8s"];
    let answer = ["sends += 1", "Data to n6 over slot 1"];
    type Row<'a> = (Settings<'a>, Knowledge, GossipMessage, Vec<&'a str>, Knowledge);
    let rows: Vec<Row> = vec![
        (&[PUSH], Unaware, Data, learnt(&to_all), Informed),
        (&[FLOOD], Unaware, Data, learnt(&flooded), Informed),
        (&[INV], Unaware, Data, learnt(&announced), Informed),
        (&[INV], Wanting, Data, learnt(&announced), Informed),
        (&[PULL], Unaware, Data, learnt(&[]), Informed),
        (&[PUSH, ROUNDS], Unaware, Data, learnt(&next), Informed),
        (&[PULL, ROUNDS], Unaware, Data, learnt(&in_round), Informed),
        (&[PUSH], Informed, Data, vec!["duplicates += 1"], Informed),
        (&[PULL], Informed, Data, vec!["duplicates += 1"], Informed),
        (&[FLOOD], Informed, Data, vec!["duplicates += 1"], Informed),
        (&[INV], Informed, Data, vec!["duplicates += 1"], Informed),
        (&[INV], Unaware, Inv, vec!["GetData to n6 over slot 1", "Wake at 9.5s"], Wanting),
        (&[INV], Wanting, Inv, vec![], Wanting),
        (&[INV], Informed, Inv, vec![], Informed),
        (&[INV], Unaware, GetData, vec![], Unaware),
        (&[INV], Wanting, GetData, vec![], Wanting),
        (&[INV], Informed, GetData, answer.to_vec(), Informed),
        (&[PULL], Unaware, GetData, vec![], Unaware),
        (&[PULL], Informed, GetData, answer.to_vec(), Informed),
    ];
    for (settings, before, message, expected, after) in rows {
        let (protocol, mut cx, mut node) = (far(settings), world(), node(before));
        protocol.on_message(&mut node, NodeId(6), &message, &mut cx);
        assert_eq!(done(&cx), expected, "{settings:?} {before:?} {message:?}");
        assert_eq!(node.knowledge, after, "{settings:?} {before:?} {message:?}");
        assert_eq!(node.counted, after == Informed);
    }
    // Who is no neighbour is answered by its address.
    let (protocol, mut cx, mut node) = (far(&[INV]), world(), node(Informed));
    protocol.on_message(&mut node, NodeId(50), &GetData, &mut cx);
    assert_eq!(done(&cx), ["sends += 1", "Data to n50"]);
    // Nor are the slots of a hub searched.
    for (degree, expected) in [(256, "Data to n6 over slot 5"), (257, "Data to n6")] {
        let peers: Vec<NodeId> = (1..=degree).map(NodeId).collect();
        let mut cx = Recording::new(NodeId(0), 1_000).peers(&peers);
        protocol.on_message(&mut node, NodeId(6), &GetData, &mut cx);
        assert_eq!(done(&cx)[1], expected);
    }
}

#[test]
fn an_announcer_is_kept_for_later() {
    let protocol = far(&[INV]);
    let (mut cx, mut node) = (world(), node(Unaware));
    for (from, backup) in [(6, 0), (7, 3), (5, 3)] {
        protocol.on_message(&mut node, NodeId(from), &Inv, &mut cx);
        assert_eq!((node.requests, node.backup), (1, backup));
    }
    protocol.on_timer(&mut node, Wake, &mut cx);
    assert_eq!((node.requests, node.backup), (2, 0));
    protocol.on_message(&mut node, NodeId(50), &Inv, &mut cx);
    assert_eq!(node.backup, 0, "it is no neighbour");
    protocol.on_message(&mut node, NodeId(5), &Inv, &mut cx);
    assert_eq!(node.backup, 1);
    cx.clear();
    protocol.on_timer(&mut node, Wake, &mut cx);
    assert_eq!(done(&cx), ["GetData to n5 over slot 0", "Wake at 9.5s"]);
    // A slot beyond what a byte holds is not kept.
    let peers: Vec<NodeId> = (1..=256).map(NodeId).collect();
    let mut cx = Recording::new(NodeId(0), 1_000).peers(&peers);
    for (slot, backup) in [(254, 255), (255, 0)] {
        node.backup = 0;
        protocol.on_message(&mut node, peers[slot], &Inv, &mut cx);
        assert_eq!(node.backup, backup, "slot {slot}");
    }
}

#[test]
fn an_unanswered_request_is_repeated_until_the_node_gives_up() {
    let protocol = far(&[INV]);
    for (knowledge, requests, sends, after) in [
        (Unaware, 0, 0, Unaware),
        (Informed, 3, 0, Informed),
        (Wanting, 1, 1, Wanting),
        (Wanting, inv::MAX_REQUESTS - 1, 1, Wanting),
        (Wanting, inv::MAX_REQUESTS, 0, Unaware),
    ] {
        let (mut cx, mut node) = (world(), GossipNode { requests, ..node(knowledge) });
        protocol.on_timer(&mut node, Wake, &mut cx);
        assert_eq!((cx.receivers().len(), cx.timers().len()), (sends, sends));
        assert_eq!((node.knowledge, node.requests), (after, requests + sends as u8));
    }
    let (mut alone, mut node) = (world().peers(&[]), node(Wanting));
    protocol.on_timer(&mut node, Wake, &mut alone);
    assert_eq!((done(&alone), node.knowledge), (vec![], Unaware));
    // Without another announcer anybody is asked.
    let mut asked = [0; 3];
    for seed in 0..300 {
        let (mut cx, mut node) = (world().seed(seed), GossipNode { knowledge: Wanting, ..node });
        protocol.on_timer(&mut node, Wake, &mut cx);
        asked[cx.receivers()[0].index() - 5] += 1;
    }
    assert!(asked.iter().all(|count| (60..140).contains(count)), "{asked:?}");
}

#[test]
fn a_round_is_one_exchange_and_the_next_begins_in_time() {
    let second = |tenths: u64| Time(tenths * 100_000_000);
    // A clock may be late, or a little early for the round that it means.
    for (now, next) in [(70, 80), (74, 80), (75, 80), (76, 90), (79, 90), (80, 90)] {
        for name in ["push", "push-pull"] {
            let protocol = far(&[mode(name), ROUNDS]);
            let (mut cx, mut informed) = (world().at(second(now)), node(Informed));
            protocol.on_timer(&mut informed, Wake, &mut cx);
            assert_eq!(cx.timers(), [second(next)], "{now}");
            assert_eq!(cx.messages(), [Data]);
        }
    }
    let protocol = far(&[PULL]);
    for (knowledge, message, sends) in [(Informed, Data, 1), (Unaware, GetData, 0)] {
        let (mut cx, mut node) = (world(), node(knowledge));
        protocol.on_timer(&mut node, Wake, &mut cx);
        assert_eq!((cx.timers(), cx.messages()), (vec![second(85)], vec![message]));
        let counted = done(&cx).iter().filter(|effect| *effect == "sends += 1").count();
        assert_eq!(counted, sends);
        let mut alone = world().peers(&[]);
        protocol.on_timer(&mut node, Wake, &mut alone);
        assert_eq!(done(&alone), ["Wake at 8.5s"]);
    }
    let mut met = [0; 3];
    for seed in 0..300 {
        let (mut cx, mut node) = (world().seed(seed), node(Informed));
        protocol.on_timer(&mut node, Wake, &mut cx);
        met[cx.receivers()[0].index() - 5] += 1;
    }
    assert!(met.iter().all(|count| (60..140).contains(count)), "{met:?}");
}

/// What a node does at the start, and when it comes up again with its state and without.
#[test]
fn nodes_begin_and_come_back() {
    let at = |cx: &Recording<Gossip>| cx.timers();
    for (settings, wakes) in [
        (&[PUSH][..], false),
        (&[PUSH, ROUNDS], false),
        (&[PULL], true),
        (&[PULL, ROUNDS], true),
        (&[FLOOD], false),
        (&[INV], false),
    ] {
        let (protocol, mut cx) = (far(settings), world());
        let started = protocol.start(&mut cx);
        assert_eq!((started.knowledge, cx.timers().len()), (Unaware, usize::from(wakes)));
        assert!(cx.messages().is_empty());
    }
    // Phases are spread over a round; in lock-step all begin together.
    let protocol = far(&[PULL]);
    let phases: Vec<Time> = (0..100)
        .map(|seed| {
            let mut cx = world().seed(seed);
            protocol.start(&mut cx);
            at(&cx)[0]
        })
        .collect();
    let round = Span::from_secs(1);
    assert!(phases.iter().all(|phase| (NOW..NOW + round).contains(phase)));
    assert!(phases.iter().filter(|phase| **phase < NOW + Span(round.0 / 2)).count() < 70);
    let last = |protocol: &Gossip| {
        let mut cx = world();
        protocol.start(&mut cx);
        at(&cx)
    };
    assert_eq!(last(&far(&[PULL, ROUNDS])), [Time(8_000_000_000)]);

    let eight = vec!["Wake at 8s"];
    type Row<'a> = (Settings<'a>, Knowledge, bool, Vec<&'a str>, Knowledge);
    let rows: Vec<Row> = vec![
        (&[PUSH], Informed, true, vec![], Informed),
        (&[PUSH], Informed, false, vec![], Unaware),
        (&[PUSH, ROUNDS], Informed, true, eight.clone(), Informed),
        (&[PUSH, ROUNDS], Unaware, true, vec![], Unaware),
        (&[PUSH, ROUNDS], Informed, false, vec![], Unaware),
        (&[PULL, ROUNDS], Informed, true, eight.clone(), Informed),
        (&[PULL, ROUNDS], Unaware, true, eight.clone(), Unaware),
        (&[PULL, ROUNDS], Informed, false, eight, Unaware),
        (&[INV], Wanting, true, vec!["Wake at 9.5s"], Wanting),
        (&[INV], Wanting, false, vec![], Unaware),
        (&[INV], Informed, true, vec![], Informed),
        (&[FLOOD], Informed, true, vec![], Informed),
    ];
    for (settings, before, keep, expected, after) in rows {
        let (protocol, mut cx, mut node) = (far(settings), world(), node(before));
        let was = node;
        protocol.restart(&mut node, keep, &mut cx);
        assert_eq!(done(&cx), expected, "{settings:?} {before:?} {keep}");
        assert_eq!((node.knowledge, node.counted), (after, was.counted));
        assert_eq!(node == was, keep || before == Unaware);
    }
}

#[test]
fn the_origin_alone_says_how_many_there_are() {
    for (id, expected) in [(99, 100), (0, 0)] {
        let mut cx = Recording::<Gossip>::new(NodeId(id), 100).at(NOW);
        far(&[PULL]).start(&mut cx);
        let said = done(&cx).iter().filter(|effect| *effect == "audience += 100").count();
        assert_eq!(said * 100, expected);
    }
}

/// Periodic modes end when all know, the others by themselves.
#[test]
fn a_run_is_complete_when_all_know() {
    let totals = |reached, audience| {
        let mut totals = { Pump::new(gossip(&[]), 10) }.run(Time(0)).totals;
        totals.values.fill(0);
        totals.values[GossipMetric::Coverage.index()] = reached;
        totals.values[GossipMetric::Audience.index()] = audience;
        totals
    };
    for (settings, ends) in [
        (&[PUSH][..], false),
        (&[FLOOD], false),
        (&[INV], false),
        (&[PUSH, ROUNDS], true),
        (&[PULL], true),
        (&[PULL, ROUNDS], true),
    ] {
        let protocol = gossip(settings);
        assert_eq!(protocol.complete(&totals(10, 10)), ends, "{settings:?}");
        assert!(!protocol.complete(&totals(9, 10)) && !protocol.complete(&totals(0, 0)));
    }
}

#[test]
fn a_state_hash_tells_states_apart() {
    let protocol = gossip(&[]);
    let states = [
        node(Unaware),
        node(Wanting),
        node(Informed),
        GossipNode { requests: 2, ..node(Wanting) },
        GossipNode { backup: 1, ..node(Wanting) },
        GossipNode { counted: true, ..node(Unaware) },
    ];
    let mut hashes = states.map(|state| protocol.state_hash(&state)).to_vec();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), states.len());
}

#[test]
fn a_row_of_the_table_says_what_a_node_has() {
    let protocol = gossip(&[]);
    for (knowledge, informed) in [(Informed, true), (Wanting, false), (Unaware, false)] {
        let node = GossipNode { requests: 3, ..node(knowledge) };
        assert_eq!(protocol.row(NodeId(0), &node), vec![Cell::from(informed), Cell::from(3u32)]);
    }
}

/// Only whoever passes the rumour on later keeps it, and forgets it with its state.
#[test]
fn who_passes_a_signed_rumour_on_later_keeps_it() {
    for (settings, keeps) in [
        (&[PUSH][..], false),
        (&[FLOOD], false),
        (&[INV], true),
        (&[PUSH, ROUNDS], true),
        (&[PULL], true),
    ] {
        let mut values = Values::defaults(SignedGossip::PARAMETERS);
        settings.iter().for_each(|(name, value)| values.set(name, *value));
        let protocol = SignedGossip::configure(&values).expect("consistent");
        let mut origin = Recording::<SignedGossip>::new(NodeId(0), 50);
        let node = protocol.start(&mut origin);
        assert_eq!((node.held != Held::default(), origin.retained()), (keeps, i64::from(keeps)));
        let digest = crate::Digest::of("gossip", 0, 0, &0u32.to_le_bytes());
        let signature = origin.sign(&digest);
        let mut cx = Recording::new(NodeId(3), 50).bodies_of(origin.bodies());
        let told = cx.share(SignedRumour { origin: NodeId(0), signature });
        let mut node = protocol.start(&mut cx);
        protocol.on_message(&mut node, NodeId(1), &SignedGossipMessage::Data(told), &mut cx);
        assert!(node.is_informed());
        assert_eq!(cx.retained(), i64::from(keeps), "{settings:?}");
        cx.clear();
        protocol.on_message(&mut node, NodeId(1), &SignedGossipMessage::Data(told), &mut cx);
        assert_eq!((done(&cx), cx.retained()), (vec!["duplicates += 1".into()], i64::from(keeps)));
        let kept = node;
        protocol.restart(&mut node, true, &mut cx);
        assert_eq!((node, cx.retained()), (kept, i64::from(keeps)));
        protocol.restart(&mut node, false, &mut cx);
        assert_eq!((node.held, cx.retained()), (Held::default(), 0));
    }
}

/// The origin in the rumour has signed it, for this run.
#[test]
fn each_part_of_a_signed_rumour_is_checked() {
    let protocol =
        SignedGossip::configure(&Values::defaults(SignedGossip::PARAMETERS)).expect("consistent");
    let digest =
        |origin: u32, scenario| crate::Digest::of("gossip", scenario, 0, &origin.to_le_bytes());
    let by = |id, digest| Recording::<SignedGossip>::new(NodeId(id), 50).sign(&digest);
    let rows: [(&str, bool, Signature); 6] = [
        ("good", true, by(9, digest(9, 0))),
        ("of another origin", false, by(9, digest(8, 0))),
        ("by another", false, by(8, digest(9, 0))),
        ("of another run", false, by(9, digest(9, 1))),
        ("of something else", false, by(9, crate::Digest::of("else", 0, 0, &9u32.to_le_bytes()))),
        ("nothing", false, Signature([0; 64])),
    ];
    for (name, is_good, signature) in rows {
        let mut cx = Recording::new(NodeId(3), 50);
        let mut node = protocol.start(&mut cx);
        let rumour = cx.share(SignedRumour { origin: NodeId(9), signature });
        protocol.on_message(&mut node, NodeId(1), &SignedGossipMessage::Data(rumour), &mut cx);
        assert_eq!(node.is_informed(), is_good, "{name}");
        let rejected = done(&cx) == ["rejected += 1"];
        assert_eq!(rejected, !is_good, "{name}");
    }
    let messages = [
        SignedGossipMessage::Data(Shared::new(1, 0, 50)),
        SignedGossipMessage::Data(Shared::new(2, 0, 50)),
        SignedGossipMessage::Inv,
        SignedGossipMessage::GetData,
    ];
    let mut prints = messages.map(|message| message.fingerprint()).to_vec();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 4);
    let kinds = messages.map(|message| (message.kind(), message.encoded_len()));
    assert_eq!(kinds, [(0, 90), (0, 90), (1, 40), (2, 40)]);
    let mut visited = Vec::new();
    messages.iter().for_each(|message| message.bodies(|body| visited.push(body.id())));
    assert_eq!(visited, [1, 2]);
}

#[test]
fn a_state_is_loaded_as_it_was_saved() {
    for knowledge in [Unaware, Wanting, Informed] {
        for counted in [false, true] {
            let state = GossipNode { counted, requests: 16, backup: 9, ..node(knowledge) };
            let mut bytes = Vec::new();
            state.save(&mut bytes);
            assert_eq!(GossipNode::load(&mut &bytes[..]), Ok(state));
        }
    }
}

/// Estimates that an engine sizes its memory by: of the right order in every mode.
#[test]
fn estimates_follow_the_mode() {
    let estimate = |settings: &[(&'static str, Value)]| {
        let protocol = gossip(settings);
        (protocol.pending_per_node(6.0), protocol.events_per_node_second())
    };
    let half = ("round", Value::Span(Span::from_millis(500)));
    let rows: [(Settings, (f64, f64)); 7] = [
        (&[PUSH, ("fanout", Value::Count(4))], (4.0, 40.0)),
        (&[PUSH, ("fanout", Value::Count(9))], (6.0, 90.0)),
        (&[PUSH, ROUNDS, half], (2.0, 4.0)),
        (&[PULL, half], (3.0, 4.0)),
        (&[PULL, ROUNDS], (3.0, 2.0)),
        (&[FLOOD], (6.0, 80.0)),
        (&[INV], (8.0, 80.0)),
    ];
    for (settings, expected) in rows {
        assert_eq!(estimate(settings), expected, "{settings:?}");
    }
}
