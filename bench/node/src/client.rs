//! `anthill client`: submits, deploys and asks, at a node's HTTP.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anthill_contracts::{Address, Payload, Transaction};
use anthill_engine::crypto::{SigningKey, secret_of};
use anthill_protocol::{Digest, NodeId, Snapshot};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::text::{hex, unhex};

/// Fuel that a call or deployment may use beside its own bytes, unless said otherwise.
const FUEL: u64 = 10_000_000;

/// `anthill client`.
#[derive(Args, Clone, Debug)]
pub struct ClientArgs {
    /// The node's HTTP address, as it prints it.
    #[arg(long, global = true, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    pub node: String,
    /// Whose account pays: the number of a user, from 0; its key follows from the scenario's seed.
    #[arg(long = "as", global = true, value_name = "USER", default_value_t = 0)]
    pub user: u32,
    /// Do not wait until the transaction is in a block.
    #[arg(long, global = true)]
    pub no_wait: bool,
    /// The fuel that a deployment or call may use.
    #[arg(long, global = true, value_name = "N", default_value_t = FUEL)]
    pub fuel: u64,
    /// What to do.
    #[command(subcommand)]
    pub command: ClientCommand,
}

/// What a client does.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientCommand {
    /// Show the node's status.
    Status,
    /// Move money to an account.
    Transfer {
        /// The account: a user's number (`user:3`), a node's id, or an address of 64 digits.
        to: String,
        /// How much.
        amount: u64,
    },
    /// Deploy a contract: prints its address.
    Deploy {
        /// Its WebAssembly; or the name of a contract that ships, such as `counter` or `token`.
        wasm: PathBuf,
        /// What its `init` reads, in hexadecimal digits.
        #[arg(default_value = "")]
        input: String,
    },
    /// Call a contract in a transaction.
    Call {
        /// Its address.
        contract: String,
        /// What it reads, in hexadecimal digits.
        #[arg(default_value = "")]
        input: String,
        /// Money that goes along.
        #[arg(long, default_value_t = 0)]
        value: u64,
    },
    /// Ask a contract without a transaction: nothing changes.
    Query {
        /// Its address.
        contract: String,
        /// What it reads, in hexadecimal digits.
        #[arg(default_value = "")]
        input: String,
    },
    /// Show an account.
    Account {
        /// A user's number (`user:3`), a node's id, or an address.
        id: String,
    },
    /// Show a block.
    Block {
        /// Its height, or `latest`.
        height: String,
    },
    /// Show what became of a transaction.
    Receipt {
        /// Its id.
        id: String,
    },
}

/// A node's HTTP.
pub struct Client {
    agent: ureq::Agent,
    node: String,
}

impl Client {
    /// For a node at an address.
    pub fn new(node: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(15)))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), node: node.to_owned() }
    }

    /// Gets a path: the text.
    ///
    /// # Errors
    /// If the node is not there, or has no such thing.
    pub fn text(&self, path: &str) -> anyhow::Result<String> {
        let asked = self.agent.get(format!("http://{}/{path}", self.node)).call();
        self.read(path, asked)
    }

    /// Gets a path as JSON.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub fn json(&self, path: &str) -> anyhow::Result<Value> {
        let text = self.text(path)?;
        serde_json::from_str(&text)
            .with_context(|| format!("{}/{path} is not JSON: {text}", self.node))
    }

    /// Posts bytes: the text that comes back.
    ///
    /// # Errors
    /// If the node is not there or refuses them.
    pub fn post(&self, path: &str, body: &str) -> anyhow::Result<String> {
        let asked = self.agent.post(format!("http://{}/{path}", self.node)).send(body);
        self.read(path, asked)
    }

    fn read(
        &self,
        path: &str,
        asked: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<String> {
        let mut response = asked.with_context(|| {
            format!(
                "{}: no node answers there; give the HTTP address that a node prints as --node",
                self.node
            )
        })?;
        let status = response.status();
        let text = response.body_mut().read_to_string()?;
        if !status.is_success() {
            bail!("{}/{path}: {}", self.node, text.trim_end());
        }
        Ok(text)
    }

    /// Signs a transaction as a user and hands it to the node: its id.
    ///
    /// # Errors
    /// If the node is not there, has no such users, or refuses it.
    pub fn submit(
        &self,
        user: u32,
        payload: Payload,
        value: u64,
        fuel: u64,
    ) -> anyhow::Result<Submitted> {
        let status = self.json("status")?;
        let state = &status["state"];
        let number = |value: &Value, name: &str| {
            value[name].as_u64().with_context(|| format!("{}: the node has no accounts", self.node))
        };
        let (chain, first, users) =
            (number(state, "chain")?, number(state, "first_user")?, number(state, "users")?);
        if u64::from(user) >= users {
            bail!("--as {user}: there are {users} users, 0 to {}", users.saturating_sub(1));
        }
        let (id, seed) = (first as u32 + user, number(&status, "seed")?);
        let account = self.json(&format!("accounts/{id}"))?;
        let (sender, nonce) = (Address::of_node(NodeId(id)), number(&account, "next_nonce")?);
        let mut it = Transaction { chain, sender, nonce, fuel_limit: 0, price: 1, value, payload };
        it.fuel_limit =
            it.own_fuel() + if matches!(it.payload, Payload::Transfer { .. }) { 0 } else { fuel };
        let domain = status["protocol"].as_str().unwrap_or_default();
        let digest = Digest::of(domain, seed, 16, &it.id().0);
        let signature = SigningKey::new(&secret_of(seed, &None, NodeId(id))).sign(&digest.0);
        let mut bytes = Vec::new();
        (id, signature).save(&mut bytes);
        it.save(&mut bytes);
        self.post("transactions", &hex(&bytes))?;
        Ok(Submitted { id: hex(&it.id().0), contract: Address::of_contract(&sender, nonce) })
    }

    /// Waits for a transaction's receipt.
    ///
    /// # Errors
    /// If there is none within `patience`.
    pub fn receipt(&self, id: &str, patience: Duration) -> anyhow::Result<Value> {
        #[allow(clippy::disallowed_methods)] // A person waits.
        let now = Instant::now;
        let start = now();
        loop {
            match self.json(&format!("receipts/{id}")) {
                Ok(receipt) => return Ok(receipt),
                Err(error) if now() - start > patience => {
                    return Err(error.context(format!("{id} is in no block after {patience:?}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

/// A transaction that a node has taken.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its hash.
    pub id: String,
    /// Where the contract will be, if it deploys one.
    pub contract: Address,
}

/// `anthill client`: does what it is told and prints what comes back.
///
/// # Errors
/// If the node is not there, refuses, or the transaction fails.
pub fn run(args: &ClientArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.node);
    let input = |text: &str| {
        unhex(text).with_context(|| format!("`{text}`: give hexadecimal digits, two a byte"))
    };
    let (payload, value) = match &args.command {
        ClientCommand::Status => return show(&client.json("status")?),
        ClientCommand::Account { id } => {
            return show(&client.json(&format!("accounts/{}", account(&client, id)?))?);
        }
        ClientCommand::Block { height } => return show(&client.json(&format!("blocks/{height}"))?),
        ClientCommand::Receipt { id } => return show(&client.json(&format!("receipts/{id}"))?),
        ClientCommand::Query { contract, input: text } => {
            input(text)?;
            let answer = client.post(&format!("contracts/{contract}/call"), text)?;
            return show(&serde_json::from_str(&answer)?);
        }
        ClientCommand::Transfer { to, amount } => {
            let address = client.json(&format!("accounts/{}", account(&client, to)?))?;
            let to =
                address["address"].as_str().and_then(Address::from_hex).context("no address")?;
            (Payload::Transfer { to }, *amount)
        }
        ClientCommand::Deploy { wasm, input: text } => {
            let shipped = wasm.to_str().and_then(anthill_contracts::shipped::find);
            let code = match shipped.filter(|_| !wasm.exists()) {
                Some(shipped) => shipped.wasm.to_vec(),
                None => std::fs::read(wasm)
                    .with_context(|| format!("{}: cannot be read", wasm.display()))?,
            };
            if let Some(refusal) = anthill_contracts::check(&code).first() {
                bail!("{}: {refusal}", wasm.display());
            }
            (Payload::Deploy { code: code.into(), input: input(text)?.into() }, 0)
        }
        ClientCommand::Call { contract, input: text, value } => {
            let to = Address::from_hex(contract)
                .with_context(|| format!("`{contract}`: give the contract's address, 64 digits"))?;
            (Payload::Call { to, input: input(text)?.into() }, *value)
        }
    };
    let is_deploy = matches!(payload, Payload::Deploy { .. });
    let submitted = client.submit(args.user, payload, value, args.fuel)?;
    say(&format!("transaction {}", submitted.id))?;
    if is_deploy {
        say(&format!("contract {}", submitted.contract))?;
    }
    if args.no_wait {
        return Ok(());
    }
    let receipt = client.receipt(&submitted.id, Duration::from_secs(60))?;
    show(&receipt)?;
    let status = receipt["receipt"]["status"].as_str().unwrap_or_default();
    if status != "done" {
        bail!("the transaction is in a block, but {status}");
    }
    Ok(())
}

/// An account as the node's HTTP names it.
fn account(client: &Client, text: &str) -> anyhow::Result<String> {
    let Some(user) = text.strip_prefix("user:") else { return Ok(text.to_owned()) };
    let user: u64 = user.parse().with_context(|| format!("`{text}`: give user:0, user:1, …"))?;
    let status = client.json("status")?;
    let first = status["state"]["first_user"].as_u64().context("the node has no accounts")?;
    Ok((first + user).to_string())
}

fn show(value: &Value) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(value)?)
}

fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}
