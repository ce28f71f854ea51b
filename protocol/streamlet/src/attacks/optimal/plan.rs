//! The best play, for a liar that knows who leads when.
//!
//! There are few boards, up to the numbers of epochs. So the least number of waits that can end is worked out
//! backwards for every board, over many epochs to come.

use std::collections::BTreeMap;

use super::game::{Board, HONEST, Key, Next};

/// Epochs looked ahead. Waits are some seven epochs long, and what lies so far ahead makes no difference.
const AHEAD: u32 = 256;

/// More boards than there are.
const MOST_BOARDS: usize = 10_000;

/// Who leads an epoch: an honest node from 0, or the liar.
pub(super) type Leader = Option<usize>;

/// The boards that can be reached, and how.
#[derive(Debug)]
pub(super) struct Plan {
    places: BTreeMap<Key, usize>,
    /// By board and leader, the liar last: what follows, and whether it ends a wait.
    follow: Vec<[Vec<(usize, bool)>; HONEST + 1]>,
    /// The first epoch of `least`.
    first: u32,
    /// By epoch and board: the least number of waits that end from there on.
    least: Vec<Vec<u32>>,
}

impl Plan {
    pub(super) fn new() -> Self {
        let mut boards = vec![Board::new()];
        let mut places = BTreeMap::from([(Board::new().key(), 0)]);
        let mut follow = Vec::new();
        while let Some(board) = boards.get(follow.len()).cloned() {
            let epoch = board.latest() + 1;
            follow.push([0, 1, 2, HONEST].map(|leader| {
                let leader = (leader < HONEST).then_some(leader);
                let mut nexts: Vec<(usize, bool)> = Vec::new();
                for Next { board, is_over, .. } in board.plays(leader, epoch) {
                    let place = *places.entry(board.key()).or_insert_with(|| {
                        boards.push(board);
                        boards.len() - 1
                    });
                    nexts.push((place, is_over));
                }
                nexts.sort_unstable();
                nexts.dedup();
                nexts
            }));
            assert!(boards.len() < MOST_BOARDS, "the game is small");
        }
        Self { places, follow, first: 0, least: Vec::new() }
    }

    /// How many boards there are.
    #[cfg(test)]
    pub(super) fn boards(&self) -> usize {
        self.follow.len()
    }

    /// The play of an epoch after which the fewest waits end.
    pub(super) fn best(
        &mut self,
        board: &Board,
        epoch: u32,
        leader: impl Fn(u32) -> Leader,
    ) -> Option<Next> {
        let known = self.first..self.first.saturating_add(AHEAD / 2);
        if self.least.is_empty() || !known.contains(&epoch) {
            self.look_ahead(epoch, &leader);
        }
        let after = self.least.get((epoch - self.first) as usize + 1)?;
        let cost = |next: &Next| {
            let place = self.places.get(&next.board.key())?;
            Some(after[*place] + u32::from(next.is_over))
        };
        let nexts = board.plays(leader(epoch), epoch).into_iter();
        nexts.min_by_key(|next| cost(next).unwrap_or(u32::MAX))
    }

    fn look_ahead(&mut self, first: u32, leader: &impl Fn(u32) -> Leader) {
        let mut least = vec![vec![0; self.follow.len()]];
        for ahead in (0..AHEAD).rev() {
            let leader = leader(first.saturating_add(ahead)).unwrap_or(HONEST);
            let after = &least[least.len() - 1];
            let of = |follow: &[Vec<(usize, bool)>; HONEST + 1]| {
                let costs = follow[leader].iter();
                costs.map(|(next, is_over)| after[*next] + u32::from(*is_over)).min().unwrap_or(0)
            };
            let before = self.follow.iter().map(of).collect();
            least.push(before);
        }
        least.reverse();
        (self.first, self.least) = (first, least);
    }
}
