//! Counts that follow from the rules.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
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
    // Of the last view's votes, none or some may be under way. A replica that the next proposal reaches before
    // this one does not vote any more: with delays that differ, only a quorum's votes are sure.
    let (most, votes) = (views * others, sent("vote") as f64);
    let least = (views - 2.0).max(0.0) * f64::from(hotstuff.quorum().saturating_sub(1));
    let ballots = Check {
        ok: (least..=most).contains(&votes),
        interval: (least, most),
        ..Check::exact(
            "votes: a quorum's to n - 1 a view, but for two views at the end",
            "no view given up, no faults, no adversary",
            votes,
            most,
        )
    };
    vec![proposals.if_undisturbed(facts), ballots.if_undisturbed(facts).only_if(calm)]
}

/// What a view costs: linear, except that a list of signatures goes to everybody.
pub(crate) fn theory(hotstuff: &HotStuff) -> Theory {
    let n = f64::from(hotstuff.nodes);
    let (bits, why) = match hotstuff.aggregates() {
        true => (n, "n blocks with an aggregate each (HotStuff, 5)"),
        false => (n * f64::from(hotstuff.quorum()), "n blocks with q signatures each"),
    };
    let grows = |cost, expected, source| Law::new(cost, Relation::Grows, expected, source);
    let laws = vec![
        grows(Cost::Messages, 2.0 * (n - 1.0), "2(n - 1) a view (HotStuff, 5)"),
        grows(Cost::Bits, bits, why),
        grows(Cost::Signatures, n, "a vote of each replica a view (HotStuff, 5)"),
    ];
    Theory::of_decisions("proposals", 1, laws)
}
