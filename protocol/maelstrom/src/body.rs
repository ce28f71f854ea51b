//! What messages carry: a JSON object as it stands on a program's line, or what the log of `lin-kv` shares.

use anthill_protocol::kit::ReplicatedLog as _;
use anthill_protocol::{
    Body, NodeId, Protocol, Shared, Snapshot, SnapshotError, draw, fingerprint_bytes,
};
use anthill_raft::Raft;
use serde_json::{Map, Value, json};

/// The most bytes of a body, which is also the most of a line.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// What the log shares.
pub(crate) type RaftBody = <Raft as Protocol>::Body;

/// The body of a message: an object with a `type`. It is told by its text.
#[derive(Clone, Debug)]
pub struct Json {
    text: String,
    fields: Map<String, Value>,
}

/// A request on its way through the log of `lin-kv`.
#[derive(Debug, PartialEq, Eq, Snapshot)]
pub struct Command {
    /// The node that was asked, and how many requests it had put into the log before.
    pub(crate) name: (NodeId, u32),
    /// Who asked it.
    pub(crate) client: NodeId,
    /// The request.
    pub(crate) request: Json,
}

/// What is shared.
#[derive(Debug, PartialEq, Eq, Snapshot)]
pub enum MaelstromBody {
    #[doc(hidden)]
    Json(Json),
    #[doc(hidden)]
    Command(Command),
    #[doc(hidden)]
    Raft(RaftBody),
}

impl Json {
    /// From an object with a `type`; anything else, or one that is too long, is no body.
    pub(crate) fn new(value: Value) -> Option<Self> {
        let text = value.to_string();
        let Value::Object(fields) = value else { return None };
        let has_type = fields.get("type").is_some_and(Value::is_string);
        (has_type && text.len() <= MOST_BYTES).then_some(Self { text, fields })
    }

    /// As it stands on a line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What the message is.
    pub(crate) fn kind(&self) -> &str {
        self.fields.get("type").and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A field that holds a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// Whole numbers in a list; what is none is left out.
    pub(crate) fn numbers(&self, name: &str) -> Option<impl Iterator<Item = i64>> {
        Some(self.get(name)?.as_array()?.iter().filter_map(Value::as_i64))
    }

    /// The answer to this request; `None`: it asks for none.
    pub(crate) fn answer(&self, mut body: Value) -> Option<Self> {
        let asked = self.get("msg_id")?.clone();
        body.as_object_mut()?.insert("in_reply_to".to_owned(), asked);
        Self::new(body)
    }

    /// The answer that refuses this request, with one of Maelstrom's codes.
    pub(crate) fn refusal(&self, code: u32, text: &str) -> Option<Self> {
        self.answer(json!({"type": "error", "code": code, "text": text}))
    }
}

/// Maelstrom's codes of errors, as far as they are made here.
pub(crate) mod code {
    pub(crate) const NOT_SUPPORTED: u32 = 10;
    pub(crate) const UNAVAILABLE: u32 = 11;
    pub(crate) const MALFORMED: u32 = 12;
    pub(crate) const NO_SUCH_KEY: u32 = 20;
    pub(crate) const PRECONDITION: u32 = 22;
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Json {}

impl Snapshot for Json {
    fn save(&self, out: &mut Vec<u8>) {
        self.text.as_bytes().to_vec().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let wrong = SnapshotError("a body that is no object of JSON");
        let bytes = Vec::<u8>::load(bytes)?;
        let value = serde_json::from_slice(&bytes).map_err(|_| wrong)?;
        let read = Self::new(value).ok_or(wrong)?;
        Ok(Self { text: String::from_utf8(bytes).map_err(|_| wrong)?, ..read })
    }
}

impl Command {
    fn name_word(&self) -> u64 {
        u64::from(self.name.0.0) << 32 | u64::from(self.name.1)
    }
}

impl MaelstromBody {
    /// The object, if it is one.
    pub(crate) fn json(&self) -> Option<&Json> {
        if let Self::Json(json) = self { Some(json) } else { None }
    }

    pub(crate) fn command(&self) -> Option<&Command> {
        if let Self::Command(command) = self { Some(command) } else { None }
    }

    pub(crate) fn raft(&self) -> &RaftBody {
        if let Self::Raft(body) = self { body } else { Raft::nothing() }
    }
}

impl Body for MaelstromBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Json(json) => json.text.len() as u32,
            Self::Command(command) => 16 + command.request.text.len() as u32,
            Self::Raft(body) => body.encoded_len(),
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Json(json) => fingerprint_bytes(json.text.as_bytes()),
            Self::Command(command) => {
                let request = fingerprint_bytes(command.request.text.as_bytes());
                draw::mix(command.name_word(), request ^ u64::from(command.client.0))
            }
            Self::Raft(body) => body.fingerprint(),
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        if let Self::Raft(body) = self {
            body.parts(visit);
        }
    }
}
