//! Iterative lookups: the asker goes from node to node itself, so that silence anywhere is noticed
//! by the one that waits.
//!
//! A lookup asks one node at a time. The answer names the next one, or says that the key's owner is
//! reached. If a node does not answer within `timeout`, or says what cannot be, the node that named
//! it is asked for another; if that is silent, too, the lookup begins anew.

use anthill_protocol::{Context, NodeId, Snapshot, Time};

use crate::Chord;
use crate::messages::{ChordMessage, ChordMetric, ChordOutput, Timer};
use crate::node::Node;

/// Requests of a lookup after which it gives up, whatever the clock says: lies cost no time.
const MOST_STEPS: u16 = 512;

/// What a lookup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Purpose {
    /// The workload.
    User,
    /// The finger at this place.
    Finger { place: u8 },
    /// The node's own successor.
    Join,
}

/// A lookup on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Lookup {
    pub(crate) number: u32,
    /// Of the request that waits for an answer.
    pub(crate) step: u16,
    pub(crate) purpose: Purpose,
    pub(crate) key: u64,
    /// Who is asked, and whether it should own the key.
    at: NodeId,
    last: bool,
    /// Forwardings to nodes before the key.
    hops: u16,
    /// Who named it, and what that was taken for; nobody: it has named another before.
    via: Option<NodeId>,
    via_last: bool,
    avoid: Option<NodeId>,
    asked: Time,
    started: Time,
}

impl Chord {
    /// Looks a key up, from this node's own tables on.
    pub(crate) fn look_up(
        &self,
        node: &mut Node,
        purpose: Purpose,
        key: u64,
        cx: &mut impl Context<Self>,
    ) {
        let number = self.open(node, purpose, key, cx.id(), cx);
        self.decide_here(node, number, None, cx);
    }

    /// Looks a key up from another node on.
    pub(crate) fn look_up_through(
        &self,
        node: &mut Node,
        known: NodeId,
        purpose: Purpose,
        key: u64,
        cx: &mut impl Context<Self>,
    ) {
        let number = self.open(node, purpose, key, known, cx);
        self.ask(node, number, cx);
    }

    fn open(
        &self,
        node: &mut Node,
        purpose: Purpose,
        key: u64,
        at: NodeId,
        cx: &impl Context<Self>,
    ) -> u32 {
        let (number, now) = (node.number(), cx.now());
        node.open.reserve_exact(1);
        node.open.push(Lookup {
            number,
            step: 0,
            purpose,
            key,
            at,
            last: false,
            hops: 0,
            via: None,
            via_last: false,
            avoid: None,
            asked: now,
            started: now,
        });
        number
    }

    /// The asker is the one that is asked.
    fn decide_here(
        &self,
        node: &mut Node,
        number: u32,
        avoid: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let Some(lookup) = find(node, number) else { return };
        (lookup.at, lookup.hops) = (cx.id(), 0);
        let (key, last) = (lookup.key, lookup.last);
        if last {
            self.claim(node, number, avoid, cx);
            return;
        }
        if node.owns(&self.space(), cx.id(), key) {
            self.found(node, number, cx);
            return;
        }
        match node.next(&self.space(), cx.id(), key, (avoid, self.shortcuts)) {
            Some((next, last)) => self.go(node, number, (next, last), cx),
            // It was alone, and what it hands over is still its own.
            None if node.hands_over && avoid == node.predecessor => self.found(node, number, cx),
            // What did not help may do so now: it was joining, for one.
            None if avoid.is_some() => self.decide_here(node, number, None, cx),
            None => self.give_up(node, number, cx),
        }
    }

    /// Goes on to the node that was named.
    fn go(
        &self,
        node: &mut Node,
        number: u32,
        (next, last): (NodeId, bool),
        cx: &mut impl Context<Self>,
    ) {
        let is_owner = last && node.is_member();
        let Some(lookup) = find(node, number) else { return };
        (lookup.via, lookup.via_last) = (Some(lookup.at), lookup.last);
        let avoid = lookup.avoid.take();
        (lookup.at, lookup.last) = (next, last);
        lookup.hops = lookup.hops.saturating_add(u16::from(!last));
        if next != cx.id() {
            self.ask(node, number, cx);
        } else if !is_owner {
            // Somebody takes it for the node that it was before a crash.
            self.suspect(node, number, false, cx);
        } else {
            self.claim(node, number, avoid, cx);
        }
    }

    /// The asker should own the key, says its predecessor.
    fn claim(
        &self,
        node: &mut Node,
        number: u32,
        avoid: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let Some(key) = find(node, number).map(|lookup| lookup.key) else { return };
        match node.redirects(&self.space(), cx.id(), key, avoid) {
            Some(before) => self.go(node, number, (before, true), cx),
            None => self.found(node, number, cx),
        }
    }

    fn ask(&self, node: &mut Node, number: u32, cx: &mut impl Context<Self>) {
        let Some(lookup) = find(node, number) else { return };
        let now = cx.now();
        if lookup.step >= MOST_STEPS || now.since(lookup.started) >= self.patience {
            self.give_up(node, number, cx);
            return;
        }
        if lookup.step == 0 {
            cx.set_timer(self.timeout, Timer::Late(number));
        }
        lookup.step += 1;
        lookup.asked = now;
        let Lookup { at, step, key, last, avoid, .. } = *lookup;
        cx.send(at, ChordMessage::Find { lookup: number, step, key, last, avoid });
    }

    /// The node that was asked is silent, or of no help: another way.
    fn suspect(&self, node: &mut Node, number: u32, is_silent: bool, cx: &mut impl Context<Self>) {
        let Some(lookup) = find(node, number) else { return };
        let (dead, purpose) = (lookup.at, lookup.purpose);
        let via = lookup.via.take();
        if let Some(via) = via {
            lookup.hops = lookup.hops.saturating_sub(u16::from(!lookup.last));
            (lookup.at, lookup.last, lookup.avoid) = (via, lookup.via_last, Some(dead));
        }
        if node.is_member() && is_silent {
            self.drop_neighbour(node, dead, cx);
        }
        match via {
            Some(via) if via == cx.id() => self.decide_here(node, number, Some(dead), cx),
            Some(_) => self.ask(node, number, cx),
            None if purpose == Purpose::Join => self.give_up(node, number, cx),
            None if cx.now().since(find_started(node, number)) >= self.patience => {
                self.give_up(node, number, cx);
            }
            None => {
                find(node, number).into_iter().for_each(|lookup| lookup.last = false);
                self.decide_here(node, number, None, cx);
            }
        }
    }

    /// Answers a request of a lookup.
    pub(crate) fn answer(
        &self,
        node: &Node,
        from: NodeId,
        (lookup, step): (u32, u16),
        (key, last, avoid): (u64, bool, Option<NodeId>),
        cx: &mut impl Context<Self>,
    ) {
        let (space, me) = (self.space(), cx.id());
        let key = space.point(key);
        let reply = if !node.is_member() {
            None
        } else if last {
            let before = node.redirects(&space, me, key, avoid);
            Some(match before {
                Some(node) => ChordMessage::Next { lookup, step, node, last },
                None => ChordMessage::Mine { lookup, step },
            })
        } else if node.owns(&space, me, key) {
            Some(ChordMessage::Mine { lookup, step })
        } else {
            let next = node.next(&space, me, key, (avoid, self.shortcuts));
            next.map(|(node, last)| ChordMessage::Next { lookup, step, node, last })
        };
        cx.send(from, reply.unwrap_or(ChordMessage::Gone { lookup, step }));
    }

    /// An answer: `Ok` names the next node, `Err(true)` says that the key is its own, `Err(false)`
    /// that it cannot help.
    pub(crate) fn on_answer(
        &self,
        node: &mut Node,
        from: NodeId,
        (number, step): (u32, u16),
        answer: Result<(NodeId, bool), bool>,
        cx: &mut impl Context<Self>,
    ) {
        let Some(lookup) = find(node, number) else { return };
        if lookup.step != step || lookup.at != from {
            return;
        }
        let can_be = match answer {
            Ok((next, last)) => {
                next.0 < cx.nodes() && (!self.checked || self.leads_on(lookup, next, last))
            }
            // Nodes before the key do not own it; the one that a lookup begins at may.
            Err(mine) => mine && (!self.checked || lookup.last || lookup.hops == 0),
        };
        match answer {
            Ok(next) if can_be => self.go(node, number, next, cx),
            Err(true) if can_be => self.found(node, number, cx),
            _ => self.suspect(node, number, false, cx),
        }
    }

    /// Whether a node that was named is nearer to the key than the one that named it.
    fn leads_on(&self, lookup: &Lookup, next: NodeId, last: bool) -> bool {
        let space = self.space();
        let (key, at, next) = (lookup.key, space.id(lookup.at), space.id(next));
        match last {
            // From the key on, and before the one that passes it on.
            true => next == key || (space.reach(key, next) < space.reach(key, at) && at != key),
            false => space.between(at, next, key) && !lookup.last,
        }
    }

    /// A lookup's timer has fired.
    pub(crate) fn on_late(&self, node: &mut Node, number: u32, cx: &mut impl Context<Self>) {
        let Some(lookup) = find(node, number) else { return };
        let due = lookup.asked + self.timeout;
        if due > cx.now() {
            cx.set_timer(due.since(cx.now()), Timer::Late(number));
            return;
        }
        cx.record(ChordMetric::Timeouts, 1);
        self.suspect(node, number, true, cx);
        if find(node, number).is_some() {
            cx.set_timer(self.timeout, Timer::Late(number));
        }
    }

    fn found(&self, node: &mut Node, number: u32, cx: &mut impl Context<Self>) {
        let Some(Lookup { purpose, key, at, hops, started, .. }) = take(node, number) else {
            return;
        };
        match purpose {
            Purpose::User => {
                cx.record(ChordMetric::Found, 1);
                cx.record(ChordMetric::MeanHops, hops.into());
                cx.record(ChordMetric::Longest, hops.into());
                cx.record(ChordMetric::Lookup, cx.now().since(started).0);
                cx.output(ChordOutput::Found { key, owner: at, hops, since: started });
            }
            Purpose::Finger { place } => self.set_finger(node, place.into(), Some(at), cx),
            Purpose::Join => self.knock(node, at, cx),
        }
    }

    fn give_up(&self, node: &mut Node, number: u32, cx: &mut impl Context<Self>) {
        let Some(Lookup { purpose, key, .. }) = take(node, number) else { return };
        match purpose {
            Purpose::User => {
                cx.record(ChordMetric::Failed, 1);
                cx.output(ChordOutput::Failed { key });
            }
            Purpose::Finger { place } => self.set_finger(node, place.into(), None, cx),
            Purpose::Join => self.join_later(node, cx),
        }
    }
}

fn find(node: &mut Node, number: u32) -> Option<&mut Lookup> {
    node.open.iter_mut().find(|lookup| lookup.number == number)
}

fn find_started(node: &mut Node, number: u32) -> Time {
    find(node, number).map_or(Time::ZERO, |lookup| lookup.started)
}

fn take(node: &mut Node, number: u32) -> Option<Lookup> {
    let place = node.open.iter().position(|lookup| lookup.number == number)?;
    Some(node.open.swap_remove(place))
}
