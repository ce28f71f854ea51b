//! `{"data": {from: {to: ms}}}`, as cloudping publishes latencies between AWS regions.
//!
//! The diagonal is the latency within a region. Regions are in order of their names: those with a
//! row first, then those that only occur in rows. A second file of the same shape may hold 90th
//! percentiles, of which it may lack some.
//!
//! A file of 1,740 sites has three million entries: they are kept as numbers while it is read, and a
//! name once.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::super::fit::{Centre, Figures};
use super::super::lines::open;
use super::super::table::{LatencyTable, MAX_REGIONS, one_way_ns};
use super::super::{LatencyKind, NetworkError};
use crate::input::InputFile;

/// Largest file read, in bytes after unpacking: as many pairs as a table may have, at 50 bytes each.
const MAX_BYTES: u64 = (MAX_REGIONS * MAX_REGIONS) as u64 * 50;

/// From, to and ms, by the regions of a table.
type Cells = Vec<(usize, usize, f64)>;

/// The entries of a file.
#[derive(Default)]
struct Entries {
    /// In order of appearance.
    ids: BTreeMap<String, u16>,
    /// Whether a name has a row, by id.
    has_row: Vec<bool>,
    /// From, to and ms, in the order of the file.
    cells: Vec<(u16, u16, f64)>,
    /// What is wrong, if that is not its form.
    problem: Option<String>,
}

pub(super) fn load(
    path: &InputFile,
    p90_path: Option<&InputFile>,
    latency: LatencyKind,
) -> Result<LatencyTable, NetworkError> {
    let failed =
        |path: &Path, problem: String| NetworkError::File { path: path.to_path_buf(), problem };
    let medians = read(path)?;
    let mut table = LatencyTable::default();
    let regions = medians.regions(&mut table).map_err(|problem| failed(path, problem))?;
    let mut upper: Option<(&Path, Cells)> = None;
    if let Some(path) = p90_path {
        let found = read(path)?;
        let cells = found.among(&table);
        if let without @ 1.. = found.cells.len() - cells.len() {
            let problem = "percentiles without effect: their regions have no medians";
            table.notes.push(format!("{}: {without} {problem}", path.display()));
        }
        upper = Some((path, cells));
    }
    for (from, to, p50_ms) in &medians.cells {
        let (from, to) = (regions[usize::from(*from)], regions[usize::from(*to)]);
        let pair =
            |problem: String| format!("{} to {}: {problem}", table.name(from), table.name(to));
        let p50 = one_way_ns(*p50_ms, latency).map_err(|e| failed(path, pair(e)))?;
        let mut p90 = None;
        if let Some((path, upper)) = &upper
            && let Ok(found) = upper.binary_search_by_key(&(from, to), |cell| (cell.0, cell.1))
        {
            let ms = upper[found].2;
            let upper = one_way_ns(ms, latency).map_err(|e| failed(path, pair(e)))?;
            if upper < p50 {
                let problem = pair(format!("{ms} ms is below the median, {p50_ms} ms"));
                return Err(failed(path, problem));
            }
            p90 = Some(upper);
        }
        let figures = Figures { centre: Centre::Percentiles { p50, p90 }, min: None, max: None };
        if table.get(from, to).is_some() {
            return Err(failed(path, pair("a second latency; delete one".to_owned())));
        }
        table.set(from, to, figures);
    }
    Ok(table)
}

impl Entries {
    fn wrong<E: de::Error>(&mut self, problem: &str) -> E {
        self.problem = Some(problem.to_owned());
        E::custom(problem)
    }

    fn id(&mut self, name: &str) -> Result<u16, String> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        if self.ids.len() == MAX_REGIONS {
            return Err(format!("more than {MAX_REGIONS} regions, the most of a table"));
        }
        let id = self.ids.len() as u16;
        self.ids.insert(name.to_owned(), id);
        self.has_row.push(false);
        Ok(id)
    }

    /// Adds all names to a table, in its order; the region of each id.
    fn regions(&self, table: &mut LatencyTable) -> Result<Vec<usize>, String> {
        // Names have the order of names; of those without a row, the first row that they occur in
        // goes before.
        let mut ranks = vec![0u16; self.ids.len()];
        for (rank, id) in self.ids.values().enumerate() {
            ranks[usize::from(*id)] = rank as u16;
        }
        let mut first_row = vec![u16::MAX; self.ids.len()];
        for (from, to, _) in &self.cells {
            let first = &mut first_row[usize::from(*to)];
            *first = (*first).min(ranks[usize::from(*from)]);
        }
        let mut names: Vec<(&String, u16)> = self.ids.iter().map(|(n, id)| (n, *id)).collect();
        names.sort_by_key(|(_, id)| match self.has_row[usize::from(*id)] {
            true => (0, ranks[usize::from(*id)], 0),
            false => (1, first_row[usize::from(*id)], ranks[usize::from(*id)]),
        });
        let mut regions = vec![0; names.len()];
        for (name, id) in names {
            regions[usize::from(id)] = table.region(name)?;
        }
        Ok(regions)
    }

    /// The entries of the regions of a table, in order; the others have no effect.
    fn among(&self, table: &LatencyTable) -> Cells {
        let mut regions = vec![None; self.ids.len()];
        for (name, id) in &self.ids {
            regions[usize::from(*id)] = table.index_of(name);
        }
        let cell = |(from, to, ms): &(u16, u16, f64)| {
            Some((regions[usize::from(*from)]?, regions[usize::from(*to)]?, *ms))
        };
        let mut cells: Vec<_> = self.cells.iter().filter_map(cell).collect();
        cells.sort_unstable_by_key(|(from, to, _)| (*from, *to));
        cells
    }
}

fn read(path: &InputFile) -> Result<Entries, NetworkError> {
    let reader =
        io::BufReader::with_capacity(128 << 10, Limited { left: MAX_BYTES, reader: open(path)? });
    let mut entries = Entries::default();
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Level::File(&mut entries).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|e| {
        if e.is_io() {
            let problem = format!("cannot read it: {e}");
            return NetworkError::File { path: path.to_path_buf(), problem };
        }
        let problem = entries.problem.take();
        let problem =
            problem.unwrap_or_else(|| format!("not {{\"data\": {{from: {{to: ms}}}}}}: {e}"));
        NetworkError::Line { path: path.to_path_buf(), line: e.line() as u64, problem }
    })?;
    Ok(entries)
}

/// The objects of a file, one in the other, read straight into the entries.
enum Level<'e> {
    File(&'e mut Entries),
    Data(&'e mut Entries),
    /// The row of a name.
    Row(&'e mut Entries, u16),
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        match self {
            Self::File(entries) => {
                let mut found = false;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "data" {
                        found = true;
                        map.next_value_seed(Level::Data(entries))?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                if found { Ok(()) } else { Err(de::Error::missing_field("data")) }
            }
            Self::Data(entries) => {
                while let Some(from) = map.next_key_seed(Name(entries))? {
                    if std::mem::replace(&mut entries.has_row[usize::from(from)], true) {
                        return Err(entries.wrong("a second row of a region; delete one"));
                    }
                    map.next_value_seed(Level::Row(entries, from))?;
                }
                Ok(())
            }
            Self::Row(entries, from) => {
                while let Some(to) = map.next_key_seed(Name(entries))? {
                    if entries.cells.len() == MAX_REGIONS * MAX_REGIONS {
                        return Err(entries.wrong("more entries than a table has pairs"));
                    }
                    let ms = map.next_value()?;
                    entries.cells.push((from, to, ms));
                }
                Ok(())
            }
        }
    }
}

/// The name of a region, as its id.
struct Name<'e>(&'e mut Entries);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = u16;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u16, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = u16;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a region")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<u16, E> {
        self.0.id(name).map_err(|problem| self.0.wrong(&problem))
    }
}

/// A reader that fails, rather than ends, beyond so many bytes.
struct Limited<R> {
    left: u64,
    reader: R,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it is larger than {} MB, the most of a table; split it, or use a CSV format",
                MAX_BYTES / 1_000_000
            ))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Result<Entries, String> {
        let mut found = Entries::default();
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Level::File(&mut found).deserialize(&mut json).and_then(|()| json.end());
        match read {
            Ok(()) => Ok(found),
            Err(e) => Err(found.problem.take().unwrap_or(e.to_string())),
        }
    }

    /// Results rest on this order.
    #[test]
    fn regions_are_in_order_of_names_those_with_rows_first() {
        let text = r#"{"x": [1], "data": {"m": {"z": 1, "b": 2}, "c": {"y": 3, "a": 4, "m": 5}}}"#;
        let mut table = LatencyTable::default();
        let found = entries(text).unwrap();
        let regions = found.regions(&mut table).unwrap();
        let names: Vec<&str> = (0..table.len()).map(|region| table.name(region)).collect();
        assert_eq!(names, ["c", "m", "a", "y", "b", "z"]);
        let cell = |i: usize| {
            let (from, to, ms) = found.cells[i];
            (names[regions[usize::from(from)]], names[regions[usize::from(to)]], ms)
        };
        assert_eq!((cell(0), cell(4)), (("m", "z", 1.0), ("c", "m", 5.0)));
    }

    #[test]
    fn limits_are_named_and_doubles_refused() {
        let many: Vec<String> = (0..=MAX_REGIONS).map(|i| format!("\"n{i}\": 1")).collect();
        let error = entries(&format!("{{\"data\": {{\"n0\": {{{}}}}}}}", many.join(","))).err();
        assert_eq!(error.unwrap(), "more than 3000 regions, the most of a table");
        let twice = r#"{"data": {"a": {"b": 1}, "a": {"b": 2}}}"#;
        assert!(entries(twice).err().unwrap().contains("a second row of a region"));
        for (text, problem) in [
            ("{}", "missing field `data`"),
            ("[]", "expected an object"),
            (r#"{"data": {"a": 1}}"#, "expected an object"),
            (r#"{"data": {"a": {"b": null}}}"#, "invalid type: null"),
            (r#"{"data": {}} 1"#, "trailing characters"),
        ] {
            let error = entries(text).err().unwrap();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_read_beyond_the_limit_fails_rather_than_ends() {
        let mut all = Vec::new();
        let limited = |left| Limited { left, reader: &b"12345"[..] };
        assert!(limited(5).read_to_end(&mut all).is_ok() && all == b"12345");
        let error = limited(4).read_to_end(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("larger than 450 MB"), "{error}");
    }
}
