//! A replica whose view changes are true, and of yesterday.

use std::collections::BTreeMap;

use anthill_protocol::behaviour::{Act, Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared};

use crate::bodies::{Change, Kind, PbftBody, Prepared};
use crate::messages::{PbftMessage, Timer};
use crate::protocol::{Node, Pbft};

/// Follows the protocol, except in view changes.
#[derive(Default)]
pub(super) struct Stale {
    /// The first certificate of each number above its low watermark; batch and proof are retained.
    first: BTreeMap<u32, Prepared>,
    /// The view change that it sends for a view; retained.
    change: Option<(u32, Shared)>,
    hides: bool,
}

impl Stale {
    /// Does what the honest handlers would, with other view changes.
    fn pass(
        &mut self,
        honest: &Pbft,
        node: &mut Node,
        cx: &mut Tap<'_, '_, Pbft>,
        handler: impl FnOnce(&mut Node, &mut Tap<'_, '_, Pbft>),
    ) {
        let ((), acts) = cx.honestly(|cx| handler(node, cx));
        for act in acts {
            match act {
                Act::Send { to, message: PbftMessage::ViewChange(body), .. } => {
                    let stale = self.stale(honest, body, cx);
                    cx.send(to, PbftMessage::ViewChange(stale));
                }
                act => {
                    cx.act(act);
                }
            }
        }
    }

    /// The view change that takes the place of an honest one.
    fn stale(&mut self, honest: &Pbft, body: Shared, cx: &mut Tap<'_, '_, Pbft>) -> Shared {
        let bodies = cx.bodies();
        let Some(change): Option<&Change> = bodies.get(body).change() else { return body };
        if let Some((_, made)) = self.change.filter(|(view, _)| *view == change.view) {
            return made;
        }
        for it in change.prepared.iter().filter(|it| it.proof.is_some()) {
            if let std::collections::btree_map::Entry::Vacant(free) = self.first.entry(it.seq) {
                free.insert(*it);
                [it.batch, it.proof].into_iter().flatten().for_each(|part| cx.retain(part));
            }
        }
        let above = self.first.split_off(&change.low.saturating_add(1));
        for old in core::mem::replace(&mut self.first, above).into_values() {
            [old.batch, old.proof].into_iter().flatten().for_each(|part| cx.release(part));
        }
        self.hides = !self.hides;
        let prepared = match self.hides {
            true => Vec::new(),
            false => self.first.values().copied().collect(),
        };
        let mut stale = Change { prepared, ..change.clone() };
        stale.seal = honest.seal(Kind::ViewChange, stale.words(), cx);
        let made = cx.share(PbftBody::Change(stale));
        cx.retain(made);
        let old = self.change.replace((change.view, made));
        old.into_iter().for_each(|(_, old)| cx.release(old));
        made
    }
}

impl Behaviour<Pbft> for Stale {
    fn on_message(
        &mut self,
        honest: &Pbft,
        node: &mut Node,
        from: NodeId,
        message: &PbftMessage,
        cx: &mut Tap<'_, '_, Pbft>,
    ) {
        self.pass(honest, node, cx, |node, cx| {
            anthill_protocol::Protocol::on_message(honest, node, from, message, cx);
        });
    }

    fn on_timer(
        &mut self,
        honest: &Pbft,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, Pbft>,
    ) {
        self.pass(honest, node, cx, |node, cx| {
            anthill_protocol::Protocol::on_timer(honest, node, timer, cx);
        });
    }
}
