//! `/cameras`: cameras of devices. Passwords of their addresses are taken and never shown.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::Page;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::media::camera::CameraStatus;
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document, DocumentContent, DocumentKind};
use crate::domain::media::address::CameraKind;
use crate::domain::{DeviceId, Error, Principal, Result};

const COLLECTION: &str = "/api/v1/cameras";
const ONE: &str = "/api/v1/cameras/{id}";
const KIND: DocumentKind = DocumentKind::Camera;
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "name",
    "type",
    "deviceId",
    "streamUrl",
    "dvrUrl",
    "status",
    "lastSeenAt",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Camera");
    let body = || schema::reference("CameraBody");
    let settable = settable();
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    let status = CameraStatus::ALL.map(CameraStatus::name);
    shown.push(schema::read_only("status", schema::choice(status)));
    shown.push(schema::read_only(
        "lastSeenAt",
        schema::described(
            nullable(schema::time()),
            "Time of the last answer to a probe since the start of the server.",
        ),
    ));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let list_doc = paged(Doc::new("listCameras", "List cameras")).query("deviceId", id(), "Device.").answers(
        200,
        "A page of cameras.",
        page_of("Camera"),
    );
    let create_doc = Doc::new("createCamera", "Create a camera")
        .about("It is probed at once, and then every minute.")
        .body(body())
        .answers(201, "The new camera.", row())
        .with_header("Location", schema::string(), "Path of the camera.");
    let get_doc = Doc::new("getCamera", "Get a camera").answers(200, "The camera.", row());
    let put_doc = Doc::new("replaceCamera", "Replace a camera")
        .about("`deviceId` is fixed. An address that is sent as it is shown keeps its password; any other needs its own.")
        .body(body())
        .answers(200, "The camera.", row());
    let delete_doc = Doc::new("deleteCamera", "Delete a camera with its captures, clips and live sessions")
        .answers_nothing("The camera is deleted.");
    Section {
        name: "Cameras",
        about: "Cameras of devices.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: vec![("Camera", schema::view(&shown)), ("CameraBody", schema::body(&settable))],
    }
}

fn settable() -> Vec<FieldSchema> {
    let kinds = CameraKind::ALL.map(CameraKind::name);
    let stream = "URL with the scheme rtsp, rtsps, http or https, or path of a video device; a password in it is never shown.";
    let dvr = "URL of what a recorder holds of the camera. `{from}`, `{to}`, `{fromSeconds}` and `{toSeconds}` stand for the \
               range; without them it is given `starttime` and `endtime`. A password in it is never shown.";
    vec![
        schema::required("deviceId", id()),
        schema::required("name", schema::text(1, 255)),
        schema::required("streamUrl", schema::described(schema::text(1, 2000), stream)),
        schema::omittable(
            "type",
            schema::described(
                schema::choice(kinds),
                "How pictures are fetched; as `streamUrl` says by default.",
            ),
        ),
        schema::omittable("dvrUrl", schema::described(nullable(schema::text(1, 2000)), dvr)),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CameraView {
    id: Uuid,
    device_id: Uuid,
    name: String,
    stream_url: String,
    #[serde(rename = "type")]
    kind: &'static str,
    dvr_url: Option<String>,
    status: &'static str,
    last_seen_at: Option<String>,
    created_at: String,
    updated_at: String,
}

fn view(app: &App, who: &Principal, row: &Document) -> Result<CameraView> {
    let spec = row.camera().ok_or_else(|| Error::internal("a camera is of another kind"))?;
    let health = app.camera_health(who, row)?;
    Ok(CameraView {
        id: row.uuid,
        device_id: app.device(who, spec.device)?.aliases.uuid,
        name: spec.name.clone(),
        stream_url: spec.stream.text.clone(),
        kind: spec.kind.name(),
        dvr_url: spec.dvr.as_ref().map(|dvr| dvr.text.clone()),
        status: health.status.name(),
        last_seen_at: health.last_seen.map(iso),
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /cameras`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let rows = documents::of_device(&app, who, KIND, &query)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.camera().map(|camera| camera.name.as_str()).into(),
        "type" => row.camera().map(|camera| camera.kind.name()).into(),
        _ => documents::sort_key(row, property, || view(&app, who, row).ok()),
    };
    let page = page.of(rows, key, |row| row.uuid);
    // A camera that was deleted with its device a moment ago is left out.
    let content = page.content.iter().filter_map(|row| view(&app, who, row).ok()).collect();
    Ok(ok(Page::<CameraView> { content, page: page.page }))
}

/// `POST /cameras`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.create_camera(who, spec).await?;
    Ok(created(COLLECTION, row.uuid, view(&app, who, &row)?))
}

/// `GET /cameras/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = documents::named(KIND, *id);
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&app, &caller.principal, &row).map_err(named)?))
}

/// `PUT /cameras/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    let named = documents::named(KIND, *id);
    documents::find_to_change(&app, who, KIND, *id)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.replace_camera(who, *id, spec).await.map_err(named)?;
    Ok(ok(view(&app, who, &row).map_err(named)?))
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<CameraSpec, MkError> {
    let device = documents::device_of_body(app, who, &mut fields);
    let name = fields.text_or_empty("name");
    let stream = CameraAddress::new(&fields.text_or_empty("streamUrl"));
    let kind = fields.choice("type", &CameraKind::ALL, CameraKind::name);
    let spec = CameraSpec {
        // Without a device there is a problem, and the reading ends with it.
        device: device.map_or(DeviceId(0), |device| device.id),
        name,
        kind: kind.unwrap_or_else(|| CameraSpec::kind_of(&stream)),
        dvr: fields.text("dvrUrl").map(|text| CameraAddress::new(&text)),
        stream,
    };
    fields.finish(spec.problems())?;
    Ok(spec)
}
