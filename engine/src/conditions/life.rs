//! When nodes are up: sessions and downtimes, crashes, and downtimes from a file, as one.
//!
//! A node's next downtime is always known in advance, because an event is not handled if the node
//! goes down before it can serve it. It is found anew whenever the node comes up: a fresh session
//! is drawn then (churn is a renewal process that a crash restarts), and whichever source takes the
//! node down first decides. While some source holds the node down, it stays down.
//!
//! Sessions are drawn with floats and `libm`, once per restart, from counter-based draws: the same
//! on every machine.

use anthill_protocol::draw::{Purpose, Streams, draw, threshold};
use anthill_protocol::{NodeId, Time};

use super::distribution::Lengths;
use super::error::ConditionsError;
use super::faults::Faults;
use super::spec::{ChurnSpec, ChurnTimes};
use super::trace::DownTrace;

/// A downtime: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Downtime {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Whether the node keeps its state through it.
    pub(crate) keeps_state: bool,
}

/// What takes nodes down, faults apart.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    churn: Option<Churn>,
    /// With whether nodes keep their state through it.
    trace: Option<(DownTrace, bool)>,
}

#[derive(Clone, Debug)]
struct Churn {
    streams: Streams,
    /// Nodes whose draw is below this churn.
    share: u64,
    sessions: Lengths,
    downtimes: Lengths,
    keep_state: bool,
    /// Share of the nodes up at the start, as a threshold; `None`: all.
    up_at_start: Option<u64>,
}

impl Life {
    /// `None` if no node ever goes down.
    pub(super) fn new(
        spec: Option<&ChurnSpec>,
        faults: Option<&Faults>,
        nodes: u32,
        seed: u64,
        until: Time,
    ) -> Result<Option<Self>, ConditionsError> {
        let Some(spec) = spec else {
            let ideal = Self { churn: None, trace: None };
            return Ok(faults.is_some_and(Faults::has_crashes).then_some(ideal));
        };
        let (sessions, downtimes) = match &spec.times {
            ChurnTimes::Trace(path) => {
                let trace = Some((DownTrace::open(path, nodes, until)?, spec.keep_state));
                return Ok(Some(Self { churn: None, trace }));
            }
            ChurnTimes::Exponential { session, downtime } => {
                (Lengths::weibull(*session, 1.0)?, Lengths::weibull(*downtime, 1.0)?)
            }
            ChurnTimes::Weibull { session, session_shape, downtime, downtime_shape } => (
                Lengths::weibull(*session, *session_shape)?,
                Lengths::weibull(*downtime, *downtime_shape)?,
            ),
        };
        let available = sessions.mean_ns() / (sessions.mean_ns() + downtimes.mean_ns());
        let churn = Churn {
            streams: Streams::new(seed, Purpose::Churn),
            share: threshold(spec.share),
            sessions,
            downtimes,
            keep_state: spec.keep_state,
            up_at_start: spec.stationary.then(|| threshold(available)),
        };
        Ok(Some(Self { churn: Some(churn), trace: None }))
    }

    /// The downtime of a node that comes up, or is up at the start, at `time`: the first one from
    /// then on. At the start it may begin at once. `session` numbers the node's sessions from 0; what
    /// comes from `until` on does not matter.
    pub(crate) fn next_downtime(
        &self,
        faults: Option<&Faults>,
        node: NodeId,
        time: Time,
        session: u32,
        until: Time,
    ) -> Option<Downtime> {
        let churn = self.churn.as_ref().and_then(|churn| churn.downtime(node, time.0, session));
        let given = self.given_downtime(faults, node, time.0);
        let given = given.map(|(start, end)| Downtime { start, end, keeps_state: true });
        let first = [churn, given].into_iter().flatten().min_by_key(|downtime| downtime.start)?;
        let Downtime { start, mut end, mut keeps_state } = first;
        // A node stays down while any cause holds it down.
        while end < until.0
            && let Some((from, to)) = self.given_downtime(faults, node, end)
            && from <= end
        {
            end = to;
        }
        // One that takes the state within the whole is enough.
        keeps_state &= !faults.is_some_and(|faults| faults.wipes(node, start, end));
        keeps_state &= !self.trace_wipes(node, start, end);
        Some(Downtime { start, end, keeps_state })
    }

    /// Start and end of the first downtime that ends after `time` and does not depend on draws of
    /// sessions.
    fn given_downtime(
        &self,
        faults: Option<&Faults>,
        node: NodeId,
        time: u64,
    ) -> Option<(u64, u64)> {
        let crash = faults.and_then(|faults| faults.downtime_after(node, time));
        let traced = self.trace.as_ref().and_then(|(trace, _)| trace.downtime_after(node, time));
        crash.into_iter().chain(traced).min()
    }

    /// Whether a node loses its state through the file at any moment of `start..end`.
    fn trace_wipes(&self, node: NodeId, start: u64, end: u64) -> bool {
        self.trace.as_ref().is_some_and(|(trace, keeps_state)| {
            !keeps_state && trace.downtime_after(node, start).is_some_and(|(from, _)| from < end)
        })
    }

    /// What is to be said of the file of downtimes.
    pub(super) fn notes(&self) -> &[String] {
        self.trace.as_ref().map_or(&[], |(trace, _)| &trace.notes)
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        let lengths =
            |churn: &Churn| churn.sessions.memory_bytes() + churn.downtimes.memory_bytes();
        self.churn.as_ref().map_or(0, lengths)
            + self.trace.as_ref().map_or(0, |(trace, _)| trace.memory_bytes())
    }
}

impl Churn {
    fn downtime(&self, node: NodeId, time: u64, session: u32) -> Option<Downtime> {
        let key = self.streams.of(node);
        // Draw 0 says whether the node churns, 1 whether it is up at the start; sessions follow.
        if draw(key, 0) >= self.share && self.share != u64::MAX {
            return None;
        }
        let bits = |which: u64| draw(key, 2 + 2 * u64::from(session) + which);
        let (session_ns, downtime_ns) = match self.up_at_start {
            Some(up) if session == 0 && draw(key, 1) >= up => (0, self.downtimes.residual(bits(1))),
            Some(_) if session == 0 => {
                (self.sessions.residual(bits(0)).max(1), self.downtimes.length(bits(1)))
            }
            _ => (self.sessions.length(bits(0)).max(1), self.downtimes.length(bits(1))),
        };
        let start = time.saturating_add(session_ns);
        let end = start.saturating_add(downtime_ns.max(1));
        Some(Downtime { start, end, keeps_state: self.keep_state })
    }
}
