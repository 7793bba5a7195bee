//! `/cameras`: cameras of devices. Passwords of their addresses are taken and never shown.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, read_only, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::value::{ShownRow, ShownValue};
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::media::camera::{CameraHealth, CameraStatus};
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document, DocumentContent, DocumentKind};
use crate::domain::media::address::CameraKind;
use crate::domain::{DeviceId, Error, Micros, Principal, Result};

const COLLECTION: &str = "/api/v1/cameras";
const ONE: &str = "/api/v1/cameras/{id}";
const KIND: DocumentKind = DocumentKind::Camera;

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Camera");
    let body = || schema::reference("CameraBody");
    let list_doc = paged(Doc::new("listCameras", "List cameras"))
        .query("deviceId", id(), "Only cameras of this device.")
        .answers(200, "A page of cameras.", page_of("Camera"));
    let create_doc = Doc::new("createCamera", "Create a camera")
        .about("The camera is probed at once, and then every minute.")
        .body(body())
        .answers(201, "The camera that was created.", row())
        .with_header("Location", schema::string(), "Path of the camera.");
    let get_doc = Doc::new("getCamera", "Get a camera").answers(200, "The camera as it is stored.", row());
    let put_doc = Doc::new("replaceCamera", "Replace a camera")
        .about("`deviceId` is fixed. An address that is sent as it is shown keeps its password; any other needs its own.")
        .body(body())
        .answers(200, "The camera as it is stored.", row());
    let delete_doc = Doc::new("deleteCamera", "Delete a camera with its captures, clips and live sessions")
        .answers_nothing("The camera is deleted.");
    Section {
        name: "Cameras",
        about: "Cameras that belong to devices, with what their newest probes have found.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: vec![schemas::view::<CameraRow>("Camera"), schemas::body::<CameraRow>("CameraBody")],
    }
}

/// A camera as shown, with the id of its device in APIs and what the newest probe has found.
pub struct CameraRow {
    stamp: Stamp,
    device: Uuid,
    spec: CameraSpec,
    /// `None` in a body that leaves it to the address.
    kind: Option<CameraKind>,
    status: CameraStatus,
    last_seen: Option<Micros>,
}

impl MkNoun for CameraRow {
    fn blank() -> Self {
        let spec = CameraSpec {
            device: DeviceId(0),
            name: String::new(),
            kind: CameraKind::Rtsp,
            stream: CameraAddress::default(),
            dvr: None,
        };
        let (device, status) = (Uuid::nil(), CameraStatus::Offline);
        CameraRow { stamp: Stamp::BLANK, device, spec, kind: None, status, last_seen: None }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let CameraSpec { device: _, name, kind: _, stream, dvr } = &mut self.spec;
        let (title, address) = (|| schema::text(1, 255), || schema::text(1, 2000));
        let kinds = || schema::choice(CameraKind::ALL.map(CameraKind::name));
        let states = || schema::choice(CameraStatus::ALL.map(CameraStatus::name));
        self.stamp.visit_id(visitor);
        let about = "Device of the camera; it cannot be changed.";
        visitor.visit(required("deviceId", about, id).looked_up(), &mut self.device);
        visitor.visit(required("name", "Name of the camera, unique on the device.", title), name);
        let about = "URL with the scheme rtsp, rtsps, http or https, or path of a video device; a password in it is never \
                     shown.";
        visitor.visit(required("streamUrl", about, address), stream);
        let about = "How pictures are fetched; as `streamUrl` says by default.";
        visitor.visit(omittable("type", about, kinds), &mut self.kind);
        let about = "URL of what a recorder holds of the camera. `{from}`, `{to}`, `{fromSeconds}` and `{toSeconds}` stand \
                     for the range; without them it is given `starttime` and `endtime`. A password in it is never shown.";
        visitor.visit(omittable("dvrUrl", about, || nullable(schema::text(1, 2000))), dvr);
        let about = "What the newest probe of the camera has found.";
        visitor.visit(read_only("status", about, states), &mut self.status);
        let about = "Time of the last answer to a probe since the start of the server.";
        visitor.visit(read_only("lastSeenAt", about, || nullable(schema::time())), &mut self.last_seen);
        self.stamp.visit_times(visitor);
    }
}

/// An address in a body; responses show it without its password.
impl FieldType for CameraAddress {
    const RULES_REQUIRE_IT: bool = true;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.text(name).map(|text| CameraAddress::new(&text))
    }

    fn show(&mut self) -> ShownValue {
        self.text.show()
    }

    fn sort_key(&self) -> SortKey {
        self.text.as_str().into()
    }
}

impl CameraRow {
    fn new(app: &App, who: &Principal, row: &Document) -> Result<Self> {
        let spec = row.camera().ok_or_else(|| Error::internal("a camera is of another kind"))?.clone();
        let CameraHealth { status, last_seen, .. } = app.media.cameras.camera_health(who, row)?;
        let (device, kind) = (app.devices.device(who, spec.device)?.aliases.uuid, Some(spec.kind));
        Ok(CameraRow { stamp: Stamp::of(row), device, spec, kind, status, last_seen })
    }
}

fn view(app: &App, who: &Principal, row: &Document) -> Result<ShownRow> {
    CameraRow::new(app, who, row).map(ShownRow::new)
}

/// `GET /cameras`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(&sort::sortable::<CameraRow>())?);
    let rows = documents::of_device(&app, who, KIND, &query)?;
    let key = |row: &Arc<Document>, property: &str| {
        documents::key(row, property, || CameraRow::new(&app, who, row).ok())
    };
    let page = page.of(rows, key, |row| row.uuid);
    // A camera that was deleted with its device a moment ago is left out.
    let content = page.content.iter().filter_map(|row| view(&app, who, row).ok()).collect();
    Ok(ok(Page::<ShownRow> { content, page: page.page }))
}

/// `POST /cameras`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.media.cameras.create_camera(who, spec).await?;
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
    let row = app.media.cameras.replace_camera(who, *id, spec).await.map_err(named)?;
    Ok(ok(view(&app, who, &row).map_err(named)?))
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<CameraSpec, MkError> {
    let device = documents::device_of_body(app, who, &mut fields);
    let CameraRow { spec, kind, .. } = read_row(&mut fields);
    let spec = CameraSpec {
        // Without a device there is a problem, and the reading ends with it.
        device: device.map_or(DeviceId(0), |device| device.id),
        kind: kind.unwrap_or_else(|| CameraSpec::kind_of(&spec.stream)),
        ..spec
    };
    fields.finish(spec.problems())?;
    Ok(spec)
}
