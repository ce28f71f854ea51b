//! What the scenario reader has to know about a protocol.
//!
//! Protocols are passed in by the caller, so a crate outside this workspace registers its own by
//! adding `ProtocolInfo::of::<Mine>()` to the list.

use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::{Configure, Message, Metric, MetricInfo};

/// A protocol that scenarios can name.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolInfo {
    /// Its name under `[protocol]`.
    pub name: &'static str,
    /// One sentence on what it does.
    pub about: &'static str,
    /// Its parameters; a parameter must not be called `name`.
    pub parameters: &'static [Parameter],
    /// Names of its kinds of messages.
    pub kinds: &'static [&'static str],
    /// Whether its nodes can send conflicting versions of a message.
    pub can_equivocate: bool,
    /// What it measures.
    pub metrics: &'static [MetricInfo],
    /// Finds values that contradict each other.
    pub check: fn(&Values) -> Result<(), ParameterError>,
}

impl ProtocolInfo {
    /// The description of one protocol.
    pub fn of<P: Configure>() -> Self {
        Self {
            name: P::NAME,
            about: P::ABOUT,
            parameters: P::PARAMETERS,
            kinds: P::Message::KINDS,
            can_equivocate: P::CAN_EQUIVOCATE,
            metrics: P::Metric::ALL,
            check: |values| P::configure(values).map(drop),
        }
    }
}
