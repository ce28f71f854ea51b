//! `[churn]`: when nodes are there.

use anthill_protocol::Time;

use super::declare::{Key, Section, Value, choice, quoted};
use crate::conditions::{ChurnSpec, ChurnTimes, MOST_FLAPS, MOST_FLAPS_OF_ALL};

const STARTS: [&str; 2] = ["online", "stationary"];

pub(crate) const CHURN_START: Key =
    Key::new("start", choice(&STARTS), "how a run begins, unless churn is by a trace")
        .or(Value::Choice(STARTS[0]))
        .words(&["all begin a session", "each is in the middle of a session or downtime"]);

pub(crate) fn churn_start(
    churn: &mut Section<'_, '_>,
    _: (Option<u32>, Option<Time>),
) -> Option<bool> {
    churn.choice("start").map(|start| start == STARTS[1])
}

pub(crate) fn churn_start_text(stationary: &bool) -> Option<String> {
    Some(quoted(STARTS[usize::from(*stationary)]))
}

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
    let kind = ChurnTimes::read_kind(&mut churn)?;
    if kind == "off" {
        churn.finish_switched_off();
        return Some(None);
    }
    let spec = ChurnSpec::read_keys(&mut churn, (nodes, until));
    churn.finish(&format!("with churn.kind = \"{kind}\""));
    spec.map(Some)
}

/// Whether sessions and downtimes are not so short that the run would practically never end; else
/// that is reported.
pub(crate) fn would_end(
    churn: &Section<'_, '_>,
    spec: &ChurnSpec,
    (nodes, until): (Option<u32>, Option<Time>),
) -> bool {
    let (Some(nodes), Some(until), Some(cycle_ns)) = (nodes, until, spec.times.cycle_ns()) else {
        return true;
    };
    let churning = f64::from(nodes) * spec.share;
    let each = until.0 / cycle_ns;
    let all = each as f64 * churning;
    let fix = "raise session or downtime, or lower until";
    let problem = if each > MOST_FLAPS && churning > 0.0 {
        format!(
            "with this downtime a node comes and goes {each} times, above {MOST_FLAPS}, which takes \
             practically for ever: {fix}"
        )
    } else if all > MOST_FLAPS_OF_ALL {
        format!(
            "with this downtime all nodes come and go {all:.0} times, above {MOST_FLAPS_OF_ALL:.0}, \
             which takes practically for ever: {fix}, share or nodes"
        )
    } else {
        return true;
    };
    churn.wrong("session", problem);
    false
}
