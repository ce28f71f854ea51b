//! The state of a replica.

use anthill_protocol::kit::{Ask, Deadline};
use anthill_protocol::{Bodies as _, Context, NodeId, Shared, Snapshot, Span};

use crate::bodies::{Kind, PbftBody, Proposal, Seal, State, Vote, statement};
use crate::messages::{PbftMessage, Timer};
use crate::protocol::Pbft;
use crate::tally::Tally;

/// What a replica knows of one session of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Session {
    /// The last request executed, and its result.
    pub done: u32,
    pub result: u64,
    /// The last request heard of, and the request itself while it is not executed.
    pub wanted: u32,
    pub request: Option<Shared>,
    /// The last one that was proposed in this view, or is in the primary's queue.
    pub proposed: u32,
}

impl Session {
    /// Whether a request waits to be executed.
    pub fn waits(&self) -> bool {
        self.wanted > self.done
    }
}

/// A pre-prepare that was accepted. Its body is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Accepted {
    pub body: Shared,
    pub digest: u64,
    pub batch: Option<Shared>,
}

/// What proves that a batch is prepared. The bodies are retained.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Proof {
    pub view: u32,
    pub proposal: Accepted,
    /// With signatures: the prepares.
    pub votes: Vec<Shared>,
}

/// One number between the watermarks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Slot {
    /// The view that what follows is of.
    pub view: u32,
    pub proposal: Option<Accepted>,
    pub prepares: Tally,
    pub commits: Tally,
    pub is_prepared: bool,
    /// What a quorum has committed.
    pub committed: Option<u64>,
    /// A batch that was committed though this replica accepted another, or none; retained.
    pub learned: Option<(u64, Option<Shared>)>,
    /// Of any view: the last in which it was prepared.
    pub proof: Option<Proof>,
    /// With MACs: digests and the last views in which they were pre-prepared, the set Q.
    pub history: Vec<(u64, u32)>,
}

impl Slot {
    /// Begins a view: only what is prepared or committed outlives one.
    pub fn enter(&mut self, view: u32, cx: &mut impl Context<Pbft>) {
        if self.view == view {
            return;
        }
        self.view = view;
        self.proposal.take().into_iter().for_each(|it| cx.release(it.body));
        self.prepares.forget(cx);
        self.commits.forget(cx);
        self.is_prepared = false;
        self.committed = None;
    }

    /// Forgets everything.
    pub fn forget(&mut self, cx: &mut impl Context<Pbft>) {
        self.proposal.take().into_iter().for_each(|it| cx.release(it.body));
        self.prepares.forget(cx);
        self.commits.forget(cx);
        self.learned.take().and_then(|(_, batch)| batch).into_iter().for_each(|it| cx.release(it));
        self.drop_proof(cx);
    }

    /// Replaces the proof that it is prepared.
    pub fn drop_proof(&mut self, cx: &mut impl Context<Pbft>) {
        if let Some(proof) = self.proof.take() {
            cx.release(proof.proposal.body);
            proof.votes.into_iter().for_each(|vote| cx.release(vote));
        }
    }

    /// The batch of a digest, if it is here: `Some(None)` is the null request.
    pub fn content(&self, digest: u64) -> Option<Option<Shared>> {
        let accepted = self.proposal.filter(|it| it.digest == digest && self.is_prepared);
        let learned = self.learned.filter(|(known, _)| *known == digest);
        accepted.map(|it| it.batch).or(learned.map(|(_, batch)| batch))
    }
}

/// View changes that were heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Changes {
    /// By replica: the last one, retained, and its view; empty before the first.
    pub bodies: Vec<Option<Shared>>,
    pub views: Vec<u32>,
    /// How many are for the replica's own view, and for higher ones.
    pub here: u32,
    pub above: u32,
    /// With MACs, at a new primary, by replica: who has acknowledged its view change.
    pub acks: Vec<Tally>,
}

/// A replica.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Replica {
    /// The view it is in, or wants.
    pub view: u32,
    /// Whether it works in that view; else it waits for it to begin.
    pub active: bool,
    /// View changes in succession, without an execution.
    pub fails: u32,
    /// The last stable checkpoint: number, root, proof, state; the last two are retained.
    pub low: u32,
    pub root: u64,
    pub proof: Option<Shared>,
    pub state: Option<Shared>,
    /// Own checkpoints above it: number, root, state; retained.
    pub taken: Vec<(u32, u64, Shared)>,
    /// Votes for checkpoints between the watermarks.
    pub checkpoints: Vec<(u32, Tally)>,
    /// By replica: its last vote for a checkpoint above the watermarks, retained; empty before one.
    pub ahead: Vec<Option<Shared>>,
    /// A stable checkpoint whose state it lacks.
    pub target: Option<(u32, u64)>,
    /// The last batch executed, and the service's state.
    pub executed: u32,
    pub chain: u64,
    pub sessions: Vec<Session>,
    /// The numbers after the low watermark, as far as anything was heard of them.
    pub slots: Vec<Slot>,
    /// The last number proposed: as far as it knows, and as a primary.
    pub proposed: u32,
    /// Sessions whose requests wait, in the order of arrival: the first is the one waited for.
    pub waiting: Vec<u32>,
    /// Of a primary: sessions whose requests are to be proposed.
    pub queue: Vec<u32>,
    pub changes: Changes,
    /// What began the view; retained.
    pub new_view: Option<Shared>,
    /// With MACs: one that cannot be checked yet, and who sent it; retained.
    pub early: Option<Shared>,
    /// When it gives the primary up.
    pub alarm: Deadline,
    /// When it asks the others what it missed, and how often it did without progress.
    pub retry: Deadline,
    pub tries: u32,
}

/// The longest timeout is the shortest times 2 to this power.
const MOST_DOUBLINGS: u32 = 30;

/// It asks in vain less and less often, down to this power of 2.
const MOST_TRIES: u32 = 6;

impl Replica {
    pub fn new(pbft: &Pbft) -> Self {
        let sessions = vec![Session::default(); pbft.sessions() as usize];
        Self { active: true, sessions, ..Self::default() }
    }

    /// The slot of a number, in the present view; `None` outside the watermarks.
    pub fn slot(
        &mut self,
        pbft: &Pbft,
        seq: u32,
        cx: &mut impl Context<Pbft>,
    ) -> Option<&mut Slot> {
        let place = seq.checked_sub(self.low)?.checked_sub(1)?;
        if place >= pbft.window() {
            return None;
        }
        if self.slots.len() <= place as usize {
            self.slots.resize_with(place as usize + 1, Slot::default);
        }
        let slot = &mut self.slots[place as usize];
        slot.enter(self.view, cx);
        Some(slot)
    }

    /// The slot of a number, as it is.
    pub fn peek(&self, seq: u32) -> Option<&Slot> {
        self.slots.get(seq.checked_sub(self.low)?.checked_sub(1)? as usize)
    }

    /// Whether something is to be executed.
    pub fn is_waiting(&self, cx: &mut impl Context<Pbft>) -> bool {
        !self.waiting.is_empty() || self.proposed > self.executed || oldest(cx).is_some()
    }

    /// How long it waits before it gives up a primary.
    pub fn patience(&self, pbft: &Pbft) -> Span {
        pbft.view_timeout * (1 << self.fails.min(MOST_DOUBLINGS))
    }

    /// Sets the timers after something has happened that is no execution.
    pub fn wait(&mut self, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        if self.active && self.alarm.due().is_none() && self.is_waiting(cx) {
            self.alarm.reset(cx, self.patience(pbft), Timer::Alarm);
        }
        if self.retry.due().is_none()
            && (!self.active || self.target.is_some() || self.is_waiting(cx))
        {
            self.retry.reset(cx, self.pause(pbft), Timer::Retry);
        }
    }

    /// Sets the timers after batches were executed; `oldest`: what the machine waited for before.
    pub fn rest(&mut self, pbft: &Pbft, before: Option<u64>, cx: &mut impl Context<Pbft>) {
        (self.fails, self.tries) = (0, 0);
        let first = self.waiting.first().copied();
        let Self { waiting, sessions, .. } = self;
        waiting.retain(|session| sessions[*session as usize].waits());
        // A primary that serves others cannot keep the first one waiting (OSDI 1999, 4.5.2).
        let is_kept = before.is_some() && oldest(cx) == before;
        if first.is_none() && !is_kept || self.waiting.first().copied() != first {
            self.alarm.cancel();
        }
        self.retry.cancel();
        if !self.is_waiting(cx) {
            self.alarm.cancel();
        }
        self.wait(pbft, cx);
    }

    /// How long it is patient before it asks for what it may have missed.
    pub fn pause(&self, pbft: &Pbft) -> Span {
        Span((self.patience(pbft) * (1 << self.tries.min(MOST_TRIES))).0 / 2)
    }

    pub fn checkpoint(&self, cx: &mut impl Context<Pbft>) -> State {
        let replies = self.sessions.iter().map(|it| (it.done, it.result)).collect();
        let last = cx.machine(Ask::Last).entry();
        State { seq: self.executed, chain: self.chain, replies, last }
    }
}

impl Pbft {
    /// What authenticates a statement of this node.
    pub(crate) fn seal(&self, kind: Kind, words: [u64; 3], cx: &mut impl Context<Self>) -> Seal {
        if self.signs() {
            let digest = statement(cx.scenario(), kind, words);
            Seal::Signature(cx.sign(&digest))
        } else {
            Seal::Macs(self.n)
        }
    }

    /// Whether a body is what `signer` stated: by the signatures in it, or by the channel.
    pub(crate) fn is_authentic(
        &self,
        (body, seal): (Shared, &Seal),
        (signer, from): (u32, NodeId),
        cx: &mut impl Context<Self>,
    ) -> bool {
        match seal {
            _ if signer >= self.n => false,
            Seal::Signature(_) if self.signs() => cx.verify_body(body).failed() == 0,
            Seal::Macs(_) if !self.signs() => from.0 == signer,
            _ => false,
        }
    }

    /// A new vote of this replica.
    pub(crate) fn vote(
        &self,
        kind: Kind,
        (view, seq, digest): (u32, u32, u64),
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let signer = cx.id().0;
        let mut vote = Vote { kind, view, seq, digest, signer, seal: Seal::Macs(self.n) };
        vote.seal = self.seal(kind, vote.words(), cx);
        cx.share(PbftBody::Vote(vote))
    }

    /// A new proposal of this replica.
    pub(crate) fn proposal(
        &self,
        (view, seq): (u32, u32),
        (digest, batch): (u64, Option<Shared>),
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let (signer, seal) = (cx.id().0, Seal::Macs(self.n));
        let mut proposal = Proposal { view, seq, digest, batch, signer, seal };
        proposal.seal = self.seal(Kind::PrePrepare, proposal.words(), cx);
        cx.share(PbftBody::Proposal(proposal))
    }

    /// A replica comes up again: it asks what it has missed.
    pub(crate) fn restart_replica(
        &self,
        node: &mut Replica,
        keep_state: bool,
        cx: &mut impl Context<Self>,
    ) {
        if !keep_state {
            node.forget(cx);
            *node = Replica::new(self);
        }
        (node.alarm, node.retry) = (Deadline::default(), Deadline::default());
        self.ask(node, cx);
        node.wait(self, cx);
        // Once more, should the first time be lost.
        node.retry.reset(cx, node.pause(self), Timer::Retry);
    }

    /// Tells all others where this replica stands.
    pub(crate) fn ask(&self, node: &Replica, cx: &mut impl Context<Self>) {
        let (view, active) = (node.view.into(), node.active);
        let (executed, low) = (node.executed.into(), node.low.into());
        self.multicast(PbftMessage::Status { view, active, executed, low }, cx);
    }
}

impl Replica {
    /// Releases all bodies.
    fn forget(&mut self, cx: &mut impl Context<Pbft>) {
        self.slots.iter_mut().for_each(|slot| slot.forget(cx));
        self.checkpoints.iter_mut().for_each(|(_, votes)| votes.forget(cx));
        let taken = self.taken.drain(..).map(|(.., state)| Some(state));
        let lists = self.ahead.drain(..).chain(self.changes.bodies.drain(..));
        let single =
            [self.proof.take(), self.state.take(), self.new_view.take(), self.early.take()];
        let requests = self.sessions.iter_mut().map(|session| session.request.take());
        taken.chain(lists).chain(single).chain(requests).flatten().for_each(|it| cx.release(it));
    }
}

/// What the machine over the log waits for longest.
pub(crate) fn oldest(cx: &mut impl Context<Pbft>) -> Option<u64> {
    cx.machine(Ask::Oldest).oldest()
}

/// The content of a body of the kind that a message should carry.
macro_rules! content {
    ($cx:expr, $body:expr, $kind:ident) => {{
        let bodies = $cx.bodies();
        bodies.get($body).$kind().cloned()
    }};
}
pub(crate) use content;

/// The digest of an optional batch; `None` if the body is no batch.
pub(crate) fn digest_of(batch: Option<Shared>, cx: &impl Context<Pbft>) -> Option<u64> {
    let Some(batch) = batch else { return Some(crate::bodies::NULL) };
    let bodies = cx.bodies();
    bodies.get(batch).batch().map(crate::bodies::Batch::digest)
}

/// A state and its root; equal states are one body.
pub(crate) fn share_state(state: State, cx: &mut impl Context<Pbft>) -> (u64, Shared) {
    (state.root(), cx.intern(PbftBody::State(state)))
}
