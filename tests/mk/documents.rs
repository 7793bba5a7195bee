//! Sites, groups and components as rows.

use serde_json::{Value, json};

use super::{Platform, id};
use crate::support::rows;

#[tokio::test]
async fn rows_are_created_read_and_replaced() {
    let (_platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "d", "tags": ["hot"]})).await;
    for (noun, body, expected, change) in rows![
        "sites", json!({"name": "Plant"}),
            json!({"name": "Plant", "description": null, "address": null, "location": null, "timezone": "UTC", "deviceCount": 0}),
            json!({"name": "Works", "timezone": "Europe/Berlin", "address": "Street 1"});
        "device-groups", json!({"name": "Hot", "tags": ["hot"]}),
            json!({"name": "Hot", "description": null, "tags": ["hot"], "deviceIds": [device]}),
            json!({"name": "Named", "description": "one by one", "deviceIds": [device]});
        "components", json!({"deviceId": device, "key": "boiler", "name": "Boiler"}),
            json!({"deviceId": device, "key": "boiler", "name": "Boiler", "sensorProfileId": null, "metadata": {}}),
            json!({"deviceId": device, "key": "kettle", "name": "Kettle", "metadata": {"a": 1}});
    ] {
        let path = format!("/api/v1/{noun}");
        let row = admin.create(&path, body).await;
        let one = format!("{path}/{}", id(&row));
        assert_eq!(admin.get(&one).await.body, row, "{noun}");
        let mut shown = row.clone();
        for name in ["id", "createdAt", "updatedAt"] {
            assert!(shown.as_object_mut().unwrap().remove(name).is_some(), "{noun}: {name}");
        }
        assert_eq!(shown, expected, "{noun}");
        let changed = admin.send("PUT", &one, &change).await.about(&noun).ok();
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(changed[name], *value, "{noun}.{name}");
        }
        assert_eq!((&changed["id"], &changed["createdAt"]), (&row["id"], &row["createdAt"]), "{noun}");
        assert_eq!(admin.get(&one).await.body, changed, "{noun}");
    }

    let site = admin.make("sites", json!({"name": "s"})).await;
    let group = admin.make("device-groups", json!({"name": "g", "tags": ["a", "b"]})).await;
    for (name, tags) in [("both", vec!["a", "b", "c"]), ("one", vec!["a"]), ("none", vec![])] {
        admin.create("/api/v1/devices", json!({"name": name, "tags": tags, "siteId": site})).await;
    }
    assert_eq!(admin.get(&format!("/api/v1/sites/{site}")).await["deviceCount"], 3);
    let row = admin.get(&format!("/api/v1/device-groups/{group}")).await.body;
    let members = row["deviceIds"].as_array().unwrap();
    assert_eq!(members.len(), 1, "{row}");
    let member = admin.get(&format!("/api/v1/devices/{}", members[0].as_str().unwrap())).await;
    member.has(200, json!({"name": "both", "groupIds": [group]}));
}

#[tokio::test]
async fn what_is_fixed_stays() {
    let (mut platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let other = admin.make("devices", json!({"name": "e"})).await;
    let body = json!({"deviceId": device, "key": "c", "name": "C"});
    let component = admin.make("components", body.clone()).await;
    let path = format!("/api/v1/components/{component}");
    let mut moved = body.clone();
    moved["deviceId"] = json!(other);
    assert_eq!(admin.status("PUT", &path, &moved).await, 409);
    let sensor =
        json!({"deviceId": device, "componentId": component, "key": "t", "name": "T", "valueType": "DOUBLE"});
    admin.create("/api/v1/sensors", sensor).await;
    let mut renamed = body.clone();
    renamed["key"] = json!("k");
    assert_eq!(admin.status("PUT", &path, &renamed).await, 409, "its sensors begin with its key");
    assert_eq!(admin.status("PUT", &path, &body).await, 200);
    assert_eq!(admin.get("/api/schemas").await.body, json!([]), "packs install profiles");
    admin.get("/api/v1/sensor-profiles?latest=maybe").await.expect(400);
    assert_eq!(admin.get("/api/v1/sensor-profiles?latest=true&version=1.2").await["content"], json!([]));
    assert_eq!(admin.status("POST", "/api/v1/sensor-profiles", &Value::Null).await, 405);

    let site = admin.create("/api/v1/sites", json!({"name": "s"})).await;
    let device = json!({"name": "f", "siteId": id(&site), "tags": ["a"]});
    let device = admin.create("/api/v1/devices", device).await;
    platform.server.crash().await;
    let mut after = admin.get(&format!("/api/v1/devices/{}", id(&device))).await.body;
    after["lastSeenAt"] = device["lastSeenAt"].clone();
    assert_eq!(after, device);
    admin.get(&format!("/api/v1/sites/{}", id(&site))).await.has(200, json!({"name": "s", "deviceCount": 1}));
}
