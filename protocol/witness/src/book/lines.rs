//! The lines of a witness's book: a table with one line per fund.
//!
//! Names of funds are digests, and so spread evenly: a line lies where its name would be among so many
//! evenly spread ones, or soon after, in order and with free places between. Finding, adding and removing
//! one touches a cache line or two, however long the book is; books are what a run of many verifiers
//! spends its time to fetch. Whatever the names are, the table is right; if they are not spread it takes
//! time in proportion to its length.
//!
//! Invariants: lines are in the order of their names, none lies before its home (where its name would be), and no
//! place between a line and its home is free.

use crate::objects::fund::FundId;
use anthill_protocol::Shared;

/// What is known of a fund: 32 bytes. A blank line, of which nothing is known, is a free place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) fund: FundId,
    /// Gas earned with it while it was not used up.
    pub(crate) due: u64,
    /// Of no name: none.
    state: Shared,
}

const LINE_BYTES: usize = size_of::<Line>();
/// The homes of the shortest table, and the places beyond the last home that every table has.
const LEAST: usize = 5;

impl Line {
    fn blank(fund: FundId) -> Self {
        Self { fund, due: 0, state: Shared::new(0, 0, Shared::MIN_LEN) }
    }

    /// The body that set the present state.
    pub(crate) fn state(&self) -> Option<Shared> {
        (self.state.id() != 0).then_some(self.state)
    }

    fn is_blank(&self) -> bool {
        self.due == 0 && self.state.id() == 0
    }
}

/// The place where a name would be among so many that are spread evenly.
fn home(homes: usize, fund: FundId) -> usize {
    ((u128::from(fund.0) * homes as u128) >> 64) as usize
}

/// Lines by the names of their funds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    places: Vec<Line>,
    /// The places that are somebody's home; the others are for what is crowded out at the end.
    homes: usize,
    used: usize,
    states: usize,
}

impl Lines {
    /// Where a fund's line is likely to be.
    pub(crate) fn hint(&self, fund: FundId, mut fetch: impl FnMut(*const u8)) {
        let at = self.places.as_ptr().wrapping_add(home(self.homes, fund)).cast::<u8>();
        fetch(at);
        // It may be the next one, or lie across two lines of the cache.
        fetch(at.wrapping_add(2 * LINE_BYTES - 1));
    }

    /// The place of a fund's line, or where it belongs.
    fn find(&self, fund: FundId) -> Result<usize, usize> {
        let first = home(self.homes, fund);
        for (line, at) in self.places[first.min(self.places.len())..].iter().zip(first..) {
            if line.is_blank() || line.fund > fund {
                return Err(at);
            }
            if line.fund == fund {
                return Ok(at);
            }
        }
        Err(self.places.len())
    }

    /// The line of a fund of which something is known.
    pub(crate) fn get(&self, fund: FundId) -> Option<&Line> {
        self.find(fund).ok().map(|at| &self.places[at])
    }

    /// The body that set the present state of a fund.
    pub(crate) fn state(&self, fund: FundId) -> Option<Shared> {
        self.get(fund)?.state()
    }

    /// Sets it, to one with a name; returns the one before.
    pub(crate) fn set_state(&mut self, fund: FundId, state: Shared) -> Option<Shared> {
        let line = self.line_of(fund);
        let before = line.state();
        line.state = state;
        self.states += usize::from(before.is_none());
        before
    }

    /// Removes and returns it.
    pub(crate) fn end_state(&mut self, fund: FundId) -> Option<Shared> {
        let at = self.find(fund).ok()?;
        let before = self.places[at].state()?;
        self.places[at].state = Line::blank(fund).state;
        self.states -= 1;
        self.close_if_blank(at);
        Some(before)
    }

    /// Adds to what was earned with a fund.
    pub(crate) fn add_due(&mut self, fund: FundId, amount: u64) {
        if amount > 0 {
            let due = &mut self.line_of(fund).due;
            *due = due.saturating_add(amount);
        }
    }

    /// Removes and returns what was earned with a fund.
    pub(crate) fn end_due(&mut self, fund: FundId) -> u64 {
        let Ok(at) = self.find(fund) else { return 0 };
        let due = core::mem::take(&mut self.places[at].due);
        self.close_if_blank(at);
        due
    }

    /// How many funds have a state.
    pub(crate) fn states(&self) -> usize {
        self.states
    }

    /// All lines, in the order of names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.places.iter().filter(|line| !line.is_blank())
    }

    /// Keeps of each line what `keep` says of its state (if it has one) and of what was earned.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Line) -> (bool, bool)) {
        let mut kept = Self::default();
        for line in self.iter() {
            let (keeps_state, keeps_due) = keep(line);
            if let Some(state) = line.state().filter(|_| keeps_state) {
                kept.set_state(line.fund, state);
            }
            if keeps_due {
                kept.add_due(line.fund, line.due);
            }
        }
        *self = kept;
    }

    /// The line of a fund, which the caller makes something other than blank.
    fn line_of(&mut self, fund: FundId) -> &mut Line {
        let at = loop {
            match self.find(fund) {
                Ok(at) => break at,
                Err(at) => {
                    let is_free = |line: &Line| line.is_blank();
                    let free = self.places[at..].iter().position(is_free);
                    let has_room = (self.used + 1) * 8 <= self.homes * 7;
                    if let Some(free) = free.filter(|_| has_room) {
                        self.places.copy_within(at..at + free, at + 1);
                        self.places[at] = Line::blank(fund);
                        self.used += 1;
                        break at;
                    }
                    self.grow();
                }
            }
        };
        &mut self.places[at]
    }

    fn grow(&mut self) {
        let homes = self.homes + self.homes / 2 + LEAST;
        let old = core::mem::take(&mut self.places);
        self.homes = homes;
        self.places = vec![Line::blank(FundId(0)); homes + homes / 16 + LEAST];
        self.used = 0;
        for line in old.into_iter().filter(|line| !line.is_blank()) {
            *self.line_of(line.fund) = line;
        }
    }

    /// Frees a place if it is blank, and lets those that were crowded out move up.
    fn close_if_blank(&mut self, mut at: usize) {
        if !self.places[at].is_blank() {
            return;
        }
        while let Some(next) = self.places.get(at + 1).copied() {
            if next.is_blank() || home(self.homes, next.fund) > at {
                break;
            }
            self.places[at] = next;
            at += 1;
        }
        self.places[at] = Line::blank(FundId(0));
        self.used -= 1;
    }
}

/// Equal if the same is known.
impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Lines {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use anthill_protocol::draw;

    fn body(id: u64) -> Shared {
        Shared::new(id, 0, 100)
    }

    fn check(lines: &Lines, expected: &BTreeMap<u64, (u64, u64)>) {
        let found = lines.iter().map(|line| (line.fund.0, (line.due, line.state.id())));
        assert!(found.eq(expected.iter().map(|(fund, known)| (*fund, *known))));
        assert_eq!(lines.states(), expected.values().filter(|known| known.1 != 0).count());
        assert_eq!(lines.used, expected.len());
        for (at, line) in lines.places.iter().enumerate().filter(|(_, line)| !line.is_blank()) {
            let home = home(lines.homes, line.fund);
            assert!(home <= at && lines.places[home..at].iter().all(|line| !line.is_blank()));
        }
    }

    /// Random operations beside an ordered map, with names spread evenly, crowded together, and at both ends.
    #[test]
    fn it_knows_what_a_map_knows() {
        for (spread, shift) in [(u64::MAX, 0), (40, 0), (40, 58), (300, 3)] {
            let (mut lines, mut expected) = (Lines::default(), BTreeMap::<u64, (u64, u64)>::new());
            for step in 0..6_000 {
                let bits = |of| draw::draw(of, step);
                let fund = draw::below(bits(1), spread.min(200 + step)) << shift;
                let fund = if spread == u64::MAX { draw::draw(9, fund) } else { fund };
                let (name, of) = (FundId(fund), 1 + (bits(2) & 0xff));
                let known = expected.get(&fund).copied().unwrap_or_default();
                assert_eq!(lines.state(name).map_or(0, |state| state.id()), known.1);
                let after = match bits(3) % 5 {
                    0 | 1 => {
                        let before = lines.set_state(name, body(of));
                        assert_eq!(before.map_or(0, |state| state.id()), known.1);
                        (known.0, of)
                    }
                    2 => {
                        lines.add_due(name, of % 3);
                        (known.0 + of % 3, known.1)
                    }
                    3 => {
                        assert_eq!(lines.end_due(name), known.0);
                        (0, known.1)
                    }
                    _ => {
                        assert_eq!(lines.end_state(name).map_or(0, |s| s.id()), known.1);
                        (known.0, 0)
                    }
                };
                match after {
                    (0, 0) => expected.remove(&fund),
                    _ => expected.insert(fund, after),
                };
                if step % 50 == 0 {
                    check(&lines, &expected);
                }
            }
            assert!(expected.len() > 20);
            lines.retain(|line| (line.fund.0 % 2 == 0, line.fund.0 % 3 == 0));
            expected.retain(|fund, known| {
                known.0 *= u64::from(fund % 3 == 0);
                known.1 *= u64::from(fund % 2 == 0);
                *known != (0, 0)
            });
            check(&lines, &expected);
        }
    }

    /// A search by halves of a thousand looks at ten names.
    #[test]
    fn a_line_lies_near_its_home() {
        let mut lines = Lines::default();
        let names: Vec<FundId> = (0..1_000).map(|i| FundId(draw::draw(7, i))).collect();
        for name in &names {
            lines.set_state(*name, body(1));
        }
        let off = |name: &FundId| lines.find(*name).expect("set") - home(lines.homes, *name);
        let sum: usize = names.iter().map(off).sum();
        assert!(sum < 4_000, "{sum}");
        assert!(lines.places.len() < 1_700, "{}", lines.places.len());
    }
}
