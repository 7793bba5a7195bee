//! InfluxDB's line protocol over a real socket: the routes of both versions, every place of a key, refused lines, and what
//! senders decide by the status.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

use super::{count, number};
use crate::support::{Answer, Client, Server, assert_members, rows, run_node, run_python, sized, test_seed};

const TEXT: &str = "text/plain; charset=utf-8";

async fn write(client: &Client, path: &str, body: &str) -> Answer {
    client.send("POST", path, &[("content-type", TEXT)], body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_write_lines() {
    let (_server, client) = Server::with_client(&[]).await;
    let line = "cpu,host=edge-1,cpu=cpu0 usage=1.5,state=\"on\" 1700000000";
    for (path, body) in rows![
        "/write?db=telegraf&precision=s", line;
        "/api/v2/write?org=default&bucket=plant&precision=s", "\u{feff}temp value=21.5 1700000001\ntemp value=22 1700000002";
        "/api/v2/write?bucket=plant", "# nothing but a comment\n";
    ] {
        write(&client, path, body).await.about(&path).is(204, &Value::Null);
    }
    let query = "SELECT d.name AS device, s.name AS stream, r.value, r.text FROM readings r JOIN streams s ON s.id = r.stream_id \
        JOIN devices d ON d.id = s.device_id ORDER BY r.ts, s.name";
    let rows = client.sql(query).await;
    let expected = [
        json!({"device": "edge-1", "stream": "cpu.state,cpu=cpu0", "value": null, "text": "on"}),
        json!({"device": "edge-1", "stream": "cpu.usage,cpu=cpu0", "value": 1.5, "text": null}),
        json!({"device": "plant", "stream": "temp.value", "value": 21.5, "text": null}),
        json!({"device": "plant", "stream": "temp.value", "value": 22.0, "text": null}),
    ];
    assert_eq!(rows, expected);
    let actions = client
        .sql("SELECT count(*) AS n FROM audit_log WHERE action = 'create' AND kind IN ('device', 'data')");
    assert!(number(&actions.await) >= 5, "new devices and streams are in the audit log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_lines_are_told_with_their_numbers() {
    let (_server, client) = Server::with_client(&[]).await;
    let body = "m v=1\nm v=oops\nm v=2\nm\n";
    let answer = write(&client, "/api/v2/write?bucket=plant", body).await;
    let answer = answer.has(400, json!({"code": "invalid"}));
    let message = answer["message"].as_str().unwrap_or_default();
    for expected in ["partial write (values written: 2, lines refused: 2): ", "line 2: ", "line 4: "] {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(count(&client).await, 2);
    let (status, answer) = write(&client, "/write?db=plant&atomic=true", body).await.outcome();
    let message = answer["error"].as_str().unwrap_or_default();
    assert!(status == 400 && message.starts_with("nothing was written: line 2: "), "{answer}");
    assert_eq!(count(&client).await, 2);
    for (path, field) in [("/write?precision=days", "precision"), ("/write?atomic=perhaps", "atomic")] {
        let answer = write(&client, path, "m v=1").await.expect(400);
        assert!(answer["error"].as_str().unwrap_or_default().contains(field), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_find_what_they_ask_for_first_and_put_a_key_wherever_they_do() {
    let (_server, client) = Server::with_client(&[]).await;
    client.without_key().get("/ping").await.with_header("x-influxdb-version", "1.8-basalt").expect(204);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = client.send("POST", "/query", &form, "q=CREATE+DATABASE+%22telegraf%22").await;
    answer.is(200, &json!({"results": [{"statement_id": 0}]}));
    let answer = client.get("/query?q=SELECT%20*%20FROM%20cpu").await.expect(400);
    assert!(answer["error"].as_str().unwrap_or_default().contains("/sql"), "{answer}");

    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all("m v=1 1000\n".repeat(3).as_bytes()).unwrap();
    let headers = [("content-encoding", "gzip"), ("content-type", TEXT)];
    client.send("POST", "/write?db=plant", &headers, gzip.finish().unwrap()).await.expect(204);
    assert_eq!(count(&client).await, 1, "three lines of one time are one reading");

    let key = client.key().expect("the client has a key").to_owned();
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("telegraf:{key}"));
    let nobody = client.without_key();
    for (headers, path, expected) in [
        (vec![("authorization", format!("Token {key}"))], "/write?db=a", 204),
        (vec![("authorization", format!("Bearer {key}"))], "/write?db=a", 204),
        (vec![("authorization", format!("Basic {basic}"))], "/write?db=a", 204),
        (vec![], &*format!("/write?db=a&u=telegraf&p={key}"), 204),
        (vec![], "/write?db=a", 401),
        (vec![("authorization", "Token wrong".to_owned())], "/write?db=a", 401),
        (vec![("authorization", format!("Token {key}"))], "/api/v2/write?org=other&bucket=a", 404),
    ] {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = nobody.send("POST", path, &headers, "m v=1").await;
        answer.about(&format!("{headers:?} {path}")).expect(expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_influxdb_writes_here() {
    let (_server, client) = Server::with_client(&[]).await;
    let key = client.key().expect("the client has a key");
    let outcome = run_python("influx_writer.py", &[client.address(), key]).await;
    assert_members(&outcome, &json!({"ping": true, "version": "1.8-basalt", "status": 400}));
    let message = outcome["message"].as_str().unwrap_or_default();
    assert!(message.contains("line 2: `oops` is no value"), "{outcome}");
    let query = "SELECT d.name AS device, s.name AS stream, s.type, r.value, r.text, r.ts FROM readings r \
        JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id \
        WHERE s.name <> 'm.v' ORDER BY r.ts, s.name";
    let rows = client.sql(query).await;
    let time = "2023-11-14T22:13:20Z";
    let row = |stream: &str, kind: &str, value: Value, text: Value| {
        let stream = format!("wea ther,1.{stream},lo,c=at=a=b,c d");
        json!({"device": "edge 1", "stream": stream, "type": kind, "value": value, "text": text, "ts": time})
    };
    let expected = [
        row("count", "int64", json!(9007199254740992.0), json!("9007199254740993")),
        row("no te", "text", Value::Null, json!("say \"hi\" \\ there, = all")),
        row("ok", "bit", json!(1.0), Value::Null),
        row("temp", "fp64", json!(21.5), Value::Null),
        json!({"device": "plant", "stream": "plain.value", "type": "fp64", "value": -0.0015, "text": null,
            "ts": "2023-11-14T22:13:21Z"}),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_influxdb_for_node_writes_here() {
    let (_server, client) = Server::with_client(&[]).await;
    let key = client.key().expect("the client has a key");
    let outcome = run_node("influx_writer.mjs", &[&format!("http://{}", client.address()), key]).await;
    assert_eq!(outcome["status"], json!(400), "{outcome}");
    let message = outcome["message"].as_str().unwrap_or_default();
    assert!(message.contains("line 2: `oops` is no value"), "{outcome}");
    let query = "SELECT s.name AS stream, count(*) AS n, max(r.value) AS most, max(r.text) AS text FROM readings r \
        JOIN streams s ON s.id = r.stream_id WHERE s.name <> 'm.v' GROUP BY 1 ORDER BY 1";
    let rows = client.sql(query).await;
    let row = |stream: &str, n: i64, most: Value, text: Value| json!({"stream": stream, "n": n, "most": most, "text": text});
    let name = |field: &str| format!("wea ther,1.{field},lo,c=at=a=b,c d");
    let expected = [
        row("counter.n", 2500, json!(2499.0), Value::Null),
        row(&name("count"), 1, json!(12.0), Value::Null),
        row(&name("no te"), 1, Value::Null, json!("say \"hi\" \\ there, = all")),
        row(&name("ok"), 1, json!(1.0), Value::Null),
        row(&name("temp"), 1, json!(21.5), Value::Null),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn influxdb_itself_accepts_and_stores_the_same() {
    let influxd = std::env::var("BASALT_TEST_INFLUXD").expect("tests/run.sh names InfluxDB's program");
    let (lines, seed) = (sized("400", "20000"), (1 + test_seed()).to_string());
    let (_server, client) = Server::with_client(&[]).await;
    let (url, key) = (format!("http://{}", client.address()), client.key().expect("the client has a key"));
    let outcome = run_python("influx_oracle.py", &[&url, key, &influxd, &seed, lines]).await;
    assert_eq!(outcome["lines"].to_string(), lines);
    let third = outcome["lines"].as_i64().unwrap_or_default() / 3;
    assert!(outcome["accepted"].as_i64() > Some(third), "{outcome}");
    let differences = outcome["differences"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(differences.is_empty(), "{} lines differ, such as {:#}", differences.len(), differences[0]);
}
