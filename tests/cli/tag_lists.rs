//! Tag lists of other programs, imported as streams of a device.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::inventory::file;
use crate::support::{Server, SimulatorProcess, assert_contains, until};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tags").join(name).display().to_string()
}

/// Expects every one of these lines in an output.
#[track_caller]
fn assert_lines(output: &str, expected: &[&str]) {
    for line in expected {
        assert!(output.lines().any(|given| given.ends_with(*line)), "no `{line}` in:\n{output}");
    }
}

#[tokio::test]
async fn a_tag_list_becomes_streams_once_and_their_values_arrive() {
    let plc = SimulatorProcess::start("modbus").await;
    let server = Server::start(&[]).await;
    let client = server.client();
    let device = json!({"name": "Press 1", "protocol": "modbus", "host": "127.0.0.1", "port": plc.port});
    let device = client.create("/api/device/", &device).await;
    let list = fixture("kepserver.csv");
    let import = ["import", list.as_str(), "--device", "Press 1"];

    let dry = server.basalt(&[&import[..], &["--dry-run"]].concat()).await.expect_success();
    let lines = [
        "kepserver.csv: tag list of KEPServerEX in windows-1252, separated by commas, for device Press 1 (modbus)",
        "+ line 2: stream Motor.Speed: path \"400101\", type \"uint16\", unit \"1/min\", description \"Speed of the main drive\"",
        "+ line 9: stream Recipe.Setpoints: path \"400300:uint16[10]\", type \"json\"",
        "+ line 5: stream Motor.Temperature: path \"300012\", type \"int16\", scale 0.1, unit \"°C\", description \"Winding\"",
        "kepserver.csv: added 8 streams; unchanged 0 streams; left out 3 rows",
        "dry run: nothing was changed",
    ];
    assert_lines(&dry, &lines);
    assert!(dry.contains("- line 12: Line.Setpoint: Invalid register \"D100\""), "{dry}");
    assert_eq!(client.get("/api/data/").await.body, json!([]), "a dry run changes nothing");

    let done = server.basalt(&import).await.expect_success();
    assert_eq!(format!("{done}dry run: nothing was changed\n"), dry, "it did what it said");
    let rows = client.get(&format!("/api/data/?device={device}")).await;
    rows.has(200, json!({"/3/path": "300012", "/3/type": "int16", "/3/scale": 0.1, "/3/unit": "°C"}));
    let running = "SELECT r.value FROM readings r JOIN streams s ON s.id = r.stream_id \
                 WHERE s.name = 'Motor.Running' AND r.quality = 'good' LIMIT 1";
    until!("a value", std::time::Duration::from_secs(60); rows = client.sql(running).await; rows.len() == 1);

    let again = server.basalt(&import).await.expect_success();
    let last = "kepserver.csv: added 0 streams; unchanged 8 streams; left out 3 rows";
    assert_lines(&again, &["= line 2: stream Motor.Speed: exists, left alone", last]);
    let names = client.get("/api/data/").await.body;
    assert_eq!(names.as_array().map(Vec::len), Some(8), "{names}");
}

#[tokio::test]
async fn a_tag_list_needs_a_device_and_an_unknown_list_is_told_every_header() {
    let server = Server::start(&[]).await;
    let home = &server.data_dir;
    let list = fixture("plain.csv");
    let other = file(home, "other.csv", "Tag;Register;Kind\na;1;int\n");
    let empty = file(home, "empty.csv", "name,address,type\n");
    let binary = home.path().join("binary.csv").display().to_string();
    fs::write(&binary, b"name,address,type\na,hr:0,\x81\n").expect("written");
    server.client().create("/api/device/", &json!({"name": "Idle", "protocol": "virtual"})).await;
    let refused: [(&[&str], &[&str]); 7] = [
        (&["import", &list, "--dry-run"], &["is a tag list of the plain form", "--device NAME"]),
        (&["import", &list, "--device", "Press"], &["there is no device `Press`"]),
        (&["import", &list, "--device", "Idle", "--name", "a"], &["are for readings"]),
        (
            &["import", &other, "--dry-run"],
            &["stream_id", "device.protocol", "Tag Name, Address", "Logical Address"],
        ),
        (&["import", &other, "--device", "Idle"], &["`Tag;Register;Kind` is no column", "TYPE, SCOPE, NAME"]),
        (&["import", &empty, "--device", "Idle"], &["no row is a stream of this device"]),
        (&["import", &binary, "--device", "Idle"], &["UTF-8, UTF-16 or Windows-1252"]),
    ];
    for (args, parts) in refused {
        let output = server.basalt(args).await.expect_failure();
        assert_contains(&output, parts, &format!("{args:?}"));
    }
    assert_eq!(server.client().get("/api/data/").await.body, json!([]));
}
