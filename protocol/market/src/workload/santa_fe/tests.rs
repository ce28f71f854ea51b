use super::*;
use crate::rules::Rules;
use crate::venue::Venue;

/// Time-averaged spread, and the depth per price half of the reach below the bid.
struct Measured {
    spread: f64,
    far: f64,
    far_variance: f64,
}

fn measure(limit: f64, market: f64, cancel: f64, seed: u64, steps: u32) -> Measured {
    let (reach, middle) = (150, 1 << 19);
    let mut venue = Venue::new(Rules { accounts: 4, window: 2_048, ..Rules::default() });
    let mut events = Vec::new();
    for account in 0..4 {
        let id = OrderId::new(account, 0);
        venue.apply(&Command::Deposit { id, cash: 1 << 60 }, &mut events).unwrap();
        let id = OrderId::new(account, 1);
        let lots = Command::DepositLots { id, instrument: 0, lots: 1 << 40 };
        venue.apply(&lots, &mut events).unwrap();
    }
    let rates = SantaFeRates { limit, market, cancel, reach, size: 1 };
    let mut flow = SantaFe::new(rates, seed, 0, middle, (0, 4), 2);
    let (mut time, mut spread) = (0.0, 0.0);
    let (mut depths, mut squares, mut count) = (0.0, 0.0, 0.0);
    for step in 0..steps {
        let best = Best { bid: venue.best_bid(0), ask: venue.best_ask(0) };
        let (gap, command) = flow.next(best);
        if step > steps / 5
            && let Best { bid: Some(bid), ask: Some(ask) } = best
        {
            time += gap;
            spread += (ask - bid) as f64 * gap;
            if step % 512 == 0 {
                for price in 0..20 {
                    let there = venue.lots_at(0, Side::Bid, bid - i64::from(reach) / 2 - price);
                    depths += there as f64;
                    squares += (there * there) as f64;
                    count += 1.0;
                }
            }
        }
        events.clear();
        assert_eq!(venue.apply(&command, &mut events), Ok(()), "{command:?}");
        events.iter().for_each(|event| flow.observe(event));
    }
    assert_eq!(venue.audit(), Ok(()));
    assert_eq!(flow.open(), venue.open_orders() as usize);
    let far = depths / count;
    Measured { spread: spread / time, far, far_variance: squares / count - far * far }
}

#[test]
fn depth_far_from_the_middle_is_poisson() {
    let run = measure(0.1, 1.0, 0.05, 1, 300_000);
    assert!((run.far - 2.0).abs() < 0.1, "{}", run.far);
    assert!((run.far_variance / run.far - 1.0).abs() < 0.1, "{}", run.far_variance);
}

#[test]
fn the_mean_spread_is_that_of_the_reference() {
    for (limit, market, cancel, spread) in [(0.1, 1.0, 0.1, 6.78), (0.04, 1.0, 0.02, 12.79)] {
        let run = measure(limit, market, cancel, 2, 600_000);
        assert!((run.spread / spread - 1.0).abs() < 0.03, "{} not {spread}", run.spread);
        let fast = measure(limit * 7.0, market * 7.0, cancel * 7.0, 2, 600_000);
        assert!((fast.spread / run.spread - 1.0).abs() < 1e-6, "{} {}", fast.spread, run.spread);
    }
}
