//! PBFT as a log for a machine: the primary proposes what the machine has, one entry at a time, and the
//! other replicas give it up if what waits longest is not executed in time.

use anthill_protocol::kit::{LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, NodeId, Span};

use crate::bodies::{PbftBody, State};
use crate::protocol::{Node, Pbft};

impl ReplicatedLog for Pbft {
    const BEARS_LIES: bool = true;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut pbft = Self::configure(&Values::of::<Self>())?;
        (pbft.requests, pbft.clients) = (0, 0);
        // Five delays are enough for an entry, and an entry may be under way already.
        pbft.view_timeout = Span(setting.delta.0.saturating_mul(12)).max(Span(2));
        pbft.fit(setting.nodes, setting.seed)?;
        Ok(pbft)
    }

    fn nothing() -> &'static PbftBody {
        static NOTHING: PbftBody =
            PbftBody::State(State { seq: 0, chain: 0, replies: Vec::new(), last: None });
        &NOTHING
    }

    #[expect(clippy::misnamed_getters, reason = "the parameter may be 0, for as many as can be")]
    fn faults(&self) -> u32 {
        self.f
    }

    fn poke(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let Node::Replica(node) = node else { return };
        self.propose(node, cx);
        node.wait(self, cx);
    }

    fn proposer(&self, node: &Node) -> Option<NodeId> {
        let Node::Replica(node) = node else { return None };
        Some(NodeId(self.primary(node.view)))
    }

    fn bound(&self, delta: Span, liars: u32) -> Span {
        self.view_timeout * (2 << liars.min(30)) + delta * 12
    }
}
