//! Data directories of released versions: this version opens each, reads all of it, and goes on writing.
//!
//! `releases/VERSION.tar.gz` is a data directory that the release has written, `releases/VERSION.json` what its server answered.
//! `keep.sh` makes both at a release (docs/releasing.md). A kept directory is never made again.

mod kept;
mod written;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Browser, PASSWORD, Server, assert_members};

use kept::KeptRelease;
use written::{QUESTIONS, USER, answers};

/// Opens a directory with the present program, compares, writes a row, and restarts, which flushes it.
async fn check(release: &KeptRelease) {
    let name = &release.version;
    let home = Arc::new(release.unpack());
    let mut server = Server::start_alone(home.clone(), &[]).await;
    let client = server.client();
    compare(name, &answers(&client).await, &release.answers);
    let person = Browser::log_in(&server, USER, PASSWORD).await;
    let users = person.get("/api/user/").await.ok();
    assert_members(&users[0], &json!({"username": USER, "role": "superuser", "enabled": true}));

    let row = json!({"stream_id": 1, "ts": "2026-05-01T00:00:00Z", "value": 0.25});
    client.ingest("application/x-ndjson", format!("{row}\n")).await.about(name).ok();
    let with_row = answers(&client).await;
    assert_ne!(with_row["readings"], release.answers["readings"], "{name}: the row is not there");
    server.restart().await;
    compare(name, &answers(&client).await, &with_row);
    server.stop().await;
    let whole = home.basalt(&["verify"]).await;
    assert_eq!(whole.code, Some(0), "{name}, after writing: {}", whole.stdout);
}

fn compare(release: &str, got: &Value, expected: &Value) {
    // A release answers the questions of its time only, and each of them has to be asked still.
    for (question, answer) in expected.as_object().expect("answers by question") {
        let [got, expected] = [&got[question], answer].map(without_clock_events);
        assert_eq!(got, expected, "{release}: {question}");
    }
}

/// The rows of an answer without events of the clock: a server that starts a day after its directory was written last says that
/// its clock is ahead of the time that it expected.
fn without_clock_events(rows: &Value) -> Value {
    let rows = rows.as_array().expect("rows").iter();
    rows.filter(|row| row["kind"] != "clock").cloned().collect()
}

#[tokio::test]
async fn every_released_version_is_opened_with_all_that_it_held() {
    let releases = KeptRelease::all();
    assert!(!releases.is_empty(), "no data directory is kept");
    for release in &releases {
        check(release).await;
    }
}

/// The directory that `keep.sh` keeps, without a release: so its making works when a release comes.
#[tokio::test]
async fn what_this_version_would_keep_holds_all_kinds_of_rows() {
    let (home, answers) = written::data_dir().await;
    for (question, _) in QUESTIONS {
        assert!(answers[question].as_array().is_some_and(|rows| !rows.is_empty()), "{question}: {answers:#}");
    }
    let log = std::fs::read_dir(home.path().join("wal")).expect("a log").map(|e| e.expect("an entry"));
    let bytes: u64 = log.map(|entry| entry.metadata().expect("a file").len()).sum();
    assert!(bytes > 1000, "rows that only the log has: {bytes} bytes");
    if let Some(dir) = std::env::var_os("BASALT_TEST_KEEP") {
        KeptRelease::keep(dir.as_ref(), &home, &answers);
    }
}
