//! Timelines: any order gives the same, two nodes find out what the other lacks, forgeries do not
//! count, and payments go on while verifiers come and go.

use super::*;
use crate::checks::TIMELINES_EQUAL;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::selection::{DrawOrder, Drawn, History, Selection, is_eligible};
use crate::roles::holder::Merged;
use crate::timeline::event::{event_digest, stamp_digest, stampers};
use crate::{Witness, WitnessBody};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::{Pump, Recording};
use anthill_protocol::{Configure, Context, NodeId, Protocol, RunFacts, Signature, draw};

const NODES: u32 = 300;
const MINUTE: u64 = 60;

fn witness(settings: &[(&'static str, Value)]) -> Witness {
    let mut values = Values::of::<Witness>();
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    values.set("entropy_rate", Value::Number(0.0));
    values.set("workload.rate", Value::Number(0.0));
    for (name, value) in settings {
        values.set(name, *value);
    }
    let mut witness = Witness::configure(&values).expect("consistent values");
    witness.fit(NODES, 0).expect("enough verifiers");
    witness
}

fn seconds(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

/// An event as its author would make it, with as many stamps as asked, by clocks that are off.
fn event(
    protocol: &Witness,
    world: &Recording<Witness>,
    (rank, kind, time): (u32, EventKind, Time),
    (stamps, off): (usize, Span),
) -> Shared {
    let author = protocol.genesis.verifier(rank);
    let as_node =
        |node: NodeId| Recording::<Witness>::new(node, NODES).bodies_of(world.bodies()).at(time);
    let mut cx = as_node(author);
    let digest = event_digest(0, author, kind, time);
    let signature = cx.sign(&digest);
    let event = Event::new((author, kind, time), None, 0, signature);
    let drawn = stampers(author, None, 20, &protocol.genesis, &cx.bodies());
    let stamp = |(position, witness): (u8, &NodeId)| {
        let at = time + off;
        let signature = as_node(*witness).sign(&stamp_digest(0, &digest, at));
        Stamp { position, witness: *witness, time: at, signature }
    };
    let stamps = (0..).zip(&drawn).take(stamps).map(stamp).collect();
    cx.share(WitnessBody::Event(event.stamped(stamps)))
}

/// The world of a node late enough for all events here, within the time to consistency.
fn world(node: u32) -> Recording<Witness> {
    Recording::new(NodeId(node), NODES).at(seconds(100_000))
}

fn kind(number: u64) -> EventKind {
    match draw::draw(3, number) % 4 {
        0 => EventKind::Pause,
        1 => EventKind::Resume,
        2 => EventKind::Leave,
        _ => EventKind::Entropy { bytes: number },
    }
}

/// Many events of few authors, some at the same instant.
fn events(protocol: &Witness, world: &Recording<Witness>, count: u64) -> Vec<Shared> {
    let one = |i: u64| {
        let time = seconds(1 + draw::draw(1, i) % (2 * count));
        event(protocol, world, ((draw::draw(2, i) % 40) as u32, kind(i), time), (13, Span::ZERO))
    };
    (0..count).map(one).collect()
}

#[test]
fn any_order_gives_the_same_timeline() {
    let protocol = witness(&[]);
    let mut cx = world(5);
    let events = events(&protocol, &cx, 60);
    let whole = protocol.merge(None, &events, &mut cx).tip;
    assert_eq!(length(whole, &cx.bodies()), 60);
    for round in 0..50 {
        let mut order = events.clone();
        // Some come twice.
        order.extend_from_slice(&events[..(round % 7) as usize]);
        for i in (1..order.len()).rev() {
            order.swap(i, draw::below(draw::draw(round, i as u64), i as u64 + 1) as usize);
        }
        // In parts of some size, now and then onto another beginning that is merged afterwards.
        let (mut left, mut right) = (None, None);
        for (i, part) in order.chunks(1 + round as usize % 9).enumerate() {
            let side = if i % 3 == 0 { &mut right } else { &mut left };
            *side = protocol.merge(*side, part, &mut cx).tip;
        }
        let other = since(right, 0, &cx.bodies());
        let merged = protocol.merge(left, &other, &mut cx).tip;
        assert_eq!(merged, whole, "round {round}");
        assert_eq!(merged.map(|tip| tip.place()), whole.map(|tip| tip.place()));
    }
}

#[test]
fn of_two_versions_of_an_event_all_keep_the_same() {
    let protocol = witness(&[]);
    let mut cx = world(5);
    let more = events(&protocol, &cx, 10);
    let version = |stamps| {
        let it = (1, EventKind::Entropy { bytes: 1 }, seconds(7));
        event(&protocol, &cx, it, (stamps, Span::ZERO))
    };
    let (a, b) = (version(13), version(15));
    let mut tips = Vec::new();
    for order in [[a, b], [b, a]] {
        let tip = protocol.merge(None, &[order[0]], &mut cx).tip;
        let tip = protocol.merge(tip, &more, &mut cx).tip;
        tips.push(protocol.merge(tip, &[order[1]], &mut cx).tip);
    }
    assert_eq!(tips[0], tips[1]);
    assert_eq!(length(tips[0], &cx.bodies()), 11);
}

#[test]
fn links_are_found_by_length_and_time() {
    let protocol = witness(&[]);
    let mut cx = world(5);
    let events = events(&protocol, &cx, 100);
    let tip = protocol.merge(None, &events, &mut cx).tip;
    let bodies = cx.bodies();
    let mut at = tip;
    while let Some(handle) = at {
        let link = get(handle, &bodies);
        assert_eq!(at_length(tip, link.length, &bodies), at);
        // The last of one instant.
        let found = settled(tip, link.time + Span(5), Span(5), &bodies).expect("at least this");
        assert!(get(found, &bodies).time == link.time && get(found, &bodies).length >= link.length);
        let behind = length(link.jump, &bodies);
        assert!(behind < link.length);
        at = link.parent;
    }
    assert_eq!(at_length(tip, 0, &bodies), None);
    assert_eq!(settled(tip, Time(3), Span(4), &bodies), None);
}

#[test]
fn who_left_or_paused_is_not_active() {
    let protocol = witness(&[]);
    let mut cx = world(5);
    let genesis = &protocol.genesis;
    let happens =
        |rank, kind, at| event(&protocol, &cx, (rank, kind, seconds(at)), (13, Span::ZERO));
    let (paused, left) = (happens(3, EventKind::Pause, 10), happens(4, EventKind::Leave, 11));
    let late = [
        happens(5, EventKind::Pause, 12),
        happens(5, EventKind::Resume, 13),
        happens(4, EventKind::Resume, 14),
    ];
    let tip = protocol.merge(None, &[paused, left], &mut cx).tip;
    let tip = protocol.merge(tip, &late, &mut cx).tip;
    let bodies = cx.bodies();
    let (joined, active) = (joined(tip, &bodies), active(tip, &bodies));
    assert_eq!((joined.len(genesis), active.len(genesis)), (148, 147));
    // Of 149: one has left, another paused.
    assert!(joined.contains(genesis, genesis.verifier(3)));
    assert!(!active.contains(genesis, genesis.verifier(3)));
    assert!(active.contains(genesis, genesis.verifier(5)));
    let gone = |rank| departure(tip, genesis.verifier(rank), None, &bodies, genesis);
    assert_eq!((gone(3), gone(4), gone(5), gone(6)), (Some(paused), Some(left), None, None));
}

#[test]
fn forged_and_backdated_events_are_refused() {
    let protocol = witness(&[]);
    let lenient = witness(&[("r1", Value::Choice("off"))]);
    let mut cx = world(5);
    let it = (1, EventKind::Entropy { bytes: 1 }, seconds(50_000));
    let judge = |protocol: &Witness, event, cx: &mut Recording<Witness>| {
        protocol.judge_event(None, event, cx)
    };
    let good = event(&protocol, &cx, it, (13, Span::from_secs(3_600)));
    assert_eq!(judge(&protocol, good, &mut cx), Ok(()));
    let few = event(&protocol, &cx, it, (12, Span::ZERO));
    assert_eq!(judge(&protocol, few, &mut cx), Err(EventError::Stamps));
    let backdated = event(&protocol, &cx, it, (20, Span::from_secs(3_601)));
    assert_eq!(judge(&protocol, backdated, &mut cx), Err(EventError::Time));
    // Without R1 the author's word is enough. (A finding is for one set of rules: other bodies.)
    let none = event(&lenient, &cx, it, (0, Span::ZERO));
    assert_eq!(judge(&lenient, none, &mut cx), Ok(()));

    let forged = |change: &dyn Fn(&mut Event), cx: &mut Recording<Witness>| {
        let bodies = cx.bodies();
        let mut copy = bodies.get(good).event().expect("an event").clone();
        change(&mut copy);
        let forged = cx.share(WitnessBody::Event(copy));
        let before = protocol.merge(None, &[forged], cx);
        assert_eq!(before, Merged { tip: None, is_behind: false });
        protocol.judge_event(None, forged, cx)
    };
    let nobody = |event: &mut Event| event.signature = Signature([7; 64]);
    assert_eq!(forged(&nobody, &mut cx), Err(EventError::Signature));
    let of_another = |event: &mut Event| event.author = NodeId(9);
    assert_eq!(forged(&of_another, &mut cx), Err(EventError::Malformed));
    let later = |event: &mut Event| event.time = seconds(60_000);
    assert_eq!(forged(&later, &mut cx), Err(EventError::Malformed));
    let doubled = |event: &mut Event| {
        let mut stamps = event.stamps.to_vec();
        stamps.truncate(7);
        stamps.extend_from_within(..6);
        event.stamps = stamps.into();
    };
    assert_eq!(forged(&doubled, &mut cx), Err(EventError::Stamps));
    let future = event(&protocol, &cx, (1, EventKind::Leave, seconds(200_000)), (20, Span::ZERO));
    assert_eq!(judge(&protocol, future, &mut cx), Err(EventError::Time));
}

/// The nodes' timelines after a run.
fn tips(pump: &Pump<Witness>, nodes: impl Iterator<Item = NodeId>) -> Vec<Tip> {
    nodes.map(|node| pump.node(node).expect("up").timeline).collect()
}

fn verifiers(protocol: &Witness) -> impl Iterator<Item = NodeId> + '_ {
    (0..protocol.genesis.verifiers()).map(|rank| protocol.genesis.verifier(rank))
}

fn assert_good(protocol: &Witness, facts: &RunFacts) {
    for check in protocol.checks(facts) {
        assert!(check.ok, "{check:?}\n{:?}", facts.totals);
    }
}

#[test]
fn all_verifiers_learn_all_events() {
    for rule in ["on", "off"] {
        let protocol = witness(&[
            ("r1", Value::Choice(rule)),
            ("entropy_rate", Value::Number(1e-5)),
            ("workload.events_until", Value::Span(Span::from_secs(20 * MINUTE))),
        ]);
        let mut pump = Pump::new(protocol.clone(), NODES).delay(Span::from_millis(50));
        let facts = pump.run(seconds(40 * MINUTE));
        let of = |metric| facts.totals.of(metric);
        let published = of(WitnessMetric::Published);
        assert!(published > 0 && of(WitnessMetric::EventsRefused) == 0, "{:?}", facts.totals);
        assert_eq!(of(WitnessMetric::TimelineEvents), published * 149);
        assert_eq!(of(WitnessMetric::TimelineHolders), 149);
        let tips = tips(&pump, verifiers(&protocol));
        assert!(tips.iter().all(|tip| *tip == tips[0] && tip.is_some()));
        let checks = protocol.checks(&facts);
        assert!(checks.iter().any(|check| check.name == TIMELINES_EQUAL && check.ok));
        let mut apart = facts.clone();
        apart.totals.values[WitnessMetric::TimelineSum as usize] ^= 1 << 40;
        assert!(protocol.checks(&apart).iter().any(|c| c.name == TIMELINES_EQUAL && !c.ok));
    }
}

#[test]
fn two_nodes_find_out_what_the_other_lacks() {
    let protocol = witness(&[]);
    let mut cx = world(5);
    let events = events(&protocol, &cx, 90);
    let part = |of: u64| -> Vec<Shared> {
        let known = |(i, _): &(u64, &Shared)| *i < 40 || i % 3 == of || *i > 85;
        (0..).zip(&events).filter(known).map(|(_, event)| *event).collect()
    };
    let all_of = |parts: &[&[Shared]], cx: &mut Recording<Witness>| {
        parts.iter().fold(None, |tip, part| protocol.merge(tip, part, cx).tip)
    };
    let cases = [(part(0), part(1)), (vec![], part(2)), (part(0), vec![]), (part(1), part(1))];
    for (left, right) in cases {
        let union = all_of(&[&left, &right], &mut cx);
        let bodies = cx.bodies();
        let in_world = |id| {
            Recording::<Witness>::new(NodeId(id), NODES)
                .at(seconds(100_000))
                .bodies_of(bodies.clone())
        };
        let (mut a, mut b) = (in_world(5), in_world(6));
        let mut nodes = [WitnessNode::default(), WitnessNode::default()];
        nodes[0].timeline = all_of(&[&left], &mut cx);
        nodes[1].timeline = all_of(&[&right], &mut cx);
        protocol.probe(nodes[0].timeline, NodeId(6), &mut a);
        let mut said = 0;
        loop {
            let to_b = a.messages();
            a.clear();
            for message in &to_b {
                protocol.on_message(&mut nodes[1], NodeId(5), message, &mut b);
            }
            let to_a = b.messages();
            b.clear();
            for message in &to_a {
                protocol.on_message(&mut nodes[0], NodeId(6), message, &mut a);
            }
            said += to_a.len() + to_b.len();
            if to_a.is_empty() {
                break;
            }
        }
        assert_eq!(said, 3);
        assert_eq!([nodes[0].timeline, nodes[1].timeline], [union; 2]);
    }
}

/// Verifiers pause and come back all the time; the settled list changes, and nothing is refused.
#[test]
fn payments_go_on_while_verifiers_pause() {
    let facts = paid_during_pauses("on");
    let of = |metric| facts.totals.of(metric);
    assert!(of(WitnessMetric::PassedOver) > 0 && of(WitnessMetric::Redraws) > 0);
}

#[test]
fn without_r2_who_paused_is_not_in_the_list() {
    let facts = paid_during_pauses("off");
    let of = |metric| facts.totals.of(metric);
    assert!(of(WitnessMetric::PassedOver) == 0 && of(WitnessMetric::Redraws) > 0);
}

fn paid_during_pauses(r2: &'static str) -> RunFacts {
    let settings = [
        ("r2", Value::Choice(r2)),
        ("workload.rate", Value::Number(4.0)),
        ("workload.pause_rate", Value::Number(3.0)),
        ("workload.leave_rate", Value::Number(0.5)),
        ("workload.pause_length", Value::Span(Span::from_secs(30 * MINUTE))),
        ("workload.events_until", Value::Span(Span::from_secs(50 * MINUTE))),
        ("time_to_consistency", Value::Span(Span::from_secs(20 * MINUTE))),
        ("leniency", Value::Span(Span::from_secs(5 * MINUTE))),
    ];
    let protocol = witness(&settings);
    let mut pump = Pump::new(protocol.clone(), NODES).delay(Span::from_millis(50));
    let facts = pump.run(seconds(85 * MINUTE));
    let of = |metric| facts.totals.of(metric);
    assert_good(&protocol, &facts);
    let paid = (of(WitnessMetric::Final), of(WitnessMetric::HandedOver));
    assert!(of(WitnessMetric::Started) > 1_000 && of(WitnessMetric::Published) > 10);
    assert!(paid.0 + 10 >= of(WitnessMetric::Started), "{:?}", facts.totals);
    assert!(paid.1 + 10 >= paid.0, "{:?}", facts.totals);
    assert_eq!(of(WitnessMetric::Rejected) + of(WitnessMetric::Refused), 0, "{:?}", facts.totals);
    facts
}

/// Events get lost, or are sent to few; whoever pays compares timelines, so all learn them.
#[test]
fn losses_are_repaired_by_payments() {
    for (receivers, loss) in [(40, 0.0), (1_000, 0.05)] {
        let settings = [
            ("workload.rate", Value::Number(24.0)),
            ("entropy_rate", Value::Number(1e-5)),
            ("workload.events_until", Value::Span(Span::from_secs(10 * MINUTE))),
            ("event_receivers", Value::Count(receivers)),
        ];
        let protocol = witness(&settings);
        let mut pump = Pump::new(protocol.clone(), NODES).delay(Span::from_millis(50)).loss(loss);
        let facts = pump.run(seconds(30 * MINUTE));
        assert!(facts.totals.of(WitnessMetric::Published) > 0);
        let tips = tips(&pump, verifiers(&protocol));
        assert!(tips.iter().all(|tip| *tip == tips[0] && tip.is_some()), "{:?}", facts.totals);
        assert_eq!(facts.totals.of(WitnessMetric::Outdated), 0);
        assert_good(&protocol, &facts);
    }
}

/// Without R2 a payer chooses which young events not to know, and so among several draws; old ones
/// it has to explain. With R2 there is one draw.
#[test]
fn withheld_events_give_other_draws_without_r2_alone() {
    let short = ("time_to_consistency", Value::Span(Span::from_secs(10_000)));
    for (rule, draws) in [("off", 3), ("on", 1)] {
        let protocol = witness(&[short, ("r2", Value::Choice(rule)), ("r1", Value::Choice("off"))]);
        let mut cx = world(5);
        let pause = |rank, at| {
            event(&protocol, &cx, (rank, EventKind::Pause, seconds(at)), (0, Span::ZERO))
        };
        // Three that are just settled, two of a moment ago.
        let all = [(1, 89_996), (2, 89_997), (3, 89_998), (80, 99_990), (90, 99_995)];
        let all = all.map(|(rank, at)| pause(rank, at));
        let whole = protocol.merge(None, &all, &mut cx).tip;
        let (payer, payee) = (NodeId(5), NodeId(9));
        let mut accepted = Vec::new();
        for known in [&all[..], &all[..4], &all[..3], &all[3..]] {
            let tip = protocol.merge(None, known, &mut cx).tip;
            let bodies = cx.bodies();
            let time = seconds(100_000);
            let settled = settled(tip, time, Span::from_secs(10_000), &bodies);
            let list = if rule == "on" { settled } else { tip };
            let checksum = checksum(settled, &bodies, &protocol.genesis);
            let (members, genesis) = (active(list, &bodies), &protocol.genesis);
            let seed = genesis.seed(checksum, payer, payee);
            let order = DrawOrder::new(seed, members.len(genesis));
            let drawn = order
                .map(|rank| members.get(genesis, rank))
                .filter(|verifier| is_eligible(*verifier, payer, payee))
                .map(|verifier| Drawn { verifier, answered: true })
                .take(20)
                .collect();
            let history = History { time, settled, list, ..History::default() };
            let selection = Selection::new(payer, payee, checksum, drawn).on(history);
            let checked =
                selection.check_on_timeline(genesis, &bodies, &protocol.terms, &protocol.tests);
            assert_eq!(checked, Ok(()));
            let witnesses = selection.witnesses.clone();
            if protocol.judge_selection(whole, &selection, &mut cx).is_ok()
                && !accepted.contains(&witnesses)
            {
                accepted.push(witnesses);
            }
        }
        assert_eq!(accepted.len(), draws, "R2 {rule}");
    }
}

/// One verifier dates an event back to before the settled timeline ends: without R1 all merge it, and
/// every draw is another.
#[test]
fn backdated_entropy_changes_draws_without_r1_alone() {
    for (rule, changes) in [("off", true), ("on", false)] {
        let ttc = ("time_to_consistency", Value::Span(Span::from_secs(10_000)));
        let protocol = witness(&[ttc, ("r1", Value::Choice(rule))]);
        let mut cx = world(5);
        let old = event(&protocol, &cx, (1, EventKind::Pause, seconds(50_000)), (13, Span::ZERO));
        let whole = protocol.merge(None, &[old], &mut cx).tip;
        let drawn_on = |tip, cx: &Recording<Witness>| {
            protocol.settled_checksum(tip, seconds(100_000), &cx.bodies())
        };
        let before = drawn_on(whole, &cx);
        for grain in 0..10 {
            let kind = EventKind::Entropy { bytes: grain };
            let lie = (7, kind, seconds(45_000));
            // Honest witnesses say when they saw it: now.
            let lie = event(&protocol, &cx, lie, (20, Span::from_secs(55_000)));
            let tip = protocol.merge(whole, &[lie], &mut cx).tip;
            assert_eq!(drawn_on(tip, &cx) != before, changes, "R1 {rule}");
        }
    }
}
