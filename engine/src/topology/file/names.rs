//! What a file calls its nodes, and which number each gets.
//!
//! Ids are the nodes' numbers, or any text, which is mapped to numbers: in ascending order if all
//! of them are whole numbers, so that `0..n` stay as they are, else in the order in which they
//! appear. A map has at most so many entries as there are nodes, and each is bounded.

use std::hash::{DefaultHasher, Hasher as _};

use anthill_protocol::NodeId;
use hashbrown::HashTable;

use crate::network::columns;

/// Longest id or label, in bytes.
const MAX_NAME: usize = 255;
/// So many ids beyond the nodes are counted before a file is refused, to say how many there are.
const MOST_TOO_MANY: u32 = 1 << 22;

/// Strings, one after the other.
#[derive(Clone, Debug, Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, place: usize) -> &str {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.text[start..self.ends[place]]
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn reordered(&self, order: &[u32]) -> Self {
        let mut all = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(self.len()),
        };
        order.iter().for_each(|place| all.push(self.get(*place as usize)));
        all
    }

    fn memory_bytes(&self) -> u64 {
        (self.text.capacity() + self.ends.capacity() * size_of::<usize>()) as u64
    }
}

/// What a topology's file calls its nodes, where that is not their numbers.
#[derive(Clone, Debug)]
pub struct NodeNames {
    ids: Texts,
    /// One per id, empty where a node has none.
    labels: Option<Texts>,
}

impl NodeNames {
    /// Nodes with an id: the first so many of the network; others are not in the file.
    pub fn count(&self) -> u32 {
        self.ids.len() as u32
    }

    /// The id of a node in the file; `None` if the file does not have it.
    pub fn id(&self, node: NodeId) -> Option<&str> {
        (node.index() < self.ids.len()).then(|| self.ids.get(node.index()))
    }

    /// The label of a node; empty if it has none, `None` if the file has none at all.
    pub fn label(&self, node: NodeId) -> Option<&str> {
        let labels = self.labels.as_ref()?;
        Some(if node.index() < labels.len() { labels.get(node.index()) } else { "" })
    }

    /// Whether the file has labels.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// What finds nodes by their ids. Takes the room that the ids took while the file was read.
    pub(crate) fn finder(&self) -> Finder<'_> {
        let of = |number: &u32| hash(self.ids.get(*number as usize));
        let mut index = HashTable::with_capacity(self.ids.len());
        for number in 0..self.count() {
            index.insert_unique(of(&number), number, of);
        }
        Finder { names: self, index }
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.ids.memory_bytes() + self.labels.as_ref().map_or(0, Texts::memory_bytes)
    }
}

/// Finds nodes by what the topology's file calls them.
#[derive(Debug)]
pub(crate) struct Finder<'n> {
    names: &'n NodeNames,
    index: HashTable<u32>,
}

impl Finder<'_> {
    /// The number of the node with an id, if the file has it.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        let ids = &self.names.ids;
        self.index.find(hash(id), |number| ids.get(*number as usize) == id).copied()
    }

    /// The id of a node; `None` if the file does not have it.
    pub(crate) fn id(&self, node: u32) -> Option<&str> {
        self.names.id(NodeId(node))
    }
}

/// The ids of a file while it is read.
pub(super) enum Ids {
    /// A node's id is its number, below so many nodes.
    Numbers(u32),
    /// Any text.
    Mapped(Map),
}

/// Ids in the order in which they appear, their places being provisional numbers.
pub(super) struct Map {
    nodes: u32,
    ids: Texts,
    index: HashTable<u32>,
    all_numbers: bool,
    /// Of a format that lists its nodes: which of the ids were listed.
    listed: Vec<bool>,
    labels: Vec<Box<str>>,
}

/// How the ids of a file were mapped.
pub(super) struct Mapped {
    /// The number of each provisional one.
    pub(super) numbers: Vec<u32>,
    /// None if every id is its number and there are no labels.
    pub(super) names: Option<NodeNames>,
    /// Whether in ascending order.
    pub(super) ascending: bool,
}

impl Ids {
    pub(super) fn new(mapped: bool, nodes: u32) -> Self {
        if !mapped {
            return Self::Numbers(nodes);
        }
        Self::Mapped(Map {
            nodes,
            ids: Texts::default(),
            index: HashTable::new(),
            all_numbers: true,
            listed: Vec::new(),
            labels: Vec::new(),
        })
    }

    /// The number of an id, provisional if ids are mapped; `column` names it in errors.
    pub(super) fn number(&mut self, id: &str, column: &str) -> Result<u32, String> {
        match self {
            Self::Mapped(map) => map.number(id, column),
            Self::Numbers(nodes) => {
                let map = "set network.topology.ids to \"mapped\"";
                let number = id.parse::<u64>().map_err(|_| {
                    let id = shortened(id);
                    format!("{id} in column {column} is not a node's number; for other ids, {map}")
                })?;
                columns::node(number, column, *nodes)
                    .map_err(|problem| format!("{problem}, or {map}"))
            }
        }
    }

    /// Notes a node that the file lists, with or without edges.
    pub(super) fn list(&mut self, id: &str, label: Option<&str>) -> Result<(), String> {
        let number = self.number(id, "id")? as usize;
        let Self::Mapped(map) = self else { return Ok(()) };
        if map.listed.len() <= number {
            map.listed.resize(number + 1, false);
        }
        if std::mem::replace(&mut map.listed[number], true) {
            return Err(format!("node {} is listed twice; delete one", shortened(id)));
        }
        let label = label.filter(|label| !label.is_empty() && *label != id);
        if let Some(label) = label.filter(|_| number < map.nodes as usize) {
            if map.labels.len() <= number {
                map.labels.resize(number + 1, Box::from(""));
            }
            map.labels[number] = cut(label).into();
        }
        Ok(())
    }
}

impl Map {
    fn number(&mut self, id: &str, column: &str) -> Result<u32, String> {
        if id.is_empty() {
            return Err(format!("{column} is empty; give the id of a node"));
        }
        if id.len() > MAX_NAME {
            let start = shortened(id);
            return Err(format!(
                "{column} {start} is longer than {MAX_NAME} bytes; shorten the id"
            ));
        }
        let hash = hash(id);
        let ids = &self.ids;
        if let Some(number) = self.index.find(hash, |number| ids.get(*number as usize) == id) {
            return Ok(*number);
        }
        let (count, most) = (self.ids.len(), self.nodes.saturating_add(MOST_TOO_MANY));
        if count >= most as usize {
            return Err(format!(
                "the file has more than {most} nodes, `nodes` is {}; raise it, or take a part of the \
                 file",
                self.nodes
            ));
        }
        self.all_numbers &= is_number(id);
        self.ids.push(id);
        let ids = &self.ids;
        self.index
            .insert_unique(hash, count as u32, |number| self::hash(ids.get(*number as usize)));
        Ok(count as u32)
    }

    /// The first id, if any, that edges name but the file does not list.
    pub(super) fn unlisted(&self) -> Option<(u32, &str)> {
        let listed = |number: &usize| self.listed.get(*number).copied().unwrap_or(false);
        let found = (0..self.ids.len()).find(|number| !listed(number))?;
        Some((found as u32, self.ids.get(found)))
    }

    /// The final numbers.
    pub(super) fn finish(self) -> Result<Mapped, String> {
        let count = self.ids.len();
        if count > self.nodes as usize {
            let nodes = self.nodes;
            return Err(format!(
                "the file has {count} nodes, `nodes` is {nodes}; set nodes = {count}"
            ));
        }
        let mut order: Vec<u32> = (0..count as u32).collect();
        if self.all_numbers {
            let value =
                |place: &u32| self.ids.get(*place as usize).parse::<u64>().unwrap_or_default();
            order.sort_by_cached_key(value);
        }
        let mut numbers = vec![0; count];
        for (number, place) in order.iter().enumerate() {
            numbers[*place as usize] = number as u32;
        }
        let ids = self.ids.reordered(&order);
        let labels = (!self.labels.is_empty()).then(|| {
            let mut all = Texts::default();
            for place in &order {
                all.push(self.labels.get(*place as usize).map_or("", |label| label));
            }
            all
        });
        let is_own = |number: usize| ids.get(number).parse() == Ok(number);
        let identical = self.all_numbers && (0..count).all(is_own) && labels.is_none();
        let names = (!identical).then_some(NodeNames { ids, labels });
        Ok(Mapped { numbers, names, ascending: self.all_numbers })
    }
}

/// Whether an id is a whole number, written in the one way.
fn is_number(id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_digit()) && (id == "0" || !id.starts_with('0'));
    plain && id.parse::<u64>().is_ok()
}

/// Only for finding an id again: the table is never gone through.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// At most the first bytes of a text.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_NAME)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// A text in quotes as it can stand in a message.
pub(crate) fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}
