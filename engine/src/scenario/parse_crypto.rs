//! `[crypto]`: how signatures are made and checked.

use super::CryptoSpec;
use super::reader::Section;
use crate::crypto::{KeyFile, Mode};

/// Reads the section; `None` only beside a finding. `nodes`: how many keys a file may have.
pub(super) fn read_crypto(mut crypto: Section<'_, '_>, nodes: Option<u32>) -> Option<CryptoSpec> {
    let mode = match crypto.choice("mode") {
        Some("modelled") => Some(Mode::Modelled),
        other => other.map(|_| Mode::Real),
    };
    let verdicts = crypto.count("verdicts");
    let budget = crypto.span("budget");
    let keys = read_keys(&mut crypto, nodes);
    let valid = crypto.is_table();
    crypto.finish("here");
    let (mode, verdicts, budget, keys) = (mode?, verdicts?, budget?, keys?);
    valid.then_some(CryptoSpec { mode, verdicts, budget, keys })
}

/// The outer `None` only beside a finding. A file is read whatever the mode, so that one that is
/// wrong is found before the mode is changed.
fn read_keys(crypto: &mut Section<'_, '_>, nodes: Option<u32>) -> Option<Option<KeyFile>> {
    if !crypto.has("keys") {
        return Some(None);
    }
    let path = crypto.path("keys")?;
    match KeyFile::open(&path, nodes.unwrap_or(u32::MAX)) {
        Ok(keys) => Some(Some(keys)),
        Err(problem) => {
            crypto.wrong("keys", problem);
            None
        }
    }
}
