use anthill_protocol::judge::{Judge, Panel};
use anthill_protocol::{Key, NodeId, Time};

use super::*;

#[test]
fn a_result_is_found_once_and_asked_for_often_on_any_thread() {
    let (memo, executions) = (Memo::new(), Executions::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(*memo.get(&executions, || 7), 7);
                }
            });
        }
    });
    assert_eq!(executions.on_host(), 1);
    assert_eq!(memo.known(), Some(&7));
}

#[test]
fn a_memo_is_no_part_of_what_carries_it() {
    let (full, empty) = (Memo::new(), Memo::new());
    let _ = full.get(&Executions::default(), || 7);
    assert_eq!(full, empty);
    assert_eq!(format!("{full:?}"), format!("{empty:?}"));
    assert!(full.clone().known().is_none());
}

/// What the rule finds in a run in which the host executes so often, after another run, and nodes speak of blocks.
fn found(executions: u32, blocks: &[u64]) -> Vec<bool> {
    let counted = Arc::new(Executions::default());
    counted.count(|| ());
    let once = Once::new(&counted, |said: &u64| Some(*said));
    let mut panel = Panel::new(vec![Judge::new("once", once)]);
    (0..executions).for_each(|_| counted.count(|| ()));
    for block in blocks {
        let node = NodeId(0);
        let at = Key { time: Time::ZERO, target: node, tie: 0, source: node, sequence: 0 };
        panel.hear(&Said { at, node, output: *block });
    }
    let end = RunEnd { time: Time(1), nodes: 1, excused: &[] };
    panel.end(&end).into_iter().map(|it| it.ok).collect()
}

#[test]
fn a_block_that_was_executed_twice_is_found() {
    assert_eq!(found(2, &[5, 6, 5]), [true]);
    assert_eq!(found(1, &[5, 6, 5]), [true], "another process executed one");
    assert_eq!(found(3, &[5, 6, 5]), [false]);
}
