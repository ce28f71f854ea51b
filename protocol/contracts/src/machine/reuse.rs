//! Whose instances can be put back to what they were when they were made.
//!
//! Memory and globals can be written from outside; what else an instance has must not change. Globals can only
//! if they are exported, so the module that is compiled exports all that change, under names that no contract has.

use wasmparser::{BinaryReader, Operator, Parser, Payload, ValType};

/// What the names of these exports begin with.
const PREFIX: &str = "\u{1}global ";
/// The id of the section of exports.
const EXPORTS: u8 = 7;
/// The kind of an export that is a global.
const GLOBAL: u8 = 3;

/// A module whose globals that change are all exported.
pub(super) struct Open {
    pub(super) bytes: Vec<u8>,
    /// The names of those globals.
    pub(super) globals: Vec<String>,
}

/// The module opened; `None` if its instances cannot be put back. It is a valid one without imported globals.
pub(super) fn open(bytes: &[u8]) -> Option<Open> {
    let indices = changing(bytes)?;
    let globals: Vec<String> = indices.iter().map(|index| format!("{PREFIX}{index}")).collect();
    let mut added = Vec::new();
    for (index, name) in indices.iter().zip(&globals) {
        put_u32(&mut added, name.len() as u32);
        added.extend(name.as_bytes());
        added.push(GLOBAL);
        put_u32(&mut added, *index);
    }
    let bytes = with_exports(bytes, indices.len() as u32, &added)?;
    Some(Open { bytes, globals })
}

/// The globals that may change; `None` if something else may.
fn changing(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut indices = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::GlobalSection(globals) => {
                for (index, global) in globals.into_iter().enumerate() {
                    let ty = global.ok()?.ty;
                    if ty.mutable {
                        matches!(ty.content_type, ValType::I32 | ValType::I64).then_some(())?;
                        indices.push(index as u32);
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    (!export.ok()?.name.starts_with(PREFIX)).then_some(())?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().ok()? {
                    (!changes_more(&operator.ok()?)).then_some(())?;
                }
            }
            _ => {}
        }
    }
    Some(indices)
}

/// Whether an instruction changes a table or drops a segment.
fn changes_more(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::DataDrop { .. }
    )
}

/// The module with so many more entries in its section of exports; `None` if it has no such section.
fn with_exports(bytes: &[u8], count: u32, added: &[u8]) -> Option<Vec<u8>> {
    // After magic number and version.
    const FIRST: usize = 8;
    let mut reader = BinaryReader::new(bytes.get(FIRST..)?, FIRST);
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8().ok()?;
        let len = reader.read_var_u32().ok()? as usize;
        let content = reader.read_bytes(len).ok()?;
        if id != EXPORTS {
            continue;
        }
        let mut entries = BinaryReader::new(content, 0);
        let before = entries.read_var_u32().ok()?;
        let old = &content[entries.original_position()..];
        let mut section = Vec::new();
        put_u32(&mut section, before.checked_add(count)?);
        section.extend(old);
        section.extend(added);
        let mut opened = bytes[..start].to_vec();
        opened.push(EXPORTS);
        put_u32(&mut opened, section.len() as u32);
        opened.extend(section);
        opened.extend(&bytes[reader.original_position()..]);
        return Some(opened);
    }
    None
}

/// Appends a number as LEB128.
fn put_u32(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
