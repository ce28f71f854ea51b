//! Those outside the casts on whom attempts depend: verifiers that it holds, and users that join.

use crate::WitnessNode;
use crate::adversary::{Adversary, Attack, KNOWN, Witness};
use crate::genesis::Genesis;
use crate::rules::Terms;
use crate::timeline::EventKind;
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{Context, NodeId, Span};

impl Adversary {
    /// When its first attempt begins; `None` if an accomplice says when.
    pub(crate) fn begins(&self, terms: &Terms) -> Option<Span> {
        match self.attack {
            Attack::Backdated { .. } => None,
            Attack::Withholder { age, .. } => Some(age),
            // Else there would be no such time.
            Attack::Misdated { offset, is_ahead: false } => Some(offset),
            Attack::Sybil { .. } | Attack::Eclipse | Attack::EarlyLeaver => {
                Some(terms.time_to_consistency + KNOWN * 4)
            }
            _ => Some(Span::ZERO),
        }
    }

    /// Users that join.
    pub(super) fn joining(&self) -> u32 {
        if let Attack::Sybil { identities } = self.attack { identities } else { 0 }
    }

    /// Whether it holds the verifiers that its attempts need.
    pub(super) fn check_accomplices(
        &self,
        genesis: &Genesis,
        terms: &Terms,
    ) -> Result<(), ParameterError> {
        let least = match self.attack {
            Attack::Backdated { .. } => 1,
            Attack::Withholder { events, .. } => events,
            _ => 0,
        };
        if self.held_count < least {
            let problem = format!(
                "{} of the verifiers are {}, and it needs {least}; raise it",
                self.fraction, self.held_count
            );
            return Err(ParameterError { name: "adversary.fraction", problem });
        }
        if let Attack::Withholder { age, .. } = self.attack
            && !(KNOWN..terms.time_to_consistency).contains(&age)
        {
            let problem = format!(
                "{age} is not between {KNOWN}, when all know an event, and \
                 protocol.time_to_consistency, when it is settled"
            );
            return Err(ParameterError { name: "adversary.age", problem });
        }
        if self.attack == Attack::EarlyLeaver {
            self.check_leaving(genesis, terms)?;
        }
        Ok(())
    }

    /// Whether it holds a verifier.
    pub(super) fn holds_node(&self, genesis: &Genesis, node: NodeId) -> bool {
        self.identities.binary_search(&node).is_ok()
            || genesis.rank(node).is_some_and(|rank| self.holds(rank))
    }

    /// The ranks that it holds, from the least on.
    pub(super) fn held_ranks(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.held.len() as u32 * 64).filter(|rank| self.holds(*rank))
    }

    /// The place of a node among the verifiers that it holds.
    pub(super) fn accomplice(&self, genesis: &Genesis, node: NodeId) -> Option<u32> {
        let rank = genesis.rank(node).filter(|rank| self.holds(*rank))?;
        let (word, bit) = (rank as usize / 64, rank % 64);
        let before: u32 = self.held[..word].iter().map(|bits| bits.count_ones()).sum();
        Some(before + (self.held[word] & ((1 << bit) - 1)).count_ones())
    }
}

impl Witness {
    /// When an accomplice outside the casts acts first.
    pub(super) fn accomplice_begins(&self, adversary: &Adversary, node: NodeId) -> Option<Span> {
        match adversary.attack {
            Attack::Backdated { .. } => self.backdating_begins(adversary, node),
            Attack::Withholder { events, .. } => self.pausing_begins(adversary, events, node),
            Attack::Eclipse => (node == self.genesis.verifier(0)).then_some(Span::from_secs(1)),
            Attack::Sybil { .. } => self.joining_begins(adversary, node),
            Attack::EarlyLeaver => self.leaving_begins(adversary, node),
            _ => None,
        }
    }

    /// The moment of an accomplice has come.
    pub(super) fn accomplice_acts(
        &self,
        node: &mut WitnessNode,
        adversary: &Adversary,
        cx: &mut impl Context<Self>,
    ) {
        match adversary.attack {
            Attack::Backdated { tries } => self.backdate(node, adversary, tries, cx),
            Attack::Withholder { .. } => self.announce(node, EventKind::Pause, cx),
            // What the eclipsed will not hear of.
            Attack::Eclipse => self.announce(node, EventKind::Entropy { bytes: cx.random() }, cx),
            Attack::Sybil { .. } => self.begin_join(node, cx),
            Attack::EarlyLeaver => self.announce(node, EventKind::Leave, cx),
            _ => {}
        }
    }
}
