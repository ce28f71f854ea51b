//! The coin: what side it shows, and who may know.
//!
//! The common coin stands for a threshold signature: its sides are a function of the seed that nodes and
//! adversaries evaluate only once as many shares as it takes have come together. A threshold of zero is an
//! oracle, as in the papers: whoever asks is told, and no message is sent. For MMR with CONF that is all
//! that a threshold up to f + 1 gives, because the adversary's f nodes may ask first.

use anthill_protocol::{Context, draw};

use crate::lane::Lane;
use crate::messages::Says;
use crate::protocol::{Randomized, Rules};

/// Where randomness comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coin {
    /// One coin for all.
    #[default]
    Common,
    /// Each node's own.
    Local,
    /// None: in place of it a bit that everybody knows, 0 and 1 in turns.
    None,
}

impl Randomized {
    /// Which coin it is.
    pub(crate) fn coin_kind(&self) -> Coin {
        match (self.coin, self.rules()) {
            ("common", _) | ("usual", Rules::Mmr | Rules::Shi) => Coin::Common,
            ("none", _) => Coin::None,
            _ => Coin::Local,
        }
    }

    /// How many shares reveal the coin; 0: no shares are sent.
    pub(crate) fn shares_needed(&self, members: u32) -> u32 {
        match (self.coin_kind(), self.rules(), self.coin_threshold) {
            (Coin::Local | Coin::None, ..) | (_, Rules::BenOr, _) => 0,
            #[cfg(test)]
            (_, Rules::Shi, _) if self.bug => self.faults + 1,
            (_, Rules::Shi, 0) => self.quorum(members),
            (_, _, threshold) => threshold.min(members),
        }
    }

    /// The side of a coin that is revealed.
    pub(crate) fn side(&self, lane: &Lane, round: u32, cx: &mut impl Context<Self>) -> bool {
        let side = match self.coin_kind() {
            Coin::Common => self.common_side(lane.number, round, cx.scenario()),
            Coin::Local => cx.random() >> 63 == 1,
            Coin::None => known_side(round),
        };
        cx.output(Says::Coin { lane: lane.number, round, side });
        side
    }

    /// The side of the common coin, or of what is in its place, for whoever may know it.
    pub(crate) fn common_side(&self, lane: u32, round: u32, scenario: u64) -> bool {
        match self.coin_kind() {
            Coin::None => known_side(round),
            _ => {
                draw::draw(draw::mix(scenario, u64::from(lane) | 1 << 40), round.into()) >> 63 == 1
            }
        }
    }
}

/// What takes the coin's place where there is none.
pub(crate) fn known_side(round: u32) -> bool {
    round % 2 == 1
}
