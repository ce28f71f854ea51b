//! Clients: every replica has one, which has one request at a time under way.

use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Context, NodeId};

use crate::attacks::Attack;
use crate::hotstuff::{HotStuff, HotStuffMetric, HotStuffOutput, Timer};
use crate::messages::HotStuffMessage;
use crate::replica::Replica;

/// Requests that wait for their leader's next block: more are not remembered, and asked for again.
const POOL: usize = 4_096;

/// A client asks again after so many views' time.
const PATIENCE: u64 = 4;

impl HotStuff {
    /// How many requests the client of a replica makes: those of replicas that an adversary of the
    /// protocol's holds make none.
    pub(crate) fn share(&self, client: NodeId) -> u32 {
        let held = |node| self.attack.as_ref().is_some_and(|attack| attack.holds(node));
        if held(client) {
            return 0;
        }
        let count = self.attack.as_ref().map_or(0, Attack::count);
        let clients = self.nodes.saturating_sub(count).max(1);
        let place = match &self.attack {
            Some(attack) => client.0 - attack.held_below(client),
            None => client.0,
        };
        self.requests / clients + u32::from(place < self.requests % clients)
    }

    /// The client makes a request.
    pub(crate) fn request(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if node.requests.made() >= self.share(cx.id()) {
            return;
        }
        cx.record(HotStuffMetric::Requests, 1);
        let number = node.requests.make(cx.now());
        cx.output(HotStuffOutput::Asked { client: cx.id(), number });
        if node.requests.open().next() == Some(number) {
            self.ask(node, cx);
        }
        if number < self.share(cx.id()) {
            Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
        }
    }

    /// Sends the oldest request without an answer to the leader of the view after the next.
    pub(crate) fn ask(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let Some(number) = node.requests.open().next() else { return node.patience.cancel() };
        node.patience.reset(cx, self.view_timeout * PATIENCE, Timer::Patience);
        let view = node.view.max(node.voted).max(node.given_up);
        let leader = self.leader(view.saturating_add(2));
        if leader == cx.id() {
            self.pool(node, leader, number);
        } else {
            cx.send(leader, HotStuffMessage::Request { number });
        }
    }

    /// A client's request waits for the next block.
    pub(crate) fn pool(&self, node: &mut Replica, client: NodeId, number: u32) {
        if let Some((_, known)) = node.pool.iter_mut().find(|(known, _)| *known == client) {
            *known = number.max(*known);
        } else if node.pool.len() < POOL {
            node.pool.push((client, number));
        }
    }

    /// Requests for a block, oldest first, without those that are in blocks before it.
    pub(crate) fn batch(
        &self,
        node: &mut Replica,
        mut before: Vec<(NodeId, u32)>,
    ) -> Vec<(NodeId, u32)> {
        if node.pool.is_empty() {
            return Vec::new();
        }
        before.sort_unstable();
        node.pool.retain(|request| before.binary_search(request).is_err());
        let count = node.pool.len().min(self.batch as usize);
        node.pool.drain(..count).collect()
    }

    /// Requests of a committed block are executed, each by the replica of its client.
    pub(crate) fn execute(
        &self,
        node: &mut Replica,
        requests: &[(NodeId, u32)],
        cx: &mut impl Context<Self>,
    ) {
        if !node.pool.is_empty() && !requests.is_empty() {
            let mut done = requests.to_vec();
            done.sort_unstable();
            node.pool.retain(|request| done.binary_search(request).is_err());
        }
        for (client, number) in requests {
            if *client != cx.id() {
                continue;
            }
            if let Some(took) = node.requests.answer(*number, cx.now()) {
                cx.record(HotStuffMetric::Committed, 1);
                cx.record(HotStuffMetric::Answer, took.0);
                cx.output(HotStuffOutput::Answered { client: *client, number: *number });
                self.ask(node, cx);
            }
        }
    }
}
