//! Errors planted in a protocol, which a swarm has to find and to shrink. A binary of its own, because
//! the protocols that ship have none; started without its variable, it starts itself.

use std::path::Path;
use std::process::{Command, ExitCode, Output};

use anthill_bench::{Entry, Registry, entry};
use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::{
    Configure, Context, Message, Metric, NoBody, NodeId, Output as Says, Protocol, Snapshot, Span,
};

/// Votes for whoever asks.
const GENEROUS: u8 = 0;
/// Panics once a fourth term begins.
const BRITTLE: u8 = 1;
/// Votes for nobody where the engine runs it on a thread of its own.
const IMPURE: u8 = 2;
/// Is right, and never counts an election.
const SILENT: u8 = 3;

/// Nodes elect one of them, again and again, with one of these errors.
struct Election<const ERROR: u8>;

#[derive(Clone, Copy, Debug, Message)]
enum Ballot {
    Ask { term: u32 },
    Vote { term: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Says)]
enum Told {
    Leader { term: u32 },
}

#[derive(Clone, Copy, Metric)]
enum Counted {
    /// elections begun
    Elections,
    /// leaders elected
    Leaders,
}

#[derive(Clone, Debug, Default, Snapshot)]
struct Voter {
    term: u32,
    voted: bool,
    votes: Vec<NodeId>,
}

impl<const ERROR: u8> Election<ERROR> {
    fn wait(cx: &mut impl Context<Self>) {
        let wait = Span::from_millis(200) + Span(cx.random_below(1_000_000_000));
        cx.set_timer(wait, ());
    }

    fn reach(voter: &mut Voter, term: u32) {
        assert!(ERROR != BRITTLE || term < 4, "planted: term {term}");
        if term > voter.term {
            *voter = Voter { term, ..Voter::default() };
        }
    }
}

impl<const ERROR: u8> Protocol for Election<ERROR> {
    type Node = Voter;
    type Message = Ballot;
    type Body = NoBody;
    type Timer = ();
    type Metric = Counted;
    type Output = Told;

    fn start(&self, cx: &mut impl Context<Self>) -> Voter {
        Self::wait(cx);
        Voter::default()
    }

    fn restart(&self, voter: &mut Voter, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            *voter = Voter::default();
        }
        Self::wait(cx);
    }

    fn on_timer(&self, voter: &mut Voter, (): (), cx: &mut impl Context<Self>) {
        if ERROR != SILENT {
            cx.record(Counted::Elections, 1);
        }
        Self::reach(voter, voter.term + 1);
        (voter.voted, voter.votes) = (true, vec![cx.id()]);
        let (me, nodes) = (cx.id(), cx.nodes());
        for node in (0..nodes).map(NodeId).filter(|node| *node != me) {
            cx.send(node, Ballot::Ask { term: voter.term });
        }
        Self::wait(cx);
    }

    fn on_message(
        &self,
        voter: &mut Voter,
        from: NodeId,
        message: &Ballot,
        cx: &mut impl Context<Self>,
    ) {
        let (Ballot::Ask { term } | Ballot::Vote { term }) = *message;
        if term.saturating_sub(voter.term) > 1_000 {
            return;
        }
        Self::reach(voter, term);
        match *message {
            Ballot::Ask { .. } if term == voter.term && (!voter.voted || ERROR == GENEROUS) => {
                let thread = std::thread::current();
                let on_own = thread.name().is_some_and(|name| name.starts_with("shard-"));
                if ERROR != IMPURE || !on_own {
                    voter.voted = true;
                    cx.send(from, Ballot::Vote { term });
                }
            }
            Ballot::Vote { .. } if term == voter.term && !voter.votes.contains(&from) => {
                voter.votes.push(from);
                if voter.votes.len() == cx.nodes() as usize / 2 + 1 {
                    cx.record(Counted::Leaders, 1);
                    cx.output(Told::Leader { term });
                }
            }
            _ => {}
        }
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Told>> {
        let leads = judge::on!(Told::Leader { term } => term);
        let within = setting.held == 0 && !setting.loses_state;
        vec![
            Judge::new("election safety", judge::one_per(leads))
                .bound("nobody lies or forgets", within),
        ]
    }
}

impl<const ERROR: u8> Configure for Election<ERROR> {
    const NAME: &'static str = ["generous", "brittle", "impure", "silent"][ERROR as usize];
    const ABOUT: &'static str = "a test";
    const PARAMETERS: &'static [Parameter] = &[];
    const SITUATIONS: &'static [&'static str] = &["elections", "leaders"];

    fn configure(_: &Values) -> Result<Self, ParameterError> {
        Ok(Self)
    }
}

fn planted<const ERROR: u8>() -> Entry {
    // A preset lives as long as the program.
    let name = <Election<ERROR> as Configure>::NAME;
    let preset = format!(
        "nodes = 5\nuntil = \"60s\"\nprotocol.name = \"{name}\"\nnetwork.model = \"uniform\"\n"
    );
    entry::<Election<ERROR>>(preset.leak())
}

const CHILD: &str = "ANTHILL_TEST_CHILD";

fn anthill(desk: &Path, line: &[&str]) -> (Output, String) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(line)
        .env(CHILD, "1")
        .current_dir(desk)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

fn swarm(desk: &Path, line: &str) -> (Output, String) {
    anthill(desk, &line.split_whitespace().collect::<Vec<_>>())
}

/// The words of the command that shows a find again, without `anthill`.
fn again(said: &str) -> Vec<String> {
    let line = said.lines().find(|line| line.starts_with("anthill run ")).expect("a command");
    // As a shell would: quotes hold words together.
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("one").push(c),
        }
    }
    words.split_off(1)
}

fn number_after(words: &[String], flag: &str) -> u32 {
    let place = words.iter().position(|word| word == flag).expect("the flag");
    words[place + 1].parse().expect("a number")
}

/// Two leaders of a term: found, made small, saved, and the line shows it again.
fn a_double_vote_is_found_and_made_small(desk: &Path) {
    let line = "swarm --protocol generous --runs 1000 --seed 1 --threads 2";
    let (output, said) = swarm(desk, &format!("{line} --out f"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("(generous): `election safety` is broken inside its bound"), "{said}");
    let words = again(&said);
    assert!(number_after(&words, "--nodes") <= 7, "{said}");
    let changes = words.iter().filter(|word| *word == "--set").count();
    assert!(changes <= 2, "{said}");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (output, shown) = anthill(desk, &[&words[..], &["--out", "r"]].concat());
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("election safety"), "{shown}");
    // What was saved is that run.
    let (output, replayed) = swarm(desk, "replay f/find");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (_, again) = swarm(desk, "replay r");
    assert_eq!(replayed, again);
    let json = std::fs::read_to_string(desk.join("f/swarm.json")).expect("saved");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["find"]["kind"], "judge");
    assert_eq!(json["find"]["name"], "election safety");

    // The same find from another number of threads.
    let (output, alone) = swarm(desk, &line.replace("--threads 2", "--threads 1"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(alone, said.replace("Saved in f\n", ""));
    println!("{said}");
}

fn a_panic_is_caught_with_its_event(desk: &Path) {
    let (output, said) = swarm(desk, "swarm --protocol brittle --runs 300 --seed 1");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for part in ["a panic", "a handler panicked: planted: term ", "at the event at time "] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    assert!(output.stderr.is_empty(), "{output:?}");
    let words = again(&said);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (output, _) = anthill(desk, &[&words[..], &["--out", "p"]].concat());
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("planted: term "), "{output:?}");
}

fn engines_that_disagree_are_found(desk: &Path) {
    let (output, said) = swarm(desk, "swarm --protocol impure --runs 100 --seed 1");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("the engines disagree"), "{said}");
    assert!(said.contains("first differing event: "), "{said}");
}

fn what_was_never_met_fails_the_swarm(desk: &Path) {
    let line = "swarm --protocol silent --seed 1 --runs";
    let (output, said) = swarm(desk, &format!("{line} 200"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("NOT EXERCISED: silent never came to `elections`"), "{said}");
    assert!(!said.contains("came to `leaders`"), "{said}");
    // So few runs say nothing.
    let (output, said) = swarm(desk, &format!("{line} 20"));
    assert_eq!(output.status.code(), Some(0), "{said}");
}

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return anthill_bench::main(Registry::new(vec![
            planted::<GENEROUS>(),
            planted::<BRITTLE>(),
            planted::<IMPURE>(),
            planted::<SILENT>(),
        ]));
    }
    let desk = tempfile::tempdir().expect("a directory");
    a_double_vote_is_found_and_made_small(desk.path());
    a_panic_is_caught_with_its_event(desk.path());
    engines_that_disagree_are_found(desk.path());
    what_was_never_met_fails_the_swarm(desk.path());
    println!("planted errors are found and shrunk: ok");
    ExitCode::SUCCESS
}
