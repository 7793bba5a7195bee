//! Tests of a directory that several processes share: one writes, the others change nothing.

use super::*;
use crate::domain::Kind;
use crate::store::disk::LocalDisk;
use crate::store::lake::delta::{DeltaLog, TxnWatermark};

/// A directory of lakes.
struct Lakes(tempfile::TempDir);

impl Lakes {
    fn new() -> Lakes {
        Lakes(tempfile::tempdir().unwrap())
    }

    /// A directory that does not exist yet.
    fn dir(&self) -> PathBuf {
        self.0.path().join("lake")
    }

    fn open(&self, access: LakeAccess) -> Result<LakeLocation> {
        let url = Url::from_directory_path(self.dir()).unwrap();
        LakeLocation::shared(url.as_str(), Arc::new(LocalDisk), access)
    }
}

#[test]
fn a_shared_directory_has_one_writer_and_any_number_of_readers() {
    let lakes = Lakes::new();
    let early = lakes.open(LakeAccess::Read).unwrap();
    assert!(!lakes.dir().exists() && !early.may_exist(), "a reader creates nothing");
    let first = lakes.open(LakeAccess::Write).unwrap();
    assert!(first.is_shared() && !first.is_remote() && !first.is_read_only() && early.may_exist());
    assert_eq!(first.table_dir(Table::Readings), lakes.dir().join("readings"));

    let error = lakes.open(LakeAccess::Write).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    let dir = lakes.dir().display().to_string();
    assert!(error.message.contains("another server writes") && error.message.contains(&dir), "{error}");
    assert!(lakes.open(LakeAccess::Read).unwrap().is_read_only());
    let copy = first.clone();
    drop(first);
    assert!(lakes.open(LakeAccess::Write).is_err(), "a query still reads it");
    drop(copy);
    lakes.open(LakeAccess::Write).unwrap();
}

#[test]
fn another_url_is_no_lake() {
    for url in ["file://there/lake", "ftp://plant/lake", "plant/lake", "s3:///lake"] {
        let opened = LakeLocation::shared(url, Arc::new(LocalDisk), LakeAccess::Read);
        let error = opened.expect_err(url);
        assert!(error.kind == Kind::Invalid && error.message.contains(url), "{url}: {error}");
    }
}

/// The log of a table with one commit, and its entry as a crash of the machine may leave it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_repairs_nothing_and_takes_no_incomplete_entry_for_a_commit() {
    let lakes = Lakes::new();
    let log = lakes.dir().join("readings/_delta_log");
    let reader = lakes.open(LakeAccess::Read).unwrap();
    DeltaLog::open(&reader, Table::Readings).await.unwrap();
    assert!(!lakes.dir().exists(), "a reader that comes first finds an empty table");

    let writer = lakes.open(LakeAccess::Write).unwrap();
    let mut delta = DeltaLog::open(&writer, Table::Readings).await.unwrap();
    for seq in [10, 20] {
        delta.commit(&[], &[(TxnWatermark::Flushed, seq)], 1_777_377_600_000).await.unwrap();
    }
    std::fs::write(log.join("left.tmp"), "of a writer that is at work").unwrap();
    DeltaLog::open(&reader, Table::Readings).await.unwrap();
    assert!(log.join("left.tmp").exists());

    let newest = log.join(format!("{:020}.json", 2));
    let text = std::fs::read_to_string(&newest).unwrap();
    for part in ["", &text[..text.len() / 2]] {
        std::fs::write(&newest, part).unwrap();
        let error = DeltaLog::open(&reader, Table::Readings).await.map(drop).unwrap_err();
        assert!(error.message.contains("2.json") && error.message.contains("is incomplete"), "{error}");
        assert_eq!(std::fs::read_to_string(&newest).unwrap(), part);
    }
    DeltaLog::open(&writer, Table::Readings).await.unwrap();
    assert!(!newest.exists(), "the writer repairs it");
    DeltaLog::open(&reader, Table::Readings).await.unwrap();
}
