//! From raw arguments to a checked plan: what to run, what to change in it, where it goes.
//!
//! Everything that can be refused without reading the scenario is refused here, before any work.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use thiserror::Error;

use crate::args::{
    CryptoChoice, EngineChoice, EventArgs, Format, ProgressChoice, RowArgs, RunArgs, ScenarioArgs,
    ServeUntil,
};
use crate::checkpoints::{Habit, Resumed, refuse_flags};
use crate::engines::{Override, Source};
use crate::external::ExternalPlan;
use crate::{Entry, Registry};

/// The longest scenario that is read from standard input.
const MOST_BYTES: u64 = 1 << 20;
/// The name of a scenario from standard input.
const STDIN: &str = "standard input";

/// Input that cannot be run, each with the flag that fixes it.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A name that is neither a file nor a preset.
    #[error("`{name}` is neither a file nor a preset{hint}; presets: {presets}")]
    NoSuchScenario {
        /// What was typed.
        name: String,
        /// The nearest preset, as a question.
        hint: String,
        /// All presets.
        presets: String,
    },
    /// A name that is no protocol.
    #[error("no protocol `{name}`{hint}; protocols: {all}")]
    NoSuchProtocol {
        /// What was typed.
        name: String,
        /// The nearest protocol, as a question.
        hint: String,
        /// All protocols.
        all: String,
    },
    /// A run that is to end at a violation that nobody watches for.
    #[error(
        "--stop-on-violation: `{protocol}` names nothing that every event must keep; leave it out"
    )]
    NothingWatched {
        /// The protocol.
        protocol: &'static str,
    },
    /// The history of a protocol that says nothing.
    #[error("--history: `{protocol}` has no outputs; leave it out")]
    NothingSaid {
        /// The protocol.
        protocol: &'static str,
    },
    /// The ledger of a protocol that has none.
    #[error("--ledger: `{protocol}` keeps no ledger; leave it out")]
    NoLedger {
        /// The protocol.
        protocol: &'static str,
    },
    /// A flag that says more about another, which is not there.
    #[error("{flag} needs {of}")]
    Needs {
        /// The flag.
        flag: &'static str,
        /// What it needs.
        of: &'static str,
    },
    /// A scenario on standard input that cannot be read.
    #[error("standard input: {problem}")]
    Stdin {
        /// Why.
        problem: String,
    },
    /// No protocol at all was registered.
    #[error("this binary has no protocols: register one with `anthill_bench::entry`")]
    NoProtocols,
}

/// A scenario with its changes.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioPlan {
    /// Where it starts from.
    pub source: Source,
    /// What is changed, in this order: `--set` first, then the flags that name a key.
    pub overrides: Vec<Override>,
}

/// A checked `anthill run`.
#[derive(Clone, Debug)]
pub(crate) struct RunPlan {
    /// What to run.
    pub scenario: ScenarioPlan,
    /// Which executor.
    pub engine: EngineChoice,
    /// Where to save it, if the user said.
    pub out: Option<PathBuf>,
    /// What to print.
    pub format: Format,
    /// Whether to show progress if stderr is a terminal.
    pub progress: ProgressChoice,
    /// How to serve the live view, if at all.
    pub serve: Option<ServePlan>,
    /// What of single events and nodes is wanted; checked once the scenario is known.
    pub events: Option<EventsPlan>,
    /// The table of nodes, if it is wanted.
    pub table: Option<RowArgs>,
    /// Whether every CSV is saved as Parquet too.
    pub parquet: bool,
    /// Whether the run ends after the window of the first violation.
    pub stop_on_violation: bool,
    /// Save what nodes said.
    pub history: bool,
    /// Save the ledger of a node.
    pub ledger: bool,
    /// What is saved while it goes on, if anything.
    pub saving: Option<Habit>,
    /// What it goes on with, if it does not start.
    pub resumed: Option<Resumed>,
    /// Programs that play nodes.
    pub external: Option<ExternalPlan>,
}

/// How a live view is served.
#[derive(Clone, Debug)]
pub(crate) struct ServePlan {
    /// Where.
    pub address: String,
    /// Whether to other machines.
    pub anyone: bool,
    /// Whether it outlasts the run.
    pub stays: bool,
}

/// A script that waits for the command must not wait for ever: only where somebody watches does the page
/// stay by itself.
fn stays(until: ServeUntil) -> bool {
    match until {
        ServeUntil::Auto => io::stdout().is_terminal() && io::stderr().is_terminal(),
        ServeUntil::End => false,
        ServeUntil::Stopped => true,
    }
}

impl RunPlan {
    /// Checks the arguments of `anthill run`.
    ///
    /// # Errors
    /// On anything that can be refused before the scenario is parsed.
    pub(crate) fn new(args: RunArgs, registry: &Registry) -> anyhow::Result<Self> {
        let saving = Habit::new(&args.saved)?;
        let resumed = match &args.saved.resume {
            None => None,
            Some(directory) => {
                refuse_flags(&args, directory)?;
                Some(Resumed::read(directory)?)
            }
        };
        let events = EventsPlan::new(args.verbose, args.trace, args.events)?;
        let table = asked_for_table(args.table, args.rows)?;
        let external = ExternalPlan::new(&args.external, args.pace.as_deref())?;
        let mut scenario = ScenarioPlan::new(args.scenario, registry)?;
        if let Some(resumed) = &resumed {
            scenario.source = resumed.source.clone();
        }
        let mode = args.crypto.map(CryptoChoice::name);
        scenario.overrides.extend(mode.map(|mode| Override::flag("--crypto", "crypto.mode", mode)));
        Ok(Self {
            scenario,
            engine: args.execution.engine,
            out: args.execution.out,
            parquet: args.parquet,
            stop_on_violation: args.stop_on_violation,
            format: args.execution.format,
            progress: args.execution.progress,
            serve: args.serve.map(|address| ServePlan {
                address,
                anyone: args.serve_anyone,
                stays: stays(args.serve_until),
            }),
            events,
            table,
            history: args.history,
            ledger: args.ledger,
            saving,
            resumed,
            external,
        })
    }
}

/// What a run does with single events.
#[derive(Clone, Debug)]
pub(crate) struct EventsPlan {
    /// Print them.
    pub print: bool,
    /// Save them.
    pub save: bool,
    /// Which ones.
    pub which: EventArgs,
}

impl EventsPlan {
    fn new(print: bool, save: bool, which: EventArgs) -> Result<Option<Self>, PlanError> {
        match which.first_flag() {
            Some(flag) if !print && !save => {
                let of = "--verbose (to print messages) or --trace (to save them)";
                Err(PlanError::Needs { flag, of })
            }
            _ => Ok((print || save).then_some(Self { print, save, which })),
        }
    }
}

fn asked_for_table(table: bool, rows: RowArgs) -> Result<Option<RowArgs>, PlanError> {
    match rows.first_flag() {
        Some(flag) if !table => Err(PlanError::Needs { flag, of: "--table" }),
        _ => Ok(table.then_some(rows)),
    }
}

impl ScenarioPlan {
    /// Finds the scenario and collects the changes to it.
    ///
    /// # Errors
    /// On unknown names and malformed `--set`.
    pub(crate) fn new(args: ScenarioArgs, registry: &Registry) -> anyhow::Result<Self> {
        let source = match (&args.scenario, &args.protocol) {
            (Some(name), _) => source(name, registry)?,
            (None, Some(protocol)) => preset_of(registry.named(protocol)?),
            (None, None) => preset_of(registry.main_job().ok_or(PlanError::NoProtocols)?),
        };
        let mut overrides = Vec::new();
        for argument in &args.set {
            overrides.push(Override::set(argument)?);
        }
        let flags = [
            ("--protocol", "protocol.name", args.protocol),
            ("--nodes", "nodes", args.nodes),
            ("--until", "until", args.until),
            ("--seed", "seed", args.seed),
            ("--shards", "engine.shards", args.shards),
            ("--threads", "engine.threads", args.threads),
        ];
        for (flag, path, value) in flags {
            overrides.extend(value.map(|value| Override::flag(flag, path, &value)));
        }
        Ok(Self { source, overrides })
    }

    /// Whether it came over standard input, which can be read once.
    pub(crate) fn is_stdin(&self) -> bool {
        matches!(&self.source, Source::Text { name, .. } if name == STDIN)
    }
}

fn preset_of(entry: &Entry) -> Source {
    preset((entry.protocol.name, entry.preset))
}

fn preset((name, text): (&str, &str)) -> Source {
    Source::Text { name: name.to_owned(), text: text.to_owned() }
}

/// Standard input, a file if there is one of that name or it looks like one, else a preset.
fn source(name: &str, registry: &Registry) -> Result<Source, PlanError> {
    if name == "-" {
        let text = read_bounded(std::io::stdin().lock())?;
        return Ok(Source::Text { name: STDIN.to_owned(), text });
    }
    let path = Path::new(name);
    if name.ends_with(".toml") || name.contains(MAIN_SEPARATOR) || path.is_file() {
        return Ok(Source::File(path.to_owned()));
    }
    registry.preset(name).map(preset).ok_or_else(|| registry.no_such_preset(name))
}

/// A scenario from a stream, which may have no end.
fn read_bounded(stream: impl std::io::Read) -> Result<String, PlanError> {
    let mut text = String::new();
    stream
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| PlanError::Stdin { problem: error.to_string() })?;
    match text.len() as u64 > MOST_BYTES {
        true => Err(PlanError::Stdin { problem: format!("is longer than {MOST_BYTES} bytes") }),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn a_stream_is_read_to_its_end_or_refused() {
        let read = |bytes: &[u8]| read_bounded(bytes).map_err(|error| error.to_string());
        assert_eq!(read(b"nodes = 5").as_deref(), Ok("nodes = 5"));
        assert!(read(&[0xff]).expect_err("no text").starts_with("standard input: "));
        let endless = read_bounded(std::io::repeat(b'#')).expect_err("too long").to_string();
        assert_eq!(endless, "standard input: is longer than 1048576 bytes");
    }

    fn plan(args: ScenarioArgs) -> anyhow::Result<ScenarioPlan> {
        ScenarioPlan::new(args, &fabricated::registry())
    }

    fn scenario(name: &str) -> ScenarioArgs {
        ScenarioArgs { scenario: Some(name.into()), ..ScenarioArgs::default() }
    }

    #[test]
    fn without_arguments_the_first_entry_is_the_main_job() {
        let plan = plan(ScenarioArgs::default()).expect("the main job");
        assert!(matches!(plan.source, Source::Text { name, .. } if name == "phold"));
        assert!(plan.overrides.is_empty());
    }

    #[test]
    fn flags_become_overrides_after_set() {
        let args = ScenarioArgs {
            nodes: Some("1M".into()),
            shards: Some("2".into()),
            set: vec!["protocol.remote=0.5".into()],
            ..scenario("phold")
        };
        let plan = plan(args).expect("a preset");
        let shown: Vec<&str> = plan.overrides.iter().map(Override::argument).collect();
        assert_eq!(shown, ["--set protocol.remote=0.5", "--nodes 1M", "--shards 2"]);
    }

    #[test]
    fn paths_are_files_and_words_are_presets() {
        for name in ["my.toml", "./phold", "/dev/zero"] {
            let plan = plan(scenario(name)).expect("read later");
            assert_eq!(plan.source, Source::File(name.into()));
        }
        assert_eq!(
            plan(scenario("fold")).expect_err("must be refused").to_string(),
            "`fold` is neither a file nor a preset; did you mean `phold`?; presets: phold"
        );
    }
}
