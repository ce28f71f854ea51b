//! What liars get.

use anthill_protocol::parameter::AdversaryKind;

use super::*;

/// Lookups by honest nodes on a ring of 500 with 50 held ones: how many ended, and the share of these
/// with an owner that is not the first live node from the key on.
fn captured(kind: &AdversaryKind, checked: bool) -> (u64, f64) {
    let nodes = 500;
    let mut values = Values::of::<Chord>();
    values.set("lookups", Value::Count(3_000));
    values.set("workload.over", Value::Span(Span::from_secs(5)));
    values.set("checked", Value::Flag(checked));
    values.set_adversary(kind);
    let mut chord = Chord::configure(&values).expect("consistent");
    chord.fit(nodes, 8).expect("they have room");
    let mut pump = Pump::new(chord, nodes).seed(8);
    pump.run(seconds(60));
    let found = |output: &ChordOutput| matches!(output, ChordOutput::Found { .. });
    let found = pump.outputs().iter().filter(|said| found(&said.output)).count();
    let judged = pump.judged();
    let owner = &judged[0];
    assert!(owner.name == "true successor" && owner.expected_violation);
    (found as u64, owner.measured / found as f64)
}

fn kind(name: &str) -> &'static AdversaryKind {
    Chord::ADVERSARIES.iter().find(|kind| kind.name == name).expect("declared")
}

/// A claim by a node before the key is seen through, and the lookup goes around it.
#[test]
fn liars_that_name_themselves_are_seen_through() {
    let (found, share) = captured(kind("liar"), true);
    assert_eq!(share, 0.0);
    assert!(found > 2_650, "{found} of 2,700 in the mean");
}

/// Unchecked, whoever meets one of a tenth in 4.3 hops believes it: 1 − 0.9^4.3 = 0.36.
#[test]
fn liars_are_believed_unchecked() {
    let (_, share) = captured(kind("liar"), false);
    assert!((0.25..0.45).contains(&share), "{share}");
}

/// An answer with the nearest accomplice after the key is what an honest node could say.
#[test]
fn an_eclipse_is_believed_although_answers_are_checked() {
    for checked in [true, false] {
        let (_, share) = captured(kind("eclipse"), checked);
        assert!((0.25..0.45).contains(&share), "{share}");
    }
}

#[test]
fn more_nodes_than_there_are_cannot_be_held() {
    let mut values = Values::of::<Chord>();
    values.set_adversary(kind("liar"));
    values.set("adversary.count", Value::Count(6));
    let mut chord = Chord::configure(&values).expect("consistent");
    assert_eq!(chord.fit(6, 1), Ok(()));
    let refused = chord.fit(5, 1).expect_err("too many");
    assert_eq!(refused.to_string(), "adversary.count: there are 5 nodes");
}
