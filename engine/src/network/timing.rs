//! What a timing model promises about the arrival of messages.

use anthill_protocol::{Span, Time};

/// The promise of a timing model (Dwork, Lynch and Stockmeyer 1988).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// No model is named: delays are what they are, nothing is promised.
    #[default]
    Realistic,
    /// Every message arrives within Δ of its sending.
    Synchronous {
        /// Δ.
        delta: Span,
    },
    /// Every message arrives some time.
    Asynchronous,
    /// Every message arrives by max(sent, GST) + Δ.
    Partial {
        /// The global stabilisation time.
        gst: Time,
        /// Δ.
        delta: Span,
    },
}

impl Timing {
    /// The same promise with another Δ; where there was none, from the start.
    pub fn with_delta(self, delta: Span) -> Self {
        match self {
            Self::Partial { gst, .. } => Self::Partial { gst, delta },
            _ => Self::Synchronous { delta },
        }
    }

    /// Δ, and the instant from which on it holds; no Δ: nothing is promised.
    pub(crate) fn bound(&self) -> (Option<Span>, Time) {
        match *self {
            Self::Realistic | Self::Asynchronous => (None, Time::ZERO),
            Self::Synchronous { delta } => (Some(delta), Time::ZERO),
            Self::Partial { gst, delta } => (Some(delta), gst),
        }
    }

    /// The latest arrival that the model allows for a message sent at an instant.
    #[inline]
    pub fn latest(&self, sent: Time) -> Option<Time> {
        match *self {
            Self::Realistic | Self::Asynchronous => None,
            Self::Synchronous { delta } => Some(sent + delta),
            Self::Partial { gst, delta } => Some(sent.max(gst) + delta),
        }
    }
}
