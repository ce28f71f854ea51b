//! Runs and their children that are told to end, or killed: with real processes and signals, sent
//! only to processes that the test started.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Desk, files, refusal, stdout};

/// Runs of hours, unless somebody ends them.
const LONG: &str = "run phold --nodes 1k --until 1000h --progress off --out r";

/// Polls until something holds, however busy the machine is.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within two minutes");
}

/// A process that ends with this value at the latest.
struct Started(Option<Child>);

impl Started {
    fn new(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Self(Some(child.expect("the binary starts")))
    }

    /// With HUP as it is without `nohup`, also where these tests run under it.
    fn anthill(desk: &Desk, line: &str) -> Self {
        let mut command = desk.command(line);
        let reset = || {
            // SAFETY: a system call that is allowed between fork and exec.
            match unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) } {
                libc::SIG_ERR => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            }
        };
        // SAFETY: the closure allocates nothing and takes no lock.
        unsafe { command.pre_exec(reset) };
        Self::new(command)
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("not awaited yet")
    }

    fn id(&mut self) -> u32 {
        self.child().id()
    }

    fn send(&mut self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal}");
    }

    /// Waits for its end, which must come.
    #[track_caller]
    fn wait(&mut self) {
        for _ in 0..12_000 {
            if self.child().try_wait().expect("it is ours").is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it goes on for two minutes");
    }

    /// Its end, with all that it said.
    #[track_caller]
    fn end(mut self) -> Output {
        self.wait();
        self.0.take().expect("not awaited yet").wait_with_output().expect("it ends")
    }

    /// Waits until it has found what a killed one left; the old manifest is gone by then.
    #[track_caller]
    fn finds_leftovers(&mut self) {
        let mut note = [0; 5];
        self.child().stderr.as_mut().expect("piped").read_exact(&mut note).expect("it says so");
        assert_eq!(&note, b"note:");
    }

    #[track_caller]
    fn status(mut self) -> ExitStatus {
        self.wait();
        self.0.take().expect("not awaited yet").wait().expect("it ends")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_signal_saves_like_ctrl_c_and_more_of_them_cut_nothing_short() {
    for (signals, flags) in [
        (&["-TERM"][..], ""),
        (&["-HUP"], "--engine sequential"),
        (&["-HUP", "-HUP", "-TERM", "-TERM"], "--trace --table"),
        (&["-INT"], "--serve 127.0.0.1:0"),
    ] {
        let desk = Desk::new();
        let mut run = Started::anthill(&desk, &format!("{LONG} {flags}"));
        until("the run begins", || desk.path("r/manifest.json").exists());
        // Those after the first may find it gone already.
        for (i, signal) in signals.iter().enumerate() {
            let id = run.id().to_string();
            let mut kill = Command::new("kill");
            let sent = kill.args([signal, id.as_str()]).stderr(Stdio::null()).status();
            assert!(sent.is_ok_and(|status| status.success()) || i > 0, "{signal}");
        }
        let output = run.end();
        assert_eq!(output.status.code(), Some(130), "{signals:?}: {output:?}");
        assert!(said(&output).contains("interrupted: saving what is finished"), "{output:?}");
        assert!(stdout(&output).ends_with("Saved in r\n"), "{output:?}");
        assert_eq!(desk.json("r/summary.json")["ended"], "interrupted");
        for file in ["checks.json", "series.csv"] {
            assert!(desk.path("r").join(file).exists(), "{file}");
        }
        assert!(!files(&desk.path("r")).iter().any(|name| name.contains("partial")));
        assert_eq!(desk.anthill("report r").status.code(), Some(0), "{signals:?}");
        let page = fs::read_to_string(desk.path("r/report.html")).expect("a page");
        assert!(!page.contains("anthill replay"), "which would refuse it");
    }
}

/// A terminal that is closed takes nothing that is still to be said.
#[test]
fn what_cannot_be_told_any_more_is_saved_all_the_same() {
    let desk = Desk::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let mut command = desk.command(LONG);
    command.stdout(full.try_clone().expect("a copy")).stderr(full);
    let mut run = Started(Some(command.spawn().expect("the binary starts")));
    until("the run begins", || desk.path("r/manifest.json").exists());
    run.send("-TERM");
    assert_eq!(run.status().code(), Some(130));
    assert_eq!(desk.json("r/summary.json")["ended"], "interrupted");
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_what_it_leaves_blocks_nothing() {
    let desk = Desk::new();
    let mut run = Started::anthill(&desk, LONG);
    until("the run begins", || desk.path("r/manifest.json").exists());
    let id = run.id().to_string();
    let twice = format!("kill -INT {id}; kill -INT {id}");
    Command::new("sh").args(["-c", &twice]).stderr(Stdio::null()).status().expect("a shell");
    assert_eq!(run.end().status.code(), Some(130));
    // Whole, if it was quicker than the second; else it may begin anew.
    if !desk.path("r/summary.json").exists() {
        let mut again = Started::anthill(&desk, LONG);
        again.finds_leftovers();
        until("it begins", || desk.path("r/manifest.json").exists());
        again.send("-TERM");
        assert_eq!(again.end().status.code(), Some(130));
    }
}

#[test]
fn a_signal_during_set_up_ends_it_soon_and_leaves_nothing() {
    // The network takes long to build: the larger, the longer; one of them is caught at it.
    let caught = |signal: &str, nodes: &str| {
        let desk = Desk::new();
        let topology = "network.topology={kind=\"random-regular\",degree=12}";
        let line = format!("run gossip --nodes {nodes} --set {topology} --out a/b --progress off");
        let mut run = Started::anthill(&desk, &line);
        until("a directory is claimed", || desk.path("a/b").exists());
        run.send(signal);
        let output = run.end();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        let caught = said(&output).contains("before there was anything to save");
        assert_eq!(desk.path("a").exists(), !caught, "{output:?}");
        assert_eq!(desk.path("a/b/summary.json").exists(), !caught, "{output:?}");
        caught
    };
    for signal in ["-INT", "-TERM", "-HUP"] {
        let sizes = ["100k", "300k", "1M", "3M"];
        assert!(sizes.iter().any(|nodes| caught(signal, nodes)), "{signal}");
    }
}

/// While nodes start, a run has begun: a whole directory, of nothing.
#[test]
fn a_signal_while_nodes_start_is_answered_by_both_engines() {
    for engine in ["sharded", "sequential"] {
        let desk = Desk::new();
        let line = "run phold --nodes 1M --until 1000h --set protocol.population=8 --out r";
        let line = format!("{line} --progress off --engine {engine}");
        let mut run = Started::anthill(&desk, &line);
        until("the run begins", || desk.path("r/manifest.json").exists());
        run.send("-TERM");
        let output = run.end();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert_eq!(desk.json("r/summary.json")["ended"], "interrupted");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn commands_that_save_nothing_end_at_once() {
    let desk = Desk::new();
    assert_eq!(desk.anthill("run phold --nodes 1k --until 10s --out r").status.code(), Some(0));
    let before = files(desk.0.path());
    for line in ["calibrate --out mine.toml", "replay r", "trace r --out t", "trace r --explain"] {
        let mut command = Started::anthill(&desk, line);
        let id = command.id();
        until("it listens", || masks(id, "SigCgt").is_some_and(|caught| caught >> 14 & 1 == 1));
        command.send("-TERM");
        let output = command.end();
        assert_eq!(output.status.code(), Some(130), "{line}: {output:?}");
        assert_eq!(files(desk.0.path()), before, "{line}");
        assert!(!desk.path("t").exists(), "{line}");
    }
}

/// A set of signals of a process; bit 0 is signal 1.
#[cfg(target_os = "linux")]
fn masks(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[test]
#[cfg(target_os = "linux")]
fn nohup_stays_in_force() {
    let desk = Desk::new();
    let mut shell = Command::new("sh");
    let script = format!("trap '' HUP; exec \"$0\" {LONG}");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_anthill")]).current_dir(desk.0.path());
    let mut run = Started::new(shell);
    until("the run begins", || desk.path("r/manifest.json").exists());
    let id = run.id();
    let [ignored, caught] = ["SigIgn", "SigCgt"].map(|name| masks(id, name).expect("a mask"));
    assert_eq!((ignored & 1, caught & 1), (1, 0), "HUP is signal 1");
    run.send("-TERM");
    assert_eq!(run.end().status.code(), Some(130));
}

#[test]
fn what_a_killed_run_left_gives_way_to_the_same_command() {
    let desk = Desk::new();
    let line = "run phold --nodes 1k --until 10s --progress off --out r";
    let mut run = Started::anthill(&desk, line);
    until("the run begins", || desk.path("r/manifest.json").exists());
    let busy = refusal(&desk.anthill(line));
    assert!(busy.contains("another process runs in r"), "{busy}");
    run.send("-KILL");
    assert_eq!(run.end().status.signal(), Some(9));
    assert_eq!(files(&desk.path("r")), ["manifest.json"]);

    let hint =
        "make it again with: anthill run phold --nodes 1k --until 10s --progress off --out r";
    for line in ["report r", "replay r", "trace r"] {
        let refused = refusal(&desk.anthill(line));
        assert!(
            refused.contains("summary.json") && refused.trim_end().ends_with(hint),
            "{refused}"
        );
    }
    let other = refusal(&desk.anthill(&line.replace("1k", "2k")));
    assert!(other.contains("what another run left"), "{other}");
    assert_eq!(files(&desk.path("r")), ["manifest.json"]);

    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).contains("note: r held what this run left when it was killed"));
    assert_eq!(desk.json("r/summary.json")["ended"], "finished");
    assert!(refusal(&desk.anthill(line)).contains("never overwritten"), "now it is whole");
}

#[test]
fn a_killed_profile_gives_way_too() {
    let desk = Desk::new();
    for (nodes, manifest) in [("1k", "p/manifest.json"), ("1k,2k", "p/1000/manifest.json")] {
        let line = format!("profile phold --until 1h --nodes {nodes} --progress off --out p");
        let mut profile = Started::anthill(&desk, &line);
        until("it begins", || desk.path(manifest).exists());
        profile.send("-KILL");
        profile.end();
        let mut again = Started::anthill(&desk, &line);
        again.finds_leftovers();
        until("it begins", || desk.path(manifest).exists());
        again.send("-TERM");
        assert_eq!(again.end().status.code(), Some(130));
        assert_eq!(files(desk.0.path()), Vec::<String>::new(), "nothing was profiled");
        let _ = fs::remove_dir_all(desk.path("p"));
    }
}

#[test]
fn a_run_that_is_given_stdin_ends_with_it() {
    let desk = Desk::new();
    let mut command = desk.command(&format!("{LONG} --end-with-stdin"));
    command.stdin(Stdio::piped());
    let mut run = Started::new(command);
    until("the run begins", || desk.path("r/manifest.json").exists());
    drop(run.child().stdin.take());
    assert_eq!(run.end().status.code(), Some(130));
}

/// The processes that a process has started and that run.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent)).collect()
}

/// State and parent of a process.
#[cfg(target_os = "linux")]
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Runs that have begun in a directory of many.
fn begun(out: &Path) -> usize {
    let names = if out.exists() { files(out) } else { Vec::new() };
    names.iter().filter(|name| name.ends_with("/manifest.json")).count()
}

#[test]
#[cfg(target_os = "linux")]
fn children_end_with_their_parent_however_it_ends_and_block_no_restart() {
    let many = [
        ("sweep phold --nodes 500 --vary until=1000h,2000h --seeds 2 --jobs 2", 2),
        ("compare phold phold --nodes 500 --until 1000h --set-b seed=2 --seeds 2 --jobs 2", 2),
        ("scale phold --nodes 500,1k --until 1000h --repeat 1", 1),
    ];
    for (signal, (line, jobs)) in ["-KILL", "-TERM", "-HUP"].into_iter().zip(many) {
        let desk = Desk::new();
        let line = format!("{line} --progress off --out s");
        let mut parent = Started::anthill(&desk, &line);
        until("its runs begin", || begun(&desk.path("s")) == jobs);
        let runs = children(parent.id());
        assert_eq!(runs.len(), jobs, "{line}");
        parent.send(signal);
        let output = parent.end();
        let ended = |id: &u32| stat(*id).is_none_or(|(state, _)| state == 'Z' || state == 'X');
        until("no run goes on", || runs.iter().all(ended));
        if signal == "-KILL" {
            assert_eq!(output.status.signal(), Some(9));
        } else {
            assert_eq!(output.status.code(), Some(130), "{output:?}");
            assert!(said(&output).contains("continue with: anthill"), "{output:?}");
            assert_eq!(files(&desk.path("s")), ["plan.json"], "{line}");
        }
        // It goes on, beside what an orphan of long ago may still write.
        let orphan = desk.path("s/running/1/precious");
        let mut again = Started::anthill(&desk, &line);
        let id = again.id();
        until("it starts again", || children(id).len() == jobs);
        fs::create_dir_all(&orphan).expect("a directory");
        again.send("-TERM");
        let output = again.end();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert_eq!(files(&desk.path("s")), ["plan.json"], "{line}");
    }
}

#[test]
fn a_run_whose_directory_is_removed_says_so_and_shows_its_figures() {
    for whole in [true, false] {
        let desk = Desk::new();
        let mut run = Started::anthill(&desk, LONG);
        until("the run begins", || desk.path("r/manifest.json").exists());
        match whole {
            true => fs::remove_dir_all(desk.path("r")).expect("removed"),
            false => fs::remove_file(desk.path("r/manifest.json")).expect("removed"),
        }
        run.send("-TERM");
        let output = run.end();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let complaint = said(&output);
        assert!(complaint.contains("was removed while the run went on: neither "), "{complaint}");
        let told = stdout(&output);
        assert!(told.contains("\n  digest  ") && told.contains("\nNOT SAVED"), "{told}");
        assert_eq!(files(desk.0.path()), Vec::<String>::new());
        assert_eq!(desk.path("r").exists(), !whole, "it is not made again");
    }
}

#[test]
fn many_runs_whose_directory_is_removed_end_and_say_so() {
    let desk = Desk::new();
    let line = "sweep phold --nodes 100 --until 5ms --vary protocol.remote=0.5,0.6 --seeds 2000";
    let sweep = Started::anthill(&desk, &format!("{line} --jobs 1 --progress off --out s"));
    until("a run is finished", || {
        fs::read_dir(desk.path("s/points")).is_ok_and(|mut points| points.next().is_some())
    });
    // Moved away in one step, whatever is being written there.
    fs::rename(desk.path("s"), desk.path("gone")).expect("moved");
    let output = sweep.end();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said(&output).contains("s was removed while the runs went on: points/"), "{output:?}");
    assert!(!desk.path("s/points").exists() && !desk.path("s/plan.json").exists());
}
