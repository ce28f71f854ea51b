//! Keeping the ring: stabilise, notify, fix fingers, check the predecessor (ToN figure 6; Zave 2017,
//! section 4: a list is taken over from the one that it belongs to, and only once that has answered).

use anthill_protocol::{Bodies, Context, NodeId, Shared};

use crate::Chord;
use crate::lookup::Purpose;
use crate::messages::{ChordMessage, ChordMetric, ChordOutput, Successors, Timer};
use crate::node::{Node, fold};

impl Chord {
    /// Asks the successor who comes before it, and the predecessor whether it is there.
    pub(crate) fn stabilise(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        if !node.is_member() {
            return;
        }
        let tag = node.number();
        if let Some(before) = node.predecessor {
            node.ping = Some((tag, before));
            cx.send(before, ChordMessage::Ping { tag });
        }
        match node.list.first() {
            Some(head) => {
                let known = node.known_tail();
                self.pull(node, *head, (tag, known), cx);
            }
            None => {
                if node.ping.is_some() {
                    cx.set_timer(self.timeout, Timer::Check(tag));
                }
                self.try_join(node, cx);
            }
        }
    }

    fn pull(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, known): (u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        node.pull = Some((tag, from));
        cx.send(from, ChordMessage::Stabilise { tag, known });
        cx.set_timer(self.timeout, Timer::Check(tag));
    }

    /// A predecessor, or who thinks to be one, asks for the list.
    pub(crate) fn on_stabilise(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, known): (u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        if !node.is_there_for(from) {
            return;
        }
        node.hands_over &= node.predecessor != Some(from);
        let tail = node.tail_for(from, self.most_successors());
        let is_news = node.is_member() && fold(tail) != known;
        let list = is_news.then(|| cx.share(Successors(tail.into())));
        cx.send(from, ChordMessage::Successors { tag, predecessor: node.predecessor, list });
    }

    /// The successor, or a node that it named, has answered.
    pub(crate) fn on_successors(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, predecessor): (u32, Option<NodeId>),
        list: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        if node.pull != Some((tag, from)) {
            return;
        }
        node.pull = None;
        let (space, me) = (self.space(), cx.id());
        if let Some(list) = list {
            self.take_list(node, from, list, cx);
        } else if node.list.first() != Some(&from) {
            return;
        }
        self.tell(node, cx);
        let between = |other: NodeId| space.between(space.id(me), space.id(other), space.id(from));
        match predecessor.filter(|before| before.0 < cx.nodes() && *before != me) {
            Some(before) if self.adopts(between(before)) => {
                let tag = node.number();
                self.pull(node, before, (tag, 0), cx);
            }
            None if predecessor == Some(me) => {}
            _ => cx.send(from, ChordMessage::Notify { tag, joining: false }),
        }
    }

    /// A node becomes the successor, with those that follow it.
    pub(crate) fn take_list(
        &self,
        node: &mut Node,
        from: NodeId,
        list: Shared,
        cx: &impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let tail = &bodies.get(list).0;
        let known = tail.iter().take_while(|node| node.0 < cx.nodes()).count();
        let most = self.most_successors();
        node.adopt(&self.space(), cx.id(), from, &tail[..known], most);
    }

    /// Whether a successor's predecessor becomes the successor: if it comes before.
    fn adopts(&self, between: bool) -> bool {
        #[cfg(test)]
        if self.careless {
            return true;
        }
        between
    }

    /// A node thinks that it is the predecessor.
    pub(crate) fn on_notify(
        &self,
        node: &mut Node,
        from: NodeId,
        (tag, joining): (u32, bool),
        cx: &mut impl Context<Self>,
    ) {
        let (space, me) = (self.space(), cx.id());
        if !node.is_member() || from == me {
            return;
        }
        let before = node.predecessor;
        let comes_between =
            |known: NodeId| space.between(space.id(known), space.id(from), space.id(me));
        let refused = before.filter(|known| *known != from && !comes_between(*known));
        if let Some(predecessor) = refused {
            if joining {
                cx.send(from, ChordMessage::Refuse { tag, predecessor });
            }
            return;
        }
        if joining && node.hands_over && before != Some(from) {
            // One at a time: it tries again.
            return;
        }
        let was_alone = node.list.is_empty();
        let handed = if was_alone { Some(me) } else { before.filter(|node| *node != from) };
        if before != Some(from) {
            node.former = before.or(node.former);
        }
        (node.predecessor, node.hands_over) = (Some(from), joining);
        if joining {
            let tail = node.tail_for(from, self.most_successors());
            let list = cx.share(Successors(tail.into()));
            cx.send(from, ChordMessage::Welcome { tag, predecessor: handed, list });
        }
        if was_alone {
            node.list.push(from);
            self.tell(node, cx);
        }
    }

    /// A neighbour's answer is late.
    pub(crate) fn on_check(&self, node: &mut Node, tag: u32, cx: &mut impl Context<Self>) {
        if let Some((_, before)) = node.ping.take_if(|ping| ping.0 == tag) {
            cx.record(ChordMetric::Timeouts, 1);
            if node.predecessor == Some(before) {
                node.lose_predecessor();
            }
        }
        if let Some((_, head)) = node.pull.take_if(|pull| pull.0 == tag) {
            cx.record(ChordMetric::Timeouts, 1);
            self.drop_neighbour(node, head, cx);
            if let Some(next) = node.list.first().copied() {
                let tag = node.number();
                let known = node.known_tail();
                self.pull(node, next, (tag, known), cx);
            }
        }
        self.check_knock(node, tag, cx);
    }

    /// Forgets a node that does not answer, wherever it is known.
    pub(crate) fn drop_neighbour(
        &self,
        node: &mut Node,
        dead: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        node.forget(cx.id(), dead);
        self.tell(node, cx);
    }

    /// Says who the successor is, if that has changed.
    pub(crate) fn tell(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let head = node.list.first().copied().unwrap_or(cx.id());
        if node.is_member() && node.told != Some(head) {
            node.told = Some(head);
            cx.output(ChordOutput::Successor { node: head });
        }
    }

    /// Looks the next finger up.
    pub(crate) fn fix_finger(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let (space, me) = (self.space(), cx.id());
        if !node.is_member() {
            return;
        }
        let Some(head) = node.list.first().copied() else {
            node.fingers.clear();
            node.fills = false;
            return;
        };
        let is_before_head =
            |place| space.up_to(space.id(me), space.target(space.id(me), place), space.id(head));
        let mut place = usize::from(node.next_finger);
        if place >= space.bits() as usize || is_before_head(place) {
            // All further ones are the successor.
            node.fingers.truncate(place);
            node.next_finger = 0;
            if core::mem::take(&mut node.fills) || is_before_head(0) {
                return;
            }
            place = 0;
        }
        let purpose = Purpose::Finger { place: place as u8 };
        self.look_up(node, purpose, space.target(space.id(me), place), cx);
    }

    /// A finger was found, or not.
    pub(crate) fn set_finger(
        &self,
        node: &mut Node,
        place: usize,
        found: Option<NodeId>,
        cx: &mut impl Context<Self>,
    ) {
        let finger = found.unwrap_or(cx.id());
        if place == node.fingers.len() {
            node.fingers.reserve_exact(1);
            node.fingers.push(finger);
        } else if let Some(known) = node.fingers.get_mut(place).filter(|_| found.is_some()) {
            *known = finger;
        }
        node.next_finger = place as u8 + 1;
        if node.fills {
            self.fix_finger(node, cx);
        }
    }
}
