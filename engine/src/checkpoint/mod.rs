//! Saved runs: all that a run is between two windows, as bytes that another process continues from.
//!
//! [`Control::checkpoints`](crate::Control::checkpoints) asks a run for them, and [`resume`](crate::resume) or
//! [`sequential::resume`](crate::sequential::resume) goes on from one to the outcome that the run would have
//! had. Topology, network and conditions are not saved: they are functions of the scenario, and so are draws
//! and keys.
//!
//! | part | bytes |
//! |---|---|
//! | what it is | `anthill saved run\n`, and the version of the form, 4 |
//! | checksum | 32: the BLAKE3 hash of all that follows |
//! | scenario | 32: the hash of what decides the run |
//! | position | the last window that ran, and how many had events |
//! | bodies | name, content, holders and last arrival of each |
//! | nodes | counts of events and draws, standing under the conditions, state |
//! | events | key and content of each that is pending |
//! | tallies | of each thread: counters, histograms, series, digest, violations |
//! | outputs | what the judges have heard |
//!
//! Forms are those of [`Snapshot`](anthill_protocol::Snapshot); messages have their wire form, with its
//! zeros counted. Handles are names: bodies that were loaded are found by them. Judges are not saved, but hear again what they have heard.
//!
//! *What cannot be saved is refused*, when the run starts and by name: the memory of an adversary that plays
//! nodes or decides about arrivals, and states of protocols that save a part of them
//! ([`Protocol::SAVES_ALL`]). Who watches a run ([`Control::trace`](crate::Control::trace),
//! [`Control::watch`](crate::Control::watch)) sees of a continued one what is left of it.

mod fork;
mod saving;
mod state;
pub(crate) mod zeros;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use anthill_protocol::{Message, Metric, Output, Protocol, SnapshotError, Span, Time};
use thiserror::Error;

use crate::held::Held;
use crate::input::Input;
use crate::run::Job;
use crate::scenario::{CryptoSpec, EngineOptions, Scenario};

pub use fork::{MAY_CHANGE, may_fork};
pub(crate) use saving::Pieces;
pub use saving::Saving;
pub(crate) use state::{Filed, Moment, Position, Restored, Show, count, restore};

const MAGIC: &[u8] = b"anthill saved run\n";
/// Changes with the form of anything in it.
const VERSION: u32 = 1;
/// Before the checksummed part.
const HEAD: usize = MAGIC.len() + 4 + 32;

/// A saved run.
#[derive(Clone)]
pub struct Checkpoint {
    bytes: Vec<u8>,
    /// What it was saved under, if it goes on under another scenario.
    past: Option<Box<Scenario>>,
}

/// By what was saved.
impl PartialEq for Checkpoint {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Checkpoint {}

/// By size and instant.
impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({} bytes, checksum {})", self.bytes.len(), self.checksum())
    }
}

/// Why a run cannot be saved, or not continued from these bytes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// The bytes are something else.
    #[error("this is no saved run")]
    Unknown,
    /// The bytes are of another version of the form.
    #[error(
        "the saved run has version {found} of the form, and this program reads version {VERSION}"
    )]
    Version {
        /// Theirs.
        found: u32,
    },
    /// The bytes are not those that were saved.
    #[error("the saved run is damaged or incomplete: its content does not have its checksum")]
    Damaged,
    /// They are, but something in them does not belong there.
    #[error("the saved run cannot be read: {0}")]
    Malformed(SnapshotError),
    /// The run is another one.
    #[error(
        "the saved run is of another scenario: seed, nodes, `until`, protocol, parameters, network, \
         conditions and input files must be the same"
    )]
    OtherScenario,
    /// The scenario that it is to go on under differs in more than may.
    #[error("the run cannot go on under this scenario: {0}")]
    Fork(String),
    /// Something in the run has no form as bytes.
    #[error("this run cannot be saved: {0}")]
    Unsaveable(String),
}

impl From<SnapshotError> for CheckpointError {
    fn from(error: SnapshotError) -> Self {
        Self::Malformed(error)
    }
}

impl Checkpoint {
    /// Takes the bytes of a saved run.
    ///
    /// # Errors
    /// When they are none, of another version, or not those that were saved.
    pub fn new(bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CheckpointError::Unknown)?;
        let (version, rest) = rest.split_first_chunk().ok_or(CheckpointError::Damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(CheckpointError::Version { found });
        }
        let (checksum, content) = rest.split_first_chunk().ok_or(CheckpointError::Damaged)?;
        if blake3::Hash::from_bytes(*checksum) != blake3::hash(content) {
            return Err(CheckpointError::Damaged);
        }
        Ok(Self { bytes, past: None })
    }

    /// The same, to go on under another scenario than the one it was saved under, which is this one: a
    /// fork. What may differ is said by [`may_fork`].
    #[must_use]
    pub fn saved_under(self, past: Scenario) -> Self {
        Self { past: Some(Box::new(past)), ..self }
    }

    /// What it was saved under, if it goes on under another scenario.
    pub(crate) fn past(&self) -> Option<&Scenario> {
        self.past.as_deref()
    }

    /// The bytes to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn checksum(&self) -> blake3::Hash {
        blake3::hash(&self.bytes[HEAD..])
    }

    /// What follows the scenario's hash.
    fn content(&self, scenario: &blake3::Hash) -> Result<&[u8], CheckpointError> {
        let (saved, content) =
            self.bytes[HEAD..].split_first_chunk().ok_or(SnapshotError("too short"))?;
        if blake3::Hash::from_bytes(*saved) != *scenario {
            return Err(CheckpointError::OtherScenario);
        }
        Ok(content)
    }
}

/// Asks a run for checkpoints: each at the first boundary between windows at or after its instant.
pub struct Checkpoints {
    next: Time,
    every: Option<Span>,
    take: Box<Take>,
}

/// What is done with a checkpoint and its instant.
type Take = dyn FnMut(Time, &mut Saving<'_>) -> ControlFlow<()> + Send;

impl Checkpoints {
    /// One at an instant, given to `take`; after a break the run ends there, as if it were interrupted.
    pub fn at(
        at: Time,
        mut take: impl FnMut(Time, Checkpoint) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        let take = move |at, saving: &mut Saving<'_>| take(at, saving.checkpoint());
        Self { next: at, every: None, take: Box::new(take) }
    }

    /// The same, and again whenever so much time has passed.
    #[must_use]
    pub fn every(self, every: Span) -> Self {
        Self { every: Some(Span(every.0.max(1))), ..self }
    }

    /// Only those that are [asked for](Asked) while the run goes on, to be written by `take`.
    pub fn when_asked(
        take: impl FnMut(Time, &mut Saving<'_>) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { next: Time::MAX, every: None, take: Box::new(take) }
    }

    /// Whether one is due when all before an instant has happened.
    pub(crate) fn is_due(&self, boundary: Time, asked: &Asked) -> bool {
        boundary >= self.next || asked.save.load(Ordering::Relaxed) || asked.is_last()
    }

    /// Hands one over; whether the run goes on.
    pub(crate) fn take(
        &mut self,
        boundary: Time,
        scenario: blake3::Hash,
        write: &mut dyn FnMut(&mut Pieces<'_>),
        asked: &Asked,
    ) -> bool {
        if boundary >= self.next {
            self.next = match self.every {
                None => Time(u64::MAX),
                Some(Span(every)) => {
                    let passed = (boundary.0 - self.next.0) / every;
                    Time(self.next.0.saturating_add((passed + 1).saturating_mul(every)))
                }
            };
        }
        let last = asked.is_last();
        let goes_on = (self.take)(boundary, &mut Saving { scenario, write }).is_continue();
        // Whoever asked while this one was taken has it.
        asked.save.store(false, Ordering::Relaxed);
        goes_on && !last
    }
}

/// Asks a running emulation for a checkpoint at its next boundary, whatever its virtual time: host time
/// and signals decide *when*, which changes nothing of what the run ends in.
///
/// Without [`Control::checkpoints`](crate::Control::checkpoints) nobody listens.
#[derive(Debug, Default)]
pub struct Asked {
    save: AtomicBool,
    last: AtomicBool,
}

impl Asked {
    /// Asks for one.
    pub fn save(&self) {
        self.save.store(true, Ordering::Relaxed);
    }

    /// Asks for one, after which the run ends as if it were interrupted; whether that was asked for before.
    pub fn save_and_end(&self) -> bool {
        self.last.swap(true, Ordering::Relaxed)
    }

    /// Whether the run ends after the next one.
    pub fn is_last(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").field("next", &self.next).field("every", &self.every).finish()
    }
}

/// The hash of all that decides a run: of its scenario without what changes no result, of the files that it
/// names, and of the names of what the protocol sends, says and measures.
pub(crate) fn identity<P: Protocol>(scenario: &Scenario) -> blake3::Hash {
    let CryptoSpec { verdicts, budget, .. } = CryptoSpec::default();
    let crypto = CryptoSpec { verdicts, budget, ..scenario.crypto.clone() };
    let (name, engine) = (String::new(), EngineOptions::default());
    let decisive = Scenario { name, engine, crypto, ..scenario.clone() };
    let mut text = decisive.to_toml();
    for Input { key, file } in &scenario.inputs {
        let content = file.content().map_or_else(String::new, |content| content.to_string());
        text.extend([key, "=", &content, "\n"]);
    }
    let metrics = P::Metric::ALL.iter().map(|metric| metric.name);
    for name in P::Message::KINDS.iter().chain(P::Output::KINDS).copied().chain(metrics) {
        text.extend([name, "\n"]);
    }
    text.push_str(&scenario.population().to_string());
    blake3::hash(text.as_bytes())
}

/// Refuses what could not be saved or continued.
pub(crate) fn check<P: Protocol>(job: &Job<'_, P>) -> Result<(), CheckpointError> {
    if job.control.checkpoints.is_none() && job.resume.is_none() {
        return Ok(());
    }
    if !P::SAVES_ALL {
        let problem =
            "what this protocol saves of its states is enough for the digest, and not all";
        return Err(CheckpointError::Unsaveable(problem.to_owned()));
    }
    if job.control.externals.is_some() {
        let problem = "programs outside play nodes, and what they remember is theirs";
        return Err(CheckpointError::Unsaveable(problem.to_owned()));
    }
    let adversary = job.scenario.values.adversary().unwrap_or("adversary");
    if let Some(node) = job.held.and_then(Held::first) {
        let problem =
            format!("{adversary} plays {node}, and what it remembers has no form as bytes");
        return Err(CheckpointError::Unsaveable(problem));
    }
    if job.scheduled {
        let problem = format!(
            "{adversary} decides when messages arrive, and what it remembers has no form as bytes"
        );
        return Err(CheckpointError::Unsaveable(problem));
    }
    Ok(())
}
