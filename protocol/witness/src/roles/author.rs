//! How an event comes about: its author has it stamped (R1) and sends it to the verifiers.

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::rules::MAX_TRIES;
use crate::timeline::event::{Event, EventKind, Stamp, event_digest, stamp_digest, stampers};
use crate::timeline::{Members, Tip, checksum, joined, settled};
use crate::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::{
    Bodies, Claim, Context, NodeId, Shared, Signature, Snapshot, Span, Time, draw,
};

/// An event that its author has not published yet.
#[derive(Debug, Snapshot)]
pub struct Authoring {
    /// Without stamps.
    event: Shared,
    /// The verifiers asked for a stamp.
    witnesses: Vec<NodeId>,
    stamps: Vec<Stamp>,
}

impl Authoring {
    /// The event, retained.
    pub(crate) fn event(&self) -> Shared {
        self.event
    }
}

/// The events that happen to verifiers by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happenings {
    /// Mean time between a verifier's entropy events; `None`: there are none.
    pub(crate) entropy: Option<Span>,
    /// Mean time until a verifier pauses; `None`: it does not.
    pub(crate) pause: Option<Span>,
    /// Mean time until a verifier leaves; `None`: it does not.
    pub(crate) leave: Option<Span>,
    /// Mean time until a user joins; `None`: it does not.
    pub(crate) join: Option<Span>,
    /// How long it pauses.
    pub(crate) pause_length: Span,
    /// Nothing of it begins after this.
    pub(crate) until: Time,
    /// To how many verifiers an author sends its event.
    pub(crate) receivers: u32,
}

impl Witness {
    /// Waits for what happens to a verifier by itself.
    pub(crate) fn wait_for_events(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        if !joined(node.timeline, &bodies).contains(&self.genesis, cx.id()) {
            return;
        }
        self.wait_for_entropy(cx);
        self.wait_to_leave(cx);
        if self.is_active(node.timeline, cx.id(), &bodies) {
            self.wait_for_pause(cx);
        } else {
            let kind = EventKind::Resume;
            cx.set_timer(self.happenings.pause_length, WitnessTimer::Announce { kind });
        }
    }

    pub(crate) fn wait_to_leave(&self, cx: &mut impl Context<Self>) {
        if let Some(mean) = self.happenings.leave {
            let delay = draw::exponential(mean, cx.random());
            if cx.now() + delay <= self.happenings.until {
                cx.set_timer(delay, WitnessTimer::Announce { kind: EventKind::Leave });
            }
        }
    }

    fn wait_for_entropy(&self, cx: &mut impl Context<Self>) {
        if let Some(mean) = self.happenings.entropy {
            let delay = draw::exponential(mean, cx.random());
            // Few of the timers would fire within a run, so the others take no memory.
            if cx.now() + delay <= self.happenings.until {
                let kind = EventKind::Entropy { bytes: cx.random() };
                cx.set_timer(delay, WitnessTimer::Announce { kind });
            }
        }
    }

    fn wait_for_pause(&self, cx: &mut impl Context<Self>) {
        if let Some(mean) = self.happenings.pause {
            let delay = draw::exponential(mean, cx.random());
            if cx.now() + delay <= self.happenings.until {
                cx.set_timer(delay, WitnessTimer::Announce { kind: EventKind::Pause });
            }
        }
    }

    /// Something happens to this node.
    pub(crate) fn happens(
        &self,
        node: &mut WitnessNode,
        kind: EventKind,
        cx: &mut impl Context<Self>,
    ) {
        if node.authoring.is_some() {
            // One after the other.
            return cx.set_timer(self.terms.timeout, WitnessTimer::Announce { kind });
        }
        if !joined(node.timeline, &cx.bodies()).contains(&self.genesis, cx.id()) {
            // It has left: nothing happens to it any more.
            return;
        }
        let ttc = self.terms.time_to_consistency;
        let settled = settled(node.timeline, cx.local_clock(), ttc, &cx.bodies());
        if !joined(settled, &cx.bodies()).contains(&self.genesis, cx.id()) {
            // It has joined, but not for all to know.
            return cx.set_timer(ttc, WitnessTimer::Announce { kind });
        }
        self.announce(node, kind, cx);
        match kind {
            EventKind::Entropy { .. } => self.wait_for_entropy(cx),
            EventKind::Pause => {
                let kind = EventKind::Resume;
                cx.set_timer(self.happenings.pause_length, WitnessTimer::Announce { kind });
            }
            EventKind::Resume => self.wait_for_pause(cx),
            EventKind::Join { .. } | EventKind::Leave | EventKind::Convict { .. } => {}
        }
    }

    /// Signs an event of this node's, and has it stamped.
    pub(crate) fn announce(
        &self,
        node: &mut WitnessNode,
        kind: EventKind,
        cx: &mut impl Context<Self>,
    ) {
        self.announce_at(node, kind, cx.local_clock(), cx);
    }

    /// Announces an event with another time than the present.
    pub(crate) fn announce_at(
        &self,
        node: &mut WitnessNode,
        kind: EventKind,
        time: Time,
        cx: &mut impl Context<Self>,
    ) {
        if let Some(event) = Author::of(self, node).announce((kind, time), cx) {
            self.publish(node, event, cx);
        }
    }

    /// Takes an event into the node's own timeline, and sends it to the verifiers.
    pub(crate) fn publish(
        &self,
        node: &mut WitnessNode,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        cx.record(WitnessMetric::Published, 1);
        self.learn(node, &[event], cx);
        let verifiers = joined(node.timeline, &cx.bodies());
        self.send_event(event, &verifiers, cx);
        self.own_published(node, event, cx);
        self.tell_accomplice(node, event, cx);
    }

    /// Sends an event to verifiers, as many as it is to be sent to.
    pub(crate) fn send_event(
        &self,
        event: Shared,
        verifiers: &Members,
        cx: &mut impl Context<Self>,
    ) {
        let all = verifiers.len(&self.genesis);
        // Each author begins elsewhere, so that no verifier is always left out.
        let first = match all {
            0 => 0,
            all => (u64::from(cx.id().0) * u64::from(all) / u64::from(cx.nodes())) as u32,
        };
        for place in 0..all.min(self.happenings.receivers) {
            let verifier = verifiers.get(&self.genesis, (first + place) % all);
            if verifier != cx.id() {
                self.tell(verifier, WitnessMessage::Publish { event }, cx);
            }
        }
    }
}

/// A participant as the author of an event: what it knows, and the event that is being stamped.
pub(crate) struct Author<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
    authoring: &'a mut Option<Box<Authoring>>,
}

impl<'a> Author<'a> {
    /// The part of a participant that this role reads and changes.
    pub(crate) fn of(run: &'a Witness, node: &'a mut WitnessNode) -> Self {
        let WitnessNode { timeline, authoring, .. } = node;
        Self { run, timeline: *timeline, authoring }
    }

    /// Writes an event and asks for stamps; returns it if it needs none.
    fn announce(
        &mut self,
        (kind, time): (EventKind, Time),
        cx: &mut impl Context<Witness>,
    ) -> Option<Shared> {
        let Witness { terms, genesis, .. } = self.run;
        let (author, scenario, bodies) = (cx.id(), cx.scenario(), cx.bodies());
        let settled = settled(self.timeline, time, terms.time_to_consistency, &bodies);
        let signature = cx.sign(&event_digest(scenario, author, kind, time));
        let event = Event::new((author, kind, time), settled, scenario, signature);
        let event = cx.share(WitnessBody::Event(event));
        let drawn = || stampers(author, settled, terms.witnesses, genesis, &bodies);
        let Some(witnesses) = terms.rules.stamped_by(drawn) else { return Some(event) };
        cx.retain(event);
        *self.authoring = Some(Box::new(Authoring { event, witnesses, stamps: Vec::new() }));
        self.ask_for_stamps(1, cx);
        None
    }

    fn ask_for_stamps(&self, tries: u8, cx: &mut impl Context<Witness>) {
        let Some(authoring) = &*self.authoring else { return };
        let event = authoring.event;
        for witness in &authoring.witnesses {
            if authoring.stamps.iter().all(|stamp| stamp.witness != *witness) {
                self.run.tell(*witness, WitnessMessage::Stamp { event }, cx);
            }
        }
        let (event, timeout) = (event.id(), self.run.terms.timeout);
        cx.set_timer(timeout, WitnessTimer::Stamps { event, tries });
    }

    /// The stamps of an event are overdue; returns its kind if it is given up.
    pub(crate) fn on_timeout(
        &mut self,
        (event, tries): (u64, u8),
        cx: &mut impl Context<Witness>,
    ) -> Option<EventKind> {
        let authoring = self.authoring.take_if(|authoring| authoring.event.id() == event)?;
        if tries < MAX_TRIES {
            *self.authoring = Some(authoring);
            self.ask_for_stamps(tries + 1, cx);
            return None;
        }
        cx.record(WitnessMetric::EventsRefused, 1);
        let kind = cx.bodies().get(authoring.event).event().map(|event| event.kind);
        cx.release(authoring.event);
        kind
    }

    /// A witness saw the event; returns it with its stamps once there are enough.
    pub(crate) fn on_stamped(
        &mut self,
        from: NodeId,
        (event, time, signature): (Shared, Time, Signature),
        cx: &mut impl Context<Witness>,
    ) -> Option<Shared> {
        let authoring = self.authoring.as_mut()?;
        let position = authoring.witnesses.iter().position(|witness| *witness == from)?;
        let is_new = authoring.stamps.iter().all(|stamp| stamp.witness != from);
        if authoring.event != event || !is_new {
            return None;
        }
        let bodies = cx.bodies();
        let content = bodies.get(event).event().expect("retained");
        let digest = stamp_digest(cx.scenario(), &content.digest, time);
        let key = cx.public_key(from);
        if !cx.verify(&Claim { key, digest, signature }) {
            return None;
        }
        let position = position as u8;
        authoring.stamps.push(Stamp { position, witness: from, time, signature });
        let conduct = self.run.conduct(cx.id());
        if authoring.stamps.len() < conduct.stamps_awaited(authoring.witnesses.len()) {
            return None;
        }
        let mut authoring = self.authoring.take()?;
        conduct.choose_stamps(&mut authoring.stamps);
        let stamped = content.stamped(authoring.stamps);
        let stamped = cx.share(WitnessBody::Event(stamped));
        cx.release(event);
        Some(stamped)
    }
}

/// A participant that an author asks when it saw an event: it keeps nothing.
pub(crate) struct Stamper<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
}

impl<'a> Stamper<'a> {
    /// The part of a participant that this role reads.
    pub(crate) fn of(run: &'a Witness, node: &WitnessNode) -> Self {
        Self { run, timeline: node.timeline }
    }

    /// An author asks this node to say when it saw an event.
    pub(crate) fn on_stamp(&self, from: NodeId, event: Shared, cx: &mut impl Context<Witness>) {
        let Self { run, timeline } = *self;
        let bodies = cx.bodies();
        let Some(content) = bodies.get(event).event().filter(|event| event.author == from) else {
            return;
        };
        if !cx.verify_body(event).holds(0) {
            return;
        }
        let own = run.settled_checksum(timeline, content.time, &bodies);
        if own != checksum(content.settled, &bodies, &run.genesis) {
            // It is asked again, and both know all by then.
            return run.probe(timeline, from, cx);
        }
        let time = run.conduct(cx.id()).seen_at((content.author, content.time), cx);
        let signature = cx.sign(&stamp_digest(cx.scenario(), &content.digest, time));
        run.tell(from, WitnessMessage::Stamped { event, time, signature }, cx);
    }
}
