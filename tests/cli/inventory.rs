//! Configuration by file: devices and streams imported, compared and exported, with a server and without one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Client, DataDir, Server, assert_contains, assert_members};

/// Writes a file beside the data; its path.
pub fn file(home: &DataDir, name: &str, text: &str) -> String {
    let path = home.path().join(name);
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).display().to_string()
}

async fn exported(home: &DataDir, form: &str) -> String {
    home.basalt(&["export", "-", "--devices", "--format", form]).await.expect_success()
}

/// The whole life of a file on a directory, with or without a server.
async fn import_compare_export(home: &DataDir) {
    let plant = example("plant.yaml");
    let dry = home.basalt(&["import", &plant, "--dry-run"]).await.expect_success();
    for line in [
        "+ group Hall 1",
        "+ device Filler: protocol \"melsec\", host \"192.168.0.20\", port 5007, metadata {\"frame\":\"3E\",\"network\":0}",
        "+ stream Filler / level: path \"D100\", type \"int16\", unit \"%\", scale 0.1",
        "added 4 devices, 9 streams, 1 group; changed 0 devices, 0 streams; unchanged 0 devices, 0 streams",
        "dry run: nothing was changed",
    ] {
        assert!(dry.contains(line), "no `{line}` in:\n{dry}");
    }
    assert_eq!(exported(home, "yaml").await, "devices: []\n", "a dry run changes nothing");

    let done = home.basalt(&["import", &plant]).await.expect_success();
    assert_eq!(done.lines().count(), dry.lines().count() - 1, "it did what it said:\n{done}");
    let there = exported(home, "yaml").await;

    // The same as CSV, and once more, and what was exported: nothing is left to do.
    let (yaml, csv) = (file(home, "out.yaml", &there), home.path().join("out.csv").display().to_string());
    home.basalt(&["export", &csv, "--devices"]).await.expect_success();
    for same in [&plant, &example("plant.csv"), &yaml, &csv] {
        let output = home.basalt(&["import", same]).await.expect_success();
        let nothing =
            "added 0 devices, 0 streams; changed 0 devices, 0 streams; unchanged 4 devices, 9 streams\n";
        assert!(output.ends_with(nothing) && output.lines().count() == 1, "{same}: {output}");
    }
    assert_eq!(exported(home, "yaml").await, there);

    let changed = "devices:\n  - name: Boiler\n    protocol: fenet\n    host: 192.168.0.31\n    metadata: {cpu: XGK}\n    password: secret\n    \
                   streams:\n      - {name: pressure, path: '%DW100', type: uint16, unit: bar, group: Hall 2}\n  - name: Filler\n";
    let changed = file(home, "changed.yaml", changed);
    let output = home.basalt(&["import", &changed]).await.expect_success();
    for line in [
        "+ group Hall 2\n",
        "~ device Boiler: host \"192.168.0.30\" -> \"192.168.0.31\", password (not shown)\n",
        "~ stream Boiler / pressure: group null -> \"Hall 2\", scale 0.01 -> 1\n",
        "= device Press 1: not in the file, left alone\n",
        "= stream Boiler / setpoint: not in the file, left alone\n",
        "= stream Filler / level: not in the file, left alone\n",
        "changed 1 device, 1 stream; unchanged 1 device, 0 streams\n",
    ] {
        assert!(output.contains(line), "no `{line}` in:\n{output}");
    }
    assert!(!output.contains("secret"), "{output}");
    // Back to what was exported, in one step.
    home.basalt(&["import", &yaml]).await.expect_success();
    assert_eq!(exported(home, "yaml").await, there);
}

#[tokio::test]
async fn devices_by_file_without_a_server() {
    let home = DataDir::new();
    home.basalt(&["org", "create", "other"]).await.expect_success();
    import_compare_export(&home).await;
    let other = home
        .basalt(&["export", "-", "--devices", "--format", "yaml", "--org", "other"])
        .await
        .expect_success();
    assert_eq!(other, "devices: []\n", "of another organization there is nothing");
}

#[tokio::test]
async fn devices_by_file_beside_a_server() {
    let server = Server::start(&[]).await;
    import_compare_export(&server.data_dir).await;
    // What a file has made is what REST shows, and the audit log tells of each row.
    let devices = server.client().get("/api/device/?name=Boiler").await;
    devices.has(200, json!({"/0/host": "192.168.0.30", "/0/protocol": "fenet"}));
    let log = "SELECT action, kind, count(*) AS n FROM audit_log WHERE request = 'basalt import' GROUP BY action, kind ORDER BY action, kind";
    let rows = server.client().sql(log).await;
    let rows_found: Vec<(&str, &str)> =
        rows.iter().filter_map(|row| Some((row["action"].as_str()?, row["kind"].as_str()?))).collect();
    let expected = [
        ("create", "data"),
        ("create", "device"),
        ("create", "group"),
        ("update", "data"),
        ("update", "device"),
    ];
    assert_eq!(rows_found, expected, "{rows:?}");
    assert_eq!((&rows[0]["n"], &rows[1]["n"], &rows[2]["n"]), (&json!(9), &json!(4), &json!(2)));
}

#[tokio::test]
async fn a_file_with_mistakes_changes_nothing_and_tells_all_of_them() {
    let server = Server::start(&[]).await;
    let home = &server.data_dir;
    let wrong = "device,device.protocol,device.host,stream,path,type\nPress,modbus,10.0.0.1,,,\nPress,,,a,D100,uint16\n\
                 Press,,,b,hr:1,float\nTank,modbos,,,,\n";
    let wrong = file(home, "wrong.csv", wrong);
    for args in [&["import", &wrong][..], &["import", &wrong, "--dry-run"]] {
        let output = home.basalt(args).await.expect_failure();
        let parts = [
            "wrong.csv: line 3, column `path`: Invalid register \"D100\"",
            "wrong.csv: line 4, column `type`: `float` is not one of bit, byte, int16",
            "wrong.csv: line 5, column `device.protocol`: `modbos` is not one of opcua, melsec",
            "has 3 mistakes: nothing was changed",
        ];
        assert_contains(&output, &parts, &format!("{args:?}"));
    }
    assert_eq!(server.client().get("/api/device/").await.body, json!([]));

    let plant = example("plant.yaml");
    let readings = file(home, "readings.csv", "ts,value\n2026-04-28,1\n");
    let refused: [(&[&str], &str); 6] = [
        (&["import", &plant, "--stream", "1"], "are for readings"),
        (&["import", &readings, "--stream", "1", "--dry-run"], "holds readings"),
        (&["import", &plant, "--url", &server.url, "--key", &server.key], "local data directory"),
        (&["import", "missing.yaml"], "missing.yaml: cannot be read"),
        (&["export", "a.yaml", "--from", "2026-01-01"], "YAML is for devices"),
        (&["export", "a.parquet", "--devices"], "YAML or CSV"),
    ];
    for (args, part) in refused {
        let output = home.basalt(args).await.expect_failure();
        assert!(output.contains(part), "{args:?}: {output}");
    }
}

/// The row a stream of the examples has.
async fn row(client: &Client, name: &str) -> Value {
    let rows = client.get("/api/data/").await.body;
    let found = rows.as_array().and_then(|rows| rows.iter().find(|row| row["name"] == name));
    found.cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_password_stays_unless_a_file_gives_one_and_is_in_none() {
    let server = Server::start(&[]).await;
    server.basalt(&["import", &example("plant.csv")]).await.expect_success();
    let level = row(&server.client(), "level").await;
    assert_members(&level, &json!({"scale": 0.1, "unit": "%", "type": "int16"}));
    let client = server.client();
    let devices = client.get("/api/device/?name=Line+server").await.body;
    client.patch(&format!("/api/device/{}/", devices[0]["id"]), &json!({"password": "hunter2"})).await.ok();
    for form in ["yaml", "csv"] {
        let text = exported(&server.data_dir, form).await;
        assert!(!text.contains("hunter2"), "{text}");
        let again = file(&server.data_dir, &format!("again.{form}"), &text);
        let answer = server.basalt(&["import", &again]).await.expect_success();
        assert!(answer.contains("changed 0 devices, 0 streams"), "{answer}");
    }
}
