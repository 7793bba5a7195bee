//! Tests of reading fields: whole bodies, patches and errors.

use serde_json::{Map, Value, json};

use super::{FieldReader, FieldVisitor, JsonObject, Presence, ReadMode};
use crate::app::fields::field_type::{ANY_LENGTH, ANY_NUMBER};
use crate::domain::device::Protocol;
use crate::domain::{DeviceId, FieldError, GroupId};

fn fields(body: Value, mode: ReadMode) -> FieldReader {
    let Value::Object(given) = body else { panic!("a test body is an object") };
    FieldReader::new(JsonObject::new(given), mode)
}

/// The errors of a body read with one field of each type.
fn mistakes(body: Value, mode: ReadMode) -> Vec<(String, String)> {
    let mut fields = fields(body, mode);
    let (mut text, mut number, mut null_number) = (String::new(), 0.0, None::<f64>);
    let (mut port, mut object, mut flag) = (None::<u16>, Map::new(), false);
    let (mut protocol, mut device, mut group) = (Protocol::Virtual, DeviceId(0), None);
    fields.read("name", Presence::Required, ANY_LENGTH, &mut text);
    fields.read("protocol", Presence::Required, (), &mut protocol);
    fields.visit_row("device", DeviceId, &mut device);
    fields.row_or_null("group", GroupId, &mut group);
    fields.read("scale", Presence::Optional, ANY_NUMBER, &mut number);
    fields.read("poll_interval", Presence::Optional, ANY_NUMBER, &mut null_number);
    fields.read("port", Presence::Optional, 1..=65_535, &mut port);
    fields.read("enabled", Presence::Optional, (), &mut flag);
    fields.read("metadata", Presence::Optional, (), &mut object);
    let error = fields.finish(Vec::new()).err();
    error.map_or_else(Vec::new, |e| e.fields.into_iter().map(|f| (f.field.into_owned(), f.message)).collect())
}

type Row = (&'static str, ReadMode, Value, &'static [(&'static str, &'static str)]);

#[test]
fn all_mistakes_are_told_at_once() {
    const REQUIRED: &str = "This field is required.";
    const NULL: &str = "This field may not be null.";
    let base = json!({"name": "a", "protocol": "modbus", "device": 1});
    let cases: Vec<Row> = vec![
        ("sound", ReadMode::Whole, base, &[]),
        (
            "empty",
            ReadMode::Whole,
            json!({}),
            &[("name", REQUIRED), ("protocol", REQUIRED), ("device", REQUIRED)],
        ),
        ("empty_and_partial", ReadMode::Partial, json!({}), &[]),
        (
            "nulls_where_there_is_no_null",
            ReadMode::Partial,
            json!({"name": null, "device": null, "scale": null, "enabled": null, "metadata": null}),
            &[("name", NULL), ("device", NULL), ("scale", NULL), ("enabled", NULL), ("metadata", NULL)],
        ),
        (
            "nulls_where_null_has_a_meaning",
            ReadMode::Partial,
            json!({"group": null, "poll_interval": null, "port": null}),
            &[],
        ),
        (
            "wrong_types",
            ReadMode::Partial,
            json!({"name": [], "protocol": "x", "device": "y", "scale": true, "port": 1.5, "enabled": 7, "metadata": 1}),
            &[
                ("name", "Not a valid string."),
                ("protocol", "\"x\" is not a valid choice."),
                ("device", "Incorrect type. Expected pk value, received str."),
                ("scale", "A valid number is required."),
                ("port", "A valid integer is required."),
                ("enabled", "Must be a valid boolean."),
                ("metadata", "Expected a dictionary of items but got type \"int\"."),
            ],
        ),
        (
            "out_of_range",
            ReadMode::Partial,
            json!({"port": 65_536, "device": 0}),
            &[
                ("device", "Invalid pk \"0\" - object does not exist."),
                ("port", "Ensure this value is less than or equal to 65535."),
            ],
        ),
        (
            "choice_of_another_type",
            ReadMode::Partial,
            json!({"protocol": 5}),
            &[("protocol", "\"5\" is not a valid choice.")],
        ),
        ("blank_id_is_null", ReadMode::Partial, json!({"device": "", "group": ""}), &[("device", NULL)]),
        ("unknown_fields_are_ignored", ReadMode::Partial, json!({"id": 5, "whatever": []}), &[]),
    ];
    for (name, mode, body, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(f, m)| ((*f).to_owned(), (*m).to_owned())).collect();
        assert_eq!(mistakes(body, mode), expected, "{name}");
    }
}

#[test]
fn absent_fields_leave_their_target_alone() {
    let mut fields = fields(json!({"name": "  new  ", "password": " p "}), ReadMode::Partial);
    let (mut name, mut host, mut password) = ("old".to_owned(), "host".to_owned(), String::new());
    fields.read("name", Presence::Required, ANY_LENGTH, &mut name);
    fields.read("host", Presence::Optional, ANY_LENGTH, &mut host);
    fields.visit_secret("password", ANY_LENGTH, &mut password);
    assert_eq!((name.as_str(), host.as_str(), password.as_str()), ("new", "host", " p "));
}

#[test]
fn a_field_wrong_as_written_is_told_once() {
    let mut fields = fields(json!({"name": []}), ReadMode::Whole);
    fields.read("name", Presence::Required, ANY_LENGTH, &mut String::new());
    let whole = vec![
        FieldError::new("name", "This field may not be blank."),
        FieldError::new("host", "This field is required."),
    ];
    let messages: Vec<_> = fields.finish(whole).unwrap_err().fields.into_iter().map(|f| f.message).collect();
    assert_eq!(messages, ["Not a valid string.", "This field is required."]);
}
