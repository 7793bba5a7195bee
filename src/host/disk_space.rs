//! Space of file systems.

use std::io;
use std::path::Path;

use rustix::fs::StatVfs;

use crate::domain::server_status::DiskSpace;

/// Returns how many bytes an unprivileged process can still write to the file system of a path.
///
/// # Errors
/// Any I/O error.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(free(&stat))
}

/// Returns the space of the file system of a path.
///
/// # Errors
/// Any I/O error.
pub fn of_path(path: &Path) -> io::Result<DiskSpace> {
    let stat = rustix::fs::statvfs(path)?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    Ok(DiskSpace {
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        used: used.saturating_mul(stat.f_frsize),
        free: free(&stat),
    })
}

/// Files that a file system can still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inodes {
    pub total: u64,
    /// Files that an unprivileged process can still create.
    pub free: u64,
}

/// Returns the inodes of the file system of a path; `None` where it makes them as needed.
///
/// # Errors
/// Any I/O error.
pub fn inodes(path: &Path) -> io::Result<Option<Inodes>> {
    let stat = rustix::fs::statvfs(path)?;
    Ok((stat.f_files > 0).then_some(Inodes { total: stat.f_files, free: stat.f_favail }))
}

fn free(stat: &StatVfs) -> u64 {
    stat.f_bavail.saturating_mul(stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_space_and_a_missing_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_bytes(dir.path()).unwrap() > 0);
        assert!(free_bytes(&dir.path().join("none")).is_err());
        let DiskSpace { total, used, free } = of_path(dir.path()).unwrap();
        assert!(free > 0 && used <= total && free <= total - used, "{total} {used} {free}");
        assert!(of_path(&dir.path().join("none")).is_err());
        assert!(inodes(dir.path()).unwrap().is_none_or(|inodes| inodes.free <= inodes.total));
        assert!(inodes(&dir.path().join("none")).is_err());
    }
}
