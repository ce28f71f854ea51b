//! Where a node is in a short list, by a table beside it.
//!
//! A witness is looked up in its selection several times with each message, and the selection is one of
//! very many, so what counts is how many cache lines a look-up touches: one of the table and one of the
//! list, instead of all of the list. The table has the places and not the nodes, so it is as many bytes as
//! it has slots.

use anthill_protocol::NodeId;

const SLOTS: usize = 256;
/// The most places in the table: what comes later is looked for one by one.
const HELD: usize = 192;
const FREE: u8 = u8::MAX;

/// The places of a list's nodes. The list itself is handed to each call, and is always the same but for what
/// was added.
#[derive(Clone, Debug)]
pub(crate) struct Places(Box<[u8; SLOTS]>);

impl Default for Places {
    fn default() -> Self {
        Self(Box::new([FREE; SLOTS]))
    }
}

/// The slot at which the search for a node begins.
fn home(node: NodeId) -> usize {
    (node.0.wrapping_mul(0x9e37_79b1) >> 24) as usize
}

impl Places {
    /// Of a whole list.
    pub(crate) fn of(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        let mut places = Self::default();
        nodes.into_iter().enumerate().for_each(|(place, node)| places.add(node, place));
        places
    }

    /// Notes a node that was put at the end of the list.
    pub(crate) fn add(&mut self, node: NodeId, place: usize) {
        if place >= HELD {
            return;
        }
        let mut slot = home(node);
        while self.0[slot] != FREE {
            slot = (slot + 1) % SLOTS;
        }
        self.0[slot] = place as u8;
    }

    /// The first place of a node, given the name of each entry.
    #[inline]
    pub(crate) fn find<T>(
        &self,
        list: &[T],
        node: NodeId,
        name: impl Fn(&T) -> NodeId,
    ) -> Option<usize> {
        let mut slot = home(node);
        while self.0[slot] != FREE {
            let place = usize::from(self.0[slot]);
            if list.get(place).is_some_and(|entry| name(entry) == node) {
                return Some(place);
            }
            slot = (slot + 1) % SLOTS;
        }
        let rest = list.get(HELD..).unwrap_or_default();
        rest.iter().position(|entry| name(entry) == node).map(|place| HELD + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw;

    /// Also of lists longer than the table holds, and of those with a node twice.
    #[test]
    fn it_finds_what_a_search_one_by_one_finds() {
        for count in [0, 1, 100, HELD, HELD + 1, 700] {
            for population in [300, 1 << 32] {
                let node = |i| NodeId(draw::below(draw::draw(3, i), population) as u32);
                let list: Vec<NodeId> = (0..count as u64).map(node).collect();
                let places = Places::of(list.iter().copied());
                for i in 0..2_000 {
                    let node = node(i);
                    let expected = list.iter().position(|known| *known == node);
                    assert_eq!(places.find(&list, node, |known| *known), expected, "{node}");
                }
            }
        }
    }
}
