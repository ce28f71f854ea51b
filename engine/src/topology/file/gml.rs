//! GML, the Graph Modelling Language (Himsolt 1997), as Shadow, NetworkX and igraph write it:
//! `graph [ node [ id 0 label "a" ] edge [ source 0 target 1 latency "10 ms" ] ]`.
//!
//! Keys that are not known are skipped with all that is in them. Read token by token: a file is
//! never held as a whole.

use quick_xml::escape::unescape;

use super::edges::{Edges, Graph, Wanted};
use super::names::shortened;
use crate::network::NetworkError;
use crate::network::lines::Lines;

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 64;
/// Longest string, in bytes.
const MAX_STRING: usize = 1 << 20;

#[derive(Debug)]
enum Token {
    Open,
    Close,
    /// A key or a number.
    Word(String),
    Text(String),
}

/// What an open bracket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Graph,
    Node,
    Edge,
    Other,
}

/// The values of a node or edge so far.
#[derive(Default)]
struct Values {
    line: u64,
    id: Option<String>,
    label: Option<String>,
    source: Option<String>,
    target: Option<String>,
    latency: Option<String>,
    latency_ms: Option<String>,
}

pub(super) fn read(lines: Lines<'_>, wanted: Wanted) -> Result<Graph, NetworkError> {
    let edges = Edges::new(lines.path(), wanted);
    let tokens = Tokens { lines, line: 0, text: String::new(), at: 0 };
    let mut reader =
        Reader { tokens, edges, blocks: Vec::new(), values: Values::default(), graphs: 0 };
    reader.run()?;
    reader.edges.all_are_listed()?;
    reader.edges.finish("edge [ source ID target ID ] in graph [ … ]")
}

struct Reader<'r> {
    tokens: Tokens<'r>,
    edges: Edges,
    /// The brackets that are open.
    blocks: Vec<Block>,
    values: Values,
    graphs: u32,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), NetworkError> {
        while let Some(token) = self.tokens.next()? {
            match token {
                Token::Word(key) if key.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    match self.tokens.next()? {
                        Some(Token::Open) => self.open(&key)?,
                        Some(Token::Word(value) | Token::Text(value)) => self.set(&key, value)?,
                        Some(Token::Close) | None => {
                            return Err(self.wrong(format!("key {} has no value", shortened(&key))));
                        }
                    }
                }
                Token::Close => self.close()?,
                Token::Open => return Err(self.wrong("\"[\" without a key before it")),
                Token::Word(word) | Token::Text(word) => {
                    let word = shortened(&word);
                    return Err(self.wrong(format!("{word} where a key is expected; is this GML?")));
                }
            }
        }
        match self.blocks.len() {
            0 if self.graphs == 0 => Err(self.edges.failed("no graph [ … ]; is this GML?")),
            0 => Ok(()),
            open => {
                let problem = format!("the file ends while {open} \"[\" are open; is it whole?");
                Err(self.edges.failed(problem))
            }
        }
    }

    fn open(&mut self, key: &str) -> Result<(), NetworkError> {
        if self.blocks.len() == MAX_DEPTH {
            return Err(self.wrong(format!("more than {MAX_DEPTH} brackets in each other")));
        }
        let block = match (self.blocks.last(), key) {
            (None, "graph") => {
                self.graphs += 1;
                if self.graphs > 1 {
                    return Err(self.wrong("a second graph; give each a file of its own"));
                }
                Block::Graph
            }
            (Some(Block::Graph), "node") => Block::Node,
            (Some(Block::Graph), "edge") => Block::Edge,
            _ => Block::Other,
        };
        if matches!(block, Block::Node | Block::Edge) {
            self.values = Values { line: self.tokens.line, ..Values::default() };
        }
        self.blocks.push(block);
        Ok(())
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), NetworkError> {
        let values = &mut self.values;
        let place = match (self.blocks.last(), key) {
            (Some(Block::Graph), "directed") => {
                if value == "1" && self.edges.reads_undirected() {
                    self.edges.note(DIRECTED);
                }
                return Ok(());
            }
            (Some(Block::Node), "id") => &mut values.id,
            (Some(Block::Node), "label") => &mut values.label,
            (Some(Block::Edge), "source") => &mut values.source,
            (Some(Block::Edge), "target") => &mut values.target,
            (Some(Block::Edge), "latency") => &mut values.latency,
            (Some(Block::Edge), "latency_ms") => &mut values.latency_ms,
            _ => return Ok(()),
        };
        if place.replace(value).is_some() {
            return Err(self.wrong(format!("a second {key} of the same node or edge; delete one")));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), NetworkError> {
        let values = std::mem::take(&mut self.values);
        let line = values.line;
        match self.blocks.pop() {
            None => Err(self.wrong("\"]\" without a \"[\" before it")),
            Some(Block::Node) => match values.id {
                Some(id) => self.edges.node(&id, values.label.as_deref(), line),
                None => Err(self.edges.wrong(line, "a node without id")),
            },
            Some(Block::Edge) => match (values.source, values.target) {
                (Some(from), Some(to)) => {
                    let latency = values.latency_ms.or(values.latency);
                    self.edges.add_text((&from, &to), latency.as_deref(), line)
                }
                _ => Err(self.edges.wrong(line, "an edge without source and target")),
            },
            Some(Block::Graph | Block::Other) => {
                // What is inside a node or edge must not end it.
                self.values = values;
                Ok(())
            }
        }
    }

    fn wrong(&self, problem: impl Into<String>) -> NetworkError {
        self.edges.wrong(self.tokens.line, problem)
    }
}

/// What is said of a directed graph that is read as if it were not.
pub(super) const DIRECTED: &str = "the graph is directed, but each edge makes both ends neighbours: \
                                   set network.topology.direction to change that";

struct Tokens<'r> {
    lines: Lines<'r>,
    line: u64,
    text: String,
    /// How much of the line has been read.
    at: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, NetworkError> {
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            if self.at < self.text.len() {
                break;
            }
            if !self.advance()? {
                return Ok(None);
            }
            if self.text.starts_with('#') {
                self.at = self.text.len();
            }
        }
        let rest = &self.text[self.at..];
        match rest.as_bytes()[0] {
            b'[' => {
                self.at += 1;
                Ok(Some(Token::Open))
            }
            b']' => {
                self.at += 1;
                Ok(Some(Token::Close))
            }
            b'"' => self.string().map(Some),
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"');
                let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
                self.at += word.len();
                Ok(Some(Token::Word(word.to_owned())))
            }
        }
    }

    /// A string, which may go over several lines.
    fn string(&mut self) -> Result<Token, NetworkError> {
        let begun = self.line;
        let mut all = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find('"');
            all.push_str(&rest[..end.unwrap_or(rest.len())]);
            let problem = match end {
                _ if all.len() > MAX_STRING => "a string longer than a megabyte; is a \" missing?",
                Some(end) => {
                    self.at += end + 1;
                    return Ok(Token::Text(unescape(&all).map_or(all.clone(), Into::into)));
                }
                None if self.advance()? => {
                    all.push('\n');
                    continue;
                }
                None => "a string without an end: a \" is missing",
            };
            return Err(crate::network::lines::line_error(self.lines.path(), begun, problem));
        }
    }

    fn advance(&mut self) -> Result<bool, NetworkError> {
        let Some((number, line)) = self.lines.next()? else { return Ok(false) };
        self.line = number;
        self.text.clear();
        self.text.push_str(line);
        self.at = 0;
        Ok(true)
    }
}
