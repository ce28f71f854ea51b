//! What is drawn, over many draws.

use std::collections::BTreeSet;

use anthill_protocol::Dice;

use super::case::Part;
use super::draw::{Drawn, Subject, draw};
use super::trouble::most_faulty;
use crate::{Registry, fabricated};

const DRAWS: u64 = 600;

fn drawn<'a>(registry: &'a Registry, protocol: &str) -> Vec<Drawn<'a>> {
    let subject = Subject::new(registry.find(protocol).expect("it ships"), registry);
    let subject = subject.expect("its preset runs");
    (0..DRAWS).map(|seed| draw(&subject, &mut Dice::new(seed))).collect()
}

#[test]
fn a_seed_is_always_the_same_run() {
    let registry = fabricated::raft();
    let lines = || drawn(&registry, "raft").into_iter().map(|drawn| drawn.case.line(&[]));
    assert!(lines().eq(lines()));
    assert!(lines().collect::<BTreeSet<_>>().len() as u64 > DRAWS * 9 / 10);
}

#[test]
fn all_sizes_networks_and_troubles_occur() {
    let registry = fabricated::raft();
    let all = drawn(&registry, "raft");
    let sizes: BTreeSet<u32> = all.iter().map(|drawn| drawn.case.nodes).collect();
    assert!(sizes.iter().copied().eq(4..=12), "{sizes:?}");
    let networks: BTreeSet<&str> = all.iter().map(|drawn| drawn.network).collect();
    assert_eq!(networks.len(), 8, "{networks:?}");
    let lines: Vec<String> = all.iter().map(|drawn| drawn.case.line(&[])).collect();
    for word in [
        "network.loss=",
        "network.duplication=",
        "network.reordering=",
        "kind=\"partition\"",
        "kind=\"crash\"",
        "kind=\"loss\"",
        "direction=\"incoming\"",
        "churn=",
        "every=",
        "gst=",
        "\"twins\"",
        "\"withhold\"",
        "\"replay\"",
        "\"corrupt\"",
        "\"delay\"",
        "\"silent\"",
        "\"duplicate\"",
        "\"reorder\"",
        "\"split\"",
        "\"favour-byzantine\"",
        "kinds=[",
        "probability=",
        "network.transport=",
        "protocol.group=",
        "workload.interval=",
        "protocol.election_timeout=",
        "\"aws-p50\"",
    ] {
        let count = lines.iter().filter(|line| line.contains(word)).count();
        assert!(count >= 3, "{word}: {count}");
    }
    // Raft knows no conflicting versions of its messages.
    assert!(!lines.iter().any(|line| line.contains("equivocate")));
}

/// Of 600 draws with probability ½, 300 ± 12.2: five standard deviations.
fn about_half(count: usize, of: usize) -> bool {
    let (count, of) = (count as f64, of as f64);
    (count - of / 2.0).abs() <= 5.0 * (of / 4.0).sqrt()
}

#[test]
fn half_have_two_troubles_and_half_of_the_held_just_less_than_a_third() {
    let registry = fabricated::raft();
    let all = drawn(&registry, "raft");
    let two = all.iter().filter(|drawn| drawn.troubles >= 2).count();
    assert!(about_half(two, all.len()), "{two}");
    assert!(all.iter().any(|drawn| drawn.troubles == 0));
    let held: Vec<&Drawn<'_>> = all.iter().filter(|drawn| drawn.held.is_some()).collect();
    let most = held.iter().filter(|drawn| drawn.held.is_some_and(|(_, is_most)| is_most)).count();
    // Some of the others come to as many.
    assert!(held.len() > 150 && most * 2 >= held.len() && most * 4 < held.len() * 3, "{most}");
    for drawn in held {
        let (count, is_most) = drawn.held.expect("held");
        let named = drawn.case.parts.iter().find_map(|part| match part {
            Part::Adversary { nodes, .. } => Some(nodes),
            _ => None,
        });
        let named = named.expect("an adversary");
        assert_eq!((named.len(), is_most), (count, count as u32 == most_faulty(drawn.case.nodes)));
        assert!(named.iter().all(|node| *node < drawn.case.nodes), "{named:?}");
        assert!(count * 2 < drawn.case.nodes as usize);
    }
    assert_eq!([4, 5, 6, 7, 8, 12, 13].map(most_faulty), [1, 1, 1, 2, 2, 3, 4]);
}

#[test]
fn what_a_protocol_draws_for_itself_is_drawn_nowhere_else() {
    fn own(_: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        let twins = "{kind=\"twins\",nodes=[0]}".to_owned();
        vec![
            ("nodes", (nodes * 10).to_string()),
            ("until", "\"3s\"".to_owned()),
            ("adversary", twins),
            ("fault", "[]".to_owned()),
            ("network.model", "\"uniform\"".to_owned()),
            ("protocol.group", "10".to_owned()),
        ]
    }
    let registry = fabricated::raft();
    let mut entry = *registry.find("raft").expect("it ships");
    entry.swarm = own;
    let subject = Subject::new(&entry, &registry).expect("its preset runs");
    for seed in 0..DRAWS {
        let drawn = draw(&subject, &mut Dice::new(seed));
        assert!(drawn.held.is_none() && drawn.case.nodes >= 40);
        let line = drawn.case.line(&[]);
        for once in ["adversary=", "fault=", "network.model=", "protocol.group=10", "--until 3s"] {
            assert_eq!(line.matches(once).count(), 1, "{once} in {line}");
        }
        assert!(!line.contains("'network=") && !line.contains("adversary.schedule"), "{line}");
    }
}

#[test]
fn nearly_all_that_is_drawn_for_raft_can_be_run() {
    let registry = fabricated::raft();
    let all = drawn(&registry, "raft");
    let refused = all.iter().filter_map(|drawn| drawn.case.load(&registry).err());
    let refused: Vec<String> = refused.map(|error| error.to_string()).collect();
    // An election timeout that is not above the heartbeat, for one.
    assert!(refused.len() < 30, "{} of {DRAWS}: {:?}", refused.len(), refused.first());
}
