//! A proposer that says two things.

use anthill_protocol::behaviour::{Act, Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context as _, NodeId};

use crate::bodies::ChainBody;
use crate::messages::{ChainMessage, Timer};
use crate::protocol::PosBft;
use crate::server::Server;

/// Proposes one block to the first half of all nodes, another one to the rest, and never votes.
pub(super) struct Double;

impl Double {
    fn carry_out(&self, honest: &PosBft, acts: Vec<Act<PosBft>>, cx: &mut Tap<'_, '_, PosBft>) {
        let mut other = None;
        for act in acts {
            match act {
                Act::Send { to, slot, message: ChainMessage::Proposal(body) } => {
                    let is_first = to.0 < honest.servers / 2;
                    let twin = *other.get_or_insert_with(|| twin(honest, body, cx));
                    let body = twin.filter(|_| !is_first).unwrap_or(body);
                    cx.act(Act::Send { to, slot, message: ChainMessage::Proposal(body) });
                }
                Act::Send {
                    message: ChainMessage::Prevote(_) | ChainMessage::Precommit(_),
                    ..
                } => {}
                act => {
                    cx.act(act);
                }
            }
        }
    }
}

/// A proposal of another block in the same round.
pub(super) fn twin(
    honest: &PosBft,
    body: anthill_protocol::Shared,
    cx: &mut Tap<'_, '_, PosBft>,
) -> Option<anthill_protocol::Shared> {
    let bodies = cx.bodies();
    let it = *bodies.get(body).proposal()?;
    let block = bodies.get(it.block).block()?.salted(1);
    let value = block.hash();
    let block = cx.share(ChainBody::Block(Box::new(block)));
    Some(honest.proposal((it.height, it.round, None), (value, block, None), cx))
}

impl Behaviour<PosBft> for Double {
    fn start(&mut self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) -> Server {
        use anthill_protocol::Protocol as _;
        let (node, acts) = cx.honestly(|cx| honest.start(cx));
        self.carry_out(honest, acts, cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &PosBft,
        node: &mut Server,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        use anthill_protocol::Protocol as _;
        let ((), acts) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
        self.carry_out(honest, acts, cx);
    }

    fn on_timer(
        &mut self,
        honest: &PosBft,
        node: &mut Server,
        timer: Timer,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        use anthill_protocol::Protocol as _;
        let ((), acts) = cx.honestly(|cx| honest.on_timer(node, timer, cx));
        self.carry_out(honest, acts, cx);
    }
}
