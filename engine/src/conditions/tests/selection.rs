//! Whom a selection names, and what conditions cost in memory.

use std::collections::BTreeSet;

use anthill_protocol::NodeId;

use super::churn::Folder;
use super::messages::nodes;
use super::script::{Case, at, ms};
use crate::conditions::selection::Members;
use crate::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ClassSpec, Conditions, ConditionsSpec, FaultKind,
    FaultSpec, RatesSpec, Role, SelectionSpec,
};

const N: u32 = 200;

/// A file of nodes: region, rates and stake of each.
fn file() -> Folder {
    let folder = Folder::new();
    let regions = ["us-east-1", "eu-west-1", "eu-central-1"];
    let mut rows = "id,region,up,down,stake\n".to_owned();
    for id in 0..N {
        // Stakes 0 to 9 come again and again: many ties.
        let (region, stake) = (regions[id as usize % 3], id % 10);
        rows += &format!("{id},{region},{}Mbit,{}Mbit,{stake}\n", id + 1, 2 * id + 2);
    }
    std::fs::write(folder.0.join("nodes.csv"), rows).expect("writes");
    folder
}

struct Place {
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        Self { folder: file() }
    }

    fn case(&self, conditions: ConditionsSpec) -> Case {
        let path = self.folder.0.join("nodes.csv");
        Case::under(N, conditions)
            .network(&format!("preset = \"aws-p50\"\nnode_file = {:?}", path.display().to_string()))
    }

    fn build(&self, conditions: ConditionsSpec) -> Result<Conditions, String> {
        let case = self.case(conditions);
        let (scenario, network) = (case.scenario(), case.built_network());
        let built = Conditions::build(&scenario, &network, &["plain"]).map_err(|e| e.to_string());
        built.map(|conditions| conditions.expect("some"))
    }

    /// Whom the entries of a timeline strike.
    fn struck(&self, conditions: ConditionsSpec) -> Vec<Vec<u32>> {
        let built = self.build(conditions).unwrap_or_else(|error| panic!("{error}"));
        let faults = built.faults.expect("some");
        let of = |members: &Members| {
            let all: Vec<u32> = (0..N).filter(|id| members.contains(NodeId(*id))).collect();
            assert_eq!(members.count() as usize, all.len());
            all
        };
        faults.crashed().into_iter().map(of).collect()
    }

    fn one(&self, who: SelectionSpec) -> Vec<u32> {
        self.struck(slow(vec![who])).remove(0)
    }
}

fn slow(who: Vec<SelectionSpec>) -> ConditionsSpec {
    let fault = |who| FaultSpec {
        at: at(1),
        heal: None,
        who,
        kind: FaultKind::Crash { keep_state: true },
        flap: None,
    };
    ConditionsSpec {
        faults: who.into_iter().map(fault).collect(),
        classes: ["home", "bad"]
            .map(|name| ClassSpec {
                name: name.into(),
                share: 0.4,
                up: None,
                down: None,
                latency: ms(1),
                sigma: 0.0,
                jitter: None,
                impairments: Default::default(),
            })
            .to_vec(),
        adversary: Some(AdversarySpec {
            who: nodes(10, 29),
            behaviour: Behaviour::Follow,
            kinds: Vec::new(),
            probability: 1.0,
        }),
        ..Default::default()
    }
}

fn all_that(of: impl Fn(u32) -> bool) -> Vec<u32> {
    (0..N).filter(|id| of(*id)).collect()
}

#[test]
fn every_filter_names_its_nodes() {
    let place = Place::new();
    let any = SelectionSpec::default();
    let ranges = SelectionSpec { nodes: vec![(0, 0), (63, 65), (199, 199)], ..any.clone() };
    assert_eq!(place.one(ranges), [0, 63, 64, 65, 199]);
    let regions =
        SelectionSpec { regions: vec!["eu-west-1".into(), "us-east-1".into()], ..any.clone() };
    assert_eq!(place.one(regions), all_that(|id| id % 3 != 2));
    let role = |role| SelectionSpec { role: Some(role), ..any.clone() };
    assert_eq!(place.one(role(Role::Adversary)), all_that(|id| (10..=29).contains(&id)));
    assert_eq!(place.one(role(Role::Honest)), all_that(|id| !(10..=29).contains(&id)));
    // Stake 9 first, ties by the lower id: 20 nodes each.
    let top = |n| SelectionSpec { stake_top: Some(n), ..any.clone() };
    assert_eq!(place.one(top(1)), [9]);
    assert_eq!(place.one(top(3)), [9, 19, 29]);
    assert_eq!(place.one(top(20)), all_that(|id| id % 10 == 9));
    assert_eq!(place.one(top(22)), all_that(|id| id % 10 == 9 || id == 8 || id == 18));
    assert_eq!(place.one(top(200)).len(), 200);
    assert_eq!(place.one(top(1_000)).len(), 200, "more than there are");
    // All that are given must match.
    let both = SelectionSpec {
        nodes: vec![(0, 99)],
        regions: vec!["eu-central-1".into()],
        role: Some(Role::Adversary),
        stake_top: Some(100),
        ..any
    };
    let expected = all_that(|id| (10..30).contains(&id) && id % 3 == 2 && id % 10 >= 5);
    assert_eq!(place.one(both), expected);
}

#[test]
fn classes_name_their_nodes() {
    let place = Place::new();
    let built = place.build(slow(vec![nodes(0, 0)])).expect("fits");
    let classes = built.classes.as_ref().expect("some");
    let of = |names: &[&str]| SelectionSpec {
        classes: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    let class = |id| classes.of(NodeId(id));
    assert_eq!(place.one(of(&["home"])), all_that(|id| class(id) == Some(0)));
    assert_eq!(place.one(of(&["bad"])), all_that(|id| class(id) == Some(1)));
    assert_eq!(place.one(of(&["bad", "home"])), all_that(|id| class(id).is_some()));
    assert!((20..140).contains(&place.one(of(&["bad"])).len()));
}

/// Exactly round(f · m) of the m nodes left, by draws of the entry's own.
#[test]
fn a_fraction_is_exact_and_each_entry_draws_its_own() {
    let place = Place::new();
    let of =
        |fraction, nodes| SelectionSpec { fraction: Some(fraction), nodes, ..Default::default() };
    for (fraction, expected) in [(0.5, 100), (0.251, 50), (0.2525, 51), (1.0, 200), (0.0026, 1)] {
        assert_eq!(place.one(of(fraction, vec![])).len(), expected, "{fraction}");
    }
    let some = place.one(of(0.3, vec![(50, 149)]));
    assert_eq!(some.len(), 30);
    assert!(some.iter().all(|id| (50..=149).contains(id)));
    let entries = place.struck(slow(vec![of(0.5, vec![]); 3]));
    assert!(entries[0] != entries[1] && entries[1] != entries[2] && entries[0] != entries[2]);
    // Adding one at the end leaves the others' as they were.
    assert_eq!(place.struck(slow(vec![of(0.5, vec![]); 2])), entries[..2]);
    // Every node is as likely as any other: over 60 entries each is struck 30 ± 3.9 times.
    let mut counts = [0; N as usize];
    let entries = place.struck(slow(vec![of(0.5, vec![]); 60]));
    entries.iter().flatten().for_each(|id| counts[*id as usize] += 1);
    assert!(counts.iter().all(|count| (13..=47).contains(count)), "{counts:?}");
    let distinct: BTreeSet<&Vec<u32>> = entries.iter().collect();
    assert_eq!(distinct.len(), 60);
}

#[test]
fn selections_that_do_not_fit_are_refused_by_name() {
    let place = Place::new();
    let refused = |who| place.build(slow(vec![who])).expect_err("refused");
    let any = SelectionSpec::default();
    let region = refused(SelectionSpec { regions: vec!["eu-west-2".into()], ..any.clone() });
    assert!(region.starts_with("fault[0]: no region \"eu-west-2\" holds nodes"), "{region}");
    let class = refused(SelectionSpec { classes: vec!["bat".into()], ..any.clone() });
    assert!(
        class.starts_with("fault[0]: no link class \"bat\"") && class.contains("\"bad\""),
        "{class}"
    );
    let nobody =
        refused(SelectionSpec { nodes: vec![(0, 5)], role: Some(Role::Adversary), ..any.clone() });
    assert!(nobody.contains("fault[0]: names no node of this network"), "{nobody}");
    // Without a file nobody has a stake.
    let mut conditions = slow(vec![SelectionSpec { stake_top: Some(1), ..any }]);
    conditions.adversary = None;
    let case = Case::under(9, conditions);
    let (scenario, network) = (case.scenario(), case.built_network());
    let stakes = Conditions::build(&scenario, &network, &["plain"]).expect_err("no stakes");
    let stakes = stakes.to_string();
    assert!(stakes.contains("fault[0].stake_top: needs network.node_file"), "{stakes}");
}

/// Sides of a partition that leave nobody on one of them.
#[test]
fn partitions_without_two_sides_are_refused() {
    let place = Place::new();
    let build = |who, others| {
        let mut conditions = slow(vec![who]);
        let direction = Default::default();
        conditions.faults[0].kind = FaultKind::Partition { others, direction };
        place.build(conditions)
    };
    let everybody = build(nodes(0, N - 1), None).expect_err("refused");
    assert!(everybody.contains("strikes every node"), "{everybody}");
    assert!(build(nodes(0, N - 2), None).is_ok());
    // Shares on both sides are drawn apart.
    let half = || SelectionSpec { fraction: Some(0.5), ..Default::default() };
    assert!(build(half(), Some(half())).is_ok());
    let within = build(nodes(0, 99), Some(nodes(40, 99))).expect_err("refused");
    assert!(within.contains("`others` are all struck"), "{within}");
    assert!(build(nodes(0, 99), Some(nodes(40, 100))).is_ok());
    assert!(build(nodes(0, N - 1), Some(nodes(40, 41))).is_err());
}

fn with_rates(rates: RatesSpec) -> ConditionsSpec {
    let bandwidth = BandwidthSpec { rates, cap: None, queue_bytes: None };
    ConditionsSpec { bandwidth: Some(bandwidth), ..Default::default() }
}

/// How long a million bytes take at both links of a node, in µs.
fn micros(place: &Place, conditions: ConditionsSpec, nodes: &[u32]) -> Vec<(u64, u64)> {
    let network = place.case(conditions.clone()).built_network();
    let built = place.build(conditions).unwrap_or_else(|error| panic!("{error}"));
    let bandwidth = built.bandwidth.as_ref().expect("some");
    let rates = nodes.iter().map(|id| bandwidth.of(NodeId(*id), &network, None));
    rates.map(|r| (r.up.times(1_000_000) / 1_000, r.down.times(1_000_000) / 1_000)).collect()
}

#[test]
fn rates_come_from_files_regions_and_quantiles() {
    let place = Place::new();
    // Node n has n + 1 and twice as many Mbit/s.
    let found = micros(&place, with_rates(RatesSpec::NodeFile), &[0, 1, 7, 199]);
    assert_eq!(
        found,
        [(8_000_000, 4_000_000), (4_000_000, 2_000_000), (1_000_000, 500_000), (40_000, 20_000)]
    );
    let regions = [("us-east-1", 8), ("eu-west-1", 4), ("eu-central-1", 2)]
        .map(|(name, mbit)| (name.to_owned(), mbit * 1_000_000, 2 * mbit * 1_000_000));
    let found = micros(&place, with_rates(RatesSpec::Regions(regions.to_vec())), &[0, 1, 2, 3]);
    assert_eq!(
        found,
        [
            (1_000_000, 500_000),
            (2_000_000, 1_000_000),
            (4_000_000, 2_000_000),
            (1_000_000, 500_000)
        ]
    );
    let missing = place.build(with_rates(RatesSpec::Regions(regions[..2].to_vec())));
    let missing = missing.expect_err("a region without rates");
    assert!(missing.contains("region \"eu-central-1\" holds nodes and has no rates"), "{missing}");
    let preset = place.build(with_rates(RatesSpec::Preset)).expect_err("aws has none");
    assert!(preset.contains("only bitcoin-2019 does"), "{preset}");

    // 1 to 3 Mbit/s for the lower half, then on to 11: drawn once for both directions.
    let knots = |factor: u64| {
        [(0.0, 1), (0.5, 3), (1.0, 11)].map(|(p, mbit)| (p, factor * mbit * 1_000_000)).to_vec()
    };
    let spec = RatesSpec::Percentiles { name: "custom".into(), up: knots(1), down: knots(2) };
    let all: Vec<u32> = (0..N).collect();
    let found = micros(&place, with_rates(spec), &all);
    let mbit = |micros: u64| 8e6 / micros as f64;
    assert!(found.iter().all(|(up, down)| (mbit(*up) * 2.0 / mbit(*down) - 1.0).abs() < 1e-3));
    let slow = found.iter().filter(|(up, _)| mbit(*up) < 3.0).count();
    assert!((70..=130).contains(&slow), "half of 200: {slow}");
    let slower = found.iter().filter(|(up, _)| mbit(*up) < 2.0).count();
    assert!((25..=75).contains(&slower), "a quarter: {slower}");
    let fast = found.iter().filter(|(up, _)| mbit(*up) > 7.0).count();
    assert!((25..=75).contains(&fast), "a quarter: {fast}");
    assert!(found.iter().all(|(up, _)| (1.0..=11.0).contains(&mbit(*up))));
}

/// What is kept beside the nodes' states, to the byte.
#[test]
fn memory_is_counted() {
    let place = Place::new();
    let bytes = |conditions: ConditionsSpec| place.build(conditions).expect("fits").memory_bytes(N);
    // A bit a node: 200 are four words.
    let bits = 32;
    let mut plain = slow(vec![nodes(0, 5)]);
    plain.classes.clear();
    assert_eq!(bytes(plain.clone()), 2 * bits, "an adversary and a fault");
    plain.adversary = None;
    assert_eq!(bytes(plain.clone()), bits);
    let kinds = [
        FaultKind::Rate { up: 0.5, down: 1.0 },
        FaultKind::Delay { by: ms(1), factor: 1.0, direction: Default::default() },
        FaultKind::Impair { impairments: Default::default(), direction: Default::default() },
        FaultKind::Partition { others: None, direction: Default::default() },
    ];
    for kind in kinds {
        plain.faults.push(FaultSpec { kind, ..plain.faults[0].clone() });
    }
    assert_eq!(bytes(plain.clone()), 5 * bits);
    let others = FaultKind::Partition { others: Some(nodes(9, 9)), direction: Default::default() };
    plain.faults.push(FaultSpec { kind: others, ..plain.faults[0].clone() });
    assert_eq!(bytes(plain), 7 * bits, "two sides");
    // Two rates of 8 bytes each.
    assert_eq!(bytes(with_rates(RatesSpec::NodeFile)), 16 * u64::from(N));
    assert_eq!(bytes(with_rates(RatesSpec::Fixed { up: Some(1), down: None })), 0);
    let knots = vec![(0.0, 1), (1.0, 2)];
    let spec = RatesSpec::Percentiles { name: String::new(), up: knots.clone(), down: knots };
    assert_eq!(bytes(with_rates(spec)), 16 * 1024);
    // Several cores are two blocks; one is none.
    let cpu = |cores| ConditionsSpec {
        cpu: Some(crate::conditions::CpuSpec { cores, ..Default::default() }),
        ..Default::default()
    };
    assert_eq!((bytes(cpu(1)), bytes(cpu(4))), (0, u64::from(N) * (4 * 8 + 16 + 32)));
}
