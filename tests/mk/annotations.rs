//! Annotations, their classes and reference pairs.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, id};
use crate::support::{assert_members, column, row_vec, with};

const ANNOTATIONS: &str = "/api/v1/annotations";
const CLASSES: &str = "/api/v1/annotation-classes";
const PAIRS: &str = "/api/v1/reference-pairs";

/// A class of annotations of devices and sensors, a site, a device, a component and a sensor: their ids.
struct Plant {
    class: String,
    site: String,
    device: String,
    component: String,
    sensor: String,
}

fn class(key: &str) -> Value {
    json!({
        "key": key, "name": "Fault", "color": "#aa0000", "scopes": ["DEVICE", "COMPONENT", "SENSOR"],
        "fields": [
            {"name": "cause", "type": "ENUM", "required": true, "options": ["wear", "dirt"]},
            {"name": "hours", "type": "NUMBER"},
        ],
    })
}

impl Plant {
    async fn new(admin: &Caller) -> Plant {
        let class = id(&admin.create(CLASSES, class("fault")).await);
        let site = admin.make("sites", json!({"name": "s"})).await;
        let device = admin.make("devices", json!({"name": "d"})).await;
        let component = admin.make("components", json!({"deviceId": device, "key": "c", "name": "C"})).await;
        let sensor = json!({"deviceId": device, "key": "t", "name": "T", "valueType": "DOUBLE"});
        let sensor = admin.make("sensors", sensor).await;
        Plant { class, site, device, component, sensor }
    }

    /// An annotation of the device from a minute of an hour to another, or of one moment.
    fn annotation(&self, from: u32, to: Option<u32>) -> Value {
        let time = |minute: u32| format!("2026-04-28T12:{minute:02}:00Z");
        json!({"classId": self.class, "scopeType": "DEVICE", "scopeId": self.device, "startTime": time(from),
            "endTime": to.map(time), "values": {"cause": "wear"}})
    }
}

/// Minutes at which the annotations of a list begin.
async fn minutes(caller: &Caller, query: &str) -> Vec<u32> {
    let page = caller.get(&format!("{ANNOTATIONS}{query}")).await.ok();
    let times = column(&page["content"], "startTime");
    times.iter().map(|time| time.as_str().unwrap()[14..16].parse().unwrap()).collect()
}

#[tokio::test]
async fn an_annotation_is_created_read_replaced_and_deleted() {
    let (mut platform, admin) = Platform::with_admin().await;
    let plant = Plant::new(&admin).await;
    let user = platform.user(&platform.org, "member");
    let body = with(plant.annotation(5, Some(9)), json!({"note": "worn", "confidence": 0.5}));
    let made = user.create(ANNOTATIONS, body.clone()).await;
    assert_members(&made, &body);
    assert_eq!((&made["source"], &made["createdBy"]), (&json!("MANUAL"), &json!("user_8f2c")));
    let one = format!("{ANNOTATIONS}/{}", id(&made));
    platform.server.crash().await;
    assert_eq!(admin.get(&one).await.body, made);
    let body = json!({"values": {"cause": "dirt", "hours": 2}, "scopeType": "SENSOR",
        "scopeId": plant.sensor});
    let change = with(plant.annotation(7, None), body);
    let changed = admin.send("PUT", &one, &change).await.ok();
    assert_members(&changed, &change);
    assert_eq!((&changed["note"], &changed["createdBy"]), (&Value::Null, &json!("user_8f2c")));
    assert_eq!((&changed["id"], &changed["createdAt"]), (&made["id"], &made["createdAt"]));
    assert_eq!(admin.get(&one).await.body, changed);
    assert_eq!(admin.status("PATCH", &one, &json!({})).await, 405);
    admin.delete_once(&one).await;
    admin.get(&one).await.has(404, json!({"detail": format!("Annotation {} not found", id(&made))}));
}

#[tokio::test]
async fn annotations_are_refused_by_their_class_their_form_and_their_source() {
    let platform = Platform::start().await;
    let (admin, user) = (&platform.admin, platform.user(&platform.org, "owner"));
    let plant = Plant::new(admin).await;
    let rows: Vec<(Value, u16, Vec<&str>)> = row_vec![
        json!({"values": {}}), 422, vec!["values.cause: must not be null"];
        json!({"values": {"cause": "rust", "hours": "2", "x": 1}}), 422,
            vec!["values.cause: must be one of wear, dirt", "values.hours: must be a number", "values.x: is no field of the class"];
        json!({"scopeType": "SITE", "scopeId": plant.site}), 422, vec!["scopeType: must be one of DEVICE, COMPONENT, SENSOR"];
        json!({"scopeType": "COMPONENT"}), 400, vec!["scopeId: does not exist"];
        json!({"classId": plant.device}), 400, vec!["classId: does not exist"];
        json!({"scopeId": "x"}), 400, vec!["scopeId: must be a UUID"];
        json!({"endTime": "2026-04-28T11:00:00Z"}), 400, vec!["endTime: must not be before startTime"];
        json!({"confidence": 1.5, "source": "GUESS", "scopeType": "ORG", "note": "x".repeat(4001)}), 400,
            vec!["confidence: must be between 0 and 1", "note: size must be between 0 and 4000",
                 "scopeType: must be one of SITE, DEVICE, COMPONENT, SENSOR",
                 "source: must be one of MANUAL, RULE, REFERENCE, EXTERNAL, ML"];
        json!({"values": [1]}), 400, vec![];
    ];
    for (more, expected, errors) in rows {
        let body = with(plant.annotation(5, None), more);
        admin.send("POST", ANNOTATIONS, &body).await.has_field_errors(expected, &errors);
    }
    assert!(minutes(admin, "").await.is_empty());

    let found = |source: &str| with(plant.annotation(5, None), json!({"source": source, "confidence": 0.9}));
    for source in ["RULE", "REFERENCE", "EXTERNAL", "ML"] {
        assert_eq!(user.status("POST", ANNOTATIONS, &found(source)).await, 403, "{source}");
        let made = admin.create(ANNOTATIONS, found(source)).await;
        let one = format!("{ANNOTATIONS}/{}", id(&made));
        for caller in [admin, &user] {
            assert_eq!(caller.status("PUT", &one, &plant.annotation(6, None)).await, 409, "{source}");
        }
        let page = user.get(&format!("{ANNOTATIONS}/by-source?source={source}")).await;
        page.has(200, json!({"content": [made]}));
    }
    let own = admin.create(ANNOTATIONS, plant.annotation(5, None)).await;
    let one = format!("{ANNOTATIONS}/{}", id(&own));
    assert_eq!(admin.status("PUT", &one, &found("ML")).await, 409, "the source is fixed");
    assert_eq!(user.status("PUT", &one, &plant.annotation(6, None)).await, 200);
    for query in ["", "?source=", "?source=GUESS"] {
        admin.get(&format!("{ANNOTATIONS}/by-source{query}")).await.expect(400);
    }
}

#[tokio::test]
async fn annotations_are_listed_by_time_scope_and_class() {
    let (platform, admin) = Platform::with_admin().await;
    let plant = Plant::new(&admin).await;
    for (from, to) in [(10, None), (0, Some(50)), (20, Some(30))] {
        admin.create(ANNOTATIONS, plant.annotation(from, to)).await;
    }
    let sensor = json!({"scopeType": "SENSOR", "scopeId": plant.sensor});
    admin.create(ANNOTATIONS, with(plant.annotation(40, None), sensor)).await;
    let Plant { class, device, .. } = &plant;
    for (query, expected) in [
        (String::new(), vec![40, 20, 10, 0]),
        ("?from=2026-04-28T12:10:00Z&to=2026-04-28T12:20:00Z".to_owned(), vec![10, 0]),
        ("?from=2026-04-28T12:30:00Z&to=2026-04-28T12:40:00Z".to_owned(), vec![0]),
        ("?from=2026-04-28T12:40:00Z".to_owned(), vec![40, 0]),
        ("?to=2026-04-28T12:00:01Z".to_owned(), vec![0]),
        ("?sort=startTime&size=2&page=1".to_owned(), vec![20, 40]),
        ("?sort=endTime,desc&sort=startTime,asc".to_owned(), vec![0, 20, 10, 40]),
        ("?scopeType=SENSOR".to_owned(), vec![40]),
        (format!("?scopeId={device}&classId={class}"), vec![20, 10, 0]),
        (format!("?classId={NOBODY}"), vec![]),
        (format!("?scopeId={NOBODY}"), vec![]),
        ("?source=ML".to_owned(), vec![]),
    ] {
        assert_eq!(minutes(&admin, &query).await, expected, "{query}");
    }
    for query in [
        "?from=now",
        "?scopeType=ORG",
        "?scopeId=x",
        "?sort=values",
        "?source=GUESS",
        "?from=2026-04-28T12:10:00Z&to=2026-04-28T12:10:00Z",
    ] {
        admin.get(&format!("{ANNOTATIONS}{query}")).await.expect(400);
    }
    assert!(minutes(&platform.stranger().await, "").await.is_empty());
}

#[tokio::test]
async fn an_annotation_goes_with_what_it_is_about_and_keeps_its_class() {
    let (_platform, admin) = Platform::with_admin().await;
    let plant = Plant::new(&admin).await;
    let scopes = [("DEVICE", &plant.device), ("COMPONENT", &plant.component), ("SENSOR", &plant.sensor)];
    for (minute, (scope_type, scope)) in (0..).zip(scopes) {
        let scope = json!({"scopeType": scope_type, "scopeId": scope});
        admin.create(ANNOTATIONS, with(plant.annotation(minute, None), scope)).await;
    }
    let delete = async |noun: &str, id: &str| {
        admin.status("DELETE", &format!("/api/v1/{noun}/{id}"), &Value::Null).await
    };
    assert_eq!(delete("annotation-classes", &plant.class).await, 409);
    assert_eq!(delete("sensors", &plant.sensor).await, 204);
    assert_eq!(minutes(&admin, "").await, [1, 0]);
    assert_eq!(delete("components", &plant.component).await, 204);
    assert_eq!(minutes(&admin, "").await, [0]);
    assert_eq!(delete("devices", &plant.device).await, 204);
    assert_eq!(minutes(&admin, "").await, [0; 0]);
    assert_eq!(delete("annotation-classes", &plant.class).await, 204);
}

#[tokio::test]
async fn a_class_is_created_read_replaced_and_unique_by_its_key() {
    let (platform, admin) = Platform::with_admin().await;
    let made = admin.create(CLASSES, class("fault")).await;
    let mut expected = class("fault");
    expected["fields"][0]["options"] = json!(["wear", "dirt"]);
    expected["fields"][1] = json!({"name": "hours", "type": "NUMBER", "required": false, "options": []});
    assert_members(&made, &expected);
    assert_eq!(made["packId"], Value::Null);
    let one = format!("{CLASSES}/{}", id(&made));
    assert_eq!(admin.get(&one).await.body, made);
    assert_eq!(admin.status("POST", CLASSES, &class("fault")).await, 409);
    let change = json!({"key": "failure", "name": "Failure", "scopes": ["SITE"], "fields": []});
    admin.send("PUT", &one, &change).await.has(200, json!({"color": null, "scopes": ["SITE"]}));
    admin.create(CLASSES, class("fault")).await;
    assert_eq!(admin.status("PUT", &one, &class("fault")).await, 409);
    let page = admin.get(&format!("{CLASSES}?sort=key")).await.body;
    assert_eq!(column(&page["content"], "key"), ["failure", "fault"]);
    let stranger = platform.stranger().await;
    stranger.get(&one).await.expect(404);
    stranger.create(CLASSES, class("fault")).await;
}

#[tokio::test]
async fn pairs_of_the_same_components_have_no_time_in_common() {
    let (_platform, admin) = Platform::with_admin().await;
    let mut components = Vec::new();
    for name in ["a", "b", "c"] {
        let device = admin.make("devices", json!({"name": name})).await;
        let component = json!({"deviceId": device, "key": "c", "name": "C"});
        components.push((device, admin.make("components", component).await));
    }
    let pair = |primary: usize, reference: usize, from: u32, to: Option<u32>| {
        let day = |day: u32| format!("2026-04-{day:02}T00:00:00Z");
        json!({"name": "P", "primaryComponentId": components[primary].1, "metadata": {"a": 1},
            "referenceComponentId": components[reference].1, "validFrom": day(from), "validTo": to.map(day)})
    };
    let made = admin.create(PAIRS, pair(0, 1, 10, Some(20))).await;
    assert_members(&made, &pair(0, 1, 10, Some(20)));
    let one = format!("{PAIRS}/{}", id(&made));
    assert_eq!(admin.get(&one).await.body, made);
    let same = ["referenceComponentId: must differ from primaryComponentId"];
    admin.send("POST", PAIRS, &pair(0, 0, 10, None)).await.has_field_errors(400, &same);
    assert_eq!(admin.status("POST", PAIRS, &pair(0, 1, 10, Some(10))).await, 400);
    for (body, expected) in [
        (pair(0, 1, 19, None), 409),
        (pair(1, 0, 1, Some(11)), 409),
        (pair(0, 1, 1, None), 409),
        (pair(0, 1, 1, Some(10)), 201),
        (pair(1, 0, 20, None), 201),
        (pair(0, 2, 10, None), 201),
    ] {
        assert_eq!(admin.status("POST", PAIRS, &body).await, expected, "{body}");
    }
    assert_eq!(admin.status("PUT", &one, &pair(0, 1, 10, Some(21))).await, 409);
    assert_eq!(admin.status("PUT", &one, &pair(0, 1, 12, Some(20))).await, 200);
    let count = async |query: &str| {
        admin.get(&format!("{PAIRS}{query}")).await["page"]["totalElements"].as_u64().unwrap()
    };
    assert_eq!(count(&format!("?componentId={}", components[1].1)).await, 3);
    // The device of the component that is compared with.
    let path = format!("/api/v1/devices/{}", components[2].0);
    assert_eq!(admin.status("DELETE", &path, &Value::Null).await, 204);
    assert_eq!(count("").await, 3);
    let path = format!("/api/v1/components/{}", components[0].1);
    assert_eq!(admin.status("DELETE", &path, &Value::Null).await, 204);
    assert_eq!(count("").await, 0);
}
