//! Hand-made streams of outputs: each breach is found, and the same stream without it passes.

use anthill_protocol::Key;
use anthill_protocol::judge::Panel;
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::{Check, Configure};

use super::*;

const NODES: u32 = 8;

struct Stream {
    chord: Chord,
    panel: Panel<ChordOutput>,
}

impl Stream {
    fn new(start: &'static str) -> Self {
        let mut values = Values::of::<Chord>();
        values.set("start", Value::Choice(start));
        values.set("join_interval", Value::Span(Span::ZERO));
        let mut chord = Chord::configure(&values).expect("consistent");
        chord.fit(NODES, 1).expect("they have room");
        let setting = Setting { delta: Some(Span(1)), ..Setting::of(NODES, Time::MAX) };
        let panel = Panel::new(all(&chord, &setting));
        Self { chord, panel }
    }

    /// The node at a place in ring order.
    fn node(&self, place: usize) -> NodeId {
        self.chord.table().node(place)
    }

    fn says(&mut self, s: u64, place: usize, output: ChordOutput) -> &mut Self {
        let (time, node) = (at(s), self.node(place));
        let key = Key { time, target: node, tie: 0, source: node, sequence: 0 };
        self.panel.hear(&Said { at: key, node, output });
        self
    }

    /// A lookup that begins and ends at a second, of the id at a place.
    fn finds(&mut self, (since, s): (u64, u64), key: usize, owner: usize) -> &mut Self {
        let key = self.chord.space().id(self.node(key));
        let found = ChordOutput::Found { key, owner: self.node(owner), hops: 1, since: at(since) };
        self.says(s, 0, found)
    }

    fn restarts(&mut self, place: usize) -> &mut Self {
        self.panel.restarted(self.node(place), false);
        self
    }

    /// Breaches of a judge when the run ends at a second, with some down; `None`: it cannot say.
    fn ends(&mut self, judge: &str, s: u64, down: &[usize]) -> Option<f64> {
        let mut excused: Vec<NodeId> = down.iter().map(|place| self.node(*place)).collect();
        excused.sort_unstable();
        let checks = self.panel.end(&RunEnd { time: at(s), nodes: NODES, excused: &excused });
        let of = |check: &&Check| check.name == judge;
        let check = checks.iter().find(of).expect("there is one");
        assert!(!check.expected_violation || check.not_judged.is_some());
        check.not_judged.is_none().then_some(check.measured)
    }
}

fn at(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

/// Something that every node may say.
const WORD: ChordOutput = ChordOutput::Asked { key: 0 };

#[test]
fn a_node_that_was_passed_over_must_have_been_down() {
    let owner = |stream: &mut Stream, down: &[usize]| stream.ends("true successor", 99, down);
    let new = || Stream::new("ring");
    assert_eq!(owner(new().finds((1, 2), 4, 4), &[]), Some(0.0));
    assert_eq!(owner(new().finds((1, 2), 4, 5), &[]), Some(1.0));
    assert_eq!(owner(new().finds((1, 2), 4, 5), &[4]), Some(0.0));
    assert_eq!(owner(new().finds((1, 2), 4, 6), &[4]), Some(1.0));
    assert_eq!(owner(new().finds((1, 2), 4, 6), &[4, 5]), Some(0.0));
    // It speaks again: it was there; unless it came up before.
    assert_eq!(owner(new().finds((1, 2), 4, 5).says(3, 4, WORD), &[4]), Some(1.0));
    assert_eq!(owner(new().finds((1, 2), 4, 5).restarts(4).says(3, 4, WORD), &[]), Some(0.0));
    assert_eq!(owner(new().finds((1, 2), 4, 6).restarts(4).says(3, 5, WORD), &[]), Some(1.0));
    // Around the end of the ids.
    assert_eq!(owner(new().finds((1, 2), 7, 0), &[]), Some(1.0));
    assert_eq!(owner(new().finds((1, 2), 7, 0), &[7]), Some(0.0));
    // A breach is found at once, with its event.
    let mut stream = new();
    stream.finds((1, 2), 4, 5).says(3, 4, WORD);
    let found = &stream.panel.findings()[0];
    assert_eq!(found.event.expect("an output").time, at(2));
}

#[test]
fn who_joined_during_a_lookup_need_not_be_its_owner() {
    let owner = |stream: &mut Stream| stream.ends("true successor", 99, &[]);
    let new = || {
        let mut stream = Stream::new("join");
        for place in [0, 2, 6] {
            stream.says(0, place, ChordOutput::Joined);
        }
        stream
    };
    assert_eq!(owner(new().finds((1, 3), 4, 6)), Some(0.0));
    assert_eq!(owner(new().says(2, 4, ChordOutput::Joined).finds((1, 3), 4, 6)), Some(0.0));
    assert_eq!(owner(new().says(2, 4, ChordOutput::Joined).finds((1, 3), 4, 4)), Some(0.0));
    assert_eq!(owner(new().says(2, 4, ChordOutput::Joined).finds((2, 3), 4, 6)), Some(1.0));
    // Not a member, or none any more.
    assert_eq!(owner(new().finds((1, 3), 5, 5)), Some(1.0));
    assert_eq!(owner(new().restarts(6).says(2, 0, WORD).finds((1, 3), 4, 6)), Some(0.0));
    assert_eq!(owner(new().restarts(6).says(1, 0, WORD).finds((2, 3), 4, 6)), Some(1.0));
}

#[test]
fn lookups_end_in_time() {
    let ends = |stream: &mut Stream, s, down: &[usize]| stream.ends("lookups end", s, down);
    let asked = |key| ChordOutput::Asked { key };
    let found = |key| ChordOutput::Found { key, owner: NodeId(0), hops: 0, since: at(1) };
    let new = || Stream::new("ring");
    assert_eq!(ends(new().says(1, 3, asked(5)).says(9, 3, found(5)), 99, &[]), Some(0.0));
    assert_eq!(ends(new().says(1, 3, asked(5)).says(40, 3, found(5)), 99, &[]), Some(1.0));
    assert_eq!(ends(new().says(1, 3, asked(5)).says(9, 3, found(6)), 99, &[]), Some(1.0));
    assert_eq!(ends(new().says(1, 3, asked(5)), 99, &[3]), Some(0.0));
    assert_eq!(ends(new().says(1, 3, asked(5)), 20, &[]), Some(0.0));
    assert_eq!(ends(new().says(1, 3, asked(5)).restarts(3), 99, &[]), Some(0.0));
    let failed = ChordOutput::Failed { key: 5 };
    assert_eq!(ends(new().says(1, 3, asked(5)).says(9, 3, failed), 99, &[]), Some(1.0));
}

/// Eight nodes stabilise every 30 s: after 180 s without a change they are one ring.
#[test]
fn pointers_form_one_cycle_when_all_is_quiet() {
    let ring = |stream: &mut Stream, s, down: &[usize]| stream.ends("ring_ok", s, down);
    let new = || Stream::new("ring");
    let points = |to| ChordOutput::Successor { node: new().node(to) };
    assert_eq!(ring(&mut new(), 1, &[]), Some(0.0));
    assert_eq!(ring(new().says(1, 3, points(5)), 2, &[]), Some(1.0));
    assert_eq!(ring(new().says(1, 3, points(5)), 2, &[4]), Some(0.0));
    assert_eq!(ring(new().says(1, 3, points(6)), 2, &[4]), Some(1.0));
    assert_eq!(ring(new().says(1, 3, points(2)), 2, &[]), Some(1.0));
    // Node 4 went down just now, for all that is known.
    assert_eq!(ring(&mut new(), 2, &[4]), Some(0.0));
    // It came up, and has to join: until then node 3 points to nobody.
    assert_eq!(ring(new().restarts(4).says(9, 0, WORD), 99, &[]), None);
    assert_eq!(ring(new().restarts(4).says(9, 0, WORD), 999, &[]), Some(2.0));
    let joins = |stream: &mut Stream| {
        stream.restarts(4).says(9, 4, ChordOutput::Joined);
    };
    let (mut back, mut alone) = (new(), new());
    joins(&mut back);
    assert_eq!(ring(&mut back, 188, &[]), None);
    joins(&mut alone);
    assert_eq!(ring(alone.says(9, 4, points(4)), 199, &[]), Some(1.0));
}

#[test]
fn bounds_are_those_of_the_setting() {
    let chord = Stream::new("ring").chord;
    let calm = Setting { delta: Some(Span::from_millis(499)), ..Setting::of(NODES, Time::MAX) };
    let within = |setting: &Setting| {
        let mut stream = Stream::new("ring");
        stream.panel = Panel::new(all(&chord, setting));
        let wrong = ChordOutput::Successor { node: stream.node(5) };
        stream.says(1, 3, wrong);
        let end = RunEnd { time: at(999), nodes: NODES, excused: &[] };
        let ring = stream.panel.end(&end).pop().expect("three judges");
        assert!(!ring.ok);
        !ring.expected_violation
    };
    assert!(within(&calm));
    assert!(within(&Setting { crashes: true, loses_state: true, ..calm }));
    assert!(!within(&Setting { held: 1, ..calm }));
    assert!(!within(&Setting { loses_messages: true, ..calm }));
    assert!(!within(&Setting { delta: None, ..calm }));
    assert!(!within(&Setting { delta: Some(Span::from_millis(500)), ..calm }));
    assert!(!within(&Setting { stable_from: Time(1), ..calm }));
}
