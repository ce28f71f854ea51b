//! Behaviours that nodes of any protocol can have.

use std::collections::BTreeMap;

use super::{Act, Behaviour, Tap};
use crate::{Context as _, Message as _, NodeId, Protocol, Shared, Span, Time};

/// What a node does to the acts of its honest handlers. A closure over acts is one.
pub trait Edit<P: Protocol>: Send {
    /// The honest protocol would do this: do it ([`Tap::act`]), something else, or nothing.
    fn act(&mut self, act: Act<P>, cx: &mut Tap<'_, '_, P>);

    /// A message has arrived, and was handled honestly.
    fn sees(&mut self, _from: NodeId, _message: &P::Message, _cx: &mut Tap<'_, '_, P>) {}

    /// It asked for this with [`Tap::wake_after`].
    fn wakes(&mut self, _cx: &mut Tap<'_, '_, P>) {}

    /// The node begins a life, at its start or after a crash: what it asked to be woken for is off.
    fn begins(&mut self, _cx: &mut Tap<'_, '_, P>) {}
}

impl<P: Protocol, F: FnMut(Act<P>, &mut Tap<'_, '_, P>) + Send> Edit<P> for F {
    fn act(&mut self, act: Act<P>, cx: &mut Tap<'_, '_, P>) {
        self(act, cx);
    }
}

/// Follows the protocol, except that everything it does passes an [`Edit`].
pub struct Edited<E>(
    /// The edit.
    pub E,
);

impl<E> Edited<E> {
    fn pass<P: Protocol, T>(
        &mut self,
        cx: &mut Tap<'_, '_, P>,
        handler: impl FnOnce(&mut Tap<'_, '_, P>) -> T,
    ) -> T
    where
        E: Edit<P>,
    {
        let (returned, acts) = cx.honestly(handler);
        acts.into_iter().for_each(|act| self.0.act(act, cx));
        returned
    }
}

impl<P: Protocol, E: Edit<P>> Behaviour<P> for Edited<E> {
    fn start(&mut self, honest: &P, cx: &mut Tap<'_, '_, P>) -> P::Node {
        self.0.begins(cx);
        self.pass(cx, |cx| honest.start(cx))
    }

    fn on_message(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        from: NodeId,
        message: &P::Message,
        cx: &mut Tap<'_, '_, P>,
    ) {
        self.pass(cx, |cx| honest.on_message(node, from, message, cx));
        self.0.sees(from, message, cx);
    }

    fn on_timer(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        timer: P::Timer,
        cx: &mut Tap<'_, '_, P>,
    ) {
        self.pass(cx, |cx| honest.on_timer(node, timer, cx));
    }

    fn on_wake(&mut self, _: &P, _: &mut P::Node, cx: &mut Tap<'_, '_, P>) {
        self.0.wakes(cx);
    }

    fn restart(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, P>,
    ) {
        self.0.begins(cx);
        self.pass(cx, |cx| honest.restart(node, keep_state, cx));
    }
}

/// Sends nothing from an instant on.
pub fn silent<P: Protocol>(from: Time) -> impl Behaviour<P> {
    Edited(move |act, cx: &mut Tap<'_, '_, P>| {
        if !matches!(act, Act::Send { .. }) || cx.now() < from {
            cx.act(act);
        }
    })
}

/// Sends some receivers another message than others: `other` gives it, if this receiver is to get
/// one.
pub fn equivocating<P: Protocol>(
    other: impl Fn(NodeId, &P::Message) -> Option<P::Message> + Send,
) -> impl Behaviour<P> {
    Edited(move |act, cx: &mut Tap<'_, '_, P>| {
        let told = match act {
            Act::Send { to, slot, message } => {
                Act::Send { to, slot, message: other(to, &message).unwrap_or(message) }
            }
            Act::Timer { .. } => act,
        };
        cx.act(told);
    })
}

/// Sends everything so much later.
pub fn delayed<P: Protocol>(by: Span) -> impl Behaviour<P> {
    Edited(Later { when: move |now| now + by, due: BTreeMap::new() })
}

/// Keeps back what it would send from an instant on, and sends all of it, in order, at another.
pub fn withholding<P: Protocol>(from: Time, until: Time) -> impl Behaviour<P> {
    let when = move |now| if now < from { now } else { until.max(now) };
    Edited(Later { when, due: BTreeMap::new() })
}

/// Sends each message at an instant that depends on when it would have sent it.
struct Later<P: Protocol, F> {
    when: F,
    /// By instant, in the order in which they would have been sent.
    due: BTreeMap<Time, Vec<Act<P>>>,
}

impl<P: Protocol, F: Fn(Time) -> Time + Send> Edit<P> for Later<P, F> {
    fn act(&mut self, act: Act<P>, cx: &mut Tap<'_, '_, P>) {
        let (now, to_itself) = (cx.now(), matches!(act, Act::Send { to, .. } if to == cx.id()));
        let at = (self.when)(now);
        if at <= now || to_itself || matches!(act, Act::Timer { .. }) {
            cx.act(act);
            return;
        }
        let acts = self.due.entry(at).or_default();
        if acts.is_empty() {
            cx.wake_after(at.since(now));
        }
        acts.push(act);
        bodies_of(&act, |body| cx.retain(body));
    }

    fn wakes(&mut self, cx: &mut Tap<'_, '_, P>) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() <= cx.now()) {
            for act in first.remove() {
                cx.act(act);
                bodies_of(&act, |body| cx.release(body));
            }
        }
    }

    /// What was kept back is lost with the life that kept it.
    fn begins(&mut self, cx: &mut Tap<'_, '_, P>) {
        for act in core::mem::take(&mut self.due).into_values().flatten() {
            bodies_of(&act, |body| cx.release(body));
        }
    }
}

/// Visits the shared bodies that a message names: whoever keeps it keeps them.
fn bodies_of<P: Protocol>(act: &Act<P>, visit: impl FnMut(Shared)) {
    if let Act::Send { message, .. } = act {
        message.bodies(visit);
    }
}

/// Sends each message that it receives on to a random node, too, if `chosen` says so.
pub fn replaying<P: Protocol>(chosen: impl Fn(&P::Message) -> bool + Send) -> impl Behaviour<P> {
    Edited(Replay(chosen))
}

struct Replay<F>(F);

impl<P: Protocol, F: Fn(&P::Message) -> bool + Send> Edit<P> for Replay<F> {
    fn act(&mut self, act: Act<P>, cx: &mut Tap<'_, '_, P>) {
        cx.act(act);
    }

    fn sees(&mut self, from: NodeId, message: &P::Message, cx: &mut Tap<'_, '_, P>) {
        if from != cx.id() && (self.0)(message) {
            let victim = NodeId(cx.random_below(cx.nodes().into()) as u32);
            cx.send(victim, *message);
        }
    }
}

/// Two honest nodes under one identity, each of which talks to its half of the others, hears only them,
/// and knows nothing of the other one (Bano et al. 2020, "Twins: BFT systems made robust"): whatever a
/// node can say twice, they do. `first` says who is of the first one's half.
pub fn twins<P: Protocol>(first: impl Fn(NodeId) -> bool + Send) -> impl Behaviour<P> {
    Twins { first, second: None, own: BTreeMap::new() }
}

struct Twins<P: Protocol, F> {
    first: F,
    /// The second one's state; the first one's is the node's.
    second: Option<P::Node>,
    /// Whose the node's own events are, by their numbers: true for the first.
    own: BTreeMap<u32, bool>,
}

impl<P: Protocol, F: Fn(NodeId) -> bool + Send> Twins<P, F> {
    /// Runs a handler of one of them.
    fn run<T>(
        &mut self,
        is_first: bool,
        cx: &mut Tap<'_, '_, P>,
        handler: impl FnOnce(&mut Tap<'_, '_, P>) -> T,
    ) -> T {
        let (returned, acts) = cx.honestly(handler);
        for act in acts {
            let own = match act {
                Act::Send { to, .. } => to == cx.id(),
                Act::Timer { .. } => true,
            };
            let heard = matches!(act, Act::Send { to, .. } if (self.first)(to) == is_first);
            if own || heard {
                let number = cx.act(act);
                if own {
                    self.own.insert(number, is_first);
                }
            }
        }
        returned
    }
}

impl<P: Protocol, F: Fn(NodeId) -> bool + Send> Behaviour<P> for Twins<P, F> {
    fn start(&mut self, honest: &P, cx: &mut Tap<'_, '_, P>) -> P::Node {
        self.own.clear();
        self.second = Some(self.run(false, cx, |cx| honest.start(cx)));
        self.run(true, cx, |cx| honest.start(cx))
    }

    fn on_message(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        from: NodeId,
        message: &P::Message,
        cx: &mut Tap<'_, '_, P>,
    ) {
        let own = if from == cx.id() { self.own.remove(&cx.event_number()) } else { None };
        if own.unwrap_or_else(|| (self.first)(from)) {
            self.run(true, cx, |cx| honest.on_message(node, from, message, cx));
        } else if let Some(mut second) = self.second.take() {
            self.run(false, cx, |cx| honest.on_message(&mut second, from, message, cx));
            self.second = Some(second);
        }
    }

    fn on_timer(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        timer: P::Timer,
        cx: &mut Tap<'_, '_, P>,
    ) {
        if self.own.remove(&cx.event_number()) != Some(false) {
            self.run(true, cx, |cx| honest.on_timer(node, timer, cx));
        } else if let Some(mut second) = self.second.take() {
            self.run(false, cx, |cx| honest.on_timer(&mut second, timer, cx));
            self.second = Some(second);
        }
    }

    fn restart(
        &mut self,
        honest: &P,
        node: &mut P::Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_, P>,
    ) {
        self.own.clear();
        self.run(true, cx, |cx| honest.restart(node, keep_state, cx));
        if let Some(mut second) = self.second.take() {
            self.run(false, cx, |cx| honest.restart(&mut second, keep_state, cx));
            self.second = Some(second);
        }
    }
}
