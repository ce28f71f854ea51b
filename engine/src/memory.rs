//! Memory: the region that holds all nodes, what a scenario will need, and what the machine has.

use memmap2::MmapMut;

/// One anonymous mapping; pages appear when first touched, by the thread that touches them.
pub(crate) struct Region {
    mapping: Option<MmapMut>,
    address: *mut u8,
    bytes: u64,
}

impl Region {
    /// Maps `bytes`.
    ///
    /// # Errors
    /// The bytes and what the system said.
    pub(crate) fn new(bytes: u64, huge_pages: bool) -> Result<Self, (u64, String)> {
        if bytes == 0 {
            let address = core::ptr::dangling_mut::<u128>().cast();
            return Ok(Self { mapping: None, address, bytes });
        }
        let length = usize::try_from(bytes).map_err(|error| (bytes, error.to_string()))?;
        let mut mapping = MmapMut::map_anon(length).map_err(|error| (bytes, error.to_string()))?;
        #[cfg(target_os = "linux")]
        if huge_pages {
            // Advice only: without it the run is slower, not wrong.
            let _ = mapping.advise(memmap2::Advice::HugePage);
        }
        let address = mapping.as_mut_ptr();
        Ok(Self { mapping: Some(mapping), address, bytes })
    }

    /// The first byte, page-aligned.
    pub(crate) fn address(&self) -> *mut u8 {
        debug_assert!(self.mapping.is_some() || self.bytes == 0);
        self.address
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The machine's memory in bytes; `u64::MAX` where it cannot be read.
pub fn machine_bytes() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return u64::MAX };
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|kb| kb.trim().parse::<u64>().ok())
        .map_or(u64::MAX, |kb| kb * 1024)
}
