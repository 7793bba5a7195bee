//! OpenAPI description of the API.

use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema, read_only};
use crate::api::openapi::vendor::{VendorDocument, VendorOperation, VendorSection};

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
        name: "opensynaptic",
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
    }
}

fn devices() -> VendorOperation {
    let doc = Doc::new("devices", "List devices with packets")
        .about("Ordered by `last_seen` descending, then by `device_id`.");
    get(
        "/api/data/devices",
        paged(doc, LIMIT_OF_DEVICES).answers(200, "A page", schema::reference("DevicePage")),
    )
}

fn packets() -> VendorOperation {
    let doc = Doc::new("packets", "List packets").about("Ordered by `timestamp_raw` descending.");
    let doc =
        filtered(doc).query("status", schema::string(), "Only packets with exactly this `device_status`.");
    get("/api/data/packets", paged(doc, LIMIT).answers(200, "A page", schema::reference("PacketPage")))
}

fn packet() -> VendorOperation {
    let doc = Doc::new("packet", "Get a packet with its sensors")
        .answers(200, "The packet", schema::reference("PacketWithSensors"))
        .answers(400, "The path has no id.", schema::reference("QueryError"))
        .answers(404, "No packet has this id.", schema::reference("UnknownPacket"));
    let variables = vec![("uuid", schema::string())];
    VendorOperation { variables, ..get("/api/data/packets/{uuid}", doc) }
}

fn sensors() -> VendorOperation {
    let doc = Doc::new("sensors", "List sensors of packets")
        .about("Ordered by `timestamp_raw` descending, then by `sensor_index`.");
    let doc = filtered(doc).query("sensor_id", schema::string(), "Only sensors with exactly this id.");
    get("/api/data/sensors", paged(doc, LIMIT).answers(200, "A page", schema::reference("SensorPage")))
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
        .answers(503, "The storage is off, or there are too many queries.", schema::reference("QueryError"));
    VendorOperation {
        method: HttpMethod::Get,
        path,
        variables: Vec::new(),
        credential: Some(ADMIN_TOKEN),
        doc,
    }
}

fn health(path: &'static str, doc: Doc) -> VendorOperation {
    let doc = doc.answers(200, "The process is alive", schema::reference("Health"));
    VendorOperation { method: HttpMethod::Get, path, variables: Vec::new(), credential: None, doc }
}

fn any_integer() -> ValueSchema {
    schema::integer(i64::MIN, i64::MAX)
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let (text, number) = (schema::string, any_integer);
    let page = |rows: &'static str, row: &str| {
        schema::view(&[
            read_only("ok", schema::boolean()),
            read_only(rows, schema::list(schema::reference(row))),
            read_only("total", schema::count()),
            read_only("limit", schema::integer(1, 500)),
            read_only("offset", schema::count()),
        ])
    };
    let device = [
        read_only("device_id", text()),
        read_only("last_seen", number()),
        read_only("packet_count", schema::count()),
    ];
    let packet = [
        read_only("packet_uuid", text()),
        read_only("device_id", text()),
        read_only("device_status", text()),
        read_only("timestamp_raw", number()),
        read_only("payload_json", schema::map()),
        read_only("created_at", number()),
    ];
    let sensor = || {
        vec![
            read_only("sensor_index", schema::count()),
            read_only("sensor_id", text()),
            read_only("sensor_status", text()),
            read_only("normalized_value", schema::nullable(schema::number())),
            read_only("normalized_unit", schema::nullable(text())),
        ]
    };
    let mut sensor_of_packet = sensor();
    sensor_of_packet.extend(["packet_uuid", "device_id"].map(|name| read_only(name, text())));
    sensor_of_packet.push(read_only("timestamp_raw", number()));
    let packet_with_sensors = [
        read_only("ok", schema::boolean()),
        read_only("packet", schema::reference("Packet")),
        read_only("sensors", schema::list(schema::reference("Sensor"))),
    ];
    let failure = [read_only("ok", schema::boolean()), read_only("error", text())];
    let unknown_packet = [&failure[..], &[read_only("packet_uuid", text())]].concat();
    let health = [read_only("ok", schema::boolean()), read_only("service", text())];
    vec![
        ("Device", schema::view(&device)),
        ("DevicePage", page("devices", "Device")),
        ("Health", schema::view(&health)),
        ("Packet", schema::view(&packet)),
        ("PacketPage", page("packets", "Packet")),
        ("PacketWithSensors", schema::view(&packet_with_sensors)),
        ("QueryError", schema::view(&failure)),
        ("Refusal", schema::view(&[read_only("error", text())])),
        ("Sensor", schema::view(&sensor())),
        ("SensorOfPacket", schema::view(&sensor_of_packet)),
        ("SensorPage", page("sensors", "SensorOfPacket")),
        ("UnknownPacket", schema::view(&unknown_packet)),
    ]
}
