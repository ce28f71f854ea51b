//! What happens to messages between the nodes of a [`Pump`](super::Pump).

use crate::draw::{self, Purpose};
use crate::{NodeId, Span, Time};

/// Delays, losses and cuts. Everything is drawn from the number of the message.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) least: Span,
    pub(super) most: Span,
    pub(super) loss_threshold: u64,
    pub(super) duplicate_threshold: u64,
    pub(super) cuts: Vec<Cut>,
}

/// Some nodes cannot reach the others for a while.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) side: Vec<NodeId>,
    /// Whether the others still reach them.
    pub(super) one_way: bool,
    pub(super) from: Time,
    pub(super) until: Time,
}

impl Cut {
    fn parts(&self, at: Time, from: NodeId, to: NodeId) -> bool {
        let (sender, receiver) = (self.side.contains(&from), self.side.contains(&to));
        self.from <= at && at < self.until && sender != receiver && (sender || !self.one_way)
    }
}

impl Weather {
    pub(super) fn new(delay: Span) -> Self {
        Self {
            least: delay,
            most: delay,
            loss_threshold: 0,
            duplicate_threshold: 0,
            cuts: Vec::new(),
        }
    }

    /// Whether every message arrives once.
    pub(super) fn is_calm(&self) -> bool {
        self.loss_threshold == 0 && self.duplicate_threshold == 0 && self.cuts.is_empty()
    }

    /// When copies of a message arrive: none, one or two.
    pub(super) fn arrivals(
        &self,
        seed: u64,
        number: u64,
        at: Time,
        (from, to): (NodeId, NodeId),
    ) -> impl Iterator<Item = Time> + use<> {
        let luck = |purpose| draw::draw(draw::stream(seed, purpose, from), number);
        let (least, spread) = (self.least, self.most.0 - self.least.0);
        let delay = move |bits| at + least + Span(draw::below(bits, spread.saturating_add(1)));
        let is_cut = from != to && self.cuts.iter().any(|cut| cut.parts(at, from, to));
        let is_lost = is_cut || (from != to && luck(Purpose::Delay) < self.loss_threshold);
        let twice = !is_lost && from != to && luck(Purpose::Impairment) < self.duplicate_threshold;
        let bits = draw::mix(luck(Purpose::Delay), 1);
        let first = (!is_lost).then(|| delay(bits));
        first.into_iter().chain(twice.then(|| delay(draw::mix(bits, 2))))
    }
}
