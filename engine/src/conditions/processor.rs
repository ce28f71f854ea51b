//! What handlers cost on a node's virtual CPU.

use super::error::{ConditionsError, kind_index};
use super::spec::CpuSpec;

/// The cost table, in ns.
#[derive(Clone, Debug)]
pub(crate) struct Processor {
    /// Handlers that a node runs at once.
    pub(crate) cores: u32,
    /// Receiving a message, by kind.
    receive: Vec<u64>,
    send: u64,
    timer: u64,
    kib: u64,
    sign: u64,
    verify: u64,
    /// Factor on what handlers charge themselves, in 2⁻¹⁶.
    scale: u64,
}

impl Processor {
    pub(super) fn new(spec: &CpuSpec, kinds: &[&str]) -> Result<Self, ConditionsError> {
        let scaled = |span: anthill_protocol::Span| libm::round(span.0 as f64 * spec.scale) as u64;
        let mut receive = vec![scaled(spec.receive); kinds.len().max(1)];
        for (name, cost) in &spec.kinds {
            receive[kind_index(name, kinds, "cpu.kinds")?] = scaled(*cost);
        }
        Ok(Self {
            cores: spec.cores.max(1),
            receive,
            send: scaled(spec.send),
            timer: scaled(spec.timer),
            kib: scaled(spec.kib),
            sign: scaled(spec.sign),
            verify: scaled(spec.verify),
            scale: libm::round(spec.scale * 65_536.0) as u64,
        })
    }

    /// Receiving a message.
    #[inline]
    pub(crate) fn receive_ns(&self, kind: usize, bytes: u32) -> u64 {
        self.receive[kind] + self.bytes_ns(bytes)
    }

    /// Sending a message.
    #[inline]
    pub(crate) fn send_ns(&self, bytes: u32) -> u64 {
        self.send + self.bytes_ns(bytes)
    }

    /// Serving a timer.
    #[inline]
    pub(crate) fn timer_ns(&self) -> u64 {
        self.timer
    }

    /// Making a signature.
    pub(crate) fn sign_ns(&self) -> u64 {
        self.sign
    }

    /// Checking one.
    pub(crate) fn verify_ns(&self) -> u64 {
        self.verify
    }

    /// What a handler charges itself.
    #[inline]
    pub(crate) fn charged_ns(&self, ns: u64) -> u64 {
        u64::try_from((u128::from(ns) * u128::from(self.scale)) >> 16).unwrap_or(u64::MAX)
    }

    #[inline]
    fn bytes_ns(&self, bytes: u32) -> u64 {
        ((u128::from(bytes) * u128::from(self.kib)) >> 10) as u64
    }
}
