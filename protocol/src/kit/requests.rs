//! Requests of a client to a service, and how long they take until they are answered.

use crate::{Context, NodeId, Protocol, Snapshot, Span, Time};

/// The requests of one client: numbered from 1, each answered at most once. They are made when they
/// arrive, whether or not anybody is there to serve them, so an outage shows in the latencies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Requests {
    made: u32,
    /// Those without an answer, in the order of their numbers.
    open: Vec<(u32, Time)>,
}

impl Requests {
    /// A new request, made now; its number.
    pub fn make(&mut self, now: Time) -> u32 {
        self.made += 1;
        self.open.push((self.made, now));
        self.made
    }

    /// A request is answered: how long that took; `None` if it was answered before, or never made.
    pub fn answer(&mut self, number: u32, now: Time) -> Option<Span> {
        let place = self.open.binary_search_by_key(&number, |request| request.0).ok()?;
        let (_, made) = self.open.remove(place);
        Some(now.since(made))
    }

    /// Records how long one of this node's requests took, if it is one that was not answered before;
    /// `request` names its client and its number there.
    pub fn note_answer<P: Protocol>(
        &mut self,
        cx: &mut impl Context<P>,
        request: Option<(NodeId, u32)>,
        latency: P::Metric,
    ) {
        let own = request.filter(|(client, _)| *client == cx.id());
        if let Some(took) = own.and_then(|(_, number)| self.answer(number, cx.now())) {
            cx.record(latency, took.0);
        }
    }

    /// The numbers of those that are open, oldest first.
    pub fn open(&self) -> impl Iterator<Item = u32> + '_ {
        self.open.iter().map(|(number, _)| *number)
    }

    /// How many were made.
    pub fn made(&self) -> u32 {
        self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_once() {
        let mut requests = Requests::default();
        assert_eq!([10, 20, 30].map(|now| requests.make(Time(now))), [1, 2, 3]);
        assert_eq!(requests.answer(2, Time(25)), Some(Span(5)));
        assert_eq!(requests.answer(2, Time(26)), None);
        assert_eq!(requests.answer(4, Time(26)), None);
        assert_eq!(requests.open().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(requests.made(), 3);
        crate::laws::state(&requests);
    }
}
