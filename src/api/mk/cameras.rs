//! `/cameras`: cameras of devices. Passwords of their addresses are taken and never shown.

use std::sync::Arc;

use uuid::Uuid;

use super::body::Fields;
use super::caller::MkCaller;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, read_only, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use super::query::Query;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::ShownValue;
use crate::app::media::camera::{CameraHealth, CameraStatus};
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document, DocumentContent, DocumentKind};
use crate::domain::media::address::CameraKind;
use crate::domain::{DeviceId, Micros, Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listCameras", "List cameras")).query(
            "deviceId",
            id(),
            "Only cameras of this device.",
        ),
        Doc::new("createCamera", "Create a camera")
            .about("The camera is probed at once, and then every minute."),
        Doc::new("getCamera", "Get a camera"),
        Doc::new("replaceCamera", "Replace a camera")
            .about("`deviceId` is fixed. An address that is sent as it is shown keeps its password; any other needs its own."),
        Doc::new("deleteCamera", "Delete a camera with its captures, clips and live sessions"),
    ];
    Section {
        name: "Cameras",
        about: "Cameras that belong to devices, with what their newest probes have found.",
        endpoints: endpoints::<CameraRow>(docs),
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
        CameraRow { stamp: Stamp::default(), device, spec, kind: None, status, last_seen: None }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let CameraSpec { device: _, name, kind: _, stream, dvr } = &mut self.spec;
        let (title, address) = (|| schema::text(1, 255), || schema::text(1, 2000));
        self.stamp.visit_id(visitor);
        let about = "Device of the camera; it cannot be changed.";
        visitor.visit(required("deviceId", about, id).looked_up(), &mut self.device);
        visitor.visit(required("name", "Name of the camera, unique on the device.", title), name);
        let about = "URL with the scheme rtsp, rtsps, http or https, or path of a video device; a password in it is never \
                     shown.";
        visitor.visit(required("streamUrl", about, address), stream);
        let about = "How pictures are fetched; as `streamUrl` says by default.";
        visitor.visit(omittable("type", about, schema::choice_of::<CameraKind>), &mut self.kind);
        let about = "URL of what a recorder holds of the camera. `{from}`, `{to}`, `{fromSeconds}` and `{toSeconds}` stand \
                     for the range; without them it is given `starttime` and `endtime`. A password in it is never shown.";
        visitor.visit(omittable("dvrUrl", about, || nullable(schema::text(1, 2000))), dvr);
        let about = "Result of the newest probe of the camera.";
        visitor.visit(read_only("status", about, schema::choice_of::<CameraStatus>), &mut self.status);
        let about = "Time of the last answer to a probe since the start of the server.";
        visitor.visit(read_only("lastSeenAt", about, || nullable(schema::time())), &mut self.last_seen);
        self.stamp.visit_times(visitor);
    }
}

impl ShowValue for CameraAddress {
    fn show(&mut self) -> ShownValue {
        self.text.show()
    }
}

/// An address in a body; responses show it without its password.
impl FieldType for CameraAddress {
    const RULES_REQUIRE_IT: bool = true;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.text(name).map(|text| CameraAddress::new(&text))
    }
}

impl CameraRow {
    fn new(app: &App, who: &Principal, row: &Document) -> Result<Self> {
        let spec = documents::content(row.camera())?;
        let CameraHealth { status, last_seen, .. } = app.media.cameras.camera_health(who, row)?;
        let (device, kind) = (app.devices.device(who, spec.device)?.aliases.uuid, Some(spec.kind));
        Ok(CameraRow { stamp: Stamp::of(row), device, spec, kind, status, last_seen })
    }
}

impl DocumentNoun for CameraRow {
    type Content = CameraSpec;
    const KIND: DocumentKind = DocumentKind::Camera;
    const COLLECTION: &'static str = "/api/v1/cameras";
    const ONE: &'static str = "/api/v1/cameras/{id}";
    const WORDS: NounWords = NounWords::new("Camera", "camera", "cameras");

    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(move |row: &Document| CameraRow::new(app, who, row))
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

    fn documents(app: &App, who: &Principal, query: &Query) -> Result<Vec<Arc<Document>>, MkError> {
        documents::of_device(app, who, Self::KIND, query)
    }

    async fn create(app: &App, caller: &MkCaller, new: CameraSpec) -> Result<Arc<Document>> {
        app.media.cameras.create_camera(&caller.principal, new).await
    }

    async fn replace(app: &App, who: &Principal, id: Uuid, new: CameraSpec) -> Result<Arc<Document>> {
        app.media.cameras.replace_camera(who, id, new).await
    }
}
