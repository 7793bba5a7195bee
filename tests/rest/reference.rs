//! Every example of DataStone's API reference (tests/data/datastone/reference.txt), sent as it is printed: by curl,
//! with only the host and the key replaced. Where the reference prints an answer, ours has its shape.

use std::process::Command;

use basalt::domain::device::Protocol;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::matches;
use crate::plc::simulator;
use crate::support::{Client, Server};

const REFERENCE: &str = include_str!("../data/datastone/reference.txt");
const PRINTED_HOST: &str = "http://datastone.local:8000";

/// A command of the reference, or a payload that it prints for an endpoint, and the answer printed below it.
#[derive(Debug, PartialEq)]
struct Example {
    command: String,
    answer: Option<Value>,
}

/// The examples in order: lines from `curl` on that end in a backslash, and JSON after them or after a line that
/// ends in `payload:`.
fn examples() -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut lines = REFERENCE.lines().peekable();
    let mut is_payload = false;
    while let Some(line) = lines.next() {
        if line.starts_with("curl ") {
            let mut command = line.to_owned();
            while command.ends_with('\\') {
                command = format!("{}{}", command.trim_end_matches('\\'), lines.next().expect("it goes on"));
            }
            found.push(Example { command, answer: None });
        } else if line == "{" || line == "[" {
            let mut text = line.to_owned();
            while serde_json::from_str::<Value>(&text).is_err() {
                text.push_str(lines.next().expect("the JSON ends"));
            }
            let printed = serde_json::from_str(&text).expect("checked above");
            if is_payload {
                found.push(Example { command: format!("payload {text}"), answer: None });
            } else {
                found.last_mut().expect("an answer follows its command").answer = Some(printed);
            }
        } else if line.trim().is_empty() {
            continue;
        }
        is_payload = line.ends_with("payload:");
    }
    found
}

/// Whether two values are of the same JSON types with the same keys; of lists the first items are compared.
fn same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, item)| b.get(key).is_some_and(|b| same_shape(item, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.first().zip(b.first()).map_or(a.len() == b.len(), |(a, b)| same_shape(a, b))
        }
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Runs a command line in a shell with the key in its environment; status and body of the answer.
async fn run(command: &str, key: &str) -> (u16, Value) {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!(r#"{command} --silent --show-error --noproxy '*' -w '\n%{{http_code}}'"#));
    shell.env("DATASTONE_API_KEY", key);
    let output = tokio::task::spawn_blocking(move || shell.output()).await.expect("it was run");
    let output = output.expect("a shell and curl are there");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = stdout.rsplit_once('\n').unwrap_or_else(|| panic!("{command}: {output:?}"));
    (status.parse().expect("a status"), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

/// A page for the example of event processing.
async fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let body = "<p id=price data-value=12.5>12.50</p>";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap_or(());
        }
    });
    format!("http://{address}/")
}

/// Creates what the examples take for granted: device 1, stream 10 with its value, event log 55.
async fn prepare(client: &Client) {
    let device =
        json!({"name": "Press 1", "protocol": "melsec", "host": "192.0.2.10", "poll_interval": null});
    assert_eq!(client.create("/api/device/", &device).await, 1);
    let line = client.create("/api/device/", &json!({"name": "Line", "protocol": "virtual"})).await;
    for n in 1..=10 {
        let stream = json!({"name": format!("s{n}"), "device": line, "type": "fp64"});
        assert_eq!(client.create("/api/data/", &stream).await, n);
    }
    let value = json!({"timestamp": "2026-04-28T12:00:00Z", "value": 1200.5});
    client.post("/api/data/10/value/", &value).await.created();
    let url = page().await;
    for n in 1..=55 {
        assert_eq!(client.create("/api/event-log/", &json!({"kind": "quote", "url": url})).await, n);
    }
}

#[tokio::test]
async fn every_example_of_the_reference_answers_as_printed() {
    let sim = simulator(Protocol::Melsec).await;
    let (server, client) = Server::with_client(&[("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1")]).await;
    prepare(&client).await;
    client.patch("/api/device/1/", &json!({"host": "127.0.0.1", "port": sim.addr().port()})).await.ok();
    let at_home = |command: &str| command.replace(PRINTED_HOST, &server.url);
    let at_noon = json!({"data": 10, "timestamp": "2026-04-28T12:00:00Z", "value": 1200.5});
    let hour = json!([{"data": 10, "timestamp": "2026-04-28T12:00:00Z", "mean": 1200.5, "min": 1200.5,
                       "max": 1200.5}]);
    // A piece of the example, the endpoint of a payload, status, answer ("*" is any value).
    let expected = [
        ("device/1/io/D16000/?type=int32", "", 200, json!({"value": "*"})),
        (r#"{"value": 42}"#, "", 200, json!({"written": true, "value": 42})),
        (r#"{"name":"Motor RPM""#, "", 201, Value::from("*")),
        ("data/10/value/?limit=2", "", 200, json!([at_noon])),
        (r#"{"timestamp":"#, "", 200, at_noon.clone()),
        ("step=PT1H", "", 200, hour),
        ("event-log/55/process/", "", 200, Value::from("*")),
        ("terminal_id", "/api/webrtc/terminal-grant/", 201, Value::from("*")),
        ("hypertable", "/api/retention/", 201, Value::from("*")),
    ];
    let examples = examples();
    assert_eq!(examples.len(), expected.len(), "an example more or less: {examples:#?}");
    for (example, (piece, endpoint, status, answer)) in examples.iter().zip(&expected) {
        assert!(example.command.contains(piece), "{piece}: {example:?}");
        let (got_status, got) = match example.command.strip_prefix("payload ") {
            Some(body) => {
                let body: Value = serde_json::from_str(body).expect("it was parsed before");
                let (status, answer) = client.post(endpoint, &body).await.outcome();
                (status, answer)
            }
            None => run(&at_home(&example.command), &server.key).await,
        };
        assert!(got_status == *status && matches(&got, answer), "{example:?}\n  got {got_status} {got}");
        if let Some(printed) = &example.answer {
            assert!(same_shape(&got, printed), "{example:?}\n  got {got}");
        }
    }
    // What they did is done.
    assert_eq!(client.get("/api/device/1/io/D16000/?type=int32").await.body, json!({"value": 42}));
    let motor = client.get("/api/data/11/").await;
    motor.has(200, json!({"name": "Motor RPM", "device": 1, "path": "D16000", "type": "int32"}));
    let event = client.get("/api/event-log/55/").await.body;
    assert!(event["payload"]["processed"]["results"].to_string().contains("12.5"), "{event}");
    let policies = client.get("/api/retention/").await.body;
    assert!(policies.to_string().contains("core_value"), "{policies}");
}
