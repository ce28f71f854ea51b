//! One log for each group, applied in order, and every request done once.

use std::collections::{BTreeSet, VecDeque};

use anthill_protocol::NodeId;
use anthill_protocol::judge::{Breaches, Rule, RunEnd, Said};

use crate::messages::{Command, RaftOutput};
use crate::session::Session;

/// Positions of a log that are remembered for those that have not got there.
const HORIZON: usize = 1 << 12;

/// Replicas of a group apply the same entries in the same order, each once, and forget none of them.
/// The digest of an entry covers all before, so what agrees now has agreed.
pub(super) struct OneLog {
    size: u32,
    /// The last position of each node.
    applied: Vec<u32>,
    groups: Vec<Open>,
    /// Nodes that have lost their state.
    anew: BTreeSet<NodeId>,
    /// Something was said of positions that are not remembered any more.
    late: u64,
}

/// The positions of a log after `base`, as they were first said.
#[derive(Clone, Default)]
struct Open {
    base: u32,
    said: VecDeque<Said<RaftOutput>>,
}

impl OneLog {
    pub(super) fn new(size: u32, nodes: u32) -> Self {
        Self {
            size,
            applied: vec![0; nodes as usize],
            groups: vec![Open::default(); (nodes / size.max(1)) as usize],
            anew: BTreeSet::new(),
            late: 0,
        }
    }

    /// A node's state is that after `index`: with the digest that others have there?
    fn compare(
        &mut self,
        said: &Said<RaftOutput>,
        (group, index, digest): (u32, u32, u64),
        breaches: &mut Breaches,
    ) {
        let Some(open) = self.groups.get_mut(group as usize) else { return };
        let Some(ahead) = index.checked_sub(open.base + 1) else {
            self.late += 1;
            return;
        };
        match open.said.get(ahead as usize) {
            Some(first) if digest_of(&first.output) != Some(digest) => {
                breaches.contradiction(first, said);
            }
            Some(_) => {}
            None if matches!(said.output, RaftOutput::Installed { .. }) => {
                breaches.output(said, "nobody has applied that");
            }
            None if ahead as usize == open.said.len() => open.said.push_back(*said),
            // A gap, which was found already.
            None => {}
        }
        let first = (group * self.size) as usize;
        let members = self.applied.get(first..first + self.size as usize).unwrap_or_default();
        let all = members.iter().min().copied().unwrap_or(0);
        while !open.said.is_empty() && (open.base < all || open.said.len() > HORIZON) {
            open.said.pop_front();
            open.base += 1;
        }
    }
}

fn digest_of(output: &RaftOutput) -> Option<u64> {
    match *output {
        RaftOutput::Applied { digest, .. } | RaftOutput::Installed { digest, .. } => Some(digest),
        _ => None,
    }
}

impl Rule<RaftOutput> for OneLog {
    fn hear(&mut self, said: &Said<RaftOutput>, breaches: &mut Breaches) {
        let Some(applied) = self.applied.get_mut(said.node.index()) else { return };
        match said.output {
            RaftOutput::Applied { group, index, digest, .. } => {
                if index != *applied + 1 && !self.anew.remove(&said.node) {
                    breaches.output(said, &format!("position {} was to come", *applied + 1));
                }
                *applied = index;
                self.compare(said, (group, index, digest), breaches);
            }
            RaftOutput::Installed { group, index, digest } => {
                if index <= *applied && !self.anew.remove(&said.node) {
                    breaches.output(said, &format!("it has applied {applied} positions"));
                }
                *applied = index;
                self.compare(said, (group, index, digest), breaches);
            }
            RaftOutput::Persisted { last, .. } if last.1 < *applied => {
                breaches.output(said, &format!("it has applied {applied} positions"));
            }
            _ => {}
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.anew.insert(node);
            if let Some(applied) = self.applied.get_mut(node.index()) {
                *applied = 0;
            }
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        match self.late {
            0 => Ok(()),
            late => Err(format!("{late} positions were more than {HORIZON} behind")),
        }
    }
}

/// No request is done twice, and none that nobody made.
pub(super) struct Once {
    size: u32,
    /// How far each group's log has been looked at.
    seen: Vec<u32>,
    /// By client: how many requests it has made, and which were done.
    clients: Vec<(u32, Session)>,
}

impl Once {
    pub(super) fn new(size: u32, nodes: u32) -> Self {
        let groups = (nodes / size.max(1)) as usize;
        Self { size, seen: vec![0; groups], clients: vec![(0, Session::default()); nodes as usize] }
    }
}

impl Rule<RaftOutput> for Once {
    fn hear(&mut self, said: &Said<RaftOutput>, breaches: &mut Breaches) {
        if let RaftOutput::Asked { number } = said.output
            && let Some(client) = self.clients.get_mut(said.node.index())
        {
            client.0 = client.0.max(number);
        }
        let RaftOutput::Applied { group, index, entry, fresh, .. } = said.output else { return };
        // Whoever else applies it says the same, or breaks the one log.
        let Some(seen) = self.seen.get_mut(group as usize).filter(|seen| **seen < index) else {
            return;
        };
        *seen = index;
        let Command::Request { client, number } = entry.command else { return };
        let Some((made, done)) = self.clients.get_mut(client.index()) else {
            return breaches.output(said, "there is no such client");
        };
        if client.0 / self.size.max(1) != group || number > *made {
            breaches.output(said, "nobody has asked for it");
        } else if fresh && !done.insert(number) {
            breaches.output(said, "it was done before");
        } else if !fresh && !done.contains(number) {
            breaches.output(said, "it was not done before");
        }
    }
}
