//! `from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms`: WonderNetwork pings between cities.
//!
//! `from` is a city with `+` for blanks (`New+York`); `to` carries country and continent as well
//! (`"New York United States, North America"`) and is mapped to the longest `from` it starts with.
//! Destinations that occur in no `from` keep everything before the comma as their name. There are no
//! rows within a city.

use std::collections::{BTreeMap, BTreeSet};

use super::super::columns::{Column, Layout, Row, Rows};
use super::super::fit::{Centre, Figures};
use super::super::lines::line_error;
use super::super::table::{LatencyTable, MAX_MS, MAX_REGIONS, one_way_ns};
use super::super::{LatencyKind, NetworkError};
use crate::input::InputFile;

const LAYOUT: &Layout = &[
    Column::required("from"),
    Column::required("to"),
    Column::required("rtt_avg_ms"),
    Column::optional("rtt_min_ms"),
    Column::optional("rtt_max_ms"),
    Column::optional("rtt_mdev_ms"),
];
const FROM: usize = 0;
const TO: usize = 1;
const MEAN: usize = 2;
const MIN: usize = 3;
const MAX: usize = 4;
const DEVIATION: usize = 5;

/// Every ordered pair of as many regions as a table may have.
const MAX_ROWS: usize = MAX_REGIONS * MAX_REGIONS;

/// A row whose destination is not yet a region.
struct Pair {
    line: u32,
    from: u16,
    /// Which destination, in order of appearance.
    to: u32,
    figures: Figures,
}

pub(super) fn load(path: &InputFile, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    let mut rows = Rows::open(path, LAYOUT)?;
    let mut table = LatencyTable::default();
    let mut pairs: Vec<Pair> = Vec::new();
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let pair = read(&mut table, &mut places, &row, latency);
        pairs.push(pair.map_err(|problem| rows.wrong(problem))?);
        if pairs.len() > MAX_ROWS {
            let problem = format!("more than {MAX_ROWS} rows, all pairs of {MAX_REGIONS} regions");
            return Err(rows.wrong(problem));
        }
    }
    let cities: BTreeSet<String> = (0..table.len()).map(|r| table.name(r).to_owned()).collect();
    let mut names = vec![""; places.len()];
    places.iter().for_each(|(name, place)| names[*place as usize] = name);
    // In the order of their rows: so are the regions of the table.
    let mut known: Vec<Option<usize>> = vec![None; names.len()];
    for pair in pairs {
        let failed = |problem: String| line_error(path, pair.line.into(), problem);
        let (place, name) = (&mut known[pair.to as usize], names[pair.to as usize]);
        let to = match *place {
            Some(region) => region,
            None => table.region(&city(name, &cities)).map_err(failed)?,
        };
        *place = Some(to);
        let from = usize::from(pair.from);
        if !table.set(from, to, pair.figures) {
            return Err(failed(format!("a second row from {} to {name}", table.name(from))));
        }
    }
    table.notes = rows.into_notes();
    Ok(table)
}

fn read(
    table: &mut LatencyTable,
    places: &mut BTreeMap<String, u32>,
    row: &Row<'_>,
    latency: LatencyKind,
) -> Result<Pair, String> {
    let one_way = |ms| one_way_ns(ms, latency);
    let mean = one_way(row.number(MEAN)?)?;
    let min = row.optional_number(MIN)?.map(one_way).transpose()?;
    let max = row.optional_number(MAX)?.map(|ms| one_way(ms.min(MAX_MS))).transpose()?;
    let deviation = row.optional_number(DEVIATION)?.map(one_way).transpose()?;
    if min.is_some_and(|min| min > mean) {
        return Err("rtt_min_ms is above rtt_avg_ms".into());
    }
    if max.is_some_and(|max| max < mean) {
        return Err("rtt_max_ms is below rtt_avg_ms".into());
    }
    let figures = Figures { centre: Centre::Moments { mean, deviation }, min, max };
    let from = table.region(&row.text(FROM).replace('+', " "))? as u16;
    let line = u32::try_from(row.line()).map_err(|_| "too many lines".to_owned())?;
    let to = match places.get(row.text(TO)) {
        Some(place) => *place,
        None => {
            if places.len() == MAX_REGIONS {
                return Err(format!("more than {MAX_REGIONS} destinations, the most of a table"));
            }
            let place = places.len() as u32;
            places.insert(row.text(TO).to_owned(), place);
            place
        }
    };
    Ok(Pair { line, from, to, figures })
}

/// The city of `"City Country, Continent"`: the longest known one that ends at a blank.
fn city(destination: &str, cities: &BTreeSet<String>) -> String {
    let place = destination.split(',').next().unwrap_or(destination).trim();
    let mut known = place;
    while !cities.contains(known) {
        match known.rfind(' ') {
            Some(end) => known = &known[..end],
            None => return place.to_owned(),
        }
    }
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_mapped_to_the_longest_city() {
        let cities = ["Jackson", "Lima", "New York", "New"].map(String::from).into();
        let of = |to: &str| city(to, &cities);
        assert_eq!(of("New York United States, North America"), "New York");
        assert_eq!(of("Jacksonville United States, North America"), "Jacksonville United States");
        assert_eq!(of("Limassol Cyprus, Eurasia"), "Limassol Cyprus");
        assert_eq!(of("Lima Peru, South America"), "Lima");
        assert_eq!(of("Lima"), "Lima");
    }
}
