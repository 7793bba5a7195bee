//! `/api/v1/firmware`: files that devices install.

mod download;
mod form;
mod row;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use self::form::FirmwareForm;
use self::row::{FirmwareRow, PROFILE, VERSION, version_text};
use super::base_url::BaseUrl;
use super::body::JsonBody;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::version_key::version_key;
use super::{Answer, documents, idempotency, noun, wire};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::firmware::{DOWNLOAD_PATH, FirmwareUpload};
use crate::domain::document::{Document, DocumentKind, FirmwareDescription, FirmwareSpec};
use crate::domain::mk_role::MkPermission;

const COLLECTION: &str = "/api/v1/firmware";
const ONE: &str = "/api/v1/firmware/{id}";
const TOKENS: &str = "/api/v1/firmware/{id}/download-tokens";
const KIND: DocumentKind = DocumentKind::Firmware;
const SORTABLE: &[&str] =
    &["createdAt", "name", "version", "deviceProfileId", "sizeBytes", "sha256", "notes", "id"];

/// The operations.
pub fn section() -> Section {
    let firmware = || schema::reference("Firmware");
    let list = paged(Doc::new("listFirmware", "List firmware"))
        .query("deviceProfileId", id(), "Only firmware for this device profile.")
        .query("version", schema::string(), "Only firmware of this version.")
        .answers(200, "A page of firmware.", page_of("Firmware"));
    let create = Doc::new("createFirmware", "Upload a firmware")
        .about("The file has at most 64 MiB. A name has each version once, and a version never changes.")
        .form(schema::reference("NewFirmware"))
        .about_body("The file and what is said about it.")
        .answers(201, "The firmware that was created.", firmware())
        .with_header("Location", schema::string(), "Path of the firmware.");
    let read =
        Doc::new("getFirmware", "Get a firmware").answers(200, "The firmware as it is stored.", firmware());
    let delete = Doc::new("deleteFirmware", "Delete a firmware and its file")
        .about("Commands that name it and were not sent yet have failed then.")
        .answers_nothing("The firmware is deleted.");
    let token = Doc::new("createDownloadToken", "Make a token with which a device fetches a firmware")
        .about("The token is valid for ten minutes.")
        .body(schema::reference("NewDownloadToken"))
        .answers(201, "The token, and the address with it.", schema::reference("DownloadToken"));
    Section {
        name: "Firmware",
        about: "Files that devices install: uploaded by administrators, fetched by devices.",
        endpoints: vec![
            Endpoint::get(COLLECTION, self::list, list),
            Endpoint::post(COLLECTION, self::create, create).needs(MkPermission::Manage).with_streamed_body(),
            download::endpoint(),
            Endpoint::get(ONE, self::one, read),
            Endpoint::delete(ONE, self::delete, delete).needs(MkPermission::Manage),
            Endpoint::post(TOKENS, self::create_token, token).needs(MkPermission::Manage).with_secret(),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, utoipa::openapi::Schema)> {
    let of_device = schema::described(nullable(id()), PROFILE);
    let new = [
        schema::required("file", schema::file()),
        schema::required("name", schema::text(1, 255)),
        schema::required("version", schema::described(version_text(), VERSION)),
        schema::omittable("deviceProfileId", of_device),
        schema::omittable("notes", nullable(schema::text(0, 4000))),
    ];
    let token = [
        schema::required("token", schema::described(schema::string(), "Admits the device to the file.")),
        schema::required("downloadUrl", schema::string()),
        schema::required("expiresAt", schema::time()),
    ];
    vec![
        noun::schemas::view::<FirmwareRow>("Firmware"),
        ("NewFirmware", schema::body(&new)),
        ("NewDownloadToken", schema::body(&[schema::required("deviceId", id())])),
        ("DownloadToken", schema::object(&token)),
    ]
}

fn view(row: &Document) -> Option<ShownRow> {
    FirmwareRow::new(row).map(ShownRow::new)
}

/// `GET /api/v1/firmware`
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let (profile, version) = (query.uuid("deviceProfileId")?, query.text("version"));
    let mut rows = app.documents.documents(&caller.principal, KIND)?;
    rows.retain(|row| {
        row.firmware().is_some_and(|FirmwareSpec { description, .. }| {
            profile.is_none_or(|id| description.device_profile == Some(id))
                && version.is_none_or(|version| description.version == version)
        })
    });
    let key = |row: &Arc<Document>, property: &str| match (property, row.firmware()) {
        ("version", Some(firmware)) => version_key(&firmware.description.version),
        _ => documents::key(row, property, || FirmwareRow::new(row)),
    };
    Ok(wire::ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /api/v1/firmware`
async fn create(caller: MkCaller, State(app): State<Arc<App>>, request: Request) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, KIND)?;
    let key = idempotency::key_of(&request, false)?;
    let form = form::read(&app, &caller.principal, request).await?;
    let new = NewFirmware::new(form)?;
    let content = new.content();
    let work = async { new.store(&app, &caller).await.unwrap_or_else(IntoResponse::into_response) };
    match key {
        Some(key) => idempotency::run(&app, &caller, key, content.as_bytes(), work).await,
        None => Ok(work.await),
    }
}

/// A form whose fields are right by themselves.
struct NewFirmware {
    description: FirmwareDescription,
    file_name: String,
    upload: FirmwareUpload,
}

impl NewFirmware {
    fn new(form: FirmwareForm) -> Result<Self, MkError> {
        let FirmwareForm { mut fields, file } = form;
        let description = FirmwareDescription {
            name: fields.text_or_empty("name").trim().to_owned(),
            version: fields.text_or_empty("version").trim().to_owned(),
            device_profile: fields.uuid("deviceProfileId"),
            notes: fields.text("notes"),
        };
        if file.is_none() {
            fields.problem("file", "must not be null");
        }
        fields.finish(description.problems())?;
        let (file_name, upload) = file.ok_or_else(MkError::malformed_body)?;
        Ok(Self { description, file_name, upload })
    }

    /// Fields that an idempotent retry must repeat, independent of the order of the form.
    fn content(&self) -> String {
        let FirmwareDescription { name, version, device_profile, notes } = &self.description;
        json!([name, version, device_profile, notes, self.upload.sha256()]).to_string()
    }

    async fn store(self, app: &App, caller: &MkCaller) -> Result<Response, MkError> {
        let Self { description, file_name, upload } = self;
        let row = app.mk.firmware.create_firmware(&caller.principal, description, file_name, upload).await?;
        Ok(wire::created(COLLECTION, row.uuid, view(&row)))
    }
}

/// `GET /api/v1/firmware/{id}`
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(wire::ok(view(&row)))
}

/// `DELETE /api/v1/firmware/{id}`
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.mk.firmware.delete_firmware(&caller.principal, *id).await;
    deleted.map_err(documents::named(KIND, *id))?;
    Ok(wire::no_content())
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DownloadTokenView {
    token: String,
    download_url: String,
    expires_at: String,
}

/// `POST /api/v1/firmware/{id}/download-tokens`
async fn create_token(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    BaseUrl(base): BaseUrl,
    id: PathId,
    body: JsonBody,
) -> Answer {
    let named = documents::named(KIND, *id);
    documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let mut fields = body.fields(&app).await?;
    let device = fields.required_uuid("deviceId");
    fields.finish(Vec::new())?;
    let device = device.ok_or_else(MkError::malformed_body)?;
    let token = app.mk.firmware.firmware_token(&caller.principal, *id, device).map_err(named)?;
    let view = DownloadTokenView {
        download_url: format!("{base}{DOWNLOAD_PATH}?token={}", token.text),
        token: token.text,
        expires_at: wire::iso(token.expires_at),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}
