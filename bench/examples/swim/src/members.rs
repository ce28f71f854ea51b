//! What a member knows of others, and which news count (section 4.2).
//!
//! Only what is out of the ordinary is kept: of whom there is no entry, that one is alive with
//! incarnation 0. So the state grows with failures, not with the group.

use anthill_protocol::{NodeId, Snapshot, Wire};

/// What a member is held to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot, Wire)]
pub enum State {
    /// Nothing speaks against it.
    #[default]
    Alive,
    /// It did not answer.
    Suspect,
    /// It was suspected for too long.
    Dead,
}

/// What one member says of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot, Wire)]
pub struct Update {
    /// Of whom.
    pub member: NodeId,
    /// Which of its lives, or of its refutations, is meant.
    pub incarnation: u32,
    /// What it is held to be.
    pub state: State,
}

impl Update {
    /// What is held of a member of whom nothing is known.
    pub(crate) fn ordinary(member: NodeId) -> Self {
        Self { member, incarnation: 0, state: State::Alive }
    }

    /// Whether it changes what is known.
    pub(crate) fn overrides(self, known: Self) -> bool {
        match (self.state, known.state) {
            // A refutation, or the return of one declared dead.
            (State::Alive, _) => self.incarnation > known.incarnation,
            (State::Suspect, State::Alive) => self.incarnation >= known.incarnation,
            (State::Suspect, State::Suspect) => self.incarnation > known.incarnation,
            (State::Suspect, State::Dead) => false,
            (State::Dead, State::Dead) => self.incarnation > known.incarnation,
            (State::Dead, _) => self.incarnation >= known.incarnation,
        }
    }
}

/// What is known of others, in the order of ids.
#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Members {
    known: Vec<Update>,
}

impl Members {
    pub(crate) fn of(&self, member: NodeId) -> Update {
        match self.place(member) {
            Ok(place) => self.known[place],
            Err(_) => Update::ordinary(member),
        }
    }

    /// Takes what is news, and says what was known before; `None`: it was none.
    pub(crate) fn take(&mut self, update: Update) -> Option<Update> {
        let before = self.of(update.member);
        if !update.overrides(before) {
            return None;
        }
        match self.place(update.member) {
            Ok(place) => self.known[place] = update,
            Err(place) => self.known.insert(place, update),
        }
        Some(before)
    }

    fn place(&self, member: NodeId) -> Result<usize, usize> {
        self.known.binary_search_by_key(&member, |update| update.member)
    }
}
