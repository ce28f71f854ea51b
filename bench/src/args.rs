//! The raw command line, exactly as typed: nothing here is checked against a scenario.
//!
//! Quantities (`1M`, `60s`) stay text: the scenario's own parser reads them, so that a flag and a
//! key of the file accept the same spellings and fail with the same message.

mod contract;
mod export;
mod ledger;
mod named;
mod playback;
mod saved;
mod scaling;
mod shell;
mod swarm;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use anthill_node::client::ClientArgs;
pub(crate) use anthill_node::cluster::ClusterArgs;
pub(crate) use anthill_node::settings::NodeArgs;
pub(crate) use contract::{ContractArgs, ContractCommand, ContractRunArgs};
pub(crate) use export::{ExportArgs, ExportCommand, GraphTo, PcapngArgs, ShadowArgs, TopologyArgs};
pub(crate) use ledger::LedgerArgs;
pub(crate) use named::{command, parse};
pub(crate) use playback::PlaybackArgs;
pub(crate) use saved::{ForkArgs, SavedArgs};
pub(crate) use scaling::{CompareArgs, ComplexityArgs, DemoArgs, ScaleArgs, SweepArgs};
pub(crate) use shell::{CompletionsArgs, ManArgs};
pub(crate) use swarm::SwarmArgs;

const EXAMPLES: &str = "\
Examples:
  anthill                                   the main job: payments among a million users
  anthill run phold --nodes 1M --until 1s   a preset, with some of it changed
  anthill run my.toml --seed 7 --set protocol.fanout=12 --set network.min_delay=1ms
  anthill run my.toml --format json | jq .events_per_s
  anthill run flash-crowd                   a scenario that ships with anthill, by its name
  anthill scale gossip --nodes 1k,10k,100k  what it costs, and by which power
  anthill sweep my.toml --vary protocol.fanout=4,8 --seeds 10
  anthill compare a.toml b.toml --seeds 10  better, worse or no difference shown, per metric
  anthill swarm --protocol raft --runs 1k   random small runs, judged; a find is shrunk
  anthill complexity --protocol pbft --n 4,7,10,13  what agreement costs, and by which power
  anthill demo                              the consensus family, attacked and defended, on one page
  anthill validate my.toml                  what it resolves to, and the memory it needs
  anthill report anthill-runs/gossip-1-1    one HTML page of a saved run
  anthill fork DIR --at 30s --set network.loss=0.05  other futures of one past
  anthill ledger anthill-runs/pos-bft-1-1 block 3  look something up in a chain
  anthill calibrate --out mine.toml         what messages and signatures cost on this machine
  anthill contract run token --init u64:9   a contract, on a ledger of one node
  anthill cluster --nodes 4                 four real nodes over TCP, until Ctrl-C
  anthill protocols gossip                  its parameters, with defaults and units
  anthill protocols witness --diagram       who says what to whom, recorded from a small run

Exit codes: 0 done; 1 a check failed inside its stated bound, or stopped at the memory limit;
2 bad input; 130 interrupted by Ctrl-C, TERM or HUP (what was finished is saved).";

const RUN_EXAMPLES: &str = "\
Examples:
  anthill run                                  the main job
  anthill run gossip --nodes 10k --out /tmp/a  a preset, saved where you say
  anthill run --protocol phold --shards 4      the protocol's own preset
  anthill run my.toml --engine sequential      the same digest from the reference engine
  anthill run --serve 127.0.0.1:8080           watch it in a browser while it runs
  anthill run --checkpoint-every 10min         saved every ten minutes, and at Ctrl-C
  anthill run --resume anthill-runs/witness-1-1  goes on with it

Numbers take k, M, G (`--nodes 1M`); durations carry a unit (`250us`, `60s`, `2h`).";

const TRACE_EXAMPLES: &str = "\
Examples:
  anthill trace anthill-runs/gossip-1-1 --node 17          what node 17 sent and received
  anthill trace DIR --from 1s --to 2s --out /tmp/t         saved, also for ui.perfetto.dev
  anthill trace DIR --explain                              why the last message came so late
  anthill trace DIR --explain=first --node 17 --kind push  how the rumour came to node 17

A run can be repeated exactly, so nothing has to be recorded before it is wanted.";

const CALIBRATE_EXAMPLES: &str = "\
Examples:
  anthill calibrate --quick                    a few seconds, printed only
  anthill calibrate --out mine.toml            thorough, and saved
  anthill run gossip --set cpu.table=mine.toml used: paths end in .toml";

const PROFILE_EXAMPLES: &str = "\
Examples:
  anthill profile gossip --nodes 1M            one size: open flamegraph.svg of what it prints
  anthill profile witness --nodes 10k,1M       two sizes, and where the cost of an event grows
  go tool pprof -http : DIR/profile.pb.gz      the same profile in pprof's own tool";

const NODE_EXAMPLES: &str = "\
Examples:
  NODE_ID=1 HOST=localhost PORT=8000 PEERS=localhost:8001,localhost:8002 STAKE=100 anthill node
  anthill node --node-id 2 --port 8001 --peers localhost:8000,localhost:8002 --stake 500
  ANTHILL_LOG=debug anthill node            settings from .env; levels: error warn info debug trace

Starts once all of PEERS were there; its data outlives kill -9. docs/node.md says more.";

const CLIENT_EXAMPLES: &str = "\
Examples:
  anthill client status                     the node at 127.0.0.1:9000; another by --node
  anthill client deploy counter             a contract that ships, or a .wasm file: prints its address
  anthill client call ADDRESS 00            a transaction with an input, in hexadecimal digits
  anthill client query ADDRESS              the same without a transaction: changes nothing
  anthill client transfer user:1 500        money to another user
  anthill client account user:1";

const CLUSTER_EXAMPLES: &str = "\
Examples:
  anthill cluster --nodes 4                 pos-bft, until Ctrl-C
  anthill cluster --stakes 100,500,200 --nodes 3
  anthill cluster --protocol raft --nodes 5 --for 20s
  anthill cluster --delay 20ms              links that are 20 ms longer";

const REPORT_EXAMPLES: &str = "\
Examples:
  anthill report anthill-runs/gossip-1-1             report.html in that directory
  anthill report runs/a runs/b --out compared.html   two runs side by side";

/// Emulate full-scale peer-to-peer networks, deterministically.
#[derive(Clone, Debug, Parser)]
#[command(name = "anthill", after_help = EXAMPLES)]
pub(crate) struct CommandLine {
    /// What to do; without one, the main job runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one emulation and save what it measured.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Check a scenario and print what it resolves to, its windows and the memory it needs.
    Validate(ValidateArgs),
    /// List the protocols, or one protocol's parameters and metrics, or draw its messages.
    Protocols(ProtocolsArgs),
    /// Measure this machine, and write the cost table that `[cpu] table` of a scenario takes.
    #[command(after_help = CALIBRATE_EXAMPLES)]
    Calibrate(CalibrateArgs),
    /// Sample where the CPU time of a run goes: flamegraph, folded stacks, pprof, phases.
    #[command(after_help = PROFILE_EXAMPLES)]
    Profile(ProfileArgs),
    /// Make one self-contained HTML page of saved runs.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Write a topology, a network or a trace for other tools: GML, GraphML, Shadow, Wireshark.
    #[command(after_help = export::EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Let a saved run go on from an instant in other ways, and compare what becomes of it.
    #[command(after_help = saved::FORK_EXAMPLES)]
    Fork(ForkArgs),
    /// Look up a block, transaction, account or contract in the chain of a saved run.
    #[command(after_help = ledger::LEDGER_EXAMPLES)]
    Ledger(LedgerArgs),
    /// Run a saved run's manifest again and compare the digests.
    Replay(ReplayArgs),
    /// Measure what a run costs as the network grows, and by which power.
    #[command(after_help = scaling::SCALE_EXAMPLES)]
    Scale(ScaleArgs),
    /// Run a grid of parameters under several seeds: means with intervals.
    #[command(after_help = scaling::SWEEP_EXAMPLES)]
    Sweep(SweepArgs),
    /// Compare two scenarios, paired by seed: better, worse or no difference shown, per metric.
    #[command(after_help = scaling::COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Make random small runs and judge them; a find is shrunk to a command that shows it again.
    #[command(after_help = swarm::SWARM_EXAMPLES)]
    Swarm(SwarmArgs),
    /// Measure rounds, messages, bits and signatures against the number of nodes, beside theory.
    #[command(after_help = scaling::COMPLEXITY_EXAMPLES)]
    Complexity(ComplexityArgs),
    /// Play the consensus family on small networks, with attacks and what helps, on one page.
    #[command(after_help = scaling::DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Check a contract, or try one on a ledger of its own.
    #[command(after_help = contract::CONTRACT_EXAMPLES)]
    Contract(ContractArgs),
    /// Run a real node over TCP: NODE_ID, HOST, PORT, PEERS and STAKE by flags, environment or .env.
    #[command(after_help = NODE_EXAMPLES)]
    Node(NodeArgs),
    /// Submit transactions to a real node, deploy and call contracts, and ask it.
    #[command(after_help = CLIENT_EXAMPLES)]
    Client(ClientArgs),
    /// Run a network of real nodes on this machine until Ctrl-C, and say what they agreed on.
    #[command(after_help = CLUSTER_EXAMPLES)]
    Cluster(ClusterArgs),
    /// Run a saved run's manifest again to see its messages, or what made one of them late.
    #[command(after_help = TRACE_EXAMPLES)]
    Trace(TraceArgs),
    /// Make one self-contained HTML page that plays a saved run: its nodes, their messages, the faults.
    #[command(after_help = playback::PLAYBACK_EXAMPLES)]
    Playback(PlaybackArgs),
    /// Print the JSON Schema of scenarios, for editors and other programs.
    #[command(after_help = shell::SCHEMA_EXAMPLES)]
    Schema,
    /// Print the completions of a shell.
    #[command(after_help = shell::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    #[command(after_help = shell::MAN_EXAMPLES)]
    Man(ManArgs),
}

/// What to run, and what to change in it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ScenarioArgs {
    /// A scenario file, the name of a preset (see `anthill protocols`), or `-` for standard input.
    #[arg(value_name = "SCENARIO.toml|PRESET")]
    pub scenario: Option<String>,
    /// Which protocol; without a scenario, starts from that protocol's preset.
    #[arg(long, value_name = "NAME")]
    pub protocol: Option<String>,
    /// Number of nodes (`1M`).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub nodes: Option<String>,
    /// Virtual time at which the run ends (`60s`).
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Seed of every draw.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Units of ownership; never changes a result.
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub shards: Option<String>,
    /// Worker threads; never changes a result.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<String>,
    /// Set any key of the scenario; repeatable. The value is TOML, else taken as a string.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// The flags of what runs, saves and tells: `anthill run` and `anthill fork`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ExecutionArgs {
    /// Which executor; both give the same result.
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,
    /// Where to save it; a directory that is not there yet, or empty; that of a run may hold what this very run
    /// left when it was killed [default: anthill-runs/<name>-<seed>-<n>, or fork-<name>-<seed>-<n> there].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print at the end: text to read, or JSON alone (of a run its summary.json).
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// A progress bar on stderr if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}

/// The flags of `anthill run`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunArgs {
    /// What to run.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Who executes it, and what becomes of it.
    #[command(flatten)]
    pub execution: ExecutionArgs,
    /// End after the window in which an event first violates one of the protocol's invariants.
    #[arg(long)]
    pub stop_on_violation: bool,
    /// Print the messages, one a line in the order of their delivery.
    #[arg(long)]
    pub verbose: bool,
    /// Serve a page that follows the run, and /metrics for Prometheus (`127.0.0.1:0`: any free port).
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub serve: Option<String>,
    /// Lets --serve listen where other machines can reach it.
    #[arg(long, requires = "serve")]
    pub serve_anyone: bool,
    /// How long --serve goes on: to the end of the run, or until Ctrl-C, with its report.
    #[arg(long, value_enum, default_value_t, requires = "serve")]
    pub serve_until: ServeUntil,
    /// Save the messages as trace.jsonl, and the first of them for ui.perfetto.dev.
    #[arg(long)]
    pub trace: bool,
    /// Which of them.
    #[command(flatten)]
    pub events: EventArgs,
    /// Save what nodes said as history.jsonl, and the operations of clients as history.edn, which
    /// Knossos and Elle read.
    #[arg(long)]
    pub history: bool,
    /// Save the chain of an honest node at the end as ledger.jsonl.gz: blocks, transactions, accounts,
    /// contracts; `anthill ledger` and the report look things up in it.
    #[arg(long)]
    pub ledger: bool,
    /// Print the nodes as they are at the end, and save them as nodes.csv.
    #[arg(long)]
    pub table: bool,
    /// Which of them, and in which order.
    #[command(flatten)]
    pub rows: RowArgs,
    /// Save every CSV as Parquet too.
    #[arg(long)]
    pub parquet: bool,
    /// Whether it is saved while it goes on, and goes on from what was saved.
    #[command(flatten)]
    pub saved: SavedArgs,
    /// Real or modelled signatures: sets crypto.mode.
    #[arg(long, value_enum)]
    pub crypto: Option<CryptoChoice>,
    /// Let a program play each of these nodes, in lines of JSON as Maelstrom's (`0,5-9=./node --flag`), or what listens
    /// there (`3=tcp://127.0.0.1:7000`); repeatable.
    #[arg(long, value_name = "NODES=COMMAND", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub external: Vec<String>,
    /// Seconds of virtual time to a second of a run with programs [default: 1.0].
    #[arg(long, value_name = "FACTOR", requires = "external", allow_negative_numbers = true)]
    pub pace: Option<String>,
    /// End when stdin does, which the process that started this one holds open.
    #[arg(long, hide = true)]
    pub end_with_stdin: bool,
}

/// Which events of a run are wanted.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which messages (--verbose, --trace)")]
pub(crate) struct EventArgs {
    /// Those that one of these nodes sends or receives (`17`, `3,20-29`).
    #[arg(long, value_name = "NODES", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub node: Option<String>,
    /// Those of these kinds (`promise,pay`).
    #[arg(long, value_name = "KINDS")]
    pub kind: Option<String>,
    /// Those delivered from this virtual time on (`1.5s`).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub from: Option<String>,
    /// Those delivered before this virtual time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub to: Option<String>,
    /// Timers and restarts too.
    #[arg(long)]
    pub timers: bool,
    /// An even sample of this share, by a hash of each event's name (`0.01`).
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub sample: Option<String>,
    /// The most of them; with more, an even sample [default: 75k].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub most: Option<String>,
}

/// Which nodes the table shows.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which nodes (--table)")]
pub(crate) struct RowArgs {
    /// Order by a column; `:desc` for the greatest first.
    #[arg(long, value_name = "COLUMN[:desc]")]
    pub sort: Option<String>,
    /// Only nodes for which this holds (`credit>100`, `role=verifier`); repeatable.
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
    /// The most rows that are printed [default: 20].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = not_a_flag)]
    pub limit: Option<String>,
}

/// The arguments of `anthill trace`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TraceArgs {
    /// A run directory, as `anthill run` saved it.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// Which events.
    #[command(flatten)]
    pub events: EventArgs,
    /// Explain a delivery: the events that led to it, and where the time went. Of those that the
    /// flags below choose the last, the first, or any event by its name in a trace.
    #[arg(
        long,
        value_name = "last|first|ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "last"
    )]
    pub explain: Option<String>,
    /// How many events back an explanation goes.
    #[arg(long, value_name = "N", default_value = "100", allow_hyphen_values = true)]
    pub hops: String,
    /// Save trace.jsonl and trace.perfetto.json here instead of printing; a directory that is not
    /// there yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A progress bar on stderr if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}

/// The arguments of `anthill protocols`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProtocolsArgs {
    /// The protocol to describe; without it, all are listed.
    pub name: Option<String>,
    /// Print a sequence diagram (Mermaid) of its messages instead, recorded from a small run.
    #[arg(long, requires = "name")]
    pub diagram: bool,
    /// What to print: text to read, or JSON alone.
    #[arg(long, value_enum, default_value_t, conflicts_with = "diagram")]
    pub format: Format,
}

/// The arguments of `anthill validate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ValidateArgs {
    /// What to check.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What to print: text to read, or JSON alone.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The flags of `anthill calibrate`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CalibrateArgs {
    /// Fewer rounds: seconds, and figures that vary more.
    #[arg(long)]
    pub quick: bool,
    /// Where to save the cost table; a file that is not there yet.
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
    /// What to print: a table to read, or JSON alone.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The flags of `anthill profile`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProfileArgs {
    /// What to run; `--nodes` may name several sizes (`10k,1M`), smallest first.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Samples per second of CPU time.
    #[arg(long, default_value = "99", allow_negative_numbers = true)]
    pub hz: String,
    /// CPU time to sample of each size (`10s`): the run is made again until then, under one profile.
    #[arg(long, value_name = "DURATION", value_parser = not_a_flag, allow_hyphen_values = true)]
    pub at_least: Option<String>,
    /// Where to save it; a directory that is not there yet, or empty
    /// [default: anthill-runs/profile-<name>-<seed>-<n>].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A progress bar on stderr if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}

/// The arguments of `anthill report`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// What `anthill run`, `scale`, `sweep` or `compare` saved; several runs are drawn side by side.
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// Where to save the page; replaces an older report only
    /// [default: report.html in the directory of a run, else here].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The arguments of `anthill replay`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReplayArgs {
    /// A run directory, as `anthill run` saved it.
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// A progress bar on stderr if that is a terminal, or none.
    #[arg(long, value_enum, default_value_t)]
    pub progress: ProgressChoice,
}

/// How long a page is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeUntil {
    /// Until Ctrl-C if stdout and stderr are a terminal, else to the end of the run.
    #[default]
    Auto,
    /// To the end of the run.
    End,
    /// Until Ctrl-C.
    Stopped,
}

/// The executors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// Windows over calendar mailboxes, on all cores.
    #[default]
    Sharded,
    /// One thread over a binary heap: the slow reference.
    Sequential,
}

/// What `anthill run` and `anthill calibrate` print at their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A summary to read.
    #[default]
    Text,
    /// JSON, alone on stdout.
    Json,
}

/// Whether to show progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    /// When stderr is a terminal.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// How signatures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CryptoChoice {
    /// Ed25519 for every signature.
    Real,
    /// Tags of the same size and outcome.
    Modelled,
}

impl CryptoChoice {
    /// The name in scenarios.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Modelled => "modelled",
        }
    }
}

impl EventArgs {
    /// A flag of these that was given.
    pub(crate) fn first_flag(&self) -> Option<&'static str> {
        let given = [
            ("--node", self.node.is_some()),
            ("--kind", self.kind.is_some()),
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--timers", self.timers),
            ("--sample", self.sample.is_some()),
            ("--most", self.most.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

impl RowArgs {
    /// A flag of these that was given.
    pub(crate) fn first_flag(&self) -> Option<&'static str> {
        let given = [
            ("--sort", self.sort.is_some()),
            ("--where", !self.conditions.is_empty()),
            ("--limit", self.limit.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

impl EngineChoice {
    /// The name used on the command line and in manifests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sharded => "sharded",
            Self::Sequential => "sequential",
        }
    }
}

/// Takes `-5s`, so that the scenario's reader can say what is wrong with it, but not `--seed`, which
/// means that the value before it was forgotten.
fn not_a_flag(value: &str) -> Result<String, &'static str> {
    let negative = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match value.strip_prefix('-') {
        Some(rest) if !negative(rest) => Err("it is a flag: a value is missing before it"),
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_consistent() {
        CommandLine::command().debug_assert();
        let about = CommandLine::command().get_about().map(ToString::to_string);
        assert!(about.is_some_and(|about| about.starts_with("Emulate full-scale")));
        let none = CommandLine::try_parse_from(["anthill"]).map(|line| line.command.is_none());
        assert!(matches!(none, Ok(true)));
    }

    #[test]
    fn every_flag_of_the_contract_is_known() {
        let line = "anthill run my.toml --protocol gossip --nodes 1M --shards 2 --threads 2 \
                    --seed 3 --until 60s --set a.b=1 --set c=2 --crypto real --engine sequential \
                    --out d --format json --progress off --stop-on-violation --verbose";
        let parsed = CommandLine::try_parse_from(line.split_whitespace()).map(|l| l.command);
        let Ok(Some(Command::Run(run))) = parsed else { panic!("{parsed:?}") };
        assert_eq!(run.scenario.set, ["a.b=1", "c=2"]);
        assert_eq!(run.scenario.nodes.as_deref(), Some("1M"));
        assert_eq!(run.execution.engine, EngineChoice::Sequential);
        assert_eq!(run.execution.format, Format::Json);
        assert!(run.stop_on_violation && run.verbose);
    }
}
