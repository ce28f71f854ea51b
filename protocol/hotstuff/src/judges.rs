//! What must hold between replicas.

use core::mem;
use std::collections::BTreeMap;

use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::hotstuff::{HotStuff, HotStuffOutput};
use crate::pacemaker::MOST_DOUBLINGS;

pub(crate) fn judges(hotstuff: &HotStuff, setting: &Setting) -> Vec<Judge<HotStuffOutput>> {
    use HotStuffOutput::{Answered, Committed};
    let n = setting.nodes;
    let commits = judge::on!(Committed { height, block, .. } => ((), height, block));
    let answers = judge::on!(Answered { client, number } => (client, number.into(), ()));
    let (few, safe) = ("at most f lie and none forgets", is_safe(hotstuff, setting));
    let voices = n.saturating_sub(setting.held);
    let live = safe && is_live(hotstuff, setting);
    let from = setting.stable_from;
    let deadline = deadline(hotstuff, setting);
    let progress = Progress { from, deadline, nodes: n, heard: BTreeMap::new() };
    vec![
        Judge::new("one chain", judge::prefix(voices, commits)).bound(few, safe),
        Judge::new("one vote a view", OneVote::default())
            .bound("no state is lost", !setting.loses_state),
        Judge::new("answers in order", judge::prefix(1, answers))
            .bound("no state is lost", !setting.loses_state),
        Judge::new("a commit in time", progress).bound(
            "at most f lie, none crashes, messages arrive, honest leaders follow each other",
            live,
        ),
    ]
}

fn is_safe(hotstuff: &HotStuff, setting: &Setting) -> bool {
    setting.held <= hotstuff.faults() && !setting.loses_state
}

/// Whether blocks are committed for certain once messages arrive: `chain` + 1 views in a row must have
/// honest leaders, the last of which makes the certificate that commits. Of n replicas in a circle, h of which
/// are held, ⌈(n − h)/h⌉ honest ones follow each other somewhere.
///
/// Held leaders can show their blocks to some, who then wait for, and give up, as many views more than
/// others. Under the two-chain's rule those do not vote in them, so that as many honest leaders may fail:
/// ⌈(n − 2h)/h⌉ remain.
pub(crate) fn is_live(hotstuff: &HotStuff, setting: &Setting) -> bool {
    let held = setting.held;
    let lost = if hotstuff.chain == 2 { held.saturating_mul(2) } else { held };
    let honest = setting.nodes.saturating_sub(lost);
    let run = if held == 0 { setting.nodes } else { honest.div_ceil(held) };
    let views = u64::from(run) * u64::from(hotstuff.tenure);
    let calm = !setting.crashes && !setting.loses_messages && setting.delta.is_some();
    let fits = setting.delta.is_some_and(|delta| delta * 4 <= hotstuff.patience(MOST_DOUBLINGS));
    views > u64::from(hotstuff.chain) && calm && fits
}

/// When every replica has committed a block after the network has become stable.
///
/// A wait that runs then began before it and is at most as long as everything until then, or the longest
/// that there is. After it, waits double until four delays fit; ⌈log₂ n⌉ + 2 time-outs bring replicas
/// together, and in one turn of all leaders each held one costs at most two time-outs a view.
pub(crate) fn deadline(hotstuff: &HotStuff, setting: &Setting) -> Time {
    let Some(delta) = setting.delta else { return Time::MAX };
    let stable = setting.stable_from.since(Time::ZERO) + delta;
    let reaches = |enough: Span| (0..MOST_DOUBLINGS).find(|k| hotstuff.patience(*k) >= enough);
    let before = if setting.stable_from > Time::ZERO { stable } else { Span::ZERO };
    let running = reaches(before.max(delta * 4)).unwrap_or(MOST_DOUBLINGS);
    let tenure = u64::from(hotstuff.tenure);
    let meet = u64::from(setting.nodes.max(2).ilog2()) + 3;
    let turn = u64::from(setting.nodes) * tenure;
    let calm = setting.held == 0 && setting.stable_from == Time::ZERO;
    let views = if calm { 0 } else { turn + 8 };
    let time_outs =
        if calm { u64::from(running) } else { meet + 2 * u64::from(setting.held) * tenure };
    let mut wait = Span::ZERO;
    for more in 0..time_outs {
        let failures = u64::from(running).saturating_add(more + 1).min(MOST_DOUBLINGS.into());
        wait = wait + hotstuff.patience(failures as u32) + delta * 4;
    }
    Time::ZERO + stable + hotstuff.patience(running) + wait + delta * (4 * views + 8)
}

/// A replica votes at most once in a view, and in rising views.
#[derive(Default)]
struct OneVote(BTreeMap<NodeId, Said<HotStuffOutput>>);

impl Rule<HotStuffOutput> for OneVote {
    fn hear(&mut self, said: &Said<HotStuffOutput>, breaches: &mut Breaches) {
        let HotStuffOutput::Voted { view, .. } = said.output else { return };
        let Some(before) = self.0.get_mut(&said.node) else {
            self.0.insert(said.node, *said);
            return;
        };
        let before = mem::replace(before, *said);
        if matches!(before.output, HotStuffOutput::Voted { view: last, .. } if last >= view) {
            breaches.contradiction(&before, said);
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.0.remove(&node);
        }
    }
}

/// Every replica commits a block after an instant and by a deadline.
struct Progress {
    from: Time,
    deadline: Time,
    nodes: u32,
    heard: BTreeMap<NodeId, ()>,
}

impl Rule<HotStuffOutput> for Progress {
    fn hear(&mut self, said: &Said<HotStuffOutput>, _: &mut Breaches) {
        let commits = matches!(said.output, HotStuffOutput::Committed { .. });
        if commits && said.at.time >= self.from && said.at.time <= self.deadline {
            self.heard.insert(said.node, ());
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let excused = |node: &NodeId| end.excused.binary_search(node).is_ok();
        let all = (0..self.nodes).map(NodeId);
        let late: Vec<NodeId> =
            all.filter(|node| !self.heard.contains_key(node) && !excused(node)).collect();
        if end.time <= self.deadline && !late.is_empty() {
            let (time, deadline) = (end.time, self.deadline);
            return Err(format!("the run ends at {time}, before the deadline {deadline}"));
        }
        for node in late {
            breaches.missing(format!("{node} has committed nothing by {}", self.deadline));
        }
        Ok(())
    }
}
