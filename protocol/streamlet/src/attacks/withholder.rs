//! Notarisations that honest nodes learn of late, and not all at once.

use std::collections::VecDeque;

use anthill_protocol::behaviour::{Act, Edit};
use anthill_protocol::{Context as _, NodeId, Shared, Span};

use super::{Streamlet, Tap};
use crate::messages::StreamletMessage;

/// Votes kept back at most.
const MOST_KEPT: usize = 16;

/// As a leader, proposes to so many nodes that their block lacks just the votes of held ones. Casts its own votes
/// up to three epochs late, each to some of all nodes.
pub(super) struct Withholder {
    held: u32,
    epoch: Span,
    /// Retained; each waits for one waking.
    kept: VecDeque<Shared>,
    /// The ballot that is being sent, and is kept back already.
    last: Option<u64>,
}

impl Withholder {
    pub(super) fn new(held: u32, epoch: Span) -> Self {
        Self { held, epoch, kept: VecDeque::new(), last: None }
    }

    /// Whether a node is one of the least that make a quorum together with the held ones.
    fn is_shown(&self, to: NodeId, nodes: u32) -> bool {
        to.0 < Streamlet::quorum(nodes).max(self.held)
    }
}

impl Edit<Streamlet> for Withholder {
    fn act(&mut self, act: Act<Streamlet>, cx: &mut Tap<'_, '_>) {
        match act {
            Act::Send { message: StreamletMessage::Vote { ballot }, .. } => {
                if self.last == Some(ballot.id()) {
                    return;
                }
                self.last = Some(ballot.id());
                if self.kept.len() < MOST_KEPT {
                    cx.retain(ballot);
                    self.kept.push_back(ballot);
                    let later = cx.random_below((self.epoch * 3).0);
                    cx.wake_after(Span(later));
                }
            }
            Act::Send { to, message: StreamletMessage::Proposal { .. }, .. } => {
                if self.is_shown(to, cx.nodes()) {
                    cx.act(act);
                }
            }
            Act::Timer { .. } => {
                cx.act(act);
            }
        }
    }

    fn wakes(&mut self, cx: &mut Tap<'_, '_>) {
        let Some(ballot) = self.kept.pop_front() else { return };
        let me = cx.id();
        for to in (0..cx.nodes()).map(NodeId).filter(|to| *to != me) {
            if cx.random_below(2) == 0 {
                cx.send(to, StreamletMessage::Vote { ballot });
            }
        }
        cx.release(ballot);
    }

    fn begins(&mut self) {
        // What was kept is lost with its life; its bodies stay to the end of the run.
        self.kept.clear();
    }
}
