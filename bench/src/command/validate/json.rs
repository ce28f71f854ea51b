//! `anthill validate --format json`: the same for programs.

use anthill_engine::scenario::Scenario;
use serde_json::{Value as Json, json};

use super::{Inspection, Memory, MemoryEstimate, Tail, Verdict};

/// What a scenario means and would take. Times are in ns.
pub(super) fn report(
    scenario: &Scenario,
    (estimate, machine, verdict): (MemoryEstimate, Memory, &Verdict),
    found: &Inspection,
) -> anyhow::Result<Json> {
    let fits = match verdict {
        Verdict::Fits => "yes",
        Verdict::Tight(_) => "perhaps",
        Verdict::TooLarge(_) => "no",
    };
    let tail = |tail: &Tail| {
        let [p50, p90, p99, p999] = tail.percentiles.map(|span| span.0);
        json!({
            "from": tail.from, "to": tail.to,
            "p50": p50, "p90": p90, "p99": p99, "p999": p999, "max": tail.greatest.0,
        })
    };
    let limiting: Vec<Json> = found
        .limiting
        .iter()
        .map(|link| json!({ "from": link.from, "to": link.to, "floor_ns": link.floor.0 }))
        .collect();
    Ok(json!({
        "scenario": scenario.to_toml().parse::<toml::Table>()?,
        "memory": {
            "expected_bytes": estimate.expected_bytes,
            "least_bytes": estimate.lower_bytes,
            "machine_bytes": machine.total,
            "available_bytes": machine.available,
            "fits": fits,
        },
        "w_ns": found.w_ns,
        "l_ns": found.l_ns,
        "events_per_window": found.events_per_window,
        "limiting_links": limiting,
        "longest_tails_ns": found.tails.iter().map(tail).collect::<Vec<_>>(),
        "notes": found.notes,
    }))
}
