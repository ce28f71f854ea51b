//! A comparison as a page.

use maud::{Markup, html};

use super::export::{HEADER, METHOD, cells, changed, more_pairs};
use super::verdict::{Comparison, Row, Verdict};
use crate::command::batch;
use crate::page::{Headline, absent, document, folded, headlines, section};
use crate::points::{Plan, Store};
use crate::units;

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
    // What is the same in every pair is named, and takes no line of its own.
    let (same, told): (Vec<&Row>, Vec<&Row>) =
        comparison.rows.iter().partition(|row| row.paired.is_equal());
    let same: Vec<&str> = same.iter().map(|row| row.metric.as_str()).collect();
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
            (table(&told))
            @if !same.is_empty() {
                (folded(
                    &format!("{} the same in every pair", units::counted(same.len() as u64, "metric")),
                    &html! { p { (same.join(", ")) } },
                ))
            }
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

fn table(rows: &[&Row]) -> Markup {
    html! {
        @if rows.is_empty() {
            (absent("No difference: every metric is the same in every pair."))
        } @else {
            div.wide { table {
                thead { tr { @for (i, name) in HEADER.iter().enumerate() {
                    th scope="col" class=[(i > 1).then_some("figure")] { (name) }
                } } }
                tbody { @for row in rows { tr { @for (i, cell) in cells(row).iter().enumerate() {
                    @if i == 1 {
                        td { span class={ "verdict " (cell) } { (cell) } }
                    } @else {
                        td class=[(i > 1).then_some("figure")] { (cell) }
                    }
                } } } }
            } }
        }
    }
}
