//! OpenAPI description of the API.

use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use super::routes;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, described};
use crate::api::openapi::vendor::{PathVariable, VendorDocument, VendorOperation, VendorSection};

const ADMIN_TOKEN: &str = "AdminToken";

const ABOUT: &str = "Read-only access to packets: messages that devices sent, and those derived from readings that came \
                     another way. Blank parameters count as absent, of repeated ones the first counts, and a number \
                     that cannot be read is ignored. Times are seconds since 1970.";

const LIMIT_OF_DEVICES: &str = "Maximum number of rows; 100 by default. A value outside is clamped.";
const LIMIT: &str = "Maximum number of rows; 50 by default. A value outside is clamped.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    let token = "The admin token, if `opensynaptic.auth_enabled` is set.";
    let token = ApiKeyValue::with_description("X-Admin-Token", token);
    VendorDocument {
        title: "OpenSynaptic data query",
        about: ABOUT,
        credentials: vec![(ADMIN_TOKEN, SecurityScheme::ApiKey(ApiKey::Header(token)))],
        sections: vec![
            VendorSection {
                name: "Data",
                about: "Devices, packets and their sensors.",
                operations: vec![devices(), packets(), packet(), sensors()],
            },
            VendorSection {
                name: "Health",
                about: "Liveness probes, without credentials.",
                operations: vec![
                    health("/health", Doc::new("health", "Liveness probe")),
                    health("/api/health", Doc::new("api_health", "The same below `/api/`")),
                ],
            },
        ],
        schemas: schemas(),
        routes: routes::paths().into_iter().map(|path| ("GET", path.to_owned())).collect(),
    }
}

fn devices() -> VendorOperation {
    let doc = Doc::new("devices", "List devices with packets")
        .about("Ordered by `last_seen` descending, then by `device_id`.");
    get(
        "/api/data/devices",
        paged(doc, LIMIT_OF_DEVICES).answers(200, "A page.", schema::reference("DevicePage")),
    )
}

fn packets() -> VendorOperation {
    let doc = Doc::new("packets", "List packets").about("Ordered by `timestamp_raw` descending.");
    let doc =
        filtered(doc).query("status", schema::string(), "Only packets with exactly this `device_status`.");
    get("/api/data/packets", paged(doc, LIMIT).answers(200, "A page.", schema::reference("PacketPage")))
}

fn packet() -> VendorOperation {
    let doc = Doc::new("packet", "Get a packet with its sensors")
        .about("The id is compared as it stands in the path, without slashes around it.")
        .answers(200, "The packet.", schema::reference("PacketWithSensors"))
        .answers(400, "The path has no id.", schema::reference("QueryError"))
        .answers(404, "No packet has this id.", schema::reference("UnknownPacket"));
    let about = "Id of the packet, in the spelling of the lists.";
    let variables = vec![PathVariable { name: "uuid", shape: schema::string(), about }];
    VendorOperation { variables, ..get("/api/data/packets/{uuid}", doc) }
}

fn sensors() -> VendorOperation {
    let doc = Doc::new("sensors", "List sensors of packets")
        .about("Ordered by `timestamp_raw` descending, then by `sensor_index`.");
    let doc = filtered(doc).query("sensor_id", schema::string(), "Only sensors with exactly this id.");
    get("/api/data/sensors", paged(doc, LIMIT).answers(200, "A page.", schema::reference("SensorPage")))
}

fn filtered(doc: Doc) -> Doc {
    doc.query("device_id", schema::string(), "Only packets of this device.")
        .query("since", any_integer(), "Earliest time, inclusive.")
        .query("until", any_integer(), "Latest time, inclusive.")
}

fn paged(doc: Doc, limit: &'static str) -> Doc {
    doc.query("limit", schema::integer(1, 500), limit).query(
        "offset",
        schema::count(),
        "Number of rows to skip.",
    )
}

/// A query: it needs the admin token and the storage.
fn get(path: &'static str, doc: Doc) -> VendorOperation {
    let doc = doc
        .answers(401, "The admin token is missing or wrong.", schema::reference("Refusal"))
        .answers(500, "The packets cannot be read.", schema::reference("QueryError"))
        .answers(
            503,
            "The storage is off, there are too many queries, or no admin token is set.",
            schema::any_of([schema::reference("QueryError"), schema::reference("Refusal")]),
        )
        .answers(504, "The query took too long.", schema::reference("QueryError"));
    VendorOperation {
        method: HttpMethod::Get,
        path,
        variables: Vec::new(),
        credential: Some(ADMIN_TOKEN),
        doc,
    }
}

fn health(path: &'static str, doc: Doc) -> VendorOperation {
    let doc = doc.about("It needs no credential and no storage.").answers(
        200,
        "The process is alive.",
        schema::reference("Health"),
    );
    VendorOperation { method: HttpMethod::Get, path, variables: Vec::new(), credential: None, doc }
}

fn any_integer() -> ValueSchema {
    schema::integer(i64::MIN, i64::MAX)
}

/// A field of a response.
fn field(name: &'static str, shape: ValueSchema, about: &str) -> FieldSchema {
    schema::read_only(name, described(shape, about))
}

fn ok() -> FieldSchema {
    field("ok", schema::boolean(), "Whether the request succeeded.")
}

fn error() -> FieldSchema {
    field("error", schema::string(), "The reason.")
}

fn page(rows: &'static str, row: &str) -> Schema {
    schema::view(&[
        ok(),
        field(rows, schema::list(schema::reference(row)), "The rows of the page."),
        field("total", schema::count(), "Number of rows on all pages."),
        field("limit", schema::integer(1, 500), "The limit that was applied."),
        field("offset", schema::count(), "The offset that was applied."),
    ])
}

fn packet_fields() -> [FieldSchema; 6] {
    [
        field("packet_uuid", schema::string(), "Id of the packet."),
        field("device_id", schema::string(), "External id of the device."),
        field("device_status", schema::string(), "State of the device as the packet has it."),
        field("timestamp_raw", any_integer(), "Time of the packet."),
        field("payload_json", schema::map(), "The packet as it came, or as its readings make it."),
        field("created_at", any_integer(), "When the server got the packet."),
    ]
}

fn sensor_fields() -> [FieldSchema; 5] {
    [
        field("sensor_index", schema::count(), "Number of the sensor in its packet, from 1."),
        field("sensor_id", schema::string(), "Name of the sensor, which is that of its stream."),
        field("sensor_status", schema::string(), "State of the sensor as the packet has it."),
        field("normalized_value", schema::nullable(schema::number()), "The value; null if it is no number."),
        field("normalized_unit", schema::nullable(schema::string()), "The unit; null if there is none."),
    ]
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let device = [
        field("device_id", schema::string(), "External id of the device."),
        field("last_seen", any_integer(), "Time of its newest packet."),
        field("packet_count", schema::count(), "Number of its packets."),
    ];
    let of_packet = [
        field("packet_uuid", schema::string(), "Id of the packet."),
        field("device_id", schema::string(), "External id of the device."),
        field("timestamp_raw", any_integer(), "Time of the packet."),
    ];
    let packet_with_sensors = [
        ok(),
        field("packet", schema::reference("Packet"), "The packet."),
        field("sensors", schema::list(schema::reference("Sensor")), "Its sensors, by their numbers."),
    ];
    let unknown_packet = [ok(), error(), field("packet_uuid", schema::string(), "The id as it was given.")];
    let health = [ok(), field("service", schema::choice(["web_user"]), "Name of the vendor's service.")];
    vec![
        ("Device", schema::view(&device)),
        ("DevicePage", page("devices", "Device")),
        ("Health", schema::view(&health)),
        ("Packet", schema::view(&packet_fields())),
        ("PacketPage", page("packets", "Packet")),
        ("PacketWithSensors", schema::view(&packet_with_sensors)),
        ("QueryError", schema::view(&[ok(), error()])),
        ("Refusal", schema::view(&[error()])),
        ("Sensor", schema::view(&sensor_fields())),
        ("SensorOfPacket", schema::view(&[&sensor_fields()[..], &of_packet[..]].concat())),
        ("SensorPage", page("sensors", "SensorOfPacket")),
        ("UnknownPacket", schema::view(&unknown_packet)),
    ]
}
