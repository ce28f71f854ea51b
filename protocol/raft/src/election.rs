//! Elections (sections 5.2 and 5.4.1; pre-votes and deaf ears: dissertation, sections 9.6 and 4.2.3).

use anthill_protocol::{Context, NodeId};

use crate::Raft;
use crate::membership::Voters;
use crate::messages::{Command, Entry, Place, RaftMessage, RaftMetric, RaftOutput};
use crate::replica::{Lead, Peer, Peers, Replica, Standing};

impl Raft {
    /// Learns of a higher term: whatever the replica was, it is a follower.
    pub(crate) fn advance(&self, node: &mut Replica, term: u32, cx: &mut impl Context<Self>) {
        (node.term, node.voted, node.leader) = (term, None, None);
        self.step_down(node, cx);
    }

    /// A leader leads no more, a candidate stands no more; nobody else is concerned.
    pub(crate) fn step_down(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        (node.standing, node.votes) = (Standing::No, Voters::default());
        if node.lead.take().is_some() {
            node.leader = None;
            self.await_leader(node, cx);
        }
    }

    /// Nobody leads, it seems.
    pub(crate) fn time_out(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        let Some(term) = node.term.checked_add(1) else { return };
        if !node.is_electable(group.place_of(cx.id())) {
            return;
        }
        (node.leader, node.votes) = (None, Voters::default());
        let last = node.log.last();
        let message = if self.pre_vote {
            node.standing = Standing::Asks;
            RaftMessage::PreVote { term, last }
        } else {
            self.stand(node, term, cx);
            RaftMessage::RequestVote { term, last }
        };
        self.await_leader(node, cx);
        self.canvass(node, message, cx);
    }

    /// Stands for election, and votes for itself.
    fn stand(&self, node: &mut Replica, term: u32, cx: &mut impl Context<Self>) {
        cx.record(RaftMetric::Elections, 1);
        (node.term, node.voted, node.standing) = (term, Some(cx.id()), Standing::Stands);
        cx.output(RaftOutput::Voted { term, candidate: cx.id() });
    }

    /// Asks all other voters, and counts its own vote.
    fn canvass(&self, node: &mut Replica, message: RaftMessage, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        let own = group.place_of(cx.id());
        for place in node.config.all().places().filter(|place| *place != own) {
            cx.send(Self::member(group, place), message);
        }
        self.count(node, cx.id(), cx);
    }

    /// Whether a replica hears a leader, and therefore nobody who would take its place.
    fn is_deaf(&self, node: &Replica, cx: &impl Context<Self>) -> bool {
        let hears = node.leader.is_some() && cx.now().since(node.heard) < self.election_timeout;
        (self.pre_vote || self.changes()) && (hears || node.lead.is_some())
    }

    pub(crate) fn on_request(
        &self,
        node: &mut Replica,
        from: NodeId,
        (term, last): (u32, Place),
        cx: &mut impl Context<Self>,
    ) {
        if self.is_deaf(node, cx) {
            return self.tell(node, from, cx);
        }
        if term > node.term {
            self.advance(node, term, cx);
        }
        let is_free = node.voted.is_none_or(|candidate| candidate == from);
        let granted = term == node.term && is_free && last >= node.log.last();
        if granted {
            if node.voted.replace(from).is_none() {
                cx.output(RaftOutput::Voted { term, candidate: from });
            }
            self.await_leader(node, cx);
        }
        cx.send(from, RaftMessage::Vote { term: node.term, granted });
    }

    pub(crate) fn on_pre_vote(
        &self,
        node: &mut Replica,
        from: NodeId,
        (term, last): (u32, Place),
        cx: &mut impl Context<Self>,
    ) {
        if self.is_deaf(node, cx) {
            return self.tell(node, from, cx);
        }
        let is_free = node.voted.is_none_or(|candidate| candidate == from);
        let is_new = term > node.term || term == node.term && is_free;
        let granted = is_new && last >= node.log.last();
        let term = if granted { term } else { node.term };
        cx.send(from, RaftMessage::PreVoted { term, granted });
    }

    /// A leader tells a replica that wants to take its place, and does not vote, what has happened.
    fn tell(&self, node: &mut Replica, from: NodeId, cx: &mut impl Context<Self>) {
        let place = self.group(from).place_of(from);
        if node.lead.is_some() && !node.config.all().contains(place) {
            self.send_heartbeat(node, place, cx);
        }
    }

    pub(crate) fn on_vote(
        &self,
        node: &mut Replica,
        from: NodeId,
        (term, standing): (u32, Standing),
        cx: &mut impl Context<Self>,
    ) {
        let asked = node.term.saturating_add(u32::from(standing == Standing::Asks));
        if term == asked && node.standing == standing {
            self.count(node, from, cx);
        }
    }

    fn count(&self, node: &mut Replica, from: NodeId, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        node.votes = node.votes.with(Voters::one(group.place_of(from)));
        if !node.config.elects(node.votes) {
            return;
        }
        if node.standing == Standing::Asks {
            let Some(term) = node.term.checked_add(1) else { return };
            node.votes = Voters::default();
            self.stand(node, term, cx);
            let message = RaftMessage::RequestVote { term, last: node.log.last() };
            self.canvass(node, message, cx);
        } else {
            self.lead(node, cx);
        }
    }

    fn lead(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        cx.record(RaftMetric::Leaders, 1);
        cx.record(RaftMetric::Rounds, node.term.into());
        let (applied, last) = (node.applied, node.log.end());
        let mut of = 0;
        for (index, entry) in (applied + 1..).zip(node.log.from(applied)) {
            if entry.term != of {
                of = entry.term;
                cx.output(RaftOutput::Holds { index, of });
            }
        }
        cx.output(RaftOutput::Leader { group: group.number, term: node.term, applied, last });
        let peer = |session| Peer { next: last + 1, logged: session, ..Peer::default() };
        let mut peers: Peers = node.sessions.iter().copied().map(peer).collect();
        for entry in node.log.from(applied) {
            if let Command::Request { client, number } = entry.command {
                peers[group.place_of(client)].logged.insert(number);
            }
        }
        (node.standing, node.votes) = (Standing::No, Voters::default());
        node.leader = Some(cx.id());
        let (flushed, first, checked) = (last, last + 1, cx.now());
        node.lead = Some(Box::new(Lead { peers, flushed, first, checked, ..Lead::default() }));
        // Entries of older terms are committed only with one of its own (section 5.4.2).
        node.log.push(Entry { term: node.term, command: Command::Noop }, None);
        cx.record(RaftMetric::Appended, 1);
        self.flush(node, cx);
        self.commit(node, cx);
        self.ask_again(node, cx);
    }
}
