//! `pn-counter` and `g-counter`: what each node has added and taken away, of which the greater count is the newer.

use anthill_protocol::{Context as _, Snapshot};
use serde_json::{Map, Value, json};

use crate::body::Json;
use crate::names::{Cast, Role};
use crate::server::{malformed, unknown};
use crate::set::tell_all;
use crate::values::Counts;
use crate::{Cx, Maelstrom};

/// As in `set`.
const TURNS: u32 = 5;

/// Counts by node.
#[derive(Debug, Default, Snapshot)]
pub(crate) struct Counter {
    added: Counts,
    taken: Counts,
    changed: bool,
    turns: u32,
}

impl Counter {
    /// What it counts, modulo 2^64.
    fn value(&self) -> i64 {
        self.added.sum().wrapping_sub(self.taken.sum()) as i64
    }

    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        json: &Json,
        cx: &mut Cx<'_>,
    ) -> Option<Json> {
        match json.kind() {
            "add" => {
                let Some(delta) = json.number("delta") else { return malformed(json, "delta") };
                let counts = if delta < 0 { &mut self.taken } else { &mut self.added };
                counts.add(cx.id().0, delta.unsigned_abs());
                self.changed = true;
                json.answer(json!({"type": "add_ok"}))
            }
            "replicate" => {
                let value = json.get("value")?.as_object()?;
                self.merge(maelstrom.cast(), value);
                json.answer(json!({"type": "replicate_ok"}))
            }
            "read" => json.answer(json!({"type": "read_ok", "value": self.value()})),
            kind => unknown(json, kind),
        }
    }

    /// Takes what another node knows: `{"inc": {"n1": 3}, "dec": {}}`, the same with `plus` and `minus` (programs write
    /// either), or the counts of a counter that only grows alone.
    fn merge(&mut self, cast: Cast, value: &Map<String, Value>) {
        let mut is_both = false;
        for (name, added) in [("inc", true), ("plus", true), ("dec", false), ("minus", false)] {
            if let Some(Value::Object(told)) = value.get(name) {
                is_both = true;
                let counts = if added { &mut self.added } else { &mut self.taken };
                self.changed |= raise(counts, cast, told);
            }
        }
        if !is_both {
            self.changed |= raise(&mut self.added, cast, value);
        }
    }

    pub(crate) fn again(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        self.turns = self.turns.wrapping_add(1);
        if core::mem::take(&mut self.changed) || self.turns.is_multiple_of(TURNS) {
            let cast = maelstrom.cast();
            let value = match maelstrom.workload {
                "g-counter" => told(&self.added, cast),
                _ => {
                    let (added, taken) = (told(&self.added, cast), told(&self.taken, cast));
                    json!({"inc": added, "dec": taken, "plus": added, "minus": taken})
                }
            };
            tell_all(maelstrom, json!({"type": "replicate", "value": value}), cx);
        }
    }
}

fn told(counts: &Counts, cast: Cast) -> Value {
    let named = counts
        .iter()
        .map(|(node, count)| (cast.name(anthill_protocol::NodeId(node)), Value::from(count)));
    Value::Object(named.collect())
}

/// Raises the counts of nodes that there are; whether any was raised.
fn raise(counts: &mut Counts, cast: Cast, told: &Map<String, Value>) -> bool {
    let mut raised = false;
    for (name, count) in told {
        let node = cast.node(name).filter(|node| cast.role(*node) == Some(Role::Server));
        if let Some((node, count)) = node.zip(count.as_u64()) {
            raised |= counts.raise(node.0, count);
        }
    }
    raised
}
