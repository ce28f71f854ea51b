//! Timers alone: what it costs to wait.
//!
//! Every node sets one `long` timer and keeps a `short` one going `repeats` times; nobody sends.
//! Long timeouts over short windows are what a calendar with a flat overflow does badly (4,210 ns an
//! event were measured for one-second timeouts over 1 ms windows), and idle time is what it should
//! do for nothing. Each wait is up to a fifth longer than stated, drawn per node, so that a million
//! timers do not fall on one instant.

use crate::parameter::{Parameter, ParameterError, Values};
use crate::phold::Token;
use crate::{
    Check, Configure, Context, Metric, NodeId, Parameters, Protocol, RunFacts, Snapshot, Span,
};

/// The parameters of a timers run.
#[derive(Clone, Debug, Parameters)]
pub struct Timers {
    /// Wait of the timer that is set again.
    #[param(default = Span::from_secs(5))]
    short: Span,
    /// Wait of the timer that is set once.
    #[param(default = Span::from_secs(30 * 86_400))]
    long: Span,
    /// How often the short timer fires.
    #[param(default = 10, range = 0..=1_000_000_000)]
    repeats: u32,
}

/// Which timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Alarm {
    /// The one that is set again.
    Short,
    /// The one that is set once.
    Long,
}

/// What a timers run measures.
#[derive(Clone, Copy, Debug, Metric)]
pub enum TimersMetric {
    /// Timers fired.
    Fired,
}

impl Timers {
    fn set(cx: &mut impl Context<Self>, wait: Span, alarm: Alarm) {
        let extra = Span(cx.random_below(wait.0 / 5 + 1));
        cx.set_timer(wait + extra, alarm);
    }
}

impl Protocol for Timers {
    /// Short timers this node has yet to set.
    type Node = u32;
    /// Never sent.
    type Message = Token;
    type Body = crate::NoBody;
    type Timer = Alarm;
    type Metric = TimersMetric;
    type Output = crate::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        Self::set(cx, self.long, Alarm::Long);
        if self.repeats > 0 {
            Self::set(cx, self.short, Alarm::Short);
        }
        self.repeats.saturating_sub(1)
    }

    fn on_message(&self, _: &mut u32, _: NodeId, _: &Token, _: &mut impl Context<Self>) {}

    fn on_timer(&self, left: &mut u32, alarm: Alarm, cx: &mut impl Context<Self>) {
        cx.record(TimersMetric::Fired, 1);
        if alarm == Alarm::Short && *left > 0 {
            *left -= 1;
            Self::set(cx, self.short, Alarm::Short);
        }
    }

    fn events_per_node_second(&self) -> f64 {
        1.0 / self.short.as_secs_f64().max(1e-9)
    }
}

impl Configure for Timers {
    const NAME: &'static str = "timers";
    const ABOUT: &'static str = "nodes that only wait: the cost of short and long timers and of \
                                 idle time";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Self::read(values)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        if !facts.quiescent {
            return Vec::new();
        }
        let expected = f64::from(facts.nodes) * (1.0 + f64::from(self.repeats));
        let fired = facts.totals.of(TimersMetric::Fired) as f64;
        let check = Check::exact("timers fired", "nothing left to do", fired, expected);
        vec![check.if_undisturbed(facts)]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::parameter::Value;
    use crate::recording::{Effect, Recording};

    fn timers(repeats: u64) -> Timers {
        let mut values = Values::defaults(Timers::PARAMETERS);
        values.set("repeats", Value::Count(repeats));
        Timers::configure(&values).expect("consistent")
    }

    #[test]
    fn the_short_timer_is_set_as_often_as_asked_and_the_long_one_once() {
        let timers = timers(2);
        let mut cx = Recording::<Timers>::new(NodeId(0), 1);
        let mut left = timers.start(&mut cx);
        timers.on_timer(&mut left, Alarm::Short, &mut cx);
        timers.on_timer(&mut left, Alarm::Short, &mut cx);
        timers.on_timer(&mut left, Alarm::Long, &mut cx);
        let set: Vec<(Time, Alarm)> = cx
            .effects()
            .iter()
            .filter_map(|effect| match effect {
                Effect::Timer { at, timer } => Some((*at, *timer)),
                _ => None,
            })
            .collect();
        let alarms: Vec<Alarm> = set.iter().map(|(_, alarm)| *alarm).collect();
        assert_eq!(alarms, [Alarm::Long, Alarm::Short, Alarm::Short]);
        assert!((5_000_000_000..=6_000_000_000).contains(&set[1].0.0), "{set:?}");
    }

    #[test]
    fn without_repeats_the_long_timer_alone_is_set() {
        for (repeats, alarms, left) in [(0, 1, 0), (1, 2, 0), (5, 2, 4)] {
            let mut cx = Recording::<Timers>::new(NodeId(0), 1);
            assert_eq!(timers(repeats).start(&mut cx), left);
            assert_eq!(cx.timers().len(), alarms);
            let mut none = 0;
            cx.clear();
            timers(repeats).on_timer(&mut none, Alarm::Short, &mut cx);
            timers(repeats).on_timer(&mut 3, Alarm::Long, &mut cx);
            assert!(cx.timers().is_empty() && cx.effects().len() == 2);
        }
        assert_eq!(timers(1).events_per_node_second(), 0.2);
        assert_eq!(timers(1).pending_per_node(9.0), 2.0);
    }

    #[test]
    fn the_check_expects_each_timer_once() {
        let facts = |fired, quiescent| crate::RunFacts {
            violations: Vec::new(),
            nodes: 10,
            until: Time(9),
            last_event: Time(8),
            quiescent,
            topology: "complete",
            edges: 90,
            directed: false,
            answers: crate::Answers::default(),
            disturbed: false,
            adversary: false,
            exponential_delay: None,
            totals: crate::Totals { values: vec![fired], ..crate::Totals::default() },
        };
        for (fired, ok) in [(40, true), (39, false), (41, false)] {
            let checks = timers(3).checks(&facts(fired, true));
            assert_eq!(checks.iter().map(|check| check.ok).collect::<Vec<_>>(), [ok]);
        }
        assert!(timers(3).checks(&facts(40, false)).is_empty(), "some are still set");
    }
}
