//! Topologies as the simulators of Ouroboros Leios read them, in YAML:
//! `nodes: {NAME: {producers: {NAME: {latency-ms: 12.0}}}}`.
//!
//! Each producer of a node is an edge from the node to it. Other keys (stake, location, bandwidth)
//! are skipped. Aliases are errors, so nothing grows as it is read; a document is read as a whole,
//! up to a limit.

use std::io::{BufRead, Read as _};
use std::path::Path;

use saphyr_parser::{Event, Parser, Span, StrInput};

use super::edges::{Edges, Graph, Wanted};
use super::names::shortened;
use crate::network::NetworkError;

/// Largest document, in bytes: some millions of edges.
const MAX_BYTES: u64 = 256 << 20;
/// Deepest nesting of mappings and sequences.
const MAX_DEPTH: usize = 64;

pub(super) fn read<'r>(
    path: &Path,
    reader: Box<dyn BufRead + 'r>,
    wanted: Wanted,
) -> Result<Graph, NetworkError> {
    let edges = Edges::new(path, wanted);
    let mut bytes = Vec::new();
    let read = reader.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|problem| edges.failed(format!("cannot read it: {problem}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        let problem = format!("larger than {} MiB, the most of YAML", MAX_BYTES >> 20);
        return Err(edges.failed(format!("{problem}; write the edges as CSV")));
    }
    let text = String::from_utf8(bytes).map_err(|problem| {
        let before = &problem.as_bytes()[..problem.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        edges.wrong(line as u64, "not UTF-8 text")
    })?;
    let mut document = Document { parser: Parser::new_from_str(&text), line: 1, edges };
    document.whole()?;
    document.edges.all_are_listed()?;
    document.edges.finish("nodes: NAME: producers: NAME: …")
}

/// The beginning of a value.
enum Value {
    Scalar(String),
    Mapping,
    Sequence,
}

struct Document<'t> {
    parser: Parser<'t, StrInput<'t>>,
    line: u64,
    edges: Edges,
}

impl Document<'_> {
    fn whole(&mut self) -> Result<(), NetworkError> {
        self.begin()?;
        let mut seen = false;
        self.mapping("the file", |document, key| match key {
            "nodes" if std::mem::replace(&mut seen, true) => {
                Err(document.wrong("a second `nodes`"))
            }
            "nodes" => document.mapping("nodes", |document, name| document.node(name)),
            _ => document.skip(0),
        })?;
        if !seen {
            return Err(self.edges.failed("no `nodes`; is this a Leios topology?"));
        }
        Ok(())
    }

    fn node(&mut self, name: &str) -> Result<(), NetworkError> {
        let line = self.line;
        self.edges.node(name, None, line)?;
        self.mapping("a node", |document, key| match key {
            "producers" => document.producers(name),
            _ => document.skip(0),
        })
    }

    fn producers(&mut self, node: &str) -> Result<(), NetworkError> {
        self.mapping("producers", |document, producer| {
            let line = document.line;
            let mut latency = None;
            document.mapping("a producer", |document, key| match key {
                "latency-ms" => match document.value()? {
                    Value::Scalar(text) => {
                        latency = Some(text);
                        Ok(())
                    }
                    _ => Err(document.wrong("latency-ms is not a number")),
                },
                _ => document.skip(0),
            })?;
            document.edges.add_text((node, producer), latency.as_deref(), line)
        })
    }

    /// Goes through a mapping whose keys are scalars; `each` reads the value of one. Nothing (null)
    /// is an empty mapping.
    fn mapping(
        &mut self,
        called: &str,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), NetworkError>,
    ) -> Result<(), NetworkError> {
        match self.value()? {
            Value::Mapping => {}
            Value::Scalar(text) if matches!(text.as_str(), "" | "~" | "null") => return Ok(()),
            Value::Scalar(text) => {
                let text = shortened(&text);
                return Err(self.wrong(format!("{text} where {called} should have keys")));
            }
            Value::Sequence => {
                return Err(self.wrong(format!("a list where {called} should have keys")));
            }
        }
        loop {
            match self.event()? {
                Event::MappingEnd => return Ok(()),
                Event::Scalar(key, ..) => {
                    let key = key.into_owned();
                    each(self, &key)?;
                }
                _ => return Err(self.wrong("a key that is not a word")),
            }
        }
    }

    fn value(&mut self) -> Result<Value, NetworkError> {
        match self.event()? {
            Event::Scalar(text, ..) => Ok(Value::Scalar(text.into_owned())),
            Event::MappingStart(..) => Ok(Value::Mapping),
            Event::SequenceStart(..) => Ok(Value::Sequence),
            _ => Err(self.wrong("a value is missing")),
        }
    }

    /// Skips a value with all that is in it.
    fn skip(&mut self, depth: usize) -> Result<(), NetworkError> {
        let mut open = depth;
        loop {
            match self.event()? {
                Event::MappingStart(..) | Event::SequenceStart(..) if open == MAX_DEPTH => {
                    let problem = format!("more than {MAX_DEPTH} levels in each other");
                    return Err(self.wrong(problem));
                }
                Event::MappingStart(..) | Event::SequenceStart(..) => open += 1,
                Event::MappingEnd | Event::SequenceEnd => open = open.saturating_sub(1),
                Event::Scalar(..) => {}
                _ => return Err(self.wrong("a value is missing")),
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Goes to the beginning of the document.
    fn begin(&mut self) -> Result<(), NetworkError> {
        loop {
            match self.event()? {
                Event::StreamStart | Event::Nothing => {}
                Event::DocumentStart(_) => return Ok(()),
                _ => return Err(self.edges.failed("nothing in it; expected nodes: …")),
            }
        }
    }

    fn event(&mut self) -> Result<Event<'static>, NetworkError> {
        let event: Option<Result<(Event<'_>, Span), _>> = self.parser.next_event();
        match event {
            Some(Ok((Event::Alias(_), span))) => {
                self.line = span.start.line() as u64;
                Err(self.wrong("an alias; write out what it stands for"))
            }
            Some(Ok((event, span))) => {
                self.line = span.start.line() as u64;
                Ok(owned(event))
            }
            Some(Err(problem)) => {
                let line = problem.marker().line() as u64;
                Err(self.edges.wrong(line, format!("not YAML: {}", problem.info())))
            }
            None => Err(self.edges.failed("the document ends too early; is it whole?")),
        }
    }

    fn wrong(&self, problem: impl Into<String>) -> NetworkError {
        self.edges.wrong(self.line, problem)
    }
}

/// An event that borrows nothing; of what begins a mapping or sequence only that it does.
fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Scalar(text, style, anchor, _) => {
            Event::Scalar(text.into_owned().into(), style, anchor, None)
        }
        Event::MappingStart(anchor, _) => Event::MappingStart(anchor, None),
        Event::SequenceStart(anchor, _) => Event::SequenceStart(anchor, None),
        Event::MappingEnd => Event::MappingEnd,
        Event::SequenceEnd => Event::SequenceEnd,
        Event::StreamStart => Event::StreamStart,
        Event::StreamEnd => Event::StreamEnd,
        Event::DocumentStart(explicit) => Event::DocumentStart(explicit),
        Event::DocumentEnd => Event::DocumentEnd,
        Event::Alias(anchor) => Event::Alias(anchor),
        Event::Nothing => Event::Nothing,
    }
}
