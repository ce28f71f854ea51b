//! Input files as bounded lines: plain or gzip (told by content), never a pipe or a device.
//!
//! Every limit here keeps a wrong file from hanging the program or eating the machine.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::NetworkError;
use crate::input::{InputFile, OpenError};

/// Longest line accepted, in bytes: a row of the largest square matrix has a tenth of it.
const MAX_LINE: u64 = 1 << 20;

/// Opens a regular file, unpacking it if it is gzip.
pub(crate) fn open(file: &InputFile) -> Result<Box<dyn BufRead>, NetworkError> {
    let failed = |problem: String| NetworkError::File { path: file.to_path_buf(), problem };
    let unreadable = |e: std::io::Error| failed(format!("cannot read it: {e}"));
    match file.open() {
        Ok(reader) => unpacked(reader).map_err(unreadable),
        Err(OpenError::Unreadable(e)) => Err(unreadable(e)),
        Err(OpenError::NotAFile) => {
            Err(failed("not a regular file; give the path of a plain or gzip file".into()))
        }
    }
}

/// The content of a reader, unpacked if it is gzip.
pub(crate) fn unpacked<'r>(
    mut reader: impl BufRead + 'r,
) -> std::io::Result<Box<dyn BufRead + 'r>> {
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(BufReader::with_capacity(128 << 10, MultiGzDecoder::new(reader))))
    } else {
        Ok(Box::new(reader))
    }
}

/// The non-empty lines of a text file, numbered from 1.
pub(crate) struct Lines<'r> {
    path: PathBuf,
    reader: Box<dyn BufRead + 'r>,
    number: u64,
    buffer: Vec<u8>,
}

impl Lines<'static> {
    /// Opens a file.
    pub(crate) fn open(file: &InputFile) -> Result<Self, NetworkError> {
        let path = file.to_path_buf();
        Ok(Self { path, reader: open(file)?, number: 0, buffer: Vec::new() })
    }
}

impl<'r> Lines<'r> {
    /// The lines of what is unpacked already; `path` names it in errors.
    pub(crate) fn of(path: &Path, reader: Box<dyn BufRead + 'r>) -> Self {
        Self { path: path.to_owned(), reader, number: 0, buffer: Vec::new() }
    }

    /// The lines of a reader, plain or gzip; `path` names it in errors.
    #[cfg(test)]
    pub(crate) fn read(path: &Path, reader: impl BufRead + 'r) -> Result<Self, NetworkError> {
        let path = path.to_owned();
        match unpacked(reader) {
            Ok(reader) => Ok(Self { path, reader, number: 0, buffer: Vec::new() }),
            Err(e) => Err(NetworkError::File { path, problem: format!("cannot read it: {e}") }),
        }
    }

    /// What the lines are called in errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next line that is not blank, with its number and without its end. Tabs at either end stay:
    /// they are empty fields.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &str)>, NetworkError> {
        loop {
            self.buffer.clear();
            self.number += 1;
            let mut limited = (&mut self.reader).take(MAX_LINE);
            let read = limited
                .read_until(b'\n', &mut self.buffer)
                .map_err(|e| line_error(&self.path, self.number, format!("cannot read on: {e}")))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == MAX_LINE {
                let problem = format!("longer than {MAX_LINE} bytes; is this a text table?");
                return Err(line_error(&self.path, self.number, problem));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = std::str::from_utf8(&self.buffer)
            .map_err(|_| line_error(&self.path, self.number, "not UTF-8 text"))?;
        let line = line.trim_start_matches('\u{feff}').trim_matches([' ', '\r', '\n', '\x0c']);
        Ok(Some((self.number, line)))
    }
}

/// An error about one line of a file.
pub(crate) fn line_error(path: &Path, line: u64, problem: impl Into<String>) -> NetworkError {
    NetworkError::Line { path: path.to_owned(), line, problem: problem.into() }
}
