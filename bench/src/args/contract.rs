//! The flags of `anthill contract`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const CONTRACT_EXAMPLES: &str = "\
Examples:
  anthill contract check mine.wasm                         may it be deployed, and if not, why not
  anthill contract run token --init u64:1000 \\
      --call 'u8:1 address:bob u64:30' --query 'u8:0 address:bob'
  anthill contract run mine.wasm --call 'from:bob value:5 at:60000 text:hello'

Instead of a file, the name of a contract that comes with anthill. How to write and build one, and what
it may use: docs/contracts.md.

Exit codes: 0 done; 1 a step failed; 2 the code is refused, or other bad input.";

const RUN_HELP: &str = "\
A step is words KIND:VALUE. These append to the input: u8:1, u32:1, u64:1 (little-endian), address:NAME
(or 64 hexadecimal digits), hex:00ff, text:abc. These say how it is called: from:NAME (alice), value:MONEY
(0), at:MILLISECONDS (a second after the step before), fuel:LIMIT (100000000). Each account begins with
1000000000000 of money, and fuel costs nothing.";

/// The flags of `anthill contract`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ContractArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ContractCommand,
}

/// What to do with a contract.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Say whether code may be deployed, and if not, all reasons.
    Check {
        /// WebAssembly binaries, or names of contracts that come with anthill.
        #[arg(value_name = "FILE.wasm|NAME", required = true)]
        files: Vec<PathBuf>,
    },
    /// Deploy a contract on a ledger of one node, call it, and print what it did.
    #[command(after_help = RUN_HELP)]
    Run(ContractRunArgs),
}

/// The flags of `anthill contract run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ContractRunArgs {
    /// A WebAssembly binary, or the name of a contract that comes with anthill.
    #[arg(value_name = "FILE.wasm|NAME")]
    pub file: PathBuf,
    /// The deployment, whose input the contract's `init` reads.
    #[arg(long, value_name = "STEP", default_value = "")]
    pub init: String,
    /// A call; repeatable, in this order.
    #[arg(long = "call", value_name = "STEP")]
    pub calls: Vec<String>,
    /// A query, after all calls; repeatable.
    #[arg(long = "query", value_name = "STEP")]
    pub queries: Vec<String>,
}
