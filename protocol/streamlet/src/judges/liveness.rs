//! New final blocks in time.

use anthill_protocol::judge::{Breaches, Rule, RunEnd};
use anthill_protocol::{NodeId, Time};

use super::Heard;
use crate::Streamlet;
use crate::messages::Said;

/// Bits remembered: nodes times epochs.
const MOST_BITS: u64 = 1 << 28;

/// In every row of so many epochs with honest leaders, each node learns of a new final block before its end: an
/// exact statement, about every row that begins once the network is stable.
pub(super) struct Rows {
    streamlet: Streamlet,
    nodes: u32,
    row: u32,
    stable: Time,
    /// By epoch, from 1: who has learned of a final block in it.
    learned: Vec<Vec<u64>>,
}

impl Rows {
    pub(super) fn new(streamlet: &Streamlet, nodes: u32, row: u32, stable: Time) -> Self {
        let streamlet = streamlet.clone();
        Self { streamlet, nodes, row, stable, learned: Vec::new() }
    }

    fn is_too_long(&self) -> bool {
        u64::from(self.nodes) * u64::from(self.streamlet.epochs) > MOST_BITS
    }

    fn has_learned(&self, epoch: u32, node: NodeId) -> bool {
        let of_epoch = self.learned.get(epoch as usize - 1);
        let word = of_epoch.and_then(|nodes| nodes.get(node.index() / 64));
        word.is_some_and(|word| word & (1 << (node.0 % 64)) != 0)
    }

    /// Rows that are judged, by their first epochs.
    fn rows(&self, end: &RunEnd<'_>) -> Vec<u32> {
        let is_honest = |epoch: u32| {
            let leader = self.streamlet.leader(epoch, self.nodes);
            end.excused.binary_search(&leader).is_err()
        };
        let (mut rows, mut honest) = (Vec::new(), 0);
        for epoch in 1..=self.streamlet.epochs {
            let is_over = self.streamlet.beginning(epoch.saturating_add(1)) <= end.time;
            let is_stable = self.streamlet.beginning(epoch) >= self.stable;
            honest = if is_honest(epoch) && is_over && is_stable { honest + 1 } else { 0 };
            if honest >= self.row {
                rows.push(epoch + 1 - self.row);
            }
            if !is_over {
                break;
            }
        }
        rows
    }
}

impl Rule<Said> for Rows {
    fn hear(&mut self, said: &Heard, _: &mut Breaches) {
        if !matches!(said.output, Said::Final { .. }) || self.is_too_long() {
            return;
        }
        let epoch = (said.at.time.0 / self.streamlet.epoch_length().0) as usize;
        if epoch >= self.streamlet.epochs as usize {
            return;
        }
        let words = self.nodes.div_ceil(64) as usize;
        while self.learned.len() <= epoch {
            self.learned.push(vec![0; words]);
        }
        if let Some(word) = self.learned[epoch].get_mut(said.node.index() / 64) {
            *word |= 1 << (said.node.0 % 64);
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        if self.is_too_long() {
            return Err(format!("more than {MOST_BITS} nodes times epochs"));
        }
        let rows = self.rows(end);
        if rows.is_empty() {
            let row = self.row;
            return Err(format!("no {row} epochs in a row had honest leaders before {}", end.time));
        }
        let nodes = (0..self.nodes).map(NodeId);
        for node in nodes.filter(|node| end.excused.binary_search(node).is_err()) {
            let last_of = |first: u32| first + self.row - 1;
            let is_empty = |first: &&u32| {
                !(**first..=last_of(**first)).any(|epoch| self.has_learned(epoch, node))
            };
            // The first says enough: others overlap it.
            if let Some(first) = rows.iter().find(is_empty) {
                let last = last_of(*first);
                breaches.missing(format!("{node} has no new block in epochs {first} to {last}"));
            }
        }
        Ok(())
    }
}
