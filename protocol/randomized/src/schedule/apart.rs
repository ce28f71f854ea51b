//! Two sides that hear nothing of each other until they have decided, and of the adversary's nodes only that all
//! have their own bit: 0 for even places, 1 for odd ones, as inputs in turns have it.

use super::{Cast, Plan};
use crate::messages::{Bits, RandomizedMessage, Says};
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

    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool {
        if self.decided[to] {
            return true;
        }
        let side = to % 2 == 1;
        if from < self.honest {
            return from % 2 == to % 2;
        }
        match *message {
            RandomizedMessage::Bval { bit, .. }
            | RandomizedMessage::Aux { bit, .. }
            | RandomizedMessage::Report { bit, .. } => bit == side,
            RandomizedMessage::Conf { bits, .. } => bits == Bits::only(side),
            RandomizedMessage::Proposal { bit, .. } => bit == Some(side),
            RandomizedMessage::PreVote(vote) | RandomizedMessage::MainVote(vote) => {
                vote.bit == Some(side)
            }
            RandomizedMessage::Share { .. } => true,
        }
    }
}
