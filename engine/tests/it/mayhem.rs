//! A protocol that does all at once what an engine could get wrong: timers within the window, at
//! its edges, at the same instant and centuries ahead; sends to itself, to neighbours, to a crowded
//! node; messages of all sizes, which can be contradicted and survive some flipped bits; restarts
//! that go on where the node left off; states that own memory; maxima; a goal that is reached
//! somewhere inside a window; shared bodies in chains that are kept, forgotten, found again by
//! content; claims, some of them forged, some of them announced to nobody.

mod parcel;

use anthill_protocol::{
    Bodies as _, Claim, Context, Metric, MetricInfo, MetricKind, NodeId, Protocol, Shared,
    Signature, Snapshot, SnapshotError, Span, Totals, draw,
};

pub(crate) use parcel::{Book, Parcel};

/// Handles that a node keeps at most.
const SHELF: usize = 3;
/// Books bound one in the other at most.
const ROOM: u32 = 20;

/// Its parameters.
pub(crate) struct Mayhem {
    /// Parcels per node at the start.
    pub(crate) parcels: u32,
    /// How many a node passes on in all, so that no adversary can make them multiply for ever.
    pub(crate) most: u32,
    /// The window of the run, so that timers can aim at its edges.
    pub(crate) window: Span,
    /// The number of events at which the goal is reached.
    pub(crate) stop_at: Option<u64>,
    /// Whether half of all sends go to node 0.
    pub(crate) hot: bool,
    /// One in so many events shares a body.
    pub(crate) books: u64,
    /// One in so many messages, and of the bodies, is signed.
    pub(crate) signed: u64,
}

/// What it measures: one metric of each kind.
#[derive(Clone, Copy)]
pub(crate) enum MayhemMetric {
    /// Events.
    Events,
    /// The largest draw.
    Largest,
    /// Time of day.
    Clock,
    /// What the node's own clock shows.
    OwnClock,
}

/// What a node remembers, in memory of its own.
#[derive(Default)]
pub(crate) struct Log {
    words: Vec<u64>,
    passed_on: u32,
    /// What it keeps, each retained once for each time that it is here.
    shelf: Vec<Shared>,
}

impl Snapshot for Log {
    fn save(&self, out: &mut Vec<u8>) {
        self.words.iter().for_each(|word| word.save(out));
        self.passed_on.save(out);
        self.shelf.iter().for_each(|book| book.save(out));
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a test never loads"))
    }
}

impl Log {
    /// Keeps a book, in place of the oldest if there is no room.
    fn keep(&mut self, book: Shared, cx: &mut impl Context<Mayhem>) {
        cx.retain(book);
        self.shelf.push(book);
        if self.shelf.len() > SHELF {
            cx.release(self.shelf.remove(0));
        }
    }
}

impl Metric for MayhemMetric {
    const ALL: &'static [MetricInfo] = &[
        MetricInfo::new("events", MetricKind::Sum, "events"),
        MetricInfo::new("largest", MetricKind::Max, "the largest draw"),
        MetricInfo::new("clock", MetricKind::Latency, "when events happen"),
        MetricInfo::new("own_clock", MetricKind::Sum, "what own clocks show"),
    ];

    fn index(self) -> usize {
        self as usize
    }
}

/// A signature with a bit flipped, one time of four.
fn perhaps_spoilt(mut signature: Signature, bits: u64) -> Signature {
    if bits.is_multiple_of(4) {
        signature.0[(bits >> 8 & 63) as usize] ^= 1 << (bits >> 16 & 7);
    }
    signature
}

impl Mayhem {
    /// Makes a body, new or known to others by its content, with others as parts.
    fn book(&self, log: &Log, cx: &mut impl Context<Self>) -> Shared {
        let bits = cx.random();
        if bits.is_multiple_of(3) {
            // Many nodes arrive at the same: few numbers, and a part that follows from it. With a
            // seal there is one for each node.
            let blank = |number, parts| Book { number, room: 0, parts, seals: Vec::new() };
            let number = bits >> 8 & 31;
            let part = cx.intern(blank(1_000 + number % 5, Vec::new()));
            let mut book = blank(number, vec![part]);
            if (bits >> 16).is_multiple_of(self.signed) {
                let digest = Book::digest(number, 0, cx.scenario());
                book.seals.push((cx.id(), cx.sign(&digest)));
            }
            return cx.intern(book);
        }
        let number = bits >> 8;
        let room = |part: &Shared| cx.bodies().get(*part).room;
        let parts: Vec<_> = log.shelf.iter().copied().filter(|part| room(part) > 0).collect();
        let room = parts.iter().map(room).min().unwrap_or(ROOM + 1) - 1;
        let count = if (bits >> 16).is_multiple_of(self.signed) { 1 + (bits >> 24) % 4 } else { 0 };
        let seals = (0..count as u32).map(|index| {
            let digest = Book::digest(number, index, cx.scenario());
            let signature = perhaps_spoilt(cx.sign(&digest), bits >> (4 * index));
            let other = NodeId((bits >> 32) as u32 % cx.nodes());
            (if (bits >> index).is_multiple_of(9) { other } else { cx.id() }, signature)
        });
        let seals = seals.collect();
        cx.share(Book { number, room, parts, seals })
    }

    /// What a parcel is: mostly a word.
    fn parcel(&self, log: &Log, bits: u64, cx: &mut impl Context<Self>) -> Parcel {
        let word = [(bits >> 40) as u8, (bits >> 48) as u8];
        if (bits >> 56).is_multiple_of(self.books) {
            // Its own, or one that it keeps.
            let known = log.shelf.get((bits >> 4) as usize % (2 * SHELF)).copied();
            return Parcel::Book(known.unwrap_or_else(|| self.book(log, cx)));
        }
        if (bits >> 50).is_multiple_of(self.signed) {
            let digest = Parcel::note_digest(word, cx.scenario());
            return Parcel::Note(word, perhaps_spoilt(cx.sign(&digest), bits));
        }
        Parcel::Word(word)
    }

    /// Lets a parcel go on, in one of many ways.
    fn pass_on(&self, log: &Log, cx: &mut impl Context<Self>) {
        let bits = cx.random();
        let parcel = self.parcel(log, bits, cx);
        let near = bits >> 8 & 0xffff;
        let w = self.window.0;
        match bits % 16 {
            0 => cx.set_timer(Span::ZERO, 1),
            1 => cx.set_timer(Span(near % 4), 2),
            2 | 3 => cx.set_timer(Span(near % w.max(1)), 3),
            4 => cx.set_timer(Span(w - cx.now().0 % w), 4),
            5 => cx.set_timer(Span(w.saturating_sub(1)), 5),
            6 => cx.set_timer(Span(w.saturating_mul(near)), 6),
            7 => cx.set_timer(Span(1 << (bits >> 24 & 63)), 7),
            8 => {
                cx.charge(Span(near % w.max(1)));
                cx.send(cx.id(), parcel);
            }
            9 | 10 if self.hot => cx.send(NodeId(0), parcel),
            11 | 12 if cx.degree() > 0 => {
                let slot = (near % u64::from(cx.degree())) as u32;
                cx.send_slot(slot, parcel);
            }
            _ => {
                let to = cx.random_below(u64::from(cx.nodes())) as u32;
                cx.send(NodeId(to), parcel);
            }
        }
    }

    fn handle(&self, log: &mut Log, word: u64, cx: &mut impl Context<Self>) {
        // Order-sensitive, unlike the digest of events.
        if log.words.len() == 6 {
            let folded = log.words.iter().fold(0, |hash, word| draw::mix(hash, *word));
            log.words.clear();
            log.words.push(folded);
        }
        log.words.push(draw::mix(word, cx.now().0));
        cx.record(MayhemMetric::Events, 1);
        let largest = cx.random() >> 20;
        cx.record(MayhemMetric::Largest, largest);
        cx.record(MayhemMetric::Clock, cx.now().0);
        cx.record(MayhemMetric::OwnClock, cx.local_clock().0);
        if log.passed_on < self.most {
            log.passed_on += 1;
            self.pass_on(log, cx);
        }
    }

    /// Reads and checks a book and what is bound into it; what was found, in order.
    fn read(&self, book: Shared, cx: &mut impl Context<Self>) -> u64 {
        let bodies = cx.bodies();
        let mut next = Some(book);
        let mut hash = 0;
        for depth in 0..3 {
            let Some(book) = next else { break };
            let body = bodies.get(book);
            hash = draw::mix(hash, body.number);
            // Nobody announces what is bound into another.
            if depth == 0 || body.number.is_multiple_of(4) {
                let verdicts = cx.verify_body(book);
                assert_eq!(verdicts.len() as usize, body.seals.len());
                let holds = (0..verdicts.len()).map(|index| u64::from(verdicts.holds(index)));
                hash = holds.fold(hash, draw::mix);
            }
            next = body.parts.last().copied();
        }
        hash
    }

    /// What a note is worth; half of its readers check what nobody announced, too.
    fn check(
        &self,
        from: NodeId,
        word: [u8; 2],
        signature: Signature,
        cx: &mut impl Context<Self>,
    ) -> u64 {
        let digest = Parcel::note_digest(word, cx.scenario());
        let key = cx.public_key(from);
        let holds = cx.verify(&Claim { key, digest, signature });
        let own = cx.id();
        let key = cx.public_key(own);
        let unannounced = own.0 % 2 == 0 && cx.verify(&Claim { key, digest, signature });
        u64::from(holds) << 1 | u64::from(unannounced)
    }
}

impl Protocol for Mayhem {
    type Node = Log;
    type Message = Parcel;
    type Body = Book;
    type Timer = u8;
    type Metric = MayhemMetric;
    type Output = anthill_protocol::NoOutput;

    const STOPS_EARLY: bool = true;
    const CAN_EQUIVOCATE: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Log {
        let mut log = Log::default();
        if cx.random().is_multiple_of(self.books) {
            let book = self.book(&log, cx);
            log.keep(book, cx);
        }
        for _ in 0..self.parcels {
            self.pass_on(&log, cx);
        }
        log
    }

    fn on_message(
        &self,
        log: &mut Log,
        from: NodeId,
        parcel: &Parcel,
        cx: &mut impl Context<Self>,
    ) {
        let found = match *parcel {
            Parcel::Word([low, high]) => u64::from(low) | u64::from(high) << 8,
            Parcel::Book(book) => {
                let found = self.read(book, cx);
                if found.is_multiple_of(2) {
                    log.keep(book, cx);
                }
                found
            }
            Parcel::Note(word, signature) => self.check(from, word, signature, cx),
        };
        self.handle(log, draw::mix(found, u64::from(from.0)), cx);
    }

    /// What was kept is still there, however long ago that was.
    fn on_timer(&self, log: &mut Log, timer: u8, cx: &mut impl Context<Self>) {
        let kept = log.shelf.first().map_or(0, |book| self.read(*book, cx));
        if timer == 6 && !log.shelf.is_empty() {
            cx.release(log.shelf.remove(0));
        }
        self.handle(log, draw::mix(kept, 1 << 60 | u64::from(timer)), cx);
    }

    /// Goes on where it left off, with timers in place of those that died, at whose instants some
    /// of them fire.
    fn restart(&self, log: &mut Log, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            log.words.clear();
            log.shelf.drain(..).for_each(|book| cx.release(book));
        }
        for timer in 8..8 + cx.random_below(4) as u8 {
            let delay = cx.random_below(self.window.0.saturating_mul(2));
            cx.set_timer(Span(delay), timer);
        }
        self.handle(log, 1 << 61, cx);
    }

    fn equivocate(&self, parcel: &Parcel) -> Option<Parcel> {
        parcel.contradicted()
    }

    fn complete(&self, totals: &Totals) -> bool {
        self.stop_at.is_some_and(|events| totals.events >= events)
    }
}
