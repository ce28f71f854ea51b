//! CSV files that users bring, read by the names of their columns.
//!
//! Owns what is alike in all of them, so that a file means what its header says:
//! - Fields are separated by commas, semicolons, tabs, bars or blanks, as the first row has it. Lines that
//!   begin with `#` or `%` are comments.
//! - A row without a number is the header; so is a comment right above the rows that names the
//!   columns. Without either, columns are in the order of the [`Layout`], and a note says so.
//! - A column that is nearly one the file lacks is an error, because it was meant. Others that are
//!   not known have no effect, and a note says so.
//!
//! Every row has as many fields as the first one; decimal commas are errors.

use std::ops::Range;
use std::path::Path;

use super::NetworkError;
use super::lines::{Lines, line_error};
use crate::input::InputFile;

/// A column that a file may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name, in small letters with `_`; in files, case does not count, and ` ` and `-` are `_`.
    pub(crate) name: &'static str,
    /// Other names that leave no doubt.
    pub(crate) also: &'static [&'static str],
    /// Names that may mean it, or something else.
    pub(crate) like: &'static [&'static str],
    /// Whether a file without it is wrong.
    pub(crate) required: bool,
}

impl Column {
    pub(crate) const fn required(name: &'static str) -> Self {
        Self { name, also: &[], like: &[], required: true }
    }

    pub(crate) const fn optional(name: &'static str) -> Self {
        Self { required: false, ..Self::required(name) }
    }

    pub(crate) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    pub(crate) const fn like(self, like: &'static [&'static str]) -> Self {
        Self { like, ..self }
    }

    fn is_called(&self, plain: &str) -> bool {
        self.name == plain || self.also.contains(&plain)
    }

    /// Whether a name that is not this column's was likely meant to be.
    fn is_nearly(&self, plain: &str) -> bool {
        let mut words = plain.split('_');
        if self.like.contains(&plain) || words.any(|word| word == self.name) {
            return true;
        }
        let begins = |long: &str, short: &str| {
            short.len() > 3 && long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'))
        };
        let is_typo_of = |name: &str, most: usize| {
            let same_start = plain.chars().next() == name.chars().next();
            same_start && strsim::damerau_levenshtein(plain, name) <= most
        };
        let typo = |name: &&str| match name.len() {
            0..=3 => false,
            4..=5 => **name == *self.name && is_typo_of(name, 1),
            _ => is_typo_of(name, 2),
        };
        std::iter::once(&self.name).chain(self.also).any(typo)
            || begins(self.name, plain)
            || begins(plain, self.name)
    }
}

/// The columns of a kind of file, in the order that they have without a header.
pub(crate) type Layout = [Column];

/// The rows of a file whose columns have names.
pub(crate) struct Rows<'r> {
    rows: PlainRows<'r>,
    layout: &'static Layout,
    /// How many fields every row has.
    width: usize,
    /// The position of each column of the layout.
    places: Vec<Option<usize>>,
    /// The names in the header, or none.
    header: Vec<String>,
    /// Whether the current line is the first row, not handed out yet.
    is_first: bool,
    notes: Vec<String>,
}

/// The rows of a file as they are, comments left out.
pub(crate) struct PlainRows<'r> {
    lines: Lines<'r>,
    /// `None` before the first row.
    separator: Option<Separator>,
    /// The last comment before the first row.
    comment: String,
    /// The current row, cut into fields.
    line: u64,
    fields: Fields,
}

impl Rows<'static> {
    /// Opens a file.
    pub(crate) fn open(file: &InputFile, layout: &'static Layout) -> Result<Self, NetworkError> {
        Self::read(Lines::open(file)?, layout)
    }
}

impl<'r> Rows<'r> {
    /// The rows of lines.
    ///
    /// # Errors
    /// On a file without rows, and on a header that lacks a required column, has one twice, or has
    /// one that was meant to be another.
    pub(crate) fn read(lines: Lines<'r>, layout: &'static Layout) -> Result<Self, NetworkError> {
        let mut rows = Self {
            rows: PlainRows::read(lines),
            layout,
            width: 0,
            places: vec![None; layout.len()],
            header: Vec::new(),
            is_first: true,
            notes: Vec::new(),
        };
        if !rows.rows.advance()? {
            return Err(rows.failed(format!("no row; expected the columns {}", names(layout))));
        }
        let fields = &rows.rows.fields;
        rows.width = fields.count();
        if !fields.all().any(is_number) {
            let header = fields.all().map(str::to_owned).collect();
            rows.is_first = false;
            rows.place(header).map_err(|problem| rows.wrong(problem))?;
        } else if let Some(header) = rows.commented_header() {
            rows.place(header).map_err(|problem| rows.wrong(problem))?;
        } else {
            rows.place_in_order().map_err(|problem| rows.wrong(problem))?;
        }
        Ok(rows)
    }

    /// What the file is called in errors.
    pub(crate) fn path(&self) -> &Path {
        self.rows.lines.path()
    }

    /// Whether the file has a column of the layout.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// The name of a column in the file's header, as names are compared; `None` without a header or the column.
    pub(crate) fn header_name(&self, column: usize) -> Option<String> {
        self.header.get(self.places[column]?).map(|name| plain(name))
    }

    /// What to call a column that the file has: by its name there, else by its position.
    pub(crate) fn called(&self, column: usize) -> String {
        let place = self.places[column].unwrap_or_default();
        match self.header.get(place) {
            Some(name) => format!("column \"{name}\""),
            None => format!("column {}", place + 1),
        }
    }

    /// Says something of the file.
    pub(crate) fn note(&mut self, what: impl std::fmt::Display) {
        self.notes.push(format!("{}: {what}", self.path().display()));
    }

    /// What is to be said of the file.
    pub(crate) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// An error about the current line.
    pub(crate) fn wrong(&self, problem: impl Into<String>) -> NetworkError {
        self.rows.wrong(problem)
    }

    /// An error about the file as a whole.
    pub(crate) fn failed(&self, problem: impl Into<String>) -> NetworkError {
        self.rows.failed(problem)
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, NetworkError> {
        if !std::mem::take(&mut self.is_first) && !self.rows.advance()? {
            return Ok(None);
        }
        let found = self.rows.fields.count();
        if found != self.width {
            let expected = self.width;
            let first = if self.header.is_empty() { "first row" } else { "header" };
            return Err(self.wrong(format!(
                "{found} fields; the {first} has {expected} (a separator too many may be a decimal \
                 comma: write 12.5)"
            )));
        }
        let PlainRows { line, fields, .. } = &self.rows;
        Ok(Some(Row { line: *line, layout: self.layout, places: &self.places, fields }))
    }

    /// The columns that the comment above the first row names, if it does name them.
    fn commented_header(&self) -> Option<Vec<String>> {
        let (comment, mut fields) = (&self.rows.comment, Fields::default());
        fields.cut(comment, Separator::of(comment)).ok()?;
        let header: Vec<String> = fields.all().map(str::to_owned).collect();
        let known = |name: &String| self.layout.iter().any(|c| c.is_called(&plain(name)));
        (header.len() == self.width && header.iter().all(known)).then_some(header)
    }

    fn place(&mut self, header: Vec<String>) -> Result<(), String> {
        let mut unknown = Vec::new();
        for (place, name) in header.iter().enumerate() {
            let plain = plain(name);
            let Some(column) = self.layout.iter().position(|c| c.is_called(&plain)) else {
                unknown.push(name.as_str());
                continue;
            };
            if let Some(earlier) = self.places[column].replace(place) {
                let (earlier, wanted) = (&header[earlier], self.layout[column].name);
                return Err(format!(
                    "two columns \"{earlier}\" and \"{name}\" for {wanted}; rename or remove one"
                ));
            }
        }
        let absent = || {
            let all = self.layout.iter().zip(&self.places);
            all.filter(|(_, place)| place.is_none()).map(|(column, _)| column)
        };
        let meant: Vec<String> = unknown
            .iter()
            .filter_map(|name| {
                let near = absent().find(|column| column.is_nearly(&plain(name)))?;
                Some(format!("column \"{name}\" is not known; did you mean \"{}\"?", near.name))
            })
            .collect();
        let lacks: Vec<&str> = absent().filter(|c| c.required).map(|c| c.name).collect();
        if !lacks.is_empty() {
            let expected = format!("expected the header {}", names(self.layout));
            let lacks = format!("it lacks {}", lacks.join(" and "));
            return Err([expected, lacks].into_iter().chain(meant).collect::<Vec<_>>().join("; "));
        }
        if !meant.is_empty() {
            return Err(format!("{} Rename each, or remove it", meant.join(" ")));
        }
        if !unknown.is_empty() {
            let unknown: Vec<String> = unknown.iter().map(|name| format!("\"{name}\"")).collect();
            self.note(format!("columns without effect: {}", unknown.join(", ")));
        }
        self.header = header;
        Ok(())
    }

    fn place_in_order(&mut self) -> Result<(), String> {
        let (width, most) = (self.width, self.layout.len());
        if width > most {
            let order = names(self.layout);
            return Err(format!(
                "{width} fields and no header; name the columns in a first line such as {order}, or \
                 leave at most {most} in that order (a decimal comma? write 12.5)"
            ));
        }
        let lacks = self.layout[width..].iter().find(|column| column.required);
        if let Some(lacks) = lacks {
            let order = names(self.layout);
            return Err(format!("{width} fields, no {}; expected {order}", lacks.name));
        }
        for (place, column) in self.places.iter_mut().take(width).enumerate() {
            *column = Some(place);
        }
        let order = names(&self.layout[..width]);
        self.note(format!("no header: its columns are read as {order}"));
        Ok(())
    }
}

impl PlainRows<'static> {
    /// Opens a file.
    pub(crate) fn open(file: &InputFile) -> Result<Self, NetworkError> {
        Ok(Self::read(Lines::open(file)?))
    }
}

impl<'r> PlainRows<'r> {
    pub(crate) fn read(lines: Lines<'r>) -> Self {
        let (comment, fields) = (String::new(), Fields::default());
        Self { lines, separator: None, comment, line: 0, fields }
    }

    /// The fields of the next row; at least one.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<&str>>, NetworkError> {
        Ok(if self.advance()? { Some(self.fields.all().collect()) } else { None })
    }

    /// An error about the current line.
    pub(crate) fn wrong(&self, problem: impl Into<String>) -> NetworkError {
        line_error(self.lines.path(), self.line, problem)
    }

    /// An error about the file as a whole.
    pub(crate) fn failed(&self, problem: impl Into<String>) -> NetworkError {
        NetworkError::File { path: self.lines.path().to_owned(), problem: problem.into() }
    }

    /// Goes to the next line that is no comment. The first one tells the separator.
    fn advance(&mut self) -> Result<bool, NetworkError> {
        loop {
            let Some((number, line)) = self.lines.next()? else { return Ok(false) };
            self.line = number;
            match line.strip_prefix(['#', '%']) {
                Some(text) if self.separator.is_none() => {
                    self.comment.clear();
                    self.comment.push_str(text.trim_start_matches(['#', '%', ' ']));
                }
                Some(_) => {}
                None => {
                    let separator = *self.separator.get_or_insert_with(|| Separator::of(line));
                    let cut = self.fields.cut(line, separator);
                    return cut.map(|()| true).map_err(|problem| self.wrong(problem));
                }
            }
        }
    }
}

/// One row of a file.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    line: u64,
    layout: &'static Layout,
    places: &'a [Option<usize>],
    fields: &'a Fields,
}

impl<'a> Row<'a> {
    /// The number of its line, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// What it has in a column; `None`: the file has no such column.
    pub(crate) fn get(&self, column: usize) -> Option<&'a str> {
        Some(self.fields.get(self.places[column]?))
    }

    /// What it has in a column that the file is known to have.
    pub(crate) fn text(&self, column: usize) -> &'a str {
        self.get(column).unwrap_or_default()
    }

    /// The number in a column that the file is known to have.
    pub(crate) fn number(&self, column: usize) -> Result<f64, String> {
        number(self.text(column), self.layout[column].name)
    }

    /// The number in a column, if the file has it and the row says something.
    pub(crate) fn optional_number(&self, column: usize) -> Result<Option<f64>, String> {
        let text = self.get(column).filter(|text| !text.is_empty());
        text.map(|text| number(text, self.layout[column].name)).transpose()
    }

    /// The id in a column of one of `nodes` nodes.
    pub(crate) fn node(&self, column: usize, nodes: u32) -> Result<u32, String> {
        let (text, name) = (self.text(column), self.layout[column].name);
        let id = text.parse::<u64>();
        let id = id.map_err(|_| format!("\"{text}\" in column {name} is not a node's number"))?;
        node(id, name, nodes)
    }
}

/// An id as that of one of `nodes` nodes.
pub(crate) fn node(id: u64, column: &str, nodes: u32) -> Result<u32, String> {
    match u32::try_from(id) {
        Ok(id) if id < nodes => Ok(id),
        _ => Err(format!(
            "{column} {id} is no node: ids are 0 to {}; raise `nodes`, or number the nodes from 0",
            nodes.saturating_sub(1)
        )),
    }
}

/// A number in a named column.
pub(crate) fn number(text: &str, column: &str) -> Result<f64, String> {
    text.parse().map_err(|_| match text.contains(',') && is_number(text) {
        true => format!("\"{text}\" in column {column} has a comma; write decimals as 12.5"),
        false => format!("\"{text}\" in column {column} is not a number"),
    })
}

/// Whether a field is a number, with a decimal comma or not; no name of a column is.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && (text.parse::<f64>().is_ok() || text.replacen(',', ".", 1).parse::<f64>().is_ok())
}

/// A name as columns are compared.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn names(layout: &Layout) -> String {
    layout.iter().map(|column| column.name).collect::<Vec<_>>().join(",")
}

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Comma,
    Semicolon,
    Tab,
    Bar,
    /// Any number of blanks or tabs; fields are neither empty nor quoted.
    Blank,
}

impl Separator {
    /// That of a file with this first line.
    fn of(line: &str) -> Self {
        // What is in quotes does not count.
        let open = || line.split('"').step_by(2);
        let has = |c: char| open().any(|part| part.contains(c));
        if has('\t') {
            Self::Tab
        } else if has(';') {
            Self::Semicolon
        } else if has('|') {
            Self::Bar
        } else if !has(',') && open().flat_map(str::split_ascii_whitespace).count() > 1 {
            Self::Blank
        } else {
            Self::Comma
        }
    }

    fn char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Tab => '\t',
            Self::Bar => '|',
            Self::Blank => ' ',
        }
    }
}

/// The fields of a line.
#[derive(Default)]
struct Fields {
    text: String,
    ranges: Vec<Range<usize>>,
}

impl Fields {
    fn count(&self) -> usize {
        self.ranges.len()
    }

    fn get(&self, place: usize) -> &str {
        &self.text[self.ranges[place].clone()]
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        (0..self.count()).map(|place| self.get(place))
    }

    /// Cuts a line, in place of the one before.
    fn cut(&mut self, line: &str, separator: Separator) -> Result<(), String> {
        self.text.clear();
        self.ranges.clear();
        if separator == Separator::Blank {
            line.split_ascii_whitespace().for_each(|field| self.push(field));
        } else if line.contains('"') {
            let mut record = csv::StringRecord::new();
            csv::ReaderBuilder::new()
                .has_headers(false)
                .delimiter(separator.char() as u8)
                .buffer_capacity(line.len())
                .from_reader(line.as_bytes())
                .read_record(&mut record)
                .map_err(|e| format!("not CSV: {e}"))?;
            record.iter().for_each(|field| self.push(field));
        } else {
            line.split(separator.char()).for_each(|field| self.push(field));
        }
        Ok(())
    }

    fn push(&mut self, field: &str) {
        let start = self.text.len();
        self.text.push_str(field.trim());
        self.ranges.push(start..self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: &Layout = &[
        Column::required("source").also(&["from"]),
        Column::required("target").also(&["to", "tonodeid"]),
        Column::optional("latency_ms").also(&["latency"]).like(&["rtt"]),
    ];

    /// The rows as text, column by column of the layout, and the notes.
    fn read(text: &str) -> Result<(Vec<[String; 3]>, Vec<String>), String> {
        let lines = Lines::read(Path::new("f.csv"), text.as_bytes()).unwrap();
        let mut rows = Rows::read(lines, LAYOUT).map_err(|e| e.to_string())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|e| e.to_string())? {
            found.push([0, 1, 2].map(|column| row.get(column).unwrap_or("-").to_owned()));
        }
        Ok((found, rows.into_notes()))
    }

    #[test]
    fn columns_are_found_by_name_whatever_separates_them() {
        for text in [
            "target,source,latency_ms\n1,0,2.5\n",
            "\u{feff}To,FROM,Latency ms\r\n1,0,2.5\r\n",
            "latency,target,source\n2.5,1,0\n",
            "# c\n% c\nsource;target;latency-ms\n# c\n0;1;2.5\n",
            "source\ttarget\tlatency_ms\n0\t 1\t2.5",
            "source  target latency_ms\n0 1   2.5\n",
            "source,\"target\",latency_ms\n0,\"1\",2.5\n",
            "# from tonodeid latency\n0 1 2.5\n",
            "# source,target,latency\n0\t1\t2.5\n",
            "# source|target|latency\n0|1|2.5\n",
        ] {
            let expected = (vec![["0", "1", "2.5"].map(str::to_owned)], Vec::new());
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn without_a_header_the_stated_order_holds_and_is_said() {
        for (text, order) in [
            ("0\t1\n", "source,target"),
            ("# Nodes: 6 Edges: 7\n0 1\n", "source,target"),
            ("# a remark\n0,1,2.5\n", "source,target,latency_ms"),
            ("0,\n", "source,target"),
        ] {
            let (rows, notes) = read(text).unwrap();
            assert_eq!(rows.len(), 1, "{text:?}");
            assert_eq!(notes, [format!("f.csv: no header: its columns are read as {order}")]);
        }
        assert!(read("0,1,2,5\n").unwrap_err().contains("line 1: 4 fields and no header; name"));
        assert!(read("7\n").unwrap_err().contains("line 1: 1 fields, no target"));
    }

    #[test]
    fn what_has_no_effect_is_said_and_what_was_meant_is_refused() {
        let (_, notes) = read("weight,source,target,,note\n1,0,1,7,x\n").unwrap();
        assert_eq!(notes, ["f.csv: columns without effect: \"weight\", \"\", \"note\""]);
        for (name, meant) in [
            ("latnecy_ms", "latency_ms"),
            ("latency_us", "latency_ms"),
            ("Latencyms", "latency_ms"),
            ("latncy", "latency_ms"),
            ("rtt", "latency_ms"),
        ] {
            let error = read(&format!("source,target,{name}\n0,1,2\n")).unwrap_err();
            let part = format!("line 1: column \"{name}\" is not known; did you mean \"{meant}\"?");
            assert!(error.contains(&part), "{error}");
            // Beside the right one it is only another column.
            assert!(read(&format!("source,target,latency,{name}\n0,1,2,3\n")).is_ok(), "{name}");
        }
        let error = read("a,b\n0,1\n").unwrap_err();
        assert!(error.contains("line 1: expected the header source,target,latency_ms; it lacks"));
        assert!(error.contains("source and target"), "{error}");
        let error = read("soruce,target\n0,1\n").unwrap_err();
        assert!(error.contains("it lacks source; column \"soruce\" is not known; did"), "{error}");
        let error = read("source,from,to\n0,1,2\n").unwrap_err();
        assert!(error.contains("two columns \"source\" and \"from\" for source"), "{error}");
    }

    #[test]
    fn ragged_rows_and_decimal_commas_are_named() {
        let error = read("source,target\n0,1\n\n1\n").unwrap_err();
        assert!(error.contains("f.csv, line 4: 1 fields; the header has 2"), "{error}");
        assert!(
            read("0 1\n0 1 2\n").unwrap_err().contains("line 2: 3 fields; the first row has 2")
        );
        assert!(read("").unwrap_err().contains("f.csv: no row"));
        assert!(read("# only this\n").unwrap_err().contains("no row; expected the columns source"));
        assert_eq!(read("source,target\n").unwrap().0.len(), 0);
        assert!(number("12,5", "x").unwrap_err().contains("\"12,5\" in column x has a comma"));
        assert!(number("a,b", "x").unwrap_err().contains("is not a number"));
        assert_eq!(number("1e-3", "x"), Ok(0.001));
    }

    #[test]
    fn tabs_keep_empty_fields_at_either_end() {
        let lines = Lines::read(Path::new("f"), "\ta\t\n\t1\t\n".as_bytes()).unwrap();
        const ANY: &Layout = &[Column::optional("a")];
        let mut rows = Rows::read(lines, ANY).unwrap();
        assert_eq!(rows.next().unwrap().unwrap().text(0), "1");
    }
}
