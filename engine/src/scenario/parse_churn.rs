//! `[churn]`: when nodes are there.

use anthill_protocol::Time;

use super::reader::Section;
use crate::conditions::{ChurnSpec, ChurnTimes, MOST_FLAPS, MOST_FLAPS_OF_ALL};

/// The Weibull shape when the scenario gives none: sessions in file-sharing networks were measured
/// at 0.34 to 0.59.
const WEIBULL_SHAPE: f64 = 0.5;

/// Reads the section; the outer `None` only beside a finding, the inner one if nodes stay up.
pub(super) fn read_churn(
    mut churn: Section<'_, '_>,
    nodes: Option<u32>,
    until: Option<Time>,
) -> Option<Option<ChurnSpec>> {
    if churn.is_absent() {
        return Some(None);
    }
    if !churn.is_table() {
        return None;
    }
    churn.require("kind", "\"exponential\"");
    let kind = churn.choice("kind")?;
    if kind == "off" {
        churn.finish_switched_off();
        return Some(None);
    }
    let times = match kind {
        "trace" => {
            churn.require("path", "\"churn.csv\"");
            churn.path("path").map(ChurnTimes::Trace)
        }
        _ => read_times(&mut churn, kind == "weibull"),
    };
    // A trace says itself who churns, and how the run starts.
    let (share, start) = match kind {
        "trace" => (Some(1.0), Some("online")),
        _ => (churn.share("share"), churn.choice("start")),
    };
    let keep_state = churn.flag("keep_state");
    if let (Some(times), Some(share), Some(nodes), Some(until)) = (&times, share, nodes, until) {
        refuse_endless(&mut churn, times, f64::from(nodes) * share, until);
    }
    churn.finish(&format!("with churn.kind = \"{kind}\""));
    Some(Some(ChurnSpec {
        times: times?,
        share: share?,
        keep_state: keep_state?,
        stationary: start? == "stationary",
    }))
}

/// Refuses sessions and downtimes so short that the run would practically never end.
fn refuse_endless(churn: &mut Section<'_, '_>, times: &ChurnTimes, churning: f64, until: Time) {
    let Some(cycle_ns) = times.cycle_ns() else { return };
    let each = until.0 / cycle_ns;
    let all = each as f64 * churning;
    let fix = "raise session or downtime, or lower until";
    if each > MOST_FLAPS && churning > 0.0 {
        let problem = format!(
            "with this downtime a node comes and goes {each} times, above {MOST_FLAPS}, which takes \
             practically for ever: {fix}"
        );
        churn.wrong("session", problem);
    } else if all > MOST_FLAPS_OF_ALL {
        let problem = format!(
            "with this downtime all nodes come and go {all:.0} times, above {MOST_FLAPS_OF_ALL:.0}, \
             which takes practically for ever: {fix}, share or nodes"
        );
        churn.wrong("session", problem);
    }
}

fn read_times(churn: &mut Section<'_, '_>, weibull: bool) -> Option<ChurnTimes> {
    churn.require("session", "\"30min\"");
    churn.require("downtime", "\"10min\"");
    let (session, downtime) = (churn.span("session"), churn.span("downtime"));
    if !weibull {
        return Some(ChurnTimes::Exponential { session: session?, downtime: downtime? });
    }
    let mut shape = |name| match churn.has(name) {
        true => churn.number(name),
        false => Some(WEIBULL_SHAPE),
    };
    let (session_shape, downtime_shape) = (shape("session_shape"), shape("downtime_shape"));
    Some(ChurnTimes::Weibull {
        session: session?,
        session_shape: session_shape?,
        downtime: downtime?,
        downtime_shape: downtime_shape?,
    })
}
