//! Checks the file systems: free space and inodes, and how long fsync takes.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use url::Url;
use uuid::Uuid;

use super::finding::{Finding, format_bytes};
use super::installation::Installation;
use crate::domain::server_status::DiskSpace;
use crate::host::disk_space::{self, Inodes};
use crate::store::disk::{Disk, LocalDisk};

const CHECK: &str = "disk";
/// With less, a flush, a merge or the write-ahead log soon fails, bytes.
const PROBLEM_FREE_BYTES: u64 = 256_000_000;
/// With less, it is time to act, bytes.
const WARNING_FREE_BYTES: u64 = 2_000_000_000;
const PROBLEM_FREE_INODES: u64 = 1_000;
const WARNING_FREE_INODES: u64 = 10_000;
/// Every acknowledged write waits for an fsync.
const SLOW_FSYNC: Duration = Duration::from_millis(100);
const FSYNC_ROUNDS: usize = 5;
const FSYNC_BYTES: usize = 4096;

/// Checks the file systems of data directory, lake, backups and temporary files, and fsync where rows are written.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let lake = installation.config.lake.url.as_deref().and_then(local_directory);
    let mut places = vec![("data directory", installation.data_dir.clone())];
    places.extend(lake.clone().map(|lake| ("lake", lake)));
    places.extend(installation.config.backup_dir.clone().map(|dir| ("backups", dir)));
    places.push(("temporary files", std::env::temp_dir()));
    let mut findings = space_findings(&places);
    for (name, dir) in [("data directory", Some(&installation.data_dir)), ("lake", lake.as_ref())] {
        let Some(dir) = dir.filter(|dir| dir.is_dir()) else { continue };
        findings.push(judge_fsync(name, dir, time_fsync(dir)));
    }
    findings
}

/// The directory of a URL `file:///directory`.
fn local_directory(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// Looks at each file system once, for all that is on it.
fn space_findings(places: &[(&str, PathBuf)]) -> Vec<Finding> {
    let mut systems: Vec<(u64, PathBuf, Vec<&str>)> = Vec::new();
    let mut findings = Vec::new();
    for (name, path) in places {
        let Some(dir) = existing(path) else { continue };
        if dir != *path && *name == "backups" {
            let (found, shown) = (format!("backup.dir {} is not there", path.display()), path.display());
            findings.push(Finding::warning(
                CHECK,
                found,
                format!("create or mount it: mkdir -m 700 {shown}"),
            ));
        }
        let Ok(device) = std::fs::metadata(&dir).map(|meta| meta.dev()) else { continue };
        match systems.iter_mut().find(|(known, ..)| *known == device) {
            Some((_, _, names)) => names.push(name),
            None => systems.push((device, dir, vec![*name])),
        }
    }
    findings.extend(systems.iter().map(|(_, dir, names)| {
        let read = disk_space::of_path(dir).and_then(|space| Ok((space, disk_space::inodes(dir)?)));
        match read {
            Ok((space, inodes)) => judge_space(&names.join(", "), dir, space, inodes),
            Err(e) => {
                let found = format!("the space of {} cannot be read: {e}", dir.display());
                Finding::warning(CHECK, found, format!("look at the mount: findmnt -T {}", dir.display()))
            }
        }
    }));
    findings
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

/// Times an fsync of a small file, as the write-ahead log does it; sorted. The file is removed again.
fn time_fsync(dir: &Path) -> io::Result<Vec<Duration>> {
    let path = dir.join(format!("doctor-{}.tmp", Uuid::new_v4().simple()));
    let times = time_fsync_of(&path);
    match LocalDisk.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut times = times?;
    times.sort();
    Ok(times)
}

fn time_fsync_of(path: &Path) -> io::Result<Vec<Duration>> {
    let mut file = LocalDisk.create(path)?;
    let mut times = Vec::new();
    for _ in 0..FSYNC_ROUNDS {
        file.write_all(&[0; FSYNC_BYTES])?;
        let began = Instant::now();
        file.sync()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn judge_fsync(name: &str, dir: &Path, times: io::Result<Vec<Duration>>) -> Finding {
    let shown = dir.display();
    let times = match times {
        Ok(times) => times,
        Err(e) => {
            let found = format!("{name}: a file in {shown} cannot be written and synced: {e}");
            let mend =
                format!("run this as the owner, and look at the disk: findmnt -T {shown}; dmesg | tail");
            return Finding::problem(CHECK, found, mend);
        }
    };
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    let (median, worst) = (at(times.len() / 2), at(times.len().saturating_sub(1)));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let found = format!(
        "{name}: fsync takes {:.1} ms, at most {:.1} ms of {} times",
        milliseconds(median),
        milliseconds(worst),
        times.len()
    );
    if median > SLOW_FSYNC {
        let mend = format!(
            "every write waits for it: put the data directory on a local SSD, and see what else writes: iostat -x 1; \
             findmnt -T {shown}"
        );
        return Finding::warning(CHECK, found, mend);
    }
    Finding::ok(CHECK, found)
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
    fn fsync_is_timed_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let times = time_fsync(dir.path()).expect("timed");
        assert!(times.len() == FSYNC_ROUNDS && times.is_sorted(), "{times:?}");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0);
        let missing = dir.path().join("none");
        assert_eq!(judge_fsync("lake", &missing, time_fsync(&missing)).state, State::Problem);
        let slow = judge_fsync("lake", dir.path(), Ok(vec![Duration::from_millis(101); 5]));
        assert!(slow.state == State::Warning && slow.found.contains("101.0 ms"), "{slow:?}");
    }

    #[test]
    fn places_of_one_file_system_are_one_finding() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = dir.path().join("not/there");
        let places = [("data directory", dir.path().to_owned()), ("backups", missing)];
        let findings = space_findings(&places);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].found.contains("is not there") && findings[0].state == State::Warning);
        assert!(findings[1].found.starts_with("data directory, backups ("), "{findings:?}");
        assert_eq!(local_directory("s3://bucket/lake"), None);
        assert_eq!(local_directory("file:///srv/lake"), Some(PathBuf::from("/srv/lake")));
    }
}
