//! Chord (Stoica, Morris, Karger, Kaashoek, Balakrishnan, *Chord: a scalable peer-to-peer lookup
//! protocol*, SIGCOMM 2001 and ToN 2003) on the Anthill contract, with the rules of joining and
//! stabilising that Zave showed to be needed (*Reasoning about identifier spaces: how to make Chord
//! correct*, 2017).
//!
//! Nodes have ids on a ring. A key belongs to its *successor*: the first live node at or after it. A
//! node knows its predecessor, the next few successors, and *fingers*, the successors of the points at
//! 2^k after it; a lookup halves the distance to its key with every hop.
//!
//! | file | has | of the papers |
//! |---|---|---|
//! | `ring` | ids, distances, the table of a built ring | ToN section IV-B |
//! | `node` | a node's state: who owns a key, who is asked next | IV-D `closest_preceding_node` |
//! | `lookup` | iterative lookups: ask, be sent on, try another when there is silence | IV-D, IV-E.3 |
//! | `maintain` | stabilise, notify, fix fingers, check the predecessor | IV-E figure 6; Zave section 4 |
//! | `join` | how a node becomes a member | IV-E.1; Zave section 4 |
//! | `judges`, `checks` | what must hold, and what theory says | ToN theorems IV.2, IV.3, IV.5 |
//! | `attacks` | nodes that answer lookups with themselves | |
//!
//! Differences from the pseudocode: lookups are iterative, and end at the owner itself, which knows
//! by its predecessor whether the key is its own; a joining node is a member once the owner of its
//! id has handed it its range, so with joins alone every key has one owner at any time.

#![forbid(unsafe_code)]

mod attacks;
mod checks;
mod chord;
mod join;
mod judges;
mod lookup;
mod maintain;
mod messages;
mod node;
mod ring;
#[cfg(test)]
mod tests;

pub use chord::Chord;
