//! Why an event happened when it did: the chain of events that led to it, and where the time went.
//!
//! An event is handled because a message arrived or a timer fired; that left in the handler of
//! another event, its cause; and so on to the start of a node. Between an event and its cause lie
//! the handler until it sent, the way (or the wait of a timer), and the queue at the receiver.
//! These parts add up exactly.
//!
//! A run keeps no history for this. It is repeated with a recorder that keeps the latest events
//! before the one in question; when the chain leaves what was kept, it is repeated again.

use std::fmt::Write as _;

use anthill_engine::trace::{Cause, Fate, Keep, Trace, TraceRecord, TraceRequest, What};
use anthill_protocol::{NodeId, Time};
use anyhow::Context as _;

use super::kind;
use crate::units;

/// Events kept per pass and thread.
const KEPT: usize = 250_000;

/// The events that led to one, the earliest first, that one last.
#[derive(Debug)]
pub(crate) struct Chain {
    records: Vec<TraceRecord>,
}

/// Walks back from an event that was handled, at most so many events.
///
/// # Errors
/// If a pass fails, or does not repeat the run.
pub(crate) fn walk(
    last: TraceRecord,
    most: usize,
    run: &mut dyn FnMut(TraceRequest) -> anyhow::Result<Trace>,
) -> anyhow::Result<Chain> {
    let (mut records, mut kept) = (vec![last], KEPT);
    let mut known: Option<Trace> = None;
    while records.len() < most {
        let effect = &records[records.len() - 1];
        let Some(cause) = effect.cause else { break };
        let source = effect.key.source;
        let trace = match known.take() {
            Some(trace) if trace.complete_from <= cause.time => trace,
            _ => {
                let to = Time(cause.time.0.saturating_add(1));
                let request = TraceRequest {
                    to,
                    timers: true,
                    keep: Keep::Latest,
                    ..TraceRequest::all(kept)
                };
                let trace = run(request)?;
                if trace.complete_from > cause.time {
                    // More at one instant than are kept.
                    kept = kept.saturating_mul(4);
                    continue;
                }
                trace
            }
        };
        let found = find(&trace, cause, source).cloned();
        records.push(found.with_context(|| format!("event {cause} is not there any more"))?);
        known = Some(trace);
    }
    records.reverse();
    Ok(Chain { records })
}

/// The event of a name that a node handled.
fn find(trace: &Trace, name: Cause, target: NodeId) -> Option<&TraceRecord> {
    let before = |record: &TraceRecord| (record.key.time, record.key.target) < (name.time, target);
    let from = trace.records.partition_point(before);
    let here = trace.records[from..].iter().take_while(|record| record.key.time == name.time);
    here.filter(|record| record.key.target == target).find(|record| record.name() == name)
}

/// Where the time of a chain went, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    handler: u64,
    network: u64,
    timer: u64,
    queue: u64,
}

impl Parts {
    /// Between the start of a cause's service and that of its effect.
    fn of(record: &TraceRecord, begun: Time) -> Self {
        let way = record.key.time.since(record.sent).0;
        let is_message = matches!(record.what, What::Message(_));
        Self {
            handler: record.sent.since(begun).0,
            network: if is_message { way } else { 0 },
            timer: if is_message { 0 } else { way },
            queue: handled(record).since(record.key.time).0,
        }
    }

    fn sum(self) -> u64 {
        self.handler + self.network + self.timer + self.queue
    }

    fn add(&mut self, other: Self) {
        self.handler += other.handler;
        self.network += other.network;
        self.timer += other.timer;
        self.queue += other.queue;
    }
}

/// When an event's service began; if it was not handled, when it was due.
fn handled(record: &TraceRecord) -> Time {
    match record.fate {
        Fate::Handled(start) => start,
        Fate::Dropped | Fate::Lost | Fate::Pending => record.key.time,
    }
}

impl Chain {
    /// The parts of each step; of the first only what came after it was sent.
    fn steps(&self) -> Vec<Parts> {
        let mut begun = self.records[0].sent;
        let step = |record: &TraceRecord| {
            let parts = Parts::of(record, begun);
            begun = handled(record);
            parts
        };
        self.records.iter().map(step).collect()
    }

    /// A table of the steps with their shares, and a line for each place where time went.
    pub(crate) fn text(&self, kinds: &[&'static str]) -> String {
        let (first, last) = (&self.records[0], &self.records[self.records.len() - 1]);
        let steps = self.steps();
        let mut sum = Parts::default();
        steps.iter().for_each(|step| sum.add(*step));
        let total = sum.sum();
        let share = |ns: u64| 100.0 * ns as f64 / total.max(1) as f64;
        let mut text = format!(
            "{} at node {}, event {}\nhandled at {}, {} after {}\n\n",
            kind(&last.what, kinds),
            last.key.target.0,
            last.name(),
            units::nanos(handled(last).0),
            units::nanos(total),
            match first.cause {
                None => format!("the start of node {}", first.key.source.0),
                Some(cause) => format!("event {cause} ({} steps back)", self.records.len()),
            },
        );
        let _ = writeln!(
            text,
            "{:>5}  {:>14}  {:<20}  {:<14}  {:>9}  {:>9}  {:>9}  {:>7}",
            "step", "handled at", "from -> to", "kind", "handler", "way/wait", "queue", "share"
        );
        for ((record, step), number) in self.records.iter().zip(&steps).zip(1..) {
            let ends = match record.key.source == record.key.target {
                true => format!("{}", record.key.target.0),
                false => format!("{} -> {}", record.key.source.0, record.key.target.0),
            };
            let _ = writeln!(
                text,
                "{number:>5}  {:>12.6} s  {ends:<20}  {:<14}  {:>9}  {:>9}  {:>9}  {:>5.1} %",
                handled(record).as_secs_f64(),
                kind(&record.what, kinds),
                units::nanos(step.handler),
                units::nanos(step.network + step.timer),
                units::nanos(step.queue),
                share(step.sum()),
            );
        }
        let places = [
            ("in the network", sum.network),
            ("waiting for timers", sum.timer),
            ("queued at receivers", sum.queue),
            ("in handlers", sum.handler),
        ];
        text.push('\n');
        for (place, ns) in places {
            let _ = writeln!(text, "  {place:<20} {:>9}  {:>5.1} %", units::nanos(ns), share(ns));
        }
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use anthill_engine::Key;

    use super::*;

    /// A message that was handled when it arrived.
    pub(crate) fn record(
        at: u64,
        (from, to): (u32, u32),
        sent: u64,
        cause: Option<&TraceRecord>,
    ) -> TraceRecord {
        let (source, target) = (NodeId(from), NodeId(to));
        TraceRecord {
            key: Key { time: Time(at), target, tie: 0, source, sequence: 7 },
            what: What::Message(0),
            bytes: 5,
            sent: Time(sent),
            cause: cause.map(TraceRecord::name),
            fate: Fate::Handled(Time(at)),
        }
    }

    /// Node 0 waits and tells 1, which queues it, and tells 2 while it handles it.
    fn story() -> Vec<TraceRecord> {
        let mut timer = record(100, (0, 0), 10, None);
        timer.what = What::Timer("Go".into());
        let mut told = record(150, (0, 1), 100, Some(&timer));
        told.fate = Fate::Handled(Time(170));
        let last = record(200, (1, 2), 175, Some(&told));
        vec![timer, told, last]
    }

    #[test]
    fn the_parts_of_a_chain_add_up() {
        let story = story();
        let trace = Trace { records: story.clone(), matched: 3, complete_from: Time::ZERO };
        let mut passes = Vec::new();
        let chain = walk(story[2].clone(), 10, &mut |request| {
            passes.push(request.to);
            Ok(trace.clone())
        })
        .expect("a chain");
        assert_eq!(chain.records, story);
        assert_eq!(passes, [Time(151)], "one pass sufficed");
        let expected = [
            Parts { timer: 90, ..Parts::default() },
            Parts { network: 50, queue: 20, ..Parts::default() },
            Parts { handler: 5, network: 25, ..Parts::default() },
        ];
        assert_eq!(chain.steps(), expected);
        assert_eq!(chain.steps().iter().map(|step| step.sum()).sum::<u64>(), 200 - 10);
        let text = chain.text(&["push"]);
        assert!(text.starts_with("push at node 2, event 200-1-7\n"), "{text}");
        assert!(text.contains("190 ns after the start of node 0"), "{text}");
        assert!(text.contains("in the network           75 ns   39.5 %"), "{text}");
    }

    #[test]
    fn a_chain_that_leaves_what_was_kept_takes_another_pass() {
        let story = story();
        let mut passes = Vec::new();
        let chain = walk(story[2].clone(), 10, &mut |request| {
            passes.push((request.to, request.most));
            // Each pass keeps one event; the second asks again for an instant that overflows.
            let records: Vec<_> = story
                .iter()
                .rfind(|record| record.key.time < request.to)
                .cloned()
                .into_iter()
                .collect();
            let overflows = request.to == Time(101) && request.most == KEPT;
            let from = records[0].key.time.0 + u64::from(overflows);
            Ok(Trace { records, matched: 9, complete_from: Time(from) })
        })
        .expect("a chain");
        assert_eq!(chain.records, story);
        let expected = [(Time(151), KEPT), (Time(101), KEPT), (Time(101), 4 * KEPT)];
        assert_eq!(passes, expected);
    }

    #[test]
    fn a_long_chain_is_cut_and_says_so() {
        let story = story();
        let trace = Trace { records: story.clone(), matched: 3, complete_from: Time::ZERO };
        let chain = walk(story[2].clone(), 2, &mut |_| Ok(trace.clone())).expect("a chain");
        assert_eq!(chain.records, story[1..]);
        assert!(chain.text(&["push"]).contains("after event 100-0-7 (2 steps back)"));
        let lost = walk(story[2].clone(), 9, &mut |_| Ok(Trace::default()));
        let problem = lost.expect_err("the cause is missing").to_string();
        assert_eq!(problem, "event 150-0-7 is not there any more");
    }
}
