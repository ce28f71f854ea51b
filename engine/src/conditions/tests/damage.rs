//! Loss, duplication, holding back and corruption: shares of messages where there are several
//! causes, and what exactly happens to one.

use std::collections::BTreeMap;

use anthill_protocol::draw::draw;
use anthill_protocol::{NodeId, Span};

use super::messages::nodes;
use super::script::{Act, Case, DELAY, MS, at, note, sealed};
use crate::conditions::{
    ClassSpec, ConditionsSpec, Direction, FaultKind, FaultSpec, ImpairmentSpec,
};

fn loss(loss: f64) -> ImpairmentSpec {
    ImpairmentSpec { loss, ..Default::default() }
}

fn class(name: &str, share: f64, impairments: ImpairmentSpec) -> ClassSpec {
    ClassSpec {
        name: name.into(),
        share,
        up: None,
        down: None,
        latency: Span::ZERO,
        sigma: 0.0,
        jitter: None,
        impairments,
    }
}

fn always(impairments: ImpairmentSpec, node: u32) -> FaultSpec {
    let kind = FaultKind::Impair { impairments, direction: Direction::Both };
    FaultSpec { at: at(0), heal: None, who: nodes(node, node), kind, flap: None }
}

/// Node 0 sends so many notes to node 1, one after the other.
fn volley(conditions: ConditionsSpec, count: u32) -> Case {
    let acts: Vec<Act> = (0..count).map(|id| Act::Send(1, note(id, 4))).collect();
    Case::under(2, conditions).does(0, 0, &acts)
}

const MANY: u32 = 10_000;

/// Each cause spares a message by draws of its own: the shares that survive multiply.
#[test]
fn causes_of_loss_are_independent() {
    let two_ends =
        ConditionsSpec { classes: vec![class("all", 1.0, loss(0.3))], ..Default::default() };
    let everything = ConditionsSpec {
        impairments: loss(0.2),
        faults: vec![always(loss(0.4), 0), always(loss(0.5), 1), always(loss(0.5), 1)],
        ..two_ends.clone()
    };
    let network = ConditionsSpec { impairments: loss(0.3), ..Default::default() };
    for (conditions, survive) in
        [(network, 0.7), (two_ends, 0.7 * 0.7), (everything, 0.7 * 0.7 * 0.8 * 0.6 * 0.5 * 0.5)]
    {
        let ran = volley(conditions, MANY).run();
        let found = ran.ids(1).len() as f64;
        let (n, p) = (f64::from(MANY), survive);
        let deviations = (found - n * p) / libm::sqrt(n * p * (1.0 - p));
        assert!(deviations.abs() < 4.0, "{found} survive of {n}, not {}", n * p);
        assert_eq!(ran.totals().lost, u64::from(MANY) - ran.ids(1).len() as u64);
        assert_eq!(ran.outcome.result.totals.messages, u64::from(MANY));
    }
}

/// A class strikes what its nodes send and what they receive, and nobody else.
#[test]
fn a_class_impairs_both_ways_and_its_own_nodes_alone() {
    let conditions =
        ConditionsSpec { classes: vec![class("deaf", 0.5, loss(1.0))], ..Default::default() };
    let mut case = Case::under(12, conditions);
    let (_, _, built) = case.built();
    let classes = built.expect("some").classes.expect("some");
    let is_deaf = |node: u32| classes.of(NodeId(node)).is_some();
    assert!((1..12).contains(&(0..12).filter(|node| is_deaf(*node)).count()));
    let pairs: Vec<(u32, u32)> =
        (0..12).flat_map(|a| (0..12).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
    for (from, to) in &pairs {
        case = case.sends(*from, MS, *to, note(*from, 4));
    }
    let ran = case.run();
    for (from, to) in pairs {
        let arrives = ran.ids(to).contains(&from);
        assert_eq!(arrives, !is_deaf(from) && !is_deaf(to), "{from} to {to}");
    }
}

/// Shares of classes are those of the nodes: the first so many of the draws, and so on.
#[test]
fn classes_have_their_shares() {
    let conditions = ConditionsSpec {
        classes: vec![class("a", 0.2, loss(0.1)), class("b", 0.5, loss(0.1))],
        ..Default::default()
    };
    let (_, _, built) = Case::under(2, conditions).built();
    let classes = built.expect("some").classes.expect("some");
    let mut counts = BTreeMap::new();
    for node in 0..MANY {
        *counts.entry(classes.of(NodeId(node))).or_insert(0.0) += 1.0;
    }
    let n = f64::from(MANY);
    for (class, share) in [(Some(0), 0.2), (Some(1), 0.5), (None, 0.3)] {
        let deviations = (counts[&class] - n * share) / libm::sqrt(n * share * (1.0 - share));
        assert!(deviations.abs() < 4.0, "{class:?}: {}", counts[&class]);
    }
}

/// Three classes of a third each leave nobody out.
#[test]
fn shares_that_sum_to_one_leave_nobody_out() {
    let third = 1.0 / 3.0;
    let conditions = ConditionsSpec {
        classes: ["a", "b", "c"].map(|name| class(name, third, loss(0.1))).to_vec(),
        ..Default::default()
    };
    let (_, _, built) = Case::under(2, conditions).built();
    let classes = built.expect("some").classes.expect("some");
    assert!((0..MANY).all(|node| classes.of(NodeId(node)).is_some()));
}

/// The copy of a doubled message takes a delay of its own, drawn from the same network.
#[test]
fn a_copy_has_a_delay_of_its_own() {
    let impairments = ImpairmentSpec { duplication: 1.0, ..Default::default() };
    let conditions = ConditionsSpec { impairments, ..Default::default() };
    let ran = volley(conditions, 1_000)
        .network("model = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"")
        .run();
    assert_eq!((ran.totals().duplicated, ran.outcome.result.totals.messages), (1_000, 1_000));
    let mut by_sequence: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for key in ran.arrivals(1) {
        by_sequence.entry(key.sequence).or_default().push(key.time.0);
    }
    let (mut first_is_later, mut sum) = (0, 0.0);
    assert_eq!(by_sequence.len(), 1_000);
    for (sequence, times) in by_sequence {
        let delay = ran.network.delay(NodeId(0), NodeId(1), sequence).0;
        let [a, b] = times[..] else { panic!("{} arrivals", times.len()) };
        assert!(a == delay || b == delay, "one of both is the message itself");
        let copy = a + b - delay;
        assert!((10 * MS..=20 * MS).contains(&copy) && copy != delay);
        first_is_later += u32::from(copy < delay);
        sum += (copy as f64 / MS as f64 - 15.0) * (delay as f64 / MS as f64 - 15.0);
    }
    assert!((440..560).contains(&first_is_later), "{first_is_later} of 1000");
    // Independent: the covariance of a thousand pairs, of variance 100/12 each, is 0 ± 0.26.
    assert!((sum / 1_000.0).abs() < 1.1, "covariance {}", sum / 1_000.0);
}

/// A copy is not held back, but passes both access links by delays of its own.
#[test]
fn a_copy_is_not_held_back() {
    let impairments = ImpairmentSpec {
        duplication: 1.0,
        reordering: 1.0,
        reordering_delay: Span(3),
        ..Default::default()
    };
    let mut slow = class("slow", 1.0, ImpairmentSpec::default());
    slow.latency = Span(5 * MS);
    let conditions = ConditionsSpec { impairments, classes: vec![slow], ..Default::default() };
    let ran = volley(conditions.clone(), 3_000).run();
    assert_eq!((ran.totals().reordered, ran.totals().duplicated), (3_000, 3_000));
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for instant in ran.instants(1) {
        *counts.entry(instant - DELAY - 10 * MS).or_default() += 1;
    }
    assert_eq!(counts[&0], 3_000, "the copies");
    // Held back by 1 to 3 ns, uniformly: 1000 ± 26 each.
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(counts.values().skip(1).all(|count| (880..1_120).contains(count)), "{counts:?}");

    // Access delays are drawn for each end and for each copy.
    let mut varied = conditions;
    varied.classes[0].sigma = 0.5;
    varied.impairments.reordering = 0.0;
    let ran = volley(varied, 1_000).run();
    let extra: Vec<u64> = ran.instants(1).iter().map(|at| at - DELAY).collect();
    let mut distinct = extra.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 1_990, "{} distinct of 2000", distinct.len());
    // Twice a lognormal around 5 ms of σ 0.5, whose mean is 5 e^(1/8) = 5.67 ms and deviation 3.02.
    let mean = extra.iter().sum::<u64>() as f64 / 2_000.0 / MS as f64;
    let error = 3.02 * libm::sqrt(2.0) / libm::sqrt(2_000.0);
    assert!((mean - 2.0 * 5.666).abs() < 4.0 * error, "{mean}");
    let variance = extra.iter().map(|x| libm::pow(*x as f64 / MS as f64 - mean, 2.0)).sum::<f64>();
    // The two ends vary independently: the variances add up.
    assert!((variance / 2_000.0 / (2.0 * 3.02 * 3.02) - 1.0).abs() < 0.3, "{variance}");
}

/// Several causes that hold back add up.
#[test]
fn what_holds_back_adds_up() {
    let held = ImpairmentSpec { reordering: 1.0, reordering_delay: Span(1), ..Default::default() };
    let conditions = ConditionsSpec {
        impairments: held.clone(),
        classes: vec![class("all", 1.0, held.clone())],
        faults: vec![always(held, 1)],
        ..Default::default()
    };
    let ran = volley(conditions, 1).run();
    assert_eq!(ran.got(1), [(0, DELAY + 4)]);
    assert_eq!(ran.totals().reordered, 1);
}

/// Exactly one bit of the wire form is flipped, each as likely as any other.
#[test]
fn corruption_flips_one_uniform_bit() {
    let impairments = ImpairmentSpec { corruption: 1.0, ..Default::default() };
    let conditions = ConditionsSpec { impairments, ..Default::default() };
    let acts: Vec<Act> = (0..3_200).map(|_| Act::Send(1, note(0, 4))).collect();
    let ran = Case::under(2, conditions.clone()).does(0, 0, &acts).run();
    assert_eq!((ran.totals().corrupted, ran.totals().undecodable), (3_200, 0));
    let mut counts = [0u32; 32];
    for id in ran.ids(1) {
        assert_eq!(id.count_ones(), 1, "{id:b}");
        counts[id.trailing_zeros() as usize] += 1;
    }
    assert!(counts.iter().all(|count| (60..=140).contains(count)), "{counts:?}");

    // What does not decode is dropped, and both copies are corrupted alike.
    let mut doubled = conditions;
    doubled.impairments.duplication = 1.0;
    let ran = Case::under(2, doubled)
        .does(0, 0, &[Act::Send(1, sealed(3, 8)), Act::Send(1, note(0, 4))])
        .run();
    let found = ran.totals();
    assert_eq!((found.corrupted, found.undecodable, found.duplicated), (2, 1, 2));
    let [a, b] = ran.ids(1)[..] else { panic!("{:?}", ran.ids(1)) };
    assert!(a == b && a.count_ones() == 1);
    assert_eq!(ran.outcome.result.totals.messages, 2, "once each");
}

/// Each effect of each impairment has draws of its own: what one does says nothing of the others.
#[test]
fn effects_strike_independently_of_each_other() {
    let half = ImpairmentSpec {
        loss: 0.0,
        duplication: 0.5,
        reordering: 0.5,
        reordering_delay: Span(1),
        corruption: 0.5,
    };
    let conditions = ConditionsSpec { impairments: half, ..Default::default() };
    let ran = volley(conditions, MANY).run();
    // By message: doubled, held back, corrupted.
    let mut fates: BTreeMap<u32, (u32, u32, bool)> = BTreeMap::new();
    for ((key, _), (id, time)) in ran.arrivals(1).iter().map(|key| (*key, ())).zip(ran.got(1)) {
        let fate = fates.entry(key.sequence).or_default();
        fate.0 += 1;
        fate.1 += u32::from(time == DELAY + 1);
        // Steps and timers come first: node 0's only timer has number 0.
        fate.2 |= id != key.sequence - 1;
    }
    let mut counts: BTreeMap<(bool, bool, bool), u32> = BTreeMap::new();
    for (copies, held, corrupted) in fates.values() {
        *counts.entry((*copies == 2, *held > 0, *corrupted)).or_default() += 1;
    }
    // An eighth each: 1250 ± 33.
    assert_eq!(counts.len(), 8);
    assert!(counts.values().all(|count| (1_100..1_400).contains(count)), "{counts:?}");
}

/// Thresholds that no draw reaches and that all draws reach.
#[test]
fn shares_of_zero_and_one_are_never_and_always() {
    let key =
        anthill_protocol::draw::stream(1, anthill_protocol::draw::Purpose::Impairment, NodeId(0));
    let draws: Vec<u64> = (0..1_000).map(|i| draw(key, i)).collect();
    let strikes = |share| {
        let threshold = super::super::links::Impairment::new(&loss(share)).loss;
        draws.iter().filter(|bits| **bits < threshold).count()
    };
    assert_eq!((strikes(0.0), strikes(1.0)), (0, 1_000));
    assert!((430..570).contains(&strikes(0.5)));
}
