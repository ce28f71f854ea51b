//! The snapshot in which a run begins: who is a verifier, and what everybody owns.
//!
//! A million joins and issues are not simulated: they are taken to lie further back than the time to
//! consistency, so that all agree on them. Nothing of it takes memory per node: verifiers are spread
//! evenly over the ids, and everybody's fund, its name and its witnesses follow from the owner's id.

use crate::objects::fund::FundId;
use crate::objects::selection::{DrawOrder, Seed};
use anthill_protocol::{Digest, NodeId};

/// Holds what needs no further validation.
pub const NODE_ZERO: NodeId = NodeId(0);
/// The source of all credit: everybody's first fund is a payment of its.
pub const CREDIT_ORIGIN: NodeId = NodeId(1);
/// Nodes that are neither verifiers nor users.
const BOOTSTRAP: u32 = 2;
/// Residues of participants' ids: what of a payer and payee goes into the seed of a selection.
pub(crate) const RESIDUES: u64 = 100_000;

/// The snapshot.
#[derive(Clone, Debug, Default)]
pub struct Genesis {
    nodes: u32,
    verifiers: u32,
    scenario: u64,
    checksum: u64,
}

impl Genesis {
    /// `verifiers` of `nodes`, the two bootstrap nodes aside; at most all others.
    pub fn new(nodes: u32, verifiers: u32, scenario: u64) -> Self {
        let users = nodes.saturating_sub(BOOTSTRAP);
        let mut genesis = Self { nodes, verifiers: verifiers.min(users), scenario, checksum: 0 };
        genesis.checksum = genesis.fund(NODE_ZERO).0;
        genesis
    }

    /// Nodes but for the two bootstrap ones.
    pub fn users(&self) -> u32 {
        self.nodes.saturating_sub(BOOTSTRAP)
    }

    /// The number of verifiers.
    pub fn verifiers(&self) -> u32 {
        self.verifiers
    }

    /// The user of a rank below [`Genesis::users`].
    pub fn user(&self, rank: u32) -> NodeId {
        NodeId(BOOTSTRAP + rank)
    }

    /// Whether a node is neither of the bootstrap ones.
    pub fn is_user(&self, node: NodeId) -> bool {
        (BOOTSTRAP..self.nodes).contains(&node.0)
    }

    /// The verifier of a rank below [`Genesis::verifiers`]; in the order of ids.
    pub fn verifier(&self, rank: u32) -> NodeId {
        let step = u64::from(rank) * u64::from(self.users());
        NodeId(BOOTSTRAP + (step / u64::from(self.verifiers)) as u32)
    }

    /// The rank of a verifier; `None` for other nodes.
    pub fn rank(&self, node: NodeId) -> Option<u32> {
        let user = node.0.checked_sub(BOOTSTRAP).filter(|_| self.is_user(node))?;
        // The least rank whose id is not below the node's.
        let rank = (u64::from(user) * u64::from(self.verifiers)).div_ceil(self.users().into());
        let rank = rank as u32;
        (rank < self.verifiers && self.verifier(rank) == node).then_some(rank)
    }

    /// A participant's residue: of its id, which is a hash of the scenario and the node.
    pub fn residue(&self, node: NodeId) -> u32 {
        let id = Digest::of("witness: participant", self.scenario, 0, &node.0.to_le_bytes());
        let (low, _) = id.0.split_first_chunk().expect("32 bytes");
        (u64::from_le_bytes(*low) % RESIDUES) as u32
    }

    /// The name of the fund with which a participant begins.
    pub fn fund(&self, owner: NodeId) -> FundId {
        let digest = Digest::of("witness: genesis fund", self.scenario, 0, &owner.0.to_le_bytes());
        FundId::of(&digest)
    }

    /// The seed of a selection for a payment between two participants, with a checksum.
    pub fn seed(&self, checksum: u64, payer: NodeId, payee: NodeId) -> Seed {
        Seed::new(checksum, self.residue(payer), self.residue(payee))
    }

    /// The checksum of the timeline of genesis.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The number of nodes.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// The number of verifiers with an id below a number.
    pub fn verifiers_below(&self, id: u64) -> u32 {
        let user = id.saturating_sub(BOOTSTRAP.into()).min(self.users().into());
        match u64::from(self.users()) {
            0 => 0,
            users => (user * u64::from(self.verifiers)).div_ceil(users) as u32,
        }
    }

    /// Everybody in the order of a draw, the ineligible included.
    pub fn draw(&self, seed: Seed) -> impl Iterator<Item = NodeId> + '_ {
        DrawOrder::new(seed, self.verifiers).map(|rank| self.verifier(rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_verifiers_are_inverse_for_every_share() {
        for (nodes, verifiers) in [(3, 1), (12, 10), (1_002, 1_000), (1_000, 333), (5_000, 7)] {
            let genesis = Genesis::new(nodes, verifiers, 1);
            let all: Vec<_> = (0..verifiers).map(|rank| genesis.verifier(rank)).collect();
            assert!(all.is_sorted() && all.iter().all(|node| genesis.is_user(*node)));
            for node in 0..nodes {
                let rank = all.iter().position(|verifier| verifier.0 == node);
                assert_eq!(genesis.rank(NodeId(node)), rank.map(|r| r as u32), "{node} of {nodes}");
                let below = all.iter().filter(|verifier| verifier.0 < node).count();
                assert_eq!(genesis.verifiers_below(node.into()), below as u32);
            }
        }
        assert_eq!(Genesis::new(10, 50, 1).verifiers(), 8);
    }

    #[test]
    fn names_and_residues_differ_between_participants_and_scenarios() {
        let (a, b) = (Genesis::new(100, 10, 1), Genesis::new(100, 10, 2));
        assert_ne!(a.fund(NodeId(5)), a.fund(NodeId(6)));
        assert_ne!(a.fund(NodeId(5)), b.fund(NodeId(5)));
        assert_ne!(a.checksum(), b.checksum());
        assert_eq!(a.checksum(), a.fund(NODE_ZERO).0);
        let mut residues: Vec<_> = (2..100).map(|node| a.residue(NodeId(node))).collect();
        assert!(residues.iter().all(|residue| *residue < 100_000));
        residues.sort_unstable();
        residues.dedup();
        assert!(residues.len() > 90);
    }
}
