//! GraphML (Brandes and others 2002), as NetworkX, igraph, yEd and Gephi write it.
//!
//! An edge's latency is the data of the key whose `attr.name` is `latency_ms` or `latency`, a node's
//! label that of `label` or `name`. Other data are skipped. Read element by element; what stands
//! between two tags, and a tag itself, is bounded. Entities are the five of XML: those that a
//! document declares are errors, so none grows as it is read.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::edges::{Edges, Graph, Wanted};
use super::gml::DIRECTED;
use super::names::shortened;
use crate::network::NetworkError;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 64;
/// The most that is read for one tag, or for the text between two.
const MAX_PIECE: u64 = 1 << 20;

/// What a key of the document means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Latency,
    LatencyMs,
    Label,
}

struct Key {
    id: String,
    meaning: Meaning,
    default: Option<String>,
}

/// The node or edge that is open.
#[derive(Default)]
struct Values {
    line: u64,
    id: String,
    ends: Option<(String, String)>,
    label: Option<String>,
    latency: Option<String>,
    latency_ms: Option<String>,
}

/// Where the text goes that is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Data(Meaning),
    /// The default of the last key.
    Default,
}

pub(super) fn read<'r>(
    path: &Path,
    reader: Box<dyn BufRead + 'r>,
    wanted: Wanted,
) -> Result<Graph, NetworkError> {
    let counted = Counted { reader, line: Cell::new(1), left: MAX_PIECE };
    let mut document = Document {
        edges: Edges::new(path, wanted),
        keys: Vec::new(),
        depth: 0,
        has_root: false,
        key_is_known: false,
        open: None,
        place: Place::Nowhere,
        text: String::new(),
    };
    let mut xml = Reader::from_reader(counted);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        xml.get_mut().left = MAX_PIECE;
        let event = xml.read_event_into(&mut buffer);
        let line = xml.get_ref().line.get();
        let event = event.map_err(|problem| {
            let problem = shortened_to(&problem.to_string(), 300);
            document.edges.wrong(line, format!("not XML: {problem}"))
        })?;
        if event == Event::Eof {
            break;
        }
        let taken = document.take(event, line);
        taken.map_err(|wrong| match wrong {
            Wrong::Here(problem) => document.edges.wrong(line, problem),
            Wrong::Told(error) => error,
        })?;
    }
    let Document { edges, depth, has_root, .. } = document;
    if depth > 0 {
        return Err(edges.failed("the file ends inside <graphml>; is it whole?"));
    }
    if !has_root {
        return Err(edges.failed("no <graphml>; is this GraphML?"));
    }
    edges.all_are_listed()?;
    edges.finish("<edge source=\"…\" target=\"…\"/> in <graph>")
}

enum Wrong {
    Here(String),
    Told(NetworkError),
}

impl From<String> for Wrong {
    fn from(problem: String) -> Self {
        Self::Here(problem)
    }
}

impl From<NetworkError> for Wrong {
    fn from(error: NetworkError) -> Self {
        Self::Told(error)
    }
}

struct Document {
    edges: Edges,
    keys: Vec<Key>,
    depth: usize,
    has_root: bool,
    /// Whether the open `<key>` is the last of `keys`.
    key_is_known: bool,
    open: Option<Values>,
    place: Place,
    text: String,
}

impl Document {
    fn take(&mut self, event: Event<'_>, line: u64) -> Result<(), Wrong> {
        match event {
            Event::Start(tag) => {
                if self.depth == MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} elements in each other").into());
                }
                self.depth += 1;
                self.start(&tag, line)
            }
            Event::Empty(tag) => {
                self.start(&tag, line)?;
                self.end(tag.local_name().as_ref())
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(tag.local_name().as_ref())
            }
            Event::Text(text) if self.place != Place::Nowhere => {
                let text = text.decode().map_err(|problem| problem.to_string())?;
                self.push(&text)
            }
            Event::CData(text) if self.place != Place::Nowhere => {
                let text = text.decode().map_err(|problem| problem.to_string())?;
                self.push(&text)
            }
            Event::GeneralRef(name) if self.place != Place::Nowhere => {
                let char = name.resolve_char_ref().map_err(|problem| problem.to_string())?;
                if let Some(char) = char {
                    return self.push(char.encode_utf8(&mut [0; 4]));
                }
                let name = name.decode().map_err(|problem| problem.to_string())?;
                match quick_xml::escape::resolve_xml_entity(&name) {
                    Some(text) => self.push(text),
                    None => Err(format!("entity {} is not one of XML's", shortened(&name)).into()),
                }
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), Wrong> {
        let name = tag.local_name();
        match name.as_ref() {
            b"graphml" => self.has_root = true,
            _ if !self.has_root => {
                let name = shortened(&String::from_utf8_lossy(name.as_ref()));
                return Err(format!("{name} where <graphml> is expected; is this GraphML?").into());
            }
            b"hyperedge" => {
                return Err("hyperedges are not read; write each as edges".to_owned().into());
            }
            b"graph" => {
                let directed =
                    attribute(tag, "edgedefault")?.is_some_and(|kind| kind == "directed");
                if directed && self.edges.reads_undirected() {
                    self.edges.note(DIRECTED);
                }
            }
            b"key" => self.key(tag)?,
            b"default" if self.key_is_known => self.expect(Place::Default),
            b"node" => {
                let id = required(tag, "node", "id")?;
                self.open = Some(Values { line, id, ..Values::default() });
            }
            b"edge" => {
                let ends = (required(tag, "edge", "source")?, required(tag, "edge", "target")?);
                self.open = Some(Values { line, ends: Some(ends), ..Values::default() });
            }
            b"data" => {
                let key = required(tag, "data", "key")?;
                if let Some(key) = self.keys.iter().find(|known| known.id == key) {
                    self.expect(Place::Data(key.meaning));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) -> Result<(), Wrong> {
        match name {
            b"key" => self.key_is_known = false,
            b"default" | b"data" => self.keep_text(),
            b"node" | b"edge" => {
                if let Some(values) = self.open.take() {
                    self.add(values)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Remembers a key that means something here.
    fn key(&mut self, tag: &BytesStart<'_>) -> Result<(), Wrong> {
        let name = attribute(tag, "attr.name")?.unwrap_or_default();
        let domain = attribute(tag, "for")?.unwrap_or_else(|| "all".to_owned());
        let is_for = |wanted| domain == wanted || domain == "all";
        let meaning = match name.as_str() {
            "latency" if is_for("edge") => Meaning::Latency,
            "latency_ms" if is_for("edge") => Meaning::LatencyMs,
            "label" | "name" if is_for("node") => Meaning::Label,
            _ => return Ok(()),
        };
        let id = required(tag, "key", "id")?;
        if self.keys.len() == MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} keys of latencies and labels").into());
        }
        self.keys.push(Key { id, meaning, default: None });
        self.key_is_known = true;
        Ok(())
    }

    fn expect(&mut self, place: Place) {
        self.place = place;
        self.text.clear();
    }

    fn push(&mut self, text: &str) -> Result<(), Wrong> {
        if self.text.len() + text.len() > MAX_PIECE as usize {
            return Err("text longer than a megabyte; is a tag missing?".to_owned().into());
        }
        self.text.push_str(text);
        Ok(())
    }

    fn keep_text(&mut self) {
        let text = self.text.trim().to_owned();
        match (std::mem::replace(&mut self.place, Place::Nowhere), &mut self.open) {
            (Place::Default, _) => {
                if let Some(key) = self.keys.last_mut() {
                    key.default = Some(text);
                }
            }
            (Place::Data(Meaning::Latency), Some(open)) => open.latency = Some(text),
            (Place::Data(Meaning::LatencyMs), Some(open)) => open.latency_ms = Some(text),
            (Place::Data(Meaning::Label), Some(open)) => open.label = Some(text),
            _ => {}
        }
    }

    fn add(&mut self, values: Values) -> Result<(), Wrong> {
        let line = values.line;
        let Some((from, to)) = values.ends else {
            return Ok(self.edges.node(&values.id, values.label.as_deref(), line)?);
        };
        let default = |meaning| {
            self.keys.iter().find(|key| key.meaning == meaning).and_then(|key| key.default.clone())
        };
        let latency = values.latency_ms.or(values.latency);
        let latency = latency.or_else(|| default(Meaning::LatencyMs));
        let latency = latency.or_else(|| default(Meaning::Latency));
        Ok(self.edges.add_text((&from, &to), latency.as_deref(), line)?)
    }
}

/// An attribute of a tag.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = tag.try_get_attribute(name).map_err(|problem| problem.to_string())?;
    let Some(found) = found else { return Ok(None) };
    let text = found.normalized_value(XmlVersion::Implicit1_0);
    let text = text.map_err(|problem| format!("{name}: {problem}"))?;
    Ok(Some(text.into_owned()))
}

fn required(tag: &BytesStart<'_>, called: &str, name: &str) -> Result<String, String> {
    attribute(tag, name)?.ok_or_else(|| format!("<{called}> without {name}"))
}

/// At most the first characters.
fn shortened_to(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Counts lines, and ends in an error before one piece takes too much memory.
struct Counted<'r> {
    reader: Box<dyn BufRead + 'r>,
    line: Cell<u64>,
    /// Bytes that the piece may still take.
    left: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?;
        let length = found.len().min(buffer.len());
        buffer[..length].copy_from_slice(&found[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let problem = format!("a tag or text of more than {MAX_PIECE} bytes");
            return Err(io::Error::other(problem));
        }
        let found = self.reader.fill_buf()?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&found[..found.len().min(most)])
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed is what was just shown.
        if let Ok(found) = self.reader.fill_buf() {
            let lines = found[..amount.min(found.len())].iter().filter(|byte| **byte == b'\n');
            self.line.set(self.line.get() + lines.count() as u64);
        }
        self.left = self.left.saturating_sub(amount as u64);
        self.reader.consume(amount);
    }
}
