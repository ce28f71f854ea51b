//! A table written in the scenario itself: square matrices in ms.

use super::super::fit::{Centre, Figures};
use super::super::table::{LatencyTable, MAX_REGIONS, one_way_ns};
use super::super::{LatencyKind, NetworkError};

const NAMES: &str = "network.regions.names";
const P50: &str = "network.regions.p50_ms";
const P90: &str = "network.regions.p90_ms";

pub(super) fn table(
    names: &[String],
    p50_ms: &[Vec<f64>],
    p90_ms: Option<&[Vec<f64>]>,
    latency: LatencyKind,
) -> Result<LatencyTable, NetworkError> {
    if names.is_empty() || names.len() > MAX_REGIONS {
        let problem = format!("{} names; give 1 to {MAX_REGIONS}", names.len());
        return Err(NetworkError::field(NAMES, problem));
    }
    let mut table = LatencyTable::default();
    for (i, name) in names.iter().enumerate() {
        let region = table.region(name).map_err(|problem| NetworkError::field(NAMES, problem))?;
        if region != i {
            return Err(NetworkError::field(NAMES, format!("\"{name}\" is named twice")));
        }
    }
    check_square(P50, names, p50_ms)?;
    if let Some(p90_ms) = p90_ms {
        check_square(P90, names, p90_ms)?;
    }
    for from in 0..names.len() {
        for to in 0..names.len() {
            let entry = |field, matrix: &[Vec<f64>]| {
                one_way_ns(matrix[from][to], latency).map_err(|problem| {
                    let pair = format!("{} to {}", names[from], names[to]);
                    NetworkError::field(field, format!("{pair}: {problem}"))
                })
            };
            let p50 = entry(P50, p50_ms)?;
            let p90 = p90_ms.map(|p90_ms| entry(P90, p90_ms)).transpose()?;
            if p90.is_some_and(|p90| p90 < p50) {
                let problem = format!("{} to {}: below the median", names[from], names[to]);
                return Err(NetworkError::field(P90, problem));
            }
            table.set(
                from,
                to,
                Figures { centre: Centre::Percentiles { p50, p90 }, min: None, max: None },
            );
        }
    }
    Ok(table)
}

fn check_square(
    field: &'static str,
    names: &[String],
    matrix: &[Vec<f64>],
) -> Result<(), NetworkError> {
    let n = names.len();
    if matrix.len() != n {
        let problem = format!("{} rows for {n} names; give one row per name", matrix.len());
        return Err(NetworkError::field(field, problem));
    }
    match matrix.iter().position(|row| row.len() != n) {
        None => Ok(()),
        Some(row) => Err(NetworkError::field(
            field,
            format!("row {} has {} entries; give {n}, one per name", names[row], matrix[row].len()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(names: &[&str], p50: &[&[f64]], p90: Option<&[&[f64]]>) -> String {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let rows = |m: &[&[f64]]| m.iter().map(|r| r.to_vec()).collect::<Vec<_>>();
        let p90 = p90.map(rows);
        match table(&names, &rows(p50), p90.as_deref(), LatencyKind::RoundTrip) {
            Ok(_) => "ok".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn malformed_matrices_are_named() {
        let square: &[&[f64]] = &[&[1.0, 2.0], &[2.0, 1.0]];
        assert_eq!(message(&["a", "b"], square, Some(square)), "ok");
        assert!(message(&[], &[], None).contains("0 names"));
        assert!(message(&["a", "a"], square, None).contains("named twice"));
        assert!(message(&["a", ""], square, None).contains("without a name"));
        assert!(message(&["a"], square, None).contains("2 rows for 1 names"));
        assert!(message(&["a", "b"], &[&[1.0, 2.0], &[2.0]], None).contains("row b has 1"));
        assert!(message(&["a", "b"], &[&[1.0, -2.0], &[2.0, 1.0]], None).contains("a to b"));
        assert!(message(&["a", "b"], &[&[1.0, 1.0], &[2.0, f64::NAN]], None).contains("NaN"));
        let lower: &[&[f64]] = &[&[1.0, 2.0], &[1.5, 1.0]];
        assert!(message(&["a", "b"], square, Some(lower)).contains("b to a: below the median"));
    }
}
