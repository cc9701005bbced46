//! `Machine`: what there is for a pool to take: address space, memory, mappings.

use host_limits::Bytes;
use serde::Serialize;

/// What this machine has for guests, as far as this process may use it.
///
/// Each number is a reading where the system has one, and what its kind of system usually has where it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Machine {
    /// Address space that the process may take: what the processor gives to user space, or the limit set on the process
    /// (`ulimit -v`) if that is less.
    pub address_space: Bytes,
    /// Memory of the machine. Limits of a container are not in it.
    pub memory: Bytes,
    /// How many mappings a process may have (`vm.max_map_count` on Linux). A live store takes four, and past the limit
    /// allocations of the *host* fail.
    pub mappings: u64,
}

/// What a live store takes of a process's mappings, as measured on Wasmtime 48: a memory and a table, each with its guard.
pub(crate) const MAPPINGS_OF_A_STORE: u64 = 4;

impl Machine {
    /// Reads what this machine has: a limit of the process, and three files of the kernel's where there are any.
    pub fn probe() -> Machine {
        let given = user_space(&read("/proc/cpuinfo"));
        Machine {
            address_space: given.min(process_limit().unwrap_or(given)),
            memory: installed(&read("/proc/meminfo")).unwrap_or(Bytes::gibi(1)),
            mappings: read("/proc/sys/vm/max_map_count").trim().parse().unwrap_or(65_530),
        }
    }
}

/// Empty where there is no such file.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Half of what the processor can address: the other half is the kernel's.
fn user_space(cpuinfo: &str) -> Bytes {
    let bits = cpuinfo
        .lines()
        .find(|line| line.starts_with("address sizes"))
        .and_then(|line| line.split(", ").find_map(|part| part.strip_suffix(" bits virtual")))
        .and_then(|bits| bits.trim().parse::<u32>().ok())
        .filter(|bits| (32..=57).contains(bits))
        // What x86-64 and AArch64 have at the least.
        .unwrap_or(if cfg!(target_pointer_width = "64") { 48 } else { 32 });
    // A process gets more than 47 bits only where it asks for addresses up there, which Wasmtime does not.
    Bytes::new(1 << (bits - 1).min(47))
}

fn installed(meminfo: &str) -> Option<Bytes> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(Bytes::kibi)
}

#[cfg(unix)]
fn process_limit() -> Option<Bytes> {
    rustix::process::getrlimit(rustix::process::Resource::As).current.map(Bytes::new)
}

#[cfg(not(unix))]
fn process_limit() -> Option<Bytes> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_something() {
        let machine = Machine::probe();
        assert!(machine.address_space >= Bytes::gibi(1), "{machine:?}");
        assert!(machine.memory >= Bytes::mebi(64), "{machine:?}");
        assert!(machine.mappings >= 1_000, "{machine:?}");
    }

    #[test]
    fn the_kernels_words_are_read() {
        let cpuinfo =
            "processor\t: 0\naddress sizes\t: 46 bits physical, 48 bits virtual\n\nprocessor\t: 1\n";
        assert_eq!(user_space(cpuinfo), Bytes::gibi(128 << 10));
        assert_eq!(user_space("address sizes\t: 36 bits physical, 39 bits virtual\n"), Bytes::gibi(256));
        assert_eq!(
            user_space("address sizes\t: 52 bits physical, 57 bits virtual\n"),
            Bytes::gibi(128 << 10)
        );
        assert_eq!(user_space(""), user_space("address sizes : lots"));
        assert_eq!(installed("MemFree: 1 kB\nSwapTotal: 2 kB\n"), None);
        assert_eq!(installed("MemTotal:       1048576 kB\nMemFree: 1 kB\n"), Some(Bytes::gibi(1)));
        assert_eq!(installed(""), None);
    }
}
