//! How much memory this program may use: what its control group and those around it allow, or what
//! the machine has, whichever is less. A unit's `MemoryMax` is such a limit, and so is a
//! container's.

use std::fs;
use std::path::{Path, PathBuf};

/// The assumption where no file says anything: a small Raspberry Pi.
const UNKNOWN: u64 = 512 << 20;

/// How many bytes of memory this program may use.
///
/// It reads control groups of version 2 (`Documentation/admin-guide/cgroup-v2.rst`, `memory.max`
/// and `memory.high`) and of version 1 (`cgroup-v1/memory.rst`, `memory.limit_in_bytes`), at each
/// level from the program's own up to the root. An unreadable file limits nothing.
pub fn limit() -> u64 {
    limit_below(Path::new("/"))
}

fn limit_below(root: &Path) -> u64 {
    let limits =
        machine(root).into_iter().chain(groups(root).into_iter().filter_map(|file| bytes(&file)));
    limits.min().unwrap_or(UNKNOWN)
}

/// All memory of the machine (`proc_meminfo(5)`, in units of 1024 bytes).
fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The files with a limit, of the program's own group and of those around it.
fn groups(root: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    // `cgroups(7)`: a hierarchy's number, its controllers, and the path of the group in it.
    let lines = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some(("sys/fs/cgroup", &["memory.max", "memory.high"][..], path)),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                Some(("sys/fs/cgroup/memory", &["memory.limit_in_bytes"][..], path))
            }
            _ => None,
        }
    });
    let mut files = Vec::new();
    for (mount, names, path) in lines {
        let top = root.join(mount);
        let own = Path::new(path.trim_start_matches('/'));
        for group in own.ancestors() {
            files.extend(names.iter().map(|name| top.join(group).join(name)));
        }
    }
    files
}

/// The number of bytes in a file; `None` for `max`.
fn bytes(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    /// A root with these files.
    fn limit_of(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limit_below(root.path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:        1048576 kB\nMemFree: 5 kB\n");
    const SERVICE: (&str, &str) = ("proc/self/cgroup", "0::/system.slice/vitrina.service\n");

    #[test]
    fn without_control_groups_it_is_what_the_machine_has() {
        assert_eq!(limit_of(&[MACHINE]), 1 << 30);
        assert_eq!(limit_of(&[]), UNKNOWN);
        assert_eq!(limit_of(&[("proc/meminfo", "MemTotal: lots\n")]), UNKNOWN);
        assert!(limit() >= 1 << 20);
    }

    #[test]
    fn a_units_limit_counts_and_the_lower_of_its_two() {
        let max = ("sys/fs/cgroup/system.slice/vitrina.service/memory.max", "536870912\n");
        let high = ("sys/fs/cgroup/system.slice/vitrina.service/memory.high", "469762048\n");
        assert_eq!(limit_of(&[MACHINE, SERVICE, max]), 512 << 20);
        assert_eq!(limit_of(&[MACHINE, SERVICE, max, high]), 448 << 20);
        let none = ("sys/fs/cgroup/system.slice/vitrina.service/memory.max", "max\n");
        assert_eq!(limit_of(&[MACHINE, SERVICE, none]), 1 << 30);
    }

    #[test]
    fn a_limit_around_its_group_counts_too() {
        let slice = ("sys/fs/cgroup/system.slice/memory.max", "268435456\n");
        let root = ("sys/fs/cgroup/memory.max", "134217728\n");
        assert_eq!(limit_of(&[MACHINE, SERVICE, slice]), 256 << 20);
        assert_eq!(limit_of(&[MACHINE, SERVICE, slice, root]), 128 << 20);
    }

    #[test]
    fn control_groups_of_version_1_are_read_as_well() {
        let groups = ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n");
        let limit = ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "67108864\n");
        assert_eq!(limit_of(&[MACHINE, groups, limit]), 64 << 20);
        // A container sees its own group at the mount's root.
        let inside = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n");
        assert_eq!(limit_of(&[MACHINE, groups, inside]), 64 << 20);
        let none =
            ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit_of(&[MACHINE, groups, none]), 1 << 30);
    }
}
