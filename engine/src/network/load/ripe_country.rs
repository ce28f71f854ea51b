//! `cty1,cty2,rtt_cnt,rtt_avg,rtt_std,rtt_min,rtt_max` in ms: RIPE Atlas pings by country.
//!
//! Each unordered pair has at most one row; less than half of all pairs have one. The delay of a
//! pair has the row's minimum as its floor, and the row's mean and standard deviation above it, up to
//! the row's maximum. A
//! single ping has no deviation, and its mean may differ from its minimum by rounding.

use std::path::Path;

use super::super::fit::{Centre, Figures};
use super::super::lines::line_error;
use super::super::table::{LatencyTable, one_way_ns};
use super::super::{LatencyKind, NetworkError};
use super::{csv_fields, number, open_csv};

const HEADER: &str = "cty1,cty2,rtt_cnt,rtt_avg,rtt_std,rtt_min,rtt_max";

pub(super) fn load(path: &Path, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    let mut lines = open_csv(path, HEADER)?;
    let mut table = LatencyTable::default();
    while let Some((number, line)) = lines.next()? {
        row(&mut table, line, latency).map_err(|problem| line_error(path, number, problem))?;
    }
    Ok(table)
}

fn row(table: &mut LatencyTable, line: &str, latency: LatencyKind) -> Result<(), String> {
    let fields = csv_fields(line)?;
    let [from, to, _, mean, deviation, min, max] = &fields[..] else {
        return Err(format!("{} fields; expected the seven of {HEADER}", fields.len()));
    };
    let mean = one_way_ns(number(mean, "rtt_avg")?, latency)?;
    let min = one_way_ns(number(min, "rtt_min")?, latency)?;
    let max = one_way_ns(number(max, "rtt_max")?, latency)?;
    let deviation = match deviation.as_str() {
        "" => None,
        text => Some(one_way_ns(number(text, "rtt_std")?, latency)?),
    };
    let (from_region, to_region) = (table.region(from)?, table.region(to)?);
    // The data's own rounding: a mean of one ping is a little below its minimum.
    if min > mean * 1.001 {
        return Err("rtt_min is above rtt_avg".into());
    }
    if max < mean * 0.999 {
        return Err("rtt_max is below rtt_avg".into());
    }
    let centre = Centre::Moments { mean, deviation };
    let figures = Figures { centre, min: Some(min.min(mean)), max: Some(max) };
    if table.get(to_region, from_region).is_some() && from_region != to_region
        || !table.set(from_region, to_region, figures)
    {
        return Err(format!("a second row for {from} and {to}"));
    }
    Ok(())
}
