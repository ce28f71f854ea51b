//! Who runs a window: the leader alone, or all threads together.
//!
//! Gathering threads costs microseconds, so a window with little work is done sooner by one. How
//! little depends on the protocol (a handler takes 30 ns or 3 µs), on the machine, and on what else
//! runs on it, so it is measured while the run goes on. Windows are classed by the binary logarithm
//! of their events. Now and then a *trial* runs windows of one class the other way, between others
//! run the usual way. Sharing has to be faster by a quarter: it takes all cores, and what windows run
//! alone would gain if all were, because one calendar holds their events, no trial sees. Trials are
//! short, and rarer the longer their answer stays the same.
//!
//! Nothing here can change a result: whoever runs a window, its events run in the same order.

/// Classes of windows; those with 2^`CLASSES` events or more are always shared out.
const CLASSES: usize = 13;
/// The first class that may be shared out: a handful of events is not worth a look at the clock.
const FIRST_SHARED: usize = 2;
/// From this class on windows are shared out until measured: 128 events, as long as waking a thread
/// (6.6 µs) at 50 ns an event.
const SHARED_AT_FIRST: usize = 7;
/// The same where signatures are computed: a batch takes longer than waking a thread.
const SHARED_AT_FIRST_SIGNED: usize = 3;
/// From this class on one thread is so unlikely to win that the first trial comes late.
const SURELY_SHARED: usize = 10;
/// Windows of a class before its first trial, and at most between two.
const FIRST_WAIT: u32 = 256;
const LATE_WAIT: u32 = 4_096;
const LONGEST_WAIT: u32 = 1 << 17;
/// Windows in each of a trial's four stages: usual, other, other, usual.
const STAGE: usize = 64;
/// After a change so many windows are not counted: threads are asleep and caches cold.
const WARMUP: usize = 32;
/// A trial that has not ended after so many windows is given up: its class has become rare.
const LONGEST_TRIAL: u32 = 4_096;

/// Decides window by window.
#[derive(Debug)]
pub(crate) struct Pace {
    /// A fixed bound in events, in place of measuring.
    alone_below: Option<u32>,
    classes: [Class; CLASSES],
    trial: Option<Trial>,
    /// Whether the last window was worth sharing out. One alone among windows that are not is run
    /// alone too: the nodes' states would have to change caches for it.
    was_worth: bool,
}

#[derive(Clone, Copy, Debug)]
struct Class {
    /// Whether the leader runs its windows alone.
    alone: bool,
    /// Windows until the next trial.
    left: u32,
    /// Windows between the last trial and the next.
    wait: u32,
}

#[derive(Debug)]
struct Trial {
    class: usize,
    /// Windows of the class so far, of `4 * STAGE`.
    seen: usize,
    /// Windows of any class so far.
    age: u32,
    /// Picoseconds per event of the windows run the usual way, and the other way.
    costs: [Costs; 2],
    /// The window that is running: since when, its events, and how it is run; `None`: not counted.
    running: Option<(u64, u64, usize)>,
}

/// What the windows of one way of running them took, in ps per event.
#[derive(Clone, Copy, Debug)]
struct Costs {
    each: [u64; 2 * STAGE],
    windows: usize,
}

impl Pace {
    /// `alone_below`: windows with fewer events are run alone, all others are not; `None`: what is
    /// faster. `signed`: windows bring signatures that are computed.
    pub(crate) fn new(alone_below: Option<u32>, signed: bool) -> Self {
        let shared_at_first = if signed { SHARED_AT_FIRST_SIGNED } else { SHARED_AT_FIRST };
        let class = |class: usize| {
            let wait = if class < SURELY_SHARED { FIRST_WAIT } else { LATE_WAIT };
            Class { alone: class < shared_at_first, left: wait, wait }
        };
        Self { alone_below, classes: core::array::from_fn(class), trial: None, was_worth: true }
    }

    /// With so many events it makes no difference to count more.
    pub(crate) fn enough(&self) -> usize {
        self.alone_below.map_or(1 << CLASSES, |bound| bound as usize)
    }

    /// Whether the next window, of so many events, is run by the leader alone. Asked once per
    /// window; `now_ns` is asked only during trials.
    pub(crate) fn is_alone(&mut self, events: usize, now_ns: impl Fn() -> u64) -> bool {
        if let Some(bound) = self.alone_below {
            return events < bound as usize;
        }
        if self.trial.as_mut().is_some_and(|trial| trial.note(&now_ns)) {
            self.end_trial();
        }
        let class = events.max(1).ilog2() as usize;
        if !(FIRST_SHARED..CLASSES).contains(&class) {
            self.was_worth = class >= CLASSES;
            return class < FIRST_SHARED;
        }
        let usual = &mut self.classes[class];
        let was_worth = core::mem::replace(&mut self.was_worth, !usual.alone);
        let alone = usual.alone;
        usual.left = usual.left.saturating_sub(1);
        if self.trial.is_none() && usual.left == 0 {
            self.trial = Some(Trial::new(class));
        }
        match &mut self.trial {
            Some(trial) if trial.class == class => {
                let other = trial.begin(events as u64, &now_ns);
                alone != other
            }
            _ => alone || !was_worth,
        }
    }

    fn end_trial(&mut self) {
        let Some(trial) = self.trial.take() else { return };
        let class = &mut self.classes[trial.class];
        if trial.seen < 4 * STAGE {
            class.left = class.wait;
            return;
        }
        let [usual, other] = trial.costs.map(Costs::lower_mean);
        let (alone, shared) = if class.alone { (usual, other) } else { (other, usual) };
        let before = core::mem::replace(&mut class.alone, shared + shared / 4 > alone);
        class.wait = match before == class.alone {
            true => (class.wait * 2).min(LONGEST_WAIT),
            false => FIRST_WAIT,
        };
        class.left = class.wait;
    }
}

impl Trial {
    fn new(class: usize) -> Self {
        let none = Costs { each: [0; 2 * STAGE], windows: 0 };
        Self { class, seen: 0, age: 0, costs: [none; 2], running: None }
    }

    /// The window that was running has ended. Returns whether the trial has, too.
    fn note(&mut self, now_ns: &impl Fn() -> u64) -> bool {
        if let Some((begun_ns, events, way)) = self.running.take() {
            self.costs[way].push(now_ns().saturating_sub(begun_ns) * 1_000 / events);
        }
        self.age += 1;
        self.seen == 4 * STAGE || self.age == LONGEST_TRIAL
    }

    /// A window of the class begins. Returns whether it is run the other way.
    fn begin(&mut self, events: u64, now_ns: &impl Fn() -> u64) -> bool {
        let other = (STAGE..3 * STAGE).contains(&self.seen);
        let since_change = match self.seen / STAGE {
            0 => usize::MAX,
            1 | 2 => self.seen - STAGE,
            _ => self.seen - 3 * STAGE,
        };
        if since_change >= WARMUP {
            self.running = Some((now_ns(), events, usize::from(other)));
        }
        self.seen += 1;
        other
    }
}

impl Costs {
    fn push(&mut self, cost: u64) {
        self.each[self.windows] = cost;
        self.windows += 1;
    }

    /// The mean of the least three quarters: whatever else the machine does now and then stays out.
    fn lower_mean(mut self) -> u64 {
        let costs = &mut self.each[..self.windows];
        costs.sort_unstable();
        let least = &costs[..(costs.len() * 3).div_ceil(4)];
        least.iter().sum::<u64>() / least.len().max(1) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Runs `windows` of `events` each, where a window takes what `cost_ns` says of being alone.
    /// Returns how many were run alone.
    fn run(
        pace: &mut Pace,
        windows: u32,
        events: usize,
        clock_ns: &Cell<u64>,
        mut cost_ns: impl FnMut(bool) -> u64,
    ) -> u32 {
        let mut alone = 0;
        for _ in 0..windows {
            let is_alone = pace.is_alone(events, || clock_ns.get());
            alone += u32::from(is_alone);
            clock_ns.set(clock_ns.get() + cost_ns(is_alone));
        }
        alone
    }

    #[test]
    fn the_faster_way_is_found_and_followed_when_it_changes() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        // Slow handlers: 20 events are worth sharing, though the first guess says no.
        let shared_wins = |alone: bool| if alone { 20_000 } else { 12_000 };
        let first = run(&mut pace, 1_000, 20, &clock, shared_wins);
        assert!((300..600).contains(&first), "{first}");
        assert!(run(&mut pace, 10_000, 20, &clock, shared_wins) < 900);
        // The second core is taken away.
        let alone_wins = |alone: bool| if alone { 20_000 } else { 90_000 };
        run(&mut pace, 10_000, 20, &clock, alone_wins);
        let later = run(&mut pace, 10_000, 20, &clock, alone_wins);
        assert!(later > 9_400, "{later}");
    }

    #[test]
    fn an_answer_that_stays_the_same_is_asked_for_ever_more_rarely() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        let alone_wins = |alone: bool| if alone { 1_000 } else { 3_000 };
        run(&mut pace, 100_000, 64, &clock, alone_wins);
        let before = clock.get();
        run(&mut pace, 100_000, 64, &clock, alone_wins);
        let lost = (clock.get() - before) as f64 / (100_000.0 * 1_000.0) - 1.0;
        assert!(lost < 0.005, "{lost}");
    }

    #[test]
    fn one_pause_of_the_machine_decides_nothing() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        let mut windows = 0;
        run(&mut pace, 600, 200, &clock, |alone| {
            windows += 1;
            // In the trial's first stage the usual way is interrupted for long.
            let pause = if (260..270).contains(&windows) { 4_000_000 } else { 0 };
            pause + if alone { 12_000 } else { 8_000 }
        });
        assert!(!pace.is_alone(200, || clock.get()));
    }

    #[test]
    fn a_class_that_has_become_rare_does_not_keep_others_from_trials() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        run(&mut pace, FIRST_WAIT, 20, &clock, |_| 1_000);
        assert!(pace.trial.is_some());
        run(&mut pace, 2 * LONGEST_TRIAL, 40, &clock, |alone| if alone { 9_000 } else { 1_000 });
        assert!(!pace.is_alone(40, || clock.get()));
    }

    #[test]
    fn a_window_alone_among_small_ones_is_not_worth_the_change() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        let mut shared = 0;
        for window in 0..200 {
            let events = if window % 20 == 0 { 300 } else { 2 };
            shared += u32::from(!pace.is_alone(events, || clock.get()));
        }
        assert_eq!(shared, 1, "only the first, before which nothing is known");
        assert_eq!(run(&mut pace, 100, 300, &clock, |_| 1_000), 1);
    }

    #[test]
    fn few_events_are_never_and_many_always_shared() {
        let (mut pace, clock) = (Pace::new(None, false), Cell::new(0));
        let shared_wins = |alone: bool| if alone { 9_000 } else { 1_000 };
        assert_eq!(run(&mut pace, 10_000, 3, &clock, shared_wins), 10_000);
        assert_eq!(run(&mut pace, 10_000, 8_192, &clock, |alone| 10_000 - shared_wins(alone)), 0);
        assert!(pace.trial.is_none());
        assert!(Pace::new(None, true).enough() > 8_000);
    }

    #[test]
    fn a_given_bound_is_kept() {
        let mut pace = Pace::new(Some(5), false);
        let no_clock = || -> u64 { panic!("nothing is measured") };
        for _ in 0..10_000 {
            assert!(pace.is_alone(4, no_clock));
            assert!(!pace.is_alone(5, no_clock));
        }
        assert_eq!(pace.enough(), 5);
    }
}
