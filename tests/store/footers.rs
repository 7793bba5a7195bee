//! Footers are read once and with their page index, whoever reads the file.

use std::sync::Arc;

use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Micros, StreamId};
use basalt::store::table::Table;
use serde_json::json;

use crate::in_process::{MINUTE, NOW, TestDb, TestEnv};

/// The kept footers of all files of both tables.
fn kept(db: &TestDb) -> Vec<Option<usize>> {
    let snapshot = db.store.snapshot();
    let statistics = snapshot.upsert_tables[Table::Statistics].lake.clone();
    let footer = |path: &str| {
        let kept = snapshot.cache.footer(path)?;
        assert!(kept.metadata().column_index().is_some() && kept.metadata().offset_index().is_some());
        Some(Arc::as_ptr(kept.metadata()) as usize)
    };
    snapshot.lake.files().chain(statistics.files()).map(|file| footer(&file.path)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_footer_is_read_once_by_the_statistics_and_all_queries() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let minute = |m| Reading::good(StreamId(1), Micros(NOW - MINUTE * 30 + m * MINUTE), 1.0);
    db.store.write(&env.owner, (0..20).map(minute).collect::<Readings>()).await.unwrap();
    db.store.flush().await.unwrap();
    assert_eq!(kept(&db), [None], "what writes a file reads no footer");

    db.store.compute_statistics().await.unwrap();
    let of_job = kept(&db);
    assert!(matches!(of_job[..], [Some(_), None]), "{of_job:?}");

    let expected = [json!({"n": 20})];
    let mut known = Vec::new();
    for _ in 0..2 {
        for table in ["readings", "statistics"] {
            let query = format!("SELECT count(*) AS n FROM {table} WHERE ts > TIMESTAMP '2000-01-01'");
            assert_eq!(db.sql(&env.owner, &query).await, expected, "{table}");
        }
        let now = kept(&db);
        assert!(now.iter().all(Option::is_some) && now[0] == of_job[0], "{now:?} after {of_job:?}");
        assert!(known.is_empty() || known == now, "{now:?} after {known:?}");
        known = now;
    }
}
