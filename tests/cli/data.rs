//! Data by command: imported, asked for, read from a device, described.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::inventory::file;
use crate::rest::stream_of;
use crate::support::{
    DataDir, ModbusDevice, Server, SimulatorProcess, assert_contains, assert_members, eventually, free_port,
};

/// Imports and asks in every format, on a directory with or without a server.
async fn import_and_ask(home: &DataDir) {
    let good = file(home, "good.csv", "ts,value\n2026-04-28T12:00:00Z,1.5\n2026-04-28T12:00:01Z,2.5\n");
    let to = ["--device", "Oven", "--name", "temperature"];
    let missing = home.basalt(&[&["import", &good], &to[..]].concat()).await.expect_failure();
    assert!(missing.contains("Oven"), "without --create nothing is made up: {missing}");
    home.basalt(&[&["import", &good], &to[..], &["--create"]].concat()).await.expect_success();

    let query = "SELECT ts, value FROM readings ORDER BY ts";
    let ask = async |format: &str| home.basalt(&["sql", query, "--format", format]).await.expect_success();
    assert_eq!(ask("csv").await, "ts,value\n2026-04-28T12:00:00Z,1.5\n2026-04-28T12:00:01Z,2.5\n");
    let rows: Value = serde_json::from_str(&ask("json").await).expect("JSON");
    let expected =
        json!([{"ts": "2026-04-28T12:00:00Z", "value": 1.5}, {"ts": "2026-04-28T12:00:01Z", "value": 2.5}]);
    assert_eq!(rows, expected);
    let table = ask("table").await;
    assert!(table.contains("| 2026-04-28T12:00:01Z | 2.5   |") && table.ends_with("(2 rows)\n"), "{table}");

    // What one command writes as Parquet, another reads.
    let mut command = home.command();
    let parquet = home.path().join("copy.parquet");
    command.args([
        "sql",
        "SELECT stream_id, ts + INTERVAL '1 day' AS ts, value FROM readings",
        "--format",
        "parquet",
    ]);
    let status = command.stdout(fs::File::create(&parquet).expect("made")).status().expect("it runs");
    assert!(status.success());
    home.basalt(&["import", &parquet.display().to_string()]).await.expect_success();
    assert_eq!(ask("csv").await.lines().count(), 5);

    // Rows before the wrong one are not written: a chunk is written whole or not at all.
    let wrong = file(home, "wrong.csv", "ts,value\n2026-05-01,1\n2026-05-02,x\n2026-05-03,3\n");
    let output = home.basalt(&[&["import", &wrong], &to[..]].concat()).await.expect_failure();
    assert_contains(&output, &["wrong.csv", "row 2", "`x`", "no row of this file was imported"], "import");
    let resumed =
        home.basalt(&[&["import", &wrong, "--from-row", "3"], &to[..]].concat()).await.expect_success();
    assert!(resumed.contains("1 rows"), "{resumed}");
    assert_eq!(ask("csv").await.lines().count(), 6);

    let failures: [(&[&str], &str); 4] = [
        (&["sql", "SELECT nothing FROM readings"], "nothing"),
        (&["sql", "DROP TABLE readings"], ""),
        (&["import", "missing.csv", "--stream", "1"], "missing.csv"),
        (&["import", &good, "--stream", "99"], "99"),
    ];
    for (args, word) in failures {
        let output = home.basalt(args).await.expect_failure();
        let is_told = output.starts_with("error: ") && output.lines().count() == 1 && output.contains(word);
        assert!(is_told, "{args:?}: {output}");
    }
    assert_eq!(ask("csv").await.lines().count(), 6, "nothing else was written");
}

#[tokio::test]
async fn import_and_sql_without_a_server() {
    let home = DataDir::new();
    home.basalt(&["org", "create", "other"]).await.expect_success();
    import_and_ask(&home).await;
}

#[tokio::test]
async fn import_and_sql_beside_a_server() {
    let server = Server::start(&[]).await;
    import_and_ask(&server.data_dir).await;
}

#[tokio::test]
async fn import_and_sql_from_another_machine() {
    let server = Server::start(&[]).await;
    let elsewhere = DataDir::new();
    let good = file(&elsewhere, "good.csv", "timestamp,value\n2026-04-28 12:00:00,1.5\n");
    let there = ["--url", &server.url, "--key", &server.key];
    let import = ["import", &good, "--device", "Oven", "--name", "temperature", "--create"];
    elsewhere.basalt(&[&import[..], &there].concat()).await.expect_success();
    let ask = ["sql", "SELECT value FROM readings", "--format", "csv"];
    assert_eq!(elsewhere.basalt(&[&ask[..], &there].concat()).await.expect_success(), "value\n1.5\n");
    let env = [("BASALT_URL", server.url.as_str()), ("BASALT_KEY", "wrong")];
    assert!(elsewhere.basalt_with(&ask, &env, "").await.expect_failure().contains("Invalid API key"));
}

#[tokio::test]
async fn an_import_is_a_job_of_the_server() {
    let (server, client) = Server::with_client(&[]).await;
    let stream = stream_of(&client, "Oven", "fp64").await.1.to_string();
    let elsewhere = DataDir::new();
    let text = "ts,value\n2026-04-28T12:00:00Z,1.5\n2026-04-28T12:00:01Z,2.5\n";
    let good = file(&elsewhere, "good.csv", text);
    let wrong = file(&server.data_dir, "wrong.csv", "ts,value\n2026-05-01,x\n");
    let there = ["--url", &server.url, "--key", &server.key];
    elsewhere.basalt(&[&["import", &good, "--stream", &stream], &there[..]].concat()).await.expect_success();
    server.basalt(&["import", &wrong, "--stream", &stream]).await.expect_failure();
    let query = "SELECT name, size, unit, state, progress, result, error, requested_by FROM jobs ORDER BY id";
    let shown = client.sql(query).await;
    let done = json!({
        "name": "good.csv", "size": text.len(), "unit": "bytes", "state": "done", "progress": 1.0, "result": "{\"rows\":2}",
        "error": null, "requested_by": "key:1",
    });
    assert_eq!(shown[0], done);
    assert_members(&shown[1], &json!({"state": "failed", "requested_by": "system"}));
    assert!(shown[1]["error"].as_str().is_some_and(|error| error.contains("`x`")), "{shown:?}");
    assert_eq!(shown.len(), 2);
}

#[tokio::test]
async fn an_import_whose_job_is_cancelled_stops_and_says_where() {
    let (server, client) = Server::with_client(&[]).await;
    let stream = stream_of(&client, "Oven", "fp64").await.1.to_string();
    let mut text = String::from("ts,value\n");
    for second in 0..1_000_000 {
        text.push_str(&format!("{},{second}.5\n", 1_777_377_600 + second));
    }
    let long = file(&server.data_dir, "long.csv", &text);
    let args = ["import", long.as_str(), "--stream", stream.as_str()];
    let cancel = async {
        let job = eventually("the import has a job", Duration::from_secs(60), || async {
            let jobs = client.get("/api/job/?kind=import&state=running").await.body;
            jobs[0]["id"].as_i64()
        });
        let path = format!("/api/job/{}/", job.await);
        client.delete(&path).await.expect(204);
        client.get(&path).await.body
    };
    let (output, job) = tokio::join!(server.basalt(&args), cancel);
    let output = output.expect_failure();
    assert_contains(&output, &["long.csv", "the job was cancelled", "resume with: "], "import");
    assert_eq!(job["state"], "cancelled", "{job}");
    let written = client.sql("SELECT count(*) AS n FROM readings").await;
    assert!(written[0]["n"].as_i64().is_some_and(|n| n < 1_000_000), "it stopped: {written:?}");
}

#[tokio::test]
async fn commands_act_in_the_organization_they_name() {
    let server = Server::start(&[]).await;
    server.basalt(&["org", "create", "other"]).await.expect_success();
    stream_of(&server.client(), "mine", "fp64").await;
    let good = file(&server.data_dir, "good.csv", "ts,value\n2026-04-28,1\n");
    let import = ["import", &good, "--device", "Oven", "--name", "theirs", "--create", "--org", "other"];
    server.basalt(&import).await.expect_success();
    let ask = ["sql", "SELECT name FROM streams", "--format", "csv"];
    assert_eq!(server.basalt(&ask).await.expect_success(), "name\nmine\n");
    let expected = "name\ntheirs\n";
    assert_eq!(server.basalt(&[&ask[..], &["--org", "other"]].concat()).await.expect_success(), expected);
}

#[tokio::test]
async fn a_register_is_read_straight_from_a_device() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    let home = DataDir::new();
    let read = |rest: &str| format!("modbus://127.0.0.1:{}/{rest}", plc.port);
    let output = home.basalt(&["read", &read("hr:104?type=uint32&unit=1")]).await.expect_success();
    // Address 104 holds 0x12345678, low word first.
    for line in ["raw       56 78 12 34", "cdab      305419896", "abcd      1450709556"] {
        assert!(output.contains(line), "no `{line}` in:\n{output}");
    }
    let rows = [
        (read("hr:9000?type=uint16"), "illegal data address"),
        (read("hr:x"), "hr:x"),
        (read("hr:0?type=fp128"), "fp128"),
        ("modbus://127.0.0.1:1/hr:0".to_owned(), "127.0.0.1:1"),
    ];
    for (address, word) in rows {
        let output = home.basalt(&["read", &address, "--timeout", "1"]).await.expect_failure();
        assert!(output.contains(word), "{address}: {output}");
    }
}

#[tokio::test]
async fn a_simulator_is_a_device_to_read() {
    let home = DataDir::new();
    for (protocol, scheme, register) in [
        ("modbus", "modbus", "/hr:0"),
        ("melsec", "melsec", "/D0"),
        ("fenet", "fenet", "/%25DW0"),
        ("s7", "s7", "/DB1.DBW0"),
        ("opcua", "opc.tcp", "?node=ns%3D2%3Bs%3Dmotor.setpoint"),
    ] {
        let simulated = SimulatorProcess::start(protocol).await;
        assert_eq!(simulated.url, format!("{scheme}://127.0.0.1:{}", simulated.port));
        let output = home.basalt(&["read", &format!("{}{register}", simulated.url)]).await.expect_success();
        assert!(output.contains("value     1480"), "{output}");
        simulated.stop().await;
    }
    let output = home.basalt(&["simulate", "profinet"]).await.expect_failure();
    let is_told = output.contains("`profinet` is not one of modbus, melsec, fenet, s7, eip, opcua, mqtt");
    assert!(is_told, "{output}");
}

#[tokio::test]
async fn the_printed_schemas_are_the_ones_in_the_repository() {
    for (name, file) in [
        ("sql", "schema/tables.sql"),
        ("openapi", "schema/openapi.json"),
        ("openapi blynk", "schema/openapi-blynk.json"),
        ("openapi mk", "schema/openapi-mk.json"),
        ("graphql", "schema/schema.graphql"),
    ] {
        let args: Vec<&str> = ["schema"].into_iter().chain(name.split(' ')).collect();
        let printed = DataDir::new().basalt(&args).await.expect_success();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("BASALT_TEST_WRITE").is_some() {
            fs::write(&path, &printed).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
        let kept = fs::read_to_string(path).unwrap_or_else(|e| panic!("{file}: {e}"));
        // Not assert_eq: a difference is a line or two of thousands.
        let mut lines = printed.lines().zip(kept.lines());
        let first = lines.find(|(printed, kept)| printed != kept);
        assert!(printed == kept, "{first:?}: write it anew with: cargo run -- schema {name} > {file}");
    }
}
