//! Any of the logs, as one protocol: what runs over a log is compiled once, not once for each of them.

use std::collections::VecDeque;

use anthill_protocol::kit::{
    Answer, Ask, Embeds, Entry, Final, LogSetting, Machine, Part, ReplicatedLog, Within,
};
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{
    Body, Claim, Context, Keys, Message, Metric, NoOutput, NodeId, Protocol, Shared, Snapshot, Span,
};

/// What is measured of a log, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum LogMetric {
    /// how often somebody else was to propose because the one before did not
    #[metric(lower)]
    Changes,
}

/// Bodies that are kept for logs that name entries by a value alone; retained.
#[derive(Debug, Default, Snapshot)]
pub struct Kept(VecDeque<(u64, Shared)>);

/// More entries are not open at once, but for those of liars.
const MOST_KEPT: usize = 4_096;

impl Kept {
    fn add(&mut self, entry: Entry, cx: &mut impl Context<AnyLog>) {
        let Some(body) = entry.body.filter(|_| self.find(entry.value).is_none()) else { return };
        cx.retain(body);
        self.0.push_back((entry.value, body));
        if self.0.len() > MOST_KEPT {
            self.0.pop_front().into_iter().for_each(|(_, oldest)| cx.release(oldest));
        }
    }

    fn find(&self, value: u64) -> Option<Shared> {
        self.0.iter().rev().find(|(known, _)| *known == value).map(|(_, body)| *body)
    }

    fn remove(&mut self, value: u64, cx: &mut impl Context<AnyLog>) {
        if let Some(place) = self.0.iter().position(|(known, _)| *known == value) {
            self.0.remove(place).into_iter().for_each(|(_, body)| cx.release(body));
        }
    }

    fn clear(&mut self, cx: &mut impl Context<AnyLog>) {
        self.0.drain(..).for_each(|(_, body)| cx.release(body));
    }
}

/// The machine of the log inside is that of the log around it, with the bodies that are kept.
struct PassedOn<'a> {
    kept: &'a mut Kept,
    keeps: bool,
}

impl PassedOn<'_> {
    /// An entry whole; `None`: what has this name is no entry.
    fn whole(&self, entry: Entry) -> Option<Entry> {
        match entry.body {
            None if self.keeps => self.kept.find(entry.value).map(Entry::of),
            _ => Some(entry),
        }
    }
}

impl<C: Context<AnyLog>> Machine<C> for PassedOn<'_> {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut C) -> Answer {
        match ask {
            Ask::Keep(entry) => self.kept.add(entry, cx),
            Ask::Next { before } if self.keeps => {
                let whole: Vec<Entry> = before.iter().filter_map(|it| self.whole(*it)).collect();
                return cx.machine(Ask::Next { before: &whole });
            }
            Ask::Take(last) => {
                if let Some(entry) = self.whole(last.entry) {
                    cx.machine(Ask::Take(Final { entry, ..last }));
                    self.kept.remove(last.entry.value, cx);
                }
            }
            _ => return cx.machine(ask),
        }
        Answer::Taken
    }
}

macro_rules! logs {
    ($($Log:ident, $name:literal, $changes:literal, $keeps:literal;)*) => {
        /// One of the protocols that put entries in order, by its name.
        #[derive(Clone, Debug)]
        pub enum AnyLog {
            $(#[doc = $name] $Log($Log),)*
        }

        impl AnyLog {
            /// The names of all of them.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The log of a name.
            ///
            /// # Errors
            /// When there is none of that name, or it cannot work with so many nodes.
            pub fn named(name: &str, setting: LogSetting) -> Result<Self, ParameterError> {
                match name {
                    $($name => $Log::of(setting).map(Self::$Log),)*
                    _ => {
                        let problem = format!("there is no log named {name}");
                        Err(ParameterError { name: "over", problem })
                    }
                }
            }
        }

        /// What its nodes send each other.
        #[derive(Clone, Copy, Debug, Message)]
        #[message(claims = claims)]
        pub enum AnyMessage {
            $(#[doc = $name] #[kind($name)] $Log(<$Log as Protocol>::Message),)*
        }

        fn claims(
            message: &AnyMessage,
            from: NodeId,
            keys: &mut dyn Keys,
            announce: &mut dyn FnMut(Claim),
        ) {
            match message {
                $(AnyMessage::$Log(it) => it.claims(from, keys, announce),)*
            }
        }

        /// What they share.
        #[derive(Debug, PartialEq, Eq, Snapshot)]
        pub enum AnyBody {
            /// What stands for a body of another kind.
            Nothing,
            $(#[doc = $name] $Log(<$Log as Protocol>::Body),)*
        }

        impl AnyBody {
            /// A body that no log makes anything of.
            pub fn nothing() -> &'static Self {
                &NOTHING
            }
        }

        impl Body for AnyBody {
            fn encoded_len(&self) -> u32 {
                match self {
                    Self::Nothing => 0,
                    $(Self::$Log(it) => it.encoded_len(),)*
                }
            }

            fn fingerprint(&self) -> u64 {
                match self {
                    Self::Nothing => 0,
                    $(Self::$Log(it) => it.fingerprint(),)*
                }
            }

            fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
                match self {
                    Self::Nothing => {}
                    $(Self::$Log(it) => it.claims(keys, announce),)*
                }
            }

            fn parts(&self, visit: &mut dyn FnMut(Shared)) {
                match self {
                    Self::Nothing => {}
                    $(Self::$Log(it) => it.parts(visit),)*
                }
            }
        }

        /// What they set timers for.
        #[derive(Clone, Copy, Debug, Snapshot)]
        pub enum AnyTimer {
            $(#[doc = $name] $Log(<$Log as Protocol>::Timer),)*
        }

        /// A node of the log.
        #[derive(Snapshot)]
        #[allow(clippy::large_enum_variant, reason = "all nodes of a run are of one kind")]
        pub enum AnyNode {
            $(#[doc = $name] $Log(<$Log as Protocol>::Node, Kept),)*
        }

        $(
            impl Embeds<$Log> for AnyLog {
                fn message(message: <$Log as Protocol>::Message) -> AnyMessage {
                    AnyMessage::$Log(message)
                }

                fn timer(timer: <$Log as Protocol>::Timer) -> AnyTimer {
                    AnyTimer::$Log(timer)
                }

                fn metric(metric: <$Log as Protocol>::Metric) -> Option<LogMetric> {
                    let name = <<$Log as Protocol>::Metric as Metric>::ALL[metric.index()].name;
                    (name == $changes).then_some(LogMetric::Changes)
                }

                fn body(body: <$Log as Protocol>::Body, _: Part) -> AnyBody {
                    AnyBody::$Log(body)
                }

                fn inner(body: &AnyBody) -> &<$Log as Protocol>::Body {
                    match body {
                        AnyBody::$Log(it) => it,
                        #[allow(unreachable_patterns)]
                        _ => $Log::nothing(),
                    }
                }
            }
        )*

        impl Protocol for AnyLog {
            type Node = AnyNode;
            type Message = AnyMessage;
            type Body = AnyBody;
            type Timer = AnyTimer;
            type Metric = LogMetric;
            type Output = NoOutput;

            fn start(&self, cx: &mut impl Context<Self>) -> AnyNode {
                match self {
                    $(Self::$Log(log) => {
                        let mut kept = Kept::default();
                        let node = inside(($keeps, &mut kept), cx, |cx| log.start(cx));
                        AnyNode::$Log(node, kept)
                    })*
                }
            }

            fn on_message(
                &self,
                node: &mut AnyNode,
                from: NodeId,
                message: &AnyMessage,
                cx: &mut impl Context<Self>,
            ) {
                match (self, node, message) {
                    $((Self::$Log(log), AnyNode::$Log(node, kept), AnyMessage::$Log(message)) => {
                        inside(($keeps, kept), cx, |cx| log.on_message(node, from, message, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            fn on_timer(&self, node: &mut AnyNode, timer: AnyTimer, cx: &mut impl Context<Self>) {
                match (self, node, timer) {
                    $((Self::$Log(log), AnyNode::$Log(node, kept), AnyTimer::$Log(timer)) => {
                        inside(($keeps, kept), cx, |cx| log.on_timer(node, timer, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            fn restart(&self, node: &mut AnyNode, keep_state: bool, cx: &mut impl Context<Self>) {
                match (self, node) {
                    $((Self::$Log(log), AnyNode::$Log(node, kept)) => {
                        if !keep_state {
                            kept.clear(cx);
                        }
                        inside(($keeps, kept), cx, |cx| log.restart(node, keep_state, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }
        }

        impl AnyLog {
            /// Something waits at this node that did not before.
            pub fn poke(&self, node: &mut AnyNode, cx: &mut impl Context<Self>) {
                match (self, node) {
                    $((Self::$Log(log), AnyNode::$Log(node, kept)) => {
                        inside(($keeps, kept), cx, |cx| log.poke(node, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            /// Who puts entries into the log now, as far as this node knows.
            pub fn proposer(&self, node: &AnyNode) -> Option<NodeId> {
                match (self, node) {
                    $((Self::$Log(log), AnyNode::$Log(node, _)) => log.proposer(node),)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            /// How many of its nodes may fail.
            pub fn faults(&self) -> u32 {
                match self {
                    $(Self::$Log(log) => log.faults(),)*
                }
            }

            /// Whether a node that was down finds out what it missed.
            pub fn catches_up(&self) -> bool {
                match self {
                    $(Self::$Log(_) => !$keeps,)*
                }
            }

            /// Whether it is safe only where all messages arrive within the bound that it knows.
            pub fn is_synchronous(&self) -> bool {
                matches!(self, Self::DolevStrong(_))
            }

            /// Whether they may lie, or only crash.
            pub fn bears_lies(&self) -> bool {
                match self {
                    $(Self::$Log(_) => $Log::BEARS_LIES,)*
                }
            }

            /// How long it takes at most until what waits is final everywhere: see
            /// [`ReplicatedLog::bound`].
            pub fn bound(&self, delta: Span, liars: u32) -> Span {
                match self {
                    $(Self::$Log(log) => log.bound(delta, liars),)*
                }
            }
        }
    };
}

static NOTHING: AnyBody = AnyBody::Nothing;

/// Runs a handler of the log inside; what it says to the outside world is not passed on.
fn inside<L: Protocol, C: Context<AnyLog>, T>(
    (keeps, kept): (bool, &mut Kept),
    cx: &mut C,
    handler: impl FnOnce(&mut Within<'_, AnyLog, L, C, PassedOn<'_>>) -> T,
) -> T
where
    AnyLog: Embeds<L>,
{
    let part = Part { first: NodeId(0), size: cx.nodes() };
    Within::run_on(part, PassedOn { kept, keeps }, cx, handler).0
}

use anthill_dolev_strong::DolevStrong;
use anthill_hotstuff::HotStuff;
use anthill_pbft::Pbft;
use anthill_pos_bft::PosBft;
use anthill_raft::Raft;
use anthill_randomized::RandomizedLog;
use anthill_streamlet::Streamlet;

// Its type, its name, the metric that counts changes of who proposes, and whether bodies are kept for it.
logs! {
    Pbft, "pbft", "view_changes", false;
    HotStuff, "hotstuff", "view_changes", false;
    Raft, "raft", "elections", false;
    Streamlet, "streamlet", "", true;
    DolevStrong, "dolev-strong", "", true;
    RandomizedLog, "randomized", "", false;
    PosBft, "pos-bft", "", false;
}
