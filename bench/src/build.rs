//! From what a binary was built: told by it, and named in everything that it saves.
//!
//! Not found out here: else every commit would compile the command line anew, and all protocols with it.

use std::sync::OnceLock;

/// The source that a binary was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The commit.
    pub commit: &'static str,
    /// Whether files that are committed were different.
    pub has_changes: bool,
}

static BUILD: OnceLock<Build> = OnceLock::new();

/// Notes what this process was built from; the first time counts.
pub(crate) fn note(build: Build) {
    BUILD.get_or_init(|| build);
}

/// The commit; `unknown` where the binary says none.
pub(crate) fn commit() -> &'static str {
    BUILD.get().map_or("unknown", |build| build.commit)
}

/// Whether committed files were different.
pub(crate) fn has_changes() -> bool {
    BUILD.get().is_some_and(|build| build.has_changes)
}
