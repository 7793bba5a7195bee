//! `/api/device/test/`: what devices answer before they are saved.

use basalt::domain::device::Protocol;
use serde_json::{Value, json};

use super::io::{grumpy, simulator, with_simulator};
use crate::plc;
use crate::support::{Client, Server, SimulatorProcess, assert_members, free_port, with};

const TEST: &str = "/api/device/test/";

/// A device on this machine, with what is read of it.
fn asked(protocol: &str, port: u16, registers: &[&str]) -> Value {
    json!({"name": "new", "protocol": protocol, "host": "127.0.0.1", "port": port, "timeout": 2, "registers": registers})
}

async fn tested(client: &Client, body: &Value) -> Value {
    client.post(TEST, body).await.ok()
}

/// The text of a register's value in a type and word order.
fn value_of(register: &Value, kind: &str, order: &str) -> Option<String> {
    let values = register["values"].as_array().unwrap();
    let found = values.iter().find(|value| value["type"] == kind && value["wordorder"] == order)?;
    found["value"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn registers_are_shown_in_every_type_and_order_and_nothing_is_stored() {
    let (sim, _server, client) = with_simulator().await;
    let device = super::io::plc(&client, "Plant", sim.addr().port(), json!({})).await;
    client.post(&format!("/api/device/{device}/io/hr:0/"), &json!({"value": 1200})).await.ok();
    let answer =
        tested(&client, &asked("modbus", sim.addr().port(), &["hr:0", "co:1", "hr:70000", "D1"])).await;
    assert_members(&answer, &json!({"reached": true, "error": null}));
    let (connect, round_trip) = (answer["connect_ms"].as_f64(), answer["round_trip_ms"].as_f64());
    assert!(connect >= Some(0.0) && round_trip > Some(0.0), "{answer}");
    let [word, coil, beyond, foreign] = answer["registers"].as_array().unwrap().as_slice() else {
        panic!("four registers: {answer}");
    };
    assert_members(word, &json!({"register": "hr:0", "error": null, "/raw/0": "04b0"}));
    assert_eq!(value_of(word, "uint16", "abcd").as_deref(), Some("1200"), "{word}");
    assert_eq!(value_of(word, "uint16", "badc").as_deref(), Some("45060"), "{word}");
    let number = |raw: &Value| u32::from_str_radix(raw.as_str().unwrap(), 16).unwrap();
    let words: Vec<u32> = word["raw"].as_array().unwrap().iter().map(number).collect();
    let wide = (words[1] << 16 | words[0]).to_string();
    assert_eq!(value_of(word, "uint32", "cdab"), Some(wide), "the low word first: {word}");
    assert_eq!(coil["values"].as_array().unwrap().len(), 1, "a coil is a bit: {coil}");
    assert_eq!((&coil["values"][0]["type"], &coil["values"][0]["wordorder"]), (&json!("bit"), &Value::Null));
    for register in [beyond, foreign] {
        assert!(register["error"].is_string() && register["values"] == json!([]), "{register}");
    }
    assert_eq!(client.get("/api/device/").await.body.as_array().unwrap().len(), 1, "the one of before");
    assert_eq!(client.get("/api/value/").await.body, json!([]));
    let rows = client.sql("SELECT actor_name, kind, row_id FROM audit_log WHERE action = 'test'").await;
    assert_eq!(rows, [json!({"actor_name": "bootstrap", "kind": "device", "row_id": null})]);
}

#[tokio::test]
async fn plcs_of_other_makers_are_tested_up_to_their_last_register() {
    let (_server, client) = Server::with_client(&[]).await;
    let melsec = plc::simulator(Protocol::Melsec).await;
    let answer = tested(&client, &asked("melsec", melsec.addr().port(), &["D0", "D19999", "D20000"])).await;
    let registers = answer["registers"].as_array().unwrap();
    assert_eq!(registers[0]["raw"].as_array().unwrap().len(), 4, "{answer}");
    assert_eq!(registers[1]["raw"].as_array().unwrap().len(), 1, "the last one: {answer}");
    let last = |kind: &str| value_of(&registers[1], kind, "abcd");
    assert!(last("int16").is_some() && last("int32").is_none());
    assert!(registers[2]["error"].as_str().unwrap().contains("beyond what the CPU has"), "{answer}");
    let fenet = plc::simulator(Protocol::Fenet).await;
    let answer = tested(&client, &asked("fenet", fenet.addr().port(), &["%DW0", "%MX0"])).await;
    let registers = answer["registers"].as_array().unwrap();
    assert!(registers.iter().all(|register| register["error"].is_null()), "{answer}");
    assert!(value_of(&registers[0], "uint16", "abcd").is_some(), "{answer}");
    let s7 = plc::simulator(Protocol::S7).await;
    let registers = ["DB1.DBW0", "M0.0", "DB2.DBB39999", "DB9.DBW0"];
    let answer = tested(&client, &asked("s7", s7.addr().port(), &registers)).await;
    let registers = answer["registers"].as_array().unwrap();
    assert_eq!(registers[0]["raw"].as_array().unwrap().len(), 8, "four words: {answer}");
    assert_eq!(value_of(&registers[0], "uint16", "abcd"), Some("1480".to_owned()), "{answer}");
    assert_eq!(registers[2]["raw"], json!(["00"]), "the last byte: {answer}");
    assert!(registers[3]["error"].as_str().unwrap().contains("no such area or data block"), "{answer}");
}

#[tokio::test]
async fn an_opcua_server_is_tested_and_browsed() {
    let simulated = SimulatorProcess::start("opcua").await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = json!({"name": "new", "protocol": "opcua", "host": simulated.url, "timeout": 5});
    let wanted = json!({"registers": ["ns=2;s=values.UInt16", "ns=2;s=no.such.node", "Temp"]});
    let answer = tested(&client, &with(device.clone(), wanted)).await;
    let registers = answer["registers"].as_array().unwrap();
    let values = json!([{"type": null, "wordorder": null, "value": "4660"}]);
    assert_members(&registers[0], &json!({"data_type": "UInt16", "raw": [], "values": values}));
    assert!(registers[1]["error"].is_string() && registers[2]["error"].is_string(), "{answer}");

    let tree = client.post("/api/device/test/browse/", &device).await;
    let tree = tree.has(200, json!({"node_id": "i=85", "truncated": false}));
    let children = tree["children"].as_array().unwrap();
    let below = with(device.clone(), json!({"node": children.last().expect("the plant")["node_id"]}));
    client.post("/api/device/test/browse/", &below).await.has(200, json!({"node_id": below["node"]}));
    let answer = client.post("/api/device/test/browse/", &with(device, json!({"node": "Temp"}))).await;
    answer.is(400, &json!({"node": ["Invalid node id \"Temp\"."]}));
    let foreign = asked("modbus", free_port(), &[]);
    let answer = client.post("/api/device/test/browse/", &foreign).await;
    answer.is(400, &json!({"protocol": ["Only OPC UA servers and EtherNet/IP controllers are browsed."]}));
    assert_eq!(client.get("/api/device/").await.body, json!([]));
}

#[tokio::test]
async fn why_a_device_is_not_reached_is_said() {
    let (_server, client) = Server::with_client(&[]).await;
    let answer = tested(&client, &asked("modbus", free_port(), &["hr:0"])).await;
    let none = json!({"reached": false, "registers": [], "connect_ms": null, "round_trip_ms": null});
    assert_members(&answer, &none);
    assert!(answer["error"].as_str().unwrap().contains("refused"), "{answer}");
    let silent = asked("modbus", grumpy(None).await, &["hr:0", "hr:1"]);
    let answer = tested(&client, &with(silent, json!({"timeout": 0.3}))).await;
    assert_eq!((&answer["reached"], &answer["round_trip_ms"]), (&json!(true), &Value::Null), "{answer}");
    for register in answer["registers"].as_array().unwrap() {
        assert!(register["error"].as_str().unwrap().contains("did not answer within 0.3 s"), "{answer}");
    }
    let answer = tested(&client, &asked("modbus", grumpy(Some(2)).await, &["hr:0"])).await;
    assert!(answer["round_trip_ms"].as_f64() > Some(0.0), "a refusal is an answer: {answer}");
    assert!(answer["registers"][0]["error"].is_string(), "{answer}");
}

#[tokio::test]
async fn who_may_not_create_devices_tests_none() {
    let (sim, server, client) = with_simulator().await;
    let (device, _) = super::stream_of(&client, "own", "fp64").await;
    let body = asked("modbus", sim.addr().port(), &["hr:0"]);
    for args in [vec!["--scope", "device:read"], vec!["--device", &device.to_string()]] {
        let key = server.client_with(&args).await;
        for path in [TEST, "/api/device/test/browse/"] {
            key.post(path, &body).await.about(&format!("{args:?} {path}")).expect(403);
        }
    }
    client.without_key().post(TEST, &body).await.expect(401);
    let many: Vec<String> = (0..33).map(|number| format!("hr:{number}")).collect();
    let wide = with(body.clone(), json!({"registers": many}));
    let virtual_one = json!({"name": "v", "protocol": "virtual"});
    let nowhere = json!({"name": "m", "protocol": "modbus"});
    for (body, field) in
        [(wide, "registers"), (virtual_one, "protocol"), (nowhere, "host"), (json!({}), "protocol")]
    {
        let answer = client.post(TEST, &body).await.about(&field).expect(400);
        assert!(answer[field].is_array(), "{field}: {answer}");
    }
}

#[tokio::test]
async fn forbidden_networks_are_not_connected_to() {
    let sim = simulator().await;
    let (_server, client) = Server::with_client(&[("BASALT_COLLECT__NETWORKS", "10.20.0.0/16")]).await;
    for host in ["127.0.0.1", "localhost"] {
        let body = with(asked("modbus", sim.addr().port(), &["hr:0"]), json!({"host": host}));
        let answer = tested(&client, &body).await;
        assert_eq!(answer["reached"], false, "{host}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("collect.networks"), "{host}: {answer}");
    }
    let browse = json!({"name": "o", "protocol": "opcua", "host": "opc.tcp://127.0.0.1:4840"});
    client.post("/api/device/test/browse/", &browse).await.refused(502, "collect.networks");
}

#[tokio::test]
async fn an_organization_tests_two_devices_at_once() {
    let (_server, client) = Server::with_client(&[]).await;
    let silent = with(asked("modbus", grumpy(None).await, &["hr:0"]), json!({"timeout": 8}));
    let all = futures::future::join_all((0..3).map(|_| client.post(TEST, &silent))).await;
    let mut statuses: Vec<u16> = all.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
    let refused = asked("modbus", free_port(), &[]);
    client.post(TEST, &refused).await.about("there is room again").ok();
}

#[tokio::test]
async fn the_graph_tests_devices_too() {
    let (sim, server, client) = with_simulator().await;
    let query = "mutation Test($port: Int!, $registers: [String!]!) { testDevice(input: {name: \"n\", protocol: modbus, \
        host: \"127.0.0.1\", port: $port}, registers: $registers) { test { reached error connectMs roundTripMs \
        registers { register error raw dataType values { type wordorder value } } } errors { field message } } }";
    let ask = async |registers: Vec<&str>| {
        let variables = json!({"port": sim.addr().port(), "registers": registers});
        let answer = client.post("/graphql", &json!({"query": query, "variables": variables})).await.ok();
        answer["data"]["testDevice"].clone()
    };
    let answer = ask(vec!["hr:0"]).await;
    assert_eq!((&answer["test"]["reached"], &answer["errors"]), (&json!(true), &json!([])), "{answer}");
    let first = &answer["test"]["registers"][0]["values"][0];
    assert_eq!((&first["type"], &first["wordorder"]), (&json!("uint16"), &json!("abcd")), "{answer}");
    assert_members(&ask(vec!["hr:0"; 33]).await, &json!({"test": null, "/errors/0/field": "registers"}));
    let reader = server.client_with(&["--scope", "device:read"]).await;
    let variables = json!({"port": 1, "registers": []});
    let refused = reader.post("/graphql", &json!({"query": query, "variables": variables})).await.body;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
}
