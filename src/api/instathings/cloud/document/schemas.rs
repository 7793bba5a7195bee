//! Schemas of the API's bodies.

use utoipa::openapi::Schema;

use crate::api::openapi::schema::{
    self, FieldSchema, ValueSchema, described, list, object, omittable, optional, reference, required,
    string, view,
};

/// Returns the schemas by their names.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    let ids = described(list(string()), "Ids of the devices below a gateway; absent without any.");
    let devices = described(list(reference("Device")), "The devices below; only gateways have it.");
    let with = |below: ValueSchema| [&device()[..], &[omittable("subDevices", below)]].concat();
    let detail = with(devices);
    let credentials = field("credentials", reference("KeyPair"), "The new key and certificate.");
    let credential = [&detail[..], &[credentials]].concat();
    vec![
        ("Answer", view(&answer())),
        ("Credential", object(&credential)),
        ("Credentials", schema::body(&client())),
        ("Device", object(&with(ids))),
        ("DeviceDetail", object(&detail)),
        ("DevicePatch", schema::patch(&patch())),
        ("Empty", object(&[])),
        ("Errors", view(&[field("errors", list(reference("Mistake")), "Every mistake of the request.")])),
        ("KeyPair", view(&key_pair())),
        ("LogLine", view(&log_line())),
        ("Message", view(&[field("message", string(), "The name of the status, or the reason.")])),
        ("MessageItem", view(&message_item())),
        ("MessagePage", view(&message_page())),
        ("Mistake", object(&mistake())),
        ("NewDevice", schema::body(&new_device())),
        ("Protocol", view(&protocol())),
        ("Status", status()),
        ("Token", view(&[field("access_token", string(), "The JSON web token.")])),
        ("Type", view(&device_type())),
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

fn integer() -> ValueSchema {
    schema::integer(i64::MIN, i64::MAX)
}

fn key() -> ValueSchema {
    schema::text(7, 14)
}

fn device() -> [FieldSchema; 14] {
    [
        field("projectId", string(), "Slug of the organization."),
        field("ts", integer(), "Time of the creation."),
        field("isVirtual", schema::boolean(), "Whether the server makes the data of the device."),
        field("demoActive", schema::boolean(), "Whether a virtual device makes data now."),
        optional_member("frequency", integer(), "Seconds between two messages of a virtual device."),
        optional_member("parentDevice", key(), "Id of the gateway that the device is below."),
        field("id", key(), "Id of the device."),
        field("isGateway", schema::boolean(), "Whether the device is a gateway."),
        field("name", string(), "Name of the device."),
        field("env", schema::choice(["live", "sandbox"]), "Environment of the project."),
        optional_member("type", string(), "Id of the type."),
        optional_member("protocols", list(schema::anything()), "Ids of the protocols of a gateway."),
        optional_member("status", reference("Status"), "What was heard of the device last."),
        optional_member(
            "certificateId",
            schema::pattern("^[0-9a-f]{64}$"),
            "Fingerprint of the certificate.",
        ),
    ]
}

/// An object with other members too, which the gateway has reported.
fn status() -> Schema {
    schema::body(&[
        field("eventType", string(), "The last event, such as `connected`."),
        field("timestamp", integer(), "Time of the event."),
    ])
}

fn new_device() -> [FieldSchema; 5] {
    [
        field("name", schema::text(1, 20), "Name of the device."),
        optional_member("type", string(), "Id of the type."),
        optional("isGateway", described(schema::boolean(), "Whether the device is a gateway."), false),
        optional("isVirtual", described(schema::boolean(), "Whether the server makes its data."), false),
        optional_member("parentDevice", key(), "Id of the gateway that the device is below."),
    ]
}

fn patch() -> [FieldSchema; 3] {
    [
        field("name", schema::text(1, 20), "Name of the device."),
        field(
            "frequency",
            schema::integer(30, 8_640_000),
            "Seconds between two messages of a virtual device.",
        ),
        field("demoActive", schema::boolean(), "Whether a virtual device makes data."),
    ]
}

fn client() -> [FieldSchema; 2] {
    [
        field("clientId", schema::text(1, 1024), "Id of the client."),
        field("clientSecret", schema::secret(1024), "Secret of the client."),
    ]
}

fn key_pair() -> [FieldSchema; 3] {
    [
        field("certificatePem", string(), "The certificate in PEM."),
        field("privateKey", string(), "The RSA key of the certificate in PEM, which is not kept."),
        field("publicKey", string(), "The public part of the key in PEM."),
    ]
}

fn message_page() -> [FieldSchema; 2] {
    [
        field("data", list(reference("MessageItem")), "The messages of the page."),
        field("totalItems", schema::count(), "Number of messages in the range."),
    ]
}

fn message_item() -> [FieldSchema; 7] {
    [
        field("ts", integer(), "Time of the message."),
        field("deviceId", key(), "Id of the device."),
        field("data", schema::anything(), "The message as it came, or the readings of its time by stream."),
        field("ttl", integer(), "When the message is said to end, in seconds since 1970."),
        field("principal", string(), "Fingerprint of the certificate that sent it, or `N/A`."),
        field("id", string(), "UUID of the message."),
        field("clientId", string(), "Id of the gateway that sent it, or `N/A`."),
    ]
}

fn answer() -> [FieldSchema; 5] {
    [
        field("projectId", string(), "Slug of the organization."),
        field("response", schema::anything(), "What the device has answered."),
        field("ttl", integer(), "Until when the answer can be fetched, in seconds since 1970."),
        field("deviceId", key(), "Id of the device."),
        field("id", string(), "Id of the request."),
    ]
}

fn log_line() -> [FieldSchema; 4] {
    [
        field("timestamp", integer(), "Time of the line."),
        field("type", schema::choice(["LOG", "ERR"]), "Whether it was output or an error."),
        field("message", string(), "Text of the log line."),
        field("ingestionTime", integer(), "When the server got it."),
    ]
}

fn mistake() -> [FieldSchema; 4] {
    [
        optional_member("value", schema::anything(), "What was given, if anything was."),
        field("msg", string(), "What is wrong with it."),
        field("param", string(), "Name of the parameter."),
        field("location", schema::choice(["body", "query", "params", "headers"]), "Where the parameter is."),
    ]
}

fn protocol() -> [FieldSchema; 3] {
    [
        field("id", string(), "Id of the protocol."),
        field("name", string(), "Name of the protocol."),
        field("slug", string(), "Short name of the protocol."),
    ]
}

fn device_type() -> [FieldSchema; 12] {
    let any = || list(schema::anything());
    [
        field("addOn", string(), "Software of the gateway for such devices."),
        field("description", string(), "What such devices are."),
        field("fakeSampleLabel", string(), "What virtual devices of the type show."),
        field("id", string(), "Id of the type."),
        field("manufacturer", string(), "Manufacturer of the devices."),
        field("model", string(), "Model of the devices."),
        field("pairingMethods", any(), "Ways in which gateways find such devices."),
        field("physicalParameter", any(), "What such devices measure."),
        field("protocols", any(), "Ids of the protocols of such devices."),
        field("rooms", any(), "Rooms for which such devices are made."),
        field("space", any(), "Kinds of buildings for which such devices are made."),
        field("type", string(), "The kind of device, such as `sensor` or `gateway`."),
    ]
}
