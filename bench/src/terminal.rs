//! Writing to the terminal without the panics of `println!`: a reader that went away (`| head`)
//! is no error, and a closed stderr must not hide the exit code.

use std::io::{self, Write};

use anyhow::Context as _;

/// Writes to stdout.
///
/// # Errors
/// If stdout cannot be written, except that nobody reads it any more.
pub(crate) fn show(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

/// Writes `severity: message` to stderr.
pub(crate) fn complain(severity: &str, message: &str) {
    let _ = writeln!(io::stderr(), "{severity}: {message}");
}

/// Writes to stderr.
pub(crate) fn log(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
