//! For build scripts: notes which commit a binary is built from, so that every manifest can name it.
//!
//! In `build.rs`: `fn main() { anthill_stamp::stamp(&["src"]) }`. What was noted is read by
//! `anthill_bench::build!`. Outside a git repository the commit is `unknown`.

#![forbid(unsafe_code)]

use std::process::Command;

/// Sets `ANTHILL_COMMIT` and `ANTHILL_DIRTY` for the crate that is being built, and asks cargo to do so again
/// when a file of `sources` (relative to the crate) or the commit changes.
pub fn stamp(sources: &[&str]) {
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    // Untracked files do not change the build unless a tracked one names them.
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let dirty = changes.is_some_and(|changes| !changes.is_empty());
    println!("cargo::rustc-env=ANTHILL_COMMIT={commit}");
    println!("cargo::rustc-env=ANTHILL_DIRTY={dirty}");

    println!("cargo::rerun-if-changed=build.rs");
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
    }
    // In a worktree these lie outside the source tree; `logs/HEAD` moves with every commit.
    for path in ["HEAD", "logs/HEAD", "index"] {
        if let Some(file) = git(&["rev-parse", "--git-path", path]) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
