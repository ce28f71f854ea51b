//! The judges themselves: streams of outputs with one error each.

use anthill_protocol::judge::{Panel, RunEnd, Said as Heard, Setting};
use anthill_protocol::{Key, NodeId, Protocol as _, Span};

use super::*;

const ROUND: u64 = 12_000_001;

/// What the judges find in a stream of (time in rounds, node, output) among three nodes with f = 1.
fn verdicts(stream: &[(u64, u32, Said)]) -> Vec<&'static str> {
    let setting = Setting { delta: Some(Span(10)), ..Setting::of(3, Time::MAX) };
    let mut panel = Panel::new(protocol(3, 1, &[("instances", Value::Count(2))]).judges(&setting));
    for (sequence, (rounds, node, output)) in (0..).zip(stream) {
        let (time, node) = (Time(rounds * ROUND), NodeId(*node));
        let at = Key { time, target: node, tie: 0, source: node, sequence };
        panel.hear(&Heard { at, node, output: *output });
    }
    let end = RunEnd { time: Time(2 * ROUND + 1), nodes: 3, excused: &[NodeId(2)] };
    let wrong = panel.end(&end).into_iter().filter(|check| !check.ok);
    wrong.map(|check| check.name).collect()
}

fn extracted(value: u32, round: u32) -> Said {
    Said::Extracted { instance: 0, value, round }
}

fn decided(value: Option<u32>) -> Said {
    Said::Decided { instance: 0, value }
}

#[test]
fn each_error_is_found_by_its_judge_and_by_no_other() {
    let good = [
        (0, 0, extracted(1, 0)),
        (1, 1, extracted(1, 1)),
        (2, 0, decided(Some(1))),
        (2, 1, decided(Some(1))),
    ];
    assert_eq!(verdicts(&good), Vec::<&str>::new());
    // The sender's value, and one of the others' only.
    let split = [(2, 0, decided(Some(1))), (2, 1, decided(None))];
    assert_eq!(verdicts(&split), ["agreement"]);
    let other = [(0, 0, extracted(1, 0)), (2, 0, decided(Some(0))), (2, 1, decided(Some(0)))];
    assert_eq!(verdicts(&other), ["validity"]);
    let early = [(1, 0, decided(None)), (2, 1, decided(None))];
    assert_eq!(verdicts(&early), ["decided on time"]);
    // Of node 2 nothing is expected, of node 1 it is.
    assert_eq!(verdicts(&[(2, 0, decided(None))]), ["decided on time"]);
    let third = [(1, 1, extracted(0, 1)), (1, 1, extracted(1, 1)), (2, 1, extracted(2, 2))];
    assert_eq!(verdicts(&[&good[2..], &third[..]].concat()), ["at most two values"]);
}

#[test]
fn bounds_are_those_of_the_theorem() {
    let calm = Setting { delta: Some(Span(12_000_000)), ..Setting::of(4, Time::MAX) };
    let holds = |setting: &Setting| {
        let mut panel = Panel::new(protocol(4, 2, &[]).judges(setting));
        let at = |node| Key { time: Time(1), target: node, tie: 0, source: node, sequence: 0 };
        for (node, value) in [(NodeId(0), None), (NodeId(1), Some(1))] {
            panel.hear(&Heard { at: at(node), node, output: decided(value) });
        }
        !panel.findings()[0].expected
    };
    assert!(holds(&calm) && holds(&Setting { held: 2, ..calm }));
    assert!(!holds(&Setting { held: 3, ..calm }));
    assert!(!holds(&Setting { delta: Some(Span(12_000_001)), ..calm }));
    assert!(!holds(&Setting { delta: None, ..calm }));
    assert!(!holds(&Setting { stable_from: Time(1), ..calm }));
    assert!(!holds(&Setting { crashes: true, ..calm }));
    assert!(!holds(&Setting { loses_messages: true, ..calm }));
}
