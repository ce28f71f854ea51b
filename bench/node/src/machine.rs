//! What a node is to its host: a machine that takes events as bytes and gives effects as bytes.
//!
//! No sockets, no clock, no threads: the host says when an event happens. The same events at the same
//! instants give the same states and effects, which is how a node comes back after it was killed: it is
//! given its events again, and nothing is sent.

use std::sync::Arc;

use anthill_protocol::{Snapshot, SnapshotError, Time};
use thiserror::Error;

/// Something that happens to the nodes of a process, in the form in which it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Event {
    /// They come up for the first time.
    Start,
    /// A message arrives, its zeros counted.
    Message {
        /// The node that sent it.
        from: u32,
        /// The node that it is for.
        to: u32,
        /// Its wire form.
        bytes: Vec<u8>,
    },
    /// What was due has come: a timer, or a message to oneself, by the number that it was given.
    Due {
        /// The number.
        number: u64,
    },
    /// Somebody outside asks for something.
    Request {
        /// In the protocol's form.
        bytes: Vec<u8>,
    },
    /// The process has started again.
    Restart,
}

/// A message to another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The node that sends.
    pub from: u32,
    /// The node that it is for.
    pub to: u32,
    /// Its wire form, its zeros counted.
    pub bytes: Arc<[u8]>,
    /// The bodies that it names.
    pub bodies: Arc<[u64]>,
    /// The index of its kind.
    pub kind: usize,
}

/// What a node has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// When.
    pub at: Time,
    /// Which node.
    pub node: u32,
    /// To read.
    pub text: String,
    /// Its wire form.
    pub bytes: Vec<u8>,
}

impl Snapshot for Remark {
    fn save(&self, out: &mut Vec<u8>) {
        (self.at, self.node).save(out);
        (self.text.clone().into_bytes(), self.bytes.clone()).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let (at, node) = Snapshot::load(bytes)?;
        let (text, bytes) = <(Vec<u8>, Vec<u8>)>::load(bytes)?;
        let text =
            String::from_utf8(text).map_err(|_| SnapshotError("a remark that is no text"))?;
        Ok(Self { at, node, text, bytes })
    }
}

/// What an event makes the nodes do.
#[derive(Debug, Default)]
pub struct Effects {
    /// Messages, in order.
    pub messages: Vec<Outgoing>,
    /// Remarks, in order.
    pub remarks: Vec<Remark>,
    /// Values of metrics: the index and the value.
    pub records: Vec<(usize, u64)>,
    /// The answer to a request: JSON, or why not.
    pub answer: Option<Result<String, String>>,
}

/// A body as it travels and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Parcel {
    /// Whether it is named by its fingerprint; else by the hash of its bytes.
    pub interned: bool,
    /// Its saved form.
    pub bytes: Vec<u8>,
}

/// Bytes from outside that are nothing a node would have sent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("malformed: {0}")]
pub struct Malformed(pub &'static str);

/// A metric, for who reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub about: &'static str,
    /// Whether values are times of which the distribution matters.
    pub is_latency: bool,
    /// Whether the greatest value counts, and not the sum.
    pub is_max: bool,
}

/// The nodes of one process.
pub trait Machine: Send {
    /// How many nodes the network has, with those that are nobody's.
    fn population(&self) -> u32;

    /// The process that runs a node; `None`: nobody does.
    fn process_of(&self, node: u32) -> Option<u32>;

    /// Handles an event, at an instant not before the last one.
    ///
    /// # Errors
    /// If it is malformed, or names bodies that are not here; then nothing has happened.
    fn handle(&mut self, event: &Event, now: Time) -> Result<Effects, Malformed>;

    /// The next thing that is due: when, and its number.
    fn next_due(&self) -> Option<(Time, u64)>;

    /// The bodies that a message names and that are not here.
    ///
    /// # Errors
    /// If it is no message between such nodes.
    fn missing(&self, from: u32, to: u32, bytes: &[u8]) -> Result<Vec<u64>, Malformed>;

    /// The name of a body from outside, and the parts that are not here.
    ///
    /// # Errors
    /// If it is none.
    fn inspect(&self, parcel: &Parcel) -> Result<(u64, Vec<u64>), Malformed>;

    /// Whether a body is here.
    fn has(&self, body: u64) -> bool;

    /// Takes in a body whose parts are here.
    ///
    /// # Errors
    /// If they are not, or another body has its name.
    fn put(&mut self, parcel: &Parcel, now: Time) -> Result<(), Malformed>;

    /// Forgets bodies that nothing has needed for some time. Not while events are handled again: a later one
    /// may name them.
    fn sweep(&mut self, now: Time);

    /// A body that is here, with its parts, and its number in the order of arrival.
    fn body(&self, body: u64) -> Option<(Parcel, &[u64], u64)>;

    /// How many bodies have come so far.
    fn bodies_made(&self) -> u64;

    /// How many bodies are here.
    fn bodies_kept(&self) -> usize;

    /// The names of the bodies that came, and of those that left, since this was asked last.
    fn changes(&mut self) -> (Vec<u64>, Vec<u64>);

    /// All but the bodies, as bytes; `None`: the protocol cannot save what it is.
    fn save(&self) -> Option<Vec<u8>>;

    /// Undoes [`Machine::save`], in a machine with the same bodies that has done nothing yet.
    ///
    /// # Errors
    /// If the bytes are nothing that it would save.
    fn load(&mut self, bytes: &[u8]) -> Result<(), Malformed>;

    /// What a node knows of something, in JSON.
    fn query(&self, path: &str) -> Option<String>;

    /// What is measured.
    fn meters(&self) -> Vec<Meter>;

    /// The names of the kinds of messages.
    fn kinds(&self) -> &'static [&'static str];

    /// Checks what all nodes of a network have said against the protocol's judges: one line a judge, and
    /// whether it holds. Remarks are in the order of time; `since` is how long it took.
    fn judge(&self, remarks: &[Remark], since: Time) -> Vec<(String, bool)>;
}
