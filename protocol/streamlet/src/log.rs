//! Streamlet as a log for a machine: the leader of an epoch proposes what the machine has, or an empty block.
//!
//! A node keeps no blocks, so the bodies of entries are kept for it, by the names of their blocks. As in the
//! paper there is nothing by which a node that was down finds what it missed.

use anthill_protocol::kit::{Ask, Entry, Final, LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, NodeId, Shared, Span};

use crate::Streamlet;
use crate::body::{Block, Shown};
use crate::node::Node;

impl Streamlet {
    /// What the machine has for the block after the longest chain.
    pub(crate) fn next_entry(&self, node: &Node, cx: &mut impl Context<Self>) -> Option<Shared> {
        let path = node.path_to(node.tip.place);
        let name = |name| Entry { value: name, body: None };
        let before: Vec<Entry> = path.iter().rev().map(|tip| name(tip.place.name)).collect();
        cx.machine(Ask::Next { before: &before }).entry()?.body
    }

    /// A block is final. Whether it has an entry is known to who keeps it.
    pub(crate) fn hand_over(&self, height: u32, name: u64, cx: &mut impl Context<Self>) {
        let entry = Entry { value: name, body: None };
        cx.machine(Ask::Take(Final { index: u64::from(height), entry }));
    }
}

impl ReplicatedLog for Streamlet {
    const BEARS_LIES: bool = true;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut streamlet = Self::configure(&Values::of::<Self>())?;
        streamlet.faults = setting.nodes.saturating_sub(1) / 3;
        (streamlet.delta, streamlet.epochs) = (setting.delta, u32::MAX - 1);
        streamlet.fit(setting.nodes, setting.seed)?;
        Ok(streamlet)
    }

    fn nothing() -> &'static Shown {
        static NOTHING: Shown = Shown::Block(Block::NOTHING);
        &NOTHING
    }

    fn faults(&self) -> u32 {
        self.faults
    }

    /// Epochs follow each other whether or not anything waits.
    fn poke(&self, _: &mut Node, _: &mut impl Context<Self>) {}

    /// The hash that chooses leaders depends on how many there are, which a node does not remember.
    fn proposer(&self, _: &Node) -> Option<NodeId> {
        None
    }

    /// Five epochs of honest leaders in a row are enough; with a third of liars one of so many rows is.
    fn bound(&self, _: Span, liars: u32) -> Span {
        self.epoch_length() * if liars == 0 { 8 } else { 120 }
    }
}
