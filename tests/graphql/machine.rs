//! Fields of the graph beside rows: registers of devices, the Hamachi client, terminal grants, URLs of events, passwords.

use serde_json::{Value, json};

use super::{ask, codes, data};
use crate::rest::hamachi::FakeHamachi;
use crate::rest::io::{FORMS, grumpy, plc, with_simulator};
use crate::rest::{event, matches};
use crate::support::{Browser, Server, rows};

const WRITE: &str = "mutation($input: WriteRegisterInput!) { writeRegister(input: $input) { value errors { field message code } } }";

#[tokio::test]
async fn registers_are_read_and_written() {
    let (sim, _server, client) = with_simulator().await;
    let id = plc(&client, "Plant", sim.addr().port(), json!({})).await;
    let wrong = |field: &str, message: &str| json!({"value": null, "errors": [{"field": field, "message": message, "code": "INVALID"}]});
    let done = |value: Value| json!({"value": value, "errors": []});
    let rows = rows![
        "uint16_unless_said", json!({"register": "hr:0", "value": 1200}), done(json!(1200));
        "two_words", json!({"register": "hr:0", "type": "uint32", "byteorder": "abcd", "value": 91_750_800}),
            done(json!(91_750_800));
        "a_coil", json!({"register": "co:1", "value": true}), done(json!(true));
        "too_large", json!({"register": "hr:0", "value": 65_536}),
            wrong("value", "Ensure this value is less than or equal to 65535.");
        "no_number", json!({"register": "hr:0", "type": "text", "value": 1}),
            wrong("type", "\"text\" is not a valid choice. Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, fp32, fp64.");
        "no_register", json!({"register": "D1", "value": 1}), wrong("register", &format!("Invalid register \"D1\". {FORMS}"));
        "read_only", json!({"register": "ir:0", "value": 1}), wrong("register", "Register is read-only.");
        "no_device", json!({"device": 99, "register": "hr:0", "value": 1}),
            json!({"value": null, "errors": [{"field": null, "message": "not found", "code": "NOT_FOUND"}]});
    ];
    for (name, mut input, expected) in rows {
        if input.get("device").is_none() {
            input["device"] = json!(id);
        }
        let got = data(&client, WRITE, json!({ "input": input })).await;
        assert_eq!(got["writeRegister"], expected, "{name}");
    }
    let read = "query($id: Int) { device(rowId: $id) { word: register(name: \"40001\") coil: register(name: \"co:1\") \
                both: register(name: \"hr:0\", type: uint32, byteorder: big) } }";
    let got = data(&client, read, json!({ "id": id })).await;
    assert_eq!(got["device"], json!({"word": 1400, "coil": true, "both": 91_750_800}));
    // Each write that was confirmed is on record, as REST's are.
    let records = client.sql("SELECT row_id, request FROM audit_log WHERE action = 'write'").await;
    assert_eq!(records, vec![json!({"row_id": id, "request": "POST /graphql"}); 3]);
}

#[tokio::test]
async fn a_device_that_fails_fails_its_field_alone() {
    let (_server, client) = Server::with_client(&[]).await;
    let silent = plc(&client, "Silent", grumpy(None).await, json!({"timeout": 0.3})).await;
    let failing = plc(&client, "Failing", grumpy(Some(4)).await, json!({})).await;
    let disabled = plc(&client, "Disabled", 1, json!({"enabled": false})).await;
    let body = ask(&client, "{ devices { nodes { name register(name: \"hr:0\") } } }", json!({})).await;
    let names: Vec<&Value> =
        body["data"]["devices"]["nodes"].as_array().unwrap().iter().map(|n| &n["register"]).collect();
    assert_eq!(names, [&Value::Null; 3], "{body}");
    let mut found_codes = codes(&body);
    found_codes.sort_unstable();
    assert_eq!(found_codes, ["CONFLICT", "DEVICE_FAULT", "TIMEOUT"], "{body}");
    for (device, expected) in [(silent, "TIMEOUT"), (failing, "DEVICE_FAULT")] {
        let input = json!({"input": {"device": device, "register": "hr:0", "value": 1}});
        assert_eq!(codes(&ask(&client, WRITE, input).await), [expected]);
    }
    let input = json!({"input": {"device": disabled, "register": "hr:0", "value": 1}});
    let got = data(&client, WRITE, input).await;
    let expected = json!([{"field": null, "message": "Device is disabled.", "code": "CONFLICT"}]);
    assert_eq!(got["writeRegister"]["errors"], expected);
    // Asking many devices is dear before any of them is asked.
    let many = "{ devices(first: 1000) { nodes { register(name: \"hr:0\") } } }";
    let body = ask(&client, many, json!({})).await;
    assert_eq!(codes(&body), ["GRAPHQL_VALIDATION_FAILED"], "{body}");
}

#[tokio::test]
async fn only_who_has_the_device_speaks_to_it() {
    let (sim, server, client) = with_simulator().await;
    let mine = plc(&client, "Mine", sim.addr().port(), json!({})).await;
    let body = json!({"name": "speed", "device": mine, "path": "ir:0", "type": "uint16"});
    let stream = client.post("/api/data/", &body).await.body;
    server.basalt(&["org", "create", "elsewhere"]).await.expect_success();
    let key = async |args: &[&str]| server.client_with(args).await;
    let (device, stream) = (mine.to_string(), stream["id"].to_string());
    for (name, who, refused, writes) in [
        ("by_device", key(&["--device", &device]).await, None, Some("ok")),
        ("by_stream", key(&["--data", &stream]).await, Some("FORBIDDEN"), None),
        ("reader", key(&["--scope", "device:read"]).await, None, None),
        ("another_scope", key(&["--scope", "data:write"]).await, Some("FORBIDDEN"), None),
    ] {
        let read = json!({"id": mine});
        let body =
            ask(&who, "query($id: Int) { device(rowId: $id) { register(name: \"hr:1\") } }", read).await;
        assert_eq!(codes(&body).first().copied(), refused, "{name}: {body}");
        let input = json!({"input": {"device": mine, "register": "hr:1", "value": 77}});
        let body = ask(&who, WRITE, input).await;
        let expected = if writes.is_some() { vec![] } else { vec!["FORBIDDEN"] };
        assert_eq!(codes(&body), expected, "{name}: {body}");
    }
    let foreign = key(&["--org", "elsewhere"]).await;
    let input = json!({"input": {"device": mine, "register": "hr:1", "value": 78}});
    assert_eq!(data(&foreign, WRITE, input).await["writeRegister"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(sim.plant().tank.valve_pct, 7.7, "what was allowed was written, and nothing else");
}

#[tokio::test]
async fn the_hamachi_client_and_its_networks() {
    let fake = FakeHamachi::new();
    fake.set_output("do-join", "Joining plant .. ok\n");
    fake.set_output("leave", "Leaving plant one .. ok\n");
    let (server, client) = Server::with_client(&[("BASALT_HAMACHI__COMMAND", &fake.command())]).await;
    let rows = rows![
        "read",
            "{ hamachi { version pid status clientId address ipv6 nickname lmiAccount } hamachiNetworks { networkId name online capacity owner subnet peers { clientId status via } } \
             one: hamachiNetwork(networkId: \"398-581-422\") { name } none: hamachiNetwork(networkId: \"111-111-111\") { name } }",
            json!({
                "hamachi": {"version": "2.1.0.203", "pid": 26771, "status": "logged in", "clientId": "221-094-578", "address": "25.66.125.69",
                    "ipv6": "2620:9b::1942:7d45", "nickname": "onian", "lmiAccount": null},
                "hamachiNetworks": [
                    {"networkId": "plant one", "name": "plant one", "online": true, "capacity": "2/5", "owner": "onian (221-094-578)", "subnet": null,
                     "peers": [{"clientId": "090-111-222", "status": "online", "via": "direct"}, {"clientId": "094-139-744", "status": "pending", "via": null}]},
                    {"networkId": "398-581-422", "name": "test789-net", "online": false, "capacity": "4/256", "owner": "This computer",
                     "subnet": "192.168.155.24/24", "peers": []},
                ],
                "one": {"name": "test789-net"}, "none": null,
            }),
            "";
        "join",
            "mutation { joinHamachiNetwork(input: {network: \" plant \", password: \"se cret\"}) { network joined errors { field } } }",
            json!({"joinHamachiNetwork": {"network": "plant", "joined": "new", "errors": []}}), "<do-join><plant><se cret>";
        "join_what_is_none",
            "mutation { joinHamachiNetwork(input: {network: \"--h\"}) { network joined errors { field message code } } }",
            json!({"joinHamachiNetwork": {"network": null, "joined": null, "errors": [
                {"field": "network", "message": "Ensure this field has at least 4 characters.", "code": "INVALID"}]}}),
            "";
        "leave", "mutation { leaveHamachiNetwork(network: \"plant one\") { left errors { code } } }",
            json!({"leaveHamachiNetwork": {"left": "plant one", "errors": []}}), "<leave><plant one>";
        "leave_again", "mutation { leaveHamachiNetwork(network: \"plant two\") { left errors { code } } }",
            json!({"leaveHamachiNetwork": {"left": null, "errors": [{"code": "NOT_FOUND"}]}}), "";
    ];
    for (name, query, expected, call) in rows {
        fake.calls();
        assert_eq!(data(&client, query, json!({})).await, expected, "{name}");
        let calls = fake.calls();
        let changing: Vec<&String> =
            calls.iter().filter(|call| !call.is_empty() && *call != "<list>").collect();
        assert_eq!(changing, Vec::from_iter((!call.is_empty()).then_some(call)), "{name}");
    }
    let of_others = server.create_key(&["--scope", "device:write"]).await;
    let body = ask(&client.with_key(&of_others), "{ hamachi { version } }", json!({})).await;
    assert_eq!(codes(&body), ["FORBIDDEN"], "{body}");
}

#[tokio::test]
async fn a_terminal_grant_is_used_once() {
    let (_server, client) = Server::with_client(&[]).await;
    let issue = "mutation { issueTerminalGrant(input: {terminalId: \"shell\", hostId: \"edge\", interactive: true, allowedPresets: [\"status\"]}) { \
                 token grant { jti sub terminalId hostId interactive allowedPresets issuedAt expiresAt } errors { field message } } }";
    let made = data(&client, issue, json!({})).await;
    let made = &made["issueTerminalGrant"];
    let grant = json!({"jti": "*", "sub": "1", "terminalId": "shell", "hostId": "edge", "interactive": true,
                       "allowedPresets": ["status"], "issuedAt": "*", "expiresAt": "*"});
    assert!(matches(made, &json!({"token": "*", "grant": grant, "errors": []})), "{made}");
    let redeem = "mutation($token: String!) { redeemTerminalGrant(token: $token) { grant { jti } errors { field message code } } }";
    let token = json!({"token": made["token"]});
    let first = data(&client, redeem, token.clone()).await;
    assert_eq!(first["redeemTerminalGrant"], json!({"grant": {"jti": made["grant"]["jti"]}, "errors": []}));
    // A token of the graph is one of REST, and used up in both.
    client.post("/api/webrtc/terminal-grant/validate/", &token).await.expect(400);
    let again = data(&client, redeem, token).await;
    let message = "This token is not valid, has expired, or was used before.";
    let expected =
        json!({"grant": null, "errors": [{"field": "token", "message": message, "code": "INVALID"}]});
    assert_eq!(again["redeemTerminalGrant"], expected);
    let blank = issue.replace("\"edge\"", "\"\"");
    let got = data(&client, &blank, json!({})).await;
    assert_eq!(got["issueTerminalGrant"]["errors"][0]["field"], "hostId", "{got}");
}

#[tokio::test]
async fn an_event_is_processed() {
    let (_server, client) = Server::with_client(&[("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1")]).await;
    let pages = event::pages("127.0.0.1").await;
    let process = "mutation($id: Int!, $input: ProcessEventInput) { processEvent(rowId: $id, input: $input) { \
                   event { payload } processed { status contentType selector attr results } errors { field message code } } }";
    let none = |field: &str, message: &str| json!({"event": null, "processed": null, "errors": [{"field": field, "message": message, "code": "INVALID"}]});
    for (name, url, input, expected) in rows![
        "an_attribute", format!("http://{pages}/page"), json!({"selector": "#price", "attr": "data-value"}),
            json!({"event": "*", "processed": {"status": 200, "contentType": "text/html", "selector": "#price", "attr": "data-value",
                   "results": ["12.5"]}, "errors": []});
        "no_url", String::new(), Value::Null, none("url", "This event log has no URL.");
        "no_selector", format!("http://{pages}/page"), json!({"selector": "##"}), none("selector", "Invalid CSS selector.");
        "closed", "http://10.0.0.1/".to_owned(), Value::Null, none("url", "Address is not allowed.");
    ] {
        let query =
            "mutation($url: String) { createEvent(input: {kind: \"a\", url: $url}) { event { rowId } } }";
        let made = data(&client, query, json!({ "url": url })).await;
        let id = &made["createEvent"]["event"]["rowId"];
        let got = data(&client, process, json!({"id": id, "input": input})).await;
        let got = &got["processEvent"];
        assert!(matches(got, &expected), "{name}: {got}");
        if name == "an_attribute" {
            assert_eq!(got["event"]["payload"]["processed"]["results"], json!(["12.5"]), "{name}");
        }
    }
    let query =
        "mutation { createEvent(input: {kind: \"a\", url: \"http://127.0.0.1:1/\"}) { event { rowId } } }";
    let failed = data(&client, query, json!({})).await;
    let id = &failed["createEvent"]["event"]["rowId"];
    assert_eq!(codes(&ask(&client, process, json!({ "id": id })).await), ["DEVICE_FAULT"]);
}

#[tokio::test]
async fn a_person_changes_their_password() {
    let server = Server::start(&[]).await;
    let change = |old: &str, new: &str| json!({"query": format!("mutation {{ changePassword(input: {{oldPassword: \"{old}\", newPassword: \"{new}\"}}) {{ changed errors {{ field message code }} }} }}")});
    let body = server.client().post("/graphql", &change("a", "b")).await.body;
    assert_eq!(codes(&body), ["FORBIDDEN"], "a key has none: {body}");
    let mut ann = server.person("ann", &["--superuser"]).await;
    let elsewhere = Browser::log_in(&server, "ann", "correct horse").await;
    let body = ann.post("/graphql", &change("wrong", "new horse 9")).await.body;
    let wrong = json!({"changed": false, "errors": [{"field": "oldPassword", "message": "Invalid password.", "code": "INVALID"}]});
    assert_eq!(body["data"]["changePassword"], wrong, "{body}");
    let body = ann.post("/graphql", &change("correct horse", "new horse 9")).await.body;
    assert_eq!(body["data"]["changePassword"], json!({"changed": true, "errors": []}), "{body}");
    elsewhere.get("/api/session/").await.about("every other session ends").expect(401);
    ann.get("/api/session/").await.ok();
    Browser::log_in(&server, "ann", "new horse 9").await;
}
