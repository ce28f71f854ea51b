//! Shared bodies: what is kept stays, what is not goes, and a handle that nobody kept is a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anthill_engine::Control;
use anthill_engine::outcome::{BodiesReport, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_engine::{run, sequential};
use anthill_protocol::phold::{Phold, PholdMetric};
use anthill_protocol::{
    Bodies as _, Body, Claim, Context, Digest, Keys, Message, NodeId, Protocol, Shared, Signature,
    Snapshot, SnapshotError, Span, Time, draw,
};

use crate::{Ready, invariant_part};

/// Bytes of a record on the wire.
const RECORD_BYTES: u32 = 1_000;
const TICK: Span = Span::from_millis(1);

/// What nodes share.
#[derive(Debug, PartialEq, Eq, Snapshot)]
struct Record {
    number: u64,
    parts: Vec<Shared>,
    signed: Option<(NodeId, Signature)>,
}

impl Record {
    fn digest(number: u64, scenario: u64) -> Digest {
        Digest::of("record", scenario, 0, &number.to_le_bytes())
    }
}

impl Body for Record {
    fn encoded_len(&self) -> u32 {
        RECORD_BYTES
    }

    fn fingerprint(&self) -> u64 {
        self.parts.iter().fold(self.number, |hash, part| draw::mix(hash, part.id()))
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        if let Some((signer, signature)) = self.signed {
            let digest = Self::digest(self.number, keys.scenario());
            announce(Claim { key: keys.public_key(signer), digest, signature });
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.parts.iter().for_each(|part| visit(*part));
    }
}

/// A record told to another, or the news that there is one, where messages carry none.
#[derive(Clone, Copy, Debug)]
struct Told<const CARRIES: bool>(Shared);

impl<const CARRIES: bool> Message for Told<CARRIES> {
    const KINDS: &'static [&'static str] = &["told"];
    const CARRIES: bool = CARRIES;

    fn bodies(&self, mut visit: impl FnMut(Shared)) {
        visit(self.0);
    }

    fn kind(&self) -> usize {
        0
    }

    fn encoded_len(&self) -> u32 {
        self.0.encoded_len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        Shared::decode(&mut bytes).map(Self)
    }

    fn fingerprint(&self) -> u64 {
        self.0.id()
    }
}

/// What a node keeps.
#[derive(Default)]
struct Kept {
    ticks: u64,
    held: Option<Shared>,
}

impl Snapshot for Kept {
    fn save(&self, out: &mut Vec<u8>) {
        self.ticks.save(out);
        self.held.iter().for_each(|held| held.save(out));
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a test never loads"))
    }
}

/// Every node makes a record at every tick, keeps the newest of its own and tells another node; the
/// record has the one before as a part until a chain is `chain` long.
#[derive(Clone, Copy)]
struct Keeper<const CARRIES: bool> {
    chain: u64,
    /// The node that forgets to retain what it keeps, and uses it ten ticks later.
    careless: Option<NodeId>,
    /// From this tick on records are signed, and checked by whoever is told.
    signed_from: u64,
    /// Whether all but node 0 let go of what they keep at the next tick, and go quiet.
    quits: bool,
}

impl<const CARRIES: bool> Keeper<CARRIES> {
    const HONEST: Self = Self { chain: 1, careless: None, signed_from: u64::MAX, quits: false };

    fn keep(&self, kept: &mut Kept, cx: &mut impl Context<Self>) -> Shared {
        let number = u64::from(cx.id().0) << 32 | kept.ticks;
        let last = kept.held.filter(|_| !kept.ticks.is_multiple_of(self.chain));
        let digest = Record::digest(number, cx.scenario());
        let signed = (kept.ticks >= self.signed_from).then(|| (cx.id(), cx.sign(&digest)));
        let record = Record { number, parts: last.into_iter().collect(), signed };
        // By content or by name: numbers are all different.
        let new = if number.is_multiple_of(2) { cx.share(record) } else { cx.intern(record) };
        cx.retain(new);
        if let Some(old) = kept.held.replace(new) {
            cx.release(old);
        }
        new
    }
}

impl<const CARRIES: bool> Protocol for Keeper<CARRIES> {
    type Node = Kept;
    type Message = Told<CARRIES>;
    type Body = Record;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = anthill_protocol::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Kept {
        let mut kept = Kept::default();
        self.keep(&mut kept, cx);
        cx.set_timer(TICK, ());
        kept
    }

    fn on_message(
        &self,
        _: &mut Kept,
        _: NodeId,
        told: &Told<CARRIES>,
        cx: &mut impl Context<Self>,
    ) {
        if CARRIES {
            assert!(cx.bodies().get(told.0).parts.len() <= 1);
            assert_eq!(cx.verify_body(told.0).failed(), 0);
            cx.record(PholdMetric::Handled, 1);
        }
    }

    fn on_timer(&self, kept: &mut Kept, (): (), cx: &mut impl Context<Self>) {
        kept.ticks += 1;
        if self.quits && cx.id() != NodeId(0) {
            return kept.held.take().into_iter().for_each(|held| cx.release(held));
        }
        cx.set_timer(TICK, ());
        if self.careless == Some(cx.id()) {
            match kept.ticks {
                1 => {
                    let old = kept.held.expect("made at the start");
                    cx.release(old);
                }
                11 => {
                    let held = kept.held.expect("kept, but not retained");
                    assert!(cx.bodies().get(held).parts.is_empty());
                }
                _ => {}
            }
            return;
        }
        let new = self.keep(kept, cx);
        let to = cx.random_below(u64::from(cx.nodes())) as u32;
        cx.send(NodeId(to), Told(new));
    }

    fn restart(&self, kept: &mut Kept, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            kept.held.take().into_iter().for_each(|held| cx.release(held));
            self.keep(kept, cx);
        }
        cx.set_timer(TICK, ());
    }
}

fn ready(nodes: u32, until: &str, more: &str) -> Ready<Phold> {
    Ready::new(&format!(
        "nodes = {nodes}\nuntil = \"{until}\"\nseed = 5\n[protocol]\nname = \"phold\"\n\
         [network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"3ms\"\n{more}"
    ))
}

fn shaped(scenario: &Scenario, shards: u32, threads: u32) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.engine.shards = Some(shards);
    scenario.engine.threads = Some(threads);
    scenario
}

/// Runs on the oracle and on some shards, with one result.
fn everywhere<P: Protocol>(protocol: &P, ready: &Ready<Phold>) -> Vec<Outcome> {
    let Ready { scenario, network, .. } = ready;
    let control = Control::default();
    let mut outcomes = vec![sequential::run(protocol, scenario, network, &control).expect("runs")];
    for (shards, threads) in [(1, 1), (2, 2), (7, 3)] {
        let scenario = shaped(scenario, shards, threads);
        let outcome = run(protocol, &scenario, network, &control).expect("runs");
        assert_eq!(invariant_part(&outcome), invariant_part(&outcomes[0]));
        outcomes.push(outcome);
    }
    outcomes
}

fn living(report: &BodiesReport) -> u64 {
    report.made - report.reclaimed
}

/// Twice what lives, and the places of the bodies, which double: ten times as long a run needs no
/// more, also where each body is part of another and whole chains die at once.
#[test]
fn memory_does_not_grow_with_the_bodies_that_were_shared() {
    let nodes = 100;
    for chain in [1, 10, 100] {
        let keeper = Keeper::<true> { chain, ..Keeper::HONEST };
        for outcome in everywhere(&keeper, &ready(nodes, "1s", "")) {
            let report = outcome.host.bodies;
            assert!(report.made >= 900 * u64::from(nodes), "{report:?}");
            // What a node holds with its parts, and what is under way.
            let needed = u64::from(nodes) * (chain + 6);
            assert!(living(&report) <= 2 * needed + 64, "chains of {chain}: {report:?}");
            let most = (2 * needed + 64) * u64::from(RECORD_BYTES) * 3 / 2;
            assert!(report.most_bytes <= most, "chains of {chain}: {most}, {report:?}");
        }
    }
}

/// Nodes may share among themselves what no message ever names.
#[test]
fn bodies_that_no_message_carries_are_reclaimed_too() {
    for outcome in everywhere(&Keeper::<false>::HONEST, &ready(100, "200ms", "")) {
        assert!(living(&outcome.host.bodies) <= 2 * 700, "{:?}", outcome.host.bodies);
    }
}

/// A claim that comes long after bodies without any: they are gone by then, and nothing asks for
/// them.
#[test]
fn bodies_without_signatures_wait_for_no_batch() {
    let keeper = Keeper::<true> { signed_from: 50, ..Keeper::HONEST };
    for outcome in everywhere(&keeper, &ready(100, "100ms", "")) {
        assert!(outcome.result.signatures.checked > 3_000, "{:?}", outcome.result.signatures);
        assert!(outcome.host.bodies.reclaimed > 5_000);
    }
}

/// What a node that is not there yet would keep is kept by nobody.
#[test]
fn a_node_that_comes_up_later_keeps_nothing_from_before() {
    // Half of 400 are down at the start; all but one soon let go of what they keep.
    let churn = "[churn]\nkind = \"exponential\"\nsession = \"100ms\"\ndowntime = \"100ms\"\nstart = \"stationary\"\n";
    let keeper = Keeper::<true> { quits: true, ..Keeper::HONEST };
    for outcome in everywhere(&keeper, &ready(400, "2s", churn)) {
        assert!(outcome.result.conditions.expect("churn").restarts > 1_000);
        assert!(living(&outcome.host.bodies) <= 150, "{:?}", outcome.host.bodies);
    }
}

/// Who keeps a handle without retaining it is told so, at the same event in every execution.
#[test]
fn a_handle_that_was_not_retained_is_a_panic_at_one_event_everywhere() {
    let keeper = Keeper::<true> { careless: Some(NodeId(3)), ..Keeper::HONEST };
    let ready = ready(100, "1s", "");
    let control = Control::default();
    let mut messages = Vec::new();
    for (shards, threads) in [(0, 0), (1, 1), (2, 2), (7, 3)] {
        let scenario = shaped(&ready.scenario, shards.max(1), threads.max(1));
        let caught = catch_unwind(AssertUnwindSafe(|| match shards {
            0 => sequential::run(&keeper, &scenario, &ready.network, &control),
            _ => run(&keeper, &scenario, &ready.network, &control),
        }));
        let payload = caught.expect_err("panics");
        messages.push(*payload.downcast::<String>().expect("a message"));
        // Whether it happened at the event where it should.
        let reached = control.virtual_ns.load(std::sync::atomic::Ordering::Relaxed);
        assert!(Time(reached) <= Time::ZERO + Span(12 * TICK.0), "{reached}");
    }
    assert!(messages[0].contains("whoever keeps a handle must retain it"), "{}", messages[0]);
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:#?}");
}
