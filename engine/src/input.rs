//! The files that a scenario names, each with the hash of its content.
//!
//! Owns the one way in which this crate reads a file (a test asserts it): an [`InputFile`], which
//! the scenario's reader makes of a path and hashes at once. Whoever parses the file later reads it
//! through the same value, and reading to its end fails if the bytes are not the hashed ones. So
//! the hash that a manifest records is that of the bytes that made the result, although an edge
//! list of gigabytes is never held in memory; and a new kind of file has a hash without more ado.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The most that is read of a file, so that none hangs the program.
const MAX_BYTES: u64 = 16 << 30;

/// What a file holds: the BLAKE3 hash of its bytes, as they lie on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash(blake3::Hash);

impl fmt::Display for ContentHash {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A file that a scenario names: where it is, and which content is meant.
///
/// Made from a path alone (`"edges.csv".into()`) it means whatever is there when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    path: PathBuf,
    content: Option<ContentHash>,
}

/// A file that a scenario names, under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The full path of the key, such as `network.topology.path`.
    pub key: String,
    /// The file.
    pub file: InputFile,
}

impl InputFile {
    /// The file as it is now. One that cannot be read has no hash; who reads it then says why.
    pub(crate) fn now(path: PathBuf) -> Self {
        let mut hasher = blake3::Hasher::new();
        let hashed = open(&path).ok().and_then(|file| hasher.update_reader(file).ok());
        let content = hashed.map(|hasher| ContentHash(hasher.finalize()));
        Self { path, content }
    }

    /// Its path, relative to the working directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of the content that is meant; `None` if any is, or the file could not be read.
    pub fn content(&self) -> Option<ContentHash> {
        self.content
    }

    /// Opens it for reading from its beginning.
    pub(crate) fn open(&self) -> Result<BufReader<Hashed>, OpenError> {
        let file = open(&self.path)?;
        let hashed = Hashed { file, hasher: blake3::Hasher::new(), expected: self.content };
        Ok(BufReader::with_capacity(128 << 10, hashed))
    }
}

impl Deref for InputFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl<P: Into<PathBuf>> From<P> for InputFile {
    fn from(path: P) -> Self {
        Self { path: path.into(), content: None }
    }
}

/// Why a file cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The system's reason.
    Unreadable(io::Error),
    /// A folder, pipe or device.
    NotAFile,
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Opens a regular file of bearable size.
fn open(path: &Path) -> Result<io::Take<File>, OpenError> {
    // Asked before opening: opening a named pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(OpenError::NotAFile);
    }
    if metadata.len() > MAX_BYTES {
        let problem = format!("larger than {} GiB, the most of an input", MAX_BYTES >> 30);
        return Err(io::Error::other(problem).into());
    }
    Ok(File::open(path)?.take(MAX_BYTES))
}

/// The bytes of a file, hashed as they are read. The end of a file is only reached if they are
/// those that were expected.
pub(crate) struct Hashed {
    file: io::Take<File>,
    hasher: blake3::Hasher,
    expected: Option<ContentHash>,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        if read == 0
            && !buffer.is_empty()
            && let Some(expected) = self.expected
            && ContentHash(self.hasher.finalize()) != expected
        {
            return Err(io::Error::other(
                "the file has changed since the scenario was read: start again",
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("anthill-{name}-{}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        path
    }

    fn read(input: &InputFile) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match input.open() {
            Ok(mut reader) => reader.read_to_end(&mut bytes).map(|_| bytes),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn only_the_hashed_bytes_are_read_to_their_end() {
        let path = file("input", b"a,b\n1,2\n");
        let input = InputFile::now(path.clone());
        assert_eq!(input.content(), Some(ContentHash(blake3::hash(b"a,b\n1,2\n"))));
        assert_eq!(read(&input).unwrap(), b"a,b\n1,2\n");
        for changed in ["a,b\n1,3\n", "a,b\n", "a,b\n1,2\n3,4\n", ""] {
            std::fs::write(&path, changed).unwrap();
            let error = read(&input).unwrap_err().to_string();
            assert!(error.contains("has changed"), "{changed:?}: {error}");
            assert_eq!(read(&path.clone().into()).unwrap(), changed.as_bytes());
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(input.open(), Err(OpenError::Unreadable(_))));
    }

    #[test]
    fn equal_content_elsewhere_has_the_same_hash_and_what_is_no_file_none() {
        let (a, b) = (file("input-a", b"x"), file("input-b", b"x"));
        let [here, there] = [&a, &b].map(|path| InputFile::now(path.clone()));
        assert_eq!(here.content(), there.content());
        assert_ne!(here, there);
        for path in [&a, &b] {
            std::fs::remove_file(path).unwrap();
        }
        for none in [a, std::env::temp_dir(), "/dev/zero".into()] {
            assert_eq!(InputFile::now(none).content(), None);
        }
        assert!(matches!(InputFile::from("/dev/zero").open(), Err(OpenError::NotAFile)));
    }

    /// What reads a file in another way would have no hash.
    #[test]
    fn nothing_else_in_this_crate_reads_a_file() {
        // This file, and the one that reads what the kernel says of the machine.
        const OTHERS: [&str; 2] = ["input.rs", "machine.rs"];
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() && name != "tests" {
                    folders.push(path);
                } else if name.ends_with(".rs") && name != "tests.rs" {
                    seen += 1;
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                    let reads = ["use std::fs", "fs::File", "fs::read", "fs::OpenOptions"];
                    let found = reads.iter().find(|read| code.contains(**read));
                    let allowed = OTHERS.contains(&name.as_str());
                    assert!(allowed || found.is_none(), "{}: {found:?}", path.display());
                }
            }
        }
        assert!(seen > 80, "{seen} files");
    }
}
