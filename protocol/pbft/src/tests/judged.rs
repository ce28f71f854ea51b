//! Each judge on a stream of outputs that is right, and on the same with one thing wrong.

use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
use anthill_protocol::{Key, NodeId, Span, Time};

use super::normal::pbft;
use crate::judges;
use crate::messages::PbftOutput::{
    self as Says, Accepted, Asked, Executed, Installed, Replied, Stable, View,
};

/// What four replicas and a client (node 4) say, at seconds.
fn stream() -> Vec<(u64, u32, Says)> {
    let mut all = vec![(0, 4, Asked { client: 0, t: 1 })];
    for node in 0..3 {
        all.push((1, node, Executed { seq: 1, digest: 7, view: 0 }));
        all.push((1, node, Replied { client: 0, t: 1, result: 70 }));
        all.push((2, node, Stable { seq: 1, root: 5 }));
        all.push((2, node, View { v: 1 }));
    }
    all.push((3, 4, Accepted { client: 0, t: 1, result: 70 }));
    all.push((3, 3, Installed { seq: 1, root: 5 }));
    all.extend((0..4).map(|node| (4, node, Executed { seq: 2, digest: 8, view: 1 })));
    all
}

/// The judges that find something.
fn found(stream: &[(u64, u32, Says)]) -> Vec<&'static str> {
    let until = Time::ZERO + Span::from_secs(100);
    let setting = Setting { delta: Some(Span::from_millis(10)), ..Setting::of(8, until) };
    let mut panel = Panel::new(judges::of(&pbft(4, &[]), &setting));
    for (second, node, output) in stream {
        let (time, node) = (Time::ZERO + Span::from_secs(*second), NodeId(*node));
        let at = Key { time, target: node, tie: 0, source: node, sequence: 0 };
        panel.hear(&Said { at, node, output: *output });
    }
    panel.end(&RunEnd { time: until, nodes: 8, excused: &[] });
    panel.findings().into_iter().map(|finding| finding.judge).collect()
}

#[test]
fn each_judge_finds_what_it_is_for() {
    assert_eq!(found(&stream()), [""; 0]);
    let with = |extra: &[(u64, u32, Says)]| found(&[&stream(), extra].concat());
    let without = |wrong: fn(&(u64, u32, Says)) -> bool| {
        found(&stream().into_iter().filter(|said| !wrong(said)).collect::<Vec<_>>())
    };
    assert_eq!(with(&[(5, 0, Executed { seq: 4, digest: 9, view: 1 })])[..1], ["in order"]);
    assert_eq!(with(&[(5, 0, Executed { seq: 2, digest: 8, view: 1 })]), ["in order"]);
    assert_eq!(with(&[(5, 0, View { v: 0 })]), ["in order"]);
    assert_eq!(with(&[(5, 0, Replied { client: 0, t: 1, result: 70 })]), ["exactly once"]);
    assert_eq!(with(&[(5, 0, Stable { seq: 1, root: 6 })]), ["one state"]);
    assert_eq!(with(&[(5, 4, Accepted { client: 0, t: 2, result: 1 })]), ["accepted results"]);
    let other = Replied { client: 0, t: 1, result: 71 };
    assert_eq!(with(&[(5, 3, other)]), ["one result"]);
    assert_eq!(with(&[(5, 3, Executed { seq: 3, digest: 8, view: 1 })]), ["executed by all"]);
    let last = |said: &(u64, u32, Says)| matches!(said, (4, 3, Executed { .. }));
    assert_eq!(without(last), ["executed by all"]);
    assert_eq!(without(|said| matches!(said.2, Accepted { .. })), ["answered"]);
    let mut split = stream();
    split.last_mut().expect("some").2 = Executed { seq: 2, digest: 9, view: 1 };
    assert_eq!(found(&split), ["one order"]);
    let mut late = stream();
    late.iter_mut().filter(|said| said.1 == 4 && said.0 > 0).for_each(|said| said.0 = 50);
    assert_eq!(found(&late), ["answered"]);
}

/// view_timeout + 2^(k+1) T + 6 Δ.
#[test]
fn the_bound_is_the_one_of_the_page() {
    let setting = Setting { delta: Some(Span::from_millis(10)), ..Setting::of(8, Time::MAX) };
    let of = |setting: &Setting| judges::bound(&pbft(7, &[]), setting);
    assert_eq!(of(&setting), Span::from_millis(2_000 + 2 * 2_000 + 60));
    let held = Setting { held: 2, ..setting };
    assert_eq!(of(&held), Span::from_millis(2_000 + 4 * 8 * 2_000 + 60));
    let late = Setting { stable_from: Time::ZERO + Span::from_secs(9), ..setting };
    assert_eq!(of(&late), Span::from_millis(2_000 + 2 * 9_000 + 60));
}
