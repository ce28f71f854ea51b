//! What code may be deployed, and why not: all reasons, in the terms of who wrote it.
//!
//! Floating point is refused because its NaNs differ between machines; what is not in the first
//! WebAssembly standards because the runtime's treatment may change; `start` because a contract runs
//! only when somebody pays for it.

#[cfg(test)]
mod tests;

use thiserror::Error;
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, Import, Parser, Payload, TypeRef, ValType,
    Validator, WasmFeatures,
};

use crate::{abi, limits};

/// Why code may not be deployed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than 256 KiB.
    #[error("{bytes} bytes of code: at most {}", limits::CODE)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The text format, or anything else that is no binary.
    #[error("not a WebAssembly binary: a text module must be compiled first (wat2wasm)")]
    NotBinary,
    /// Broken or invalid.
    #[error("not a valid module: {0}")]
    Malformed(String),
    /// It uses a feature that contracts may not use.
    #[error("uses {0}")]
    Feature(&'static str),
    /// It has a start function.
    #[error("has a start function: let `init` do its work")]
    Start,
    /// It imports what the interface does not have.
    #[error("imports {module}.{name}, which the interface does not have")]
    Import {
        /// From where.
        module: String,
        /// What.
        name: String,
    },
    /// It imports a function of the interface with another type.
    #[error("imports env.{0} with other parameters or results")]
    ImportType(String),
    /// It does not export its memory as `memory`.
    #[error("exports no memory named `memory`")]
    NoMemory,
    /// It does not export a function `call`.
    #[error("exports no function named `call`")]
    NoCall,
    /// An entry point has parameters or results, or is no function.
    #[error("exports `{0}`, but not as a function without parameters and results")]
    EntryType(&'static str),
    /// Its memory is too large from the start.
    #[error("a memory of {pages} pages at first: at most {}", limits::INITIAL_PAGES)]
    Pages {
        /// Pages of 64 KiB.
        pages: u64,
    },
    /// Its table is too large from the start.
    #[error("a table of {entries} entries: at most {}", limits::TABLE)]
    Table {
        /// Its entries.
        entries: u64,
    },
    /// It has more than one table.
    #[error("has {tables} tables: at most 1")]
    Tables {
        /// How many.
        tables: usize,
    },
}

/// What contracts may use of WebAssembly: the second standard without floats and SIMD.
fn allowed() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::GC_TYPES
}

/// What they may not, by the name that users know.
const REFUSED: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::FLOATS, "floating point"),
    (WasmFeatures::SIMD, "SIMD"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::MULTI_MEMORY, "several memories"),
    (WasmFeatures::TAIL_CALL, "tail calls"),
    (WasmFeatures::EXTENDED_CONST, "extended constant expressions"),
    (WasmFeatures::EXCEPTIONS, "exceptions"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
];

/// All reasons why code may not be deployed; none if it may.
pub fn check(bytes: &[u8]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if bytes.len() > limits::CODE {
        refusals.push(Refusal::TooLong { bytes: bytes.len() });
        return refusals;
    }
    if !bytes.starts_with(b"\0asm") {
        refusals.push(Refusal::NotBinary);
        return refusals;
    }
    if let Err(error) = validate(bytes, allowed()) {
        refusals.extend(features(bytes));
        if refusals.is_empty() {
            refusals.push(Refusal::Malformed(error));
            return refusals;
        }
    }
    match Shape::read(bytes) {
        Ok(shape) => refusals.extend(shape.refusals()),
        // A part of the module that only the refused features can read.
        Err(error) if refusals.is_empty() => refusals.push(Refusal::Malformed(error)),
        Err(_) => {}
    }
    refusals
}

fn validate(bytes: &[u8], features: WasmFeatures) -> Result<(), String> {
    match Validator::new_with_features(features).validate_all(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{} (at byte {})", error.message(), error.offset())),
    }
}

/// The refused features that a module cannot do without; none if it is invalid with all of them.
fn features(bytes: &[u8]) -> Vec<Refusal> {
    let all = REFUSED.iter().fold(allowed(), |all, (feature, _)| all | *feature);
    if let Err(error) = validate(bytes, all) {
        // The parser is built without SIMD: it names it, and reads no further.
        let simd = error.to_lowercase().contains("simd") || error.contains("v128");
        return if simd { vec![Refusal::Feature("SIMD")] } else { Vec::new() };
    }
    let needed = REFUSED.iter().filter(|(feature, _)| validate(bytes, all - *feature).is_err());
    let found: Vec<_> = needed.map(|(_, name)| Refusal::Feature(name)).collect();
    if found.is_empty() { vec![Refusal::Feature("features beyond the standard")] } else { found }
}

/// What matters of a module beside its validity.
#[derive(Default)]
struct Shape {
    types: Vec<Option<FuncType>>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    refusals: Vec<Refusal>,
    memory: bool,
    call: bool,
    tables: usize,
}

impl Shape {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            payload
                .and_then(|payload| shape.section(payload))
                .map_err(|error| format!("{} (at byte {})", error.message(), error.offset()))?;
        }
        Ok(shape)
    }

    fn section(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                for group in types {
                    self.types.extend(group?.into_types().map(
                        |ty| match ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => Some(ty),
                            _ => None,
                        },
                    ));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    self.import(&import?);
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.table(table?.ty.initial);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let pages = memory?.initial;
                    if pages > limits::INITIAL_PAGES {
                        self.refusals.push(Refusal::Pages { pages });
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.export(export.name, export.kind, export.index);
                }
            }
            Payload::StartSection { .. } => self.refusals.push(Refusal::Start),
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: &Import<'_>) {
        let known = (import.module == abi::MODULE).then(|| abi::find(import.name)).flatten();
        let refusal = match (known, import.ty) {
            (Some(function), TypeRef::Func(ty)) => {
                self.functions.push(ty);
                if self.is_type(ty, function.parameters, function.results) {
                    return;
                }
                Refusal::ImportType(function.name.into())
            }
            (_, ty) => {
                if let TypeRef::Func(ty) = ty {
                    self.functions.push(ty);
                }
                Refusal::Import { module: import.module.into(), name: import.name.into() }
            }
        };
        self.refusals.push(refusal);
    }

    fn table(&mut self, entries: u64) {
        self.tables += 1;
        if entries > limits::TABLE {
            self.refusals.push(Refusal::Table { entries });
        }
    }

    fn export(&mut self, name: &str, kind: ExternalKind, index: u32) {
        if name == "memory" && kind == ExternalKind::Memory {
            self.memory = true;
        }
        let Some(entry) = abi::ENTRIES.iter().find(|entry| **entry == name) else { return };
        self.call |= *entry == "call";
        let ty = self.functions.get(index as usize).copied();
        let fits = kind == ExternalKind::Func && ty.is_some_and(|ty| self.is_type(ty, &[], &[]));
        if !fits {
            self.refusals.push(Refusal::EntryType(entry));
        }
    }

    fn is_type(&self, index: u32, parameters: &[abi::Type], results: &[abi::Type]) -> bool {
        let Some(Some(ty)) = self.types.get(index as usize) else { return false };
        let same = |found: &[ValType], wanted: &[abi::Type]| {
            let wanted = wanted.iter().map(|ty| match ty {
                abi::Type::I32 => ValType::I32,
                abi::Type::I64 => ValType::I64,
            });
            found.iter().copied().eq(wanted)
        };
        same(ty.params(), parameters) && same(ty.results(), results)
    }

    fn refusals(mut self) -> Vec<Refusal> {
        if self.tables > 1 {
            self.refusals.push(Refusal::Tables { tables: self.tables });
        }
        if !self.memory {
            self.refusals.push(Refusal::NoMemory);
        }
        if !self.call {
            self.refusals.push(Refusal::NoCall);
        }
        self.refusals
    }
}
