//! Whole runs under the mini-simulation, and single handlers under a recording.

use super::*;
use crate::Message;
use crate::draw::Purpose;
use crate::recording::{Effect, Pump, Recording};

mod handlers;

fn gossip(settings: &[(&str, Value)]) -> Gossip {
    let mut values = Values::defaults(Gossip::PARAMETERS);
    for (name, value) in settings {
        values.set(name, *value);
    }
    Gossip::configure(&values).expect("consistent values")
}

fn mode(name: &'static str) -> (&'static str, Value) {
    ("mode", Value::Choice(name))
}

fn fanout(count: u64) -> Gossip {
    gossip(&[("fanout", Value::Count(count))])
}

fn lock_step(name: &'static str) -> Gossip {
    gossip(&[mode(name), ("rounds", Value::Flag(true))])
}

/// Each node with the `reach` next and the `reach` previous ones.
fn ring_lattice(nodes: u32, reach: u32) -> Vec<Vec<NodeId>> {
    let around = |id: u32| {
        let offsets = (1..=reach).flat_map(|step| [step, nodes - step]);
        offsets.map(|offset| NodeId((id + offset) % nodes)).collect()
    };
    (0..nodes).map(around).collect()
}

/// The configuration model: `degree` stubs per node, paired at random, loops and parallel edges
/// left in.
fn random_regular(nodes: u32, degree: u32, seed: u64) -> Vec<Vec<NodeId>> {
    let mut stubs: Vec<u32> = (0..nodes).flat_map(|id| (0..degree).map(move |_| id)).collect();
    let stream = draw::stream(seed, Purpose::Topology, NodeId(0));
    for last in (1..stubs.len()).rev() {
        let other = draw::below(draw::draw(stream, last as u64), last as u64 + 1);
        stubs.swap(last, other as usize);
    }
    let mut lists = vec![Vec::new(); nodes as usize];
    for pair in stubs.chunks_exact(2) {
        lists[pair[0] as usize].push(NodeId(pair[1]));
        lists[pair[1] as usize].push(NodeId(pair[0]));
    }
    lists
}

fn only_check(protocol: &Gossip, facts: &RunFacts) -> Check {
    let checks = protocol.checks(facts);
    assert_eq!(checks.len(), 1, "{facts:?}");
    checks[0].clone()
}

#[test]
fn the_fixed_point_has_the_published_values() {
    for (fanout, reached) in [(2.0, 0.7968), (3.0, 0.9405), (4.0, 0.9802), (6.0, 0.9975)] {
        assert!((fixed_point(fanout) - reached).abs() < 5e-5, "{fanout}");
    }
    assert!((fixed_point(8.0) - 0.9997).abs() < 5e-5);
}

#[test]
fn infect_and_die_reaches_the_fixed_point() {
    for count in [2, 3, 4, 6, 8] {
        let mut pump = Pump::new(fanout(count), 20_000).seed(count);
        let facts = pump.run(Time::MAX);
        assert!(facts.quiescent);
        let check = only_check(pump.protocol(), &facts);
        let sd = share_deviation(count as f64, 20_000);
        let away = (check.measured - fixed_point(count as f64)) / sd;
        assert!(check.ok && away.abs() < 4.0, "fan-out {count}: {away} sd, {check:?}");
        let informed = facts.totals.of(GossipMetric::Coverage);
        assert_eq!(facts.totals.of(GossipMetric::Sends), informed * count);
        assert_eq!(facts.totals.messages, informed * count);
        assert_eq!(facts.totals.of(GossipMetric::CoverageTime), informed);
    }
}

/// The stated standard deviation against the one of 200 runs, whose own error is about 5 %.
#[test]
fn the_share_reached_deviates_as_derived() {
    let shares: Vec<f64> = (0..200)
        .map(|seed| {
            let facts = Pump::new(fanout(2), 1_000).seed(seed).run(Time::MAX);
            facts.totals.of(GossipMetric::Coverage) as f64 / 1_000.0
        })
        .collect();
    let mean = shares.iter().sum::<f64>() / 200.0;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 199.0;
    let ratio = variance.sqrt() / share_deviation(2.0, 1_000);
    assert!((0.8..1.25).contains(&ratio), "measured over derived: {ratio}");
    assert!((mean - fixed_point(2.0)).abs() < 0.005, "{mean}");
}

#[test]
fn losses_move_the_fixed_point() {
    let mut pump = Pump::new(fanout(4), 20_000).seed(3).loss(0.25);
    let facts = pump.run(Time::MAX);
    let check = only_check(pump.protocol(), &facts);
    assert!(check.ok && check.expected_violation, "{check:?}");
    assert!((check.measured - fixed_point(3.0)).abs() < 0.02, "{check:?}");
}

#[test]
fn a_wrong_coverage_fails_the_check() {
    let mut pump = Pump::new(fanout(3), 20_000).seed(1);
    let mut facts = pump.run(Time::MAX);
    let coverage = GossipMetric::Coverage.index();
    let duplicates = GossipMetric::Duplicates.index();
    facts.totals.values[coverage] -= 400;
    facts.totals.values[duplicates] += 400;
    assert!(!only_check(pump.protocol(), &facts).ok);
}

#[test]
fn nothing_is_claimed_of_a_run_without_sends_or_cut_short() {
    let protocol = fanout(3);
    let silent = Pump::new(protocol.clone(), 20_000).run(Time(0));
    assert!(!silent.quiescent && protocol.checks(&silent).is_empty());
    let mut dead = silent;
    dead.quiescent = true;
    dead.totals.values.fill(0);
    assert_eq!(protocol.checks(&dead), []);
}

#[test]
fn a_push_goes_to_distinct_neighbours_once() {
    for degree in [3, 8, 9, 200] {
        let peers: Vec<NodeId> = (1..=degree).map(NodeId).collect();
        let mut cx = Recording::new(NodeId(0), 1_000).peers(&peers).seed(5);
        let protocol = gossip(&[("origin", Value::Count(7))]);
        let mut node = protocol.start(&mut cx);
        assert!(cx.effects().is_empty() && !node.is_informed());
        protocol.on_message(&mut node, NodeId(1), &GossipMessage::Data, &mut cx);
        let mut receivers = cx.receivers();
        receivers.sort_unstable();
        receivers.dedup();
        assert_eq!(receivers.len() as u32, degree.min(8));
        cx.clear();
        protocol.on_message(&mut node, NodeId(2), &GossipMessage::Data, &mut cx);
        let duplicate = Effect::Record { metric: GossipMetric::Duplicates, value: 1 };
        assert_eq!(
            format!("{:?}", cx.effects()),
            format!("{:?}", [duplicate] as [Effect<Gossip>; 1])
        );
        assert!(node.is_informed());
    }
}

#[test]
fn the_origin_is_taken_modulo_the_nodes() {
    let protocol = gossip(&[("origin", Value::Count(13))]);
    let informed = |id| {
        let mut cx = Recording::new(NodeId(id), 10);
        protocol.start(&mut cx).is_informed()
    };
    assert!(informed(3) && !informed(0));
}

#[test]
fn a_flood_sends_exactly_as_many_as_edges_allow() {
    for (lists, degree) in [(ring_lattice(500, 2), 4), (random_regular(2_000, 4, 9), 4)] {
        let nodes = lists.len() as u64;
        let mut pump = Pump::new(gossip(&[mode("flood")]), nodes as u32).topology(lists).seed(2);
        let facts = pump.run(Time::MAX);
        assert_eq!(facts.totals.of(GossipMetric::Coverage), nodes);
        assert_eq!(facts.totals.of(GossipMetric::Sends), nodes * (degree - 1) + 1);
        assert!(only_check(pump.protocol(), &facts).ok);
    }
}

#[test]
fn a_flood_leaves_out_one_of_parallel_edges() {
    let protocol = gossip(&[mode("flood"), ("origin", Value::Count(9))]);
    let peers = [NodeId(1), NodeId(2), NodeId(1), NodeId(3)];
    let mut cx = Recording::new(NodeId(0), 10).peers(&peers);
    let mut node = protocol.start(&mut cx);
    protocol.on_message(&mut node, NodeId(1), &GossipMessage::Data, &mut cx);
    assert_eq!(cx.receivers(), [NodeId(2), NodeId(1), NodeId(3)]);
}

#[test]
fn lock_step_push_takes_log2_plus_ln_rounds() {
    for nodes in [1_000, 10_000] {
        let mut pump = Pump::new(lock_step("push"), nodes).seed(4);
        let facts = pump.run(Time::MAX);
        let check = only_check(pump.protocol(), &facts);
        assert!(check.ok, "{check:?}");
        let (least, most) = check.interval;
        assert!((least..=most).contains(&check.measured), "{check:?}");
        assert!(!facts.quiescent, "ended by completion, with the next round pending");
    }
}

#[test]
fn too_few_rounds_fail_and_too_many_are_a_measurement() {
    let mut pump = Pump::new(lock_step("push"), 1_000).seed(4);
    let mut facts = pump.run(Time::MAX);
    let mut checked = |rounds| {
        facts.totals.values[GossipMetric::RoundsToAll.index()] = rounds;
        only_check(pump.protocol(), &facts)
    };
    let (few, many) = (checked(10), checked(60));
    assert!(!few.ok && !few.expected_violation, "each round at most doubles: {few:?}");
    assert!(!many.ok && many.expected_violation, "messages may take longer than a round: {many:?}");
    // Where none of the sampled ones does, nothing explains it.
    facts.totals.values[GossipMetric::RoundsToAll.index()] = 60;
    let mut answered = |round_trip| {
        facts.answers.round_trips = [Span::from_millis(900), round_trip].into();
        only_check(&lock_step("push"), &facts)
    };
    assert!(answered(Span::from_millis(1_001)).expected_violation);
    let many = answered(Span::from_secs(1));
    assert!(!many.ok && !many.expected_violation, "{many:?}");
}

#[test]
fn lock_step_nodes_wake_at_multiples_of_a_round() {
    let protocol = gossip(&[
        mode("push"),
        ("rounds", Value::Flag(true)),
        ("round", Value::Span(Span(100))),
        ("origin", Value::Count(1)),
    ]);
    let mut cx = Recording::new(NodeId(0), 10).at(Time(230));
    let mut node = protocol.start(&mut cx);
    assert!(cx.effects().is_empty(), "nothing to do before it knows");
    protocol.on_message(&mut node, NodeId(1), &GossipMessage::Data, &mut cx);
    assert_eq!(cx.timers(), [Time(300)]);
    assert!(cx.receivers().is_empty());
    cx.clear();
    cx.set_now(Time(300));
    protocol.on_timer(&mut node, Wake, &mut cx);
    assert_eq!((cx.timers(), cx.receivers().len()), (vec![Time(400)], 1));
}

#[test]
fn push_pull_is_faster_than_push_in_and_out_of_step() {
    let rounds = |protocol| {
        let facts = Pump::new(protocol, 10_000).seed(6).run(Time::MAX);
        assert_eq!(facts.totals.of(GossipMetric::Coverage), 10_000);
        facts.last_event.as_secs_f64()
    };
    let push = rounds(lock_step("push"));
    let push_pull = rounds(lock_step("push-pull"));
    let unsynchronised = rounds(gossip(&[mode("push-pull")]));
    // log3 n + ln ln n is 10.6 for both; push takes 22.5.
    assert!(push_pull < 0.75 * push, "{push_pull} against {push}");
    assert!(unsynchronised < 0.75 * push, "{unsynchronised} against {push}");
}

#[test]
fn inv_sends_each_body_once_without_loss() {
    let lists = random_regular(2_000, 8, 1);
    let facts = Pump::new(gossip(&[mode("inv")]), 2_000).topology(lists).run(Time::MAX);
    assert!(facts.quiescent);
    assert_eq!(facts.totals.of(GossipMetric::Coverage), 2_000);
    assert_eq!(facts.totals.of(GossipMetric::Sends), 1_999);
    assert_eq!(facts.totals.of(GossipMetric::Duplicates), 0);
}

#[test]
fn inv_delivers_in_spite_of_losses() {
    let lists = random_regular(2_000, 8, 1);
    let mut pump = Pump::new(gossip(&[mode("inv")]), 2_000).topology(lists).loss(0.3).seed(8);
    let facts = pump.run(Time::MAX);
    assert!(facts.quiescent);
    // An 8-regular node hears none of its announcements with probability .3^8 < 1e-4.
    assert!(facts.totals.of(GossipMetric::Coverage) >= 1_995, "{:?}", facts.totals);
    let requests = facts.totals.messages_by_kind[GossipMessage::GetData.kind()];
    assert!(requests > 3_000, "requests are repeated: {requests}");
}

#[test]
fn inv_asks_the_next_announcer_then_anyone_then_gives_up() {
    let protocol = gossip(&[mode("inv"), ("origin", Value::Count(99))]);
    let peers = [NodeId(5), NodeId(6), NodeId(7)];
    let mut cx = Recording::new(NodeId(0), 100).peers(&peers);
    let mut node = protocol.start(&mut cx);
    for from in [7, 6, 5] {
        protocol.on_message(&mut node, NodeId(from), &GossipMessage::Inv, &mut cx);
    }
    assert_eq!(cx.receivers(), [NodeId(7)]);
    assert_eq!(cx.timers(), [Time::ZERO + Span::from_secs(2)]);
    protocol.on_timer(&mut node, Wake, &mut cx);
    assert_eq!(cx.receivers(), [NodeId(7), NodeId(6)]);
    for _ in 0..20 {
        protocol.on_timer(&mut node, Wake, &mut cx);
    }
    assert_eq!(cx.receivers().len(), usize::from(inv::MAX_REQUESTS));
    assert_eq!(cx.timers().len(), usize::from(inv::MAX_REQUESTS));
    protocol.on_message(&mut node, NodeId(5), &GossipMessage::Inv, &mut cx);
    assert_eq!(cx.receivers().len(), usize::from(inv::MAX_REQUESTS) + 1, "a new start");
}

#[test]
fn a_node_that_forgot_spreads_again_but_is_counted_once() {
    let protocol = fanout(2);
    let mut cx = Recording::new(NodeId(0), 50);
    let mut node = protocol.start(&mut cx);
    cx.clear();
    assert!(node.is_informed());
    protocol.restart(&mut node, false, &mut cx);
    assert!(!node.is_informed());
    assert!(cx.effects().is_empty(), "the rumour is published once");
    protocol.on_message(&mut node, NodeId(1), &GossipMessage::Data, &mut cx);
    assert_eq!(cx.receivers().len(), 2);
    let records = |metric: GossipMetric| {
        let of = |effect: &&Effect<Gossip>| matches!(effect, Effect::Record { metric: m, .. } if *m == metric);
        cx.effects().iter().filter(of).count()
    };
    assert_eq!((records(GossipMetric::Coverage), records(GossipMetric::Sends)), (0, 1));
}

#[test]
fn a_restart_renews_the_timers_that_died() {
    let informed =
        GossipNode { knowledge: Knowledge::Informed, counted: true, ..GossipNode::default() };
    let wanting = GossipNode { knowledge: Knowledge::Wanting, ..GossipNode::default() };
    let timers = |protocol: Gossip, mut node, keep| {
        let mut cx = Recording::new(NodeId(1), 10);
        protocol.restart(&mut node, keep, &mut cx);
        cx.timers().len()
    };
    assert_eq!(timers(lock_step("push"), informed, true), 1);
    assert_eq!(timers(lock_step("push"), informed, false), 0);
    assert_eq!(timers(lock_step("push-pull"), informed, false), 1);
    assert_eq!(timers(gossip(&[mode("inv")]), wanting, true), 1);
    assert_eq!(timers(gossip(&[mode("inv")]), wanting, false), 0);
    assert_eq!(timers(fanout(8), informed, true), 0);
}

#[test]
fn a_flood_in_rounds_is_refused() {
    let mut values = Values::defaults(Gossip::PARAMETERS);
    values.set("mode", Value::Choice("flood"));
    values.set("rounds", Value::Flag(true));
    let error = Gossip::configure(&values).expect_err("contradiction").to_string();
    assert!(error.starts_with("protocol.rounds:"), "{error}");
}

#[test]
fn metric_indices_follow_their_descriptions() {
    for (metric, name) in [
        (GossipMetric::Coverage, "coverage"),
        (GossipMetric::Sends, "sends"),
        (GossipMetric::Duplicates, "duplicates"),
        (GossipMetric::RoundsToAll, "rounds_to_all"),
        (GossipMetric::CoverageTime, "coverage"),
        (GossipMetric::Rejected, "rejected"),
        (GossipMetric::Audience, "audience"),
    ] {
        assert_eq!(GossipMetric::ALL[metric.index()].name, name);
    }
    assert_eq!(
        GossipMetric::ALL[GossipMetric::CoverageTime.index()].kind,
        crate::MetricKind::Latency
    );
}

/// A signature costs nothing but itself: the same spread, message by message.
#[test]
fn a_signed_rumour_spreads_like_any_other() {
    for settings in [
        vec![("fanout", Value::Count(3))],
        vec![mode("push"), ("rounds", Value::Flag(true))],
        vec![mode("push-pull")],
        vec![mode("flood")],
        vec![mode("inv")],
    ] {
        let mut values = Values::defaults(Gossip::PARAMETERS);
        settings.iter().for_each(|(name, value)| values.set(name, *value));
        let plain = Gossip::configure(&values).expect("consistent");
        let signed = SignedGossip::configure(&values).expect("consistent");
        let lists = random_regular(500, 6, 2);
        let plain = Pump::new(plain, 500).topology(lists.clone()).run(Time::MAX).totals;
        let signed = Pump::new(signed, 500).topology(lists).run(Time::MAX).totals;
        assert_eq!(plain.values, signed.values, "{settings:?}");
        assert_eq!(plain.messages_by_kind, signed.messages_by_kind);
        let longer = signed.messages_by_kind[GossipMessage::Data.kind()] * 68;
        assert_eq!(plain.bytes_on_wire + longer, signed.bytes_on_wire);
    }
}

#[test]
fn a_forged_rumour_is_not_believed() {
    let values = Values::defaults(SignedGossip::PARAMETERS);
    let protocol = SignedGossip::configure(&values).expect("consistent");
    let mut cx = Recording::new(NodeId(3), 50);
    let mut node = protocol.start(&mut cx);
    let forged = cx.share(SignedRumour { origin: NodeId(0), signature: crate::Signature([7; 64]) });
    protocol.on_message(&mut node, NodeId(1), &SignedGossipMessage::Data(forged), &mut cx);
    assert!(!node.is_informed() && cx.messages().is_empty());
    let rejected = Effect::Record { metric: GossipMetric::Rejected, value: 1 };
    let expected = format!("{:?}", [rejected] as [Effect<SignedGossip>; 1]);
    assert_eq!(format!("{:?}", cx.effects()), expected);
    // The true one is believed after it.
    let mut origin = Recording::new(NodeId(0), 50).bodies_of(cx.bodies());
    protocol.start(&mut origin);
    let told = origin.messages()[0];
    protocol.on_message(&mut node, NodeId(1), &told, &mut cx);
    assert!(node.is_informed() && cx.messages().len() == 8);
}
