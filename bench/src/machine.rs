//! The machine a run was measured on, and what this process took of it.
//!
//! Read from `/proc` and `getrusage`; what cannot be read is "unknown" or zero, never an error: a
//! run must not fail because its host is unusual.

use std::fs;

pub(crate) use anthill_engine::MachineMemory as Memory;
use serde::Serialize;

/// The machine, as a manifest records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Machine {
    /// The processor's model.
    pub cpu: String,
    /// Hardware threads this process may use.
    pub cores: usize,
    /// Memory this process may use, in bytes: the machine's, or its control group's if less.
    pub memory_bytes: u64,
    /// Name of the operating system's distribution.
    pub os: String,
    /// Release of its kernel.
    pub kernel: String,
    /// Instruction set.
    pub architecture: &'static str,
}

/// What this process took so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// CPU time in user and system mode, over all threads, in seconds.
    pub cpu_s: f64,
    /// Greatest resident memory, in bytes.
    pub peak_rss_bytes: u64,
}

impl Machine {
    /// This machine.
    pub(crate) fn read() -> Self {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let known = |text: Option<&str>| match text.map(str::trim) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => "unknown".to_owned(),
        };
        Self {
            cpu: known(field(&cpu_info, "model name", ':')),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: Memory::read().total,
            os: known(field(&release, "PRETTY_NAME", '=').map(|name| name.trim_matches('"'))),
            kernel: known(Some(&kernel)),
            architecture: std::env::consts::ARCH,
        }
    }
}

impl Usage {
    /// This process until now.
    pub(crate) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Not `ru_maxrss`: it survives exec, so it may be that of the process which started us.
        let peak = field(&status, "VmHWM", ':').and_then(|v| v.split_whitespace().next());
        let peak_kib: u64 = peak.and_then(|v| v.parse().ok()).unwrap_or(0);
        Self { cpu_s: process_cpu_s(), peak_rss_bytes: peak_kib.saturating_mul(1024) }
    }
}

/// This machine's processor and kernel, in a line.
pub fn machine_name() -> String {
    let Machine { cpu, kernel, .. } = Machine::read();
    format!("{cpu}, {} {kernel}", system())
}

/// The kernel's name, as people write it.
fn system() -> &'static str {
    if cfg!(target_os = "linux") { "Linux" } else { std::env::consts::OS }
}

/// CPU time of this process so far, over all threads, in seconds; 0 where unknown.
pub fn process_cpu_s() -> f64 {
    // SAFETY: `rusage` is plain integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `rusage`, which the call fills or leaves alone.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0;
    if failed {
        return 0.0;
    }
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The value of the first `name<separator>value` line.
fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_measured() {
        let usage = Usage::read();
        assert!(usage.peak_rss_bytes > 100_000 && usage.cpu_s >= 0.0, "{usage:?}");
        assert!(Machine::read().cores >= 1);
    }
}
