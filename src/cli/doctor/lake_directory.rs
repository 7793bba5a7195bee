//! Checks a lake in a directory of its own before it is read: an empty mount point is no damaged lake.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use url::Url;

use super::finding::Finding;
use super::installation::Installation;
use crate::store::disk::LocalDisk;
use crate::store::table::Table;
use crate::store::verify::delta_log::LOG_DIR;
use crate::store::wal::recovery;

const CHECK: &str = "lake";
/// A data directory has this file since it first had a lake elsewhere.
const DIRECTORY_ID: &str = "directory.bin";

/// Returns the directory of a URL `file:///directory`.
pub fn local_directory(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// Says what there is instead of a lake in the directory that `lake.url` names; `None` where there is one, or `lake.url` names no
/// directory.
pub fn check(installation: &Installation) -> Option<Finding> {
    let dir = installation.config.lake.url.as_deref().and_then(local_directory)?;
    // The first start makes it, before anything is written.
    let error = fs::metadata(dir.join(Table::Readings.name()).join(LOG_DIR)).err()?;
    let had_lake = installation.is_query_node() || installation.data_dir.join(DIRECTORY_ID).exists();
    let first_record = if had_lake { None } else { first_record(&installation.data_dir.join("wal")) };
    Some(judge(&dir, &error, first_record))
}

/// The number of the first record of a write-ahead log; `None` where it has no segment.
fn first_record(log: &Path) -> Option<u64> {
    recovery::segment_files(&LocalDisk, log).ok()?.first().map(|(_, first)| *first)
}

/// Judges the error of looking for a lake; `first_record` is that of the log of a data directory that never had one elsewhere.
fn judge(dir: &Path, error: &io::Error, first_record: Option<u64>) -> Finding {
    let dir = dir.display();
    match error.kind() {
        // A log that begins with the first record has all rows.
        ErrorKind::NotFound | ErrorKind::NotADirectory if first_record == Some(1) => Finding::ok(
            CHECK,
            format!("{dir} holds no lake yet: the write-ahead log has all rows, from record 1 on"),
        ),
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            let mend = format!("mount it or correct lake.url before the server is started: findmnt -T {dir}");
            Finding::problem(CHECK, format!("lake.url names {dir}, which holds no lake"), mend)
        }
        ErrorKind::PermissionDenied => {
            let mend = format!(
                "let the user that runs the server read and write it, or run this as that user: ls -ld {dir}"
            );
            Finding::problem(CHECK, format!("lake.url names {dir}, which is not for this user"), mend)
        }
        _ => {
            let mend = format!("look at the mount: findmnt -T {dir}; dmesg | tail");
            Finding::problem(CHECK, format!("lake.url names {dir}, which cannot be read: {error}"), mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn an_empty_mount_point_is_no_damage() {
        let missing = ErrorKind::NotFound;
        let rows = [
            ("not_mounted", missing, Some(42), State::Problem, "findmnt -T /srv/lake"),
            ("that_was_there_before", missing, None, State::Problem, "findmnt -T /srv/lake"),
            ("a_file", ErrorKind::NotADirectory, Some(42), State::Problem, "correct lake.url"),
            ("never_flushed", missing, Some(1), State::Ok, ""),
            ("of_another", ErrorKind::PermissionDenied, Some(1), State::Problem, "ls -ld /srv/lake"),
            ("failing", ErrorKind::StaleNetworkFileHandle, Some(1), State::Problem, "dmesg"),
        ];
        for (name, kind, first_record, state, mend) in rows {
            let finding = judge(Path::new("/srv/lake"), &io::Error::from(kind), first_record);
            assert_eq!(finding.state, state, "{name}: {finding:?}");
            let text = finding.mend.unwrap_or_default();
            assert!(text.contains(mend) && !text.contains("restore"), "{name}: {text}");
        }
    }

    #[test]
    fn the_first_record_of_a_log_is_in_the_name_of_its_first_segment() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(first_record(&dir.path().join("none")), None);
        assert_eq!(first_record(dir.path()), None);
        for first in [90, 7] {
            fs::write(dir.path().join(recovery::segment_name(first)), "").expect("written");
        }
        assert_eq!(first_record(dir.path()), Some(7));
    }

    #[test]
    fn a_bucket_is_no_directory() {
        assert_eq!(local_directory("s3://bucket/lake"), None);
        assert_eq!(local_directory("file:///srv/lake"), Some(PathBuf::from("/srv/lake")));
    }
}
