//! Control requests of the Instathings cloud, what gateways answer, and every API that shows both.

use basalt::domain::Micros;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::plain;
use super::model::{Command, Model, SECOND};
use super::plant::{Plant, text};
use crate::graphql;

/// How long an answer can be fetched, seconds.
const ANSWER_TTL_S: i64 = 3600;
/// More commands than there are.
const MANY: usize = 200;

/// Reports of a gateway: the state, a result and a reason.
type Report = (&'static str, Value, &'static str);

/// Asks for the state of a device or sets it; its gateway answers, and the answer is fetched.
pub async fn answer(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let kind = ["get", "get", "set"][rng.random_range(0..3)];
    let device = rng.random_range(0..model.devices.len());
    let place = queue(plant, model, device, kind, json!({"n": rng.random_range(0..1000)})).await;
    let result = json!({"state": "ON", "brightness": rng.random_range(0..255), "list": [1.5, null, false]});
    let reports: Vec<Report> = match rng.random_range(0..4) {
        0 => vec![("done", result, "")],
        1 => vec![("acknowledged", Value::Null, ""), ("done", result, "")],
        2 => vec![("failed", Value::Null, "no answer from the lamp")],
        _ => vec![("acknowledged", Value::Null, "")],
    };
    for report in reports {
        self::report(plant, model, place, report).await;
    }
}

/// Queues a command, which gateways see at once; returns its place in the model.
pub async fn queue(
    plant: &Plant,
    model: &mut Model,
    device: usize,
    kind: &'static str,
    body: Value,
) -> usize {
    let target = model.devices[device].clone();
    let action = if kind == "get" { "status" } else { "set" };
    let path = format!("/device/v1/control/{}/{action}?turn=on", target.key);
    let (status, headers, answer) = plant.cloud("POST", &path, &body).await.into_parts();
    assert_eq!((status, answer), (if kind == "get" { 202 } else { 200 }, json!({})), "{path}");
    let waiting = plant.get(&format!("/api/command/?device={}&limit=1", target.id)).await;
    let command = Command {
        uuid: text(&waiting[0]["uuid"]).to_owned(),
        key: text(&waiting[0]["key"]).to_owned(),
        device,
        kind,
        params: json!({"query": {"turn": "on"}, "body": body}),
        state: "pending",
        result: Value::Null,
        error: String::new(),
    };
    if kind == "get" {
        let expected = format!("/device/v1/control/{}/fetch", command.key);
        assert_eq!(headers["location"].to_str().expect("a path"), expected);
    }
    model.commands.push(command);
    check_row(&waiting[0], model, model.commands.len() - 1);
    model.commands.len() - 1
}

/// A gateway reports what became of a command. The report is seen at once.
pub async fn report(plant: &Plant, model: &mut Model, place: usize, (state, result, error): Report) {
    let command = &mut model.commands[place];
    let path = format!("/api/command/{}/result/", command.uuid);
    let body = json!({"state": state, "result": result, "error": error});
    (command.state, command.result, command.error) = (state, result, error.to_owned());
    let answer = plant.client.post(&path, &body).await.ok();
    check_row(&answer, model, place);
    check_fetched(plant, model, place, &answer).await;
}

/// Checks every command in REST, GraphQL and SQL, and what Instathings fetches of it.
pub async fn check(plant: &Plant, model: &Model) {
    let rest = plant.get(&format!("/api/command/?limit={MANY}")).await;
    let query = "query($first: Int) { commands(first: $first) { uuid type params state result error device { rowId } } }";
    let graph = graphql::data(&plant.client, query, json!({ "first": MANY })).await;
    let query =
        "SELECT uuid, key, device_id, type, params, state, result, error FROM commands ORDER BY id DESC";
    let sql = plant.client.sql(query).await;
    let rest = rest.as_array().expect("a list");
    let graph = graph["commands"].as_array().expect("a list");
    let counts = (rest.len(), graph.len(), sql.len());
    assert_eq!(counts, (model.commands.len(), model.commands.len(), model.commands.len()));
    // The newest is the first.
    for (row, place) in (0..model.commands.len()).rev().enumerate() {
        check_row(&rest[row], model, place);
        let command = &model.commands[place];
        let device = model.devices[command.device].id;
        let expected = json!({
            "uuid": command.uuid, "type": command.kind, "params": command.params, "state": command.state,
            "result": command.result, "error": command.error, "device": {"rowId": device},
        });
        assert_eq!(plain(&graph[row]), expected);
        let mut found = sql[row].clone();
        for column in ["params", "result"] {
            found[column] = serde_json::from_str(text(&found[column])).expect("JSON");
        }
        assert_eq!(plain(&found), native_row(model, command, "device_id"));
        check_fetched(plant, model, place, &rest[row]).await;
    }
}

fn check_row(row: &Value, model: &Model, place: usize) {
    let command = &model.commands[place];
    let mut shown = row.clone();
    let members = shown.as_object_mut().expect("an object");
    members.retain(|name, _| name != "id" && !name.ends_with("_at"));
    assert_eq!(plain(&shown), native_row(model, command, "device"));
    // Each state is reached at a time.
    let is_done = ["done", "failed"].contains(&command.state);
    assert_eq!(row["done_at"].is_string(), is_done, "{row}");
    assert!(command.state != "acknowledged" || row["acked_at"].is_string(), "{row}");
}

fn native_row(model: &Model, command: &Command, device: &str) -> Value {
    let mut row = json!({
        "uuid": command.uuid, "key": command.key, "type": command.kind, "params": command.params,
        "state": command.state, "result": command.result, "error": command.error,
    });
    row[device] = json!(model.devices[command.device].id);
    row
}

/// Only the answer to a request for a state is fetched; the time of the request is in its native row. An answer that is
/// not there yet is waited for, and late after a while.
async fn check_fetched(plant: &Plant, model: &Model, place: usize, row: &Value) {
    let command = &model.commands[place];
    let path = format!("/device/v1/control/{}/fetch", command.key);
    let (status, found) = plant.cloud("GET", &path, &Value::Null).await.outcome();
    if command.kind != "get" {
        assert_eq!((status, found), (404, json!({"message": "Not Found"})), "{path}");
        return;
    }
    let response = match command.state {
        "done" => command.result.clone(),
        "failed" => json!({"error": command.error}),
        _ => {
            assert!(status == 202 || status == 504, "{path}: {status} {found}");
            return;
        }
    };
    let created = Micros::parse(text(&row["created_at"])).expect("a time").0;
    let expected = json!({
        "projectId": "default", "response": response, "ttl": created.div_euclid(SECOND) + ANSWER_TTL_S,
        "deviceId": model.devices[command.device].key, "id": command.key,
    });
    assert_eq!((status, plain(&found)), (200, expected), "{path}");
}
