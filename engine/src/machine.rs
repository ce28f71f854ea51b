//! The memory that this process may use: the machine's, or what its control groups grant if less.
//!
//! A limit binds all groups below it, so every group from the process's own up to the root counts,
//! of version 1 (`memory/`, `memory.limit_in_bytes`) and 2 (`memory.max`) alike; a container sees
//! its own group as the root. A file that cannot be read is a limit that is not known, never an
//! error: a run must not fail because its host is unusual.

use std::fs;
use std::path::{Path, PathBuf};

/// At least this is how version 1 writes that there is no limit.
const UNLIMITED: u64 = 1 << 60;

/// Memory in bytes; zero where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineMemory {
    /// All that this process may come to use.
    pub total: u64,
    /// What of it can be had now without swapping.
    pub available: u64,
}

/// The names of a version's files.
struct Version {
    /// Limits, of which the least counts. Above `memory.high` a group is held up until it is below
    /// again, which a run never is.
    limits: &'static [&'static str],
    used: &'static str,
    /// In `memory.stat`: pages of files that are dropped when others need the room.
    droppable: &'static str,
}

const V1: Version = Version {
    limits: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    droppable: "total_inactive_file",
};
const V2: Version = Version {
    limits: &["memory.max", "memory.high"],
    used: "memory.current",
    droppable: "inactive_file",
};

impl MachineMemory {
    /// The memory of this machine and process.
    pub fn read() -> Self {
        Self::of(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
    }

    /// The same of a process whose `/proc` and `/sys/fs/cgroup` are elsewhere.
    fn of(proc: &Path, groups: &Path) -> Self {
        let machine = Self::parse(&text(&proc.join("meminfo")));
        let mut least = machine;
        for line in text(&proc.join("self/cgroup")).lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
            if controllers.is_empty() {
                // Alone, or beside version 1.
                for base in [groups.to_owned(), groups.join("unified")] {
                    least = least.within_all(&base, group, &V2);
                }
            } else if controllers.split(',').any(|controller| controller == "memory") {
                least = least.within_all(&groups.join(controllers), group, &V1);
                if controllers != "memory" {
                    least = least.within_all(&groups.join("memory"), group, &V1);
                }
            }
        }
        least
    }

    fn parse(meminfo: &str) -> Self {
        let bytes = |name| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            let kib = line.strip_prefix(':')?.trim().strip_suffix("kB")?.trim().parse::<u64>();
            kib.ok().map(|kib| kib.saturating_mul(1024))
        };
        Self {
            total: bytes("MemTotal").unwrap_or(0),
            available: bytes("MemAvailable").unwrap_or(0),
        }
    }

    /// No more than a group and all above it grant.
    fn within_all(self, base: &Path, group: &str, version: &Version) -> Self {
        let mut least = self;
        let mut below = false;
        for directory in upwards(base, group).filter(|directory| directory.is_dir()) {
            // Version 1 can be told that a group does not count what those below it use.
            if below && text(&directory.join("memory.use_hierarchy")).trim() == "0" {
                break;
            }
            below = true;
            least = least.within(&directory, version);
        }
        least
    }

    /// No more than a group grants.
    fn within(self, directory: &Path, version: &Version) -> Self {
        // "max" without a limit, which is no number.
        let number = |name: &&str| text(&directory.join(name)).trim().parse::<u64>().ok();
        let limits = version.limits.iter().filter_map(number);
        let Some(limit) = limits.filter(|limit| *limit < UNLIMITED).min() else { return self };
        let stat = text(&directory.join("memory.stat"));
        let droppable = stat.lines().find_map(|line| line.strip_prefix(version.droppable));
        let droppable = droppable.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
        let used = number(&version.used).unwrap_or(0).saturating_sub(droppable);
        let free = limit.saturating_sub(used);
        if self.total == 0 {
            return Self { total: limit, available: free };
        }
        Self { total: self.total.min(limit), available: self.available.min(free) }
    }
}

/// The directory of a group and of all above it, up to the root. What is not there, or lies above
/// what a container sees, is passed over by whoever reads it.
fn upwards(base: &Path, group: &str) -> impl Iterator<Item = PathBuf> {
    let names = group.split('/').filter(|name| !matches!(*name, "" | "." | ".."));
    let mut paths = vec![base.to_owned()];
    for name in names {
        let next = paths[paths.len() - 1].join(name);
        paths.push(next);
    }
    paths.into_iter().rev()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A made-up machine of 16 GiB, 12 of them available.
    struct Host(tempfile::TempDir);

    impl Host {
        fn new(own: &str) -> Self {
            let host = Self(tempfile::tempdir().expect("a directory"));
            host.file("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable:   12582912 kB\n");
            host.file("proc/self/cgroup", own);
            host
        }

        fn file(&self, name: &str, content: &str) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, content).expect("a file");
        }

        fn gib(&self, name: &str, gib: u64) {
            self.file(&format!("groups/{name}"), &format!("{}\n", gib * GIB));
        }

        /// Total and available, in GiB.
        fn memory(&self) -> (u64, u64) {
            let root = self.0.path();
            let memory = MachineMemory::of(&root.join("proc"), &root.join("groups"));
            (memory.total / GIB, memory.available / GIB)
        }
    }

    #[test]
    fn without_groups_the_machine_counts() {
        let host = Host::new("0::/user.slice\n");
        assert_eq!(host.memory(), (16, 12));
        host.file("groups/user.slice/memory.max", "max\n");
        host.file("groups/user.slice/memory.high", "max\n");
        assert_eq!(host.memory(), (16, 12));
        assert_eq!(MachineMemory::parse("nonsense"), MachineMemory::default());
    }

    #[test]
    fn of_nested_groups_the_least_limit_and_the_least_room_count() {
        let host = Host::new("0::/a/b/c\n");
        host.gib("a/memory.max", 4);
        host.gib("a/memory.current", 3);
        host.gib("a/b/memory.max", 8);
        host.file("groups/a/b/c/memory.max", "max\n");
        assert_eq!(host.memory(), (4, 1), "an ancestor's");
        host.gib("a/b/c/memory.max", 2);
        assert_eq!(host.memory(), (2, 1), "the own limit, the ancestor's room");
        host.file("groups/a/memory.stat", &format!("anon 7\ninactive_file {}\n", 2 * GIB));
        assert_eq!(host.memory(), (2, 2), "pages of files make room");
    }

    #[test]
    fn a_group_that_would_be_held_up_is_as_good_as_limited() {
        let host = Host::new("0::/job\n");
        host.file("groups/job/memory.max", "max\n");
        host.gib("job/memory.high", 6);
        assert_eq!(host.memory(), (6, 6));
        host.gib("job/memory.max", 5);
        assert_eq!(host.memory(), (5, 5));
    }

    #[test]
    fn a_container_sees_its_group_as_the_root() {
        let host = Host::new("0::/\n");
        host.gib("memory.max", 3);
        host.gib("memory.current", 1);
        assert_eq!(host.memory(), (3, 2));
        // Version 1, and a name that only the host knows; `..` lies above what is seen.
        for own in ["7:memory:/docker/0123\n", "7:memory:/../../x\n"] {
            let host = Host::new(own);
            host.gib("memory/memory.limit_in_bytes", 3);
            assert_eq!(host.memory(), (3, 3), "{own}");
        }
    }

    #[test]
    fn version_1_counts_upwards_as_far_as_it_is_hierarchical() {
        let host = Host::new("9:name=systemd:/x\n4:cpu,memory:/a/b\n1:cpuset:/\n");
        host.file("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(host.memory(), (16, 12), "that much is no limit");
        host.gib("memory/a/memory.limit_in_bytes", 4);
        host.gib("memory/a/memory.usage_in_bytes", 3);
        host.gib("memory/a/b/memory.limit_in_bytes", 9);
        assert_eq!(host.memory(), (4, 1));
        host.file("groups/memory/a/memory.use_hierarchy", "0\n");
        assert_eq!(host.memory(), (9, 9), "what lies below it is not counted");
        host.gib("cpu,memory/a/b/memory.limit_in_bytes", 2);
        assert_eq!(host.memory(), (2, 2), "mounted under all its names");
    }

    #[test]
    fn of_a_hybrid_both_hierarchies_count() {
        let host = Host::new("4:memory:/old\n0::/new\n");
        host.gib("memory/old/memory.limit_in_bytes", 8);
        assert_eq!(host.memory(), (8, 8));
        host.gib("unified/new/memory.max", 7);
        assert_eq!(host.memory(), (7, 7));
    }

    #[test]
    fn what_cannot_be_read_is_no_limit() {
        let host = Host::new("not a group\n0\n4:memory\n0::/a\n");
        host.file("groups/a/memory.max", "many\n");
        // A directory in place of a file cannot be read, whoever asks.
        host.file("groups/a/memory.current/x", "");
        assert_eq!(host.memory(), (16, 12));
        host.gib("a/memory.max", 5);
        assert_eq!(host.memory(), (5, 5));
        fs::remove_file(host.0.path().join("proc/meminfo")).expect("removed");
        assert_eq!(host.memory(), (5, 5), "an unknown machine is as large as its group");
    }
}
