//! What execution does and does not cost, asserted in counts that no noise changes.

use anthill_protocol::phold::Phold;

use crate::Ready;

/// Dense windows are shared out, sparse ones are not worth waking anybody for.
#[test]
fn sparse_windows_are_run_by_one_thread() {
    let run = |nodes: u32| {
        Ready::<Phold>::new(&format!(
            "nodes = {nodes}\nuntil = \"100ms\"\n[engine]\nalone_below = 90\n\
             [protocol]\nname = \"phold\"\n[network]\nmodel = \"exponential\"\n",
        ))
        .sharded(2, 2, true)
        .host
    };
    let (few, many) = (run(100), run(20_000));
    assert_eq!(few.sparse_windows, few.windows);
    assert!(many.sparse_windows < many.windows / 10, "{} of {}", many.sparse_windows, many.windows);
    assert_eq!(many.window_events_log2.iter().sum::<u64>(), many.windows);
    assert!(many.shard_events.iter().all(|events| *events > 100_000), "{:?}", many.shard_events);
}

/// A handful of events a window is never shared out, thousands always are, whatever is measured.
#[test]
fn a_second_thread_has_no_part_in_windows_of_a_handful_of_events() {
    let run = |nodes: u32, lookahead: &str| {
        Ready::<Phold>::new(&format!(
            "nodes = {nodes}\nuntil = \"20ms\"\n[protocol]\nname = \"phold\"\n\
             lookahead = \"{lookahead}\"\n[network]\nmodel = \"exponential\"\n",
        ))
        .sharded(2, 2, true)
        .host
    };
    let few = run(500, "1us");
    assert!(few.windows > 5_000);
    // But for those that bring far events near, which is work for all.
    assert!(few.sparse_windows > few.windows * 99 / 100, "{few:?}");
    let many = run(100_000, "1ms");
    assert_eq!(many.sparse_windows, 0, "of {} windows", many.windows);
}

/// Event memory follows what is pending, whatever the length of the run.
#[test]
fn event_memory_is_recycled() {
    let bytes = |until: &str| {
        Ready::<Phold>::new(&format!(
            "nodes = 100_000\nuntil = \"{until}\"\n[protocol]\nname = \"phold\"\n\
             [network]\nmodel = \"exponential\"\n",
        ))
        .sharded(2, 2, true)
        .host
        .calendar_bytes
    };
    assert!(bytes("300ms") <= bytes("30ms") * 2);
}
