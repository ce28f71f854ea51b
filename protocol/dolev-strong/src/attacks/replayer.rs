//! Signatures of one instance, shown in another: what the instance under each signature is for.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared};

use super::{DolevStrong, Tap, chain_of, others};
use crate::chain::{self, Link};
use crate::node::{ChainMessage, Node, RoundEnds};
use crate::schedule::sender_of;

/// Follows the protocol, and in every instance sends all others what its sender, or that of the instance
/// before, signed earlier.
#[derive(Default)]
pub(super) struct Replayer {
    /// The first link of each sender's latest chain that it has heard; retained.
    heard: Vec<Shared>,
}

impl Replayer {
    fn hear(&mut self, chain: Shared, cx: &mut Tap<'_, '_>) {
        let bodies = cx.bodies();
        let link = bodies.get(chain);
        if link.length != 1 {
            return;
        }
        cx.retain(chain);
        let known = self.heard.iter_mut().find(|known| bodies.get(**known).signer == link.signer);
        match known {
            Some(known) => cx.release(core::mem::replace(known, chain)),
            None => self.heard.push(chain),
        }
    }

    fn replay(&mut self, instance: u32, cx: &mut Tap<'_, '_>) {
        let bodies = cx.bodies();
        let sender = sender_of(instance, cx.nodes());
        for old in self.heard.iter().copied() {
            let link = bodies.get(old);
            let is_of_sender = link.signer == sender;
            if !is_of_sender && link.instance.saturating_add(1) != instance {
                continue;
            }
            let posed = cx.share(Link { instance, ..link.clone() });
            let longer = chain::extend(posed, cx);
            for to in others(cx) {
                for chain in [old, posed, longer] {
                    cx.send(to, ChainMessage::Relay { chain });
                }
            }
        }
    }
}

impl Behaviour<DolevStrong> for Replayer {
    fn on_message(
        &mut self,
        honest: &DolevStrong,
        node: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_>,
    ) {
        honest.on_message(node, from, message, cx);
        self.hear(chain_of(*message), cx);
    }

    fn on_timer(
        &mut self,
        honest: &DolevStrong,
        node: &mut Node,
        timer: RoundEnds,
        cx: &mut Tap<'_, '_>,
    ) {
        let before = node.instance;
        honest.on_timer(node, timer, cx);
        if node.instance != before {
            self.replay(node.instance, cx);
        }
    }
}
