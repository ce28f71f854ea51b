//! The protocol: a period after the other, each with a ping.

use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::*;

use crate::judges;
use crate::members::{Members, State, Update};
use crate::news::{Bundle, News};
use crate::order::Order;

/// SWIM, a failure detector for large groups: pings, indirect pings, suspicion, incarnation numbers and
/// news that ride on them (Das, Gupta and Motivala 2002).
#[derive(Clone, Debug, Parameters)]
#[configure(situations = &["suspected", "declared"])]
pub struct Swim {
    /// from one ping of a member to its next
    #[param(default = Span::from_secs(1), min = Span::from_millis(1), above = timeout)]
    pub period: Span,
    /// how long an answer may take before others are asked to ping too
    #[param(default = Span::from_millis(300), min = Span::from_micros(1))]
    pub timeout: Span,
    /// members that are asked to ping one that did not answer
    #[param(default = 3, range = 0..=64)]
    pub helpers: u32,
    /// how long a suspicion may be refuted, in periods times log₂ of the members
    #[param(default = 1, range = 1..=64)]
    pub suspicion: u32,
    /// on how many messages of a member a piece of news rides, times log₂ of the members
    #[param(default = 3, range = 1..=64)]
    pub repeats: u32,
    /// periods from one report that a member is up to its next
    #[param(default = 10, range = 1..=1_000_000)]
    pub report: u32,
}

/// What members send each other.
#[derive(Clone, Copy, Debug, Message)]
pub enum SwimMessage {
    /// Are you there? `asker` wants to know, if it is not the sender.
    Ping {
        /// Number of the asker's period.
        round: u32,
        /// On whose behalf.
        asker: Option<NodeId>,
        /// What rides on it.
        news: Bundle,
    },
    /// Yes.
    Ack {
        /// As in the ping.
        round: u32,
        /// As in the ping.
        asker: Option<NodeId>,
        /// What rides on it.
        news: Bundle,
    },
    /// Ping somebody for me.
    PingReq {
        /// Number of the sender's period.
        round: u32,
        /// Whom.
        target: NodeId,
        /// What rides on it.
        news: Bundle,
    },
}

/// What a member says to the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Output)]
pub enum Says {
    /// It is up: at its start, and every so many periods.
    Up,
    /// It holds a member to be dead.
    Declares {
        /// Whom.
        member: NodeId,
        /// In which incarnation.
        incarnation: u32,
    },
    /// It holds a member that it had declared dead to be alive.
    Welcomes {
        /// Whom.
        member: NodeId,
    },
}

/// What is measured.
#[derive(Clone, Copy, Metric)]
pub enum SwimMetric {
    /// members that others were asked to ping
    Indirect,
    /// members that did not answer, by those who pinged them
    Suspected,
    /// suspicions and declarations that their subject refuted
    Refuted,
    /// declarations of death, by every member that holds them
    Declared,
}

/// A member.
#[derive(Clone, Debug, Snapshot)]
pub struct Node {
    incarnation: u32,
    round: u32,
    /// Whom it pinged in this period, while there is no answer.
    unanswered: Option<NodeId>,
    order: Order,
    members: Members,
    news: News,
}

/// What a member leaves for itself.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// The next period begins.
    Period,
    /// The answer in this period is late.
    Late {
        /// Which period.
        round: u32,
    },
    /// A suspicion has not been refuted.
    Unrefuted {
        /// Whom it is of.
        member: NodeId,
        /// Of which incarnation.
        incarnation: u32,
    },
}

impl Swim {
    /// ⌈log₂ n⌉, at least 1.
    fn scale(nodes: u32) -> u32 {
        u64::from(nodes.max(2)).next_power_of_two().trailing_zeros()
    }

    /// How long a suspicion may be refuted.
    pub(crate) fn patience(&self, nodes: u32) -> Span {
        self.period * u64::from(self.suspicion * Self::scale(nodes))
    }

    /// On how many messages of a member a piece of news rides.
    pub(crate) fn most_sent(&self, nodes: u32) -> u32 {
        self.repeats * Self::scale(nodes)
    }

    /// Within what everyone knows that a member is down, if `down` are: until somebody pings it (nobody
    /// does for 25 periods with a probability of e⁻²⁵) and misses the answer, until the suspicion is over,
    /// and until the news is everywhere, in line with that of the others.
    pub(crate) fn bound(&self, nodes: u32, down: usize) -> Span {
        let spread = 4 * u64::from(Self::scale(nodes));
        let queue = down as u64 * u64::from(self.most_sent(nodes)) / crate::MOST_NEWS as u64;
        self.patience(nodes) + self.period * (27 + spread + queue)
    }

    /// How long a member says nothing of itself at most.
    pub(crate) fn silence(&self) -> Span {
        self.period * u64::from(self.report)
    }

    fn bundle(&self, node: &mut Node, to: NodeId, cx: &impl Context<Self>) -> Bundle {
        node.news.bundle(to, self.most_sent(cx.nodes()), &node.members)
    }

    fn ping(
        &self,
        node: &mut Node,
        to: NodeId,
        (round, asker): (u32, Option<NodeId>),
        cx: &mut impl Context<Self>,
    ) {
        let news = self.bundle(node, to, cx);
        cx.send(to, SwimMessage::Ping { round, asker, news });
    }

    /// Suspects whoever did not answer, and pings the next.
    fn period(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        cx.set_timer(self.period, Timer::Period);
        if let Some(member) = node.unanswered.take() {
            let known = node.members.of(member);
            if known.state == State::Alive {
                cx.record(SwimMetric::Suspected, 1);
                self.learn(node, Update { state: State::Suspect, ..known }, cx);
            }
        }
        node.round = node.round.wrapping_add(1);
        if node.round % self.report == 0 {
            cx.output(Says::Up);
        }
        // Those that are dead are passed over, up to some at once.
        for _ in 0..8 {
            let Some(slot) = node.order.next(cx.degree(), cx) else { return };
            let member = cx.peer(slot);
            if node.members.of(member).state != State::Dead {
                node.unanswered = Some(member);
                let round = node.round;
                self.ping(node, member, (round, None), cx);
                cx.set_timer(self.timeout, Timer::Late { round });
                return;
            }
        }
    }

    /// Asks others to ping whoever has not answered.
    fn ask_others(&self, node: &mut Node, target: NodeId, cx: &mut impl Context<Self>) {
        cx.record(SwimMetric::Indirect, 1);
        for _ in 0..self.helpers {
            let slot = cx.random_below(cx.degree().into()) as u32;
            let helper = cx.peer(slot);
            if helper != target {
                let news = self.bundle(node, helper, cx);
                cx.send(helper, SwimMessage::PingReq { round: node.round, target, news });
            }
        }
    }

    /// Takes one piece of news.
    fn learn(&self, node: &mut Node, update: Update, cx: &mut impl Context<Self>) {
        let Update { member, incarnation, state } = update;
        if member == cx.id() {
            return self.refute(node, update, cx);
        }
        if member.0 >= cx.nodes() {
            return; // Nobody has that id: a lie, or damage.
        }
        let Some(before) = node.members.take(update) else { return };
        node.news.add(member);
        match state {
            State::Suspect => {
                let patience = self.patience(cx.nodes());
                cx.set_timer(patience, Timer::Unrefuted { member, incarnation });
            }
            State::Dead => {
                cx.record(SwimMetric::Declared, 1);
                cx.output(Says::Declares { member, incarnation });
            }
            State::Alive if before.state == State::Dead => cx.output(Says::Welcomes { member }),
            State::Alive => {}
        }
    }

    /// Answers what is said of this member itself with a higher incarnation.
    fn refute(&self, node: &mut Node, said: Update, cx: &mut impl Context<Self>) {
        if said.state == State::Alive || said.incarnation < node.incarnation {
            return;
        }
        cx.record(SwimMetric::Refuted, 1);
        node.incarnation = said.incarnation.saturating_add(1);
        let incarnation = node.incarnation;
        node.members.take(Update { member: cx.id(), incarnation, state: State::Alive });
        node.news.add(cx.id());
    }

    fn begin(&self, cx: &mut impl Context<Self>) {
        cx.output(Says::Up);
        let phase = Span(cx.random_below(self.period.0));
        cx.set_timer(phase, Timer::Period);
    }
}

impl Protocol for Swim {
    type Node = Node;
    type Message = SwimMessage;
    type Body = NoBody;
    type Timer = Timer;
    type Metric = SwimMetric;
    type Output = Says;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        self.begin(cx);
        Node {
            incarnation: 0,
            round: 0,
            unanswered: None,
            order: Order::default(),
            members: Members::default(),
            news: News::default(),
        }
    }

    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            *node = self.start(cx);
            return;
        }
        // Timers died: what was suspected is suspected anew by whoever still does not hear of it.
        node.unanswered = None;
        self.begin(cx);
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Period => self.period(node, cx),
            Timer::Late { round } if round == node.round => {
                if let Some(target) = node.unanswered {
                    self.ask_others(node, target, cx);
                }
            }
            Timer::Unrefuted { member, incarnation } => {
                let suspicion = Update { member, incarnation, state: State::Suspect };
                if node.members.of(member) == suspicion {
                    self.learn(node, Update { state: State::Dead, ..suspicion }, cx);
                }
            }
            Timer::Late { .. } => {}
        }
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &SwimMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (SwimMessage::Ping { news, .. }
        | SwimMessage::Ack { news, .. }
        | SwimMessage::PingReq { news, .. }) = message;
        for update in news.iter().flatten() {
            self.learn(node, *update, cx);
        }
        match *message {
            SwimMessage::Ping { round, asker, .. } => {
                let news = self.bundle(node, from, cx);
                cx.send(from, SwimMessage::Ack { round, asker, news });
            }
            SwimMessage::PingReq { round, target, .. } => {
                if target.0 < cx.nodes() && target != cx.id() {
                    self.ping(node, target, (round, Some(from)), cx);
                }
            }
            SwimMessage::Ack { round, asker, .. } => match asker {
                Some(asker) if asker != cx.id() => {
                    if asker.0 < cx.nodes() {
                        let news = self.bundle(node, asker, cx);
                        cx.send(asker, SwimMessage::Ack { round, asker: Some(asker), news });
                    }
                }
                _ if round == node.round => node.unanswered = None,
                _ => {}
            },
        }
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Says>> {
        judges::judges(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        4e9 / self.period.0 as f64
    }
}
