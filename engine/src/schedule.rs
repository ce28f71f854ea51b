//! Messages whose arrival an adversary decides.
//!
//! With a [`Scheduler`] of the protocol's no message goes into a calendar when it is sent. It waits with
//! the news of its window; at the boundary the scheduler sees all of them in order, and what it lets
//! arrive is filed for the windows that come. Such runs are sequential where they meet, which is meant:
//! they are small, and their worst case is what is asked for.

use anthill_protocol::behaviour::{InTransit, Scheduled, Scheduler};
use anthill_protocol::judge::Said;
use anthill_protocol::{NodeId, Protocol, Span, Time};

/// What is filed when a message arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel<T> {
    pub(crate) to: NodeId,
    pub(crate) from: NodeId,
    pub(crate) sequence: u32,
    pub(crate) sent: Time,
    pub(crate) message: T,
}

/// The boundary between the window that is over and those to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boundary {
    /// The first window that may still be changed.
    pub(crate) first: u64,
    /// The next window with events; `None`: nothing is pending.
    pub(crate) next: Option<u64>,
    /// log2 of a window in ns.
    pub(crate) shift: u32,
}

impl Boundary {
    /// After a window, `u64::MAX` standing for the start of the run.
    pub(crate) fn after(last: u64, next: Option<u64>, shift: u32) -> Self {
        Self { first: last.wrapping_add(1), next, shift }
    }

    fn start_of(&self, window: u64) -> Time {
        Time(window.saturating_mul(1 << self.shift))
    }
}

/// The adversary and what it holds.
pub(crate) struct Schedule<P: Protocol> {
    scheduler: Box<dyn Scheduler<P>>,
    scheduled: Scheduled<P::Message, Parcel<P::Message>>,
    /// Of the timing model: within so long after that instant every message arrives.
    bound: (Option<Span>, Time),
    arrivals: Vec<(Time, Parcel<P::Message>)>,
}

impl<P: Protocol> Schedule<P> {
    pub(crate) fn new(scheduler: Box<dyn Scheduler<P>>, bound: (Option<Span>, Time)) -> Self {
        Self { scheduler, scheduled: Scheduled::default(), bound, arrivals: Vec::new() }
    }

    pub(crate) fn hear(&mut self, said: &Said<P::Output>) {
        self.scheduler.hear(said);
    }

    /// A message was sent in the window that is over, and the network would deliver it when it is due.
    pub(crate) fn send(&mut self, parcel: Parcel<P::Message>, due: Time, boundary: &Boundary) {
        let Parcel { to, from, sent, message, .. } = parcel;
        let latest = self.bound.0.map(|delta| sent.max(self.bound.1) + delta);
        let transit = InTransit { sent, from, to, due, latest, message };
        let now = boundary.start_of(boundary.first);
        let arrival = self.scheduled.send(self.scheduler.as_mut(), now, transit, parcel);
        self.arrivals.extend(arrival);
    }

    /// What arrives in the windows to come, as far as it is decided; all that waits if nothing else
    /// is going to happen.
    pub(crate) fn arrivals(
        &mut self,
        boundary: &Boundary,
    ) -> impl Iterator<Item = (Time, Parcel<P::Message>)> {
        let now = boundary.start_of(boundary.first);
        let sent = self.arrivals.iter().map(|(time, _)| time.0 >> boundary.shift).min();
        let deadline = self.scheduled.deadline().map(|time| time.0 >> boundary.shift);
        let next = [boundary.next, sent, deadline].into_iter().flatten().min();
        let horizon = next.map_or(now, |next| boundary.start_of(next.saturating_add(1)));
        let scheduler = self.scheduler.as_mut();
        self.scheduled.release(scheduler, now, horizon, &mut self.arrivals);
        if boundary.next.is_none() && self.arrivals.is_empty() {
            self.scheduled.release_rest(now, &mut self.arrivals);
        }
        self.arrivals.drain(..)
    }
}
