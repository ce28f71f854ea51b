//! HotStuff as a log for a machine: every leader proposes what the machine has, or an empty block.

use anthill_protocol::kit::{LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, NodeId, Span};

use crate::hotstuff::HotStuff;
use crate::messages::{HotStuffBody, Timeouts};
use crate::replica::Replica;

impl ReplicatedLog for HotStuff {
    const BEARS_LIES: bool = true;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut hotstuff = Self::configure(&Values::of::<Self>())?;
        hotstuff.requests = 0;
        // With two chains three honest leaders in a row commit, which every n > 3f has; with three it takes
        // four, and of four replicas one of which is down there never are.
        hotstuff.chain = 2;
        hotstuff.view_timeout = Span(setting.delta.0.saturating_mul(4)).max(Span(1));
        hotstuff.fit(setting.nodes, setting.seed)?;
        Ok(hotstuff)
    }

    fn nothing() -> &'static HotStuffBody {
        static NOTHING: HotStuffBody = HotStuffBody::Timeouts(Timeouts::EMPTY);
        &NOTHING
    }

    fn faults(&self) -> u32 {
        HotStuff::faults(self)
    }

    /// Views follow each other whether or not anything waits.
    fn poke(&self, _: &mut Replica, _: &mut impl Context<Self>) {}

    fn proposer(&self, node: &Replica) -> Option<NodeId> {
        Some(self.leader(node.view))
    }

    /// Views of honest leaders commit; those of liars before them time out, twice as long each time.
    fn bound(&self, delta: Span, liars: u32) -> Span {
        let doublings = liars.min(crate::pacemaker::MOST_DOUBLINGS);
        let capped = u64::from(liars - doublings) << doublings;
        self.view_timeout * ((4 << doublings) + capped) + delta * 40
    }
}
