//! A protocol that panics: what a user is told must be enough to find the fault. A binary of its own,
//! because the protocols that ship do not panic; started without its variable, it starts itself.

use std::process::{Command, ExitCode};

use anthill_bench::{Build, Registry, build, entry};
use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::phold::{PholdMetric, Token};
use anthill_protocol::{Configure, Context, NoBody, NodeId, Protocol, Span};

/// Panics at its first event.
struct Panicker;

impl Protocol for Panicker {
    type Node = ();
    type Message = Token;
    type Body = NoBody;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = anthill_protocol::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) {
        cx.set_timer(Span(5), ());
    }

    fn on_message(&self, (): &mut (), _: NodeId, _: &Token, _: &mut impl Context<Self>) {}

    fn on_timer(&self, (): &mut (), (): (), _: &mut impl Context<Self>) {
        panic!("by design");
    }
}

impl Configure for Panicker {
    const NAME: &'static str = "panicker";
    const ABOUT: &'static str = "a test";
    const PARAMETERS: &'static [Parameter] = &[];

    fn configure(_: &Values) -> Result<Self, ParameterError> {
        Ok(Self)
    }

    fn pending_per_node(&self, _: f64) -> f64 {
        1.0
    }
}

const CHILD: &str = "ANTHILL_TEST_CHILD";

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        const PRESET: &str = "nodes = 3\nuntil = \"1s\"\nseed = 77\nprotocol.name = \"panicker\"\n";
        return anthill_bench::main(
            Registry::new(vec![entry::<Panicker>(PRESET)]).built_from(Build {
                commit: "0123abcd",
                has_changes: false,
                ..build!()
            }),
        );
    }
    for engine in ["sharded", "sequential"] {
        let desk = tempfile::tempdir().expect("a directory");
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["run", "--engine", engine, "--threads", "1", "--out", "r"])
            .env(CHILD, "1")
            .current_dir(desk.path())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(101), "{said}");
        for part in ["by design", "the event at time 5 ns", "seed 77", "commit 0123abcd);"] {
            assert!(said.contains(part), "{engine}: `{part}` is not in {said}");
        }
    }
    println!("a panic names message, event, seed and commit: ok");
    ExitCode::SUCCESS
}
