//! What a run's signatures take, timed where its handlers ask for them.
//!
//! A timed protocol does what the one inside it does, message by message, and adds up the wall
//! time of its calls of `sign`, `verify` and `verify_body`. Batches are verified before handlers run:
//! the engine times those itself, in its phase `crypto`.

use std::sync::atomic::{AtomicU64, Ordering};

use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::{
    Claim, Configure, Context, Digest, NodeId, Protocol, PublicKey, RegionId, Shared, Signature,
    Span, Time, Totals, Verdicts,
};

use crate::Control;
use crate::clock::Stopwatch;

/// Calls of one kind, and the wall time that they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many.
    pub count: u64,
    /// In all, in ns, over all threads.
    pub ns: u64,
}

/// A run whose signatures were timed.
pub struct TimedRun {
    /// What the engine reports. Its result is that of the protocol by itself.
    pub outcome: Outcome,
    /// Signing, and deriving keys for it; without what nodes sign at the start, before the loop.
    pub sign: Calls,
    /// Checks of single claims by handlers.
    pub verify: Calls,
    /// Checks of shared bodies by handlers.
    pub verify_body: Calls,
}

/// Runs a scenario text of the protocol `I` as `P` (which is `I`, or a variant of it), and asks each
/// check of a body so many times: often enough, and the clock does not count.
///
/// # Errors
/// If the scenario is wrong or the run fails.
pub fn run<P: Configure, I: Configure>(text: &str, body_repeats: u32) -> anyhow::Result<TimedRun> {
    let scenario = parse_text("timed", text, &[ProtocolInfo::of::<I>()])?;
    let network = Network::build(&scenario.network, scenario.nodes, scenario.seed)?;
    let inner = P::configure(&scenario.values)?;
    let timed = Timed { inner, body_repeats, clocks: Clocks::default() };
    let outcome = anthill_engine::run(&timed, &scenario, &network, &Control::default())?;
    let Clocks { sign, verify, verify_body } = timed.clocks;
    let [sign, verify, verify_body] = [sign, verify, verify_body].map(Clock::calls);
    Ok(TimedRun { outcome, sign, verify, verify_body })
}

struct Timed<P> {
    inner: P,
    body_repeats: u32,
    clocks: Clocks,
}

#[derive(Default)]
struct Clocks {
    sign: Clock,
    verify: Clock,
    verify_body: Clock,
}

#[derive(Default)]
struct Clock {
    count: AtomicU64,
    ns: AtomicU64,
}

impl Clock {
    fn time<T>(&self, count: u32, call: impl FnOnce() -> T) -> T {
        let watch = Stopwatch::start();
        let value = call();
        self.ns.fetch_add(watch.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.count.fetch_add(count.into(), Ordering::Relaxed);
        value
    }

    fn calls(self) -> Calls {
        Calls { count: self.count.into_inner(), ns: self.ns.into_inner() }
    }
}

/// A context that times what is asked of the one inside it, if there are clocks.
struct Within<'a, C> {
    inner: &'a mut C,
    clocks: Option<&'a Clocks>,
    body_repeats: u32,
}

impl<P: Protocol> Timed<P> {
    fn within<'a, C>(&'a self, inner: &'a mut C) -> Within<'a, C> {
        Within { inner, clocks: Some(&self.clocks), body_repeats: self.body_repeats }
    }
}

impl<P: Protocol> Protocol for Timed<P> {
    type Node = P::Node;
    type Message = P::Message;
    type Body = P::Body;
    type Timer = P::Timer;
    type Metric = P::Metric;
    type Output = P::Output;

    const STOPS_EARLY: bool = P::STOPS_EARLY;
    const CAN_EQUIVOCATE: bool = P::CAN_EQUIVOCATE;

    /// Not timed: it is not part of the loop.
    fn start(&self, cx: &mut impl Context<Self>) -> P::Node {
        self.inner.start(&mut Within { inner: cx, clocks: None, body_repeats: 1 })
    }

    fn on_message(
        &self,
        node: &mut P::Node,
        from: NodeId,
        message: &P::Message,
        cx: &mut impl Context<Self>,
    ) {
        self.inner.on_message(node, from, message, &mut self.within(cx));
    }

    fn on_timer(&self, node: &mut P::Node, timer: P::Timer, cx: &mut impl Context<Self>) {
        self.inner.on_timer(node, timer, &mut self.within(cx));
    }

    fn restart(&self, node: &mut P::Node, keep_state: bool, cx: &mut impl Context<Self>) {
        self.inner.restart(node, keep_state, &mut self.within(cx));
    }

    fn state_hash(&self, node: &P::Node) -> u64 {
        self.inner.state_hash(node)
    }

    fn equivocate(&self, message: &P::Message) -> Option<P::Message> {
        self.inner.equivocate(message)
    }

    fn events_per_node_second(&self) -> f64 {
        self.inner.events_per_node_second()
    }

    fn complete(&self, totals: &Totals) -> bool {
        self.inner.complete(totals)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<P::Output>> {
        self.inner.judges(setting)
    }
}

impl<P: Protocol, C: Context<Timed<P>>> Context<P> for Within<'_, C> {
    type Bodies = C::Bodies;

    fn id(&self) -> NodeId {
        self.inner.id()
    }

    fn now(&self) -> Time {
        self.inner.now()
    }

    fn local_clock(&self) -> Time {
        self.inner.local_clock()
    }

    fn nodes(&self) -> u32 {
        self.inner.nodes()
    }

    fn region_of(&self, node: NodeId) -> RegionId {
        self.inner.region_of(node)
    }

    fn degree(&self) -> u32 {
        self.inner.degree()
    }

    fn peer(&self, slot: u32) -> NodeId {
        self.inner.peer(slot)
    }

    fn random(&mut self) -> u64 {
        self.inner.random()
    }

    fn random_below(&mut self, bound: u64) -> u64 {
        self.inner.random_below(bound)
    }

    fn send(&mut self, to: NodeId, message: P::Message) {
        self.inner.send(to, message);
    }

    fn send_slot(&mut self, slot: u32, message: P::Message) {
        self.inner.send_slot(slot, message);
    }

    fn broadcast(&mut self, message: P::Message) {
        self.inner.broadcast(message);
    }

    fn set_timer(&mut self, delay: Span, timer: P::Timer) {
        self.inner.set_timer(delay, timer);
    }

    fn share(&mut self, body: P::Body) -> Shared {
        self.inner.share(body)
    }

    fn intern(&mut self, body: P::Body) -> Shared {
        self.inner.intern(body)
    }

    fn bodies(&self) -> C::Bodies {
        self.inner.bodies()
    }

    fn retain(&mut self, body: Shared) {
        self.inner.retain(body);
    }

    fn release(&mut self, body: Shared) {
        self.inner.release(body);
    }

    fn verify_body(&mut self, body: Shared) -> Verdicts {
        let (inner, repeats) = (&mut *self.inner, self.body_repeats);
        let Some(clocks) = self.clocks else { return inner.verify_body(body) };
        clocks.verify_body.time(repeats, || {
            for _ in 1..repeats {
                std::hint::black_box(inner.verify_body(std::hint::black_box(body)));
            }
            inner.verify_body(body)
        })
    }

    fn scenario(&self) -> u64 {
        self.inner.scenario()
    }

    fn public_key(&mut self, of: NodeId) -> PublicKey {
        self.inner.public_key(of)
    }

    fn sign(&mut self, digest: &Digest) -> Signature {
        match self.clocks {
            Some(clocks) => clocks.sign.time(1, || self.inner.sign(digest)),
            None => self.inner.sign(digest),
        }
    }

    fn verify(&mut self, claim: &Claim) -> bool {
        match self.clocks {
            Some(clocks) => clocks.verify.time(1, || self.inner.verify(claim)),
            None => self.inner.verify(claim),
        }
    }

    fn charge(&mut self, cpu: Span) {
        self.inner.charge(cpu);
    }

    fn output(&mut self, output: P::Output) {
        self.inner.output(output);
    }

    fn record(&mut self, metric: P::Metric, value: u64) {
        self.inner.record(metric, value);
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::gossip::{Gossip, SignedGossip};
    use anthill_protocol::signed_phold::SignedPhold;

    use super::*;

    #[test]
    fn a_timed_run_is_the_same_run() {
        let text = "nodes = 40\nuntil = \"10s\"\n[protocol]\nname = \"signed-phold\"\nhops = 5\n\
                    [network]\nmodel = \"exponential\"\n";
        let timed = run::<SignedPhold, SignedPhold>(text, 1).expect("a run");
        let scenario =
            parse_text("timed", text, &[ProtocolInfo::of::<SignedPhold>()]).expect("a scenario");
        let network = Network::build(&scenario.network, 40, scenario.seed).expect("a network");
        let plain = SignedPhold::configure(&scenario.values).expect("consistent");
        let plain = anthill_engine::run(&plain, &scenario, &network, &Control::default());
        assert_eq!(timed.outcome.result.digest, plain.expect("a run").result.digest);
        // The first hop is signed at the start.
        assert_eq!((timed.sign.count, timed.verify.count), (160, 200));
        assert!(timed.sign.ns > 0 && timed.verify.ns > 0);
        assert_eq!(timed.verify_body, Calls::default());
    }

    #[test]
    fn checks_of_bodies_are_asked_for_as_often_as_wanted() {
        let text = "nodes = 50\nuntil = \"60s\"\n[protocol]\nname = \"gossip\"\nsigned = true\n";
        let once = run::<SignedGossip, Gossip>(text, 1).expect("a run");
        let often = run::<SignedGossip, Gossip>(text, 7).expect("a run");
        assert!(once.verify_body.count > 30);
        assert_eq!(often.verify_body.count, 7 * once.verify_body.count);
        assert_eq!(once.outcome.result.totals, often.outcome.result.totals);
    }
}
