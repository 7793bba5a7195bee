//! Sessions and retained messages of MQTT: replaced, removed, and gone with their device.

use super::fixtures::*;
use crate::domain::mqtt::{
    MqttChange, Qos, RetainedMessage, SessionOwner, StoredSession, Subscription, Will,
};
use crate::domain::{DeviceId, KeyId, Micros, OrgId};

fn session(org: OrgId, owner: SessionOwner) -> StoredSession {
    let subscription = Subscription { filter: "basalt/#".to_owned(), qos: Qos::ExactlyOnce };
    let will = Will {
        topic: "basalt/d/online".to_owned(),
        payload: vec![0, 255],
        qos: Qos::AtLeastOnce,
        is_retained: true,
        delay_s: 5,
    };
    StoredSession {
        org,
        owner,
        client_id: "c".to_owned(),
        subscriptions: vec![subscription],
        expiry_s: u32::MAX,
        ended_at: None,
        will: Some(will),
        cursor: None,
    }
}

fn retained(org: OrgId, device: DeviceId, payload: &[u8]) -> RetainedMessage {
    let (topic, payload) = ("basalt/d/t".to_owned(), payload.into());
    RetainedMessage { org, device, topic, payload, qos: Qos::AtLeastOnce, stored_at: Micros(7) }
}

pub(super) async fn what_mqtt_remembers_is_back_after_a_restart_and_goes_with_its_device(
    place: TestDatabase,
) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let of_key = session(admin.org, SessionOwner::Key(KeyId(9)));
    let of_device = session(admin.org, SessionOwner::Device(device));
    let ended =
        StoredSession { ended_at: Some(Micros(3)), will: None, cursor: Some("x".into()), ..of_key.clone() };
    let changes = [
        MqttChange::PutSession(of_key),
        MqttChange::PutSession(of_device.clone()),
        MqttChange::PutSession(ended.clone()),
        MqttChange::PutRetained(retained(admin.org, device, b"1")),
        MqttChange::PutRetained(retained(admin.org, device, b"2")),
        // Its device is gone: it is left out, and the others are stored.
        MqttChange::PutSession(session(admin.org, SessionOwner::Device(DeviceId(4711)))),
    ];
    catalog.mqtt.store_mqtt(changes.to_vec()).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let mut found = catalog.mqtt.mqtt_sessions().await.unwrap();
    found.sort_by_key(|session| session.owner);
    assert_eq!(found, [ended.clone(), of_device]);
    assert_eq!(catalog.mqtt.mqtt_retained().await.unwrap(), [retained(admin.org, device, b"2")]);
    catalog.devices.delete_device(&admin, device).await.unwrap();
    assert_eq!(catalog.mqtt.mqtt_sessions().await.unwrap(), std::slice::from_ref(&ended));
    assert!(catalog.mqtt.mqtt_retained().await.unwrap().is_empty());
    let removed = MqttChange::RemoveSession(ended.owner, ended.client_id);
    catalog.mqtt.store_mqtt(vec![removed]).await.unwrap();
    assert!(catalog.mqtt.mqtt_sessions().await.unwrap().is_empty());
}
