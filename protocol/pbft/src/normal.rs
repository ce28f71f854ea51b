//! The normal case: request, pre-prepare, prepare, commit, reply (OSDI 1999, section 4.2).

use anthill_protocol::draw::mix;
use anthill_protocol::kit::{Ask, Final};
use anthill_protocol::{Bodies as _, Context, NodeId, Shared};

use crate::bodies::{Batch, Kind, NULL, PbftBody, Proposal, Request, Vote};
use crate::messages::{PbftMessage, PbftMetric, PbftOutput};
use crate::protocol::Pbft;
use crate::replica::{Accepted, Proof, Replica, content, digest_of, oldest};

impl Pbft {
    pub(crate) fn on_request(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(Request { client, t, signer, .. }) = content!(cx, body, request) else { return };
        let Some(number) = self.session_of(client, t) else { return };
        let Some(session) = node.sessions.get_mut(number as usize) else { return };
        let (is_direct, own) = (from == self.client_node(client), cx.id().0);
        if t <= session.done {
            if t == session.done && is_direct {
                self.reply(node, number, cx);
            }
            return;
        }
        if signer != self.client_node(client) || t < session.wanted {
            return;
        }
        let is_new = t > session.wanted || session.request.is_none();
        if is_new {
            if cx.verify_body(body).failed() > 0 {
                return;
            }
            cx.retain(body);
            session.wanted = t;
            session.request.replace(body).into_iter().for_each(|old| cx.release(old));
            if !node.waiting.contains(&number) {
                node.waiting.push(number);
            }
        }
        if !node.active {
        } else if self.primary(node.view) == own {
            self.enqueue(node, number);
            self.propose(node, cx);
        } else if is_direct {
            let primary = NodeId(self.primary(node.view));
            cx.send(primary, PbftMessage::Request(body));
        }
        node.wait(self, cx);
    }

    /// A primary will propose a session's request, once a view.
    pub(crate) fn enqueue(&self, node: &mut Replica, number: u32) {
        let session = &mut node.sessions[number as usize];
        if session.waits() && session.request.is_some() && session.proposed < session.wanted {
            session.proposed = session.wanted;
            node.queue.push(number);
        }
    }

    /// A primary gives numbers to the requests that wait, as far as it may.
    pub(crate) fn propose(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let own = cx.id().0;
        while node.active && self.primary(node.view) == own && !node.queue.is_empty() {
            let in_progress = node.proposed.saturating_sub(node.executed);
            if node.proposed - node.low >= self.window() || in_progress >= self.pipeline {
                return;
            }
            let most = node.queue.len().min(self.batch as usize);
            let next: Vec<u32> = node.queue.drain(..most).collect();
            let bodies = cx.bodies();
            let sessions = next.iter().map(|number| &node.sessions[*number as usize]);
            let requests: Vec<Request> = sessions
                .filter(|session| session.waits())
                .filter_map(|session| bodies.get(session.request?).request().copied())
                .collect();
            if requests.is_empty() {
                continue;
            }
            self.propose_batch(node, Batch::new(requests), cx);
        }
        self.propose_entry(node, cx);
    }

    fn propose_batch(&self, node: &mut Replica, batch: Batch, cx: &mut impl Context<Self>) {
        let digest = batch.digest();
        let batch = cx.share(PbftBody::Batch(batch));
        let seq = node.proposed + 1;
        let body = self.proposal((node.view, seq), (digest, Some(batch)), cx);
        self.multicast(PbftMessage::PrePrepare(body), cx);
        self.accept(node, seq, Accepted { body, digest, batch: Some(batch) }, cx);
    }

    /// What the machine over the log has; one at a time, so that it knows what came before.
    fn propose_entry(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let is_free = node.proposed <= node.executed && node.proposed - node.low < self.window();
        if node.active
            && is_free
            && self.primary(node.view) == cx.id().0
            && let Some(entry) = cx.machine(Ask::Next { before: &[] }).entry()
        {
            self.propose_batch(node, Batch::of_entry(entry), cx);
        }
    }

    pub(crate) fn on_pre_prepare(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(proposal) = content!(cx, body, proposal) else { return };
        let Proposal { view, seq, digest, batch, signer, .. } = proposal;
        let is_here = view == node.view && node.active && signer == self.primary(view);
        if !is_here || signer == cx.id().0 {
            return;
        }
        let Some(slot) = node.slot(self, seq, cx) else { return };
        let (known, committed) = (slot.proposal.map(|it| it.digest), slot.committed);
        if known == Some(digest) || !self.is_batch(batch, digest, cx) {
            return;
        }
        if committed == Some(digest) && slot_lacks(node, seq, digest) {
            // A quorum has committed it: whoever brings the batch, its digest is right.
            self.learn(node, seq, (digest, batch), cx);
        }
        if known.is_none() && self.is_authentic((body, &proposal.seal), (signer, from), cx) {
            self.accept(node, seq, Accepted { body, digest, batch }, cx);
        }
    }

    /// Whether something is a batch of requests that clients made, with that digest.
    pub(crate) fn is_batch(
        &self,
        batch: Option<Shared>,
        digest: u64,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let Some(batch) = batch else { return false };
        let bodies = cx.bodies();
        let Some(content) = bodies.get(batch).batch() else { return false };
        let requests = content.requests();
        let is_of_client =
            |it: &Request| it.client < self.clients && it.signer == self.client_node(it.client);
        content.digest() == digest
            && (content.entry().is_none() || cx.machine(Ask::Oldest).is_served())
            && requests.len() <= self.batch as usize
            && requests.iter().all(is_of_client)
            && cx.verify_body(batch).failed() == 0
    }

    /// Accepts a pre-prepare, of this replica as the primary or of another; a backup says so.
    pub(crate) fn accept(
        &self,
        node: &mut Replica,
        seq: u32,
        accepted: Accepted,
        cx: &mut impl Context<Self>,
    ) {
        let (view, own) = (node.view, cx.id().0);
        let Some(slot) = node.slot(self, seq, cx) else { return };
        cx.retain(accepted.body);
        slot.proposal = Some(accepted);
        if !self.signs() {
            slot.history.retain(|(digest, _)| *digest != accepted.digest);
            slot.history.push((accepted.digest, view));
            let excess = slot.history.len().saturating_sub(MOST_HISTORY);
            slot.history.drain(..excess);
        }
        node.proposed = node.proposed.max(seq);
        if let Some(batch) = accepted.batch {
            let bodies = cx.bodies();
            for request in bodies.get(batch).batch().map_or(&[][..], Batch::requests) {
                if let Some(number) = self.session_of(request.client, request.t)
                    && let Some(session) = node.sessions.get_mut(number as usize)
                {
                    session.proposed = session.proposed.max(request.t);
                }
            }
        }
        if self.primary(view) != own {
            let vote = self.vote(Kind::Prepare, (view, seq, accepted.digest), cx);
            self.multicast(PbftMessage::Prepare(vote), cx);
            let keep = self.signs().then_some(vote);
            if let Some(slot) = node.slot(self, seq, cx) {
                slot.prepares.add((own, self.n), accepted.digest, keep, cx);
            }
        }
        self.check_prepared(node, seq, cx);
        node.wait(self, cx);
    }

    pub(crate) fn on_prepare(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(vote) = bodies.get(body).vote() else { return };
        let Vote { kind: Kind::Prepare, view, seq, digest, signer, .. } = *vote else { return };
        if view != node.view || signer == self.primary(view) {
            return;
        }
        let Some(slot) = node.slot(self, seq, cx) else { return };
        if slot.is_prepared
            || slot.prepares.has(signer)
            || !self.is_authentic((body, &vote.seal), (signer, from), cx)
        {
            return;
        }
        let keep = self.signs().then_some(body);
        let count = slot.prepares.add((signer, self.n), digest, keep, cx);
        let (is_known, enough) = (slot.proposal.is_some(), self.q.saturating_sub(1));
        if is_known && count >= Some(enough) {
            self.check_prepared(node, seq, cx);
        } else if !is_known && count == Some(self.f + 1) {
            // An honest replica has accepted it: there is something to wait for.
            node.proposed = node.proposed.max(seq);
            node.wait(self, cx);
        }
    }

    /// Prepared: the pre-prepare and prepares of q − 1 backups.
    fn check_prepared(&self, node: &mut Replica, seq: u32, cx: &mut impl Context<Self>) {
        let view = node.view;
        let Some(slot) = node.slot(self, seq, cx) else { return };
        let Some(proposal) = slot.proposal.filter(|_| !slot.is_prepared) else { return };
        if slot.prepares.count(proposal.digest) < self.q.saturating_sub(1) {
            return;
        }
        slot.is_prepared = true;
        let votes = slot.prepares.take(proposal.digest, cx);
        slot.drop_proof(cx);
        cx.retain(proposal.body);
        slot.proof = Some(Proof { view, proposal, votes });
        let vote = self.vote(Kind::Commit, (view, seq, proposal.digest), cx);
        self.multicast(PbftMessage::Commit(vote), cx);
        self.count_commit(node, (seq, proposal.digest), cx.id().0, cx);
    }

    pub(crate) fn on_commit(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(vote) = bodies.get(body).vote() else { return };
        let Vote { kind: Kind::Commit, view, seq, digest, signer, .. } = *vote else { return };
        if view != node.view {
            return;
        }
        let Some(slot) = node.slot(self, seq, cx) else { return };
        let is_known = slot.committed.is_some() || slot.commits.has(signer);
        if !is_known && self.is_authentic((body, &vote.seal), (signer, from), cx) {
            self.count_commit(node, (seq, digest), signer, cx);
        }
    }

    /// Committed: prepared, and commits of q replicas.
    fn count_commit(
        &self,
        node: &mut Replica,
        (seq, digest): (u32, u64),
        signer: u32,
        cx: &mut impl Context<Self>,
    ) {
        let Some(slot) = node.slot(self, seq, cx) else { return };
        if slot.committed.is_none() {
            let count = slot.commits.add((signer, self.n), digest, None, cx);
            if count < Some(self.q) {
                return;
            }
            slot.commits.forget(cx);
            slot.committed = Some(digest);
        }
        self.execute(node, cx);
        if node.executed < seq {
            node.proposed = node.proposed.max(seq);
            node.wait(self, cx);
        }
    }

    /// Keeps a batch that a quorum has committed and this replica did not accept.
    pub(crate) fn learn(
        &self,
        node: &mut Replica,
        seq: u32,
        (digest, batch): (u64, Option<Shared>),
        cx: &mut impl Context<Self>,
    ) {
        let Some(slot) = node.slot(self, seq, cx) else { return };
        batch.into_iter().for_each(|batch| cx.retain(batch));
        cx.record(PbftMetric::Learned, 1);
        let old = slot.learned.replace((digest, batch)).and_then(|(_, old)| old);
        old.into_iter().for_each(|old| cx.release(old));
        self.execute(node, cx);
    }

    /// Executes what is committed, in order and without gaps.
    pub(crate) fn execute(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let (before, waited) = (node.executed, oldest(cx));
        while let Some(seq) = node.executed.checked_add(1) {
            let Some(slot) = node.peek(seq).filter(|slot| slot.view == node.view) else { break };
            let Some(digest) = slot.committed else { break };
            let Some(batch) = slot.content(digest) else { break };
            if digest_of(batch, cx) != Some(digest) {
                break;
            }
            node.executed = seq;
            cx.output(PbftOutput::Executed { seq, digest, view: node.view });
            cx.record(PbftMetric::Batches, u64::from(digest != NULL));
            self.apply(node, batch, cx);
            if seq.is_multiple_of(self.checkpoint_interval) {
                self.take_checkpoint(node, cx);
            }
        }
        if node.executed > before {
            node.rest(self, waited, cx);
            // A replica alone executes within its loop of proposals.
            if self.n > 1 {
                self.propose(node, cx);
            }
        }
    }

    /// Executes the requests of a batch, each at most once.
    fn apply(&self, node: &mut Replica, batch: Option<Shared>, cx: &mut impl Context<Self>) {
        let Some(batch) = batch else { return };
        let bodies = cx.bodies();
        if let Some(entry) = bodies.get(batch).batch().and_then(Batch::entry) {
            node.chain = mix(node.chain, entry.value);
            cx.machine(Ask::Take(Final { index: u64::from(node.executed), entry }));
        }
        for request in bodies.get(batch).batch().map_or(&[][..], Batch::requests) {
            let Request { client, t, .. } = *request;
            let Some(number) = self.session_of(client, t) else { continue };
            let Some(session) = node.sessions.get_mut(number as usize) else { continue };
            if t <= session.done {
                continue;
            }
            node.chain = request.words().into_iter().fold(node.chain, mix);
            (session.done, session.result) = (t, node.chain);
            if session.wanted <= t {
                session.request.take().into_iter().for_each(|it| cx.release(it));
            }
            cx.record(PbftMetric::Executed, 1);
            cx.output(PbftOutput::Replied { client, t, result: node.chain });
            self.reply(node, number, cx);
        }
    }

    /// Tells a client the result of a session's last request.
    fn reply(&self, node: &Replica, number: u32, cx: &mut impl Context<Self>) {
        let session = &node.sessions[number as usize];
        let (t, result) = (session.done.into(), session.result.into());
        let to = self.client_node(self.client_of(number));
        if to.0 < cx.nodes() {
            cx.send(to, PbftMessage::Reply { view: node.view.into(), t, result });
        }
    }
}

/// With MACs: so many digests of a number are remembered.
const MOST_HISTORY: usize = 8;

/// Whether a number was not executed and its batch is not here.
fn slot_lacks(node: &Replica, seq: u32, digest: u64) -> bool {
    node.executed < seq && node.peek(seq).is_some_and(|slot| slot.content(digest).is_none())
}
