//! What a real node of the chain offers outside: it takes transactions, and answers questions.
//!
//! A transaction comes as its sender, the signature, and the transaction's saved form (`Snapshot`). Accounts
//! are those of node ids: validators, then the [`USERS`] whose keys follow from the scenario's seed.

use core::fmt::Write as _;

use anthill_contracts::{Address, Environment, Message, Receipt};
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Signature, Snapshot, SnapshotError};
use std::sync::Arc;

use crate::attacks;
use crate::block::{Block, ancestor};
use crate::bodies::ChainBody;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::protocol::PosBft;
use crate::server::Server;
use crate::stakes::MILLION;
use crate::transaction::Signed;

/// Ids of users: nobody runs them, their owners sign with their keys.
const USERS: u32 = 16;
/// The greatest stake, in millions.
const MOST_STAKE: u64 = 1_000_000;
/// So many blocks are looked through for a receipt.
const MOST_BLOCKS: u32 = 10_000;
/// Fuel of a call that changes nothing.
const QUERY_FUEL: u64 = 10_000_000;

/// How a network of so many real validators differs from the preset.
pub(crate) fn settings(nodes: u32) -> Vec<(&'static str, String)> {
    vec![
        ("nodes", nodes.saturating_add(USERS).to_string()),
        ("protocol.users", USERS.to_string()),
        ("protocol.execution", "\"wasm\"".to_owned()),
        ("protocol.heights", "0".to_owned()),
        ("protocol.resend", "\"2s\"".to_owned()),
    ]
}

impl PosBft {
    /// Takes the stakes of the real validators, in millions.
    pub(crate) fn take_stakes(&mut self, stakes: &[u64]) -> Result<(), ParameterError> {
        let is_file = self.stake == "node-file";
        let name = if is_file { "stake" } else { "STAKE" };
        let error = |problem: String| Err(ParameterError { name, problem });
        // A file has all nodes; only the first may be validators.
        let stakes = &stakes
            [..stakes.len().min(if is_file { self.candidates as usize } else { usize::MAX })];
        if stakes.len() != self.candidates as usize {
            let expected = self.candidates;
            return error(format!("{} stakes for {expected} validators", stakes.len()));
        }
        if stakes.iter().all(|stake| *stake == 0) || stakes.iter().any(|it| *it > MOST_STAKE) {
            return error(format!("give 0 to {MOST_STAKE}, and one node at least more than 0"));
        }
        let mut stakes: Vec<u64> = stakes.iter().map(|stake| stake * MILLION).collect();
        stakes.resize(self.servers as usize, 0);
        self.genesis = Arc::new(Outcome::genesis(&stakes, self.max_validators, self.endowment()));
        self.platform = Arc::default();
        if is_file { attacks::fit(self) } else { Ok(()) }
    }

    /// Takes a transaction.
    pub(crate) fn take_transaction(
        &self,
        node: &mut Node,
        request: &[u8],
        cx: &mut impl Context<Self>,
    ) -> Result<String, String> {
        let node = node.server_mut().ok_or("this node does not follow the chain")?;
        let signed = read(request)?;
        if !self.executes() {
            return Err("this chain has no transactions: protocol.execution is \"none\"".to_owned());
        }
        if signed.sender >= cx.nodes() || !signed.is_own() {
            return Err(format!("node {} does not own the account it spends from", signed.sender));
        }
        let (id, nonce, sender) =
            (signed.transaction.id(), signed.transaction.nonce, signed.sender);
        if signed.encoded_len() > 1 << 20 {
            return Err("the transaction is longer than a megabyte".to_owned());
        }
        let expected = self.next_nonce(node, NodeId(sender), &cx.bodies());
        let body = cx.share(ChainBody::Transaction(signed.clone()));
        if cx.verify_body(body).failed() > 0 {
            return Err(format!("the signature is not node {sender}'s"));
        }
        if nonce != expected {
            return Err(format!("nonce {nonce}: the next of node {sender} is {expected}"));
        }
        let waiting = node.mempool.of_sender(sender);
        // As from a user, so that it goes on to all validators.
        self.on_transaction(node, NodeId(u32::MAX), body, cx);
        if node.mempool.of_sender(sender) == waiting {
            let bodies = cx.bodies();
            let account =
                self.state_after(tip(node), &bodies).account(&Address::of_node(NodeId(sender)));
            let of_now = anthill_contracts::Account { nonce, ..account };
            return Err(match signed.transaction.admit(self.chain, &of_now) {
                Err(refused) => format!("refused: {refused}"),
                Ok(()) => "refused: too many transactions wait, or the account cannot pay for all of its own"
                    .to_owned(),
            });
        }
        Ok(format!("{{\"id\":\"{}\",\"nonce\":{nonce}}}", hex(&id.0)))
    }

    /// The outcome of the latest decided block.
    fn latest<'a>(&'a self, node: &Server, bodies: &'a impl Bodies<ChainBody>) -> &'a Outcome {
        self.outcome(tip(node), bodies)
    }

    /// The next nonce of an account, those counted that wait.
    fn next_nonce(&self, node: &Server, sender: NodeId, bodies: &impl Bodies<ChainBody>) -> u64 {
        let account = self.state_after(tip(node), bodies).account(&Address::of_node(sender));
        account.nonce + node.mempool.of_sender(sender.0) as u64
    }

    /// Answers a question: see `docs/node.md`.
    pub(crate) fn tell(
        &self,
        node: &Node,
        path: &str,
        bodies: &impl Bodies<ChainBody>,
    ) -> Option<String> {
        let node = node.server()?;
        let words: Vec<&str> = path.split('/').collect();
        match *words {
            [""] => Some(self.summary(node, bodies)),
            ["accounts", id] => self.account(node, id, bodies),
            ["blocks", height] => {
                let height = match height {
                    "latest" => self.latest(node, bodies).height,
                    height => height.parse().ok()?,
                };
                let block = ancestor(tip(node)?, height, bodies)?;
                self.block_as_json(bodies.get(block).block()?, bodies)
            }
            ["receipts", id] => self.receipt(node, id, bodies),
            ["contracts", id, "call", input] => self.ask_contract(node, id, input, bodies),
            ["contracts", id] => {
                let contract = Address::from_hex(id)?;
                let state = self.state_after(tip(node), bodies);
                let code = state.code(&contract)?;
                let (hash, len) = (hex(&code.hash().0), code.bytes().len());
                Some(format!("{{\"contract\":\"{contract}\",\"code\":\"{hash}\",\"bytes\":{len}}}"))
            }
            _ => None,
        }
    }

    fn summary(&self, node: &Server, bodies: &impl Bodies<ChainBody>) -> String {
        let outcome = self.latest(node, bodies);
        let block = tip(node).and_then(|tip| bodies.get(tip).block()).map_or(0, Block::hash);
        format!(
            "{{\"height\":{},\"block\":\"{block:016x}\",\"state\":\"{}\",\"round\":{},\"step\":\"{:?}\",\
             \"waiting\":{},\"stake\":{},\"all_stake\":{},\"chain\":{},\"first_user\":{},\"users\":{}}}",
            outcome.height,
            hex(&self.root(outcome).0),
            node.round,
            node.step,
            node.mempool.len(),
            node.stake,
            outcome.turns[0].set.total(),
            self.chain,
            self.servers,
            self.users,
        )
    }

    fn account(&self, node: &Server, id: &str, bodies: &impl Bodies<ChainBody>) -> Option<String> {
        let (address, next) = match id.parse::<u32>() {
            Ok(id) => {
                (Address::of_node(NodeId(id)), Some(self.next_nonce(node, NodeId(id), bodies)))
            }
            Err(_) => (Address::from_hex(id)?, None),
        };
        let state = self.state_after(tip(node), bodies);
        let account = state.account(&address);
        let next = next.unwrap_or(account.nonce);
        Some(format!(
            "{{\"address\":\"{address}\",\"balance\":{},\"nonce\":{},\"next_nonce\":{next},\"contract\":{}}}",
            account.balance,
            account.nonce,
            state.code(&address).is_some(),
        ))
    }

    fn block_as_json(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> Option<String> {
        let receipts = &block.outcome.known()?.accounts.receipts;
        let transactions: Vec<String> = match receipts.is_empty() {
            true => Vec::new(),
            false => receipts.iter().map(receipt_as_json).collect(),
        };
        let parent = block.parent.and_then(|it| bodies.get(it).block()).map_or(0, Block::hash);
        Some(format!(
            "{{\"height\":{},\"block\":\"{:016x}\",\"parent\":\"{parent:016x}\",\"proposer\":{},\"time_ns\":{},\
             \"state_before\":\"{}\",\"transactions\":[{}]}}",
            block.header.height,
            block.hash(),
            block.header.proposer,
            block.header.time.0,
            hex(&block.header.state.0),
            transactions.join(","),
        ))
    }

    fn receipt(&self, node: &Server, id: &str, bodies: &impl Bodies<ChainBody>) -> Option<String> {
        let mut at = tip(node);
        for _ in 0..MOST_BLOCKS {
            let block = bodies.get(at?).block()?;
            let receipts = &self.outcome(at, bodies).accounts.receipts;
            if let Some(found) = receipts.iter().find(|it| hex(&it.id.0) == id) {
                let height = block.header.height;
                return Some(format!(
                    "{{\"height\":{height},\"receipt\":{}}}",
                    receipt_as_json(found)
                ));
            }
            at = block.parent;
        }
        None
    }

    fn ask_contract(
        &self,
        node: &Server,
        id: &str,
        input: &str,
        bodies: &impl Bodies<ChainBody>,
    ) -> Option<String> {
        let (to, input) = (Address::from_hex(id)?, unhex(input)?);
        let outcome = self.latest(node, bodies);
        let state = self.state_after(tip(node), bodies);
        state.code(&to)?;
        let env =
            Environment { height: outcome.height.into(), time_ms: outcome.time.0 / 1_000_000 };
        let caller = Address::pot("nobody");
        let message = Message { caller, to, value: 0, input: &input, fuel: QUERY_FUEL };
        let found = self.machine().query(&state, &env, &message);
        let (status, output) = (found.status.to_string(), hex(&found.output));
        let fuel = found.fuel;
        Some(format!("{{\"status\":\"{status}\",\"output\":\"{output}\",\"fuel\":{fuel}}}"))
    }
}

/// Reads what a client sends: sender, signature, transaction.
fn read(request: &[u8]) -> Result<Signed, String> {
    let wrong = |error: SnapshotError| format!("no transaction: {error}");
    let mut rest = request;
    let (sender, signature) = <(u32, Signature)>::load(&mut rest).map_err(wrong)?;
    let mut bytes = Vec::with_capacity(request.len() + 4);
    // Clients do not pad.
    (sender, signature, 0u32).save(&mut bytes);
    bytes.extend_from_slice(rest);
    let mut rest = &bytes[..];
    let signed = Signed::load(&mut rest).map_err(wrong)?;
    match rest.is_empty() {
        true => Ok(signed),
        false => Err("no transaction: there are bytes after it".to_owned()),
    }
}

/// The latest decided block.
fn tip(node: &Server) -> Option<Shared> {
    node.decided.map(|it| it.block).or(node.tip)
}

fn receipt_as_json(receipt: &Receipt) -> String {
    let Receipt { id, status, fuel, events, output } = receipt;
    let events: Vec<String> = events
        .iter()
        .map(|it| format!("{{\"topic\":\"{}\",\"data\":\"{}\"}}", hex(&it.topic), hex(&it.data)))
        .collect();
    format!(
        "{{\"id\":\"{}\",\"status\":\"{status}\",\"fuel\":{fuel},\"output\":\"{}\",\"events\":[{}]}}",
        hex(&id.0),
        hex(output),
        events.join(",")
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
