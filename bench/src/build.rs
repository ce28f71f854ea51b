//! Which program this is, and from what it was built: told by it, and named in everything that it saves.
//!
//! Not found out here: else every commit would compile the command line anew, and all protocols with it.

use std::sync::OnceLock;

/// A program with this command line, and the source that it was built from; see [`crate::build!`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// What the command is called.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The commit.
    pub commit: &'static str,
    /// Whether files that are committed were different.
    pub has_changes: bool,
}

/// Name, version and commit of the crate in which this stands, as a [`Build`](crate::Build): `build!()`, or
/// `build!("swim")` for a command of another name than its package.
///
/// The commit is what `anthill_stamp::stamp` noted in the crate's build script; without one, `unknown`.
#[macro_export]
macro_rules! build {
    () => {
        $crate::build!(env!("CARGO_PKG_NAME"))
    };
    ($name:expr) => {
        $crate::Build {
            name: $name,
            version: env!("CARGO_PKG_VERSION"),
            commit: match option_env!("ANTHILL_COMMIT") {
                Some(commit) => commit,
                None => "unknown",
            },
            has_changes: matches!(option_env!("ANTHILL_DIRTY"), Some("true")),
        }
    };
}

/// The version of this library.
pub(crate) const LIBRARY: &str = env!("CARGO_PKG_VERSION");

const UNNAMED: Build =
    Build { name: "anthill", version: LIBRARY, commit: "unknown", has_changes: false };

static BUILD: OnceLock<Build> = OnceLock::new();

/// Notes what this process was built from; the first time counts.
pub(crate) fn note(build: Build) {
    BUILD.get_or_init(|| build);
}

fn this() -> Build {
    BUILD.get().copied().unwrap_or(UNNAMED)
}

/// What the command is called.
pub(crate) fn name() -> &'static str {
    this().name
}

/// The program's version.
pub(crate) fn version() -> &'static str {
    this().version
}

/// The commit; `unknown` where the binary says none.
pub(crate) fn commit() -> &'static str {
    this().commit
}

/// Whether committed files were different.
pub(crate) fn has_changes() -> bool {
    this().has_changes
}

/// Version, commit and, where it is not the same, the version of this library.
pub(crate) fn told() -> &'static str {
    static TOLD: OnceLock<String> = OnceLock::new();
    TOLD.get_or_init(|| in_words(this()))
}

fn in_words(build: Build) -> String {
    let Build { name, version, commit, has_changes } = build;
    let changes = if has_changes { ", with uncommitted changes" } else { "" };
    let library = if name == UNNAMED.name { String::new() } else { format!(", anthill {LIBRARY}") };
    format!("{version} (commit {commit}{changes}{library})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_told_with_its_library_if_that_is_another_program() {
        let swim = Build { name: "swim", version: "1.2.3", commit: "abc", has_changes: true };
        let with = format!("1.2.3 (commit abc, with uncommitted changes, anthill {LIBRARY})");
        assert_eq!(in_words(swim), with);
        assert_eq!(in_words(UNNAMED), format!("{LIBRARY} (commit unknown)"));
        let own = crate::build!();
        assert_eq!((own.name, own.version), ("anthill-bench", LIBRARY));
    }
}
