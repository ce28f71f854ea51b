//! The progress line on stderr: virtual time, events per second, how long it may still take.
//!
//! A thread of its own reads the engine's counters a few times a second, so a run never waits for
//! the terminal. Only on a terminal: logs stay free of control characters.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anthill_protocol::Time;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::ProgressChoice;
use crate::clock::Stopwatch;
use crate::engines::Control;
use crate::units;

const REFRESH: Duration = Duration::from_millis(200);

/// A progress line that lasts as long as this value.
#[derive(Debug)]
pub(crate) struct Progress {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts it if it is wanted and stderr is a terminal.
    pub(crate) fn start(choice: ProgressChoice, until: Time, control: &Arc<Control>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let wanted = choice == ProgressChoice::Auto && io::stderr().is_terminal();
        let thread = wanted.then(|| {
            let (control, ended) = (Arc::clone(control), Arc::clone(&ended));
            let named = thread::Builder::new().name("progress".to_owned());
            named.spawn(move || follow(until, &control, &ended)).ok()
        });
        Self { ended, thread: thread.flatten() }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn follow(until: Time, control: &Control, ended: &AtomicBool) {
    let bar = ProgressBar::new(until.0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    let watch = Stopwatch::start();
    let mut rate = Rate::default();
    while !ended.load(Ordering::Relaxed) {
        let now = Sample {
            wall_s: watch.elapsed().as_secs_f64(),
            virtual_ns: control.virtual_ns.load(Ordering::Relaxed),
            events: control.events.load(Ordering::Relaxed),
        };
        bar.set_position(now.virtual_ns);
        // Ctrl-C's own message is overwritten by the next refresh of this line.
        bar.set_message(if control.interrupt.load(Ordering::Relaxed) || control.asked.is_last() {
            "stopping, saving what is finished; Ctrl-C again ends at once".to_owned()
        } else {
            rate.line(now, until)
        });
        thread::park_timeout(REFRESH);
    }
    bar.finish_and_clear();
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    wall_s: f64,
    virtual_ns: u64,
    events: u64,
}

/// Speed over the last few refreshes rather than the whole run, which set-up would distort.
#[derive(Debug, Default)]
struct Rate {
    recent: std::collections::VecDeque<Sample>,
}

impl Rate {
    fn line(&mut self, now: Sample, until: Time) -> String {
        if now.events == 0 {
            return format!("setting up, {:.0} s", now.wall_s);
        }
        self.recent.push_back(now);
        if self.recent.len() > 20 {
            self.recent.pop_front();
        }
        let then = self.recent.front().copied().unwrap_or(now);
        let passed = now.wall_s - then.wall_s;
        let done = format!(
            "{} of {} | {} events",
            units::nanos(now.virtual_ns),
            units::nanos(until.0),
            units::count(now.events)
        );
        let covered = now.virtual_ns.saturating_sub(then.virtual_ns);
        if passed <= 0.0 || covered == 0 {
            return done;
        }
        let events_per_s = now.events.saturating_sub(then.events) as f64 / passed;
        let left = until.0.saturating_sub(now.virtual_ns) as f64 / covered as f64 * passed;
        // A run may fall quiet or reach its goal sooner.
        format!("{done} | {:.2} M events/s | at most {}", events_per_s / 1e6, units::seconds(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_time_speed_and_what_is_left() {
        let mut rate = Rate::default();
        let sample = |wall_s, virtual_s: u64, events| Sample {
            wall_s,
            virtual_ns: virtual_s * 1_000_000_000,
            events,
        };
        let until = Time(60_000_000_000);
        assert_eq!(rate.line(sample(0.5, 0, 0), until), "setting up, 0 s");
        assert_eq!(rate.line(sample(1.0, 1, 1_000_000), until), "1 s of 1 min | 1,000,000 events");
        assert_eq!(
            rate.line(sample(3.0, 2, 5_000_000), until),
            "2 s of 1 min | 5,000,000 events | 2.00 M events/s | at most 1.93 min"
        );
    }

    #[test]
    fn switched_off_it_starts_no_thread() {
        let control = Arc::new(Control::default());
        let progress = Progress::start(ProgressChoice::Off, Time(1), &control);
        assert!(progress.thread.is_none());
    }
}
