//! `broadcast`: what a node learns it passes on to its neighbours, and says again until they acknowledge it.

use anthill_protocol::{Context as _, NodeId, Snapshot};
use serde_json::json;

use crate::body::Json;
use crate::messages::MaelstromMetric;
use crate::server::{malformed, unknown};
use crate::values::{MOST_VALUES, Numbers};
use crate::{Cx, Maelstrom};

/// A neighbour is told so often; one that never acknowledges, as a program may not, is then let be.
const MOST_TIMES: u8 = 10;

/// What a node has heard.
#[derive(Debug, Default, Snapshot)]
pub(crate) struct Broadcast {
    seen: Numbers,
    /// Numbers of messages to neighbours.
    made: u32,
    /// Not acknowledged, oldest first: neighbour, number, value, how often it was said.
    open: Vec<(NodeId, u32, u64, u8)>,
}

impl Broadcast {
    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) -> Option<Json> {
        match json.kind() {
            "broadcast" => {
                let Some(value) = json.number("message") else {
                    return malformed(json, "message");
                };
                if self.seen.insert(value) {
                    self.pass_on(maelstrom, from, value, cx);
                }
                json.answer(json!({"type": "broadcast_ok"}))
            }
            "broadcast_ok" => {
                let number = json.number("in_reply_to");
                let is_it =
                    |it: &(NodeId, u32, u64, u8)| it.0 == from && Some(i64::from(it.1)) == number;
                if let Some(place) = self.open.iter().position(is_it) {
                    self.open.remove(place);
                }
                None
            }
            "read" => {
                let all: Vec<i64> = self.seen.iter().collect();
                json.answer(json!({"type": "read_ok", "messages": all}))
            }
            kind => unknown(json, kind),
        }
    }

    /// Tells all neighbours but the one who told this node.
    fn pass_on(&mut self, maelstrom: &Maelstrom, from: NodeId, value: i64, cx: &mut Cx<'_>) {
        self.made += 1;
        let number = self.made;
        for to in maelstrom.neighbours(cx.id()).into_iter().filter(|to| *to != from) {
            say(maelstrom, to, (number, value), cx);
            if self.open.len() < MOST_VALUES {
                self.open.push((to, number, value as u64, 1));
            }
        }
    }

    /// Says again what was said before, and was not acknowledged since the last time.
    pub(crate) fn again(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        // What was said for the first time has not had its time yet.
        self.open.retain_mut(|(to, number, value, times)| {
            *times += 1;
            if *times > 2 {
                say(maelstrom, *to, (*number, *value as i64), cx);
                cx.record(MaelstromMetric::Repeated, 1);
            }
            *times < MOST_TIMES
        });
    }
}

fn say(maelstrom: &Maelstrom, to: NodeId, (number, value): (u32, i64), cx: &mut Cx<'_>) {
    let body = json!({"type": "broadcast", "message": value, "msg_id": number});
    maelstrom.answer(to, Json::new(body), cx);
}
