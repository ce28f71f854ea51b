//! `[[fault]]`: the timeline of what goes wrong.

use std::collections::BTreeMap;

use anthill_protocol::{Span, Time};

use super::declare::*;
use super::parse_selection::{Population, read_selection};
use super::reader::Section;
use crate::conditions::{
    Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, MOST_FLAPS, SelectionSpec,
};

/// Entries of a timeline. Every entry costs memory per node and time per message.
const MOST_FAULTS: usize = 1_000;

/// Keys of an entry.
pub(super) const FAULT: &[Key] = {
    const OWN: &[Key] = &[
        Key::new("at", ANY_SPAN, "when it starts, before `until`").required(),
        Key::new("heal", POSITIVE_SPAN, "when it ends, after `at`; never by default"),
        Key::new(
            "kind",
            choice(&[
                "partition",
                "outage",
                "crash",
                "loss",
                "duplication",
                "reordering",
                "corruption",
                "delay",
                "rate",
            ]),
            "what happens to the nodes that it strikes",
        )
        .required()
        .words(&[
            "no message crosses between the selected nodes and the `others`",
            "the nodes of `regions` (required) are down, and restart at the end",
            "the selected nodes are down, and restart at the end",
            "messages are lost, in addition to everything else",
            "messages are delivered twice, likewise",
            "messages are held back by up to `reordering_delay` (required), likewise",
            "messages have one bit flipped, likewise",
            "messages take `factor` times the network's delay, and `by` more",
            "rates are multiplied; needs `network.bandwidth` or classes with rates",
        ]),
    ];
    const IMPAIRED: &[&str] = &["loss", "duplication", "reordering", "corruption"];
    const MORE: &[Key] = &[
        Key::new(
            "others",
            SelectionSpec::TABLE,
            "a selection: the other side; by default the rest",
        )
        .with(&["partition"]),
        Key::new("direction", Direction::SHAPE, "which messages; of crash, outage and rate all")
            .words(Direction::WORDS)
            .or(Value::Choice(Direction::Both.word())),
        Key::new(
            "keep_state",
            FLAG,
            "whether they come back with the state they had; by default only from an outage",
        )
        .with(&["outage", "crash"]),
        Key::new("share", SHARE, "share of messages").required().with(IMPAIRED),
        Key::new("reordering_delay", DELAY, "longest time that a message is held back")
            .required()
            .with(&["reordering"]),
        Key::new("by", DELAY_OR_ZERO, "what is added, after the factor")
            .or(Value::Span(Span::ZERO))
            .with(&["delay"]),
        Key::new("factor", FACTOR, "factor on delays, 1 to 1000; or on both rates, above 0")
            .with(&["delay", "rate"]),
        Key::new("up", FACTOR, "factor on the uplink's rate").with(&["rate"]),
        Key::new("down", FACTOR, "factor on the downlink's rate").with(&["rate"]),
        Key::new("every", DELAY, "it comes and goes: from one start to the next"),
        Key::new("on", DELAY, "it comes and goes: how long it lasts each time, below `every`"),
        Key::new("stagger", DELAY_OR_ZERO, "single nodes go later, by up to this")
            .or(Value::Span(Span::ZERO))
            .with(&["outage", "crash"]),
    ];
    const PARTS: &[&[Key]] = &[OWN, SelectionSpec::KEYS, MORE];
    const ALL: [Key; length(PARTS)] = join(PARTS);
    &ALL
};

/// What the entries are checked against; `None` where it could not be read.
pub(super) struct Stage<'a> {
    pub(super) population: &'a Population<'a>,
    /// The end of the run.
    pub(super) until: Option<Time>,
    /// Whether links have rates.
    pub(super) rates: Option<bool>,
}

/// Reads all entries in their order; `None` only beside a finding.
pub(super) fn read_faults(root: &mut Section<'_, '_>, stage: &Stage<'_>) -> Option<Vec<FaultSpec>> {
    let before = root.problems();
    let mut sections = root.tables("fault", MOST_FAULTS);
    let faults: Vec<Option<FaultSpec>> =
        sections.iter_mut().map(|section| read_fault(section, stage)).collect();
    refuse_overlaps(&sections, &faults);
    for (mut section, fault) in sections.into_iter().zip(&faults) {
        // The kind of a wrong entry is of no use: `finish` then reports only unknown keys.
        let kind = fault.as_ref().and_then(|_| section.choice("kind")).unwrap_or_default();
        section.finish(&format!("with kind = \"{kind}\""));
    }
    (root.problems() == before).then(|| faults.into_iter().flatten().collect())
}

fn read_fault(section: &mut Section<'_, '_>, stage: &Stage<'_>) -> Option<FaultSpec> {
    section.require("at", "\"10s\"");
    section.require("kind", "\"partition\"");
    let at = section.span("at").map(|at| Time(at.0));
    let heal = section.span("heal").map(|heal| Time(heal.0));
    if let (Some(at), Some(until)) = (at, stage.until)
        && at >= until
    {
        section.wrong("at", format!("would never happen: the run ends at until = {until}"));
    }
    if let (Some(at), Some(heal)) = (at, heal)
        && heal <= at
    {
        section.wrong("heal", format!("must be after at = {at}"));
    }
    let kind = section.choice("kind");
    let who = if kind == Some("outage") && !section.has("regions") {
        section.require("regions", "[\"us-east-1\"]");
        None
    } else {
        read_selection(section, stage.population, ("nodes", "[0, \"10-20\"]"))
    };
    let kind = read_kind(section, kind?, stage, who.as_ref());
    let flap = read_flap(section, kind.as_ref());
    if let (Some(at), Some(until), Some(Some(flap))) = (at, stage.until, &flap)
        && matches!(kind, Some(FaultKind::Crash { .. } | FaultKind::Rate { .. }))
        && let times = flap.times(at, heal, until)
        && times > MOST_FLAPS
    {
        let problem = format!(
            "comes and goes {times} times, above {MOST_FLAPS}, which takes practically for ever: \
             raise it, let the fault heal earlier, or end the run earlier"
        );
        section.wrong("every", problem);
    }
    Some(FaultSpec { at: at?, heal, who: who?, kind: kind?, flap: flap? })
}

fn read_kind(
    section: &mut Section<'_, '_>,
    kind: &str,
    stage: &Stage<'_>,
    who: Option<&SelectionSpec>,
) -> Option<FaultKind> {
    match kind {
        "partition" => read_partition(section, stage, who),
        "outage" | "crash" => {
            let keep_state = match section.has("keep_state") {
                true => section.flag("keep_state")?,
                false => kind == "outage",
            };
            Some(FaultKind::Crash { keep_state })
        }
        "delay" => read_delay(section),
        "rate" => read_rate(section, stage),
        _ => read_impairment(section, kind),
    }
}

fn read_direction(section: &mut Section<'_, '_>) -> Option<Direction> {
    Field::read_or(section, "direction", || Some(Direction::Both))
}

fn read_partition(
    section: &mut Section<'_, '_>,
    stage: &Stage<'_>,
    who: Option<&SelectionSpec>,
) -> Option<FaultKind> {
    let direction = read_direction(section);
    if !section.has("others") {
        if who.is_some() && who == stage.population.everyone().as_ref() {
            section.wrong_here("cuts no one off: it strikes every node, so no others are left");
            return None;
        }
        return Some(FaultKind::Partition { others: None, direction: direction? });
    }
    let mut others = section.section("others");
    if !others.is_table() {
        return None;
    }
    let selected = read_selection(&mut others, stage.population, ("nodes", "[0, \"10-20\"]"));
    others.finish("in a selection");
    Some(FaultKind::Partition { others: Some(selected?), direction: direction? })
}

fn read_delay(section: &mut Section<'_, '_>) -> Option<FaultKind> {
    if !section.has("factor") {
        section.require("by", "\"200ms\"");
    }
    let (by, direction) = (section.span("by"), read_direction(section));
    let factor = match section.has("factor") {
        true => section.number("factor")?,
        false => 1.0,
    };
    if factor < 1.0 {
        section.wrong("factor", "must be at least 1: a fault cannot make the network faster");
        return None;
    }
    let by = by?;
    if by == Span::ZERO && factor == 1.0 && (section.has("by") || section.has("factor")) {
        section.wrong_here("delays nothing: give by above 0 or factor above 1");
        return None;
    }
    Some(FaultKind::Delay { by, factor, direction: direction? })
}

fn read_rate(section: &mut Section<'_, '_>, stage: &Stage<'_>) -> Option<FaultKind> {
    if stage.rates == Some(false) {
        section.wrong("kind", "changes nothing: rates are infinite without network.bandwidth");
    }
    if section.has("factor") {
        for key in ["up", "down"] {
            section.wrong(key, "contradicts factor, which stands for both: give one of them");
            let _ = section.find(key);
        }
        let factor = section.number("factor")?;
        return Some(FaultKind::Rate { up: factor, down: factor });
    }
    if !section.has("up") && !section.has("down") {
        section.require("factor", "0.1");
        return None;
    }
    let mut factor = |name| match section.has(name) {
        true => section.number(name),
        false => Some(1.0),
    };
    let (up, down) = (factor("up"), factor("down"));
    Some(FaultKind::Rate { up: up?, down: down? })
}

fn read_impairment(section: &mut Section<'_, '_>, kind: &str) -> Option<FaultKind> {
    section.require("share", "0.3");
    let share = section.share("share");
    let direction = read_direction(section);
    let mut impairments = ImpairmentSpec::default();
    let field = match kind {
        "loss" => &mut impairments.loss,
        "duplication" => &mut impairments.duplication,
        "corruption" => &mut impairments.corruption,
        _ => &mut impairments.reordering,
    };
    *field = share?;
    if *field == 0.0 {
        section.wrong("share", "strikes no message: give a share above 0");
        return None;
    }
    if kind == "reordering" {
        section.require("reordering_delay", "\"50ms\"");
        let delay = section.span("reordering_delay")?;
        if impairments.reordering > 0.0 {
            impairments.reordering_delay = delay;
        }
    }
    Some(FaultKind::Impair { impairments, direction: direction? })
}

/// Whether the fault comes and goes; the outer `None` only beside a finding.
fn read_flap(section: &mut Section<'_, '_>, kind: Option<&FaultKind>) -> Option<Option<Flap>> {
    if !["every", "on", "stagger"].iter().any(|key| section.has(key)) {
        return Some(None);
    }
    section.require("every", "\"10s\"");
    section.require("on", "\"2s\"");
    let (period, on) = (section.span("every"), section.span("on"));
    let is_crash = matches!(kind, Some(FaultKind::Crash { .. }));
    let stagger = match is_crash || kind.is_none() {
        true => section.span("stagger"),
        false => Some(Span::ZERO),
    };
    let (period, on, stagger) = (period?, on?, stagger?);
    if on >= period {
        section.wrong("on", format!("must be below every = {period}: nothing would come and go"));
        return None;
    }
    if on.0 + stagger.0 > period.0 {
        section.wrong("stagger", format!("reaches into the next time: on + stagger > {period}"));
        return None;
    }
    Some(Some(Flap { period, on, stagger }))
}

/// Reports entries that do the same to the same nodes at the same time. Those that draw a random
/// share are left out: every entry draws its own nodes.
fn refuse_overlaps(sections: &[Section<'_, '_>], faults: &[Option<FaultSpec>]) {
    let mut alike: BTreeMap<String, Vec<(usize, &FaultSpec)>> = BTreeMap::new();
    for (index, fault) in faults.iter().enumerate() {
        let Some(fault) = fault else { continue };
        if let Some(target) = target(fault) {
            alike.entry(target).or_default().push((index, fault));
        }
    }
    for entries in alike.values_mut() {
        entries.sort_by_key(|(index, fault)| (fault.at, *index));
        let mut latest: Option<(usize, Option<Time>)> = None;
        for (index, fault) in entries.iter() {
            if let Some((earlier, heal)) = latest
                && heal.is_none_or(|heal| heal > fault.at)
            {
                if sections[*index].is_full() {
                    return;
                }
                let (first, second) = (earlier.min(*index), earlier.max(*index));
                sections[second].wrong_here(format!(
                    "overlaps {}, which does the same to the same nodes: let one end before the \
                     other starts",
                    sections[first].whereabouts()
                ));
            }
            // The one that lasts longest so far.
            let lasts = |heal: Option<Time>| heal.map_or(u64::MAX, |heal| heal.0);
            if latest.is_none_or(|(_, heal)| lasts(fault.heal) > lasts(heal)) {
                latest = Some((*index, fault.heal));
            }
        }
    }
}

/// What must not happen twice at once: the kind and the nodes; `None` if it may.
fn target(fault: &FaultSpec) -> Option<String> {
    let kind = match &fault.kind {
        FaultKind::Crash { .. } => "crash".to_owned(),
        FaultKind::Rate { .. } => "rate".to_owned(),
        FaultKind::Partition { others, direction } => {
            if others.as_ref().is_some_and(|others| others.fraction.is_some()) {
                return None;
            }
            format!("partition {direction:?} {others:?}")
        }
        FaultKind::Impair { .. } | FaultKind::Delay { .. } => return None,
    };
    fault.who.fraction.is_none().then(|| format!("{kind} {:?}", fault.who))
}
