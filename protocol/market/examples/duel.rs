//! A million commands of every kind through the venue and the plain venue, which must agree.
//! `cargo run --release -p anthill-market --example duel -- [COMMANDS] [SEED]`

use anthill_market::naive::duel;
use anthill_market::{Limits, Matching, Rules};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let commands: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    for matching in [Matching::Continuous, Matching::Batch] {
        let limits = Limits { position: 4_000, collar: 400_000, ..Limits::default() };
        let rules = Rules {
            accounts: 12,
            instruments: 2,
            taker_fee: 300,
            maker_fee: 100,
            holding_fee: 50,
            holding_most: 400,
            matching,
            limits,
            window: 64,
        };
        println!("{matching:?}: {:#?}", duel(rules, seed, commands)?);
    }
    Ok(())
}
