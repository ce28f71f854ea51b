//! A client: in each of its sessions one request after the other, each until f + 1 replicas give the same result
//! (OSDI 1999, section 4.1).
//!
//! The paper's client has one request open, so that replicas remember one timestamp for it. One with several keeps
//! as many sessions: a session is to replicas what a client is to the paper.

use anthill_protocol::kit::{Deadline, Tick};
use anthill_protocol::{Context, NodeId, Shared, Snapshot, Time};

use crate::bodies::{Kind, PbftBody, Request, statement};
use crate::messages::{PbftMessage, PbftMetric, PbftOutput, Timer};
use crate::protocol::Pbft;
use crate::tally::Tally;

/// A client.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Client {
    number: u32,
    lanes: Vec<Lane>,
    /// The view that the last replies were from.
    view: u32,
    /// When the request that has waited longest is asked for again.
    alarm: Deadline,
}

/// A client's side of a session.
#[derive(Clone, Debug, Default, Snapshot)]
struct Lane {
    /// Its last request, when it asked first and last, and the request itself until it is answered: retained.
    t: u32,
    asked: Time,
    asked_last: Time,
    open: Option<Shared>,
    replies: Tally,
}

impl Client {
    pub fn start(pbft: &Pbft, number: u32, cx: &mut impl Context<Pbft>) -> Self {
        let mut client = Self { number, ..Self::default() };
        if number < pbft.clients {
            client.lanes.resize_with(pbft.outstanding as usize, Lane::default);
            (0..pbft.outstanding).for_each(|slot| client.next(slot, pbft, cx));
            client.watch(pbft, cx);
        }
        client
    }

    /// The view of its last replies, and the number of its last request.
    pub fn seen(&self) -> (u32, u32) {
        (self.view, self.lanes.iter().map(|lane| lane.t).max().unwrap_or(0))
    }

    /// A client that forgets its timestamps asks with old ones, and gets no answers to those.
    pub fn restart(&mut self, pbft: &Pbft, keep_state: bool, cx: &mut impl Context<Pbft>) {
        if !keep_state {
            self.lanes.iter_mut().filter_map(|lane| lane.open.take()).for_each(|it| cx.release(it));
            *self = Self::start(pbft, self.number, cx);
            return;
        }
        self.alarm = Deadline::default();
        for lane in &mut self.lanes {
            lane.ask_all(pbft, cx);
        }
        self.watch(pbft, cx);
    }

    /// Asks the primary for the next thing in a session, if there is one.
    fn next(&mut self, slot: u32, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        let lane = &mut self.lanes[slot as usize];
        let made = lane.t.div_ceil(pbft.outstanding);
        if made >= pbft.share_of(self.number * pbft.outstanding + slot) || pbft.n == 0 {
            return;
        }
        let (client, t, signer) = (self.number, made * pbft.outstanding + slot + 1, cx.id());
        let operation = u64::from(client) << 32 | u64::from(t);
        let words = [u64::from(client), u64::from(t), operation];
        let digest = statement(cx.scenario(), Kind::Request, words);
        let signature = cx.sign(&digest);
        let body = cx.share(PbftBody::Request(Request { client, t, operation, signer, signature }));
        cx.retain(body);
        (lane.t, lane.asked, lane.asked_last, lane.open) = (t, cx.now(), cx.now(), Some(body));
        cx.output(PbftOutput::Asked { client, t });
        cx.send(NodeId(pbft.primary(self.view)), PbftMessage::Request(body));
    }

    /// Sets the alarm for the request that was asked for longest ago.
    fn watch(&mut self, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        let open = self.lanes.iter().filter(|lane| lane.open.is_some());
        let Some(first) = open.map(|lane| lane.asked_last).min() else {
            self.alarm.cancel();
            return;
        };
        let due = first + pbft.view_timeout;
        if self.alarm.due() != Some(due) {
            self.alarm.reset(cx, due.since(cx.now()), Timer::Alarm);
        }
    }

    /// Asks all replicas for what has waited too long: the primary may be silent, or another one.
    pub fn on_alarm(&mut self, pbft: &Pbft, tick: Tick, cx: &mut impl Context<Pbft>) {
        if !self.alarm.fires(cx, tick, Timer::Alarm) {
            return;
        }
        let now = cx.now();
        for lane in &mut self.lanes {
            if lane.asked_last + pbft.view_timeout <= now {
                lane.ask_all(pbft, cx);
            }
        }
        self.watch(pbft, cx);
    }

    pub fn on_reply(
        &mut self,
        pbft: &Pbft,
        from: NodeId,
        (view, t, result): (u32, u32, u64),
        cx: &mut impl Context<Pbft>,
    ) {
        let slot = t.wrapping_sub(1) % pbft.outstanding;
        let Some(lane) = self.lanes.get_mut(slot as usize) else { return };
        if t != lane.t || lane.open.is_none() || from.0 >= pbft.n {
            return;
        }
        if lane.replies.add((from.0, pbft.n), result, None, cx) != Some(pbft.f + 1) {
            return;
        }
        lane.replies.forget(cx);
        lane.open.take().into_iter().for_each(|it| cx.release(it));
        self.view = view;
        let (client, asked) = (self.number, lane.asked);
        cx.record(PbftMetric::Committed, 1);
        cx.record(PbftMetric::Reply, cx.now().since(asked).0);
        cx.output(PbftOutput::Accepted { client, t, result });
        self.next(slot, pbft, cx);
        self.watch(pbft, cx);
    }
}

impl Lane {
    /// Asks all replicas again, if anything is open.
    fn ask_all(&mut self, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        let Some(body) = self.open else { return };
        cx.record(PbftMetric::Retries, 1);
        pbft.multicast(PbftMessage::Request(body), cx);
        self.asked_last = cx.now();
    }
}
