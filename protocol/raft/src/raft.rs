//! Raft (Ongaro and Ousterhout 2014, figure 2): groups of replicas, each with a leader that replicates a log.

#[cfg(test)]
mod tests;

use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::kit::{Arrivals, Deadline, Group, Groups, Members, Requests, Tick};
use anthill_protocol::{
    Context, Dice, Message, Metric, NoBody, NodeId, Output, Parameters, Protocol, Snapshot, Span,
    Wire,
};

/// Groups of replicas elect leaders that replicate a log each (Ongaro and Ousterhout 2014).
#[derive(Clone, Debug, Parameters)]
#[configure(
    fit = |raft: &mut Raft, nodes, _| Groups { size: raft.group }.divide(nodes, "group"),
    swarm = groups,
    situations = &["elections", "committed", "answer"]
)]
pub struct Raft {
    /// replicas of one log; nodes are divided into groups by their ids
    #[param(default = 5, range = 1..=64)]
    group: u32,
    /// how often a leader is heard
    #[param(default = Span::from_millis(100), min = Span(1))]
    heartbeat: Span,
    /// least silence before an election; up to twice as long, drawn
    #[param(default = Span::from_secs(1), above = heartbeat)]
    election_timeout: Span,
    /// mean time between the requests of a replica's own client
    #[workload(default = Span::from_secs(1), min = Span(1))]
    interval: Span,
}

/// Groups of a size that divides the nodes: in half of the runs one of all.
fn groups(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
    let sizes: Vec<u32> = (1..=nodes).filter(|size| nodes.is_multiple_of(*size)).collect();
    let group = if dice.one_in(2) { nodes } else { dice.pick(&sizes) };
    vec![("protocol.group", group.to_string())]
}

/// An entry of a log: its term, and a client's request; none: the first of a leader's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire, Snapshot)]
pub struct Entry {
    term: u32,
    request: Option<(NodeId, u32)>,
}

/// `last` and `prev` are the term and index of an entry. The logs match up to `index`; if `prev` does
/// not, they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum RaftMessage {
    RequestVote { term: u32, last: (u32, u32) },
    Vote { term: u32 },
    Append { term: u32, prev: (u32, u32), entry: Option<Entry>, commit: u32 },
    Ack { term: u32, ok: bool, index: u32 },
    Ask { request: (NodeId, u32) },
}

/// What replicas tell the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum RaftOutput {
    Leader { group: u32, term: u32 },
    Applied { group: u32, index: u32, entry: Entry },
}

/// A replica. What follows `requests` does not survive a crash.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Replica {
    term: u32,
    voted_for: Option<NodeId>,
    log: Vec<Entry>,
    applied: u32,
    requests: Requests,
    leader: Option<NodeId>,
    /// Who has voted for it in its term; nobody: it is no candidate.
    votes: Members,
    /// Of a leader, by replica: the next entry to send, and the last known to match.
    peers: Vec<(u32, u32)>,
    /// A leader's next heartbeat, everybody else's next election.
    alarm: Deadline,
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug)]
pub enum Timer {
    Alarm(Tick),
    Arrival,
}

#[derive(Clone, Copy, Debug, Metric)]
pub enum RaftMetric {
    /// elections begun
    Elections,
    /// requests made
    Requests,
    /// entries that leaders found committed
    #[metric(higher)]
    Committed,
    /// request until the replica of its client has applied it
    #[metric(latency)]
    Answer,
}

impl Replica {
    fn place(&self, index: u32) -> (u32, u32) {
        let entry = index.checked_sub(1).and_then(|before| self.log.get(before as usize));
        (entry.map_or(0, |entry| entry.term), index)
    }

    fn last(&self) -> (u32, u32) {
        self.place(self.log.len() as u32)
    }
}

impl Raft {
    fn group(&self, node: NodeId) -> Group {
        Groups { size: self.group }.of(node)
    }

    fn follow(&self, node: &mut Replica, term: u32, cx: &mut impl Context<Self>) {
        if term > node.term {
            (node.term, node.voted_for, node.leader) = (term, None, None);
        }
        node.votes = Members::default();
        let extra = Span(cx.random_below(self.election_timeout.0));
        node.alarm.reset(cx, self.election_timeout + extra, Timer::Alarm);
    }

    fn stand(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        cx.record(RaftMetric::Elections, 1);
        self.follow(node, node.term.saturating_add(1), cx);
        node.voted_for = Some(cx.id());
        for other in self.group(cx.id()).others(cx.id()) {
            cx.send(other, RaftMessage::RequestVote { term: node.term, last: node.last() });
        }
        self.count_vote(node, cx.id(), cx);
    }

    fn count_vote(&self, node: &mut Replica, from: NodeId, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        node.votes.insert(group.place_of(from));
        if node.votes.len() >= group.majority() {
            cx.output(RaftOutput::Leader { group: group.number, term: node.term });
            (node.leader, node.votes) = (Some(cx.id()), Members::default());
            node.peers = vec![(node.last().1 + 1, 0); group.size as usize];
            // Older entries are committed only with one of the own term (section 5.4.2).
            node.log.push(Entry { term: node.term, request: None });
            self.ask(node, cx.id(), cx);
            self.replicate(node, cx);
        }
    }

    /// Tells a new leader of all requests without an answer.
    fn ask(&self, node: &Replica, leader: NodeId, cx: &mut impl Context<Self>) {
        for number in node.requests.open() {
            cx.send(leader, RaftMessage::Ask { request: (cx.id(), number) });
        }
    }

    /// A leader sends everybody what comes next for them, now and with its next heartbeat.
    fn replicate(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        node.alarm.reset(cx, self.heartbeat, Timer::Alarm);
        for other in self.group(cx.id()).others(cx.id()) {
            self.send_next(node, other, cx);
        }
        self.commit(node, cx.id(), node.last().1, cx);
    }

    fn send_next(&self, node: &mut Replica, to: NodeId, cx: &mut impl Context<Self>) {
        let place = self.group(to).place_of(to);
        let prev = node.place(node.peers[place].0 - 1);
        let entry = node.log.get(prev.1 as usize).copied();
        node.peers[place].0 += u32::from(entry.is_some());
        cx.send(to, RaftMessage::Append { term: node.term, prev, entry, commit: node.applied });
    }

    /// A replica has the leader's log up to `matched`; what a majority has is committed.
    fn commit(&self, node: &mut Replica, who: NodeId, matched: u32, cx: &mut impl Context<Self>) {
        let group = self.group(who);
        let known = &mut node.peers[group.place_of(who)].1;
        *known = matched.max(*known);
        let committed = group.reached_by_majority(node.peers.iter().map(|peer| peer.1));
        if committed > node.applied && node.place(committed).0 == node.term {
            cx.record(RaftMetric::Committed, u64::from(committed - node.applied));
            self.apply(node, committed, cx);
        }
    }

    fn apply(&self, node: &mut Replica, up_to: u32, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id()).number;
        for index in node.applied + 1..=up_to {
            let entry = node.log[index as usize - 1];
            cx.output(RaftOutput::Applied { group, index, entry });
            node.requests.note_answer(cx, entry.request, RaftMetric::Answer);
            node.applied = index;
        }
    }
}

impl Protocol for Raft {
    type Node = Replica;
    type Message = RaftMessage;
    type Body = NoBody;
    type Timer = Timer;
    type Metric = RaftMetric;
    type Output = RaftOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Replica {
        let mut node = Replica::default();
        self.restart(&mut node, true, cx);
        node
    }

    fn restart(&self, node: &mut Replica, keep_state: bool, cx: &mut impl Context<Self>) {
        let Replica { term, voted_for, log, applied, requests, .. } = core::mem::take(node);
        if keep_state {
            *node = Replica { term, voted_for, log, applied, requests, ..Replica::default() };
        }
        self.follow(node, node.term, cx);
        Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
    }

    fn on_timer(&self, node: &mut Replica, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Alarm(tick) => match node.alarm.fires(cx, tick, Timer::Alarm) {
                true if node.leader == Some(cx.id()) => self.replicate(node, cx),
                true => self.stand(node, cx),
                false => {}
            },
            Timer::Arrival => {
                cx.record(RaftMetric::Requests, 1);
                let request = (cx.id(), node.requests.make(cx.now()));
                node.leader.into_iter().for_each(|it| cx.send(it, RaftMessage::Ask { request }));
                Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
            }
        }
    }

    fn on_message(
        &self,
        node: &mut Replica,
        from: NodeId,
        message: &RaftMessage,
        cx: &mut impl Context<Self>,
    ) {
        use RaftMessage::{Ack, Append, Ask, RequestVote, Vote};
        let leads = node.leader == Some(cx.id());
        match *message {
            _ if !self.group(cx.id()).contains(from) && from != cx.id() => {}
            RequestVote { term, .. } | Vote { term } | Append { term, .. } | Ack { term, .. }
                if term > node.term =>
            {
                self.follow(node, term, cx);
                self.on_message(node, from, message, cx);
            }
            RequestVote { term, last }
                if term == node.term
                    && last >= node.last()
                    && node.voted_for.is_none_or(|candidate| candidate == from) =>
            {
                self.follow(node, term, cx);
                node.voted_for = Some(from);
                cx.send(from, Vote { term });
            }
            Vote { term } if term == node.term => self.count_vote(node, from, cx),
            Append { term, prev, entry, commit } if term == node.term => {
                self.follow(node, term, cx);
                if node.leader.replace(from).is_none() {
                    self.ask(node, from, cx);
                }
                let (ok, known) = (node.place(prev.1) == prev, node.log.get(prev.1 as usize));
                if ok && entry.is_some() && known != entry.as_ref() {
                    node.log.truncate(prev.1 as usize);
                    node.log.extend(entry);
                }
                let end = prev.1.saturating_add(entry.is_some().into());
                let index = if ok { end } else { node.last().1.min(prev.1.saturating_sub(1)) };
                self.apply(node, commit.min(if ok { index } else { 0 }), cx);
                cx.send(from, Ack { term, ok, index });
            }
            Append { .. } => cx.send(from, Ack { term: node.term, ok: false, index: 0 }),
            Ack { term, ok, index } if leads && term == node.term && index <= node.last().1 => {
                let place = self.group(from).place_of(from);
                let (next, known) = node.peers[place];
                let next =
                    if ok { next.max(index + 1) } else { next.min(index + 1).max(known + 1) };
                node.peers[place].0 = next;
                self.commit(node, from, if ok { index } else { 0 }, cx);
                if !ok || next <= node.last().1 {
                    self.send_next(node, from, cx);
                }
            }
            Ask { request } if leads => {
                node.log.push(Entry { term: node.term, request: Some(request) });
                self.replicate(node, cx);
            }
            _ => {}
        }
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<RaftOutput>> {
        use RaftOutput::{Applied, Leader};
        let leads = judge::on!(Leader { group, term } => (group, term));
        let applies = judge::on!(Applied { group, index, entry } => (group, index.into(), entry));
        let (bound, within) = ("nobody lies or forgets", setting.held == 0 && !setting.loses_state);
        vec![
            Judge::new("election safety", judge::one_per(leads)).bound(bound, within),
            Judge::new("one log", judge::prefix(self.group, applies)).bound(bound, within),
        ]
    }
}
