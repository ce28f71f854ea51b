//! The plain venue's refusals and transfers.

use super::Naive;
use crate::account::REORDERING;
use crate::amount::{Cash, Lots, MAX_CASH, MAX_LOTS, MAX_PRICE, Ticks, cost, worst_lot};
use crate::command::{Command, Force, Kind, Order, OrderId, Side};
use crate::event::Refusal;
use crate::rules::Matching;
use crate::slab::State;

impl Naive {
    fn fresh(&self, id: OrderId) -> bool {
        let used = &self.traders[id.account as usize].used;
        let newest = used.last().copied().unwrap_or(0);
        !used.contains(&id.number) && (id.number > newest || newest - id.number < REORDERING)
    }

    pub(super) fn check_number(&self, id: OrderId, instrument: u16) -> Result<(), Refusal> {
        if id.account as usize >= self.traders.len() {
            return Err(Refusal::Account);
        }
        if usize::from(instrument) >= self.last.len() {
            return Err(Refusal::Instrument);
        }
        if self.fresh(id) { Ok(()) } else { Err(Refusal::Replay) }
    }

    pub(super) fn check_bar(&self, id: OrderId) -> Result<(), Refusal> {
        match self.check_number(id, 0) {
            Err(Refusal::Replay) => Err(Refusal::Unknown),
            other => other,
        }
    }

    pub(super) fn transfer(&mut self, command: &Command) -> Result<(), Refusal> {
        let (id, cash, lots) = match *command {
            Command::Deposit { id, cash } => (id, Some(cash), None),
            Command::Withdraw { id, cash } => (id, Some(cash), None),
            Command::DepositLots { id, instrument, lots }
            | Command::WithdrawLots { id, instrument, lots } => {
                (id, None, Some((instrument, lots)))
            }
            _ => return Err(Refusal::Kind),
        };
        self.check_number(id, lots.map_or(0, |(instrument, _)| instrument))?;
        let enters = matches!(command, Command::Deposit { .. } | Command::DepositLots { .. });
        if let Some(cash) = cash {
            if cash < 1 || (enters && cash > MAX_CASH) {
                return Err(Refusal::Quantity);
            }
            let (all, reserved) = self.cash(id.account);
            if !enters && all - reserved < cash {
                return Err(Refusal::Cash);
            }
            self.trader(id.account).cash += if enters { cash } else { -cash };
        }
        if let Some((instrument, lots)) = lots {
            let inside = self.inside[usize::from(instrument)] + i128::from(lots);
            if lots < 1 || (enters && (lots > MAX_LOTS || inside > 1 << 62)) {
                return Err(Refusal::Quantity);
            }
            let (all, reserved, bidding) = self.lots(id.account, instrument);
            if enters && all + bidding + lots > self.rules.limits.position {
                return Err(Refusal::Position);
            }
            if !enters && all - reserved < lots {
                return Err(Refusal::Assets);
            }
            let change = if enters { lots } else { -lots };
            *self.trader(id.account).lots.entry(instrument).or_insert(0) += change;
            self.inside[usize::from(instrument)] += i128::from(change);
        }
        self.trader(id.account).use_up(id.number);
        Ok(())
    }

    fn collar(&self, instrument: u16) -> (Ticks, Ticks) {
        let last = self.last[usize::from(instrument)];
        let collar = self.rules.limits.collar;
        if last == 0 || collar == 0 {
            return (1, MAX_PRICE);
        }
        let room = (i128::from(last) * i128::from(collar) / 1_000_000) as Ticks;
        ((last - room).max(1), (last + room).min(MAX_PRICE))
    }

    pub(super) fn limit_of(&self, order: &Order) -> Ticks {
        let (low, high) = self.collar(order.instrument);
        match (order.kind, order.side) {
            (Kind::Market, Side::Bid) => high,
            (Kind::Market, Side::Ask) => low,
            _ => order.price,
        }
    }

    pub(super) fn check_standing(
        &self,
        id: OrderId,
        instrument: u16,
        freed: u32,
    ) -> Result<(), Refusal> {
        self.check_number(id, instrument)?;
        let trader = &self.traders[id.account as usize];
        if trader.killed {
            return Err(Refusal::Killed);
        }
        if trader.entered >= self.rules.limits.rate {
            return Err(Refusal::Rate);
        }
        let mine = self.open.of(id.account).count();
        let held = self.promises.iter().filter(|it| it.order.id.account == id.account).count();
        let all = self.open.len() + self.promises.len();
        if (mine + held) as u32 - freed >= self.rules.limits.open
            || all as u32 - freed >= self.rules.limits.orders
        {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// What an order would trade: lots, cash, and the most that buying them could cost.
    pub(super) fn reach(&self, order: &Order, limit: Ticks) -> (Lots, Cash, Cash) {
        let there = self
            .open
            .queue(order.instrument, order.side.other())
            .take_while(|open| order.side.accepts(limit, open.order.price))
            .filter(|open| open.order.id.account != order.id.account);
        let (mut lots, mut value, mut worst) = (0, 0, 0);
        for open in there {
            let take = open.remaining.min(order.quantity - lots);
            if take == 0 {
                break;
            }
            lots += take;
            value += cost(open.order.price, take);
            worst += cost(worst_lot(open.order.price, self.rules.worst_fee()), take);
        }
        (lots, value, worst)
    }

    /// Everything that can refuse an order, which may replace the open order `instead`.
    pub(super) fn check(&self, order: &Order, instead: Option<OrderId>) -> Result<(), Refusal> {
        self.check_standing(order.id, order.instrument, u32::from(instead.is_some()))?;
        self.check_shape(order)?;
        let limits = self.rules.limits;
        let limit = self.limit_of(order);
        let (low, high) = self.collar(order.instrument);
        let (lots, value, worst) = self.reach(order, limit);
        let (value, worst) =
            if order.kind == Kind::Market && self.rules.matching == Matching::Continuous {
                (value, worst)
            } else {
                if limit < low || limit > high {
                    return Err(Refusal::Collar);
                }
                let lot = worst_lot(limit, self.rules.worst_fee());
                (cost(limit, order.quantity), cost(lot, order.quantity))
            };
        if value > limits.value {
            return Err(Refusal::Value);
        }
        self.check_funds(order, worst, instead)?;
        let meets = self.best(order.instrument, order.side.other()).map(|at| self.open[at].order);
        match order.kind {
            Kind::Limit(Force::Fill) if lots < order.quantity => Err(Refusal::Unfilled),
            Kind::Limit(Force::Post)
                if meets.is_some_and(|best| order.side.accepts(limit, best.price)) =>
            {
                Err(Refusal::WouldTrade)
            }
            _ => Ok(()),
        }
    }

    /// Whether an account can afford an order; `gone`: the order that it replaces.
    pub(super) fn check_funds(
        &self,
        order: &Order,
        worst: Cash,
        gone: Option<OrderId>,
    ) -> Result<(), Refusal> {
        let account = order.id.account;
        let (lots, selling, bidding) = self.lots_without(account, order.instrument, gone);
        let (cash, reserved) = self.cash_without(account, gone);
        if order.side == Side::Ask {
            return if lots - selling < order.quantity { Err(Refusal::Assets) } else { Ok(()) };
        }
        if lots + bidding + order.quantity > self.rules.limits.position {
            return Err(Refusal::Position);
        }
        if cash - reserved < worst { Err(Refusal::Cash) } else { Ok(()) }
    }

    fn check_shape(&self, order: &Order) -> Result<(), Refusal> {
        let quantity_fits = order.quantity >= 1 && order.quantity <= MAX_LOTS;
        let fits = |price: Ticks| (1..=MAX_PRICE).contains(&price);
        let priced = if order.kind == Kind::Market { order.price == 0 } else { fits(order.price) };
        let batch = self.rules.matching == Matching::Batch;
        let known = self.last[usize::from(order.instrument)] > 0 && self.rules.limits.collar > 0;
        match order.kind {
            _ if !quantity_fits => Err(Refusal::Quantity),
            _ if !priced => Err(Refusal::Price),
            Kind::Stop { force: Force::Fill | Force::Post, .. } => Err(Refusal::Kind),
            Kind::Stop { trigger, .. } if !fits(trigger) => Err(Refusal::Price),
            Kind::Iceberg { display } if display < 1 || display > order.quantity => {
                Err(Refusal::Quantity)
            }
            Kind::Limit(Force::Rest | Force::Immediate) => Ok(()),
            Kind::Market if batch && !known => Err(Refusal::Collar),
            Kind::Market => Ok(()),
            _ if batch => Err(Refusal::Batch),
            _ => Ok(()),
        }
    }

    /// Whether no bid reaches an ask.
    pub fn uncrossed(&self) -> bool {
        (0..self.last.len() as u16).all(|instrument| {
            let best = |side| self.best(instrument, side).map(|at| self.open[at].order.price);
            best(Side::Bid).zip(best(Side::Ask)).is_none_or(|(bid, ask)| bid < ask)
        })
    }

    /// Open orders, stops and held ones included.
    pub fn open_orders(&self) -> usize {
        debug_assert!(self.open.iter().all(|open| open.state != State::Free));
        self.open.len()
    }
}
