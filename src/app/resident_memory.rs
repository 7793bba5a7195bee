//! Resident memory of this process.
//!
//! The budgets count what requests reserve. The resident memory also contains what no budget counts: stacks, fragments,
//! and pages that are free but not returned yet.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A value is as old as this at most: reading it takes about 30 µs, and large bodies grow in many steps.
const MAX_AGE: Duration = Duration::from_millis(20);

static LAST: Mutex<Option<(Instant, usize)>> = Mutex::new(None);

/// Returns the resident memory of this process, bytes; `None` where the operating system has no `/proc`.
pub fn resident_bytes() -> Option<usize> {
    let mut last = LAST.lock();
    if let Some((read_at, bytes)) = *last
        && read_at.elapsed() < MAX_AGE
    {
        return Some(bytes);
    }
    let bytes = parse_status(&std::fs::read_to_string("/proc/self/status").ok()?)?;
    *last = Some((Instant::now(), bytes));
    Some(bytes)
}

/// Returns `VmRSS` of a status file of proc(5), bytes.
fn parse_status(status: &str) -> Option<usize> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_file_states_kib() {
        let status = "Name:\tbasalt\nVmHWM:\t  200 kB\nVmRSS:\t  144 kB\nThreads:\t3\n";
        assert_eq!(parse_status(status), Some(147_456));
        for other in ["", "VmRSS:", "VmRSS:\t1 MB\n", "VmRSS:\t-1 kB\n"] {
            assert_eq!(parse_status(other), None, "{other:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_was_written_is_resident() {
        let written = vec![1_u8; 256 << 20];
        // Another test may have read the value before.
        std::thread::sleep(MAX_AGE * 2);
        let resident = resident_bytes().expect("Linux has /proc");
        assert!(std::hint::black_box(&written).len() <= resident, "{resident}");
    }
}
