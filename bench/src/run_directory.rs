//! Where a run is saved. Owns the promise that nothing is ever overwritten or left half written.
//!
//! A directory is claimed before the run starts, so that an hour of emulation cannot end in "no
//! such directory". Every file is written beside its place and then renamed into it: a reader, or
//! a crash, sees a whole file or none. A run takes at most [`MAX_BYTES`].

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::export::columns::Columns;
use crate::export::parquet;
use crate::terminal;

/// The most a run directory may hold, in bytes.
pub(crate) const MAX_BYTES: u64 = 50_000_000;

const DEFAULT_PARENT: &str = "anthill-runs";

/// Why a run could not be saved.
#[derive(Debug, Error)]
pub(crate) enum RunDirectoryError {
    /// The given directory holds something.
    #[error("{} is not empty and is never overwritten; choose another --out DIR", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The given path is a file.
    #[error("`{}` is not a directory; choose another --out DIR", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Something is already saved under that name.
    #[error("{} exists and is never overwritten; choose another --out DIR", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The files together would be too large.
    #[error("{} would take the run past {MAX_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A table cannot be saved as Parquet.
    #[error("cannot save {} as Parquet: {problem}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The file system refused.
    #[error("cannot write {}: {problem}; choose another --out DIR", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why; no source of this error, which has told it.
        problem: io::Error,
    },
}

/// A claimed directory.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    bytes: u64,
    /// Whether every CSV is saved as Parquet too.
    parquet: bool,
    written: Vec<PathBuf>,
    /// The directories that the claim made, innermost first.
    made: Vec<PathBuf>,
}

impl RunDirectory {
    /// Claims `out`, or the first free `anthill-runs/<name>-<seed>-<n>`.
    ///
    /// # Errors
    /// If `out` holds anything, or cannot be made.
    pub(crate) fn claim(
        out: Option<&Path>,
        name: &str,
        seed: u64,
    ) -> Result<Self, RunDirectoryError> {
        match out {
            Some(out) => Self::claim_given(out),
            None => Self::claim_next(Path::new(DEFAULT_PARENT), name, seed),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the directory back after a run that produced nothing: removes what was written
    /// through this claim, and those directories it made that this leaves empty. Best effort.
    pub(crate) fn abandon(self) {
        for file in &self.written {
            let _ = fs::remove_file(file);
        }
        for directory in &self.made {
            let _ = fs::remove_dir(directory);
        }
    }

    /// From here on every CSV is saved as Parquet too.
    pub(crate) fn add_parquet(&mut self) {
        self.parquet = true;
    }

    /// Writes a CSV, and as Parquet too if that was asked for.
    ///
    /// # Errors
    /// As for [`Self::write`], or if a cell is not what its column holds.
    pub(crate) fn write_table(
        &mut self,
        name: &str,
        content: &[u8],
        columns: &Columns,
    ) -> Result<(), RunDirectoryError> {
        self.write(name, content)?;
        if let (true, Some(stem)) = (self.parquet, name.strip_suffix(".csv")) {
            let typed =
                parquet::of_csv(content, columns).map_err(|problem| RunDirectoryError::Table {
                    path: self.path.join(name),
                    problem: terminal::told(&problem),
                })?;
            self.write(&format!("{stem}.parquet"), &typed)?;
        }
        Ok(())
    }

    /// Writes one file; `name` may have one directory in front.
    ///
    /// # Errors
    /// If it exists, would pass the size limit, or cannot be written.
    pub(crate) fn write(&mut self, name: &str, content: &[u8]) -> Result<(), RunDirectoryError> {
        let path = self.path.join(name);
        let io_error = |problem| RunDirectoryError::Io { path: path.clone(), problem };
        let total = self.bytes.saturating_add(content.len() as u64);
        if total > MAX_BYTES {
            return Err(RunDirectoryError::TooLarge { path });
        }
        if path.exists() {
            return Err(RunDirectoryError::Exists { path });
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_error)?;
        }
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(".partial");
        let unfinished = PathBuf::from(unfinished);
        // `create_new`: a second process that claimed the same empty directory stops here.
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&unfinished, &path));
        match written {
            Ok(()) => {
                self.bytes = total;
                self.written.push(path);
                Ok(())
            }
            Err(problem) => {
                if problem.kind() != io::ErrorKind::AlreadyExists {
                    // Best effort: the error to report is the first one.
                    let _ = fs::remove_file(&unfinished);
                }
                Err(io_error(problem))
            }
        }
    }

    fn claimed(path: PathBuf, made: Vec<PathBuf>) -> Self {
        Self { path, bytes: 0, parquet: false, written: Vec::new(), made }
    }

    fn claim_given(out: &Path) -> Result<Self, RunDirectoryError> {
        let io_error = |problem| RunDirectoryError::Io { path: out.to_owned(), problem };
        // An empty path cannot be listed, but joining to it means the working directory.
        if out.as_os_str().is_empty() {
            return Err(RunDirectoryError::NotADirectory { path: out.to_owned() });
        }
        let made = missing(out);
        match fs::read_dir(out) {
            Ok(mut entries) => match entries.next() {
                None => {}
                Some(_) => return Err(RunDirectoryError::NotEmpty { path: out.to_owned() }),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(out).map_err(io_error)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                return Err(RunDirectoryError::NotADirectory { path: out.to_owned() });
            }
            Err(e) => return Err(io_error(e)),
        }
        Ok(Self::claimed(out.to_owned(), made))
    }

    fn claim_next(parent: &Path, name: &str, seed: u64) -> Result<Self, RunDirectoryError> {
        let io_error =
            |path: &Path, problem| RunDirectoryError::Io { path: path.to_owned(), problem };
        let mut made = missing(parent);
        fs::create_dir_all(parent).map_err(|e| io_error(parent, e))?;
        let name = file_name(name);
        for n in 1u64.. {
            let path = parent.join(format!("{name}-{seed}-{n}"));
            // Making the directory is the claim: of two runs at once only one succeeds.
            match fs::create_dir(&path) {
                Ok(()) => {
                    made.insert(0, path.clone());
                    return Ok(Self::claimed(path, made));
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io_error(&path, e)),
            }
        }
        Err(io_error(parent, io::Error::other("no free number")))
    }
}

/// The path and those above it that are not there, innermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let absent = |p: &&Path| !p.as_os_str().is_empty() && !p.exists();
    path.ancestors().take_while(absent).map(Path::to_owned).collect()
}

/// A name as a file name: anything but letters, digits, `-`, `_` becomes `_`; at most 64 long.
pub(crate) fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let short: String = name.chars().take(64).map(safe).collect();
    if short.is_empty() { "run".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    #[test]
    fn runs_are_numbered_and_never_shared() {
        let parent = scratch();
        let names: Vec<String> = (0..3)
            .map(|_| {
                let run = RunDirectory::claim_next(parent.path(), "../a b", 7).expect("a claim");
                run.path().file_name().expect("a name").to_string_lossy().into_owned()
            })
            .collect();
        assert_eq!(names, ["___a_b-7-1", "___a_b-7-2", "___a_b-7-3"]);
    }

    #[test]
    fn a_directory_with_anything_in_it_is_refused() {
        let given = scratch();
        assert!(RunDirectory::claim(Some(given.path()), "x", 1).is_ok(), "empty is fine");
        fs::write(given.path().join("precious"), "data").expect("a file");
        let refused = RunDirectory::claim(Some(given.path()), "x", 1);
        assert!(matches!(refused, Err(RunDirectoryError::NotEmpty { .. })));
        let refused = RunDirectory::claim(Some(Path::new("")), "x", 1);
        assert!(matches!(refused, Err(RunDirectoryError::NotADirectory { .. })));
        let file = given.path().join("precious");
        let refused = RunDirectory::claim(Some(&file), "x", 1);
        assert!(matches!(refused, Err(RunDirectoryError::NotADirectory { .. })));
        assert_eq!(fs::read(file).expect("still there"), b"data");
    }

    #[test]
    fn files_appear_whole_and_are_never_replaced() {
        let given = scratch();
        let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
        run.write("metrics/a.hgrm", b"one").expect("written");
        let again = run.write("metrics/a.hgrm", b"two");
        assert!(matches!(again, Err(RunDirectoryError::Exists { .. })));
        let content = fs::read(given.path().join("metrics/a.hgrm")).expect("readable");
        assert_eq!(content, b"one");
        let left: Vec<_> = fs::read_dir(given.path().join("metrics")).expect("listed").collect();
        assert_eq!(left.len(), 1, "nothing unfinished is left behind");
    }

    #[test]
    fn an_abandoned_directory_takes_nothing_else_with_it() {
        let parent = scratch();
        for foreign in [false, true] {
            let path = parent.path().join(format!("run-{foreign}"));
            let mut run = RunDirectory::claim(Some(&path), "x", 1).expect("a claim");
            run.write("manifest.json", b"{}").expect("written");
            if foreign {
                fs::write(path.join("notes"), "mine").expect("a file");
            }
            run.abandon();
            assert_eq!(path.join("notes").exists(), foreign);
            assert_eq!(path.exists(), foreign);
        }
    }

    #[test]
    fn an_abandoned_directory_goes_with_the_parents_that_were_made_for_it() {
        let (parent, deep) = (scratch(), Path::new("a/b/c"));
        fs::create_dir(parent.path().join("a")).expect("a directory");
        let claim = |out: &Path| RunDirectory::claim(Some(out), "x", 1).expect("a claim");
        claim(&parent.path().join(deep)).abandon();
        assert!(parent.path().join("a").exists() && !parent.path().join("a/b").exists());
        // What was there before the claim stays.
        claim(&parent.path().join("a")).abandon();
        assert!(parent.path().join("a").exists());
    }

    #[test]
    fn another_writer_s_unfinished_file_stops_us() {
        let given = scratch();
        let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
        fs::write(given.path().join("a.partial"), "theirs").expect("a file");
        assert!(matches!(run.write("a", b"ours"), Err(RunDirectoryError::Io { .. })));
        assert!(!given.path().join("a").exists());
        assert_eq!(fs::read(given.path().join("a.partial")).expect("kept"), b"theirs");
    }

    #[test]
    fn the_size_limit_holds_over_all_files() {
        let given = scratch();
        let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
        let most = vec![0; MAX_BYTES as usize];
        run.write("most", &most).expect("exactly the limit");
        assert!(matches!(run.write("more", b"1"), Err(RunDirectoryError::TooLarge { .. })));
    }
}
