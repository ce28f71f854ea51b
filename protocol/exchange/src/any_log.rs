//! Any of the logs, as one protocol: what runs over a log is compiled once, not once for each of them.

use core::fmt::Debug;

use anthill_protocol::kit::{
    Answer, Ask, Embeds, LogSetting, Machine, Part, ReplicatedLog, Within,
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

/// The machine of the log inside is that of the log around it.
struct PassedOn;

impl<C: Context<AnyLog>> Machine<C> for PassedOn {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut C) -> Answer {
        cx.machine(ask)
    }
}

macro_rules! logs {
    ($($Log:ident, $name:literal, $changes:literal;)*) => {
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
        #[derive(Debug, PartialEq, Eq)]
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
        #[derive(Clone, Copy, Debug)]
        pub enum AnyTimer {
            $(#[doc = $name] $Log(<$Log as Protocol>::Timer),)*
        }

        /// A node of the log.
        #[derive(Snapshot)]
        #[expect(clippy::large_enum_variant, reason = "all nodes of a run are of one kind")]
        pub enum AnyNode {
            $(#[doc = $name] $Log(<$Log as Protocol>::Node),)*
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
                    $(Self::$Log(log) => AnyNode::$Log(inside(cx, |cx| log.start(cx))),)*
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
                    $((Self::$Log(log), AnyNode::$Log(node), AnyMessage::$Log(message)) => {
                        inside(cx, |cx| log.on_message(node, from, message, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            fn on_timer(&self, node: &mut AnyNode, timer: AnyTimer, cx: &mut impl Context<Self>) {
                match (self, node, timer) {
                    $((Self::$Log(log), AnyNode::$Log(node), AnyTimer::$Log(timer)) => {
                        inside(cx, |cx| log.on_timer(node, timer, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            fn restart(&self, node: &mut AnyNode, keep_state: bool, cx: &mut impl Context<Self>) {
                match (self, node) {
                    $((Self::$Log(log), AnyNode::$Log(node)) => {
                        inside(cx, |cx| log.restart(node, keep_state, cx));
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
                    $((Self::$Log(log), AnyNode::$Log(node)) => {
                        inside(cx, |cx| log.poke(node, cx));
                    })*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }

            /// Who puts entries into the log now, as far as this node knows.
            pub fn proposer(&self, node: &AnyNode) -> Option<NodeId> {
                match (self, node) {
                    $((Self::$Log(log), AnyNode::$Log(node)) => log.proposer(node),)*
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
    cx: &mut C,
    handler: impl FnOnce(&mut Within<'_, AnyLog, L, C, PassedOn>) -> T,
) -> T
where
    AnyLog: Embeds<L>,
{
    let part = Part { first: NodeId(0), size: cx.nodes() };
    Within::run_on(part, PassedOn, cx, handler).0
}

use anthill_pbft::Pbft;
use anthill_raft::Raft;

logs! {
    Pbft, "pbft", "view_changes";
    Raft, "raft", "elections";
}
