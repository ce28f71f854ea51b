//! A find made small: the same thing wrong in a run with fewer nodes, conditions and seconds.
//!
//! Greedy and in a fixed order, so the same find always ends in the same run; of at most [`MOST_RUNS`]
//! runs. A step is kept if the same judge (check, panic, …) speaks again, under the run's own seed or one
//! of a few others.

use anthill_protocol::Span;

use super::case::{Case, Part};
use super::run::{Find, How, Kind, Made, Slot, make};
use crate::Registry;

/// The most runs that shrinking takes.
pub(super) const MOST_RUNS: u32 = 600;

/// Seeds that are tried in place of the run's own.
const OTHER_SEEDS: u64 = 4;

/// What is left.
#[derive(Clone, Debug)]
pub(super) struct Shrunk<'a> {
    /// The run.
    pub(super) case: Case<'a>,
    /// What it shows.
    pub(super) find: Find,
    /// How it shows it.
    pub(super) how: How,
    /// Runs that it took.
    pub(super) runs: u32,
}

/// Makes a find small; `goes_on` says whether there is still time.
pub(super) fn shrink<'a>(
    registry: &Registry,
    found: (Case<'a>, Find),
    slot: &Slot,
    goes_on: &dyn Fn() -> bool,
) -> Shrunk<'a> {
    let (case, find) = found;
    let how = How { stop: false, compare: find.kind == Kind::Disagreement };
    let mut shrinking = Shrinking { registry, slot, goes_on, how, case, find, runs: 0 };
    if matches!(shrinking.find.kind, Kind::Judge | Kind::Invariant) {
        // What the printed command does; unless something that is expected comes before it.
        let same = shrinking.case.clone();
        shrinking.how.stop = true;
        if !shrinking.keeps(same) {
            shrinking.how.stop = false;
        }
    }
    for other_seeds in [0, OTHER_SEEDS] {
        while shrinking.round(other_seeds) {}
    }
    let Shrinking { case, find, how, runs, .. } = shrinking;
    Shrunk { case, find, how, runs }
}

struct Shrinking<'a, 'r> {
    registry: &'r Registry,
    slot: &'r Slot,
    goes_on: &'r dyn Fn() -> bool,
    how: How,
    case: Case<'a>,
    find: Find,
    runs: u32,
}

impl<'a> Shrinking<'a, '_> {
    /// Takes the run in place of the present one if it shows the same.
    fn keeps(&mut self, case: Case<'a>) -> bool {
        if self.runs >= MOST_RUNS || !(self.goes_on)() {
            return false;
        }
        self.runs += 1;
        let Made::Done { finds, .. } = make(self.registry, &case, self.how, self.slot) else {
            return false;
        };
        let Some(find) = finds.into_iter().find(|find| find.is_like(&self.find)) else {
            return false;
        };
        (self.case, self.find) = (case, find);
        true
    }

    /// The same, under a few seeds.
    fn keeps_under(&mut self, other_seeds: u64, case: Case<'a>) -> bool {
        let own = case.seed;
        let others = (1..=other_seeds).filter(|seed| *seed != own);
        std::iter::once(own).chain(others).any(|seed| self.keeps(Case { seed, ..case.clone() }))
    }

    /// Tries every step once; whether one was kept.
    fn round(&mut self, other_seeds: u64) -> bool {
        let parts = self.fewer_parts(other_seeds);
        let nodes = self.fewer_nodes(other_seeds);
        let struck = self.fewer_struck(other_seeds);
        let shorter = self.shorter();
        parts | nodes | struck | shorter
    }

    /// One change at a time is left out; the last ones, which are what goes wrong, first.
    fn fewer_parts(&mut self, other_seeds: u64) -> bool {
        let mut kept = false;
        for place in (0..self.case.parts.len()).rev() {
            let mut case = self.case.clone();
            case.parts.remove(place);
            kept |= self.keeps_under(other_seeds, case);
        }
        kept
    }

    /// The fewest nodes first.
    fn fewer_nodes(&mut self, other_seeds: u64) -> bool {
        let most = self.case.nodes;
        // Beyond a few sizes by halves: a protocol may want many nodes.
        let small = 1..most.min(13);
        let large = [most / 4, most / 2, most / 4 * 3, most.saturating_sub(1)];
        let large = large.into_iter().filter(|nodes| (13..most).contains(nodes));
        small.chain(large).any(|nodes| {
            let case = with_nodes(&self.case, nodes);
            self.keeps_under(other_seeds, case)
        })
    }

    /// One node less in what names nodes.
    fn fewer_struck(&mut self, other_seeds: u64) -> bool {
        let mut kept = false;
        for place in 0..self.case.parts.len() {
            let mut node = self.case.parts[place].nodes().map_or(0, Vec::len);
            while node > 0 && self.case.parts[place].nodes().is_some_and(|nodes| nodes.len() > 1) {
                node -= 1;
                let mut case = self.case.clone();
                case.parts[place].nodes_mut().into_iter().for_each(|nodes| {
                    nodes.remove(node);
                });
                kept |= self.keeps_under(other_seeds, case);
            }
        }
        kept
    }

    /// Up to just after the event; else by halves.
    fn shorter(&mut self) -> bool {
        const STEP: u64 = 100_000_000;
        let until = self.case.until.0;
        let event = self.find.event.map(|event| event.time.0 + 1);
        let fine = if until > 10 * STEP { STEP } else { STEP / 100 };
        let after = event.map(|event| event.next_multiple_of(fine));
        let all = [after, Some(until / 4), Some(until / 2), Some(until / 4 * 3)];
        // Instants that can be read.
        let all = all.into_iter().flatten().map(|to| to.next_multiple_of(STEP / 100));
        let shorter = all.filter(|to| *to < until).collect::<Vec<_>>();
        shorter.into_iter().any(|to| {
            let case = Case { until: Span(to), ..self.case.clone() };
            self.keeps(case)
        })
    }
}

/// The same with another number of nodes: whatever said the old one says the new one, and names of nodes
/// that are no more become those of others.
fn with_nodes<'a>(case: &Case<'a>, nodes: u32) -> Case<'a> {
    let old = case.nodes.to_string();
    let mut case = Case { nodes, ..case.clone() };
    for part in &mut case.parts {
        if let Some(named) = part.nodes_mut() {
            named.iter_mut().for_each(|node| *node %= nodes);
            named.sort_unstable();
            named.dedup();
        }
        if let Part::Keys(keys) = part {
            keys.iter_mut().filter(|(_, value)| *value == old).for_each(|(_, value)| {
                *value = nodes.to_string();
            });
        }
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn fewer_nodes_are_named_and_meant() {
        let registry = fabricated::raft();
        let entry = registry.find("raft").expect("it ships");
        let keys = "kind=\"twins\"".to_owned();
        let case = Case {
            entry,
            nodes: 9,
            until: Span::from_secs(1),
            seed: 1,
            parts: vec![
                Part::key("protocol.group", "9"),
                Part::key("workload.interval", "\"9s\""),
                Part::Adversary { kind: "twins", keys, nodes: vec![1, 5, 8] },
            ],
        };
        let fewer = with_nodes(&case, 4);
        assert_eq!(fewer.parts[0], Part::key("protocol.group", "4"));
        assert_eq!(fewer.parts[1], case.parts[1]);
        assert_eq!(fewer.parts[2].nodes(), Some(&vec![0, 1]));
        assert!(fewer.load(&registry).is_ok());
    }
}
