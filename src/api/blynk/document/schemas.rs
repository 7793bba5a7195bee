//! Schemas of the API's bodies.

use utoipa::openapi::Schema;

use super::grant_types;
use crate::api::openapi::schema::{
    self, FieldSchema, ValueSchema, described, omittable, optional, required, view,
};
use crate::app::blynk::widget;

/// Returns the schemas by their names.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("BatchUpdate", schema::body(&batch_update())),
        ("Datastream", schema::object(&datastream())),
        ("Device", view(&device())),
        ("Error", view(&[field("error", schema::reference("ErrorMessage"), "What is wrong.")])),
        ("ErrorMessage", view(&[field("message", schema::string(), "The reason, in one sentence.")])),
        ("History", view(&history())),
        ("HistoryValue", view(&history_value())),
        ("Import", schema::body(&import())),
        ("ImportPoint", schema::body(&import_point())),
        ("PropertyChange", schema::body(&property_change())),
        ("SkipCounters", schema::object(&skip_counters())),
        ("SkippedRows", view(&[skipped_rows()])),
        ("TokenError", view(&token_error())),
        ("TokenForm", schema::body(&token_form())),
        ("TokenPair", view(&token_pair())),
        ("Update", schema::body(&[device_id(), datastream_id(), new_value()])),
        ("UpdateEntry", schema::body(&[datastream_id(), new_value()])),
        ("UpdateMany", schema::body(&update_many())),
    ]
}

/// A field that is always there.
fn field(name: &'static str, shape: ValueSchema, about: &str) -> FieldSchema {
    required(name, described(shape, about))
}

/// A field that may be absent.
fn optional_member(name: &'static str, shape: ValueSchema, about: &str) -> FieldSchema {
    omittable(name, described(shape, about))
}

/// A text, a number, or a location, as the kind of the stream says.
fn value() -> ValueSchema {
    let location = described(schema::list_of(schema::number(), 2, 2), "Longitude and latitude in degrees.");
    schema::any_of([schema::text(0, 1024), schema::number(), schema::boolean(), location])
}

fn device_id() -> FieldSchema {
    field("deviceId", schema::row_id(), "Id of the device.")
}

fn datastream_id() -> FieldSchema {
    field("dataStreamId", schema::row_id(), "Id of the datastream.")
}

fn new_value() -> FieldSchema {
    field("value", value(), "The new value, of the kind of the stream.")
}

fn millis() -> ValueSchema {
    schema::integer(i64::MIN, i64::MAX)
}

fn datastream() -> [FieldSchema; 6] {
    [
        datastream_id(),
        field("pin", schema::pattern("^v[0-9]+$"), "Pin of the datastream."),
        field("dataStreamLabel", schema::string(), "Label of the stream."),
        field("dataStreamAlias", schema::string(), "Name of the stream."),
        optional_member("value", value(), "The current value; absent before the first."),
        optional_member("updatedAt", millis(), "Time of the value in milliseconds since 1970."),
    ]
}

fn device() -> [FieldSchema; 2] {
    let datastreams = schema::list(schema::reference("Datastream"));
    [device_id(), field("dataStreams", datastreams, "The datastreams, by their ids.")]
}

fn history() -> [FieldSchema; 2] {
    let content = schema::list(schema::reference("HistoryValue"));
    [
        field("content", content, "The values of the page, the newest first."),
        field("totalElements", schema::count(), "Number of values in the range."),
    ]
}

fn history_value() -> [FieldSchema; 2] {
    [
        field("createdAt", millis(), "Time of the value in milliseconds since 1970."),
        field("value", value(), "The value."),
    ]
}

fn update_many() -> [FieldSchema; 2] {
    let entries = schema::list_of(schema::reference("UpdateEntry"), 1, 1000);
    [device_id(), field("dataStreams", entries, "Datastreams with their new values.")]
}

fn batch_update() -> [FieldSchema; 3] {
    let fields = schema::list_of(schema::string(), 2, 10_000);
    let updates = schema::list_of(schema::list(schema::anything()), 1, 10_000);
    let debug = described(schema::boolean(), "Whether skipped rows are named.");
    [
        field("fields", fields, "The columns: `deviceId`, then labels of datastreams, each once."),
        field("updates", updates, "The rows: the id of a device, then a value or null for each label."),
        optional("debug", debug, false),
    ]
}

fn import() -> [FieldSchema; 3] {
    let points = schema::list_of(schema::reference("ImportPoint"), 1, 10_000);
    [device_id(), datastream_id(), field("values", points, "The points, in any order.")]
}

fn import_point() -> [FieldSchema; 2] {
    [
        field("value", value(), "The value, of the kind of the stream."),
        field("ts", schema::integer(1, i64::MAX), "Time of the value in milliseconds since 1970."),
    ]
}

fn property_change() -> [FieldSchema; 4] {
    [
        device_id(),
        datastream_id(),
        field("property", schema::choice(widget::property_names()), "Name of the property."),
        field("value", schema::text(1, 200), "The new value, in the format of the property."),
    ]
}

fn skip_counters() -> [FieldSchema; 6] {
    let counter = |name, about| optional_member(name, schema::integer(1, 10_000), about);
    [
        counter("invalidRowSize", "Rows with a wrong number of elements."),
        counter("nullDeviceId", "Rows whose device is null."),
        counter("nonNumericDeviceId", "Rows whose device is no number."),
        counter("deviceNotFound", "Rows whose device does not exist in the organization."),
        counter("noAccessToDevice", "Rows whose device the token does not see."),
        counter("wrongProduct", "Rows whose device belongs to another product."),
    ]
}

fn skipped_rows() -> FieldSchema {
    let rows = schema::list_of(schema::string(), 1, 100);
    field("skippedRows", rows, "The first 100 skipped rows, each with its number from 0 and the reason.")
}

fn token_form() -> [FieldSchema; 4] {
    [
        optional_member("grant_type", grant_types(), "The kind of grant."),
        optional_member("refresh_token", schema::string(), "The refresh token of the grant `refresh_token`."),
        optional_member("username", schema::string(), "The name of the user of the grant `password`."),
        optional_member(
            "password",
            schema::secret(1024),
            "The password of the user of the grant `password`.",
        ),
    ]
}

fn token_pair() -> [FieldSchema; 4] {
    [
        field("access_token", schema::text(40, 40), "The token for `Authorization`."),
        field("token_type", schema::choice(["Bearer"]), "The scheme of the token."),
        field("expires_in", schema::count(), "Seconds for which both tokens are valid."),
        field("refresh_token", schema::text(40, 40), "The token for the next pair; it works once."),
    ]
}

fn token_error() -> [FieldSchema; 2] {
    let codes = [
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
    ];
    [
        field("error", schema::choice(codes), "Code of OAuth 2.0."),
        field("error_description", schema::string(), "The reason, in one sentence."),
    ]
}
