//! Limits that the operating system puts on this process.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// Path of processes on Linux.
const PROC: &str = "/proc";

/// Returns the limit of the address space, bytes; `None` without one.
pub fn address_space() -> Option<u64> {
    getrlimit(Resource::As).current
}

/// Open files of a process, and how many it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    pub count: u64,
    /// `u64::MAX` is unlimited.
    pub limit: u64,
}

/// Returns the open files of a process; `None` where the system does not show them to this user.
pub fn open_files_of(pid: u32) -> Option<OpenFiles> {
    read_open_files(Path::new(PROC), pid)
}

fn read_open_files(proc: &Path, pid: u32) -> Option<OpenFiles> {
    let dir = proc.join(pid.to_string());
    let count = fs::read_dir(dir.join("fd")).ok()?.count() as u64;
    let limits = fs::read_to_string(dir.join("limits")).ok()?;
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?;
    let limit = if soft == "unlimited" { u64::MAX } else { soft.parse().ok()? };
    Some(OpenFiles { count, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_counted_beside_their_limit() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("7");
        fs::create_dir_all(dir.join("fd")).unwrap();
        for name in ["0", "1", "2"] {
            fs::write(dir.join("fd").join(name), "").unwrap();
        }
        for (soft, limit) in [("1024", Some(1024)), ("unlimited", Some(u64::MAX)), ("many", None)] {
            let text =
                format!("Limit    Soft Limit  Hard Limit  Units\nMax open files   {soft}   4096   files\n");
            fs::write(dir.join("limits"), text).unwrap();
            let expected = limit.map(|limit| OpenFiles { count: 3, limit });
            assert_eq!(read_open_files(root.path(), 7), expected, "{soft}");
        }
        assert_eq!(read_open_files(root.path(), 8), None);
    }
}
