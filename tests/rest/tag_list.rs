//! `/api/device/{id}/tag-list/`: tag lists of other programs, planned and imported over HTTP and GraphQL.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, assert_members};

const PLAIN: &str =
    "name;address;type;unit;scale\nspeed;hr:100;uint16;1/min;0,1\nlevel;hr:109;real;%;\nparts;hr:200;int;;\n";

/// Sends a list for a device.
async fn post(client: &Client, device: i64, query: &str, media: &str, list: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/api/device/{device}/tag-list/{query}");
    let body: Vec<u8> = list.into();
    client.send("POST", &path, &[("content-type", media)], body).await
}

async fn device(client: &Client, name: &str, protocol: &str) -> i64 {
    client.create("/api/device/", &json!({"name": name, "protocol": protocol, "host": "127.0.0.1"})).await
}

async fn streams(client: &Client) -> usize {
    client.get("/api/data/").await.body.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_list_is_planned_then_becomes_streams_once() {
    let (_server, client) = Server::with_client(&[]).await;
    let press = device(&client, "Press 2", "modbus").await;
    let plan = post(&client, press, "?dry_run=true", "text/csv", PLAIN).await;
    let about = json!({"applied": false, "format": "plain", "separator": "semicolon", "encoding": "UTF-8",
        "device": "Press 2", "protocol": "modbus", "added": 2, "unchanged": 0, "replaced": 0, "left_out": 1});
    let plan = plan.has(200, about);
    let settings = json!({"path": "hr:100", "type": "uint16", "unit": "1/min", "scale": 0.1, "offset": 0.0,
        "description": ""});
    let first = json!({"line": 2, "name": "speed", "outcome": "added", "stream": "speed", "settings": settings,
        "differences": [], "remark": null});
    assert_eq!(plan["lines"][0], first);
    let last = &plan["lines"][2];
    let left_out = json!(["left_out", 4, "parts", null, null]);
    let shown = ["outcome", "line", "name", "stream", "settings"].map(|name| &last[name]);
    assert_eq!(json!(shown), left_out);
    assert!(last["remark"].as_str().is_some_and(|why| why.starts_with("type `int` is none of")), "{last}");
    assert_eq!(streams(&client).await, 0, "a dry run changes nothing");

    let done = post(&client, press, "", "text/csv; charset=utf-8", PLAIN).await;
    done.has(200, json!({"applied": true, "lines": plan["lines"]}));
    assert_eq!(streams(&client).await, 2);
    let audited = client.sql("SELECT kind FROM audit_log WHERE action = 'create' AND kind = 'data'").await;
    assert!(!audited.is_empty(), "nothing was audited");

    let speed = client.get("/api/data/?name=speed").await.ok()[0]["id"].clone();
    client.patch(&format!("/api/data/{speed}/"), &json!({"unit": "rpm"})).await.ok();
    let again = post(&client, press, "", "text/plain", PLAIN).await;
    let again = again.has(200, json!({"added": 0, "unchanged": 2, "left_out": 1}));
    let difference = json!([{"field": "unit", "stream": "rpm", "list": "1/min"}]);
    assert_members(&again["lines"][0], &json!({"outcome": "unchanged", "differences": difference}));
    assert_eq!(streams(&client).await, 2);
}

#[tokio::test]
async fn lists_of_every_program_are_taken_as_they_are() {
    let (_server, client) = Server::with_client(&[]).await;
    for (name, protocol, format, encoding, added, left_out) in [
        ("kepserver", "modbus", "kepserver", "windows-1252", 8, 3),
        ("tia_portal", "s7", "tia_portal", "UTF-16LE", 7, 2),
        ("studio5000", "eip", "studio5000", "UTF-8", 9, 3),
        ("plain", "modbus", "plain", "UTF-8", 4, 3),
    ] {
        let id = device(&client, name, protocol).await;
        let path = format!("{}/tests/fixtures/tags/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        post(&client, id, "?dry_run=true", "text/csv", std::fs::read(path).unwrap()).await.about(&name).has(
            200,
            json!({"format": format, "encoding": encoding, "device": name, "added": added, "left_out": left_out}),
        );
    }
}

#[tokio::test]
async fn what_is_no_list_or_too_long_changes_nothing() {
    let (_server, client) = Server::with_client(&[]).await;
    let press = device(&client, "Press 2", "modbus").await;
    let lines = |count: usize| format!("name,address,type\n{}", "a,b,c\n".repeat(count - 1));
    let long = |bytes: usize| format!("{PLAIN}{}", " ".repeat(bytes - PLAIN.len()));
    for (name, device, query, media, list, status) in [
        ("another device", press + 1, "", "text/csv", PLAIN.to_owned(), 404),
        ("another device before its body", press + 1, "", "application/json", String::new(), 404),
        ("another media type", press, "", "application/json", "{}".to_owned(), 415),
        ("no media type", press, "", "", PLAIN.to_owned(), 415),
        ("a word", press, "?dry_run=maybe", "text/csv", PLAIN.to_owned(), 400),
        ("nothing", press, "", "text/csv", String::new(), 400),
        ("readings", press, "", "text/csv", "ts,value\n1,2\n".to_owned(), 400),
        ("no text", press, "", "text/csv", "name,address,type\na,hr:0,\u{1}\n".to_owned(), 400),
        ("as many lines as are taken", press, "?dry_run=true", "text/csv", lines(20_000), 200),
        ("too many lines", press, "?dry_run=true", "text/csv", lines(20_001), 413),
        ("as long as is taken", press, "?dry_run=true", "text/csv", long(2 << 20), 200),
        ("too long", press, "?dry_run=true", "text/csv", long((2 << 20) + 1), 413),
    ] {
        post(&client, device, query, media, list).await.about(&name).expect(status);
    }
    let readings = post(&client, press, "", "text/csv", "ts,value\n1,2\n").await.expect(400);
    assert!(readings["detail"].as_str().is_some_and(|why| why.contains("Tag Name, Address")), "{readings}");
    assert_eq!(streams(&client).await, 0);
}

#[tokio::test]
async fn lists_are_for_unrestricted_keys_of_both_scopes() {
    let (server, client) = Server::with_client(&[]).await;
    let press = device(&client, "Press 2", "modbus").await;
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let rows: [(&str, &[&str], u16); 6] = [
        ("of devices", &["--scope", "device:write"], 403),
        ("of streams", &["--scope", "data:write"], 403),
        ("reading", &["--scope", "device:read", "--scope", "data:read"], 403),
        ("both", &["--scope", "device:read", "--scope", "data:write"], 200),
        ("restricted", &["--device", "1"], 403),
        ("another organization", &["--org", "other"], 404),
    ];
    for (name, args, status) in rows {
        let client = server.client_with(args).await;
        post(&client, press, "?dry_run=true", "text/csv", PLAIN).await.about(&name).expect(status);
    }
}

#[tokio::test]
async fn graphql_says_the_same_of_each_line() {
    let (_server, client) = Server::with_client(&[]).await;
    let press = device(&client, "Press 2", "modbus").await;
    let mutation = "mutation ($input: ImportTagListInput!) { importTagList(input: $input) { report { applied format separator
        device protocol added unchanged replaced leftOut lines { line name outcome stream remark
        settings { path type unit scale offset description } differences { field stream list } } } errors { field code } } }";
    let import = async |input: Value| {
        let answer =
            client.post("/graphql", &json!({"query": mutation, "variables": {"input": input}})).await;
        answer.body["data"]["importTagList"].clone()
    };
    let rest = post(&client, press, "?dry_run=true", "text/csv", PLAIN).await.ok();
    let dry = import(json!({"device": press.to_string(), "text": PLAIN, "dryRun": true})).await;
    let expected = json!([false, "plain", "semicolon", 2, 1, rest["lines"]]);
    let report = &dry["report"];
    let shown = ["applied", "format", "separator", "added", "leftOut", "lines"].map(|name| &report[name]);
    assert_eq!(json!(shown), expected, "{dry}");
    assert_eq!(streams(&client).await, 0);
    let done = import(json!({"device": press.to_string(), "text": PLAIN.replace('\n', "\r\n")})).await;
    assert_eq!((&done["report"]["applied"], &done["errors"]), (&json!(true), &json!([])), "{done}");
    assert_eq!(streams(&client).await, 2);
    let refused = import(json!({"device": "x", "text": PLAIN})).await;
    assert_members(&refused, &json!({"report": null, "/errors/0/field": "device"}));
    let unread = import(json!({"device": press.to_string(), "text": "a,b\n"})).await;
    assert_members(&unread, &json!({"report": null, "/errors/0/code": "INVALID"}));
}
