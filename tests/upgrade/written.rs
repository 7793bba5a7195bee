//! A small data directory with a bit of everything, and the questions that show that it is all there.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::support::{Client, DataDir, PASSWORD, Server, until};

/// A user who may log in.
pub const USER: &str = "keeper";

const PATIENCE: Duration = Duration::from_secs(60);

/// Questions by name: a statement, or a path of the REST API. Each has an order, and leaves out what changes by itself.
pub const QUESTIONS: [(&str, Question); 8] = [
    (
        "readings",
        Question::Sql("SELECT stream_id, ts, value, text, quality FROM readings ORDER BY stream_id, ts"),
    ),
    (
        "figures",
        Question::Sql(
            "SELECT stream_id, count(*) AS n, min(ts) AS oldest, max(ts) AS newest, sum(value) AS sum, min(value) AS low, \
             max(value) AS high FROM readings GROUP BY stream_id ORDER BY stream_id",
        ),
    ),
    (
        "hours",
        Question::Sql(
            "SELECT stream_id, time_bucket('1 hour', ts) AS begins, count(value) AS n, avg(value) AS mean FROM readings \
             WHERE stream_id = 1 GROUP BY 1, 2 ORDER BY 1, 2",
        ),
    ),
    ("streams", Question::Sql("SELECT id, device_id, name, unit, type FROM streams ORDER BY id")),
    ("devices", Question::Sql("SELECT id, name, protocol FROM devices ORDER BY id")),
    ("events", Question::Rest("/api/event-log/", &["id", "kind", "level", "message", "device", "payload"])),
    (
        "rules",
        Question::Rest(
            "/api/rule/",
            &[
                "uuid",
                "version",
                "name",
                "stream",
                "operator",
                "threshold",
                "severity",
                "cooldown_seconds",
                "enabled",
            ],
        ),
    ),
    ("groups", Question::Rest("/api/group/", &["id", "name", "data"])),
];

/// How something is asked.
#[derive(Clone, Copy)]
pub enum Question {
    /// By a statement.
    Sql(&'static str),
    /// As a list over REST, of which these fields count.
    Rest(&'static str, &'static [&'static str]),
}

/// Asks all questions.
pub async fn answers(client: &Client) -> Value {
    let mut answers = Map::new();
    for (name, question) in QUESTIONS {
        let rows = match question {
            Question::Sql(statement) => client.sql(statement).await,
            Question::Rest(path, fields) => list(client, path, fields).await,
        };
        answers.insert(name.to_owned(), rows.into());
    }
    answers.into()
}

async fn list(client: &Client, path: &str, fields: &[&str]) -> Vec<Value> {
    let rows = client.get(path).await.ok();
    let rows = rows.as_array().unwrap_or_else(|| panic!("{path}: {rows}"));
    let kept = rows.iter().map(|row| fields.iter().map(|field| ((*field).to_owned(), row[field].clone())));
    kept.map(|fields| Value::Object(fields.collect())).collect()
}

/// Writes a directory: readings in merged files, in files of one flush and in the log alone, of every type; devices, streams, a
/// group, an alert rule that has fired, an event and a user. The server is killed, so that the log is as a crash leaves it.
pub async fn data_dir() -> (DataDir, Value) {
    let (mut server, client) = Server::with_client(&[]).await;
    let device = json!({"name": "Press", "protocol": "virtual"});
    let device = client.create("/api/device/", &device).await;
    for (name, kind, unit) in
        [("pressure", "fp64", "bar"), ("state", "text", ""), ("pieces", "int64", ""), ("open", "bit", "")]
    {
        let stream = json!({"name": name, "device": device, "type": kind, "unit": unit});
        client.create("/api/data/", &stream).await;
    }
    client.create("/api/group/", &json!({"name": "Hall 1", "data": [1, 2]})).await;
    let user = ["user", "create", USER, "--superuser", "--password-stdin"];
    server.data_dir.basalt_with(&user, &[], &format!("{PASSWORD}\n")).await.expect_success();
    // Two rounds on one day become one file, late rows included; the third day has a file of one flush.
    for (round, day) in [(0, 27), (1, 27), (2, 28)] {
        write(&client, round, day).await;
        server.basalt(&["compact"]).await.expect_success();
    }
    let rule = json!({"name": "high", "stream": 1, "operator": "GT", "threshold": 100, "severity": "WARNING", "cooldown_seconds": 0});
    client.post("/api/rule/", &rule).await.created();
    let event = json!({"kind": "note", "level": "info", "message": "kept", "device": device});
    client.create("/api/event-log/", &event).await;
    client.post("/api/data/1/value/", &json!({"value": 120})).await.created();
    until!("the rule raises an alert", PATIENCE; client.get("/api/event-log/").await.ok().as_array().is_some_and(|events| events.len() >= 2));
    write(&client, 3, 29).await;
    let answers = answers(&client).await;
    server.kill();
    (server.data_dir.copy(), answers)
}

/// Writes twenty readings of each stream, the later rounds of a day partly among the earlier.
async fn write(client: &Client, round: u32, day: u32) {
    let mut body = String::new();
    for n in 0..20 {
        let ts = format!("2026-04-{day:02}T{:02}:{:02}:00Z", n / 4, n % 4 * 15 + round);
        let whole = i64::from(n * 7 + round);
        for (stream, key, value) in [
            (1, "value", json!(f64::from(n) / 7.0 + f64::from(round))),
            (2, "text", json!(format!("state {}", n % 3))),
            (3, "value", json!(whole * 1_000_000)),
            (4, "value", json!(whole % 2)),
        ] {
            body += &format!("{}\n", json!({"stream_id": stream, "ts": ts, key: value}));
        }
    }
    client.ingest("application/x-ndjson", body).await.ok();
}
