//! Adversaries.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::parameter::{AdversaryKind, Values};

use crate::Goodwill;

/// An adversary.
#[derive(Clone, Debug)]
pub(crate) struct Attack {}

pub(crate) const KINDS: &[AdversaryKind] = &[];

impl Attack {
    pub(crate) fn read(_: &Values) -> Option<Self> {
        None
    }

    pub(crate) fn least_forgers(&self) -> u32 {
        1
    }

    pub(crate) fn nodes(&self, _: u32) -> u32 {
        0
    }

    pub(crate) fn first_bid(&self, _: u64, _: u32, _: u64, usual: u64) -> u64 {
        usual
    }

    pub(crate) fn attempts(&self) -> Option<u64> {
        None
    }

    pub(crate) fn behaviour(&self) -> Box<dyn Behaviour<Goodwill>> {
        unreachable!("no adversary holds a node")
    }
}
