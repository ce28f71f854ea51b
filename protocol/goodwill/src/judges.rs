//! What must hold between nodes.

mod caps;
mod live;

use std::collections::BTreeMap;

use anthill_contracts::Once as OncePerBlock;
use anthill_protocol::judge::{self, Breaches, Judge, Rule, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::Goodwill;
use crate::output::GoodwillOutput as Says;

/// All judges of a run.
pub(crate) fn all(protocol: &Goodwill, setting: &Setting) -> Vec<Judge<Says>> {
    let roots = judge::on!(Says::Joined { seen, .. } => (seen.block, seen.root));
    let deep = judge::on!(Says::Confirmed { height, block } => (height, block));
    let delta = setting.delta.unwrap_or(Span::MAX);
    let hops = u64::from(protocol.forgers().max(1).ilog2()) + 2;
    let is_quick = delta.0.saturating_mul(hops) <= protocol.slot.0 / 2;
    let is_calm = setting.held == 0
        && !setting.crashes
        && !setting.loses_messages
        && setting.stable_from == Time::ZERO
        && is_quick;
    let follows = protocol.law.checks_leader;
    let forged = judge::on!(Says::Forged { block, .. } => block);
    vec![
        Judge::new("money conserved", Money),
        Judge::new("cap held", Cap(protocol.most_issued)),
        Judge::new("only leaders' blocks", Leaders)
            .bound("blocks count in their forgers' slots alone (G4)", follows),
        Judge::new("approved donations only", Approved),
        Judge::new("equal roots at equal blocks", judge::agreement(roots)),
        Judge::new("one owner of a token after a block", Owners::default()),
        Judge::new("a game's asset is capped", caps::Caps::default()),
        Judge::new("one block per slot of an honest forger", Once::default()),
        Judge::new("executed once", OncePerBlock::new(&protocol.executions, forged))
            .bound("nobody lies", setting.held == 0 && protocol.attack.is_none()),
        Judge::new("longer chains only", Longer::default()),
        Judge::new("prefixes agree at depth", judge::agreement(deep))
            .bound("honest forgers, and blocks that reach all within half a slot", is_calm),
        Judge::new("payments are believed in time", live::Payments::new(protocol, setting)).bound(
            "the same, and room and money for all payments",
            is_calm && live::is_promised(protocol, setting),
        ),
        Judge::new("chains grow", live::Growth::new(protocol, setting))
            .bound("the same, and bids", is_calm && protocol.first_bid(0) > 0),
    ]
}

/// What accounts and pots hold is what was given out.
struct Money;

impl Rule<Says> for Money {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Money { money, .. } = said.output else { return };
        if money.held != money.genesis.wrapping_add(money.minted) {
            breaches.output(said, "there is more or less money than was issued");
        }
    }
}

/// No more is issued than may be.
struct Cap(Option<u64>);

impl Rule<Says> for Cap {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let (Says::Money { money, .. }, Some(cap)) = (said.output, self.0) else { return };
        // What the genesis gives out counts, and may be above the cap by itself.
        if money.minted > cap.saturating_sub(money.genesis) {
            breaches.output(said, "more was issued than the cap allows");
        }
    }
}

/// A block in a chain is by whom the slot belongs to.
struct Leaders;

impl Rule<Says> for Leaders {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Joined { seen, .. } = said.output else { return };
        if seen.forger != seen.leader {
            breaches.output(said, "its forger does not own the slot");
        }
    }
}

/// Donations that count go to approved associations.
struct Approved;

impl Rule<Says> for Approved {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Money { unapproved, .. } = said.output else { return };
        if unapproved > 0 {
            breaches.output(said, "a donation to an association counts that is not approved");
        }
    }
}

/// The owners of a token that a block names are the same at every node.
#[derive(Default)]
struct Owners {
    /// How often a node has spoken of a token after a block.
    said: BTreeMap<(NodeId, u64, u64), u32>,
    owners: BTreeMap<(u64, u64, u32), (u64, Said<Says>)>,
}

/// Statements that are remembered at most.
const MOST_OWNERS: usize = 1 << 20;

impl Rule<Says> for Owners {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        // A branch that comes back is told of again.
        if let Says::Joined { seen, .. } = said.output {
            let (first, last) = ((said.node, seen.block, 0), (said.node, seen.block, u64::MAX));
            let again: Vec<_> = self.said.range(first..=last).map(|(key, _)| *key).collect();
            again.iter().for_each(|key| {
                self.said.remove(key);
            });
        }
        let Says::Owner { block, token, owner } = said.output else { return };
        if self.said.len() >= MOST_OWNERS {
            return;
        }
        let count = self.said.entry((said.node, block, token)).or_insert(0);
        *count += 1;
        match self.owners.get(&(block, token, *count)) {
            Some((known, first)) if *known != owner => breaches.contradiction(first, said),
            Some(_) => {}
            None => {
                self.owners.insert((block, token, *count), (owner, *said));
            }
        }
    }
}

/// An honest forger makes one block in a slot, and never goes back.
#[derive(Default)]
struct Once {
    last: BTreeMap<NodeId, Said<Says>>,
}

impl Rule<Says> for Once {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Forged { slot, .. } = said.output else { return };
        let Some(before) = self.last.insert(said.node, *said) else { return };
        if let Says::Forged { slot: old, .. } = before.output
            && old >= slot
        {
            breaches.contradiction(&before, said);
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.last.remove(&node);
        }
    }
}

/// A node leaves its tip for a longer chain alone.
#[derive(Default)]
struct Longer {
    tips: BTreeMap<NodeId, Said<Says>>,
}

impl Rule<Says> for Longer {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Joined { seen, dropped } = said.output else { return };
        let Some(before) = self.tips.insert(said.node, *said) else { return };
        let Says::Joined { seen: old, .. } = before.output else { return };
        let first = seen.height == old.height.saturating_add(1).saturating_sub(dropped);
        let joins = dropped > 0 || seen.parent == old.block;
        if !(first && joins) {
            breaches.contradiction(&before, said);
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.tips.remove(&node);
        }
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::Key;
    use anthill_protocol::judge::{Panel, RunEnd};

    use super::*;

    pub(super) fn said(at: Time, node: u32, output: Says) -> Said<Says> {
        let node = NodeId(node);
        let at = Key { time: at, target: node, tie: 0, source: node, sequence: 0 };
        Said { at, node, output }
    }

    /// Whether a rule finds anything in a stream and at its end: 1 or 0.
    pub(super) fn findings(
        rule: impl Rule<Says> + 'static,
        stream: &[Said<Says>],
        end: Time,
    ) -> usize {
        let mut panel = Panel::new(vec![Judge::new("under test", rule)]);
        stream.iter().for_each(|said| panel.hear(said));
        panel.end(&RunEnd { time: end, nodes: 5, excused: &[] });
        panel.findings().len()
    }
}
