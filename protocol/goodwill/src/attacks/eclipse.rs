//! False homes: a light peer that has no other hears what they want it to.

use std::sync::Arc;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context, Digest, NodeId, Protocol as _, Shared, Time};

use crate::Goodwill;
use crate::block::{Block, Header, Included, Item};
use crate::message::{Attested, GoodwillMessage};
use crate::metric::GoodwillMetric as M;
use crate::node::Node;
use crate::transaction::Transaction;

/// A home that says of every transaction that it is deep in a block.
#[derive(Debug)]
pub(super) struct FalseHome;

impl FalseHome {
    /// The same block, whichever home makes it up.
    fn made_up(
        honest: &Goodwill,
        handle: Shared,
        transaction: &Arc<Transaction>,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) -> Shared {
        let header = Header {
            slot: 1,
            height: 1,
            parent: transaction.id(),
            time: Time::ZERO,
            forger: NodeId(0),
            root: Digest([0; 32]),
            price: 0,
            salt: u32::MAX,
        };
        let included = Included { handle, transaction: transaction.clone() };
        let mut block = Block::new(None, header, Box::new([included]), honest.law.covers_time);
        block.is_attack = true;
        cx.intern(Item::Block(block.into()))
    }
}

impl Behaviour<Goodwill> for FalseHome {
    fn on_message(
        &mut self,
        honest: &Goodwill,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut Tap<'_, '_, Goodwill>,
    ) {
        let GoodwillMessage::Transaction { transaction: handle } = *message else {
            return honest.on_message(node, from, message, cx);
        };
        if from.0 < honest.forgers() {
            return honest.on_message(node, from, message, cx);
        }
        let bodies = cx.bodies();
        let Some(transaction) = bodies.get(handle).transaction() else { return };
        let id = transaction.id();
        let block = Self::made_up(honest, handle, transaction, cx);
        // One attack for each peer's transaction: its first home counts it.
        let is_first = honest.homes(from).find(|home| honest.is_attacker(*home)) == Some(cx.id());
        cx.record(M::Attacks, u64::from(is_first));
        let proof = Attested::new(block, 1);
        let depth = honest.confirmations;
        cx.send(from, GoodwillMessage::Notice { proof, transaction: id, depth });
    }
}
