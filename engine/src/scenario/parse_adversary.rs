//! `[adversary]`: whom it holds, what they do, and who decides over delays.

use super::declare::{Key, SHARE, Section, Shape, Value, join, length};
use super::document::Data;
use super::excerpt::shorten;
use super::nearest::nearest;
use super::parse_conditions::Setting;
use super::parse_cpu::kind_problem;
use super::parse_schedule::ScheduleSetting;
use super::parse_selection::{Population, read_selection};
use crate::conditions::{AdversarySpec, Behaviour, ScheduleSpec, SelectionSpec};

/// More kinds of messages than any protocol has.
const MOST_KINDS: usize = 256;

/// Keys of the section.
pub(super) const ADVERSARY: &[Key] = {
    const WHO: &[Key] = SelectionSpec::KEYS;
    const MORE: &[Key] = &[
        Key::new("kinds", Shape::Names, "kinds of messages it does that to; all by default"),
        Key::new(
            "probability",
            SHARE,
            "share of those messages; `follow`, `withhold` and `twins` choose neither",
        )
        .or(Value::Share(1.0)),
        Key::new("schedule", ScheduleSpec::TABLE, "who delays messages, within the timing model"),
    ];
    const KIND_AND_OTHERS: (&[Key], &[Key]) = Behaviour::KEYS.split_at(1);
    // Neither `role` nor `all`.
    const PARTS: &[&[Key]] =
        &[KIND_AND_OTHERS.0, WHO.split_at(3).0, &[WHO[4], WHO[5]], KIND_AND_OTHERS.1, MORE];
    const ALL: [Key; length(PARTS)] = join(PARTS);
    &ALL
};

/// The section's two parts.
pub(super) type Adversary = (Option<AdversarySpec>, Option<ScheduleSpec>);

/// Reads the section; `None` only beside a finding.
pub(super) fn read_adversary(
    mut adversary: Section<'_, '_>,
    population: &Population<'_>,
    setting: &Setting<'_>,
) -> Option<Adversary> {
    let kinds = setting.kinds;
    let is_own = setting.declared.is_some_and(|declared| declared.values.adversary().is_some());
    if adversary.is_absent() || is_own {
        return Some((None, None));
    }
    if !adversary.is_table() {
        return None;
    }
    let only_schedule = adversary.has("schedule") && !adversary.has("kind");
    if !only_schedule {
        adversary.require("kind", "\"silent\"");
    }
    let kind = if only_schedule { "none" } else { read_kind(&mut adversary, setting)? };
    if let Some(declared) = setting.declared {
        declared.declare_own(&mut adversary);
    }
    let schedule_setting = ScheduleSetting { is_held: kind != "none", kinds };
    let schedule = ScheduleSpec::read(adversary.section("schedule"), &schedule_setting);
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

/// One of the kinds that every protocol has: the protocol's own were read with its parameters.
fn read_kind(adversary: &mut Section<'_, '_>, setting: &Setting<'_>) -> Option<&'static str> {
    let problem = match &adversary.find("kind")?.item.data {
        Data::Text(word) => {
            let found = Behaviour::KINDS.iter().find(|known| *known == word);
            match (found, setting.declared) {
                (Some(kind), _) => return Some(kind),
                (None, Some(_)) => unknown_kind(word, setting),
                // It may be one of the unknown protocol's.
                (None, None) => return None,
            }
        }
        Data::List(_) => "expected one kind, found a list: adversaries cannot be combined in this \
                          version"
            .to_owned(),
        other => {
            let known = known_kinds(setting);
            format!("expected a kind, found {}; known: {known}", other.kind())
        }
    };
    adversary.wrong("kind", problem);
    None
}

fn unknown_kind(word: &str, setting: &Setting<'_>) -> String {
    let own = setting.declared.map(|declared| &declared.info);
    let word = shorten(word);
    let owner = setting.protocols.iter().find(|info| info.own_adversary(&word).is_some());
    if let (Some(owner), Some(own)) = (owner, own) {
        let (owner, own) = (owner.name, own.name);
        let known = known_kinds(setting);
        return format!(
            "`{word}` is an adversary of the protocol {owner}, not of {own}; known: {known}"
        );
    }
    let own = own.into_iter().flat_map(|info| info.adversaries).map(|kind| kind.name);
    match nearest(&word, Behaviour::KINDS.iter().copied().chain(own)) {
        Some(near) => format!("unknown value `{word}`; did you mean `{near}`?"),
        None => format!("unknown value `{word}`; known: {}", known_kinds(setting)),
    }
}

/// The kinds that every protocol has, and those of this one.
fn known_kinds(setting: &Setting<'_>) -> String {
    let info = setting.declared.map(|declared| &declared.info);
    let is_own = |name: &str| info.is_some_and(|info| info.own_adversary(name).is_some());
    let generic: Vec<&str> =
        Behaviour::KINDS.iter().copied().filter(|name| !is_own(name)).collect();
    let generic = generic.join(", ");
    match info {
        Some(info) if !info.adversaries.is_empty() => {
            let own: Vec<&str> = info.adversaries.iter().map(|kind| kind.name).collect();
            format!("{generic}; of {}: {}", info.name, own.join(", "))
        }
        _ => generic,
    }
}

fn read_held(
    adversary: &mut Section<'_, '_>,
    kind: &str,
    population: &Population<'_>,
    kinds: Option<&[&str]>,
) -> Option<AdversarySpec> {
    let who = read_selection(adversary, population, ("fraction", "0.1"));
    let behaviour = Behaviour::read_as(adversary, kind, ());
    let (named, probability) = match behaviour {
        Some(behaviour) if !behaviour.chooses_messages() => (Some(Vec::new()), Some(1.0)),
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
