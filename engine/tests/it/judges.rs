//! Outputs under the engines: judged at window boundaries, in one order, and what held nodes tell each
//! other.

use std::sync::Mutex;

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::{Control, History, HistoryEntry, RunError};
use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::{
    Context, Message, Metric, NoBody, NodeId, Output, Parameters, Protocol, Span, Time,
};

use crate::matrix::one_result;
use crate::{Ready, invariant_part};

/// Thrones that nodes claim at random times; of two that claim one, both are wrong.
#[derive(Clone, Debug, Parameters)]
#[configure]
struct Thrones {
    /// how many there are
    #[param(default = 100, range = 1..=1_000_000)]
    thrones: u32,
    /// whether nodes with odd ids lie, and tell each other which thrones they claimed
    #[param(default = false)]
    plots: bool,
}

#[derive(Clone, Copy, Debug, Message)]
struct Claimed {
    throne: u32,
}

#[derive(Clone, Copy, Metric)]
enum Claims {
    /// thrones claimed
    Claims,
    /// thrones that liars knew to be claimed by others of them
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Output)]
enum Says {
    Sits { throne: u32 },
    Heard,
}

impl Protocol for Thrones {
    type Node = u32;
    type Message = Claimed;
    type Body = NoBody;
    type Timer = ();
    type Metric = Claims;
    type Output = Says;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        let wait = Span::from_millis(cx.random_below(1_000));
        cx.set_timer(wait, ());
        0
    }

    fn on_timer(&self, claims: &mut u32, (): (), cx: &mut impl Context<Self>) {
        *claims += 1;
        let throne = cx.random_below(self.thrones.into()) as u32;
        cx.record(Claims::Claims, 1);
        cx.output(Says::Sits { throne });
        cx.send(NodeId((cx.id().0 + 1) % cx.nodes()), Claimed { throne });
    }

    fn on_message(&self, _: &mut u32, _: NodeId, _: &Claimed, cx: &mut impl Context<Self>) {
        cx.output(Says::Heard);
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        (self.plots && node.0 % 2 == 1).then(|| Box::new(Plot) as _)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Says>> {
        let sits = judge::on!(Says::Sits { throne } => throne);
        let (until, all) = (Time(500_000_000), (0..setting.nodes).map(NodeId));
        vec![
            Judge::new("one on a throne", judge::one_per(sits))
                .bound("nobody lies", setting.held == 0),
            Judge::new(
                "sits in time",
                judge::eventually_by(until, all, |says| *says != Says::Heard),
            ),
        ]
    }
}

/// Tells the others of the plot what it claims.
struct Plot;

impl Behaviour<Thrones> for Plot {
    fn on_timer(
        &mut self,
        honest: &Thrones,
        node: &mut u32,
        (): (),
        cx: &mut Tap<'_, '_, Thrones>,
    ) {
        cx.record(Claims::Known, cx.told().len() as u64);
        cx.tell(Claimed { throne: *node });
        honest.on_timer(node, (), cx);
        cx.wake_after(Span::from_millis(1));
    }

    fn on_wake(&mut self, _: &Thrones, node: &mut u32, cx: &mut Tap<'_, '_, Thrones>) {
        *node += 1_000;
        cx.record(Claims::Known, cx.told().len() as u64);
    }
}

fn thrones(rest: &str) -> String {
    format!(
        "nodes = 200\nuntil = \"2s\"\nseed = 1\n[protocol]\nname = \"thrones\"\n{rest}\n\
         [network]\nmodel = \"uniform\"\nmin = \"5ms\"\nmax = \"9ms\"\n"
    )
}

fn run(text: &str, stop_on_violation: bool) -> Outcome {
    let ready = Ready::<Thrones>::new(text);
    let control = Control { stop_on_violation, ..Control::default() };
    let oracle = ready.try_sequential(&control).expect("a run");
    let sharded = ready.try_sharded(3, 2, true, &control).expect("a run");
    assert_eq!(invariant_part(&sharded), invariant_part(&oracle));
    sharded
}

#[test]
fn every_shape_judges_alike() {
    assert!(one_result::<Thrones>(&thrones("")) > 300);
    assert!(one_result::<Thrones>(&thrones("plots = true")) > 400);
}

#[test]
fn two_on_one_throne_are_named_with_their_events() {
    let result = run(&thrones(""), false).result;
    let [sits, late] = &result.violations[..] else { panic!("{:?}", result.violations) };
    let about = sits.about.as_deref().expect("a judge says what");
    assert!(about.contains(": Sits { throne: ") && about.contains("; n"), "{about}");
    let first = sits.first.expect("an event");
    assert!(about.ends_with(&format!("at {}", first.time)), "{about} {first}");
    assert!(!sits.expected && sits.events > 50, "{sits:?}");
    // Half of the nodes claim after the deadline.
    assert_eq!((late.invariant, late.first), ("sits in time", None));
    assert!((60..140).contains(&late.events), "{late:?}");
    let checks: Vec<_> = result.checks.iter().map(|c| (c.ok, c.expected_violation)).collect();
    assert_eq!(checks, [(false, false); 2]);
}

#[test]
fn many_thrones_are_enough() {
    let result = run(&thrones("thrones = 1_000_000"), false).result;
    assert_eq!(result.violations.len(), 1, "{:?}", result.violations);
    assert!(result.checks[0].ok);
}

#[test]
fn a_run_ends_after_the_window_of_the_first_breach() {
    let whole = run(&thrones(""), false);
    let cut = run(&thrones(""), true);
    assert_eq!(cut.ended, Ended::Violated);
    let [first, cut_first] = [&whole, &cut].map(|outcome| outcome.result.violations[0].first);
    assert_eq!(first, cut_first);
    let window = |time: u64| time / cut.result.w_ns;
    assert_eq!(window(cut.result.virtual_ns), window(first.expect("an event").time.0));
    // It ended before the deadline.
    assert!(cut.result.checks[1].not_judged.is_some(), "{:?}", cut.result.checks);
}

/// What a run says of a scenario, and what its nodes said in it.
fn heard(run: impl Fn(&Control) -> Result<Outcome, RunError>) -> (String, Vec<HistoryEntry>) {
    let history = Some(Mutex::new(History::of_at_most(1_000)));
    let control = Control { history, ..Control::default() };
    let said = invariant_part(&run(&control).expect("a run"));
    let history = control.history.expect("as above").into_inner().expect("no panic");
    assert_eq!(history.missed, 0);
    (said, history.entries)
}

/// A window's outputs are heard when it ends, and so are those of one that the end of the run cuts.
#[test]
fn what_is_said_in_a_window_that_the_end_cuts_is_heard() {
    let mut in_cut_windows = 0;
    for until_us in (700_000..800_000).step_by(7_300) {
        let text = thrones("").replace("\"2s\"", &format!("\"{until_us}us\""));
        let ready = Ready::<Thrones>::new(&text);
        let oracle = heard(|control| ready.try_sequential(control));
        for (shards, threads) in [(1, 1), (3, 2)] {
            let sharded = heard(|control| ready.try_sharded(shards, threads, true, control));
            assert_eq!(sharded, oracle, "{text}");
        }
        let w_ns = ready.sequential().result.w_ns;
        let cut = until_us * 1_000 / w_ns * w_ns;
        in_cut_windows += oracle.1.iter().filter(|said| said.at.time.0 >= cut).count();
    }
    assert!(in_cut_windows > 4, "{in_cut_windows}");
}

#[test]
fn liars_are_not_heard_and_know_of_each_other() {
    let honest = run(&thrones("thrones = 1_000_000"), false).result;
    let plot = run(&thrones("thrones = 1_000_000\nplots = true"), false).result;
    assert_eq!(plot.totals.of(Claims::Claims), honest.totals.of(Claims::Claims));
    // A liar is woken for every claim, and knows at most what all others have told.
    assert_eq!(plot.totals.events, honest.totals.events + 100);
    let known = plot.totals.of(Claims::Known);
    assert!((8_000..11_000).contains(&known), "{known}");
    // Only honest ones were to sit in time.
    let late = |result: &anthill_engine::outcome::RunResult| result.violations[0].events;
    assert!((30..70).contains(&late(&plot)) && late(&honest) > 70);
}
