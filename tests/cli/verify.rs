//! Damage to real files, each named by `basalt verify`, which changes nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, assert_contains, assert_members, rows};

/// Three flushes over two days, the last rows late, rows only the log has, and a log of several segments.
async fn written_data_dir() -> DataDir {
    let (mut server, client) = Server::with_client(&[("BASALT_WAL__SEGMENT", "16KB")]).await;
    stream_of(&client, "speed", "fp64").await;
    stream_of(&client, "state", "text").await;
    for (round, day) in [(0, 27), (1, 28), (2, 27)] {
        write(&client, round, day).await;
        flush(&server).await;
    }
    write(&client, 3, 28).await;
    server.kill();
    server.data_dir.copy()
}

/// Compaction flushes first; with one file a day and round it merges only what is late.
async fn flush(server: &Server) {
    server.basalt(&["compact"]).await.expect_success();
}

async fn write(client: &Client, round: u32, day: u32) {
    let mut body = String::new();
    for n in 0..300 {
        let ts = format!("2026-04-{day:02}T{:02}:{:02}:{:02}Z", round, n / 60, n % 60);
        body += &format!("{}\n", json!({"stream_id": 1, "ts": ts, "value": f64::from(n) / 7.0}));
        body += &format!("{}\n", json!({"stream_id": 2, "ts": ts, "text": format!("state {n}")}));
    }
    client.ingest("application/x-ndjson", body).await.ok();
}

async fn verify(home: &DataDir) -> (Option<i32>, Value) {
    let ran = home.basalt(&["verify", "--format", "json"]).await;
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    (ran.code, report)
}

/// Paths in a directory that end with `ending`, sorted.
pub fn under(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|e| e.expect("an entry").path());
    let mut found: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

/// The file of a day that counts.
fn data_file(home: &Path, day: u32) -> PathBuf {
    let log: String = under(&home.join("lake/readings/_delta_log"), ".json")
        .iter()
        .map(|path| fs::read_to_string(path).expect("readable"))
        .collect();
    let live = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        !log.lines().any(|line| line.starts_with("{\"remove\"") && line.contains(&name))
    };
    let mut parts = under(&home.join(format!("lake/readings/date=2026-04-{day:02}")), ".parquet");
    parts.retain(live);
    parts.pop().expect("a file of that day")
}

fn change(path: &Path, at: usize, len: usize) {
    let mut bytes = fs::read(path).expect("readable");
    bytes[at..at + len].iter_mut().for_each(|byte| *byte ^= 0x40);
    fs::write(path, bytes).expect("written");
}

fn cut(path: &Path, by: u64) {
    let len = fs::metadata(path).expect("there").len();
    fs::OpenOptions::new().write(true).open(path).expect("there").set_len(len - by).expect("cut");
}

/// Makes the first page of a column one that cannot be unpacked.
fn spoil_page(path: &Path, column: usize) {
    let reader = SerializedFileReader::new(File::open(path).expect("there")).expect("Parquet");
    let (start, len) = reader.metadata().row_group(0).column(column).byte_range();
    let bytes = fs::read(path).expect("readable");
    let chunk = &bytes[start as usize..(start + len) as usize];
    // What every zstd frame begins with.
    let magic = chunk.windows(4).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]);
    change(path, start as usize + magic.expect("a frame"), 1);
}

async fn in_catalog(home: &Path, statements: &[&str]) {
    let url = format!("sqlite://{}", home.join("catalog.sqlite").display());
    let db = Database::connect(url).await.expect("it opens");
    for statement in statements {
        db.execute_unprepared(statement).await.expect(statement);
    }
    db.close().await.expect("closed");
}

#[tokio::test]
async fn what_is_whole_is_said_to_be_and_counted() {
    let home = written_data_dir().await;
    let before = home.files();
    let (code, report) = verify(&home).await;
    assert_eq!((code, &report["whole"], &report["broken"]), (Some(0), &json!(true), &json!([])), "{report}");
    let table = &report["tables"][0];
    assert_members(table, &json!({"name": "readings", "rows": 1800, "files": 2}));
    assert!(table["pages"].as_u64() > Some(10) && report["wal"]["records"].as_u64() >= Some(1), "{report}");
    assert_eq!(report["catalog"]["rows"]["streams"], 2);
    assert_eq!(home.files(), before, "nothing is changed");
    let text = home.basalt(&["verify"]).await.expect_success();
    assert!(text.contains("table readings") && text.ends_with("everything is whole\n"), "{text}");
    let nowhere = DataDir::new();
    assert!(nowhere.basalt(&["verify"]).await.expect_failure().contains("there is no Basalt data"));
}

#[tokio::test]
async fn every_damage_is_named_and_nothing_is_repaired() {
    type Damage = fn(&Path);
    let whole = written_data_dir().await;
    let rows: [(&str, Damage, &[&str]); 17] = rows![
        "a_byte_of_the_log", |home| change(&under(&home.join("wal"), ".wal")[0], 60, 1), &["wal/", "offset 28", "damaged"];
        "the_header_of_a_segment", |home| change(&under(&home.join("wal"), ".wal")[0], 3, 1), &["wal/", "offset 0", "header"];
        "no_log", |home| under(&home.join("wal"), ".wal").iter().for_each(|path| fs::remove_file(path).unwrap()),
            &["wal", "ends before"];
        "a_stranger_in_the_log", |home| fs::write(home.join("wal/notes.txt"), "x").unwrap(), &["wal/notes.txt", "did not write"];
        "an_entry_cut_off", |home| cut(under(&home.join("lake/readings/_delta_log"), ".json").last().unwrap(), 40),
            &["_delta_log/0000", "line ", "not whole", "the next start removes it"];
        "an_older_entry_cut_off", |home| cut(&under(&home.join("lake/readings/_delta_log"), ".json")[1], 40),
            &["_delta_log/00000000000000000001.json", "line ", "not whole"];
        "an_entry_gone", |home| { fs::remove_file(&under(&home.join("lake/readings/_delta_log"), ".json")[1]).unwrap(); },
            &["_delta_log/00000000000000000001.json", "is missing"];
        "the_lake_gone",
            |home| { fs::remove_dir_all(home.join("lake")).unwrap(); fs::remove_file(&under(&home.join("wal"), ".wal")[0]).unwrap(); },
            &["wal/", "record 1 is missing", "neither in the lake nor in the log"];
        "a_file_gone", |home| fs::remove_file(data_file(home, 28)).unwrap(),
            &["lake/readings/date=2026-04-28/part-", "is missing: the Delta log names it"];
        "a_file_cut_off", |home| cut(&data_file(home, 28), 100), &["date=2026-04-28/part-", "bytes; the Delta log says"];
        "a_page_that_cannot_be_unpacked", |home| { spoil_page(&data_file(home, 28), 2); },
            &["date=2026-04-28/part-", "row group 0, column value, page 0 at offset", "cannot be decoded"];
        "a_footer",
            |home| {
                let path = data_file(home, 28);
                let len = fs::metadata(&path).unwrap().len() as usize;
                change(&path, len - 6, 2);
            },
            &["date=2026-04-28/part-", "footer", "cannot be read"];
        "files_exchanged",
            |home| {
                let (one, other) = (data_file(home, 27), data_file(home, 28));
                let kept = fs::read(&one).unwrap();
                fs::copy(&other, &one).unwrap();
                fs::write(&other, kept).unwrap();
            },
            &["date=2026-04-28/part-", "has times 2026-04-27", "the Delta log says 2026-04-28"];
        "a_stranger_in_the_lake", |home| { fs::write(home.join("lake/readings/date=2026-04-28/mine.parquet"), "x").unwrap(); },
            &["date=2026-04-28/mine.parquet", "did not write"];
        "a_folder_that_is_no_table", |home| fs::create_dir(home.join("lake/mine")).unwrap(), &["lake/mine", "is no table"];
        "the_checkpoint", |home| change(&home.join("checkpoint.bin"), 30, 1), &["checkpoint.bin", "damaged at offset 0"];
        "no_catalog", |home| fs::remove_file(home.join("catalog.sqlite")).unwrap(), &["catalog", "cannot be opened"];
    ];
    for (name, damage, words) in rows {
        let home = whole.copy();
        damage(home.path());
        let before = home.files();
        let (code, report) = verify(&home).await;
        let broken = report["broken"].as_array().expect("a list");
        let is_named = |finding: &Value| {
            let line = format!("{} {} {}", finding["file"], finding["at"], finding["what"]);
            words.iter().all(|word| line.contains(word))
        };
        assert!(broken.iter().any(is_named), "{name}: {words:?} not together in {broken:#?}");
        // RUST_BACKTRACE is set; frames of a library are no part of what is wrong.
        assert!(!report["broken"].to_string().contains("   0: "), "{name}: {broken:#?}");
        assert_eq!(code, Some(1), "{name}");
        assert_eq!(home.files(), before, "{name}: it was changed");
        let text = home.basalt(&["verify"]).await;
        assert_eq!(text.code, Some(1), "{name}");
        assert!(words.iter().all(|word| text.stdout.contains(word)), "{name}: {}", text.stdout);
    }
}

#[tokio::test]
async fn a_directory_whose_start_is_refused_can_be_looked_into() {
    let home = written_data_dir().await;
    change(&home.path().join("checkpoint.bin"), 30, 1);
    let refused = home.basalt(&["sql", "SELECT 1"]).await.expect_failure();
    assert!(refused.contains("checkpoint.bin"), "{refused}");
    cut(&data_file(home.path(), 27), 10);
    change(&under(&home.path().join("wal"), ".wal")[0], 60, 1);
    let (code, report) = verify(&home).await;
    let text = report["broken"].to_string();
    assert_eq!(code, Some(1));
    let words = ["checkpoint.bin", "date=2026-04-27", "wal/"];
    assert_contains(&text, &words, "one damage hides another");
}

#[tokio::test]
async fn references_to_what_never_was_are_named() {
    let whole = written_data_dir().await;
    let off = "PRAGMA foreign_keys = OFF";
    let rows: [(&str, &[&str], &[&str]); 5] = rows![
        "a_stream_the_catalog_never_had",
            &[off, "DELETE FROM streams WHERE id = 2", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'streams'"],
            &["wal/", "rows of id 2", "never had it in streams"];
        "a_stream_without_its_device", &[off, "DELETE FROM devices WHERE id = 2"],
            &["streams 2", "device_id is 2", "no such row in devices"];
        "a_group_that_is_not_there", &[off, "UPDATE streams SET group_id = 9 WHERE id = 1"],
            &["streams 1", "group_id is 9", "no such row in groups"];
        "a_policy_of_no_stream",
            &[off, "INSERT INTO policies (org_id, hypertable, stream_id, drop_after_s) VALUES (1, 'x', 77, 1)"],
            &["policies 1", "stream_id is 77"];
        "a_stream_on_the_device_of_others",
            &[
                off,
                "INSERT INTO orgs (id, slug, name, created_at) VALUES (5, 'o', 'o', 0)",
                "UPDATE devices SET org_id = 5 WHERE id = 1",
            ],
            &["streams 1", "device_id 1 is of another organization"];
    ];
    for (name, statements, words) in rows {
        let home = whole.copy();
        in_catalog(home.path(), statements).await;
        let (code, report) = verify(&home).await;
        let broken = report["broken"].as_array().expect("a list");
        let text: Vec<_> =
            broken.iter().map(|f| format!("{} {} {}", f["file"], f["at"], f["what"])).collect();
        let is_named = |text: &String| words.iter().all(|word| text.contains(word));
        assert!(text.iter().any(is_named), "{name}: {words:?} not together in {text:#?}");
        assert_eq!(code, Some(1), "{name}");
    }
    // The same, when only the lake has such rows.
    let home = whole.copy();
    in_catalog(home.path(), rows[0].1).await;
    under(&home.path().join("wal"), ".wal").iter().for_each(|path| fs::remove_file(path).expect("removed"));
    let (_, report) = verify(&home).await;
    let of_lake =
        |f: &Value| f["file"].to_string().contains("part-") && f["what"].to_string().contains("rows of id 2");
    assert!(report["broken"].as_array().expect("a list").iter().any(of_lake), "{report}");
    // Nothing starts on it: the next stream would have the id, and the rows.
    let home = whole.copy();
    in_catalog(home.path(), rows[0].1).await;
    let refusal = home.basalt(&["sql", "SELECT 1"]).await.expect_failure();
    assert_contains(&refusal, &["catalog.url", "rows of stream 2", "is 1.", "restore"], "another catalog");
    // One that was deleted is known to have been.
    let home = whole.copy();
    in_catalog(home.path(), &["DELETE FROM streams WHERE id = 2"]).await;
    let (code, report) = verify(&home).await;
    assert_eq!((code, &report["catalog"]["deleted_ids"]), (Some(0), &json!(1)), "{report}");
    home.basalt(&["sql", "SELECT 1"]).await.expect_success();
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let home = written_data_dir().await;
    // Moves the journal in and away, so that the file itself is read.
    in_catalog(home.path(), &["PRAGMA wal_checkpoint(TRUNCATE)"]).await;
    let path = home.path().join("catalog.sqlite");
    let len = fs::metadata(&path).expect("there").len() as usize;
    change(&path, 4096 * 3, len - 4096 * 3);
    let (code, report) = verify(&home).await;
    let file = report["broken"][0]["file"].as_str();
    assert_eq!((code, file), (Some(1), Some("catalog.sqlite")), "{report}");
}

#[tokio::test]
async fn any_changed_byte_of_a_file_is_found() {
    let whole = written_data_dir().await;
    let len = fs::metadata(data_file(whole.path(), 28)).expect("there").len() as usize;
    // Of the magic number, pages, indexes and footer.
    for at in (0..len).step_by(len / 40) {
        let home = whole.copy();
        change(&data_file(home.path(), 28), at, 1);
        let (code, report) = verify(&home).await;
        let file = report["broken"][0]["file"].as_str().unwrap_or_default();
        assert!(code == Some(1) && file.contains("date=2026-04-28"), "byte {at}: {report}");
    }
}

#[tokio::test]
async fn beside_a_server_that_is_written_to_the_present_is_checked() {
    let server = Server::start(&[
        ("BASALT_WAL__SEGMENT", "64KB"),
        ("BASALT_FLUSH__AGE", "50ms"),
        ("BASALT_WAL__KEEP", "1"),
    ])
    .await;
    let client = server.client();
    stream_of(&client, "speed", "fp64").await;
    stream_of(&client, "state", "text").await;
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for round in 0..1_000_000 {
                write(&client, round % 24, 1 + round / 24 % 28).await;
            }
        }
    });
    for _ in 0..10 {
        let (code, report) = verify(&server.data_dir).await;
        assert_eq!((code, &report["broken"]), (Some(0), &json!([])), "{report}");
    }
    writer.abort();
    server.basalt(&["compact"]).await.expect_success();
    let day = under(&server.data_dir.path().join("lake/readings"), "")
        .into_iter()
        .find(|p| p.to_string_lossy().contains("date="));
    let day: u32 =
        day.expect("a day").to_string_lossy().rsplit('-').next().expect("a day").parse().expect("a number");
    fs::remove_file(data_file(server.data_dir.path(), day)).expect("removed");
    let (code, report) = verify(&server.data_dir).await;
    assert_eq!(code, Some(1), "{report}");
    assert!(report["broken"][0]["what"].as_str().is_some_and(|what| what.contains("is missing")), "{report}");
}
