//! What travels, what clients ask and say, what is measured, and timers.

use anthill_protocol::{Message, Metric, NodeId, Output, Protocol, Shared, Snapshot, Wire};
use anthill_raft::Raft;

/// What travels: an object of JSON, by who sends it to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum Packet {
    /// A client asks a node.
    Request { body: Shared },
    /// A node answers a client.
    Reply { body: Shared },
    /// A node tells another.
    Peer { body: Shared },
    /// To or from one of the services.
    Service { body: Shared },
    /// A program passes on what another has sent, in its name.
    Forwarded { src: NodeId, body: Shared },
    /// A request for the log of `lin-kv`, to all nodes that have it.
    Command { command: Shared },
    #[doc(hidden)]
    Raft(<Raft as Protocol>::Message),
}

/// An operation of a client. At its end it holds the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
pub enum Call {
    /// `echo`
    Echo { number: u32 },
    /// `generate`; the result is a hash of the id.
    Generate { id: u64 },
    /// `broadcast` of a message.
    Broadcast { value: u64 },
    /// `add` of an element to a set.
    Insert { value: u64 },
    /// `read` of all messages or elements; the result is how many.
    ReadAll { count: u32 },
    /// `add` to a counter; a delta below 0 as two's complement.
    Add { delta: u64 },
    /// `read` of a counter, likewise.
    Count { value: u64 },
    /// `read` of a key; `None`: it does not exist.
    Read { key: u32, value: Option<u64> },
    /// `write`
    Write { key: u32, value: u64 },
    /// `cas`
    Cas { key: u32, from: u64, to: u64 },
}

/// What clients tell the outside world. A `process` is a client until it gets no answer; then it goes on as
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Said {
    /// An operation begins.
    Asked { process: u32, call: Call },
    /// It is done, with this result.
    Done { process: u32, call: Call },
    /// It is refused, and has changed nothing.
    Refused { process: u32, call: Call },
    /// Nobody knows whether it happened.
    Unknown { process: u32, call: Call },
    /// A node has answered with something that is no answer to it.
    Wrong { server: NodeId, call: Call },
    /// A node is read at the end.
    Reading { server: NodeId },
    /// It has those of 64 values from `first` on whose bits are set.
    Holds { server: NodeId, first: u64, bits: u64 },
    /// It has a value that no client has.
    Foreign { server: NodeId, value: u64 },
    /// All that it has was said: how many values, or what it counts.
    Read { server: NodeId, total: u64 },
    /// It has not answered.
    Unread { server: NodeId },
}

/// What is measured.
#[derive(Clone, Copy, Debug, Metric)]
pub enum MaelstromMetric {
    /// operations that clients began
    Operations,
    /// operations that were done
    #[metric(higher)]
    Done,
    /// operations that were refused, and changed nothing
    Refused,
    /// operations of which nobody knows whether they happened: no answer in time, or an error that says so
    #[metric(lower)]
    Unknown,
    /// answers that nobody waits for: late, doubled, or to nothing
    #[metric(lower)]
    Unexpected,
    /// answers that are none to what was asked
    #[metric(lower)]
    Wrong,
    /// nodes that were read at the end
    NodesRead,
    /// clients that have done all they were to do
    ClientsDone,
    /// messages that were said again because nobody acknowledged them
    #[metric(lower)]
    Repeated,
    /// lines that programs were told
    LinesTold,
    /// lines of programs that were sent on
    LinesSent,
    /// of these, those in another's name
    LinesForwarded,
    /// programs that have answered `init`
    Initialised,
    /// lines of programs that are no message: not JSON, no body, no type, too long
    #[metric(lower)]
    Garbage,
    /// lines of programs in nobody's name, or to nobody
    #[metric(lower)]
    Misaddressed,
    /// from an operation's beginning until it is done
    #[metric(latency)]
    Answer,
}

/// What nodes set timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    #[doc(hidden)]
    Raft(<Raft as Protocol>::Timer),
    /// A node tells its neighbours again what they may not know.
    Again,
    /// The first client tells nodes their neighbours.
    Topology,
    /// A client's next operation.
    Next,
    /// It waits no longer for the answer to the message of that number.
    Late(u32),
    /// It reads the nodes, or asks those again that have not answered.
    Final,
}
