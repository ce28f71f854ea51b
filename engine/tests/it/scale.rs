//! What execution does and does not cost, asserted in counts that no noise changes.

use anthill_protocol::phold::Phold;

use crate::{Ready, invariant_part};

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

/// One thread takes many sparse windows at a time: they are counted as if it took one after the other, and
/// events of one instant and node, which a nanosecond's windows bring together, come in the same order.
#[test]
fn many_sparse_windows_at_a_time_are_the_same_windows() {
    let microseconds = "nodes = 300\nuntil = \"9.9ms\"\n[protocol]\nname = \"phold\"\n\
                        lookahead = \"1us\"\n[network]\nmodel = \"exponential\"\n";
    let nanoseconds = "nodes = 40\nuntil = \"40us\"\n[protocol]\nname = \"phold\"\n\
                       remote = 0.7\npopulation = 2\nlookahead = \"3ns\"\nmean_delay = \"60ns\"\n\
                       [network]\nmodel = \"exponential\"\n";
    let own = "nodes = 50\nuntil = \"2ms\"\n[protocol]\nname = \"phold\"\n\
               remote = 0.5\npopulation = 3\nlookahead = \"1us\"\nmean_delay = \"90us\"\n\
               [network]\nmodel = \"uniform\"\nmin = \"1us\"\nmax = \"180us\"\nloopback = \"100ns\"\n";
    for text in [microseconds, nanoseconds, own] {
        let ready = Ready::<Phold>::new(text);
        let (oracle, one, two) =
            (ready.sequential(), ready.sharded(1, 1, true), ready.sharded(2, 2, true));
        assert!(oracle.result.totals.events > 1_000, "{text}");
        assert_eq!(invariant_part(&one), invariant_part(&oracle), "{text}");
        assert_eq!(one.host.windows, oracle.host.windows, "{text}");
        assert_eq!(one.host.windows, two.host.windows, "{text}");
        assert_eq!(one.host.window_events_log2, two.host.window_events_log2, "{text}");
    }
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
