//! A leader holds every entry that was committed in an earlier term (section 5.4.3).

use anthill_protocol::judge::{Breaches, Rule, Said};

use crate::messages::RaftOutput;

/// Terms of entries: from this index on it is that term, until the next.
type Runs = Vec<(u32, u32)>;

pub(super) struct Complete {
    groups: Vec<Committed>,
    /// What a leader that is about to say so holds.
    holds: Runs,
    size: u32,
}

/// What was committed in a group.
#[derive(Clone, Default)]
struct Committed {
    /// The terms of its entries, as their leaders applied them.
    runs: Runs,
    upto: u32,
    /// In which term, and up to which index; both rise.
    by: Vec<(u32, u32)>,
}

fn term_at(runs: &Runs, index: u32) -> Option<u32> {
    let place = runs.partition_point(|(from, _)| *from <= index);
    Some(runs.get(place.checked_sub(1)?)?.1)
}

impl Complete {
    pub(super) fn new(size: u32, nodes: u32) -> Self {
        let groups = vec![Committed::default(); (nodes / size.max(1)) as usize];
        Self { groups, holds: Vec::new(), size }
    }
}

impl Committed {
    /// Up to which index entries were committed in terms before one.
    fn before(&self, term: u32) -> u32 {
        let place = self.by.partition_point(|(by, _)| *by < term);
        place.checked_sub(1).map_or(0, |place| self.by[place].1)
    }

    fn commit(&mut self, term: u32, index: u32) {
        match self.by.binary_search_by_key(&term, |(by, _)| *by) {
            Ok(place) => self.by[place].1 = self.by[place].1.max(index),
            Err(place) => {
                let before = place.checked_sub(1).map_or(0, |place| self.by[place].1);
                self.by.insert(place, (term, index.max(before)));
            }
        }
    }

    fn apply(&mut self, index: u32, term: u32) {
        if index == self.upto + 1 {
            self.upto = index;
            if self.runs.last().is_none_or(|run| run.1 != term) {
                self.runs.push((index, term));
            }
        }
    }
}

impl Rule<RaftOutput> for Complete {
    fn hear(&mut self, said: &Said<RaftOutput>, breaches: &mut Breaches) {
        let group = (said.node.0 / self.size.max(1)) as usize;
        let Some(known) = self.groups.get_mut(group) else { return };
        match said.output {
            RaftOutput::Committed { index, term, .. } => known.commit(term, index),
            RaftOutput::Applied { index, entry, .. } => known.apply(index, entry.term),
            RaftOutput::Holds { index, of } => self.holds.push((index, of)),
            RaftOutput::Leader { term, applied, last, .. } => {
                let upto = known.before(term).min(known.upto);
                let lacks = |index: &u32| {
                    *index > last || term_at(&self.holds, *index) != term_at(&known.runs, *index)
                };
                if let Some(index) = (applied + 1..=upto).find(lacks) {
                    breaches.output(said, &format!("it lacks the committed entry {index}"));
                }
                self.holds.clear();
            }
            _ => {}
        }
    }
}
