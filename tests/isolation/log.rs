//! The query log tells nobody of others: not what they asked, nor, through shared files, that they have rows.

use serde_json::{Value, json};

use super::fixture::IsolationFixture;

const SHARED: [&str; 4] = ["bytes_scanned", "files_scanned", "files_pruned", "peak_memory"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_query_log_shows_ones_own_organization_and_a_restricted_key_itself() {
    let world = IsolationFixture::new().await;
    world.db.store.flush().await.unwrap();
    let keys = [
        ("whole", world.key(&[], &[], &[]).await),
        ("part", world.key(&[], &[], &world.own).await),
        ("other", world.foreign_key().await),
    ];
    for (_, client) in &keys {
        client.sql("SELECT sum(value) FROM readings").await;
        client.get("/api/value/?limit=3").await.ok();
    }
    let mut seen = Vec::new();
    for (_, client) in &keys {
        seen.push(client.sql("SELECT * FROM query_log ORDER BY started_at").await);
    }
    // Before this question: two of its own, and for the first key two of the second.
    let [whole, part, other] = seen.as_slice() else { unreachable!("three keys") };
    let by = |rows: &[Value]| {
        rows.iter().map(|r| r["principal"].to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!((whole.len(), by(whole).len()), (4, 2), "{whole:#?}");
    assert_eq!((part.len(), by(part).len()), (2, 1), "{part:#?}");
    assert_eq!((other.len(), by(other).len()), (2, 1), "{other:#?}");
    assert!(by(whole).is_superset(&by(part)) && by(whole).is_disjoint(&by(other)));
    let orgs = |rows: &[Value]| rows.iter().map(|r| r["organization_id"].clone()).collect::<Vec<_>>();
    assert!(orgs(other).iter().all(|org| !orgs(whole).contains(org)));
    // Files and the memory to merge them are everybody's.
    for name in SHARED {
        assert!(whole.iter().all(|row| row[name].is_u64()), "{name}: {whole:#?}");
        for rows in [part, other] {
            assert!(rows.iter().all(|row| row.get(name).is_none_or(Value::is_null)), "{name}: {rows:#?}");
        }
    }
    assert!(whole[0]["files_scanned"].as_u64().unwrap() > 0, "{whole:#?}");
}

/// The record that a restricted key or another organization reads of itself does not change when others write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ones_own_record_does_not_change_when_others_write() {
    let world = IsolationFixture::new().await;
    let clients = [world.key(&[], &[], &world.own).await, world.foreign_key().await];
    let mut records: Vec<Vec<Value>> = Vec::new();
    for stage in ["in memory", "flushed", "late rows of others"] {
        let mut now = Vec::new();
        for client in &clients {
            client.sql("SELECT count(*) AS n FROM readings WHERE value >= 0 OR value < 0").await;
            let columns = "text_hash, surface, principal, organization_id, rows, outcome, bytes_scanned, files_scanned, files_pruned, peak_memory";
            let query =
                format!("SELECT {columns} FROM query_log WHERE rows = 1 ORDER BY started_at DESC LIMIT 1");
            now.push(client.sql(&query).await.remove(0));
        }
        records.push(now);
        if stage == "flushed" {
            let (streams, who) = &world.others()[0];
            super::fixture::write(
                &world.db,
                who,
                &streams[..2],
                true,
                crate::in_process::NOW - 300 * crate::in_process::MINUTE,
            )
            .await;
        }
        world.db.store.flush().await.unwrap();
    }
    assert!(records.iter().all(|now| *now == records[0]), "{records:#?}");
    assert_eq!(records[0][0]["rows"], json!(1));
}
