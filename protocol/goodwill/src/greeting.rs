//! Greetings: who a node is, and which ledger it has.

use anthill_protocol::draw::mix;
use anthill_protocol::{Claim, Context, Digest, NodeId, Shared, Signature, Span, Time};

use crate::Goodwill;
use crate::message::{GoodwillMessage, Name};
use crate::node::Full;
use crate::transaction::{DOMAIN, GREETING};

/// A greeting by a clock that is off by more than this is not answered.
const MOST_SKEW: Span = Span::from_secs(10);
/// Challenges under way, and identities that a node knows, at most; the oldest make room.
const MAX_CHALLENGES: usize = 256;
const MAX_PEERS: usize = 4_096;
/// What the original scheme has a node sign: a constant, so that whoever has heard it can say it again.
const CONSTANT: u64 = 0;

impl Goodwill {
    /// What `who` signs for `to`: without its name another could pass the challenge on.
    fn greeting(&self, (who, to): (NodeId, NodeId), challenge: u64, scenario: u64) -> Digest {
        let (to, said) = if self.law.challenges { (to.0, challenge) } else { (0, CONSTANT) };
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&who.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&to.to_le_bytes());
        bytes[8..].copy_from_slice(&said.to_le_bytes());
        Digest::of(DOMAIN, scenario, GREETING, &bytes)
    }

    fn sign_greeting(&self, to: NodeId, challenge: u64, cx: &mut impl Context<Self>) -> Signature {
        let digest = self.greeting((cx.id(), to), challenge, cx.scenario());
        cx.sign(&digest)
    }

    /// Greets a neighbour at random.
    pub(crate) fn greet(&self, node: &mut Full, cx: &mut impl Context<Self>) {
        let all = self.neighbours(cx.id());
        if all.is_empty() {
            return;
        }
        let to = NodeId(all[cx.random_below(all.len() as u64) as usize]);
        self.say_hello(node, to, CONSTANT, cx);
    }

    /// Greets a node, says who it is, answers its challenge, and gives it one.
    pub(crate) fn say_hello(
        &self,
        node: &mut Full,
        to: NodeId,
        answers: u64,
        cx: &mut impl Context<Self>,
    ) {
        self.say_hello_to(node, (to, to), answers, cx);
    }

    /// The same to a node that says it is `who`.
    fn say_hello_to(
        &self,
        node: &mut Full,
        (to, who): (NodeId, NodeId),
        answers: u64,
        cx: &mut impl Context<Self>,
    ) {
        let challenge = cx.random();
        if node.challenges.len() >= MAX_CHALLENGES {
            node.challenges.remove(0);
        }
        node.challenges.push((to, who, challenge));
        let proof = self.sign_greeting(who, answers, cx);
        let (chain, who, clock) = (self.chain(cx), cx.id(), cx.local_clock().0);
        cx.send(to, GoodwillMessage::Hello { chain, who, clock, challenge, proof });
    }

    /// What tells this chain from others.
    pub(crate) fn chain(&self, cx: &impl Context<Self>) -> u64 {
        mix(cx.scenario(), 0x6368_6169)
    }

    /// A greeting, or the answer to one. Whoever greets first proves itself with its next message.
    pub(crate) fn on_hello(
        &self,
        node: &mut Full,
        from: NodeId,
        (chain, who, clock): (u64, NodeId, Time),
        (challenge, proof): (u64, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let now = cx.local_clock();
        let is_off = clock.since(now).max(now.since(clock)) > MOST_SKEW;
        if chain != self.chain(cx) || is_off || who.0 >= cx.nodes() {
            return;
        }
        let given = node.challenges.iter().position(|(to, ..)| *to == from);
        let Some(place) = given else {
            // A newcomer: under the original scheme its signature of a constant is enough.
            if !self.law.challenges && self.proves(who, CONSTANT, proof, cx) {
                self.welcome(node, from, who, cx);
            }
            self.say_hello_to(node, (from, who), challenge, cx);
            return;
        };
        let (_, expected, given) = node.challenges[place];
        if expected != who || !self.proves(who, given, proof, cx) {
            return;
        }
        node.challenges.swap_remove(place);
        self.welcome(node, from, who, cx);
        let proof = self.sign_greeting(who, challenge, cx);
        cx.send(from, GoodwillMessage::GetLedgerInfos { proof });
    }

    fn proves(
        &self,
        who: NodeId,
        challenge: u64,
        proof: Signature,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let digest = self.greeting((who, cx.id()), challenge, cx.scenario());
        let key = cx.public_key(who);
        cx.verify(&Claim { key, digest, signature: proof })
    }

    /// An identity is proved; a new one is told to all.
    fn welcome(&self, node: &mut Full, from: NodeId, who: NodeId, cx: &mut impl Context<Self>) {
        if who != from {
            // Somebody goes by another's name.
            cx.record(crate::metric::GoodwillMetric::AttacksSucceeded, 1);
        }
        self.on_known(node, from, who, cx);
    }

    pub(crate) fn on_known(
        &self,
        node: &mut Full,
        from: NodeId,
        who: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        if node.peers.contains(&who) || who == cx.id() || who.0 >= cx.nodes() {
            return;
        }
        if node.peers.len() >= MAX_PEERS {
            node.peers.remove(0);
        }
        node.peers.push(who);
        self.tell_neighbours(Some(from), GoodwillMessage::Known { who }, cx);
    }

    /// Somebody that was given a challenge answers it, and asks which ledger there is.
    pub(crate) fn on_get_infos(
        &self,
        node: &mut Full,
        from: NodeId,
        proof: Signature,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = node.challenges.iter().position(|(to, ..)| *to == from) else { return };
        let (_, who, given) = node.challenges[place];
        if !self.proves(who, given, proof, cx) {
            return;
        }
        node.challenges.swap_remove(place);
        self.welcome(node, from, who, cx);
        let (tip, height) = (Name(node.tip), node.height);
        cx.send(from, GoodwillMessage::LedgerInfos { tip, height });
    }

    /// A neighbour's chain ends in this block.
    pub(crate) fn on_infos(
        &self,
        node: &mut Full,
        from: NodeId,
        tip: Shared,
        cx: &mut impl Context<Self>,
    ) {
        use anthill_protocol::Bodies as _;
        if cx.bodies().get(tip).block().is_some() && !self.knows(node, tip, cx) {
            self.ask(node, from, tip, cx);
        }
    }
}
