//! Secret keys of nodes from a file, for runs whose signatures have to be those of known keys.
//!
//! One RFC 8032 seed a line, 64 hexadecimal digits: the first line is node 0's. `#` begins a comment,
//! blank lines do not count. Nodes beyond the last line derive their keys. Whatever the file says,
//! every key in it may be registered, and no two nodes share one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anthill_protocol::NodeId;

use super::keys::SigningKey;
use super::verify::check_registration;
use crate::input::InputFile;
use crate::network::NetworkError;
use crate::network::lines::{Lines, line_error};

/// The most keys of a file: checking them takes a second or two.
const MOST: usize = 100_000;

/// The secret keys of the first nodes of a scenario.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
    secrets: Arc<[[u8; 32]]>,
}

impl KeyFile {
    /// Reads a file for a network of `nodes`.
    ///
    /// # Errors
    /// If it cannot be read or has no key, too many, one twice or one that cannot be registered;
    /// names the line.
    pub fn open(file: &InputFile, nodes: u32) -> Result<Self, NetworkError> {
        Self::read(file, Lines::open(file)?, nodes)
    }

    fn read(path: &Path, mut lines: Lines<'_>, nodes: u32) -> Result<Self, NetworkError> {
        let mut found: Vec<([u8; 32], u64)> = Vec::new();
        while let Some((number, line)) = lines.next()? {
            let digits = line.split('#').next().unwrap_or_default().trim();
            if digits.is_empty() {
                continue;
            }
            let wrong = |problem: String| line_error(path, number, problem);
            if found.len() >= nodes as usize {
                let problem = format!("a key for node {nodes}, but ids are below nodes = {nodes}");
                return Err(wrong(problem + ": delete the line or raise `nodes`"));
            }
            if found.len() == MOST {
                return Err(wrong(format!("more than {MOST} keys: leave the rest to be derived")));
            }
            let secret = seed(digits).map_err(wrong)?;
            // A secret of 32 bytes gives a good key: this guards the arithmetic, not the user.
            check_registration(&SigningKey::new(&secret).public_key())
                .map_err(|error| wrong(format!("{error}: use another secret key")))?;
            found.push((secret, number));
        }
        if found.is_empty() {
            let problem = "no key; write a line of 64 hexadecimal digits for node 0".to_owned();
            return Err(NetworkError::File { path: path.to_owned(), problem });
        }
        let secrets = found.iter().map(|(secret, _)| *secret).collect();
        found.sort_unstable();
        if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let problem = format!("repeats the key of line {}: give each node its own", pair[0].1);
            return Err(line_error(path, pair[1].1, problem));
        }
        Ok(Self { path: path.to_owned(), secrets })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many nodes it has keys for; never 0.
    pub fn count(&self) -> usize {
        self.secrets.len()
    }

    pub(super) fn secret(&self, node: NodeId) -> Option<[u8; 32]> {
        self.secrets.get(node.index()).copied()
    }
}

impl fmt::Debug for KeyFile {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({}, {} keys)", self.path.display(), self.count())
    }
}

/// A seed from its digits. Errors quote a digit at most: the line is a secret.
fn seed(digits: &str) -> Result<[u8; 32], String> {
    const WANTED: &str = "write the 64 hexadecimal digits of an RFC 8032 secret key";
    let mut seed = [0; 32];
    for (index, c) in digits.chars().enumerate() {
        let Some(value) = c.to_digit(16) else {
            return Err(format!("{c:?} at digit {} is not hexadecimal: {WANTED}", index + 1));
        };
        if let Some(byte) = seed.get_mut(index / 2) {
            *byte = *byte << 4 | value as u8;
        }
    }
    match digits.len() {
        64 => Ok(seed),
        n => Err(format!("{n} digits: {WANTED}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, nodes: u32) -> Result<KeyFile, NetworkError> {
        let path = Path::new("keys.txt");
        KeyFile::read(path, Lines::read(path, text.as_bytes())?, nodes)
    }

    #[test]
    fn lines_are_nodes_and_comments_are_not() {
        let (a, b) = ("0f".repeat(32), "A0".repeat(32));
        let keys = read(&format!("# two nodes\n\n{a}\n  {b}  # the second\n"), 2).unwrap();
        assert_eq!(keys.count(), 2);
        assert_eq!(keys.secret(NodeId(0)), Some([0x0f; 32]));
        assert_eq!(keys.secret(NodeId(1)), Some([0xa0; 32]));
        assert_eq!(keys.secret(NodeId(2)), None);
        assert_eq!(format!("{keys:?}"), "KeyFile(keys.txt, 2 keys)");
    }

    #[test]
    fn wrong_lines_are_named_without_their_secrets() {
        let (a, b) = ("0f".repeat(32), "a0".repeat(32));
        for (text, part) in [
            (String::new(), "keys.txt: no key"),
            ("# nothing\n".to_owned(), "keys.txt: no key"),
            (format!("{a}\n{}\n", &b[1..]), "keys.txt, line 2: 63 digits: write the 64"),
            (format!("{a}\n{b}0\n"), "keys.txt, line 2: 65 digits"),
            (format!("\n{}g\n", &b[1..]), "keys.txt, line 2: 'g' at digit 64 is not hexa"),
            (format!("0x{a}"), "'x' at digit 2"),
            (format!("{a}\n#\n{a}\n"), "keys.txt, line 3: repeats the key of line 1"),
            (
                format!("{a}\n{b}\n{}\n", "11".repeat(32)),
                "line 3: a key for node 2, but ids are below nodes = 2",
            ),
        ] {
            let error = read(&text, 2).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
            assert!(!error.contains(&a[2..]) && !error.contains(&b[2..]), "{error}");
        }
    }
}
