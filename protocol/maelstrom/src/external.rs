//! A node that a program outside plays: messages to it become lines, lines of it messages.
//!
//! Whatever a program writes is counted and never more than that: its node goes on with the next line.

use anthill_protocol::{Context as _, NodeId, Snapshot, draw, fingerprint_bytes};
use serde_json::{Value, json};

use crate::body::{Json, MOST_BYTES, MaelstromBody};
use crate::messages::{MaelstromMetric, Packet};
use crate::names::STARTER;
use crate::{Cx, Maelstrom};

/// What the emulation knows of it: nearly nothing.
#[derive(Debug, Default, Snapshot)]
pub struct External {
    /// Of its lines, for the digest.
    heard: u64,
    initialised: bool,
}

/// A line that was read.
enum Read {
    /// The answer to `init`.
    Initialised,
    /// From whom, to whom.
    Message(NodeId, NodeId, Json),
    Garbage,
    Misaddressed,
}

impl External {
    /// Tells the program who it is.
    pub(crate) fn start(maelstrom: &Maelstrom, cx: &mut Cx<'_>) -> Self {
        let cast = maelstrom.cast();
        let all: Vec<String> = (0..cast.servers).map(|id| cast.name(NodeId(id))).collect();
        let name = cast.name(cx.id());
        let body = json!({"type": "init", "msg_id": 1, "node_id": name, "node_ids": all});
        tell(STARTER, &name, &body.to_string(), cx);
        Self::default()
    }

    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) {
        let cast = maelstrom.cast();
        tell(&cast.name(from), &cast.name(cx.id()), json.text(), cx);
    }

    pub(crate) fn on_line(&mut self, maelstrom: &Maelstrom, line: &str, cx: &mut Cx<'_>) {
        self.heard = draw::mix(self.heard, fingerprint_bytes(line.as_bytes()));
        match read(maelstrom, cx.id(), line) {
            Read::Initialised => {
                if !core::mem::replace(&mut self.initialised, true) {
                    cx.record(MaelstromMetric::Initialised, 1);
                }
            }
            Read::Message(src, to, body) => {
                cx.record(MaelstromMetric::LinesSent, 1);
                if src == cx.id() {
                    return maelstrom.post(to, body, cx);
                }
                cx.record(MaelstromMetric::LinesForwarded, 1);
                let body = cx.share(MaelstromBody::Json(body));
                cx.send(to, Packet::Forwarded { src, body });
            }
            Read::Garbage => cx.record(MaelstromMetric::Garbage, 1),
            Read::Misaddressed => cx.record(MaelstromMetric::Misaddressed, 1),
        }
    }
}

fn tell(from: &str, to: &str, body: &str, cx: &mut Cx<'_>) {
    cx.record(MaelstromMetric::LinesTold, 1);
    // Names need no escapes.
    cx.tell_program(&format!("{{\"src\":\"{from}\",\"dest\":\"{to}\",\"body\":{body}}}"));
}

fn read(maelstrom: &Maelstrom, own: NodeId, line: &str) -> Read {
    if line.len() > MOST_BYTES {
        return Read::Garbage;
    }
    let Ok(Value::Object(mut message)) = serde_json::from_str(line) else { return Read::Garbage };
    let Some(body) = message.remove("body").and_then(Json::new) else { return Read::Garbage };
    let cast = maelstrom.cast();
    let name = |field: &str| message.get(field).and_then(Value::as_str);
    let node = |field: &str| name(field).and_then(|name| cast.node(name));
    match (node("src"), node("dest")) {
        (Some(src), None) if src == own && name("dest") == Some(STARTER) => Read::Initialised,
        (Some(src), Some(to)) => Read::Message(src, to, body),
        _ => Read::Misaddressed,
    }
}
