//! Byzantine nodes: what a node does that an adversary holds.
//!
//! A [`Behaviour`] stands in for the honest protocol at one node. By default it follows the protocol; it
//! may run the honest handlers and see, drop, edit and add what they do ([`Tap::honestly`]), or do
//! something else. Honest code knows nothing of it. A protocol says which nodes are held, and how they
//! behave, with [`Protocol::behaviour`]; the generic behaviours here work for any
//! protocol.
//!
//! What held nodes tell each other ([`Tap::tell`]) passes outside the network: all of them know it from the
//! next window on. What they tell the outside world counts for nothing.

mod generic;
mod scheduler;
mod tap;
#[cfg(test)]
mod tests;

pub use generic::{Edit, Edited, delayed, equivocating, replaying, silent, twins, withholding};
pub use scheduler::{Arrival, Fate, Held, InTransit, Scheduled, Scheduler};
pub use tap::{Act, Hosts, Tap};
pub(crate) use tap::{GetBody, passed_on};

use crate::{NodeId, Protocol};

/// What a held node does. Its state is that of an honest node and the behaviour itself.
pub trait Behaviour<P: Protocol>: Send {
    /// The node comes up at the start of the run.
    fn start(&mut self, honest: &P, cx: &mut Tap<'_, '_, P>) -> P::Node {
        honest.start(cx)
    }

    /// A message arrives.
    fn on_message(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        from: NodeId,
        message: &P::Message,
        cx: &mut Tap<'_, '_, P>,
    ) {
        honest.on_message(node, from, message, cx);
    }

    /// A timer fires.
    fn on_timer(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        timer: P::Timer,
        cx: &mut Tap<'_, '_, P>,
    ) {
        honest.on_timer(node, timer, cx);
    }

    /// It asked for this with [`Tap::wake_after`].
    fn on_wake(&mut self, _honest: &P, _node: &mut P::Node, _cx: &mut Tap<'_, '_, P>) {}

    /// The node comes up again after a crash.
    fn restart(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, P>,
    ) {
        honest.restart(node, keep_state, cx);
    }
}
