//! `[network] regions` and `shares`: tables of latencies, and how nodes spread over them.

use std::collections::BTreeSet;

use super::declare::{Entries, Field, Key, Section, Shape, Text, choice, quoted, table};
use super::document::{Data, Item};
use super::nearest::suggestion;
use super::parse_network::NetworkSetting;
use super::plain;
use super::resolved::float;
use crate::network::table::{MAX_MS, MAX_REGIONS};
use crate::network::{LatencyKind, RegionFormat, RegionsSpec};

pub(super) const MOST_REGIONS: usize = MAX_REGIONS;

/// How far shares may be from 1 in sum, for figures rounded to percents of percents.
const SHARE_TOLERANCE: f64 = 1e-6;

/// Tables of regions that ship with the engine.
const PRESETS: &[&str] = &["aws-p50", "bitcoin-2019"];

const KEYS: &[Key] = &[
    Key::new("latency", LatencyKind::SHAPE, "what the figures are")
        .required()
        .words(LatencyKind::WORDS),
    Key::new("file", Shape::Path, "a file with the table; instead of `names`"),
    Key::new("format", RegionFormat::SHAPE, "the file's format; required with `file`")
        .words(RegionFormat::WORDS),
    Key::new("p90_file", Shape::Path, "a second `aws-json` file with the 90th percentiles"),
    Key::new("names", Shape::Names, "names of the regions of an inline table, at most 3,000"),
    Key::new(
        "p50_ms",
        Shape::Matrix,
        "medians in ms, 0 to 1,000,000, a row per sender; required in an inline table",
    ),
    Key::new("p90_ms", Shape::Matrix, "90th percentiles likewise, nowhere below the medians"),
];

impl RegionsSpec {
    /// Its keys.
    pub(crate) const KEYS: &'static [Key] = &[
        Key::new("preset", choice(PRESETS), "table of regions; `aws-p50` by default")
            .later(&["ethereum-2022", "solana-2025"])
            .with(&["regional"]),
        Key::new(
            "regions",
            Shape::Table(KEYS),
            "a table of your own, here or in a file, instead of `preset`",
        )
        .with(&["regional"]),
    ];

    /// Its keys with their values.
    pub(crate) fn written(&self) -> Entries {
        let entries = match self {
            Self::Preset(name) => return vec![("preset", quoted(name))],
            Self::Inline { names, p50_ms, p90_ms, latency } => [
                ("latency", latency.text(Shape::Text)),
                ("names", names.text(Shape::Names)),
                ("p50_ms", Some(matrix(p50_ms))),
                ("p90_ms", p90_ms.as_deref().map(matrix)),
            ],
            Self::File { path, p90_path, format, latency } => [
                ("file", path.text(Shape::Path)),
                ("format", format.text(Shape::Text)),
                ("latency", latency.text(Shape::Text)),
                ("p90_file", p90_path.text(Shape::Path)),
            ],
        };
        let entries = entries.into_iter().filter_map(|(key, text)| Some((key, text?)));
        vec![("regions", table(entries))]
    }
}

fn matrix(rows: &[Vec<f64>]) -> String {
    let row = |row: &Vec<f64>| {
        let cells: Vec<String> = row.iter().map(|cell| float(*cell)).collect();
        format!("[{}]", cells.join(", "))
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("[{}]", rows.join(", "))
}

/// Reads `regions`, or which preset stands for it; `None` only beside a finding.
pub(crate) fn regions_or_preset(
    network: &mut Section<'_, '_>,
    setting: &NetworkSetting<'_>,
) -> Option<RegionsSpec> {
    let own_table = network.has("regions") && network.is_later("regions", "preset") != Some(true);
    if own_table && network.has("preset") && network.is_later("preset", "regions").is_none() {
        network.wrong("preset", "contradicts network.regions: give one of them");
    }
    if own_table {
        return read_regions(network.section("regions"));
    }
    let _ = network.find("regions"); // replaced by the later preset
    match network.has("preset") {
        true => setting.preset.map(|name| RegionsSpec::Preset(name.to_owned())),
        false => Some(RegionsSpec::Preset(PRESETS[0].to_owned())),
    }
}

/// Reads `regions`, from a file or written out.
fn read_regions(mut regions: Section<'_, '_>) -> Option<RegionsSpec> {
    if !regions.is_table() {
        return None;
    }
    regions.require("latency", "\"rtt\"");
    let latency = Field::read_or(&mut regions, "latency", || None);
    let (spec, here) = if regions.has("names") && !regions.has("file") {
        (read_inline(&mut regions, latency), "in an inline table of regions")
    } else {
        (read_file(&mut regions, latency), "with a file of regions")
    };
    regions.finish(here);
    spec
}

fn read_file(regions: &mut Section<'_, '_>, latency: Option<LatencyKind>) -> Option<RegionsSpec> {
    regions.require("file", "\"rtt.json\"");
    regions.require("format", "\"aws-json\"");
    let path = regions.path("file");
    let format = Field::read_or(regions, "format", || None);
    let p90_path = regions.path("p90_file");
    if regions.has("p90_file") && format.is_some_and(|f| f != RegionFormat::AwsJson) {
        regions.wrong("p90_file", "only files of format aws-json have a second one for p90");
    }
    Some(RegionsSpec::File { path: path?, p90_path, format: format?, latency: latency? })
}

fn read_inline(regions: &mut Section<'_, '_>, latency: Option<LatencyKind>) -> Option<RegionsSpec> {
    regions.require("p50_ms", "[[1.0]]");
    let names = regions.names("names", "regions", MOST_REGIONS);
    let size = names.as_ref().map(Vec::len);
    let p50_ms = read_matrix(regions, "p50_ms", size);
    let p90_ms = read_matrix(regions, "p90_ms", size);
    if regions.has("p90_ms") && p90_ms.is_none() {
        return None;
    }
    let (names, p50_ms) = (names?, p50_ms?);
    if let Some(p90_ms) = &p90_ms {
        for (from, (low, high)) in p50_ms.iter().zip(p90_ms).enumerate() {
            if let Some(to) = low.iter().zip(high).position(|(p50, p90)| p90 < p50) {
                let (from, to) = (&names[from], &names[to]);
                regions.wrong("p90_ms", format!("is below p50_ms from {from} to {to}"));
                return None;
            }
        }
    }
    Some(RegionsSpec::Inline { names, p50_ms, p90_ms, latency: latency? })
}

/// A square matrix of milliseconds; `size`: the number of regions, if that is known.
fn read_matrix(
    regions: &mut Section<'_, '_>,
    name: &'static str,
    size: Option<usize>,
) -> Option<Vec<Vec<f64>>> {
    let rows = regions.list(name)?;
    let size = size?;
    if rows.len() != size {
        regions.wrong(name, format!("has {} rows for {size} names", rows.len()));
        return None;
    }
    let mut matrix = Vec::with_capacity(size);
    for (from, row) in rows.iter().enumerate() {
        let Data::List(cells) = &row.data else {
            let problem = format!("expected a list of {size} numbers, found {}", row.data.kind());
            regions.wrong_at(name, &[from], row, problem);
            continue;
        };
        if cells.len() != size {
            let problem = format!("has {} entries for {size} names", cells.len());
            regions.wrong_at(name, &[from], row, problem);
            continue;
        }
        let cell = |(to, item): (usize, &Item)| match plain::number(&item.data) {
            Ok(ms) if (0.0..=MAX_MS).contains(&ms) => Some(ms.abs()),
            Ok(_) => {
                let problem = format!("must be 0 to {MAX_MS} milliseconds");
                regions.wrong_at(name, &[from, to], item, problem);
                None
            }
            Err(problem) => {
                regions.wrong_at(name, &[from, to], item, problem);
                None
            }
        };
        matrix.extend(cells.iter().enumerate().map(cell).collect::<Option<Vec<f64>>>());
    }
    (matrix.len() == size).then_some(matrix)
}

/// Reads `shares`: names in order with shares that sum to 1. The outer `None` only beside a finding.
pub(crate) fn region_shares(
    network: &mut Section<'_, '_>,
    regions: Option<&RegionsSpec>,
) -> Option<Option<Vec<(String, f64)>>> {
    if !network.has("shares") {
        return Some(None);
    }
    let table = network.table("shares")?;
    let known: Option<BTreeSet<&str>> = match regions {
        Some(RegionsSpec::Inline { names, .. }) => Some(names.iter().map(String::as_str).collect()),
        // Without its file nobody can tell which regions a table has.
        _ => None,
    };
    let mut shares = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let problem = match plain::number(&entry.item.data) {
            Ok(share) if !(0.0..=1.0).contains(&share) => "must be a share from 0 to 1".to_owned(),
            Ok(share) => match &known {
                Some(known) if !known.contains(name.as_str()) => {
                    unknown_region(name, known, network.is_full())
                }
                _ => {
                    shares.push((name.clone(), share.abs()));
                    continue;
                }
            },
            Err(problem) => problem,
        };
        network.wrong_inside("shares", name, &entry.item, problem);
    }
    if shares.len() < table.len() {
        return None;
    }
    let sum = shares.iter().fold(0.0, |sum, (_, share)| sum + share);
    if (sum - 1.0).abs() > SHARE_TOLERANCE {
        network.wrong("shares", format!("sum to {sum}, not to 1"));
        return None;
    }
    Some(Some(shares))
}

/// What to say of a share for a region that the table does not have.
fn unknown_region(name: &str, known: &BTreeSet<&str>, unheard: bool) -> String {
    if unheard {
        return String::new();
    }
    let known: Vec<&str> = known.iter().copied().take(50).collect();
    format!("is not among network.regions.names; {}", suggestion(name, &known))
}
