//! Terms never fall, and a replica votes once in each, also across crashes.

use anthill_protocol::NodeId;
use anthill_protocol::judge::{Breaches, Rule, Said};

use crate::messages::RaftOutput;

/// What each node was last known to know: its term, and its vote in it.
pub(super) struct Votes(Vec<(u32, Option<NodeId>)>);

impl Votes {
    pub(super) fn new(nodes: u32) -> Self {
        Self(vec![(0, None); nodes as usize])
    }
}

impl Rule<RaftOutput> for Votes {
    fn hear(&mut self, said: &Said<RaftOutput>, breaches: &mut Breaches) {
        let (term, voted, remembers) = match said.output {
            RaftOutput::Voted { term, candidate } => (term, Some(candidate), false),
            RaftOutput::Persisted { term, voted, .. } => (term, voted, true),
            RaftOutput::Leader { term, .. } => (term, Some(said.node), false),
            _ => return,
        };
        let Some(known) = self.0.get_mut(said.node.index()) else { return };
        if term < known.0 {
            breaches.output(said, &format!("it was in term {} before", known.0));
        } else if term == known.0 && known.1.is_some() && voted != known.1 {
            let before = known.1.unwrap_or_default();
            let verb = if remembers { "it remembers" } else { "it votes" };
            breaches.output(said, &format!("{verb} otherwise than before, for {before}"));
        }
        *known = (term, voted);
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if let Some(known) = self.0.get_mut(node.index()).filter(|_| !keeps_state) {
            *known = (0, None);
        }
    }
}
