//! The rules of creation: what is required, what is unique, and what becomes of references.

use serde_json::{Value, json};

use super::{NOBODY, Platform, field_errors};
use crate::support::row_vec;

#[tokio::test]
async fn every_mistake_of_a_body_is_told_at_once() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let long = "x".repeat(256);
    let rows: Vec<(&str, Value, Vec<&str>)> = row_vec![
        "devices", json!({}), vec!["name: must not be blank"];
        "devices", json!({"name": null}), vec!["name: must not be blank"];
        "devices", json!({"name": " "}), vec!["name: must not be blank"];
        "devices", json!({"name": long}), vec!["name: size must be between 1 and 100"];
        "devices", json!({"name": "", "siteId": NOBODY, "tags": ["a", ""], "location": {"lat": 91, "lon": 0}}),
            vec!["location.lat: must be between -90 and 90", "name: must not be blank", "siteId: does not exist",
                 "tags[1]: must not be blank"];
        "devices", json!({"name": "e", "siteId": "x"}), vec!["siteId: must be a UUID"];
        "devices", json!({"name": "e", "location": {"lat": 1}, "groupIds": [NOBODY]}),
            vec!["groupIds[0]: does not exist", "location.lon: must not be null"];
        "sites", json!({}), vec!["name: must not be blank"];
        "sites", json!({"name": long, "description": "x".repeat(4001), "timezone": ""}),
            vec!["description: size must be between 0 and 4000", "name: size must be between 1 and 255",
                 "timezone: must not be blank"];
        "device-groups", json!({}), vec!["name: must not be blank"];
        "device-groups", json!({"deviceIds": [device, NOBODY]}), vec!["deviceIds[1]: does not exist", "name: must not be blank"];
        "components", json!({}), vec!["deviceId: must not be null", "key: must not be blank", "name: must not be blank"];
        "components", json!({"deviceId": NOBODY, "key": "a b", "name": "c", "sensorProfileId": NOBODY}),
            vec!["deviceId: does not exist", "key: must consist of letters, digits and the characters _ -",
                 "sensorProfileId: does not exist"];
        "sensors", json!({}),
            vec!["deviceId: must not be null", "key: must not be blank", "name: must not be blank", "valueType: must not be null"];
        "sensors", json!({"deviceId": NOBODY, "key": "t", "name": "t", "valueType": "FLOAT", "componentId": NOBODY}),
            vec!["componentId: does not exist", "deviceId: does not exist", "valueType: must be one of DOUBLE, BIGINT, BOOLEAN, TEXT"];
        "sensors", json!({"deviceId": device, "key": "t", "name": "x".repeat(201), "valueType": "DOUBLE"}),
            vec!["name: size must be between 1 and 200"];
        "annotations", json!({}),
            vec!["classId: must not be null", "scopeId: must not be null", "scopeType: must not be null",
                 "startTime: must not be null"];
        "annotation-classes", json!({}),
            vec!["fields: must not be null", "key: must not be blank", "name: must not be blank", "scopes: must not be null"];
        "annotation-classes",
            json!({"key": "a", "name": "A", "scopes": ["SITE", "ORG"], "color": "red",
                "fields": [{"name": "f", "type": "DATE"}, {"name": "e", "type": "ENUM"}]}),
            vec!["color: must be a color such as #1A2B3C", "fields[0].type: must be one of STRING, NUMBER, BOOLEAN, ENUM",
                 "fields[1].options: size must be between 1 and 100",
                 "scopes[1]: must be one of SITE, DEVICE, COMPONENT, SENSOR"];
        "reference-pairs", json!({}),
            vec!["primaryComponentId: must not be null", "referenceComponentId: must not be null", "validFrom: must not be null"];
        "reference-pairs", json!({"primaryComponentId": NOBODY, "referenceComponentId": device, "validFrom": "soon"}),
            vec!["primaryComponentId: does not exist", "referenceComponentId: does not exist",
                 "validFrom: must be an ISO-8601 time between 1970 and 2261"];
        "dashboards", json!({}), vec!["layout: must not be null", "name: must not be blank"];
        "dashboards",
            json!({"name": "d", "layout": [{"id": "a", "type": "PIE", "x": 20, "y": 0, "w": 5, "h": 1,
                "config": {"sensorIds": ["x"]}}]}),
            vec!["layout[0].config.sensorIds: must be a list of UUIDs",
                 "layout[0].type: must be one of LINE, GAUGE, STAT, TABLE, MAP, TEXT",
                 "layout[0].w: must be between 1 and 4"];
        "api-keys", json!({}), vec!["name: must not be blank"];
        "api-keys", json!({"name": "k", "role": "owner"}), vec!["role: must be one of admin, member, readonly"];
    ];
    for (noun, body, expected) in rows {
        let answer = admin.send("POST", &format!("/api/v1/{noun}"), &body).await;
        let answer = answer.has_field_errors(400, &expected);
        assert_eq!(answer["detail"], "Validation failed", "{noun} {body}");
    }
    let big = json!({"name": "big", "metadata": {"a": "x".repeat(16 << 10)}});
    let answer = admin.send("POST", "/api/v1/devices", &big).await.expect(400);
    assert_eq!(field_errors(&answer).len(), 1, "{answer}");

    let other = admin.make("devices", json!({"name": "e"})).await;
    let component = |device: &str| json!({"deviceId": device, "key": "c", "name": "C"});
    let sensor = |device: &str, component: Value| json!({"deviceId": device, "componentId": component, "key": "t", "name": "T", "valueType": "DOUBLE"});
    let made = admin.make("components", component(&device)).await;
    for (noun, body) in [
        ("sites", json!({"name": "s"})),
        ("device-groups", json!({"name": "g"})),
        ("sensors", sensor(&device, Value::Null)),
        ("sensors", sensor(&device, json!(made))),
    ] {
        admin.create(&format!("/api/v1/{noun}"), body.clone()).await;
        admin.send("POST", &format!("/api/v1/{noun}"), &body).await.has(409, json!({"title": "Conflict"}));
    }
    let devices = "/api/v1/devices";
    assert_eq!(admin.status("POST", devices, &json!({"name": "d"})).await, 409);
    assert_eq!(admin.status("PUT", &format!("{devices}/{other}"), &json!({"name": "d"})).await, 409);
    assert_eq!(admin.status("PUT", &format!("{devices}/{other}"), &json!({"name": "e"})).await, 200);
    assert_eq!(admin.status("POST", "/api/v1/components", &component(&device)).await, 409);
    // A key is one of its device.
    admin.create("/api/v1/components", component(&other)).await;
    admin.create("/api/v1/sensors", sensor(&other, Value::Null)).await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_what_depends_on_it_with_it() {
    let (_platform, admin) = Platform::with_admin().await;
    let site = admin.make("sites", json!({"name": "s"})).await;
    let group = admin.make("device-groups", json!({"name": "g"})).await;
    let body = json!({"name": "d", "siteId": site, "groupIds": [group]});
    let device = admin.make("devices", body).await;
    let component = admin.make("components", json!({"deviceId": device, "key": "c", "name": "C"})).await;
    let sensor =
        json!({"deviceId": device, "componentId": component, "key": "t", "name": "T", "valueType": "DOUBLE"});
    let inner = admin.make("sensors", sensor).await;
    let sensor = json!({"deviceId": device, "key": "u", "name": "U", "valueType": "TEXT"});
    let outer = admin.make("sensors", sensor).await;
    let gone = async |noun: &str, id: &str| {
        admin.status("GET", &format!("/api/v1/{noun}/{id}"), &Value::Null).await == 404
    };
    let delete = async |noun: &str, id: &str| admin.delete_once(&format!("/api/v1/{noun}/{id}")).await;
    delete("components", &component).await;
    assert!(gone("sensors", &inner).await && !gone("sensors", &outer).await);
    delete("sites", &site).await;
    delete("device-groups", &group).await;
    admin.get(&format!("/api/v1/devices/{device}")).await.has(200, json!({"siteId": null, "groupIds": []}));
    // What it names although it is gone may stay.
    admin.send("PATCH", &format!("/api/v1/devices/{device}"), &json!({"tags": ["a"]})).await.ok();
    delete("devices", &device).await;
    assert!(gone("sensors", &outer).await);
    for (noun, title) in [
        ("devices", "Device"),
        ("components", "Component"),
        ("sensors", "Sensor"),
        ("device-groups", "DeviceGroup"),
        ("sites", "Site"),
    ] {
        let path = format!("/api/v1/{noun}/{NOBODY}");
        let body = match noun {
            "components" => json!({"deviceId": NOBODY, "key": "c", "name": "C"}),
            _ => json!({"name": "x"}),
        };
        let expected = json!({"detail": format!("{title} {NOBODY} not found")});
        admin.send("PUT", &path, &body).await.has(404, expected);
    }
}
