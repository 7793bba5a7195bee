//! Kept data directories: packed by tar, beside the answers of the server that wrote them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::DataDir;

/// The most that a kept directory takes, bytes.
const MAX_PACKED_BYTES: u64 = 300_000;

/// A data directory of a release.
pub struct KeptRelease {
    pub version: String,
    packed: PathBuf,
    /// Answers of the release's server, by question.
    pub answers: Value,
}

impl KeptRelease {
    /// All that are kept, the oldest names first.
    pub fn all() -> Vec<KeptRelease> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/releases");
        let entries = fs::read_dir(&dir);
        let entries =
            entries.unwrap_or_else(|e| panic!("{}: {e}: tests/upgrade/keep.sh makes it", dir.display()));
        let files = entries.map(|entry| entry.expect("an entry").path());
        let mut releases: Vec<_> = files.filter_map(|path| KeptRelease::of(&path)).collect();
        releases.sort_by(|a, b| a.version.cmp(&b.version));
        releases
    }

    fn of(packed: &Path) -> Option<KeptRelease> {
        let version = packed.file_name()?.to_str()?.strip_suffix(".tar.gz")?.to_owned();
        let answers =
            fs::read(packed.with_file_name(format!("{version}.json"))).expect("the answers are there");
        let answers = serde_json::from_slice(&answers).expect("JSON");
        check_size(packed);
        Some(KeptRelease { version, packed: packed.to_owned(), answers })
    }

    /// Unpacks it into a directory of its own.
    pub fn unpack(&self) -> DataDir {
        let home = DataDir::new();
        tar(&["-xzf", path(&self.packed), "-C", path(home.path())]);
        home
    }

    /// Packs a directory under the version of this program.
    pub fn keep(dir: &Path, home: &DataDir, answers: &Value) {
        let packed = dir.join(concat!(env!("CARGO_PKG_VERSION"), ".tar.gz"));
        assert!(!packed.exists(), "{} is kept already, and is never made again", packed.display());
        // Under another name until it is known to be good.
        let unchecked = packed.with_extension("new");
        // The files of the process that has ended are no part of what a release leaves.
        tar(&[
            "-czf",
            path(&unchecked),
            "--owner=0",
            "--group=0",
            "--exclude=./run",
            "-C",
            path(home.path()),
            ".",
        ]);
        check_size(&unchecked);
        let text = serde_json::to_string_pretty(answers).expect("JSON");
        fs::write(dir.join(concat!(env!("CARGO_PKG_VERSION"), ".json")), text + "\n").expect("written");
        fs::rename(&unchecked, &packed).expect("renamed");
    }
}

fn check_size(packed: &Path) {
    let (bytes, packed) = (fs::metadata(packed).expect("there").len(), packed.display());
    assert!(bytes <= MAX_PACKED_BYTES, "{packed} takes {bytes} bytes; {MAX_PACKED_BYTES} are the most");
}

fn tar(args: &[&str]) {
    let status = Command::new("tar").args(args).status().expect("tar is there");
    assert!(status.success(), "tar {args:?}: {status}");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in Unicode")
}
