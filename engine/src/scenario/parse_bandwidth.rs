//! `[network] bandwidth`: where the rates of links come from.

use super::declare::{Entries, Key, Section, Shape, choice, quoted, table};
use super::document::{Data, Item};
use super::parse_links::LinksSetting;
use super::plain;
use super::quantity::rate_text;
use super::resolved::float;
use crate::conditions::{BandwidthSpec, ClassSpec, RatesSpec};
use crate::network::rates::{GERVAIS_2016_DOWN, GERVAIS_2016_UP};
use crate::network::{ModelSpec, RegionsSpec};

/// Presets of regions that come with rates.
const PRESETS_WITH_RATES: &[&str] = &["bitcoin-2019"];

const UP_OR_DOWN: Shape = Shape::Either(&Shape::Rate, &Shape::Quantiles);

const RATES: &[Key] = &[
    Key::new("up", Shape::Rate, "rate of the uplinks").required(),
    Key::new("down", Shape::Rate, "rate of the downlinks").required(),
];

const KINDS: [&str; 7] =
    ["fixed", "preset", "gervais-2016", "percentiles", "regions", "node-file", "off"];

/// What rates are checked against.
pub(crate) struct RatesSetting<'a> {
    links: &'a LinksSetting<'a>,
    classes: Option<&'a [ClassSpec]>,
    kind: &'static str,
}

/// Reads the key; the outer `None` only beside a finding, the inner one if rates are infinite.
pub(super) fn read_bandwidth(
    network: &mut Section<'_, '_>,
    links: &LinksSetting<'_>,
    classes: Option<&[ClassSpec]>,
) -> Option<Option<BandwidthSpec>> {
    if !network.has("bandwidth") {
        return Some(None);
    }
    let mut bandwidth = network.section("bandwidth");
    if !bandwidth.is_table() {
        return None;
    }
    let by_rates = !bandwidth.has("kind") && (bandwidth.has("up") || bandwidth.has("down"));
    if !by_rates {
        bandwidth.require("kind", "\"fixed\"");
    }
    let kind = if by_rates { "fixed" } else { bandwidth.choice("kind")? };
    if kind == "off" {
        bandwidth.finish_switched_off();
        return Some(None);
    }
    let spec = BandwidthSpec::read_keys(&mut bandwidth, &RatesSetting { links, classes, kind });
    bandwidth.finish(&format!("with kind = \"{kind}\""));
    spec.map(Some)
}

impl RatesSpec {
    /// Its keys.
    pub(crate) const KEYS: &'static [Key] = &[
        Key::new("kind", choice(&KINDS), "where a node's rates come from; `fixed` if only `up` or `down` is given")
            .words(&[
                "the same for all nodes; a rate that is left out is infinite",
                "the table of the network's preset; only `bitcoin-2019` has one",
                "drawn from the quantiles of Gervais et al. 2016",
                "drawn from the quantiles `up` and `down`; one draw for both directions",
                "`rates`, for every region that holds nodes",
                "the columns `up` and `down` of `network.node_file`",
                "infinite",
            ]),
        Key::new(
            "up",
            UP_OR_DOWN,
            "rate of every uplink; of percentiles a list of `[probability, rate]` from 0 to 1, both \
             rising, linear in between",
        )
        .with(&["fixed", "percentiles"]),
        Key::new("down", UP_OR_DOWN, "rate of every downlink, likewise").with(&["fixed", "percentiles"]),
        Key::new(
            "rates",
            Shape::Named(&Shape::Table(RATES)),
            "rates by name of the region: `{ us-east-1 = { up = \"20Mbit\", down = \"50Mbit\" } }`",
        )
        .required()
        .with(&["regions"]),
    ];

    /// Reads the rates of a kind; `None` only beside a finding.
    pub(crate) fn read_keys(
        bandwidth: &mut Section<'_, '_>,
        setting: &RatesSetting<'_>,
    ) -> Option<Self> {
        match setting.kind {
            "preset" => of_preset(bandwidth, setting.links.model),
            "gervais-2016" => Some(Self::Percentiles {
                name: "gervais-2016".to_owned(),
                up: GERVAIS_2016_UP.to_vec(),
                down: GERVAIS_2016_DOWN.to_vec(),
            }),
            "percentiles" => percentiles(bandwidth),
            "regions" => by_region(bandwidth),
            "node-file" => of_node_file(bandwidth, setting.links.has_node_file),
            _ => fixed(bandwidth, setting.classes),
        }
    }

    /// Its keys with their values.
    pub(crate) fn written(&self) -> Entries {
        let kind = |name| vec![("kind", quoted(name))];
        match self {
            Self::Fixed { up, down } => [kind("fixed"), rates(*up, *down)].concat(),
            Self::Preset => kind("preset"),
            Self::Percentiles { name, .. } if name == "gervais-2016" => kind("gervais-2016"),
            Self::Percentiles { up, down, .. } => {
                let quantiles = vec![("up", quantiles(up)), ("down", quantiles(down))];
                [kind("percentiles"), quantiles].concat()
            }
            Self::Regions(regions) => {
                let region = |(name, up, down): &(String, u64, u64)| {
                    (quoted(name), table(rates(Some(*up), Some(*down))))
                };
                [kind("regions"), vec![("rates", table(regions.iter().map(region)))]].concat()
            }
            Self::NodeFile => kind("node-file"),
        }
    }
}

fn rates(up: Option<u64>, down: Option<u64>) -> Entries {
    let rate = |key, rate: Option<u64>| rate.map(|rate| (key, quoted(&rate_text(rate))));
    rate("up", up).into_iter().chain(rate("down", down)).collect()
}

fn quantiles(quantiles: &[(f64, u64)]) -> String {
    let pairs: Vec<String> = quantiles
        .iter()
        .map(|(p, rate)| format!("[{}, {}]", float(*p), quoted(&rate_text(*rate))))
        .collect();
    format!("[{}]", pairs.join(", "))
}

fn fixed(bandwidth: &mut Section<'_, '_>, classes: Option<&[ClassSpec]>) -> Option<RatesSpec> {
    for key in ["up", "down"] {
        let entry = bandwidth.find(key);
        if entry.is_some_and(|entry| matches!(entry.item.data, Data::List(_))) {
            bandwidth.wrong(key, "is a list: quantiles need kind = \"percentiles\"");
            return None;
        }
    }
    let (has_up, has_down) = (bandwidth.has("up"), bandwidth.has("down"));
    let (up, down) = (bandwidth.rate("up"), bandwidth.rate("down"));
    if has_up && up.is_none() || has_down && down.is_none() {
        return None;
    }
    // A queue fills where a class of links has a rate.
    let class_rates = classes.is_none_or(|classes| {
        classes.iter().any(|class| class.up.is_some() || class.down.is_some())
    });
    let limits = up.is_some()
        || down.is_some()
        || bandwidth.has("cap")
        || bandwidth.has("queue") && class_rates;
    if !limits {
        bandwidth.wrong_here("limits nothing: give up, down or cap, or remove it");
        return None;
    }
    Some(RatesSpec::Fixed { up, down })
}

fn of_preset(bandwidth: &Section<'_, '_>, model: Option<&ModelSpec>) -> Option<RatesSpec> {
    let known = PRESETS_WITH_RATES.join(", ");
    match model? {
        ModelSpec::Regional { regions: RegionsSpec::Preset(name), .. } => {
            if PRESETS_WITH_RATES.contains(&name.as_str()) {
                return Some(RatesSpec::Preset);
            }
            let problem = format!(
                "network.preset = \"{name}\" has no table of rates: use {known}, or another kind"
            );
            bandwidth.wrong("kind", problem);
        }
        _ => {
            let problem = format!("needs network.preset = \"{known}\", which has rates");
            bandwidth.wrong("kind", problem);
        }
    }
    None
}

fn of_node_file(bandwidth: &Section<'_, '_>, has_node_file: bool) -> Option<RatesSpec> {
    if !has_node_file {
        bandwidth.wrong("kind", "needs network.node_file with the columns up and down");
        return None;
    }
    Some(RatesSpec::NodeFile)
}

fn by_region(bandwidth: &mut Section<'_, '_>) -> Option<RatesSpec> {
    bandwidth.require("rates", "{ us-east-1 = { up = \"20Mbit\", down = \"50Mbit\" } }");
    let table = bandwidth.table("rates")?;
    if table.is_empty() {
        bandwidth.wrong("rates", "names no region: every region that holds nodes needs rates");
        return None;
    }
    let mut rates = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let Some(mut region) = bandwidth.inner("rates", name, &entry.item, RATES) else { continue };
        region.require("up", "\"20Mbit\"");
        region.require("down", "\"50Mbit\"");
        let (up, down) = (region.rate("up"), region.rate("down"));
        region.finish("in a region's rates");
        rates.extend(up.zip(down).map(|(up, down)| (name.clone(), up, down)));
    }
    (rates.len() == table.len()).then_some(RatesSpec::Regions(rates))
}

fn percentiles(bandwidth: &mut Section<'_, '_>) -> Option<RatesSpec> {
    let example = "[[0.0, \"1Mbit\"], [0.5, \"10Mbit\"], [1.0, \"100Mbit\"]]";
    bandwidth.require("up", example);
    bandwidth.require("down", example);
    let up = read_quantiles(bandwidth, "up");
    let down = read_quantiles(bandwidth, "down");
    Some(RatesSpec::Percentiles { name: "custom".to_owned(), up: up?, down: down? })
}

fn read_quantiles(bandwidth: &mut Section<'_, '_>, name: &'static str) -> Option<Vec<(f64, u64)>> {
    let items = bandwidth.list(name)?;
    let mut quantiles: Vec<(f64, u64)> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match read_quantile(item) {
            Ok((p, rate)) => {
                if quantiles.last().is_some_and(|last| last.0 >= p || last.1 > rate) {
                    let problem = "does not rise: probabilities rise, and rates do not fall";
                    bandwidth.wrong_at(name, &[index], item, problem);
                    return None;
                }
                quantiles.push((p, rate));
            }
            Err(problem) => bandwidth.wrong_at(name, &[index], item, problem),
        }
    }
    if quantiles.len() < items.len() {
        return None;
    }
    let ends = quantiles.first().zip(quantiles.last()).map(|(first, last)| (first.0, last.0));
    if ends != Some((0.0, 1.0)) {
        bandwidth.wrong(name, "must begin at probability 0 and end at 1");
        return None;
    }
    Some(quantiles)
}

fn read_quantile(item: &Item) -> Result<(f64, u64), String> {
    let Data::List(pair) = &item.data else {
        return Err(format!(
            "expected a pair such as [0.5, \"10Mbit\"], found {}",
            item.data.kind()
        ));
    };
    let [p, rate] = pair.as_slice() else {
        return Err(format!("has {} values: expected a probability and a rate", pair.len()));
    };
    match plain::number(&p.data)? {
        p if (0.0..=1.0).contains(&p) => Ok((p + 0.0, plain::rate(&rate.data)?)),
        _ => Err("has a probability that is not from 0 to 1".to_owned()),
    }
}
