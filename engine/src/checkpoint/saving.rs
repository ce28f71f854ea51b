//! Writing a checkpoint piece by piece: whole, it would take as much memory again as the run.

use std::io::{self, Seek, SeekFrom, Write};

use anthill_protocol::Snapshot as _;

use super::{Checkpoint, HEAD, MAGIC, VERSION};

/// Bytes after which a piece is passed on.
const PIECE: usize = 1 << 20;

/// A run between two windows, which waits to be written.
pub struct Saving<'a> {
    pub(super) scenario: blake3::Hash,
    pub(super) write: &'a mut dyn FnMut(&mut Pieces<'_>),
}

impl Saving<'_> {
    /// All of it, in memory.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let mut bytes = io::Cursor::new(Vec::new());
        self.write_to(&mut bytes).expect("memory takes all");
        Checkpoint { bytes: bytes.into_inner(), past: None }
    }

    /// Writes it from the beginning of `to` on, a piece at a time; how many bytes it has.
    ///
    /// # Errors
    /// When `to` cannot be written.
    pub fn write_to(&mut self, to: &mut (impl Write + Seek)) -> io::Result<u64> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        VERSION.save(&mut head);
        head.extend([0; 32]);
        to.write_all(&head)?;
        let mut pieces = Pieces {
            piece: self.scenario.as_bytes().to_vec(),
            to,
            hasher: blake3::Hasher::new(),
            written: HEAD as u64,
            problem: None,
        };
        (self.write)(&mut pieces);
        pieces.pass();
        let Pieces { hasher, written, problem, .. } = pieces;
        if let Some(problem) = problem {
            return Err(problem);
        }
        to.seek(SeekFrom::Start(HEAD as u64 - 32))?;
        to.write_all(hasher.finalize().as_bytes())?;
        Ok(written)
    }
}

impl core::fmt::Debug for Saving<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Saving")
    }
}

/// Where a run is written to: what was appended to `piece` is passed on now and then.
pub(crate) struct Pieces<'a> {
    pub(crate) piece: Vec<u8>,
    to: &'a mut dyn Write,
    hasher: blake3::Hasher,
    written: u64,
    /// The first; nothing is written after it.
    problem: Option<io::Error>,
}

impl Pieces<'_> {
    /// Passes the piece on if it is large.
    #[inline]
    pub(crate) fn pass_if_large(&mut self) {
        if self.piece.len() >= PIECE {
            self.pass();
        }
    }

    fn pass(&mut self) {
        if self.problem.is_none() {
            self.hasher.update(&self.piece);
            self.written += self.piece.len() as u64;
            self.problem = self.to.write_all(&self.piece).err();
        }
        self.piece.clear();
    }
}
