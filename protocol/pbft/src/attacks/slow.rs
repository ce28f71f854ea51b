//! A primary that is slow on purpose.

use std::collections::BTreeMap;

use anthill_protocol::behaviour::{Act, Edit, Tap};
use anthill_protocol::{Context as _, Span, Time};

use crate::messages::PbftMessage;
use crate::protocol::Pbft;

/// Keeps pre-prepares back.
pub(super) struct Slow {
    delay: Span,
    /// By the instant at which they are sent.
    kept: BTreeMap<Time, Vec<Act<Pbft>>>,
}

impl Slow {
    pub(super) fn new(delay: Span) -> Self {
        Self { delay, kept: BTreeMap::new() }
    }
}

impl Edit<Pbft> for Slow {
    fn act(&mut self, act: Act<Pbft>, cx: &mut Tap<'_, '_, Pbft>) {
        if !matches!(act, Act::Send { message: PbftMessage::PrePrepare(_), .. }) {
            cx.act(act);
            return;
        }
        let kept = self.kept.entry(cx.now() + self.delay).or_default();
        if kept.is_empty() {
            cx.wake_after(self.delay);
        }
        // A body lives only while it is on its way, or retained.
        if let Act::Send { message: PbftMessage::PrePrepare(body), .. } = act {
            cx.retain(body);
        }
        kept.push(act);
    }

    fn wakes(&mut self, cx: &mut Tap<'_, '_, Pbft>) {
        while let Some(first) = self.kept.first_entry().filter(|first| *first.key() <= cx.now()) {
            for act in first.remove() {
                cx.act(act);
                if let Act::Send { message: PbftMessage::PrePrepare(body), .. } = act {
                    cx.release(body);
                }
            }
        }
    }

    fn begins(&mut self, cx: &mut Tap<'_, '_, Pbft>) {
        for act in core::mem::take(&mut self.kept).into_values().flatten() {
            if let Act::Send { message: PbftMessage::PrePrepare(body), .. } = act {
                cx.release(body);
            }
        }
    }
}
