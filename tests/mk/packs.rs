//! Packs: all or none, the rule of versions, and what installed profiles are for.

use serde_json::{Value, json};

use super::{Caller, KEY, NOBODY, Platform, id, problem};
use crate::support::{assert_members, column, row_vec};

const PACKS: &str = "/api/v1/packs";
const READINGS: &str = "/api/v1/readings";
const QUARANTINE: &str = "/api/v1/admin/quarantine";

/// A pack with one sensor profile, which has a measured and a writable field, and one device profile.
fn pack(version: &str) -> Value {
    json!({
        "key": "env", "version": version, "name": "Environment",
        "sensorProfiles": [{"key": "env.temp", "name": "Temperature", "version": "1.0", "fields": [
            {"name": "temperature", "valueType": "DOUBLE", "unit": "Cel", "min": -40, "max": 125, "required": true},
            {"name": "rate", "valueType": "BIGINT", "min": 1, "max": 60, "writable": true},
        ]}],
        "deviceProfiles": [{"key": "board", "name": "Board", "version": "1.0", "components": [
            {"key": "inlet", "name": "Inlet", "sensorProfileKey": "env.temp", "sensorProfileVersion": "1.0"},
        ]}],
        "annotationClasses": [], "jobDefinitions": [], "dashboards": [],
    })
}

/// The pack with another value at a JSON pointer.
fn with(mut pack: Value, pointer: &str, value: Value) -> Value {
    *pack.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    pack
}

/// Path of a row.
fn at(noun: &str, id: &str) -> String {
    format!("/api/v1/{noun}/{id}")
}

/// Number of packs, sensor profiles and device profiles.
async fn counts(caller: &Caller) -> [u64; 3] {
    let mut counts = [0; 3];
    for (count, noun) in counts.iter_mut().zip(["packs", "sensor-profiles", "device-profiles"]) {
        let page = caller.get(&format!("/api/v1/{noun}")).await.body;
        *count = page["page"]["totalElements"].as_u64().unwrap();
    }
    counts
}

#[tokio::test]
async fn a_pack_is_installed_with_its_profiles_and_outlives_a_crash() {
    let mut platform = Platform::start().await;
    let installed = platform.admin.create(PACKS, pack("1.0.0")).await;
    assert_eq!((&installed["key"], &installed["version"]), (&json!("env"), &json!("1.0.0")));
    for name in ["annotationClasses", "jobDefinitions", "dashboards"] {
        assert_eq!(installed[name], json!([]), "{name}");
    }
    let (sensor, device) = (&installed["sensorProfiles"][0], &installed["deviceProfiles"][0]);
    assert_eq!((&sensor["packId"], &device["packId"]), (&installed["id"], &installed["id"]));
    assert_eq!(sensor["fields"][1]["writable"], json!(true));
    platform.server.crash().await;
    let admin = Caller::new(&platform.server.client(), KEY);
    for (noun, row) in [("packs", &installed), ("sensor-profiles", sensor), ("device-profiles", device)] {
        assert_eq!(admin.get(&at(noun, &id(row))).await.body, *row, "{noun}");
        let page = admin.get(&format!("/api/v1/{noun}?sort=version,desc&sort=key")).await;
        page.has(200, json!({"content": [row]}));
    }
    let path = at("packs", &id(&installed));
    for (method, path, expected) in
        [("GET", "/api/v1/packs/abc", 400), ("PUT", &path, 405), ("PATCH", &path, 405)]
    {
        admin.send(method, path, &json!({})).await.expect(expected);
    }
    let answer = admin.send("POST", PACKS, &Value::Null).await;
    answer.is(400, &problem(400, "Bad Request", "Malformed request body", PACKS));
    admin.send("POST", PACKS, &pack("1.0.0")).await.without_header("location").is(200, &installed);
    let once = [("idempotency-key", "install-1")];
    let one = admin.send_with("POST", PACKS, &once, &pack("2")).await.created();
    let same = admin.send_with("POST", PACKS, &once, &pack("2")).await;
    same.about("a key repeats the answer").is(201, &one);
    assert_eq!(counts(&admin).await, [2, 1, 1], "both packs share the profiles");
    assert_eq!(one["sensorProfiles"][0], *sensor);
    assert_eq!(admin.status("DELETE", &at("packs", &id(&installed)), &Value::Null).await, 204);
    let kept = admin.get(&at("sensor-profiles", &id(sensor))).await.body;
    assert_eq!(kept["packId"], one["id"], "the pack that is left has the profile");
    admin.delete_once(&at("packs", &id(&one))).await;
    assert_eq!(counts(&admin).await, [0, 0, 0]);
}

/// A pack that is refused beside `pack("1.0.0")`: name, body, status, field errors.
type RefusedPack = (&'static str, Value, u16, Vec<&'static str>);

fn refused_versions() -> Vec<RefusedPack> {
    let newer = |version: &str, fields: Value| {
        let pack = with(pack("1.1.0"), "/sensorProfiles/0/version", json!(version));
        let pack = with(pack, "/deviceProfiles", json!([]));
        with(pack, "/sensorProfiles/0/fields", fields)
    };
    let fields = pack("1")["sensorProfiles"][0]["fields"].clone();
    let more = json!([fields[0], fields[1], {"name": "x", "valueType": "TEXT", "required": true}]);
    row_vec![
        "other_content", with(pack("1.0.0"), "/name", json!("Other")), 409, vec![];
        "other_profiles", with(pack("1.0.0"), "/deviceProfiles", json!([])), 409, vec![];
        "a_version_that_changes", newer("1.0", json!([fields[0]])), 422,
            vec!["sensorProfiles[0].version: 1.0 is installed with other content and never changes"];
        "a_field_less_in_a_minor_version", newer("1.1", json!([fields[0]])), 422,
            vec![
                "sensorProfiles[0].version: 1.1 changes or removes what 1.0 has: such a change needs a higher major \
                 version",
            ];
        "a_required_field_in_a_minor_version", newer("1.7", more), 422,
            vec![
                "sensorProfiles[0].version: 1.7 changes or removes what 1.0 has: such a change needs a higher major \
                 version",
            ];
    ]
}

fn refused_bodies() -> Vec<RefusedPack> {
    let next = || pack("1.1.0");
    row_vec![
        "classes_and_dashboards_that_are_none",
            with(with(next(), "/annotationClasses", json!([{"key": "a"}])), "/dashboards", json!([{}])), 400,
            vec!["annotationClasses[0].fields: must not be null", "annotationClasses[0].name: must not be blank",
                 "annotationClasses[0].scopes: must not be null", "dashboards[0].layout: must not be null",
                 "dashboards[0].name: must not be blank"];
        "job_definitions", with(next(), "/jobDefinitions", json!([{}])), 422,
            vec!["jobDefinitions: must be empty: this server cannot install them"];
        "a_sensor_profile_of_nobody", with(next(), "/deviceProfiles/0/components/0/sensorProfileVersion", json!("3.0")), 400,
            vec!["deviceProfiles[0].components[0].sensorProfileKey: does not exist"];
        "many_mistakes", json!({"key": "a b", "sensorProfiles": [{"version": "x", "fields": [{"valueType": "INT"}]}]}), 400,
            vec!["key: must consist of letters, digits and the characters _ - .", "name: must not be blank",
                 "sensorProfiles[0].fields[0].name: must not be blank",
                 "sensorProfiles[0].fields[0].valueType: must be one of DOUBLE, BIGINT, BOOLEAN, TEXT",
                 "sensorProfiles[0].key: must not be blank", "sensorProfiles[0].name: must not be blank",
                 "sensorProfiles[0].version: must be a version such as 1.2", "version: must not be blank"];
    ]
}

#[tokio::test]
async fn what_is_refused_installs_nothing() {
    let (_platform, admin) = Platform::with_admin().await;
    admin.create(PACKS, pack("1.0.0")).await;
    for (name, body, expected, errors) in refused_versions().into_iter().chain(refused_bodies()) {
        admin.send("POST", PACKS, &body).await.about(&name).has_field_errors(expected, &errors);
        assert_eq!(counts(&admin).await, [1, 1, 1], "{name}");
    }
    // A second, sound profile is not installed either beside one that is refused.
    let sound = json!({"key": "env.hum", "name": "Humidity", "version": "1.0", "fields": []});
    let broken = json!({"key": "env.temp", "name": "Temperature", "version": "1.1", "fields": []});
    let both = with(pack("1.1.0"), "/sensorProfiles", json!([sound, broken]));
    assert_eq!(admin.status("POST", PACKS, &both).await, 422);
    assert_eq!(counts(&admin).await, [1, 1, 1]);
    for (profile, minor) in [("1.1", true), ("2.0", false)] {
        let mut fields = pack("1")["sensorProfiles"][0]["fields"].as_array().unwrap().clone();
        if minor {
            fields.push(json!({"name": "x", "valueType": "TEXT"}))
        } else {
            fields.truncate(1)
        }
        let next = with(pack(profile), "/sensorProfiles/0/version", json!(profile));
        let next = with(next, "/deviceProfiles", json!([]));
        admin.create(PACKS, with(next, "/sensorProfiles/0/fields", json!(fields))).await;
    }
    let latest = admin.get("/api/v1/sensor-profiles?key=env.temp&latest=true").await.body;
    assert_eq!(column(&latest["content"], "version"), ["2.0"]);
    assert_eq!(counts(&admin).await, [3, 3, 1]);
}

#[tokio::test]
async fn a_pack_installs_annotation_classes_and_dashboards() {
    let (_platform, admin) = Platform::with_admin().await;
    let class = json!({"key": "fault", "name": "Fault", "color": "#AA0000", "scopes": ["DEVICE"],
        "fields": [{"name": "cause", "type": "ENUM", "required": true, "options": ["wear", "dirt"]}]});
    let widget =
        json!({"id": "w", "type": "TEXT", "x": 0, "y": 0, "w": 24, "h": 2, "config": {"text": "Hello"}});
    let dashboard = json!({"name": "Overview", "layout": [widget]});
    let body =
        with(with(pack("1.0.0"), "/annotationClasses", json!([class])), "/dashboards", json!([dashboard]));
    let installed = admin.create(PACKS, body.clone()).await;
    let (row, first_dashboard) = (&installed["annotationClasses"][0], &installed["dashboards"][0]);
    assert_eq!((&row["packId"], &first_dashboard["packId"]), (&installed["id"], &installed["id"]));
    assert_eq!((&row["fields"], &first_dashboard["layout"]), (&class["fields"], &dashboard["layout"]));
    for (noun, row) in [("annotation-classes", row), ("dashboards", first_dashboard)] {
        let one = at(noun, &id(row));
        assert_eq!(admin.get(&one).await.body, *row, "{noun}");
        assert_eq!(admin.status("DELETE", &one, &Value::Null).await, 409, "{noun}: of a pack");
        let change = if noun == "dashboards" { &dashboard } else { &class };
        assert_eq!(admin.status("PUT", &one, change).await, 409, "{noun}: of a pack");
    }
    assert_eq!(admin.status("POST", PACKS, &body).await, 200, "the same again");
    let other =
        with(with(body.clone(), "/version", json!("2")), "/annotationClasses/0/color", json!("#00AA00"));
    let changed = ["annotationClasses[0].key: is installed with other content and never changes"];
    admin.send("POST", PACKS, &other).await.has_field_errors(422, &changed);
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let annotation = json!({"classId": row["id"], "scopeType": "DEVICE", "scopeId": device,
        "startTime": "2026-04-28T12:00:00Z", "values": {"cause": "wear"}});
    let annotation = admin.make("annotations", annotation).await;
    let one = at("packs", &id(&installed));
    assert_eq!(admin.status("DELETE", &one, &Value::Null).await, 409, "its class is in use");
    assert_eq!(admin.status("DELETE", &at("annotations", &annotation), &Value::Null).await, 204);
    assert_eq!(admin.status("DELETE", &one, &Value::Null).await, 204);
    assert_eq!(admin.status("GET", &at("dashboards", &id(first_dashboard)), &Value::Null).await, 404);
}

/// A device with one component of the sensor profile of an installed pack; returns the pack, the profile, the device and
/// the component.
async fn plant(admin: &Caller) -> [String; 4] {
    let installed = admin.create(PACKS, pack("1.0.0")).await;
    let profile = id(&installed["sensorProfiles"][0]);
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let body = json!({"deviceId": device, "key": "inlet", "name": "Inlet", "sensorProfileId": profile});
    let component = admin.make("components", body).await;
    [id(&installed), profile, device, component]
}

#[tokio::test]
async fn readings_of_a_component_are_those_of_its_profile() {
    let (_platform, admin) = Platform::with_admin().await;
    let [_, _, device, component] = plant(&admin).await;
    let payload = |values: Value| json!({"componentId": component, "timestamp": "2026-04-28T12:00:00Z", "values": values});
    for (reason, values) in [
        ("REQUIRED_FIELD", json!({"rate": 5})),
        ("OUT_OF_RANGE", json!({"temperature": 126, "rate": 5})),
        ("OUT_OF_RANGE", json!({"temperature": 20.5, "rate": 0})),
        ("TYPE_MISMATCH", json!({"temperature": "warm"})),
        ("TYPE_MISMATCH", json!({"temperature": 20.5, "rate": 1.5})),
        ("UNKNOWN_SENSOR", json!({"temperature": 20.5, "humidity": 40})),
    ] {
        let counts = admin.send("POST", READINGS, &payload(values.clone())).await;
        counts.has(202, json!({"accepted": 0, "quarantined": 1}));
        let page = admin.get(&format!("{QUARANTINE}?size=1")).await.body;
        let row = &page["content"][0];
        assert_eq!((&row["reason"], &row["payload"]), (&json!(reason), &payload(values)), "{row}");
        assert_eq!(row["deviceId"], json!(device), "{row}");
    }
    let sensors = admin.get("/api/v1/sensors").await;
    sensors.about("what is refused makes no sensor").has(200, json!({"content": []}));
    let counts = admin.send("POST", READINGS, &payload(json!({"temperature": 20, "rate": 5}))).await;
    counts.is(202, &json!({"accepted": 1, "duplicates": 0, "quarantined": 0}));
    let sensors = admin.get(&format!("/api/v1/sensors?componentId={component}&sort=key")).await.body;
    assert_eq!(column(&sensors["content"], "key"), ["rate", "temperature"]);
    assert_eq!(column(&sensors["content"], "lastValue"), [json!(5), json!(20.0)]);
}

#[tokio::test]
async fn a_configuration_of_an_installed_profile_is_wanted_by_its_component() {
    let (_platform, admin) = Platform::with_admin().await;
    let [pack, profile, _, component] = plant(&admin).await;
    let artefact = |content: Value| json!({"name": "rate", "profileType": "SENSOR_PROFILE", "profileId": profile, "content": content});
    for (content, error) in [
        (json!({"temperature": 20}), "content.temperature: is not writable"),
        (json!({"humidity": 20}), "content.humidity: is not a field of the profile"),
    ] {
        let answer = admin.send("POST", "/api/v1/config-artefacts", &artefact(content)).await;
        answer.has_field_errors(422, &[error]);
    }
    let made = admin.make("config-artefacts", artefact(json!({"rate": 5}))).await;
    let bound = json!({"targetType": "COMPONENT", "targetId": component, "configArtefactId": made});
    let binding = at("desired-state-bindings", NOBODY);
    assert_eq!(admin.status("PUT", &binding, &bound).await, 201);
    let row = admin.get(&binding).await.body;
    assert_members(&row, &json!({"status": "PENDING", "desiredVersion": 1, "reportedVersion": null}));
    admin.create("/api/v1/config-artefacts", artefact(json!({"rate": 6}))).await;
    let row = admin.get(&binding).await.about("the next version is wanted");
    row.has(200, json!({"status": "PENDING", "desiredVersion": 2}));
    // What uses the profile keeps the pack, and each use for itself.
    let artefacts = admin.get("/api/v1/config-artefacts").await.body;
    let artefacts =
        artefacts["content"].as_array().unwrap().iter().map(|row| at("config-artefacts", &id(row)));
    for used in [binding, at("components", &component)].into_iter().chain(artefacts) {
        let answer = admin.send("DELETE", &at("packs", &pack), &Value::Null).await;
        answer.about(&used).has(409, json!({"title": "Conflict"}));
        assert_eq!(admin.status("DELETE", &used, &Value::Null).await, 204, "{used}");
    }
    assert_eq!(admin.status("DELETE", &at("packs", &pack), &Value::Null).await, 204);
    assert_eq!(counts(&admin).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_device_of_a_profile_keeps_the_pack_and_others_see_none_of_it() {
    let platform = Platform::start().await;
    let (admin, stranger) = (&platform.admin, platform.stranger().await);
    let installed = admin.create(PACKS, pack("1.0.0")).await;
    let one = at("packs", &id(&installed));
    let profile = id(&installed["deviceProfiles"][0]);
    let device = admin.make("devices", json!({"name": "d", "deviceProfileId": profile})).await;
    assert_eq!(admin.status("DELETE", &one, &Value::Null).await, 409);
    for (method, path) in [("GET", &one), ("DELETE", &one), ("GET", &at("device-profiles", &profile))] {
        assert_eq!(stranger.status(method, path, &Value::Null).await, 404, "{method} {path}");
    }
    assert_eq!(counts(&stranger).await, [0, 0, 0]);
    let theirs = stranger.create(PACKS, with(pack("1.0.0"), "/name", json!("Theirs"))).await;
    assert_ne!(theirs["sensorProfiles"][0]["id"], installed["sensorProfiles"][0]["id"]);
    assert_eq!(admin.status("DELETE", &at("devices", &device), &Value::Null).await, 204);
    assert_eq!(admin.status("DELETE", &one, &Value::Null).await, 204);
    assert_eq!((counts(admin).await, counts(&stranger).await), ([0, 0, 0], [1, 1, 1]));
}
