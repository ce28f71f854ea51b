//! A square matrix of latencies in ms, a row per sender: with names in a first row, in a first
//! column, in both, or without any.
//!
//! With names in both, rows go by theirs. Without any, regions are called 0, 1, 2, … in order.
//! Empty cells were not measured.

use crate::input::InputFile;

use super::super::columns::{PlainRows, number};
use super::super::fit::{Centre, Figures};
use super::super::table::{LatencyTable, MAX_REGIONS, one_way_ns};
use super::super::{LatencyKind, NetworkError};

pub(super) fn load(path: &InputFile, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    read(PlainRows::open(path)?, latency)
}

fn read(mut rows: PlainRows<'_>, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    let owned = |row: Vec<&str>| row.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let Some(first) = rows.next()?.map(owned) else {
        return Err(rows.failed("no row; expected a square matrix of milliseconds"));
    };
    let mut matrix = Matrix { table: LatencyTable::default(), latency, regions: 0, rows: vec![] };
    let is_headed = first[0].is_empty() || first[1..].iter().any(|text| !is_figure(text));
    let mut names = Names::Numbers;
    if !is_headed {
        names = if is_figure(&first[0]) { Names::Numbers } else { Names::Column };
        matrix.regions = first.len() - usize::from(names == Names::Column);
        let fields: Vec<&str> = first.iter().map(String::as_str).collect();
        matrix.row(&fields, names).map_err(|problem| rows.wrong(problem))?;
    }
    let mut header = is_headed.then_some(first);
    while let Some(fields) = rows.next()? {
        let read = match header.take() {
            Some(header) => matrix.head(&header, &fields).and_then(|found| {
                names = found;
                matrix.row(&fields, found)
            }),
            None => matrix.row(&fields, names),
        };
        read.map_err(|problem| rows.wrong(problem))?;
    }
    matrix.finish().map_err(|problem| rows.failed(problem))
}

/// Where the names of the regions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// Nowhere.
    Numbers,
    /// In a first row.
    Row,
    /// In a first column.
    Column,
    /// In both.
    Both,
}

struct Matrix {
    table: LatencyTable,
    latency: LatencyKind,
    regions: usize,
    /// The region of each row so far.
    rows: Vec<usize>,
}

impl Matrix {
    /// Takes names from a first row; the row below it tells whether rows have labels.
    fn head(&mut self, header: &[String], below: &[&str]) -> Result<Names, String> {
        let has_corner = header[0].is_empty() || !is_figure(below[0]);
        let (names, labelled) = match below.len() {
            width if width == header.len() + 1 => (header, true),
            _ if has_corner => (&header[1..], true),
            _ => (header, false),
        };
        for (i, name) in names.iter().enumerate() {
            if self.table.region(name)? != i {
                return Err(format!("\"{name}\" is named twice in the first row"));
            }
        }
        self.regions = names.len();
        Ok(if labelled { Names::Both } else { Names::Row })
    }

    fn row(&mut self, fields: &[&str], names: Names) -> Result<(), String> {
        if self.regions > MAX_REGIONS {
            return Err(format!("more than {MAX_REGIONS} regions, the most of a table"));
        }
        let from = match names {
            Names::Numbers => self.table.region(&self.rows.len().to_string())?,
            Names::Row => self.rows.len(),
            Names::Column => self.table.region(fields[0])?,
            Names::Both => self.table.find(fields[0])?,
        };
        let figures = match names {
            Names::Numbers | Names::Row => fields,
            Names::Column | Names::Both => &fields[1..],
        };
        let regions = self.regions;
        if figures.len() != regions {
            return Err(format!("{} latencies; a row has {regions}", figures.len()));
        }
        if self.rows.len() == regions {
            return Err(format!("a row too many: the matrix has {regions} columns"));
        }
        if names == Names::Column && from != self.rows.len() || self.rows.contains(&from) {
            return Err(format!("a second row \"{}\"", fields[0]));
        }
        self.rows.push(from);
        for (to, text) in figures.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let column = || format!("{} of the matrix", to + 1);
            let p50 = number(text, &column()).and_then(|ms| {
                one_way_ns(ms, self.latency).map_err(|e| format!("column {}: {e}", column()))
            })?;
            let centre = Centre::Percentiles { p50, p90: None };
            self.table.set(from, to, Figures { centre, min: None, max: None });
        }
        Ok(())
    }

    fn finish(self) -> Result<LatencyTable, String> {
        match (self.rows.len(), self.regions) {
            (rows, regions) if rows == regions && rows > 0 => Ok(self.table),
            (rows, regions) => {
                Err(format!("{rows} rows of {regions} latencies; a matrix is square"))
            }
        }
    }
}

/// Whether a field is a latency or the lack of one, not a name.
fn is_figure(text: &str) -> bool {
    text.is_empty()
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
}

#[cfg(test)]
mod tests {
    use super::super::super::lines::Lines;
    use std::path::Path;

    use super::*;

    /// Names, and medians in ms one way, row by row; −1 where there is none.
    fn given(text: &str) -> Result<(Vec<String>, Vec<f64>), String> {
        let rows = PlainRows::read(Lines::read(Path::new("m.csv"), text.as_bytes()).unwrap());
        let table = read(rows, LatencyKind::OneWay).map_err(|e| e.to_string())?;
        let all = || 0..table.len();
        let ms = |figures: Figures| match figures.centre {
            Centre::Percentiles { p50, .. } => p50 / 1e6,
            Centre::Moments { .. } => f64::NAN,
        };
        let cells = all().flat_map(|a| all().map(move |b| (a, b)));
        let cells = cells.map(|(a, b)| table.get(a, b).map_or(-1.0, ms)).collect();
        Ok((all().map(|region| table.name(region).to_owned()).collect(), cells))
    }

    #[test]
    fn names_may_be_in_a_row_a_column_both_or_nowhere() {
        let cells = vec![0.2, 80.0, 81.0, 0.5];
        for (text, names) in [
            ("0.2 80\n81 0.5\n", ["0", "1"]),
            ("# a remark\n0.2,80\n81,.5\n", ["0", "1"]),
            ("a,b\n0.2,80\n81,0.5\n", ["a", "b"]),
            ("a;0.2;80\nb;81;0.5\n", ["a", "b"]),
            (",a,b\na,0.2,80\nb,81,0.5\n", ["a", "b"]),
            ("from,a,b\nb,81,0.5\na,0.2,80\n", ["a", "b"]),
            ("\ta\tb\na\t0.2\t80\nb\t81\t0.5\n", ["a", "b"]),
            ("a b\na 0.2 80\nb 81 0.5\n", ["a", "b"]),
            (",7,9\n7,0.2,80\n9,81,0.5\n", ["7", "9"]),
        ] {
            let expected = (names.map(str::to_owned).to_vec(), cells.clone());
            assert_eq!(given(text), Ok(expected), "{text:?}");
        }
        assert_eq!(given("a,b\n,80\n81,\n").unwrap().1, [-1.0, 80.0, 81.0, -1.0]);
        assert_eq!(given("5\n").unwrap().1, [5.0]);
    }

    #[test]
    fn what_is_not_square_or_no_latency_is_named() {
        for (text, problem) in [
            ("", "m.csv: no row"),
            ("0 1\n", "m.csv: 1 rows of 2 latencies; a matrix is square"),
            ("a,b\n", "m.csv: 0 rows of 0"),
            ("0 1\n2 3\n4 5\n", "line 3: a row too many"),
            ("0 1\n2\n", "line 2: 1 latencies; a row has 2"),
            (",a,b\na,0,1\na,1,0\n", "line 3: a second row \"a\""),
            ("a,0,1\na,1,0\n", "line 2: a second row \"a\""),
            (",a,b\na,0,1\nc,1,0\n", "line 3: no region \"c\""),
            (",a,a\na,0,1\na,1,0\n", "\"a\" is named twice"),
            ("0 1\n2 x\n", "line 2: \"x\" in column 2 of the matrix is not a number"),
            ("0;1,5\n2;3\n", "line 1: \"1,5\" in column 2 of the matrix has a comma"),
            ("0 -1\n2 3\n", "line 1: column 2 of the matrix: latency -1 ms; give"),
        ] {
            let error = given(text).unwrap_err();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
        let wide = vec!["1"; 3_001].join(" ");
        assert!(given(&format!("{wide}\n")).unwrap_err().contains("more than 3000 regions"));
    }
}
