//! What one thread records; merged at the end, in any order with the same result.
//!
//! Invariant: of each stream (what was sent, what was handled) a thread keeps those records that
//! come first by (priority, key), at least as many as the request allows. Hence the first of all
//! threads together are among those kept, whoever recorded them.

use anthill_protocol::{NodeId, Time, draw};

use super::{Cause, Fate, Keep, Trace, TraceRecord, TraceRequest, What};
use crate::event::Key;

/// One thread's records.
#[derive(Debug)]
pub(crate) struct Recorder {
    request: TraceRequest,
    /// The event that is being handled; `None` while nodes start.
    current: Option<Cause>,
    matched: u64,
    sent: First<Sent>,
    handled: First<Time>,
}

/// What is known of an event when it is caused.
#[derive(Debug)]
struct Sent {
    what: What,
    bytes: u32,
    sent: Time,
    cause: Option<Cause>,
    lost: bool,
}

/// What kind of event it is, before its text is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Message(usize),
    Timer,
    Restart,
}

impl Recorder {
    pub(crate) fn new(request: &TraceRequest) -> Self {
        let first = match request.keep {
            Keep::Sample(threshold) => threshold,
            Keep::Latest | Keep::Earliest => u64::MAX,
        };
        let most = request.most.max(1);
        Self {
            request: request.clone(),
            current: None,
            matched: 0,
            sent: First { entries: Vec::new(), most, bound: first },
            handled: First { entries: Vec::new(), most, bound: first },
        }
    }

    /// Arrivals before this instant need not be told.
    pub(crate) fn from(&self) -> Time {
        self.request.from
    }

    /// A handler begins, at `start`.
    pub(crate) fn begin(&mut self, key: &Key, sort: EventKind, start: Time) {
        self.current = Some(Cause::of(key));
        if self.wants(key.time, key.source, key.target, sort) {
            let priority = self.priority(key);
            self.handled.push(priority, *key, || start);
        }
    }

    /// The running handler sends a message or sets a timer; `lost`: it will not arrive, and the
    /// instant in the key is that of the sending.
    pub(crate) fn send(
        &mut self,
        key: &Key,
        sort: EventKind,
        (sent, bytes, lost): (Time, u32, bool),
        timer: impl FnOnce() -> String,
    ) {
        if !self.wants(key.time, key.source, key.target, sort) {
            return;
        }
        self.matched += 1;
        let (priority, cause) = (self.priority(key), self.current);
        self.sent.push(priority, *key, || {
            let what = match sort {
                EventKind::Message(kind) => What::Message(kind as u16),
                EventKind::Timer => What::Timer(timer().into_boxed_str()),
                EventKind::Restart => What::Restart,
            };
            Sent { what, bytes, sent, cause, lost }
        });
    }

    fn wants(&self, time: Time, source: NodeId, target: NodeId, sort: EventKind) -> bool {
        let TraceRequest { from, to, nodes, receivers, kinds, timers, .. } = &self.request;
        let kind = match sort {
            EventKind::Message(kind) => kinds.as_ref().is_none_or(|kinds| kinds[kind]),
            EventKind::Timer | EventKind::Restart => *timers,
        };
        let touches = |node: NodeId| nodes.iter().any(|range| range.contains(&node.0));
        kind && (*from..*to).contains(&time)
            && (nodes.is_empty() || touches(target) || !receivers && touches(source))
    }

    /// What is kept first, least first.
    fn priority(&self, key: &Key) -> u64 {
        match self.request.keep {
            Keep::Sample(_) => {
                let name = u64::from(key.source.0) << 32 | u64::from(key.sequence);
                draw::mix(key.time.0, name)
            }
            Keep::Latest => !key.time.0,
            Keep::Earliest => key.time.0,
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.matched += other.matched;
        self.sent.merge(other.sent);
        self.handled.merge(other.handled);
    }

    /// Puts both streams together; what was due after `end` was not handled because the run ended.
    pub(crate) fn finish(mut self, end: Time) -> Trace {
        self.sent.cut();
        self.handled.cut();
        let complete_from = match self.request.keep {
            Keep::Latest => self.sent.complete_from().max(self.handled.complete_from()),
            Keep::Sample(_) | Keep::Earliest => Time::ZERO,
        };
        let mut handled: Vec<(Key, Time)> =
            self.handled.entries.into_iter().map(|(_, key, start)| (key, start)).collect();
        handled.sort_unstable();
        let fate = |key: &Key, lost: bool| {
            if lost {
                return Fate::Lost;
            }
            match handled.binary_search_by_key(&key, |(key, _)| key) {
                Ok(place) => Fate::Handled(handled[place].1),
                Err(_) if key.time > end => Fate::Pending,
                Err(_) => Fate::Dropped,
            }
        };
        let complete = |(_, key, entry): (u64, Key, Sent)| {
            let Sent { what, bytes, sent, cause, lost } = entry;
            TraceRecord { fate: fate(&key, lost), key, what, bytes, sent, cause }
        };
        let mut records: Vec<_> = self.sent.entries.into_iter().map(complete).collect();
        records.sort_unstable_by_key(|record| record.key);
        Trace { records, matched: self.matched, complete_from }
    }
}

/// The entries that come first by (priority, key), at least `most` of them if there were so many.
#[derive(Debug)]
struct First<T> {
    entries: Vec<(u64, Key, T)>,
    most: usize,
    /// No entry with a greater priority is among the first.
    bound: u64,
}

impl<T> First<T> {
    fn push(&mut self, priority: u64, key: Key, entry: impl FnOnce() -> T) {
        if priority > self.bound {
            return;
        }
        self.entries.push((priority, key, entry()));
        // Twice as many as wanted, so that cutting is amortised.
        if self.entries.len() >= 2 * self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.entries.len() > self.most {
            let order = |(priority, key, _): &(u64, Key, T)| (*priority, *key);
            self.entries.select_nth_unstable_by_key(self.most - 1, order);
            self.entries.truncate(self.most);
            self.bound = self.bound.min(self.entries[self.most - 1].0);
        }
    }

    fn merge(&mut self, other: Self) {
        self.bound = self.bound.min(other.bound);
        self.entries.extend(other.entries);
        self.cut();
    }

    /// Of entries kept by the greatest instant: from which instant on none is missing.
    fn complete_from(&self) -> Time {
        if self.bound == u64::MAX { Time::ZERO } else { Time((!self.bound).saturating_add(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: u64, source: u32) -> Key {
        let (time, target) = (Time(time), NodeId(9));
        Key { time, target, tie: 0, source: NodeId(source), sequence: 4 }
    }

    /// One thread that records all, and three among which the same is dealt out.
    fn recorded(request: &TraceRequest, times: &[u64]) -> (Trace, Trace) {
        let mut alone = Recorder::new(request);
        let mut dealt = [0; 3].map(|_| Recorder::new(request));
        for (i, time) in times.iter().enumerate() {
            for recorder in [&mut alone, &mut dealt[i * i % 3]] {
                let sent = (Time(time / 2), 7, false);
                recorder.send(&key(*time, i as u32), EventKind::Message(0), sent, String::new);
            }
            // Handled by another thread than the sender's, some not at all.
            if i % 5 > 0 {
                for recorder in [&mut alone, &mut dealt[i % 3]] {
                    recorder.begin(&key(*time, i as u32), EventKind::Message(0), Time(time + 1));
                }
            }
        }
        for recorder in [&mut alone].into_iter().chain(&mut dealt) {
            recorder.current = None;
        }
        let [a, mut b, c] = dealt;
        b.merge(c);
        b.merge(a);
        let end = Time(*times.iter().max().expect("some") / 2);
        (alone.finish(end), b.finish(end))
    }

    /// Causes differ here, because the dealt threads handle other events.
    fn shown(trace: &Trace) -> Vec<(Key, Fate)> {
        trace.records.iter().map(|record| (record.key, record.fate)).collect()
    }

    #[test]
    fn what_is_kept_does_not_depend_on_who_recorded_it() {
        let times: Vec<u64> = (0..1_000).map(|i| i * 7 % 1_000).collect();
        for keep in [Keep::Sample(u64::MAX), Keep::Latest, Keep::Earliest] {
            let request = TraceRequest { keep, ..TraceRequest::all(60) };
            let (one, merged) = recorded(&request, &times);
            assert_eq!(shown(&one), shown(&merged), "{keep:?}");
            assert_eq!((one.records.len(), one.matched), (60, 1_000));
            assert!(one.records.is_sorted_by_key(|record| record.key));
            match keep {
                Keep::Sample(_) => {
                    let late = one.records.iter().filter(|r| r.key.time.0 >= 500).count();
                    assert!((15..45).contains(&late), "{late} of 60 in the second half");
                    let half = TraceRequest { keep: Keep::Sample(u64::MAX / 2), ..request };
                    let kept = recorded(&TraceRequest { most: 2_000, ..half }, &times).0;
                    assert!((400..600).contains(&kept.records.len()), "{}", kept.records.len());
                }
                // Those handled are fewer, so they reach further back than those sent.
                Keep::Latest => {
                    assert_eq!(one.complete_from, Time(941));
                    assert_eq!(one.records[0].key.time, Time(940));
                }
                Keep::Earliest => assert_eq!(one.records[59].key.time, Time(59)),
            }
        }
    }

    #[test]
    fn fates_tell_what_was_handled_dropped_lost_or_left() {
        let mut recorder = Recorder::new(&TraceRequest::all(10));
        let send = |recorder: &mut Recorder, time, lost| {
            let sent = (Time(1), 2, lost);
            recorder.send(&key(time, 3), EventKind::Message(0), sent, String::new);
        };
        send(&mut recorder, 1, true);
        recorder.begin(&key(2, 8), EventKind::Timer, Time(3));
        for time in [5, 6, 7] {
            send(&mut recorder, time, false);
        }
        recorder.begin(&key(5, 3), EventKind::Message(0), Time(8));
        let records = recorder.finish(Time(6)).records;
        let found: Vec<_> = records.iter().map(|r| (r.key.time.0, r.fate)).collect();
        let handled = Fate::Handled(Time(8));
        let expected = [(1, Fate::Lost), (5, handled), (6, Fate::Dropped), (7, Fate::Pending)];
        assert_eq!(found, expected);
        assert_eq!(records[0].cause, None);
        assert_eq!(records[1].cause.map(|cause| cause.to_string()), Some("2-8-4".to_owned()));
        assert_eq!(records[0].latency(), None);
    }

    #[test]
    fn requests_choose_by_node_kind_and_time() {
        let request = TraceRequest {
            from: Time(10),
            to: Time(20),
            nodes: vec![2..=3, 9..=9],
            kinds: Some(vec![false, true]),
            ..TraceRequest::all(10)
        };
        let recorder = Recorder::new(&request);
        let receiving = Recorder::new(&TraceRequest { receivers: true, ..request });
        let wants = |time, a, b, sort| recorder.wants(Time(time), NodeId(a), NodeId(b), sort);
        assert!(wants(10, 1, 3, EventKind::Message(1)) && wants(19, 9, 0, EventKind::Message(1)));
        assert!(!wants(9, 3, 3, EventKind::Message(1)) && !wants(20, 3, 3, EventKind::Message(1)));
        assert!(!wants(10, 1, 4, EventKind::Message(1)) && !wants(10, 3, 3, EventKind::Message(0)));
        let (node, other, sort) = (NodeId(3), NodeId(1), EventKind::Message(1));
        assert!(receiving.wants(Time(10), other, node, sort));
        assert!(!receiving.wants(Time(10), node, other, sort));
        assert!(!wants(10, 3, 3, EventKind::Timer) && !wants(10, 3, 3, EventKind::Restart));
        let recorder = Recorder::new(&TraceRequest { timers: true, ..TraceRequest::all(1) });
        assert!(recorder.wants(Time(0), NodeId(0), NodeId(0), EventKind::Restart));
    }
}
