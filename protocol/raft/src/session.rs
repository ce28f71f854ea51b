//! Requests are done once, and clients that ask again until they know (dissertation, section 6.3).

use anthill_protocol::{Snapshot, Span, Time};

/// Which requests of a client are done: all up to a number, and some of the next [`WINDOW`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Session {
    upto: u32,
    /// Bit i, low word first: `upto + 1 + i` is done.
    above: [u32; 2],
}

/// So far may a client be ahead of its oldest request without an answer.
pub(crate) const WINDOW: u32 = 64;

impl Session {
    fn bits(self) -> u64 {
        u64::from(self.above[0]) | u64::from(self.above[1]) << 32
    }

    /// Notes that a request is done; false: it was, or it is too far ahead and must not be.
    pub fn insert(&mut self, number: u32) -> bool {
        let Some(ahead) = number.checked_sub(self.upto).and_then(|ahead| ahead.checked_sub(1))
        else {
            return false;
        };
        let mut bits = self.bits();
        if ahead >= WINDOW || bits >> ahead & 1 == 1 {
            return false;
        }
        bits |= 1 << ahead;
        let run = bits.trailing_ones();
        self.upto += run;
        bits = bits.checked_shr(run).unwrap_or(0);
        self.above = [bits as u32, (bits >> 32) as u32];
        true
    }

    /// Whether a request is done.
    pub fn contains(self, number: u32) -> bool {
        match number.checked_sub(self.upto) {
            None | Some(0) => true,
            Some(ahead) => ahead <= WINDOW && self.bits() >> (ahead - 1) & 1 == 1,
        }
    }
}

/// The client at a replica. Its requests arrive whether or not anybody serves them, and it survives
/// whatever its replica forgets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Client {
    made: u32,
    /// Without an answer, in the order of their numbers.
    open: Vec<(u32, Time)>,
    /// The highest number that the present leader was asked for, and when it was last asked for all.
    asked: u32,
    since: Time,
}

impl Client {
    /// How many requests it has made.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// A new request; its number.
    pub fn make(&mut self, now: Time) -> u32 {
        self.made = self.made.saturating_add(1);
        if self.open.len() == self.open.capacity() {
            // Nearly always there are no more than two.
            self.open.reserve_exact((self.open.len() / 2).max(2));
        }
        self.open.push((self.made, now));
        self.made
    }

    /// A request is done: how long that took; `None` if that was known.
    pub fn answer(&mut self, number: u32, now: Time) -> Option<Span> {
        let place = self.open.binary_search_by_key(&number, |request| request.0).ok()?;
        let (_, made) = self.open.remove(place);
        Some(now.since(made))
    }

    /// The next request that may be asked for: not yet asked, and not too far ahead.
    pub fn next(&mut self) -> Option<u32> {
        let limit = self.open.first()?.0.saturating_add(WINDOW - 1);
        let place = self.open.partition_point(|request| request.0 <= self.asked);
        let number = self.open.get(place)?.0;
        (number <= limit).then(|| {
            self.asked = number;
            number
        })
    }

    /// Begins anew to ask for all that is open.
    pub fn again(&mut self, now: Time) {
        (self.asked, self.since) = (0, now);
    }

    /// Whether the oldest request has waited so long, and so long after it was last asked for.
    pub fn is_late(&self, now: Time, patience: Span) -> bool {
        self.open.first().is_some_and(|(_, made)| now.since(self.since.max(*made)) >= patience)
    }
}
