//! Report of Linux about a process by its id. It is `None` on other systems, and once the process is gone.

use std::time::Duration;

/// Clock ticks per second in /proc/PID/stat, fixed by the kernel's interface (`USER_HZ`).
const CLOCK_TICKS_PER_SECOND: u64 = 100;

/// Returns the processor time used since the process started.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Fields are counted after the name, which may hold anything: utime and stime are the 12th and 13th.
    let mut times = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / CLOCK_TICKS_PER_SECOND))
}

/// Returns a size of /proc/PID/status, such as `VmRSS:` or `VmHWM:`, in bytes.
pub fn memory_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
