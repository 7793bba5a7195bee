//! Tests of the reading of bodies and of its errors.

use serde_json::json;

use super::*;

fn fields(body: &Value) -> BodyFields {
    BodyFields::parse(Bytes::from(body.to_string())).unwrap()
}

fn refused<T>(result: Result<T>) -> String {
    result.err().expect("it is refused").message
}

fn wrong(name: &str) -> String {
    format!("Parameter {name} has wrong format.")
}

fn missing(name: &str) -> String {
    format!("Parameter {name} is required.")
}

#[test]
fn only_objects_are_bodies() {
    for body in ["", "{", "[1]", "1", "null", "\"x\"", "{\"a\":NaN}", "{} x", "{\"a\":1e999}"] {
        let error = BodyFields::parse(Bytes::from_static(body.as_bytes())).err().expect(body);
        assert_eq!(error.message, "Request body is not valid JSON.", "{body}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(refused(BodyFields::parse(Bytes::from(deep))), "Request body is not valid JSON.");
}

#[test]
fn updates_of_one_datastream() {
    let body = json!({"deviceId": 101, "dataStreamId": 1.0, "value": 22.2, "more": true});
    let expected = (DeviceId(101), DatastreamValue { datastream: 1, value: json!(22.2) });
    assert_eq!(fields(&body).update().unwrap(), expected);
    let rows = [
        (json!({}), missing("deviceId")),
        (json!({"deviceId": null}), missing("deviceId")),
        (json!({"deviceId": "101"}), wrong("deviceId")),
        (json!({"deviceId": 1.5}), wrong("deviceId")),
        (json!({"deviceId": 2_147_483_648_i64}), wrong("deviceId")),
        (json!({"deviceId": 1}), missing("dataStreamId")),
        (json!({"deviceId": 1, "dataStreamId": [1]}), wrong("dataStreamId")),
        (json!({"deviceId": 1, "dataStreamId": 1}), missing("value")),
        (json!({"deviceId": 1, "dataStreamId": 1, "value": null}), missing("value")),
    ];
    for (body, expected) in rows {
        assert_eq!(refused(fields(&body).update()), expected, "{body}");
    }
}

#[test]
fn updates_of_several_datastreams_leave_out_what_is_malformed() {
    let entries = json!([
        {"dataStreamId": 1, "value": 5}, 7, {}, {"dataStreamId": "1", "value": 5}, {"dataStreamId": 2},
        {"dataStreamId": 2, "value": null}, {"dataStreamId": 3, "value": "x"}
    ]);
    for name in ["dataStreams", "values"] {
        let (device, values) = fields(&json!({"deviceId": 1, name: entries})).update_many().unwrap();
        let found: Vec<_> = values.into_iter().map(|v| (v.datastream, v.value)).collect();
        assert_eq!((device, found), (DeviceId(1), vec![(1, json!(5)), (3, json!("x"))]), "{name}");
    }
    let by_id = json!({"deviceId": 1, "values": {"3": "x", "1": 5, "2": null, "v4": 1, "1.0": 2}});
    let (_, values) = fields(&by_id).update_many().unwrap();
    let mut found: Vec<_> = values.into_iter().map(|v| (v.datastream, v.value)).collect();
    found.sort_by_key(|(id, _)| *id);
    assert_eq!(found, [(1, json!(5)), (3, json!("x"))]);
    let both = json!({"deviceId": 1, "dataStreams": [{"dataStreamId": 1, "value": 5}], "values": 7});
    assert_eq!(fields(&both).update_many().unwrap().1.len(), 1);
    let null = json!({"deviceId": 1, "dataStreams": null, "values": {"1": 5}});
    assert_eq!(fields(&null).update_many().unwrap().1.len(), 1, "null is no value");
    let full = json!({"deviceId": 1, "dataStreams": vec![json!({}); 1000]});
    assert!(fields(&full).update_many().unwrap().1.is_empty());
    let rows = [
        (json!({"dataStreams": []}), missing("deviceId")),
        (json!({"deviceId": 1}), missing("dataStreams")),
        (json!({"deviceId": 1, "dataStreams": null}), missing("dataStreams")),
        (json!({"deviceId": 1, "dataStreams": []}), missing("dataStreams")),
        (json!({"deviceId": 1, "values": []}), missing("values")),
        (json!({"deviceId": 1, "values": {}}), missing("values")),
        (json!({"deviceId": 1, "dataStreams": {}}), wrong("dataStreams")),
        (
            json!({"deviceId": 1, "dataStreams": vec![json!({}); 1001]}),
            "Maximum 1000 data streams are allowed.".to_owned(),
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(refused(fields(&body).update_many()), expected, "{expected}");
    }
}

#[test]
fn tables() {
    let body = json!({"fields": ["deviceId", "Temperature", "Humidity"], "updates": [[101, 22.5, null]]});
    let table = BatchUpdate {
        labels: vec!["Temperature".to_owned(), "Humidity".to_owned()],
        rows: vec![json!([101, 22.5, null])],
    };
    assert_eq!(fields(&body).batch_update().unwrap(), BatchRequest { table, debug: false });
    for (debug, expected) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let body = json!({"fields": ["deviceId", "a"], "updates": [1], "debug": debug});
        assert_eq!(fields(&body).batch_update().unwrap().debug, expected, "{debug}");
    }
    let fields_of = |columns: Value| json!({"fields": columns, "updates": [[1, 2]]});
    let rows_of = |rows: Value| json!({"fields": ["deviceId", "a"], "updates": rows});
    let rows = [
        (json!({"updates": [[1, 2]]}), missing("fields")),
        (fields_of(json!("deviceId")), wrong("fields")),
        (fields_of(json!([])), wrong("fields")),
        (fields_of(json!(["deviceId"])), wrong("fields")),
        (fields_of(json!(["a", "deviceId"])), wrong("fields")),
        (fields_of(json!(["deviceid", "a"])), wrong("fields")),
        (fields_of(json!(["deviceId", "deviceId"])), wrong("fields")),
        (fields_of(json!(["deviceId", "a", "a"])), wrong("fields")),
        (fields_of(json!(["deviceId", 1])), wrong("fields")),
        (json!({"fields": ["deviceId", "a"]}), missing("updates")),
        (rows_of(json!([])), missing("updates")),
        (rows_of(json!({})), wrong("updates")),
        (rows_of(json!(vec![0; 10_001])), "Maximum 10000 updates are allowed.".to_owned()),
        (json!({"fields": ["deviceId", "a"], "updates": [1], "debug": 1}), wrong("debug")),
    ];
    for (body, expected) in rows {
        assert_eq!(refused(fields(&body).batch_update()), expected, "{expected}");
    }
    assert_eq!(fields(&rows_of(json!(vec![0; 10_000]))).batch_update().unwrap().table.rows.len(), 10_000);
}

#[test]
fn imports() {
    let body = |values: Value| json!({"deviceId": 1, "dataStreamId": 2, "values": values});
    let read =
        fields(&body(json!([{"value": 5, "ts": 1_702_656_423_136_i64}, {"value": "x", "ts": u64::MAX}])));
    let read = read.import().unwrap();
    assert_eq!((read.device, read.datastream), (DeviceId(1), 2));
    let found: Vec<_> = read.points.into_iter().map(|point| (point.ts_ms, point.value)).collect();
    assert_eq!(found, [(1_702_656_423_136, json!(5)), (i64::MAX, json!("x"))]);
    let point = |ts: Value| body(json!([{"value": 1, "ts": 1}, {"value": 1, "ts": ts}]));
    let rows = [
        (json!({"deviceId": 1, "dataStreamId": 2}), missing("values")),
        (body(json!([])), missing("values")),
        (body(json!(5)), wrong("values")),
        (body(json!([5])), wrong("values")),
        (body(json!([{"ts": 1}])), missing("value")),
        (body(json!([{"value": null, "ts": 1}])), missing("value")),
        (body(json!([{"value": 1}])), missing("ts")),
        (point(json!(0)), wrong("ts")),
        (point(json!(-1)), wrong("ts")),
        (point(json!(1.5)), wrong("ts")),
        (point(json!("1")), wrong("ts")),
        (body(json!(vec![json!({}); 10_001])), "Maximum 10000 data points are allowed.".to_owned()),
    ];
    for (body, expected) in rows {
        assert_eq!(refused(fields(&body).import()), expected, "{expected}");
    }
}

#[test]
fn widget_properties() {
    let body = |property: Value, value: Value| json!({"deviceId": 1, "dataStreamId": 2, "property": property, "value": value});
    let read = fields(&body(json!("color"), json!("#FF0000"))).property_change().unwrap();
    assert_eq!(read.property, WidgetProperty::parse("color").unwrap());
    assert_eq!(read.value, "#FF0000");
    let long = "ä".repeat(200);
    assert_eq!(fields(&body(json!("label"), json!(long))).property_change().unwrap().value, long);
    let rows = [
        (body(json!(null), json!("x")), missing("property")),
        (body(json!(1), json!("x")), wrong("property")),
        (body(json!("colour"), json!("x")), "Unknown property colour.".to_owned()),
        (body(json!("label"), json!(null)), missing("value")),
        (body(json!("label"), json!("")), wrong("value")),
        (body(json!("label"), json!("x".repeat(201))), wrong("value")),
        (body(json!("min"), json!(5)), wrong("value")),
    ];
    for (body, expected) in rows {
        assert_eq!(refused(fields(&body).property_change()), expected, "{body}");
    }
}
