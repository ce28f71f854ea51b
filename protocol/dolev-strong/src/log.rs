//! Dolev–Strong as a log for a machine: one broadcast after the other, whose senders propose in turn what the
//! machine has. A sender that is found out, or has nothing, leaves its place empty.
//!
//! A value is 32 bits of a name. Signatures are over the whole name; that a liar looks for two bodies with the
//! same 32 bits is not foreseen.

use anthill_protocol::kit::{Ask, Entry, Final, LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, Digest, NodeId, Shared, Signature, Span};

use crate::DolevStrong;
use crate::chain::{self, Link};
use crate::node::Node;

/// The value of a sender that has nothing to say.
const EMPTY: u32 = 0;

/// The name of a value of an instance, by which its body is kept.
fn name(instance: u32, value: u32) -> u64 {
    u64::from(instance) << 32 | u64::from(value)
}

impl DolevStrong {
    /// What the sender of an instance broadcasts.
    pub(crate) fn proposal(
        &self,
        instance: u32,
        cx: &mut impl Context<Self>,
    ) -> (u32, Option<Shared>) {
        let answer = cx.machine(Ask::Next { before: &[] });
        if !answer.is_served() {
            return (self.input(instance), None);
        }
        match answer.entry().and_then(|entry| entry.body) {
            Some(body) => ((body.id() >> 32) as u32 | 1, Some(body)),
            None => (EMPTY, None),
        }
    }

    /// Has what a chain brought kept until the instance is decided.
    pub(crate) fn keep(&self, node: &Node, chain: Shared, cx: &mut impl Context<Self>) {
        if !cx.machine(Ask::Oldest).is_served() {
            return;
        }
        let bodies = cx.bodies();
        let value = anthill_protocol::Bodies::get(&bodies, chain).value;
        if let Some(body) = chain::body_of(chain, cx) {
            let entry = Entry { value: name(node.instance, value), body: Some(body) };
            cx.machine(Ask::Keep(entry));
        }
    }

    /// An instance is decided.
    pub(crate) fn hand_over(&self, instance: u32, value: Option<u32>, cx: &mut impl Context<Self>) {
        if let Some(value) = value.filter(|value| *value != EMPTY) {
            let entry = Entry { value: name(instance, value), body: None };
            cx.machine(Ask::Take(Final { index: u64::from(instance), entry }));
        }
    }
}

impl ReplicatedLog for DolevStrong {
    const BEARS_LIES: bool = true;

    /// It would bear any number that fail; clients of a machine believe what more than half may say.
    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut broadcast = Self::configure(&Values::of::<Self>())?;
        broadcast.faults = setting.nodes.saturating_sub(1) / 3;
        (broadcast.delta, broadcast.instances) = (setting.delta, u32::MAX - 1);
        broadcast.fit(setting.nodes, setting.seed)?;
        Ok(broadcast)
    }

    fn nothing() -> &'static Link {
        static NOTHING: Link = Link {
            instance: u32::MAX,
            value: 0,
            length: 0,
            signer: NodeId(u32::MAX),
            previous: None,
            before: Digest([0; 32]),
            signature: Signature([0; 64]),
            body: None,
            body_len: 0,
        };
        &NOTHING
    }

    fn faults(&self) -> u32 {
        self.faults
    }

    /// Broadcasts follow each other whether or not anything waits.
    fn poke(&self, _: &mut Node, _: &mut impl Context<Self>) {}

    /// Nodes take turns; how many there are a node does not remember.
    fn proposer(&self, _: &Node) -> Option<NodeId> {
        None
    }

    /// The present broadcast, one for each liar, and one that is not.
    fn bound(&self, _: Span, liars: u32) -> Span {
        let schedule = self.schedule();
        schedule.round * u64::from(schedule.rounds) * (u64::from(liars) + 3)
    }
}
