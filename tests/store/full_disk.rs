//! A full disk: what fails leaves nothing there, and a start needs no free byte.

use std::io;
use std::path::PathBuf;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::faults::{before_a_flush, check, open, readings, rows};
use super::lossy::{DiskOp, LossyDisk};
use crate::in_process::TestEnv;

/// The files of the lake's tables: what a flush that failed has left would take the space that an operator frees.
fn lake_files(disk: &LossyDisk) -> Vec<PathBuf> {
    let dirs = |dir: PathBuf| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let days = dirs(disk.path().join("lake")).flat_map(dirs);
    let days = days.filter(|day| day.file_name().unwrap().to_string_lossy().starts_with("date="));
    let mut files: Vec<PathBuf> = days.flat_map(dirs).collect();
    files.sort();
    files
}

/// Engine F5: a disk that fills up while files are written, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_on_a_full_disk_leaves_nothing_there_and_heals_when_space_is_freed() {
    let env = TestEnv::new(3).await;
    let disk = LossyDisk::new();
    let (db, known) = before_a_flush(&env, &disk).await;
    let before = lake_files(&disk);
    for (op, part) in [
        (DiskOp::Create, "part-"),
        (DiskOp::Write, "part-"),
        (DiskOp::Sync, "part-"),
        (DiskOp::Rename, "part-"),
        (DiskOp::SyncDir, "date="),
        (DiskOp::Create, "checkpoint"),
        (DiskOp::Write, "checkpoint"),
    ] {
        disk.fail_on(op, part);
        db.store.flush().await.unwrap_err();
        assert!(disk.failed().is_some(), "{op:?} {part}");
        assert_eq!(lake_files(&disk), before, "{op:?} {part}");
        assert!(!disk.path().join("checkpoint.tmp").exists(), "{op:?} {part}");
    }
    db.store.flush().await.unwrap();
    check(&env, &db, &known, "space is there").await;
    let before = lake_files(&disk);
    disk.fail_on(DiskOp::Write, "part-");
    db.compact().await.unwrap_err();
    assert!(disk.failed().is_some());
    assert_eq!(lake_files(&disk), before, "a merge");
}

/// Engine F5: a start that has nothing to cut needs no free byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_does_not_refuse_the_start_and_unfinished_files_go_first() {
    let env = TestEnv::new(3).await;
    let disk = LossyDisk::new();
    let (db, mut known) = before_a_flush(&env, &disk).await;
    let day = lake_files(&disk)[0].parent().unwrap().to_owned();
    drop(db);
    let disk = disk.process_end();
    let unfinished = day.join("part-0.parquet.tmp");
    std::fs::write(&unfinished, "half").unwrap();
    disk.refuse(Some(io::ErrorKind::StorageFull));
    let db = open(&env, &disk, "full").await;
    assert!(!unfinished.exists());
    check(&env, &db, &known, "full").await;
    disk.refuse(None);
    let more = rows(160..170, 4.0);
    db.store.write(&env.owner, readings(&more)).await.unwrap();
    known.extend(more);
    db.store.flush().await.unwrap();
    drop(db);
    let db = open(&env, &disk.power_loss(&mut StdRng::seed_from_u64(1)), "freed").await;
    check(&env, &db, &known, "freed").await;
}
