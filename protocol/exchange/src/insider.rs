//! A proposer that uses its turn: it sees what others ask for before it decides on the order of a block, and
//! has an account of its own.
//!
//! What a block gains it is counted against the same block in its order of arrival and without its own
//! requests: both are executed on the same state, so the comparison is exact. What it holds afterwards counts
//! at the middle of the book that the honest block leaves.

use anthill_market::{Command, Force, Kind, Lots, Order, OrderId, Side, Ticks};
use anthill_protocol::kit::Erased;
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Value, Values};
use anthill_protocol::{Bodies as _, Context, NodeId, Shared, Signature};

use crate::body::{Asks, Block, ExchangeBody, Signed, SignedBody};
use crate::chain::Chain;
use crate::exchange::Exchange;
use crate::layout::Role;
use crate::messages::ExchangeMetric;
use crate::state::{Outcome, State, Step};

/// What an insider does with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// It trades before the largest order that will move the price, in the same direction.
    Front,
    /// That, and back after it.
    Sandwich,
    /// It offers again, at a better price for itself, what that order has taken.
    Back,
    /// It leaves out what takes orders away that others might trade with.
    Censor,
    /// It decides last: it knows what the whole block will do, and trades at its end if that pays.
    LastLook,
    /// No proposer but makers, whose reports are too high.
    Lie,
}

/// An adversary, and how many replicas or makers of each venue it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Insiders {
    pub(crate) scheme: Scheme,
    /// 0 until it is fitted: f.
    pub(crate) count: u32,
    /// By how many ticks makers that lie are off.
    off: Ticks,
}

const COUNT: Parameter = Parameter::count(
    "count",
    u32::MAX as u64,
    "replicas of each venue that it holds, from the first on; 0: the f that are tolerated",
);

const LIARS: Parameter = Parameter::count(
    "count",
    1_000,
    "makers of each venue that it holds, from the first on; 0: fewer than a third of them, but one at least",
);
const OFF: Parameter = Parameter {
    name: "off",
    kind: anthill_protocol::parameter::Kind::Count { min: 1, max: 1_000_000_000 },
    default: Value::Count(100_000),
    about: "by how many ticks their reports are too high",
};

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "front-runner",
        about: "proposers that trade before the largest order of a block, in the same direction",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "sandwich",
        about: "proposers that trade before that order, and back after it",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "back-runner",
        about: "proposers that offer again what that order has taken, right after it",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "censor",
        about: "proposers that leave out cancellations, so that others trade with what should have gone",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "last-look",
        about: "proposers that see what a block will do, and trade at its end if that pays",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "oracle-liar",
        about: "makers that report a price too high, with the greatest size and confidence",
        parameters: &[LIARS, OFF],
    },
];

impl Insiders {
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let scheme = match values.adversary()? {
            "front-runner" => Scheme::Front,
            "sandwich" => Scheme::Sandwich,
            "back-runner" => Scheme::Back,
            "censor" => Scheme::Censor,
            "oracle-liar" => Scheme::Lie,
            _ => Scheme::LastLook,
        };
        let count = u32::try_from(values.count("adversary.count")).unwrap_or(u32::MAX);
        let off = if scheme == Scheme::Lie { values.count("adversary.off") as Ticks } else { 0 };
        Some(Self { scheme, count, off })
    }

    /// Whether it holds makers, and no replica.
    pub(crate) fn are_makers(&self) -> bool {
        self.scheme == Scheme::Lie
    }

    /// Takes over how many there are, of which it holds so many unless it is said otherwise.
    pub(crate) fn fit(&mut self, all: u32, faults: u32) -> Result<(), ParameterError> {
        if self.count == 0 {
            self.count = faults.max(1);
        }
        if self.count > all {
            let what = if self.are_makers() { "makers" } else { "replicas" };
            let problem = format!("{} of {all} {what}: give at most {all}", self.count);
            return Err(ParameterError { name: "adversary.count", problem });
        }
        Ok(())
    }
}

/// An order that will trade at once.
struct Victim {
    place: usize,
    order: Order,
}

impl Exchange {
    /// Whether a node is an insider.
    pub(crate) fn is_insider(&self, node: NodeId) -> bool {
        let layout = &self.terrain.layout;
        let group = layout.group.max(1);
        self.insiders.is_some_and(|it| {
            if it.are_makers() {
                return self.lie_of(node).is_some();
            }
            node.0 < layout.replicas()
                && layout.is_venue(node.0 / group)
                && node.0 % group < it.count
        })
    }

    /// Of a maker that lies: by how many ticks its reports are too high.
    pub(crate) fn lie_of(&self, node: NodeId) -> Option<Ticks> {
        let liars = self.insiders.filter(Insiders::are_makers)?;
        match self.terrain.layout.role(node) {
            Role::Maker(_, account) => {
                let place = account - self.terrain.layout.traders;
                (place < liars.count).then_some(liars.off)
            }
            _ => None,
        }
    }

    /// The order of a block's commands, which is its proposer's to choose; `base`: the state before it.
    pub(crate) fn arrange(
        &self,
        base: &State,
        commands: Vec<Shared>,
        cx: &mut Erased<'_, Self>,
    ) -> Vec<Shared> {
        let Some(insiders) = self.insiders.filter(|_| self.is_insider(cx.id())) else {
            return commands;
        };
        match insiders.scheme {
            Scheme::Censor => {
                let bodies = cx.bodies();
                let cancels = |it: &Shared| {
                    let signed = bodies.get(*it).signed();
                    signed.is_some_and(|it| {
                        matches!(it.asks, Asks::Plain { command: Command::Cancel { .. }, .. })
                    })
                };
                commands.into_iter().filter(|it| !cancels(it)).collect()
            }
            scheme => self.insert(scheme, base, commands, cx),
        }
    }

    /// Adds its own orders around a victim's, or after all.
    fn insert(
        &self,
        scheme: Scheme,
        before: &State,
        mut commands: Vec<Shared>,
        cx: &mut Erased<'_, Self>,
    ) -> Vec<Shared> {
        let steps: Vec<Step> =
            commands.iter().filter_map(|it| self.step(*it, before.chain, cx)).collect();
        if steps.len() != commands.len() {
            return commands;
        }
        let drawn = crate::chain::draw_of(&commands);
        let after = before.execute(&self.terrain, (0, drawn, cx.now()), &steps).state;
        let honest = commands.clone();
        if scheme == Scheme::LastLook {
            let Some((side, price, lots)) = last_look(before, &after) else { return commands };
            let own = self.own(before, 0, (side, price, lots, Force::Immediate), cx);
            commands.push(own);
            return self.better(before, (honest, commands), &after, cx);
        }
        let Some(victim) = largest(before, &steps) else { return commands };
        let Order { side, quantity, .. } = victim.order;
        let (near, far) = match side {
            Side::Bid => (before.venue.best_ask(0), after.venue.best_ask(0)),
            Side::Ask => (before.venue.best_bid(0), after.venue.best_bid(0)),
        };
        let Some(near) = near else { return commands };
        let limit = victim.order.price;
        match scheme {
            Scheme::Back => {
                let Some(far) = far.filter(|far| *far != near) else { return commands };
                let price = if side == Side::Bid { far - 1 } else { far + 1 };
                let own = (side.other(), price, quantity, Force::Rest);
                let own = self.own(before, 0, own, cx);
                commands.insert(victim.place + 1, own);
            }
            _ => {
                let shown = before.venue.lots_at(0, side.other(), near).max(1);
                let lots = quantity.min(shown);
                let own = self.own(before, 0, (side, near, lots, Force::Immediate), cx);
                commands.insert(victim.place, own);
                if scheme == Scheme::Sandwich {
                    // What it has bought it offers to the victim itself, as dear as that would pay.
                    let dear = worst_of(limit, side, after.venue.last(0), near);
                    let back = (side.other(), dear, lots, Force::Rest);
                    let back = self.own(before, 1, back, cx);
                    // Its own order stands before the victim's.
                    commands.insert(victim.place + 2, back);
                }
            }
        }
        self.better(before, (honest, commands), &after, cx)
    }

    /// The block that it has made, if that gains it something; else the honest one.
    fn better(
        &self,
        before: &State,
        (honest, own): (Vec<Shared>, Vec<Shared>),
        after: &State,
        cx: &mut Erased<'_, Self>,
    ) -> Vec<Shared> {
        let steps: Vec<Step> =
            own.iter().filter_map(|it| self.step(*it, before.chain, cx)).collect();
        let drawn = crate::chain::draw_of(&own);
        let made = before.execute(&self.terrain, (0, drawn, cx.now()), &steps).state;
        let gains = self.gain((before, &made, after), cx.id()).is_some_and(|gain| gain > 0);
        if gains { own } else { honest }
    }

    /// What an insider has more after a block than after the honest one.
    fn gain(&self, (before, made, honest): (&State, &State, &State), of: NodeId) -> Option<i128> {
        let account = self.terrain.layout.account(of, before.chain)?;
        let is_last = self.insiders?.scheme == Scheme::LastLook;
        // Who looks last bets that prices come back.
        let mark = middle(if is_last { before } else { honest });
        // Twice the worth, so that the middle is whole.
        let worth = |state: &State| {
            let cash = state.venue.account(account).map_or(0, |it| it.cash());
            let lots = state.venue.holding(account, 0).map_or(0, |it| it.lots());
            2 * cash + i128::from(lots) * i128::from(mark)
        };
        Some((worth(made) - worth(honest)) / 2)
    }

    /// An order of its own, signed: the `nth` of this block.
    fn own(
        &self,
        state: &State,
        nth: u32,
        (side, price, lots, force): (Side, Ticks, Lots, Force),
        cx: &mut Erased<'_, Self>,
    ) -> Shared {
        let venue = state.chain;
        let layout = &self.terrain.layout;
        let account = layout.account(cx.id(), venue).unwrap_or(u32::MAX);
        let request = state.next_request(cx.id()).saturating_add(nth);
        let id = OrderId::new(account, crate::state::number_of(request));
        let order = Order::limit(id, side, price.max(1), lots.max(1)).kind(Kind::Limit(force));
        let (signer, signature, command) = (cx.id(), Signature([0; 64]), Command::Place(order));
        let asks = Asks::Plain { command, other: venue };
        let mut signed = Signed { chain: venue, signer, request, asks, signature };
        let digest = signed.digest(cx.scenario());
        signed.signature = cx.sign(&digest);
        cx.share(ExchangeBody::Signed(Box::new(SignedBody(signed))))
    }

    /// What a block of this insider's gained it, beside the same block in its order of arrival.
    pub(crate) fn weigh(
        &self,
        chain: &Chain,
        block: &Block,
        (before, outcome): (&State, &Outcome),
        cx: &mut Erased<'_, Self>,
    ) {
        if block.proposer != cx.id() || !self.is_insider(cx.id()) {
            return;
        }
        cx.record(ExchangeMetric::InsiderBlocks, 1);
        let Some(honest) = chain.arrived(block.height) else { return };
        let steps: Vec<Step> =
            honest.iter().filter_map(|it| self.step(*it, before.chain, cx)).collect();
        let drawn = crate::chain::draw_of(honest);
        let honest = before.execute(&self.terrain, (0, drawn, block.time), &steps).state;
        let states = (before, &*outcome.state, &*honest);
        let Some(gain) = self.gain(states, cx.id()) else { return };
        let (won, lost) = (gain.max(0), (-gain).max(0));
        cx.record(ExchangeMetric::Extraction, u64::try_from(won).unwrap_or(u64::MAX));
        cx.record(ExchangeMetric::ExtractionLost, u64::try_from(lost).unwrap_or(u64::MAX));
    }
}

/// Twice the middle of the book.
pub(crate) fn middle(state: &State) -> Ticks {
    let venue = &state.venue;
    let last = venue.last(0).unwrap_or(crate::trader::FIRST_PRICE);
    venue.best_bid(0).unwrap_or(last) + venue.best_ask(0).unwrap_or(last)
}

/// The largest order that takes something.
fn largest(state: &State, steps: &[Step]) -> Option<Victim> {
    let takes = |order: &Order| {
        let opposite = match order.side {
            Side::Bid => state.venue.best_ask(0),
            Side::Ask => state.venue.best_bid(0),
        };
        let reaches = |price| order.kind == Kind::Market || order.side.accepts(order.price, price);
        opposite.is_some_and(reaches)
    };
    let order = |(place, step): (usize, &Step)| match step {
        Step::Request { command: Command::Place(order), .. } if takes(order) => {
            Some(Victim { place, order: *order })
        }
        _ => None,
    };
    let all = steps.iter().enumerate().filter_map(order);
    all.max_by_key(|victim| victim.order.quantity)
}

/// The worst price that a victim would pay: its limit, or without one as far as its own order would move
/// the price, and a little more.
fn worst_of(limit: Ticks, side: Side, last: Option<Ticks>, near: Ticks) -> Ticks {
    let moved = last.unwrap_or(near);
    match side {
        Side::Bid if limit > 0 => limit.min(moved.max(near)),
        Side::Ask if limit > 0 => limit.max(moved.min(near)),
        Side::Bid => moved.max(near) + 1,
        Side::Ask => (moved.min(near) - 1).max(1),
    }
}

/// What is cheap, or dear, at the end of a block beside the middle before it.
fn last_look(before: &State, after: &State) -> Option<(Side, Ticks, Lots)> {
    let (was, venue) = (middle(before), &after.venue);
    let cheap = venue.best_ask(0).filter(|ask| 2 * ask < was);
    let dear = venue.best_bid(0).filter(|bid| 2 * bid > was);
    cheap
        .map(|ask| (Side::Bid, ask, venue.lots_at(0, Side::Ask, ask)))
        .or(dear.map(|bid| (Side::Ask, bid, venue.lots_at(0, Side::Bid, bid))))
}
