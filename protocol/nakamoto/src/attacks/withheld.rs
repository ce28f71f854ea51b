//! Withheld blocks: hash rate that the chain does not gain from, or blocks that come too late.

use std::collections::VecDeque;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context, Protocol, Shared, Span, Time};

use super::mine;
use crate::node::Node;
use crate::{Nakamoto, Timer};

/// Finds blocks on the public tip and keeps them.
#[derive(Debug)]
pub(super) struct Withheld {
    hold: Span,
    /// With the instants at which they are published, in order; retained.
    kept: VecDeque<(Time, Shared)>,
}

impl Withheld {
    pub(super) fn new(hold: Span) -> Self {
        Self { hold, kept: VecDeque::new() }
    }
}

impl Behaviour<Nakamoto> for Withheld {
    fn on_timer(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        mine(honest, node, timer, cx, |node, cx| {
            let (block, _) = honest.find(node.tip, Box::default(), cx);
            if self.hold > Span::ZERO {
                cx.retain(block);
                self.kept.push_back((cx.now() + self.hold, block));
                cx.wake_after(self.hold);
            }
        });
    }

    fn on_wake(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        while let Some((_, block)) = self.kept.front().copied().filter(|(due, _)| *due <= cx.now())
        {
            self.kept.pop_front();
            honest.receive(node, None, block, cx);
            cx.release(block);
        }
    }

    /// A crash costs it what it kept.
    fn restart(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        self.kept.drain(..).for_each(|(_, block)| cx.release(block));
        honest.restart(node, keep_state, cx);
    }
}
