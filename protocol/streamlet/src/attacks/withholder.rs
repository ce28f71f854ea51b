//! Notarisations that honest nodes learn of late, and not all at once.
//!
//! A held leader shows its block to so many that only the votes of held nodes are missing, and so late that those
//! to whom it is forwarded do not vote any more. The missing votes come as an honest leader is about to propose:
//! whoever hears them first knows a longer chain than the proposal extends, and does not vote for it.

use anthill_protocol::behaviour::{Act, Edit};
use anthill_protocol::{Context as _, NodeId, Shared, Time, draw};

use super::{Streamlet, Tap};
use crate::messages::StreamletMessage;

/// Messages kept back at most.
const MOST_KEPT: usize = 16;

/// Follows the protocol, except in what it shows to whom and when.
pub(super) struct Withholder {
    held: u32,
    honest: Streamlet,
    kept: Vec<Kept>,
    /// What is being sent, and is kept back already.
    last: Option<u64>,
}

/// A message that waits for its moment.
#[derive(Clone, Copy)]
struct Kept {
    moment: Time,
    message: StreamletMessage,
    /// Retained.
    body: Shared,
    /// Who is about to propose, and is not to hear of a vote.
    leader: NodeId,
}

impl Withholder {
    pub(super) fn new(held: u32, honest: &Streamlet) -> Self {
        Self { held, honest: honest.clone(), kept: Vec::new(), last: None }
    }

    /// Whether a node is one of the least that make a quorum together with the held ones.
    fn is_shown(&self, to: NodeId, nodes: u32) -> bool {
        to.0 < Streamlet::quorum(nodes).max(self.held)
    }

    /// The next epoch that an honest node leads, of a few.
    fn next_honest(&self, now: Time, nodes: u32) -> (u32, NodeId) {
        let present = (now.0 / self.honest.epoch_length().0) as u32 + 1;
        let mut leaders = (1..=8).map(|more| {
            let epoch = present.saturating_add(more);
            (epoch, self.honest.leader(epoch, nodes))
        });
        let honest = leaders.clone().find(|(_, leader)| leader.0 >= self.held);
        honest.or_else(|| leaders.next_back()).unwrap_or((present, NodeId(0)))
    }

    fn keep(&mut self, message: StreamletMessage, body: Shared, cx: &mut Tap<'_, '_>) {
        let is_kept = self.last.replace(body.id()) == Some(body.id());
        if is_kept || self.kept.len() >= MOST_KEPT {
            return;
        }
        let (now, delta) = (cx.now(), self.honest.delta);
        let (epoch, leader) = self.next_honest(now, cx.nodes());
        let moment = match message {
            StreamletMessage::Proposal { .. } => now + delta,
            StreamletMessage::Vote { .. } => {
                let early = draw::below(cx.random(), delta.0);
                Time(self.honest.beginning(epoch).0.saturating_sub(early)).max(now)
            }
        };
        cx.retain(body);
        self.kept.push(Kept { moment, message, body, leader });
        cx.wake_after(moment.since(now));
    }

    fn show(&self, Kept { message, body, leader, .. }: Kept, cx: &mut Tap<'_, '_>) {
        let me = cx.id();
        for to in (0..cx.nodes()).map(NodeId).filter(|to| *to != me) {
            let is_shown = match message {
                StreamletMessage::Proposal { .. } => self.is_shown(to, cx.nodes()),
                StreamletMessage::Vote { .. } => {
                    to.0 < self.held || (to != leader && cx.random_below(2) == 0)
                }
            };
            if is_shown {
                cx.send(to, message);
            }
        }
        cx.release(body);
    }
}

impl Edit<Streamlet> for Withholder {
    fn act(&mut self, act: Act<Streamlet>, cx: &mut Tap<'_, '_>) {
        match act {
            Act::Send { message, .. } => {
                let (StreamletMessage::Proposal { block: body }
                | StreamletMessage::Vote { ballot: body }) = message;
                self.keep(message, body, cx);
            }
            Act::Timer { .. } => {
                cx.act(act);
            }
        }
    }

    fn wakes(&mut self, cx: &mut Tap<'_, '_>) {
        let now = cx.now();
        let due: Vec<Kept> = self.kept.extract_if(.., |kept| kept.moment <= now).collect();
        due.into_iter().for_each(|kept| self.show(kept, cx));
    }

    /// What was kept is lost with its life.
    fn begins(&mut self, cx: &mut Tap<'_, '_>) {
        self.kept.drain(..).for_each(|kept| cx.release(kept.body));
    }
}
