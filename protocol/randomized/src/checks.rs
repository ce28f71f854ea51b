//! What theory says of a run.

use anthill_protocol::{Check, RunFacts};

use crate::protocol::Randomized;

pub(crate) fn checks(_: &Randomized, _: &RunFacts) -> Vec<Check> {
    Vec::new()
}
