//! A batch auction as pure functions (Budish, Cramton and Shim 2015): all orders of a block meet at
//! one price, so that the order inside the block is worth nothing.

use crate::amount::{Lots, Ticks};
use crate::command::{Command, OrderId, Side};
use crate::hash::mix;

/// An order in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its name.
    pub id: OrderId,
    /// Its limit.
    pub price: Ticks,
    /// Its lots.
    pub quantity: Lots,
}

/// The price of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// Ticks.
    pub price: Ticks,
    /// Lots that trade.
    pub volume: Lots,
    /// Lots bid minus lots asked at the price.
    pub imbalance: Lots,
}

/// The clearing price: most volume, then least imbalance, then nearest to `last` (without one, to
/// the middle of the prices that cross), then lowest. `None` if nothing crosses.
pub fn clear(bids: &[Quote], asks: &[Quote], last: Option<Ticks>) -> Option<Clearing> {
    let high = bids.iter().map(|quote| quote.price).max()?;
    let low = asks.iter().map(|quote| quote.price).min()?;
    if high < low {
        return None;
    }
    let last = last.unwrap_or(low + (high - low) / 2);
    let mut demand: Vec<_> = levels(bids, low, Ticks::MAX);
    let mut supply: Vec<_> = levels(asks, Ticks::MIN, high);
    demand.sort_unstable();
    supply.sort_unstable();
    let mut prices: Vec<Ticks> = demand.iter().chain(&supply).map(|&(price, _)| price).collect();
    prices.sort_unstable();
    prices.dedup();
    // Between two order prices nothing changes: of those, only the nearest to the last matters.
    let between =
        |pair: &[Ticks]| (pair[0] + 1 < pair[1]).then(|| last.clamp(pair[0] + 1, pair[1] - 1));
    let gaps: Vec<Ticks> = prices.windows(2).filter_map(between).collect();
    prices.extend(gaps);
    prices.retain(|price| (low..=high).contains(price));
    prices.sort_unstable();
    let (mut bid, mut ask) = (demand.iter().map(|&(_, lots)| lots).sum::<Lots>(), 0);
    let (mut gone, mut come) = (0, 0);
    let mut best: Option<(Clearing, (Lots, Lots, Ticks))> = None;
    for price in prices {
        while gone < demand.len() && demand[gone].0 < price {
            bid -= demand[gone].1;
            gone += 1;
        }
        while come < supply.len() && supply[come].0 <= price {
            ask += supply[come].1;
            come += 1;
        }
        let (volume, imbalance) = (bid.min(ask), bid - ask);
        let rank = (-volume, imbalance.abs(), (price - last).abs());
        if best.is_none_or(|(_, best)| rank < best) {
            best = Some((Clearing { price, volume, imbalance }, rank));
        }
    }
    best.map(|(clearing, _)| clearing).filter(|clearing| clearing.volume > 0)
}

fn levels(quotes: &[Quote], low: Ticks, high: Ticks) -> Vec<(Ticks, Lots)> {
    let inside = quotes.iter().filter(|quote| (low..=high).contains(&quote.price));
    inside.map(|quote| (quote.price, quote.quantity)).collect()
}

/// How much of each order trades: better prices first, and at the price where `volume` runs out pro
/// rata, rounded down, the lots left over going one each in the order of a hash of (`draw`, id).
/// Whether a quote takes part (its limit against the clearing price) is the caller's business.
pub fn ration(quotes: &[Quote], side: Side, volume: Lots, draw: u64) -> Vec<Lots> {
    let mut fills = vec![0; quotes.len()];
    let mut order: Vec<usize> = (0..quotes.len()).collect();
    let rank = |quote: &Quote| if side == Side::Bid { -quote.price } else { quote.price };
    order.sort_by_key(|&at| (rank(&quotes[at]), mix(draw, quotes[at].id.word()), quotes[at].id));
    let mut left = volume;
    for level in order.chunk_by(|&a, &b| quotes[a].price == quotes[b].price) {
        let total: Lots = level.iter().map(|&at| quotes[at].quantity).sum();
        let here = left.min(total);
        if here == 0 {
            break;
        }
        left -= here;
        let mut spare = here;
        for &at in level {
            let share = i128::from(quotes[at].quantity) * i128::from(here) / i128::from(total);
            fills[at] = share as Lots;
            spare -= fills[at];
        }
        for &at in level {
            if spare > 0 && fills[at] < quotes[at].quantity {
                fills[at] += 1;
                spare -= 1;
            }
        }
    }
    fills
}

/// The order in which a batch venue takes a block's commands: what must not depend on their place in
/// the block. By kind (money and decisions, prepared orders, new orders, then changes to orders), and
/// within a kind by a hash of (`draw`, account and number), then by content. Returns indices.
pub fn canonical(commands: &[Command], draw: u64) -> Vec<usize> {
    let rank = |command: &Command| match *command {
        Command::Kill { account, .. } => (0, u64::from(account)),
        Command::Deposit { id, .. }
        | Command::Withdraw { id, .. }
        | Command::DepositLots { id, .. }
        | Command::WithdrawLots { id, .. } => (1, id.word()),
        Command::Decide { id, .. } | Command::Reveal { id, .. } => (2, id.word()),
        Command::Prepare { ref order, .. } => (3, order.id.word()),
        Command::Place(ref order) => (4, order.id.word()),
        Command::Reduce { id, .. } => (5, id.word()),
        Command::Replace { id, .. } => (6, id.word()),
        Command::Cancel { id } => (7, id.word()),
    };
    let keys: Vec<_> = commands
        .iter()
        .map(|command| {
            let (kind, id) = rank(command);
            (kind, mix(draw, id), id, crate::codec::encode(command))
        })
        .collect();
    let mut order: Vec<usize> = (0..commands.len()).collect();
    order.sort_by(|&a, &b| keys[a].cmp(&keys[b]));
    order
}

#[cfg(test)]
mod tests;
