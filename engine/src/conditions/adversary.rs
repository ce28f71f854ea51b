//! Nodes held by an adversary, and what they do with messages whatever the protocol.

use anthill_protocol::behaviour::{Behaviour as NodeBehaviour, twins, withholding};
use anthill_protocol::draw::{Purpose, Streams, draw, mix, threshold};
use anthill_protocol::{NodeId, Protocol, Span, Time};

use super::error::{ConditionsError, kind_index};
use super::selection::{Members, Population};
use super::spec::{AdversarySpec, Behaviour};

/// The adversary of a run.
#[derive(Clone, Debug)]
pub(crate) struct Adversary {
    members: Members,
    behaviour: Behaviour,
    /// By kind of message: whether it is treated so.
    kinds: Vec<bool>,
    probability: u64,
    streams: Streams,
    seed: u64,
}

/// What a held node does with a message that it would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deviation {
    /// Does not send it.
    Withhold,
    /// Sends it later.
    Delay(Span),
    /// Sends it twice.
    Double,
    /// Sends it with a bit flipped; 64 uniform bits say which.
    Corrupt(u64),
    /// Sends a conflicting version.
    Contradict,
}

impl Adversary {
    pub(super) fn new(
        spec: &AdversarySpec,
        population: &Population<'_>,
        kinds: &[&str],
    ) -> Result<Self, ConditionsError> {
        let members = population.select(&spec.who, "adversary", 0)?;
        // Nothing named is everything.
        let mut treated = vec![spec.kinds.is_empty(); kinds.len()];
        for name in &spec.kinds {
            treated[kind_index(name, kinds, "adversary.kinds")?] = true;
        }
        Ok(Self {
            members,
            behaviour: spec.behaviour,
            kinds: treated,
            probability: threshold(spec.probability),
            streams: Streams::new(population.seed, Purpose::Adversary),
            seed: population.seed,
        })
    }

    #[inline]
    pub(crate) fn holds(&self, node: NodeId) -> bool {
        self.members.contains(node)
    }

    /// What a held node does in place of the protocol, where that is more than to treat messages.
    pub(crate) fn behaviour<P: Protocol>(&self, node: NodeId) -> Option<Box<dyn NodeBehaviour<P>>> {
        if !self.holds(node) {
            return None;
        }
        match self.behaviour {
            Behaviour::Withhold { until } => Some(Box::new(withholding(Time::ZERO, until))),
            // All twins split the others alike: two halves of the network that know nothing of each
            // other.
            Behaviour::Twins => {
                let seed = self.seed;
                Some(Box::new(twins(move |peer| mix(seed, peer.0.into()) & 1 == 0)))
            }
            _ => None,
        }
    }

    /// Whether it holds a node and has it do anything but follow the protocol.
    #[inline]
    pub(crate) fn misleads(&self, node: NodeId) -> bool {
        self.misleads_members() && self.holds(node)
    }

    #[inline]
    pub(super) fn misleads_members(&self) -> bool {
        self.behaviour != Behaviour::Follow
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// What a node does with its `sequence`-th message; `None`: what the protocol says.
    #[inline]
    pub(crate) fn deviation(
        &self,
        from: NodeId,
        to: NodeId,
        sequence: u32,
        kind: usize,
    ) -> Option<Deviation> {
        if !self.holds(from) || !self.kinds[kind] || !self.strikes(from, sequence) {
            return None;
        }
        match self.behaviour {
            Behaviour::Follow
            | Behaviour::Replay
            | Behaviour::Withhold { .. }
            | Behaviour::Twins => None,
            Behaviour::Silent => Some(Deviation::Withhold),
            Behaviour::Delay(by) => Some(Deviation::Delay(by)),
            Behaviour::Duplicate => Some(Deviation::Double),
            Behaviour::Corrupt => Some(Deviation::Corrupt(self.bits(from, sequence, 1))),
            Behaviour::Equivocate => {
                let pair = u64::from(from.0) << 32 | u64::from(to.0);
                (mix(self.seed, pair) & 1 == 1).then_some(Deviation::Contradict)
            }
        }
    }

    /// Whether a node may replay a message that it received, of the given kind.
    #[inline]
    pub(crate) fn may_replay(&self, node: NodeId, kind: usize) -> bool {
        self.behaviour == Behaviour::Replay && self.holds(node) && self.kinds[kind]
    }

    /// Whether it does. If so, 64 uniform bits that choose the victim. `sequence` is a number of the
    /// node's own for this message, whatever comes of it: a number that only a replay used up would
    /// draw the same for the next message.
    pub(crate) fn replays(&self, node: NodeId, sequence: u32) -> Option<u64> {
        self.strikes(node, sequence).then(|| self.bits(node, sequence, 1))
    }

    fn strikes(&self, node: NodeId, sequence: u32) -> bool {
        self.probability == u64::MAX || self.bits(node, sequence, 0) < self.probability
    }

    fn bits(&self, node: NodeId, sequence: u32, which: u64) -> u64 {
        draw(self.streams.of(node), 2 * u64::from(sequence) + which)
    }
}
