//! Counts that follow from the rules.

use anthill_protocol::{Check, Message as _, RunFacts};

use crate::hotstuff::{HotStuff, HotStuffMetric};
use crate::messages::HotStuffMessage;

fn kind(name: &str) -> usize {
    HotStuffMessage::KINDS.iter().position(|kind| *kind == name).unwrap_or(usize::MAX)
}

pub(crate) fn checks(hotstuff: &HotStuff, facts: &RunFacts) -> Vec<Check> {
    let totals = &facts.totals;
    let sent = |name| totals.messages_by_kind.get(kind(name)).copied().unwrap_or(0);
    let others = f64::from(hotstuff.nodes.saturating_sub(1));
    let views = totals.of(HotStuffMetric::Proposals) as f64;
    let calm = totals.of(HotStuffMetric::ViewChanges) == 0;
    let proposals = Check::exact(
        "proposals: n - 1 for each block",
        "no adversary",
        sent("proposal") as f64,
        views * others,
    );
    // Of the last view's votes, none or some may be under way.
    let (most, votes) = (views * others, sent("vote") as f64);
    let least = (views - 2.0).max(0.0) * others;
    let ballots = Check {
        ok: (least..=most).contains(&votes),
        interval: (least, most),
        ..Check::exact(
            "votes: n - 1 a view, up to two views less at the end",
            "no view given up, no faults, no adversary",
            votes,
            most,
        )
    };
    vec![proposals.if_undisturbed(facts), ballots.if_undisturbed(facts).only_if(calm)]
}
