//! The flow that both books are given.

use anthill_market::{Command, Draws, Event, Order, OrderId, Rules, Side, Venue};

const ACCOUNTS: u32 = 1_000;
const MIDDLE: i64 = 10_000;
/// Prices on each side.
const WIDTH: u64 = 500;

/// A filled venue and what comes next.
pub(crate) struct Flow {
    /// With all accounts funded and the book filled.
    pub(crate) venue: Venue,
    /// The orders that fill the book.
    pub(crate) fill: Vec<Command>,
    /// To warm up.
    pub(crate) warm: Vec<Command>,
    /// To measure.
    pub(crate) commands: Vec<Command>,
}

struct Source {
    draws: Draws,
    numbers: Vec<u32>,
    live: Vec<OrderId>,
    /// Where in `live` an order is, by account and number.
    places: Vec<Vec<u32>>,
    venue: Venue,
    events: Vec<Event>,
}

impl Source {
    fn id(&mut self) -> OrderId {
        let account = self.draws.below(u64::from(ACCOUNTS)) as u32;
        self.numbers[account as usize] += 1;
        OrderId::new(account, self.numbers[account as usize] - 1)
    }

    fn limit(&mut self) -> Command {
        let id = self.id();
        let away = 1 + self.draws.below(WIDTH) as i64;
        let quantity = self.draws.between(1, 10);
        let bid = self.draws.below(2) == 0;
        let (side, price) =
            if bid { (Side::Bid, MIDDLE - away) } else { (Side::Ask, MIDDLE + away) };
        Command::Place(Order::limit(id, side, price, quantity))
    }

    fn next(&mut self) -> Command {
        match self.draws.below(10) {
            0..5 => self.limit(),
            5..9 if !self.live.is_empty() => {
                let at = self.draws.below(self.live.len() as u64) as usize;
                Command::Cancel { id: self.live[at] }
            }
            _ => {
                let id = self.id();
                let side = if self.draws.below(2) == 0 { Side::Bid } else { Side::Ask };
                Command::Place(Order::market(id, side, self.draws.between(1, 10)))
            }
        }
    }

    fn forget(&mut self, id: OrderId) {
        let at = self.places[id.account as usize][id.number as usize];
        self.live.swap_remove(at as usize);
        if let Some(moved) = self.live.get(at as usize) {
            self.places[moved.account as usize][moved.number as usize] = at;
        }
    }

    /// Applies a command, to know what rests.
    fn take(&mut self, command: Command) -> Command {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        assert_eq!(self.venue.apply(&command, &mut events), Ok(()), "{command:?}");
        for event in &events {
            match *event {
                Event::Rested { id, .. } => {
                    let places = &mut self.places[id.account as usize];
                    places.resize(places.len().max(id.number as usize + 1), u32::MAX);
                    places[id.number as usize] = self.live.len() as u32;
                    self.live.push(id);
                }
                Event::Traded(trade) if self.venue.order(trade.maker).is_none() => {
                    self.forget(trade.maker);
                }
                Event::Cancelled { id, .. } => {
                    let places = &self.places[id.account as usize];
                    let rested = places.get(id.number as usize).is_some_and(|&at| at != u32::MAX);
                    if rested {
                        self.forget(id);
                    }
                }
                _ => {}
            }
        }
        self.events = events;
        command
    }
}

impl Flow {
    pub(crate) fn new(resting: usize, count: usize) -> Self {
        let rules =
            Rules { accounts: ACCOUNTS, taker_fee: 300, maker_fee: 100, ..Rules::default() };
        let mut venue = Venue::new(rules);
        let mut events = Vec::new();
        for account in 0..ACCOUNTS {
            let (cash, lots) = (1 << 50, 1 << 32);
            let deposit = Command::Deposit { id: OrderId::new(account, 0), cash };
            let id = OrderId::new(account, 1);
            let deposit_lots = Command::DepositLots { id, instrument: 0, lots };
            for command in [deposit, deposit_lots] {
                assert_eq!(venue.apply(&command, &mut events), Ok(()));
            }
        }
        let mut source = Source {
            draws: Draws::new(7),
            numbers: vec![2; ACCOUNTS as usize],
            live: Vec::new(),
            places: vec![Vec::new(); ACCOUNTS as usize],
            venue,
            events,
        };
        let mut fill = Vec::with_capacity(resting);
        while fill.len() < resting {
            let command = source.limit();
            fill.push(source.take(command));
        }
        let filled = source.venue.clone();
        let mut flow = |count| {
            let mut commands = Vec::with_capacity(count);
            while commands.len() < count {
                let command = source.next();
                commands.push(source.take(command));
            }
            commands
        };
        let warm = flow(count);
        let commands = flow(count);
        Self { venue: filled, fill, warm, commands }
    }
}
