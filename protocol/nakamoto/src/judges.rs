//! What must hold between nodes: the heaviest chain, valid blocks, a common prefix.

use std::collections::{BTreeMap, VecDeque};

use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{Body as _, NodeId, Shared, Span, Time};

use crate::Nakamoto;
use crate::block::{Block, Schedule, UNIT};
use crate::output::{NakamotoOutput, Seen};

/// Blocks so far below the highest are forgotten.
const HORIZON: u32 = 10_000;
/// Shorter branches than this come about by chance.
const SHORT: u32 = 6;
/// How far a block's time may be ahead: two hours by the clock of a node, which may be wrong itself.
const MAX_AHEAD: Span = Span::from_secs(4 * 3_600);

/// All judges of a run.
pub(crate) fn all(protocol: &Nakamoto, setting: &Setting) -> Vec<Judge<NakamotoOutput>> {
    let depth = protocol.confirmations();
    let is_calm = setting.held == 0 && !setting.crashes && !setting.loses_messages;
    // Where no delay is promised, none is thought to be longer than three seconds.
    let delta = setting.delta.unwrap_or(Span::from_secs(3));
    let is_slow = delta.0.saturating_mul(20) <= protocol.interval.0;
    let spends = judge::on!(
        NakamotoOutput::Confirmed { transaction, block } =>
            (transaction.spends(), (transaction.is_twin, block))
    );
    let deep = "honest miners and a calm network, blocks twenty delays apart, depth 6 or more";
    let is_deep = is_calm && is_slow && depth >= SHORT;
    vec![
        Judge::new("heaviest chain", Tips::new(Which::Lighter)),
        Judge::new("first seen", Tips::new(Which::Equal))
            .bound("ties are not drawn", !protocol.draws_ties()),
        Judge::new("valid blocks", Valid::new(protocol.schedule()))
            .bound("no hidden branch sets the difficulty", !protocol.hides_difficulty()),
        Judge::new("common prefix", Tips::new(Which::Deep(depth))).bound(deep, is_deep),
        Judge::new("confirmed payments stay", judge::agreement(spends)).bound(deep, is_deep),
        Judge::new("nobody is left behind", Behind::new(depth.max(SHORT), protocol.observers()))
            .bound("a calm network, blocks twenty delays apart", is_calm && is_slow),
    ]
}

/// Which change of tip is a breach.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// To less work.
    Lighter,
    /// To as much.
    Equal,
    /// Past so many blocks.
    Deep(u32),
}

/// Each node's tips, one after the other.
struct Tips {
    which: Which,
    last: BTreeMap<NodeId, Said<NakamotoOutput>>,
}

impl Tips {
    fn new(which: Which) -> Self {
        Self { which, last: BTreeMap::new() }
    }
}

impl Rule<NakamotoOutput> for Tips {
    fn hear(&mut self, said: &Said<NakamotoOutput>, breaches: &mut Breaches) {
        let NakamotoOutput::Tip { tip, dropped } = said.output else { return };
        if let Which::Deep(depth) = self.which {
            if dropped >= depth {
                breaches.output(said, &format!("a branch of {depth} blocks or more was given up"));
            }
            return;
        }
        let before = self.last.insert(said.node, *said);
        let Some(before) = before else { return };
        let NakamotoOutput::Tip { tip: old, .. } = before.output else { return };
        let is_breach = match self.which {
            Which::Lighter => tip.work < old.work,
            Which::Equal => tip.work == old.work,
            Which::Deep(_) => false,
        };
        if is_breach {
            breaches.contradiction(&before, said);
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.last.remove(&node);
        }
    }
}

/// A block as far as its children need it.
#[derive(Clone, Copy, Debug)]
struct Known {
    seen: Seen,
    period_start: Time,
}

/// Every block follows from its parent, if that is known: height, difficulty, work, time.
struct Valid {
    schedule: Schedule,
    known: BTreeMap<u64, Known>,
    /// In the order in which they became known.
    order: VecDeque<(u32, u64)>,
    highest: u32,
}

impl Valid {
    fn new(schedule: Schedule) -> Self {
        let genesis = Block::genesis();
        let handle = Shared::new(Shared::name_of_interned(genesis.fingerprint()), 0, 0);
        let seen = Seen::of(handle, &genesis);
        let first = Known { seen, period_start: Time::ZERO };
        Self {
            schedule,
            known: BTreeMap::from([(seen.block, first)]),
            order: VecDeque::new(),
            highest: 0,
        }
    }

    /// The median of the times of a block and its ancestors, eleven in all or as many as are known.
    fn median_time(&self, block: &Known) -> Time {
        let mut times = Vec::with_capacity(11);
        let mut next = Some(block);
        while let Some(block) = next.filter(|_| times.len() < 11) {
            times.push(block.seen.time);
            next = self.known.get(&block.seen.parent);
        }
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// What is wrong with a block, given its parent.
    fn problem(&self, block: &Seen, parent: &Known, now: Time) -> Option<&'static str> {
        let due = self.schedule.difficulty_after(
            parent.seen.height,
            parent.seen.difficulty,
            parent.seen.time.since(parent.period_start),
        );
        let is_wrong = [
            (block.height != parent.seen.height.saturating_add(1), "not one above its parent"),
            (block.difficulty != due, "not at the difficulty that is due"),
            (block.work != parent.seen.work.saturating_add(block.difficulty), "not its work"),
            (block.time <= self.median_time(parent), "not later than the median of its ancestors"),
            (block.time > now + MAX_AHEAD, "of the future"),
        ];
        is_wrong.into_iter().find_map(|(is_wrong, what)| is_wrong.then_some(what))
    }

    fn learn(&mut self, seen: Seen) {
        let starts = self.schedule.starts(seen.height);
        let parent = self.known.get(&seen.parent);
        let period_start = match parent {
            Some(parent) if !starts => parent.period_start,
            _ => seen.time,
        };
        self.known.insert(seen.block, Known { seen, period_start });
        self.order.push_back((seen.height, seen.block));
        self.highest = self.highest.max(seen.height);
        while let Some((height, block)) = self.order.front().copied() {
            if height.saturating_add(HORIZON) >= self.highest {
                break;
            }
            self.known.remove(&block);
            self.order.pop_front();
        }
    }
}

impl Rule<NakamotoOutput> for Valid {
    fn hear(&mut self, said: &Said<NakamotoOutput>, breaches: &mut Breaches) {
        let seen = match said.output {
            NakamotoOutput::Mined(seen) | NakamotoOutput::Connected(seen) => seen,
            NakamotoOutput::Tip { tip, .. } => tip,
            NakamotoOutput::Confirmed { .. } => return,
        };
        match self.known.get(&seen.block) {
            Some(known) if known.seen != seen => {
                breaches.output(said, "said to be another before");
            }
            Some(_) => {}
            None => {
                let parent = self.known.get(&seen.parent);
                let problem = parent.and_then(|parent| self.problem(&seen, parent, said.at.time));
                if let Some(problem) = problem {
                    breaches.output(said, problem);
                }
                self.learn(seen);
            }
        }
    }
}

/// At the end all nodes that tell of their tips have nearly the same work.
struct Behind {
    /// The first so many nodes do.
    observers: u32,
    /// Blocks that a node may lack.
    slack: u32,
    work: BTreeMap<NodeId, (u64, u64)>,
}

impl Behind {
    fn new(slack: u32, observers: u32) -> Self {
        Self { observers, slack, work: BTreeMap::new() }
    }
}

impl Rule<NakamotoOutput> for Behind {
    fn hear(&mut self, said: &Said<NakamotoOutput>, _: &mut Breaches) {
        if let NakamotoOutput::Tip { tip, .. } = said.output {
            self.work.insert(said.node, (tip.work, tip.difficulty));
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.work.remove(&node);
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let Some((best, difficulty)) = self.work.values().max().copied() else {
            return Err("no block was found".to_owned());
        };
        let slack = difficulty.saturating_mul(self.slack.into());
        for node in (0..self.observers.min(end.nodes)).map(NodeId) {
            let work = self.work.get(&node).map_or(UNIT, |(work, _)| *work);
            let is_behind = work.saturating_add(slack) < best;
            if is_behind && end.excused.binary_search(&node).is_err() {
                breaches.missing(format!("{node} lacks more than {} blocks", self.slack));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
