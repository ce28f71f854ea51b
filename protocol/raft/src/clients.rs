//! Requests: from a client to the leader, and the reply.

use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Context, NodeId, Span};

use crate::Raft;
use crate::messages::{Command, RaftMessage, RaftMetric, RaftOutput, Timer};
use crate::replica::Replica;

impl Raft {
    /// How long a client waits before it asks again.
    pub(crate) fn patience(&self) -> Span {
        self.election_timeout * 2
    }

    /// How many requests the client at a place of its group makes; `None`: it makes them for ever.
    fn share(&self, place: u32) -> Option<u32> {
        let rest = u32::from(place < self.requests % self.group);
        (self.requests > 0).then_some(self.requests / self.group + rest)
    }

    pub(crate) fn await_request(&self, node: &Replica, cx: &mut impl Context<Self>) {
        if self.serves(cx) {
            return;
        }
        let place = cx.id().0 % self.group;
        if self.share(place).is_none_or(|share| node.client.made() < share) {
            Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
        }
    }

    /// A request arrives at the client.
    pub(crate) fn on_arrival(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        cx.record(RaftMetric::Requests, 1);
        let number = node.client.make(cx.now());
        cx.output(RaftOutput::Asked { number });
        if node.client.is_late(cx.now(), self.patience()) {
            self.ask_again(node, cx);
        } else {
            self.ask(node, cx);
        }
        self.await_request(node, cx);
    }

    /// Asks the leader for all that is open, once more.
    pub(crate) fn ask_again(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if self.is_outside(node, cx) && node.client.is_late(cx.now(), self.patience()) {
            node.leader = None;
        }
        node.client.again(cx.now());
        self.ask(node, cx);
    }

    /// Asks for what the leader was not asked for yet.
    pub(crate) fn ask(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let Some(to) = self.whom(node, cx) else { return };
        while let Some(number) = node.client.next() {
            if to == cx.id() {
                self.on_ask(node, to, number, cx);
            } else {
                cx.send(to, RaftMessage::Ask { number });
            }
        }
    }

    /// Whom a client asks: the leader that its replica hears. Outside the voters it hears none; then
    /// anybody, who knows better.
    fn whom(&self, node: &Replica, cx: &mut impl Context<Self>) -> Option<NodeId> {
        if node.leader.is_some() || !self.is_outside(node, cx) {
            return node.leader;
        }
        let voters = node.config.all();
        let drawn = cx.random_below(voters.len() as u64) as usize;
        voters.places().nth(drawn).map(|place| Self::member(self.group(cx.id()), place))
    }

    fn is_outside(&self, node: &Replica, cx: &impl Context<Self>) -> bool {
        !node.is_electable(self.group(cx.id()).place_of(cx.id()))
    }

    pub(crate) fn on_ask(
        &self,
        node: &mut Replica,
        client: NodeId,
        number: u32,
        cx: &mut impl Context<Self>,
    ) {
        let place = self.group(client).place_of(client);
        match &mut node.lead {
            Some(_) if node.sessions[place].contains(number) => {
                self.answer(node, client, number, cx);
            }
            Some(lead) => {
                if lead.peers[place].logged.insert(number) {
                    self.propose(node, Command::Request { client, number }, cx);
                }
            }
            None => {
                if let Some(leader) = node.leader.filter(|leader| *leader != client) {
                    cx.send(client, RaftMessage::Redirect { leader });
                }
            }
        }
    }

    /// A request is done: the leader says so to its client; the client's own replica sees it.
    pub(crate) fn answer(
        &self,
        node: &mut Replica,
        client: NodeId,
        number: u32,
        cx: &mut impl Context<Self>,
    ) {
        if client == cx.id() {
            self.on_reply(node, number, cx);
        } else if node.lead.is_some() {
            cx.send(client, RaftMessage::Reply { number });
        }
    }

    pub(crate) fn on_reply(&self, node: &mut Replica, number: u32, cx: &mut impl Context<Self>) {
        if let Some(took) = node.client.answer(number, cx.now()) {
            cx.record(RaftMetric::Answer, took.0);
            cx.output(RaftOutput::Answered { number });
            if node.lead.is_none() {
                self.ask(node, cx);
            }
        }
    }

    pub(crate) fn on_redirect(
        &self,
        node: &mut Replica,
        leader: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let is_other = self.group(cx.id()).contains(leader) && leader != cx.id();
        if is_other && node.leader != Some(leader) && self.is_outside(node, cx) {
            node.leader = Some(leader);
            self.ask_again(node, cx);
        }
    }
}
