//! Lists: paging, sorting and filters.

use serde_json::{Value, json};

use super::{NOBODY, Platform, id};
use crate::support::{column, rows};

#[tokio::test]
async fn lists_are_paged_as_spring_pages_them() {
    let (_platform, admin) = Platform::with_admin().await;
    for noun in rows![
        "devices"; "components"; "sensors"; "device-groups"; "sites"; "sensor-profiles"; "device-profiles"; "packs";
        "firmware"; "annotations"; "annotations/by-source?source=ML"; "annotation-classes"; "reference-pairs";
        "dashboards";
    ] {
        let empty = json!({"size": 20, "number": 0, "totalElements": 0, "totalPages": 0});
        let list = admin.get(&format!("/api/v1/{noun}")).await;
        list.is(200, &json!({"content": [], "page": empty}));
    }
    for name in ["c", "a", "b", "e", "d"] {
        admin.create("/api/v1/sites", json!({"name": name})).await;
    }
    let names = |list: &Value| -> String {
        column(&list["content"], "name").iter().map(|name| name.as_str().unwrap()).collect()
    };
    for (query, expected, number, size, pages) in [
        ("", "debac", 0, 20, 1),
        ("?sort=createdAt,asc", "cabed", 0, 20, 1),
        ("?sort=name", "abcde", 0, 20, 1),
        ("?sort=name,DESC", "edcba", 0, 20, 1),
        ("?sort=timezone&sort=name,desc", "edcba", 0, 20, 1),
        ("?sort=name&size=2", "ab", 0, 2, 3),
        ("?sort=name&size=2&page=2", "e", 2, 2, 3),
        ("?sort=name&size=2&page=3", "", 3, 2, 3),
        ("?sort=name&page=-1&size=0", "abcde", 0, 20, 1),
        ("?sort=name&page=x&size=y", "abcde", 0, 20, 1),
        ("?sort=name&size=5000", "abcde", 0, 1000, 1),
        ("?sort=name&unknown=1", "abcde", 0, 20, 1),
    ] {
        let list = admin.get(&format!("/api/v1/sites{query}")).await.ok();
        assert_eq!(names(&list).as_str(), expected, "{query}");
        let page = json!({"size": size, "number": number, "totalElements": 5, "totalPages": pages});
        assert_eq!(list["page"], page, "{query}");
    }
    for query in ["?sort=secret", "?sort=name,up", "?sort=location"] {
        let body = admin.get(&format!("/api/v1/sites{query}")).await;
        body.has(400, json!({"detail": "Invalid value for parameter 'sort'"}));
    }
}

#[tokio::test]
async fn lists_are_sorted_by_their_plain_fields() {
    let (_platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let commands = format!("devices/{device}/commands");
    for (noun, fields) in rows![
        "devices", "isVirtual deviceProfileId siteId firmwareVersion certificateSerial lastSeenAt";
        "components", "deviceId key name sensorProfileId";
        "sensors", "deviceId componentId key name valueType unit isWritable lastReadingAt";
        "device-groups", "name description";
        "sites", "name description address timezone deviceCount";
        "sensor-profiles", "key name version packId";
        "device-profiles", "key name version packId";
        "packs", "key name version";
        "config-artefacts", "name profileType profileId version objectKey sizeBytes sha256 createdBy";
        "desired-state-bindings", "targetType targetId configArtefactId desiredVersion status message reportedAt";
        commands.as_str(), "type status error createdBy sentAt acknowledgedAt completedAt";
        "alert-rules", "name sensorId evaluation windowSeconds operator severity autoResolve enabled description";
        "alerts", "triggeredAt severity status message";
        "events", "timestamp source type severity title";
        "annotation-classes", "key name color packId";
        "reference-pairs", "name primaryComponentId referenceComponentId validFrom validTo";
        "dashboards", "name description isDefault createdBy packId";
        "cameras", "name type deviceId streamUrl dvrUrl status lastSeenAt";
        "media-capture-rules", "name preRollSeconds cooldownSeconds maxPerHour enabled";
        "captures", "cameraId eventId ruleId status startTime endTime";
        "dvr-clip-requests", "cameraId status from to captureId requestedBy";
        "live", "cameraId status requestedBy expiresAt";
        "exports", "scopeType scopeId from to status requestedBy sizeBytes readingCount annotationCount";
        "firmware", "name version deviceProfileId sizeBytes sha256 notes";
    ] {
        for field in fields.split(' ') {
            let path = format!("/api/v1/{noun}?sort={field},desc");
            assert_eq!(admin.status("GET", &path, &Value::Null).await, 200, "{path}");
        }
    }
    for (name, description) in [("a", "z"), ("b", "x"), ("c", "y")] {
        admin.create("/api/v1/sites", json!({"name": name, "description": description})).await;
        admin.create("/api/v1/device-groups", json!({"name": name, "description": description})).await;
    }
    for noun in ["sites", "device-groups"] {
        let list = admin.get(&format!("/api/v1/{noun}?sort=description")).await.body;
        assert_eq!(column(&list["content"], "name"), ["b", "c", "a"], "{noun}");
    }
}

#[tokio::test]
async fn devices_are_narrowed_by_what_they_have() {
    let (_platform, admin) = Platform::with_admin().await;
    let site = admin.make("sites", json!({"name": "Plant"})).await;
    let group = admin.make("device-groups", json!({"name": "Hot", "tags": ["hot"]})).await;
    admin.create("/api/v1/devices", json!({"name": "Oven 1", "tags": ["hot", "old"], "siteId": site})).await;
    admin.create("/api/v1/devices", json!({"name": "Oven 2", "tags": ["hot"]})).await;
    let press = admin.create("/api/v1/devices", json!({"name": "Press", "groupIds": [group]})).await;
    let path = format!("/api/v1/devices/{}", id(&press));
    assert_eq!(admin.status("PATCH", &path, &json!({"status": "INACTIVE"})).await, 200);
    for (query, expected) in [
        (String::new(), "Oven 1, Oven 2, Press"),
        (format!("siteId={site}"), "Oven 1"),
        (format!("siteId={NOBODY}"), ""),
        (format!("groupId={group}"), "Oven 1, Oven 2, Press"),
        ("tag=hot".to_owned(), "Oven 1, Oven 2"),
        ("tag=hot&tag=old".to_owned(), "Oven 1"),
        ("status=ACTIVE".to_owned(), "Oven 1, Oven 2"),
        ("status=INACTIVE".to_owned(), "Press"),
        ("q=oven".to_owned(), "Oven 1, Oven 2"),
        ("q=2".to_owned(), "Oven 2"),
        (format!("deviceProfileId={NOBODY}"), ""),
        ("tag=hot&q=1".to_owned(), "Oven 1"),
    ] {
        let list = admin.get(&format!("/api/v1/devices?sort=name&{query}")).await.ok();
        let expected: Vec<_> = expected.split_terminator(", ").collect();
        assert_eq!(column(&list["content"], "name"), expected, "{query}");
    }
    for (query, name) in [("status=RUNNING", "status"), ("siteId=x", "siteId"), ("groupId=1", "groupId")] {
        let body = admin.get(&format!("/api/v1/devices?{query}")).await;
        body.has(400, json!({"detail": format!("Invalid value for parameter '{name}'")}));
    }
}
