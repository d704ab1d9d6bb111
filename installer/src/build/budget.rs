//! How many packages are built at once, and how many compilers each of them may run.

/// Memory that one compiler process may take, in bytes. The largest translation units of Mesos, with their
/// templates of protobuf and boost, take about 1.4 GiB with g++ 12 and `-O2`.
const COMPILER: u64 = 3 << 29;

/// What a run may use of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Packages built at once.
    pub(super) packages: usize,
    /// Compilers that `make` may run for one package.
    pub(super) make_jobs: usize,
}

impl Budget {
    /// Shares out a machine with so many `cores` and so many bytes of `memory` for compilers.
    ///
    /// `jobs` is what the operator asked for, `compiling` how many of the packages compile anything at all. Cores
    /// are not shared out: two packages that both use all of them take no longer than one after the other. Memory
    /// is, because where it runs out the kernel ends a compiler.
    pub(super) fn new(jobs: Option<usize>, cores: usize, memory: u64, compiling: usize) -> Self {
        let fit = usize::try_from(memory / COMPILER).unwrap_or(usize::MAX).max(1);
        let packages = jobs.unwrap_or_else(|| cores.min(fit)).max(1);
        let at_once = packages.min(compiling).max(1);
        Self { packages, make_jobs: cores.min(fit / at_once).max(1) }
    }
}

/// The memory that programs could take now, in bytes: `MemAvailable`, or what is left below the limit of the
/// control group that this process is in.
pub(super) fn available_memory() -> u64 {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let number = |file: &str| fs_err::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let left = |limit: &str, used: &str| Some(number(limit)?.saturating_sub(number(used)?));
    let v2 = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    let v1 = "/sys/fs/cgroup/memory/memory";
    let v1 = left(&format!("{v1}.limit_in_bytes"), &format!("{v1}.usage_in_bytes"));
    [mem_available(&text), v2, v1].into_iter().flatten().min().unwrap_or(COMPILER)
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn memory_decides_where_cores_do_not() {
        let budget = |jobs, cores, gib, compiling| {
            let Budget { packages, make_jobs } = Budget::new(jobs, cores, gib * GIB, compiling);
            (packages, make_jobs)
        };
        assert_eq!(budget(None, 2, 24, 2), (2, 2));
        assert_eq!(budget(Some(1), 16, 24, 3), (1, 16));
        assert_eq!(budget(Some(4), 16, 24, 3), (4, 5), "three compile, and share the memory");
        assert_eq!(budget(Some(4), 16, 24, 1), (4, 16), "the one that compiles has all of it");
        assert_eq!(budget(None, 64, 3, 2), (2, 1));
        assert_eq!(budget(None, 8, 0, 1), (1, 1), "something must be built even so");
        assert_eq!(budget(None, 8, 8, 0).1, 5);
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        assert_eq!(mem_available("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(mem_available("MemTotal: 9 kB\n"), None);
        assert!(available_memory() > 0);
    }
}
