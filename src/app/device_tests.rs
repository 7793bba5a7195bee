//! Checks of a device against the other devices of its organization.

use serde_json::json;

use crate::app::test_app;
use crate::domain::device::{DeviceSpec, Protocol};

fn subscriber(name: &str, client_id: &str) -> DeviceSpec {
    let mut spec = DeviceSpec::new(name, Protocol::Mqtt);
    // Nothing is collected here, and the name resolves to nothing.
    spec.host = "broker.invalid".to_owned();
    spec.metadata.insert("client_id".to_owned(), json!(client_id));
    spec
}

/// Plant A7: two devices of one client ended each other's connections for ever.
#[tokio::test]
async fn a_second_device_of_one_client_id_at_one_broker_is_refused() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let first = app.devices.create_device(&who, subscriber("first", "me")).await.unwrap();
    let error = app.devices.create_device(&who, subscriber("second", "me")).await.unwrap_err();
    let problem = &error.fields[0];
    assert_eq!(problem.field, "metadata");
    assert!(
        problem.message.starts_with("client_id: Another device is `me` at broker.invalid:1883"),
        "{problem:?}"
    );

    let second = app.devices.create_device(&who, subscriber("second", "other")).await.unwrap();
    let take = |spec: &mut DeviceSpec| drop(spec.metadata.insert("client_id".to_owned(), json!("me")));
    let error = app.devices.update_device(&who, second.id, take).await.unwrap_err();
    assert_eq!(error.fields[0].field, "metadata");
    // Its own client is nobody else's, and is free once it has another one.
    app.devices.update_device(&who, first.id, |spec| spec.timeout_s = 7.0).await.unwrap();
    let leave = |spec: &mut DeviceSpec| drop(spec.metadata.insert("client_id".to_owned(), json!("third")));
    app.devices.update_device(&who, first.id, leave).await.unwrap();
    app.devices.update_device(&who, second.id, take).await.unwrap();
}
