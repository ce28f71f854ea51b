//! Raft: groups of replicas, each with an elected leader that replicates a log (Ongaro and Ousterhout
//! 2014, figure 2; Ongaro's dissertation for the rest).
//!
//! | module | rules | source |
//! |---|---|---|
//! | `election` | terms, votes, pre-votes | paper 5.2, 5.4.1; dissertation 4.2.3, 9.6 |
//! | `replication` | append, match, commit, apply; a leader without a quorum gives up | paper 5.3, 5.4.2; dissertation 6.2 |
//! | `session`, `clients` | requests are done once, and asked again until they are | dissertation 6.3 |
//! | `snapshot` | logs are cut, and who lags behind gets the state | paper 7 |
//! | `membership` | one replica at a time, or joint consensus | dissertation 4.1 to 4.3 |
//! | `machine` | a log for a machine, in place of clients | |
//! | `replica`, `log` | what is on disk, and what a crash takes | figure 2 |
//! | `judges`, `checks` | what must hold between replicas, counts, and costs | figure 3 |

#![forbid(unsafe_code)]

mod checks;
mod clients;
mod election;
mod judges;
mod log;
mod machine;
mod membership;
mod messages;
mod replica;
mod replication;
mod session;
mod snapshot;
#[cfg(test)]
mod tests;

use anthill_protocol::history::{Operation, Step, Value};
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Group, Groups};
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{Bodies, Context, Dice, NodeId, Parameters, Protocol, Span, Totals};

use messages::{RaftBody, RaftMessage, RaftMetric, RaftOutput, Timer};
use replica::{Replica, Standing};

/// Groups of replicas elect leaders that replicate a log each (Ongaro and Ousterhout 2014).
#[derive(Clone, Debug, Parameters)]
#[configure(
    fit = Raft::divide,
    checks = checks::checks,
    complexity = checks::theory,
    pending = |_, _| 8.0,
    swarm = Raft::drawn,
    columns = replica::COLUMNS,
    row = |_, _, node: &Replica| node.row(),
    situations = &["elections", "leaders", "committed", "refused", "snapshots", "changes", "answer"]
)]
pub struct Raft {
    /// replicas of one log; nodes are divided into groups by their ids
    #[param(default = 5, range = 1..=64, above = spares)]
    group: u32,
    /// how often a leader is heard
    #[param(default = Span::from_millis(100), min = Span(1))]
    heartbeat: Span,
    /// least silence before an election; up to twice as long, drawn
    #[param(default = Span::from_secs(1), above = heartbeat)]
    election_timeout: Span,
    /// requests of a group after which it is done; 0: until the end
    #[param(default = 0)]
    requests: u32,
    /// most entries of a message; what comes while others are on their way is collected
    #[param(default = 1, range = 1..=1024)]
    batch: u32,
    /// applied entries after which the log is cut; 0: never
    #[param(default = 100)]
    snapshot_interval: u32,
    /// whether a replica asks if it could win before it stands for election
    #[param(default = false)]
    pre_vote: bool,
    /// replicas of a group that begin without a vote, to take the place of others
    #[param(default = 0, range = 0..=63)]
    spares: u32,
    /// how voters are replaced: added and removed one at a time, or by joint consensus
    #[param(default = "single", choice = ["single", "joint"])]
    membership: &'static str,
    /// mean time between the requests of a replica's own client
    #[workload(default = Span::from_secs(1), min = Span(1))]
    interval: Span,
    /// how often a spare takes the place of a voter; 0: never
    #[workload(default = Span::ZERO, min = Span::ZERO)]
    replace: Span,
    /// Of the scenario.
    groups: u32,
    /// A planted error: what a majority has is committed, of whatever term (figure 8).
    #[cfg(test)]
    commits_older_terms: bool,
}

impl Raft {
    fn divide(&mut self, nodes: u32, _seed: u64) -> Result<(), ParameterError> {
        self.groups = nodes / self.group;
        Groups { size: self.group }.divide(nodes, "group")
    }

    /// For a swarm: groups of a size that divides the nodes, in half of the runs one of all; logs that are
    /// cut within a run, and in some of the runs voters that are replaced.
    fn drawn(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        let sizes: Vec<u32> = (2..=nodes).filter(|size| nodes.is_multiple_of(*size)).collect();
        let is_one = dice.one_in(2) || sizes.is_empty();
        let group = if is_one { nodes } else { dice.pick(&sizes) };
        let mut drawn = vec![
            ("protocol.group", group.to_string()),
            ("protocol.snapshot_interval", dice.pick(&["0", "3", "10", "100"]).to_owned()),
        ];
        if group > 3 && dice.one_in(3) {
            drawn.push(("protocol.spares", "1".to_owned()));
            drawn.push(("workload.replace", dice.pick(&["\"3s\"", "\"8s\""]).to_owned()));
        }
        drawn
    }

    fn group(&self, node: NodeId) -> Group {
        Groups { size: self.group }.of(node)
    }

    fn member(group: Group, place: usize) -> NodeId {
        NodeId(group.number * group.size + place as u32)
    }

    /// The term that a message makes its receiver know, and whether it comes from its leader.
    fn term_of(message: &RaftMessage) -> Option<(u32, bool)> {
        use RaftMessage::*;
        Some(match *message {
            Append { term, .. }
            | Batch { term, .. }
            | Heartbeat { term, .. }
            | Install { term, .. } => (term, true),
            Vote { term, .. }
            | PreVoted { term, granted: false }
            | Ack { term, .. }
            | Refuse { term, .. } => (term, false),
            _ => return None,
        })
    }
}

impl Protocol for Raft {
    type Node = Replica;
    type Message = RaftMessage;
    type Body = RaftBody;
    type Timer = Timer;
    type Metric = RaftMetric;
    type Output = RaftOutput;

    const STOPS_EARLY: bool = true;
    const MAY_CHANGE: &'static [&'static str] =
        &["protocol.election_timeout", "protocol.heartbeat", "workload.interval"];
    const HINTS: bool = true;

    fn hint(
        &self,
        node: &Replica,
        message: &RaftMessage,
        _: &impl Bodies<RaftBody>,
        fetch: impl FnMut(*const u8),
    ) {
        node.hint(message, fetch);
    }

    fn start(&self, cx: &mut impl Context<Self>) -> Replica {
        let mut node = self.blank(cx);
        self.wake(&mut node, cx);
        node
    }

    fn restart(&self, node: &mut Replica, keep_state: bool, cx: &mut impl Context<Self>) {
        self.revive(node, keep_state, cx);
    }

    fn on_timer(&self, node: &mut Replica, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Alarm(tick) => match node.alarm.fires(cx, tick, Timer::Alarm) {
                true if node.lead.is_some() => {
                    self.change(node, cx);
                    self.beat(node, cx);
                }
                true => self.time_out(node, cx),
                false => {}
            },
            Timer::Arrival => self.on_arrival(node, cx),
        }
    }

    fn on_message(
        &self,
        node: &mut Replica,
        from: NodeId,
        message: &RaftMessage,
        cx: &mut impl Context<Self>,
    ) {
        use RaftMessage::*;
        if !self.group(cx.id()).contains(from) || from == cx.id() {
            return;
        }
        if let Some((term, leads)) = Self::term_of(message) {
            if term > node.term {
                self.advance(node, term, cx);
            } else if term < node.term {
                // Replies of older terms are ignored; their leaders learn that they are none.
                if leads {
                    cx.send(from, Refuse { term: node.term, at: 0, hint: 0 });
                }
                return;
            }
        }
        match *message {
            RequestVote { term, last } => self.on_request(node, from, (term, last), cx),
            PreVote { term, last } => self.on_pre_vote(node, from, (term, last), cx),
            Vote { term, granted: true } => {
                self.on_vote(node, from, (term, Standing::Stands), cx);
            }
            PreVoted { term, granted: true } => {
                self.on_vote(node, from, (term, Standing::Asks), cx);
            }
            Vote { .. } | PreVoted { .. } => {}
            Append { prev, commit, entry, .. } => {
                self.on_append(node, from, (prev, commit), (&[entry], &[]), cx);
            }
            Batch { prev, commit, entries, .. } => {
                let bodies = cx.bodies();
                let list = match bodies.get(entries) {
                    RaftBody::Entries(entries) => (&entries[..], &[][..]),
                    RaftBody::Full(entries, bodies) => (&entries[..], &bodies[..]),
                    RaftBody::Snapshot(_) => return,
                };
                self.on_append(node, from, (prev, commit), list, cx);
            }
            Heartbeat { prev, commit, .. } => {
                self.on_append(node, from, (prev, commit), (&[], &[]), cx);
            }
            Ack { index, .. } => self.on_ack(node, from, index, cx),
            Refuse { at, hint, .. } => self.on_refuse(node, from, (at, hint), cx),
            Install { snapshot, .. } => self.on_install(node, from, snapshot, cx),
            Ask { number } => self.on_ask(node, from, number, cx),
            Reply { number } => self.on_reply(node, number, cx),
            Redirect { leader } => self.on_redirect(node, leader, cx),
        }
    }

    fn operation(&self, node: NodeId, output: &RaftOutput) -> Option<Operation> {
        let (step, number) = match *output {
            RaftOutput::Asked { number } => (Step::Invoke, number),
            RaftOutput::Answered { number } => (Step::Ok, number),
            _ => return None,
        };
        let (process, value) = (node.0.into(), Value::Number(number.into()));
        Some(Operation { process, step, function: "append", value })
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<RaftOutput>> {
        judges::judges(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        let beats = 1.0 / self.heartbeat.as_secs_f64();
        let entries = f64::from(self.group) / self.interval.as_secs_f64();
        2.0 * beats + 3.0 * entries
    }

    fn complete(&self, totals: &Totals) -> bool {
        let all = u64::from(self.requests) * u64::from(self.groups);
        all > 0 && totals.of(RaftMetric::Answer) >= all
    }
}
