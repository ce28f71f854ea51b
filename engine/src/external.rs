//! Nodes that programs outside the emulation play.
//!
//! Between two windows the leader, or the oracle, hands over what the last ones told the programs, and takes what they
//! have written since ([`Externals::hear`]). A line becomes an event of its node: its instant is the one that
//! it was given, its number that of the line among those of its node. So a run is a function of its scenario
//! and these lines, whoever gives them: programs ([`Externals`] decides how long to wait for them), or the
//! recording of an earlier run.
//!
//! Invariant: a line never lies before the first instant that may still change, and no line of a window comes once
//! that window runs.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anthill_protocol::{NodeId, Protocol, Time};

use crate::event::Payload;
use crate::host::Sink;
use crate::mode::{Mode, Restart as _, Stamp as _, Stamped, StampedOf};
use crate::run::{Job, RunError};
use crate::schedule::Boundary;

/// The programs of a run, or what stands for them. Asked between windows, by one thread at a time.
pub trait Externals: Debug + Send {
    /// A run begins: the nodes that they play.
    fn begin(&mut self) -> Vec<NodeId>;

    /// The program of a node is told a line, at an instant of a window that is over. Must not block.
    fn tell(&mut self, time: Time, node: NodeId, line: &str);

    /// What they have written, or that nothing more is to be waited for. Waits for a tenth of a second at most.
    fn hear(&mut self, gap: Gap) -> Heard;

    /// How they did; `None` of a recording.
    fn report(&self) -> Option<ExternalReport> {
        None
    }
}

/// How the programs of a run did, and how the run kept their pace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExternalReport {
    /// Seconds of virtual time to a second.
    pub pace: f64,
    /// How late a window began at most, in ns of real time, and the instant of that window.
    pub lag_ns: (u64, Time),
    /// Windows that began later than they should have by more than a tenth of a second.
    pub late_windows: u64,
    /// By node.
    pub programs: Vec<ProgramReport>,
}

/// How a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramReport {
    /// The node that it plays.
    pub node: NodeId,
    /// As it was started, or where it was reached.
    pub command: String,
    /// Lines that it wrote and its node heard.
    pub lines_in: u64,
    /// Lines that it was told.
    pub lines_out: u64,
    /// What went wrong, how often.
    pub faults: Vec<(&'static str, u64)>,
    /// How it ended, if it did before the run.
    pub end: Option<String>,
    /// The last it wrote to stderr, if it ended.
    pub stderr: Vec<String>,
}

/// The time between two windows, in which lines may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first instant that may still change.
    pub from: Time,
    /// Where the next window with events begins; where nothing is pending, the end of the run.
    pub next: Time,
    /// Where that window ends: lines before this instant have to be heard now.
    pub end: Time,
    /// Nothing happens from here on.
    pub until: Time,
}

/// What [`Externals::hear`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next window may run.
    Due,
    /// Lines, each at or after [`Gap::from`] and those of one node in the order of their instants.
    Lines(Vec<Line>),
    /// Nothing yet.
    Waiting,
}

/// What a program wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When its node hears it.
    pub time: Time,
    /// The node that the program plays.
    pub node: NodeId,
    /// Without its end.
    pub text: String,
}

/// The number of a node's first line: nodes do not get there with what they cause by themselves.
const FIRST_LINE: u32 = 1 << 31;

/// The programs of a run, and their lines that are on their way to a handler.
#[derive(Debug)]
pub(crate) struct Outside<'a> {
    externals: &'a Mutex<Box<dyn Externals>>,
    /// In order.
    nodes: Vec<NodeId>,
    /// By place in `nodes`. Locked while a node's event is handled, by the thread that owns the node.
    lines: Vec<Mutex<Lines>>,
}

/// The lines of a node, without those that it has heard.
#[derive(Debug, Default)]
struct Lines {
    texts: Vec<Option<String>>,
}

/// A line as an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineEvent {
    time: Time,
    node: NodeId,
    number: u32,
}

/// What to do between two windows.
#[derive(Debug)]
pub(crate) enum Then {
    GoOn,
    File(Vec<LineEvent>),
    Wait,
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Outside<'a> {
    /// `None` if no program plays a node.
    pub(crate) fn of<P: Protocol>(job: &Job<'a, P>) -> Result<Option<Self>, RunError> {
        let Some(externals) = &job.control.externals else { return Ok(None) };
        let refused = |problem: &str| Err(RunError::External(problem.to_owned()));
        if !P::HAS_PROGRAMS {
            return refused("no program can play a node of this protocol: it has no lines");
        }
        if job.control.checkpoints.is_some() || job.resume.is_some() {
            return refused("a run with programs cannot be saved and continued: repeat it");
        }
        let mut nodes = locked(externals).begin();
        nodes.sort();
        nodes.dedup();
        match nodes.last() {
            None => Ok(None),
            Some(last) if last.0 >= job.scenario.nodes => {
                let count = job.scenario.nodes;
                refused(&format!(
                    "a program cannot play {last}: there are nodes 0 to {}",
                    count - 1
                ))
            }
            Some(_) => {
                let lines = nodes.iter().map(|_| Mutex::default()).collect();
                Ok(Some(Self { externals, nodes, lines }))
            }
        }
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }

    /// Whether a program plays a node.
    pub(crate) fn plays(&self, node: NodeId) -> bool {
        self.place(node).is_some()
    }

    /// Whether an event of a node, by its number, is a line.
    pub(crate) fn is_line(&self, node: NodeId, number: u32) -> bool {
        let wrote = |place: usize| locked(&self.lines[place]).texts.len() as u32;
        let at = number.checked_sub(FIRST_LINE);
        at.zip(self.place(node)).is_some_and(|(at, place)| at < wrote(place))
    }

    /// Takes the line that an event stands for.
    pub(crate) fn take(&self, node: NodeId, number: u32) -> Option<String> {
        let place = self.place(node)?;
        let at = number.checked_sub(FIRST_LINE)? as usize;
        locked(&self.lines[place]).texts.get_mut(at)?.take()
    }

    pub(crate) fn tell(&self, time: Time, node: NodeId, line: &str) {
        locked(self.externals).tell(time, node, line);
    }

    pub(crate) fn report(&self) -> Option<ExternalReport> {
        locked(self.externals).report()
    }

    /// What to do after the windows before a boundary.
    pub(crate) fn wait(&self, boundary: &Boundary, until: Time) -> Then {
        let start_of = |window: u64| Time(window.saturating_mul(1 << boundary.shift)).min(until);
        let from = start_of(boundary.first);
        if from >= until {
            return Then::GoOn;
        }
        let next = boundary.next.map_or(until, start_of);
        let end = boundary.next.map_or(until, |next| start_of(next.saturating_add(1)));
        match locked(self.externals).hear(Gap { from, next, end, until }) {
            Heard::Due => Then::GoOn,
            Heard::Waiting => Then::Wait,
            Heard::Lines(lines) => Then::File(
                lines.into_iter().filter_map(|line| self.note(line, from, until)).collect(),
            ),
        }
    }

    /// Keeps a line for its event; `None`: it comes too late, or of a node that no program plays.
    fn note(&self, line: Line, from: Time, until: Time) -> Option<LineEvent> {
        let place = self.place(line.node)?;
        let time = line.time.max(from);
        let mut lines = locked(&self.lines[place]);
        if time >= until || lines.texts.len() >= FIRST_LINE as usize {
            return None;
        }
        lines.texts.push(Some(line.text));
        let number = FIRST_LINE + (lines.texts.len() - 1) as u32;
        Some(LineEvent { time, node: line.node, number })
    }
}

impl LineEvent {
    /// Files the event.
    pub(crate) fn file<P: Protocol, M: Mode>(self, sink: &mut impl Sink<StampedOf<P, M>>) {
        if let Some(event) = M::Restart::EVENT {
            let load = Stamped { stamp: M::Stamp::new(self.time), payload: Payload::Wake(event) };
            sink.own(self.time, self.node, self.number, load);
        }
    }
}
