//! Conditions beyond delay: one result under any execution, and the figures that theory demands.

use std::sync::Arc;

use anthill_engine::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    Conditions, ConditionsSpec, CpuSpec, Direction, Envelope, FaultKind, FaultSpec, Flap,
    ImpairmentSpec, RatesSpec, Role, ScheduleSpec, Scheduler, SelectionSpec, Transport,
};
use anthill_engine::network::JitterSpec;
use anthill_engine::outcome::Outcome;
use anthill_engine::{Control, run_under, sequential};
use anthill_protocol::gossip::{Gossip, GossipMetric};
use anthill_protocol::phold::Phold;
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::{Traffic, TrafficMetric};
use anthill_protocol::{Configure, Message, Protocol, Span, Time};

use crate::{Ready, invariant_part};

const MS: u64 = 1_000_000;

fn ms(n: u64) -> Span {
    Span(n * MS)
}

fn at(n: u64) -> Time {
    Time(n * MS)
}

fn fraction(fraction: f64) -> SelectionSpec {
    SelectionSpec { fraction: Some(fraction), ..SelectionSpec::default() }
}

fn nodes(from: u32, to: u32) -> SelectionSpec {
    SelectionSpec { nodes: vec![(from, to)], ..SelectionSpec::default() }
}

fn fault(from: u64, heal: u64, who: SelectionSpec, kind: FaultKind) -> FaultSpec {
    FaultSpec { at: at(from), heal: Some(at(heal)), who, kind, flap: None }
}

fn impaired() -> ImpairmentSpec {
    ImpairmentSpec {
        loss: 0.01,
        duplication: 0.02,
        reordering: 0.05,
        reordering_delay: ms(30),
        corruption: 0.01,
    }
}

/// Everything at once, over the first second.
fn storm() -> ConditionsSpec {
    let class = |name: &str, share, up, down| ClassSpec {
        name: name.into(),
        share,
        up: Some(up),
        down: Some(down),
        latency: ms(3),
        sigma: 0.5,
        jitter: (name == "bad").then_some(JitterSpec::Gamma { shape: 2.0 }),
        impairments: ImpairmentSpec { loss: 0.02, ..ImpairmentSpec::default() },
    };
    let others = Some(fraction(0.5));
    let flap = Some(Flap { period: ms(200), on: ms(60), stagger: ms(100) });
    ConditionsSpec {
        bandwidth: Some(BandwidthSpec {
            rates: RatesSpec::Fixed { up: Some(2_000_000), down: Some(5_000_000) },
            cap: Some(1_000_000),
            queue_bytes: Some(6_000),
        }),
        impairments: impaired(),
        classes: vec![
            class("home", 0.5, 1_000_000, 3_000_000),
            class("bad", 0.2, 200_000, 400_000),
        ],
        transport: Transport::Datagram,
        cpu: Some(CpuSpec {
            cores: 2,
            scale: 1.5,
            receive: Span(40_000),
            send: Span(15_000),
            timer: Span(5_000),
            kib: Span(3_000),
            ..CpuSpec::default()
        }),
        churn: Some(ChurnSpec {
            times: ChurnTimes::Weibull {
                session: ms(300),
                session_shape: 0.6,
                downtime: ms(80),
                downtime_shape: 0.8,
            },
            share: 0.5,
            keep_state: false,
            stationary: true,
        }),
        clock: ClockSpec { skew: ms(5), drift_ppm: 300.0 },
        faults: vec![
            fault(100, 400, fraction(0.3), FaultKind::Crash { keep_state: true }),
            FaultSpec {
                flap,
                ..fault(0, 900, fraction(0.1), FaultKind::Crash { keep_state: false })
            },
            fault(
                200,
                600,
                fraction(0.4),
                FaultKind::Partition { others, direction: Direction::Outgoing },
            ),
            fault(
                300,
                800,
                SelectionSpec {
                    role: Some(Role::Honest),
                    fraction: Some(0.5),
                    ..SelectionSpec::default()
                },
                FaultKind::Delay { by: ms(7), factor: 1.3, direction: Direction::Incoming },
            ),
            fault(
                0,
                500,
                fraction(0.2),
                FaultKind::Impair { impairments: impaired(), direction: Direction::Both },
            ),
            fault(250, 700, fraction(0.5), FaultKind::Rate { up: 0.3, down: 0.5 }),
        ],
        adversary: Some(AdversarySpec {
            who: fraction(0.2),
            behaviour: Behaviour::Replay,
            kinds: Vec::new(),
            probability: 0.3,
        }),
        schedule: Some(ScheduleSpec::DelayHonest { by: ms(2) }),
        assumed_bound: Some(ms(120)),
    }
}

/// A run under conditions, the same on the oracle and on several shards and threads.
fn everywhere<P: Configure>(text: &str, conditions: &ConditionsSpec) -> Outcome {
    let mut ready = Ready::<P>::new(text);
    ready.scenario.conditions = conditions.clone();
    let oracle = ready.sequential();
    let expected = invariant_part(&oracle);
    for (shards, threads, stealing) in
        [(1, 1, true), (2, 2, true), (3, 1, false), (3, 2, true), (7, 7, false), (7, 7, true)]
    {
        let outcome = ready.sharded(shards, threads, stealing);
        let found = invariant_part(&outcome);
        for (found, expected) in found.split('\n').zip(expected.split('\n')) {
            assert_eq!(found, expected, "{shards} shards, {threads} threads:\n{text}");
        }
    }
    oracle
}

const AWS: &str = "[network]\npreset = \"aws-p50\"\n";

fn text(protocol: &str, nodes: u32, until: &str, rest: &str) -> String {
    format!(
        "nodes = {nodes}\nuntil = \"{until}\"\nseed = 11\n[protocol]\nname = {protocol}\n{rest}"
    )
}

#[test]
fn a_storm_gives_one_result_for_every_protocol() {
    let traffic = text(
        "\"traffic\"\ninterval = \"20ms\"\nsize = 700\nto = \"neighbour\"",
        600,
        "1s",
        &format!("{AWS}topology = {{ kind = \"random-regular\", degree = 6 }}\n"),
    );
    let outcome = everywhere::<Traffic>(&traffic, &storm());
    let found = outcome.result.conditions.expect("conditions");
    for (name, count, _) in found.rows() {
        // Everything that the storm has happened, or the test shows nothing.
        if name != "disconnected" {
            assert!(count > 0, "{name} never happened: {found:?}");
        }
    }
    let connected = ConditionsSpec { transport: Transport::Connection, ..storm() };
    let found = everywhere::<Traffic>(&traffic, &connected).result.conditions.expect("conditions");
    assert!(found.disconnected > 0, "{found:?}");
    for mode in ["\"push\"", "\"flood\"", "\"inv\"", "\"push-pull\"", "\"push\"\nrounds = true"] {
        let gossip = text(
            &format!("\"gossip\"\norigin = 5\nround = \"50ms\"\nmode = {mode}"),
            2_000,
            "1s",
            &format!("{AWS}topology = {{ kind = \"random-regular\", degree = 8 }}\n"),
        );
        let outcome = everywhere::<Gossip>(&gossip, &storm());
        assert!(outcome.result.totals.messages > 300, "{mode}: {:?}", outcome.result.totals);
    }
    let phold = text(
        "\"phold\"\npopulation = 4\nremote = 0.7",
        1_000,
        "300ms",
        "[network]\nmodel = \"exponential\"\n",
    );
    assert!(everywhere::<Phold>(&phold, &storm()).result.totals.events > 10_000);
    let timers = text(
        "\"timers\"\nshort = \"30ms\"\nlong = \"700ms\"",
        500,
        "1s",
        "[network]\nmodel = \"uniform\"\n",
    );
    assert!(everywhere::<Timers>(&timers, &storm()).result.totals.events > 2_000);
}

#[test]
fn every_misdeed_and_scheduler_gives_one_result() {
    let text = text(
        "\"traffic\"\ninterval = \"20ms\"",
        200,
        "600ms",
        "[network]\nmodel = \"uniform\"\nmin = \"2ms\"\nmax = \"40ms\"\n",
    );
    let adversary = |behaviour| AdversarySpec {
        who: fraction(0.25),
        behaviour,
        kinds: vec!["request".into()],
        probability: 0.8,
    };
    for behaviour in [
        Behaviour::Silent,
        Behaviour::Delay(ms(30)),
        Behaviour::Duplicate,
        Behaviour::Replay,
        Behaviour::Corrupt,
    ] {
        let conditions =
            ConditionsSpec { adversary: Some(adversary(behaviour)), ..ConditionsSpec::default() };
        let found = everywhere::<Traffic>(&text, &conditions).result.conditions.expect("some");
        assert!(found.misbehaved > 500, "{behaviour:?}: {found:?}");
    }
    for schedule in [
        ScheduleSpec::DelayHonest { by: ms(20) },
        ScheduleSpec::FavourByzantine { by: ms(20) },
        ScheduleSpec::Split { heal: at(300) },
        ScheduleSpec::Hold { kind: "reply".into(), timeout: ms(100), margin: ms(1) },
        ScheduleSpec::Reorder { by: ms(50) },
    ] {
        let conditions = ConditionsSpec {
            adversary: Some(adversary(Behaviour::Follow)),
            schedule: Some(schedule.clone()),
            ..ConditionsSpec::default()
        };
        let found = everywhere::<Traffic>(&text, &conditions).result.conditions.expect("some");
        assert!(found.scheduled > 500, "{schedule:?}: {found:?}");
    }
}

/// Restarts with a backlog: a CPU that cannot keep up, links that queue for seconds, and nodes that
/// crash in the middle of it.
#[test]
fn a_crash_with_a_backlog_loses_what_was_not_served() {
    let text = text(
        "\"traffic\"\ninterval = \"5ms\"\nto = \"server\"\nservers = 3",
        100,
        "2s",
        "[network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"20ms\"\n",
    );
    for keep_state in [true, false] {
        for transport in [Transport::Datagram, Transport::Connection] {
            let conditions = ConditionsSpec {
                transport,
                cpu: Some(CpuSpec {
                    receive: Span(700_000),
                    send: Span(100_000),
                    timer: Span(1_000),
                    ..CpuSpec::default()
                }),
                bandwidth: Some(BandwidthSpec {
                    rates: RatesSpec::Fixed { up: Some(1_000_000), down: Some(3_000_000) },
                    cap: None,
                    queue_bytes: None,
                }),
                faults: vec![
                    fault(500, 600, nodes(0, 2), FaultKind::Crash { keep_state }),
                    fault(1_000, 1_001, nodes(1, 1), FaultKind::Crash { keep_state }),
                ],
                ..ConditionsSpec::default()
            };
            let outcome = everywhere::<Traffic>(&text, &conditions);
            let found = outcome.result.conditions.expect("some");
            assert_eq!(found.restarts, 4);
            assert_eq!(found.down_ns, u128::from(3 * 100 * MS + MS));
            assert!(found.expired > 500, "the backlog dies with the crash: {found:?}");
            assert!(found.missed > 1_000, "{found:?}");
            let connection = transport == Transport::Connection;
            assert_eq!(found.disconnected > 0, connection, "{found:?}");
            // A downlink passes 375 requests a second; the three are up for 5.7 s in all. What waits
            // in the senders' uplinks during a crash dies with the connection.
            let received = outcome.result.totals.of(TrafficMetric::Received);
            let expected = if connection { 1_600..1_900 } else { 2_050..2_138 };
            assert!(expected.contains(&received), "{received} with {transport:?}");
        }
    }
}

/// A scheduler of the user's own, kept within the model.
#[derive(Debug)]
struct Nasty;

impl Scheduler for Nasty {
    fn delay(&self, envelope: &Envelope) -> Span {
        if envelope.to.0.is_multiple_of(2) { Span::ZERO } else { Span(u64::MAX / 2) }
    }
}

#[test]
fn a_users_scheduler_stays_within_the_model() {
    let text = text(
        "\"traffic\"\ninterval = \"20ms\"\necho = false\nlimit = 20",
        100,
        "10s",
        "[network]\nmodel = \"uniform\"\nmin = \"2ms\"\nmax = \"40ms\"\n",
    );
    let mut ready = Ready::<Traffic>::new(&text);
    ready.scenario.conditions.assumed_bound = Some(ms(40));
    let kinds = <Traffic as Protocol>::Message::KINDS;
    let built = Conditions::build(&ready.scenario, &ready.network, kinds).expect("fits");
    let conditions = built.expect("some").with_scheduler(Arc::new(Nasty));
    let control = Control::default();
    let (protocol, scenario, network) = (&ready.protocol, &ready.scenario, &ready.network);
    let oracle = sequential::run_under(protocol, scenario, network, Some(&conditions), &control)
        .expect("runs");
    let sharded =
        run_under(protocol, scenario, network, Some(&conditions), &control).expect("runs");
    assert_eq!(invariant_part(&oracle), invariant_part(&sharded));
    let received = oracle.result.totals.of(TrafficMetric::Received);
    let (_, delivery) = &oracle.result.latencies[0];
    assert!((800..1_200).contains(&received), "half of 2000: {received}");
    // Those for even nodes took exactly the least delay; odd ones' never arrived.
    assert!(
        delivery.equivalent(delivery.max(), 2 * MS) && delivery.equivalent(delivery.min(), 2 * MS)
    );
    assert_eq!(oracle.result.conditions.expect("some").late, 2_000 - received);
}

/// Rounds aim at multiples of true time, which a fast clock reaches a little early.
#[test]
fn rounds_go_on_under_fast_clocks() {
    let text = text(
        "\"gossip\"\nrounds = true\nround = \"1s\"",
        1_000,
        "120s",
        "[network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"50ms\"\n",
    );
    let clock = ClockSpec { skew: ms(3), drift_ppm: 40.0 };
    let outcome = everywhere::<Gossip>(&text, &ConditionsSpec { clock, ..Default::default() });
    let totals = outcome.result.totals;
    assert_eq!(totals.of(GossipMetric::Coverage), 1_000);
    // Each informed node pushes once a round, also when it wakes before it: no more sends than
    // 1000 a round.
    let rounds = totals.of(GossipMetric::RoundsToAll) + 1;
    assert!((12..40).contains(&rounds), "{rounds}");
    assert!(totals.of(GossipMetric::Sends) < 1_000 * rounds, "{totals:?}");
}

/// Crashes that tile time hold their nodes down, without end if need be.
#[test]
fn crashes_that_take_turns_hold_a_node_down() {
    let text =
        text("\"traffic\"\ninterval = \"10ms\"", 20, "1s", "[network]\nmodel = \"uniform\"\n");
    let turn = |from: u64, last: u32| FaultSpec {
        at: at(from),
        heal: None,
        who: nodes(0, last),
        kind: FaultKind::Crash { keep_state: true },
        flap: Some(Flap { period: ms(20), on: ms(10), stagger: Span::ZERO }),
    };
    let conditions =
        ConditionsSpec { faults: vec![turn(100, 5), turn(110, 4)], ..Default::default() };
    let found = everywhere::<Traffic>(&text, &conditions).result.conditions.expect("some");
    // Five nodes are down for good from 100 ms on; the sixth half of the time, 45 times back.
    assert_eq!(found.down_ns, u128::from((5 * 900 + 450) * MS));
    assert_eq!(found.restarts, 45);
}

#[test]
fn crashes_that_flap_too_often_are_refused() {
    let text = text("\"traffic\"", 20, "10d", "[network]\nmodel = \"uniform\"\n");
    let mut ready = Ready::<Traffic>::new(&text);
    ready.scenario.conditions.faults = vec![FaultSpec {
        at: at(0),
        heal: None,
        who: nodes(0, 5),
        kind: FaultKind::Crash { keep_state: true },
        flap: Some(Flap { period: ms(2), on: ms(1), stagger: Span::ZERO }),
    }];
    let error = ready.try_sequential(&Control::default()).expect_err("refused").to_string();
    assert!(error.contains("fault[0]: comes and goes 432000000 times"), "{error}");
}
