//! The edge cases of ZIP-215 as nodes meet them: in messages and in bodies, in batches with
//! whatever else happens to arrive. Each has the verdict that it has alone, in every execution.

use std::sync::LazyLock;

use anthill_engine::{Control, run, sequential};
use anthill_protocol::phold::{Phold, PholdMetric};
use anthill_protocol::{
    Bodies as _, Body, Claim, Context, Keys, Message, NodeId, Protocol, Shared, Snapshot, Span,
    draw,
};

use crate::signatures::{edge_cases, edge_kinds, honest};
use crate::{Ready, invariant_part};

/// Nodes; each meets claims of its own.
const NODES: u32 = 40;
const TICK: Span = Span::from_millis(2);

/// A claim, what it is, and whether it holds.
type Case = (String, Claim, bool);

/// All kinds of edge cases, then as many honest ones as there are nodes.
static KINDS: LazyLock<Vec<Case>> = LazyLock::new(|| with_honest(edge_kinds()));
/// All edge cases, likewise.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| with_honest(edge_cases()));

fn with_honest(mut cases: Vec<Case>) -> Vec<Case> {
    let companions = honest(NODES as usize).into_iter();
    cases.extend(companions.map(|claim| ("honest".to_owned(), claim, true)));
    cases
}

/// The claims that a run is about.
fn cases(all: bool) -> &'static [Case] {
    if all { &CASES } else { &KINDS }
}

/// A few of the claims.
#[derive(Debug, PartialEq, Eq, Snapshot)]
struct Bundle<const ALL: bool>(Vec<u32>);

impl<const ALL: bool> Body for Bundle<ALL> {
    fn encoded_len(&self) -> u32 {
        128 * self.0.len() as u32
    }

    fn fingerprint(&self) -> u64 {
        self.0.iter().fold(0, |hash, number| draw::mix(hash, u64::from(*number)))
    }

    fn claims(&self, _: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        self.0.iter().for_each(|number| announce(cases(ALL)[*number as usize].1));
    }
}

/// One claim, or a bundle of them.
#[derive(Clone, Copy, Debug)]
enum Statement<const ALL: bool> {
    One(u32),
    Several(Shared),
}

impl<const ALL: bool> Message for Statement<ALL> {
    const KINDS: &'static [&'static str] = &["one", "several"];
    const SIGNED: bool = true;
    const CARRIES: bool = true;

    fn bodies(&self, mut visit: impl FnMut(Shared)) {
        if let Self::Several(bundle) = self {
            visit(*bundle);
        }
    }

    fn claims(&self, _: NodeId, _: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        if let Self::One(number) = self {
            announce(cases(ALL)[*number as usize].1);
        }
    }

    fn kind(&self) -> usize {
        usize::from(matches!(self, Self::Several(_)))
    }

    fn encoded_len(&self) -> u32 {
        128
    }

    fn encode(&self, _: &mut Vec<u8>) {
        unreachable!("nothing is corrupted here");
    }

    fn decode(_: &[u8]) -> Option<Self> {
        None
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::One(number) => u64::from(*number),
            Self::Several(bundle) => bundle.id(),
        }
    }
}

/// Every node works through its share of the claims, one a tick, each alone and in a bundle at a
/// random place among others, and sends some honest ones beside.
struct Edges<const ALL: bool>;

impl<const ALL: bool> Protocol for Edges<ALL> {
    /// The next claim.
    type Node = u32;
    type Message = Statement<ALL>;
    type Body = Bundle<ALL>;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = anthill_protocol::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        cx.set_timer(TICK, ());
        cx.id().0
    }

    fn on_timer(&self, next: &mut u32, (): (), cx: &mut impl Context<Self>) {
        let count = cases(ALL).len() as u32;
        if *next >= count {
            return;
        }
        let mut bundle: Vec<_> =
            (0..cx.random_below(4)).map(|_| cx.random_below(count.into()) as u32).collect();
        bundle.insert(cx.random_below(bundle.len() as u64 + 1) as usize, *next);
        let companions = cx.random_below(3);
        let others = (0..companions).map(|_| count - 1 - cx.random_below(NODES.into()) as u32);
        let others: Vec<_> = others.collect();
        let bundle = cx.share(Bundle(bundle));
        let statements = others.into_iter().chain([*next]).map(Statement::One);
        for statement in statements.chain([Statement::Several(bundle)]) {
            let to = cx.random_below(cx.nodes().into()) as u32;
            cx.send(NodeId(to), statement);
        }
        *next += NODES;
        cx.set_timer(TICK, ());
    }

    fn on_message(
        &self,
        _: &mut u32,
        _: NodeId,
        statement: &Statement<ALL>,
        cx: &mut impl Context<Self>,
    ) {
        match statement {
            Statement::One(number) => {
                let (name, claim, expected) = &cases(ALL)[*number as usize];
                assert_eq!(cx.verify(claim), *expected, "{name}");
            }
            Statement::Several(bundle) => {
                let verdicts = cx.verify_body(*bundle);
                let bodies = cx.bodies();
                for (number, index) in bodies.get(*bundle).0.iter().zip(0..) {
                    let (name, _, expected) = &cases(ALL)[*number as usize];
                    assert_eq!(verdicts.holds(index), *expected, "{name} at {index}");
                }
            }
        }
        cx.record(PholdMetric::Handled, 1);
    }
}

/// Runs the claims under the oracle and these shapes; all of them are met.
fn met<const ALL: bool>(seed: u64, shapes: &[(u32, u32, bool)]) {
    let mut ready = Ready::<Phold>::new(&format!(
        "nodes = {NODES}\nuntil = \"1h\"\nseed = {seed}\n[protocol]\nname = \"phold\"\n\
         [network]\nmodel = \"uniform\"\nmin = \"5ms\"\nmax = \"7ms\"\n[crypto]\nverdicts = 200\n"
    ));
    let control = Control::default();
    let protocol = Edges::<ALL>;
    let oracle =
        sequential::run(&protocol, &ready.scenario, &ready.network, &control).expect("runs");
    let count = cases(ALL).len() as u64;
    // Each was in a bundle and alone, and all arrived.
    assert!(oracle.result.facts.quiescent);
    assert_eq!(oracle.host.bodies.made, count);
    let handled = oracle.result.totals.of(PholdMetric::Handled);
    assert!((5 * count / 2..4 * count).contains(&handled), "{handled} of {count}");
    let checked = oracle.result.signatures.checked;
    assert!(checked > 4 * count, "{checked} of {count}");
    for (shards, threads, stealing) in shapes {
        let options = &mut ready.scenario.engine;
        (options.shards, options.threads) = (Some(*shards), Some(*threads));
        options.stealing = *stealing;
        let outcome = run(&protocol, &ready.scenario, &ready.network, &control).expect("runs");
        assert_eq!(invariant_part(&outcome), invariant_part(&oracle), "{shards} {threads}");
        assert!(outcome.host.crypto.batches > 0);
    }
}

#[test]
fn every_kind_of_edge_claim_has_one_verdict_in_every_execution() {
    let mut shapes = Vec::new();
    for shards in [1, 2, 7] {
        for threads in [1, 2, 7] {
            shapes.extend([(shards, threads, true), (shards, threads, false)]);
        }
    }
    for seed in [1, 2, 3] {
        met::<false>(seed, &shapes);
    }
}

#[test]
fn every_edge_claim_has_one_verdict_in_some_executions() {
    met::<true>(4, &[(1, 1, true), (7, 2, true)]);
}
