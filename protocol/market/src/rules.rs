//! What a venue is told once: its instruments, fees, limits and way of matching.

use crate::amount::{Cash, Lots};

/// When orders meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// Each on arrival, by price and time.
    #[default]
    Continuous,
    /// All of a block at its end, at one price.
    Batch,
}

/// Limits of every account, and of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most lots of an instrument an account may hold and bid for together.
    pub position: Lots,
    /// The most one order may be worth, at its worst price.
    pub value: Cash,
    /// The most orders (cancels and reductions are always free) an account may enter per block.
    pub rate: u32,
    /// How far from the last price an order may be priced, in millionths of it; 0: anywhere.
    pub collar: u32,
    /// The most open orders of one account, reservations included.
    pub open: u32,
    /// The most open orders of the venue.
    pub orders: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            position: Lots::MAX / 4,
            value: 1 << 81,
            rate: u32::MAX,
            collar: 0,
            open: u32::MAX,
            orders: 1 << 24,
        }
    }
}

/// The rules of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Accounts, numbered from 0.
    pub accounts: u32,
    /// Instruments, numbered from 0.
    pub instruments: u16,
    /// What the arriving order pays, in millionths of the cash traded; at most a million.
    pub taker_fee: u32,
    /// What the resting order pays, likewise.
    pub maker_fee: u32,
    /// What a prepared order pays per block it holds quantity, in millionths of its cash.
    pub holding_fee: u32,
    /// The most it pays for holding, in millionths: reserved when it is prepared.
    pub holding_most: u32,
    /// When orders meet.
    pub matching: Matching,
    /// The limits.
    pub limits: Limits,
    /// Price levels kept in an array per side: a power of two in `64..=262_144`. Levels outside
    /// cost a tree node each. Never changes a result.
    pub window: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            accounts: 1_024,
            instruments: 1,
            taker_fee: 0,
            maker_fee: 0,
            holding_fee: 0,
            holding_most: 0,
            matching: Matching::Continuous,
            limits: Limits::default(),
            window: 4_096,
        }
    }
}

impl Rules {
    /// The higher of the two fees: what an order that may be either side reserves.
    pub fn worst_fee(&self) -> u32 {
        self.taker_fee.max(self.maker_fee)
    }
}
