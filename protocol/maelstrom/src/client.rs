//! A client: one operation after the other, each with a node that it draws, and what comes back.
//!
//! Invariant: at most one operation is open. One that gets no answer ends as unknown, and the client goes on as a new
//! process, as Jepsen's do: an answer that comes later is nobody's.

use anthill_protocol::kit::Arrivals;
use anthill_protocol::{Context as _, NodeId, Snapshot, Span, Time, fingerprint_bytes};
use serde_json::{Value, json};

use crate::body::{Json, code};
use crate::messages::{Call, MaelstromMetric, Said, Timer};
use crate::names::Role;
use crate::reading::Reading;
use crate::{Cx, Maelstrom};

/// Deltas of counters are below this.
const MOST_DELTA: u64 = 5;

/// A client.
#[derive(Debug, Default, Snapshot)]
pub struct Client {
    place: u32,
    process: u32,
    /// Operations begun.
    made: u32,
    /// Messages sent: the number of the last.
    sent: u32,
    open: Option<(NodeId, u32, Call, Time)>,
    /// What it reads at the end; there once it has begun to.
    reading: Option<Reading>,
    is_done: bool,
}

/// What an answer says of an operation.
enum Ending {
    Done(Call),
    Refused,
    Unknown,
    Wrong,
}

impl Client {
    pub(crate) fn start(maelstrom: &Maelstrom, cx: &mut Cx<'_>) -> Self {
        let place = match maelstrom.cast().role(cx.id()) {
            Some(Role::Client(place)) => place,
            _ => 0,
        };
        if place == 0 && maelstrom.workload == "broadcast" {
            cx.set_timer(Span(maelstrom.start.0 / 2), Timer::Topology);
        }
        let client = Self { place, process: place, ..Self::default() };
        cx.set_timer(maelstrom.start, Timer::Next);
        client
    }

    /// Its timers died with it: what was open will not be answered in time.
    pub(crate) fn restart(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        if let Some((_, number, ..)) = self.open {
            self.give_up(maelstrom, number, cx);
        } else if self.reading.is_some() {
            cx.set_timer(maelstrom.timeout, Timer::Final);
        } else if !self.is_done {
            cx.set_timer(maelstrom.interval, Timer::Next);
        }
    }

    /// How many operations it is to make.
    fn share(&self, maelstrom: &Maelstrom) -> u32 {
        let rest = u32::from(self.place < maelstrom.operations % maelstrom.clients);
        maelstrom.operations / maelstrom.clients + rest
    }

    /// Whether nodes hold something at the end that is to be the same at all of them.
    fn reads_at_the_end(maelstrom: &Maelstrom) -> bool {
        matches!(maelstrom.workload, "broadcast" | "g-set" | "pn-counter" | "g-counter")
    }

    pub(crate) fn on_timer(&mut self, maelstrom: &Maelstrom, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Topology => self.tell_topology(maelstrom, cx),
            Timer::Next if self.open.is_none() => self.go_on(maelstrom, cx),
            Timer::Late(number) => self.give_up(maelstrom, number, cx),
            Timer::Final => self.read(maelstrom, cx),
            _ => {}
        }
    }

    /// The number of a message that it sends now.
    fn next_number(&mut self) -> u32 {
        self.sent += 1;
        self.sent
    }

    /// All neighbourhoods to all nodes; of more than a few nodes each its own alone, for each would hold all in memory.
    fn tell_topology(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        const MOST: u32 = 50;
        let (overlay, cast) = (maelstrom.overlay(), maelstrom.cast());
        let all = || overlay.told((0..cast.servers).map(NodeId), cast);
        let whole = (cast.servers <= MOST && maelstrom.overlay != "total").then(all);
        for node in (0..cast.servers).map(NodeId) {
            let near = || overlay.told(core::iter::once(node), cast);
            let topology = whole.clone().unwrap_or_else(near);
            let number = self.next_number();
            let body = json!({"type": "topology", "topology": topology, "msg_id": number});
            maelstrom.answer(node, Json::new(body), cx);
        }
    }

    /// The next operation, or what comes after the last.
    fn go_on(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        if self.is_done || self.reading.is_some() {
            return;
        }
        if self.made < self.share(maelstrom) {
            return self.begin(maelstrom, cx);
        }
        if Self::reads_at_the_end(maelstrom) {
            self.reading = Some(Reading::of(maelstrom, self.place));
            cx.set_timer(maelstrom.settle, Timer::Final);
        } else {
            self.finish(cx);
        }
    }

    fn begin(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        let call = self.draw(maelstrom, cx);
        self.made += 1;
        let to = NodeId(cx.random_below(maelstrom.contacts().into()) as u32);
        let number = self.next_number();
        self.open = Some((to, number, call, cx.now()));
        cx.record(MaelstromMetric::Operations, 1);
        cx.output(Said::Asked { process: self.process, call });
        maelstrom.answer(to, Json::new(request(call, number)), cx);
        cx.set_timer(maelstrom.timeout, Timer::Late(number));
    }

    /// What it does next.
    fn draw(&self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) -> Call {
        // No two clients have a value in common.
        let value = u64::from(self.made) * u64::from(maelstrom.clients) + u64::from(self.place);
        let reads = cx.random_below(4) == 0;
        match maelstrom.workload {
            "echo" => Call::Echo { number: value as u32 },
            "unique-ids" => Call::Generate { id: 0 },
            "broadcast" | "g-set" if reads => Call::ReadAll { count: 0 },
            "broadcast" => Call::Broadcast { value },
            "g-set" => Call::Insert { value },
            "pn-counter" | "g-counter" if reads => Call::Count { value: 0 },
            "g-counter" => Call::Add { delta: cx.random_below(MOST_DELTA) },
            "pn-counter" => {
                let drawn = cx.random_below(2 * MOST_DELTA - 1);
                Call::Add { delta: drawn.wrapping_sub(MOST_DELTA - 1) }
            }
            _ => {
                let key = cx.random_below(maelstrom.keys.into()) as u32;
                let few = maelstrom.values.into();
                if few == 0 {
                    return match cx.random_below(2) {
                        0 => Call::Write { key, value },
                        _ => Call::Read { key, value: None },
                    };
                }
                let (from, to) = (cx.random_below(few), cx.random_below(few));
                match cx.random_below(4) {
                    0 => Call::Write { key, value: to },
                    1 => Call::Cas { key, from, to },
                    _ => Call::Read { key, value: None },
                }
            }
        }
    }

    pub(crate) fn on_json(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) {
        let number = json.number("in_reply_to");
        if json.kind() == "topology_ok" {
            return;
        }
        // Whoever was asked may have passed it on.
        let open = self.open.filter(|(_, sent, ..)| number == Some((*sent).into()));
        if let Some((_, _, call, since)) = open {
            self.open = None;
            self.end(from, call, since, ending(call, json), cx);
            self.await_next(maelstrom, cx);
            return;
        }
        let reading = self.reading.as_mut();
        match reading.is_some_and(|reading| reading.hear(maelstrom, from, json, cx)) {
            true => self.end_reading(cx),
            false => cx.record(MaelstromMetric::Unexpected, 1),
        }
    }

    fn end(&mut self, server: NodeId, call: Call, since: Time, ending: Ending, cx: &mut Cx<'_>) {
        let process = self.process;
        match ending {
            Ending::Done(call) => {
                cx.record(MaelstromMetric::Done, 1);
                cx.record(MaelstromMetric::Answer, cx.now().since(since).0);
                cx.output(Said::Done { process, call });
            }
            Ending::Refused => {
                cx.record(MaelstromMetric::Refused, 1);
                cx.output(Said::Refused { process, call });
            }
            Ending::Unknown => self.unknown(call, cx),
            Ending::Wrong => {
                cx.record(MaelstromMetric::Wrong, 1);
                cx.output(Said::Wrong { server, call });
                self.unknown(call, cx);
            }
        }
    }

    /// Nobody knows how it ended: the client goes on as another process.
    fn unknown(&mut self, call: Call, cx: &mut Cx<'_>) {
        cx.record(MaelstromMetric::Unknown, 1);
        cx.output(Said::Unknown { process: self.process, call });
        // Processes of one client are as far apart as there may be clients.
        self.process = self.process.wrapping_add(1_000);
    }

    /// No answer has come in time.
    fn give_up(&mut self, maelstrom: &Maelstrom, number: u32, cx: &mut Cx<'_>) {
        let Some((_, _, call, _)) = self.open.filter(|open| open.1 == number) else { return };
        self.open = None;
        self.unknown(call, cx);
        self.await_next(maelstrom, cx);
    }

    fn await_next(&self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        let drawn = cx.random();
        cx.set_timer(Arrivals::poisson(maelstrom.interval).next(cx.now(), drawn), Timer::Next);
    }

    /// Asks the nodes that have not told yet what they hold.
    fn read(&mut self, maelstrom: &Maelstrom, cx: &mut Cx<'_>) {
        let Some(reading) = &mut self.reading else { return };
        reading.ask(maelstrom, &mut self.sent, cx);
        if !reading.is_over() {
            cx.set_timer(maelstrom.timeout, Timer::Final);
        }
        self.end_reading(cx);
    }

    fn end_reading(&mut self, cx: &mut Cx<'_>) {
        if self.reading.as_ref().is_some_and(Reading::is_over) {
            self.finish(cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        if !core::mem::replace(&mut self.is_done, true) {
            cx.record(MaelstromMetric::ClientsDone, 1);
        }
    }
}

fn request(call: Call, number: u32) -> Value {
    let mut body = match call {
        Call::Echo { number } => json!({"type": "echo", "echo": echo(number)}),
        Call::Generate { .. } => json!({"type": "generate"}),
        Call::Broadcast { value } => json!({"type": "broadcast", "message": value}),
        Call::Insert { value } => json!({"type": "add", "element": value}),
        Call::ReadAll { .. } | Call::Count { .. } => json!({"type": "read"}),
        Call::Add { delta } => json!({"type": "add", "delta": delta as i64}),
        Call::Read { key, .. } => json!({"type": "read", "key": key}),
        Call::Write { key, value } => json!({"type": "write", "key": key, "value": value}),
        Call::Cas { key, from, to } => json!({"type": "cas", "key": key, "from": from, "to": to}),
    };
    body["msg_id"] = number.into();
    body
}

fn echo(number: u32) -> String {
    format!("Please echo {number}")
}

/// How an operation ends by this answer.
fn ending(call: Call, json: &Json) -> Ending {
    if json.kind() == "error" {
        let code = json.number("code").and_then(|code| u32::try_from(code).ok());
        return match (code, call) {
            // A key that does not exist has no value: that is what was found.
            (Some(code::NO_SUCH_KEY), Call::Read { .. }) => Ending::Done(call),
            // Maelstrom's definite errors.
            (Some(1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30), _) => Ending::Refused,
            _ => Ending::Unknown,
        };
    }
    let done = match (call, json.kind()) {
        (Call::Echo { number }, "echo_ok") => {
            let is_it = json.get("echo").and_then(Value::as_str) == Some(&echo(number));
            is_it.then_some(call)
        }
        (Call::Generate { .. }, "generate_ok") => {
            let id = json.get("id").filter(|id| !id.is_null());
            id.map(|id| Call::Generate { id: fingerprint_bytes(id.to_string().as_bytes()) })
        }
        (Call::Broadcast { .. }, "broadcast_ok")
        | (Call::Insert { .. } | Call::Add { .. }, "add_ok")
        | (Call::Write { .. }, "write_ok")
        | (Call::Cas { .. }, "cas_ok") => Some(call),
        (Call::ReadAll { .. }, "read_ok") => {
            let list = json.get("messages").or_else(|| json.get("value")).and_then(Value::as_array);
            list.map(|list| Call::ReadAll { count: list.len() as u32 })
        }
        (Call::Count { .. }, "read_ok") => {
            json.number("value").map(|value| Call::Count { value: value as u64 })
        }
        (Call::Read { key, .. }, "read_ok") => match json.get("value") {
            Some(Value::Null) => Some(Call::Read { key, value: None }),
            _ => json.number("value").map(|it| Call::Read { key, value: Some(it as u64) }),
        },
        _ => None,
    };
    done.map_or(Ending::Wrong, Ending::Done)
}
