//! `/api/v1/config-artefacts`: versions of configurations, which are never changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::base_url::BaseUrl;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, read_only, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::{Answer, documents, wire};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::configuration::ArtefactRefusal;
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::object::{MAX_OBJECT_BYTES, ObjectSpec};
use crate::domain::{FieldError, Principal};

const PATH: &str = "/api/v1/config-artefacts";
const KIND: DocumentKind = DocumentKind::Artefact;

/// The operations.
pub fn section() -> Section {
    let list = paged(Doc::new("listConfigArtefacts", "List artefacts"))
        .query("profileId", id(), "Only artefacts for this profile.")
        .query("name", schema::string(), "Only versions of this name.")
        .answers(200, "A page of artefacts.", page_of("ConfigArtefact"));
    let create = Doc::new("createConfigArtefact", "Create the next version of an artefact")
        .about("Every binding of the name wants the new version from then on, and is PENDING again.")
        .body(schema::reference("NewConfigArtefact"))
        .answers(201, "The artefact as it is stored.", schema::reference("ConfigArtefact"));
    let read = Doc::new("getConfigArtefact", "Get an artefact").answers(
        200,
        "The artefact as it is stored.",
        schema::reference("ConfigArtefact"),
    );
    let delete = Doc::new("deleteConfigArtefact", "Delete an artefact that is not bound")
        .answers_nothing("The artefact is deleted.");
    let upload = Doc::new("createUploadUrl", "Get an address for a content above 64 KiB")
        .about("The bytes are sent to `uploadUrl` by PUT within 15 minutes, without other credentials.")
        .body(schema::reference("NewUpload"))
        .answers(201, "The address, and the key that names the content.", schema::reference("Upload"));
    Section {
        name: "Configuration",
        about: "Contents for devices and components, with versions.",
        endpoints: vec![
            Endpoint::get(PATH, self::list, list),
            Endpoint::post(PATH, self::create, create),
            Endpoint::post("/api/v1/config-artefacts/upload-url", self::upload_url, upload),
            Endpoint::get("/api/v1/config-artefacts/{id}", self::read, read),
            Endpoint::delete("/api/v1/config-artefacts/{id}", documents::delete(KIND), delete),
        ],
        schemas: vec![
            schemas::view::<ArtefactRow>("ConfigArtefact"),
            schemas::body::<ArtefactRow>("NewConfigArtefact"),
            ("NewUpload", schema::body(&described_upload())),
            ("Upload", schema::object(&described_address())),
        ],
    }
}

fn described_upload() -> Vec<FieldSchema> {
    vec![
        schema::required("fileName", schema::text(1, 255)),
        schema::required("contentType", schema::text(1, 255)),
        schema::required("sizeBytes", schema::integer(1, MAX_OBJECT_BYTES as i64)),
        schema::omittable("sha256", nullable(schema::pattern("^[0-9a-f]{64}$"))),
    ]
}

fn described_address() -> Vec<FieldSchema> {
    vec![
        schema::required("uploadUrl", schema::string()),
        schema::required("objectKey", schema::string()),
        schema::required("method", schema::choice(["PUT"])),
        schema::required("headers", schema::map()),
        schema::required("expiresAt", schema::time()),
    ]
}

/// An artefact as shown.
pub struct ArtefactRow {
    stamp: Stamp,
    spec: ArtefactSpec,
    version: u32,
    content: Option<Map<String, Value>>,
    object_key: Option<String>,
    size_bytes: u64,
    sha256: String,
    created_by: String,
}

impl MkNoun for ArtefactRow {
    fn blank() -> Self {
        let spec = ArtefactSpec {
            name: String::new(),
            profile_type: ProfileType::SensorProfile,
            profile: Uuid::nil(),
            content: ArtefactContent::Inline(Map::new()),
        };
        ArtefactRow {
            stamp: Stamp::default(),
            spec,
            version: 0,
            content: None,
            object_key: None,
            size_bytes: 0,
            sha256: String::new(),
            created_by: String::new(),
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ArtefactSpec { name, profile_type, profile, content: _ } = &mut self.spec;
        let (title, types) = (|| schema::text(1, 255), schema::choice_of::<ProfileType>);
        let (number, text) = (|| schema::integer(1, i64::from(u32::MAX)), || nullable(schema::string()));
        self.stamp.visit_id(visitor);
        let about = "Name of the configuration; artefacts of one name are its versions.";
        visitor.visit(required("name", about, title), name);
        let about = "Whether `profileId` is a sensor profile or a device profile.";
        visitor.visit(required("profileType", about, types), profile_type);
        let about = "Profile whose writable fields the content has.";
        visitor.visit(required("profileId", about, id), profile);
        let about = "Number of the version within the name, from 1.";
        visitor.visit(read_only("version", about, number), &mut self.version);
        let about = "Values by the names of the profile's writable fields; null where they were uploaded.";
        visitor.visit(omittable("content", about, || nullable(schema::map())), &mut self.content);
        let about = "Key of the uploaded file with the content, where that is too large to be inline.";
        visitor.visit(omittable("objectKey", about, text), &mut self.object_key);
        visitor.visit(
            read_only("sizeBytes", "Size of the content in bytes.", schema::count),
            &mut self.size_bytes,
        );
        let about = "SHA-256 of the content, 64 hexadecimal digits.";
        visitor.visit(read_only("sha256", about, schema::string), &mut self.sha256);
        let about = "Author of the artefact: a user, or `key_` and a key.";
        visitor.visit(read_only("createdBy", about, schema::string), &mut self.created_by);
        self.stamp.visit_created_at(visitor);
    }
}

impl ArtefactRow {
    /// `None` for a document of another kind.
    fn new(document: &Document, org: Uuid) -> Option<Self> {
        let artefact = document.artefact()?;
        let (content, object_key) = match &artefact.spec.content {
            ArtefactContent::Inline(content) => (Some(content.clone()), None),
            ArtefactContent::Object(object) => (None, Some(object_key(org, *object))),
        };
        Some(ArtefactRow {
            stamp: Stamp::of(document),
            spec: artefact.spec.clone(),
            version: artefact.version,
            content,
            object_key,
            size_bytes: artefact.size_bytes,
            sha256: artefact.sha256.clone(),
            created_by: artefact.created_by.clone(),
        })
    }
}

fn view(document: &Document, org: Uuid) -> Option<ShownRow> {
    ArtefactRow::new(document, org).map(ShownRow::new)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UploadView {
    upload_url: String,
    object_key: String,
    method: &'static str,
    headers: Map<String, Value>,
    expires_at: String,
}

/// Key of an uploaded object: its organization, then its id.
fn object_key(org: Uuid, object: Uuid) -> String {
    format!("{org}/{object}")
}

/// `GET /api/v1/config-artefacts`
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<ArtefactRow>())?;
    let (profile, name) = (query.uuid("profileId")?, query.text("name"));
    let org = app.access.org_uuid(&caller.principal)?;
    let mut rows = app.documents.documents(&caller.principal, KIND)?;
    rows.retain(|row| {
        row.artefact().is_some_and(|artefact| {
            profile.is_none_or(|id| artefact.spec.profile == id)
                && name.is_none_or(|name| artefact.spec.name == name)
        })
    });
    let page = page.of(rows, |row, property| sort_key(row, property, org), |row| row.uuid);
    Ok(wire::ok(page.map(|row| view(&row, org))))
}

fn sort_key(row: &Document, property: &str, org: Uuid) -> SortKey {
    documents::key(row, property, || ArtefactRow::new(row, org))
}

/// `POST /api/v1/config-artefacts`
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let principal = &caller.principal;
    app.documents.check_may_change_documents(principal, KIND)?;
    let org = app.access.org_uuid(principal)?;
    let spec = read_spec(body.fields(&app).await?, org)?;
    let created = app
        .mk
        .configurations
        .create_artefact(principal, spec, caller.actor.clone())
        .await
        .map_err(refusal_error)?;
    Ok(wire::created(PATH, created.uuid, view(&created, org)))
}

fn refusal_error(refusal: ArtefactRefusal) -> MkError {
    match refusal {
        ArtefactRefusal::Content(problems) => MkError::unprocessable(problems),
        ArtefactRefusal::Failed(error) => error.into(),
    }
}

fn read_spec(mut fields: Fields, org: Uuid) -> Result<ArtefactSpec, MkError> {
    let ArtefactRow { spec, content, object_key: key, .. } = read_row(&mut fields);
    let content = match (content, key) {
        (Some(_), Some(_)) => {
            fields.problem("objectKey", "must be null when content is given");
            None
        }
        (None, None) => {
            fields.problem("content", "must not be null");
            None
        }
        (Some(content), None) => Some(ArtefactContent::Inline(content)),
        (None, Some(key)) => {
            let id = key.strip_prefix(&format!("{org}/")).and_then(|id| Uuid::try_parse(id).ok());
            if id.is_none() {
                fields.problem("objectKey", "does not exist");
            }
            id.map(ArtefactContent::Object)
        }
    };
    // Without a content there is a problem, and the reading ends with it.
    let spec = ArtefactSpec { content: content.unwrap_or(spec.content), ..spec };
    fields.finish(spec.problems())?;
    Ok(spec)
}

/// `POST /api/v1/config-artefacts/upload-url`
async fn upload_url(caller: MkCaller, base: BaseUrl, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let principal: &Principal = &caller.principal;
    app.documents.check_may_change_documents(principal, KIND)?;
    let spec = read_upload(body.fields(&app).await?)?;
    let address = app.mk.objects.create_object(principal, spec).await?;
    let BaseUrl(base) = base;
    let view = UploadView {
        upload_url: format!("{base}{}", address.path_and_query),
        object_key: object_key(app.access.org_uuid(principal)?, address.object.uuid),
        method: "PUT",
        headers: Map::new(),
        expires_at: wire::iso(address.object.upload_until),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

fn read_upload(mut fields: Fields) -> Result<ObjectSpec, MkError> {
    let file_name = fields.text_or_empty("fileName");
    let content_type = fields.text_or_empty("contentType");
    fields.required("sizeBytes");
    let size = fields.integer("sizeBytes").unwrap_or_default();
    let sha256 = fields.text("sha256");
    // A negative size is refused like an empty one.
    let spec = ObjectSpec { file_name, content_type, size_bytes: u64::try_from(size).unwrap_or(0), sha256 };
    let problems: Vec<FieldError> = spec.problems();
    fields.finish(problems)?;
    Ok(spec)
}

/// `GET /api/v1/config-artefacts/{id}`
async fn read(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(wire::ok(view(&row, app.access.org_uuid(&caller.principal)?)))
}
