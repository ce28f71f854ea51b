//! Checkpoints, the watermarks that they move, and state transfer (OSDI 1999, section 4.3).

use anthill_protocol::kit::{Ask, Final};
use anthill_protocol::{Bodies as _, Context, NodeId, Shared, Signature};

use crate::bodies::{Certificate, Kind, PbftBody, Seal, Vote};
use crate::messages::{PbftMessage, PbftMetric, PbftOutput};
use crate::protocol::Pbft;
use crate::replica::{Replica, content, oldest, share_state};
use crate::tally::Tally;

impl Pbft {
    /// A replica has executed a multiple of K batches.
    pub(crate) fn take_checkpoint(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let seq = node.executed;
        if seq <= node.low {
            return;
        }
        let state = node.checkpoint(cx);
        let (root, state) = share_state(state, cx);
        cx.retain(state);
        node.taken.push((seq, root, state));
        let vote = self.vote(Kind::Checkpoint, (0, seq, root), cx);
        self.multicast(PbftMessage::Checkpoint(vote), cx);
        self.count_checkpoint(node, (seq, root), (cx.id().0, vote), cx);
    }

    pub(crate) fn on_checkpoint(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(vote) = content!(cx, body, vote) else { return };
        let Vote { kind: Kind::Checkpoint, view: 0, seq, digest, signer, .. } = vote else {
            return;
        };
        if seq <= node.low || !seq.is_multiple_of(self.checkpoint_interval) {
            return;
        }
        let is_within = seq - node.low <= self.window();
        let votes = node.checkpoints.iter().find(|(of, _)| *of == seq);
        let is_known = is_within && votes.is_some_and(|(_, votes)| votes.has(signer));
        if is_known || !self.is_authentic((body, &vote.seal), (signer, from), cx) {
            return;
        }
        if is_within {
            self.count_checkpoint(node, (seq, digest), (signer, body), cx);
        } else {
            self.count_ahead(node, (seq, digest), (signer, body), cx);
        }
    }

    fn count_checkpoint(
        &self,
        node: &mut Replica,
        (seq, root): (u32, u64),
        (signer, body): (u32, Shared),
        cx: &mut impl Context<Self>,
    ) {
        let place = match node.checkpoints.iter().position(|(of, _)| *of == seq) {
            Some(place) => place,
            None => {
                node.checkpoints.push((seq, Tally::default()));
                node.checkpoints.len() - 1
            }
        };
        let votes = &mut node.checkpoints[place].1;
        let keep = self.signs().then_some(body);
        if votes.add((signer, self.n), root, keep, cx) >= Some(self.q) {
            let kept = votes.take(root, cx);
            let proof = self.certify((Kind::Checkpoint, 0, seq, root), None, &kept, cx);
            kept.into_iter().for_each(|vote| cx.release(vote));
            self.stabilise(node, (seq, root), proof, cx);
        }
    }

    /// A vote for a checkpoint above the high watermark: this replica is behind.
    fn count_ahead(
        &self,
        node: &mut Replica,
        (seq, root): (u32, u64),
        (signer, body): (u32, Shared),
        cx: &mut impl Context<Self>,
    ) {
        node.ahead.resize(self.n as usize, None);
        let bodies = cx.bodies();
        let place = |vote: &Shared| bodies.get(*vote).vote().map(|vote| (vote.seq, vote.digest));
        let last = node.ahead[signer as usize];
        if last.as_ref().and_then(place).is_some_and(|(last, _)| last >= seq) {
            return;
        }
        cx.retain(body);
        last.into_iter().for_each(|last| cx.release(last));
        node.ahead[signer as usize] = Some(body);
        let same = |vote: &&Shared| place(vote) == Some((seq, root));
        let votes: Vec<Shared> = node.ahead.iter().flatten().filter(same).copied().collect();
        if votes.len() >= self.q as usize {
            let proof = self.certify((Kind::Checkpoint, 0, seq, root), None, &votes, cx);
            self.stabilise(node, (seq, root), proof, cx);
        }
    }

    /// A certificate out of votes for one thing; `None` with MACs.
    pub(crate) fn certify(
        &self,
        (kind, view, seq, digest): (Kind, u32, u32, u64),
        primary: Option<(u32, Signature)>,
        votes: &[Shared],
        cx: &mut impl Context<Self>,
    ) -> Option<Shared> {
        if !self.signs() {
            return None;
        }
        let bodies = cx.bodies();
        let signed = |vote: &Shared| {
            let vote = bodies.get(*vote).vote()?;
            let Seal::Signature(signature) = vote.seal else { return None };
            Some((vote.signer, signature))
        };
        let mut all: Vec<(u32, Signature)> = votes.iter().filter_map(signed).collect();
        all.sort_unstable_by_key(|(signer, _)| *signer);
        let mut signers = vec![0u64; self.n.div_ceil(64) as usize];
        all.iter().for_each(|(signer, _)| signers[*signer as usize / 64] |= 1 << (signer % 64));
        let signatures = all.into_iter().map(|(_, signature)| signature).collect();
        let certificate = Certificate { kind, view, seq, digest, primary, signers, signatures };
        Some(cx.share(PbftBody::Certificate(certificate)))
    }

    /// Whether a body proves that a checkpoint is stable.
    pub(crate) fn is_stable(
        &self,
        (seq, root): (u32, u64),
        proof: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) -> bool {
        if seq == 0 || !self.signs() {
            return seq.is_multiple_of(self.checkpoint_interval);
        }
        let Some(proof) = proof else { return false };
        let bodies = cx.bodies();
        let Some(it) = bodies.get(proof).certificate() else { return false };
        (it.kind, it.view, it.seq, it.digest) == (Kind::Checkpoint, 0, seq, root)
            && seq.is_multiple_of(self.checkpoint_interval)
            && it.primary.is_none()
            && it.signers(self.n) >= Some(self.q)
            && cx.verify_body(proof).failed() == 0
    }

    /// A checkpoint is stable: everything up to it is forgotten.
    pub(crate) fn stabilise(
        &self,
        node: &mut Replica,
        (seq, root): (u32, u64),
        proof: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        if seq <= node.low {
            return;
        }
        proof.into_iter().for_each(|proof| cx.retain(proof));
        node.proof.take().into_iter().for_each(|old| cx.release(old));
        let passed = (seq - node.low).min(node.slots.len() as u32) as usize;
        node.slots.drain(..passed).for_each(|mut slot| slot.forget(cx));
        (node.low, node.root, node.proof) = (seq, root, proof);
        node.proposed = node.proposed.max(seq);
        let is_past = |entry: &mut (u32, Tally)| entry.0 <= seq;
        node.checkpoints.extract_if(.., is_past).for_each(|(_, mut votes)| votes.forget(cx));
        let bodies = cx.bodies();
        for vote in &mut node.ahead {
            let at = vote.and_then(|vote| bodies.get(vote).vote().map(|vote| vote.seq));
            if at.is_some_and(|at| at <= seq) {
                vote.take().into_iter().for_each(|vote| cx.release(vote));
            }
        }
        node.state.take().into_iter().for_each(|old| cx.release(old));
        for (at, own, state) in node.taken.extract_if(.., |(at, ..)| *at <= seq) {
            match node.state {
                None if (at, own) == (seq, root) => node.state = Some(state),
                _ => cx.release(state),
            }
        }
        cx.record(PbftMetric::Stable, 1);
        cx.output(PbftOutput::Stable { seq, root });
        if node.state.is_none() {
            node.target = Some((seq, root));
            self.fetch(node, cx);
        }
        node.wait(self, cx);
        if self.n > 1 {
            self.propose(node, cx);
        }
    }

    /// Asks another replica, drawn, for the state that is lacking.
    pub(crate) fn fetch(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let Some((seq, _)) = node.target.filter(|_| self.n > 1) else { return };
        let other = cx.random_below(u64::from(self.n) - 1) as u32;
        let to = NodeId(if other < cx.id().0 { other } else { other + 1 });
        cx.send(to, PbftMessage::Fetch { seq: seq.into() });
    }

    pub(crate) fn on_fetch(
        &self,
        node: &mut Replica,
        from: NodeId,
        seq: u32,
        cx: &mut impl Context<Self>,
    ) {
        let taken = node.taken.iter().find(|(at, ..)| *at == seq).map(|(.., state)| *state);
        let stable = node.state.filter(|_| node.low == seq);
        if let Some(state) = stable.or(taken) {
            cx.send(from, PbftMessage::State(state));
        } else if node.low > seq {
            self.tell_stable(node, from, cx);
        }
    }

    /// Votes once more for the last stable checkpoint, for a replica that missed it.
    pub(crate) fn tell_stable(&self, node: &mut Replica, to: NodeId, cx: &mut impl Context<Self>) {
        let vote = self.vote(Kind::Checkpoint, (0, node.low, node.root), cx);
        cx.send(to, PbftMessage::Checkpoint(vote));
    }

    /// Takes over a state whose root a quorum has vouched for.
    pub(crate) fn on_state(&self, node: &mut Replica, body: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some(state) = bodies.get(body).state() else { return };
        let Some((seq, root)) = node.target else { return };
        if state.seq != seq || state.root() != root || state.replies.len() != node.sessions.len() {
            return;
        }
        node.target = None;
        cx.retain(body);
        node.state.replace(body).into_iter().for_each(|old| cx.release(old));
        node.chain = state.chain;
        for (session, (t, result)) in node.sessions.iter_mut().zip(&state.replies) {
            (session.done, session.result) = (*t, *result);
            if session.wanted <= *t {
                session.request.take().into_iter().for_each(|it| cx.release(it));
            }
        }
        node.executed = seq;
        let before = oldest(cx);
        if let Some(entry) = state.last {
            cx.machine(Ask::Take(Final { index: u64::from(seq), entry }));
        }
        for (.., state) in node.taken.drain(..) {
            cx.release(state);
        }
        cx.record(PbftMetric::Transfers, 1);
        cx.output(PbftOutput::Installed { seq, root });
        node.rest(self, before, cx);
        self.execute(node, cx);
    }
}
