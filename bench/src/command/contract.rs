//! `anthill contract`: whether code may be deployed, and what a contract does on a ledger of one node.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anthill_contracts::trial::{Step, Trial};
use anthill_contracts::{Event, Refusal, Status, check, limits, shipped};
use anyhow::{Context as _, bail};

use super::Exit;
use crate::args::{ContractArgs, ContractCommand, ContractRunArgs};
use crate::{terminal, units};

/// Checks contracts, or tries one.
pub(super) fn contract(args: &ContractArgs) -> anyhow::Result<Exit> {
    match &args.command {
        ContractCommand::Check { files } => check_all(files),
        ContractCommand::Run(args) => run(args),
    }
}

fn check_all<P: AsRef<Path>>(files: &[P]) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for file in files {
        let (name, code) = (file.as_ref().display(), read(file.as_ref())?);
        let refusals = check(&code);
        if refusals.is_empty() {
            let bytes = units::count(code.len() as u64);
            terminal::show(&format!("{name}: may be deployed ({bytes} bytes)\n"))?;
        } else {
            terminal::complain("error", &refused(file.as_ref(), &refusals));
            exit = Exit::BadInput;
        }
    }
    Ok(exit)
}

fn run(args: &ContractRunArgs) -> anyhow::Result<Exit> {
    let code = read(&args.file)?;
    let init = step("--init", &args.init)?;
    let steps = |flag, texts: &[String]| {
        texts.iter().map(|text| step(flag, text)).collect::<anyhow::Result<Vec<_>>>()
    };
    let (calls, queries) = (steps("--call", &args.calls)?, steps("--query", &args.queries)?);
    let (mut trial, receipt) = match Trial::deploy(&code, &init) {
        Ok(deployed) => deployed,
        Err(refusals) => bail!(refused(&args.file, &refusals)),
    };
    let mut all_done = receipt.status.is_done();
    let mut text = outcome("deployed", receipt.status, receipt.fuel, &receipt.events, &[]);
    if all_done {
        let _ = writeln!(text, "  at {}", trial.contract());
        for call in &calls {
            let receipt = trial.call(call);
            let (events, output) = (&receipt.events, &receipt.output);
            text += &outcome("call", receipt.status, receipt.fuel, events, output);
            all_done &= receipt.status.is_done();
        }
        for query in &queries {
            let found = trial.query(query);
            text += &outcome("query", found.status, found.fuel, &found.events, &found.output);
            all_done &= found.status.is_done();
        }
        let balance = trial.state().account(&trial.contract()).balance;
        let _ = writeln!(text, "the contract has {} of money", units::count(balance));
    }
    terminal::show(&text)?;
    Ok(if all_done { Exit::Done } else { Exit::Violated })
}

/// The code in a file; without such a file, of the contract that comes with anthill by that name.
fn read(file: &Path) -> anyhow::Result<Cow<'static, [u8]>> {
    let shipped = file.to_str().and_then(shipped::find);
    if let (Some(shipped), false) = (shipped, file.exists()) {
        return Ok(Cow::Borrowed(shipped.wasm));
    }
    let told = || {
        let names = shipped::ALL.map(|contract| contract.name).join(", ");
        format!("cannot read {}; contracts that come with anthill: {names}", file.display())
    };
    let metadata = fs::metadata(file).with_context(told)?;
    // Before it is in memory: it may be a disk image, or a device without an end.
    if !metadata.is_file() {
        bail!("{}: not a file: give a WebAssembly binary", file.display());
    }
    if metadata.len() > limits::CODE as u64 {
        let refusal = Refusal::TooLong { bytes: metadata.len() as usize };
        bail!(refused(file, &[refusal]));
    }
    Ok(Cow::Owned(fs::read(file).with_context(told)?))
}

fn step(flag: &str, text: &str) -> anyhow::Result<Step> {
    Step::read(text).map_err(|problem| anyhow::anyhow!("{flag} '{text}': {problem}"))
}

fn refused(file: &Path, refusals: &[Refusal]) -> String {
    let mut text = format!("{}: may not be deployed", file.display());
    for refusal in refusals {
        let _ = write!(text, "\n  {refusal}");
    }
    text
}

fn outcome(what: &str, status: Status, fuel: u64, events: &[Event], output: &[u8]) -> String {
    let mut text = format!("{what}: {status}, {} fuel\n", units::count(fuel));
    for event in events {
        let topic = String::from_utf8_lossy(&event.topic).escape_debug().to_string();
        let _ = writeln!(text, "  event {topic}: {}", bytes(&event.data));
    }
    if !output.is_empty() {
        let _ = writeln!(text, "  returned {}", bytes(output));
    }
    text
}

/// In hexadecimal; what may be a number as a number too.
fn bytes(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Ok(number) = bytes.try_into() {
        let _ = write!(text, " (u64 {})", u64::from_le_bytes(number));
    }
    text
}
