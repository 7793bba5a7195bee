//! Groups, event logs and what belongs to the machine, as those see them who may see a part or nothing.

use basalt::domain::message::message_id;
use basalt::domain::{DeviceId, Micros};
use serde_json::{Value, json};

use super::fixture::{IsolationFixture, SECRET};
use crate::graphql::{ask, codes};
use crate::in_process::{MINUTE, NOW};
use crate::support::Client;

async fn ids(client: &Client, path: &str) -> Vec<i64> {
    let list = client.get(path).await.ok();
    assert!(!list.to_string().contains(SECRET), "{path}: {list}");
    list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_logs_are_seen_by_who_sees_their_device_or_data() {
    let world = IsolationFixture::new().await;
    let whole = world.key(&[], &[], &[]).await;
    let all = whole.get("/api/event-log/?from=0").await.ok();
    let all = all.as_array().unwrap();
    let own = all.iter().find(|e| e["kind"] == "own").unwrap();
    let hidden: Vec<&Value> = all.iter().filter(|e| e["kind"] == SECRET).collect();
    assert!(!hidden.is_empty());
    for (place, client) in world.restricted().await {
        for path in ["/api/event-log/", "/api/event-log/?from=0", "/api/event-log/?kind=zebra,own"] {
            assert_eq!(ids(&client, path).await, [own["id"].as_i64().unwrap()], "{place}: {path}");
        }
        for event in &hidden {
            let of_device = format!("/api/event-log/?device={}", event["device"]);
            assert!(ids(&client, &of_device).await.is_empty(), "{place}");
            let path = format!("/api/event-log/{}/", event["id"]);
            for (method, path) in [
                ("GET", path.clone()),
                ("PATCH", path.clone()),
                ("PUT", path.clone()),
                ("DELETE", path.clone()),
                ("POST", format!("{path}process/")),
            ] {
                let answer = client.send_json(method, &path, &json!([])).await;
                answer.about(&place).is(404, &json!({"detail": "Not found."}));
            }
            let no_row = |id: &Value| format!("Invalid pk \"{id}\" - object does not exist.");
            let many = json!({"ids": [own["id"], event["id"]]});
            let answer = client.post("/api/event-log/acknowledge/", &many).await;
            answer.about(&place).is(400, &json!({"ids": [no_row(&event["id"])]}));
            let body = json!({"kind": "a", "device": event["device"], "data": event["data"]});
            let expected = json!({"device": [no_row(&event["device"])], "data": [no_row(&event["data"])]});
            client.post("/api/event-log/", &body).await.about(&place).is(400, &expected);
        }
        let answer = client.post("/api/event-log/", &json!({"kind": "a"})).await;
        answer.about(&format!("{place}: it would not see what it makes")).expect(403);
    }
    let foreign = world.foreign_key().await;
    let theirs = foreign.get("/api/event-log/?from=0").await.body;
    assert!(theirs.as_array().unwrap().iter().all(|e| all.iter().all(|ours| ours["id"] != e["id"])));
    foreign.get(&format!("/api/event-log/{}/", own["id"])).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_show_the_members_one_sees_and_are_changed_by_unrestricted_keys() {
    let world = IsolationFixture::new().await;
    let whole = world.key(&[], &[], &[]).await;
    let (mine, hidden) = (world.own[0].0, world.hidden[0].0);
    let id = whole.create("/api/group/", &json!({"name": "line", "data": [mine, hidden]})).await;
    let path = format!("/api/group/{id}/");
    // In the order of their ids.
    let members = json!([mine.min(hidden), mine.max(hidden)]);
    for (place, client) in world.restricted().await {
        assert_eq!(ids(&client, "/api/group/").await, [id], "{place}");
        assert_eq!(client.get(&path).await["data"], json!([mine]), "{place}");
        // Security review 16: such a key renamed every group, and took its own streams out of any.
        for (method, path, body) in [
            ("POST", "/api/group/", json!({"name": "x", "data": [mine]})),
            ("PUT", &*path, json!({"name": "x"})),
            ("PATCH", &*path, json!({"name": "x"})),
            ("PATCH", &*path, json!({"data": []})),
            ("PATCH", &*path, json!({"data": [hidden]})),
            ("DELETE", &*path, Value::Null),
        ] {
            let answer = client.send_json(method, path, &body).await;
            answer.about(&place).expect(403);
        }
        whole.get(&path).await.about(&place).has(200, json!({"name": "line", "data": members}));
    }
    let foreign = world.foreign_key().await;
    for (method, status) in [("GET", 404), ("PATCH", 404), ("PUT", 404), ("DELETE", 404)] {
        foreign.send_json(method, &path, &json!({"name": "x"})).await.expect(status);
    }
    let theirs = foreign.get("/api/group/").await.body;
    assert!(theirs.as_array().unwrap().iter().all(|group| group["name"] != "line"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machine_is_for_unrestricted_keys_of_the_default_organization() {
    let world = IsolationFixture::new().await;
    let refused = json!({"detail": "You do not have permission to perform this action."});
    let mut clients = vec![("another organization", world.foreign_key().await)];
    clients.extend(world.restricted().await);
    for (place, client) in clients {
        for (method, path) in [
            ("GET", "/api/hamachi/"),
            ("GET", "/api/hamachi/network/"),
            ("POST", "/api/hamachi/network/"),
            ("DELETE", "/api/hamachi/network/"),
            ("GET", "/api/hamachi/network/plant/"),
            ("DELETE", "/api/hamachi/network/plant/"),
            ("GET", "/api/opcua/certificate/"),
            ("POST", "/api/opcua/certificate/00/"),
            ("GET", "/api/license/"),
            ("GET", "/api/license/activation-request/"),
            ("POST", "/api/webrtc/terminal-grant/"),
            ("POST", "/api/webrtc/terminal-grant/validate/"),
        ] {
            // The refusal comes before anything is said of the body.
            let answer = client.send(method, path, &[], "{").await;
            answer.about(&place).is(403, &refused);
        }
        for query in [
            "{ hamachi { version } }",
            "{ hamachiNetworks { name } }",
            "{ hamachiNetwork(networkId: \"plant\") { name } }",
            "mutation { joinHamachiNetwork(input: {network: \"plant\"}) { network } }",
            "mutation { leaveHamachiNetwork(network: \"plant\") { left } }",
            "mutation { issueTerminalGrant(input: {terminalId: \"a\", hostId: \"b\"}) { token } }",
            "mutation { redeemTerminalGrant(token: \"a\") { grant { jti } } }",
        ] {
            assert_eq!(codes(&ask(&client, query, json!({})).await), ["FORBIDDEN"], "{place}: {query}");
        }
    }
}

/// The API of OpenSynaptic serves the default organization, which is that of `own` and `hidden`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_another_organization_are_in_no_list_and_have_no_id() {
    let world = IsolationFixture::new().await;
    let theirs = format!("{SECRET} foreign");
    for path in ["devices", "packets", "sensors"] {
        for query in [
            "",
            "&device_id=own%20at%20first",
            &format!("&device_id={SECRET}%20foreign%20first%20at%20first"),
        ] {
            let path = format!("/api/data/{path}?limit=500{query}");
            let page = world.client.get(&path).await.ok();
            assert!(!page.to_string().contains(&theirs), "{path}: {page}");
            let is_filtered = query.contains(SECRET) && !path.contains("/devices");
            assert_eq!(page["total"] == 0, is_filtered, "{path}: {page}");
        }
    }
    let packet = |device: DeviceId, ts: i64| {
        let path = format!("/api/data/packets/{}", message_id::derived(device, Micros(ts)));
        let client = world.client.clone();
        async move { client.get(&path).await.status }
    };
    assert_eq!(packet(world.own_device, NOW - 200 * MINUTE).await, 200);
    let streams = world.foreign_key().await.get("/api/data/").await.body;
    let streams = streams.as_array().unwrap();
    assert_eq!(streams.len(), world.foreign.len());
    for stream in streams {
        let device = DeviceId(i32::try_from(stream["device"].as_i64().unwrap()).unwrap());
        assert_eq!(packet(device, NOW - 300 * MINUTE).await, 404, "{stream}");
    }
}
