//! Memory and threads that the system refuses: an error that says what was refused, exit code 2, and
//! no directory. Never a panic.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::{Desk, files, refusal};

/// The command in a shell that limits itself first.
fn limited(desk: &Desk, limit: &str, line: &str) -> Output {
    let script = format!("{limit} \"$0\" {line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_anthill")]).current_dir(desk.0.path());
    shell.stdin(Stdio::null()).output().expect("a shell")
}

#[track_caller]
fn nothing_is_left(desk: &Desk) {
    assert_eq!(files(desk.0.path()), Vec::<String>::new());
    for name in ["r", "s", "anthill-runs"] {
        assert!(!desk.path(name).exists(), "{name}");
    }
}

/// With so little address space that what the run comes to need cannot be had, though the machine
/// has it.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_an_error_wherever_it_is_refused() {
    let many_events = "phold --nodes 1k --set protocol.population=30000 --until 1s";
    for (line, what) in [
        (format!("{many_events} --threads 1"), "for pending events"),
        (format!("{many_events} --threads 2"), "for pending events"),
        (format!("{many_events} --engine sequential"), "for pending events"),
        ("phold --nodes 20M --until 1s".into(), "bytes for 20000000 nodes"),
        ("phold --nodes 20M --until 1s --engine sequential".into(), "bytes for the nodes"),
    ] {
        let desk = Desk::new();
        let line = format!("run {line} --progress off --out r");
        // 400 MB.
        let output = limited(&desk, "ulimit -v 400000; exec", &line);
        let refused = refusal(&output);
        assert!(refused.contains("cannot get ") && refused.contains(what), "{line}: {refused}");
        assert_eq!(refused.matches("error:").count(), 1, "{refused}");
        nothing_is_left(&desk);
    }
}

/// A limit of processes and threads, for a user who has no others: the one that exceeds it is refused.
/// Root is not bound by it, and becomes somebody else; without root the user's other processes
/// count, and the first thread is refused already.
#[test]
#[cfg(target_os = "linux")]
fn threads_are_an_error_wherever_they_are_refused() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| {
        use std::os::unix::fs::MetadataExt as _;
        process.uid() == 0
    });
    let sweep = "sweep phold --nodes 100 --until 5ms --vary protocol.remote=0.5,0.6 --seeds 1";
    for (most, line, what) in [
        (1, "run phold --nodes 1k --until 5ms --out r", "cannot start a thread that watches"),
        (
            2,
            "run phold --nodes 1k --until 5ms --threads 2 --out r",
            "cannot start 2 worker threads",
        ),
        (
            3,
            "run phold --nodes 1k --until 5ms --threads 2 --out r",
            "cannot start 2 worker threads",
        ),
        (
            2,
            "run phold --nodes 1k --until 5ms --serve 127.0.0.1:0 --out r",
            "cannot start a thread for the live view",
        ),
        (2, &format!("{sweep} --jobs 2 --out s"), "cannot start a thread for a run"),
        (3, &format!("{sweep} --jobs 1 --out s"), "Resource temporarily unavailable"),
        (4, &format!("{sweep} --jobs 1 --out s"), "cannot start a thread for a run"),
    ] {
        let desk = Desk::new();
        let (limit, what) = if is_root {
            open_to_all(&desk);
            // A user of its own for each: tests run side by side.
            let user = 1_000_000_000 + std::process::id() * 8 + most;
            let as_user = format!("--reuid {user} --regid {user} --clear-groups");
            (format!("exec setpriv {as_user} prlimit --nproc={most} --"), what)
        } else {
            ("ulimit -u 1; exec".to_owned(), "cannot start a thread that watches")
        };
        let output = limited(&desk, &limit, line);
        let refused = refusal(&output);
        assert!(refused.contains(what), "{most}: {line}: {refused}");
        nothing_is_left(&desk);
    }
}

/// So that somebody else may write there.
fn open_to_all(desk: &Desk) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(desk.0.path(), fs::Permissions::from_mode(0o777)).expect("allowed");
}
