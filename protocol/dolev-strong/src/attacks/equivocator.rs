//! A sender that says two things: what up to two relays a node are for.

use anthill_protocol::behaviour::{Act, Edit};
use anthill_protocol::{Bodies as _, Context as _, Shared};

use super::{DolevStrong, Tap};
use crate::chain;
use crate::node::ChainMessage;

/// Follows the protocol, except that receivers with odd numbers hear the other bit from it.
#[derive(Default)]
pub(super) struct Equivocator {
    /// The latest instance that it sends, and the other value's chain: on its way as long as it is used.
    other: Option<(u32, Shared)>,
}

impl Edit<DolevStrong> for Equivocator {
    fn act(&mut self, act: Act<DolevStrong>, cx: &mut Tap<'_, '_>) {
        let told = match act {
            Act::Send { to, slot, message: ChainMessage::Proposal { chain } } if to.0 % 2 == 1 => {
                let bodies = cx.bodies();
                let link = bodies.get(chain);
                let other = match self.other {
                    Some((instance, other)) if instance == link.instance => other,
                    _ => chain::begin((link.instance, 1 - link.value.min(1)), cx),
                };
                self.other = Some((link.instance, other));
                Act::Send { to, slot, message: ChainMessage::Proposal { chain: other } }
            }
            _ => act,
        };
        cx.act(told);
    }
}
