//! Latency tables that ship with the engine, each a small file that names its source.

mod aws_p50;
mod bitcoin_2019;

use super::error::suggestion;
use super::fit::{Centre, Figures};
use super::table::{LatencyTable, one_way_ns};
use super::{LatencyKind, NetworkError};

/// Names of the presets.
pub const PRESETS: &[&str] = &[aws_p50::NAME, bitcoin_2019::NAME];

/// The preset of a name.
pub(crate) fn table(name: &str) -> Result<LatencyTable, NetworkError> {
    match name {
        aws_p50::NAME => Ok(aws_p50::table()),
        bitcoin_2019::NAME => Ok(bitcoin_2019::table()),
        _ => {
            let hint = suggestion(name, PRESETS.iter().copied());
            let problem = format!("no preset \"{name}\"{hint}; there are {}", PRESETS.join(", "));
            Err(NetworkError::field("network.preset", problem))
        }
    }
}

/// A table from upper triangles (row `i` starts at column `i`) in ms.
///
/// # Panics
/// If they are no upper triangles of latencies over the names: a preset's bug, which its test finds.
fn symmetric(
    names: &[&str],
    p50_ms: &[&[f64]],
    p90_ms: Option<&[&[f64]]>,
    latency: LatencyKind,
) -> LatencyTable {
    let mut table = LatencyTable::default();
    for name in names {
        table.region(name).expect("a preset has few regions");
    }
    let ns = |ms: f64| one_way_ns(ms, latency).expect("a preset holds latencies");
    assert_eq!(p50_ms.len(), names.len());
    for (i, row) in p50_ms.iter().enumerate() {
        assert_eq!(row.len(), names.len() - i);
        for (offset, p50) in row.iter().enumerate() {
            let p90 = p90_ms.map(|p90_ms| ns(p90_ms[i][offset]));
            let figures = Figures {
                centre: Centre::Percentiles { p50: ns(*p50), p90 },
                min: None,
                max: None,
            };
            table.set(i, i + offset, figures);
            table.set(i + offset, i, figures);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_complete() {
        for name in PRESETS {
            let table = table(name).unwrap();
            let placed = table.place(None).unwrap().regions;
            assert_eq!(placed.len(), table.len());
            assert!((placed.iter().map(|p| p.1).sum::<f64>() - 1.0).abs() < 1e-12);
            assert!((0..table.len()).all(|r| table.get(r, r).is_some()));
        }
    }

    #[test]
    fn an_unknown_preset_suggests_the_nearest() {
        let error = table("aws-50").unwrap_err().to_string();
        assert!(error.contains("did you mean \"aws-p50\"?"), "{error}");
        assert!(!table("zzz").unwrap_err().to_string().contains("did you mean"));
    }
}
