//! One run over several processes, which share no memory: each has a part of the nodes.
//!
//! Every process builds the same network from the same scenario, and knows from a node's id alone in which process
//! it lives (`Placement`). A send to a node of another process goes into
//! the calendar like any other, so a handler's way is the same with one process and with many. At the boundary
//! before a window:
//!
//! 1. all agree, in one reduction (`ballot`): the least pending window anywhere, whether events cross in it,
//!    and whatever ends a run;
//! 2. if nodes said something, it goes to process 0, whose judges hear it in the order of keys (`news`);
//! 3. if events cross, each process takes those of others' nodes out of its calendars and sends them, with the
//!    bodies that they name and their receivers do not have (`crossing`).
//!
//! What is sent in a window arrives in a later one, so one exchange per window suffices, and no process is
//! ahead of another. Keys are the senders', so events are handled in the order that one process would handle them in.
//!
//! Invariants: all processes make the same calls of the [`Fabric`] in the same order; whatever decides about the
//! next call has been agreed on. A process that leaves otherwise abandons the run, and so ends all of it.
//!
//! Bodies are swept in all processes at the same boundaries. So a process knows which bodies another has: those that
//! were sent there, or came from there, since the last sweep.

mod ballot;
mod channels;
mod crossing;
mod fabric;
mod gather;
mod merge;
mod news;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use anthill_protocol::{Protocol, Time};

use crate::bodies::Known;
use crate::checkpoint;
use crate::event::Event;
use crate::mode::{Mode, StampedOf};
use crate::outcome::ProcessesReport;
use crate::run::{Job, RunError};
use crate::windows::rendezvous::PhaseCell;

pub(crate) use ballot::Ballot;
pub use channels::Channels;
pub use fabric::{Bytes, Fabric, lost};
pub use gather::gather;
pub(crate) use merge::Part;

/// What a process does next with all others: vote, or, between the vote and the end of the exchange, something
/// else; nothing more once they have agreed on the end.
const VOTES: u8 = 0;
const EXCHANGES: u8 = 1;
const ENDS: u8 = 2;

/// This process among those of its run.
#[derive(Debug)]
pub(crate) struct Team {
    fabric: Arc<dyn Fabric>,
    /// The most shards of any process, times the processes.
    shards: u32,
    next: AtomicU8,
    /// Events of all processes at the last look.
    events: AtomicU64,
    desk: PhaseCell<Desk>,
    /// Whether the run has ended as agreed.
    has_ended: AtomicBool,
}

/// What goes out and comes in.
struct Desk {
    /// By rank: events or news, and after them the bodies that they name.
    outgoing: Vec<Bytes>,
    bodies: Vec<Vec<u8>>,
    incoming: Vec<Bytes>,
    /// By rank: bodies that the process has.
    known: Vec<Known>,
    report: ProcessesReport,
}

impl Debug for PhaseCell<Desk> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Desk")
    }
}

/// Refuses what is in one process only, in all processes if in any: none is left waiting for one that was
/// asked for more.
pub(crate) fn check<P: Protocol>(job: &Job<'_, P>) -> Result<(), RunError> {
    let Some(fabric) = job.control.processes.as_ref().filter(|fabric| fabric.size() > 1) else {
        return Ok(());
    };
    let refusal = refusal(job);
    let mut refused = [u64::from(refusal.is_none())];
    fabric.all_min(&mut refused);
    let elsewhere =
        (refused == [0]).then_some("another one of them was asked for what one does alone");
    match refusal.or(elsewhere) {
        Some(problem) => Err(RunError::OneProcess(problem.to_owned())),
        None => Ok(()),
    }
}

fn refusal<P: Protocol>(job: &Job<'_, P>) -> Option<&'static str> {
    let observes = job.control.watch.is_some()
        || job.control.trace.lock().is_ok_and(|request| request.is_some());
    let problem = if job.control.checkpoints.is_some() || job.resume.is_some() {
        "saved runs have no form there yet"
    } else if job.control.externals.is_some() {
        "programs play nodes of one process"
    } else if job.control.ledger.is_some() {
        "the ledger is told by the process that has all nodes"
    } else if observes {
        "single events are traced and compared in one process"
    } else if !P::SAVES_ALL {
        "this protocol says that what it saves is not all (`SAVES_ALL`)"
    } else {
        return None;
    };
    Some(problem)
}

impl Team {
    /// Finds the other processes of a run, if there are any, and that they run the same; `shards` are this one's.
    ///
    /// # Errors
    /// When they do not.
    pub(crate) fn meet<P: Protocol, M: Mode>(
        job: &Job<'_, P>,
        shards: u32,
    ) -> Result<Option<Self>, RunError> {
        let Some(fabric) = job.control.processes.clone().filter(|fabric| fabric.size() > 1) else {
            return Ok(None);
        };
        let size = fabric.size() as usize;
        let identity = checkpoint::identity::<P>(job.scenario);
        let (words, _) = identity.as_bytes().as_chunks::<8>();
        let mut mine: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        // What lies in memory is sent as it lies there.
        mine.push(size_of::<Event<StampedOf<P, M>>>() as u64);
        mine.push(u64::from(job.control.stop_on_violation));
        // The least of a word and of its complement are those of one word only if all are equal.
        let complements: Vec<u64> = mine.iter().map(|word| !word).collect();
        mine.extend(complements);
        mine.push(!u64::from(shards));
        fabric.all_min(&mut mine);
        let most = !mine.pop().unwrap_or_default();
        let (least, greatest) = mine.split_at(mine.len() / 2);
        if least.iter().zip(greatest).any(|(least, greatest)| *least != !greatest) {
            let problem = "its processes were given different scenarios, files or options";
            return Err(RunError::OneProcess(problem.to_owned()));
        }
        let desk = Desk {
            outgoing: vec![Bytes::new(); size],
            bodies: vec![Vec::new(); size],
            incoming: vec![Bytes::new(); size],
            known: vec![Known::default(); size],
            report: ProcessesReport::default(),
        };
        Ok(Some(Self {
            shards: (most as u32).saturating_mul(size as u32),
            fabric,
            next: AtomicU8::new(VOTES),
            events: AtomicU64::new(0),
            desk: PhaseCell::new(desk),
            has_ended: AtomicBool::new(false),
        }))
    }

    pub(crate) fn rank(&self) -> u32 {
        self.fabric.rank()
    }

    pub(crate) fn size(&self) -> u32 {
        self.fabric.size()
    }

    pub(crate) fn on_this_machine(&self) -> u32 {
        self.fabric.on_this_machine()
    }

    /// Shards by which all processes divide the nodes.
    pub(crate) fn shards(&self) -> u32 {
        self.shards
    }

    /// Whether all processes come to the end of the run unharmed; else which does not.
    ///
    /// # Errors
    /// If another one does not.
    pub(crate) fn all_are_well(&self, is_well: bool) -> Result<(), RunError> {
        let mut harmed = [if is_well { u64::MAX } else { u64::from(self.rank()) }];
        self.fabric.all_min(&mut harmed);
        if harmed[0] == u64::MAX {
            return Ok(());
        }
        // All know of it.
        self.has_ended.store(true, Ordering::Relaxed);
        let problem = "it tells of the reason itself".to_owned();
        Err(RunError::Process { rank: harmed[0] as u32, problem })
    }

    /// The latest instant of all processes.
    pub(crate) fn latest(&self, time: Time) -> Time {
        let mut words = [!time.0];
        self.fabric.all_min(&mut words);
        Time(!words[0])
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        if !self.has_ended.load(Ordering::Relaxed) {
            self.fabric.abandon("it could not go on");
        }
    }
}
