//! What blocks exclude each other.

use std::collections::BTreeMap;

use anthill_protocol::judge::{Breaches, HORIZON, Rule, RunEnd};

use super::Heard;
use crate::messages::Said;

/// Different notarised blocks of a height that are remembered.
const MOST_OF_HEIGHT: usize = 8;

fn judged(known: usize) -> Result<(), String> {
    if known < HORIZON { Ok(()) } else { Err(format!("more than {HORIZON} blocks")) }
}

/// No other block is notarised at the height of one that is the second of three with consecutive epochs (lemma
/// 14 of the paper). At heights below it there may be: blocks whose votes came too late.
#[derive(Default)]
pub(super) struct OneBlock {
    heights: BTreeMap<u32, Height>,
}

#[derive(Default)]
struct Height {
    notarised: Vec<(u64, Heard)>,
    middle: Option<(u64, Heard)>,
}

impl Rule<Said> for OneBlock {
    fn hear(&mut self, said: &Heard, breaches: &mut Breaches) {
        let (block, height) = match said.output {
            Said::Notarised { block, height, .. } => (block, height),
            Said::Final { block, height, is_middle: true } => (block, height),
            Said::Final { .. } => return,
        };
        if self.heights.len() >= HORIZON && !self.heights.contains_key(&height) {
            return;
        }
        let known = self.heights.entry(height).or_default();
        if let Said::Notarised { .. } = said.output {
            if known.notarised.iter().any(|(other, _)| *other == block) {
                return;
            }
            if known.notarised.len() < MOST_OF_HEIGHT {
                known.notarised.push((block, *said));
            }
            if let Some((middle, first)) = &known.middle
                && *middle != block
            {
                breaches.contradiction(first, said);
            }
        } else if known.middle.is_none() {
            known.middle = Some((block, *said));
            let others = known.notarised.iter().filter(|(other, _)| *other != block);
            others.for_each(|(_, first)| breaches.contradiction(first, said));
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        judged(self.heights.len())
    }
}

/// A block comes after its parent: its epoch is later, and its height one more.
#[derive(Default)]
pub(super) struct EpochsRise {
    /// Epoch and height of notarised blocks by their names.
    blocks: BTreeMap<u64, (u32, u32)>,
}

impl Rule<Said> for EpochsRise {
    fn hear(&mut self, said: &Heard, breaches: &mut Breaches) {
        let Said::Notarised { block, epoch, height, parent } = said.output else { return };
        let before = match parent {
            0 => Some(&(0, 0)),
            parent => self.blocks.get(&parent),
        };
        match before {
            Some((earlier, below)) if *earlier < epoch && below.checked_add(1) == Some(height) => {}
            Some((earlier, below)) => {
                let why = format!("its parent is of epoch {earlier} and height {below}");
                breaches.output(said, &why);
            }
            None if self.blocks.len() < HORIZON => breaches.output(said, "nobody said its parent"),
            None => {}
        }
        if self.blocks.len() < HORIZON {
            self.blocks.insert(block, (epoch, height));
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        judged(self.blocks.len())
    }
}
