//! The programs of a run while it goes on: virtual time is kept to the clock, and what they write gets its instant.
//!
//! A line comes at the virtual instant of its arrival; if the run is behind the clock, at the next instant that may still
//! change. Instants never go back, so the recording is in the order of time.

use std::sync::Arc;
use std::time::Duration;

use anthill_engine::external::{ExternalReport, Gap, Heard, Line, ProgramReport};
use anthill_protocol::{NodeId, Time};

use super::program::{Inbox, Program};
use super::recording::Recording;
use super::spec::ExternalPlan;
use crate::clock::Stopwatch;

/// How long programs have to answer `init`, together.
const INIT: Duration = Duration::from_secs(10);
/// The longest wait before the engine looks whether the run is to end.
const GLANCE: Duration = Duration::from_millis(50);
/// A window that begins so much later than it should have is late.
const LATE_NS: u64 = 100_000_000;
/// Lines that a program may write in a second of virtual time: more are a flood.
const MOST_PER_SECOND: u32 = 10_000;

/// The programs of a run.
#[derive(Debug)]
pub(super) struct Live {
    watch: Stopwatch,
    pace: f64,
    inbox: Arc<Inbox>,
    /// In the order of their nodes.
    players: Vec<Player>,
    recording: Recording,
    /// Since when programs are waited for.
    asked: Option<Duration>,
    /// The time at which virtual time began; before that programs are waited for.
    origin: Option<Duration>,
    /// Of the last line.
    last: Time,
    lag_ns: (u64, Time),
    late_windows: u64,
    has_ended: bool,
}

/// A program and its node.
#[derive(Debug)]
struct Player {
    node: NodeId,
    command: String,
    program: Program,
    lines_in: u64,
    /// The second of virtual time, and the lines in it.
    rate: (u64, u32),
    flooded: u64,
    unrecorded: u64,
    /// It had not answered `init` in time.
    was_silent: bool,
    /// How it ended before the run did.
    end: Option<String>,
}

impl Player {
    /// Whether a line at an instant is one too many.
    fn floods(&mut self, time: Time) -> bool {
        let second = time.0 / 1_000_000_000;
        if self.rate.0 != second {
            self.rate = (second, 0);
        }
        self.rate.1 += 1;
        self.rate.1 > MOST_PER_SECOND
    }
}

impl Live {
    /// Starts all programs.
    pub(super) fn start(plan: &ExternalPlan) -> anyhow::Result<Self> {
        let watch = Stopwatch::start();
        let inbox = Inbox::of(plan.programs.len());
        let mut players = Vec::with_capacity(plan.programs.len());
        for (place, (node, source)) in plan.programs.iter().enumerate() {
            players.push(Player {
                node: NodeId(*node),
                command: source.text(),
                program: Program::start(source, (&inbox, place), watch)?,
                lines_in: 0,
                rate: (0, 0),
                flooded: 0,
                unrecorded: 0,
                was_silent: false,
                end: None,
            });
        }
        Ok(Self {
            watch,
            pace: plan.pace,
            inbox,
            players,
            recording: Recording::new(plan),
            asked: None,
            origin: None,
            last: Time::ZERO,
            lag_ns: (0, Time::ZERO),
            late_windows: 0,
            has_ended: false,
        })
    }

    pub(super) fn begin(&self) -> Vec<NodeId> {
        self.players.iter().map(|player| player.node).collect()
    }

    pub(super) fn tell(&mut self, _: Time, node: NodeId, line: &str) {
        if let Ok(place) = self.players.binary_search_by_key(&node, |player| player.node) {
            self.players[place].program.tell(line);
        }
    }

    pub(super) fn hear(&mut self, gap: Gap) -> Heard {
        if self.origin.is_none() && !self.all_have_begun() {
            self.inbox.wait(GLANCE);
            return Heard::Waiting;
        }
        let lines = self.take(gap);
        if !lines.is_empty() {
            return Heard::Lines(lines);
        }
        // Nobody is left to keep pace with.
        if self.inbox.slots().iter().all(|slot| slot.is_closed) {
            return Heard::Due;
        }
        let now = self.virtual_of(self.watch.elapsed());
        if now >= gap.next {
            self.note_lag(now, gap);
            return Heard::Due;
        }
        let ahead = Duration::from_nanos(self.real_ns(gap.next.0 - now.0));
        self.inbox.wait(ahead.min(GLANCE));
        Heard::Waiting
    }

    /// Whether all have answered `init`, or have had their time; virtual time begins then.
    fn all_have_begun(&mut self) -> bool {
        let now = self.watch.elapsed();
        let asked = *self.asked.get_or_insert(now);
        let slots = self.inbox.slots();
        let waits = |slot: &super::program::Slot| !slot.has_spoken && !slot.is_closed;
        if now < asked + INIT && slots.iter().any(waits) {
            return false;
        }
        for (player, slot) in self.players.iter_mut().zip(slots.iter()) {
            player.was_silent = !slot.has_spoken;
        }
        self.origin = Some(now);
        true
    }

    /// The virtual instant of a time.
    fn virtual_of(&self, at: Duration) -> Time {
        let since = at.saturating_sub(self.origin.unwrap_or(at));
        Time((since.as_nanos() as f64 * self.pace) as u64)
    }

    fn real_ns(&self, virtual_ns: u64) -> u64 {
        (virtual_ns as f64 / self.pace).ceil() as u64
    }

    fn note_lag(&mut self, now: Time, gap: Gap) {
        let lag = self.real_ns(now.0 - gap.next.0);
        if gap.next < gap.until {
            self.late_windows += u64::from(lag > LATE_NS);
            if lag > self.lag_ns.0 {
                self.lag_ns = (lag, gap.next);
            }
        }
    }

    /// What has come, with its instants; what is too much is dropped.
    fn take(&mut self, gap: Gap) -> Vec<Line> {
        let mut taken = Vec::new();
        for (place, slot) in self.inbox.slots().iter_mut().enumerate() {
            taken.extend(slot.take().into_iter().map(|(at, text)| (at, place, text)));
        }
        taken.sort_by_key(|(at, place, _)| (*at, *place));
        let latest = gap.next.min(Time(gap.until.0.saturating_sub(1)));
        let mut lines = Vec::with_capacity(taken.len());
        for (at, place, text) in taken {
            let time = self.virtual_of(at).min(latest).max(gap.from).max(self.last);
            let player = &mut self.players[place];
            if player.floods(time) {
                player.flooded += 1;
                continue;
            }
            let line = Line { time, node: player.node, text };
            if !self.recording.add(&line) {
                player.unrecorded += 1;
                continue;
            }
            player.lines_in += 1;
            self.last = time;
            lines.push(line);
        }
        lines
    }

    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// How all did up to now.
    pub(super) fn report(&mut self) -> ExternalReport {
        let inbox = Arc::clone(&self.inbox);
        let slots = inbox.slots();
        let programs = self.players.iter_mut().zip(slots.iter()).map(|(player, slot)| {
            if !self.has_ended && player.end.is_none() {
                let closed = slot.is_closed.then(|| "its output has ended".to_owned());
                player.end = player.program.ended().or(closed);
            }
            let faults = [
                ("ended before the run", u64::from(player.end.is_some())),
                ("no answer to init", u64::from(player.was_silent)),
                ("lines too many", slot.flooded + player.flooded),
                ("lines too long", slot.too_long),
                ("lines past what is recorded", player.unrecorded),
                ("lines that it did not read in time", player.program.unread),
                ("lines after its end", player.program.too_late),
            ];
            ProgramReport {
                node: player.node,
                command: player.command.clone(),
                lines_in: player.lines_in,
                lines_out: player.program.written(),
                faults: faults.into_iter().filter(|fault| fault.1 > 0).collect(),
                end: player.end.clone(),
                stderr: match player.end {
                    Some(_) => slot.stderr.iter().cloned().collect(),
                    None => Vec::new(),
                },
            }
        });
        let programs = programs.collect();
        let (pace, lag_ns, late_windows) = (self.pace, self.lag_ns, self.late_windows);
        ExternalReport { pace, lag_ns, late_windows, programs }
    }

    /// Ends all programs.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        self.players.iter_mut().for_each(|player| player.program.ask_to_end());
        let asked = Stopwatch::start();
        self.players.iter_mut().for_each(|player| player.program.end(asked));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn live(specs: &[&str], pace: &str) -> Live {
        let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
        let plan = ExternalPlan::new(&specs, Some(pace)).expect("a plan").expect("programs");
        Live::start(&plan).expect("they start")
    }

    fn gap(from: u64, next: u64) -> Gap {
        let until = Time(u64::MAX / 2);
        Gap { from: Time(from), next: Time(next), end: Time(next + 1), until }
    }

    /// What is heard, or none once the next window is due.
    fn hear(live: &mut Live, gap: Gap) -> Vec<Line> {
        let watch = Stopwatch::start();
        loop {
            match live.hear(gap) {
                Heard::Lines(lines) => return lines,
                Heard::Due => return Vec::new(),
                Heard::Waiting => assert!(watch.elapsed() < PATIENCE, "nothing comes"),
            }
        }
    }

    fn faults(live: &mut Live) -> Vec<(&'static str, u64)> {
        live.report().programs.into_iter().flat_map(|program| program.faults).collect()
    }

    #[test]
    fn a_program_is_told_and_heard_in_the_order_of_time() {
        let mut live = live(&["3=cat"], "1000");
        live.tell(Time::ZERO, NodeId(3), "one");
        live.tell(Time::ZERO, NodeId(9), "nobody");
        let far = 3_600_000_000_000_000;
        let first = hear(&mut live, gap(0, far));
        assert_eq!(first, [Line { time: first[0].time, node: NodeId(3), text: "one".to_owned() }]);
        live.tell(Time::ZERO, NodeId(3), "two");
        // The run is behind: it has come to an instant that lies ahead.
        let second = hear(&mut live, gap(far - 5, far));
        assert_eq!((second[0].time, &*second[0].text), (Time(far - 5), "two"));
        live.tell(Time::ZERO, NodeId(3), "three");
        let third = hear(&mut live, gap(0, far));
        assert_eq!(third[0].time, Time(far - 5), "time does not go back");
        let report = live.report();
        assert_eq!((report.programs[0].lines_in, report.programs[0].lines_out), (3, 3));
        assert_eq!(report.programs[0].faults, []);
        live.end();
        assert_eq!(live.report().programs[0].end, None, "the run has ended it");
        assert_eq!(live.recording().text().lines().count(), 4);
    }

    #[test]
    fn virtual_time_waits_for_the_clock() {
        let mut live = live(&["0=cat"], "0.5");
        live.tell(Time::ZERO, NodeId(0), "begun");
        hear(&mut live, gap(0, 1));
        let watch = Stopwatch::start();
        // At half the pace a tenth of a second takes a fifth; how much of it has passed already is not known.
        let begun = live.virtual_of(live.watch.elapsed());
        let next = begun.0 + 100_000_000;
        assert_eq!(hear(&mut live, gap(0, next)), []);
        assert!(watch.elapsed() >= Duration::from_millis(190), "{:?}", watch.elapsed());
        assert!(live.virtual_of(live.watch.elapsed()) >= Time(next));
    }

    #[test]
    fn a_window_that_begins_late_is_noted() {
        let mut live = live(&["0=cat"], "1000");
        live.tell(Time::ZERO, NodeId(0), "begun");
        hear(&mut live, gap(0, 1));
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(hear(&mut live, gap(0, 7)), []);
        let report = live.report();
        assert!(report.lag_ns.0 > LATE_NS && report.lag_ns.1 == Time(7), "{:?}", report.lag_ns);
        assert_eq!(report.late_windows, 1);
    }

    #[test]
    fn a_program_that_dies_holds_nobody_up() {
        let mut live = live(&["0=sh -c echo${IFS}why>&2;exit${IFS}7"], "1");
        assert_eq!(hear(&mut live, gap(0, u64::MAX / 4)), []);
        let watch = Stopwatch::start();
        while live.report().programs[0].stderr.is_empty()
            || live.report().programs[0].end.as_deref() == Some("its output has ended")
        {
            assert!(watch.elapsed() < PATIENCE, "{:?}", live.report());
            live.players[0].end = None;
        }
        let report = live.report();
        let program = &report.programs[0];
        assert_eq!(program.end.as_deref(), Some("exit status: 7"));
        assert_eq!(program.stderr, ["why"]);
        assert_eq!(program.faults, [("ended before the run", 1), ("no answer to init", 1)]);
        live.tell(Time::ZERO, NodeId(0), "anybody?");
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let mut live = live(&["0=yes"], "0.001");
        let mut heard = 0;
        let watch = Stopwatch::start();
        // Within a thousandth of the pace no second of virtual time passes.
        while faults(&mut live).is_empty() || heard < MOST_PER_SECOND as usize {
            if let Heard::Lines(lines) = live.hear(gap(0, 1_000_000_000)) {
                heard += lines.len();
            }
            assert!(watch.elapsed() < PATIENCE, "{heard}");
        }
        assert_eq!(heard, MOST_PER_SECOND as usize);
        assert!(faults(&mut live).iter().all(|fault| fault.0 == "lines too many"));
        live.end();
    }

    #[test]
    fn one_that_does_not_read_is_not_waited_for() {
        let mut live = live(&["0=sleep 600"], "1");
        let line = "x".repeat(100_000);
        for _ in 0..400 {
            live.tell(Time::ZERO, NodeId(0), &line);
        }
        let unread = faults(&mut live);
        assert!(
            matches!(unread[..], [("lines that it did not read in time", 200..)]),
            "{unread:?}"
        );
        let watch = Stopwatch::start();
        live.end();
        assert!(watch.elapsed() < PATIENCE);
    }
}
