//! One digest for each condition: what a scenario gives must not change unnoticed, down to the
//! numbers of the draws.
//!
//! Where a change is meant, CHANGELOG.md says so under Digests, and the new digest goes here.

use anthill_protocol::Span;

use super::messages::nodes;
use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, MS, at, ms, note, sealed};
use crate::conditions::{
    AdversarySpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec, ConditionsSpec, CpuSpec,
    Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, RatesSpec, ScheduleSpec, SelectionSpec,
};

/// Every node sends some notes, in bursts that queue.
fn digest(conditions: ConditionsSpec, network: &str) -> u64 {
    let mut case = Case::under(24, conditions).until(400 * MS).network(network);
    for from in 0..24u32 {
        for round in 0..6u32 {
            let to = |k: u32| (from + 1 + 5 * round + 7 * k) % 24;
            let id = 100 * from + 10 * round;
            let acts = [
                Act::Send(to(0), note(id, 300)),
                Act::Charge(40_000),
                Act::Send(to(1), sealed(id + 3, 2_000)),
                Act::Wait(u64::from(round) * 9 * MS, round),
            ];
            case = case.does(from, u64::from(from % 5 + 55 * round) * MS + u64::from(from), &acts);
        }
    }
    case.run().outcome.result.digest
}

const UNIFORM: &str = "model = \"uniform\"\nmin = \"5ms\"\nmax = \"25ms\"";
const PARTIAL: &str =
    "model = \"partial\"\nfloor = \"5ms\"\nmean = \"20ms\"\ngst = \"150ms\"\ndelta = \"60ms\"";

fn some(fraction: f64) -> SelectionSpec {
    SelectionSpec { fraction: Some(fraction), ..Default::default() }
}

fn fault(kind: FaultKind) -> ConditionsSpec {
    let entry = |from, to, flap| FaultSpec {
        at: at(from),
        heal: Some(at(to)),
        who: some(0.4),
        kind: kind.clone(),
        flap,
    };
    let flap = Flap { period: ms(40), on: ms(15), stagger: ms(5) };
    let faults = vec![entry(60, 200, None), entry(120, 350, Some(flap))];
    ConditionsSpec { faults, ..bandwidth(Some(4 * MBIT), Some(6 * MBIT)) }
}

fn damage() -> ImpairmentSpec {
    ImpairmentSpec {
        loss: 0.1,
        duplication: 0.2,
        reordering: 0.3,
        reordering_delay: ms(9),
        corruption: 0.1,
    }
}

fn churn(times: ChurnTimes, stationary: bool) -> ConditionsSpec {
    let churn = ChurnSpec { times, share: 0.8, keep_state: true, stationary };
    ConditionsSpec { churn: Some(churn), ..Default::default() }
}

fn adversary(behaviour: Behaviour) -> ConditionsSpec {
    let kinds = vec!["plain".to_owned()];
    let adversary = AdversarySpec { who: some(0.4), behaviour, kinds, probability: 0.7 };
    ConditionsSpec { adversary: Some(adversary), ..Default::default() }
}

fn schedule(schedule: ScheduleSpec) -> ConditionsSpec {
    ConditionsSpec { schedule: Some(schedule), ..adversary(Behaviour::Follow) }
}

fn all() -> Vec<(&'static str, ConditionsSpec, &'static str)> {
    let class = ClassSpec {
        name: "home".into(),
        share: 0.6,
        up: Some(2 * MBIT),
        down: None,
        latency: ms(4),
        sigma: 0.5,
        jitter: None,
        impairments: damage(),
    };
    let cpu = CpuSpec {
        cores: 2,
        scale: 1.5,
        receive: ms(3),
        send: ms(1),
        timer: Span(300_000),
        kib: ms(1),
        kinds: vec![("sealed".into(), ms(5))],
        ..CpuSpec::default()
    };
    let mut quantiles = bandwidth(None, None);
    let rates = quantiles.bandwidth.as_mut().expect("some");
    rates.queue_bytes = Some(2_500);
    let knots =
        |factor| vec![(0.0, factor * MBIT), (0.7, 3 * factor * MBIT), (1.0, 9 * factor * MBIT)];
    rates.rates = RatesSpec::Percentiles { name: "custom".into(), up: knots(1), down: knots(2) };
    let weibull = ChurnTimes::Weibull {
        session: ms(60),
        session_shape: 0.6,
        downtime: ms(20),
        downtime_shape: 0.8,
    };
    let exponential = ChurnTimes::Exponential { session: ms(60), downtime: ms(20) };
    let direction = Direction::Outgoing;
    let clock = ClockSpec { skew: ms(5), drift_ppm: 2_000.0 };
    let others = Some(nodes(0, 11));
    vec![
        ("nothing", ConditionsSpec::default(), UNIFORM),
        ("damage", ConditionsSpec { impairments: damage(), ..Default::default() }, UNIFORM),
        ("classes", ConditionsSpec { classes: vec![class], ..Default::default() }, UNIFORM),
        ("rates", bandwidth(Some(4 * MBIT), Some(2 * MBIT)), UNIFORM),
        ("quantiles", quantiles, UNIFORM),
        ("cpu", ConditionsSpec { cpu: Some(cpu), ..Default::default() }, UNIFORM),
        ("exponential", churn(exponential, false), UNIFORM),
        ("weibull", churn(weibull, true), UNIFORM),
        ("clocks", ConditionsSpec { clock, ..Default::default() }, UNIFORM),
        ("crash", fault(FaultKind::Crash { keep_state: false }), UNIFORM),
        ("partition", fault(FaultKind::Partition { others, direction }), UNIFORM),
        ("impair", fault(FaultKind::Impair { impairments: damage(), direction }), UNIFORM),
        ("delay", fault(FaultKind::Delay { by: ms(4), factor: 1.3, direction }), UNIFORM),
        ("throttle", fault(FaultKind::Rate { up: 0.3, down: 0.6 }), UNIFORM),
        ("silent", adversary(Behaviour::Silent), UNIFORM),
        ("late", adversary(Behaviour::Delay(ms(7))), UNIFORM),
        ("duplicate", adversary(Behaviour::Duplicate), UNIFORM),
        ("replay", adversary(Behaviour::Replay), UNIFORM),
        ("corrupt", adversary(Behaviour::Corrupt), UNIFORM),
        ("equivocate", adversary(Behaviour::Equivocate), UNIFORM),
        ("delay-honest", schedule(ScheduleSpec::DelayHonest { by: ms(30) }), PARTIAL),
        ("favour-byzantine", schedule(ScheduleSpec::FavourByzantine { by: ms(30) }), PARTIAL),
        ("split", schedule(ScheduleSpec::Split { heal: at(250) }), PARTIAL),
        (
            "hold",
            schedule(ScheduleSpec::Hold { kind: "plain".into(), timeout: ms(80), margin: ms(1) }),
            PARTIAL,
        ),
        ("reorder", schedule(ScheduleSpec::Reorder { by: ms(30) }), PARTIAL),
    ]
}

const DIGESTS: &[(&str, u64)] = &[
    ("nothing", 0x5495_810a_cb4a_0ba8),
    ("damage", 0xf3fa_3fd6_0f9a_a325),
    ("classes", 0x7e81_d97c_9ef0_c02b),
    ("rates", 0x359c_402e_5ae7_5777),
    ("quantiles", 0x9d7c_3248_2e8c_4d5c),
    ("cpu", 0x5e2b_e9b0_b066_6e8e),
    ("exponential", 0xedba_3bb4_82cd_4163),
    ("weibull", 0xe203_019d_07ca_87fc),
    ("clocks", 0xa916_5cc1_9332_5397),
    ("crash", 0x7a5a_e721_28c9_8bb3),
    ("partition", 0x7316_0e36_0909_8128),
    ("impair", 0x9bb4_8f44_c602_7e14),
    ("delay", 0x68c9_9ae4_817e_646d),
    ("throttle", 0x6e2f_be6e_438c_72f2),
    ("silent", 0xa64e_c43b_00a9_1c69),
    ("late", 0xd741_196c_aedf_acf2),
    ("duplicate", 0x5434_496b_5321_f5ea),
    ("replay", 0x6322_33f9_7026_dd1d),
    ("corrupt", 0x069b_4bb6_8731_f438),
    ("equivocate", 0x8f72_9acb_563e_4c7f),
    ("delay-honest", 0xc8e7_c6de_c7f9_d876),
    ("favour-byzantine", 0xf64d_eefa_2df1_bf9e),
    ("split", 0x0435_3b0d_353e_7cd8),
    ("hold", 0x76b0_ef2d_9629_26bb),
    ("reorder", 0xabf9_5aed_ffc5_578a),
];

#[test]
fn every_condition_has_the_digest_that_it_had() {
    let found: Vec<(&str, u64)> = all()
        .into_iter()
        .map(|(name, conditions, network)| (name, digest(conditions, network)))
        .collect();
    let text: String = found
        .iter()
        .map(|(name, digest)| format!("    (\"{name}\", 0x{digest:016x}),\n"))
        .collect();
    assert!(found == DIGESTS, "see the head of this file; found:\n{text}");
    // Each does something, and something else than the others.
    let distinct: std::collections::BTreeSet<u64> = found.iter().map(|(_, d)| *d).collect();
    assert_eq!(distinct.len(), found.len());
}
