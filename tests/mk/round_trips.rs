//! Rows that are read and sent back: those of other interfaces, memberships, and keys that belong to components.

use serde_json::{Value, json};

use super::firmware::stored;
use super::{Caller, NOBODY, Platform, id};
use crate::support::{column, with};

const COMPONENTS: &str = "/api/v1/components";
const PACKS: &str = "/api/v1/packs";
const READINGS: &str = "/api/v1/readings";
const SENSORS: &str = "/api/v1/sensors";

/// Path of a row.
fn at(noun: &str, id: &str) -> String {
    format!("/api/v1/{noun}/{id}")
}

#[tokio::test]
async fn a_row_that_is_read_can_be_sent_back_and_changes_nothing_else() {
    let (platform, admin) = Platform::with_admin().await;
    change_rows_of_other_interfaces(&platform, &admin).await;
    keep_memberships(&admin).await;
    keep_sensors_out_of_components(&admin).await;
    sort_versions(&admin).await;
    describe_device_profiles(&admin).await;
}

/// Their rules allow more than those here; a change is not refused for what it does not touch.
async fn change_rows_of_other_interfaces(platform: &Platform, admin: &Caller) {
    let device = json!({"name": "Press 1", "protocol": "virtual", "metadata": {"a": "x".repeat(20_000)}});
    let device = platform.client.post("/api/device/", &device).await.created();
    let stream = json!({"name": "Motor RPM", "device": device["id"], "type": "fp64"});
    let stream = platform.client.post("/api/data/", &stream).await.created();
    let path = at("devices", device["uuid"].as_str().unwrap());
    admin.send("PATCH", &path, &json!({"tags": ["a"]})).await.has(200, json!({"tags": ["a"]}));
    let row = admin.get(&path).await.ok();
    admin.send("PUT", &path, &row).await.has(200, json!({"name": "Press 1"}));
    let path = at("sensors", stream["uuid"].as_str().unwrap());
    let row = with(admin.get(&path).await.ok(), json!({"name": "Speed"}));
    admin.send("PUT", &path, &row).await.has(200, json!({"key": "Motor RPM", "name": "Speed"}));
    let refused = admin.send("PUT", &path, &with(row, json!({"key": "Motor speed"}))).await;
    refused.has_field_errors(400, &["key: must consist of letters, digits and the characters _ - ."]);
}

/// A membership that a row shows and does not store, by tags or by the other side, ends there although both rows were sent
/// back. One that it stores stays.
async fn keep_memberships(admin: &Caller) {
    let group = admin.make("device-groups", json!({"name": "hot"})).await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let (of_group, of_device) = (at("device-groups", &group), at("devices", &device));
    let (group_ids, device_ids) = (json!({"groupIds": [group]}), json!({"deviceIds": [device]}));
    let tags = json!({"tags": ["hot"]});
    let untag = ("PATCH", &of_device, json!({"tags": []}));
    let unlist = ("PUT", &of_group, json!({"name": "hot"}));
    let leave = ("PATCH", &of_device, json!({"groupIds": []}));
    for (in_group, in_device, (method, path, end), stays) in [
        (tags.clone(), tags.clone(), untag.clone(), false),
        (device_ids.clone(), json!({}), unlist, false),
        (json!({}), group_ids.clone(), leave, false),
        (with(tags.clone(), device_ids.clone()), tags.clone(), untag.clone(), true),
        (tags.clone(), with(tags, group_ids.clone()), untag, true),
    ] {
        let case = format!("{in_group} {in_device}");
        let start = [
            (&of_group, json!({"name": "hot"})),
            (&of_device, json!({"name": "d"})),
            (&of_group, with(in_group, json!({"name": "hot"}))),
            (&of_device, with(in_device, json!({"name": "d"}))),
        ];
        for (row, body) in start {
            admin.send("PUT", row, &body).await.about(&case).ok();
        }
        for (row, members) in [(&of_device, &group_ids), (&of_group, &device_ids)] {
            let shown = admin.get(row).await.about(&case).has(200, members.clone());
            admin.send("PUT", row, &shown).await.about(&case).ok();
        }
        admin.send(method, path, &end).await.about(&case).ok();
        let expected = if stays { device_ids.clone() } else { json!({"deviceIds": []}) };
        admin.get(&of_group).await.about(&case).has(200, expected);
        let expected = if stays { group_ids.clone() } else { json!({"groupIds": []}) };
        admin.get(&of_device).await.about(&case).has(200, expected);
    }
}

async fn keep_sensors_out_of_components(admin: &Caller) {
    let device = admin.make("devices", json!({"name": "e"})).await;
    let part = |key: &str| json!({"deviceId": device, "key": key, "name": "P"});
    let sensor = |key: &str| json!({"deviceId": device, "key": key, "name": "S", "valueType": "DOUBLE"});
    let component = admin.make("components", part("boiler")).await;
    let (apart, plain) =
        (admin.make("sensors", sensor("axis.temp")).await, admin.make("sensors", sensor("temp")).await);
    for (method, path, body) in [
        ("POST", SENSORS.to_owned(), sensor("boiler.temp")),
        ("PUT", at("sensors", &plain), sensor("boiler.temp")),
        ("POST", COMPONENTS.to_owned(), part("axis")),
        ("PUT", at("components", &component), part("axis")),
    ] {
        admin.send(method, &path, &body).await.has(409, json!({"title": "Conflict"}));
    }
    let row = admin.get(&at("sensors", &apart)).await;
    row.has(200, json!({"componentId": null, "key": "axis.temp"}));
    // A key of another component is refused as that, also when the other has sensors.
    let inside = admin.make("sensors", with(sensor("temp"), json!({"componentId": component}))).await;
    let taken = admin.send("POST", COMPONENTS, &part("boiler")).await;
    taken.has(409, json!({"detail": "A component with the key 'boiler' exists on this device"}));
    narrow_readings(admin, [&plain, &inside, &device, &component]).await;
}

/// Every filter of a list counts, a mistake in a list of ids is told once, and an error names the type of the row.
async fn narrow_readings(admin: &Caller, [sensor, inside, device, component]: [&str; 4]) {
    let reading = |id: &str| json!({"sensorId": id, "timestamp": "2026-04-28T12:00:00Z", "value": 1.5});
    assert_eq!(admin.status("POST", READINGS, &json!([reading(sensor), reading(inside)])).await, 202);
    let list = format!("{READINGS}?from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z");
    for (query, expected) in [
        (format!("sensorId={sensor}"), 1),
        (format!("sensorId={sensor}&deviceId={device}"), 1),
        (format!("sensorId={sensor}&deviceId={NOBODY}"), 0),
        (format!("sensorId={sensor}&componentId={component}"), 0),
        (format!("componentId={component}&deviceId={device}"), 1),
        (format!("componentId={component}&deviceId={NOBODY}"), 0),
    ] {
        let page = admin.get(&format!("{list}&{query}")).await.ok();
        assert_eq!(page["page"]["totalElements"], expected, "{query}");
    }
    for (ids, expected) in [
        (json!(["x"]), "sensorIds[0]: must be a UUID"),
        (json!([]), "sensorIds: size must be between 1 and 100"),
        (Value::Null, "sensorIds: must not be null"),
    ] {
        let answer = admin.send("POST", &format!("{READINGS}/batch"), &json!({"sensorIds": ids})).await;
        answer.has_field_errors(400, &[expected]);
    }
    let nobody = admin.get(&at("admin/quarantine", NOBODY)).await;
    nobody.has(404, json!({"detail": format!("QuarantinedReading {NOBODY} not found")}));
}

async fn sort_versions(admin: &Caller) {
    for version in ["9.0.0", "10.0.0-rc.1", "10.0.0"] {
        stored(admin, version, b"x").await;
    }
    let rows = admin.get("/api/v1/firmware?sort=version,desc").await.ok();
    assert_eq!(column(&rows["content"], "version"), ["10.0.0", "10.0.0-rc.1", "9.0.0"]);
}

/// The fields of a device profile are writable by their place. Packs are sorted by version too.
async fn describe_device_profiles(admin: &Caller) {
    let pack = |version: &str| {
        json!({"key": "p", "version": version, "name": "P", "deviceProfiles": [{"key": "board", "name": "Board",
            "version": "1.0", "components": [], "writableFields": [{"name": "rate", "valueType": "BIGINT"}]}]})
    };
    let installed = admin.create(PACKS, pack("1.10.0")).await;
    admin.create(PACKS, pack("1.9.0")).await;
    let rows = admin.get(&format!("{PACKS}?sort=version")).await.ok();
    assert_eq!(column(&rows["content"], "version"), ["1.9.0", "1.10.0"]);
    let profile = &installed["deviceProfiles"][0];
    let schema = admin.get(&format!("/api/schemas/device-profile/{}", id(profile))).await.ok();
    let rate = json!({"@type": "Property", "name": "rate", "schema": "long", "writable": true});
    assert_eq!(schema["contents"], json!([rate]));
}
