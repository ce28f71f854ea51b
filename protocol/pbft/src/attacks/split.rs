//! A primary that says two things, and those who back both.

use std::collections::BTreeMap;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared};

use crate::bodies::{Batch, Kind, PbftBody, Proposal, Request};
use crate::messages::{PbftMessage, Timer};
use crate::protocol::{Node, Pbft};
use crate::replica::content;

/// Divides the honest replicas into two halves, which are to execute different batches: the requests,
/// and none.
#[derive(Default)]
pub(super) struct Split {
    count: u32,
    /// The last number that the primary gave, and by session the last request that it numbered.
    seq: u32,
    numbered: BTreeMap<u32, u32>,
}

impl Split {
    pub(super) fn new(count: u32) -> Self {
        Self { count, ..Self::default() }
    }

    fn half(&self, pbft: &Pbft, first: bool) -> core::ops::Range<u32> {
        let middle = self.count + pbft.n.saturating_sub(self.count) / 2;
        if first { self.count..middle } else { middle..pbft.n }
    }

    fn tell(&self, half: core::ops::Range<u32>, message: PbftMessage, cx: &mut Tap<'_, '_, Pbft>) {
        half.map(NodeId).for_each(|to| cx.send(to, message));
    }

    /// The primary of view 0 numbers a request twice.
    fn number(&mut self, pbft: &Pbft, body: Shared, cx: &mut Tap<'_, '_, Pbft>) {
        let Some(request): Option<Request> = content!(cx, body, request) else { return };
        let Some(session) = pbft.session_of(request.client, request.t) else { return };
        let last = self.numbered.entry(session).or_insert(0);
        if request.t <= *last {
            return;
        }
        *last = request.t;
        self.seq += 1;
        for (first, requests) in [(true, vec![request]), (false, Vec::new())] {
            let batch = Batch::new(requests);
            let digest = batch.digest();
            let batch = cx.share(PbftBody::Batch(batch));
            let proposal = pbft.proposal((0, self.seq), (digest, Some(batch)), cx);
            let half = self.half(pbft, first);
            self.tell(half.clone(), PbftMessage::PrePrepare(proposal), cx);
            self.tell(1..self.count, PbftMessage::PrePrepare(proposal), cx);
            let commit = pbft.vote(Kind::Commit, (0, self.seq, digest), cx);
            self.tell(half, PbftMessage::Commit(commit), cx);
        }
    }

    /// The others back both.
    fn back(&self, pbft: &Pbft, body: Shared, cx: &mut Tap<'_, '_, Pbft>) {
        let Some(proposal): Option<Proposal> = content!(cx, body, proposal) else { return };
        let Some(batch) = proposal.batch.filter(|_| proposal.view == 0) else { return };
        let bodies = cx.bodies();
        let first = bodies.get(batch).batch().is_some_and(|batch| !batch.requests().is_empty());
        for kind in [Kind::Prepare, Kind::Commit] {
            let vote = pbft.vote(kind, (0, proposal.seq, proposal.digest), cx);
            let message = match kind {
                Kind::Prepare => PbftMessage::Prepare(vote),
                _ => PbftMessage::Commit(vote),
            };
            self.tell(self.half(pbft, first), message, cx);
        }
    }
}

impl Behaviour<Pbft> for Split {
    fn on_message(
        &mut self,
        honest: &Pbft,
        _: &mut Node,
        from: NodeId,
        message: &PbftMessage,
        cx: &mut Tap<'_, '_, Pbft>,
    ) {
        match *message {
            PbftMessage::Request(body) if cx.id() == NodeId(0) => self.number(honest, body, cx),
            PbftMessage::PrePrepare(body) if from == NodeId(0) => self.back(honest, body, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: &Pbft, _: &mut Node, _: Timer, _: &mut Tap<'_, '_, Pbft>) {}
}
