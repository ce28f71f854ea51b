//! Order flow from a file, as traders play it: who owns which order, and when each does what.

use std::sync::Arc;

use anthill_market::lobster::{self, Act};
use anthill_market::{Command, Force, Kind, Lots, Order, OrderId, Side, Ticks};
use anthill_protocol::Span;
use anthill_protocol::parameter::{ParameterError, TextFile};

use crate::state::number_of;

/// What one trader does, one request after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// After the first message; `None`: before all.
    after: Option<Span>,
    side: Side,
    price: Ticks,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Place(Lots),
    /// The other trader's request that placed the order does not matter: it trades with whoever is there.
    Take(Lots),
    Reduce {
        number: u32,
        to: Lots,
    },
    Cancel {
        number: u32,
    },
}

/// The parts of all traders of a venue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    parts: Arc<Vec<Vec<Line>>>,
}

impl Script {
    /// Reads a LOBSTER message file and deals its orders out to traders in turn. Who takes is the next trader
    /// after the owner: nobody trades with itself.
    pub(crate) fn read(file: &TextFile, traders: u32) -> Result<Self, ParameterError> {
        let wrong = |problem: String| ParameterError { name: "workload.file", problem };
        let named = |error: lobster::LobsterError| wrong(format!("{}, {error}", file.path));
        if traders < 2 {
            let name = "workload.flow";
            let problem = "one trades with another: give protocol.traders = 2 or more".to_owned();
            return Err(ParameterError { name, problem });
        }
        let messages = lobster::read_messages(&file.text).map_err(named)?;
        let steps = lobster::flow(&messages).map_err(named)?;
        if steps.is_empty() {
            return Err(wrong(format!("{} has no message about a visible order", file.path)));
        }
        let mut parts: Vec<Vec<Line>> = vec![Vec::new(); traders as usize];
        // By order: the number that its owner gives it.
        let mut numbers: Vec<u32> = Vec::new();
        for lobster::Step { after, order, side, price, act } in steps {
            let owner = order % traders;
            let number = numbers.get(order as usize).copied().unwrap_or(0);
            let (who, side, what) = match act {
                Act::Place { lots } => {
                    // Requests are numbered from 1, one for each line.
                    numbers.push(number_of(parts[owner as usize].len() as u32 + 1));
                    (owner, side, What::Place(lots))
                }
                Act::Take { lots } => ((owner + 1) % traders, side.other(), What::Take(lots)),
                Act::Reduce { to } => (owner, side, What::Reduce { number, to }),
                Act::Cancel => (owner, side, What::Cancel { number }),
            };
            parts[who as usize].push(Line { after: after.map(Span), side, price, what });
        }
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Requests of all traders of a venue.
    pub(crate) fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    fn line(&self, account: u32, made: u32) -> Option<&Line> {
        self.parts.get(account as usize)?.get(made as usize)
    }

    /// When a trader that has made so many requests makes the next: at once, or so long after the beginning.
    pub(crate) fn next(&self, account: u32, made: u32) -> Option<Option<Span>> {
        self.line(account, made).map(|line| line.after)
    }

    /// What it asks for then.
    pub(crate) fn command(&self, account: u32, made: u32) -> Option<Command> {
        let Line { side, price, what, .. } = *self.line(account, made)?;
        let id = |number| OrderId::new(account, number);
        let own = id(number_of(made + 1));
        Some(match what {
            What::Place(lots) => Command::Place(Order::limit(own, side, price, lots)),
            What::Take(lots) => {
                let order = Order::limit(own, side, price, lots);
                Command::Place(order.kind(Kind::Limit(Force::Immediate)))
            }
            What::Reduce { number, to } => Command::Reduce { id: id(number), to },
            What::Cancel { number } => Command::Cancel { id: id(number) },
        })
    }
}
