//! Which nodes a selection names, as one bit per node.
//!
//! A random share is exact: of m nodes that match the other filters, round(f·m) are chosen by
//! selection sampling (Knuth, TAOCP 2, algorithm 3.4.2 S), which needs no memory and one pass.

use anthill_protocol::draw::{Purpose, below, draw, stream};
use anthill_protocol::{NodeId, Time};

use super::error::{ConditionsError, region_index};
use super::links::Classes;
use super::spec::{Role, SelectionSpec};
use crate::network::{Network, suggestion};

/// A set of nodes.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    words: Box<[u64]>,
    count: u32,
}

/// What selections refer to.
pub(super) struct Population<'a> {
    pub(super) network: &'a Network,
    pub(super) classes: Option<&'a Classes>,
    pub(super) adversary: Option<&'a Members>,
    pub(super) nodes: u32,
    pub(super) seed: u64,
    pub(super) until: Time,
}

impl Members {
    #[inline]
    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.words[node.index() / 64] >> (node.0 % 64) & 1 == 1
    }

    /// Whether the other set has all of these nodes.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// How many nodes.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.words) as u64
    }

    fn from_predicate(nodes: u32, mut is_member: impl FnMut(NodeId) -> bool) -> Self {
        let mut words = vec![0u64; (nodes as usize).div_ceil(64)];
        let mut count = 0;
        for id in (0..nodes).filter(|id| is_member(NodeId(*id))) {
            words[id as usize / 64] |= 1 << (id % 64);
            count += 1;
        }
        Self { words: words.into(), count }
    }
}

impl Population<'_> {
    /// The nodes of a selection; `field` names it in errors, `index` tells it from others, so that
    /// each draws its own random share.
    ///
    /// # Errors
    /// On unknown regions, missing stakes, and when no node is left.
    pub(super) fn select(
        &self,
        spec: &SelectionSpec,
        field: &str,
        index: u64,
    ) -> Result<Members, ConditionsError> {
        let regions = self.regions(&spec.regions, field)?;
        let classes = self.classes(&spec.classes, field)?;
        let least_stake = spec.stake_top.map(|top| self.stake_floor(top, field)).transpose()?;
        let matches = |node: NodeId| {
            (spec.nodes.is_empty()
                || spec.nodes.iter().any(|(from, to)| (*from..=*to).contains(&node.0)))
                && (regions.is_empty() || regions[self.network.region_of(node).index()])
                && (classes.is_empty()
                    || self.classes.is_some_and(|c| c.of(node).is_some_and(|k| classes[k])))
                && spec.role.is_none_or(|role| {
                    let held = self.adversary.is_some_and(|members| members.contains(node));
                    held == (role == Role::Adversary)
                })
                && least_stake.is_none_or(|least| self.stake_key(node) >= least)
        };
        let all = Members::from_predicate(self.nodes, matches);
        let members = match spec.fraction {
            Some(fraction) => self.sample(&all, fraction, index),
            None => all,
        };
        if members.count() == 0 {
            let problem = "names no node of this network; a selection must strike someone";
            return Err(ConditionsError::at(field, problem));
        }
        Ok(members)
    }

    fn sample(&self, all: &Members, fraction: f64, index: u64) -> Members {
        let key = stream(self.seed, Purpose::Selection, NodeId(index as u32));
        let mut left = u64::from(all.count());
        let mut wanted = libm::round(fraction * left as f64) as u64;
        Members::from_predicate(self.nodes, |node| {
            if !all.contains(node) {
                return false;
            }
            let chosen = below(draw(key, u64::from(node.0)), left) < wanted;
            left -= 1;
            wanted -= u64::from(chosen);
            chosen
        })
    }

    /// One flag per region; empty if all regions count.
    fn regions(&self, names: &[String], field: &str) -> Result<Vec<bool>, ConditionsError> {
        let known = self.network.regions();
        let mut flags = vec![false; if names.is_empty() { 0 } else { known.len() }];
        for name in names {
            flags[region_index(name, self.network, field)?] = true;
        }
        Ok(flags)
    }

    fn classes(&self, names: &[String], field: &str) -> Result<Vec<bool>, ConditionsError> {
        let known: &[String] = self.classes.map_or(&[], Classes::names);
        let mut flags = vec![false; if names.is_empty() { 0 } else { known.len() }];
        for name in names {
            let Some(class) = known.iter().position(|class| class == name) else {
                let hint = suggestion(name, known.iter().map(String::as_str));
                return Err(ConditionsError::at(field, format!("no link class \"{name}\"{hint}")));
            };
            flags[class] = true;
        }
        Ok(flags)
    }

    /// Nodes by stake, ties by lower id.
    fn stake_key(&self, node: NodeId) -> (u64, core::cmp::Reverse<u32>) {
        let stake = self.network.node_table().and_then(|table| table.stake(node)).unwrap_or(0.0);
        // Stakes are not negative: their bits are in the order of their values.
        (stake.to_bits(), core::cmp::Reverse(node.0))
    }

    /// The key of the `top`-th richest node.
    fn stake_floor(
        &self,
        top: u32,
        field: &str,
    ) -> Result<(u64, core::cmp::Reverse<u32>), ConditionsError> {
        let has_stakes = self.network.node_table().is_some_and(|t| t.stake(NodeId(0)).is_some());
        if !has_stakes {
            let problem = "needs network.node_file with a column `stake`";
            return Err(ConditionsError::at(format!("{field}.stake_top"), problem));
        }
        let mut keys: Vec<_> = (0..self.nodes).map(|id| self.stake_key(NodeId(id))).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let last = (top.min(self.nodes).max(1) - 1) as usize;
        Ok(keys[last])
    }
}
