//! A replica's log: entries by index, of which the first may have been cut off.

use anthill_protocol::{Shared, Snapshot, SnapshotError};

use crate::messages::{Command, Entry, Place};

/// Entries `base.index + 1` and up; `base` is the last that was cut off, or none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    base: Place,
    entries: Vec<Entry>,
    /// Of those entries that have one, in order; retained.
    bodies: Vec<Shared>,
}

/// How many of some entries have a body.
pub(crate) fn bodies_of(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.has_body()).count()
}

/// Bodies have no length of their own: there are as many as entries say.
impl Snapshot for Log {
    fn save(&self, out: &mut Vec<u8>) {
        self.base.save(out);
        self.entries.save(out);
        self.bodies.iter().for_each(|body| body.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (base, entries) = (Place::load(bytes)?, Vec::load(bytes)?);
        let bodies = (0..bodies_of(&entries)).map(|_| Shared::load(bytes));
        let bodies = bodies.collect::<Result<_, _>>()?;
        Ok(Self { base, entries, bodies })
    }
}

impl Entry {
    /// Whether there is a body beside it.
    pub fn has_body(&self) -> bool {
        matches!(self.command, Command::Entry { has_body: true, .. })
    }
}

impl Log {
    /// An empty log that goes on after an entry.
    pub fn after(base: Place) -> Self {
        Self { base, ..Self::default() }
    }

    /// The index of the last entry that was cut off.
    pub fn base(&self) -> u32 {
        self.base.1
    }

    /// The index of the last entry.
    pub fn end(&self) -> u32 {
        self.base.1.saturating_add(self.entries.len() as u32)
    }

    /// Term and index of the last entry.
    pub fn last(&self) -> Place {
        (self.entries.last().map_or(self.base.0, |entry| entry.term), self.end())
    }

    /// The entry of an index, if it is there.
    pub fn get(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index.checked_sub(self.base.1)?.checked_sub(1)? as usize)
    }

    /// Its term; also of the last that was cut off.
    pub fn term(&self, index: u32) -> Option<u32> {
        if index == self.base.1 {
            return Some(self.base.0);
        }
        self.get(index).map(|entry| entry.term)
    }

    /// The entries after an index, as far as they are there.
    pub fn from(&self, index: u32) -> &[Entry] {
        let skip = index.saturating_sub(self.base.1) as usize;
        self.entries.get(skip..).unwrap_or_default()
    }

    /// Adds an entry, with its body if it has one.
    pub fn push(&mut self, entry: Entry, body: Option<Shared>) {
        self.entries.push(entry);
        self.bodies.extend(body);
    }

    /// The bodies of the entries after an index, as far as these are there.
    pub fn bodies_from(&self, index: u32) -> &[Shared] {
        match &self.bodies[..] {
            [] => &[],
            bodies => &bodies[bodies.len() - bodies_of(self.from(index))..],
        }
    }

    /// Drops all after an index; the bodies that go.
    pub fn truncate(&mut self, index: u32) -> Vec<Shared> {
        let gone = self.bodies_from(index).len();
        self.entries.truncate(index.saturating_sub(self.base.1) as usize);
        self.bodies.split_off(self.bodies.len() - gone)
    }

    /// Gives up all bodies, before the log itself goes.
    pub fn take_bodies(&mut self) -> Vec<Shared> {
        core::mem::take(&mut self.bodies)
    }

    /// Cuts off all up to an index; visits what goes. A log with bodies is never cut.
    pub fn cut(&mut self, index: u32, mut visit: impl FnMut(u32, &Entry)) {
        let Some(term) = self.term(index).filter(|_| self.bodies.is_empty()) else { return };
        let count = (index - self.base.1) as usize;
        for (at, entry) in (self.base.1 + 1..).zip(self.entries.drain(..count)) {
            visit(at, &entry);
        }
        self.base = (term, index);
    }

    /// How far back a leader should look that does not match at `at`: before the entries of the
    /// term there, but not below `floor`.
    pub fn hint(&self, at: u32, floor: u32) -> u32 {
        if at > self.end() {
            return self.end();
        }
        let term = self.term(at);
        let mut hint = at;
        while hint > floor && self.term(hint) == term {
            hint -= 1;
        }
        hint.max(floor)
    }
}
