//! Whether a history of a register is linearisable: some order of its operations explains all results, and keeps
//! operations apart that were apart.
//!
//! The search is that of Wing and Gong (1993) with Lowe's memory of configurations (2017), a register at a time:
//! a history is linearisable if that of each key is (Herlihy and Wing 1990). An operation without an answer may
//! have happened at any time after it began, or never.

use std::collections::BTreeSet;

use anthill_protocol::Time;

/// What an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It found this.
    Read(Option<u64>),
    Write(u64),
    /// It found the first, and put the second in its place.
    Cas(u64, u64),
}

impl Step {
    /// The value after it; `None`: it cannot happen at this value.
    fn after(self, value: Option<u64>) -> Option<Option<u64>> {
        match self {
            Self::Read(found) => (found == value).then_some(value),
            Self::Write(to) => Some(Some(to)),
            Self::Cas(from, to) => (value == Some(from)).then_some(Some(to)),
        }
    }
}

/// An operation of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) begun: Time,
    /// When it was answered; `None`: never.
    pub(crate) ended: Option<Time>,
    pub(crate) step: Step,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Linearisable,
    /// At most so many operations could be put in an order; the one with that place in the history is the first
    /// that no order explains.
    Not {
        placed: usize,
        stuck: usize,
    },
    /// There are too many orders.
    Unknown,
}

/// The most configurations that are remembered.
const MOST: usize = 400_000;

/// Looks for an order.
pub(crate) fn check(history: &[Operation]) -> Verdict {
    Search::new(history).run()
}

/// A beginning or an end, in a list from which operations are taken out as they are placed.
#[derive(Clone, Copy, Debug)]
struct Event {
    operation: usize,
    is_end: bool,
    before: usize,
    after: usize,
}

struct Search<'a> {
    history: &'a [Operation],
    /// The first and the last are nobody's.
    events: Vec<Event>,
    /// By operation: its beginning and its end.
    places: Vec<(usize, Option<usize>)>,
    /// A bit for each operation that is placed.
    placed: Vec<u64>,
    /// Operations that were answered, and are not placed.
    open: usize,
    known: BTreeSet<(Vec<u64>, Option<u64>)>,
    /// Operations as they were placed, each with the value before it.
    order: Vec<(usize, Option<u64>)>,
}

impl<'a> Search<'a> {
    fn new(history: &'a [Operation]) -> Self {
        let mut moments: Vec<(Time, bool, usize)> = Vec::with_capacity(2 * history.len());
        for (operation, it) in history.iter().enumerate() {
            moments.push((it.begun, false, operation));
            moments.extend(it.ended.map(|ended| (ended, true, operation)));
        }
        // At one instant beginnings come first: such operations overlap.
        moments.sort_unstable();
        let mut events = vec![Event { operation: usize::MAX, is_end: false, before: 0, after: 1 }];
        let mut places = vec![(0, None); history.len()];
        for (_, is_end, operation) in moments {
            let place = events.len();
            match is_end {
                true => places[operation].1 = Some(place),
                false => places[operation].0 = place,
            }
            events.push(Event { operation, is_end, before: place - 1, after: place + 1 });
        }
        let last = events.len();
        events.push(Event { operation: usize::MAX, is_end: true, before: last - 1, after: last });
        let open = history.iter().filter(|it| it.ended.is_some()).count();
        let placed = vec![0; history.len().div_ceil(64)];
        Self { history, events, places, placed, open, known: BTreeSet::new(), order: Vec::new() }
    }

    fn run(mut self) -> Verdict {
        let mut value = None;
        let (mut most, mut stuck) = (0, 0);
        let mut at = self.events[0].after;
        while self.open > 0 {
            let event = self.events[at];
            if !event.is_end {
                match self.place(event.operation, value) {
                    Some(after) => {
                        value = after;
                        at = self.events[0].after;
                        if self.known.len() > MOST {
                            return Verdict::Unknown;
                        }
                    }
                    None => at = event.after,
                }
                continue;
            }
            // This one has ended, and should have been placed: something before it was placed wrongly.
            if self.order.len() >= most && event.operation < self.history.len() {
                (most, stuck) = (self.order.len(), event.operation);
            }
            let Some((operation, before)) = self.order.pop() else {
                return Verdict::Not { placed: most, stuck };
            };
            value = before;
            at = self.put_back(operation);
        }
        Verdict::Linearisable
    }

    /// Places an operation next, unless it cannot be, or what is placed then was tried before; the value after
    /// it.
    fn place(&mut self, operation: usize, value: Option<u64>) -> Option<Option<u64>> {
        let after = self.history[operation].step.after(value)?;
        let bit = 1 << (operation % 64);
        self.placed[operation / 64] |= bit;
        if !self.known.insert((self.placed.clone(), after)) {
            self.placed[operation / 64] &= !bit;
            return None;
        }
        self.order.push((operation, value));
        let (begins, ends) = self.places[operation];
        self.take_out(begins);
        if let Some(ends) = ends {
            self.take_out(ends);
            self.open -= 1;
        }
        Some(after)
    }

    /// Undoes the last [`Search::place`]; where to go on.
    fn put_back(&mut self, operation: usize) -> usize {
        self.placed[operation / 64] &= !(1 << (operation % 64));
        let (begins, ends) = self.places[operation];
        if let Some(ends) = ends {
            self.put_in(ends);
            self.open += 1;
        }
        self.put_in(begins);
        self.events[begins].after
    }

    fn take_out(&mut self, place: usize) {
        let Event { before, after, .. } = self.events[place];
        self.events[before].after = after;
        self.events[after].before = before;
    }

    fn put_in(&mut self, place: usize) {
        let Event { before, after, .. } = self.events[place];
        self.events[before].after = place;
        self.events[after].before = place;
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Cas, Read, Write};
    use super::*;

    /// An operation from and to an instant; to 0: it was never answered.
    fn op((begun, ended): (u64, u64), step: Step) -> Operation {
        let ended = (ended > 0).then_some(Time(ended));
        Operation { begun: Time(begun), ended, step }
    }

    fn is_linearisable(history: &[Operation]) -> bool {
        match check(history) {
            Verdict::Linearisable => true,
            Verdict::Not { .. } => false,
            Verdict::Unknown => panic!("too many orders"),
        }
    }

    #[test]
    fn what_one_client_does_alone() {
        let ok = [
            op((1, 2), Read(None)),
            op((3, 4), Write(7)),
            op((5, 6), Read(Some(7))),
            op((7, 8), Cas(7, 9)),
            op((9, 10), Read(Some(9))),
        ];
        assert!(is_linearisable(&ok) && is_linearisable(&[]));
        let stale = [&ok[..], &[op((11, 12), Read(Some(7)))]].concat();
        assert_eq!(check(&stale), Verdict::Not { placed: 5, stuck: 5 });
        assert!(!is_linearisable(&[op((1, 2), Read(Some(1)))]), "out of nowhere");
        assert!(!is_linearisable(&[op((1, 2), Write(1)), op((3, 4), Cas(2, 3))]));
    }

    /// Two readers see two writes, which overlap, in opposite orders.
    #[test]
    fn overlapping_writes_have_one_order() {
        let writes = [op((1, 10), Write(1)), op((1, 10), Write(2))];
        let reads = |a, b| [op((2, 3), Read(Some(a))), op((4, 5), Read(Some(b)))];
        assert!(is_linearisable(&[&writes[..], &reads(1, 2)].concat()));
        assert!(is_linearisable(&[&writes[..], &reads(2, 1)].concat()));
        let both = [&writes[..], &reads(1, 2), &[op((6, 7), Read(Some(1)))]].concat();
        assert!(!is_linearisable(&both));
    }

    /// Once somebody has read the new value nobody reads the old one, though the write goes on.
    #[test]
    fn no_new_old_inversion() {
        let before = [op((1, 2), Write(1)), op((3, 20), Write(2)), op((4, 6), Read(Some(2)))];
        let inverted = [&before[..], &[op((7, 9), Read(Some(1)))]].concat();
        assert!(!is_linearisable(&inverted));
        let overlaps = [&before[..], &[op((5, 9), Read(Some(1)))]].concat();
        assert!(is_linearisable(&overlaps));
    }

    #[test]
    fn without_an_answer_it_may_happen_late_or_never() {
        let unknown = op((1, 0), Write(5));
        let first = op((2, 3), Write(1));
        assert!(is_linearisable(&[unknown, first, op((8, 9), Read(Some(5)))]));
        assert!(is_linearisable(&[unknown, first, op((8, 9), Read(Some(1)))]));
        let twice = [
            unknown,
            first,
            op((8, 9), Read(Some(5))),
            op((10, 11), Write(2)),
            op((12, 13), Read(Some(5))),
        ];
        assert!(!is_linearisable(&twice), "it happened before");
        assert!(!is_linearisable(&[op((1, 2), Read(Some(5))), op((3, 0), Write(5))]), "not begun");
    }

    #[test]
    fn an_end_and_a_beginning_at_one_instant_overlap() {
        assert!(is_linearisable(&[op((1, 5), Write(1)), op((5, 9), Read(None))]));
        assert!(!is_linearisable(&[op((1, 4), Write(1)), op((5, 9), Read(None))]));
    }

    /// All orders of a few operations, against the search.
    #[test]
    fn it_finds_what_trying_all_orders_finds() {
        let mut drawn = 0x9e37_79b9u64;
        let mut draw = |below: u64| {
            drawn = drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (drawn >> 33) % below
        };
        let mut found = [0; 2];
        for _ in 0..2_000 {
            let history: Vec<Operation> = (0..2 + draw(4))
                .map(|_| {
                    let begun = 1 + draw(8);
                    let ended = if draw(6) == 0 { 0 } else { begun + draw(6) };
                    let step = match draw(3) {
                        0 => Read(Some(draw(3)).filter(|value| *value > 0)),
                        1 => Write(1 + draw(2)),
                        _ => Cas(1 + draw(2), 1 + draw(2)),
                    };
                    op((begun, ended), step)
                })
                .collect();
            let expected = some_order(&history, &mut Vec::new(), None);
            assert_eq!(is_linearisable(&history), expected, "{history:?}");
            found[usize::from(expected)] += 1;
        }
        assert!(found[0] > 200 && found[1] > 200, "{found:?}");
    }

    fn some_order(history: &[Operation], placed: &mut Vec<usize>, value: Option<u64>) -> bool {
        let is_open = |it: &usize| !placed.contains(it);
        let open: Vec<usize> = (0..history.len()).filter(is_open).collect();
        if open.iter().all(|it| history[*it].ended.is_none()) {
            return true;
        }
        open.iter().any(|it| {
            let begun = history[*it].begun;
            let is_after = |other: &usize| history[*other].ended.is_some_and(|ended| ended < begun);
            let Some(after) = history[*it].step.after(value) else { return false };
            if open.iter().any(is_after) {
                return false;
            }
            placed.push(*it);
            let found = some_order(history, placed, after);
            placed.pop();
            found
        })
    }

    #[test]
    fn too_many_orders_are_not_judged() {
        let mut history: Vec<Operation> = (0..40).map(|i| op((1, 100), Write(i))).collect();
        history.push(op((101, 102), Read(Some(99))));
        assert_eq!(check(&history), Verdict::Unknown);
    }
}
