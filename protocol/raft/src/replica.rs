//! The state of a replica, and what of it survives a crash.

use core::mem::take;

use anthill_protocol::kit::Deadline;
use anthill_protocol::{Context, NodeId, Snapshot, Span, Time};

use crate::Raft;
use crate::log::Log;
use crate::membership::{Config, Voters};
use crate::messages::{RaftMessage, RaftOutput, Timer};
use crate::session::{Client, Session};

/// A replica. A handler is atomic, so whatever it changes is on disk before its answer leaves.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Replica {
    // On disk.
    pub term: u32,
    pub voted: Option<NodeId>,
    pub log: Log,
    /// Who voted when the log was cut last.
    pub base_config: Config,
    /// The state machine: the last entry it has taken, a hash of all, and what clients were served.
    pub applied: u32,
    pub digest: u64,
    pub sessions: Vec<Session>,
    /// The client lives beside the replica.
    pub client: Client,

    // In memory.
    /// Who votes after the last entry of the log.
    pub config: Config,
    pub leader: Option<NodeId>,
    /// When it was last heard.
    pub heard: Time,
    pub standing: Standing,
    pub votes: Voters,
    pub lead: Option<Box<Lead>>,
    pub alarm: Deadline,
}

/// Whether a replica stands for election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub enum Standing {
    #[default]
    No,
    /// It asks whether it could win.
    Asks,
    Stands,
}

/// What a leader knows beside its log.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Lead {
    /// By place in the group.
    pub peers: Vec<Peer>,
    /// The last entry that was sent to all who keep up.
    pub flushed: u32,
    /// Its first entry that is not committed, and when it and those after it were sent.
    pub first: u32,
    pub since: Vec<Time>,
    /// When somebody last refused an entry.
    pub refused: Time,
    /// Who has answered since `checked`.
    pub answered: Voters,
    pub checked: Time,
    /// Newcomers that catch up, and those that have to be told that they have gone.
    pub learners: Voters,
    pub leaving: Voters,
}

/// What a leader knows of a replica.
#[derive(Clone, Copy, Debug, Default, Snapshot)]
pub struct Peer {
    /// The next entry to send.
    pub next: u32,
    /// The last entry that is known to match.
    pub matched: u32,
    /// It has refused something: nothing more is sent until it answers.
    pub probing: bool,
    /// What its client has asked for, as far as that is in the log.
    pub logged: Session,
}

impl Replica {
    /// Whether it may have to lead: it votes, or it is not yet sure that it does not.
    pub fn is_electable(&self, place: usize) -> bool {
        self.config.all().contains(place) || self.config.index > self.applied
    }

    /// Where the handler of a message will read beside the state itself.
    pub fn hint(&self, message: &RaftMessage, mut fetch: impl FnMut(*const u8)) {
        match message {
            RaftMessage::Append { .. } | RaftMessage::Batch { .. } => {
                fetch(self.log.from(0).as_ptr_range().end.cast());
                fetch(self.sessions.as_ptr().cast());
            }
            RaftMessage::Ack { .. } | RaftMessage::Ask { .. } => {
                if let Some(lead) = &self.lead {
                    fetch(core::ptr::from_ref::<Lead>(lead).cast());
                    fetch(self.log.from(0).as_ptr_range().end.cast());
                }
            }
            _ => {}
        }
    }

    /// Works out who votes from the log.
    pub fn find_config(&mut self) {
        self.config = self.base_config;
        for (index, entry) in (self.log.base() + 1..).zip(self.log.from(0)) {
            self.config.enter(index, entry);
        }
    }
}

impl Raft {
    /// A replica that knows nothing.
    pub(crate) fn blank(&self, cx: &impl Context<Self>) -> Replica {
        let group = self.group(cx.id());
        let config = Config { voters: self.planned(group, Time::ZERO), ..Config::default() };
        let sessions = vec![Session::default(); group.size as usize];
        Replica { base_config: config, config, sessions, ..Replica::default() }
    }

    /// Forgets what is not on disk, and without `keep_state` also what is.
    pub(crate) fn revive(&self, node: &mut Replica, keep_state: bool, cx: &mut impl Context<Self>) {
        let mut old = take(node);
        *node = self.blank(cx);
        node.client = old.client;
        if keep_state {
            (node.term, node.voted, node.log) = (old.term, old.voted, take(&mut old.log));
            (node.base_config, node.applied) = (old.base_config, old.applied);
            (node.digest, node.sessions) = (old.digest, old.sessions);
            node.find_config();
        }
        old.log.take_bodies().into_iter().for_each(|body| cx.release(body));
        let (group, last) = (self.group(cx.id()).number, node.log.last());
        cx.output(RaftOutput::Persisted { group, term: node.term, voted: node.voted, last });
        self.wake(node, cx);
    }

    /// Sets the timers of a replica that comes up.
    pub(crate) fn wake(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        self.await_leader(node, cx);
        self.await_request(node, cx);
    }

    /// Waits for a leader, or for the time to stand for election.
    pub(crate) fn await_leader(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if node.is_electable(self.group(cx.id()).place_of(cx.id())) {
            let extra = Span(cx.random_below(self.election_timeout.0));
            node.alarm.reset(cx, self.election_timeout + extra, Timer::Alarm);
        } else {
            node.alarm.cancel();
        }
    }
}
