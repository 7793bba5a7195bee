//! Sessions without a socket: what a client is sent, and what is there when it comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::app::access::KeyRequest;
use crate::app::live::credential::LiveCredential;
use crate::app::mqtt::access::{Grant, session_owner};
use crate::app::mqtt::queue_account::QueueCharge;
use crate::app::mqtt::registry::SessionSlot;
use crate::app::mqtt::retained_pass::{RetainedPass, RetainedRequest};
use crate::app::mqtt::session_end::MqttSessionEnd;
use crate::app::mqtt::session_start::ConnectRequest;
use crate::app::mqtt::subscribe::{RetainHandling, SubscribeRequest};
use crate::app::mqtt::{Publication, PublishOutcome};
use crate::app::{App, test_app};
use crate::domain::command::CommandSpec;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::mqtt::{MqttChange, StoredSession, Will};
use crate::domain::{Micros, Resource, Scope};

const PATIENCE: Duration = Duration::from_secs(60);

/// An application with a device, and the credential of its certificate.
async fn plant() -> (tempfile::TempDir, Arc<App>, Arc<Device>, LiveCredential) {
    let (dir, app) = test_app::open().await;
    let app = Arc::new(app);
    let owner = app.access.system(None).unwrap();
    let device = app.devices.create_device(&owner, DeviceSpec::new("press", Protocol::Mqtt)).await.unwrap();
    let issued = app.certificates.issue_certificate(&owner, device.id).await.unwrap();
    let principal = Arc::new(app.mqtt.access.device_principal(device.id).unwrap());
    let credential = app.feeds.live_certificate_credential(principal, issued.fingerprint);
    (dir, app, device, credential)
}

fn request(expiry_s: u32, is_clean: bool) -> ConnectRequest {
    let client_id = "press".to_owned();
    ConnectRequest { client_id, is_clean, expiry_s, will: None, window: 8, quota: 8 }
}

const LOST: MqttSessionEnd =
    MqttSessionEnd { publishes_will: true, ends_session: false, expiry_s: None, reason: "CONNECTION_LOST" };

async fn subscribe(session: &mut MqttSession, filter: &str, qos: Qos) {
    let request = SubscribeRequest { filter: filter.to_owned(), qos, retain: RetainHandling::Always };
    assert_eq!(session.subscribe(vec![request]).await, [Grant::Granted(qos)]);
}

async fn publish(app: &App, credential: &LiveCredential, topic: &str, payload: &str) {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    let publication =
        Publication { topic: topic.to_owned(), payload, qos: Qos::AtLeastOnce, is_retained: false };
    let outcome = app.mqtt.publisher.publish(credential.principal(), publication).await;
    assert!(matches!(outcome, PublishOutcome::Stored), "{outcome:?}");
}

/// The next message: packet id, whether it is a repetition, topic and payload.
async fn next(session: &mut MqttSession) -> (Option<u16>, bool, String, Value) {
    let found = async {
        loop {
            if let Some(Delivery::Publish { id, is_repeat, message }) = session.next_delivery() {
                let payload = serde_json::from_slice(&message.payload).unwrap();
                return (id, is_repeat, message.topic.to_string(), payload);
            }
            assert_eq!(session.next_event().await, SessionEvent::Queued);
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("a message")
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_what_was_written_meanwhile_follows() {
    let (_dir, app, _, credential) = plant().await;
    let mut session = app.mqtt.sessions.connect(credential.clone(), request(60, false)).await.unwrap();
    assert!(!session.is_present);
    subscribe(&mut session, "basalt/press/#", Qos::AtLeastOnce).await;
    publish(&app, &credential, "basalt/press/t", "1").await;
    let (id, is_repeat, topic, payload) = next(&mut session).await;
    assert_eq!((is_repeat, topic.as_str(), &payload["value"]), (false, "basalt/press/t", &json!(1.0)));
    session.end(LOST).await;
    publish(&app, &credential, "basalt/press/t", "2").await;

    let mut session = app.mqtt.sessions.connect(credential.clone(), request(60, false)).await.unwrap();
    assert!(session.is_present);
    let again = next(&mut session).await;
    assert_eq!((again.0, again.1, &again.3["value"]), (id, true, &json!(1.0)));
    session.acknowledge(id.unwrap()).unwrap();
    let (second, _, _, payload) = next(&mut session).await;
    assert_eq!(payload["value"], json!(2.0));
    session.acknowledge(second.unwrap()).unwrap();
    session.end(LOST).await;

    let session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    assert!(!session.is_present);
    session.end(LOST).await;
    assert_eq!(app.mqtt.sessions.state.metrics().sessions, 0);
    assert_eq!(app.mqtt.sessions.state.metrics().queue_bytes, 0);
}

#[tokio::test]
async fn unsubscribing_needs_no_new_feed_and_narrows_it_when_it_can() {
    let (_dir, app, device, _) = plant().await;
    let owner = app.access.system(None).unwrap();
    let below = DeviceSpec { parent_device: Some(device.id), ..DeviceSpec::new("zone", Protocol::Mqtt) };
    let below = app.devices.create_device(&owner, below).await.unwrap();
    // The rights of a certificate are those at the time of the login.
    let issued = app.certificates.issue_certificate(&owner, device.id).await.unwrap();
    let principal = Arc::new(app.mqtt.access.device_principal(device.id).unwrap());
    let credential = app.feeds.live_certificate_credential(principal, issued.fingerprint);
    let mut session = app.mqtt.sessions.connect(credential.clone(), request(0, true)).await.unwrap();
    for filter in ["basalt/press/#", "basalt/press/t", "basalt/zone/#"] {
        subscribe(&mut session, filter, Qos::AtLeastOnce).await;
    }
    let devices = |session: &MqttSession| session.live.as_ref().unwrap().wanted.devices.clone().unwrap();
    assert_eq!(devices(&session), [device.id, below.id]);

    // From here no feed can be opened again.
    session.memory.progress.fetched = Some("no cursor".to_owned());
    publish(&app, &credential, "basalt/press/t", "1").await;
    assert_eq!(session.unsubscribe(&["basalt/zone/#".to_owned()]).await.unwrap(), [true]);
    assert_eq!(devices(&session), [device.id, below.id], "the feed is as wide as before");
    publish(&app, &credential, "basalt/zone/t", "2").await;
    publish(&app, &credential, "basalt/press/t", "3").await;
    for expected in [1.0, 3.0] {
        let (id, _, topic, payload) = next(&mut session).await;
        assert_eq!((topic.as_str(), &payload["value"]), ("basalt/press/t", &json!(expected)));
        session.acknowledge(id.unwrap()).unwrap();
    }

    // The messages have brought a position from which one can be opened.
    assert_eq!(session.unsubscribe(&["basalt/press/t".to_owned()]).await.unwrap(), [true]);
    assert_eq!(devices(&session), [device.id]);
    publish(&app, &credential, "basalt/press/t", "4").await;
    assert_eq!(next(&mut session).await.3["value"], json!(4.0));
    assert_eq!(session.unsubscribe(&["basalt/press/#".to_owned()]).await.unwrap(), [true]);
    assert!(session.live.is_none() && session.feed_permit.is_none(), "it follows no values any more");
    session.end(LOST).await;
}

#[tokio::test]
async fn a_second_connection_takes_over_and_the_will_of_the_first_is_published() {
    let (_dir, app, device, credential) = plant().await;
    let will = Will {
        topic: "basalt/press/online".to_owned(),
        payload: b"0".to_vec(),
        qos: Qos::AtLeastOnce,
        is_retained: false,
        delay_s: 0,
    };
    let mortal = ConnectRequest { will: Some(will), ..request(0, true) };
    let mut first = app.mqtt.sessions.connect(credential.clone(), mortal).await.unwrap();
    let ended = tokio::spawn(async move {
        let event = first.next_event().await;
        first.end(LOST).await;
        event
    });
    let second = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    assert_eq!(ended.await.unwrap(), SessionEvent::End(SessionEviction::TakenOver));
    assert!(app.mqtt.sessions.is_connected(device.id));
    let owner = app.access.system(None).unwrap();
    assert!(
        app.parts.store.catalog().streams.stream_of_device(&owner, device.id, "online").is_ok(),
        "the will is a value"
    );
    second.end(LOST).await;
    assert!(!app.mqtt.sessions.is_connected(device.id));
}

#[tokio::test]
async fn a_foreign_will_refuses_the_connection() {
    let (_dir, app, _, credential) = plant().await;
    let topic = "basalt/other/online".to_owned();
    let will = Will { topic, payload: Vec::new(), qos: Qos::AtMostOnce, is_retained: true, delay_s: 0 };
    let refused =
        app.mqtt.sessions.connect(credential, ConnectRequest { will: Some(will), ..request(0, true) }).await;
    assert_eq!(refused.err().unwrap().kind, Kind::Forbidden);
}

#[tokio::test]
async fn commands_wait_for_their_gateway_and_a_filter_of_wildcards_takes_none() {
    let (_dir, app, device, credential) = plant().await;
    let owner = app.access.system(None).unwrap();
    let spec = CommandSpec { device: device.id, kind: "set".to_owned(), params: Default::default() };
    let waiting = app.commands.create_commands(&owner, vec![spec.clone()]).await.unwrap().remove(0);
    let mut session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    subscribe(&mut session, "#", Qos::AtLeastOnce).await;
    assert_eq!(session.next_delivery(), None);
    subscribe(&mut session, &format!("control/default/{0}/{0}/#", device.aliases.key), Qos::AtLeastOnce)
        .await;
    let (id, _, topic, payload) = next(&mut session).await;
    assert_eq!(topic, format!("control/default/{0}/{0}/set", device.aliases.key));
    assert_eq!(payload["id"], json!(waiting.uuid.to_string()));
    session.acknowledge(id.unwrap()).unwrap();
    let later = app.commands.create_commands(&owner, vec![spec]).await.unwrap().remove(0);
    assert_eq!(next(&mut session).await.3["id"], json!(later.uuid.to_string()));
    session.end(LOST).await;
}

#[tokio::test]
async fn a_session_ends_with_its_certificate() {
    let (_dir, app, device, credential) = plant().await;
    let mut session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    let owner = app.access.system(None).unwrap();
    app.certificates.issue_certificate(&owner, device.id).await.unwrap();
    let event = tokio::time::timeout(PATIENCE, session.next_event()).await.unwrap();
    assert_eq!(event, SessionEvent::End(SessionEviction::Revoked));
    session.end(LOST).await;
}

#[path = "session_queue_tests.rs"]
mod queue;
