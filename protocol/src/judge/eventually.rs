//! Liveness against a deadline.

use core::marker::PhantomData;
use std::collections::BTreeSet;

use super::{Breaches, Rule, RunEnd, Said};
use crate::{NodeId, Time};

/// Every node of `who` says something by a deadline, unless it is excused at the end: down, or held by
/// an adversary. A run that ends before the deadline is not judged.
pub fn eventually_by<O: 'static>(
    deadline: Time,
    who: impl IntoIterator<Item = NodeId>,
    says: impl FnMut(&O) -> bool + Send + 'static,
) -> impl Rule<O> + 'static {
    let silent = who.into_iter().collect();
    Eventually { deadline, says, silent, of: PhantomData }
}

struct Eventually<O, F> {
    deadline: Time,
    says: F,
    /// Who has not said it yet.
    silent: BTreeSet<NodeId>,
    of: PhantomData<fn(O)>,
}

impl<O, F: FnMut(&O) -> bool + Send> Rule<O> for Eventually<O, F> {
    fn hear(&mut self, said: &Said<O>, _: &mut Breaches) {
        if said.at.time <= self.deadline && (self.says)(&said.output) {
            self.silent.remove(&said.node);
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        if end.time <= self.deadline && !self.silent.is_empty() {
            return Err(format!(
                "the run ends at {}, before the deadline {}",
                end.time, self.deadline
            ));
        }
        for node in &self.silent {
            if end.excused.binary_search(node).is_err() {
                breaches.missing(format!("{node} has not by {}", self.deadline));
            }
        }
        Ok(())
    }
}
