//! `[cpu]`: what handlers cost in virtual time.

use anthill_protocol::Span;

use super::excerpt::shorten;
use super::keys_conditions::COST;
use super::nearest::suggestion;
use super::plain;
use super::reader::Section;
use crate::conditions::CpuSpec;

/// Cost of receiving a message, unless the scenario says otherwise; here and below. Measured: CPU time
/// of UDP and TCP over loopback in the mean, to two digits, on an AMD EPYC (Linux 6.18, 2 shared
/// cores), 21 November 2026, by `cargo run --release --example message_cost -p anthill-bench`.
pub(crate) const RECEIVE: Span = Span(550);
/// Cost of sending a message.
pub(crate) const SEND: Span = Span(2_900);
/// Cost of a timer.
pub(crate) const TIMER: Span = Span(90);
/// Cost of each KiB of a message.
pub(crate) const KIB: Span = Span(46);

/// Cost of making an ed25519 signature. Measured on the same machine by
/// `cargo run --release --example signatures -p anthill-bench`: ed25519-dalek 3, one at a time, as
/// a node does it, whatever backend the host uses.
pub(crate) const SIGN: Span = Span(14_000);
/// Cost of checking one, likewise.
pub(crate) const VERIFY: Span = Span(30_000);

/// Reads the section; the outer `None` only beside a finding, the inner one if handlers are free.
/// `kinds`: the protocol's kinds of messages, if it is known.
pub(super) fn read_cpu(
    mut cpu: Section<'_, '_>,
    kinds: Option<&[&str]>,
) -> Option<Option<CpuSpec>> {
    if cpu.is_absent() {
        return Some(None);
    }
    let model = match (cpu.has("model"), cpu.has("scale")) {
        (true, _) => cpu.choice("model")?,
        (false, true) => "scaled",
        (false, false) => "table",
    };
    if model == "off" {
        cpu.finish_switched_off();
        return Some(None);
    }
    let scale = match model {
        "scaled" => {
            cpu.require("scale", "2.0");
            cpu.number("scale")
        }
        _ => Some(1.0),
    };
    let cores = cpu.count32("cores");
    let mut cost = |name, default| match cpu.has(name) {
        true => cpu.span(name),
        false => Some(default),
    };
    let (receive, send) = (cost("receive", RECEIVE), cost("send", SEND));
    let (timer, kib) = (cost("timer", TIMER), cost("kib", KIB));
    let (sign, verify) = (cost("sign", SIGN), cost("verify", VERIFY));
    let by_kind = read_kinds(&mut cpu, kinds);
    let valid = cpu.is_table();
    cpu.finish(&format!("with cpu.model = \"{model}\""));
    valid.then_some(Some(CpuSpec {
        cores: cores?,
        scale: scale?,
        receive: receive?,
        send: send?,
        timer: timer?,
        kib: kib?,
        sign: sign?,
        verify: verify?,
        kinds: by_kind?,
    }))
}

fn read_kinds(cpu: &mut Section<'_, '_>, known: Option<&[&str]>) -> Option<Vec<(String, Span)>> {
    if !cpu.has("kinds") {
        return Some(Vec::new());
    }
    let table = cpu.table("kinds")?;
    let mut kinds = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let cost = match kind_problem(cpu, name, known) {
            Some(problem) => Err(problem),
            None => plain::span_within(&COST, &entry.item.data),
        };
        match cost {
            Ok(cost) => kinds.push((name.clone(), cost)),
            Err(problem) => cpu.wrong_inside("kinds", name, &entry.item, problem),
        }
    }
    (kinds.len() == table.len()).then_some(kinds)
}

/// What is wrong with the name of a kind of messages, if anything.
pub(super) fn kind_problem(
    section: &Section<'_, '_>,
    name: &str,
    known: Option<&[&str]>,
) -> Option<String> {
    let known = known?;
    if known.contains(&name) {
        return None;
    }
    let name = shorten(name);
    let hint = if section.is_full() { String::new() } else { suggestion(&name, known) };
    Some(format!("the protocol has no messages of kind `{name}`; {hint}"))
}
