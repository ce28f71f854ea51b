//! What crosses between processes at a boundary: the vote, events of other processes' nodes, sums.
//!
//! Events go as they lie in memory, list by list: messages are plain data, and all processes are of one program.

use core::mem::MaybeUninit;
use core::ptr;
use std::sync::atomic::Ordering;

use anthill_protocol::{Message as _, Metric as _, MetricKind, Protocol, Shared, Totals};

use super::{Ballot, Bytes, Desk, ENDS, EXCHANGES, Team, VOTES};
use crate::bodies::Store;
use crate::event::{Event, Payload};
use crate::mode::{Mode, StampedOf};
use crate::windows::chunk::{List, stride};
use crate::windows::lead::{ALONE, Lead, Workers};
use crate::windows::rendezvous::Alone;
use crate::windows::sharded::ShardedRun;

/// Before the content: its length, so that what follows are bodies.
const HEAD: usize = 8;
/// Before the events of a list: sub-shard and number.
const LIST_HEAD: usize = 8;

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// What all processes know at the boundary, after those who listen have heard what was said in the window
    /// that is over.
    pub(crate) fn agree(
        &self,
        changed: &Workers<P, M>,
        lead: &mut Lead,
        alone: &mut Alone,
    ) -> Ballot {
        let Some(team) = &self.team else {
            if self.context.world.listens() {
                self.hear(changed, lead, alone);
            }
            return self.ballot(changed, lead, alone);
        };
        let mut ballot = self.vote(team, changed, lead, alone);
        if !ballot.failed && (ballot.news || self.context.world.scheduled) {
            self.hear_all(team, ballot.next, changed, lead, alone);
            if self.context.world.scheduled || self.control.stop_on_violation {
                ballot = self.vote(team, changed, lead, alone);
            }
        }
        if ballot.failed {
            // One of them says nothing more.
            return ballot;
        }
        if ballot.looks {
            let mut events = [lead.events];
            team.fabric.all_sum(&mut events);
            team.events.store(events[0], Ordering::Relaxed);
        }
        if ballot.sweeps {
            // SAFETY: the leader is alone.
            unsafe { team.desk.with(|desk| desk.known.iter_mut().for_each(|all| all.clear())) };
        }
        ballot
    }

    fn vote(&self, team: &Team, changed: &Workers<P, M>, lead: &Lead, alone: &mut Alone) -> Ballot {
        let mut ballot = self.ballot(changed, lead, alone);
        let own = self.context.placement.own_subshards();
        ballot.crosses = ballot.next.is_some_and(|window| {
            self.workers.iter().zip(&lead.next).any(|(cell, next)| {
                *next == Some(window)
                    && cell.lead(alone, |w| w.calendar.may_hold_others(window, &own))
            })
        });
        ballot.looks = lead.is_to_look();
        ballot.over = ballot.looks && self.is_over_limit(alone);
        ballot.watched = self.control.live.as_ref().is_some_and(|live| live.is_wanted());
        ballot.news = self.context.world.listens()
            && changed.iter().any(|cell| cell.lead(alone, |w| w.tally.outbox.len() > 0));
        let begun = self.context.clock.ns();
        let mut words = ballot.words();
        team.fabric.all_min(&mut words);
        // SAFETY: the leader is alone.
        unsafe {
            team.desk.with(|desk| {
                desk.report.votes += 1;
                desk.report.vote_ns += self.context.clock.ns() - begun;
            });
        }
        team.next.store(EXCHANGES, Ordering::Relaxed);
        Ballot::of(words)
    }

    /// Tells the other processes that this one cannot go on.
    pub(crate) fn tell_of_failure(&self) {
        let Some(team) = &self.team else { return };
        match team.next.load(Ordering::Relaxed) {
            VOTES => {
                let failed = Ballot { failed: true, ..Ballot::default() };
                team.fabric.all_min(&mut failed.words());
                team.next.store(ENDS, Ordering::Relaxed);
            }
            // Nobody else knows what comes next.
            EXCHANGES => team.fabric.abandon("it failed between two windows"),
            _ => {}
        }
    }

    /// The run ends as agreed.
    pub(crate) fn end_together(&self) {
        if let Some(team) = &self.team {
            team.next.store(ENDS, Ordering::Relaxed);
        }
    }

    /// Whether nothing went wrong in this process.
    pub(crate) fn is_well(&mut self) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        // SAFETY: the threads have ended.
        let stuck = |cell: &_| unsafe { is_stuck::<P, M>(cell) };
        !failed && !self.workers.iter().any(stuck)
    }

    /// Events handled so far, here or, of several processes, everywhere.
    pub(crate) fn events_of_all(&self, lead: &Lead) -> u64 {
        self.team.as_ref().map_or(lead.events, |team| team.events.load(Ordering::Relaxed))
    }

    /// Adds the other processes' counters.
    pub(crate) fn add_others(&self, totals: &mut Totals) {
        let Some(team) = &self.team else { return };
        let is_max = |metric: usize| P::Metric::ALL[metric].kind == MetricKind::Max;
        let mut words = Vec::new();
        each_counter(totals, |counter| words.push(*counter));
        let mut greatest: Vec<u64> = totals.values.iter().map(|value| !value).collect();
        words.extend(totals.values.iter());
        team.fabric.all_sum(&mut words);
        if (0..greatest.len()).any(is_max) {
            team.fabric.all_min(&mut greatest);
        }
        let mut sums = words.into_iter();
        each_counter(totals, |counter| *counter = sums.next().unwrap_or_default());
        for (metric, value) in totals.values.iter_mut().enumerate() {
            let sum = sums.next().unwrap_or_default();
            *value = if is_max(metric) { !greatest[metric] } else { sum };
        }
    }

    /// Brings the events that other processes have for this one's nodes in a window into the calendars.
    pub(crate) fn cross(&self, window: u64, lead: &mut Lead, alone: &mut Alone) {
        let Some(team) = &self.team else { return };
        if lead.crosses {
            let begun = self.context.clock.ns();
            // SAFETY: the desk's cell is reached once; in it, those of the workers.
            unsafe {
                team.desk.lead_with(alone, |desk, alone| {
                    self.post(team, window, desk, lead, alone);
                    let waited = self.context.clock.ns();
                    desk.exchange(team);
                    desk.report.wait_ns += self.context.clock.ns() - waited;
                    if self.unpack(window, desk, alone) {
                        lead.next[ALONE] = Some(window);
                    }
                    desk.report.exchanges += 1;
                    desk.report.exchange_ns += self.context.clock.ns() - begun;
                });
            }
        }
        team.next.store(VOTES, Ordering::Relaxed);
    }

    /// Takes the events of other processes' nodes out of this one's calendars.
    fn post(&self, team: &Team, window: u64, desk: &mut Desk, lead: &Lead, alone: &mut Alone) {
        let (placement, size) = (&self.context.placement, team.size());
        desk.begin();
        for (cell, _) in
            self.workers.iter().zip(&lead.next).filter(|(_, next)| **next == Some(window))
        {
            cell.lead(alone, |worker| {
                worker.calendar.advance(window);
                for to in (0..size).filter(|to| *to != team.rank()) {
                    let subshards = placement.first_of(to, size)..placement.first_of(to + 1, size);
                    worker.calendar.take_out(subshards, |subshard, list| {
                        // SAFETY: the list is this worker's, and the leader is alone.
                        unsafe { desk.add_list::<P, M>(to as usize, subshard, list) };
                        if P::Message::CARRIES {
                            // SAFETY: as above.
                            unsafe {
                                each_message::<P, M>(list, |message| {
                                    message.bodies(|handle| {
                                        desk.add_body(
                                            to as usize,
                                            handle,
                                            self.context.world.bodies,
                                        );
                                    });
                                })
                            };
                        }
                    });
                }
            });
        }
    }

    /// Files what has come; whether it was anything.
    fn unpack(&self, window: u64, desk: &mut Desk, alone: &mut Alone) -> bool {
        let placement = &self.context.placement;
        self.workers[ALONE].lead(alone, |worker| {
            worker.calendar.advance(window);
            let mut filed = false;
            for from in 0..desk.incoming.len() {
                let content = desk.open(from, window, self.context.world.bodies);
                let mut rest = &desk.incoming[from][content];
                while !rest.is_empty() {
                    let (head, after) = rest.split_at(LIST_HEAD);
                    let (subshard, entries) = (word(head), word(&head[4..]) as usize);
                    let bytes = entries * stride::<Event<StampedOf<P, M>>>();
                    let (events, after) = after.split_at(bytes);
                    assert!(
                        placement.own_subshards().contains(&subshard),
                        "a node of this process"
                    );
                    for event in events.chunks_exact(stride::<Event<StampedOf<P, M>>>()) {
                        // SAFETY: a process of this program wrote the event as it lay in its memory.
                        let event = unsafe {
                            event.as_ptr().cast::<Event<StampedOf<P, M>>>().read_unaligned()
                        };
                        let is_filed = worker.calendar.push(window, subshard, event);
                        debug_assert!(is_filed, "the window is not open yet");
                    }
                    filed |= entries > 0;
                    rest = after;
                }
            }
            filed
        })
    }
}

/// # Safety
/// The threads have ended.
unsafe fn is_stuck<P: Protocol, M: Mode>(
    cell: &crate::windows::rendezvous::PhaseCell<crate::windows::subshard::Worker<P, M>>,
) -> bool {
    // SAFETY: promised by the caller.
    unsafe { cell.with(|worker| worker.notes.fault.is_some()) }
}

/// The counters but for the metrics.
fn each_counter(totals: &mut Totals, mut each: impl FnMut(&mut u64)) {
    let Totals { events, messages, bytes_on_wire, .. } = totals;
    [events, messages, bytes_on_wire].into_iter().for_each(&mut each);
    let Totals { messages_by_kind, bytes_by_kind, .. } = totals;
    messages_by_kind.iter_mut().chain(bytes_by_kind).for_each(&mut each);
    let Totals { adversary_messages_by_kind, adversary_bytes_by_kind, .. } = totals;
    adversary_messages_by_kind.iter_mut().chain(adversary_bytes_by_kind).for_each(each);
}

/// # Safety
/// Nobody writes the list.
unsafe fn each_message<P: Protocol, M: Mode>(
    list: &List<Event<StampedOf<P, M>>>,
    mut each: impl FnMut(&P::Message),
) {
    // SAFETY: promised by the caller.
    for (first, entries) in unsafe { list.runs() } {
        for i in 0..entries {
            let at = first.wrapping_add(i * stride::<Event<StampedOf<P, M>>>());
            // SAFETY: a run has so many entries, one stride after the other.
            let event = unsafe { &*at.cast::<Event<StampedOf<P, M>>>() };
            if let Payload::Message(message) = &event.payload.payload {
                each(message);
            }
        }
    }
}

impl Desk {
    /// Clears what was sent before.
    pub(super) fn begin(&mut self) {
        for (content, bodies) in self.outgoing.iter_mut().zip(&mut self.bodies) {
            content.clear();
            content.resize(HEAD, MaybeUninit::new(0));
            bodies.clear();
        }
    }

    /// # Safety
    /// Nobody writes the list.
    unsafe fn add_list<P: Protocol, M: Mode>(
        &mut self,
        to: usize,
        subshard: u32,
        list: &List<Event<StampedOf<P, M>>>,
    ) {
        let stride = stride::<Event<StampedOf<P, M>>>();
        // SAFETY: promised by the caller.
        let entries = unsafe { list.len() };
        let out = &mut self.outgoing[to];
        append(out, &subshard.to_le_bytes());
        append(out, &(entries as u32).to_le_bytes());
        out.reserve(entries * stride);
        // SAFETY: as above.
        for (first, entries) in unsafe { list.runs() } {
            let bytes = entries * stride;
            // SAFETY: a run is so many bytes of a chunk; whether all were written does not matter, and there is
            // room for them.
            unsafe {
                let end = out.as_mut_ptr().add(out.len());
                ptr::copy_nonoverlapping(first.cast::<MaybeUninit<u8>>(), end, bytes);
                out.set_len(out.len() + bytes);
            }
        }
        self.report.events += entries as u64;
    }

    /// Adds what a message names, unless it is known there.
    pub(super) fn add_body<B: anthill_protocol::Body>(
        &mut self,
        to: usize,
        handle: Shared,
        store: &Store<B>,
    ) {
        if !self.known[to].contains(&handle.id()) {
            self.report.bodies += store.send(handle, &mut self.known[to], &mut self.bodies[to]);
        }
    }

    /// Sends all that was added, and receives.
    pub(super) fn exchange(&mut self, team: &Team) {
        for (content, bodies) in self.outgoing.iter_mut().zip(&self.bodies) {
            let length = (content.len() - HEAD) as u64;
            for (byte, length) in content.iter_mut().zip(length.to_le_bytes()) {
                byte.write(length);
            }
            if length == 0 && bodies.is_empty() {
                content.clear();
            }
            append(content, bodies);
            self.report.bytes += content.len() as u64;
        }
        team.fabric.exchange(&mut self.outgoing, &mut self.incoming);
        self.report.messages += self.incoming.iter().filter(|came| !came.is_empty()).count() as u64;
    }

    /// Files the bodies that came from a process, and says where the rest lies.
    pub(super) fn open<B: anthill_protocol::Body>(
        &mut self,
        from: usize,
        window: u64,
        store: &Store<B>,
    ) -> core::ops::Range<usize> {
        let came = &self.incoming[from];
        if came.is_empty() {
            return 0..0;
        }
        let length = u64::from(word(came)) | u64::from(word(&came[4..])) << 32;
        let end = HEAD + length as usize;
        // SAFETY: whoever sent them wrote all of these bytes.
        let mut bodies = unsafe { written(&came[end..]) };
        let bodies = &mut bodies;
        while !bodies.is_empty() {
            // SAFETY: the leader is alone.
            let received =
                unsafe { store.receive(ALONE as u32, window, &mut self.known[from], bodies) };
            received.expect("a process of this run sends bodies as they are");
        }
        HEAD..end
    }
}

/// Bytes that were written.
///
/// # Safety
/// They were.
pub(super) unsafe fn written(bytes: &[MaybeUninit<u8>]) -> &[u8] {
    // SAFETY: promised by the caller; the layout is the same.
    unsafe { &*(ptr::from_ref(bytes) as *const [u8]) }
}

pub(super) fn append(out: &mut Bytes, bytes: &[u8]) {
    out.extend(bytes.iter().map(|byte| MaybeUninit::new(*byte)));
}

/// The first four bytes, which were written.
fn word(bytes: &[MaybeUninit<u8>]) -> u32 {
    let bytes: [MaybeUninit<u8>; 4] = bytes[..4].try_into().expect("four bytes");
    // SAFETY: heads are written whole.
    u32::from_le_bytes(bytes.map(|byte| unsafe { byte.assume_init() }))
}
