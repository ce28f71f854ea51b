//! Nodes that an adversary plays, and what they tell each other.
//!
//! A behaviour is locked while one of its node's events is handled: by the thread that owns the node, so
//! the lock is never waited for. What held nodes tell each other is collected like outputs and becomes
//! known at the next window boundary, in the order of keys.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{NodeId, Protocol};

use crate::conditions::Conditions;

type Locked<P> = Mutex<Box<dyn Behaviour<P>>>;

/// The held nodes of a run.
pub(crate) struct Held<P: Protocol> {
    /// By id.
    members: Vec<(NodeId, Locked<P>)>,
    told: RwLock<Vec<(NodeId, P::Message)>>,
}

impl<P: Protocol> Held<P> {
    /// `None` if neither the protocol's adversary nor the conditions' plays any node.
    pub(crate) fn of(protocol: &P, conditions: Option<&Conditions>, nodes: u32) -> Option<Self> {
        let generic = conditions.and_then(|conditions| conditions.adversary.as_ref());
        let behaviour = |id: NodeId| {
            let generic = || generic.and_then(|adversary| adversary.behaviour(id));
            Some((id, Mutex::new(protocol.behaviour(id).or_else(generic)?)))
        };
        let members: Vec<_> = (0..nodes).map(NodeId).filter_map(behaviour).collect();
        (!members.is_empty()).then(|| Self { members, told: RwLock::default() })
    }

    /// How many of some.
    pub(crate) fn count(&self, of: impl Fn(NodeId) -> bool) -> u32 {
        self.members.iter().filter(|(id, _)| of(*id)).count() as u32
    }

    /// The first of them.
    pub(crate) fn first(&self) -> Option<NodeId> {
        self.members.first().map(|member| member.0)
    }

    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.place(node).is_some()
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        self.members.binary_search_by_key(&node, |member| member.0).ok()
    }

    /// What a node does; `None`: it is honest.
    pub(crate) fn behaviour(&self, node: NodeId) -> Option<MutexGuard<'_, Box<dyn Behaviour<P>>>> {
        let behaviour = &self.members[self.place(node)?].1;
        Some(behaviour.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What they have told each other up to the last boundary.
    pub(crate) fn told(&self) -> Vec<(NodeId, P::Message)> {
        self.told.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes more known, at a boundary.
    pub(crate) fn tell_all(&self, more: impl Iterator<Item = (NodeId, P::Message)>) {
        self.told.write().unwrap_or_else(PoisonError::into_inner).extend(more);
    }
}
