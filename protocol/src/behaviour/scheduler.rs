//! The adversary that owns the network: it decides when messages arrive.
//!
//! A [`Scheduler`] sees every message when it has been sent, from whom, to whom and what it says, and what
//! nodes tell the outside world. It may let a message arrive when the network would, give it another time,
//! or hold it and release it later. What it cannot do is lose, change or invent messages, or exceed
//! the timing model: under a bound every message arrives by [`InTransit::latest`], and without one still
//! at some time: when nothing else is going to happen, all that is held arrives.
//!
//! A host asks it at the boundaries of its windows, in the order of events' keys, so the run is the same
//! for any sharding. Randomness that nodes have not told anybody is not visible to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::Said;
use crate::{NodeId, Protocol, Time};

/// Decides when messages arrive.
pub trait Scheduler<P: Protocol>: Send {
    /// A node has told the outside world something.
    fn hear(&mut self, _said: &Said<P::Output>) {}

    /// A message is on its way.
    fn on_send(&mut self, message: &InTransit<P::Message>) -> Fate;

    /// Looks at what is held, after it has heard and seen all of a window that is over.
    fn release(&mut self, _now: Time, _held: &mut Held<P::Message>) {}
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives when the network delivers it.
    Due,
    /// It arrives then, or as soon after as the host can, and no later than it must.
    At(Time),
    /// It waits until it is released, or must arrive.
    Held,
}

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTransit<M> {
    /// When it was sent.
    pub sent: Time,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// When it arrives if nobody intervenes.
    pub due: Time,
    /// When it must arrive; `None`: at some time.
    pub latest: Option<Time>,
    /// What it says.
    pub message: M,
}

/// Messages that wait, in the order in which they were sent; they are numbered from 0 in the order in which
/// [`Scheduler::on_send`] held them.
#[derive(Debug)]
pub struct Held<M> {
    waiting: BTreeMap<u64, InTransit<M>>,
    released: Vec<(u64, Time)>,
}

impl<M> Default for Held<M> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), released: Vec::new() }
    }
}

impl<M> Held<M> {
    /// Messages that wait, each with the number it is released by.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &InTransit<M>)> {
        self.waiting.iter().map(|(number, message)| (*number, message))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets a message arrive at an instant, or as soon after as the host can.
    pub fn release(&mut self, number: u64, at: Time) {
        self.released.push((number, at));
    }

    /// Lets all messages of some kind arrive.
    pub fn release_all(&mut self, at: Time, which: impl Fn(&InTransit<M>) -> bool) {
        let chosen = self.waiting.iter().filter(|(_, message)| which(message));
        self.released.extend(chosen.map(|(number, _)| (*number, at)));
    }
}

/// A host's side of a scheduler: what waits, with `T` for what the host delivers in the end.
#[derive(Debug)]
pub struct Scheduled<M, T> {
    held: Held<M>,
    parcels: BTreeMap<u64, T>,
    /// Those that must arrive by an instant, with it.
    bounded: BTreeSet<(Time, u64)>,
    next: u64,
}

impl<M, T> Default for Scheduled<M, T> {
    fn default() -> Self {
        let (parcels, bounded) = (BTreeMap::new(), BTreeSet::new());
        Self { held: Held::default(), parcels, bounded, next: 0 }
    }
}

/// What a host delivers, and when.
pub type Arrival<T> = (Time, T);

impl<M: Copy, T> Scheduled<M, T> {
    /// Asks what becomes of a message: `Some` arrives, no earlier than at `now`.
    pub fn send<P: Protocol<Message = M>>(
        &mut self,
        scheduler: &mut dyn Scheduler<P>,
        now: Time,
        message: InTransit<M>,
        parcel: T,
    ) -> Option<Arrival<T>> {
        match scheduler.on_send(&message) {
            Fate::Due => Some((message.due.max(now), parcel)),
            Fate::At(at) => Some((allowed(&message, at).max(now), parcel)),
            Fate::Held => {
                self.bounded.extend(message.latest.map(|latest| (latest, self.next)));
                self.held.waiting.insert(self.next, message);
                self.parcels.insert(self.next, parcel);
                self.next += 1;
                None
            }
        }
    }

    /// Lets the scheduler look at what is held; adds what arrives now, and what must arrive before
    /// `horizon`.
    pub fn release<P: Protocol<Message = M>>(
        &mut self,
        scheduler: &mut dyn Scheduler<P>,
        now: Time,
        horizon: Time,
        arrivals: &mut Vec<Arrival<T>>,
    ) {
        if self.held.is_empty() {
            return;
        }
        scheduler.release(now, &mut self.held);
        for (number, at) in core::mem::take(&mut self.held.released) {
            self.arrive(number, now, at, arrivals);
        }
        while let Some(&(latest, number)) = self.bounded.first()
            && latest < horizon
        {
            self.arrive(number, now, Time::MAX, arrivals);
        }
    }

    /// Lets everything arrive: nothing else is going to happen.
    pub fn release_rest(&mut self, now: Time, arrivals: &mut Vec<Arrival<T>>) {
        for number in self.held.waiting.keys().copied().collect::<Vec<_>>() {
            self.arrive(number, now, now, arrivals);
        }
    }

    /// When the first of what is held must arrive.
    pub fn deadline(&self) -> Option<Time> {
        self.bounded.first().map(|(latest, _)| *latest)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn arrive(&mut self, number: u64, now: Time, at: Time, arrivals: &mut Vec<Arrival<T>>) {
        let message = self.held.waiting.remove(&number);
        if let Some((message, parcel)) = message.zip(self.parcels.remove(&number)) {
            if let Some(latest) = message.latest {
                self.bounded.remove(&(latest, number));
            }
            arrivals.push((allowed(&message, at).max(now), parcel));
        }
    }
}

/// An instant no later than the message must arrive.
fn allowed<M>(message: &InTransit<M>, at: Time) -> Time {
    message.latest.map_or(at, |latest| at.min(latest))
}
