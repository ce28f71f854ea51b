//! The standard rules of safety.

use core::fmt::Debug;
use core::marker::PhantomData;
use std::collections::{BTreeMap, BTreeSet};

use super::{Breaches, HORIZON, Rule, RunEnd, Said};
use crate::NodeId;

/// What a rule remembers: it gives up above [`HORIZON`] keys, and says so.
struct Known<K, V> {
    map: BTreeMap<K, V>,
    full: bool,
}

impl<K: Ord, V> Known<K, V> {
    const EMPTY: Self = Self { map: BTreeMap::new(), full: false };

    fn insert(&mut self, key: K, value: V) {
        if self.map.len() < HORIZON {
            self.map.insert(key, value);
        } else {
            self.full = true;
        }
    }

    fn judged(&self) -> Result<(), String> {
        if self.full { Err(format!("more than {HORIZON} keys at once")) } else { Ok(()) }
    }
}

/// At most one node for each key. `key` says which key an output claims, if it claims any: the same
/// node may claim a key again.
pub fn one_per<O, K>(
    mut key: impl FnMut(&O) -> Option<K> + Send + 'static,
) -> impl Rule<O> + 'static
where
    O: Copy + Debug + Send + 'static,
    K: Ord + Send + 'static,
{
    one_value(move |said: &Said<O>| Some((key(&said.output)?, said.node)))
}

/// One value for each key, whichever node says it, and however often.
pub fn agreement<O, K, V>(
    mut value: impl FnMut(&O) -> Option<(K, V)> + Send + 'static,
) -> impl Rule<O> + 'static
where
    O: Copy + Debug + Send + 'static,
    K: Ord + Send + 'static,
    V: PartialEq + Send + 'static,
{
    one_value(move |said: &Said<O>| value(&said.output))
}

fn one_value<O, K, V>(
    value: impl FnMut(&Said<O>) -> Option<(K, V)> + Send + 'static,
) -> impl Rule<O> + 'static
where
    O: Copy + Debug + Send + 'static,
    K: Ord + Send + 'static,
    V: PartialEq + Send + 'static,
{
    OneValue { value, known: Known::EMPTY }
}

struct OneValue<O, K, V, F> {
    value: F,
    known: Known<K, (V, Said<O>)>,
}

impl<O, K, V, F> Rule<O> for OneValue<O, K, V, F>
where
    O: Copy + Debug + Send,
    K: Ord + Send,
    V: PartialEq + Send,
    F: FnMut(&Said<O>) -> Option<(K, V)> + Send,
{
    fn hear(&mut self, said: &Said<O>, breaches: &mut Breaches) {
        let Some((key, value)) = (self.value)(said) else { return };
        match self.known.map.get(&key) {
            Some((known, first)) if *known != value => breaches.contradiction(first, said),
            Some(_) => {}
            None => self.known.insert(key, (value, *said)),
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        self.known.judged()
    }
}

/// One log for each lane, of which every node says a prefix: its positions 1, 2, 3 … in order and each
/// once, with the values of all others. `entry` gives lane, position and value of an output.
///
/// A position that all `voices` of a lane have passed is forgotten, except that saying it again is a
/// breach for ever. A node that loses its state begins anew at any position.
pub fn prefix<O, L, V>(
    voices: u32,
    entry: impl FnMut(&O) -> Option<(L, u64, V)> + Send + 'static,
) -> impl Rule<O> + 'static
where
    O: Copy + Debug + Send + 'static,
    L: Ord + Clone + Send + 'static,
    V: PartialEq + Send + 'static,
{
    Prefix { voices, entry, next: BTreeMap::new(), anew: BTreeSet::new(), known: Known::EMPTY }
}

struct Prefix<O, L, V, F> {
    voices: u32,
    entry: F,
    /// The next position of each node.
    next: BTreeMap<(L, NodeId), u64>,
    /// Nodes that have lost their state.
    anew: BTreeSet<NodeId>,
    /// Open positions: value, who said it first, how many did.
    known: Known<(L, u64), (V, Said<O>, u32)>,
}

impl<O, L, V, F> Rule<O> for Prefix<O, L, V, F>
where
    O: Copy + Debug + Send,
    L: Ord + Clone + Send,
    V: PartialEq + Send,
    F: FnMut(&O) -> Option<(L, u64, V)> + Send,
{
    fn hear(&mut self, said: &Said<O>, breaches: &mut Breaches) {
        let Some((lane, position, value)) = (self.entry)(&said.output) else { return };
        let anew = self.anew.remove(&said.node);
        let next = self.next.entry((lane.clone(), said.node)).or_insert(1);
        if position != *next && !anew {
            breaches.output(said, &format!("position {next} of its log was to come"));
        }
        *next = position + 1;
        let voices = self.voices;
        let place = (lane, position);
        match self.known.map.get_mut(&place) {
            Some((known, first, _)) if *known != value => breaches.contradiction(first, said),
            Some((_, _, heard)) => {
                *heard += 1;
                if *heard == voices {
                    self.known.map.remove(&place);
                }
            }
            None if voices > 1 => self.known.insert(place, (value, *said, 1)),
            None => {}
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.anew.insert(node);
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        self.known.judged()
    }
}

/// Whatever an output decides, some output has proposed before.
pub fn validity<O, V>(
    proposed: impl FnMut(&O) -> Option<V> + Send + 'static,
    decided: impl FnMut(&O) -> Option<V> + Send + 'static,
) -> impl Rule<O> + 'static
where
    O: Copy + Debug + Send + 'static,
    V: Ord + Send + 'static,
{
    Validity { proposed, decided, known: Known::EMPTY, of: PhantomData }
}

struct Validity<O, V, F, G> {
    proposed: F,
    decided: G,
    known: Known<V, ()>,
    of: PhantomData<fn(O)>,
}

impl<O, V, F, G> Rule<O> for Validity<O, V, F, G>
where
    O: Copy + Debug + Send,
    V: Ord + Send,
    F: FnMut(&O) -> Option<V> + Send,
    G: FnMut(&O) -> Option<V> + Send,
{
    fn hear(&mut self, said: &Said<O>, breaches: &mut Breaches) {
        if let Some(value) = (self.proposed)(&said.output) {
            self.known.insert(value, ());
        }
        if let Some(value) = (self.decided)(&said.output)
            && !self.known.full
            && !self.known.map.contains_key(&value)
        {
            breaches.output(said, "nobody proposed it");
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        self.known.judged()
    }
}
