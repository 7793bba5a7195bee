//! Tests that the manifest survives reopening, with its exact bounds, across checkpoints.

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::disk::LocalDisk;

fn file(n: u64) -> LakeFile {
    let ts = 1_777_377_600_000_001 + n as i64 * 60_000_007;
    LakeFile {
        path: format!("date={}/part-{n}.parquet", Day(20_571)),
        day: Day(20_571),
        rows: n + 1,
        bytes: 1000 + n,
        streams: MinMax::new(1, 7),
        ts: MinMax::new(ts, ts + 999),
        seq: MinMax::new(n, n + 5),
        is_late: n.is_multiple_of(3),
        crc32: Some(u32::MAX - n as u32),
        longest_text: Some(n as u32),
        footer: Some(crate::store::lake::file::FooterChecksum { bytes: n, crc32: n as u32 }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_position_are_found_again_after_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let place = LakeLocation::local(Arc::new(LocalDisk), dir.path()).unwrap();
    let mut delta = DeltaLog::open(&place, Table::Readings).await.unwrap();
    assert_eq!(delta.watermark(TxnWatermark::Flushed).await.unwrap(), None);
    let commits = 3 * CHECKPOINT_INTERVAL + 5;
    for n in 0..commits {
        delta.commit(&[file(n)], &[(TxnWatermark::Flushed, n as i64 + 10)], 1_777_377_600_000).await.unwrap();
    }
    let reopened = DeltaLog::open(&place, Table::Readings).await.unwrap();
    assert_eq!(reopened.watermark(TxnWatermark::Flushed).await.unwrap(), Some(commits as i64 + 9));
    let mut found: Vec<LakeFile> =
        reopened.lake_version().unwrap().files().map(|f| f.as_ref().clone()).collect();
    found.sort_by_key(|f| f.rows);
    assert_eq!(found, (0..commits).map(file).collect::<Vec<_>>());
    let log = std::fs::read_dir(dir.path().join("readings/_delta_log")).unwrap();
    let names: Vec<String> = log.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    // Version 0 created the table; checkpoints are versions 9, 19 and 29, and everything before the second newest is gone.
    let mut checkpoints: Vec<&String> = names.iter().filter(|n| n.ends_with(".checkpoint.parquet")).collect();
    checkpoints.sort();
    assert_eq!(checkpoints.len(), 2, "{checkpoints:?}");
    let entries = names.iter().filter(|n| n.ends_with(".json")).count() as u64;
    assert_eq!(entries, commits + 1 - (2 * CHECKPOINT_INTERVAL - 1), "{names:?}");
}
