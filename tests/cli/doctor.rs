//! `basalt doctor` on healthy installations and broken ones: each problem is named with what mends it, and nothing is changed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use super::verify::under;
use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, assert_contains, free_port, rows};

/// Checks of the machine, which may have little space or a clock that nobody keeps.
const OF_THE_MACHINE: [&str; 3] = ["clock", "disk", "limits"];
/// A port that is always free.
const ANY_PORT: (&str, &str) = ("BASALT_LISTEN", "127.0.0.1:0");

/// A stream with rows in the lake and rows that only the log has, left by a server that was stopped in order.
async fn written_data_dir() -> DataDir {
    let (mut server, client) = Server::with_client(&[]).await;
    write_rows(&server, &client).await;
    server.stop().await;
    server.data_dir.copy()
}

/// A stream with rows in the lake and rows that only the log has, left by a crash.
async fn crashed_data_dir() -> DataDir {
    let (mut server, client) = Server::with_client(&[]).await;
    write_rows(&server, &client).await;
    server.kill();
    server.data_dir.copy()
}

async fn write_rows(server: &Server, client: &Client) {
    stream_of(client, "speed", "fp64").await;
    let body = |hour: u32| {
        format!("{}\n", json!({"stream_id": 1, "ts": format!("2026-04-27T{hour:02}:00:00Z"), "value": 1}))
    };
    client.ingest("application/x-ndjson", body(1)).await.ok();
    server.basalt(&["compact"]).await.expect_success();
    client.ingest("application/x-ndjson", body(2)).await.ok();
}

/// Runs it; its exit code and its findings.
async fn doctor(home: &DataDir, args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, Value) {
    let ran = home.basalt_with(&[&["doctor", "--json"], args].concat(), env, "").await;
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    (ran.code, report)
}

fn findings(report: &Value) -> &Vec<Value> {
    report["findings"].as_array().expect("a list")
}

/// Check and state of each finding, but for those about the machine.
fn states(report: &Value) -> Vec<(&str, &str)> {
    let pairs = findings(report).iter().filter_map(|f| Some((f["check"].as_str()?, f["state"].as_str()?)));
    pairs.filter(|(check, _)| !OF_THE_MACHINE.contains(check)).collect()
}

/// The exit code that a report has to have, whatever the machine is like.
fn code_of(report: &Value) -> Option<i32> {
    Some(i32::from(report["problems"] != json!(0)))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("set");
}

#[tokio::test]
async fn what_is_in_order_is_said_to_be_without_a_server() {
    let crashed = crashed_data_dir().await;
    let journal = fs::metadata(crashed.path().join("catalog.sqlite-wal")).expect("a journal");
    assert!(journal.len() > 0, "the catalog is read from a copy");
    for home in [written_data_dir().await, crashed] {
        is_in_order(&home).await;
    }
}

async fn is_in_order(home: &DataDir) {
    let before = home.files();
    let (code, report) = doctor(home, &[], &[ANY_PORT]).await;
    assert_eq!(code, code_of(&report), "{report:#}");
    assert!(states(&report).iter().all(|(_, state)| *state == "ok"), "{report:#}");
    let subjects = rows![
        "configuration"; "data directory"; "secrets"; "disk"; "limits"; "ports"; "tls"; "versions"; "catalog";
        "write-ahead log"; "lake"; "clock";
    ];
    for subject in subjects {
        assert!(findings(&report).iter().any(|f| f["check"] == subject), "no {subject} in {report:#}");
    }
    assert!(report.to_string().contains("fsync takes "), "{report:#}");
    assert_eq!(home.files(), before, "nothing is changed");

    let text = home.basalt_with(&["doctor"], &[ANY_PORT], "").await.stdout;
    let end = text.lines().last().unwrap_or_default();
    let is_whole = text.contains("ok       lake: ") && end.contains(" problem") && end.contains(" warning");
    assert!(is_whole, "{text}");
}

#[tokio::test]
async fn it_works_beside_a_server_and_knows_its_ports() {
    let server = Server::start(&[]).await;
    let address = server.url.trim_start_matches("http://");
    let (code, report) = doctor(&server.data_dir, &[], &[("BASALT_LISTEN", address)]).await;
    assert_eq!(code, code_of(&report), "{report:#}");
    assert!(states(&report).iter().all(|(_, state)| *state != "problem"), "{report:#}");
    let words =
        ["which answers at http", "this program and the running server are", "is the running server's"];
    assert_contains(&report.to_string(), &words, "beside a server");
    assert_eq!(server.client().sql("SELECT count(*) AS n FROM readings").await, [json!({"n": 0})]);
}

#[tokio::test]
async fn every_problem_is_named_with_its_mend() {
    type Damage = fn(&Path);
    let whole = written_data_dir().await;
    // Name, damage, the check, words of what was found, words of the mend.
    let rows: [(&str, Damage, &str, &[&str], &str); 10] = rows![
        "a_secret_for_all",
            |home| { fs::write(home.join("tokens.key"), "x").unwrap(); set_mode(&home.join("tokens.key"), 0o644); },
            "secrets", &["tokens.key", "0644"], "chmod 600 ";
        "a_catalog_for_all", |home| set_mode(&home.join("catalog.sqlite"), 0o604), "secrets", &["catalog.sqlite", "0604"], "chmod 600 ";
        "a_directory_for_all", |home| set_mode(home, 0o777), "data directory", &["0777", "every user"], "chmod 700 ";
        "a_file_of_the_lake_gone", |home| fs::remove_file(&under(&home.join("lake/readings/date=2026-04-27"), ".parquet")[0]).unwrap(),
            "lake", &["date=2026-04-27/part-", "is missing"], "basalt verify --data-dir ";
        "a_file_of_the_lake_cut_short",
            |home| {
                let file = fs::OpenOptions::new().write(true).open(&under(&home.join("lake/readings/date=2026-04-27"), ".parquet")[0]);
                file.unwrap().set_len(100).unwrap();
            },
            "lake", &["has 100 bytes; the Delta log says"], "basalt restore";
        "the_header_of_a_segment",
            |home| {
                let segment = under(&home.join("wal"), ".wal").remove(0);
                let mut bytes = fs::read(&segment).unwrap();
                bytes[3] ^= 0x40;
                bytes.resize(bytes.len().max(100), 0);
                fs::write(segment, bytes).unwrap();
            },
            "write-ahead log", &["wal/", "header"], "basalt verify";
        "the_catalog_cut_short",
            |home| {
                // A log that is left restores the pages that are cut off.
                fs::remove_file(home.join("catalog.sqlite-wal")).unwrap_or(());
                let file = fs::OpenOptions::new().write(true).open(home.join("catalog.sqlite")).unwrap();
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            },
            "catalog", &[], "basalt restore";
        "an_emptied_catalog",
            |home| {
                fs::remove_file(home.join("catalog.sqlite-wal")).unwrap_or(());
                fs::OpenOptions::new().write(true).open(home.join("catalog.sqlite")).unwrap().set_len(0).unwrap();
            },
            "catalog", &["it is empty, though the data directory holds data"], "do not start the server";
        "no_log",
            |home| fs::read_dir(home.join("wal")).unwrap().for_each(|entry| fs::remove_file(entry.unwrap().path()).unwrap()),
            "write-ahead log", &["wal", "ends before"], "basalt verify";
        "an_unfinished_restore", |home| fs::write(home.join("restore.unfinished"), "").unwrap(),
            "data directory", &["was not finished"], "basalt restore";
    ];
    for (name, damage, check, words, mend) in rows {
        let home = whole.copy();
        set_mode(home.path(), 0o700);
        damage(home.path());
        let before = home.files();
        let (code, report) = doctor(&home, &[], &[ANY_PORT]).await;
        assert!(has_problem(&report, check, words, mend), "{name}: {words:?} not together in {report:#}");
        assert_eq!(code, Some(1), "{name}");
        assert_eq!(home.files(), before, "{name}: it was changed");
    }
}

fn has_problem(report: &Value, check: &str, words: &[&str], mend: &str) -> bool {
    findings(report).iter().any(|finding| {
        let found = finding["found"].as_str().unwrap_or_default();
        finding["state"] == "problem"
            && finding["check"] == check
            && words.iter().all(|word| found.contains(word))
            && finding["mend"].as_str().is_some_and(|text| text.contains(mend))
    })
}

#[tokio::test]
async fn problems_outside_of_the_directory_are_named_too() {
    let home = written_data_dir().await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let file = home.path().join("basalt.toml");
    let config = file.to_str().expect("a path");
    let missing = home.path().join("missing.pem").display().to_string();
    let tls = format!("[http]\ntls_cert = {missing:?}\ntls_key = {missing:?}\n");
    let secrets = "[smtp]\nhost = \"mail.plant.example\"\nfrom = \"basalt@plant.example\"\nusername = \"u\"\npassword = \"x\"\n";
    type Row<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str], &'a str);
    let rows: [Row; 6] = rows![
        "a_port_of_another_program", "", &address, "ports", &["taken by another program"], "listen = \"127.0.0.1:PORT\"";
        "no_toml", "listen = ", ANY_PORT.1, "configuration", &["is not TOML"], "basalt.toml.example";
        "an_unknown_key", "[wal]\nkeeep = 1", ANY_PORT.1, "configuration", &["wal.keeep", "unknown key"], "correct it";
        "a_missing_folder", "queries_dir = \"none\"", ANY_PORT.1, "configuration", &["queries_dir", "none"], "ls -l none";
        "a_secret_for_all", secrets, ANY_PORT.1, "configuration",
            &["holds a secret"], "chmod o-rwx ";
        "no_certificate", &tls, ANY_PORT.1, "tls", &["missing.pem", "cannot be read"], "http.tls_cert";
    ];
    for (name, toml, listen, check, words, mend) in rows {
        fs::write(&file, toml).expect("written");
        set_mode(&file, 0o644);
        let (code, report) = doctor(&home, &["--config", config], &[("BASALT_LISTEN", listen)]).await;
        assert!(has_problem(&report, check, words, mend), "{name}: {words:?} not together in {report:#}");
        assert_eq!(code, Some(1), "{name}");
        // A configuration that cannot be read hides nothing of the directory that is named otherwise.
        assert!(findings(&report).iter().any(|f| f["check"] == "lake"), "{name}: {report:#}");
    }
    let (code, report) = doctor(&home, &["--config", "nowhere.toml"], &[ANY_PORT]).await;
    assert!(code == Some(1) && has_problem(&report, "configuration", &["nowhere.toml"], ""), "{report:#}");

    let nothing = DataDir::new();
    let (code, report) = doctor(&nothing, &[], &[ANY_PORT]).await;
    let is_named =
        code == Some(1) && has_problem(&report, "data directory", &["no Basalt data"], "--data-dir");
    assert!(is_named, "{report:#}");
    assert_eq!(nothing.files().len(), 0, "nothing is made");
}

#[tokio::test]
async fn a_lake_that_is_not_mounted_is_not_damaged() {
    let place = DataDir::new();
    let (dir, away) = (place.path().join("lake"), place.path().join("away"));
    let url = format!("file://{}", dir.display());
    let (mut server, client) = Server::with_client(&[("BASALT_LAKE_URL", url.as_str())]).await;
    write_rows(&server, &client).await;
    server.stop().await;
    let home = server.data_dir.copy();
    let env = [ANY_PORT, ("BASALT_LAKE_URL", url.as_str())];
    let (_, report) = doctor(&home, &[], &env).await;
    assert!(states(&report).contains(&("lake", "ok")), "{report:#}");

    fs::rename(&dir, &away).expect("taken away");
    for is_empty in [false, true] {
        if is_empty {
            fs::create_dir(&dir).expect("made");
        }
        let (code, report) = doctor(&home, &[], &env).await;
        assert!(has_problem(&report, "lake", &["which holds no lake"], "findmnt -T "), "{report:#}");
        assert!(states(&report).contains(&("write-ahead log", "ok")), "{report:#}");
        assert!(!report.to_string().contains("basalt restore"), "{report:#}");
        assert_eq!(code, Some(1));
    }
}

#[tokio::test]
async fn the_log_is_checked_though_the_object_store_is_out_of_reach() {
    let home = written_data_dir().await;
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let env = [
        ANY_PORT,
        ("BASALT_LAKE_URL", "s3://plant/lake"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let (code, report) = doctor(&home, &[], &env).await;
    assert!(has_problem(&report, "object store", &["s3://plant/lake"], "aws s3 ls "), "{report:#}");
    let found = states(&report);
    assert!(found.contains(&("write-ahead log", "ok")) && found.contains(&("lake", "warning")), "{report:#}");
    assert!(report.to_string().contains("not checked: its object store"), "{report:#}");
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn the_ports_of_a_server_that_is_starting_are_its_own() {
    let home = written_data_dir().await;
    let (path, pid) = (home.path().join("lock"), std::process::id());
    let lock = fs::File::open(&path).expect("a lock");
    flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("free");
    fs::write(&path, format!("{pid}\n")).expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let (_, report) = doctor(&home, &[], &[("BASALT_LISTEN", address.as_str())]).await;
    let found = findings(&report).iter().find(|finding| finding["check"] == "ports").expect("a finding");
    assert_eq!(found["state"], "ok", "{report:#}");
    assert!(found["found"].as_str().is_some_and(|text| text.contains(&format!("process {pid}"))), "{found}");
}
