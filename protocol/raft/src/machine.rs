//! Raft as a log for a machine: the leader proposes what the machine has, one entry at a time.
//!
//! A log that is handed over is not cut: a machine has no snapshots, and who lags behind gets the entries.

use anthill_protocol::kit::{self, Ask, Final, LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, NodeId, Shared, Span};

use crate::Raft;
use crate::log::{Log, bodies_of};
use crate::messages::{Command, Entry, RaftBody};
use crate::replica::Replica;

impl Log {
    /// Some entries after an index, with their bodies, to be sent.
    pub(crate) fn copy(&self, index: u32, count: usize) -> RaftBody {
        let entries: Vec<Entry> = self.from(index).take(count).collect();
        match bodies_of(entries.iter().copied()) {
            0 => RaftBody::Entries(entries),
            with => {
                let bodies = self.bodies_from(index)[..with].to_vec();
                RaftBody::Full(entries, bodies)
            }
        }
    }
}

impl Raft {
    /// Whether there is a machine over the log.
    pub(crate) fn serves(&self, cx: &mut impl Context<Self>) -> bool {
        cx.machine(Ask::Oldest).is_served()
    }

    /// A leader proposes an entry when all before it are committed.
    pub(crate) fn propose_entry(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if node.lead.is_none() || node.applied < node.log.end() {
            return;
        }
        let Some(entry) = cx.machine(Ask::Next { before: &[] }).entry() else { return };
        let value = [entry.value as u32, (entry.value >> 32) as u32];
        let command = Command::Entry { value, has_body: entry.body.is_some() };
        self.propose_with(node, (command, entry.body), cx);
    }

    /// An entry is committed and all before it are: the machine takes it.
    pub(crate) fn hand_over(
        &self,
        node: &Replica,
        index: u32,
        (value, has_body): ([u32; 2], bool),
        cx: &mut impl Context<Self>,
    ) {
        // Of the entries from this one on, its body is the first.
        let bodies: &[Shared] = node.log.bodies_from(index - 1);
        let body = bodies.first().copied().filter(|_| has_body);
        let entry = kit::Entry { value: u64::from(value[0]) | u64::from(value[1]) << 32, body };
        cx.machine(Ask::Take(Final { index: u64::from(index), entry }));
    }
}

impl ReplicatedLog for Raft {
    const BEARS_LIES: bool = false;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut raft = Self::configure(&Values::of::<Self>())?;
        (raft.group, raft.snapshot_interval) = (setting.nodes, 0);
        raft.heartbeat = setting.delta.max(Span(1));
        raft.election_timeout = Span(setting.delta.0.saturating_mul(10)).max(Span(2));
        raft.fit(setting.nodes, setting.seed)?;
        Ok(raft)
    }

    fn nothing() -> &'static RaftBody {
        static NOTHING: RaftBody = RaftBody::Entries(Vec::new());
        &NOTHING
    }

    fn faults(&self) -> u32 {
        self.group.saturating_sub(1) / 2
    }

    fn poke(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        self.propose_entry(node, cx);
    }

    fn proposer(&self, node: &Replica) -> Option<NodeId> {
        node.leader
    }

    /// An election fails with a probability of at most a half: 30 in a row do not happen.
    fn bound(&self, delta: Span, _: u32) -> Span {
        self.election_timeout * 60 + delta * 12
    }
}
