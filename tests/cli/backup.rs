//! Backups of a directory that is being written to, and what comes of them elsewhere.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, assert_members, database, rows, until};

/// Flushes, cuts of the log and merges all the time.
pub const BUSY_SERVER_ENV: [(&str, &str); 6] = [
    ("BASALT_FLUSH__AGE", "50ms"),
    ("BASALT_FLUSH__BYTES", "64KB"),
    ("BASALT_WAL__SEGMENT", "64KB"),
    ("BASALT_WAL__KEEP", "1"),
    ("BASALT_COMPACTION__INTERVAL", "100ms"),
    ("BASALT_LAKE__KEEP_REMOVED", "1ms"),
];

/// A row, as every answer has it.
type Row = (i64, i64);

/// Rows acknowledged so far.
type AckedRows = Arc<Mutex<HashSet<Row>>>;

/// Writes to streams of its own, making a new one now and then, until told to stop.
async fn keep_writing(client: Client, writer: i64, acked: AckedRows, stop: Arc<AtomicBool>) {
    let (mut stream, mut n) = (0, 0);
    while !stop.load(Ordering::Acquire) {
        if n % 20 == 0 {
            stream = stream_of(&client, &format!("{writer} {n}"), "fp64").await.1;
        }
        let body: String = (0..50)
            .map(|i| {
                let ts = format!("2026-04-{:02}T12:{:02}:{:02}Z", 1 + n % 28, i, n / 28 % 60);
                format!("{}\n", json!({"stream_id": stream, "ts": ts, "value": n * 100 + i}))
            })
            .collect();
        client.ingest("application/x-ndjson", body).await.ok();
        acked.lock().expect("no writer panics with it").extend((0..50).map(|i| (stream, n * 100 + i)));
        n += 1;
    }
}

/// The rows of a directory that no server has open.
pub async fn rows(home: &DataDir) -> Vec<Row> {
    let query = "SELECT stream_id, CAST(value AS BIGINT) AS value FROM readings";
    let output = home.basalt(&["sql", query, "--format", "csv"]).await.expect_success();
    let row = |line: &str| {
        let (stream, value) = line.split_once(',').expect("two columns");
        (stream.parse().expect("an id"), value.parse().expect("a number"))
    };
    output.lines().skip(1).map(row).collect()
}

fn manifest(backup: &Path) -> Value {
    serde_json::from_slice(&fs::read(backup.join("backup.json")).expect("it is there")).expect("JSON")
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A directory of its own for a backup, which does not exist yet.
pub fn place(home: &DataDir, name: &str) -> PathBuf {
    home.path().join(name)
}

/// Checks that backups of a busy server, taken while others write to it, have every acknowledged row once and the streams they name.
pub async fn check_backups_under_load(server: Server, rounds: usize) {
    let (acked, stop) = (AckedRows::default(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(keep_writing(server.client(), writer, acked.clone(), stop.clone())))
        .collect();
    let out = DataDir::new();
    for round in 0..rounds {
        let wanted = acked.lock().expect("no writer panics with it").len() + 1_000;
        until!("writers get on", Duration::from_secs(120);
            acked.lock().expect("no writer panics with it").len() >= wanted);
        let before = acked.lock().expect("no writer panics with it").clone();
        let backup = place(&out, &format!("backup {round}"));
        let output = server.basalt(&["backup", &text(&backup)]).await.expect_success();
        assert!(output.contains("everything up to record"), "{output}");

        let restored = DataDir::new();
        let output = restored.basalt(&["restore", &text(&backup)]).await.expect_success();
        assert!(output.contains("as of "), "{output}");
        let report = restored.basalt(&["verify", "--format", "json"]).await;
        let report: Value = serde_json::from_str(&report.stdout).expect("JSON");
        assert_members(&report, &json!({"whole": true, "/catalog/deleted_ids": 0}));

        let found = rows(&restored).await;
        let once: HashSet<Row> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "none twice");
        let missing = before.difference(&once).count();
        assert_eq!(missing, 0, "of {} acknowledged before it began", before.len());
        let seq = restored
            .basalt(&["sql", "SELECT max(seq) AS seq FROM readings", "--format", "json"])
            .await
            .expect_success();
        let seq: Value = serde_json::from_str(&seq).expect("JSON");
        assert_eq!(seq[0]["seq"], manifest(&backup)["seq"]);
    }
    stop.store(true, Ordering::Release);
    for writer in writers {
        writer.await.expect("no write failed");
    }
    let left = fs::read_dir(server.data_dir.path().join("run")).expect("there");
    let left: Vec<_> = left.map(|e| e.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("backup")), "{left:?}");
}

#[tokio::test]
async fn a_backup_under_load_has_every_acknowledged_row_once_and_the_streams_they_name() {
    check_backups_under_load(Server::start(&BUSY_SERVER_ENV).await, 3).await;
}

/// A server with a few rows in the lake and a few in the log, an acknowledged retry, and ids that were given and taken.
pub async fn small() -> Server {
    let (server, client) = Server::with_client(&[]).await;
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    let (gone, _) = stream_of(&client, "gone", "fp64").await;
    client.delete(&format!("/api/device/{gone}/")).await.expect(204);
    for (n, flush) in [(1, true), (2, false)] {
        let row = json!({"stream_id": stream, "ts": format!("2026-04-2{n}T00:00:00Z"), "value": n});
        let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "once")];
        let headers = if flush { &headers[..1] } else { &headers[..] };
        client.send("POST", "/ingest", headers, row.to_string()).await.ok();
        if flush {
            server.basalt(&["compact"]).await.expect_success();
        }
    }
    server
}

#[tokio::test]
async fn a_restored_directory_goes_on_where_the_backup_was_taken() {
    let mut server = small().await;
    let out = DataDir::new();
    let (beside, alone) = (place(&out, "beside"), place(&out, "alone"));
    server.basalt(&["backup", &text(&beside)]).await.expect_success();
    server.stop().await;
    server.basalt(&["backup", &text(&alone)]).await.expect_success();
    for backup in [beside, alone] {
        let home = Arc::new(DataDir::new());
        home.basalt(&["restore", &text(&backup)]).await.expect_success();
        let restored = Server::start_in(home, &[]).await;
        let client = restored.client();
        let expected = [json!({"value": 1.0, "seq": 1}), json!({"value": 2.0, "seq": 2})];
        assert_eq!(client.sql("SELECT value, seq FROM readings ORDER BY ts").await, expected);
        // Keys, last values, answers of retries and ids are as they were.
        assert_eq!(client.get("/api/data/1/value/?limit=1").await[0]["value"].as_f64(), Some(2.0));
        let row = json!({"stream_id": 1, "ts": "2026-04-22T00:00:00Z", "value": 2});
        let again = [("content-type", "application/x-ndjson"), ("idempotency-key", "once")];
        let (status, headers, _) = client.send("POST", "/ingest", &again, row.to_string()).await.into_parts();
        assert_eq!((status, headers.get("idempotency-replayed").is_some()), (200, true));
        let ids = stream_of(&client, "next", "fp64").await;
        assert_eq!(ids, (3, 3), "ids of deleted rows are not given again");
        let row = json!({"stream_id": 1, "ts": "2026-04-23T00:00:00Z", "value": 3});
        client.ingest("application/x-ndjson", row.to_string()).await.ok();
        assert_eq!(client.sql("SELECT max(seq) AS seq FROM readings").await[0]["seq"], 3);
    }
}

#[tokio::test]
async fn a_backup_is_for_its_owner_only_and_leaves_the_data_as_it_is() {
    let mut server = small().await;
    server.stop().await;
    let before = server.data_dir.files();
    let out = DataDir::new();
    let backup = place(&out, "b");
    server.basalt(&["backup", &text(&backup)]).await.expect_success();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let modes = (mode(&backup), mode(&backup.join("lake")), mode(&backup.join("backup.json")));
    assert_eq!(modes, (0o700, 0o700, 0o600));
    assert_eq!(mode(&backup.join("catalog.sqlite")), 0o600);
    let lake = |files: &std::collections::BTreeMap<PathBuf, Vec<u8>>| {
        files
            .iter()
            .filter(|(path, _)| path.starts_with("lake"))
            .map(|(p, b)| (p.clone(), b.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(lake(&server.data_dir.files()), lake(&before));
    // What happens to the one does not happen to the other, though they may share bytes.
    let copied = fs::read(backup.join("checkpoint.bin")).expect("there");
    let restarted = Server::start_in(server.data_dir.clone(), &[]).await;
    let row = json!({"stream_id": 1, "ts": "2026-04-24T00:00:00Z", "value": 4});
    restarted.client().ingest("application/x-ndjson", row.to_string()).await.ok();
    restarted.basalt(&["compact"]).await.expect_success();
    assert_eq!(fs::read(backup.join("checkpoint.bin")).expect("there"), copied);
    DataDir::new().basalt(&["restore", &text(&backup)]).await.expect_success();
}

#[tokio::test]
async fn places_that_cannot_hold_a_backup_are_refused() {
    let server = small().await;
    let out = DataDir::new();
    let (full, file, done) = (place(&out, "full"), place(&out, "file"), place(&out, "done"));
    fs::create_dir(&full).expect("made");
    fs::write(full.join("x"), "mine").expect("written");
    fs::write(&file, "mine").expect("written");
    server.basalt(&["backup", &text(&done)]).await.expect_success();
    let inside = server.data_dir.path().join("backups/today");
    let around = server.data_dir.path().join("lake/../backup");
    let rows = [
        ("inside_of_the_data", &inside, "inside of the data directory"),
        ("inside_by_a_detour", &around, "inside of the data directory"),
        ("not_empty", &full, "is not empty"),
        ("a_file", &file, "file"),
        ("a_backup_already", &done, "holds a backup already"),
    ];
    for (name, dest, word) in rows {
        let output = server.basalt(&["backup", &text(dest)]).await.expect_failure();
        assert!(output.contains(word) && output.lines().count() == 1, "{name}: {output}");
    }
    assert_eq!(fs::read(full.join("x")).expect("there"), b"mine");
    assert!(!inside.exists());
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing_that_looks_like_one() {
    let mut server = small().await;
    server.stop().await;
    let out = DataDir::new();
    let backup = place(&out, "b");
    // A file the log names is gone: it cannot be copied.
    let day = server.data_dir.path().join("lake/readings/date=2026-04-21");
    let running = Server::start_in(server.data_dir.clone(), &[]).await;
    for entry in fs::read_dir(&day).expect("there") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let output = running.basalt(&["backup", &text(&backup)]).await.expect_failure();
    assert!(output.contains("part-") && output.contains("date=2026-04-21"), "{output}");
    assert!(!backup.exists(), "what was written is taken away");
}

#[tokio::test]
async fn only_a_whole_backup_is_restored_and_only_into_an_empty_directory() {
    type Damage = fn(&Path);
    let server = small().await;
    let out = DataDir::new();
    let backup = place(&out, "whole");
    server.basalt(&["backup", &text(&backup)]).await.expect_success();
    let damages: [(&str, Damage, &str); 5] = rows![
        "no_manifest", |b| fs::remove_file(b.join("backup.json")).unwrap(), "is no finished backup";
        "half_a_manifest", |b| fs::write(b.join("backup.json"), "{\"format\": 1").unwrap(), "is not whole";
        "a_file_gone", |b| fs::remove_file(b.join("checkpoint.bin")).unwrap(), "checkpoint.bin` is missing";
        "a_file_cut_off", |b| fs::write(b.join("checkpoint.bin"), "x").unwrap(), "checkpoint.bin` has 1 bytes";
        "a_byte_changed",
            |b| {
                let mut bytes = fs::read(b.join("checkpoint.bin")).unwrap();
                bytes[30] ^= 1;
                fs::remove_file(b.join("checkpoint.bin")).unwrap();
                fs::write(b.join("checkpoint.bin"), bytes).unwrap();
            },
            "checkpoint.bin` is not what was written";
    ];
    for (name, damage, word) in damages {
        let copy = place(&out, name);
        let copied = std::process::Command::new("cp").arg("-r").arg(&backup).arg(&copy).status();
        assert!(copied.expect("cp(1) is there").success());
        damage(&copy);
        let target = DataDir::new();
        let output = target.basalt(&["restore", &text(&copy)]).await.expect_failure();
        assert!(output.contains(word) && output.lines().count() == 1, "{name}: {output}");
        assert!(target.files().is_empty(), "{name}: nothing is written");
    }

    let used = small().await;
    let output = used.basalt(&["restore", &text(&backup)]).await.expect_failure();
    assert!(output.contains("in use by process"), "{output}");
    let strange = DataDir::new();
    fs::write(strange.path().join("x"), "mine").expect("written");
    assert!(strange.basalt(&["restore", &text(&backup)]).await.expect_failure().contains("is not empty"));

    // One that was interrupted is not taken for a data directory, nor written over.
    let half = DataDir::new();
    half.basalt(&["restore", &text(&backup)]).await.expect_success();
    fs::write(half.path().join("restore.unfinished"), "").expect("written");
    assert!(half.basalt(&["sql", "SELECT 1"]).await.expect_failure().contains("not finished"));
    assert!(half.basalt(&["restore", &text(&backup)]).await.expect_failure().contains("not finished"));
}

#[tokio::test]
async fn a_postgresql_catalog_is_dumped_and_restored_or_its_absence_is_said() {
    let (first, second) = (database("backup").await, database("restore").await);
    let (server, client) = Server::with_client(&[("BASALT_CATALOG_URL", &first)]).await;
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    let row = json!({"stream_id": stream, "ts": "2026-04-28T00:00:00Z", "value": 1});
    client.ingest("application/x-ndjson", row.to_string()).await.ok();
    let out = DataDir::new();
    let backup = place(&out, "b");
    let ran = server.basalt(&["backup", &text(&backup)]).await;
    let is_there = backup.join("catalog.dump").exists();
    let stderr = ran.stderr.clone();
    ran.expect_success();
    let manifest = manifest(&backup);
    assert_eq!(manifest["catalog"]["database"], "postgresql");
    assert!(is_there && manifest["catalog"]["missing"].is_null(), "pg_dump is on PATH here: {stderr}");

    // Without a place for it, how to restore the dump is said; with one it is done.
    let output = DataDir::new().basalt(&["restore", &text(&backup)]).await;
    assert!(output.stderr.contains("pg_restore") && output.stderr.contains("catalog.dump"), "{output:?}");
    output.expect_success();
    let home = Arc::new(DataDir::new());
    home.basalt(&["restore", &text(&backup), "--catalog-url", &second]).await.expect_success();
    let env = [("BASALT_CATALOG_URL", second.as_str())];
    let whole = home.basalt_with(&["verify"], &env, "").await.expect_success();
    assert!(whole.contains("catalog: PostgreSQL") && whole.contains("everything is whole"), "{whole}");
    let restored = Server::start_in(home, &env).await;
    let query = "SELECT s.name, r.value FROM readings r JOIN streams s ON s.id = r.stream_id";
    assert_eq!(restored.client().sql(query).await, [json!({"name": "speed", "value": 1.0})]);

    // Where there is no pg_dump, the backup says what it lacks.
    let without =
        Server::start(&[("BASALT_CATALOG_URL", &database("lacking").await), ("PATH", "/nowhere")]).await;
    let backup = place(&out, "lacking");
    let ran = without.basalt(&["backup", &text(&backup)]).await;
    assert!(ran.stderr.contains("the catalog is NOT in this backup"), "{ran:?}");
    ran.expect_success();
    assert!(!backup.join("catalog.dump").exists());
    let output = DataDir::new().basalt(&["restore", &text(&backup)]).await;
    assert!(output.stderr.contains("the catalog was NOT in this backup"), "{output:?}");
    output.expect_success();
}
