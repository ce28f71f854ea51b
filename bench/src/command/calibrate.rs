//! `anthill calibrate`: what this machine takes, as a table that scenarios may use.
//!
//! The figures follow from `measure`; here they become text, JSON and a cost table. A table is
//! rounded to two digits: the next one differs from one measurement to the next.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anthill_engine::crypto::{SigningKey, curve_backend};
use anthill_engine::scenario::CostTable;
use anthill_protocol::Span;
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::Exit;
use crate::args::{CalibrateArgs, Format};
use crate::interrupt::Interrupts;
use crate::machine::machine_name;
use crate::measure::signatures::{CLAIMS, FEW_KEYS, SIGN_DALEK, VERIFY_DALEK};
use crate::measure::{Figure, Table, median_of, messages, signatures};
use crate::{clock, export, terminal, units};

/// Why a cost table cannot be saved; found before anything is measured, where that is possible.
#[derive(Debug, Error)]
enum SaveError {
    /// A scenario would not take it for a path.
    #[error("--out {}: a cost table is named by a path that ends in .toml; try {}.toml",
        .0.display(), .0.display())]
    NotToml(PathBuf),
    /// Something is there.
    #[error("--out {} exists and is never overwritten; choose another name", .0.display())]
    Exists(PathBuf),
    /// The file system refused.
    #[error("--out {}: cannot be written: {problem}; choose another place", path.display())]
    Io { path: PathBuf, problem: io::Error },
}

/// How thoroughly to measure.
struct Effort {
    rounds: usize,
    /// Batches of messages a round.
    batches: usize,
    /// Claims that short batches are repeated for.
    claims: usize,
}

const THOROUGH: Effort = Effort { rounds: 15, batches: 201, claims: 1_024 };
const QUICK: Effort = Effort { rounds: 3, batches: 51, claims: 256 };

/// What was measured, and how.
struct Calibration {
    figures: Vec<Figure>,
    rounds: usize,
    /// Of a remembered verdict, a million of them held.
    bytes_per_verdict: f64,
    costs: CostTable,
}

/// Measures this machine.
pub(super) fn calibrate(args: &CalibrateArgs, interrupts: &Interrupts) -> anyhow::Result<Exit> {
    if let Some(path) = &args.out {
        check_place(path)?;
    }
    let effort = if args.quick { QUICK } else { THOROUGH };
    if io::stderr().is_terminal() {
        let rounds = effort.rounds;
        terminal::complain("note", &format!("measuring {rounds} rounds; close what else runs"));
    }
    let found = measure(&effort)?;
    let table = table_text(&found.costs);
    let saved = args.out.as_deref();
    let saved = saved.map(|path| interrupts.hold(|| save(path, &table).map(|()| path))).transpose();
    // The figures are shown even if the disk is full.
    let place = saved.as_ref().map_or(None, |place| *place);
    match args.format {
        Format::Json => terminal::show(&json_text(&found, place))?,
        Format::Text => terminal::show(&text(&found, &table, place))?,
    }
    saved?;
    Ok(Exit::Done)
}

fn measure(effort: &Effort) -> anyhow::Result<Calibration> {
    let distinct = signatures::claims(CLAIMS, CLAIMS as u32);
    let few = signatures::claims(CLAIMS, FEW_KEYS);
    let mut table = Table::default();
    signatures::add_signing(&mut table);
    signatures::add_single(&mut table, &distinct);
    signatures::add_batches(&mut table, &distinct, &few, effort.claims);
    signatures::add_hashing(&mut table);
    let bytes_per_verdict = signatures::add_memory(&mut table);
    let no_messages = "cannot measure messages over the loopback interface";
    messages::add(&mut table, effort.batches).context(no_messages)?;
    let figures = table.run(effort.rounds).context(no_messages)?;
    let costs = costs(&figures);
    Ok(Calibration { figures, rounds: effort.rounds, bytes_per_verdict, costs })
}

/// What a node pays: single operations of ed25519-dalek, whatever the host does faster.
fn costs(figures: &[Figure]) -> CostTable {
    let messages = messages::costs(figures);
    CostTable {
        receive: rounded(messages.receive),
        send: rounded(messages.send),
        timer: rounded(messages.timer),
        kib: rounded(messages.kib),
        sign: rounded(median_of(figures, SIGN_DALEK)),
        verify: rounded(median_of(figures, VERIFY_DALEK)),
    }
}

/// To two digits. A difference of measurements may come out below zero: then it is lost in them.
fn rounded(ns: f64) -> Span {
    let ns = ns.max(0.0).round() as u64;
    let mut unit = 1;
    while ns / unit >= 100 {
        unit *= 10;
    }
    Span((ns + unit / 2) / unit * unit)
}

/// The file's content.
fn table_text(costs: &CostTable) -> String {
    let command: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let changes = if crate::build::has_changes() { " with uncommitted changes" } else { "" };
    let lines = [
        "What one message, timer or signature costs a node: for `[cpu] table`.".to_owned(),
        String::new(),
        format!("machine  {}", machine_name()),
        format!("date     {}", clock::date(clock::unix_seconds())),
        format!("commit   {}{changes}", crate::build::commit()),
        format!("command  {} {}", crate::build::name(), command.join(" ")),
        String::new(),
        "Messages: CPU time of a message's system calls over loopback, UDP and TCP in the mean."
            .into(),
        "Signatures: ed25519-dalek, one at a time. Medians, to two digits.".into(),
    ];
    let mut text = String::new();
    for line in lines {
        // A line break in an argument must not end the comment.
        let line = format!("# {line}").replace(char::is_control, "?");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text + "\n" + &costs.to_toml()
}

fn text(found: &Calibration, table: &str, saved: Option<&Path>) -> String {
    let mut text = format!(
        "{}\nCPU time of one thread per operation, of batches per signature; {} rounds in turns\n\n\
         Backends\n  signing        {}\n  curve          curve25519-dalek, {}\n\n{:<28}{:>10}{:>10}{:>10}\n",
        machine_name(),
        found.rounds,
        SigningKey::new(&[0; 32]).backend(),
        curve_backend(),
        "Measured",
        "median",
        "lowest",
        "highest"
    );
    for Figure { name, median, lowest, highest } in &found.figures {
        let [median, lowest, highest] =
            [median, lowest, highest].map(|ns| units::nanos(ns.max(0.0).round() as u64));
        let _ = writeln!(text, "  {name:<26}{median:>10}{lowest:>10}{highest:>10}");
    }
    let _ = writeln!(text, "\nA remembered verdict takes {:.1} bytes.", found.bytes_per_verdict);
    let _ = write!(text, "\n{table}");
    let _ = match saved {
        Some(path) => writeln!(text, "\nSaved in {}: name it under [cpu] table", path.display()),
        None => writeln!(text, "\nNot saved: --out FILE.toml saves the table"),
    };
    text
}

fn json_text(found: &Calibration, saved: Option<&Path>) -> String {
    let figure = |figure: &Figure| {
        json!({
            "name": figure.name,
            "median_ns": figure.median,
            "lowest_ns": figure.lowest,
            "highest_ns": figure.highest,
        })
    };
    let costs: Map<String, Value> = found
        .costs
        .entries()
        .into_iter()
        .map(|(name, cost)| (format!("{name}_ns"), json!(cost.0)))
        .collect();
    export::pretty(&json!({
        "machine": machine_name(),
        "commit": crate::build::commit(),
        "measured_unix_s": clock::unix_seconds(),
        "signing_backend": SigningKey::new(&[0; 32]).backend(),
        "curve_backend": curve_backend(),
        "rounds": found.rounds,
        "figures": found.figures.iter().map(figure).collect::<Vec<Value>>(),
        "bytes_per_verdict": found.bytes_per_verdict,
        "costs": costs,
        "saved": saved.map(|path| path.display().to_string()),
    }))
}

/// Refuses what could not be saved, before the time is spent on measuring.
fn check_place(path: &Path) -> Result<(), SaveError> {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Err(SaveError::NotToml(path.to_owned()));
    }
    if path.symlink_metadata().is_ok() {
        return Err(SaveError::Exists(path.to_owned()));
    }
    let folder = folder_of(path);
    let problem = match fs::metadata(&folder) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => io::Error::from(io::ErrorKind::NotADirectory),
        Err(error) => error,
    };
    Err(SaveError::Io { path: path.to_owned(), problem })
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes under another name and renames: whoever reads the file sees all of it or none.
fn save(path: &Path, content: &str) -> Result<(), SaveError> {
    let failed = |problem| SaveError::Io { path: path.to_owned(), problem };
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(format!(".{}.partial", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(failed)
        .and_then(|()| match path.symlink_metadata() {
            Ok(_) => Err(SaveError::Exists(path.to_owned())),
            Err(_) => fs::rename(&unfinished, path).map_err(failed),
        });
    if written.is_err() {
        // Best effort: the error to report is the first one.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_rounded_to_two_digits() {
        for (ns, expected) in [
            (-3.0, 0),
            (0.4, 0),
            (7.0, 7),
            (99.4, 99),
            (547.0, 550),
            (2_949.0, 2_900),
            (995.0, 1_000),
        ] {
            assert_eq!(rounded(ns), Span(expected), "{ns}");
        }
    }

    #[test]
    fn a_saved_table_is_one_that_scenarios_take() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("here.toml");
        let costs = CostTable { timer: Span(123), ..CostTable::standard() };
        assert!(check_place(&path).is_ok());
        save(&path, &table_text(&costs)).expect("saved");
        assert_eq!(CostTable::load(&path.clone().into()).expect("a table"), costs);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(matches!(check_place(&path), Err(SaveError::Exists(_))));
        assert!(matches!(save(&path, ""), Err(SaveError::Exists(_))));
        assert_eq!(CostTable::load(&path.clone().into()).expect("kept"), costs);
        assert!(matches!(check_place(Path::new("table")), Err(SaveError::NotToml(_))));
        let below = path.join("x.toml");
        assert!(matches!(check_place(&below), Err(SaveError::Io { .. })));
    }
}
