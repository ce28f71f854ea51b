//! What one process has sent that cannot be handled yet: messages that name bodies which are not here.
//!
//! Such a message is set aside and its bodies are asked for, and their parts, until nothing is missing. Memory
//! is bounded: past a bound, or when bodies do not come in time, all that is set aside is forgotten, as if it
//! had been lost on its way.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::{Span, Time};

use crate::frame::MOST_WANTED;
use crate::machine::{Event, Machine, Malformed, Parcel};

/// The most messages set aside.
const MOST_MESSAGES: usize = 4_096;
/// The most bytes set aside.
const MOST_BYTES: usize = 256 << 20;
/// How long nothing may come of what was asked for.
const PATIENCE: Span = Span::from_secs(10);

/// What is set aside of one process.
#[derive(Default)]
pub(crate) struct Inbox {
    messages: Vec<(Event, Vec<u64>)>,
    /// Bodies, with how many of their parts are missing.
    bodies: BTreeMap<u64, (Parcel, usize)>,
    /// Of each body that is not here, those that wait for it.
    dependents: BTreeMap<u64, Vec<u64>>,
    wanted: BTreeSet<u64>,
    bytes: usize,
    /// When something last came.
    moved: Time,
    /// Messages that were forgotten.
    pub lost: u64,
    /// Whether what is set aside comes from the own disk.
    is_own: bool,
}

/// What comes of a frame: messages that can be handled, and bodies to ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub events: Vec<Event>,
    pub want: Vec<u64>,
}

impl Inbox {
    /// For bodies from the own disk: without bounds.
    pub(crate) fn of_disk() -> Self {
        Self { is_own: true, ..Self::default() }
    }

    /// A message arrives.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn message(
        &mut self,
        (from, to, bytes): (u32, u32, Vec<u8>),
        machine: &dyn Machine,
        now: Time,
    ) -> Result<Settled, Malformed> {
        let missing = machine.missing(from, to, &bytes)?;
        let len = bytes.len();
        let event = Event::Message { from, to, bytes };
        if missing.is_empty() {
            return Ok(Settled { events: vec![event], want: Vec::new() });
        }
        if self.is_empty() {
            self.moved = now;
        }
        self.bytes += len;
        let want = self.ask(&missing);
        self.messages.push((event, missing));
        self.bound();
        Ok(Settled { events: Vec::new(), want })
    }

    /// A body arrives: it is taken in if all its parts are here, and else waits for them.
    ///
    /// # Errors
    /// If it is none, or another has its name.
    pub(crate) fn body(
        &mut self,
        parcel: Parcel,
        machine: &mut dyn Machine,
        now: Time,
    ) -> Result<Settled, Malformed> {
        let (id, mut missing) = machine.inspect(&parcel)?;
        self.wanted.remove(&id);
        if machine.has(id) || self.bodies.contains_key(&id) {
            return Ok(Settled::default());
        }
        self.moved = now;
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            self.bytes += parcel.bytes.len();
            for part in &missing {
                self.dependents.entry(*part).or_default().push(id);
            }
            self.bodies.insert(id, (parcel, missing.len()));
            let want = self.ask(&missing);
            self.bound();
            return Ok(Settled { events: Vec::new(), want });
        }
        machine.put(&parcel, now)?;
        self.cascade(id, machine, now)?;
        let (ready, rest) = core::mem::take(&mut self.messages)
            .into_iter()
            .partition(|(_, needs): &(Event, Vec<u64>)| needs.iter().all(|id| machine.has(*id)));
        self.messages = rest;
        let events = ready.into_iter().map(|(event, _)| event).collect();
        if self.is_empty() {
            self.forget();
        }
        Ok(Settled { events, want: Vec::new() })
    }

    /// A body is here: so are those that waited for nothing else.
    fn cascade(&mut self, id: u64, machine: &mut dyn Machine, now: Time) -> Result<(), Malformed> {
        let mut arrived = vec![id];
        while let Some(id) = arrived.pop() {
            for dependent in self.dependents.remove(&id).unwrap_or_default() {
                let Some((_, missing)) = self.bodies.get_mut(&dependent) else { continue };
                *missing -= 1;
                if *missing == 0
                    && let Some((parcel, _)) = self.bodies.remove(&dependent)
                {
                    self.bytes = self.bytes.saturating_sub(parcel.bytes.len());
                    machine.put(&parcel, now)?;
                    arrived.push(dependent);
                }
            }
        }
        Ok(())
    }

    /// Bodies will not come.
    pub(crate) fn gone(&mut self, ids: &[u64]) {
        if ids.iter().any(|id| self.wanted.contains(id)) {
            self.forget();
        }
    }

    /// Forgets what has waited for too long.
    pub(crate) fn sweep(&mut self, now: Time) {
        if !self.is_empty() && now.since(self.moved).0 > PATIENCE.0 {
            self.forget();
        }
    }

    /// Whether nothing is set aside.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.bodies.is_empty()
    }

    /// Notes what is missing and neither asked for nor set aside.
    fn ask(&mut self, missing: &[u64]) -> Vec<u64> {
        let is_new = |id: &u64| !self.bodies.contains_key(id) && self.wanted.insert(*id);
        missing.iter().copied().filter(is_new).collect()
    }

    fn bound(&mut self) {
        if self.is_own {
            return;
        }
        if self.messages.len() > MOST_MESSAGES || self.bytes > MOST_BYTES {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let lost = self.lost + self.messages.len() as u64;
        *self = Self { moved: self.moved, lost, is_own: self.is_own, ..Self::default() };
    }
}

/// Splits names into questions of a length that the other side reads.
pub(crate) fn questions(want: &[u64]) -> impl Iterator<Item = Vec<u64>> + '_ {
    want.chunks(MOST_WANTED).map(<[u64]>::to_vec)
}
