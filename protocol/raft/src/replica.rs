//! The state of a replica, and what of it survives a crash.

use core::mem::take;
use core::ops::{Index, IndexMut};

use anthill_protocol::kit::Deadline;
use anthill_protocol::{Cell, Column, Context, Holds, NodeId, Snapshot, SnapshotError, Span, Time};

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
    pub sessions: Box<[Session]>,
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

/// What a replica's row of the table of nodes holds.
pub(crate) const COLUMNS: &[Column] = &[
    Column { name: "role", about: "leader, candidate or follower", holds: Holds::Word },
    Column { name: "term", about: "the term it knows of", holds: Holds::Figure },
    Column { name: "applied", about: "the last entry that it has applied", holds: Holds::Figure },
];

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
    pub peers: Peers,
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

/// What a leader knows of replicas, by place in the group. The first lie where the rest of a leader's state is,
/// so that an answer follows one address less.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    count: usize,
    first: [Peer; Self::NEAR],
    others: Vec<Peer>,
}

impl Peers {
    const NEAR: usize = 5;

    fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.first.iter().take(self.count).chain(&self.others)
    }
}

impl FromIterator<Peer> for Peers {
    fn from_iter<I: IntoIterator<Item = Peer>>(peers: I) -> Self {
        let (mut all, mut peers) = (Self::default(), peers.into_iter());
        for (place, peer) in all.first.iter_mut().zip(&mut peers) {
            *place = peer;
            all.count += 1;
        }
        all.others = peers.collect();
        all
    }
}

impl Index<usize> for Peers {
    type Output = Peer;

    /// # Panics
    /// If the group is smaller.
    fn index(&self, place: usize) -> &Peer {
        match place.checked_sub(Self::NEAR) {
            None => &self.first[..self.count][place],
            Some(place) => &self.others[place],
        }
    }
}

impl IndexMut<usize> for Peers {
    fn index_mut(&mut self, place: usize) -> &mut Peer {
        match place.checked_sub(Self::NEAR) {
            None => &mut self.first[..self.count][place],
            Some(place) => &mut self.others[place],
        }
    }
}

/// As a list.
impl Snapshot for Peers {
    fn save(&self, out: &mut Vec<u8>) {
        ((self.count + self.others.len()) as u32).save(out);
        self.iter().for_each(|peer| peer.save(out));
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(Vec::<Peer>::load(bytes)?.into_iter().collect())
    }
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
    /// One cell for each of [`COLUMNS`].
    pub(crate) fn row(&self) -> Vec<Cell> {
        let role = match (&self.lead, self.standing) {
            (Some(_), _) => "leader",
            (None, Standing::No) => "follower",
            (None, _) => "candidate",
        };
        vec![Cell::Word(role), self.term.into(), self.applied.into()]
    }

    /// Whether it may have to lead: it votes, or it is not yet sure that it does not.
    pub fn is_electable(&self, place: usize) -> bool {
        self.config.all().contains(place) || self.config.index > self.applied
    }

    /// Where the handler of a message will read beside the state itself.
    pub fn hint(&self, message: &RaftMessage, mut fetch: impl FnMut(*const u8)) {
        match message {
            RaftMessage::Append { .. } | RaftMessage::Batch { .. } => {
                fetch(self.log.next_slot());
                fetch(self.sessions.as_ptr().cast());
            }
            RaftMessage::Ack { .. } | RaftMessage::Ask { .. } => {
                if let Some(lead) = &self.lead {
                    let from: *const u8 = core::ptr::from_ref::<Lead>(lead).cast();
                    (0..size_of::<Lead>())
                        .step_by(64)
                        .for_each(|line| fetch(from.wrapping_add(line)));
                    fetch(self.log.next_slot());
                }
            }
            _ => {}
        }
    }

    /// Works out who votes from the log.
    pub fn find_config(&mut self) {
        self.config = self.base_config;
        for (index, command) in self.log.others() {
            self.config.enter(*index, *command);
        }
    }
}

impl Raft {
    /// A replica that knows nothing.
    pub(crate) fn blank(&self, cx: &impl Context<Self>) -> Replica {
        let group = self.group(cx.id());
        let config = Config { voters: self.planned(group, Time::ZERO), ..Config::default() };
        let sessions = vec![Session::default(); group.size as usize].into();
        let log = Log::with_room(self.room());
        Replica { base_config: config, config, sessions, log, ..Replica::default() }
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
