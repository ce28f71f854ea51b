//! `cty1,cty2,rtt_cnt,rtt_avg,rtt_std,rtt_min,rtt_max` in ms: RIPE Atlas pings by country.
//!
//! Each unordered pair has at most one row; less than half of all pairs have one. The delay of a
//! pair has the row's minimum as its floor, and the row's mean and standard deviation above it, up to
//! the row's maximum. A
//! single ping has no deviation, and its mean may differ from its minimum by rounding.

use super::super::columns::{Column, Layout, Row, Rows};
use super::super::fit::{Centre, Figures};
use super::super::table::{LatencyTable, MAX_MS, one_way_ns};
use super::super::{LatencyKind, NetworkError};
use crate::input::InputFile;

const LAYOUT: &Layout = &[
    Column::required("cty1"),
    Column::required("cty2"),
    Column::optional("rtt_cnt"),
    Column::required("rtt_avg"),
    Column::optional("rtt_std"),
    Column::optional("rtt_min"),
    Column::optional("rtt_max"),
];
const FROM: usize = 0;
const TO: usize = 1;
const MEAN: usize = 3;
const DEVIATION: usize = 4;
const MIN: usize = 5;
const MAX: usize = 6;

pub(super) fn load(path: &InputFile, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    let mut rows = Rows::open(path, LAYOUT)?;
    let mut table = LatencyTable::default();
    while let Some(row) = rows.next()? {
        let read = read(&mut table, &row, latency);
        read.map_err(|problem| rows.wrong(problem))?;
    }
    table.notes = rows.into_notes();
    Ok(table)
}

fn read(table: &mut LatencyTable, row: &Row<'_>, latency: LatencyKind) -> Result<(), String> {
    let one_way = |ms| one_way_ns(ms, latency);
    let mean = one_way(row.number(MEAN)?)?;
    let min = row.optional_number(MIN)?.map(one_way).transpose()?;
    let max = row.optional_number(MAX)?.map(|ms| one_way(ms.min(MAX_MS))).transpose()?;
    let deviation = row.optional_number(DEVIATION)?.map(one_way).transpose()?;
    let (from, to) = (row.text(FROM), row.text(TO));
    let (from_region, to_region) = (table.region(from)?, table.region(to)?);
    // The data's own rounding: a mean of one ping is a little below its minimum.
    if min.is_some_and(|min| min > mean * 1.001) {
        return Err("rtt_min is above rtt_avg".into());
    }
    if max.is_some_and(|max| max < mean * 0.999) {
        return Err("rtt_max is below rtt_avg".into());
    }
    let min = min.map(|min| min.min(mean));
    let figures = Figures { centre: Centre::Moments { mean, deviation }, min, max };
    if table.get(to_region, from_region).is_some() && from_region != to_region
        || !table.set(from_region, to_region, figures)
    {
        return Err(format!("a second row for {from} and {to}"));
    }
    Ok(())
}
