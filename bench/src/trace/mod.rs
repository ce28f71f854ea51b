//! Single events of a run, as files and for people.
//!
//! `wanted` checks what a user asks for against the scenario; the engine records it; `line` prints
//! records, `jsonl` and `perfetto` save them, `chain` walks from one record back to what began it.

pub(crate) mod chain;
pub(crate) mod jsonl;
pub(crate) mod line;
pub(crate) mod perfetto;
pub(crate) mod wanted;

use anthill_engine::trace::{Trace, What};

use crate::run_directory::RunDirectory;
use crate::{terminal, units};

/// The kind of an event in words.
pub(crate) fn kind(what: &What, kinds: &[&'static str]) -> &'static str {
    match what {
        What::Message(kind) => kinds[usize::from(*kind)],
        What::Timer(_) => "timer",
        What::Restart => "restart",
    }
}

/// Saves both files; says on stderr if they do not hold everything.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn save(
    trace: &Trace,
    kinds: &[&'static str],
    run: &mut RunDirectory,
) -> anyhow::Result<()> {
    let (text, saved) = jsonl::text(&trace.records, kinds);
    run.write("trace.jsonl", text.as_bytes())?;
    if saved < trace.records.len() {
        let (saved, all) = (units::count(saved as u64), units::count(trace.records.len() as u64));
        let most = units::bytes(jsonl::MAX_BYTES as u64);
        terminal::complain(
            "note",
            &format!("trace.jsonl holds the first {saved} of {all} records: it is full at {most}"),
        );
    }
    run.write("trace.perfetto.json", perfetto::text(&trace.records, kinds).as_bytes())?;
    Ok(())
}

/// Says on stderr whether records are a part of what was asked for.
pub(crate) fn tell_of_sampling(trace: &Trace) {
    let kept = trace.records.len() as u64;
    if kept < trace.matched {
        let (kept, all) = (units::count(kept), units::count(trace.matched));
        terminal::complain(
            "note",
            &format!(
                "an even sample: {kept} of {all} events; --node, --kind, --from and --to narrow it, \
                 --most raises the limit"
            ),
        );
    }
}
