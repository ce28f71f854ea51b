//! The end of a run: what each process has counted, added up in process 0, and made known to all.

use std::sync::atomic::Ordering;

use anthill_protocol::{NodeId, Protocol, Snapshot, SnapshotError};

use super::crossing::{append, written};
use super::gather::brought;
use super::{Bytes, Team};
use crate::live::Glimpse;
use crate::mode::Mode;
use crate::outcome::{BodiesReport, HostReport, ProcessesReport, ThreadPhases};
use crate::run::{RunError, tally_with_series};
use crate::scenario::Scenario;
use crate::tally::Tally;
use crate::windows::rendezvous::Alone;
use crate::windows::sharded::ShardedRun;

/// What one process, or all, have come to.
pub(crate) struct Part<P: Protocol> {
    pub(crate) tally: Tally<P>,
    /// The share of final states in the digest.
    pub(crate) states: u64,
    /// Nodes of which nothing can be expected.
    pub(crate) excused: Vec<NodeId>,
    pub(crate) host: HostReport,
}

impl Team {
    /// Adds up the parts of all processes. Process 0 has the sum of all; the others have it but for what only
    /// judges ask for, and what it cost.
    ///
    /// # Errors
    /// When a part cannot be read, which is a bug.
    pub(crate) fn merge<P: Protocol>(
        &self,
        mut part: Part<P>,
        scenario: &Scenario,
        window_shift: u32,
    ) -> Result<Part<P>, RunError> {
        // SAFETY: the threads have ended.
        part.host.processes = Some(unsafe {
            self.desk.with(|desk| ProcessesReport { processes: self.size(), ..desk.report })
        });
        let mut bytes = Vec::new();
        if self.rank() > 0 {
            part.save(&mut bytes);
        }
        let bug = |_: SnapshotError| {
            let problem = "what a process has counted cannot be read".to_owned();
            RunError::OneProcess(problem)
        };
        let fresh = || tally_with_series::<P>(scenario, window_shift);
        for other in brought(&*self.fabric, &bytes) {
            let mut other = &other[..];
            if !other.is_empty() {
                part.add(&mut other, fresh()).map_err(bug)?;
            }
        }
        bytes.clear();
        if self.rank() == 0 {
            part.tally.save(&mut bytes);
            part.states.save(&mut bytes);
        }
        let bytes = self.broadcast(&bytes);
        if self.rank() > 0 {
            let bytes = &mut &bytes[..];
            let mut tally = fresh();
            tally.load(bytes).map_err(bug)?;
            (part.tally, part.states) = (tally, u64::load(bytes).map_err(bug)?);
        }
        self.has_ended.store(true, Ordering::Relaxed);
        Ok(part)
    }

    /// What process 0 gives.
    fn broadcast(&self, bytes: &[u8]) -> Vec<u8> {
        let none = || vec![Bytes::new(); self.size() as usize];
        let (mut outgoing, mut incoming) = (none(), none());
        if self.rank() == 0 {
            outgoing[1..].iter_mut().for_each(|out| append(out, bytes));
        }
        self.fabric.exchange(&mut outgoing, &mut incoming);
        // SAFETY: `append` wrote all of them.
        unsafe { written(&incoming[0]) }.to_vec()
    }
}

impl<P: Protocol> Part<P> {
    fn save(&self, out: &mut Vec<u8>) {
        self.tally.save(out);
        (self.states, self.excused.clone()).save(out);
        let HostReport { shards, threads, setup_ns, loop_ns, loop_cpu_ns, .. } = self.host;
        let HostReport { state_bytes, calendar_bytes, .. } = self.host;
        vec![
            u64::from(shards),
            u64::from(threads),
            setup_ns,
            loop_ns,
            loop_cpu_ns,
            state_bytes,
            calendar_bytes,
        ]
        .save(out);
        let HostReport { phases, shard_events, window_events_log2, processes, .. } = &self.host;
        let phases: Vec<[u64; 5]> = phases.iter().map(words).collect();
        (phases, shard_events.clone(), window_events_log2.clone()).save(out);
        (processes.unwrap_or_default(), self.host.bodies).save(out);
    }

    fn add(&mut self, bytes: &mut &[u8], mut tally: Tally<P>) -> Result<(), SnapshotError> {
        tally.load(bytes)?;
        self.tally.merge(tally);
        let (states, excused) = <(u64, Vec<NodeId>)>::load(bytes)?;
        self.states = self.states.wrapping_add(states);
        self.excused.extend(excused);
        let numbers = Vec::<u64>::load(bytes)?;
        let [shards, threads, setup_ns, loop_ns, loop_cpu_ns, state_bytes, calendar_bytes] =
            numbers.try_into().map_err(|_| SnapshotError("other numbers"))?;
        let host = &mut self.host;
        host.shards += shards as u32;
        host.threads += threads as u32;
        host.setup_ns = host.setup_ns.max(setup_ns);
        host.loop_ns = host.loop_ns.max(loop_ns);
        host.loop_cpu_ns += loop_cpu_ns;
        host.state_bytes += state_bytes;
        host.calendar_bytes += calendar_bytes;
        let (phases, shard_events, window_events_log2) =
            <(Vec<[u64; 5]>, Vec<u64>, Vec<u64>)>::load(bytes)?;
        host.phases.extend(phases.into_iter().map(phases_of));
        host.shard_events.extend(shard_events);
        for (sum, part) in host.window_events_log2.iter_mut().zip(window_events_log2) {
            *sum += part;
        }
        let (theirs, bodies) = <(ProcessesReport, BodiesReport)>::load(bytes)?;
        host.bodies.add(bodies);
        if let Some(processes) = &mut host.processes {
            processes.add(theirs);
        }
        Ok(())
    }
}

fn words(phases: &ThreadPhases) -> [u64; 5] {
    let ThreadPhases { idle_ns, exchange_ns, sort_ns, handlers_ns, crypto_ns } = *phases;
    [idle_ns, exchange_ns, sort_ns, handlers_ns, crypto_ns]
}

fn phases_of([idle_ns, exchange_ns, sort_ns, handlers_ns, crypto_ns]: [u64; 5]) -> ThreadPhases {
    ThreadPhases { idle_ns, exchange_ns, sort_ns, handlers_ns, crypto_ns }
}

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// Leaves the counters of all processes for whoever watches process 0.
    pub(crate) fn glimpse_of_all(&self, virtual_ns: u64, alone: &mut Alone) {
        let mut own = Glimpse::default();
        self.glimpse(virtual_ns, &mut own, alone);
        let Some(team) = &self.team else { return };
        let mut bytes = Vec::new();
        own.save(&mut bytes);
        let all = brought(&*team.fabric, &bytes);
        let Some(live) = &self.control.live else { return };
        for other in all.iter().filter(|bytes| !bytes.is_empty()) {
            own.add_saved::<P>(&mut &other[..])
                .expect("a process of this run sends what it has counted");
        }
        live.leave(|glimpse| *glimpse = own);
    }
}
