//! What a replica does that gets no further: it says where it stands, and others send what it lacks
//! (TOCS 2002, section 5.2). Nothing is sent while all goes well.

use anthill_protocol::{Context, NodeId};

use crate::bodies::Kind;
use crate::messages::{PbftMessage, Timer};
use crate::protocol::Pbft;
use crate::replica::Replica;

/// Numbers for which one status message is answered.
const MOST: u32 = 16;

impl Pbft {
    /// It has waited for half of the time after which it gives up.
    pub(crate) fn retry(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if node.active && node.target.is_none() && !node.is_waiting(cx) {
            return;
        }
        let own = node.changes.bodies.get(cx.id().index()).copied().flatten();
        if let (false, Some(change)) = (node.active, own) {
            self.multicast(PbftMessage::ViewChange(change), cx);
        }
        self.ask(node, cx);
        self.fetch(node, cx);
        node.tries = node.tries.saturating_add(1);
        node.retry.reset(cx, node.pause(self), Timer::Retry);
    }

    /// Sends another replica what it lacks, as far as this one may vouch for it.
    pub(crate) fn on_status(
        &self,
        node: &mut Replica,
        from: NodeId,
        (view, active, executed, low): (u32, bool, u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        if low < node.low {
            self.tell_stable(node, from, cx);
        }
        let own = cx.id().0;
        if view > node.view {
            return;
        }
        if !node.active {
            let change = node.changes.bodies.get(own as usize).copied().flatten();
            change.into_iter().for_each(|it| cx.send(from, PbftMessage::ViewChange(it)));
            return;
        }
        let is_primary = self.primary(node.view) == own;
        if view < node.view || !active {
            // MACs convince only those whom the primary itself tells.
            let new_view = node.new_view.filter(|_| self.signs() || is_primary);
            new_view.into_iter().for_each(|it| cx.send(from, PbftMessage::NewView(it)));
        } else {
            let first = executed.max(node.low).saturating_add(1);
            for seq in first..first.saturating_add(MOST) {
                self.send_again(node, seq, from, cx);
            }
        }
    }

    /// The proposal of a number, and this replica's own votes.
    fn send_again(&self, node: &Replica, seq: u32, to: NodeId, cx: &mut impl Context<Self>) {
        let Some(slot) = node.peek(seq).filter(|slot| slot.view == node.view) else { return };
        let Some(proposal) = slot.proposal else { return };
        let place = (node.view, seq, proposal.digest);
        cx.send(to, PbftMessage::PrePrepare(proposal.body));
        if self.primary(node.view) != cx.id().0 {
            let vote = self.vote(Kind::Prepare, place, cx);
            cx.send(to, PbftMessage::Prepare(vote));
        }
        if slot.is_prepared {
            let vote = self.vote(Kind::Commit, place, cx);
            cx.send(to, PbftMessage::Commit(vote));
        }
    }
}
