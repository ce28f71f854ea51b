//! What travels, what is said and measured: entries, messages, bodies, outputs, metrics.

use anthill_protocol::kit::Tick;
use anthill_protocol::{
    Body, Message, Metric, NodeId, Output, Shared, Snapshot, Span, Wire, draw, fingerprint_bytes,
};

use crate::membership::{Config, Voters};
use crate::session::Session;

/// Term and index of an entry: which of two logs is newer is decided by these, in this order.
pub(crate) type Place = (u32, u32);

/// An entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
pub struct Entry {
    pub term: u32,
    pub command: Command,
}

/// What an entry is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
pub enum Command {
    /// The first of a leader's term.
    Noop,
    /// A request, by its client and its number there.
    Request { client: NodeId, number: u32 },
    /// From here on both the voters before and these have to agree.
    Joint { next: Voters },
    /// From here on these vote.
    Voters { voters: Voters },
    /// Of the machine over the log: a number, and whether there is a body, which is kept beside.
    Entry { value: [u32; 2], has_body: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum RaftMessage {
    /// A candidate asks for a vote; `last` is its last entry.
    RequestVote { term: u32, last: Place },
    /// The answer, with the voter's term.
    Vote { term: u32, granted: bool },
    /// Would you vote for me in `term`?
    PreVote { term: u32, last: Place },
    /// Granted: in the term asked about; else the voter's own term.
    PreVoted { term: u32, granted: bool },
    /// The entry after `prev`; `commit`: up to where the leader has applied its log.
    Append { term: u32, prev: Place, commit: u32, entry: Entry },
    /// Several entries after `prev`.
    Batch { term: u32, prev: Place, commit: u32, entries: Shared },
    /// No entry: the leader is there.
    Heartbeat { term: u32, prev: Place, commit: u32 },
    /// The logs match up to `index`.
    Ack { term: u32, index: u32 },
    /// They do not match at `at`; up to `hint` they may.
    Refuse { term: u32, at: u32, hint: u32 },
    /// A snapshot, to a replica whose next entry is in no log any more.
    Install { term: u32, snapshot: Shared },
    /// A request of the sender.
    Ask { number: u32 },
    /// It is done.
    Reply { number: u32 },
    /// Ask that one.
    Redirect { leader: NodeId },
}

/// What messages carry by handle.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum RaftBody {
    Entries(Vec<Entry>),
    Snapshot(Image),
    /// Entries, and the bodies of those that have one.
    Full(Vec<Entry>, Vec<Shared>),
}

/// The state machine after an entry, and whatever of the log before is still needed.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Image {
    pub last: Place,
    pub config: Config,
    pub digest: u64,
    pub sessions: Vec<Session>,
}

impl RaftBody {
    /// As it is on the wire: a list is preceded by its length.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Entries(entries) | Self::Full(entries, _) => entries.save(&mut bytes),
            Self::Snapshot(image) => image.save(&mut bytes),
        }
        bytes
    }
}

impl Body for RaftBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Entries(entries) => 4 + entries.iter().map(Wire::wire_len).sum::<u32>(),
            Self::Full(entries, bodies) => {
                let own = 4 + entries.iter().map(Wire::wire_len).sum::<u32>();
                let sum = |sum: u32, body: &Shared| sum.saturating_add(body.encoded_len());
                bodies.iter().fold(own, sum).min(Shared::MAX_LEN)
            }
            Self::Snapshot(_) => self.bytes().len() as u32,
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Entries(entries) => {
                entries.iter().fold(entries.len() as u64, |hash, entry| entry.fold(hash))
            }
            Self::Full(entries, bodies) => {
                let hash =
                    entries.iter().fold(entries.len() as u64, |hash, entry| entry.fold(hash));
                bodies.iter().fold(hash, |hash, body| draw::mix(hash, body.id()))
            }
            Self::Snapshot(_) => fingerprint_bytes(&self.bytes()),
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        if let Self::Full(_, bodies) = self {
            bodies.iter().copied().for_each(visit);
        }
    }
}

/// What replicas, and clients at them, tell the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum RaftOutput {
    /// It has voted.
    Voted { term: u32, candidate: NodeId },
    /// Of a new leader's log after what it has applied: from `index` on entries are of term `of`.
    Holds { index: u32, of: u32 },
    /// It leads. `applied` is how far it knows its log to be committed, `last` its last index.
    Leader { group: u32, term: u32, applied: u32, last: u32 },
    /// The leader of `term` finds entries up to `index` committed. `took`: since the first of
    /// them was sent; unknown if it is of an older term, or somebody has refused entries since.
    Committed { group: u32, index: u32, term: u32, took: Option<Span> },
    /// The state machine has taken an entry. `fresh`: it is a request, and was not done before.
    /// `digest` is that of all entries so far.
    Applied { group: u32, index: u32, entry: Entry, fresh: bool, digest: u64 },
    /// It has taken a snapshot of the state after `index` from the leader.
    Installed { group: u32, index: u32, digest: u64 },
    /// It is up again, and remembers this.
    Persisted { group: u32, term: u32, voted: Option<NodeId>, last: Place },
    /// A client has made a request.
    Asked { number: u32 },
    /// It knows that the request is done.
    Answered { number: u32 },
}

#[derive(Clone, Copy, Debug, Metric)]
pub enum RaftMetric {
    /// elections begun
    Elections,
    /// leaders elected
    Leaders,
    /// the highest term of a leader
    #[metric(max)]
    Rounds,
    /// requests made
    Requests,
    /// entries that leaders have put into their logs
    Appended,
    /// entries that leaders found committed
    #[metric(higher)]
    Committed,
    /// appends and heartbeats refused because the logs do not match
    Refused,
    /// snapshots sent
    Snapshots,
    /// replicas added to or removed from a group, once committed
    Changes,
    /// first sent by its leader until committed
    #[metric(latency)]
    Commit,
    /// request until its client knows that it is done
    #[metric(latency)]
    Answer,
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// A leader's next heartbeat, everybody else's next election.
    Alarm(Tick),
    /// A client's next request.
    Arrival,
}
