//! `anthill demo`: every protocol of the family on a small network, what breaks it and what helps, on one page.
//!
//! The acts are scenarios like any other ([`acts`]): each is an `anthill run` that the page prints. An act
//! says what it shows; one that does not show it ends the command with exit code 1.

mod acts;
mod page;

use anyhow::bail;
use serde_json::{Value, json};

use super::{Exit, batch};
use crate::args::{DemoArgs, Format, ScenarioArgs};
use crate::export::pretty;
use crate::interrupt::Interrupts;
use crate::points::{Configuration, Finished, Limits, Plan, Point, Store};
use crate::{Registry, terminal};
use acts::{ACTS, Act, Shows};

/// An act that was played.
struct Played<'a> {
    pub act: &'static Act,
    pub run: &'a Finished,
    pub command: String,
    pub as_expected: bool,
}

/// Plays all acts.
pub(super) fn demo(
    registry: &Registry,
    args: &DemoArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let acts: Vec<&'static Act> =
        ACTS.iter().filter(|act| registry.find(act.protocol).is_some()).collect();
    let plan = plan(registry, &acts)?;
    let out = args.batch.out.as_deref();
    let limits = Limits::shared(None, &plan);
    let store = match batch::make(&plan, registry, out, limits, args.batch.progress, interrupts)? {
        Ok(store) => store,
        Err(exit) => return Ok(exit),
    };
    let played = played(&acts, &plan, &store);
    let json = export(&played, &store);
    let page = page::page(&played, &plan, &store);
    let saved = batch::save(&store, &[("demo.json", json.clone()), ("report.html", page)], None);
    match args.batch.format {
        Format::Json => terminal::show(&json)?,
        Format::Text => terminal::show(&page::text(&played, &store))?,
    }
    saved?;
    let surprises = played.iter().filter(|played| !played.as_expected);
    let told: Vec<String> = surprises
        .map(|played| {
            format!("{}: it does not show that {}", played.act.title, played.act.shows.words())
        })
        .collect();
    for surprise in &told {
        terminal::complain("violated", surprise);
    }
    Ok(if told.is_empty() { Exit::Done } else { Exit::Violated })
}

fn plan(registry: &Registry, acts: &[&'static Act]) -> anyhow::Result<Plan> {
    let (mut configurations, mut points) = (Vec::new(), Vec::new());
    for (index, act) in acts.iter().enumerate() {
        let arguments = ScenarioArgs {
            protocol: Some(act.protocol.to_owned()),
            threads: Some("1".to_owned()),
            set: act.set.iter().map(|set| (*set).to_owned()).collect(),
            ..ScenarioArgs::default()
        };
        let loaded = Configuration::load(&arguments, registry)?;
        let seed = loaded.scenario.seed;
        configurations.push(loaded.labelled(act.title.to_owned()));
        points.push(Point::new(&format!("act{:02}", index + 1), index, 1, seed));
    }
    let Some(first) = configurations.first() else {
        bail!("none of the protocols of the demonstration is registered in this binary")
    };
    let seed = first.scenario.seed;
    let settings = json!({ "runs": 1 }).as_object().cloned().unwrap_or_default();
    let (name, growing) = ("family".to_owned(), "runs");
    Ok(Plan { kind: "demo", name, seed, settings, growing, configurations, points })
}

fn played<'a>(acts: &[&'static Act], plan: &Plan, store: &'a Store) -> Vec<Played<'a>> {
    let runs = plan.points.iter().filter_map(|point| {
        let run = store.finished().get(&point.id)?;
        let act = acts[point.configuration];
        let arguments = &plan.configurations[point.configuration].arguments;
        let command = format!("{} run {}", crate::build::name(), arguments.join(" "));
        Some(Played { act, run, command, as_expected: act.shows.is_shown(run) })
    });
    runs.collect()
}

impl Shows {
    /// In words, after "that".
    fn words(self) -> String {
        match self {
            Self::Holds => "every statement holds".to_owned(),
            Self::Breaks(judge) => format!("\"{judge}\" breaks"),
            Self::Some(metric) => format!("{metric} is above 0"),
            Self::None(metric) => format!("{metric} is 0"),
        }
    }

    fn is_shown(self, run: &Finished) -> bool {
        let checks = run.result.get("checks").and_then(Value::as_array);
        let failed = |check: &&Value| check["ok"] == false;
        let mut failed = checks.into_iter().flatten().filter(failed);
        match self {
            // Counts of honest runs are not those of attacked ones: beyond their bound.
            Self::Holds => failed.all(|check| check["expected_violation"] == true),
            Self::Breaks(judge) => failed.any(|check| check["name"] == judge),
            Self::Some(metric) => run.metric(metric).is_some_and(|value| value > 0.0),
            Self::None(metric) => run.metric(metric) == Some(0.0),
        }
    }
}

fn export(played: &[Played<'_>], store: &Store) -> String {
    let act = |played: &Played<'_>| {
        json!({
            "part": played.act.part.title(),
            "title": played.act.title,
            "about": played.act.about,
            "command": played.command,
            "shows": played.act.shows.words(),
            "as_expected": played.as_expected,
            "digest": played.run.digest(),
            "metrics": played.run.result.get("metrics"),
            "latency_ns": played.run.result.get("latency_ns"),
            "checks": played.run.result.get("checks"),
        })
    };
    pretty(&json!({
        "format": 1,
        "command": "demo",
        "directory": store.path().display().to_string(),
        "manifest": store.manifest(),
        "acts": played.iter().map(act).collect::<Vec<Value>>(),
    }))
}
