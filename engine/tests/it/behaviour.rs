//! What an engine does at the edges: stuck nodes, panics, interrupts, far timers, tiny networks.

use std::sync::atomic::Ordering;

use anthill_engine::outcome::Ended;
use anthill_engine::{Control, RunError};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::phold::{Phold, PholdMetric, Token};
use anthill_protocol::{Configure, Context, NodeId, Protocol, Span, Time};

use crate::{Ready, invariant_part};

/// What node 0 does wrong; all others are silent.
macro_rules! misbehaving {
    ($name:ident, $text:literal, |$cx:ident| $on_timer:expr) => {
        struct $name;

        impl Protocol for $name {
            type Node = ();
            type Message = Token;
            type Body = anthill_protocol::NoBody;
            type Timer = u8;
            type Metric = PholdMetric;
            type Output = anthill_protocol::NoOutput;

            fn start(&self, cx: &mut impl Context<Self>) {
                if cx.id() == NodeId(0) {
                    cx.set_timer(Span::from_millis(3), 7);
                }
            }

            fn on_message(&self, (): &mut (), _: NodeId, _: &Token, _: &mut impl Context<Self>) {}

            fn on_timer(&self, (): &mut (), _timer: u8, $cx: &mut impl Context<Self>) {
                $on_timer
            }
        }

        impl Configure for $name {
            const NAME: &'static str = $text;
            const ABOUT: &'static str = "a test";
            const PARAMETERS: &'static [Parameter] = &[];

            fn configure(_: &Values) -> Result<Self, ParameterError> {
                Ok(Self)
            }

            fn pending_per_node(&self, _: f64) -> f64 {
                1.0
            }
        }
    };
}

misbehaving!(Spinner, "spinner", |cx| cx.set_timer(Span::ZERO, 7));
misbehaving!(Panicker, "panicker", |cx| panic!("node {} fails", cx.id()));
misbehaving!(Stray, "stray", |cx| cx.send(NodeId(4_000_000), Token));
misbehaving!(Yearly, "yearly", |cx| cx.set_timer(Span::from_secs(31_536_000), 7));

fn text(name: &str, until: &str) -> String {
    format!(
        "nodes = 300\nuntil = \"{until}\"\n[protocol]\nname = \"{name}\"\n\
         [network]\nmodel = \"uniform\"\nmin = \"500us\"\nmax = \"1ms\"\n"
    )
}

#[test]
fn a_node_that_never_lets_time_pass_is_an_error_not_a_hang() {
    let ready = Ready::<Spinner>::new(&text("spinner", "1s"));
    for result in [
        ready.try_sequential(&Control::default()),
        ready.try_sharded(3, 1, true, &Control::default()),
        ready.try_sharded(3, 2, true, &Control::default()),
    ] {
        let Err(RunError::Stuck { node, time, what }) = result else { panic!("{result:?}") };
        assert_eq!((node, time.0, what.as_str()), (NodeId(0), 3_000_000, "timer 7"));
    }
}

#[test]
fn a_panic_in_a_handler_reaches_the_caller_from_any_thread() {
    let panicker = Ready::<Panicker>::new(&text("panicker", "1s"));
    let stray = Ready::<Stray>::new(&text("stray", "1s"));
    for threads in [1, 2, 7] {
        let caught = std::panic::catch_unwind(|| panicker.sharded(7, threads, true));
        let message = *caught.expect_err("panics").downcast::<String>().expect("a message");
        assert_eq!(message, "node n0 fails");
        let caught = std::panic::catch_unwind(|| stray.sharded(7, threads, true));
        let message = *caught.expect_err("panics").downcast::<String>().expect("a message");
        assert!(message.contains("n4000000 is not one of 300 nodes"), "{message}");
    }
}

#[test]
fn centuries_of_idle_time_cost_nothing() {
    let ready = Ready::<Yearly>::new(&text("yearly", "500y"));
    let oracle = ready.sequential();
    assert_eq!(oracle.result.totals.events, 500);
    for threads in [1, 2] {
        let outcome = ready.sharded(2, threads, true);
        assert_eq!(invariant_part(&outcome), invariant_part(&oracle));
        assert_eq!(outcome.host.windows, 500, "empty windows are skipped");
    }
}

#[test]
fn an_interrupt_keeps_what_is_finished() {
    let ready = Ready::<Phold>::new(
        "nodes = 100\nuntil = \"100d\"\n[protocol]\nname = \"phold\"\n\
         [network]\nmodel = \"exponential\"\n",
    );
    for threads in [0, 1, 2] {
        let control = Control::default();
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(|| match threads {
                0 => ready.try_sequential(&control),
                threads => ready.try_sharded(2, threads, true, &control),
            });
            while control.events.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            control.interrupt.store(true, Ordering::Relaxed);
            running.join().expect("no panic").expect("an outcome")
        });
        assert_eq!(outcome.ended, Ended::Interrupted);
        assert!(outcome.result.totals.events > 0);
        assert!(outcome.result.virtual_ns < 86_400_000_000_000);
    }
}

#[test]
fn the_smallest_networks_run_on_any_number_of_shards() {
    for nodes in [1, 2, 3] {
        let ready = Ready::<Phold>::new(&format!(
            "nodes = {nodes}\nuntil = \"50ms\"\n[protocol]\nname = \"phold\"\n\
             [network]\nmodel = \"exponential\"\n",
        ));
        let expected = invariant_part(&ready.sequential());
        for (shards, threads) in [(1, 1), (64, 1), (64, 64), (2, 2)] {
            let outcome = ready.sharded(shards, threads, true);
            assert_eq!(invariant_part(&outcome), expected, "{nodes} nodes on {shards} shards");
        }
    }
}

#[test]
fn the_memory_limit_stops_a_run_cleanly() {
    let mut ready = Ready::<Phold>::new(
        "nodes = 10_000\nuntil = \"1h\"\n[protocol]\nname = \"phold\"\npopulation = 50\n\
         [network]\nmodel = \"exponential\"\n",
    );
    ready.scenario.engine.memory_limit = 1e-4;
    for outcome in [ready.sharded(2, 2, true), ready.sharded(1, 1, true), ready.sequential()] {
        assert_eq!(outcome.ended, Ended::MemoryLimit);
    }
}

/// Runs a scenario at the edge of time under all engines.
fn same_everywhere<P: Configure>(text: &str) -> anthill_engine::outcome::Outcome {
    let ready = Ready::<P>::new(text);
    let oracle = ready.sequential();
    for threads in [1, 2] {
        let outcome = ready.sharded(3, threads, true);
        assert_eq!(invariant_part(&outcome), invariant_part(&oracle), "{threads} threads\n{text}");
    }
    oracle
}

/// Delays that add up to the end of time saturate there; they must not arrive in the open window.
#[test]
fn the_end_of_time_is_not_a_window() {
    let outcome = same_everywhere::<Phold>(
        "nodes = 300\nuntil = \"18446744073709551615ns\"\n[protocol]\nname = \"phold\"\n\
         lookahead = \"1125899906842623ns\"\nmean_delay = \"0ns\"\n\
         [network]\nmodel = \"exponential\"\n",
    );
    assert_eq!(outcome.result.totals.events, 300 * (1 << 14));
}

// More than a million timers of one node for one instant, all set beforehand.
misbehaving!(Crowd, "crowd", |cx| {
    if cx.now() == Time(3_000_000) {
        (0..1_100_000).for_each(|_| cx.set_timer(Span::from_millis(5), 7));
    }
});

#[test]
fn many_timers_of_one_instant_are_not_a_hang() {
    assert_eq!(same_everywhere::<Crowd>(&text("crowd", "1s")).result.totals.events, 1_100_001);
}

// The last events lie on both sides of `until`, in one window: W is 2^18 ns.
misbehaving!(Straddler, "straddler", |cx| {
    if cx.now() == Time(3_000_000) {
        let row = 512i64 << 18;
        [-1_000, 2_000].into_iter().for_each(|at: i64| {
            let at = Time((row + at) as u64);
            cx.set_timer(at.since(cx.now()), 7);
        });
    }
});

/// A window whose events all lie at or after `until` must not double the rows of the series in one
/// engine only.
#[test]
fn a_window_cut_to_nothing_changes_no_series() {
    let until = format!("{}ns", (512u64 << 18) + 1_000);
    assert_eq!(same_everywhere::<Straddler>(&text("straddler", &until)).result.totals.events, 2);
}

/// Found by the swarm: the goal is reached, and events are cut, in the window that holds `until`.
#[test]
fn a_goal_reached_in_the_last_window_is_judged_alike() {
    let outcome = same_everywhere::<Gossip>(
        "nodes = 2\nuntil = \"28945701ns\"\n[protocol]\nname = \"gossip\"\n\
         mode = \"push-pull\"\nrounds = true\nround = \"4325554ns\"\n\
         [network]\nmodel = \"uniform\"\nmin = \"21627765ns\"\nmax = \"21627765ns\"\n",
    );
    assert_eq!(outcome.result.virtual_ns, 28_945_701);
}

/// More initial events than the limit allows: no window is ever reached, and nothing is eaten.
#[test]
fn the_memory_limit_holds_while_nodes_start() {
    let mut ready = Ready::<Phold>::new(
        "nodes = 1_000\nuntil = \"1h\"\n[protocol]\nname = \"phold\"\npopulation = 1_000_000\n\
         [network]\nmodel = \"exponential\"\n",
    );
    ready.scenario.engine.memory_limit = 2e-2;
    for outcome in [ready.sequential(), ready.sharded(2, 1, true), ready.sharded(2, 2, true)] {
        assert_eq!(outcome.ended, Ended::MemoryLimit);
        assert_eq!(outcome.result.totals.events, 0);
    }
}

/// A flood over a complete topology sends nodes² messages within a few windows.
#[test]
fn the_memory_limit_holds_within_a_window() {
    let mut ready = Ready::<Gossip>::new(
        "nodes = 30_000\nuntil = \"1h\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n\
         [network]\nmodel = \"uniform\"\nmin = \"1s\"\nmax = \"1s\"\n",
    );
    ready.scenario.engine.memory_limit = 2e-2;
    for threads in [1, 2] {
        let outcome = ready.sharded(2, threads, true);
        assert_eq!(outcome.ended, Ended::MemoryLimit);
        let limit = anthill_engine::MachineMemory::read().total as f64 * 2e-2;
        assert!((outcome.host.calendar_bytes as f64) < limit + 3e8, "{:?}", outcome.host);
    }
}
