//! Any conditions that a text can state, for the test that prints and reads scenarios.

use anthill_protocol::{Span, Time};
use proptest::prelude::*;
use proptest::{collection, option};

use super::round_trip::path;
use crate::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    ConditionsSpec, CpuSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, RatesSpec,
    Role, ScheduleSpec, SelectionSpec, Transport,
};
use crate::network::rates::{GERVAIS_2016_DOWN, GERVAIS_2016_UP};
use crate::network::{JitterSpec, ModelSpec, NetworkSpec, RegionsSpec};

/// What selections refer to.
#[derive(Clone, Debug)]
struct Population {
    nodes: u32,
    classes: Vec<String>,
    has_stakes: bool,
    has_adversary: bool,
}

pub(super) fn conditions(
    nodes: u32,
    until: Time,
    network: &NetworkSpec,
) -> impl Strategy<Value = ConditionsSpec> + use<> {
    let bound = match network.model {
        ModelSpec::Synchronous { delta, .. } | ModelSpec::Partial { delta, .. } => {
            prop_oneof![Just(Some(delta)), delay().prop_map(Some)].boxed()
        }
        _ => option::of(delay()).boxed(),
    };
    let has_stakes = network.node_file.is_some();
    let links = (
        option::of(bandwidth(network).boxed()),
        impairments().boxed(),
        classes().boxed(),
        transport().boxed(),
    );
    let own = (
        option::of(cpu().boxed()),
        option::of(churn().boxed()),
        clock().boxed(),
        bound,
        option::of(schedule().boxed()),
    );
    let (links, own) = (links.boxed(), own.boxed());
    (links, own, any::<bool>()).prop_flat_map(
        move |((bandwidth, impairments, classes, transport), own, has_adversary)| {
            let names = classes.iter().map(|class| class.name.clone()).collect();
            let population = Population { nodes, classes: names, has_stakes, has_adversary };
            let rated = |class: &ClassSpec| class.up.is_some() || class.down.is_some();
            let infinite = RatesSpec::Fixed { up: None, down: None };
            let have_rates = classes.iter().any(rated)
                || bandwidth.as_ref().is_some_and(|b| b.rates != infinite);
            let adversary = match has_adversary {
                true => adversary(&population).prop_map(Some).boxed(),
                false => Just(None).boxed(),
            };
            let faults = collection::vec(fault(&population, until, have_rates).boxed(), 0..4);
            (adversary, faults).prop_map(move |(adversary, mut faults)| {
                let (cpu, mut churn, clock, assumed_bound, schedule) = own.clone();
                // Far from where it would come and go for ever.
                if let Some(
                    ChurnTimes::Exponential { session, .. } | ChurnTimes::Weibull { session, .. },
                ) = churn.as_mut().map(|churn| &mut churn.times)
                {
                    *session = (*session).max(Span((until.0 / 100).max(1)));
                }
                // These may not overlap on the same nodes.
                let mut kinds = Vec::new();
                faults.retain(|fault| {
                    let kind = std::mem::discriminant(&fault.kind);
                    let alike = kinds.contains(&kind);
                    kinds.push(kind);
                    !alike || fault.who.fraction.is_some()
                });
                let needs_adversary = matches!(
                    schedule,
                    Some(ScheduleSpec::DelayHonest { .. } | ScheduleSpec::FavourByzantine { .. })
                );
                ConditionsSpec {
                    bandwidth: bandwidth.clone(),
                    impairments: impairments.clone(),
                    classes: classes.clone(),
                    transport,
                    cpu,
                    churn,
                    clock,
                    faults,
                    schedule: schedule.filter(|_| !needs_adversary || adversary.is_some()),
                    adversary,
                    assumed_bound,
                }
            })
        },
    )
}

fn delay() -> impl Strategy<Value = Span> {
    prop_oneof![(1..=1_u64 << 50).prop_map(Span), (1..=10_000_u64).prop_map(Span::from_millis)]
}

fn delay_or_zero() -> impl Strategy<Value = Span> {
    prop_oneof![Just(Span::ZERO), delay()]
}

fn cost() -> impl Strategy<Value = Span> {
    delay_or_zero().prop_map(|span| span.min(Span::from_secs(3_600)))
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0]
}

fn rate() -> impl Strategy<Value = u64> {
    prop_oneof![1..=u64::MAX, (1..=1_000_u64).prop_map(|rate| rate * 1_000_000)]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z\"\\\\ é.-]{1,6}"
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Datagram), Just(Transport::Connection)]
}

fn impairments() -> impl Strategy<Value = ImpairmentSpec> {
    (share(), share(), share(), share(), delay()).prop_map(
        |(loss, duplication, reordering, corruption, delay)| ImpairmentSpec {
            loss,
            duplication,
            reordering,
            reordering_delay: if reordering > 0.0 { delay } else { Span::ZERO },
            corruption,
        },
    )
}

fn bandwidth(network: &NetworkSpec) -> impl Strategy<Value = BandwidthSpec> + use<> {
    let has_preset = matches!(&network.model, ModelSpec::Regional {
        regions: RegionsSpec::Preset(name), ..
    } if name == "bitcoin-2019");
    let has_file = network.node_file.is_some();
    let fixed = (option::of(rate()), option::of(rate()));
    let by_region = collection::btree_map(name(), (rate(), rate()), 1..4);
    let rates = prop_oneof![
        fixed.prop_map(|(up, down)| RatesSpec::Fixed { up, down }),
        Just(if has_preset { RatesSpec::Preset } else { gervais() }),
        Just(if has_file { RatesSpec::NodeFile } else { gervais() }),
        by_region.prop_map(|regions| {
            let region = |(name, (up, down))| (name, up, down);
            RatesSpec::Regions(regions.into_iter().map(region).collect())
        }),
        (quantiles(), quantiles())
            .prop_map(|(up, down)| { RatesSpec::Percentiles { name: "custom".into(), up, down } }),
    ];
    (rates, option::of(rate()), option::of(1..=u64::MAX), rate()).prop_map(
        |(rates, cap, queue_bytes, other)| {
            let infinite = rates == RatesSpec::Fixed { up: None, down: None };
            let cap = if infinite { Some(cap.unwrap_or(other)) } else { cap };
            BandwidthSpec { rates, cap, queue_bytes }
        },
    )
}

fn gervais() -> RatesSpec {
    RatesSpec::Percentiles {
        name: "gervais-2016".into(),
        up: GERVAIS_2016_UP.to_vec(),
        down: GERVAIS_2016_DOWN.to_vec(),
    }
}

fn quantiles() -> impl Strategy<Value = Vec<(f64, u64)>> {
    (collection::vec(0.001..0.999, 0..4), collection::vec(rate(), 6)).prop_map(
        |(mut probabilities, mut rates)| {
            probabilities.extend([0.0, 1.0]);
            probabilities.sort_unstable_by(f64::total_cmp);
            probabilities.dedup();
            rates.sort_unstable();
            probabilities.into_iter().zip(rates).collect()
        },
    )
}

fn class_jitter() -> impl Strategy<Value = JitterSpec> {
    prop_oneof![
        (0.01..4.0).prop_map(|sigma| JitterSpec::Lognormal { sigma }),
        (0.1..100.0).prop_map(|shape| JitterSpec::Gamma { shape }),
        Just(JitterSpec::Pareto),
    ]
}

fn classes() -> impl Strategy<Value = Vec<ClassSpec>> {
    let names = prop_oneof![Just("home".to_owned()), Just("bad".to_owned()), name()];
    let class = (
        option::of(rate()),
        option::of(rate()),
        delay_or_zero(),
        (prop_oneof![Just(0.0), 0.0..=4.0], option::of(class_jitter())),
        impairments(),
        0.0..=0.25,
    );
    collection::btree_map(names, class, 0..4).prop_map(|classes| {
        let class = |(name, (up, down, latency, (sigma, jitter), impairments, share))| {
            let jitter: Option<JitterSpec> = if latency > Span::ZERO { jitter } else { None };
            let varies = latency > Span::ZERO && jitter.is_none();
            let sigma = if varies { sigma } else { 0.0 };
            ClassSpec { name, share, up, down, latency, sigma, jitter, impairments }
        };
        classes.into_iter().map(class).collect()
    })
}

fn cpu() -> impl Strategy<Value = CpuSpec> {
    let kind = prop_oneof![Just("data".to_owned()), Just("inv".to_owned())];
    let kinds = collection::btree_map(kind, cost(), 0..3);
    let costs = (cost(), cost(), cost(), cost(), cost(), cost());
    (1..=1_024_u32, prop_oneof![Just(1.0), 1e-3..=1e3], costs, kinds).prop_map(
        |(cores, scale, (receive, send, timer, kib, sign, verify), kinds)| CpuSpec {
            cores,
            scale,
            receive,
            send,
            timer,
            kib,
            sign,
            verify,
            kinds: kinds.into_iter().collect(),
        },
    )
}

fn churn() -> impl Strategy<Value = ChurnSpec> {
    let times = prop_oneof![
        (delay(), delay())
            .prop_map(|(session, downtime)| ChurnTimes::Exponential { session, downtime }),
        (delay(), 0.2..=10.0, delay(), 0.2..=10.0).prop_map(
            |(session, session_shape, downtime, downtime_shape)| ChurnTimes::Weibull {
                session,
                session_shape,
                downtime,
                downtime_shape,
            }
        ),
        path().prop_map(ChurnTimes::Trace),
    ];
    (times, share(), any::<bool>(), any::<bool>()).prop_map(
        |(times, share, keep_state, stationary)| {
            let traced = matches!(times, ChurnTimes::Trace(_));
            ChurnSpec {
                times,
                share: if traced { 1.0 } else { share },
                keep_state,
                stationary: stationary && !traced,
            }
        },
    )
}

fn clock() -> impl Strategy<Value = ClockSpec> {
    let drift = prop_oneof![Just(0.0), 0.0..=100_000.0];
    (delay_or_zero(), drift).prop_map(|(skew, drift_ppm)| ClockSpec { skew, drift_ppm })
}

/// Some of the filters, at least one.
fn selection(
    population: &Population,
    is_adversary: bool,
) -> impl Strategy<Value = SelectionSpec> + use<> {
    let Population { nodes, classes, has_stakes, has_adversary } = population.clone();
    let ranges = collection::vec(0..nodes, 0..6).prop_map(|mut ends| {
        ends.sort_unstable();
        // Apart by more than one, or they would be read as one.
        ends.dedup_by(|b, a| *b - *a < 2);
        let pairs = ends.chunks(2).map(|pair| (pair[0], pair[pair.len() - 1]));
        pairs.collect::<Vec<_>>()
    });
    let regions = collection::btree_set(name(), 0..3);
    let classes = prop::sample::subsequence(classes.clone(), 0..=classes.len());
    let roles: Vec<Option<Role>> = match (is_adversary, has_adversary) {
        (true, _) => vec![None],
        (false, false) => vec![None, Some(Role::Honest)],
        (false, true) => vec![None, Some(Role::Honest), Some(Role::Adversary)],
    };
    let top = option::of(1..=nodes).prop_map(move |top| top.filter(|_| has_stakes));
    let fraction = option::of(0.5..=1.0);
    (ranges, regions, classes, prop::sample::select(roles), top, fraction).prop_map(
        |(nodes, regions, classes, role, stake_top, fraction)| {
            let regions = regions.into_iter().collect();
            let spec = SelectionSpec { nodes, regions, role, classes, stake_top, fraction };
            match spec == SelectionSpec::default() {
                true => SelectionSpec { nodes: vec![(0, 0)], ..spec },
                false => spec,
            }
        },
    )
}

fn adversary(population: &Population) -> impl Strategy<Value = AdversarySpec> + use<> {
    let behaviour = prop_oneof![
        Just(Behaviour::Follow),
        Just(Behaviour::Silent),
        delay().prop_map(Behaviour::Delay),
        Just(Behaviour::Duplicate),
        Just(Behaviour::Replay),
        Just(Behaviour::Corrupt),
        Just(Behaviour::Equivocate),
    ];
    let kinds = prop::sample::subsequence(vec!["inv".to_owned(), "data".to_owned()], 0..=2);
    (selection(population, true), behaviour, kinds, share()).prop_map(
        |(who, behaviour, kinds, probability)| match behaviour {
            Behaviour::Follow => {
                AdversarySpec { who, behaviour, kinds: Vec::new(), probability: 1.0 }
            }
            _ => AdversarySpec { who, behaviour, kinds, probability },
        },
    )
}

fn schedule() -> impl Strategy<Value = ScheduleSpec> {
    prop_oneof![
        delay().prop_map(|by| ScheduleSpec::DelayHonest { by }),
        delay().prop_map(|by| ScheduleSpec::FavourByzantine { by }),
        (1..=u64::MAX).prop_map(|heal| ScheduleSpec::Split { heal: Time(heal) }),
        (delay(), delay()).prop_filter("distinct", |(a, b)| a != b).prop_map(|(a, b)| {
            ScheduleSpec::Hold { kind: "data".into(), timeout: a.max(b), margin: a.min(b) }
        }),
        delay().prop_map(|by| ScheduleSpec::Reorder { by }),
    ]
}

fn fault(
    population: &Population,
    until: Time,
    have_rates: bool,
) -> impl Strategy<Value = FaultSpec> + use<> {
    let times = (0..until.0, option::of(1..=u64::MAX));
    let who = selection(population, false);
    let others = option::of(selection(population, false));
    let kind = (fault_kind(have_rates), others);
    let flap = option::of((delay(), delay(), delay()));
    (times, who, kind, flap, Just(population.nodes)).prop_map(
        move |((at, lasts), who, (mut kind, side), flap, nodes)| {
            let everyone = who.nodes == [(0, nodes - 1)];
            if let FaultKind::Partition { others, .. } = &mut kind {
                *others = side.or_else(|| everyone.then(|| who.clone()));
            }
            let is_crash = matches!(kind, FaultKind::Crash { .. });
            let heal = lasts.and_then(|lasts| at.checked_add(lasts)).map(Time);
            let flap = flap.map(|(period, on, stagger)| {
                let period = Span(period.0.max(2).max(until.0 / 50_000));
                let on = Span((on.0 % period.0).max(1));
                let stagger = if is_crash { stagger.0.min(period.0 - on.0) } else { 0 };
                Flap { period, on, stagger: Span(stagger) }
            });
            FaultSpec { at: Time(at), heal, who, kind, flap }
        },
    )
}

fn fault_kind(have_rates: bool) -> impl Strategy<Value = FaultKind> {
    let way =
        || prop_oneof![Just(Direction::Both), Just(Direction::Outgoing), Just(Direction::Incoming)];
    let impair =
        (0..4_usize, 1e-9..=1.0, delay(), way()).prop_map(|(which, share, delay, direction)| {
            let mut impairments = ImpairmentSpec::default();
            match which {
                0 => impairments.loss = share,
                1 => impairments.duplication = share,
                2 => impairments.corruption = share,
                _ => impairments.reordering = share,
            }
            if impairments.reordering > 0.0 {
                impairments.reordering_delay = delay;
            }
            FaultKind::Impair { impairments, direction }
        });
    let rate = (1e-6..=10.0, 1e-6..=10.0).prop_map(move |(up, down)| match have_rates {
        true => FaultKind::Rate { up, down },
        false => FaultKind::Crash { keep_state: true },
    });
    prop_oneof![
        way().prop_map(|direction| FaultKind::Partition { others: None, direction }),
        any::<bool>().prop_map(|keep_state| FaultKind::Crash { keep_state }),
        impair,
        (delay(), prop_oneof![Just(1.0), 1.0..=1e3], way())
            .prop_map(|(by, factor, direction)| FaultKind::Delay { by, factor, direction }),
        rate,
    ]
}
