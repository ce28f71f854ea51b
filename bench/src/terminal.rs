//! Writing to the terminal without the panics of `println!`: a reader that went away (`| head`)
//! is no error, and a closed stderr must not hide the exit code.

use std::io::{self, Write};

use anyhow::Context as _;

/// Writes to stdout.
///
/// # Errors
/// If stdout cannot be written. A closed pipe is not an error.
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

/// An error with its causes, each told once: many errors tell their causes themselves.
pub(crate) fn told(problem: &anyhow::Error) -> String {
    problem.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match (told.as_str(), told.contains(&cause)) {
            ("", _) => cause,
            (_, true) => told,
            (_, false) => format!("{told}: {cause}"),
        }
    })
}

/// Writes to stderr.
pub(crate) fn log(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    /// An error of the kind that says its cause and has it, too.
    #[derive(Debug, thiserror::Error)]
    #[error("a.csv: {source}")]
    struct Doubled {
        source: io::Error,
    }

    #[test]
    fn every_cause_is_told_once() {
        let doubled = || anyhow::Error::new(Doubled { source: io::Error::other("no room") });
        assert_eq!(told(&doubled()), "a.csv: no room");
        assert_eq!(told(&doubled().context("cannot save")), "cannot save: a.csv: no room");
        assert_eq!(told(&anyhow!("x").context("y").context("z")), "z: y: x");
        assert_eq!(told(&anyhow!("x").context("cannot x")), "cannot x");
    }
}
