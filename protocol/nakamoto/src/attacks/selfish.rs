//! Selfish mining: the pool publishes no more than it takes to overtake others (Eyal and Sirer 2014,
//! algorithm 1).
//!
//! | the pool's lead, before an honest block | it publishes |
//! |---|---|
//! | none | nothing: it mines on that block |
//! | 1 | its block: a race, which the next block decides |
//! | 2 | all, and wins by one |
//! | more | its lowest block, which in the end is in the chain |
//!
//! When the pool itself finds the block that decides a race, it publishes that at once.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies, Context, NodeId, Protocol, Shared};

use super::branch::{Branch, height};
use super::mine;
use crate::message::NakamotoMessage;
use crate::metric::NakamotoMetric;
use crate::node::Node;
use crate::{Nakamoto, Timer};

/// The pool.
#[derive(Debug, Default)]
pub(super) struct Selfish {
    branch: Branch,
    /// Its block in the race that is on; retained.
    race: Option<Shared>,
    /// The greatest height of a public chain that it has reacted to.
    seen: u32,
}

impl Selfish {
    /// The public chain may have grown.
    fn react(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        let public = height(node.tip, cx);
        if public <= self.seen {
            return;
        }
        self.seen = public;
        self.end_race(honest, node, cx);
        let lead = self.branch.last().map_or(0, |last| height(last, cx)).checked_sub(public);
        match lead {
            None => self.branch.abandon(cx),
            _ if honest.is_over(node) => self.branch.publish(honest, node, cx),
            Some(0) => {
                let last = self.branch.last();
                last.into_iter().for_each(|block| cx.retain(block));
                self.branch.publish(honest, node, cx);
                self.race = last;
            }
            Some(1) => self.branch.publish(honest, node, cx),
            Some(_) => self.branch.publish_up_to(public, honest, node, cx),
        }
        self.seen = self.seen.max(height(node.tip, cx));
    }

    /// The next block has been found: whose branch it is on says who has won.
    fn end_race(&mut self, honest: &Nakamoto, node: &Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        let Some(own) = self.race.take() else { return };
        let bodies = cx.bodies();
        let tip = bodies.get(node.tip);
        if !honest.is_attacker(tip.header.miner) {
            cx.record(NakamotoMetric::Races, 1);
            cx.record(NakamotoMetric::RacesOnPool, u64::from(tip.parent == Some(own)));
        }
        cx.release(own);
    }

    /// The pool finds a block.
    fn find(&mut self, honest: &Nakamoto, node: &mut Node, cx: &mut Tap<'_, '_, Nakamoto>) {
        let base = self.race.unwrap_or(node.tip);
        self.branch.extend(honest, base, &[], cx);
        if self.race.is_some() {
            self.branch.publish(honest, node, cx);
            self.react(honest, node, cx);
        }
    }
}

impl Behaviour<Nakamoto> for Selfish {
    fn on_message(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        from: NodeId,
        message: &NakamotoMessage,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        honest.on_message(node, from, message, cx);
        self.react(honest, node, cx);
    }

    fn on_timer(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        mine(honest, node, timer, cx, |node, cx| self.find(honest, node, cx));
    }

    /// A crash costs the pool its secrets.
    fn restart(
        &mut self,
        honest: &Nakamoto,
        node: &mut Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, Nakamoto>,
    ) {
        self.branch.abandon(cx);
        self.race.take().into_iter().for_each(|block| cx.release(block));
        self.seen = 0;
        honest.restart(node, keep_state, cx);
    }
}
