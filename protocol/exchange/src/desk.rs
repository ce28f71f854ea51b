//! Requests of a node to venues: numbered, signed, asked again, and answered by f + 1 replicas alike.

use anthill_market::{Cash, Command, Lots};
use anthill_protocol::kit::{Deadline, Erased, Tick};
use anthill_protocol::{Context, NodeId, Shared, Signature, Snapshot, Time};

use crate::body::{Asks, ExchangeBody, Signed, SignedBody};
use crate::exchange::Exchange;
use crate::messages::{ExchangeMessage, ExchangeMetric, Says, Timer};
use crate::session::WINDOW;

/// So many requests may be open at one venue: fewer than a chain remembers.
const MOST_OPEN: usize = WINDOW as usize / 2;

/// A request without an answer.
#[derive(Clone, Debug, Snapshot)]
struct Asked {
    venue: u32,
    request: u32,
    made: Time,
    /// Retained.
    body: Shared,
    /// Who has answered, and what.
    answers: Vec<(NodeId, Reply)>,
}

/// What a venue has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Reply {
    pub(crate) code: u8,
    filled: u64,
    cash: u64,
}

impl Reply {
    pub(crate) fn is_accepted(&self) -> bool {
        self.code == 0
    }

    pub(crate) fn filled(&self) -> Lots {
        self.filled as Lots
    }

    pub(crate) fn cash(&self) -> Cash {
        Cash::from(self.cash as i64)
    }
}

/// All requests of a node.
#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Desk {
    /// By venue: how many were made.
    made: Vec<u32>,
    open: Vec<Asked>,
    again: Deadline,
}

impl Desk {
    pub(crate) fn new(venues: u32) -> Self {
        Self { made: vec![0; venues as usize], ..Self::default() }
    }

    /// Whether one more request may be made.
    pub(crate) fn has_room(&self, venue: u32) -> bool {
        self.open.iter().filter(|it| it.venue == venue).count() < MOST_OPEN
    }

    /// How many requests were made.
    pub(crate) fn made(&self) -> u32 {
        self.made.iter().sum()
    }

    /// How many requests are open.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// The number of the next request to a venue.
    pub(crate) fn next(&self, venue: u32) -> u32 {
        self.made.get(venue as usize).map_or(1, |made| made + 1)
    }

    /// Makes a request: signs it and tells all replicas of the venue. Its number.
    pub(crate) fn ask(
        &mut self,
        exchange: &Exchange,
        (venue, other): (u32, u32),
        command: Command,
        cx: &mut Erased<'_, Exchange>,
    ) -> u32 {
        self.ask_for(exchange, venue, Asks::Plain { command, other }, cx)
    }

    /// The same, of any kind of request.
    pub(crate) fn ask_for(
        &mut self,
        exchange: &Exchange,
        venue: u32,
        asks: Asks,
        cx: &mut Erased<'_, Exchange>,
    ) -> u32 {
        let request = self.next(venue);
        if let Some(made) = self.made.get_mut(venue as usize) {
            *made = request;
        }
        let (chain, signer, signature) = (venue, cx.id(), Signature([0; 64]));
        let mut signed = Signed { chain, signer, request, asks, signature };
        let digest = signed.digest(cx.scenario());
        signed.signature = cx.sign(&digest);
        let body = cx.share(ExchangeBody::Signed(Box::new(SignedBody(signed))));
        cx.retain(body);
        let made = cx.now();
        self.open.push(Asked { venue, request, made, body, answers: Vec::new() });
        cx.output(Says::Asked { venue, request });
        self.send(exchange, venue, body, cx);
        if self.again.due().is_none() {
            self.again.reset(cx, exchange.retry(), Timer::Again);
        }
        request
    }

    fn send(
        &self,
        exchange: &Exchange,
        venue: u32,
        request: Shared,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let replicas = exchange.terrain.layout.part(venue).nodes();
        replicas.for_each(|to| cx.send(to, ExchangeMessage::Submit { request }));
    }

    /// Asks again for what has waited for long.
    pub(crate) fn on_again(
        &mut self,
        exchange: &Exchange,
        tick: Tick,
        cx: &mut Erased<'_, Exchange>,
    ) {
        if !self.again.fires(cx, tick, Timer::Again) || self.open.is_empty() {
            return;
        }
        let (now, retry) = (cx.now(), exchange.retry());
        let late: Vec<(u32, Shared)> = self
            .open
            .iter()
            .filter(|it| now.since(it.made) >= retry)
            .map(|it| (it.venue, it.body))
            .collect();
        for (venue, body) in late {
            cx.record(ExchangeMetric::Retries, 1);
            self.send(exchange, venue, body, cx);
        }
        self.again.reset(cx, retry, Timer::Again);
    }

    /// Comes up again after a crash; its keys and open requests are on disk.
    pub(crate) fn restart(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        self.again = Deadline::default();
        if !self.open.is_empty() {
            self.again.reset(cx, exchange.retry(), Timer::Again);
        }
    }

    /// A replica answers; what f + 1 of them say of a request that was open.
    pub(crate) fn on_answer(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        (venue, request): (u32, u32),
        (code, filled, cash): (u8, u64, u64),
        cx: &mut Erased<'_, Exchange>,
    ) -> Option<Reply> {
        let layout = &exchange.terrain.layout;
        if !layout.is_venue(venue) || layout.part(venue).inner(from).is_none() {
            return None;
        }
        let place = self.open.iter().position(|it| it.venue == venue && it.request == request)?;
        let asked = &mut self.open[place];
        if asked.answers.iter().any(|(by, _)| *by == from) {
            return None;
        }
        let reply = Reply { code, filled, cash };
        asked.answers.push((from, reply));
        let same = asked.answers.iter().filter(|(_, it)| *it == reply).count();
        if same <= exchange.faults() as usize {
            return None;
        }
        let asked = self.open.remove(place);
        cx.release(asked.body);
        cx.record(ExchangeMetric::Answered, 1);
        cx.record(ExchangeMetric::OrderFinal, cx.now().since(asked.made).0);
        cx.output(Says::Answered { venue, request, code, filled, cash });
        Some(reply)
    }
}
