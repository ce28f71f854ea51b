//! `[adversary]`: whom it holds, what they do, and who decides over delays.

use anthill_protocol::Time;

use super::parse_conditions::Setting;
use super::parse_cpu::kind_problem;
use super::parse_selection::{Population, read_selection};
use super::reader::Section;
use crate::conditions::{AdversarySpec, Behaviour, ScheduleSpec};

/// More kinds of messages than any protocol has.
const MOST_KINDS: usize = 256;

/// The section's two parts.
pub(super) type Adversary = (Option<AdversarySpec>, Option<ScheduleSpec>);

/// Reads the section; `None` only beside a finding.
pub(super) fn read_adversary(
    mut adversary: Section<'_, '_>,
    population: &Population<'_>,
    setting: &Setting<'_>,
) -> Option<Adversary> {
    let kinds = setting.kinds;
    if adversary.is_absent() {
        return Some((None, None));
    }
    if !adversary.is_table() {
        return None;
    }
    let only_schedule = adversary.has("schedule") && !adversary.has("kind");
    if !only_schedule {
        adversary.require("kind", "\"silent\"");
    }
    let kind = if only_schedule { "none" } else { adversary.choice("kind")? };
    let schedule = read_schedule(&mut adversary, kind != "none", kinds);
    if kind == "none" && !only_schedule {
        adversary.finish_switched_off();
        return Some((None, schedule?));
    }
    if kind == "equivocate" && !setting.can_equivocate {
        let problem =
            "this protocol knows no conflicting versions of its messages: take another kind";
        adversary.wrong("kind", problem);
        return None;
    }
    let held = match kind {
        "none" => Some(None),
        _ => read_held(&mut adversary, kind, population, kinds).map(Some),
    };
    let here = match kind {
        "none" => "without adversary.kind".to_owned(),
        _ => format!("with adversary.kind = \"{kind}\""),
    };
    adversary.finish(&here);
    Some((held?, schedule?))
}

fn read_held(
    adversary: &mut Section<'_, '_>,
    kind: &str,
    population: &Population<'_>,
    kinds: Option<&[&str]>,
) -> Option<AdversarySpec> {
    let who = read_selection(adversary, population, ("fraction", "0.1"));
    let behaviour = match kind {
        "silent" => Some(Behaviour::Silent),
        "delay" => {
            adversary.require("by", "\"1s\"");
            adversary.span("by").map(Behaviour::Delay)
        }
        "duplicate" => Some(Behaviour::Duplicate),
        "replay" => Some(Behaviour::Replay),
        "corrupt" => Some(Behaviour::Corrupt),
        "equivocate" => Some(Behaviour::Equivocate),
        _ => Some(Behaviour::Follow),
    };
    // Who follows the protocol does nothing to any message.
    let (named, probability) = match kind {
        "follow" => (Some(Vec::new()), Some(1.0)),
        _ => (read_kinds(adversary, kinds), adversary.share("probability")),
    };
    Some(AdversarySpec {
        who: who?,
        behaviour: behaviour?,
        kinds: named?,
        probability: probability?,
    })
}

fn read_kinds(adversary: &mut Section<'_, '_>, known: Option<&[&str]>) -> Option<Vec<String>> {
    if !adversary.has("kinds") {
        return Some(Vec::new());
    }
    let names = adversary.names("kinds", "kinds of messages", MOST_KINDS)?;
    let problems: Vec<String> =
        names.iter().filter_map(|name| kind_problem(adversary, name, known)).collect();
    for problem in &problems {
        adversary.wrong("kinds", problem);
    }
    problems.is_empty().then_some(names)
}

/// Reads `schedule`; the outer `None` only beside a finding.
fn read_schedule(
    adversary: &mut Section<'_, '_>,
    is_held: bool,
    kinds: Option<&[&str]>,
) -> Option<Option<ScheduleSpec>> {
    if !adversary.has("schedule") {
        return Some(None);
    }
    let mut schedule = adversary.section("schedule");
    if !schedule.is_table() {
        return None;
    }
    schedule.require("kind", "\"reorder\"");
    let kind = schedule.choice("kind")?;
    if kind == "none" {
        schedule.finish_switched_off();
        return Some(None);
    }
    if matches!(kind, "delay-honest" | "favour-byzantine") && !is_held {
        schedule.wrong("kind", "needs an adversary that holds nodes: give adversary.kind");
        return None;
    }
    let spec = match kind {
        "split" => {
            schedule.require("heal", "\"30s\"");
            schedule.span("heal").map(|heal| ScheduleSpec::Split { heal: Time(heal.0) })
        }
        "hold" => read_hold(&mut schedule, kinds),
        _ => {
            schedule.require("by", "\"1s\"");
            schedule.span("by").map(|by| match kind {
                "delay-honest" => ScheduleSpec::DelayHonest { by },
                "favour-byzantine" => ScheduleSpec::FavourByzantine { by },
                _ => ScheduleSpec::Reorder { by },
            })
        }
    };
    schedule.finish(&format!("with kind = \"{kind}\""));
    spec.map(Some)
}

fn read_hold(schedule: &mut Section<'_, '_>, kinds: Option<&[&str]>) -> Option<ScheduleSpec> {
    let first = kinds.and_then(|kinds| kinds.first()).unwrap_or(&"vote");
    schedule.require("message", &format!("\"{first}\""));
    schedule.require("timeout", "\"2s\"");
    let kind = schedule.text("message").and_then(|kind| {
        let problem = kind_problem(schedule, kind, kinds);
        problem.map_or(Some(kind.to_owned()), |problem| {
            schedule.wrong("message", problem);
            None
        })
    });
    let (timeout, margin) = (schedule.span("timeout"), schedule.span("margin"));
    let (timeout, margin) = (timeout?, margin?);
    if margin >= timeout {
        schedule.blame("margin", &format!("must be below timeout = {timeout}"));
        return None;
    }
    Some(ScheduleSpec::Hold { kind: kind?, timeout, margin })
}
