//! The adversarial scheduler: who chooses delays within what the timing model allows.
//!
//! A scheduler sees every message as it is sent and names the delay that it wants. The engine
//! holds it to the model: never below the network's least delay, never beyond the latest arrival
//! that the model promises. It must be a pure function of what it sees: it is asked by any thread,
//! in any order.

use std::sync::Arc;

use anthill_protocol::draw::{Purpose, Streams, below, draw, mix};
use anthill_protocol::{NodeId, Span, Time};

use super::error::{ConditionsError, kind_index};
use super::spec::ScheduleSpec;

/// A message as a scheduler sees it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// When its sender hands it to the uplink.
    pub sent: Time,
    /// When its last bit has left the uplink: delays count from here.
    pub departure: Time,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// The sender's count of messages and timers.
    pub sequence: u32,
    /// The index of its kind.
    pub kind: usize,
    /// Its size on the wire.
    pub bytes: u32,
    /// Whether the adversary holds its sender.
    pub from_adversary: bool,
    /// Whether the adversary holds its receiver.
    pub to_adversary: bool,
    /// The delay that the network would give it.
    pub delay: Span,
    /// The latest arrival that the timing model allows, if it states one.
    pub latest: Option<Time>,
}

/// Chooses the delays of messages.
pub trait Scheduler: Send + Sync + core::fmt::Debug {
    /// The delay that the message should have; the engine keeps it within the model's bounds.
    fn delay(&self, envelope: &Envelope) -> Span;
}

/// The schedulers that ship with the engine.
#[derive(Clone, Debug)]
enum Shipped {
    DelayHonest { by: Span },
    FavourByzantine { by: Span },
    Split { heal: Time, seed: u64 },
    Hold { kind: usize, arrival: Span },
    Reorder { by: Span, streams: Streams },
}

impl Scheduler for Shipped {
    #[inline]
    fn delay(&self, envelope: &Envelope) -> Span {
        let Envelope { sent, departure, from, to, delay, .. } = *envelope;
        let byzantine = envelope.from_adversary || envelope.to_adversary;
        match *self {
            Self::DelayHonest { by } if !byzantine => delay + by,
            Self::FavourByzantine { .. } if byzantine => Span::ZERO,
            Self::FavourByzantine { by } => delay + by,
            Self::Split { heal, seed } if departure < heal => {
                let side = |node: NodeId| mix(seed, u64::from(node.0)) & 1;
                if side(from) == side(to) { delay } else { heal.since(departure) + delay }
            }
            Self::Hold { kind, arrival } if envelope.kind == kind => {
                delay.max((sent + arrival).since(departure))
            }
            Self::Reorder { by, streams } => {
                let bits = draw(streams.of(from), u64::from(envelope.sequence));
                delay + Span(below(bits, by.0.saturating_add(1)))
            }
            _ => delay,
        }
    }
}

/// The scheduler of a scenario.
pub(super) fn shipped(
    spec: &ScheduleSpec,
    kinds: &[&str],
    seed: u64,
) -> Result<Arc<dyn Scheduler>, ConditionsError> {
    let streams = Streams::new(seed, Purpose::Schedule);
    Ok(Arc::new(match spec {
        ScheduleSpec::DelayHonest { by } => Shipped::DelayHonest { by: *by },
        ScheduleSpec::FavourByzantine { by } => Shipped::FavourByzantine { by: *by },
        ScheduleSpec::Split { heal } => Shipped::Split { heal: *heal, seed: draw(seed, 0x5711) },
        ScheduleSpec::Hold { kind, timeout, margin } => {
            let kind = kind_index(kind, kinds, "adversary.schedule.message")?;
            Shipped::Hold { kind, arrival: *timeout - *margin }
        }
        ScheduleSpec::Reorder { by } => Shipped::Reorder { by: *by, streams },
    }))
}
