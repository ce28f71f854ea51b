//! The files of a scaling benchmark for other programs.

use serde_json::{Map, Value, json};

use super::measured::{Exponent, QUANTITIES, Scaling, Size};
use crate::Registry;
use crate::command::batch;
use crate::export::columns::{Columns, Kind};
use crate::export::pretty;
use crate::points::{Finished, Plan, Store};

/// `runs.csv`: a row per run. The columns up to `bytes_on_wire` are the same on any machine.
pub(super) fn runs(plan: &Plan, store: &Store) -> anyhow::Result<String> {
    let mut header: Vec<String> =
        ["nodes", "shards_given", "repeat", "seed", "digest"].map(str::to_owned).into();
    header.extend(QUANTITIES.iter().map(|quantity| quantity.name.to_owned()));
    header.extend(["shards", "threads"].map(str::to_owned));
    let mut rows = vec![header];
    for point in &plan.points {
        let Some(run) = store.finished().get(&point.id) else { continue };
        let scenario = &plan.configurations[point.configuration].scenario;
        let shards = scenario.engine.shards.map_or_else(String::new, |shards| shards.to_string());
        let mut row = vec![
            scenario.nodes.to_string(),
            shards,
            point.run.to_string(),
            point.seed.to_string(),
            run.digest().to_owned(),
        ];
        row.extend(QUANTITIES.iter().map(|quantity| cell(quantity.of(run))));
        row.extend(["shards", "threads"].map(|name| cell(run.host(name))));
        rows.push(row);
    }
    batch::csv_text(&rows)
}

/// `fits.csv`: a row per exponent.
pub(super) fn fits(scaling: &Scaling<'_>) -> anyhow::Result<String> {
    let header = "quantity basis shards_given sizes exponent low high r_squared factor";
    let mut rows: Vec<Vec<String>> = vec![header.split(' ').map(str::to_owned).collect()];
    for exponent in &scaling.exponents {
        let fit = exponent.fit;
        let interval = fit.and_then(|fit| fit.interval);
        rows.push(vec![
            exponent.quantity.name.to_owned(),
            basis(exponent).to_owned(),
            exponent.shards.map_or_else(String::new, |shards| shards.to_string()),
            fit.map_or(0, |fit| fit.points).to_string(),
            cell(fit.map(|fit| fit.exponent)),
            cell(interval.map(|[low, _]| low)),
            cell(interval.map(|[_, high]| high)),
            cell(fit.and_then(|fit| fit.r_squared)),
            cell(fit.map(|fit| fit.factor)),
        ]);
    }
    batch::csv_text(&rows)
}

/// What the columns of both tables hold.
pub(super) fn columns(plan: &Plan, registry: &Registry) -> anyhow::Result<Columns> {
    let columns = batch::run_columns(plan, registry)?
        .with(Kind::Count, "nodes shards_given repeat shards threads sizes")
        .with(Kind::Text, "quantity basis")
        .with(Kind::Number, "exponent low high r_squared factor");
    Ok(QUANTITIES.iter().fold(columns, |columns, quantity| {
        columns.and(quantity.name, if quantity.whole { Kind::Count } else { Kind::Number })
    }))
}

/// `scale.json`: everything.
pub(super) fn json(scaling: &Scaling<'_>, store: &Store) -> String {
    pretty(&json!({
        "format": 1,
        "command": "scale",
        "directory": store.path().display().to_string(),
        "manifest": store.manifest(),
        "points": scaling.sizes.iter().map(size).collect::<Vec<Value>>(),
        "fits": scaling.exponents.iter().map(exponent).collect::<Vec<Value>>(),
        "strong_scaling": scaling.speedups.iter().map(|speedup| json!({
            "nodes": speedup.nodes,
            "base_shards": speedup.base,
            "shards": speedup.shards,
            "speedup": speedup.speedup,
            "efficiency": speedup.efficiency,
        })).collect::<Vec<Value>>(),
    }))
}

/// What an exponent is fitted on.
pub(super) fn basis(exponent: &Exponent) -> &'static str {
    if exponent.above_smallest { "above-smallest" } else { "as-measured" }
}

fn size(size: &Size<'_>) -> Value {
    let mut point = Map::new();
    point.insert("nodes".to_owned(), json!(size.nodes));
    point.insert("shards_given".to_owned(), json!(size.shards));
    point.insert("runs".to_owned(), json!(size.runs.len()));
    let mut digests: Vec<&str> = size.runs.iter().map(|run| run.digest()).collect();
    digests.dedup();
    point.insert("digests".to_owned(), json!(digests));
    let first: Option<&&Finished> = size.runs.first();
    for quantity in QUANTITIES {
        let value = match size.spread(quantity.name) {
            Some(spread) if quantity.measured => {
                json!({ "median": spread.median, "min": spread.min, "max": spread.max })
            }
            // As the run has it: a count stays a whole number.
            _ => first.and_then(|run| run.result.get(quantity.name)).cloned().into(),
        };
        point.insert(quantity.name.to_owned(), value);
    }
    Value::Object(point)
}

fn exponent(exponent: &Exponent) -> Value {
    let fit = exponent.fit;
    json!({
        "quantity": exponent.quantity.name,
        "basis": basis(exponent),
        "shards_given": exponent.shards,
        "sizes": fit.map_or(0, |fit| fit.points),
        "exponent": fit.map(|fit| fit.exponent),
        "interval": fit.and_then(|fit| fit.interval),
        "r_squared": fit.and_then(|fit| fit.r_squared),
        "factor": fit.map(|fit| fit.factor),
    })
}

/// A figure as CSV has it; empty if there is none.
fn cell(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}
