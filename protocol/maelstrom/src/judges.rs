//! What must hold, judged from what clients say.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::history::{Operation, Step, Value};
use anthill_protocol::judge::{Breaches, Judge, Rule, RunEnd, Said as Heard, Setting};
use anthill_protocol::{Key, NodeId, Span, Time};

use crate::Maelstrom;
use crate::linear::{self, Verdict};
use crate::messages::{Call, Said};

/// More operations than these are not judged.
const MOST: usize = 1 << 20;

/// What must hold for what is to happen by the end.
const SOON: &str =
    "nobody lies or crashes, all messages arrive within measure.bound, and that is soon enough";

/// Whether messages arrive soon enough for all nodes to know within `settle` what one knows.
fn is_soon(maelstrom: &Maelstrom, setting: &Setting) -> bool {
    let Some(delta) = setting.delta.filter(|_| setting.stable_from == Time::ZERO) else {
        return false;
    };
    let step = match maelstrom.workload {
        "broadcast" => delta,
        _ => delta + maelstrom.repeat,
    };
    let steps = u64::from(maelstrom.overlay().diameter(maelstrom.nodes));
    step.0.saturating_mul(steps) <= maelstrom.settle.0 && delta * 2 < maelstrom.timeout
}

pub(crate) fn judges(maelstrom: &Maelstrom, setting: &Setting) -> Vec<Judge<Said>> {
    let honest = setting.held == 0;
    let calm = honest && !setting.crashes && !setting.loses_messages && is_soon(maelstrom, setting);
    let remembers = honest && !setting.loses_state;
    let answers = Judge::new("answers fit what was asked", Fits);
    let mut all = vec![answers.bound("nobody lies", honest)];
    match maelstrom.workload {
        "unique-ids" => {
            let ids = Judge::new("no id is given twice", Unique::default());
            all.push(ids.bound("no node forgets", remembers));
        }
        "broadcast" | "g-set" => {
            let foreign = Judge::new("no value out of nowhere", judge_foreign());
            all.push(foreign.bound("nobody lies", honest));
            let lost = Judge::new("no value is lost", Lost::new(maelstrom.settle));
            all.push(lost.bound(SOON, calm));
        }
        "pn-counter" | "g-counter" => {
            let sum = Judge::new("counters agree with what was added", Sum::default());
            all.push(sum.bound(SOON, calm));
        }
        "lin-kv" => {
            let linear = Judge::new("linearisable", Linear::default());
            all.push(linear.bound("no node forgets", remembers));
        }
        _ => {}
    }
    if matches!(maelstrom.workload, "broadcast" | "g-set" | "pn-counter" | "g-counter") {
        let read = Judge::new("every node answers at the end", judge_unread());
        all.push(read.bound(SOON, calm));
    }
    all
}

/// What an output means to a checker of histories.
pub(crate) fn operation(output: &Said) -> Option<Operation> {
    let (step, process, call) = match *output {
        Said::Asked { process, call } => (Step::Invoke, process, call),
        Said::Done { process, call } => (Step::Ok, process, call),
        Said::Refused { process, call } => (Step::Fail, process, call),
        Said::Unknown { process, call } => (Step::Info, process, call),
        _ => return None,
    };
    let is_done = step == Step::Ok;
    let result = |value: u64| is_done.then_some(value as i64).map_or(Value::Nil, Value::Number);
    let (function, value) = match call {
        Call::Echo { number } => ("echo", Value::Number(number.into())),
        Call::Generate { id } => ("generate", result(id)),
        Call::Broadcast { value } => ("broadcast", Value::Number(value as i64)),
        Call::Insert { value } => ("add", Value::Number(value as i64)),
        Call::ReadAll { count } => ("read", result(count.into())),
        Call::Add { delta } => ("add", Value::Number(delta as i64)),
        Call::Count { value } => ("read", result(value)),
        Call::Read { key, value } => {
            ("read", Value::Keyed(key.into(), value.map(|value| value as i64)))
        }
        Call::Write { key, value } => ("write", Value::Keyed(key.into(), Some(value as i64))),
        Call::Cas { key, from, to } => ("cas", Value::Swapped(key.into(), from as i64, to as i64)),
    };
    Some(Operation { process: process.into(), step, function, value })
}

/// No node answers with something that is no answer.
struct Fits;

impl Rule<Said> for Fits {
    fn hear(&mut self, said: &Heard<Said>, breaches: &mut Breaches) {
        if let Said::Wrong { server, .. } = said.output {
            breaches.output(said, &format!("what {server} answered is no answer to that"));
        }
    }
}

fn judge_foreign() -> impl Rule<Said> {
    Each(|output: &Said| match output {
        Said::Foreign { server, value } => {
            Some(format!("{server} holds {value}, which no client has"))
        }
        _ => None,
    })
}

fn judge_unread() -> impl Rule<Said> {
    Each(|output: &Said| match output {
        Said::Unread { server } => Some(format!("{server} does not answer")),
        _ => None,
    })
}

/// Every such output is a breach, for this reason.
struct Each<F>(F);

impl<F: FnMut(&Said) -> Option<String> + Send> Rule<Said> for Each<F> {
    fn hear(&mut self, said: &Heard<Said>, breaches: &mut Breaches) {
        if let Some(why) = (self.0)(&said.output) {
            breaches.output(said, &why);
        }
    }
}

fn judged(is_full: bool) -> Result<(), String> {
    if is_full { Err(format!("more than {MOST} operations")) } else { Ok(()) }
}

/// Ids by their hashes.
#[derive(Default)]
struct Unique {
    ids: BTreeMap<u64, Heard<Said>>,
    is_full: bool,
}

impl Rule<Said> for Unique {
    fn hear(&mut self, said: &Heard<Said>, breaches: &mut Breaches) {
        let Said::Done { call: Call::Generate { id }, .. } = said.output else { return };
        match self.ids.get(&id) {
            Some(first) => breaches.contradiction(first, said),
            None if self.ids.len() < MOST => {
                self.ids.insert(id, *said);
            }
            None => self.is_full = true,
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        judged(self.is_full)
    }
}

/// What was acknowledged long enough before a node is read is there.
struct Lost {
    settle: Span,
    /// By value.
    acknowledged: BTreeMap<u64, Time>,
    /// When the reading of a node began, and what it was found to hold.
    held: BTreeMap<NodeId, (Time, BTreeMap<u64, u64>)>,
    is_full: bool,
}

impl Lost {
    fn new(settle: Span) -> Self {
        Self { settle, acknowledged: BTreeMap::new(), held: BTreeMap::new(), is_full: false }
    }

    fn judge(&mut self, said: &Heard<Said>, server: NodeId, breaches: &mut Breaches) {
        let Some((begun, words)) = self.held.remove(&server) else { return };
        let has =
            |value: u64| words.get(&(value / 64)).is_some_and(|it| it >> (value % 64) & 1 == 1);
        let due = |at: Time| at + self.settle <= begun;
        let mut lost = self.acknowledged.iter().filter(|(value, at)| due(**at) && !has(**value));
        if let Some((value, at)) = lost.next() {
            let more = match lost.count() {
                0 => String::new(),
                more => format!(", nor {more} others"),
            };
            let why = format!("{server} does not hold {value}, acknowledged at {at}{more}");
            breaches.output(said, &why);
        }
    }
}

impl Rule<Said> for Lost {
    fn hear(&mut self, said: &Heard<Said>, breaches: &mut Breaches) {
        match said.output {
            Said::Done { call: Call::Broadcast { value } | Call::Insert { value }, .. } => {
                if self.acknowledged.len() < MOST {
                    self.acknowledged.insert(value, said.at.time);
                } else {
                    self.is_full = true;
                }
            }
            Said::Reading { server } => {
                self.held.insert(server, (said.at.time, BTreeMap::new()));
            }
            Said::Holds { server, first, bits } => {
                if let Some((_, words)) = self.held.get_mut(&server) {
                    words.insert(first / 64, bits);
                }
            }
            Said::Read { server, .. } => self.judge(said, server, breaches),
            _ => {}
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        judged(self.is_full)
    }
}

/// Counters count what was acknowledged, and any part of what nobody knows.
#[derive(Default)]
struct Sum {
    known: i64,
    /// The least and the most that unknown additions make.
    unknown: (i64, i64),
    /// Additions by process that were not answered yet.
    open: BTreeMap<u32, i64>,
    read: Vec<(Heard<Said>, NodeId, i64)>,
}

impl Sum {
    fn may_have_happened(&mut self, delta: i64) {
        let (least, most) = &mut self.unknown;
        *(if delta < 0 { least } else { most }) += delta;
    }
}

impl Rule<Said> for Sum {
    fn hear(&mut self, said: &Heard<Said>, _: &mut Breaches) {
        match said.output {
            Said::Asked { process, call: Call::Add { delta } } => {
                self.open.insert(process, delta as i64);
            }
            Said::Done { process, call: Call::Add { .. } } => {
                self.known += self.open.remove(&process).unwrap_or(0);
            }
            Said::Refused { process, call: Call::Add { .. } } => {
                self.open.remove(&process);
            }
            Said::Unknown { process, call: Call::Add { .. } } => {
                let delta = self.open.remove(&process).unwrap_or(0);
                self.may_have_happened(delta);
            }
            Said::Read { server, total } if self.read.len() < MOST => {
                self.read.push((*said, server, total as i64));
            }
            _ => {}
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        for delta in core::mem::take(&mut self.open).into_values() {
            self.may_have_happened(delta);
        }
        let (least, most) = (self.known + self.unknown.0, self.known + self.unknown.1);
        for (said, server, value) in &self.read {
            if !(least..=most).contains(value) {
                let why =
                    format!("{server} counts {value}; what was added makes {least} to {most}");
                breaches.output(said, &why);
            }
        }
        judged(self.read.len() >= MOST)
    }
}

/// Every key's history is linearisable.
#[derive(Default)]
struct Linear {
    /// By process: when it began what.
    open: BTreeMap<u32, (Key, Call)>,
    keys: BTreeMap<u32, Vec<linear::Operation>>,
    count: usize,
}

/// Key and step of an operation on a register.
fn register(call: Call) -> Option<(u32, linear::Step)> {
    Some(match call {
        Call::Read { key, value } => (key, linear::Step::Read(value)),
        Call::Write { key, value } => (key, linear::Step::Write(value)),
        Call::Cas { key, from, to } => (key, linear::Step::Cas(from, to)),
        _ => return None,
    })
}

impl Linear {
    fn note(&mut self, begun: Time, ended: Option<Time>, call: Call) {
        // Nobody knows what a read without an answer has found.
        let is_lost = ended.is_none() && matches!(call, Call::Read { .. });
        let Some((key, step)) = register(call).filter(|_| !is_lost) else { return };
        self.count += 1;
        if self.count <= MOST {
            self.keys.entry(key).or_default().push(linear::Operation { begun, ended, step });
        }
    }
}

impl Rule<Said> for Linear {
    fn hear(&mut self, said: &Heard<Said>, _: &mut Breaches) {
        match said.output {
            Said::Asked { process, call } => {
                self.open.insert(process, (said.at, call));
            }
            Said::Done { process, call } => {
                if let Some((begun, _)) = self.open.remove(&process) {
                    self.note(begun.time, Some(said.at.time), call);
                }
            }
            Said::Refused { process, .. } => {
                self.open.remove(&process);
            }
            Said::Unknown { process, .. } => {
                if let Some((begun, call)) = self.open.remove(&process) {
                    self.note(begun.time, None, call);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, _: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        for (begun, call) in core::mem::take(&mut self.open).into_values() {
            self.note(begun.time, None, call);
        }
        judged(self.count > MOST)?;
        let mut unknown = BTreeSet::new();
        for (key, history) in &self.keys {
            match linear::check(history) {
                Verdict::Linearisable => {}
                Verdict::Not { placed, stuck } => {
                    breaches.missing(not_linear(*key, history, placed, stuck))
                }
                Verdict::Unknown => {
                    unknown.insert(*key);
                }
            }
        }
        match unknown.first() {
            None => Ok(()),
            Some(key) => Err(format!(
                "the operations of {} keys, {key} among them, have too many orders",
                unknown.len()
            )),
        }
    }
}

fn not_linear(key: u32, history: &[linear::Operation], placed: usize, stuck: usize) -> String {
    let linear::Operation { begun, ended, step } = history[stuck];
    let ended = ended.map_or_else(|| "never".to_owned(), |ended| ended.to_string());
    format!(
        "key {key}: no order of its {} operations explains their results; at most {placed} have one, without \
         {step:?}, begun at {begun}, answered at {ended}",
        history.len()
    )
}
