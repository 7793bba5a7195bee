//! `/api/schemas`: profiles as interfaces of the Digital Twins Definition Language, version 2
//! (https://azure.github.io/opendigitaltwins-dtdl/DTDL/v2/DTDL.v2.html).

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::path::PathId;
use super::wire::ok;
use super::{Answer, documents};
use crate::api::accept;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;
use crate::app::App;
use crate::domain::document::{Document, DocumentKind, ProfileField, ProfileVersion, ValueType};

const JSON_LD: &str = "application/ld+json";
const CONTEXT: &str = "dtmi:dtdl:context;2";

/// The operations.
pub fn section() -> Section {
    let schema_of = |id, summary| {
        Doc::new(id, summary).answers_as(
            JSON_LD,
            200,
            "Interface in the Digital Twins Definition Language.",
            schema::map(),
        )
    };
    let index = Doc::new("listSchemas", "List the schemas of all profiles").answers(
        200,
        "The schemas, by key and version.",
        schema::list(schema::reference("SchemaEntry")),
    );
    let entry = ["id", "key", "version", "type", "href"].map(|name| schema::required(name, schema::string()));
    const MEDIA: &[&str] = &[JSON_LD, accept::JSON];
    Section {
        name: "Schemas",
        about: "Profiles as DTDL interfaces.",
        endpoints: vec![
            Endpoint::get("/api/schemas", list, index),
            Endpoint::get(
                "/api/schemas/sensor-profile/{id}",
                of_sensor_profile,
                schema_of("getSensorProfileSchema", "Get the schema of a sensor profile"),
            )
            .represented_as(MEDIA),
            Endpoint::get(
                "/api/schemas/device-profile/{id}",
                of_device_profile,
                schema_of("getDeviceProfileSchema", "Get the schema of a device profile"),
            )
            .represented_as(MEDIA),
        ],
        schemas: vec![("SchemaEntry", schema::object(&entry))],
    }
}

#[derive(Serialize)]
struct SchemaEntry {
    id: Uuid,
    key: String,
    version: String,
    #[serde(rename = "type")]
    kind: &'static str,
    href: String,
}

impl SchemaEntry {
    fn new(row: &Document) -> Option<Self> {
        let (kind, part, key, version) = match (row.sensor_profile(), row.device_profile()) {
            (Some(profile), _) => ("SENSOR_PROFILE", "sensor-profile", &profile.key, profile.version),
            (_, Some(profile)) => ("DEVICE_PROFILE", "device-profile", &profile.key, profile.version),
            (None, None) => return None,
        };
        let href = format!("/api/schemas/{part}/{}", row.uuid);
        Some(SchemaEntry { id: row.uuid, key: key.clone(), version: version.to_string(), kind, href })
    }
}

/// `GET /api/schemas`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>) -> Answer {
    let mut entries = Vec::new();
    for kind in [DocumentKind::SensorProfile, DocumentKind::DeviceProfile] {
        let mut rows = app.documents.documents(&caller.principal, kind)?;
        rows.sort_by_key(|row| order(row));
        entries.extend(rows.iter().filter_map(|row| SchemaEntry::new(row)));
    }
    Ok(ok(entries))
}

fn order(row: &Document) -> Option<(String, ProfileVersion)> {
    let of_sensor = row.sensor_profile().map(|profile| (profile.key.clone(), profile.version));
    of_sensor.or_else(|| row.device_profile().map(|profile| (profile.key.clone(), profile.version)))
}

/// `GET /api/schemas/sensor-profile/{id}`.
async fn of_sensor_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    serve(&caller, &app, DocumentKind::SensorProfile, *id)
}

/// `GET /api/schemas/device-profile/{id}`.
async fn of_device_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    serve(&caller, &app, DocumentKind::DeviceProfile, *id)
}

fn serve(caller: &MkCaller, app: &App, kind: DocumentKind, id: Uuid) -> Answer {
    let row = documents::find(app, &caller.principal, kind, id)?;
    let mut response = ok(interface(&row));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LD));
    Ok(response)
}

/// The interface of a profile; null for any other document.
fn interface(row: &Document) -> Value {
    let (key, version, name, contents) = match (row.sensor_profile(), row.device_profile()) {
        (Some(profile), _) => {
            let contents: Vec<_> = profile.fields.iter().map(content).collect();
            (&profile.key, profile.version, &profile.name, contents)
        }
        (_, Some(profile)) => {
            let component = |part: &crate::domain::document::ProfileComponent| {
                json!({
                    "@type": "Component",
                    "name": member_name(&part.key),
                    "displayName": part.name,
                    "schema": model_id(&part.sensor_profile_key, part.sensor_profile_version),
                })
            };
            let components = profile.components.iter().map(component);
            // They are writable by their place; a pack need not say it of each.
            let writable = |field: &ProfileField| content(&ProfileField { writable: true, ..field.clone() });
            let contents = components.chain(profile.writable_fields.iter().map(writable)).collect();
            (&profile.key, profile.version, &profile.name, contents)
        }
        (None, None) => return Value::Null,
    };
    json!({
        "@context": CONTEXT,
        "@id": model_id(key, version),
        "@type": "Interface",
        "displayName": name,
        "contents": contents,
    })
}

fn content(field: &ProfileField) -> Value {
    let schema = Value::from(match field.value_type {
        ValueType::Double => "double",
        ValueType::Bigint => "long",
        ValueType::Boolean => "boolean",
        ValueType::Text => "string",
    });
    let schema = match field.array_size {
        Some(_) => json!({"@type": "Array", "elementSchema": schema}),
        None => schema,
    };
    let mut content = json!({"@type": "Telemetry", "name": member_name(&field.name), "schema": schema});
    if field.writable {
        content["@type"] = "Property".into();
        content["writable"] = true.into();
    }
    if let Some(unit) = &field.unit {
        content["unit"] = unit.as_str().into();
    }
    content
}

/// The id of a model: segments of letters, digits and `_` that begin with a letter, and the major version.
fn model_id(key: &str, version: ProfileVersion) -> String {
    let segments: Vec<_> = key.split('.').filter(|part| !part.is_empty()).map(member_name).collect();
    format!("dtmi:org:{};{}", segments.join(":"), version.major.max(1))
}

fn member_name(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = plain.trim_end_matches('_');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name.to_owned() } else { format!("x{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{DocumentSpec, SensorProfileSpec};
    use crate::domain::{DocumentId, Micros, OrgId};

    #[test]
    fn a_profile_is_an_interface() {
        let field = |name: &str, writable| ProfileField {
            unit: Some("Cel".to_owned()),
            required: true,
            writable,
            ..ProfileField::new(name, ValueType::Double)
        };
        let spec = DocumentSpec::SensorProfile(SensorProfileSpec {
            key: "env.temp".to_owned(),
            name: "Temperature".to_owned(),
            version: ProfileVersion { major: 1, minor: 2 },
            fields: vec![
                field("temperature", false),
                ProfileField { unit: None, ..field("set-point", true) },
            ],
            pack: None,
        });
        let row = Document {
            id: DocumentId(1),
            org: OrgId(1),
            uuid: Uuid::nil(),
            name: spec.unique_name(),
            version: 1,
            spec,
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let expected = json!({
            "@context": "dtmi:dtdl:context;2",
            "@id": "dtmi:org:env:temp;1",
            "@type": "Interface",
            "displayName": "Temperature",
            "contents": [
                {"@type": "Telemetry", "name": "temperature", "schema": "double", "unit": "Cel"},
                {"@type": "Property", "name": "set_point", "schema": "double", "writable": true},
            ],
        });
        assert_eq!(interface(&row), expected);
    }
}
