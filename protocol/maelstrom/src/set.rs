//! `g-set`: a set that only grows; nodes tell their neighbours all of theirs.

use anthill_protocol::{Context as _, Snapshot};
use serde_json::json;

use crate::body::Json;
use crate::server::{malformed, unknown};
use crate::values::Numbers;
use crate::{Cx, Maelstrom};

/// Neighbours are told at every turn after a change, and at every so-maniest in any case: messages are lost.
const TURNS: u32 = 5;

/// What a node has.
#[derive(Debug, Default, Snapshot)]
pub(crate) struct Set {
    elements: Numbers,
    changed: bool,
    turns: u32,
}

impl Set {
    fn insert(&mut self, element: i64) {
        self.changed |= self.elements.insert(element);
    }

    pub(crate) fn on_json(&mut self, json: &Json) -> Option<Json> {
        match json.kind() {
            "add" => match json.number("element") {
                Some(element) => {
                    self.insert(element);
                    json.answer(json!({"type": "add_ok"}))
                }
                None => malformed(json, "element"),
            },
            "replicate" => {
                json.numbers("value")?.for_each(|element| self.insert(element));
                json.answer(json!({"type": "replicate_ok"}))
            }
            "read" => json.answer(json!({"type": "read_ok", "value": self.list()})),
            kind => unknown(json, kind),
        }
    }

    fn list(&self) -> Vec<i64> {
        self.elements.iter().collect()
    }

    pub(crate) fn again(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        self.turns = self.turns.wrapping_add(1);
        if core::mem::take(&mut self.changed) || self.turns.is_multiple_of(TURNS) {
            tell_all(maelstrom, json!({"type": "replicate", "value": self.list()}), cx);
        }
    }
}

/// Tells all neighbours.
pub(crate) fn tell_all(maelstrom: &Maelstrom, body: serde_json::Value, cx: &mut Cx<'_>) {
    let Some(body) = Json::new(body) else { return };
    for to in maelstrom.neighbours(cx.id()) {
        maelstrom.post(to, body.clone(), cx);
    }
}
