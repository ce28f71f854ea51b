//! The dialogues that are drawn: a payment, a rollover, a join and a claim.
//!
//! In each run so little happens that the first exchange is over before the next begins.

use crate::{Diagram, Part};

const NEW: &str = "new witnesses";
const OLD: &str = "witnesses of the source";
const SO_FAR: &str = "witnesses so far";
const OF_FUND: &str = "witnesses of its fund";
const JURY: &str = "jury";

pub(super) const DIAGRAMS: &[Diagram] = &[
    Diagram {
        title: "A payment",
        settings: &["nodes=602", "workload.rate=0.1", "until=1h"],
        parts: &[
            Part::new("hello", "payer", NEW),
            Part::new("here", NEW, "payer"),
            Part::new("propose", "payer", "payee"),
            Part::new("agree", "payee", "payer"),
            Part::new("ask", "payer", OLD),
            Part::new("promise", OLD, "payer"),
            Part::new("pay", "payer", "payee"),
            Part::new("accept", "payee", "payer"),
            Part::new("settle", "payee", OLD),
            Part::new("settled", OLD, "payee"),
            Part::new("entrust", "payee", NEW),
            Part::new("kept", NEW, "payee"),
        ],
    },
    Diagram {
        title: "A rollover",
        // Some events, which all know: else the draw would be the same again.
        settings: &[
            "nodes=602",
            "protocol.verifiers=1.0",
            "workload.rate=0",
            "protocol.entropy_rate=1e-8",
            "until=372h",
        ],
        parts: &[
            Part::new("hello", "owner", NEW),
            Part::new("here", NEW, "owner"),
            Part::new("renew", "owner", SO_FAR),
            Part::new("renewed", SO_FAR, "owner"),
            Part::new("carry", "owner", NEW),
            Part::new("carry", "owner", SO_FAR),
            Part::new("carried", NEW, "owner"),
        ],
    },
    Diagram {
        title: "A user becomes a verifier",
        settings: &[
            "nodes=602",
            "workload.rate=0",
            "workload.join_rate=0.01",
            "protocol.entropy_rate=0",
            "until=1d",
        ],
        parts: &[
            Part::new("ask", "user", OF_FUND),
            Part::new("promise", OF_FUND, "user"),
            Part::new("settle", "user", OF_FUND),
            Part::new("settled", OF_FUND, "user"),
            Part::new("stamp", "user", "drawn verifiers"),
            Part::new("stamped", "drawn verifiers", "user"),
            Part::new("publish", "user", "all verifiers"),
        ],
    },
    Diagram {
        title: "A claim",
        settings: &[
            "nodes=602",
            "workload.rate=0",
            "adversary.kind=colluding-witnesses",
            "adversary.fraction=0.3",
            "adversary.attempts=1",
            "until=1min",
        ],
        parts: &[
            Part::new("claim", "claimant", JURY),
            Part::new("upheld", JURY, "claimant"),
            Part::new("publish", "claimant", "all verifiers and the parties"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::witness::WitnessMessage;

    #[test]
    fn all_that_is_drawn_is_a_kind_of_message() {
        for diagram in DIAGRAMS {
            for part in diagram.parts {
                assert!(WitnessMessage::KINDS.contains(&part.kind), "{part:?}");
            }
        }
    }
}
