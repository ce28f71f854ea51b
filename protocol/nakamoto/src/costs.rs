//! What a block costs.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};

use crate::Nakamoto;

/// What a block of the main chain costs: every node but its miner has to get it. How often it is announced depends on
/// the topology, how many blocks are stale on delays; both only add to it, and so do transactions.
pub(crate) fn theory(protocol: &Nakamoto, nodes: u32) -> Theory {
    let others = f64::from(nodes.saturating_sub(1));
    let (messages, source) = match protocol.relay {
        "inv" => (
            3.0 * others,
            "3(n - 1) a block: inv, getdata and the block to each other node (Nakamoto 2008, section 5)",
        ),
        _ => (others, "n - 1 a block: it is sent to each other node (Nakamoto 2008, section 5)"),
    };
    let laws = vec![
        Law::new(Cost::Messages, Relation::AtLeast, messages, source),
        Law::new(Cost::Bits, Relation::Grows, others, "n - 1 copies of a block"),
    ];
    Theory::of_decisions("chain_blocks", 1, laws)
}
