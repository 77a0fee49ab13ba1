//! Whether the machine has the memory that a run takes.

use super::Footprint;
use std::sync::OnceLock;

/// What a person should know before a run with this footprint begins on the CPU: where it needs more memory than there is, the
/// system ends the program without a word.
pub(super) fn memory_warning(footprint: &Footprint) -> Option<String> {
    // Asked for every frame of the window.
    static MACHINE: OnceLock<Option<u64>> = OnceLock::new();
    let available = *MACHINE.get_or_init(machine_bytes);
    warning(footprint.training_bytes, available?)
}

fn warning(needed: u64, available: u64) -> Option<String> {
    let [needed_gb, available_gb] = [needed, available].map(|bytes| bytes as f64 / 1e9);
    (needed > available).then(|| {
        format!(
            "the run takes about {needed_gb:.1} GB of memory beside the images, and this machine has {available_gb:.1} GB: the system will probably end it; a smaller train.batch or data.image_px, more train.micro_batches, or train.recompute take less"
        )
    })
}

/// Bytes of memory that a program can have here; none where the system does not say it in a file, as Linux does.
fn machine_bytes() -> Option<u64> {
    let total = text("/proc/meminfo").and_then(|text| total_of(&text));
    // A container may have less than the machine. "max", or more than any machine has, stands for no limit.
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.into_iter().filter_map(|path| text(path)?.trim().parse::<u64>().ok());
    limits.chain(total).min()
}

fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// `MemTotal:       24602468 kB`
fn total_of(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_takes_more_than_there_is_is_warned_of() {
        assert_eq!(warning(8_000_000_000, 8_000_000_000), None);
        let told = warning(358_100_000_000, 25_190_000_000).unwrap();
        for part in ["358.1 GB", "25.2 GB", "train.batch", "train.recompute"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn the_memory_of_the_machine_is_what_the_system_says() {
        assert_eq!(total_of("MemTotal:       24602468 kB\nMemFree:  1 kB\n"), Some(24_602_468 * 1024));
        assert_eq!(
            (total_of(""), total_of("MemTotal: many kB"), total_of("MemTotal: 18446744073709551615 kB")),
            (None, None, None)
        );
        if cfg!(target_os = "linux") {
            assert!(machine_bytes().is_some_and(|bytes| bytes > 100_000_000));
        }
    }
}
