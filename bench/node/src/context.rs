//! The world of a handler in a real node.

use anthill_engine::crypto::{Checker, Scheme};
use anthill_protocol::draw::{self, Purpose};
use anthill_protocol::{
    Bodies as _, Body as _, Claim, Context, Digest, Keys, NodeId, Protocol, PublicKey, RegionId,
    Shared, Signature, Span, Time, Verdicts,
};

use crate::bodies::{Store, View};

/// One thing that a handler asked for.
pub(crate) enum Act<P: Protocol> {
    Send { to: NodeId, message: P::Message },
    Timer { at: Time, timer: P::Timer },
    Record { metric: P::Metric, value: u64 },
    Output(P::Output),
    Retain(u64),
    Release(u64),
}

/// What handlers of one process share.
pub(crate) struct Shop {
    pub scheme: Scheme,
    pub checker: Checker,
    pub seed: u64,
    pub population: u32,
}

/// The context of one handler call.
pub(crate) struct Cx<'a, P: Protocol> {
    pub id: NodeId,
    pub now: Time,
    pub drawn: u64,
    pub shop: &'a mut Shop,
    pub store: &'a Store<P::Body>,
    pub acts: Vec<Act<P>>,
}

struct KeysOf<'a>(&'a mut Shop);

impl Keys for KeysOf<'_> {
    fn scenario(&self) -> u64 {
        self.0.seed
    }

    fn public_key(&mut self, node: NodeId) -> PublicKey {
        self.0.scheme.public_key(node)
    }
}

impl<P: Protocol> Context<P> for Cx<'_, P> {
    type Bodies = View<P::Body>;

    fn id(&self) -> NodeId {
        self.id
    }

    fn now(&self) -> Time {
        self.now
    }

    fn nodes(&self) -> u32 {
        self.shop.population
    }

    fn region_of(&self, _: NodeId) -> RegionId {
        RegionId::default()
    }

    fn degree(&self) -> u32 {
        self.shop.population - 1
    }

    fn peer(&self, slot: u32) -> NodeId {
        assert!(slot < self.degree(), "slot {slot} of {}", self.degree());
        NodeId(if slot < self.id.0 { slot } else { slot + 1 })
    }

    fn random(&mut self) -> u64 {
        let stream = draw::stream(self.shop.seed, Purpose::Protocol, self.id);
        self.drawn += 1;
        draw::draw(stream, self.drawn - 1)
    }

    fn send(&mut self, to: NodeId, message: P::Message) {
        assert!(to.0 < self.nodes(), "a message to {to} of {} nodes", self.nodes());
        self.acts.push(Act::Send { to, message });
    }

    fn set_timer(&mut self, delay: Span, timer: P::Timer) {
        self.acts.push(Act::Timer { at: Time(self.now.0.saturating_add(delay.0)), timer });
    }

    fn share(&mut self, body: P::Body) -> Shared {
        self.store.add(body, false)
    }

    fn intern(&mut self, body: P::Body) -> Shared {
        self.store.add(body, true)
    }

    fn bodies(&self) -> View<P::Body> {
        self.store.view()
    }

    fn retain(&mut self, body: Shared) {
        self.acts.push(Act::Retain(body.id()));
    }

    fn release(&mut self, body: Shared) {
        self.acts.push(Act::Release(body.id()));
    }

    fn verify_body(&mut self, body: Shared) -> Verdicts {
        let mut claims = Vec::new();
        let bodies = self.store.view();
        bodies.get(body).claims(&mut KeysOf(self.shop), &mut |claim| claims.push(claim));
        Verdicts::of(&self.shop.checker.check_batch(&claims))
    }

    fn scenario(&self) -> u64 {
        self.shop.seed
    }

    fn public_key(&mut self, of: NodeId) -> PublicKey {
        self.shop.scheme.public_key(of)
    }

    fn sign(&mut self, digest: &Digest) -> Signature {
        self.shop.scheme.sign(self.id, digest)
    }

    fn verify(&mut self, claim: &Claim) -> bool {
        self.shop.checker.check(claim)
    }

    /// The real processor is occupied already.
    fn charge(&mut self, _: Span) {}

    fn record(&mut self, metric: P::Metric, value: u64) {
        self.acts.push(Act::Record { metric, value });
    }

    fn output(&mut self, output: P::Output) {
        self.acts.push(Act::Output(output));
    }
}
