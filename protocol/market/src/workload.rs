//! Order flow: deterministic generators of commands.
//!
//! A generator is asked for its next command with the best quotes it would see, and is told what
//! happens ([`SantaFe::observe`]), since it cancels orders of its own. Time is in seconds as a
//! float and leaves as whole nanoseconds; floats decide what is sent, never what a venue does.

mod arrivals;
mod live;
mod prices;
mod queues;
mod santa_fe;
mod stress;
mod traders;

pub use arrivals::Arrivals;
pub use prices::{Price, Prices};
pub use queues::chance_of_up;
pub use santa_fe::{Best, SantaFe, SantaFeRates};
pub use stress::Stress;
pub use traders::{Traders, TradersRates};
