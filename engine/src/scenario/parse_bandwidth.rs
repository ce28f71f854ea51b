//! `[network] bandwidth`: where the rates of links come from.

use super::document::{Data, Item};
use super::keys_links::RATES;
use super::plain;
use super::reader::Section;
use crate::conditions::{BandwidthSpec, ClassSpec, RatesSpec};
use crate::network::rates::{GERVAIS_2016_DOWN, GERVAIS_2016_UP};
use crate::network::{ModelSpec, RegionsSpec};

/// Presets of regions that come with rates.
const PRESETS_WITH_RATES: &[&str] = &["bitcoin-2019"];

/// Reads the key; the outer `None` only beside a finding, the inner one if rates are infinite.
pub(super) fn read_bandwidth(
    network: &mut Section<'_, '_>,
    model: Option<&ModelSpec>,
    has_node_file: bool,
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
    let (cap, has_cap) = (bandwidth.rate("cap"), bandwidth.has("cap"));
    let (queue_bytes, has_queue) = (bandwidth.size("queue"), bandwidth.has("queue"));
    let rates = match kind {
        "preset" => of_preset(&bandwidth, model),
        "gervais-2016" => Some(RatesSpec::Percentiles {
            name: "gervais-2016".to_owned(),
            up: GERVAIS_2016_UP.to_vec(),
            down: GERVAIS_2016_DOWN.to_vec(),
        }),
        "percentiles" => percentiles(&mut bandwidth),
        "regions" => by_region(&mut bandwidth),
        "node-file" => of_node_file(&bandwidth, has_node_file),
        _ => fixed(&mut bandwidth, classes),
    };
    bandwidth.finish(&format!("with kind = \"{kind}\""));
    if has_cap && cap.is_none() || has_queue && queue_bytes.is_none() {
        return None;
    }
    Some(Some(BandwidthSpec { rates: rates?, cap, queue_bytes }))
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
