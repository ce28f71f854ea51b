//! The table as text for people, and as `nodes.csv`.

use std::fmt::Write as _;

use anthill_protocol::Holds;

use super::{Row, Table, Value};
use crate::export::columns::{Columns, Kind};
use crate::{terminal, units};

/// The most that `nodes.csv` may take, in bytes.
const MAX_BYTES: usize = 10_000_000;

/// The first rows, and the sums over all that were asked for.
pub(crate) fn text(table: &Table) -> String {
    let columns = table.query.columns();
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .take(table.query.limit())
        .map(|row| (0..columns.len()).map(|column| cell(table, row, column)).collect())
        .collect();
    let totals = columns.iter().zip(&table.sums).map(|(column, sum)| match column.holds {
        // A sum of 2³² counts of 64 bits takes more than 64; it is shown exactly up to there.
        Holds::Sum => units::count(u64::try_from(*sum).unwrap_or(u64::MAX)),
        Holds::Figure | Holds::Word => String::new(),
    });
    let mut totals: Vec<String> = totals.collect();
    totals[0] = "total".to_owned();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        let least = columns[column].name.len().max(totals[column].len());
        cells.chain([least]).max().unwrap_or(least)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::from("\nNodes\n");
    let mut line = |cells: &[String]| {
        for ((cell, width), column) in cells.iter().zip(&widths).zip(columns) {
            let _ = match column.holds {
                Holds::Word => write!(text, "  {cell:<width$}"),
                Holds::Figure | Holds::Sum => write!(text, "  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line(&columns.iter().map(|column| column.name.to_owned()).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
    if columns.iter().any(|column| column.holds == Holds::Sum) {
        line(&totals);
    }
    let shown = units::count(rows.len() as u64);
    let (matched, nodes) = (units::count(table.matched), units::count(table.nodes));
    let _ = match table.matched == table.nodes {
        true => writeln!(text, "  {shown} of {nodes} nodes shown"),
        false => {
            writeln!(text, "  {shown} of {matched} nodes shown that were asked for, of {nodes}")
        }
    };
    text
}

/// The file's content: all rows that were kept, as far as the file may grow; says on stderr if
/// these are not all that were asked for.
pub(crate) fn csv(table: &Table) -> String {
    let columns = table.query.columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut text = names.join(",") + "\n";
    let mut saved = 0;
    for row in &table.rows {
        let before = text.len();
        for column in 0..columns.len() {
            let separator = if column > 0 { "," } else { "" };
            let _ = match row.value(column, &table.regions) {
                Value::Count(count) => write!(text, "{separator}{count}"),
                Value::Word(word) => write!(text, "{separator}{}", quoted(word)),
            };
        }
        text.push('\n');
        if text.len() > MAX_BYTES {
            text.truncate(before);
            break;
        }
        saved += 1;
    }
    if saved < table.matched {
        let (saved, all) = (units::count(saved), units::count(table.matched));
        let note = format!("nodes.csv holds the first {saved} of {all} rows; --where narrows it");
        terminal::complain("note", &note);
    }
    text
}

/// What its columns hold.
pub(crate) fn columns(table: &Table) -> Columns {
    table.query.columns().iter().fold(Columns::default(), |columns, column| {
        let kind = match column.holds {
            Holds::Word => Kind::Text,
            Holds::Figure | Holds::Sum => Kind::Count,
        };
        columns.and(column.name, kind)
    })
}

fn cell(table: &Table, row: &Row, column: usize) -> String {
    match row.value(column, &table.regions) {
        // An id is a name, not an amount.
        Value::Count(count) if column == 0 => count.to_string(),
        Value::Count(count) => units::count(count),
        Value::Word(word) => word.to_owned(),
    }
}

fn quoted(word: &str) -> String {
    match word.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", word.replace('"', "\"\"")),
        false => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::table;

    #[test]
    fn the_table_is_text_and_csv() {
        let table = table(Some("credit:desc"), &["role=verifier"], 100);
        assert_eq!(
            text(&table),
            "\nNodes\n   node  region  role      credit  degree\n      6  b       verifier      80       4\n      \
             2  b       verifier      60       4\n      8  b       verifier      40       4\n  \
             total                       200\n  3 of 5 nodes shown that were asked for, of 10\n"
        );
        assert_eq!(
            csv(&table),
            "node,region,role,credit,degree\n6,b,verifier,80,4\n2,b,verifier,60,4\n\
             8,b,verifier,40,4\n4,b,verifier,20,4\n0,b,verifier,0,4\n"
        );
        assert_eq!(quoted("a\"b,c"), "\"a\"\"b,c\"");
    }
}
