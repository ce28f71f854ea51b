//! The states of accounts after blocks: the latest are remembered, earlier ones are worked out again when somebody asks.
//!
//! A state shares with the one before it whatever its block did not change. What a block does change is paths of the
//! trie: tens of megabytes for tens of thousands of transactions among a million accounts. Nodes that are late ask for
//! old states, and go on from there, so the way back is short. What is remembered changes no result: only time and
//! memory.

use std::sync::{PoisonError, RwLock};

use anthill_contracts::State;
use anthill_protocol::{Bodies, Digest, Shared};

use crate::accounts::Accounts;
use crate::block::Block;
use crate::bodies::ChainBody;
use crate::protocol::PosBft;

/// The states of so many blocks below one are remembered, however large the blocks are.
const BLOCKS: usize = 2;
/// And more of them until their blocks have so many transactions: in tests so few that they forget, too.
const TRANSACTIONS: usize = if cfg!(test) { 8 } else { 50_000 };
/// So far below that states are looked for that can be forgotten.
const LOOKED: usize = 64;
/// And no further down than this. Chains of blocks so small that it does not matter remember all.
const DEEPEST: usize = 1_000;

/// The state after a block. All are equal: their roots are compared elsewhere.
#[derive(Default)]
pub struct Remembered(RwLock<Kept>);

#[derive(Clone, Default)]
enum Kept {
    /// That of the genesis, which is made when it is needed.
    #[default]
    Genesis,
    Here(State),
    /// Its root.
    Forgotten(Digest),
}

impl Remembered {
    pub(crate) fn new(state: State) -> Self {
        Self(RwLock::new(Kept::Here(state)))
    }

    fn get(&self) -> Kept {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, kept: Kept) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    fn forget(&self) {
        if let Kept::Here(state) = self.get() {
            self.set(Kept::Forgotten(state.root()));
        }
    }

    #[cfg(test)]
    pub(crate) fn is_forgotten(&self) -> bool {
        matches!(self.get(), Kept::Forgotten(_))
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        Self(RwLock::new(self.get()))
    }
}

impl PartialEq for Remembered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Remembered {}

impl core::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Remembered")
    }
}

impl PosBft {
    /// The root of the state of accounts.
    pub(crate) fn accounts_root(&self, accounts: &Accounts) -> Digest {
        match accounts.state.get() {
            Kept::Genesis => self.genesis_state().root(),
            Kept::Here(state) => state.root(),
            Kept::Forgotten(root) => root,
        }
    }

    /// The state of accounts after a block; `None` is the genesis.
    pub(crate) fn state_after(
        &self,
        tip: Option<Shared>,
        bodies: &impl Bodies<ChainBody>,
    ) -> State {
        match self.outcome(tip, bodies).accounts.state.get() {
            Kept::Genesis => self.genesis_state().clone(),
            Kept::Here(state) => state,
            Kept::Forgotten(_) => self.state_again(tip, bodies),
        }
    }

    /// Executes once more from the nearest block below whose state is there.
    fn state_again(&self, tip: Option<Shared>, bodies: &impl Bodies<ChainBody>) -> State {
        let forgotten = |at: &Shared| {
            let block = bodies.get(*at).block()?;
            let kept = block.outcome.known()?.accounts.state.get();
            matches!(kept, Kept::Forgotten(_)).then_some(block)
        };
        let missing: Vec<&Block> = core::iter::successors(tip.as_ref().and_then(forgotten), |it| {
            it.parent.as_ref().and_then(forgotten)
        })
        .collect();
        let mut last = None;
        for block in missing.into_iter().rev() {
            let state = self.execute(block, bodies).accounts.state.get();
            if let (Some(outcome), Kept::Here(now)) = (block.outcome.known(), &state) {
                outcome.accounts.state.set(Kept::Here(now.clone()));
                self.forget_below(block, bodies);
                last = Some(now.clone());
            }
        }
        // Another thread may have come first.
        last.unwrap_or_else(|| self.state_after(tip, bodies))
    }

    /// Forgets states that nobody is likely to ask for, now that a block is executed.
    pub(crate) fn forget_below(&self, block: &Block, bodies: &impl Bodies<ChainBody>) {
        let mut transactions = block.transactions.len();
        // Without T8 an execution is no function of the block: it could not be done again.
        if transactions.saturating_mul(DEEPEST) < TRANSACTIONS || !self.switches.t8 {
            return;
        }
        let parent = |block: &Block| block.parent.and_then(|parent| bodies.get(parent).block());
        let mut looked = 0;
        let below = core::iter::successors(parent(block), |block| parent(block));
        for (depth, old) in below.take(DEEPEST).enumerate() {
            if depth >= BLOCKS && transactions >= TRANSACTIONS {
                if let Some(outcome) = old.outcome.known() {
                    outcome.accounts.state.forget();
                }
                looked += 1;
                if looked == LOOKED {
                    return;
                }
            }
            transactions = transactions.saturating_add(old.transactions.len());
        }
    }
}
