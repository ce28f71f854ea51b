//! A replica's log: entries by index, of which the first may have been cut off.

use anthill_protocol::Snapshot;

use crate::messages::{Entry, Place};

/// Entries `base.index + 1` and up; `base` is the last that was cut off, or none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Log {
    base: Place,
    entries: Vec<Entry>,
}

impl Log {
    /// An empty log that goes on after an entry.
    pub fn after(base: Place) -> Self {
        Self { base, entries: Vec::new() }
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

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Drops all after an index.
    pub fn truncate(&mut self, index: u32) {
        self.entries.truncate(index.saturating_sub(self.base.1) as usize);
    }

    /// Cuts off all up to an index; visits what goes.
    pub fn cut(&mut self, index: u32, mut visit: impl FnMut(u32, &Entry)) {
        let Some(term) = self.term(index) else { return };
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
