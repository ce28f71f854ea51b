//! Of `[adversary] schedule`, what a declaration cannot say.

use super::parse_cpu::kind_problem;
use super::reader::Section;
use crate::conditions::ScheduleSpec;

/// What a schedule is checked against.
pub(crate) struct ScheduleSetting<'a> {
    /// Whether the adversary holds nodes.
    pub(super) is_held: bool,
    /// The protocol's kinds of messages, if it is known.
    pub(super) kinds: Option<&'a [&'a str]>,
}

/// The kind of messages that is held.
pub(crate) fn held_message(
    schedule: &mut Section<'_, '_>,
    setting: &ScheduleSetting<'_>,
) -> Option<String> {
    let first = setting.kinds.and_then(|kinds| kinds.first()).unwrap_or(&"vote");
    schedule.require("message", &format!("\"{first}\""));
    let kind = schedule.text("message")?;
    if let Some(problem) = kind_problem(schedule, kind, setting.kinds) {
        schedule.wrong("message", problem);
        return None;
    }
    Some(kind.to_owned())
}

/// Whether it works under this adversary; else that is reported.
pub(crate) fn can_schedule(
    schedule: &Section<'_, '_>,
    spec: &ScheduleSpec,
    setting: &ScheduleSetting<'_>,
) -> bool {
    match spec {
        ScheduleSpec::DelayHonest { .. } | ScheduleSpec::FavourByzantine { .. }
            if !setting.is_held =>
        {
            schedule.wrong("kind", "needs an adversary that holds nodes: give adversary.kind");
            false
        }
        ScheduleSpec::Hold { timeout, margin, .. } if margin >= timeout => {
            schedule.blame("margin", &format!("must be below timeout = {timeout}"));
            false
        }
        _ => true,
    }
}
