//! Maelstrom's services: `lin-kv`, `seq-kv` and `lww-kv` are stores, `lin-tso` gives numbers that rise.
//!
//! Each is one node, which promises more than `seq-kv` and `lww-kv` have to.

use anthill_protocol::{Context as _, NodeId, Snapshot};
use serde_json::json;

use crate::body::Json;
use crate::names::{Role, Service};
use crate::server::unknown;
use crate::store;
use crate::values::Texts;
use crate::{Cx, Maelstrom};

/// What a service remembers.
#[derive(Debug, Default, Snapshot)]
pub struct Store {
    values: Texts,
    stamps: u64,
}

impl Store {
    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) {
        let answer = match (maelstrom.cast().role(cx.id()), json.kind()) {
            (Some(Role::Service(Service::LinTso)), "ts") => {
                self.stamps += 1;
                json.answer(json!({"type": "ts_ok", "ts": self.stamps}))
            }
            (Some(Role::Service(Service::LinTso)), kind) => unknown(json, kind),
            _ => store::answer(&mut self.values, json),
        };
        maelstrom.answer(from, answer, cx);
    }
}
