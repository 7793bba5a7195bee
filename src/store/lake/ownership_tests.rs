//! Of two owners of a table, one commits: whoever has not seen the other's claim cannot.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::disk::LocalDisk;
use crate::store::lake::delta::{DeltaLog, ReplaceReason, TxnWatermark};
use crate::store::lake::file::LakeFile;
use crate::store::lake::location::LakeLocation;
use crate::store::table::Table;

const NOW_MS: i64 = 1_777_377_600_000;

fn file(name: &str) -> LakeFile {
    LakeFile {
        path: format!("date={}/{name}.parquet", Day(20_571)),
        day: Day(20_571),
        rows: 1,
        bytes: 1000,
        streams: MinMax::new(1, 1),
        ts: MinMax::new(1_777_377_600_000_000, 1_777_377_600_000_000),
        seq: MinMax::new(1, 1),
        is_late: false,
        crc32: Some(1),
        longest_text: None,
        footer: None,
    }
}

fn claim(directory: i64, epoch: i64) -> Arc<LakeOwnership> {
    Arc::new(LakeOwnership::new(LakeOwner { directory, epoch }, "the lake".to_owned()))
}

/// A table of a lake that every handle opens anew, as each server does.
struct SharedTable {
    location: LakeLocation,
    _dir: tempfile::TempDir,
}

impl SharedTable {
    fn new() -> SharedTable {
        let dir = tempfile::tempdir().unwrap();
        let location = LakeLocation::local(Arc::new(LocalDisk), dir.path()).unwrap();
        SharedTable { location, _dir: dir }
    }

    async fn open(&self) -> DeltaLog {
        DeltaLog::open(&self.location, Table::Readings).await.unwrap()
    }

    /// Names of the live files, in order.
    async fn files(&self) -> Vec<String> {
        let lake = self.open().await.lake_version().unwrap();
        let name = |path: &str| path.rsplit('/').next().unwrap().trim_end_matches(".parquet").to_owned();
        let mut names: Vec<String> = lake.files().map(|file| name(&file.path)).collect();
        names.sort();
        names
    }
}

async fn commit(delta: &mut DeltaLog, name: &str, seq: i64) -> Result<u64> {
    delta.commit(&[file(name)], &[(TxnWatermark::Flushed, seq)], NOW_MS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_the_commits_of_the_owner_before_it() {
    let table = SharedTable::new();
    let (mut first, owner) = (table.open().await, claim(1, 1));
    first.claim(owner.clone()).await.unwrap();
    commit(&mut first, "a", 10).await.unwrap();

    let mut second = table.open().await;
    assert_eq!(second.owner().await.unwrap(), Some(owner.owner));
    second.claim(claim(1, 2)).await.unwrap();
    // The position of the second is beyond what the first wants to write: it must not take that for its own commit.
    commit(&mut second, "b", 20).await.unwrap();
    for _ in 0..2 {
        let error = commit(&mut first, "c", 15).await.unwrap_err();
        assert!(error.message.contains("another server writes to the lake `the lake` now"), "{error}");
        assert!(owner.check().is_err());
    }
    assert!(first.reload().await.is_err(), "a lost claim stays lost");
    let merged = second.lake_version().unwrap().files().cloned().collect::<Vec<_>>();
    second.replace(&merged, &[file("d")], ReplaceReason::Merge, NOW_MS).await.unwrap();
    assert_eq!(table.files().await, ["d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_claims_at_once_leave_one_owner() {
    let table = SharedTable::new();
    let (mut a, mut b) = (table.open().await, table.open().await);
    a.claim(claim(1, 1)).await.unwrap();
    assert!(b.claim(claim(2, 1)).await.is_err(), "it has not seen the other");
    commit(&mut a, "a", 1).await.unwrap();
    let found = table.open().await.owner().await.unwrap();
    assert_eq!(found, Some(LakeOwner { directory: 1, epoch: 1 }));
    let error = LakeOwner::next(2, found, "s3://plant/site").unwrap_err();
    assert!(error.message.contains("`s3://plant/site` belongs to another data directory"), "{error}");
    assert_eq!(LakeOwner::next(1, found, "").unwrap().epoch, 2);
    assert_eq!(LakeOwner::next(2, None, "").unwrap(), LakeOwner { directory: 2, epoch: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_no_other_owner() {
    let table = SharedTable::new();
    let (mut delta, owner) = (table.open().await, claim(1, 1));
    delta.claim(owner.clone()).await.unwrap();
    // What the store has of a commit whose answer never came.
    let mut unanswered = table.open().await;
    unanswered.name_owner(owner.clone());
    commit(&mut unanswered, "a", 1).await.unwrap();

    assert!(commit(&mut delta, "a again", 1).await.is_err(), "the same identifier is a conflict");
    owner.check().expect("the lake still has the same owner");
    assert_eq!(delta.flushed_seq().await.unwrap(), 1, "it knows the commit now");
    commit(&mut delta, "b", 2).await.unwrap();
    assert_eq!(table.files().await, ["a", "b"]);
}

/// Servers start, commit and are forgotten in any order: of all handles only that of the newest claim commits.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_order_only_the_newest_claim_commits() {
    for seed in 0..4 {
        let mut random = StdRng::seed_from_u64(seed);
        let table = SharedTable::new();
        let mut handles: Vec<(DeltaLog, i64)> = Vec::new();
        let (mut newest, mut expected) = (0, Vec::new());
        for step in 0..40 {
            if handles.is_empty() || random.random_ratio(1, 6) {
                let mut delta = table.open().await;
                let next = LakeOwner::next(7, delta.owner().await.unwrap(), "").unwrap();
                delta.claim(claim(7, next.epoch)).await.unwrap();
                newest = next.epoch;
                handles.push((delta, next.epoch));
            } else {
                let at = random.random_range(0..handles.len());
                let (delta, epoch) = &mut handles[at];
                let name = format!("{step:03}");
                let committed = commit(delta, &name, step).await;
                assert_eq!(committed.is_ok(), *epoch == newest, "seed {seed}, step {step}: {committed:?}");
                expected.extend(committed.is_ok().then_some(name));
            }
        }
        assert_eq!(table.files().await, expected, "seed {seed}");
    }
}

/// Without the identifiers both commit: the tests above would see it.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_claim_nothing_keeps_two_writers_apart() {
    let table = SharedTable::new();
    let (mut a, mut b) = (table.open().await, table.open().await);
    commit(&mut a, "a", 1).await.unwrap();
    b.reload().await.unwrap();
    commit(&mut a, "b", 2).await.unwrap();
    b.commit(&[file("c")], &[], NOW_MS).await.unwrap();
    assert_eq!(table.files().await, ["a", "b", "c"]);
}
