//! `[crypto] keys`: a file of secret keys.

use super::declare::{Section, Shape, Text};
use super::resolved::text_of;
use crate::crypto::KeyFile;

/// Opens the file for at most so many nodes, whatever the mode: one that is wrong is found before the
/// mode is changed. The outer `None` only beside a finding.
pub(super) fn read_keys(
    crypto: &mut Section<'_, '_>,
    nodes: Option<u32>,
) -> Option<Option<KeyFile>> {
    if !crypto.has("keys") {
        return Some(None);
    }
    let path = crypto.path("keys")?;
    let opened = KeyFile::open(&path, nodes.unwrap_or(u32::MAX));
    opened.map_err(|problem| crypto.wrong("keys", problem)).ok().map(Some)
}

impl Text for KeyFile {
    fn text(&self, _: Shape) -> Option<String> {
        Some(text_of(self.path()))
    }
}
