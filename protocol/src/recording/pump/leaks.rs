//! Whether nodes release what they retain: what a node retains has to be named in its state, which its
//! saved form shows.

use std::collections::BTreeMap;

use super::Pump;
use crate::{Bodies as _, NodeId, Protocol, Shared, Snapshot as _};

/// What nodes retain.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// How often a node retains a body, by its name.
    held: BTreeMap<(NodeId, u64), (i64, Shared)>,
    /// Bodies that a node released more often than it retained them.
    over_released: Vec<(NodeId, Shared)>,
}

impl Holdings {
    /// Notes what a handler of a node retained (1) and released (-1), in order.
    pub(super) fn note(&mut self, node: NodeId, changes: &[(Shared, i64)]) {
        for (body, change) in changes {
            let (count, _) = self.held.entry((node, body.id())).or_insert((0, *body));
            *count += change;
            match *count {
                ..0 => {
                    *count = 0;
                    self.over_released.push((node, *body));
                }
                0 => drop(self.held.remove(&(node, body.id()))),
                1.. => {}
            }
        }
    }
}

impl<P: Protocol> Pump<P> {
    /// What nodes do wrong with shared bodies, so far: each body that a node released more often than it
    /// retained it, and each that it retains more often than its state names it, which nobody can ever
    /// release. Nodes that are down or held are not looked at.
    pub fn leaks(&self) -> Vec<String> {
        let is_honest = |node: &NodeId| !self.held.contains_key(node);
        let over_released = self.holdings.over_released.iter().filter(|(node, _)| is_honest(node));
        let over_released = over_released.map(|(node, body)| {
            format!("{node} released {:?} more often than it retained it", self.bodies.get(*body))
        });
        let mut leaks: Vec<String> = over_released.collect();
        let mut saved = (None, Vec::new());
        for ((node, name), (count, body)) in &self.holdings.held {
            let Some(state) = self.node(*node).filter(|_| is_honest(node)) else {
                continue;
            };
            if saved.0 != Some(*node) {
                saved = (Some(*node), Vec::new());
                state.save(&mut saved.1);
            }
            let name = name.to_le_bytes();
            let named = saved.1.windows(name.len()).filter(|bytes| *bytes == name).count();
            if *count > named as i64 {
                let body = self.bodies.get(*body);
                leaks.push(format!("{node} retains {count} times and names {named}: {body:?}"));
            }
        }
        leaks
    }
}
