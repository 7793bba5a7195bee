//! Sites, groups and components as rows.

use serde_json::{Value, json};

use super::{Platform, id};

#[tokio::test]
async fn rows_are_created_read_and_replaced() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let device = id(&admin.create("/api/v1/devices", json!({"name": "d", "tags": ["hot"]})).await);
    let rows = [
        (
            "sites",
            json!({"name": "Plant"}),
            json!({"name": "Plant", "description": null, "address": null, "location": null, "timezone": "UTC",
                "deviceCount": 0}),
            json!({"name": "Works", "timezone": "Europe/Berlin", "address": "Street 1"}),
        ),
        (
            "device-groups",
            json!({"name": "Hot", "tags": ["hot"]}),
            json!({"name": "Hot", "description": null, "tags": ["hot"], "deviceIds": [device]}),
            json!({"name": "Named", "description": "one by one", "deviceIds": [device]}),
        ),
        (
            "components",
            json!({"deviceId": device, "key": "boiler", "name": "Boiler"}),
            json!({"deviceId": device, "key": "boiler", "name": "Boiler", "sensorProfileId": null, "metadata": {}}),
            json!({"deviceId": device, "key": "kettle", "name": "Kettle", "metadata": {"a": 1}}),
        ),
    ];
    for (noun, body, expected, change) in rows {
        let path = format!("/api/v1/{noun}");
        let row = admin.create(&path, body).await;
        let one = format!("{path}/{}", id(&row));
        assert_eq!(admin.get(&one).await.2, row, "{noun}");
        let mut shown = row.clone();
        for name in ["id", "createdAt", "updatedAt"] {
            assert!(shown.as_object_mut().unwrap().remove(name).is_some(), "{noun}: {name}");
        }
        assert_eq!(shown, expected, "{noun}");
        let (status, _, changed) = admin.send("PUT", &one, &change).await;
        assert_eq!(status, 200, "{noun}: {changed}");
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(changed[name], *value, "{noun}.{name}");
        }
        assert_eq!((&changed["id"], &changed["createdAt"]), (&row["id"], &row["createdAt"]), "{noun}");
        assert_eq!(admin.get(&one).await.2, changed, "{noun}");
    }
}

#[tokio::test]
async fn a_site_counts_its_devices_and_a_group_lists_its_members() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let site = id(&admin.create("/api/v1/sites", json!({"name": "s"})).await);
    let group = id(&admin.create("/api/v1/device-groups", json!({"name": "g", "tags": ["a", "b"]})).await);
    for (name, tags) in [("both", vec!["a", "b", "c"]), ("one", vec!["a"]), ("none", vec![])] {
        admin.create("/api/v1/devices", json!({"name": name, "tags": tags, "siteId": site})).await;
    }
    assert_eq!(admin.get(&format!("/api/v1/sites/{site}")).await.2["deviceCount"], 3);
    let (_, _, row) = admin.get(&format!("/api/v1/device-groups/{group}")).await;
    let members = row["deviceIds"].as_array().unwrap();
    assert_eq!(members.len(), 1, "{row}");
    let (_, _, member) = admin.get(&format!("/api/v1/devices/{}", members[0].as_str().unwrap())).await;
    assert_eq!((&member["name"], &member["groupIds"]), (&json!("both"), &json!([group])));
}

#[tokio::test]
async fn what_is_fixed_stays() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let device = id(&admin.create("/api/v1/devices", json!({"name": "d"})).await);
    let other = id(&admin.create("/api/v1/devices", json!({"name": "e"})).await);
    let body = json!({"deviceId": device, "key": "c", "name": "C"});
    let component = id(&admin.create("/api/v1/components", body.clone()).await);
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
    let (_, _, schemas) = admin.get("/api/schemas").await;
    assert_eq!(schemas, json!([]), "packs install profiles");
    assert_eq!(admin.get("/api/v1/sensor-profiles?latest=maybe").await.0, 400);
    assert_eq!(admin.get("/api/v1/sensor-profiles?latest=true&version=1.2").await.2["content"], json!([]));
    assert_eq!(admin.status("POST", "/api/v1/sensor-profiles", &Value::Null).await, 405);
}

#[tokio::test]
async fn documents_are_there_after_a_crash() {
    let mut platform = Platform::start().await;
    let admin = platform.admin.clone();
    let site = admin.create("/api/v1/sites", json!({"name": "s"})).await;
    let device =
        admin.create("/api/v1/devices", json!({"name": "d", "siteId": id(&site), "tags": ["a"]})).await;
    platform.server.kill();
    platform.server.start_again().await;
    let (_, _, mut after) = admin.get(&format!("/api/v1/devices/{}", id(&device))).await;
    after["lastSeenAt"] = device["lastSeenAt"].clone();
    assert_eq!(after, device);
    let (_, _, row) = admin.get(&format!("/api/v1/sites/{}", id(&site))).await;
    assert_eq!((&row["name"], &row["deviceCount"]), (&json!("s"), &json!(1)));
}
