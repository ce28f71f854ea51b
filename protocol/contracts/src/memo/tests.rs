use super::*;

#[test]
fn a_result_is_found_once_and_asked_for_often_on_any_thread() {
    let (memo, executions) = (Memo::new(), Executions::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(*memo.get(&executions, true, || 7), 7);
                }
            });
        }
    });
    assert_eq!((executions.on_host(), executions.charged()), (1, 100));
    assert_eq!(memo.known().map(|known| **known), Some(7));
}

#[test]
fn without_remembering_every_request_executes() {
    let (memo, executions) = (Memo::new(), Executions::default());
    for _ in 0..3 {
        assert_eq!(*memo.get(&executions, false, || 7), 7);
    }
    assert_eq!((executions.on_host(), executions.charged()), (3, 3));
    assert!(memo.known().is_none());
}

#[test]
fn a_memo_is_no_part_of_what_carries_it() {
    let (full, empty) = (Memo::new(), Memo::new());
    let _ = full.get(&Executions::default(), true, || 7);
    assert_eq!(full, empty);
    assert_eq!(format!("{full:?}"), format!("{empty:?}"));
    assert!(full.clone().known().is_none());
}
