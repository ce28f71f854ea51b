//! Tables of what messages, timers and signatures cost a node: those that ship, and files.
//!
//! A shipped table is a fixed file of the repository, compiled in, so that a published result does
//! not depend on the machine that repeats it. The first one is where the defaults of `[cpu]` come
//! from. A table has exactly the six costs, all of them: what is missing would silently be another
//! machine's.

use std::path::MAIN_SEPARATOR;

use anthill_engine_derive::Keys;
use anthill_protocol::Span;

use super::document::{Document, Source, read_file};
use super::error::ScenarioError;
use super::findings::Findings;
use super::reader::Section;
use crate::input::InputFile;

/// Name and text of every table that ships; the first one holds the defaults.
const SHIPPED: &[(&str, &str)] =
    &[("amd-epyc-2026", include_str!("../../tables/amd-epyc-2026.toml"))];

/// What a node pays for what it does, in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Keys)]
pub struct CostTable {
    /// Receiving a message.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub receive: Span,
    /// Sending one.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub send: Span,
    /// A timer.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub timer: Span,
    /// Each KiB of a message.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub kib: Span,
    /// Making a signature.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub sign: Span,
    /// Checking one.
    #[key(example = "\"2.5us\"", shape = COST)]
    pub verify: Span,
}

impl CostTable {
    /// The names of the shipped tables, that of the defaults first.
    pub fn names() -> Vec<&'static str> {
        SHIPPED.iter().map(|(name, _)| *name).collect()
    }

    /// The shipped table of a name.
    pub fn shipped(name: &str) -> Option<Self> {
        let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Some(Self::of_text(name, text).expect("a shipped table is whole, as a test asserts"))
    }

    /// The table whose costs a scenario has that gives none.
    pub fn standard() -> Self {
        Self::shipped(SHIPPED[0].0).expect("it is shipped")
    }

    /// Whether a value of `cpu.table` is a path, not the name of a shipped table.
    pub fn is_path(text: &str) -> bool {
        text.ends_with(".toml") || text.contains(['/', MAIN_SEPARATOR])
    }

    /// Reads a table from a file.
    ///
    /// # Errors
    /// If it cannot be read, or with every cost that is missing, unknown or wrong.
    pub fn load(file: &InputFile) -> Result<Self, ScenarioError> {
        Self::of_text(&file.display().to_string(), &read_file(file)?)
    }

    fn of_text(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let source = Source::Text { name: name.to_owned(), text: text.to_owned() };
        let document = Document::read(&source, &[])?;
        let findings = Findings::new(&document);
        let mut root = Section::root(&findings, Self::KEYS);
        let table = Self::read_keys(&mut root, ());
        root.finish("here");
        findings.into_result()?;
        Ok(table.expect("a table without problems is complete"))
    }

    /// The costs under their names, in the order of the file.
    pub fn entries(&self) -> [(&'static str, Span); 6] {
        [
            ("receive", self.receive),
            ("send", self.send),
            ("timer", self.timer),
            ("kib", self.kib),
            ("sign", self.sign),
            ("verify", self.verify),
        ]
    }

    /// The table as TOML, which reads back as an equal one.
    pub fn to_toml(&self) -> String {
        self.written().into_iter().map(|(name, cost)| format!("{name} = {cost}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<CostTable, ScenarioError> {
        CostTable::of_text("costs.toml", text)
    }

    #[test]
    fn every_shipped_table_is_whole_and_reads_back() {
        for name in CostTable::names() {
            let table = CostTable::shipped(name).expect("it is shipped");
            assert_eq!(text(&table.to_toml()).unwrap(), table, "{name}");
            assert!(!CostTable::is_path(name), "{name}");
        }
        assert_eq!(CostTable::shipped("abacus-1"), None);
        assert!(CostTable::is_path("a/b") && CostTable::is_path("b.toml"));
    }

    /// Published results with `[cpu]` rest on these: another figure is a change of behaviour.
    #[test]
    fn the_defaults_are_what_they_were() {
        let expected = CostTable {
            receive: Span(550),
            send: Span(2_900),
            timer: Span(90),
            kib: Span(46),
            sign: Span(14_000),
            verify: Span(30_000),
        };
        assert_eq!(CostTable::standard(), expected);
    }

    #[test]
    fn a_table_is_exactly_the_six_costs() {
        let whole = CostTable::standard().to_toml();
        for (change, parts) in [
            (whole.replace("sign", "sing"), vec!["costs.toml: missing sign", "`sing`", "`sign`?"]),
            (whole.replace("\"90ns\"", "90"), vec!["costs.toml:3: timer = 90: has no unit"]),
            (whole.replace("90ns", "90kg"), vec!["costs.toml:3: timer", "unknown unit `kg`"]),
            (whole.replace("90ns", "2h"), vec!["costs.toml:3: timer", "at most 1h"]),
            (whole.clone() + "cores = 2", vec!["costs.toml:7: cores", "unknown key `cores`"]),
            (String::new(), vec!["missing receive", "send", "timer", "kib", "sign", "verify"]),
            ("x".to_owned(), vec!["costs.toml:1:2: is not valid TOML"]),
        ] {
            let error = text(&change).unwrap_err().to_string();
            parts.iter().for_each(|part| assert!(error.contains(part), "{part}: {error}"));
        }
    }
}
