//! The heart of a process: one thread that handles events, keeps them, and only then lets anything out.
//!
//! Whatever waits is handled together, and committed once something is to leave. What a peer may make it do is bounded: frames come
//! through a channel of fixed length, so who sends too fast waits.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anthill_protocol::Time;
use hdrhistogram::Histogram;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::frame::Frame;
use crate::inbox::{Inbox, Settled, questions};
use crate::journal::{Batch, Journal, JournalError};
use crate::machine::{Effects, Event, Machine, Malformed, Meter, Outgoing, Remark};
use crate::outbox::Outbox;

/// Frames and questions that wait for the reactor.
pub(crate) const WAITING: usize = 1_024;
/// The most events of one commit.
const MOST_AT_ONCE: usize = 512;
/// After so long an event is on disk although nothing waits for it.
const LATEST: Duration = Duration::from_millis(100);
/// After so many events the state is saved.
const EVENTS_PER_STATE: usize = 5_000;
/// So many bodies that nothing needs may stay on disk.
const MOST_GONE: usize = 10_000;
/// Bodies that are sent along with what was asked for, because they will be asked for next.
const MOST_ALONG: usize = 64;

/// What reaches the reactor.
pub(crate) enum Input {
    /// A frame of a process, and what becomes of its connection if it is malformed.
    Frame { process: u32, frame: Frame, fate: Arc<Fate> },
    /// The own connection to a process is up.
    Connected { process: u32 },
    /// Somebody outside asks for something.
    Request { bytes: Vec<u8>, answer: oneshot::Sender<Result<String, String>> },
    /// Somebody outside wants to know something.
    Query { path: String, answer: oneshot::Sender<Option<String>> },
    /// What was said, from a number on.
    Remarks { from: u64, answer: oneshot::Sender<Vec<Remark>> },
    /// The figures.
    Figures { answer: oneshot::Sender<Figures> },
    /// The end: what is there is saved.
    Stop,
}

/// What becomes of a connection: it is closed once something malformed came over it.
#[derive(Default)]
pub(crate) struct Fate {
    sealed: OnceLock<Malformed>,
    notify: Notify,
}

impl Fate {
    fn seal(&self, why: Malformed) {
        // The first reason is enough.
        let _ = self.sealed.set(why);
        self.notify.notify_one();
    }

    /// Waits until it is to be closed.
    pub(crate) async fn sealed(&self) -> Malformed {
        loop {
            if let Some(why) = self.sealed.get() {
                return *why;
            }
            self.notify.notified().await;
        }
    }
}

/// What is measured of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub now: Time,
    pub events: u64,
    pub bodies: usize,
    pub sent: Vec<(&'static str, u64)>,
    pub lost: u64,
    pub outboxes: Vec<(usize, u64)>,
    pub meters: Vec<(Meter, u64, Option<Quantiles>)>,
    pub last_remark: Option<Remark>,
}

/// A distribution of times, in ns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantiles {
    pub count: u64,
    pub p50: u64,
    pub p99: u64,
    pub sum: f64,
}

/// What a request is told: JSON, or why it is not done.
type Answer = Result<String, String>;

/// What waits for a commit.
#[derive(Default)]
struct Pending {
    batch: Batch,
    messages: Vec<Outgoing>,
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// Who wants to know something: what is not on disk yet is told to nobody.
    queries: Vec<(String, oneshot::Sender<Option<String>>)>,
    /// Who wants to know what was said, from a number on.
    readers: Vec<(u64, oneshot::Sender<Vec<Remark>>)>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.batch.events.is_empty() && self.batch.bodies.is_empty()
    }

    /// Whether it has to be on disk now: something is to leave the process, or it has waited for long. Events
    /// that caused nothing outside may be lost with the process, as if they had not arrived.
    fn is_due(&self, now: Time) -> bool {
        let leaves = !self.messages.is_empty()
            || !self.answers.is_empty()
            || !self.queries.is_empty()
            || !self.readers.is_empty();
        let oldest = self.batch.events.first().map_or(now, |(at, _)| *at);
        let is_long = self.batch.events.len() + self.batch.bodies.len() >= MOST_AT_ONCE;
        leaves || is_long || u128::from(now.since(oldest).0) >= LATEST.as_nanos()
    }
}

/// The reactor of a process.
pub(crate) struct Reactor {
    pub own: u32,
    pub machine: Box<dyn Machine>,
    pub journal: Journal,
    pub clock: Clock,
    pub outboxes: Arc<[Outbox]>,
    pub stopped: watch::Sender<bool>,
    pending: Pending,
    inboxes: Vec<Inbox>,
    /// By process: bodies that it has from us, and the number from which on it may lack others.
    known: Vec<(BTreeSet<u64>, u64)>,
    gone: Vec<u64>,
    since_state: usize,
    events: u64,
    sent: Vec<u64>,
    meters: Vec<Meter>,
    values: Vec<u64>,
    times: Vec<Option<Histogram<u64>>>,
    last_remark: Option<Remark>,
}

impl Reactor {
    pub(crate) fn new(
        own: u32,
        machine: Box<dyn Machine>,
        journal: Journal,
        clock: Clock,
        (outboxes, stopped): (Arc<[Outbox]>, watch::Sender<bool>),
    ) -> Self {
        let processes = outboxes.len();
        let meters = machine.meters();
        let histogram =
            |meter: &Meter| meter.is_latency.then(|| Histogram::new(3)).and_then(Result::ok);
        Self {
            own,
            sent: vec![0; machine.kinds().len()],
            values: vec![0; meters.len()],
            times: meters.iter().map(histogram).collect(),
            meters,
            machine,
            journal,
            clock,
            outboxes,
            stopped,
            pending: Pending::default(),
            inboxes: (0..processes).map(|_| Inbox::default()).collect(),
            known: vec![(BTreeSet::new(), 0); processes],
            gone: Vec::new(),
            since_state: 0,
            events: 0,
            last_remark: None,
        }
    }

    /// Comes up: for the first time, or from what is on disk.
    ///
    /// # Errors
    /// If what is on disk does not go together.
    pub(crate) fn come_up(&mut self) -> anyhow::Result<()> {
        let kept = self.journal.load()?;
        let is_first = kept.state.is_none() && kept.events.is_empty();
        let until = kept.events.last().map_or(Time::ZERO, |(at, _)| *at);
        let mut disk = Inbox::of_disk();
        for (_, parcel) in kept.bodies {
            disk.body(parcel, &mut *self.machine, until)?;
        }
        anyhow::ensure!(disk.is_empty(), "a body on disk lacks one of its parts");
        self.machine.changes();
        if let Some(state) = kept.state {
            self.machine.load(&state)?;
        }
        let replayed = kept.events.len();
        for (at, event) in kept.events {
            self.clock.at_least(at);
            self.machine.handle(&event, at)?;
        }
        self.gone.extend(self.machine.changes().1);
        self.since_state = replayed;
        let event = if is_first { Event::Start } else { Event::Restart };
        tracing::info!(replayed, bodies = self.machine.bodies_kept(), "node is up");
        let now = self.clock.now();
        self.handle(event, now).map_err(anyhow::Error::from)?;
        Ok(self.commit()?)
    }

    /// Handles what comes until somebody stops it.
    ///
    /// # Errors
    /// If what happens cannot be kept.
    pub(crate) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
    ) -> Result<(), JournalError> {
        loop {
            let wait = self.machine.next_due().map_or(Duration::from_secs(1), |(at, _)| {
                Duration::from_nanos(at.since(self.clock.now()).0).min(Duration::from_secs(1))
            });
            let wait = if self.pending.is_empty() { wait } else { wait.min(LATEST) };
            let received = tokio::time::timeout(wait, inputs.recv()).await;
            // The channel's other ends are kept by whoever may stop it.
            let mut is_over = matches!(received, Ok(None));
            let mut next = received.ok().flatten();
            for _ in 0..MOST_AT_ONCE {
                match next.take() {
                    None => break,
                    Some(Input::Stop) => {
                        is_over = true;
                        break;
                    }
                    Some(input) => self.take(input),
                }
                next = inputs.try_recv().ok();
            }
            self.handle_due();
            let now = self.clock.now();
            self.inboxes.iter_mut().for_each(|inbox| inbox.sweep(now));
            if is_over {
                self.since_state = EVENTS_PER_STATE;
            }
            if is_over || self.pending.is_due(self.clock.now()) {
                self.commit()?;
            }
            if is_over {
                // Nobody listens if the process ends for another reason.
                let _ = self.stopped.send(true);
                return Ok(());
            }
        }
    }

    fn handle_due(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            let now = self.clock.now();
            let Some((at, number)) = self.machine.next_due() else { return };
            if at > now {
                return;
            }
            if let Err(error) = self.handle(Event::Due { number }, now) {
                tracing::error!(%error, "something due could not be handled");
            }
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Frame { process, frame, fate } => {
                if let Err(error) = self.take_frame(process, frame, now) {
                    fate.seal(error);
                }
            }
            Input::Connected { process } => {
                self.known[process as usize] = (BTreeSet::new(), self.machine.bodies_made());
            }
            Input::Request { bytes, answer } => {
                let said = match self.handle(Event::Request { bytes }, now) {
                    Ok(said) => said.unwrap_or(Err("nobody answers".to_owned())),
                    Err(error) => Err(error.to_string()),
                };
                self.pending.answers.push((answer, said));
            }
            Input::Query { path, answer } => self.pending.queries.push((path, answer)),
            Input::Remarks { from, answer } => self.pending.readers.push((from, answer)),
            Input::Figures { answer } => {
                let _ = answer.send(self.figures());
            }
            Input::Stop => {}
        }
    }

    fn take_frame(&mut self, process: u32, frame: Frame, now: Time) -> Result<(), Malformed> {
        let place = process as usize;
        let settled = match frame {
            Frame::Message { from, to, bytes } => {
                if self.process_of(from) != Some(process) {
                    return Err(Malformed("a message of somebody else's node"));
                }
                self.inboxes[place].message((from, to, bytes), &*self.machine, now)?
            }
            Frame::Body(parcel) => {
                let settled = self.inboxes[place].body(parcel, &mut *self.machine, now)?;
                self.keep_bodies();
                self.machine.sweep(now);
                settled
            }
            Frame::Want(ids) => {
                self.hand_out(process, &ids);
                Settled::default()
            }
            Frame::Gone(ids) => {
                self.inboxes[place].gone(&ids);
                Settled::default()
            }
            Frame::Ping | Frame::Pong | Frame::Bye(_) => Settled::default(),
        };
        for ids in questions(&settled.want) {
            self.put(process, &Frame::Want(ids));
        }
        for event in settled.events {
            self.handle(event, now)?;
        }
        Ok(())
    }

    fn process_of(&self, node: u32) -> Option<u32> {
        self.machine.process_of(node)
    }

    /// Handles an event; its answer, if it was a request. Effects wait for the commit.
    fn handle(
        &mut self,
        event: Event,
        now: Time,
    ) -> Result<Option<Result<String, String>>, Malformed> {
        let Effects { messages, remarks, records, answer } = self.machine.handle(&event, now)?;
        self.events += 1;
        self.pending.batch.events.push((now, event));
        self.keep_bodies();
        for remark in &remarks {
            tracing::debug!(node = remark.node, "{}", remark.text);
        }
        self.last_remark = remarks.last().cloned().or(self.last_remark.take());
        self.pending.batch.remarks.extend(remarks);
        self.pending.messages.extend(messages);
        for (index, value) in records {
            let total = &mut self.values[index];
            let is_max = self.meters[index].is_max;
            *total = if is_max { (*total).max(value) } else { total.saturating_add(value) };
            if let Some(times) = &mut self.times[index] {
                // It grows with what is recorded: whatever a span can be has a place.
                let _ = times.record(value.max(1));
            }
        }
        Ok(answer)
    }

    /// Bodies that came are on disk with the event that needs them; those that left go with the next state.
    fn keep_bodies(&mut self) {
        let (came, left) = self.machine.changes();
        for id in came {
            if let Some((parcel, ..)) = self.machine.body(id) {
                self.pending.batch.bodies.push((id, parcel));
            }
        }
        self.gone.extend(left);
    }

    /// Writes what happened, and lets out what it caused.
    fn commit(&mut self) -> Result<(), JournalError> {
        self.machine.sweep(self.clock.now());
        self.keep_bodies();
        let mut pending = core::mem::take(&mut self.pending);
        self.since_state += pending.batch.events.len();
        let mut is_due = self.since_state >= EVENTS_PER_STATE || self.gone.len() > MOST_GONE;
        if is_due {
            let machine = &self.machine;
            self.gone.retain(|id| !machine.has(*id));
            pending.batch.state =
                machine.save().map(|state| (state, core::mem::take(&mut self.gone)));
            self.since_state = 0;
        }
        is_due |= !pending.batch.events.is_empty() || !pending.batch.bodies.is_empty();
        if is_due {
            self.journal.commit(&pending.batch)?;
        }
        for (path, answer) in pending.queries {
            let _ = answer.send(self.machine.query(&path));
        }
        for (from, answer) in pending.readers {
            // Who asked may have gone.
            let _ = answer.send(self.journal.remarks(from, 10_000)?);
        }
        for message in pending.messages {
            self.send(&message);
        }
        for (answer, said) in pending.answers {
            // Who asked may have gone.
            let _ = answer.send(said);
        }
        Ok(())
    }

    /// Hands a message to the connection of its receiver, after the bodies that it may lack.
    fn send(&mut self, message: &Outgoing) {
        let Some(process) = self.process_of(message.to) else { return };
        self.sent[message.kind] += 1;
        let mut order = Vec::new();
        for body in message.bodies.iter() {
            self.collect(process, *body, &mut order);
        }
        self.send_bodies(process, &order);
        let Outgoing { from, to, bytes, .. } = message;
        let frame = Frame::Message { from: *from, to: *to, bytes: bytes.to_vec() };
        self.put(process, &frame);
    }

    /// A body and its parts that a process may lack, parts first. Those that were here when the connection
    /// came up are left out: it will ask.
    fn collect(&mut self, process: u32, body: u64, order: &mut Vec<u64>) {
        let (known, since) = &mut self.known[process as usize];
        let mut stack = vec![(body, false)];
        while let Some((id, is_entered)) = stack.pop() {
            if is_entered {
                order.push(id);
                continue;
            }
            let Some((_, parts, number)) = self.machine.body(id) else { continue };
            if number <= *since || !known.insert(id) {
                continue;
            }
            stack.push((id, true));
            stack.extend(parts.iter().map(|part| (*part, false)));
        }
        if known.len() > 1 << 16 {
            known.clear();
            *since = self.machine.bodies_made();
        }
    }

    fn send_bodies(&mut self, process: u32, order: &[u64]) {
        for id in order {
            if let Some((parcel, ..)) = self.machine.body(*id) {
                self.put(process, &Frame::Body(parcel));
            }
        }
    }

    /// Gives what was asked for, and what will be asked for next: the parts, some generations back.
    fn hand_out(&mut self, process: u32, ids: &[u64]) {
        let gone: Vec<u64> = ids.iter().copied().filter(|id| !self.machine.has(*id)).collect();
        let mut seen: BTreeSet<u64> = ids.iter().copied().collect();
        let mut order: Vec<u64> = ids.to_vec();
        let mut at = 0;
        while at < order.len() && order.len() < ids.len() + MOST_ALONG {
            if let Some((_, parts, _)) = self.machine.body(order[at]) {
                order.extend(parts.iter().copied().filter(|part| seen.insert(*part)));
            }
            at += 1;
        }
        order.reverse();
        self.send_bodies(process, &order);
        if !gone.is_empty() {
            self.put(process, &Frame::Gone(gone));
        }
    }

    fn put(&self, process: u32, frame: &Frame) {
        if let Some(outbox) = self.outboxes.get(process as usize).filter(|_| process != self.own) {
            outbox.push(Instant::now(), frame.encode().into());
        }
    }

    fn figures(&self) -> Figures {
        let quantiles = |times: &Histogram<u64>| Quantiles {
            count: times.len(),
            p50: times.value_at_quantile(0.5),
            p99: times.value_at_quantile(0.99),
            sum: times.mean() * times.len() as f64,
        };
        let meters = self.meters.iter().zip(&self.values).zip(&self.times);
        Figures {
            now: self.clock.now(),
            events: self.events,
            bodies: self.machine.bodies_kept(),
            sent: self.machine.kinds().iter().copied().zip(self.sent.iter().copied()).collect(),
            lost: self.inboxes.iter().map(|inbox| inbox.lost).sum(),
            outboxes: self.outboxes.iter().map(Outbox::counts).collect(),
            meters: meters
                .map(|((meter, value), times)| (*meter, *value, times.as_ref().map(quantiles)))
                .collect(),
            last_remark: self.last_remark.clone(),
        }
    }
}
