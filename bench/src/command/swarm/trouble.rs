//! The network of a drawn run, and what goes wrong in it.

use anthill_engine::scenario::span_text;
use anthill_protocol::{Dice, Span};

use super::case::Part;
use super::draw::Own;
use super::vary;
use crate::Entry;

/// What troubles are drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub(super) entry: &'a Entry,
    pub(super) nodes: u32,
    pub(super) until: Span,
}

/// What was drawn.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    pub(super) parts: Vec<Part>,
    /// How many kinds.
    pub(super) count: usize,
    /// Nodes held by an adversary of the generic kinds, and whether they are just below a third.
    pub(super) held: Option<(usize, bool)>,
}

/// Kinds of trouble, which come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Adversary,
    Schedule,
    Loss,
    Duplication,
    Reordering,
    OneWayLoss,
    Partition,
    Crash,
    Churn,
}

const OTHERS: [Trouble; 8] = [
    Trouble::Schedule,
    Trouble::Loss,
    Trouble::Duplication,
    Trouble::Reordering,
    Trouble::OneWayLoss,
    Trouble::Partition,
    Trouble::Crash,
    Trouble::Churn,
];

fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

fn quoted(span: Span) -> String {
    format!("\"{}\"", span_text(span))
}

/// A network, with its kind in words; nothing: the preset's own.
pub(super) fn network(dice: &mut Dice, until: Span) -> (&'static str, Option<Part>) {
    let least = ms(dice.pick(&[1, 5, 10, 20, 50]));
    let most = least * dice.pick(&[2, 3, 5, 10]);
    let more = ms(dice.pick(&[5, 20, 50, 150]));
    let (low, high, mean) = (quoted(least), quoted(most), quoted(more));
    let (about, keys) = match dice.below(16) {
        0..=2 => ("equal delays", format!("model=\"uniform\",min={low},max={low}")),
        3..=5 => ("uniform", format!("model=\"uniform\",min={low},max={high}")),
        6..=8 => ("synchronous", format!("model=\"synchronous\",min={low},delta={high}")),
        9..=11 => {
            let gst = quoted(Span(until.0 / 8 * dice.within(1, 4)));
            let keys = format!("model=\"partial\",floor={low},mean={mean},gst={gst},delta={high}");
            ("partial synchrony", keys)
        }
        12 => ("exponential", format!("model=\"exponential\",floor={low},mean={mean}")),
        13 => ("asynchronous", format!("model=\"asynchronous\",floor={low},mean={mean}")),
        14 => {
            let preset = dice.pick(&["aws-p50", "bitcoin-2019"]);
            ("regional", format!("preset=\"{preset}\""))
        }
        _ => return ("the preset's", None),
    };
    (about, Some(Part::key("network", format!("{{{keys}}}"))))
}

/// The most nodes that are less than a third, but one at least.
pub(super) fn most_faulty(nodes: u32) -> u32 {
    (nodes.saturating_sub(1) / 3).max(1)
}

/// So many nodes, in half of the draws just below a third; else from one to just below half.
fn faulty(dice: &mut Dice, nodes: u32) -> u32 {
    let most = most_faulty(nodes);
    if dice.one_in(2) {
        return most;
    }
    dice.within(1, u64::from((nodes.saturating_sub(1) / 2).max(1))) as u32
}

/// Draws what goes wrong: nothing in an eighth of the runs, two kinds or more in half.
pub(super) fn troubles(scene: &Scene<'_>, own: &Own, dice: &mut Dice) -> Troubles {
    let wanted = dice.pick(&[0, 1, 1, 1, 2, 2, 3, 3]);
    let mut drawn = Troubles::default();
    let mut left = OTHERS.to_vec();
    if wanted > 0 && dice.one_in(2) && !own.has("adversary") {
        draw_one(scene, Trouble::Adversary, dice, &mut drawn);
    }
    while drawn.count < wanted && !left.is_empty() {
        let trouble = left.swap_remove(dice.below(left.len() as u64) as usize);
        let section = match trouble {
            Trouble::Adversary | Trouble::Schedule => "adversary",
            Trouble::Loss => "network.loss",
            Trouble::Duplication => "network.duplication",
            Trouble::Reordering => "network.reordering",
            Trouble::OneWayLoss | Trouble::Partition | Trouble::Crash => "fault",
            Trouble::Churn => "churn",
        };
        // An adversary of the protocol's own goes with no schedule.
        let is_taken = trouble == Trouble::Schedule && own_adversary(&drawn);
        if !own.has(section) && !is_taken {
            draw_one(scene, trouble, dice, &mut drawn);
        }
    }
    drawn
}

/// Whether there is an adversary that the protocol plays.
fn own_adversary(drawn: &Troubles) -> bool {
    drawn.held.is_none()
        && drawn
            .parts
            .iter()
            .any(|part| matches!(part, Part::Keys(keys) if keys[0].0 == "adversary"))
}

fn draw_one(scene: &Scene<'_>, trouble: Trouble, dice: &mut Dice, drawn: &mut Troubles) {
    let is_held = drawn.held.is_some();
    let share = |dice: &mut Dice| dice.pick(&["0.01", "0.05", "0.2"]);
    let part = match trouble {
        Trouble::Adversary => adversary(scene, dice, drawn),
        Trouble::Schedule => schedule(scene, is_held, dice),
        Trouble::Loss => Part::key("network.loss", share(dice)),
        Trouble::Duplication => Part::key("network.duplication", share(dice)),
        Trouble::Reordering => {
            let key = |name: &str, value: String| (format!("network.{name}"), value);
            let longest = quoted(ms(dice.pick(&[20, 100, 1_000])));
            Part::Keys(vec![
                key("reordering", share(dice).to_owned()),
                key("reordering_delay", longest),
            ])
        }
        Trouble::OneWayLoss => {
            let direction = dice.pick(&["outgoing", "incoming"]);
            let share = dice.pick(&["0.2", "0.5", "1.0"]);
            fault(scene, &format!("kind=\"loss\",share={share},direction=\"{direction}\""), dice)
        }
        Trouble::Partition => {
            let direction =
                dice.pick(&["", "", ",direction=\"outgoing\"", ",direction=\"incoming\""]);
            fault(scene, &format!("kind=\"partition\"{direction}"), dice)
        }
        Trouble::Crash => fault(scene, "kind=\"crash\",keep_state=true", dice),
        Trouble::Churn => {
            let session = quoted(Span(scene.until.0 / dice.pick(&[2, 4, 8])));
            let downtime = quoted(Span(scene.until.0 / dice.pick(&[8, 16, 40])));
            let share = dice.pick(&["0.3", "0.6", "1.0"]);
            let kind = dice.pick(&["exponential", "weibull"]);
            let keys =
                format!("kind=\"{kind}\",session={session},downtime={downtime},share={share}");
            Part::key("churn", format!("{{{keys}}}"))
        }
    };
    drawn.parts.push(part);
    drawn.count += 1;
}

/// An entry of the timeline that heals in the first three quarters; some come and go.
fn fault(scene: &Scene<'_>, keys: &str, dice: &mut Dice) -> Part {
    let eighth = (scene.until.0 / 8).max(1);
    let at = eighth * dice.below(4) + dice.below(eighth);
    let heal = at + 1 + eighth / 2 * dice.within(1, 4);
    let (at, heal) = (at / 1_000_000 * 1_000_000, heal.div_ceil(1_000_000) * 1_000_000);
    let mut keys = format!("at={},heal={},{keys}", quoted(Span(at)), quoted(Span(heal)));
    if dice.one_in(3) {
        let every = (heal - at) / 3;
        keys += &format!(
            ",every={},on={}",
            quoted(Span(every.max(2))),
            quoted(Span((every / 2).max(1)))
        );
    }
    let count = match dice.below(3) {
        0 => 1,
        1 => most_faulty(scene.nodes),
        // A partition of halves, or a crash of most.
        _ => dice.within(1, u64::from(scene.nodes.saturating_sub(1).max(1))) as u32,
    };
    Part::Fault { keys, nodes: dice.some(count, scene.nodes) }
}

/// An adversary: of the protocol's own in half of the draws, if it has any.
fn adversary(scene: &Scene<'_>, dice: &mut Dice, drawn: &mut Troubles) -> Part {
    let Scene { entry, nodes, until } = *scene;
    let held = faulty(dice, nodes);
    let kinds = entry.protocol.adversaries;
    if !kinds.is_empty() && dice.one_in(2) {
        let kind = &kinds[dice.below(kinds.len() as u64) as usize];
        let mut keys = format!("kind=\"{}\"", kind.name);
        for of in kind.parameters {
            let value = vary::of_adversary(dice, (of.name, of.kind, of.default), (held, nodes));
            keys.extend(value.map(|value| format!(",{}={value}", of.name)));
        }
        return Part::key("adversary", format!("{{{keys}}}"));
    }
    let mut generic =
        vec!["twins", "twins", "withhold", "delay", "replay", "corrupt", "duplicate", "silent"];
    if entry.protocol.can_equivocate {
        generic.extend(["equivocate"; 3]);
    }
    let kind = dice.pick(&generic);
    let mut keys = format!("kind=\"{kind}\"");
    match kind {
        "delay" => {
            keys += &format!(",by={}", quoted(ms(dice.pick(&[10, 90, 500, 3_000]))));
        }
        "withhold" => {
            keys += &format!(",release={}", quoted(Span((until.0 / 8 * dice.within(1, 5)).max(1))));
        }
        _ => {}
    }
    if !matches!(kind, "twins" | "withhold") {
        let probability = dice.pick(&["", "", ",probability=0.5", ",probability=0.1"]);
        keys += probability;
        let messages = entry.protocol.kinds;
        if messages.len() > 1 && dice.one_in(3) {
            let some = dice.some(dice_count(messages.len()), messages.len() as u32);
            let names: Vec<String> =
                some.iter().map(|at| format!("\"{}\"", messages[*at as usize])).collect();
            keys += &format!(",kinds=[{}]", names.join(","));
        }
    }
    drawn.held = Some((held as usize, held == most_faulty(nodes)));
    Part::Adversary { kind, keys, nodes: dice.some(held, nodes) }
}

/// Selective: half of the kinds of messages.
fn dice_count(kinds: usize) -> u32 {
    (kinds as u32).div_ceil(2)
}

/// Who decides over delays, within what the timing model allows.
fn schedule(scene: &Scene<'_>, is_held: bool, dice: &mut Dice) -> Part {
    let by = quoted(ms(dice.pick(&[5, 50, 500])));
    let kinds = if is_held { 4 } else { 2 };
    let keys = match dice.below(kinds) {
        0 => format!("kind=\"reorder\",by={by}"),
        1 => format!("kind=\"split\",heal={}", quoted(Span((scene.until.0 / 3).max(1)))),
        2 => format!("kind=\"delay-honest\",by={by}"),
        _ => format!("kind=\"favour-byzantine\",by={by}"),
    };
    Part::key("adversary.schedule", format!("{{{keys}}}"))
}
