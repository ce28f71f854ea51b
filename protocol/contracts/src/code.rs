//! The code of a contract: its bytes, their hash, and the module compiled from them.

use core::fmt;
use std::sync::Arc;

use anthill_protocol::Digest;
use wasmi::Module;

/// Code that may be deployed, compiled. Made by [`crate::Machine::compile`].
pub struct Code {
    hash: Digest,
    bytes: Arc<[u8]>,
    module: Module,
    /// The module's names for its globals that change; `None`: its instances are used once.
    globals: Option<Vec<String>>,
}

impl Code {
    pub(crate) fn new(
        hash: Digest,
        bytes: &[u8],
        module: Module,
        globals: Option<Vec<String>>,
    ) -> Self {
        Self { hash, bytes: bytes.into(), module, globals }
    }

    /// The BLAKE3 hash of the bytes.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The WebAssembly binary.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    pub(crate) fn globals(&self) -> Option<&[String]> {
        self.globals.as_deref()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({:?}, {} bytes)", self.hash, self.bytes.len())
    }
}
