//! What nodes send each other, say, measure and set timers for.

use anthill_protocol::kit::Tick;
use anthill_protocol::{
    Claim, Keys, Message, Metric, NodeId, Output, Shared, Signature, Snapshot, Wire,
};

use crate::body::Statement;
use crate::{AnyMessage, AnyTimer};

/// A replica's word for what its chain has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Attested {
    pub(crate) statement: Statement,
    pub(crate) signature: Signature,
}

/// The best prices of a venue, as one of its replicas says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Top {
    pub(crate) venue: u32,
    pub(crate) height: u64,
    /// Prices in ticks, 0: none; and lots there.
    pub(crate) bid: u64,
    pub(crate) bid_lots: u64,
    pub(crate) ask: u64,
    pub(crate) ask_lots: u64,
    pub(crate) last: u64,
}

impl Top {
    /// Whether these can be prices and lots at all; others only a liar sends.
    pub(crate) fn is_sane(&self) -> bool {
        let prices = [self.bid, self.ask, self.last];
        let lots = [self.bid_lots, self.ask_lots];
        prices.iter().all(|it| *it <= anthill_market::MAX_PRICE as u64)
            && lots.iter().all(|it| *it <= i64::MAX as u64)
    }
}

/// What travels.
#[derive(Clone, Copy, Debug, Message)]
#[message(claims = claims)]
pub enum ExchangeMessage {
    #[doc(hidden)]
    Log(AnyMessage),
    /// A request, to all replicas of a chain.
    Submit { request: Shared },
    /// A replica's answer to a request.
    Answer { venue: u32, request: u32, code: u8, filled: u64, cash: u64 },
    /// A leg of the receiver's has ended.
    Ended { venue: u32, number: u32, settled: bool },
    /// Where a maker stands after a block: the price to quote around, and what it has.
    Standing { height: u64, price: u64, lots: u64, cash: u64 },
    /// Prices.
    Quote(Top),
    /// What a chain has decided.
    Attest(Attested),
}

fn claims(
    message: &ExchangeMessage,
    from: NodeId,
    keys: &mut dyn Keys,
    announce: &mut dyn FnMut(Claim),
) {
    match message {
        ExchangeMessage::Log(message) => message.claims(from, keys, announce),
        ExchangeMessage::Attest(Attested { statement, signature }) => {
            let digest = statement.digest(keys.scenario());
            announce(Claim { key: keys.public_key(from), digest, signature: *signature });
        }
        _ => {}
    }
}

/// What nodes tell the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Says {
    /// A replica has executed a block. `audit`: a bit for each rule that is broken.
    Executed { chain: u32, height: u64, block: u64, book: u64, accounts: u64, audit: u8 },
    /// A replica's venue has voted on its leg of a trade over two venues.
    Voted { venue: u32, number: u32, yes: bool },
    /// A replica of the coordinator knows a decision.
    Decided { number: u32, commit: bool },
    /// A replica's venue has settled its leg, or let it go.
    Leg { venue: u32, number: u32, settled: bool },
    /// Somebody asks for the first time.
    Asked { venue: u32, request: u32 },
    /// The arbitrageur knows how an attempt ended: both legs, one, or neither.
    Concluded { number: u32, both: bool, one: bool },
    /// f + 1 replicas have given the same answer.
    Answered { venue: u32, request: u32, code: u8, filled: u64, cash: u64 },
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum ExchangeMetric {
    /// orders that were ordered, refused ones included
    Orders,
    /// trades
    Trades,
    /// orders that were refused
    Rejected,
    /// sealed orders that were not opened in time
    #[metric(lower)]
    Forfeited,
    /// requests that f + 1 replicas have answered alike
    #[metric(higher)]
    Answered,
    /// requests that were asked again
    #[metric(lower)]
    Retries,
    /// blocks that their proposers have executed
    Blocks,
    /// blocks executed, summed over replicas
    Executed,
    /// how often somebody else was to propose because the one before did not, summed over replicas
    #[metric(lower)]
    Changes,
    /// opportunities over two venues that the arbitrageur saw
    Found,
    /// of them, those that it went for
    Attempted,
    /// of them, those of which both legs traded
    Taken,
    /// of them, those of which one leg traded
    #[metric(lower)]
    OneLeg,
    /// what the arbitrageur has gained, in ticks times lots
    Profit,
    /// what insiders have gained beyond the same blocks in their order of arrival, in ticks times lots:
    /// blocks in which they gained
    Extraction,
    /// what they have lost by blocks in which they lost
    ExtractionLost,
    /// blocks that insiders have proposed, whatever their order
    InsiderBlocks,
    /// request until f + 1 equal answers
    #[metric(latency)]
    OrderFinal,
    /// most lots that a maker had more or less than at first
    #[metric(max)]
    Inventory,
    /// what makers have gained from one word of where they stand to the next, in ticks times lots, all that
    /// they hold valued at the price that they quote around: where that was something
    MakersGain,
    /// and what they have lost, where they did
    MakersLoss,
    /// prices that oracles have made, one for every block with reports
    OraclePrices,
    /// by how many ticks they were above the price that reports are about, summed
    OracleAbove,
    /// and below it
    OracleBelow,
    /// most ticks that one was off
    #[metric(max)]
    OracleError,
    /// blocks that left prices on both sides of a venue's book
    Books,
    /// ticks from the best bid to the best ask, of a book
    #[metric(per = Books)]
    Spread,
    /// the middle between them, in ticks
    #[metric(per = Books)]
    Mid,
    /// lots within ten ticks of the best prices, both sides together
    #[metric(per = Books)]
    Depth,
    /// how long a leg is reserved
    #[metric(latency)]
    Reserved,
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    #[doc(hidden)]
    Log(AnyTimer),
    /// A trader's next order.
    Flow,
    /// One that an earlier one has caused.
    Caused,
    /// A maker reports what it holds the price to be.
    Report,
    /// What is open is asked for again.
    Again(Tick),
    /// A replica tells other chains again what they have not answered.
    Repeat(Tick),
}
