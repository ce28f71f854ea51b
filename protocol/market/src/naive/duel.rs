//! The venue and the plain venue side by side.

use super::Naive;
use crate::command::Side;
use crate::event::Event;
use crate::rules::Rules;
use crate::venue::Venue;
use crate::workload::Stress;
use std::collections::BTreeMap;

/// What happened in a duel, to see that it was about something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Commands given.
    pub commands: u64,
    /// Commands refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Trades.
    pub trades: u64,
    /// Stops fired.
    pub triggered: u64,
    /// Prepared orders settled.
    pub settled: u64,
    /// Prepared orders released.
    pub released: u64,
    /// Auctions that cleared.
    pub cleared: u64,
    /// The most orders open at once.
    pub open: u32,
}

/// Gives both the same commands, and compares what they answer, what happens, the book root, and now
/// and then every account and queue, with the invariants. Now and then both are saved, and what is
/// loaded goes on in their stead.
///
/// # Errors
/// Describes the first difference.
pub fn duel(rules: Rules, seed: u64, commands: u64) -> Result<Tally, String> {
    let (mut venue, mut naive) = (Venue::new(rules), Naive::new(rules));
    let mut stress = Stress::new(seed, &rules);
    let mut funding = stress.funding().into_iter();
    let mut tally = Tally::default();
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for count in 0..commands {
        here.clear();
        there.clear();
        if count % 50 == 0 {
            let height = count / 50 + 1;
            stress.at_height(height);
            venue.open_block(height, &mut here);
            naive.open_block(height, &mut there);
        }
        let command = funding.next().unwrap_or_else(|| stress.command());
        let before = venue.roots();
        let answers = (venue.apply(&command, &mut here), naive.apply(&command, &mut there));
        if answers.0.is_err() && venue.roots() != before {
            return Err(format!("command {count}: {command:?} was refused and changed a root"));
        }
        if count % 50 == 49 {
            venue.close_block(seed ^ count, &mut here);
            naive.close_block(seed ^ count, &mut there);
            if !venue.uncrossed() || !naive.uncrossed() {
                return Err(format!("command {count}: crossed after a block"));
            }
        }
        if answers.0 != answers.1 || here != there {
            return Err(format!("command {count}: {command:?}\n{answers:?}\n{here:?}\n{there:?}"));
        }
        if venue.roots().book != naive.book_root() {
            return Err(format!("command {count}: {command:?}: book roots differ"));
        }
        tally.commands += 1;
        if let Err(reason) = answers.0 {
            *tally.refused.entry(format!("{reason:?}")).or_insert(0) += 1;
        }
        tally.open = tally.open.max(venue.open_orders());
        here.iter().for_each(|event| tally.note(event));
        if count % 997 == 0 {
            (venue, naive) =
                reload(&venue, &naive).map_err(|what| format!("command {count}: {what}"))?;
        }
        if count % 97 == 0 {
            compare(&venue, &naive, &rules)
                .map_err(|what| format!("command {count}: {command:?}: {what}"))?;
        }
    }
    Ok(tally)
}

impl Tally {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Traded(_) => self.trades += 1,
            Event::Triggered { .. } => self.triggered += 1,
            Event::Settled { .. } => self.settled += 1,
            Event::Released { .. } => self.released += 1,
            Event::Cleared { .. } => self.cleared += 1,
            _ => {}
        }
    }
}

/// Both as they are when saved and loaded.
fn reload(venue: &Venue, naive: &Naive) -> Result<(Venue, Naive), String> {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    venue.save(&mut here);
    naive.save(&mut there);
    let (rest, other) = (&mut &here[..], &mut &there[..]);
    let loaded = (Venue::load(rest), Naive::load(other));
    let (Ok(again), Ok(plain)) = loaded else { return Err("what was saved is not loaded".into()) };
    let (mut twice, mut plain_twice) = (Vec::new(), Vec::new());
    again.save(&mut twice);
    plain.save(&mut plain_twice);
    if !rest.is_empty() || !other.is_empty() || twice != here || plain_twice != there {
        return Err("what was loaded is saved as another".into());
    }
    if again.roots() != venue.roots() {
        return Err("what was loaded has other roots".into());
    }
    Ok((again, plain))
}

/// Accounts, queues and invariants.
fn compare(venue: &Venue, naive: &Naive, rules: &Rules) -> Result<(), String> {
    venue.audit().map_err(|violation| violation.to_string())?;
    if venue.fees() != naive.fees() || venue.open_orders() as usize != naive.open_orders() {
        return Err("fees or the number of open orders differ".into());
    }
    for at in 0..rules.accounts {
        let account = venue.account(at).ok_or("no account")?;
        if (account.cash(), account.reserved()) != naive.cash(at) {
            return Err(format!("account {at}: {account:?}, not {:?}", naive.cash(at)));
        }
        for instrument in 0..rules.instruments {
            let holding = venue.holding(at, instrument).ok_or("no holding")?;
            let lots = (holding.lots(), holding.reserved(), holding.bidding());
            if lots != naive.lots(at, instrument) {
                return Err(format!("account {at} instrument {instrument}: {lots:?}"));
            }
        }
    }
    for instrument in 0..rules.instruments {
        for side in [Side::Bid, Side::Ask] {
            let queue = venue.queue(instrument, side);
            let queue: Vec<_> =
                queue.iter().map(|order| (order.id, order.price, order.remaining)).collect();
            if queue != naive.queue(instrument, side) {
                return Err(format!("instrument {instrument}: queues of the {side:?}s differ"));
            }
        }
    }
    Ok(())
}
