//! Tests of reading packs.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::*;
use crate::api::mk::body;
use crate::domain::document::{ProfileField, ValueType};

/// Reads a body; the error is its status.
fn read_body(pack: &Value) -> Result<PackContent, u16> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let fields = body::parse(&headers, Bytes::from(pack.to_string()));
    let read_pack = fields.and_then(read);
    read_pack.map_err(|error| error.into_response().status().as_u16())
}

#[test]
fn a_pack_is_read_whole() {
    let pack = json!({
        "key": "env", "version": "1.0.0", "name": "Environment", "unknown": 1, "annotationClasses": [],
        "dashboards": null,
        "sensorProfiles": [{"key": "env.temp", "name": "Temperature", "version": "1.2", "fields": [
            {"name": "t", "valueType": "DOUBLE", "unit": "Cel", "min": -40, "max": 125, "required": true,
                "writable": true, "arraySize": 3},
            {"name": "n", "valueType": "TEXT", "unit": null},
        ]}],
        "deviceProfiles": [{"key": "board", "name": "Board", "version": "2.0", "components": [
            {"key": "c", "name": "C", "sensorProfileKey": "env.temp", "sensorProfileVersion": "1.2"},
        ]}],
    });
    let read = read_body(&pack).unwrap();
    let [sensor] = &read.sensor_profiles[..] else { panic!("{read:?}") };
    let expected = ProfileField {
        name: "t".to_owned(),
        value_type: ValueType::Double,
        unit: Some("Cel".to_owned()),
        min: Some(-40.0),
        max: Some(125.0),
        required: true,
        writable: true,
        array_size: Some(3),
    };
    assert_eq!((&sensor.fields[0], sensor.version.to_string()), (&expected, "1.2".to_owned()));
    let plain = &sensor.fields[1];
    assert_eq!((plain.required, plain.writable, &plain.unit, plain.array_size), (false, false, &None, None));
    let [device] = &read.device_profiles[..] else { panic!("{read:?}") };
    assert!(device.components[0].names(sensor) && device.writable_fields.is_empty());
    assert_eq!((read.key.as_str(), read.version.as_str()), ("env", "1.0.0"));
}

#[test]
fn what_is_no_pack_is_refused() {
    let with = |name: &str, value: Value| {
        let mut pack = json!({"key": "env", "version": "1.0", "name": "Environment"});
        pack[name] = value;
        pack
    };
    let profile = |name: &str, value: Value| {
        let mut profile = json!({"key": "a", "name": "A", "version": "1.0", "fields": []});
        profile[name] = value;
        with("sensorProfiles", json!([profile]))
    };
    let field = |value: Value| profile("fields", json!([value]));
    let rows = [
        (json!({}), Some(400)),
        (with("name", json!("")), Some(400)),
        (with("sensorProfiles", json!({})), Some(400)),
        (with("sensorProfiles", json!([5])), Some(400)),
        (with("sensorProfiles", json!(vec![json!({}); 257])), Some(400)),
        (profile("fields", Value::Null), Some(400)),
        (profile("version", json!("1")), Some(400)),
        (profile("version", json!(1.0)), Some(400)),
        (field(json!({"name": "t"})), Some(400)),
        (field(json!({"name": "t", "valueType": "FLOAT"})), Some(400)),
        (field(json!({"name": "t", "valueType": "DOUBLE", "arraySize": -1})), Some(400)),
        (field(json!({"name": "t", "valueType": "TEXT", "min": 1})), Some(400)),
        (with("annotationClasses", json!([{}])), Some(400)),
        (
            with("annotationClasses", json!([{"key": "a", "name": "A", "scopes": ["ORG"], "fields": []}])),
            Some(400),
        ),
        (
            with("annotationClasses", json!([{"key": "a", "name": "A", "scopes": ["SITE"], "fields": []}])),
            None,
        ),
        (with("jobDefinitions", json!([{"key": "x"}])), Some(422)),
        (with("dashboards", json!([{}])), Some(400)),
        (with("dashboards", json!([{"name": "D", "layout": [{"type": "PIE"}]}])), Some(400)),
        (with("dashboards", json!([{"name": "D", "layout": []}])), None),
        (field(json!({"name": "t", "valueType": "DOUBLE"})), None),
        (with("key", json!("env")), None),
    ];
    for (pack, expected) in rows {
        assert_eq!(read_body(&pack).err(), expected, "{pack}");
    }
}
