//! What replicas and clients send each other, say, measure and set timers for.

use anthill_protocol::kit::Tick;
use anthill_protocol::{Message, Metric, Output, Shared, Snapshot, Wire};

/// A number without alignment: a message is a tag and sixteen bytes, so that an event is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct U32([u8; 4]);

/// The same, of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct U64([u8; 8]);

impl From<u32> for U32 {
    fn from(number: u32) -> Self {
        Self(number.to_le_bytes())
    }
}

impl U32 {
    /// The number.
    pub fn get(self) -> u32 {
        u32::from_le_bytes(self.0)
    }
}

impl From<u64> for U64 {
    fn from(number: u64) -> Self {
        Self(number.to_le_bytes())
    }
}

impl U64 {
    /// The number.
    pub fn get(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

/// What travels. Whatever another replica may have to be shown later is a shared body; what only its
/// receiver believes is in the message itself, on a channel that authenticates its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum PbftMessage {
    Request(Shared),
    PrePrepare(Shared),
    Prepare(Shared),
    Commit(Shared),
    Reply {
        view: U32,
        t: U32,
        result: U64,
    },
    Checkpoint(Shared),
    ViewChange(Shared),
    /// The sender has the view change of `of` whose body has this name.
    ViewChangeAck {
        view: U32,
        of: U32,
        name: U64,
    },
    NewView(Shared),
    /// Where a replica stands that gets no further.
    Status {
        view: U32,
        active: bool,
        executed: U32,
        low: U32,
    },
    /// Asks for the state at a stable checkpoint.
    Fetch {
        seq: U32,
    },
    State(Shared),
}

/// What nodes tell the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum PbftOutput {
    /// A client asks for the first time.
    Asked { client: u32, t: u32 },
    /// A replica has executed the batch of a number, in a view.
    Executed { seq: u32, digest: u64, view: u32 },
    /// A replica has executed a request.
    Replied { client: u32, t: u32, result: u64 },
    /// A checkpoint is stable.
    Stable { seq: u32, root: u64 },
    /// A replica has taken over the state of others at a stable checkpoint.
    Installed { seq: u32, root: u64 },
    /// A replica works in a view.
    View { v: u32 },
    /// A client has f + 1 equal replies.
    Accepted { client: u32, t: u32, result: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum PbftMetric {
    /// requests whose client has f + 1 equal replies
    #[metric(higher)]
    Committed,
    /// requests executed, summed over replicas
    Executed,
    /// batches executed, summed over replicas
    Batches,
    /// new views that their primaries have begun
    #[metric(lower)]
    ViewChanges,
    /// batches that came after a quorum's commits for them, summed over replicas
    Learned,
    /// checkpoints that became stable, summed over replicas
    Stable,
    /// states taken over from other replicas
    Transfers,
    /// requests that clients sent again, to all replicas
    #[metric(lower)]
    Retries,
    /// highest view in which a replica worked
    #[metric(max)]
    Rounds,
    /// request until f + 1 equal replies
    #[metric(latency)]
    Reply,
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Timer {
    /// A replica has waited too long for its primary, a client for its replies.
    Alarm(Tick),
    /// A replica has waited so long that messages may be lost.
    Retry(Tick),
}
