//! The dialogues that are drawn: a payment, a rollover, a join and a claim.
//!
//! In each run so little happens that the first exchange is over before the next begins.

use crate::dialogues::{CLAIM, JOIN, PAYMENT, ROLLOVER};
use crate::message::Dialogue;
use anthill_protocol::Diagram;

pub(crate) const DIAGRAMS: &[Diagram] = &[
    diagram(&PAYMENT, &["nodes=602", "workload.rate=0.1", "until=1h"]),
    diagram(
        &ROLLOVER,
        // Some events, which all know: else the draw would be the same again.
        &[
            "nodes=602",
            "protocol.verifiers=1.0",
            "workload.rate=0",
            "protocol.entropy_rate=1e-8",
            "until=372h",
        ],
    ),
    diagram(
        &JOIN,
        &[
            "nodes=602",
            "workload.rate=0",
            "workload.join_rate=0.01",
            "protocol.entropy_rate=0",
            "until=1d",
        ],
    ),
    diagram(
        &CLAIM,
        &[
            "nodes=602",
            "workload.rate=0",
            "adversary.kind=colluding-witnesses",
            "adversary.fraction=0.3",
            "adversary.attempts=1",
            "until=1min",
        ],
    ),
];

const fn diagram(dialogue: &Dialogue, settings: &'static [&'static str]) -> Diagram {
    Diagram { title: dialogue.title, settings, parts: dialogue.parts }
}
