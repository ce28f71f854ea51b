//! Saved runs on disk: the checkpoints in a run's directory, when they are taken, and how a run goes on
//! from one.
//!
//! A checkpoint is a file `checkpoint-<virtual time in ns>ns` beside the manifest, which has the scenario.
//! It is written under a temporary name, brought to the disk, then renamed; older ones go after that. So
//! a full disk, a kill or a crash leaves the previous one. It does not count for the limit of a run
//! directory, because it is as large as the run.

mod keeper;
mod resume;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anthill_engine::checkpoint::Saving;
use anthill_protocol::Time;

pub(crate) use keeper::{Habit, Keeper};
pub(crate) use resume::{Resumed, refuse_flags};

const PREFIX: &str = "checkpoint-";
const UNIT: &str = "ns";

/// The file of the checkpoint at an instant.
fn name(at: Time) -> String {
    format!("{PREFIX}{}{UNIT}", at.0)
}

/// The instant of a checkpoint, if a file of this name is one.
pub(crate) fn time_of(name: &str) -> Option<Time> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(UNIT)?;
    let time = Time(digits.parse().ok()?);
    (self::name(time) == name).then_some(time)
}

/// The checkpoints of a run directory, in the order of their instants.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<(Time, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let time = entry.file_name().to_str().and_then(time_of);
        found.extend(time.map(|time| (time, entry.path())));
    }
    found.sort();
    Ok(found)
}

/// Writes a checkpoint; under its name there is all of it or nothing.
fn write(directory: &Path, at: Time, saving: &mut Saving<'_>) -> io::Result<(PathBuf, u64)> {
    let path = directory.join(name(at));
    let unfinished = directory.join(format!("{}.partial", name(at)));
    let written =
        OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished).and_then(
            |mut file| {
                let bytes = saving.write_to(&mut file)?;
                file.sync_all()?;
                fs::rename(&unfinished, &path)?;
                // The name is on the disk too before the previous one goes.
                File::open(directory)?.sync_all()?;
                Ok(bytes)
            },
        );
    match written {
        Ok(bytes) => Ok((path, bytes)),
        Err(problem) => {
            // Best effort: the error to report is the first one.
            let _ = fs::remove_file(&unfinished);
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_here_is_a_checkpoint() {
        assert_eq!(time_of(&name(Time(1_500))), Some(Time(1_500)));
        for other in
            ["checkpoint-5ns.partial", "checkpoint-05ns", "checkpoint-+5ns", "checkpoint-ns", "5ns"]
        {
            assert_eq!(time_of(other), None, "{other}");
        }
    }
}
