//! Invariants that events violate: found at the event, the same under both engines, and a run that
//! ends there if that is wanted.

use anthill_engine::Control;
use anthill_engine::outcome::{Ended, Outcome, Violation};
use anthill_protocol::invariant::{Bearing, Invariant};
use anthill_protocol::parameter::{Kind, Parameter, ParameterError, Value, Values};
use anthill_protocol::{
    Configure, Context, Metric, MetricInfo, MetricKind, NoBody, NodeId, Protocol, Span,
};
use anthill_witness::Witness;

use crate::{Numbered, Ready, invariant_part};

/// Every node passes a bucket on; once in a while one spills.
#[derive(Debug)]
struct Buckets {
    /// A node spills the bucket that it is the so manieth to carry.
    spills_at: u32,
}

#[derive(Clone, Copy)]
enum Water {
    Drawn,
    Carried,
    Dry,
}

impl Metric for Water {
    const ALL: &'static [MetricInfo] = &[
        MetricInfo::new("drawn", MetricKind::Sum, "from the well"),
        MetricInfo::new("carried", MetricKind::Sum, "in buckets"),
        MetricInfo::new("dry", MetricKind::Sum, "buckets carried empty"),
    ];
    const INVARIANTS: &'static [Invariant] = &[
        Invariant { name: "water", about: "nothing is spilt" },
        Invariant { name: "full", about: "nobody carries an empty bucket" },
    ];

    fn index(self) -> usize {
        self as usize
    }

    fn bearing(self) -> Bearing {
        match self {
            Self::Drawn => Bearing::Leaves,
            Self::Carried => Bearing::Enters,
            Self::Dry => Bearing::Breaks(1),
        }
    }
}

impl Protocol for Buckets {
    /// Whether it has spilt.
    type Node = bool;
    /// Says how often the bucket was carried.
    type Message = Numbered;
    type Body = NoBody;
    type Timer = ();
    type Metric = Water;
    type Output = anthill_protocol::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> bool {
        cx.record(Water::Drawn, 9);
        cx.record(Water::Carried, 9);
        let wait = cx.random_below(10_000_000);
        cx.set_timer(Span(1 + wait), ());
        false
    }

    fn on_timer(&self, spilt: &mut bool, (): (), cx: &mut impl Context<Self>) {
        self.on_message(spilt, cx.id(), &Numbered(0), cx);
    }

    fn on_message(
        &self,
        spilt: &mut bool,
        _: NodeId,
        bucket: &Numbered,
        cx: &mut impl Context<Self>,
    ) {
        let carried = bucket.0 + 1;
        // From hand to hand: out and in again.
        cx.record(Water::Carried, 9u64.wrapping_neg());
        if carried == self.spills_at {
            *spilt = true;
        } else {
            cx.record(Water::Carried, 9);
        }
        if carried > self.spills_at {
            cx.record(Water::Dry, 1);
        }
        let to = cx.random_below(cx.nodes().into());
        cx.send(NodeId(to as u32), Numbered(carried));
    }
}

impl Configure for Buckets {
    const NAME: &'static str = "buckets";
    const ABOUT: &'static str = "a test";
    const PARAMETERS: &'static [Parameter] = &[Parameter {
        name: "spills_at",
        kind: Kind::Count { min: 1, max: 1 << 30 },
        default: Value::Count(1 << 30),
        about: "carriers after whom a bucket is empty",
    }];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Ok(Self { spills_at: values.count("spills_at") as u32 })
    }

    fn pending_per_node(&self, _: f64) -> f64 {
        2.0
    }
}

fn buckets(more: &str) -> Ready<Buckets> {
    Ready::new(&format!(
        "nodes = 300\nuntil = \"1s\"\nseed = 3\n[protocol]\nname = \"buckets\"\n{more}\n\
         [network]\nmodel = \"uniform\"\nmin = \"5ms\"\nmax = \"9ms\"\n"
    ))
}

/// The oracle's outcome, which every shape of the sharded engine repeats.
fn same<P: Configure>(ready: &Ready<P>, stop_on_violation: bool) -> Outcome {
    let control = || Control { stop_on_violation, ..Control::default() };
    let oracle = ready.try_sequential(&control()).expect("runs");
    for (shards, threads) in [(1, 1), (7, 1), (5, 2), (64, 7)] {
        let found = ready.try_sharded(shards, threads, true, &control()).expect("runs");
        assert_eq!(invariant_part(&found), invariant_part(&oracle), "{shards}, {threads}");
    }
    oracle
}

#[test]
fn what_every_event_keeps_is_not_violated() {
    for stops in [false, true] {
        let outcome = same(&buckets(""), stops);
        assert!(outcome.result.totals.events > 30_000);
        assert_eq!((outcome.result.violations, outcome.ended), (vec![], Ended::Finished));
    }
}

#[test]
fn violations_are_named_with_their_first_event() {
    let all = same(&buckets("spills_at = 20"), false);
    let [water, full] = &all.result.violations[..] else { panic!("{:?}", all.result.violations) };
    let spent = all.result.totals.values[Water::Dry.index()];
    assert_eq!((water.invariant, water.events), ("water", 300), "each bucket is spilt once");
    assert_eq!((full.invariant, full.events), ("full", spent));
    // A hop takes 5 to 9 ms, and the first begins in the first 10 ms.
    let (early, late) = (19 * 5_000_000, 10_000_000 + 19 * 9_000_000);
    let [water_at, full_at] = [water, full].map(|found| found.first.expect("an event"));
    assert!((early..late).contains(&water_at.time.0), "{water_at}");
    assert!(full_at.time.0 >= water_at.time.0 + 5_000_000, "{full_at}");
    assert_eq!(all.result.facts.violations, [("water", 300), ("full", spent)]);
    assert_eq!(all.ended, Ended::Finished, "nobody asked it to stop");
}

#[test]
fn a_run_ends_after_the_window_of_the_first_violation() {
    let all = same(&buckets("spills_at = 20"), false);
    let cut = same(&buckets("spills_at = 20"), true);
    assert_eq!(cut.ended, Ended::Violated);
    let [Violation { invariant, first: Some(first), events, .. }] = cut.result.violations[..]
    else {
        panic!("{:?}", cut.result.violations)
    };
    assert_eq!((invariant, Some(first)), ("water", all.result.violations[0].first));
    assert!(events < 300 && cut.result.totals.events < all.result.totals.events);
    // The whole window, and nothing after it.
    let window = |time: u64| time / cut.result.w_ns;
    assert_eq!(window(cut.result.virtual_ns), window(first.time.0));
}

/// The first accepted double spend of the original's rules, without any corrupt witness.
#[test]
fn a_double_spend_is_a_violation_that_ends_a_run() {
    let ready = |rules: &str| {
        Ready::<Witness>::new(&format!(
            "nodes = 400\nuntil = \"3min\"\nseed = 11\n[protocol]\nname = \"witness\"\n\
             verifiers = 0.5\nwitnesses = 20\nredundancy = 13\nrules = \"{rules}\"\n\
             [network]\npreset = \"aws-p50\"\ntopology = {{ kind = \"complete\" }}\n\
             [workload]\nrate = 6.0\n[adversary]\nkind = \"double-signer\"\nattempts = 30\n"
        ))
    };
    let corrected = same(&ready("corrected"), true);
    assert_eq!((corrected.result.violations, corrected.ended), (vec![], Ended::Finished));
    let original = same(&ready("seed"), true);
    assert_eq!(original.ended, Ended::Violated);
    let [violation] = &original.result.violations[..] else {
        panic!("{:?}", original.result.violations)
    };
    assert_eq!((violation.invariant, violation.events), ("double spend", 1));
    let all = same(&ready("seed"), false);
    assert_eq!(all.result.violations.len(), 1, "credit is conserved all the same");
    assert_eq!(
        (all.result.violations[0].first, all.result.violations[0].events),
        (violation.first, 30)
    );
}
