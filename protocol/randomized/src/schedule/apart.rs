//! Two halves that hear nothing of each other: the other side of nodes with two faces.

use super::{Cast, Plan};
use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

pub(crate) struct Apart {
    honest: usize,
    decided: Vec<bool>,
}

impl Plan for Apart {
    fn new(_: &Randomized, cast: Cast) -> Self {
        Self { honest: cast.honest, decided: vec![false; cast.members] }
    }

    fn said(&mut self, node: usize, says: &Says) {
        self.decided[node] |= matches!(says, Says::Decided { .. });
    }

    fn passes(&self, from: usize, to: usize, _: &RandomizedMessage) -> bool {
        from >= self.honest || from % 2 == to % 2 || self.decided[to]
    }
}
