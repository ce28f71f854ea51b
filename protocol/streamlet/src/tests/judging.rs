//! The judges themselves: streams of outputs with one error each.

use anthill_protocol::judge::{Panel, RunEnd, Said as Heard, Setting};
use anthill_protocol::{Key, NodeId, Protocol as _};

use super::*;

/// What the judges find in a stream of (epoch in which it is said, node, output), among four nodes.
fn verdicts(stream: &[(u64, u32, Said)]) -> Vec<&'static str> {
    let setting = Setting { delta: Some(Span(DELTA)), ..Setting::of(4, END) };
    let mut panel = Panel::new(honest(4, 3, &[count("epochs", 4)]).judges(&setting));
    for (sequence, (epoch, node, output)) in (0..).zip(stream) {
        let (time, node) = (Time(epoch * EPOCH - 1), NodeId(*node));
        let at = Key { time, target: node, tie: 0, source: node, sequence };
        panel.hear(&Heard { at, node, output: *output });
    }
    let excused: Vec<NodeId> = (0..4)
        .map(NodeId)
        .filter(|node| !stream.iter().any(|(_, said, _)| said == &node.0))
        .collect();
    // Leaders count as honest: nodes that say nothing here are excused from saying it.
    let end = RunEnd { time: Time(4 * EPOCH), nodes: 4, excused: &excused };
    let wrong = panel.end(&end).into_iter().filter(|check| !check.ok);
    wrong.map(|check| check.name).collect()
}

fn notarised(block: u64, epoch: u32, height: u32, parent: u64) -> Said {
    Said::Notarised { block, epoch, height, parent }
}

fn last(block: u64, height: u32) -> Said {
    Said::Final { block, height, is_middle: true }
}

#[test]
fn each_error_is_found_by_its_judge_and_by_no_other() {
    let all = |said: Said, epoch: u64| (0..4).map(move |node| (epoch, node, said));
    let good: Vec<_> = all(notarised(1, 1, 1, 0), 1)
        .chain(all(notarised(2, 2, 2, 1), 2))
        .chain(all(last(1, 1), 2))
        .chain(all(last(2, 2), 3))
        .collect();
    assert_eq!(verdicts(&good), Vec::<&str>::new());
    let with = |more: &[(u64, u32, Said)]| verdicts(&[&good[..], more].concat());
    // Another block of a height that is final; again; with a gap.
    assert_eq!(
        with(&[(4, 1, last(3, 3)), (4, 2, last(4, 3))]),
        ["one chain", "one block of a final height"][..1]
    );
    assert_eq!(with(&[(4, 1, last(2, 2))]), ["one chain"]);
    assert_eq!(with(&[(4, 1, last(9, 4))]), ["one chain"]);
    // Notarised late at the height of a final one.
    assert_eq!(with(&[(4, 1, notarised(7, 3, 2, 1))]), ["one block of a final height"]);
    // The other way round.
    let before = [&[(1, 3, notarised(7, 1, 1, 0))], &good[..]].concat();
    assert_eq!(verdicts(&before), ["one block of a final height"]);
    // An epoch that does not rise, a height that jumps, a parent that nobody knows.
    for wrong in [notarised(8, 2, 3, 2), notarised(8, 3, 4, 2), notarised(8, 3, 3, 6)] {
        assert_eq!(with(&[(4, 1, wrong)]), ["epochs rise"], "{wrong:?}");
    }
    // Node 3 learns of nothing in epochs 2 to 4.
    let without: Vec<_> = good
        .iter()
        .copied()
        .filter(|(_, node, said)| *node != 3 || !matches!(said, Said::Final { .. }))
        .collect();
    assert_eq!(verdicts(&without), ["a new block in every row of honest epochs"]);
}

#[test]
fn bounds_are_those_of_the_theorems() {
    let calm = Setting { delta: Some(Span(DELTA)), ..Setting::of(4, END) };
    let wrong = [notarised(1, 1, 1, 0), last(1, 1), notarised(2, 2, 1, 0)];
    // Which judges say that what they found is within their bounds: of safety, and of liveness.
    let holds = |settings: &[(&str, Value)], setting: &Setting| {
        let mut panel = Panel::new(honest(4, 3, settings).judges(setting));
        for (sequence, output) in (0..).zip(wrong) {
            let node = NodeId(0);
            let at = Key { time: Time(1), target: node, tie: 0, source: node, sequence };
            panel.hear(&Heard { at, node, output });
        }
        let end = RunEnd { time: Time(9 * EPOCH), nodes: 4, excused: &[] };
        let checks = panel.end(&end);
        assert!(!checks[1].ok && !checks[3].ok, "{checks:?}");
        (!checks[1].expected_violation, !checks[3].expected_violation)
    };
    assert_eq!(holds(&[], &calm), (true, true));
    assert_eq!(holds(&[ECHO], &Setting { held: 1, ..calm }), (true, true));
    assert_eq!(holds(&[], &Setting { held: 1, ..calm }), (true, false));
    assert_eq!(holds(&[ECHO], &Setting { held: 2, ..calm }), (false, false));
    assert_eq!(holds(&[], &Setting { delta: Some(Span(DELTA + 1)), ..calm }), (true, false));
    assert_eq!(holds(&[], &Setting { delta: None, ..calm }), (true, false));
    assert_eq!(holds(&[], &Setting { loses_messages: true, ..calm }), (true, false));
    assert_eq!(holds(&[], &Setting { crashes: true, ..calm }), (true, false));
    assert_eq!(holds(&[], &Setting { crashes: true, loses_state: true, ..calm }), (false, false));
}
