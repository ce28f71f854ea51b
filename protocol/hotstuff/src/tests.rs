//! HotStuff as a whole, on the pump.

mod attacks;
mod calm;
mod faults;
mod judged;
mod malformed;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::{Configure, Span, Time};

use crate::hotstuff::HotStuff;

/// Errors that tests plant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planted {
    /// A replica votes in a view that it has given up.
    pub(crate) votes_after_time_out: bool,
}

impl HotStuff {
    pub(crate) fn votes_after_time_out(&self) -> bool {
        self.planted.votes_after_time_out
    }
}

/// Fitted to so many replicas, without requests unless `set` says so.
fn hotstuff(nodes: u32, set: &[(&str, Value)]) -> HotStuff {
    attacked(nodes, None, set)
}

fn attacked(nodes: u32, kind: Option<&str>, set: &[(&str, Value)]) -> HotStuff {
    let mut values = Values::of::<HotStuff>();
    if let Some(name) = kind {
        let found = HotStuff::ADVERSARIES.iter().find(|kind| kind.name == name);
        values.set_adversary(found.expect("declared"));
    }
    values.set("requests", Value::Count(0));
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut hotstuff = HotStuff::configure(&values).expect("consistent");
    hotstuff.fit(nodes, 1).expect("fits");
    hotstuff
}

fn chain(length: u64) -> (&'static str, Value) {
    ("chain", Value::Count(length))
}

fn millis(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}
