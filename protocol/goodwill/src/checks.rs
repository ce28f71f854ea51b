//! Measured figures beside closed forms.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, Message, NodeId, RunFacts};

use crate::attacks::Plan;
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::{Goodwill, theory};

/// Messages that a block takes: flooded to all neighbours but the sender, first seen.
fn block_messages(protocol: &Goodwill) -> u64 {
    let forgers = u64::from(protocol.forgers());
    let degree = protocol.neighbours(NodeId(0)).len() as u64;
    if forgers < 2 { 0 } else { forgers * (degree.max(1) - 1) + 1 }
}

/// What a block of the main chain costs; transactions and stale blocks only add to it.
pub(crate) fn theory_of(protocol: &Goodwill) -> Theory {
    let messages = block_messages(protocol) as f64;
    let source = "F(d - 1) + 1 a block: flooded over a mesh of F full nodes of degree d";
    Theory::of_decisions(
        "chain_blocks",
        1,
        vec![Law::new(Cost::Messages, Relation::AtLeast, messages, source)],
    )
}

/// All checks that make sense for a run.
pub(crate) fn all(protocol: &Goodwill, facts: &RunFacts) -> Vec<Check> {
    let of = |metric: M| facts.totals.of(metric);
    let sent = |name: &str| {
        let place = GoodwillMessage::KINDS.iter().position(|kind| *kind == name);
        place.and_then(|place| facts.totals.messages_by_kind.get(place)).copied().unwrap_or(0)
    };
    let is_plain = !facts.disturbed && !facts.adversary && facts.quiescent;
    let per_block = block_messages(protocol);
    let mut checks = vec![
        Check::exact(
            "messages: a block takes forgers x (degree - 1) + 1",
            "honest nodes, nothing lost, all arrived; no invalid block, none before its parent",
            sent("block") as f64,
            (of(M::Blocks) * per_block) as f64,
        )
        // A node that asks for a parent gets it by an answer, and passes it on to nobody.
        .only_if(is_plain && of(M::Invalid) == 0 && sent("get-ledger-block") == 0),
    ];
    if protocol.most_issued.is_none() {
        let reward = protocol.reward as f64 / 1e6;
        checks.push(
            Check::exact(
                "minted: coinbase x blocks of the chain",
                "no cap",
                of(M::Minted) as f64 / 1e6,
                reward * of(M::ChainBlocks) as f64,
            )
            .only_if(true),
        );
    }
    checks.extend(attack(protocol, facts));
    checks
}

/// How often an attack came off, where there is a closed form.
fn attack(protocol: &Goodwill, facts: &RunFacts) -> Option<Check> {
    let attack = protocol.attack.as_ref()?;
    let tried = facts.totals.of(M::Attacks) as f64;
    if attack.plan != Plan::PrivateFork || tried < 30.0 {
        return None;
    }
    let expected = theory::private_fork(attack.share, protocol.confirmations);
    let measured = facts.totals.of(M::AttacksSucceeded) as f64 / tried;
    // Gives up thirty blocks behind; and a few attempts say nothing of rare events.
    let sd = (expected * (1.0 - expected) / tried).sqrt();
    let check = Check::normal(
        "private forks that overtake: sum over m of C(m+z-2, m) ...",
        "one window, delays far below a slot, less than half of the weight",
        measured,
        expected,
        sd,
    );
    let is_claimed = attack.share < 0.45 && !facts.disturbed && expected * tried >= 10.0;
    Some(check.only_if(is_claimed))
}
