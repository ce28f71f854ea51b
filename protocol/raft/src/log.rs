//! A replica's log: entries by index, of which the first may have been cut off.
//!
//! Logs are most of what a replica's memory holds, and nearly all of their entries are requests of the few
//! clients of one group. So an entry takes four bytes, and whatever does not fit into these is kept beside.

use anthill_protocol::{NodeId, Shared, Snapshot, SnapshotError};

use crate::messages::{Command, Entry, Place};

/// Entries `base.index + 1` and up; `base` is the last that was cut off, or none at all.
#[derive(Clone, Debug, Default)]
pub struct Log {
    base: Place,
    slots: Vec<Slot>,
    /// The entries from this index on are of this term.
    newest: (u32, u32),
    origin: Origin,
    rest: Option<Box<Rest>>,
}

/// What few logs have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rest {
    /// From which index on entries were of a term, until the next; before `newest`.
    older: Vec<(u32, u32)>,
    /// Commands that are in no slot, by their indexes.
    commands: Vec<(u32, Command)>,
    /// Of those entries that have one, in order; retained.
    bodies: Vec<Shared>,
}

/// A command in four bytes. The low bits are the client's place after the origin, the others its number; a
/// place that no client has says that it is no such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot(u32);

impl Slot {
    const PLACE_BITS: u32 = 7;
    /// The place that no client has.
    const NO_CLIENT: u32 = (1 << Self::PLACE_BITS) - 1;
    const NOOP: Self = Self(Self::NO_CLIENT);
    const ELSEWHERE: Self = Self(1 << Self::PLACE_BITS | Self::NO_CLIENT);
}

/// The client at place 0 of all slots; `None` until there is a request.
#[derive(Clone, Copy, Debug, Default)]
struct Origin(Option<NodeId>);

impl Origin {
    /// What becomes of a command; the first request decides where places begin, so that all clients of its
    /// group, which are at most 64, have one.
    fn slot(&mut self, command: Command) -> Slot {
        match command {
            Command::Noop => Slot::NOOP,
            Command::Request { client, number } => {
                let origin = self.0.get_or_insert(NodeId(client.0.saturating_sub(63)));
                match client.0.checked_sub(origin.0) {
                    Some(place)
                        if place < Slot::NO_CLIENT && number >> (32 - Slot::PLACE_BITS) == 0 =>
                    {
                        Slot(number << Slot::PLACE_BITS | place)
                    }
                    _ => Slot::ELSEWHERE,
                }
            }
            _ => Slot::ELSEWHERE,
        }
    }

    /// The command of a slot; `None`: it is elsewhere.
    fn command(self, slot: Slot) -> Option<Command> {
        let place = slot.0 & Slot::NO_CLIENT;
        match slot {
            Slot::NOOP => Some(Command::Noop),
            _ if place == Slot::NO_CLIENT => None,
            Slot(bits) => {
                let client = NodeId(self.0.unwrap_or_default().0 + place);
                Some(Command::Request { client, number: bits >> Slot::PLACE_BITS })
            }
        }
    }
}

/// How many of some entries have a body.
pub(crate) fn bodies_of(entries: impl IntoIterator<Item = Entry>) -> usize {
    entries.into_iter().filter(Entry::has_body).count()
}

/// Logs are equal if their entries are, however these are kept.
impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base
            && self.from(0).eq(other.from(0))
            && self.bodies_from(0) == other.bodies_from(0)
    }
}

impl Eq for Log {}

/// As a list of entries. Bodies have no length of their own: there are as many as entries say.
impl Snapshot for Log {
    fn save(&self, out: &mut Vec<u8>) {
        self.base.save(out);
        (self.slots.len() as u32).save(out);
        self.from(0).for_each(|entry| entry.save(out));
        self.bodies_from(0).iter().for_each(|body| body.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let mut log = Self::after(Place::load(bytes)?);
        let entries = Vec::<Entry>::load(bytes)?;
        if log.base.1.checked_add(entries.len() as u32).is_none() {
            return Err(SnapshotError("a log with more entries than there are indexes"));
        }
        log.slots.reserve_exact(entries.len());
        for entry in entries {
            let body = entry.has_body().then(|| Shared::load(bytes)).transpose()?;
            log.push(entry, body);
        }
        Ok(log)
    }
}

impl Entry {
    /// Whether there is a body beside it.
    pub fn has_body(&self) -> bool {
        matches!(self.command, Command::Entry { has_body: true, .. })
    }
}

impl Log {
    /// An empty log with room for so many entries.
    pub fn with_room(entries: usize) -> Self {
        Self { slots: Vec::with_capacity(entries), ..Self::default() }
    }

    /// The bytes that it takes beside itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| {
            let runs = rest.older.capacity() * size_of::<(u32, u32)>();
            let commands = rest.commands.capacity() * size_of::<(u32, Command)>();
            size_of::<Rest>() + runs + commands + rest.bodies.capacity() * size_of::<Shared>()
        });
        self.slots.capacity() * size_of::<Slot>() + rest
    }

    /// Drops all entries, and goes on after another; the bodies that go.
    pub fn restart_after(&mut self, base: Place) -> Vec<Shared> {
        let gone = self.take_bodies();
        self.slots.clear();
        (self.base, self.rest) = (base, None);
        gone
    }

    /// An empty log that goes on after an entry.
    fn after(base: Place) -> Self {
        Self { base, ..Self::default() }
    }

    /// The index of the last entry that was cut off.
    pub fn base(&self) -> u32 {
        self.base.1
    }

    /// The index of the last entry.
    pub fn end(&self) -> u32 {
        self.base.1.saturating_add(self.slots.len() as u32)
    }

    /// Term and index of the last entry.
    pub fn last(&self) -> Place {
        let term = if self.slots.is_empty() { self.base.0 } else { self.newest.1 };
        (term, self.end())
    }

    /// The entry of an index, if it is there.
    pub fn get(&self, index: u32) -> Option<Entry> {
        let slot = *self.slots.get(index.checked_sub(self.base.1)?.checked_sub(1)? as usize)?;
        let command = self.origin.command(slot).or_else(|| self.elsewhere(index))?;
        Some(Entry { term: self.term_within(index), command })
    }

    fn elsewhere(&self, index: u32) -> Option<Command> {
        let commands = &self.rest.as_ref()?.commands;
        let place = commands.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(commands[place].1)
    }

    /// The term of an entry that is there.
    fn term_within(&self, index: u32) -> u32 {
        if index >= self.newest.0 {
            return self.newest.1;
        }
        let older = self.rest.as_ref().map_or(&[][..], |rest| &rest.older);
        let place = older.partition_point(|(from, _)| *from <= index);
        place.checked_sub(1).map_or(self.base.0, |place| older[place].1)
    }

    /// Its term; also of the last that was cut off.
    pub fn term(&self, index: u32) -> Option<u32> {
        if index == self.base.1 {
            return Some(self.base.0);
        }
        (index > self.base.1 && index <= self.end()).then(|| self.term_within(index))
    }

    /// The entries after an index, as far as they are there.
    pub fn from(&self, index: u32) -> impl Iterator<Item = Entry> + '_ {
        (index.max(self.base.1)..self.end()).map_while(|before| self.get(before + 1))
    }

    /// Where the next entry will be written.
    pub fn next_slot(&self) -> *const u8 {
        self.slots.as_ptr_range().end.cast()
    }

    /// Adds an entry, with its body if it has one.
    pub fn push(&mut self, entry: Entry, body: Option<Shared>) {
        let index = self.end().saturating_add(1);
        if self.slots.is_empty() {
            self.newest = (index, entry.term);
        } else if self.newest.1 != entry.term {
            let before = core::mem::replace(&mut self.newest, (index, entry.term));
            self.rest.get_or_insert_default().older.push(before);
        }
        let slot = self.origin.slot(entry.command);
        if slot == Slot::ELSEWHERE {
            let rest = self.rest.get_or_insert_default();
            rest.commands.push((index, entry.command));
            rest.bodies.extend(body);
        }
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact((self.slots.len() / 4).max(8));
        }
        self.slots.push(slot);
    }

    /// The bodies of the entries after an index, as far as these are there.
    pub fn bodies_from(&self, index: u32) -> &[Shared] {
        match self.rest.as_ref().map_or(&[][..], |rest| &rest.bodies) {
            [] => &[],
            bodies => &bodies[bodies.len() - bodies_of(self.from(index))..],
        }
    }

    /// Drops all after an index; the bodies that go.
    pub fn truncate(&mut self, index: u32) -> Vec<Shared> {
        let gone = self.bodies_from(index).len();
        self.slots.truncate(index.saturating_sub(self.base.1) as usize);
        let Some(rest) = &mut self.rest else { return Vec::new() };
        rest.commands.truncate(rest.commands.partition_point(|(at, _)| *at <= index));
        while self.newest.0 > index
            && let Some(before) = rest.older.pop()
        {
            self.newest = before;
        }
        rest.bodies.split_off(rest.bodies.len() - gone)
    }

    /// Gives up all bodies, before the log itself goes.
    pub fn take_bodies(&mut self) -> Vec<Shared> {
        self.rest.as_mut().map(|rest| core::mem::take(&mut rest.bodies)).unwrap_or_default()
    }

    /// All commands that are neither empty nor requests, and requests that fit into no slot, by their indexes.
    pub fn others(&self) -> &[(u32, Command)] {
        self.rest.as_ref().map_or(&[], |rest| &rest.commands)
    }

    /// Cuts off all up to an index; visits those of [`Log::others`] that go. A log with bodies is never cut.
    pub fn cut(&mut self, index: u32, mut visit: impl FnMut(u32, Command)) {
        if self.rest.as_ref().is_some_and(|rest| !rest.bodies.is_empty()) {
            return;
        }
        let Some(term) = self.term(index) else { return };
        if let Some(rest) = &mut self.rest {
            let gone = rest.commands.partition_point(|(at, _)| *at <= index);
            rest.commands.drain(..gone).for_each(|(at, command)| visit(at, command));
            let begun = |run: &(u32, u32)| run.0 <= index + 1;
            let kept = if begun(&self.newest) {
                rest.older.len()
            } else {
                rest.older.partition_point(begun) - 1
            };
            rest.older.drain(..kept);
        }
        self.rest.take_if(|rest| **rest == Rest::default());
        self.slots.drain(..(index - self.base.1) as usize);
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
