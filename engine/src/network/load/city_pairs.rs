//! `from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms`: WonderNetwork pings between cities.
//!
//! `from` is a city with `+` for blanks (`New+York`); `to` carries country and continent as well
//! (`"New York United States, North America"`) and is mapped to the longest `from` it starts with.
//! Destinations that occur in no `from` keep everything before the comma as their name. There are no
//! rows within a city.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::fit::{Centre, Figures};
use super::super::lines::line_error;
use super::super::table::{LatencyTable, one_way_ns};
use super::super::{LatencyKind, NetworkError};
use super::{csv_fields, number, open_csv};

const HEADER: &str = "from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms";
/// More rows than ordered pairs of as many regions as a table may have.
const MAX_ROWS: usize = 1_000_000;

struct Row {
    line: u64,
    from: usize,
    to: String,
    figures: Figures,
}

pub(super) fn load(path: &Path, latency: LatencyKind) -> Result<LatencyTable, NetworkError> {
    let mut lines = open_csv(path, HEADER)?;
    let mut table = LatencyTable::default();
    let mut rows = Vec::new();
    while let Some((number, line)) = lines.next()? {
        let row = row(&mut table, number, line, latency)
            .map_err(|problem| line_error(path, number, problem))?;
        rows.push(row);
        if rows.len() > MAX_ROWS {
            return Err(line_error(path, number, format!("more than {MAX_ROWS} rows")));
        }
    }
    let cities: BTreeSet<String> = (0..table.len()).map(|r| table.name(r).to_owned()).collect();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let failed = |problem: String| line_error(path, row.line, problem);
        let to = match known.get(&row.to) {
            Some(region) => *region,
            None => {
                let region = table.region(&city(&row.to, &cities)).map_err(failed)?;
                known.insert(row.to.clone(), region);
                region
            }
        };
        if !table.set(row.from, to, row.figures) {
            let from = table.name(row.from);
            return Err(failed(format!("a second row from {from} to {}", row.to)));
        }
    }
    Ok(table)
}

fn row(
    table: &mut LatencyTable,
    line: u64,
    text: &str,
    latency: LatencyKind,
) -> Result<Row, String> {
    let fields = csv_fields(text)?;
    let [from, to, mean, min, max, deviation] = &fields[..] else {
        return Err(format!("{} fields; expected the six of {HEADER}", fields.len()));
    };
    let mean = one_way_ns(number(mean, "rtt_avg_ms")?, latency)?;
    let min = one_way_ns(number(min, "rtt_min_ms")?, latency)?;
    let max = one_way_ns(number(max, "rtt_max_ms")?, latency)?;
    let deviation = Some(one_way_ns(number(deviation, "rtt_mdev_ms")?, latency)?);
    if min > mean {
        return Err("rtt_min_ms is above rtt_avg_ms".into());
    }
    if max < mean {
        return Err("rtt_max_ms is below rtt_avg_ms".into());
    }
    let centre = Centre::Moments { mean, deviation };
    let figures = Figures { centre, min: Some(min), max: Some(max) };
    let from = table.region(&from.replace('+', " "))?;
    Ok(Row { line, from, to: to.clone(), figures })
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
