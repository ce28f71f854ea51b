//! One liar against three honest nodes, as a game on what they know to be notarised.
//!
//! The liar's vote is the third that a block of two honest votes lacks: it says to whom and when it shows such
//! votes, and messages take as long as it likes, within the bound. Only blocks at least as high as the highest that
//! all know to be notarised matter. The rules of the game are Streamlet's own:
//!
//! - An honest leader proposes on the highest block that it knows, of several the latest. It is shown what the liar
//!   chooses before. Each of the other two votes unless it knows a higher block, or is shown one in time.
//! - The liar as leader proposes to two of the three, at the end of its epoch: the third does not vote.
//! - What some know all know one epoch later.
//! - A block that ends three of consecutive epochs and has three votes makes the one before final. The liar never
//!   gives its vote to one that has two.

/// Honest nodes.
pub(super) const HONEST: usize = 3;

/// Sets of honest nodes, a bit each.
const ALL: u8 = (1 << HONEST) - 1;

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its epoch, its name in the game; 0: the genesis block.
    pub(super) epoch: u32,
    pub(super) height: u32,
    /// Blocks of consecutive epochs that it ends, if it is of the last epoch; counted since the last wait ended.
    run: u8,
    /// Who knows that it is notarised; nobody: it lacks the liar's vote.
    known: u8,
    /// The epoch of its parent, if that still matters.
    parent: Option<u32>,
}

/// What matters of all blocks, in the order of heights and epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Board(Vec<Mark>);

/// A board up to the numbers of its epochs: height above the lowest, run, known, and the place of the parent.
pub(super) type Key = Vec<(u32, u8, u8, Option<usize>)>;

/// What the liar does in an epoch. Blocks go by their epochs, honest nodes from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// It leads and says nothing.
    Idle,
    /// It leads, shows the votes of the blocks that its own follows, and proposes to two nodes.
    Propose { parent: u32, shown: Vec<u32>, shown_to: u8, proposed_to: u8 },
    /// Another leads, to whom some votes are shown before, and some to others before they vote.
    Show { before: Vec<u32>, then: [Vec<u32>; HONEST] },
}

/// What comes of a play.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub(super) play: Play,
    pub(super) board: Board,
    /// Whether a wait for three new epochs is over.
    pub(super) is_over: bool,
}

impl Board {
    /// The genesis block alone.
    pub(super) fn new() -> Self {
        Self(vec![Mark { epoch: 0, height: 0, run: 0, known: ALL, parent: None }])
    }

    pub(super) fn get(&self, epoch: u32) -> Option<&Mark> {
        self.0.iter().find(|mark| mark.epoch == epoch)
    }

    /// The latest epoch on it.
    pub(super) fn latest(&self) -> u32 {
        self.0.iter().map(|mark| mark.epoch).max().unwrap_or(0)
    }

    /// Whether a block of an epoch lacks the liar's vote.
    pub(super) fn is_hidden(&self, epoch: u32) -> bool {
        self.get(epoch).is_some_and(|mark| mark.known == 0)
    }

    pub(super) fn key(&self) -> Key {
        let lowest = self.0.first().map_or(0, |mark| mark.height);
        let place = |epoch| self.0.iter().position(|mark| mark.epoch == epoch);
        let row =
            |mark: &Mark| (mark.height - lowest, mark.run, mark.known, mark.parent.and_then(place));
        self.0.iter().map(row).collect()
    }

    /// All that can come of an epoch that an honest node leads, or the liar (`None`).
    pub(super) fn plays(&self, leader: Option<usize>, epoch: u32) -> Vec<Next> {
        match leader {
            Some(leader) => {
                self.0.iter().flat_map(|parent| self.led(leader, epoch, parent)).collect()
            }
            None => {
                let proposals = self.0.iter().flat_map(|parent| self.proposed(epoch, parent));
                std::iter::once(self.idle()).chain(proposals).collect()
            }
        }
    }

    /// The blocks up to one of which not all know, the lowest first.
    fn unknown_to(&self, mark: &Mark) -> Vec<u32> {
        let parent = |mark: &&Mark| self.get(mark.parent?);
        let chain = std::iter::successors(Some(mark), |mark| parent(mark));
        let mut epochs: Vec<u32> =
            chain.filter(|mark| mark.known != ALL).map(|mark| mark.epoch).collect();
        epochs.reverse();
        epochs
    }

    /// The height of the highest block that a node knows.
    fn highest_of(&self, node: usize) -> u32 {
        let known = self.0.iter().filter(|mark| mark.known & (1 << node) != 0);
        known.map(|mark| mark.height).max().unwrap_or(0)
    }

    /// An honest node leads, and proposes on a block, if it can be made to.
    fn led(&self, leader: usize, epoch: u32, parent: &Mark) -> Vec<Next> {
        let before = self.unknown_to(parent);
        let is_known =
            |mark: &&Mark| mark.known & (1 << leader) != 0 || before.contains(&mark.epoch);
        let tip = self.0.iter().filter(is_known).max_by_key(|mark| (mark.height, mark.epoch));
        if tip != Some(parent) {
            return Vec::new();
        }
        let higher = |mark: &&Mark| mark.known != ALL && mark.height > parent.height;
        let shows: Vec<Vec<u32>> =
            self.0.iter().filter(higher).map(|mark| self.unknown_to(mark)).collect();
        // For each node: whether it votes, and what it is shown.
        let choices = |node: usize| {
            let votes = self.highest_of(node) <= parent.height || node == leader;
            let mut choices = vec![(votes, Vec::new())];
            if node != leader {
                choices.extend(shows.iter().map(|shown| (false, shown.clone())));
            }
            choices
        };
        let [first, second, third] = [0, 1, 2].map(choices);
        let mut nexts = Vec::new();
        for one in &first {
            for two in &second {
                for three in &third {
                    let votes = [one, two, three].iter().filter(|(votes, _)| *votes).count();
                    let then = [one, two, three].map(|(_, shown)| shown.clone());
                    nexts.push(self.voted(epoch, parent, votes, (before.clone(), then)));
                }
            }
        }
        nexts
    }

    fn voted(
        &self,
        epoch: u32,
        parent: &Mark,
        votes: usize,
        (before, then): (Vec<u32>, [Vec<u32>; HONEST]),
    ) -> Next {
        let is_shown =
            |epoch: u32| before.contains(&epoch) || then.iter().any(|shown| shown.contains(&epoch));
        let mut marks = self.0.clone();
        for mark in &mut marks {
            mark.run = 0;
            if mark.known != 0 || is_shown(mark.epoch) {
                mark.known = ALL;
            }
        }
        let run = parent.run + 1;
        let is_over = votes == HONEST && run >= 3;
        let run = if is_over { 0 } else { run };
        let block = |known| Mark {
            epoch,
            height: parent.height + 1,
            run,
            known,
            parent: Some(parent.epoch),
        };
        match votes {
            HONEST => marks.push(block(ALL)),
            2 if run < 3 => marks.push(block(0)),
            _ => {}
        }
        Next { play: Play::Show { before, then }, board: Self::tidied(marks), is_over }
    }

    /// What some know all know, and no run goes on.
    fn idle(&self) -> Next {
        let marks = self.0.iter().map(|mark| Mark {
            run: 0,
            known: if mark.known == 0 { 0 } else { ALL },
            ..*mark
        });
        Next { play: Play::Idle, board: Self::tidied(marks.collect()), is_over: false }
    }

    /// The liar leads and proposes on a block, if two would vote for it.
    fn proposed(&self, epoch: u32, parent: &Mark) -> Vec<Next> {
        let known = self.0.iter().filter(|mark| mark.known != 0).map(|mark| mark.height).max();
        let run = parent.run + 1;
        if known.is_some_and(|height| parent.height < height) || run >= 3 {
            return Vec::new();
        }
        let shown: Vec<u32> =
            self.unknown_to(parent).into_iter().filter(|epoch| self.is_hidden(*epoch)).collect();
        let mut nexts = Vec::new();
        for proposed_to in [0b011, 0b101, 0b110] {
            for shown_to in [ALL, proposed_to] {
                let of = |mark: &Mark| match mark.known {
                    0 if shown.contains(&mark.epoch) => shown_to,
                    0 => 0,
                    _ => ALL,
                };
                let marks = self.0.iter().map(|mark| Mark { run: 0, known: of(mark), ..*mark });
                let mut marks: Vec<Mark> = marks.collect();
                let (height, parent) = (parent.height + 1, parent.epoch);
                marks.push(Mark { epoch, height, run, known: 0, parent: Some(parent) });
                let play = Play::Propose { parent, shown: shown.clone(), shown_to, proposed_to };
                nexts.push(Next { play, board: Self::tidied(marks), is_over: false });
            }
        }
        nexts
    }

    /// Forgets what does not matter any more; of two blocks that differ in age alone, the earlier one.
    fn tidied(mut marks: Vec<Mark>) -> Self {
        let known = marks.iter().filter(|mark| mark.known == ALL).map(|mark| mark.height);
        let lowest = known.max().unwrap_or(0);
        marks.retain(|mark| mark.height >= lowest);
        marks.sort_unstable_by_key(|mark| (mark.height, mark.epoch));
        let mut kept: Vec<Mark> = Vec::with_capacity(marks.len());
        let mut renamed: Vec<(u32, u32)> = Vec::new();
        for mark in marks {
            let parent = mark.parent.map(|epoch| {
                let later = renamed.iter().rev().find(|(from, _)| *from == epoch);
                later.map_or(epoch, |(_, to)| *to)
            });
            let parent = parent.filter(|epoch| kept.iter().any(|kept| kept.epoch == *epoch));
            let mark = Mark { parent, ..mark };
            let alike = kept.iter().position(|other| Mark { epoch: mark.epoch, ..*other } == mark);
            if let Some(alike) = alike {
                let earlier = kept.remove(alike);
                renamed.push((earlier.epoch, mark.epoch));
            }
            kept.push(mark);
        }
        Self(kept)
    }
}
