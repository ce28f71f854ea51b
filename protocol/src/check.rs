//! Measured beside expected: what a protocol knows about how its run should have gone.

use crate::{NodeId, Span, Time, Totals};

/// The facts of a finished run that a check may use.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Number of nodes.
    pub nodes: u32,
    /// Events with time below this ran.
    pub until: Time,
    /// The instant of the last event handled.
    pub last_event: Time,
    /// Whether nothing was left to do before `until`.
    pub quiescent: bool,
    /// The kind of topology as the scenario names it.
    pub topology: &'static str,
    /// Directed edges of the topology (the sum of all degrees); `nodes * (nodes - 1)` if complete.
    pub edges: u64,
    /// Whether a node may have a neighbour that does not have it.
    pub directed: bool,
    /// The delay of a message between distinct nodes if it is `floor + Exp(mean)`.
    pub exponential_delay: Option<(Span, Span)>,
    /// Whether the scenario does more to messages and nodes than delay messages: rates, losses,
    /// crashes, partitions, adversaries. Expectations that hold on an undisturbed network then do
    /// not bind.
    pub disturbed: bool,
    /// Whether an adversary holds nodes: one of the scenario's generic kinds, which also disturbs,
    /// or one of the protocol's own, which alone does not.
    pub adversary: bool,
    /// The counters.
    pub totals: Totals,
    /// The invariants that events violated, and how many events.
    pub violations: Vec<(&'static str, u64)>,
    /// What the protocol asked about the network ([`crate::Configure::asks`]).
    pub answers: Answers,
}

/// What a protocol's checks have to know of the network beside the facts of every run; found only if
/// it is asked for, because it takes a walk over the graph or a sample of delays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// What can be reached from this node.
    pub reach_of: Option<NodeId>,
    /// How long a request and its answer take.
    pub round_trips: bool,
}

/// The answers to [`Questions`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// What can be reached; `None` if that was not asked.
    pub reach: Option<Reach>,
    /// Round trips between random pairs of nodes, shortest first; empty if they were not asked for,
    /// or there is only one node.
    pub round_trips: Box<[Span]>,
}

/// What can be reached from a node along the edges of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// So many nodes, the first one included.
    pub nodes: u64,
    /// The edges that leave them.
    pub edges: u64,
    /// Of the nodes but the first: how many have an edge back to the one from which they were reached,
    /// the least and the most. That depends on the way if a node can be reached over several edges, of
    /// which not all lead back.
    pub back: (u64, u64),
}

impl Answers {
    /// The share of the sampled round trips that are longer than a time.
    pub fn longer_than(&self, time: Span) -> f64 {
        let count = self.round_trips.len();
        let longer = count - self.round_trips.partition_point(|round_trip| *round_trip <= time);
        longer as f64 / count.max(1) as f64
    }

    /// The longest round trip sampled; zero without a sample.
    pub fn longest(&self) -> Span {
        self.round_trips.last().copied().unwrap_or(Span::ZERO)
    }
}

/// One comparison of a measured with an expected figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is compared.
    pub name: &'static str,
    /// Under which conditions the expectation holds.
    pub bound: &'static str,
    /// False only when the expectation is excluded: an exact one by any difference, a statistical
    /// one at p < 1e-6.
    pub ok: bool,
    /// Whether a violation is what this scenario is about (faults beyond the bound).
    pub expected_violation: bool,
    /// The measured figure.
    pub measured: f64,
    /// The expected figure.
    pub expected: f64,
    /// The 95 % interval of the expectation; both ends equal it when exact.
    pub interval: (f64, f64),
    /// Why nothing can be said, if so: the run ended before a deadline, for one.
    pub not_judged: Option<String>,
}

impl Check {
    /// The same as an expectation of honest nodes on an undisturbed network: otherwise a violation
    /// is a measurement.
    #[must_use]
    pub fn if_undisturbed(self, facts: &RunFacts) -> Self {
        let expected_violation = self.expected_violation || facts.disturbed || facts.adversary;
        Self { expected_violation, ..self }
    }

    /// The same as an expectation under a condition of the scenario: where it is not met, a violation
    /// is a measurement.
    #[must_use]
    pub fn only_if(self, condition: bool) -> Self {
        Self { expected_violation: self.expected_violation || !condition, ..self }
    }

    /// A figure that must be met exactly.
    pub fn exact(name: &'static str, bound: &'static str, measured: f64, expected: f64) -> Self {
        Self {
            name,
            bound,
            ok: measured == expected,
            expected_violation: false,
            measured,
            expected,
            interval: (expected, expected),
            not_judged: None,
        }
    }

    /// A figure that is normal around `expected` with standard deviation `sd`: fails beyond 4.9
    /// standard deviations (two-sided p < 1e-6).
    pub fn normal(
        name: &'static str,
        bound: &'static str,
        measured: f64,
        expected: f64,
        sd: f64,
    ) -> Self {
        Self {
            name,
            bound,
            ok: (measured - expected).abs() <= 4.9 * sd,
            expected_violation: false,
            measured,
            expected,
            interval: (expected - 1.96 * sd, expected + 1.96 * sd),
            not_judged: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(disturbed: bool, adversary: bool) -> RunFacts {
        RunFacts {
            nodes: 10,
            until: Time(1),
            last_event: Time(0),
            quiescent: true,
            topology: "complete",
            edges: 90,
            directed: false,
            answers: Answers::default(),
            exponential_delay: None,
            disturbed,
            adversary,
            totals: Totals::default(),
            violations: Vec::new(),
        }
    }

    #[test]
    fn an_exact_figure_is_met_exactly() {
        for (measured, ok) in [(5.0, true), (4.999_999, false), (5.000_001, false)] {
            let check = Check::exact("a", "b", measured, 5.0);
            assert_eq!((check.name, check.bound, check.ok), ("a", "b", ok));
            assert_eq!((check.measured, check.expected), (measured, 5.0));
            assert_eq!((check.interval, check.expected_violation), ((5.0, 5.0), false));
        }
    }

    #[test]
    fn a_normal_figure_is_within_four_point_nine_deviations() {
        for (measured, ok) in
            [(10.0, true), (19.8, true), (0.2, true), (19.81, false), (0.19, false), (-3.0, false)]
        {
            let check = Check::normal("a", "b", measured, 10.0, 2.0);
            assert_eq!((check.ok, check.expected_violation), (ok, false), "{measured}");
            assert_eq!((check.measured, check.expected), (measured, 10.0));
            assert!(
                (check.interval.0 - 6.08).abs() < 1e-9 && (check.interval.1 - 13.92).abs() < 1e-9
            );
        }
    }

    #[test]
    fn a_disturbed_run_measures() {
        for (disturbed, adversary, expected) in
            [(false, false, false), (true, false, true), (false, true, true), (true, true, true)]
        {
            let check =
                Check::exact("a", "b", 1.0, 2.0).if_undisturbed(&facts(disturbed, adversary));
            assert_eq!((check.ok, check.expected_violation), (false, expected));
        }
        let known = Check { expected_violation: true, ..Check::exact("a", "b", 1.0, 2.0) };
        assert!(known.if_undisturbed(&facts(false, false)).expected_violation);
    }
}
