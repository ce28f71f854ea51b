//! The state of a node: four bytes, because 10^8 of them have to fit; and a handle if the rumour is
//! signed.

use crate::{Snapshot, SnapshotError};

/// What one node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GossipNode<H = ()> {
    pub(super) knowledge: Knowledge,
    /// Whether [`super::GossipMetric::Coverage`] has counted it: bookkeeping of the measurement,
    /// not of the node, so it outlives a crash without state.
    pub(super) counted: bool,
    /// `inv`: requests made so far.
    pub(super) requests: u8,
    /// `inv`: one more than the slot of a further announcer, to be asked next; 0 for none.
    pub(super) backup: u8,
    /// What it holds of the rumour once informed; nothing where the rumour is not signed.
    pub(super) held: H,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Knowledge {
    /// It has heard nothing.
    #[default]
    Unaware,
    /// `inv`: it has asked for the rumour and has a timer running.
    Wanting,
    /// It has the rumour.
    Informed,
}

impl<H> GossipNode<H> {
    /// Whether it has the rumour.
    #[inline]
    pub fn is_informed(&self) -> bool {
        self.knowledge == Knowledge::Informed
    }

    pub(super) fn to_bytes(&self) -> [u8; 4] {
        [self.knowledge as u8, u8::from(self.counted), self.requests, self.backup]
    }
}

impl<H: Snapshot> Snapshot for GossipNode<H> {
    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
        self.held.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let knowledge = match u8::load(bytes)? {
            0 => Knowledge::Unaware,
            1 => Knowledge::Wanting,
            2 => Knowledge::Informed,
            _ => return Err(SnapshotError("unknown gossip state")),
        };
        Ok(Self {
            knowledge,
            counted: bool::load(bytes)?,
            requests: u8::load(bytes)?,
            backup: u8::load(bytes)?,
            held: H::load(bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_four_bytes_and_round_trips() {
        assert_eq!(size_of::<GossipNode>(), 4);
        let knowledge = Knowledge::Wanting;
        let node = GossipNode { knowledge, counted: true, requests: 3, backup: 255, held: () };
        let mut bytes = Vec::new();
        node.save(&mut bytes);
        let mut rest = &bytes[..];
        assert_eq!(GossipNode::load(&mut rest), Ok(node));
        assert!(rest.is_empty());
    }

    #[test]
    fn impossible_states_are_errors() {
        assert!(GossipNode::<()>::load(&mut &[3u8, 0, 0, 0][..]).is_err());
        assert!(GossipNode::<()>::load(&mut &[0u8, 2, 0, 0][..]).is_err());
        assert!(GossipNode::<()>::load(&mut &[0u8, 0, 0][..]).is_err());
    }
}
