//! Exact counts of messages (OSDI 1999, figure 1; validated for all n by the closed forms).

use anthill_protocol::{Check, Message as _, RunFacts};

use crate::attacks::Conduct;
use crate::messages::{PbftMessage, PbftMetric};
use crate::protocol::Pbft;

/// How many messages of a kind were sent.
pub(crate) fn sent(facts: &RunFacts, kind: &str) -> u64 {
    let place = PbftMessage::KINDS.iter().position(|name| *name == kind);
    place.and_then(|place| facts.totals.messages_by_kind.get(place)).copied().unwrap_or(0)
}

/// What a finished run is held against.
pub(crate) fn of(pbft: &Pbft, facts: &RunFacts) -> Vec<Check> {
    let mut checks = normal_case(pbft, facts);
    let silent = pbft.attack.is_some_and(|it| it.conduct == Conduct::Silent && it.count == 1);
    if silent {
        checks.extend(view_change(pbft, facts));
    }
    checks
}

fn normal_case(pbft: &Pbft, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let (n, requests) = (u64::from(pbft.n), u64::from(pbft.requests));
    let others = n.saturating_sub(1);
    let batches = of(PbftMetric::Batches) / n.max(1);
    let is_whole =
        of(PbftMetric::Executed) == n * requests && of(PbftMetric::Committed) == requests;
    // Who takes over a state, or learns a batch that others have committed, may not have voted for it.
    let disturbances =
        [PbftMetric::Retries, PbftMetric::ViewChanges, PbftMetric::Transfers, PbftMetric::Learned];
    let is_calm = sent(facts, "status") + disturbances.map(of).iter().sum::<u64>() == 0;
    let expected = [
        ("request: one each", "request", requests),
        ("pre-prepare: n - 1 a batch", "pre-prepare", others * batches),
        ("prepare: (n - 1)^2 a batch", "prepare", others * others * batches),
        ("commit: n (n - 1) a batch", "commit", n * others * batches),
        ("reply: n a request", "reply", n * requests),
        (
            "checkpoint: n (n - 1) each",
            "checkpoint",
            n * others * (batches / u64::from(pbft.checkpoint_interval)),
        ),
    ];
    let check = |(name, kind, expected): (&'static str, &str, u64)| {
        let bound = "all executed, nothing sent again";
        Check::exact(name, bound, sent(facts, kind) as f64, expected as f64)
            .only_if(is_whole && is_calm)
            .if_undisturbed(facts)
    };
    expected.into_iter().map(check).collect()
}

/// One silent primary: all others give it up once, and the next one begins the view.
fn view_change(pbft: &Pbft, facts: &RunFacts) -> [Check; 2] {
    let others = f64::from(pbft.n.saturating_sub(1));
    let is_one = facts.totals.of(PbftMetric::Rounds) == 1
        && facts.totals.of(PbftMetric::ViewChanges) == 1
        && !facts.disturbed;
    let check = |name, kind, expected| {
        let bound = "one silent primary, one view change";
        Check::exact(name, bound, sent(facts, kind) as f64, expected).only_if(is_one)
    };
    [
        check("view-change: (n - 1)^2", "view-change", others * others),
        check("new-view: n - 1", "new-view", others),
    ]
}
