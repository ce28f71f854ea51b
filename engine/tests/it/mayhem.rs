//! A protocol that does all at once what an engine could get wrong: timers within the window, at
//! its edges, at the same instant and centuries ahead; sends to itself, to neighbours, to a crowded
//! node; states that own memory; maxima; a goal that is reached somewhere inside a window.

use anthill_protocol::phold::Token;
use anthill_protocol::{
    Context, Metric, MetricInfo, MetricKind, NodeId, Protocol, Snapshot, SnapshotError, Span,
    Totals, draw,
};

/// Its parameters.
pub(crate) struct Mayhem {
    /// Tokens per node at the start.
    pub(crate) tokens: u32,
    /// The window of the run, so that timers can aim at its edges.
    pub(crate) window: Span,
    /// The number of events at which the goal is reached.
    pub(crate) stop_at: Option<u64>,
    /// Whether half of all sends go to node 0.
    pub(crate) hot: bool,
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
}

/// What a node remembers, in memory of its own.
#[derive(Default)]
pub(crate) struct Log(Vec<u64>);

impl Snapshot for Log {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|word| word.save(out));
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a test never loads"))
    }
}

impl Metric for MayhemMetric {
    const ALL: &'static [MetricInfo] = &[
        MetricInfo { name: "events", kind: MetricKind::Sum, about: "events" },
        MetricInfo { name: "largest", kind: MetricKind::Max, about: "the largest draw" },
        MetricInfo { name: "clock", kind: MetricKind::Latency, about: "when events happen" },
    ];

    fn index(self) -> usize {
        self as usize
    }
}

impl Mayhem {
    /// Lets a token go on, in one of many ways.
    fn pass_on(&self, cx: &mut impl Context<Self>) {
        let bits = cx.random();
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
            8 => cx.send(cx.id(), Token),
            9 | 10 if self.hot => cx.send(NodeId(0), Token),
            11 | 12 if cx.degree() > 0 => {
                let slot = (near % u64::from(cx.degree())) as u32;
                cx.send_slot(slot, Token);
            }
            _ => {
                let to = cx.random_below(u64::from(cx.nodes())) as u32;
                cx.send(NodeId(to), Token);
            }
        }
    }

    fn note(&self, Log(log): &mut Log, word: u64, cx: &mut impl Context<Self>) {
        // Order-sensitive, unlike the digest of events.
        if log.len() == 6 {
            let folded = log.iter().fold(0, |hash, word| draw::mix(hash, *word));
            log.clear();
            log.push(folded);
        }
        log.push(draw::mix(word, cx.now().0));
        cx.record(MayhemMetric::Events, 1);
        let largest = cx.random() >> 20;
        cx.record(MayhemMetric::Largest, largest);
        cx.record(MayhemMetric::Clock, cx.now().0);
    }
}

impl Protocol for Mayhem {
    type Node = Log;
    type Message = Token;
    type Timer = u8;
    type Metric = MayhemMetric;

    const STOPS_EARLY: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Log {
        for _ in 0..self.tokens {
            self.pass_on(cx);
        }
        Log::default()
    }

    fn on_message(&self, log: &mut Log, from: NodeId, _: &Token, cx: &mut impl Context<Self>) {
        self.note(log, u64::from(from.0), cx);
        self.pass_on(cx);
    }

    fn on_timer(&self, log: &mut Log, timer: u8, cx: &mut impl Context<Self>) {
        self.note(log, 1 << 40 | u64::from(timer), cx);
        self.pass_on(cx);
    }

    fn complete(&self, totals: &Totals) -> bool {
        self.stop_at.is_some_and(|events| totals.events >= events)
    }
}
