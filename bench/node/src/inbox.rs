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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Effects, Meter, Remark};

    /// Bodies of bytes: the name, and the names of the parts. A message is the names of its bodies.
    #[derive(Default)]
    struct Shelf(BTreeMap<u64, Vec<u64>>);

    fn names(bytes: &[u8]) -> Vec<u64> {
        bytes.iter().map(|byte| u64::from(*byte)).collect()
    }

    impl Machine for Shelf {
        fn population(&self) -> u32 {
            2
        }
        fn process_of(&self, node: u32) -> Option<u32> {
            Some(node)
        }
        fn handle(&mut self, _: &Event, _: Time) -> Result<Effects, Malformed> {
            Ok(Effects::default())
        }
        fn next_due(&self) -> Option<(Time, u64)> {
            None
        }
        fn missing(&self, _: u32, _: u32, bytes: &[u8]) -> Result<Vec<u64>, Malformed> {
            Ok(names(bytes).into_iter().filter(|id| !self.has(*id)).collect())
        }
        fn inspect(&self, parcel: &Parcel) -> Result<(u64, Vec<u64>), Malformed> {
            let all = names(&parcel.bytes);
            let (id, parts) = all.split_first().ok_or(Malformed("empty"))?;
            Ok((*id, parts.iter().copied().filter(|part| !self.has(*part)).collect()))
        }
        fn has(&self, body: u64) -> bool {
            self.0.contains_key(&body)
        }
        fn put(&mut self, parcel: &Parcel, _: Time) -> Result<(), Malformed> {
            let all = names(&parcel.bytes);
            assert!(all[1..].iter().all(|part| self.has(*part)), "parts come first");
            self.0.insert(all[0], all[1..].to_vec());
            Ok(())
        }
        fn sweep(&mut self, _: Time) {}
        fn body(&self, _: u64) -> Option<(Parcel, &[u64], u64)> {
            None
        }
        fn bodies_made(&self) -> u64 {
            0
        }
        fn bodies_kept(&self) -> usize {
            self.0.len()
        }
        fn changes(&mut self) -> (Vec<u64>, Vec<u64>) {
            Default::default()
        }
        fn save(&self) -> Option<Vec<u8>> {
            None
        }
        fn load(&mut self, _: &[u8]) -> Result<(), Malformed> {
            Ok(())
        }
        fn query(&self, _: &str) -> Option<String> {
            None
        }
        fn meters(&self) -> Vec<Meter> {
            Vec::new()
        }
        fn kinds(&self) -> &'static [&'static str] {
            &[]
        }
        fn judge(&self, _: &[Remark], _: Time) -> Vec<(String, bool)> {
            Vec::new()
        }
    }

    fn body(bytes: &[u8]) -> Parcel {
        Parcel { interned: false, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_message_waits_until_the_last_part_of_its_last_body_is_here() {
        let (mut shelf, mut inbox) = (Shelf::default(), Inbox::default());
        let settled = inbox.message((0, 1, vec![3, 9]), &shelf, Time(1)).expect("a message");
        assert_eq!((settled.events.len(), settled.want), (0, vec![3, 9]));
        // Asked for once, however many name it.
        let settled = inbox.message((0, 1, vec![9]), &shelf, Time(1)).expect("a message");
        assert_eq!(settled, Settled::default());
        // 3 has the parts 2 and 1, 2 has 1.
        let mut give = |inbox: &mut Inbox, bytes: &[u8]| {
            inbox.body(body(bytes), &mut shelf, Time(2)).expect("a body")
        };
        assert_eq!(give(&mut inbox, &[3, 2, 1]).want, [1, 2]);
        assert_eq!(give(&mut inbox, &[2, 1]), Settled::default());
        // One that is here already, twice over.
        assert_eq!(give(&mut inbox, &[2, 1]), Settled::default());
        assert_eq!(
            give(&mut inbox, &[9]).events.len(),
            1,
            "the second message needs only this one"
        );
        let settled = give(&mut inbox, &[1]);
        assert_eq!(settled.events, [Event::Message { from: 0, to: 1, bytes: vec![3, 9] }]);
        assert!(inbox.is_empty() && inbox.lost == 0);
        assert_eq!(shelf.0.len(), 4);
    }

    #[test]
    fn what_does_not_come_is_forgotten() {
        let (shelf, message) = (Shelf::default(), |n: u8| (0, 1, vec![n]));
        let mut inbox = Inbox::default();
        inbox.message(message(7), &shelf, Time(1)).expect("a message");
        inbox.gone(&[8]);
        assert!(!inbox.is_empty(), "somebody else's body");
        inbox.gone(&[7]);
        assert!(inbox.is_empty() && inbox.lost == 1);

        inbox.message(message(7), &shelf, Time(1)).expect("a message");
        inbox.sweep(Time(1) + PATIENCE);
        assert!(!inbox.is_empty());
        inbox.sweep(Time(2) + PATIENCE);
        assert!(inbox.is_empty() && inbox.lost == 2);

        for _ in 0..=MOST_MESSAGES {
            inbox.message(message(7), &shelf, Time(3)).expect("a message");
        }
        assert!(inbox.is_empty() && inbox.lost == 3 + MOST_MESSAGES as u64);
    }
}
