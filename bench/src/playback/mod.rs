//! A page that plays a run: its nodes on a map, their messages on the way, the faults; two runs on one clock.
//!
//! [`Played`] is a run that was repeated with its trace. [`crate::map`] says where its nodes are drawn, `stage`
//! makes columns of it, `pack` packs them into the page. The scripts read them (`data.js`), know what
//! is so at an instant (`state.js`), draw it over the map (`draw.js`), and take what a reader wants to see (`controls.js`,
//! `details.js`). The page is one file that asks for nothing; what it says of the run becomes text there,
//! never markup.

mod pack;
mod stage;

use std::io;

use maud::{Markup, PreEscaped, html};

pub(crate) use stage::{MOST_OF_ALL, MOST_OUTPUTS, Played};

use crate::page;

/// The name of the page beside the files that it is made from.
pub(crate) const FILE: &str = "playback.html";

const STYLE: &str = concat!(include_str!("../map/map.css"), include_str!("playback.css"));
const SCRIPT: &str = concat!(
    include_str!("data.js"),
    include_str!("state.js"),
    include_str!("../map/map.js"),
    include_str!("draw.js"),
    include_str!("details.js"),
    include_str!("controls.js"),
);

/// The page of one run, or of two side by side; `report` leads to the run's report.
///
/// # Errors
/// Never on memory; the compressor's type has one.
pub(crate) fn document(runs: &[Played<'_>], report: Option<&str>) -> io::Result<String> {
    let packed = runs.iter().map(stage::pack).collect::<io::Result<Vec<_>>>()?;
    let names: Vec<&str> = runs.iter().map(|run| run.scenario.name.as_str()).collect();
    let title = names.join(" beside ");
    let of = |run: &Played<'_>| {
        format!(
            "{} · protocol {} · {} nodes · seed {}",
            run.label,
            run.scenario.protocol,
            crate::units::count(run.scenario.population().into()),
            run.scenario.seed
        )
    };
    let subtitle = runs.iter().map(of).collect::<Vec<_>>().join("  |  ");
    Ok(page::scripted_document(&title, &subtitle, &body(&packed, report), (STYLE, SCRIPT)))
}

fn body(packed: &[String], report: Option<&str>) -> Markup {
    html! {
        noscript { p { "This page plays a run, and needs a script for it; the run's report does not." } }
        p #state role="status" { "Unpacking…" }
        div #stages .two[packed.len() > 1] {}
        div #controls hidden {
            div.timeline {
                canvas #timeline tabindex="0" role="slider" aria-label="virtual time" {}
            }
            div.buttons {
                button #play type="button" title="Space" { "Play" }
                button #back type="button" title="Left arrow: the message before" { "◀ Step" }
                button #next type="button" title="Right arrow: the next message" { "Step ▶" }
                label { "Speed " input #speed type="range" min="-40" max="40" value="0" title="[ and ]"; }
                output #pace {}
                output #clock {}
                label.colours { "Colour by " select #colour {} }
            }
            p.keys {
                "Space plays and pauses, ← → step from message to message, Home and End go to the ends, [ and ] \
                 change the speed, Esc lets go of what was clicked. Click a node or a message."
            }
        }
        @if let Some(report) = report { p { a href=(report) { "The report of this run" } } }
        @for text in packed { script type="application/octet-stream" data-run { (PreEscaped(text)) } }
    }
}

#[cfg(test)]
mod tests;
