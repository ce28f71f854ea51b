//! Costs and exponents for other programs.

use serde_json::{Value, json};

use super::measured::{Complexity, Exponent, Measured, Row, words};
use crate::Registry;
use crate::command::batch;
use crate::export::columns::{Columns, Kind};
use crate::export::pretty;
use crate::points::{Plan, Store};
use crate::statistics::Fit;

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// `costs.csv`: a row per cell and cost.
pub(super) fn costs(complexity: &Complexity) -> anyhow::Result<String> {
    let header = "protocol n f delta cost decisions mean low high relation expected agrees source";
    let mut rows: Vec<Vec<String>> = vec![header.split(' ').map(str::to_owned).collect()];
    for Row { cell, decisions, costs, .. } in &complexity.rows {
        for Measured { cost, mean, law } in costs {
            let law = law.as_ref();
            let end = |i: usize| number(mean.interval.map(|interval| interval[i]));
            rows.push(vec![
                cell.protocol.to_owned(),
                cell.n.to_string(),
                cell.f.clone(),
                cell.delta.clone().unwrap_or_default(),
                cost.name().to_owned(),
                number(*decisions),
                mean.mean.to_string(),
                end(0),
                end(1),
                law.map_or("", |(law, _)| words(law.relation)).to_owned(),
                number(law.map(|(law, _)| law.expected)),
                law.and_then(|(_, agrees)| *agrees).map_or_else(String::new, |it| it.to_string()),
                law.map_or("", |(law, _)| law.source).to_owned(),
            ]);
        }
    }
    batch::csv_text(&rows)
}

/// `exponents.csv`: a row per protocol and cost.
pub(super) fn exponents(complexity: &Complexity) -> anyhow::Result<String> {
    let header = "protocol f delta cost sizes exponent low high r_squared theory source";
    let mut rows: Vec<Vec<String>> = vec![header.split(' ').map(str::to_owned).collect()];
    for Exponent { cell, cost, measured, theory, source } in &complexity.exponents {
        let end = |i: usize| number(measured.and_then(|fit| fit.interval).map(|all| all[i]));
        rows.push(vec![
            cell.protocol.to_owned(),
            cell.f.clone(),
            cell.delta.clone().unwrap_or_default(),
            cost.name().to_owned(),
            measured.map_or(0, |fit| fit.points).to_string(),
            number(measured.map(|fit| fit.exponent)),
            end(0),
            end(1),
            number(measured.and_then(|fit| fit.r_squared)),
            number(theory.map(|fit| fit.exponent)),
            (*source).to_owned(),
        ]);
    }
    batch::csv_text(&rows)
}

/// What the columns of both tables hold.
pub(super) fn columns(plan: &Plan, registry: &Registry) -> anyhow::Result<Columns> {
    Ok(batch::run_columns(plan, registry)?
        .with(Kind::Count, "n sizes")
        .with(Kind::Text, "protocol f delta cost relation source")
        .with(Kind::Flag, "agrees")
        .with(Kind::Number, "decisions mean low high expected exponent r_squared theory"))
}

/// `complexity.json`: everything.
pub(super) fn json(complexity: &Complexity, store: &Store) -> String {
    let fit = |fit: &Option<Fit>| {
        fit.map(|fit| {
            json!({
                "sizes": fit.points,
                "exponent": fit.exponent,
                "interval": fit.interval,
                "r_squared": fit.r_squared,
            })
        })
    };
    let cost = |Measured { cost, mean, law }: &Measured| {
        json!({
            "cost": cost.name(),
            "mean": mean.mean,
            "interval": mean.interval,
            "runs": mean.n,
            "theory": law.as_ref().map(|(law, agrees)| json!({
                "relation": words(law.relation),
                "expected": law.expected,
                "agrees": agrees,
                "source": law.source,
            })),
        })
    };
    let row = |row: &Row| {
        json!({
            "protocol": row.cell.protocol,
            "n": row.cell.n,
            "f": row.cell.f,
            "delta": row.cell.delta,
            "decisions": row.decisions,
            "latency_ns": row.latency.as_ref().map(|(name, p50)| json!({ "name": name, "p50": p50 })),
            "costs": row.costs.iter().map(cost).collect::<Vec<Value>>(),
        })
    };
    let exponent = |it: &Exponent| {
        json!({
            "protocol": it.cell.protocol,
            "f": it.cell.f,
            "delta": it.cell.delta,
            "cost": it.cost.name(),
            "measured": fit(&it.measured),
            "theory": fit(&it.theory),
            "source": it.source,
        })
    };
    pretty(&json!({
        "format": 1,
        "command": "complexity",
        "directory": store.path().display().to_string(),
        "manifest": store.manifest(),
        "cells": complexity.rows.iter().map(row).collect::<Vec<Value>>(),
        "exponents": complexity.exponents.iter().map(exponent).collect::<Vec<Value>>(),
    }))
}
