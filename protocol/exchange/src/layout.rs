//! Who is who: replicas of each chain, then the traders of each venue, then the arbitrageur.
//!
//! Chains `0..venues` are venues; with a coordinator of its own that is the last chain. All accounts of a
//! venue are numbered alike: traders, makers, the arbitrageur.

use anthill_protocol::NodeId;
use anthill_protocol::kit::Part;

/// The nodes of a run, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) venues: u32,
    /// Venues, and a coordinator if it has a chain of its own.
    pub(crate) chains: u32,
    /// Replicas of a chain.
    pub(crate) group: u32,
    pub(crate) traders: u32,
    pub(crate) makers: u32,
    pub(crate) has_arbitrageur: bool,
    /// Replicas of a venue that have an account there: none, or all.
    pub(crate) insiders: u32,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Of a chain.
    Replica(u32),
    /// Venue and account.
    Trader(u32, u32),
    Maker(u32, u32),
    Arbitrageur,
}

impl Layout {
    pub(crate) fn replicas(&self) -> u32 {
        self.chains * self.group
    }

    /// The replicas of a chain.
    pub(crate) fn part(&self, chain: u32) -> Part {
        Part { first: NodeId(chain * self.group), size: self.group }
    }

    /// Accounts of a venue.
    pub(crate) fn accounts(&self) -> u32 {
        self.outsiders() + self.insiders
    }

    /// Those that are no replicas'.
    fn outsiders(&self) -> u32 {
        self.traders + self.makers + u32::from(self.has_arbitrageur)
    }

    /// The account of the arbitrageur, if there is one.
    pub(crate) fn arbitrageur(&self) -> u32 {
        self.traders + self.makers
    }

    /// The chain whose log decides about trades over two venues.
    pub(crate) fn coordinator(&self) -> u32 {
        self.chains.saturating_sub(1)
    }

    pub(crate) fn is_venue(&self, chain: u32) -> bool {
        chain < self.venues
    }

    /// Nodes beside the replicas.
    pub(crate) fn extra(&self) -> u32 {
        self.venues * (self.traders + self.makers) + u32::from(self.has_arbitrageur)
    }

    pub(crate) fn role(&self, node: NodeId) -> Role {
        if node.0 < self.replicas() {
            return Role::Replica(node.0 / self.group.max(1));
        }
        let (place, each) = (node.0 - self.replicas(), self.traders + self.makers);
        if each == 0 || place / each >= self.venues {
            return Role::Arbitrageur;
        }
        let (venue, account) = (place / each, place % each);
        match account < self.traders {
            true => Role::Trader(venue, account),
            false => Role::Maker(venue, account),
        }
    }

    /// Who owns an account at a venue.
    pub(crate) fn owner(&self, venue: u32, account: u32) -> Option<NodeId> {
        let each = self.traders + self.makers;
        if venue >= self.venues || account >= self.accounts() {
            return None;
        }
        if let Some(place) = account.checked_sub(self.outsiders()) {
            return Some(NodeId(venue * self.group + place));
        }
        let place = if account < each { venue * each + account } else { self.venues * each };
        Some(NodeId(self.replicas() + place))
    }

    /// The account of a node at a venue.
    pub(crate) fn account(&self, node: NodeId, venue: u32) -> Option<u32> {
        match self.role(node) {
            Role::Replica(chain) => {
                let place = node.0 % self.group.max(1);
                (chain == venue && place < self.insiders).then(|| self.outsiders() + place)
            }
            Role::Trader(at, account) | Role::Maker(at, account) => {
                (at == venue).then_some(account)
            }
            Role::Arbitrageur => self.has_arbitrageur.then_some(self.arbitrageur()),
        }
    }

    /// Everybody who is told of prices at a venue.
    pub(crate) fn audience(&self, venue: u32) -> impl Iterator<Item = NodeId> {
        let all = *self;
        (0..self.outsiders()).filter_map(move |account| all.owner(venue, account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_accounts_agree() {
        let layout = Layout {
            venues: 2,
            chains: 3,
            group: 4,
            traders: 3,
            makers: 2,
            has_arbitrageur: true,
            insiders: 0,
        };
        assert_eq!((layout.replicas(), layout.extra(), layout.accounts()), (12, 11, 6));
        assert_eq!(layout.role(NodeId(11)), Role::Replica(2));
        assert_eq!(layout.role(NodeId(12)), Role::Trader(0, 0));
        assert_eq!(layout.role(NodeId(16)), Role::Maker(0, 4));
        assert_eq!(layout.role(NodeId(17)), Role::Trader(1, 0));
        assert_eq!(layout.role(NodeId(22)), Role::Arbitrageur);
        for venue in 0..2 {
            for account in 0..6 {
                let owner = layout.owner(venue, account).expect("there is one");
                assert_eq!(layout.account(owner, venue), Some(account));
            }
        }
        assert_eq!((layout.owner(2, 0), layout.owner(0, 6)), (None, None));
        assert_eq!(layout.account(NodeId(17), 0), None);
        assert_eq!(layout.audience(1).last(), Some(NodeId(22)));
        let layout = Layout { insiders: 4, ..layout };
        assert_eq!((layout.owner(1, 9), layout.owner(1, 10)), (Some(NodeId(7)), None));
        assert_eq!(layout.account(NodeId(7), 1), Some(9));
        assert_eq!((layout.account(NodeId(7), 0), layout.account(NodeId(9), 0)), (None, None));
        assert_eq!(layout.audience(1).last(), Some(NodeId(22)));
    }
}
