//! Which requests of a signer are done: all up to a number, and some of the next.

use anthill_protocol::Snapshot;

/// So far may a signer be ahead of its oldest request that is not done.
pub(crate) const WINDOW: u32 = 64;

/// The requests of one signer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Session {
    upto: u32,
    /// Bit i: `upto + 1 + i` is done.
    above: u64,
}

impl Session {
    fn bit(self, number: u32) -> Option<u32> {
        number.checked_sub(self.upto)?.checked_sub(1).filter(|ahead| *ahead < WINDOW)
    }

    /// Whether a request may still be done.
    pub(crate) fn is_open(self, number: u32) -> bool {
        self.bit(number).is_some_and(|bit| self.above >> bit & 1 == 0)
    }

    /// The first that is not done.
    pub(crate) fn next(self) -> u32 {
        self.upto.saturating_add(1)
    }

    /// Marks a request as done; false if it was, or is too far ahead.
    pub(crate) fn finish(&mut self, number: u32) -> bool {
        let Some(bit) = self.bit(number).filter(|_| self.is_open(number)) else { return false };
        self.above |= 1 << bit;
        let run = self.above.trailing_ones();
        self.upto += run;
        self.above = self.above.checked_shr(run).unwrap_or(0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_done_once_and_in_any_order() {
        let mut session = Session::default();
        assert!(!session.is_open(0) && session.is_open(64) && !session.is_open(65));
        for number in [2, 1, 64, 3] {
            assert!(session.finish(number), "{number}");
            assert!(!session.finish(number) && !session.is_open(number), "{number}");
        }
        assert!(session.is_open(67) && !session.is_open(68));
        assert!((4..64).all(|number| session.finish(number)));
        assert_eq!((session, session.next()), (Session { upto: 64, above: 0 }, 65));
        assert!(!session.finish(u32::MAX));
    }
}
