//! A comparison as a page.

use maud::html;

use super::export::{HEADER, METHOD, cells, changed, more_pairs};
use super::verdict::{Comparison, Verdict};
use crate::command::batch;
use crate::page::{Headline, Table, absent, document, headlines, section};
use crate::points::{Plan, Store};

/// The page.
pub(super) fn page(comparison: &Comparison, plan: &Plan, store: &Store) -> String {
    let verdicts =
        [Verdict::Better, Verdict::Worse, Verdict::Higher, Verdict::Lower, Verdict::NoDifference];
    let count = |verdict| comparison.rows.iter().filter(|row| row.verdict == verdict).count();
    let figures: Vec<Headline> = verdicts
        .into_iter()
        .map(|verdict| Headline {
            label: verdict.name().to_owned(),
            value: count(verdict).to_string(),
            note: "metrics of B".to_owned(),
        })
        .collect();
    let mut table = Table::new(&HEADER);
    for column in table.columns.iter_mut().skip(2) {
        column.insert(0, '#');
    }
    table.rows = comparison.rows.iter().map(cells).collect();
    let changes = changed(plan);
    let body = html! {
        (headlines(&figures))
        (section("changed", "What differs", &html! {
            @if changes.is_empty() && comparison.differences.is_empty() {
                (absent("Nothing: both sides are the same scenario."))
            }
            ul {
                @for change in &changes { li { (change) } }
                @for difference in &comparison.differences {
                    li { "beside the protocol, and allowed: " (difference) }
                }
            }
        }))
        (section("metrics", "Metrics", &html! {
            @if let Some(more) = more_pairs(comparison) { p { strong { (more) } } }
            (table.markup())
            p { (METHOD) }
            @if !comparison.unpaired.is_empty() {
                p { "On one side only: " (comparison.unpaired.join(", ")) }
            }
        }))
        (section("again", "Again", &batch::again(store, &[
            ("Scenario A", &plan.configurations[0]), ("Scenario B", &plan.configurations[1]),
        ])))
    };
    let names = (&plan.configurations[0].scenario.name, &plan.configurations[1].scenario.name);
    let title = format!("{} against {}", names.0, names.1);
    let subtitle = format!("{} pairs of runs, base seed {}", comparison.pairs, plan.seed);
    document(&title, &subtitle, &body)
}
