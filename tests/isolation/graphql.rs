//! The graph, as those see it who may see a part or nothing: no field, nested or not, holds a row of somebody else.

use serde_json::json;

use super::fixture::{IsolationFixture, SECRET, SECRET_VALUE};
use super::platform_rows;
use crate::graphql::{ask, codes, data};
use crate::support::{Client, rows};

/// Questions about everything there is, by lists, by nesting, by number and by name.
fn questions(world: &IsolationFixture) -> Vec<String> {
    let mut documents = vec![
        "{ me { kind restricted allowedDevices allowedData organization } }".to_owned(),
        "{ devices(first: 1000) { totalCount nodes { name metadata streams { totalCount nodes { name latest { value text } values { totalCount nodes { value text } } statistics { mean } group { name } device { name } } } } } }".to_owned(),
        "{ streams(first: 1000) { totalCount edges { cursor node { id name device { name streams { nodes { name } } } } } } }".to_owned(),
        "{ products { totalCount nodes { name metadata templates { name } parent { name } } } clients { nodes { clientId name } } }".to_owned(),
        "{ devices(first: 1000) { nodes { key externalId owner product { name } parentDevice { name } } } streams(first: 1000) { nodes { channel pin label } } }".to_owned(),
        "{ messages(first: 1000) { totalCount nodes { payload device { name } sensors { sensorId value } } } commands(first: 1000) { type params } }".to_owned(),
        "{ components { nodes { name device { name } } } sites { nodes { name devices { nodes { name } } } } deviceGroups { nodes { name tags devices { nodes { name } } } } }".to_owned(),
        "{ desiredStateBindings { nodes { status device { name } } } configArtefacts { nodes { name content } } packs { nodes { key } } sensorProfiles { nodes { key } } deviceProfiles { nodes { key } } }".to_owned(),
        "{ quarantinedReadings { totalCount nodes { topic payload detail device { name } stream { name } } } mqttSessions { nodes { clientId } } registrationTokens { nodes { device { name } } } }".to_owned(),
        "{ devices(first: 10) { nodes { tags site { name } deviceGroups { name devices { nodes { name } } } components { name } desiredStateBindings { status } } } }".to_owned(),
        "{ annotations(first: 1000) { totalCount nodes { uuid classKey scopeType scopeId note createdBy values device { name } stream { name } } } }".to_owned(),
        "{ alertRules(first: 1000) { totalCount nodes { uuid name description suppressedAlerts stream { name } device { name } } } exports(first: 1000) { totalCount nodes { uuid requestedBy scopeId error } } }".to_owned(),
        "{ groups { totalCount nodes { name description streams { totalCount nodes { name } } } } }".to_owned(),
        "{ events(first: 1000) { totalCount nodes { kind message payload device { name } stream { name } } } }".to_owned(),
        "{ latestValues { stream { name } value text } }".to_owned(),
        "{ sql(query: \"SELECT * FROM readings\") { rows } }".to_owned(),
        "{ sql(query: \"SELECT name FROM streams UNION SELECT name FROM devices UNION SELECT message FROM events\") { rows } }".to_owned(),
        "{ queryLog(first: 1000) }".to_owned(),
        "{ retention { table dropAfter } health { ok } }".to_owned(),
        "{ users { totalCount nodes { username role } } }".to_owned(),
        "{ opcuaCertificates { fingerprint subject devices { name } } }".to_owned(),
    ];
    for stream in world.hidden.iter().chain(&world.foreign) {
        let id = stream.0;
        documents.push(format!("{{ stream(rowId: {id}) {{ name values {{ nodes {{ value }} }} latest {{ value }} retention {{ dropAfter }} }} }}"));
        documents.push(format!("{{ latestValues(streams: [{id}]) {{ value text stream {{ name }} }} }}"));
        documents.push(format!("{{ values(streams: [{id}], from: \"2026-04-28\", to: \"2026-04-29\", step: \"PT1H\") {{ ts series {{ mean stream {{ name }} }} }} }}"));
        documents.push(format!("{{ events(stream: {id}) {{ totalCount nodes {{ message }} }} }}"));
    }
    for row in 1..12 {
        documents.push(format!("{{ device(rowId: {row}) {{ name streams {{ nodes {{ name latest {{ value }} }} }} }} group(rowId: {row}) {{ name }} event(rowId: {row}) {{ message }} }}"));
        documents.push(format!("{{ user(rowId: {row}) {{ username role }} }}"));
        documents.push(format!("{{ latestValues(devices: [{row}], groups: [{row}]) {{ value text stream {{ name }} }} streams(device: {row}) {{ nodes {{ name }} }} events(device: {row}) {{ nodes {{ message }} }} }}"));
        for noun in ["Device", "Stream", "Group", "Event", "ApiKey", "Product", "Client", "User"] {
            let id = base64(&format!("{noun}:{row}"));
            documents.push(format!("{{ node(id: \"{id}\") {{ id ... on Device {{ name }} ... on Stream {{ name }} ... on Group {{ name }} ... on Event {{ message }} ... on ApiKey {{ name }} }} }}"));
        }
    }
    documents
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_field_shows_a_row_of_somebody_else() {
    let world = IsolationFixture::new().await;
    for flushed in [false, true] {
        if flushed {
            world.db.store.flush().await.unwrap();
        }
        for (place, client) in world.restricted().await {
            for query in questions(&world) {
                let body = ask(&client, &query, json!({})).await.to_string();
                let leaks = body.contains(SECRET) || body.contains(&SECRET_VALUE.to_string());
                assert!(!leaks, "{place}: {query}\n  {body}");
            }
            let own = data(&client, "{ devices { nodes { name } } streams { totalCount } events { totalCount } latestValues { value text } }", json!({})).await;
            let expected = json!({"devices": {"nodes": [{"name": "own"}]}, "streams": {"totalCount": 2}, "events": {"totalCount": 1},
                "latestValues": [{"value": 19.0, "text": null}, {"value": null, "text": "19"}]});
            assert_eq!(own, expected, "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alert_rules_and_exports_are_seen_by_who_sees_what_they_are_of() {
    let world = IsolationFixture::new().await;
    platform_rows::identifiers(&world, &world.env.owner, world.own[0], "own").await;
    for (streams, who) in world.others() {
        platform_rows::identifiers(&world, &who, streams[0], SECRET).await;
    }
    let lists = "{ alertRules { totalCount nodes { name stream { name } device { name } } }
        exports { totalCount nodes { requestedBy scopeId status } } }";
    let counted = async |client: &Client| {
        let seen = data(client, lists, json!({})).await;
        (seen["alertRules"]["totalCount"].clone(), seen["exports"]["totalCount"].clone(), seen.to_string())
    };
    // Who requested the exports saw more than a restricted key does, and a rule on a device is of the whole device.
    for ((place, client), expected) in world.restricted().await.into_iter().zip([2, 1]) {
        let (rules, exports, text) = counted(&client).await;
        assert_eq!((rules, exports), (json!(expected), json!(0)), "{place}: {text}");
        assert!(text.contains("own") && !text.contains(SECRET), "{place}: {text}");
    }
    let (rules, exports, text) = counted(&world.key(&[], &[], &[]).await).await;
    assert_eq!((rules, exports), (json!(4), json!(2)), "{text}");
    let (rules, exports, text) = counted(&world.foreign_key().await).await;
    assert_eq!((rules, exports), (json!(2), json!(1)), "{text}");
}

/// A change that is not made, and tells nothing.
async fn refused(place: &str, client: &Client, change: &str, payload: &str) {
    let body = ask(client, &format!("mutation {{ {change} }}"), json!({})).await;
    let error_count = body["data"][payload]["errors"].as_array().map_or(0, Vec::len);
    let is_refused = error_count > 0 || !codes(&body).is_empty();
    assert!(is_refused && !body.to_string().contains(SECRET), "{place}: {change}\n  {body}");
}

/// Changes of what is not seen fail as if it were not there, and change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_what_they_do_not_see() {
    let world = IsolationFixture::new().await;
    let whole = world.key(&[], &[], &[]).await;
    let foreign = world.foreign_key().await;
    let all = "{ devices(first: 1000) { nodes { rowId name } } streams(first: 1000) { nodes { rowId name group { rowId } } } latestValues { value text } }";
    let before = [data(&whole, all, json!({})).await, data(&foreign, all, json!({})).await];
    for (place, client) in world.restricted().await {
        for stream in world.hidden.iter().chain(&world.foreign) {
            let id = stream.0;
            for (change, payload) in rows![
                format!("updateStream(rowId: {id}, input: {{name: \"x\"}}) {{ errors {{ code }} }}"), "updateStream";
                format!("deleteStream(rowId: {id}) {{ errors {{ code }} }}"), "deleteStream";
                format!("setRetention(table: readings, stream: {id}, dropAfter: 1) {{ errors {{ code }} }}"), "setRetention";
                format!("writeValues(input: [{{stream: {id}, value: 1}}]) {{ errors {{ code }} }}"), "writeValues";
                format!("createEvent(input: {{kind: \"a\", data: {id}}}) {{ errors {{ code }} }}"), "createEvent";
                format!("createGroup(input: {{name: \"x\", data: [{id}]}}) {{ errors {{ code }} }}"), "createGroup";
                format!("writeStatistic(input: {{stream: {id}, mean: 1}}) {{ errors {{ code }} }}"), "writeStatistic";
            ] {
                refused(place, &client, &change, payload).await;
            }
        }
        for row in 1..12 {
            let change = format!(
                "writeRegister(input: {{device: {row}, register: \"hr:0\", value: 1}}) {{ errors {{ code }} }}"
            );
            refused(place, &client, &change, "writeRegister").await;
            let change = format!("processEvent(rowId: {row}) {{ event {{ message }} errors {{ code }} }}");
            refused(place, &client, &change, "processEvent").await;
            let change = format!("resolveAlert(rowId: {row}) {{ event {{ message }} errors {{ code }} }}");
            refused(place, &client, &change, "resolveAlert").await;
        }
    }
    let after = [data(&whole, all, json!({})).await, data(&foreign, all, json!({})).await];
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_asks_for_the_scope_of_its_table() {
    let world = IsolationFixture::new().await;
    let stream = world.own[0].0;
    let of = |field: &str| format!("{{ stream(rowId: {stream}) {{ {field} }} }}");
    let rows = rows![
        "device:read", "{ devices { totalCount } }".to_owned();
        "device:read", "{ sites { totalCount } }".to_owned();
        "device:read", "{ components { totalCount } }".to_owned();
        "device:read", "{ deviceGroups { totalCount } }".to_owned();
        "device:read", "{ packs { totalCount } }".to_owned();
        "device:read", "{ desiredStateBindings { totalCount } }".to_owned();
        "device:read", "{ mqttSessions { totalCount } }".to_owned();
        "device:read", "{ registrationTokens { totalCount } }".to_owned();
        "value:read", "{ quarantinedReadings { totalCount } }".to_owned();
        "data:read", "{ streams { totalCount } }".to_owned();
        "group:read", "{ groups { totalCount } }".to_owned();
        "event-log:read", "{ events { totalCount } }".to_owned();
        "event-log:read", "{ alertRules { totalCount } }".to_owned();
        "value:read", "{ exports { totalCount } }".to_owned();
        "value:read",
            format!("{{ values(streams: [{stream}], from: \"2026-04-28\", to: \"2026-04-29\", step: \"PT1H\") {{ ts }} }}");
        "value:read", "{ latestValues(streams: []) { value } }".to_owned();
        "value:read", "{ sql(query: \"SELECT 1 FROM readings\") { rowCount } }".to_owned();
        "value:read", of("values { nodes { value } }");
        "value:read", of("latest { value }");
        "statistic:read", of("statistics { mean }");
        "device:read", of("device { name }");
        "system:read", of("retention { dropAfter }");
        "system:read", "{ queryLog }".to_owned();
        "system:read", "{ retention { dropAfter } }".to_owned();
    ];
    let all = rows![
        "device:read"; "data:read"; "group:read"; "event-log:read"; "value:read"; "statistic:read"; "system:read";
    ];
    each_needs_its_scope(&world, &all, rows).await;
}

/// Each query is answered with all scopes, and refused by name without its own.
async fn each_needs_its_scope(
    world: &IsolationFixture,
    all: &[&str],
    rows: impl IntoIterator<Item = (&str, String)>,
) {
    let with: Client = world.key(all, &[], &[]).await;
    for (scope, query) in rows {
        let others: Vec<&str> = all.iter().copied().filter(|other| *other != scope).collect();
        let without = world.key(&others, &[], &[]).await;
        let body = ask(&without, &query, json!({})).await;
        assert_eq!(codes(&body), ["FORBIDDEN"], "{query}: {body}");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(scope), "{query}: {message}");
        assert_eq!(codes(&ask(&with, &query, json!({})).await), Vec::<&str>::new(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mutation_asks_for_the_scope_of_what_it_changes() {
    let world = IsolationFixture::new().await;
    let (stream, device) = (world.own[0].0, world.own_device.0);
    let rows = [
        ("device:write", "createDevice(input: {name: \"x\", protocol: virtual})".to_owned()),
        ("device:write", format!("writeRegister(input: {{device: {device}, register: \"hr:0\", value: 1}})")),
        ("data:write", format!("createStream(input: {{name: \"x\", device: {device}}})")),
        ("data:write", format!("writeStatistic(input: {{stream: {stream}, mean: 1}})")),
        ("group:write", "createGroup(input: {name: \"x\"})".to_owned()),
        ("event-log:write", "createEvent(input: {kind: \"x\"})".to_owned()),
        ("event-log:write", "processEvent(rowId: 99)".to_owned()),
        ("event-log:write", "resolveAlert(rowId: 99)".to_owned()),
        ("value:write", format!("writeValues(input: [{{stream: {stream}, value: 1}}])")),
        ("system:write", "setRetention(table: readings)".to_owned()),
        ("system:write", "joinHamachiNetwork(input: {network: \"-\"})".to_owned()),
        ("system:write", "leaveHamachiNetwork(network: \"-\")".to_owned()),
        ("webrtc-terminal:write", "issueTerminalGrant(input: {terminalId: \"\", hostId: \"\"})".to_owned()),
        ("webrtc-terminal:write", "redeemTerminalGrant(token: \"-\")".to_owned()),
    ];
    let all = rows![
        "device:write"; "data:write"; "group:write"; "event-log:write"; "value:write"; "statistic:write";
        "system:write"; "webrtc-terminal:write";
    ];
    let rows =
        rows.map(|(scope, change)| (scope, format!("mutation {{ {change} {{ errors {{ field code }} }} }}")));
    each_needs_its_scope(&world, &all, rows).await;
}
