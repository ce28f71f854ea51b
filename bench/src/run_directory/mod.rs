//! Where a run is saved. Owns the promise that nothing is ever overwritten or left half written.
//!
//! A directory is claimed before the run starts, so that an hour of emulation cannot end in "no
//! such directory". Every file is written beside its place and then renamed into it: a reader, or
//! a crash, sees a whole file or none. A run takes at most [`MAX_BYTES`].
//!
//! While its process lives, a lock on the directory says so. What a run left that was killed before
//! it could save ([`leftover`]) does not stand in the way of the same run.

mod leftover;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
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
    /// The given directory holds the beginning of something else.
    #[error(
        "{} holds what another run left that was ended before it could save; remove it, or choose \
         another --out DIR",
        path.display()
    )]
    OtherRun {
        /// The directory.
        path: PathBuf,
    },
    /// The given directory holds a run that was saved to go on.
    #[error(
        "{} holds a run that was ended and saved; go on with it: {} run --resume {}, or choose \
         another --out DIR",
        path.display(),
        crate::build::name(),
        path.display()
    )]
    Saved {
        /// The directory.
        path: PathBuf,
    },
    /// Another process works there.
    #[error("another process runs in {}; wait for it, or choose another --out DIR", path.display())]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// What was saved before is not there any more.
    #[error(
        "{} was removed while the run went on: neither {file} nor what follows it is saved",
        path.display()
    )]
    Gone {
        /// The directory, or a file in it.
        path: PathBuf,
        /// What was to be written.
        file: String,
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
    /// Holds the lock, and tells whether the directory is still the same one; `None` where
    /// directories cannot be opened.
    handle: Option<File>,
    locked: bool,
    /// Whether what a killed run left was removed for this one.
    replaces: bool,
    /// Whether a later claim may have to tell its files from others.
    is_run: bool,
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
            Some(out) => Self::claim_given(out, |_| Err(leftover::Refusal::NotEmpty)),
            None => Self::claim_next(Path::new(DEFAULT_PARENT), name, seed),
        }
    }

    /// The same for a run of a resolved scenario, which may have been begun there before, and
    /// killed.
    ///
    /// # Errors
    /// If `out` holds anything else, or cannot be made.
    pub(crate) fn claim_for_run(
        out: Option<&Path>,
        (name, seed): (&str, u64),
        scenario_toml: &str,
    ) -> Result<Self, RunDirectoryError> {
        match out {
            Some(out) => Self::claim_given(out, |path| leftover::of_run(path, scenario_toml)),
            None => Self::claim_next(Path::new(DEFAULT_PARENT), name, seed),
        }
        .map(|claimed| Self { is_run: true, ..claimed })
    }

    /// The same for a directory of runs, each in a directory of its own by one of `names`; none of
    /// them may be whole.
    ///
    /// # Errors
    /// If `out` holds anything else, or cannot be made.
    pub(crate) fn claim_for_runs(
        out: Option<&Path>,
        (name, seed): (&str, u64),
        names: &[String],
    ) -> Result<Self, RunDirectoryError> {
        match out {
            Some(out) => Self::claim_given(out, |path| leftover::of_runs(path, names)),
            None => Self::claim_next(Path::new(DEFAULT_PARENT), name, seed),
        }
    }

    /// The directories that the claim made, innermost first.
    pub(crate) fn made(&self) -> &[PathBuf] {
        &self.made
    }

    /// Whether what a killed run left was removed for this one.
    pub(crate) fn replaces(&self) -> bool {
        self.replaces
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
        debug_assert!(!self.is_run || leftover::is_known(name), "{name} is missing in FILES");
        self.check_presence(name)?;
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
                // It may have been removed since it was looked at.
                self.check_presence(name)?;
                Err(io_error(problem))
            }
        }
    }

    /// Whether the directory is still the one that was claimed, with all that was written.
    fn check_presence(&self, file: &str) -> Result<(), RunDirectoryError> {
        let same = |handle: &File| {
            let (now, then) = (fs::metadata(&self.path).ok()?, handle.metadata().ok()?);
            Some((now.dev(), now.ino()) == (then.dev(), then.ino()))
        };
        let gone = match &self.handle {
            Some(handle) if same(handle) != Some(true) => Some(&self.path),
            _ => self.written.iter().find(|path| !path.exists()),
        };
        match gone {
            Some(path) => {
                Err(RunDirectoryError::Gone { path: path.clone(), file: file.to_owned() })
            }
            None => Ok(()),
        }
    }

    fn claimed(path: PathBuf, made: Vec<PathBuf>) -> Result<Self, RunDirectoryError> {
        let handle = File::open(&path).ok();
        let locked = match handle.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => return Err(RunDirectoryError::Busy { path }),
            Some(Ok(())) => true,
            // A file system without locks is still a place to save.
            None | Some(Err(TryLockError::Error(_))) => false,
        };
        Ok(Self {
            path,
            bytes: 0,
            parquet: false,
            written: Vec::new(),
            made,
            handle,
            locked,
            replaces: false,
            is_run: false,
        })
    }

    /// `clear` removes what may be replaced.
    fn claim_given(
        out: &Path,
        clear: impl FnOnce(&Path) -> Result<(), leftover::Refusal>,
    ) -> Result<Self, RunDirectoryError> {
        let io_error = |problem| RunDirectoryError::Io { path: out.to_owned(), problem };
        // An empty path cannot be listed, but joining to it means the working directory.
        if out.as_os_str().is_empty() {
            return Err(RunDirectoryError::NotADirectory { path: out.to_owned() });
        }
        let made = missing(out);
        let mut holds_anything = false;
        match fs::read_dir(out) {
            Ok(mut entries) => holds_anything = entries.next().is_some(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(out).map_err(io_error)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                return Err(RunDirectoryError::NotADirectory { path: out.to_owned() });
            }
            Err(e) => return Err(io_error(e)),
        }
        let mut claimed = Self::claimed(out.to_owned(), made)?;
        if holds_anything {
            // Without a lock nobody knows whether the run goes on.
            if !claimed.locked {
                return Err(RunDirectoryError::NotEmpty { path: out.to_owned() });
            }
            clear(out).map_err(|refusal| refusal.of(out))?;
            claimed.replaces = true;
        }
        Ok(claimed)
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
                    return Self::claimed(path, made);
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
mod tests;
