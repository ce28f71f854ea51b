//! Delays within the bound, as the liar of the [game](super::game) likes them.
//!
//! All are multiples of a sixteenth of the bound, beside which the network's own delays have to be small.

use anthill_protocol::Span;
use anthill_protocol::behaviour::{Fate, InTransit, Scheduler};

use crate::Streamlet;
use crate::messages::StreamletMessage;

/// Bodies of the liar's that are remembered: more than two epochs have.
const MOST_REMEMBERED: usize = 64;

/// A sixteenth of the bound on delays.
pub(super) fn unit(streamlet: &Streamlet) -> Span {
    Span((streamlet.delta.0 / 16).max(1))
}

/// Delivers what the liar and honest voters say at once, and what honest nodes pass on of the liar's late.
pub(crate) struct Delays {
    unit: Span,
    held: u32,
    /// The latest bodies that the liar has sent.
    lies: Vec<u64>,
}

impl Delays {
    pub(crate) fn new(streamlet: &Streamlet, held: u32) -> Self {
        Self { unit: unit(streamlet), held, lies: Vec::new() }
    }
}

impl Scheduler<Streamlet> for Delays {
    fn on_send(&mut self, transit: &InTransit<StreamletMessage>) -> Fate {
        let (StreamletMessage::Proposal { block: body } | StreamletMessage::Vote { ballot: body }) =
            transit.message;
        let id = body.id();
        let is_lie = self.lies.contains(&id);
        let units = if transit.from.0 < self.held {
            if !is_lie {
                if self.lies.len() == MOST_REMEMBERED {
                    self.lies.remove(0);
                }
                self.lies.push(id);
            }
            1
        } else {
            match transit.message {
                StreamletMessage::Vote { .. } if is_lie => 8,
                StreamletMessage::Vote { .. } => 1,
                StreamletMessage::Proposal { .. } if is_lie => 12,
                StreamletMessage::Proposal { .. } => 2,
            }
        };
        Fate::At(transit.sent + self.unit * units)
    }
}
