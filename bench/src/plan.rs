//! From raw arguments to a checked plan: what to run, what to change in it, where it goes.
//!
//! Everything that can be refused without reading the scenario is refused here, before any work.

use std::fs::File;
use std::io::Read;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use thiserror::Error;

use crate::Registry;
use crate::args::{EngineChoice, Format, ProgressChoice, RunArgs, ScenarioArgs};

/// No scenario written by hand comes near this; a mistyped path to a disk image does.
const MAX_SCENARIO_BYTES: u64 = 1 << 20;

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
    /// `--set` without a path or a value.
    #[error("--set `{given}`: write it as PATH=VALUE, for example --set protocol.fanout=12")]
    MalformedSet {
        /// What was typed.
        given: String,
    },
    /// A file that cannot be read.
    #[error("cannot read scenario {}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A flag of the contract that this version does not honour.
    #[error("{flag} comes with a later version; leave it out")]
    NotYet {
        /// The flag.
        flag: &'static str,
    },
    /// No protocol at all was registered.
    #[error("this binary has no protocols: register one with `anthill_bench::entry`")]
    NoProtocols,
}

/// The text of a scenario and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The preset's name or the file's stem: names the run directory.
    pub name: String,
    /// How to refer to it in messages: the path, or `preset NAME`.
    pub origin: String,
    /// TOML.
    pub text: String,
    /// What relative paths inside it are relative to.
    pub directory: PathBuf,
}

/// One change to a scenario: a dotted path and a value, TOML or else a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// Dotted path of the key.
    pub path: String,
    /// Its new value as typed.
    pub value: String,
}

/// A scenario with its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether a violated check ends the run.
    pub stop_on_violation: bool,
}

impl RunPlan {
    /// Checks the arguments of `anthill run`.
    ///
    /// # Errors
    /// On anything that can be refused before the scenario is parsed.
    pub(crate) fn new(args: RunArgs, registry: &Registry) -> Result<Self, PlanError> {
        if args.verbose {
            return Err(PlanError::NotYet { flag: "--verbose" });
        }
        if args.crypto.is_some() {
            return Err(PlanError::NotYet { flag: "--crypto" });
        }
        Ok(Self {
            scenario: ScenarioPlan::new(args.scenario, registry)?,
            engine: args.engine,
            out: args.out,
            format: args.format,
            progress: args.progress,
            stop_on_violation: args.stop_on_violation,
        })
    }
}

impl ScenarioPlan {
    /// Finds the scenario and collects the changes to it.
    ///
    /// # Errors
    /// On unknown names, unreadable files and malformed `--set`.
    pub(crate) fn new(args: ScenarioArgs, registry: &Registry) -> Result<Self, PlanError> {
        let source = match (&args.scenario, &args.protocol) {
            (Some(name), _) => Source::find(name, registry)?,
            (None, Some(protocol)) => {
                let entry = registry.find(protocol).ok_or_else(|| registry.unknown(protocol))?;
                Source::preset(entry.name, entry.preset)
            }
            (None, None) => {
                let entry = registry.main_job().ok_or(PlanError::NoProtocols)?;
                Source::preset(entry.name, entry.preset)
            }
        };
        let mut overrides =
            args.set.iter().map(|set| Override::parse(set)).collect::<Result<Vec<_>, _>>()?;
        let flags = [
            ("protocol.name", args.protocol),
            ("nodes", args.nodes),
            ("until", args.until),
            ("seed", args.seed),
            ("engine.shards", args.shards),
            ("engine.threads", args.threads),
        ];
        overrides.extend(flags.into_iter().filter_map(|(path, value)| {
            value.map(|value| Override { path: path.to_owned(), value })
        }));
        Ok(Self { source, overrides })
    }
}

impl Override {
    fn parse(given: &str) -> Result<Self, PlanError> {
        let malformed = || PlanError::MalformedSet { given: given.to_owned() };
        let (path, value) = given.split_once('=').ok_or_else(malformed)?;
        let path = path.trim();
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(malformed());
        }
        Ok(Self { path: path.to_owned(), value: value.trim().to_owned() })
    }
}

impl Source {
    /// A scenario that ships with its protocol.
    pub(crate) fn preset(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            origin: format!("preset {name}"),
            text: text.to_owned(),
            directory: PathBuf::from("."),
        }
    }

    /// A file if there is one of that name or it looks like one, else a preset.
    fn find(name: &str, registry: &Registry) -> Result<Self, PlanError> {
        let path = Path::new(name);
        if name.ends_with(".toml") || name.contains(MAIN_SEPARATOR) || path.is_file() {
            return Self::file(path);
        }
        match registry.find(name) {
            Some(entry) => Ok(Self::preset(entry.name, entry.preset)),
            None => Err(PlanError::NoSuchScenario {
                name: name.to_owned(),
                hint: registry.nearest(name),
                presets: registry.names(),
            }),
        }
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// If it is not a readable text file of sensible size.
    pub(crate) fn file(path: &Path) -> Result<Self, PlanError> {
        let unreadable = |problem: String| PlanError::Unreadable { path: path.to_owned(), problem };
        // Devices and pipes may never end or never answer.
        let metadata = path.metadata().map_err(|e| unreadable(e.to_string()))?;
        if !metadata.is_file() {
            return Err(unreadable("it is not a regular file".to_owned()));
        }
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_SCENARIO_BYTES + 1).read_to_string(&mut text))
            .map_err(|e| unreadable(e.to_string()))?;
        if text.len() as u64 > MAX_SCENARIO_BYTES {
            return Err(unreadable(format!("it is larger than {MAX_SCENARIO_BYTES} bytes")));
        }
        let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { name, origin: path.display().to_string(), text, directory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    fn plan(args: ScenarioArgs) -> Result<ScenarioPlan, PlanError> {
        ScenarioPlan::new(args, &fabricated::registry())
    }

    #[test]
    fn without_arguments_the_first_entry_is_the_main_job() {
        let plan = plan(ScenarioArgs::default()).expect("the main job");
        assert_eq!(plan.source.name, "phold");
        assert!(plan.overrides.is_empty());
    }

    #[test]
    fn flags_become_overrides_after_set() {
        let args = ScenarioArgs {
            scenario: Some("phold".into()),
            nodes: Some("1M".into()),
            shards: Some("2".into()),
            set: vec!["protocol.remote = 0.5".into(), "x=a=b".into()],
            ..ScenarioArgs::default()
        };
        let shown: Vec<String> = plan(args)
            .expect("a preset")
            .overrides
            .iter()
            .map(|o| format!("{} -> {}", o.path, o.value))
            .collect();
        assert_eq!(
            shown,
            ["protocol.remote -> 0.5", "x -> a=b", "nodes -> 1M", "engine.shards -> 2"]
        );
    }

    #[test]
    fn mistakes_name_their_fix() {
        let message = |args| plan(args).expect_err("must be refused").to_string();
        let scenario =
            |name: &str| ScenarioArgs { scenario: Some(name.into()), ..Default::default() };
        assert_eq!(
            message(scenario("fold")),
            "`fold` is neither a file nor a preset; did you mean `phold`?; presets: phold"
        );
        assert!(message(scenario("missing.toml")).starts_with("cannot read scenario missing.toml"));
        assert!(message(scenario("/dev/zero")).contains("not a regular file"));
        for set in ["nodes", "=3", "a..b=1", ""] {
            let args = ScenarioArgs { set: vec![set.into()], ..Default::default() };
            assert!(message(args).contains("PATH=VALUE"), "{set}");
        }
    }

    #[test]
    fn flags_of_later_versions_are_refused() {
        let run = RunArgs { verbose: true, ..RunArgs::default() };
        let refused =
            RunPlan::new(run, &fabricated::registry()).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(refused, Err("--verbose comes with a later version; leave it out".to_owned()));
    }
}
