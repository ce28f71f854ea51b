//! A timer that can be moved and cancelled, over timers that cannot.

use crate::{Context, Protocol, Snapshot, Span, Time};

/// A deadline of a node: at most one, moved by [`Deadline::reset`], ended by [`Deadline::cancel`].
///
/// It keeps one timer running, which follows it lazily: moving a deadline back, as every heartbeat
/// does, costs no event. Timers die with a crash, so a node that comes up again begins with a new one.
///
/// ```
/// use anthill_protocol::kit::{Deadline, Tick};
/// # use anthill_protocol::{phold::*, recording::Recording, *};
/// # struct Patient;
/// enum Alarm { Election(Tick) } // a protocol's timer
/// # #[derive(Clone, Copy, Debug)] struct Timer(Tick);
/// # impl Protocol for Patient {
/// #     type Node = Deadline; type Message = Token; type Body = NoBody; type Timer = Timer;
/// #     type Metric = PholdMetric; type Output = NoOutput;
/// fn start(&self, cx: &mut impl Context<Self>) -> Deadline {
///     let mut election = Deadline::default();
///     election.reset(cx, Span::from_secs(1), Timer);
///     election
/// }
///
/// fn on_timer(&self, election: &mut Deadline, timer: Timer, cx: &mut impl Context<Self>) {
///     if election.fires(cx, timer.0, Timer) {
///         cx.record(PholdMetric::Handled, 1);
///     }
/// }
/// # fn on_message(&self, election: &mut Deadline, _: NodeId, _: &Token, cx: &mut impl Context<Self>) {
/// #     election.reset(cx, Span::from_secs(1), Timer);
/// # }
/// # }
/// # let mut pump = anthill_protocol::recording::Pump::new(Patient, 1);
/// # assert_eq!(pump.run(Time::MAX).totals.of(PholdMetric::Handled), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Deadline {
    /// When it is; `Time::MAX`: never.
    due: Time,
    /// When the live timer fires; `Time::MAX`: there is none.
    armed: Time,
    /// The live timer's number.
    tick: Tick,
}

/// Which of a deadline's timers it is: only the latest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Tick(u16);

impl Default for Deadline {
    fn default() -> Self {
        Self { due: Time::MAX, armed: Time::MAX, tick: Tick::default() }
    }
}

impl Deadline {
    /// Sets or moves it to `delay` from now. `timer` makes the protocol's timer, which comes back to
    /// [`Deadline::fires`].
    pub fn reset<P: Protocol>(
        &mut self,
        cx: &mut impl Context<P>,
        delay: Span,
        timer: impl Fn(Tick) -> P::Timer,
    ) {
        self.due = cx.now() + delay;
        if self.due < self.armed {
            self.arm(cx, delay, timer);
        }
    }

    /// There is none any more.
    pub fn cancel(&mut self) {
        self.due = Time::MAX;
    }

    /// When it is; `None`: there is none.
    pub fn due(&self) -> Option<Time> {
        (self.due < Time::MAX).then_some(self.due)
    }

    /// A timer of this deadline has fired: whether the deadline is reached, which then is over.
    pub fn fires<P: Protocol>(
        &mut self,
        cx: &mut impl Context<P>,
        tick: Tick,
        timer: impl Fn(Tick) -> P::Timer,
    ) -> bool {
        if tick != self.tick || self.armed == Time::MAX {
            return false;
        }
        self.armed = Time::MAX;
        let now = cx.now();
        if self.due <= now {
            self.due = Time::MAX;
            return true;
        }
        if self.due < Time::MAX {
            self.arm(cx, self.due.since(now), timer);
        }
        false
    }

    fn arm<P: Protocol>(
        &mut self,
        cx: &mut impl Context<P>,
        delay: Span,
        timer: impl Fn(Tick) -> P::Timer,
    ) {
        self.tick.0 = self.tick.0.wrapping_add(1);
        self.armed = self.due;
        cx.set_timer(delay, timer(self.tick));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phold::{PholdMetric, Token};
    use crate::recording::Recording;
    use crate::{NoBody, NoOutput, NodeId};

    struct Host;

    #[derive(Clone, Copy, Debug)]
    struct Alarm(Tick);

    impl Protocol for Host {
        type Node = Deadline;
        type Message = Token;
        type Body = NoBody;
        type Timer = Alarm;
        type Metric = PholdMetric;
        type Output = NoOutput;

        fn start(&self, _: &mut impl Context<Self>) -> Deadline {
            Deadline::default()
        }

        fn on_message(&self, _: &mut Deadline, _: NodeId, _: &Token, _: &mut impl Context<Self>) {}

        fn on_timer(&self, _: &mut Deadline, _: Alarm, _: &mut impl Context<Self>) {}
    }

    /// Resets at some instants by some spans (`None` cancels); when it fires, and how many timers it
    /// took.
    fn fired(resets: &[(u64, Option<u64>)]) -> (Vec<u64>, usize) {
        let mut cx = Recording::<Host>::new(NodeId(0), 1);
        let (mut deadline, mut fired, mut timers) = (Deadline::default(), Vec::new(), 0);
        let mut pending: Vec<(u64, Tick)> = Vec::new();
        for now in 0..1_000 {
            cx.set_now(Time(now));
            for (_, span) in resets.iter().filter(|(at, _)| *at == now) {
                match span {
                    Some(span) => deadline.reset(&mut cx, Span(*span), Alarm),
                    None => deadline.cancel(),
                }
            }
            let due: Vec<Tick> = pending.iter().filter(|(at, _)| *at == now).map(|p| p.1).collect();
            for tick in due {
                if deadline.fires(&mut cx, tick, Alarm) {
                    fired.push(now);
                }
            }
            for effect in cx.effects() {
                if let crate::recording::Effect::Timer { at, timer } = effect {
                    pending.push((at.0, timer.0));
                    timers += 1;
                }
            }
            cx.clear();
        }
        (fired, timers)
    }

    #[test]
    fn it_fires_once_when_it_is_due() {
        assert_eq!(fired(&[(5, Some(10))]), (vec![15], 1));
        assert_eq!(fired(&[(5, Some(10)), (15, Some(10))]), (vec![25], 2));
        assert_eq!(fired(&[(5, Some(10)), (20, Some(10))]), (vec![15, 30], 2));
    }

    #[test]
    fn moving_it_back_costs_one_timer_per_span() {
        let heartbeats: Vec<_> = (0..90).map(|i| (i, Some(10))).collect();
        let (fired, timers) = fired(&heartbeats);
        assert_eq!(fired, [99]);
        assert!(timers <= 12, "{timers} timers");
    }

    #[test]
    fn moving_it_forward_and_cancelling_leave_stale_timers_that_do_nothing() {
        assert_eq!(fired(&[(0, Some(50)), (1, Some(9))]).0, [10]);
        assert_eq!(fired(&[(0, Some(50)), (1, Some(9)), (20, Some(60))]).0, [10, 80]);
        assert_eq!(fired(&[(0, Some(50)), (1, Some(9)), (5, None)]).0, [0u64; 0]);
        assert_eq!(fired(&[(0, Some(50)), (5, None), (50, Some(7))]).0, [57]);
    }

    #[test]
    fn a_saved_deadline_is_the_same() {
        let mut cx = Recording::<Host>::new(NodeId(0), 1);
        let mut deadline = Deadline::default();
        deadline.reset(&mut cx, Span(7), Alarm);
        crate::laws::state(&deadline);
        assert_eq!(deadline.due(), Some(Time(7)));
    }
}
