//! What must hold between nodes, and what makes it hold.

use std::collections::BTreeMap;

use anthill_protocol::NodeId;
use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Setting};

use crate::DolevStrong;
use crate::node::Said;
use crate::schedule::{Schedule, sender_of};

type Heard = judge::Said<Said>;

pub(crate) fn judges(protocol: &DolevStrong, setting: &Setting) -> Vec<Judge<Said>> {
    let schedule = protocol.schedule();
    let in_time =
        setting.delta.is_some_and(|delta| delta <= protocol.delta) && setting.stable_from.0 == 0;
    let synchronous = in_time && !setting.crashes && !setting.loses_messages;
    let within = synchronous && setting.held < schedule.rounds;
    let bound = "synchronous within delta, fewer liars than rounds";
    let decided = judge::on!(Said::Decided { instance, value } => (instance, value));
    let nodes = setting.nodes;
    vec![
        Judge::new("agreement", judge::agreement(decided)).bound(bound, within),
        Judge::new("validity", Validity { nodes, inputs: BTreeMap::new() }).bound(bound, within),
        Judge::new("decided on time", OnTime { schedule, next: vec![0; nodes as usize] })
            .bound("synchronous within delta", synchronous),
        Judge::new("at most two values", TwoValues { nodes: BTreeMap::new() }),
    ]
}

/// What an honest sender said is what is decided.
struct Validity {
    nodes: u32,
    /// By instance, what honest senders said, until the next instance is decided.
    inputs: BTreeMap<u32, (u32, Heard)>,
}

impl Rule<Said> for Validity {
    fn hear(&mut self, said: &Heard, breaches: &mut Breaches) {
        match said.output {
            Said::Extracted { instance, value, round: 0 } => {
                if said.node == sender_of(instance, self.nodes) {
                    self.inputs.insert(instance, (value, *said));
                }
            }
            Said::Extracted { .. } => {}
            Said::Decided { instance, value } => {
                self.inputs = self.inputs.split_off(&instance.saturating_sub(1));
                if let Some((input, first)) = self.inputs.get(&instance)
                    && value != Some(*input)
                {
                    breaches.contradiction(first, said);
                }
            }
        }
    }
}

/// Every node decides every instance at the very end of its last round.
struct OnTime {
    schedule: Schedule,
    /// By node, the instance that it decides next.
    next: Vec<u32>,
}

impl Rule<Said> for OnTime {
    fn hear(&mut self, said: &Heard, breaches: &mut Breaches) {
        let Said::Decided { instance, .. } = said.output else { return };
        let Some(next) = self.next.get_mut(said.node.index()) else { return };
        let due = self.schedule.decision(instance);
        if said.at.time != due {
            breaches.output(said, &format!("it was due at {due}"));
        } else if instance != *next {
            breaches.output(said, &format!("instance {next} was to come"));
        }
        *next = instance.saturating_add(1);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let due = self.schedule.decided_before(end.time);
        let nodes = self.next.iter().zip((0..).map(NodeId));
        let expected = nodes.filter(|(_, node)| end.excused.binary_search(node).is_err());
        for (next, node) in expected {
            if due == 0 && *next == 0 {
                let (now, first) = (end.time, self.schedule.decision(0));
                return Err(format!("the run ends at {now}, before the first decision at {first}"));
            }
            if *next < due {
                breaches.missing(format!("{node} has decided {next} of {due} instances"));
            }
        }
        Ok(())
    }
}

/// No node extracts, and so relays, more than two values of an instance.
struct TwoValues {
    /// By node, its latest instance and what it has extracted there.
    nodes: BTreeMap<NodeId, (u32, u32)>,
}

impl Rule<Said> for TwoValues {
    fn hear(&mut self, said: &Heard, breaches: &mut Breaches) {
        let Said::Extracted { instance, .. } = said.output else { return };
        let (latest, values) = self.nodes.entry(said.node).or_default();
        *values = if *latest == instance { *values + 1 } else { 1 };
        *latest = instance;
        if *values > 2 {
            breaches.output(said, "a third value");
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.nodes.remove(&node);
        }
    }
}
