//! Proposals and votes.

use anthill_protocol::kit::{Ask, Entry};
use anthill_protocol::{Bodies as _, Claim, Context, Digest, NodeId, Shared, Signature};

use crate::hotstuff::{HotStuff, HotStuffMetric, HotStuffOutput};
use crate::messages::{
    Block, Certificate, HotStuffBody, HotStuffMessage, Place, short, vote_digest,
};
use crate::replica::{Certified, Replica, Votes};

impl HotStuff {
    /// Proposes a block if it is this replica's turn, it can show how it came to its view, and knows the
    /// block that it is to extend.
    pub(crate) fn propose(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let view = node.view;
        if self.leader(view) != cx.id() || node.proposed >= view || self.has_quit(node, view) {
            return;
        }
        let timeouts = match node.entered_high {
            _ if node.high.view + 1 == view => None,
            Some(high) if node.high.view >= high => Some(node.entered_by),
            _ => return,
        };
        let bodies = cx.bodies();
        let parent = node.high.block;
        let (link, height, mut before) = if parent == node.tip.digest {
            (node.tip.block, node.tip.height, Vec::new())
        } else {
            let Some(link) = node.known(&parent) else { return };
            let Some(block) = bodies.get(link).block() else { return };
            (Some(link), block.height, block.requests.clone())
        };
        // Of the ancestors that are not committed, at most three or so.
        let mut ancestor = link.and_then(|link| bodies.get(link).block());
        let mut entries: Vec<Entry> = ancestor
            .into_iter()
            .filter(|_| parent != node.tip.digest)
            .filter_map(|it| it.entry)
            .collect();
        while let Some(block) = ancestor.filter(|block| block.parent.1 != node.tip.digest) {
            ancestor = node.known(&block.parent.1).and_then(|link| bodies.get(link).block());
            before.extend(ancestor.into_iter().flat_map(|block| &block.requests));
            entries.extend(ancestor.and_then(|block| block.entry));
        }
        let Some(certificate) = bodies.get(node.high.proof).certificate() else { return };
        node.proposed = view;
        let requests = self.batch(node, before);
        let place = Place { view, height: height + 1, time: cx.now(), link };
        entries.reverse();
        let entry = cx.machine(Ask::Next { before: &entries }).entry();
        let justify = (node.high.proof, certificate);
        let block = Block::with_entry(cx.scenario(), place, justify, requests, entry);
        let handle = cx.share(HotStuffBody::Block(block));
        cx.record(HotStuffMetric::Proposals, 1);
        cx.record(HotStuffMetric::Rounds, view);
        cx.record(HotStuffMetric::AfterTimeout, timeouts.is_some().into());
        let me = cx.id();
        for to in (0..self.nodes).map(NodeId).filter(|to| *to != me) {
            cx.send(to, HotStuffMessage::Propose { block: handle, timeouts });
        }
        let high = node.entered_high.filter(|_| timeouts.is_some());
        self.accept(node, handle, high, cx);
    }

    /// A leader's proposal.
    pub(crate) fn proposed(
        &self,
        node: &mut Replica,
        from: NodeId,
        handle: Shared,
        timeouts: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        if from != self.leader(block.view) || block.view <= node.tip.view {
            return;
        }
        let Some(certified) = self.certified(block.justify, cx) else { return };
        // Either the view before has a certificate, or it was given up.
        let mut high = None;
        if certified.view.checked_add(1) != Some(block.view) {
            let shown = timeouts.and_then(|proof| Some((proof, self.quit(proof, cx)?)));
            let Some((proof, (view, known, count))) = shown else { return };
            if certified.view >= block.view || view + 1 != block.view || count < self.quorum() {
                return;
            }
            high = Some(known);
            self.enter(node, block.view, proof, high, cx);
        }
        self.learn(node, certified, cx);
        self.enter(node, certified.view + 1, certified.proof, None, cx);
        if self.is_second(node, block, cx) {
            return;
        }
        if !self.connects(node, &certified.block) {
            return self.set_aside(node, from, handle, high, cx);
        }
        self.accept(node, handle, high, cx);
        self.propose(node, cx);
    }

    /// Whether a block of a view is known already: a leader's second is not remembered unless it is
    /// certified, so that liars cannot fill memories.
    fn is_second(&self, node: &Replica, block: &Block, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let handles = node.tree.iter().map(|it| it.block);
        let of_view = |handle| {
            let known = bodies.get(handle).block();
            known.is_some_and(|known| known.view == block.view)
        };
        let mut all = handles.chain(node.waiting.iter().map(|it| it.block));
        let certified = node.high.block == block.digest
            || node.waiting.iter().any(|it| it.parent == block.digest);
        let known = node.known(&block.digest).is_some();
        known || (all.any(of_view) && !certified)
    }

    /// Votes for a known block if the rules allow it, and waits for the next view's.
    pub(crate) fn vote(
        &self,
        node: &mut Replica,
        handle: Shared,
        timeouts: Option<u64>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        let view = block.view;
        let is_past = view < node.view || self.has_quit(node, view);
        if view <= node.voted || is_past && !self.votes_after_time_out() {
            return;
        }
        if !self.is_safe(node, block, timeouts, cx) {
            return;
        }
        node.voted = view;
        cx.output(HotStuffOutput::Voted { view, block: short(&block.digest) });
        let signature = cx.sign(&vote_digest(cx.scenario(), view, &block.digest));
        self.wait(node, cx);
        let next = self.leader(view.saturating_add(1));
        if next == cx.id() {
            self.count(node, next, (view, block.digest, signature), cx);
        } else {
            cx.send(next, HotStuffMessage::Vote { view, block: block.digest, signature });
        }
    }

    /// Whether a replica that has given up a view is bound by it. What the two-chain's rule takes from
    /// statements of those who gave up must stay true (Jolteon, 3); locks on three-chains hold without.
    fn has_quit(&self, node: &Replica, view: u64) -> bool {
        self.chain == 2 && node.given_up >= view
    }

    /// The voting rule.
    fn is_safe(
        &self,
        node: &Replica,
        block: &Block,
        timeouts: Option<u64>,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let justified = block.parent.0;
        if self.chain == 2 {
            // Jolteon: a child of the view before, or of the highest certificate that anybody of a
            // quorum knew who gave up that view.
            return justified + 1 == block.view || timeouts.is_some_and(|high| justified >= high);
        }
        // HotStuff, `safeNode`: it extends the locked block, or its certificate is of a later view.
        justified > node.locked.0 || self.extends(node, block, &node.locked.1, cx)
    }

    fn extends(
        &self,
        node: &Replica,
        block: &Block,
        ancestor: &Digest,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let mut parent = block.parent.1;
        while parent != *ancestor {
            let Some(known) = node.known(&parent).and_then(|it| bodies.get(it).block()) else {
                // All that is committed extends what was locked before.
                return parent == node.tip.digest && node.locked.0 <= node.tip.view;
            };
            parent = known.parent.1;
        }
        true
    }

    /// A vote arrives.
    pub(crate) fn voted(
        &self,
        node: &mut Replica,
        from: NodeId,
        vote: (u64, Digest, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let (view, block, signature) = vote;
        let next = view.saturating_add(1);
        // Votes for its present or its next turn; others are late, or a liar's.
        let horizon = u64::from(self.tenure) * (u64::from(self.nodes) + 1);
        if self.leader(next) != cx.id()
            || view <= node.high.view
            || next < node.view
            || view > node.view.saturating_add(horizon)
        {
            return;
        }
        let digest = vote_digest(cx.scenario(), view, &block);
        let key = cx.public_key(from);
        if cx.verify(&Claim { key, digest, signature }) {
            self.count(node, from, vote, cx);
        }
    }

    /// Counts a vote that holds; q of them make a certificate, and the next view's block.
    fn count(
        &self,
        node: &mut Replica,
        from: NodeId,
        (view, block, signature): (u64, Digest, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let place = node.votes.iter().position(|votes| votes.view == view).unwrap_or_else(|| {
            node.votes.push(Votes::of(view));
            node.votes.len() - 1
        });
        if node.votes[place].count(from, block, signature) != Some(self.quorum()) {
            return;
        }
        let votes = node.votes.swap_remove(place).take(&block);
        let certificate = if self.aggregates() {
            let count = votes.len() as u32;
            let seal = cx.sign(&Certificate::seal_digest(cx.scenario(), view, &block, count));
            Certificate::aggregate(view, block, count, (cx.id(), seal))
        } else {
            Certificate::list(view, block, votes)
        };
        let proof = cx.share(HotStuffBody::Certificate(certificate));
        let certified = Certified { view, block, proof };
        self.learn(node, certified, cx);
        self.enter(node, view.saturating_add(1), proof, None, cx);
        self.complete_with(node, from, &certified, cx);
        self.propose(node, cx);
    }
}
