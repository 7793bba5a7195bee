//! Checks the file systems: free space and inodes, and that backups can be written.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::finding::{Finding, format_bytes};
use super::installation::{DirectoryAccess, Installation};
use super::lake_directory;
use crate::domain::server_status::DiskSpace;
use crate::host::disk_space::{self, Inodes};

const CHECK: &str = "disk";
/// With less, a flush, a merge or the write-ahead log soon fails, bytes.
const PROBLEM_FREE_BYTES: u64 = 256_000_000;
/// With less, it is time to act, bytes.
const WARNING_FREE_BYTES: u64 = 2_000_000_000;
const PROBLEM_FREE_INODES: u64 = 1_000;
const WARNING_FREE_INODES: u64 = 10_000;

/// Checks the file systems of data directory, lake, backups and temporary files.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let config = &installation.config;
    let mut places = vec![("data directory", installation.data_dir.clone())];
    // One that is not there is a finding about the lake.
    let lake = config.lake.url.as_deref().and_then(lake_directory::local_directory);
    places.extend(lake.filter(|dir| dir.is_dir()).map(|dir| ("lake", dir)));
    places.extend(config.backup_dir.clone().map(|dir| ("backups", dir)));
    places.push(("temporary files", std::env::temp_dir()));
    let mut findings = space_findings(&places);
    if let Some(dir) = config.backup_dir.as_ref().filter(|_| installation.access != DirectoryAccess::Denied) {
        let usable = rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from);
        findings.extend(judge_backups(dir, usable));
    }
    findings
}

fn judge_backups(dir: &Path, usable: io::Result<()>) -> Option<Finding> {
    let (error, dir) = (usable.err()?, dir.display());
    if error.kind() == io::ErrorKind::NotFound {
        let mend = format!("create or mount it: mkdir -m 700 {dir}");
        return Some(Finding::warning(CHECK, format!("backup.dir {dir} is not there"), mend));
    }
    let mend = format!(
        "make it writable for the user that runs the server: ls -ld {dir}; findmnt -T {dir} (systemd: docs/operations/install.md)"
    );
    Some(Finding::problem(CHECK, format!("backup.dir {dir} cannot be written by this user: {error}"), mend))
}

/// Looks at each file system once, for all that is on it.
fn space_findings(places: &[(&str, PathBuf)]) -> Vec<Finding> {
    let mut systems: Vec<(u64, PathBuf, Vec<&str>)> = Vec::new();
    for (name, path) in places {
        let Some(dir) = existing(path) else { continue };
        let Ok(device) = std::fs::metadata(&dir).map(|meta| meta.dev()) else { continue };
        match systems.iter_mut().find(|(known, ..)| *known == device) {
            Some((_, _, names)) => names.push(name),
            None => systems.push((device, dir, vec![*name])),
        }
    }
    let judge_system = |(_, dir, names): &(u64, PathBuf, Vec<&str>)| {
        let read = disk_space::of_path(dir).and_then(|space| Ok((space, disk_space::inodes(dir)?)));
        match read {
            Ok((space, inodes)) => judge_space(&names.join(", "), dir, space, inodes),
            Err(e) => {
                let found = format!("the space of {} cannot be read: {e}", dir.display());
                Finding::warning(CHECK, found, format!("look at the mount: findmnt -T {}", dir.display()))
            }
        }
    };
    systems.iter().map(judge_system).collect()
}

/// The path, or the first directory above it that exists.
fn existing(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|dir| dir.exists()).map(Path::to_owned)
}

fn judge_space(names: &str, dir: &Path, space: DiskSpace, inodes: Option<Inodes>) -> Finding {
    let shown = dir.display();
    let files = inodes
        .map_or_else(String::new, |inodes| format!(", {} of {} inodes free", inodes.free, inodes.total));
    let (free, total) = (format_bytes(space.free), format_bytes(space.total));
    let found = format!("{names} ({shown}): {free} of {total} free{files}");
    let mend = format!(
        "remove files that are not Basalt's or enlarge the file system (du -xh -d2 {shown} | sort -h), or keep rows for less \
         time: docs/operations/retention.md"
    );
    let free_inodes = inodes.map_or(u64::MAX, |inodes| inodes.free);
    if space.free < PROBLEM_FREE_BYTES || free_inodes < PROBLEM_FREE_INODES {
        Finding::problem(CHECK, found, mend)
    } else if space.free < WARNING_FREE_BYTES || free_inodes < WARNING_FREE_INODES {
        Finding::warning(CHECK, found, mend)
    } else {
        Finding::ok(CHECK, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn little_space_and_few_inodes_are_found() {
        let rows = [
            ("enough", 80_000_000_000, Some(1_000_000), State::Ok),
            ("no_inodes_are_counted", 80_000_000_000, None, State::Ok),
            ("little_space", 1_900_000_000, Some(1_000_000), State::Warning),
            ("no_space", 0, Some(1_000_000), State::Problem),
            ("few_inodes", 80_000_000_000, Some(9_999), State::Warning),
            ("no_inodes", 80_000_000_000, Some(0), State::Problem),
        ];
        for (name, free, inodes, state) in rows {
            let space = DiskSpace { total: 100_000_000_000, used: 0, free };
            let inodes = inodes.map(|free| Inodes { total: 2_000_000, free });
            let finding = judge_space("data directory", Path::new("/d"), space, inodes);
            assert_eq!((finding.state, finding.mend.is_some()), (state, state != State::Ok), "{name}");
        }
    }

    #[test]
    fn places_of_one_file_system_are_one_finding() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = dir.path().join("not/there");
        let places = [("data directory", dir.path().to_owned()), ("backups", missing)];
        let findings = space_findings(&places);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].found.starts_with("data directory, backups ("), "{findings:?}");
    }

    #[test]
    fn backups_that_cannot_be_written_are_a_problem() {
        let rows = [
            ("missing", Some(io::ErrorKind::NotFound), Some(State::Warning), "mkdir -m 700 /b"),
            ("of_another", Some(io::ErrorKind::PermissionDenied), Some(State::Problem), "ls -ld /b"),
            ("read_only", Some(io::ErrorKind::ReadOnlyFilesystem), Some(State::Problem), "findmnt -T /b"),
            ("usable", None, None, ""),
        ];
        for (name, kind, state, mend) in rows {
            let usable = kind.map_or(Ok(()), |kind| Err(io::Error::from(kind)));
            let finding = judge_backups(Path::new("/b"), usable);
            assert_eq!(finding.as_ref().map(|f| f.state), state, "{name}: {finding:?}");
            assert!(finding.is_none_or(|f| f.mend.is_some_and(|text| text.contains(mend))), "{name}");
        }
    }
}
