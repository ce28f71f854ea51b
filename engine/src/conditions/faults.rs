//! The fault timeline, compiled: for each kind of fault a short list of whom it strikes and when.
//!
//! Everything is a pure function of the instants and nodes asked about, so a fault needs no event
//! and strikes at the exact nanosecond, in the middle of any window.

use anthill_protocol::draw::{Purpose, below, draw, stream};
use anthill_protocol::{NodeId, Time};

use super::error::ConditionsError;
use super::links::Impairment;
use super::selection::{Members, Population};
use super::spec::{Direction, FaultKind, FaultSpec};

/// When a fault is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    at: u64,
    /// Exclusive.
    heal: u64,
    /// From one start to the next; 0: on from `at` to `heal`.
    period: u64,
    on: u64,
}

impl Active {
    fn new(spec: &FaultSpec) -> Self {
        let heal = spec.heal.map_or(u64::MAX, |heal| heal.0);
        let (period, on) = spec.flap.map_or((0, 0), |flap| (flap.period.0.max(1), flap.on.0));
        Self { at: spec.at.0, heal, period, on }
    }

    /// The first interval of the fault, shifted by `shift`, that ends after `time`.
    #[inline]
    pub(super) fn interval_after(&self, time: u64, shift: u64) -> Option<(u64, u64)> {
        if time >= self.heal {
            return None;
        }
        if self.period == 0 {
            return Some((self.at, self.heal));
        }
        let first = self.at.saturating_add(shift);
        let passed = time.saturating_sub(first) / self.period;
        let mut start = first.saturating_add(passed.saturating_mul(self.period));
        if start.saturating_add(self.on) <= time {
            start = start.saturating_add(self.period);
        }
        let end = start.saturating_add(self.on).min(self.heal);
        (start < end && end > time).then_some((start, end))
    }

    #[inline]
    fn is_on(&self, time: Time) -> bool {
        self.interval_after(time.0, 0).is_some_and(|(start, _)| start <= time.0)
    }

    /// Whether the fault is on at any moment from `from` to `to`, both included.
    #[inline]
    fn overlaps(&self, from: Time, to: Time) -> bool {
        self.interval_after(from.0, 0).is_some_and(|(start, _)| start <= to.0)
    }
}

#[derive(Clone, Debug)]
struct Cut {
    active: Active,
    side: Members,
    /// `None`: everyone else.
    others: Option<Members>,
    direction: Direction,
}

impl Cut {
    #[inline]
    fn separates(&self, from: NodeId, to: NodeId) -> bool {
        let crosses = |inside: NodeId, outside: NodeId| {
            // A struck node is on the struck side, whoever the others are.
            self.side.contains(inside)
                && !self.side.contains(outside)
                && self.others.as_ref().is_none_or(|others| others.contains(outside))
        };
        match self.direction {
            Direction::Both => crosses(from, to) || crosses(to, from),
            Direction::Outgoing => crosses(from, to),
            Direction::Incoming => crosses(to, from),
        }
    }
}

/// A fault on the messages of some nodes.
#[derive(Clone, Debug)]
struct OnMessages<T> {
    active: Active,
    who: Members,
    direction: Direction,
    effect: T,
}

impl<T> OnMessages<T> {
    #[inline]
    fn strikes(&self, from: NodeId, to: NodeId, sent: Time) -> bool {
        self.active.is_on(sent)
            && match self.direction {
                Direction::Both => self.who.contains(from) || self.who.contains(to),
                Direction::Outgoing => self.who.contains(from),
                Direction::Incoming => self.who.contains(to),
            }
    }
}

#[derive(Clone, Copy, Debug)]
struct Slower {
    by: u64,
    /// In 2⁻¹⁶.
    factor: u64,
}

#[derive(Clone, Debug)]
struct Throttle {
    active: Active,
    who: Members,
    /// Shares of the full rate, in 2⁻³².
    up: u64,
    down: u64,
}

#[derive(Clone, Debug)]
struct Crash {
    active: Active,
    who: Members,
    keep_state: bool,
    /// Greatest delay of a node's own start, and the stream that it is drawn from.
    stagger: u64,
    key: u64,
}

/// The full rate of a link, in the unit of throttles.
const FULL: u64 = 1 << 32;
/// Changes of pace within one transfer that are followed.
const MOST_CHANGES: u32 = 1_000;

/// One of a node's links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Up,
    Down,
}

/// How often a crash may come and go: each time is an event at every node that it strikes.
const MOST_FLAPS: u64 = 100_000;

impl Crash {
    /// How much later than the entry says it strikes a node.
    fn shift(&self, node: NodeId) -> u64 {
        below(draw(self.key, u64::from(node.0)), self.stagger.saturating_add(1))
    }
}

/// An entry of the timeline as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// What happens: `partition`, `crash`, `impair`, `delay`, `rate`.
    pub kind: &'static str,
    /// When it starts.
    pub at: Time,
    /// When it ends; `None`: never.
    pub heal: Option<Time>,
    /// Whether it comes and goes in between.
    pub flaps: bool,
    /// How many nodes it strikes.
    pub nodes: u32,
}

/// All faults of a scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub(super) timeline: Vec<TimelineEntry>,
    cuts: Vec<Cut>,
    impairments: Vec<OnMessages<Impairment>>,
    delays: Vec<OnMessages<Slower>>,
    throttles: Vec<Throttle>,
    crashes: Vec<Crash>,
}

impl Faults {
    pub(super) fn new(
        specs: &[FaultSpec],
        population: &Population<'_>,
    ) -> Result<Self, ConditionsError> {
        let mut faults = Self::default();
        for (i, spec) in specs.iter().enumerate() {
            let (field, index) = (format!("fault[{i}]"), 1 + i as u64);
            let who = population.select(&spec.who, &field, index)?;
            faults.timeline.push(TimelineEntry {
                kind: match spec.kind {
                    FaultKind::Partition { .. } => "partition",
                    FaultKind::Crash { .. } => "crash",
                    FaultKind::Impair { .. } => "impair",
                    FaultKind::Delay { .. } => "delay",
                    FaultKind::Rate { .. } => "rate",
                },
                at: spec.at,
                heal: spec.heal,
                flaps: spec.flap.is_some(),
                nodes: who.count(),
            });
            faults.add(spec, who, population, &field, index)?;
        }
        Ok(faults)
    }

    fn add(
        &mut self,
        spec: &FaultSpec,
        who: Members,
        population: &Population<'_>,
        field: &str,
        index: u64,
    ) -> Result<(), ConditionsError> {
        let active = Active::new(spec);
        match &spec.kind {
            FaultKind::Partition { others, direction } => {
                let others = others
                    .as_ref()
                    .map(|o| population.select(o, &format!("{field}.others"), index | 1 << 31))
                    .transpose()?;
                if others.is_none() && who.count() == population.nodes {
                    let problem = "strikes every node, so that nobody is on the other side";
                    return Err(ConditionsError::at(field, problem));
                }
                if others.as_ref().is_some_and(|others| others.is_within(&who)) {
                    let problem = "leaves nobody on the other side: `others` are all struck";
                    return Err(ConditionsError::at(field, problem));
                }
                let direction = *direction;
                self.cuts.push(Cut { active, side: who, others, direction });
            }
            FaultKind::Crash { keep_state } => {
                let lasts = active.heal.min(population.until.0).saturating_sub(active.at);
                if active.period > 0 && lasts / active.period > MOST_FLAPS {
                    let times = lasts / active.period;
                    let problem = format!(
                        "comes and goes {times} times, above {MOST_FLAPS}: raise `every`, or let \
                         it heal earlier"
                    );
                    return Err(ConditionsError::at(field, problem));
                }
                self.crashes.push(Crash {
                    active,
                    who,
                    keep_state: *keep_state,
                    stagger: spec.flap.map_or(0, |flap| flap.stagger.0),
                    key: stream(population.seed, Purpose::Churn, NodeId(u32::MAX - index as u32)),
                });
            }
            FaultKind::Impair { impairments, direction } => {
                let effect = Impairment::new(impairments);
                self.impairments.push(OnMessages { active, who, direction: *direction, effect });
            }
            FaultKind::Delay { by, factor, direction } => {
                let factor = libm::round(factor * 65_536.0) as u64;
                let effect = Slower { by: by.0, factor };
                self.delays.push(OnMessages { active, who, direction: *direction, effect });
            }
            FaultKind::Rate { up, down } => {
                let share = |factor: f64| libm::round(factor * 4_294_967_296.0) as u64;
                self.throttles.push(Throttle { active, who, up: share(*up), down: share(*down) });
            }
        }
        Ok(())
    }

    /// Whether a partition is between two nodes at any moment from `sent` to `arrival`.
    #[inline]
    pub(crate) fn cut(&self, from: NodeId, to: NodeId, sent: Time, arrival: Time) -> bool {
        self.cuts.iter().any(|cut| cut.active.overlaps(sent, arrival) && cut.separates(from, to))
    }

    /// What impairs a message, with a number for each that separates its draws from others'.
    #[inline]
    pub(crate) fn impairments(
        &self,
        from: NodeId,
        to: NodeId,
        sent: Time,
    ) -> impl Iterator<Item = (u64, &Impairment)> {
        self.impairments
            .iter()
            .enumerate()
            .filter(move |(_, fault)| fault.strikes(from, to, sent))
            .map(|(i, fault)| (i as u64, &fault.effect))
    }

    /// A delay in ns as faults lengthen it.
    #[inline]
    pub(crate) fn lengthen(&self, from: NodeId, to: NodeId, sent: Time, delay: u64) -> u64 {
        self.delays.iter().filter(|fault| fault.strikes(from, to, sent)).fold(delay, |sum, f| {
            let longer = (u128::from(sum) * u128::from(f.effect.factor)) >> 16;
            u64::try_from(longer).unwrap_or(u64::MAX).saturating_add(f.effect.by)
        })
    }

    /// When a transfer over a node's link is through that begins at `start` and would take `ns` at
    /// the full rate: faults that come or go on the way change its pace.
    #[inline]
    pub(crate) fn transfer_end(&self, node: NodeId, link: Link, start: u64, ns: u64) -> u64 {
        if self.throttles.is_empty() {
            return start.saturating_add(ns);
        }
        self.throttled_end(node, link, start, ns)
    }

    fn throttled_end(&self, node: NodeId, link: Link, start: u64, ns: u64) -> u64 {
        let (mut now, mut left) = (start, ns);
        for _ in 0..MOST_CHANGES {
            let (mut share, mut change) = (FULL, u64::MAX);
            for throttle in self.throttles.iter().filter(|t| t.who.contains(node)) {
                let Some((on, off)) = throttle.active.interval_after(now, 0) else { continue };
                if on <= now {
                    share = share.min(if link == Link::Up { throttle.up } else { throttle.down });
                    change = change.min(off);
                } else {
                    change = change.min(on);
                }
            }
            let takes = (u128::from(left) * u128::from(FULL)).div_ceil(u128::from(share.max(1)));
            let end = u128::from(now) + takes;
            if end <= u128::from(change) {
                return u64::try_from(end).unwrap_or(u64::MAX);
            }
            let done = (u128::from(change - now) * u128::from(share)) / u128::from(FULL);
            left -= (done as u64).min(left);
            now = change;
        }
        // A link that flaps faster than it passes messages goes on at its full rate.
        now.saturating_add(left)
    }

    /// Whether any crash is scheduled.
    pub(super) fn has_crashes(&self) -> bool {
        !self.crashes.is_empty()
    }

    /// The first downtime of a node through crashes that ends after `time`: start and end
    /// (exclusive).
    pub(super) fn downtime_after(&self, node: NodeId, time: u64) -> Option<(u64, u64)> {
        let struck = self.crashes.iter().filter(|crash| crash.who.contains(node));
        struck.filter_map(|crash| crash.active.interval_after(time, crash.shift(node))).min()
    }

    /// Whether a node loses its state through a crash at any moment of `start..end`.
    pub(super) fn wipes(&self, node: NodeId, start: u64, end: u64) -> bool {
        self.crashes.iter().any(|crash| {
            !crash.keep_state
                && crash.who.contains(node)
                && crash
                    .active
                    .interval_after(start, crash.shift(node))
                    .is_some_and(|(from, _)| from < end)
        })
    }

    /// Whom each crash strikes.
    #[cfg(test)]
    pub(super) fn crashed(&self) -> Vec<&Members> {
        self.crashes.iter().map(|crash| &crash.who).collect()
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        let cuts = self.cuts.iter().map(|cut| {
            cut.side.memory_bytes() + cut.others.as_ref().map_or(0, Members::memory_bytes)
        });
        let messages = self.impairments.iter().map(|fault| &fault.who);
        let delays = self.delays.iter().map(|fault| &fault.who);
        let throttles = self.throttles.iter().map(|fault| &fault.who);
        let crashes = self.crashes.iter().map(|fault| &fault.who);
        let others = messages.chain(delays).chain(throttles).chain(crashes);
        cuts.sum::<u64>() + others.map(Members::memory_bytes).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_fault_is_on_at_the_start_of_every_period_until_it_heals() {
        let flap = Active { at: 100, heal: 165, period: 20, on: 5 };
        let on: Vec<u64> = (0..300).filter(|t| flap.is_on(Time(*t))).collect();
        let expected: Vec<u64> = [100, 120, 140, 160].iter().flat_map(|s| *s..s + 5).collect();
        assert_eq!(on, expected);
        assert!(flap.overlaps(Time(0), Time(100)));
        assert!(!flap.overlaps(Time(0), Time(99)));
        assert!(!flap.overlaps(Time(105), Time(119)));
        assert!(flap.overlaps(Time(105), Time(120)));
        assert!(flap.overlaps(Time(104), Time(104)));
        assert!(!flap.overlaps(Time(165), Time(1_000)));
    }

    #[test]
    fn a_lasting_fault_is_one_interval() {
        let lasting = Active { at: 10, heal: u64::MAX, period: 0, on: 0 };
        assert_eq!(lasting.interval_after(0, 0), Some((10, u64::MAX)));
        assert!(!lasting.is_on(Time(9)) && lasting.is_on(Time(10)));
        let healed = Active { heal: 20, ..lasting };
        assert!(healed.is_on(Time(19)) && !healed.is_on(Time(20)));
        assert_eq!(healed.interval_after(20, 0), None);
    }

    #[test]
    fn staggered_starts_shift_every_interval() {
        let flap = Active { at: 0, heal: 1_000, period: 100, on: 10 };
        assert_eq!(flap.interval_after(0, 30), Some((30, 40)));
        assert_eq!(flap.interval_after(40, 30), Some((130, 140)));
        assert_eq!(flap.interval_after(939, 30), Some((930, 940)));
        assert_eq!(flap.interval_after(940, 30), None, "the next would start after it healed");
    }
}
