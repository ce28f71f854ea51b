//! Schedulers: for each agreement a *plan* that sees what is sent and said, and which messages may pass by now.
//!
//! A plan names conditions and no instants: a message waits until its receiver has taken the step that it
//! should take without it. So it plays the same game whatever delays the network adds to what passes,
//! and in whatever windows the host asks.
//!
//! | module | plan | effect |
//! |---|---|---|
//! | [`mmr`] | `Split` | f + 1 nodes end a round with one bit, the others with both |
//! | | `Lag` | f nodes end it when the coin is known, with the other bit |
//! | | `Both` | all see both bits |
//! | [`shi`] | `Lead` | f nodes lag until a coin says which bit they are to be shown |
//! | [`ben_or`] | `LockStep` | f reports of the majority are hidden from everybody |
//! | | `OneByOne` | tosses are seen before it is said whether the next node tosses at all |
//! | [`apart`] | `Apart` | two halves hear nothing of each other |

use std::collections::BTreeMap;

use anthill_protocol::NodeId;
use anthill_protocol::Time;
use anthill_protocol::behaviour::{Fate, Held, InTransit, Scheduler};
use anthill_protocol::judge::Said;

use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

pub(crate) mod apart;
pub(crate) mod ben_or;
pub(crate) mod mmr;
pub(crate) mod shi;

/// Who is who in a group, by place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    pub(crate) members: usize,
    pub(crate) faults: usize,
    /// The first ones; the adversary holds the others.
    pub(crate) honest: usize,
}

/// What a plan makes of one agreement. Nodes go by their places in the group.
pub(crate) trait Plan: Send + 'static {
    fn new(protocol: &Randomized, cast: Cast) -> Self;

    /// A node has sent a message, to one of those that it sends it to.
    fn sent(&mut self, _from: usize, _message: &RandomizedMessage) {}

    /// An honest node has said something.
    fn said(&mut self, _node: usize, _says: &Says) {}

    /// Whether a message may arrive by now; `to` is honest.
    fn passes(&self, from: usize, to: usize, message: &RandomizedMessage) -> bool;
}

/// An agreement under a plan.
struct Lane<P> {
    plan: P,
    /// What waits: its number among all that was held, and the message.
    waiting: Vec<(u64, usize, usize, RandomizedMessage)>,
    /// Whether something has happened since it was looked at.
    stirred: bool,
}

/// A scheduler that follows a plan in each agreement.
pub(crate) struct Planned<P> {
    protocol: Randomized,
    nodes: u32,
    lanes: BTreeMap<u32, Lane<P>>,
    stirred: Vec<u32>,
    /// Messages held so far: hosts number them in this order.
    held: u64,
}

impl<P: Plan> Planned<P> {
    pub(crate) fn new(protocol: Randomized, nodes: u32) -> Self {
        Self { protocol, nodes, lanes: BTreeMap::new(), stirred: Vec::new(), held: 0 }
    }

    fn cast(&self) -> Cast {
        let members = self.protocol.members(self.nodes);
        let honest = members - self.protocol.held(members).min(members);
        let (faults, honest) = (self.protocol.faults as usize, honest as usize);
        Cast { members: members as usize, faults, honest }
    }

    fn lane(&mut self, number: u32) -> &mut Lane<P> {
        let cast = self.cast();
        let protocol = &self.protocol;
        let lane = self.lanes.entry(number).or_insert_with(|| Lane {
            plan: P::new(protocol, cast),
            waiting: Vec::new(),
            stirred: false,
        });
        if !core::mem::replace(&mut lane.stirred, true) {
            self.stirred.push(number);
        }
        lane
    }

    fn place_of(&self, node: NodeId) -> usize {
        self.protocol.group_of(node, self.nodes).place_of(node)
    }
}

impl<P: Plan> Scheduler<Randomized> for Planned<P> {
    fn hear(&mut self, said: &Said<Says>) {
        let (Says::Input { lane, .. }
        | Says::Round { lane, .. }
        | Says::Epoch { lane, .. }
        | Says::Coin { lane, .. }
        | Says::Decided { lane, .. }) = said.output;
        let node = self.place_of(said.node);
        self.lane(lane).plan.said(node, &said.output);
    }

    fn on_send(&mut self, transit: &InTransit<RandomizedMessage>) -> Fate {
        let InTransit { from, to, message, .. } = *transit;
        let (instance, _) = message.place();
        let group = self.protocol.group_of(to, self.nodes);
        if instance >= self.protocol.instances || !group.contains(from) {
            return Fate::Due;
        }
        let number = self.protocol.lane(to, self.nodes, instance).number;
        let (from, to) = (group.place_of(from), group.place_of(to));
        let (honest, held) = (self.cast().honest, self.held);
        let lane = self.lane(number);
        lane.plan.sent(from, &message);
        if to >= honest || lane.plan.passes(from, to, &message) {
            return Fate::Due;
        }
        lane.waiting.push((held, from, to, message));
        self.held += 1;
        Fate::Held
    }

    fn release(&mut self, now: Time, held: &mut Held<RandomizedMessage>) {
        for number in core::mem::take(&mut self.stirred) {
            let Some(lane) = self.lanes.get_mut(&number) else { continue };
            lane.stirred = false;
            let Lane { plan, waiting, .. } = lane;
            waiting.retain(|(number, from, to, message)| {
                let passes = plan.passes(*from, *to, message);
                if passes {
                    held.release(*number, now);
                }
                !passes
            });
        }
    }
}
