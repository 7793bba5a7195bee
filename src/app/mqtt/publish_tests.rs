//! Outcomes of messages, as a table.

use super::*;
use crate::app::mqtt::message::OutboundMessage;
use crate::app::mqtt::retained_pass::{RetainedPass, RetainedRequest};
use crate::app::{App, test_app};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamFilter;

fn publication(topic: &str, payload: &str) -> Publication {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Publication { topic: topic.to_owned(), payload, qos: Qos::AtLeastOnce, is_retained: false }
}

fn name(outcome: &PublishOutcome) -> &'static str {
    match outcome {
        PublishOutcome::Stored => "stored",
        PublishOutcome::Malformed(_) => "malformed",
        PublishOutcome::QuotaExceeded(_) => "quota",
        PublishOutcome::Forbidden(_) => "forbidden",
        PublishOutcome::Unavailable(_) => "unavailable",
    }
}

#[tokio::test]
async fn a_message_is_stored_refused_or_acknowledged_once() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let spec = DeviceSpec::new("d", Protocol::Mqtt);
    let device = app.devices.create_device(&owner, spec).await.unwrap();
    let own = app.mqtt.access.device_principal(device.id).unwrap();
    for (topic, payload, expected) in [
        ("basalt/d/t", "21.5", "stored"),
        ("basalt/d/t", "21", "stored"),
        ("basalt/d/t", "on", "malformed"),
        ("basalt/d/t", "", "malformed"),
        ("basalt/d/t", r#"[{"value":1,"ts":1777377600},{"value":2,"ts":1777377601}]"#, "stored"),
        ("basalt/d/new", "\"text\"", "malformed"),
        ("basalt/d/switch", "true", "stored"),
        ("basalt/d", r#"{"t":1,"motor":{"rpm":1200}}"#, "stored"),
        ("basalt/d", r#"{"t":"x"}"#, "malformed"),
        ("basalt/d", "{}", "malformed"),
        ("basalt/d", "1", "malformed"),
        ("basalt/other/t", "1", "forbidden"),
        ("elsewhere", "1", "forbidden"),
        ("discover/default/d/d/post", r#"{"message":{"temperature":3}}"#, "stored"),
        ("discover/default/d/d/post", "[]", "malformed"),
        ("discover/default/d/connected", "{}", "stored"),
        ("discover/default/x/d/post", "{}", "forbidden"),
        ("control/default/d/d/response", r#"{"id":"nothing","state":"done"}"#, "malformed"),
    ] {
        let outcome = app.mqtt.publisher.publish(&own, publication(topic, payload)).await;
        assert_eq!(name(&outcome), expected, "{topic} {payload}: {outcome:?}");
    }
    let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
    let mut streams: Vec<_> =
        app.streams.streams(&owner, &filter).unwrap().iter().map(|stream| stream.spec.name.clone()).collect();
    streams.sort();
    assert_eq!(streams, ["message.temperature", "motor.rpm", "switch", "t"]);
    assert_eq!(app.mqtt.sessions.state.metrics().malformed, 8);
}

#[tokio::test]
async fn an_unrestricted_key_creates_the_device_it_names() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let outcome = app.mqtt.publisher.publish(&owner, publication("basalt/Press 7/t", "1")).await;
    assert_eq!(name(&outcome), "stored", "{outcome:?}");
    assert!(app.devices.device_by_external_id(&owner, "Press 7").is_ok());
    let facts = app.mqtt.publisher.publish(&owner, publication("os/sensors/raw", r#"{"id":"node-1"}"#)).await;
    assert_eq!(name(&facts), "stored", "{facts:?}");
}

/// rest.md C14: over HTTP it is no part of the JSON, but at this door it made a message malformed.
#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_payload() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let spec = DeviceSpec::new("d", Protocol::Mqtt);
    let device = app.devices.create_device(&owner, spec).await.unwrap();
    let status = format!("{}/status", app.mqtt.access.platform_gateway(&owner, &device).unwrap());
    for (topic, payload) in [
        ("basalt/d/t", "21.5"),
        ("basalt/d", r#"{"t":1}"#),
        ("discover/default/d/d/post", r#"{"t":2}"#),
        ("os/sensors/raw", r#"{"id":"d"}"#),
        (&status, r#"{"status":"online"}"#),
    ] {
        let marked = publication(topic, &format!("\u{feff}{payload}"));
        let outcome = app.mqtt.publisher.publish(&owner, marked).await;
        assert_eq!(name(&outcome), "stored", "{topic}: {outcome:?}");
    }
}

/// Python and C write numbers that are none like this; the other members of the message were lost.
#[tokio::test]
async fn a_number_that_is_none_costs_its_own_member() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let spec = DeviceSpec::new("d", Protocol::Mqtt);
    let device = app.devices.create_device(&owner, spec).await.unwrap();
    let status = format!("{}/status", app.mqtt.access.platform_gateway(&owner, &device).unwrap());
    for (topic, payload, expected) in [
        ("basalt/d/t", "21.5\0", "stored"),
        ("basalt/d/t", "NaN", "malformed"),
        ("basalt/d/t", r#"{"value":NaN}"#, "malformed"),
        ("basalt/d", r#"{"a":NaN,"b":3,"c":[1e400,-Infinity]}"#, "stored"),
        ("basalt/d", r#"{"a":NaN}"#, "malformed"),
        ("discover/default/d/d/post", r#"{"e":NaN,"f":2}"#, "stored"),
        ("os/sensors/raw", r#"{"id":"d","s1_id":"g","s1_v":NaN,"s2_id":"h","s2_v":4}"#, "stored"),
        (&status, "{\"status\":\"online\",\"load\":NaN}\0", "stored"),
    ] {
        let outcome = app.mqtt.publisher.publish(&owner, publication(topic, payload)).await;
        assert_eq!(name(&outcome), expected, "{topic} {payload}: {outcome:?}");
    }
    let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
    let mut streams: Vec<_> =
        app.streams.streams(&owner, &filter).unwrap().iter().map(|stream| stream.spec.name.clone()).collect();
    streams.sort();
    assert_eq!(streams, ["b", "f", "h", "t"]);
}

/// Messages that a new subscription would be sent.
fn retained_for(app: &App, who: &Principal, filter: &str) -> Vec<OutboundMessage> {
    let (filter, qos) = (filter.to_owned(), Qos::AtMostOnce);
    let request = RetainedRequest { filter, qos, up_to: u64::MAX, is_documents_only: false };
    let mut pass = RetainedPass::new(&app.mqtt.access, who, vec![request]);
    std::iter::from_fn(|| pass.take_slice(&app.mqtt.access, who)).flatten().collect()
}

#[tokio::test]
async fn a_retained_message_is_shown_to_whom_the_device_belongs_until_it_is_removed() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let retained = |payload| Publication { is_retained: true, ..publication("basalt/d/t", payload) };
    assert_eq!(name(&app.mqtt.publisher.publish(&owner, retained("5")).await), "stored");
    let device = app.devices.device_by_external_id(&owner, "d").unwrap();
    let other = app.devices.create_device(&owner, DeviceSpec::new("other", Protocol::Mqtt)).await.unwrap();
    let (own, foreign) = (
        app.mqtt.access.device_principal(device.id).unwrap(),
        app.mqtt.access.device_principal(other.id).unwrap(),
    );
    let uuid = format!("basalt/{}/t", device.aliases.uuid);
    for (filter, topic) in [("basalt/#", "basalt/d/t"), ("basalt/d/t", "basalt/d/t"), (&uuid, &uuid)] {
        let found = retained_for(&app, &own, filter);
        assert_eq!(found.len(), 1, "{filter}");
        assert_eq!((&*found[0].topic, &found[0].payload[..]), (topic, &b"5"[..]));
        assert!(retained_for(&app, &foreign, filter).is_empty(), "{filter}");
    }
    // One whose value is refused changes nothing.
    assert_eq!(name(&app.mqtt.publisher.publish(&owner, retained("hot")).await), "malformed");
    assert_eq!(&retained_for(&app, &own, &uuid)[0].payload[..], b"5");
    assert_eq!(name(&app.mqtt.publisher.publish(&owner, retained("")).await), "stored");
    assert!(retained_for(&app, &own, "#").is_empty());
}

/// Security review 14: they stayed in memory and in the organization's share until a restart.
#[tokio::test]
async fn retained_messages_of_a_deleted_device_are_forgotten() {
    let (_dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let retained = |topic: &str, payload| Publication { is_retained: true, ..publication(topic, payload) };
    for topic in ["basalt/d/t", "basalt/d", "basalt/other/t"] {
        let payload = if topic == "basalt/d" { r#"{"t":1}"# } else { "5" };
        assert_eq!(
            name(&app.mqtt.publisher.publish(&owner, retained(topic, payload)).await),
            "stored",
            "{topic}"
        );
    }
    let device = app.devices.device_by_external_id(&owner, "d").unwrap();
    let status = format!("{}/status", app.mqtt.access.platform_gateway(&owner, &device).unwrap());
    let outcome = app.mqtt.publisher.publish(&owner, retained(&status, r#"{"status":"online"}"#)).await;
    assert_eq!(name(&outcome), "stored", "{outcome:?}");
    assert_eq!(app.mqtt.sessions.state.metrics().retained, 4);
    app.devices.delete_device(&owner, device.id).await.unwrap();
    assert_eq!(app.mqtt.sessions.state.metrics().retained, 1, "those of the other device stay");
}
