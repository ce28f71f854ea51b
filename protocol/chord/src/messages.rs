//! What travels, what is said and measured.

use anthill_protocol::{Body, Message, Metric, NodeId, Output, Shared, Snapshot, Time, draw};

/// Requests carry a number of the asker's, which comes back with the answer. A node's id follows
/// from its address, so addresses are all that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum ChordMessage {
    /// Who owns the key? `last`: the receiver should, says its predecessor. `avoid`: a node that the
    /// receiver named before, and that does not answer.
    Find {
        lookup: u32,
        step: u16,
        key: u64,
        last: bool,
        avoid: Option<NodeId>,
    },
    /// Ask this node; `last`: it should own the key.
    Next {
        lookup: u32,
        step: u16,
        node: NodeId,
        last: bool,
    },
    /// I own it.
    Mine {
        lookup: u32,
        step: u16,
    },
    /// I am no member, or know nobody to ask.
    Gone {
        lookup: u32,
        step: u16,
    },
    /// Who is your predecessor, and who follows you? `known`: a hash of the answer of last time.
    Stabilise {
        tag: u32,
        known: u32,
    },
    /// The answer to it; no list if it is the known one.
    Successors {
        tag: u32,
        predecessor: Option<NodeId>,
        list: Option<Shared>,
    },
    /// I think I am your predecessor; `joining`: make me a member.
    Notify {
        tag: u32,
        joining: bool,
    },
    /// To a joining node: you are a member, this was my predecessor so far, and these follow me.
    Welcome {
        tag: u32,
        predecessor: Option<NodeId>,
        list: Shared,
    },
    /// To a joining node: this one comes between us, ask it.
    Refuse {
        tag: u32,
        predecessor: NodeId,
    },
    Ping {
        tag: u32,
    },
    Pong {
        tag: u32,
    },
}

/// The successors of a node.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Successors(pub(crate) Box<[NodeId]>);

impl Body for Successors {
    fn encoded_len(&self) -> u32 {
        2 + 4 * self.0.len() as u32
    }

    fn fingerprint(&self) -> u64 {
        hash(&self.0)
    }
}

/// A hash of a list.
pub(crate) fn hash(list: &[NodeId]) -> u64 {
    list.iter().fold(list.len() as u64, |hash, node| draw::mix(hash, u64::from(node.0)))
}

/// What nodes tell the outside world. Of a ring that is built at the start nobody says anything:
/// all are members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum ChordOutput {
    /// It is a member of the ring.
    Joined,
    /// Its first successor is another one now; itself: it knows nobody else.
    Successor { node: NodeId },
    /// It looks a key up.
    Asked { key: u64 },
    /// A lookup that began at `since` has reached the key's owner, over so many nodes up to its
    /// predecessor.
    Found { key: u64, owner: NodeId, hops: u16, since: Time },
    /// It gives a lookup up.
    Failed { key: u64 },
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Timer {
    Stabilise,
    FixFinger,
    /// The next lookup of its share.
    LookUp,
    Join,
    /// A lookup's request may be without an answer.
    Late(u32),
    /// A request to a neighbour may be.
    Check(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum ChordMetric {
    /// lookups begun, by nodes of the ring for the workload
    Lookups,
    /// lookups that reached an owner
    #[metric(higher)]
    Found,
    /// lookups given up
    #[metric(lower)]
    Failed,
    /// lookups not begun: their node was joining
    Missed,
    /// hops to the predecessor of a key, in the mean over lookups that reached an owner
    #[metric(per = Found)]
    MeanHops,
    /// the most hops of a lookup
    #[metric(max)]
    Longest,
    /// from asking for a key to hearing from its owner
    #[metric(latency)]
    Lookup,
    /// requests without an answer in time
    Timeouts,
    /// nodes that became members after the start
    Joins,
    /// from asking to join to being a member
    #[metric(latency)]
    Join,
}
