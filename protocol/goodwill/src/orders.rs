//! What the workload does with contracts: registers and assets that node 0 puts into the chain for every
//! window, and calls of light peers.

use anthill_contracts::shipped::{self, Part};
use anthill_protocol::{Context, NodeId};

use crate::accounts::AccountId;
use crate::contracts::{Code, address};
use crate::node::Full;
use crate::transaction::{Payload, Transaction};
use crate::{Goodwill, vm};

/// What callers pay for a unit of fuel, in millionths of a coin, and what a call takes.
pub(crate) const PRICE: u64 = 1;
pub(crate) const FUEL: u64 = 50_000;
/// Of a game's asset: how many there are, what one costs, and how many an owner may pass on in a window.
pub(crate) const SUPPLY: u64 = 40;
const ASSET_PRICE: u64 = 1_000;
pub(crate) const PASSED_ON: u64 = 2;

/// Which contract the workload calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// Tokens are minted in a register.
    #[default]
    Nft,
    /// A game's capped asset is bought and passed on.
    GameAsset,
    /// Bytes are summed, by a function written in C that comes with its transaction.
    Crc32,
}

impl Order {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "game_asset" => Self::GameAsset,
            "crc32" => Self::Crc32,
            _ => Self::Nft,
        }
    }
}

impl Goodwill {
    /// With calls in the workload, node 0 puts a contract into the chain in every window, and calls it
    /// first.
    pub(crate) fn open_contract(&self, node: &mut Full, window: u32, cx: &mut impl Context<Self>) {
        if cx.id() != NodeId(0) || self.calls <= 0.0 {
            return;
        }
        let (code, input) = self.program();
        let fee = vm::price_of(&code).saturating_mul(PRICE);
        let create = Payload::Create { name: window, fuel: FUEL, calls: u32::MAX, code, input };
        let mut create = Transaction::new(cx.id().0, node.nonce, create, self.law.covers_all);
        create.fee = fee.saturating_add(FUEL);
        node.nonce = node.nonce.saturating_add(1);
        let handle = self.sign_and_share(create, cx);
        self.on_transaction(node, None, handle, cx);
        let (own, nonce) = (cx.id().0, node.nonce);
        let call = self.order_of(window, (own, nonce), own);
        self.make(node, call, cx);
        self.make(node, Payload::Withdraw, cx);
    }

    /// The contract that the workload calls, and what its creation says.
    fn program(&self) -> (Code, Box<[u8]>) {
        let wasm = |name| shipped::find(name).map_or(&[][..], |one| one.wasm);
        match self.order {
            Order::Nft => (Code::Shipped(vm::program("nft")), Box::default()),
            Order::GameAsset => {
                let window_ms = self.slot.0.saturating_mul(self.window.into()) / 1_000_000;
                let terms = [SUPPLY, ASSET_PRICE, PASSED_ON, window_ms.max(1)].map(Part::U64);
                (Code::Shipped(vm::program("game_asset")), shipped::input(&terms).into())
            }
            Order::Crc32 => (Code::Module(wasm("crc32").into()), Box::default()),
        }
    }

    /// A call of the contract of a window.
    pub(crate) fn order_of(
        &self,
        window: u32,
        (caller, nonce): (AccountId, u32),
        to: AccountId,
    ) -> Payload {
        let mut token = [0; 32];
        token[..4].copy_from_slice(&caller.to_le_bytes());
        token[4..8].copy_from_slice(&nonce.to_le_bytes());
        let heir = Part::Address(vm::of(to));
        let (input, value) = match self.order {
            Order::Nft => (shipped::input(&[Part::U8(1), Part::Bytes(&token)]), 0),
            // Of three such calls one buys, two pass on what was bought.
            Order::GameAsset if nonce.is_multiple_of(3) => {
                (shipped::input(&[Part::U8(1), Part::U64(2)]), 2 * ASSET_PRICE)
            }
            Order::GameAsset => (shipped::input(&[Part::U8(2), heir, Part::U64(1)]), 0),
            Order::Crc32 => (token.to_vec(), 0),
        };
        let contract = address(0, window);
        Payload::Call { contract, limit: FUEL, price: PRICE, value, input: input.into() }
    }

    /// What a transaction of the workload holds at most, beside its payment.
    pub(crate) fn dearest_order(&self) -> u64 {
        if self.calls > 0.0 { FUEL * PRICE + 2 * ASSET_PRICE } else { 0 }
    }
}
