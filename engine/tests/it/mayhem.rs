//! A protocol that does all at once what an engine could get wrong: timers within the window, at
//! its edges, at the same instant and centuries ahead; sends to itself, to neighbours, to a crowded
//! node; messages of all sizes, which can be contradicted and survive some flipped bits; restarts
//! that go on where the node left off; states that own memory; maxima; a goal that is reached
//! somewhere inside a window.

use anthill_protocol::{
    Context, Message, Metric, MetricInfo, MetricKind, NodeId, Protocol, Snapshot, SnapshotError,
    Span, Totals, draw,
};

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
}

/// What nodes pass on: a word, heavy if it is odd. In bytes, so that it needs no alignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel([u8; 2]);

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
}

impl Snapshot for Log {
    fn save(&self, out: &mut Vec<u8>) {
        self.words.iter().for_each(|word| word.save(out));
        self.passed_on.save(out);
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a test never loads"))
    }
}

impl Parcel {
    fn word(self) -> u16 {
        u16::from_le_bytes(self.0)
    }
}

impl Message for Parcel {
    const KINDS: &'static [&'static str] = &["light", "heavy"];

    fn kind(&self) -> usize {
        usize::from(self.word() & 1)
    }

    fn encoded_len(&self) -> u32 {
        [9, 700][self.kind()]
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
        out.resize(out.len() + self.encoded_len() as usize - 2, 0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (word, rest) = bytes.split_first_chunk()?;
        let parcel = Self(*word);
        let fits = bytes.len() == parcel.encoded_len() as usize && rest.iter().all(|b| *b == 0);
        fits.then_some(parcel)
    }

    fn fingerprint(&self) -> u64 {
        self.word().into()
    }
}

impl Metric for MayhemMetric {
    const ALL: &'static [MetricInfo] = &[
        MetricInfo { name: "events", kind: MetricKind::Sum, about: "events" },
        MetricInfo { name: "largest", kind: MetricKind::Max, about: "the largest draw" },
        MetricInfo { name: "clock", kind: MetricKind::Latency, about: "when events happen" },
        MetricInfo { name: "own_clock", kind: MetricKind::Sum, about: "what own clocks show" },
    ];

    fn index(self) -> usize {
        self as usize
    }
}

impl Mayhem {
    /// Lets a parcel go on, in one of many ways.
    fn pass_on(&self, cx: &mut impl Context<Self>) {
        let bits = cx.random();
        let parcel = Parcel([(bits >> 40) as u8, (bits >> 48) as u8]);
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
            self.pass_on(cx);
        }
    }
}

impl Protocol for Mayhem {
    type Node = Log;
    type Message = Parcel;
    type Body = anthill_protocol::NoBody;
    type Timer = u8;
    type Metric = MayhemMetric;

    const STOPS_EARLY: bool = true;
    const CAN_EQUIVOCATE: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Log {
        for _ in 0..self.parcels {
            self.pass_on(cx);
        }
        Log::default()
    }

    fn on_message(
        &self,
        log: &mut Log,
        from: NodeId,
        parcel: &Parcel,
        cx: &mut impl Context<Self>,
    ) {
        self.handle(log, u64::from(from.0) << 16 | parcel.fingerprint(), cx);
    }

    fn on_timer(&self, log: &mut Log, timer: u8, cx: &mut impl Context<Self>) {
        self.handle(log, 1 << 60 | u64::from(timer), cx);
    }

    /// Goes on where it left off, with timers in place of those that died, at whose instants some
    /// of them fire.
    fn restart(&self, log: &mut Log, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            log.words.clear();
        }
        for timer in 8..8 + cx.random_below(4) as u8 {
            let delay = cx.random_below(self.window.0.saturating_mul(2));
            cx.set_timer(Span(delay), timer);
        }
        self.handle(log, 1 << 61, cx);
    }

    fn equivocate(&self, parcel: &Parcel) -> Option<Parcel> {
        let [low, high] = parcel.0;
        (parcel.kind() == 0).then_some(Parcel([low, !high]))
    }

    fn complete(&self, totals: &Totals) -> bool {
        self.stop_at.is_some_and(|events| totals.events >= events)
    }
}
