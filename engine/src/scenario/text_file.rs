//! Text files that parameters of protocols name: read once, and kept as long as the program runs, so that
//! values of parameters stay small and can be copied.

use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use anthill_protocol::parameter::TextFile;

use crate::input::{InputFile, OpenError};

/// The most that such a file may hold, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// The most that all of them may, so that a long series of scenarios does not eat the machine.
const MOST_IN_ALL: usize = 1 << 30;

/// Those that were read.
static READ: Mutex<Vec<&'static TextFile>> = Mutex::new(Vec::new());

/// Reads a file; the error says what is wrong with it.
pub(super) fn read(file: &InputFile) -> Result<&'static TextFile, String> {
    let path = file.display().to_string();
    let cannot = |error: std::io::Error| format!("cannot read {path}: {error}");
    let reader = file.open().map_err(|error| match error {
        OpenError::Unreadable(error) => cannot(error),
        OpenError::NotAFile => format!("{path} is not a regular file"),
    })?;
    let mut bytes = Vec::new();
    reader.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("{path} is larger than {} MiB: give a part of it", MOST_BYTES >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("{path}, line {line}: not UTF-8 text")
    })?;
    keep(TextFile { path, text })
}

/// The same file as one that was read before, or this one from now on.
fn keep(file: TextFile) -> Result<&'static TextFile, String> {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = read.iter().find(|it| ***it == file) {
        return Ok(same);
    }
    let in_all: usize = read.iter().map(|it| it.text.len()).sum();
    if in_all + file.text.len() > MOST_IN_ALL {
        return Err(format!(
            "scenarios name files of more than {} MiB together",
            MOST_IN_ALL >> 20
        ));
    }
    let file: &'static TextFile = Box::leak(Box::new(file));
    read.push(file);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once_and_what_is_no_text_is_refused_by_its_line() {
        let path = std::env::temp_dir().join(format!("anthill-text-file-{}", std::process::id()));
        let now = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&InputFile::now(path.clone()))
        };
        let (one, two) = (now(b"1,2\n").unwrap(), now(b"1,2\n").unwrap());
        assert!(std::ptr::eq(one, two) && one.text == "1,2\n");
        assert_eq!(now(b"1,3\n").unwrap().text, "1,3\n");
        assert!(now(b"1\n2\n\xff\n").unwrap_err().contains("line 3: not UTF-8"));
        std::fs::remove_file(&path).unwrap();
        assert!(read(&InputFile::now(path)).unwrap_err().starts_with("cannot read"));
        assert!(read(&"/dev/zero".into()).unwrap_err().contains("not a regular file"));
    }
}
