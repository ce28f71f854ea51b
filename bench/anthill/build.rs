//! Records which commit the binary was built from, so that every manifest can name it.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn main() {
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    // Untracked files do not change the build unless a tracked one names them.
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let dirty = changes.is_some_and(|changes| !changes.is_empty());
    println!("cargo::rustc-env=ANTHILL_COMMIT={commit}");
    println!("cargo::rustc-env=ANTHILL_DIRTY={dirty}");

    println!("cargo::rerun-if-changed=build.rs");
    for tracked in ["src", "../src", "../shipped", "../scenarios", "../../engine", "../../protocol"]
    {
        println!("cargo::rerun-if-changed={tracked}");
    }
    // In a worktree these lie outside the source tree; `logs/HEAD` moves with every commit.
    for path in ["HEAD", "logs/HEAD", "index"] {
        if let Some(file) = git(&["rev-parse", "--git-path", path]) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}
