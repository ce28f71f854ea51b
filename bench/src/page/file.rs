//! Saving a page where a reader finds it: whole or not at all, and never in place of anything else.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, bail};

use super::GENERATOR;
use crate::interrupt::Interrupts;

/// Saves a page.
///
/// # Errors
/// If something else is there, or it cannot be written.
pub(crate) fn save(out: &Path, page: &str, interrupts: &Interrupts) -> anyhow::Result<()> {
    replaceable(out)?;
    interrupts
        .hold(|| write(out, page))
        .with_context(|| format!("cannot write {}; choose another --out FILE", out.display()))
}

/// A page may take the place of an older one, but of nothing else.
fn replaceable(out: &Path) -> anyhow::Result<()> {
    let found = match fs::metadata(out) {
        Err(_) => return Ok(()),
        Ok(found) => found,
    };
    let mut start = vec![];
    let is_report = found.is_file()
        && fs::File::open(out).and_then(|file| file.take(2_000).read_to_end(&mut start)).is_ok()
        && String::from_utf8_lossy(&start).contains(GENERATOR);
    if !is_report {
        bail!("{} is there and is no page of anthill; choose another --out FILE", out.display());
    }
    Ok(())
}

/// Beside its place first: whoever looks, or a full disk, finds the old page or the new one.
fn write(out: &Path, page: &str) -> io::Result<()> {
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(format!(".{}.partial", process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(page.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, out));
    if written.is_err() {
        // Best effort: the error to report is the first one.
        let _ = fs::remove_file(&unfinished);
    }
    written
}
