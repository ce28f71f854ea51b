//! A client: one request after the other, each until f + 1 replicas give the same result (OSDI 1999,
//! section 4.1).

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
    /// Its last request, when it asked first, and the request itself until it is answered: retained.
    t: u32,
    asked: Time,
    open: Option<Shared>,
    replies: Tally,
    /// The view that the last replies were from.
    view: u32,
    alarm: Deadline,
}

impl Client {
    pub fn start(pbft: &Pbft, number: u32, cx: &mut impl Context<Pbft>) -> Self {
        let mut client = Self { number, ..Self::default() };
        if number < pbft.clients {
            client.next(pbft, cx);
        }
        client
    }

    /// The view of its last replies, and the number of its last request.
    pub fn seen(&self) -> (u32, u32) {
        (self.view, self.t)
    }

    /// A client that forgets its timestamp asks with old ones, and gets no answers to those.
    pub fn restart(&mut self, pbft: &Pbft, keep_state: bool, cx: &mut impl Context<Pbft>) {
        if !keep_state {
            self.open.take().into_iter().for_each(|it| cx.release(it));
            *self = Self::start(pbft, self.number, cx);
            return;
        }
        self.alarm = Deadline::default();
        if self.open.is_some() {
            self.ask_all(pbft, cx);
        }
    }

    /// Asks the primary for the next thing, if there is one.
    fn next(&mut self, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        if self.t >= pbft.share_of(self.number) || pbft.n == 0 {
            return;
        }
        self.t += 1;
        self.asked = cx.now();
        let (client, t, signer) = (self.number, self.t, cx.id());
        let operation = u64::from(client) << 32 | u64::from(t);
        let words = [u64::from(client), u64::from(t), operation];
        let digest = statement(cx.scenario(), Kind::Request, words);
        let signature = cx.sign(&digest);
        let body = cx.share(PbftBody::Request(Request { client, t, operation, signer, signature }));
        cx.retain(body);
        self.open = Some(body);
        cx.output(PbftOutput::Asked { client, t });
        cx.send(NodeId(pbft.primary(self.view)), PbftMessage::Request(body));
        self.alarm.reset(cx, pbft.view_timeout, Timer::Alarm);
    }

    /// Asks all replicas: the primary may be silent, or another one.
    fn ask_all(&mut self, pbft: &Pbft, cx: &mut impl Context<Pbft>) {
        let Some(body) = self.open else { return };
        cx.record(PbftMetric::Retries, 1);
        pbft.multicast(PbftMessage::Request(body), cx);
        self.alarm.reset(cx, pbft.view_timeout, Timer::Alarm);
    }

    pub fn on_alarm(&mut self, pbft: &Pbft, tick: Tick, cx: &mut impl Context<Pbft>) {
        if self.alarm.fires(cx, tick, Timer::Alarm) {
            self.ask_all(pbft, cx);
        }
    }

    pub fn on_reply(
        &mut self,
        pbft: &Pbft,
        from: NodeId,
        (view, t, result): (u32, u32, u64),
        cx: &mut impl Context<Pbft>,
    ) {
        if t != self.t || self.open.is_none() || from.0 >= pbft.n {
            return;
        }
        if self.replies.add((from.0, pbft.n), result, None, cx) != Some(pbft.f + 1) {
            return;
        }
        self.replies.forget(cx);
        self.open.take().into_iter().for_each(|it| cx.release(it));
        self.view = view;
        self.alarm.cancel();
        let client = self.number;
        cx.record(PbftMetric::Committed, 1);
        cx.record(PbftMetric::Reply, cx.now().since(self.asked).0);
        cx.output(PbftOutput::Accepted { client, t, result });
        self.next(pbft, cx);
    }
}
