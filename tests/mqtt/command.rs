//! Commands for gateways: sent while they are connected or once they are, acknowledged, answered.

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::{PATIENCE, Plant};
use crate::support::{assert_members, until};
use crate::tools::mqtt::encode::{PUBACK, ack};
use crate::tools::mqtt::{BOTH, Message, MqttClient, Version};

use Version::V5;

/// Asks for the status of a device; the path of its answer.
async fn ask(cloud: &Cloud, device: &str) -> String {
    let path = format!("/device/v1/control/{device}/status");
    let answer = cloud.call("POST", &path, &json!({"state": ""})).await;
    answer.clone().expect(202);
    answer.header("location").to_owned()
}

async fn connect(plant: &Plant, version: Version, gateway: &str) -> MqttClient {
    let hello = plant.hello(version, gateway).persistent();
    let mut client = MqttClient::connect(&plant.address, &hello).await;
    assert_eq!(client.subscribe(&[(&format!("control/default/{gateway}/#"), 1)]).await, [1]);
    client
}

/// Checks the message of a command; its id.
fn check(message: &Message, gateway: &str, device: &str) -> String {
    assert_eq!(message.topic, format!("control/default/{gateway}/{device}/get"));
    assert_eq!((message.qos, message.is_retained), (1, false));
    let payload: Value = serde_json::from_slice(&message.payload).expect("JSON");
    assert_members(&payload, &json!({"type": "get", "/params/body": {"state": ""}}));
    payload["id"].as_str().expect("an id").to_owned()
}

async fn wait_for_state(plant: &Plant, id: &str, state: &str) {
    until!(&format!("{id} is {state}"), PATIENCE;
        command = plant.client().get(&format!("/api/command/{id}/")).await.body; command["state"] == state);
}

#[tokio::test]
async fn a_command_is_sent_acknowledged_and_answered() {
    let cloud = Cloud::start(&[]).await;
    let plant = &cloud.plant;
    for version in BOTH {
        let gateway = cloud.gateway(&format!("gateway {version:?}")).await;
        let sensor =
            cloud.device(json!({"name": format!("sensor {version:?}"), "parentDevice": gateway})).await;
        let mut client = connect(plant, version, &gateway).await;
        for device in [&gateway, &sensor] {
            let location = ask(&cloud, device).await;
            let message = client.message().await;
            let id = check(&message, &gateway, device);
            wait_for_state(plant, &id, "sent").await;
            client.raw(&ack(PUBACK, message.id)).await;
            wait_for_state(plant, &id, "acknowledged").await;
            let answer = json!({"id": id, "state": "done", "result": {"type": "data"}}).to_string();
            let topic = format!("control/default/{gateway}/{device}/response");
            assert_eq!(client.publish(&topic, &answer, 1).await, Ok(0), "{version:?}");
            cloud.call("GET", &location, &Value::Null).await.has(200, json!({"response": {"type": "data"}}));
            // A final state stays.
            let again = client.publish(&topic, &answer, 1).await;
            assert_eq!(again, Ok(if version == V5 { 0x99 } else { 0 }), "{version:?}");
        }
        client.disconnect(0).await;
    }
}

#[tokio::test]
async fn a_command_waits_for_its_gateway_also_over_a_crash() {
    let mut cloud = Cloud::start(&[]).await;
    let gateway = cloud.gateway("gateway").await;
    for version in BOTH {
        let first = ask(&cloud, &gateway).await;
        ask(&cloud, &gateway).await;
        cloud.plant.crash().await;
        let mut client = connect(&cloud.plant, version, &gateway).await;
        let messages = [client.message().await, client.message().await];
        let ids = messages.each_ref().map(|message| check(message, &gateway, &gateway));
        // Sent, and not acknowledged: it comes again.
        client.cut();
        let mut client = connect(&cloud.plant, version, &gateway).await;
        let again = [client.message().await, client.message().await];
        assert_eq!(again.each_ref().map(|message| check(message, &gateway, &gateway)), ids);
        assert!(again.iter().all(|message| message.is_again), "{again:?}");
        for message in &again {
            client.raw(&ack(PUBACK, message.id)).await;
        }
        for id in &ids {
            wait_for_state(&cloud.plant, id, "acknowledged").await;
            let answer = json!({"id": id, "state": "done", "result": id}).to_string();
            let topic = format!("control/default/{gateway}/{gateway}/response");
            assert_eq!(client.publish(&topic, answer, 1).await, Ok(0));
        }
        cloud.call("GET", &first, &Value::Null).await.has(200, json!({"response": ids[0]}));
        client.disconnect(0).await;
    }
}

/// rest.md C14: members came sorted, and numbers in another spelling.
#[tokio::test]
async fn a_body_comes_as_it_was_written_also_after_a_crash() {
    const BODY: &str = r#"{"b":1e2,"a":12345678901234567890123}"#;
    let mut cloud = Cloud::start(&[]).await;
    let gateway = cloud.gateway("gateway").await;
    cloud.set(&gateway, BODY).await;
    for is_restarted in [false, true] {
        if is_restarted {
            cloud.plant.crash().await;
        }
        let listed = cloud.plant.client().send_bytes("GET", "/api/command/", &[], "").await.ok();
        let listed = String::from_utf8(listed).expect("text");
        assert!(listed.contains(BODY), "{is_restarted}: {listed}");
        let mut client = connect(&cloud.plant, V5, &gateway).await;
        // Not acknowledged, so that it comes again.
        let message = client.message().await;
        assert_eq!(message.topic, format!("control/default/{gateway}/{gateway}/set"));
        assert!(message.text().contains(BODY), "{is_restarted}: {}", message.text());
        client.cut();
    }
}

#[tokio::test]
async fn who_looks_on_takes_no_command_and_answers_none() {
    let cloud = Cloud::start(&[]).await;
    let plant = &cloud.plant;
    let (gateway, other) = (cloud.gateway("gateway").await, cloud.gateway("other").await);
    let mut spy = plant.connect(V5, "spy").await;
    assert_eq!(spy.subscribe(&[("#", 1), (&format!("control/default/{other}/#"), 1)]).await, [1, 1]);
    ask(&cloud, &gateway).await;
    let mut client = connect(plant, V5, &gateway).await;
    let message = client.take_message().await;
    let id = check(&message, &gateway, &gateway);
    ask(&cloud, &other).await;
    check(&spy.take_message().await, &other, &other);
    // The answer to a command of another device.
    let answer = json!({"id": id, "state": "done", "result": 1}).to_string();
    let refused = spy.publish(&format!("control/default/{other}/{other}/response"), &answer, 1).await;
    assert!(matches!(refused, Ok(0x87 | 0x99) | Err(Some(0x87))), "{refused:x?}");
    wait_for_state(plant, &id, "acknowledged").await;
}
