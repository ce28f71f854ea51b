//! What must hold between replicas (figure 3): who leads, what is voted, committed and applied.

mod completeness;
pub(crate) mod liveness;
mod logs;
#[cfg(test)]
mod tests;
mod votes;

use anthill_protocol::judge::{self, Judge, Setting};

use crate::Raft;
use crate::messages::RaftOutput;

pub(crate) fn judges(raft: &Raft, setting: &Setting) -> Vec<Judge<RaftOutput>> {
    let leads = judge::on!(RaftOutput::Leader { group, term, .. } => (group, term));
    let (safe, is_safe) = ("nobody lies or forgets", setting.held == 0 && !setting.loses_state);
    let calm = is_safe && !setting.crashes && !setting.loses_messages;
    let (size, nodes) = (raft.group, setting.nodes);
    let mut judges = vec![
        Judge::new("election safety", judge::one_per(leads)).bound(safe, is_safe),
        Judge::new("votes are kept", votes::Votes::new(nodes)).bound(safe, is_safe),
        Judge::new("one log", logs::OneLog::new(size, nodes)).bound(safe, is_safe),
        Judge::new("done once", logs::Once::new(size, nodes)).bound(safe, is_safe),
        Judge::new("leader completeness", completeness::Complete::new(size, nodes))
            .bound(safe, is_safe),
    ];
    let Some(delta) = setting.delta else { return judges };
    if let Some(led) = liveness::Led::new(raft, setting, delta) {
        let bound = "nobody lies or goes down, and every message arrives, in less than a timeout";
        let within = calm && led.is_busy;
        judges.push(Judge::new("a leader in time", led).bound(bound, within));
    }
    let bound = "that from the start, the group stays, and nothing is overtaken";
    let within = calm && setting.stable_from.0 == 0 && !raft.changes();
    judges
        .push(Judge::new("commit in two delays", liveness::TwoDelays(delta)).bound(bound, within));
    judges
}
