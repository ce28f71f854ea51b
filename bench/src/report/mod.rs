//! `report.html`: what saved runs measured, on one page that needs nothing else.
//!
//! [`load`] reads and checks run directories, and is the only part that can fail; from there on
//! everything is a function from what was loaded to markup, one module per part of the page:
//! `results` (figures, latencies, messages, checks), `timeline` (what happened when, with the
//! faults), `ledger` (the chain), `origin` (where it ran, what it cost, how to repeat it), `overlay` (several runs side by
//! side), `embedded` (what scale, sweep, compare, complexity and demo drew). A part whose file is missing says so
//! on the page. The same files give the same page.

mod embedded;
mod ledger;
mod load;
mod origin;
mod overlay;
mod results;
mod timeline;

use maud::{Markup, html};

pub(crate) use load::{Loaded, load};

use crate::page;
use load::Run;

/// The page. `is_beside`: it is to stand in the directory of its only run, and can lead to what is there.
pub(crate) fn document(loaded: &Loaded, is_beside: bool) -> String {
    match &loaded.runs[..] {
        [run] if loaded.is_one_run() => {
            let body = html! { (playback(run, is_beside)) (parts(run, "")) };
            page::document(&title(run), &subtitle(run), &body)
        }
        runs => {
            let count = runs.len() + loaded.experiments.len();
            let body = html! {
                @for (i, experiment) in loaded.experiments.iter().enumerate() {
                    (embedded::part(experiment, i + 1))
                }
                @if runs.len() > 1 { (overlay::parts(runs)) }
                @for (i, run) in runs.iter().enumerate() {
                    (page::section(
                        &format!("run-{}", i + 1),
                        &format!("{}: {}", run.name, title(run)),
                        &page::folded("The whole report of this run", &parts(run, &format!("run-{}-", i + 1))),
                    ))
                }
            };
            let noun = if count == 1 { "result" } else { "results" };
            page::document("Anthill: results", &format!("{count} {noun}"), &body)
        }
    }
}

impl Loaded {
    /// Whether all of it is one run.
    pub(crate) fn is_one_run(&self) -> bool {
        self.runs.len() == 1 && self.experiments.is_empty()
    }
}

/// Where the run can be seen message by message.
fn playback(run: &Run, is_beside: bool) -> Markup {
    html! {
        @if run.has_playback && is_beside {
            p { a href=(crate::playback::FILE) { "Play this run: its nodes, and their messages on the way" } }
        } @else if run.has_trace || run.has_playback {
            p { "Its messages can be played: " code { "anthill playback " (origin::quoted(&run.name)) } }
        }
    }
}

/// All parts of one run's report; `prefix` keeps their ids apart on a page of several.
fn parts(run: &Run, prefix: &str) -> Markup {
    let section = |id: &str, heading: &str, body: Markup| {
        page::section(&format!("{prefix}{id}"), heading, &body)
    };
    html! {
        (section("figures", "Headline figures", results::headline(run)))
        (section("checks", "Checks", results::checks(run)))
        (section("latency", "Latency", results::latency(run)))
        (section("timeline", "Over virtual time", timeline::part(run)))
        (section("messages", "Messages and bytes", results::messages(run)))
        (section("metrics", "Metrics", results::metrics(run)))
        (section("network", "Network", origin::network(run)))
        @if let Some(ledger) = ledger::part(run) { (section("ledger", "Ledger", ledger)) }
        (section("cost", "Cost on the machine it ran on", origin::cost(run)))
        (section("origin", "Manifest", origin::manifest(run)))
    }
}

fn title(run: &Run) -> String {
    format!("{} · {} nodes · seed {}", run.manifest.name, nodes(run), run.manifest.seed)
}

fn nodes(run: &Run) -> String {
    crate::units::count(run.summary.result.nodes)
}

fn subtitle(run: &Run) -> String {
    let ended = match run.summary.host.ended.as_str() {
        "interrupted" => " · INTERRUPTED: the figures cover only a part",
        "violation" => " · STOPPED AT A VIOLATION: the figures cover only a part",
        "memory-limit" => " · STOPPED AT THE MEMORY LIMIT: the figures cover only a part",
        _ => "",
    };
    let date = crate::clock::date(run.manifest.started_unix_s);
    format!(
        "protocol {} · run on {date} with {} {}{ended}",
        run.summary.result.protocol, run.manifest.program, run.manifest.version
    )
}
