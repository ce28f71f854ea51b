//! The judges themselves: streams of outputs made by hand, each with one violation.

use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
use anthill_protocol::{Key, NodeId, Protocol as _, Span, Time};

use super::{chain, hotstuff, millis};
use crate::hotstuff::HotStuffOutput;
use crate::judges;

/// The judges that object to what was said at these milliseconds, by when the run ends.
fn objections(said: &[(u64, u32, HotStuffOutput)], end: u64) -> Vec<&'static str> {
    let it = hotstuff(4, &[chain(3)]);
    let setting = Setting { delta: Some(Span::from_millis(10)), ..Setting::of(4, millis(end)) };
    let mut panel = Panel::new(it.judges(&setting));
    for (sequence, (at, node, output)) in said.iter().enumerate() {
        let (node, time, sequence) = (NodeId(*node), millis(*at), sequence as u32);
        let at = Key { time, target: node, tie: 0, source: node, sequence };
        panel.hear(&Said { at, node, output: *output });
    }
    let checks = panel.end(&RunEnd { time: millis(end), nodes: 4, excused: &[] });
    assert!(checks.iter().all(|check| !check.expected_violation || check.not_judged.is_some()));
    checks.into_iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

fn commit(height: u64, block: u64) -> HotStuffOutput {
    HotStuffOutput::Committed { height, block, view: height }
}

#[test]
fn each_violation_has_its_judge() {
    let vote = |view, block| HotStuffOutput::Voted { view, block };
    let answer = |number| HotStuffOutput::Answered { client: NodeId(2), number };
    let calm: Vec<_> = (0..4).map(|node| (70, node, commit(1, 11))).collect();
    let with =
        |more: &[(u64, u32, HotStuffOutput)]| objections(&[&calm[..], more].concat(), 60_000);
    let fine = [(80, 0, vote(1, 1)), (90, 0, vote(2, 7)), (90, 1, vote(2, 8)), (91, 2, answer(1))];
    assert_eq!(with(&fine), [""; 0]);
    assert_eq!(with(&[(90, 0, commit(2, 5)), (91, 1, commit(2, 6))]), ["one chain"]);
    assert_eq!(with(&[(90, 0, commit(3, 5))]), ["one chain"], "a gap");
    assert_eq!(with(&[(90, 0, commit(1, 11))]), ["one chain"], "twice");
    assert_eq!(with(&[(90, 3, vote(4, 5)), (91, 3, vote(4, 6))]), ["one vote a view"]);
    assert_eq!(with(&[(90, 3, vote(4, 5)), (91, 3, vote(3, 6))]), ["one vote a view"]);
    assert_eq!(with(&[(90, 2, answer(1)), (91, 2, answer(1))]), ["answers in order"]);
    assert_eq!(objections(&calm[..3], 60_000), ["a commit in time"]);
    let late = [&calm[..3], &[(59_000, 3, commit(1, 11))]].concat();
    assert_eq!(objections(&late, 60_000), ["a commit in time"]);
}

/// A run that ends before the deadline is not judged; without a bound of delays there is no deadline.
#[test]
fn deadlines_grow_with_what_may_go_wrong() {
    let it = hotstuff(4, &[chain(2)]);
    let calm = Setting { delta: Some(Span::from_millis(10)), ..Setting::of(4, Time::MAX) };
    let held = Setting { held: 1, ..calm };
    let late = Setting { stable_from: millis(5_000), ..held };
    let deadlines = [calm, held, late].map(|setting| judges::deadline(&it, &setting));
    assert!(deadlines[0] < millis(2_000), "{deadlines:?}");
    assert!(deadlines.is_sorted() && deadlines[1] > deadlines[0] && deadlines[2] > deadlines[1]);
    assert_eq!(judges::deadline(&it, &Setting { delta: None, ..calm }), Time::MAX);
    let live = |setting: Setting| judges::is_live(&it, &setting);
    assert!(live(calm) && !live(Setting { crashes: true, ..calm }));
    assert!(!live(Setting { delta: None, ..calm }) && !live(Setting { held: 2, ..calm }));
}

/// Where honest leaders follow each other for certain, by replicas, held ones, chain and tenure.
#[test]
fn liveness_needs_honest_leaders_in_a_row() {
    for (n, held, length, tenure, expected) in [
        (4, 0, 3, 1, true),
        (4, 1, 3, 1, false),
        (4, 1, 3, 2, true),
        (4, 1, 2, 1, false),
        (4, 1, 2, 2, true),
        (5, 1, 3, 1, true),
        (5, 1, 2, 1, true),
        (7, 2, 3, 1, false),
        (7, 2, 3, 2, true),
        (9, 2, 3, 1, true),
        (9, 2, 2, 1, true),
        (7, 2, 2, 1, false),
    ] {
        let tenure = ("tenure", anthill_protocol::parameter::Value::Count(tenure));
        let it = hotstuff(n, &[chain(length), tenure]);
        let delta = Some(Span::from_millis(10));
        let setting = Setting { held, delta, ..Setting::of(n, Time::MAX) };
        assert_eq!(judges::is_live(&it, &setting), expected, "{n} {held} {length} {tenure:?}");
    }
}
