//! Costs and exponents in the terminal.

use std::fmt::Write as _;

use super::measured::{Complexity, Exponent, Measured, Row, words};
use crate::points::Store;
use crate::statistics::Fit;
use crate::units;

/// What the columns of costs are called.
pub(super) const COSTS: [&str; 8] =
    ["protocol", "#n", "f", "delta", "cost", "#measured", "theory", "agrees"];
/// What those of exponents are called.
pub(super) const EXPONENTS: [&str; 7] =
    ["protocol", "f", "cost", "#exponent", "interval", "#theory", "law"];

/// The rows of costs.
pub(super) fn costs(complexity: &Complexity) -> Vec<Vec<String>> {
    let of = |row: &Row, measured: &Measured| {
        let Measured { cost, mean, law } = measured;
        let expected = law.as_ref().map_or_else(String::new, |(law, _)| {
            format!("{} {}", words(law.relation), units::figure(law.expected))
        });
        let agrees = match law {
            Some((_, Some(true))) => "yes",
            Some((_, Some(false))) => "NO",
            _ => "",
        };
        let cell = &row.cell;
        vec![
            cell.protocol.to_owned(),
            cell.n.to_string(),
            cell.f.clone(),
            cell.delta.clone().unwrap_or_default(),
            cost.name().to_owned(),
            units::figure(mean.mean),
            expected,
            agrees.to_owned(),
        ]
    };
    complexity.rows.iter().flat_map(|row| row.costs.iter().map(move |it| of(row, it))).collect()
}

/// The rows of exponents.
pub(super) fn exponents(complexity: &Complexity) -> Vec<Vec<String>> {
    let fitted = |fit: &Option<Fit>| {
        fit.map_or_else(|| "-".to_owned(), |fit| format!("{:.3}", fit.exponent))
    };
    let of = |Exponent { cell, cost, measured, theory, source }: &Exponent| {
        let interval = measured.and_then(|fit| fit.interval);
        vec![
            cell.protocol.to_owned(),
            cell.f.clone(),
            cost.name().to_owned(),
            fitted(measured),
            interval.map_or_else(String::new, |[low, high]| format!("{low:.3} to {high:.3}")),
            fitted(theory),
            (*source).to_owned(),
        ]
    };
    complexity.exponents.iter().map(of).collect()
}

/// All of it.
pub(super) fn text(complexity: &Complexity, store: &Store) -> String {
    let mut text = String::from("Costs of honest nodes per decision, means over seeds\n");
    table(&mut text, &COSTS, &costs(complexity));
    text += "\nExponents against n, fitted by least squares on logarithms\n";
    table(&mut text, &EXPONENTS, &exponents(complexity));
    let _ = writeln!(text, "\nSaved in {}", store.path().display());
    text
}

fn table(text: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    let heads: Vec<String> =
        columns.iter().map(|name| name.trim_start_matches('#').to_owned()).collect();
    let width = |i: usize| {
        let cells = rows.iter().map(|row| row[i].chars().count());
        cells.chain([heads[i].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::from(" ");
        for ((cell, width), column) in row.iter().zip(&widths).zip(columns) {
            let _ = match column.starts_with('#') {
                true => write!(line, " {cell:>width$}"),
                false => write!(line, " {cell:<width$}"),
            };
        }
        *text += line.trim_end();
        text.push('\n');
    }
}
