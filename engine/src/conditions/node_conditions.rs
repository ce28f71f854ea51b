//! What conditions keep per node: when its links and cores are free, and when it goes down.
//!
//! Instants in ns. It lies beside the node's state, in the same cache line where that is small.

use anthill_protocol::Time;

use super::life::Downtime;
use super::order::Order as _;
use crate::mode::Stamp;

/// The live conditions of one node; `S` says whether messages pass over connections.
#[derive(Debug)]
pub(crate) struct NodeConditions<S: Stamp> {
    pub(super) uplink_free: u64,
    pub(super) downlink_free: u64,
    /// When the only core is free.
    pub(super) core_free: u64,
    /// When each core is free, if there are several. Behind a thin pointer: most runs have one.
    pub(super) cores_free: Option<Box<Cores>>,
    /// The node goes down; at or after this instant only its restart is handled.
    pub(super) next_down: u64,
    /// When it last came up.
    pub(super) up_since: S,
    /// What it has sent over connections.
    pub(super) order: S::Order,
    /// The first number of its present life: its timers with lower numbers died with a crash.
    pub(super) born: u32,
    /// Lives so far, and in the top bits whether the next restart finds the old state, or is the
    /// node's first start.
    lives: u32,
}

#[derive(Debug)]
pub(super) struct Cores(pub(super) Box<[u64]>);

const KEEPS_STATE: u32 = 1 << 31;
const ABSENT: u32 = 1 << 30;
/// Timers of earlier lives may still be pending.
const REBORN: u32 = 1 << 29;
/// Lives are counted below these.
const LIVES: u32 = REBORN - 1;
/// A life with so many events has outlived the timers of earlier ones, and its numbers come round.
const LONG_LIFE: u32 = 1 << 31;

impl<S: Stamp> Default for NodeConditions<S> {
    fn default() -> Self {
        Self {
            uplink_free: 0,
            downlink_free: 0,
            core_free: 0,
            cores_free: None,
            next_down: u64::MAX,
            up_since: S::new(Time::ZERO),
            order: S::Order::default(),
            born: 0,
            lives: 0,
        }
    }
}

impl<S: Stamp> NodeConditions<S> {
    /// Notes the next downtime of a node that is up or starts.
    pub(super) fn expect(&mut self, downtime: Option<Downtime>) {
        self.next_down = downtime.map_or(u64::MAX, |downtime| downtime.start);
        self.lives &= !KEEPS_STATE;
        if downtime.is_some_and(|downtime| downtime.keeps_state) {
            self.lives |= KEEPS_STATE;
        }
    }

    pub(super) fn set_absent(&mut self, absent: bool) {
        self.lives = if absent { self.lives | ABSENT } else { self.lives & !ABSENT };
    }

    /// Whether the node has not started yet.
    pub(crate) fn is_absent(&self) -> bool {
        self.lives & ABSENT != 0
    }

    /// Whether the node has not come up yet by an instant, or has gone down and not come up again.
    pub(crate) fn is_down_at(&self, time: Time) -> bool {
        self.is_absent() || self.next_down <= time.0
    }

    /// Whether the next restart finds the old state.
    pub(crate) fn keeps_state(&self) -> bool {
        self.lives & KEEPS_STATE != 0
    }

    /// The number of the life that begins now; counted from 1, since 0 began at the start.
    pub(super) fn next_life(&mut self) -> u32 {
        let lives = (self.lives + 1) & LIVES;
        self.lives = (self.lives & !LIVES) | lives;
        lives
    }

    /// A fresh life: idle links and cores, new connections, no timers of earlier lives.
    pub(super) fn begin(&mut self, now: Time, sequence: u32) {
        (self.uplink_free, self.downlink_free, self.core_free) = (now.0, now.0, now.0);
        if let Some(cores) = &mut self.cores_free {
            cores.0.fill(now.0);
        }
        self.up_since = S::new(now);
        self.order = S::Order::default();
        self.order.advance(now);
        self.born = sequence;
        self.lives |= REBORN;
    }

    /// Whether the node's own event of this number was caused before its present life; `next` is
    /// the number of its next one. Numbers come round, so ages are compared.
    #[inline]
    pub(super) fn set_in_an_earlier_life(&mut self, sequence: u32, next: u32) -> bool {
        if self.lives & REBORN == 0 {
            return false;
        }
        let age_of_life = next.wrapping_sub(self.born);
        if age_of_life >= LONG_LIFE {
            self.lives &= !REBORN;
            return false;
        }
        next.wrapping_sub(sequence) > age_of_life
    }

    /// When a core is free.
    #[inline]
    pub(super) fn first_core(&self) -> u64 {
        match &self.cores_free {
            None => self.core_free,
            Some(cores) => cores.0.iter().copied().min().unwrap_or(0),
        }
    }

    /// Occupies the core that was free first until `end`.
    #[inline]
    pub(super) fn occupy(&mut self, end: u64) {
        match &mut self.cores_free {
            None => self.core_free = end,
            Some(cores) => {
                if let Some(core) = cores.0.iter_mut().min() {
                    *core = end;
                }
            }
        }
    }

    pub(super) fn with_cores(mut self, cores: u32) -> Self {
        if cores > 1 {
            self.cores_free = Some(Box::new(Cores(vec![0; cores as usize].into())));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the state of a small protocol a node fills one cache line.
    #[test]
    fn a_standing_takes_48_bytes() {
        assert_eq!(size_of::<NodeConditions<()>>(), 48);
    }

    #[test]
    fn several_cores_serve_the_earliest_first() {
        let mut standing = NodeConditions::<()>::default().with_cores(2);
        for (expected, end) in [(0, 10), (0, 4), (4, 20), (10, 11), (11, 12)] {
            assert_eq!(standing.first_core(), expected);
            standing.occupy(end);
        }
        standing.begin(Time(50), 7);
        assert_eq!((standing.first_core(), standing.born), (50, 7));
    }

    #[test]
    fn timers_of_earlier_lives_are_told_by_their_age() {
        let mut standing = NodeConditions::<()>::default();
        assert!(!standing.set_in_an_earlier_life(0, 3_000_000_000), "it never crashed");
        standing.begin(Time(1), u32::MAX - 5);
        assert!(standing.set_in_an_earlier_life(u32::MAX - 6, u32::MAX - 5));
        assert!(!standing.set_in_an_earlier_life(u32::MAX - 5, u32::MAX));
        // Numbers have come round.
        assert!(!standing.set_in_an_earlier_life(3, 10));
        assert!(standing.set_in_an_earlier_life(u32::MAX - 7, 10));
        assert!(!standing.set_in_an_earlier_life(2_200_000_000, 2_200_000_001), "a long life");
        assert!(!standing.set_in_an_earlier_life(1_000_000_000, 2_200_000_001));
    }

    #[test]
    fn flags_do_not_disturb_the_count_of_lives() {
        let mut standing = NodeConditions::<()>::default();
        standing.set_absent(true);
        standing.expect(Some(Downtime { start: 5, end: 9, keeps_state: true }));
        assert_eq!((standing.next_life(), standing.next_life()), (1, 2));
        assert!(standing.is_absent() && standing.keeps_state());
        standing.set_absent(false);
        standing.expect(None);
        assert!(!standing.is_absent() && !standing.keeps_state());
        assert_eq!((standing.next_life(), standing.next_down), (3, u64::MAX));
    }
}
