//! `/packs`: profiles, annotation classes and dashboards that are installed and removed together.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::Schema;
use uuid::Uuid;

use super::body::JsonBody;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::pack_body::{self, UNSUPPORTED};
use super::page::Page;
use super::path::PathId;
use super::problem::MkError;
use super::profiles::{device_view, pack_schemas, sensor_view};
use super::query::Query;
use super::version_key::version_key;
use super::wire::{created, iso, no_content, ok};
use super::{Answer, annotation_classes, dashboards, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::packs::{PackOutcome, PackOverview, PackRefusal};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::mk_role::MkPermission;
use crate::domain::{Error, Result};

const COLLECTION: &str = "/api/v1/packs";
const ONE: &str = "/api/v1/packs/{id}";
const KIND: DocumentKind = DocumentKind::Pack;
const SORTABLE: &[&str] = &["createdAt", "key", "name", "version", "id"];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Pack");
    let list_doc =
        paged(Doc::new("listPacks", "List packs")).answers(200, "A page of packs.", page_of("Pack"));
    let install_doc = Doc::new("installPack", "Install a pack")
        .about(
            "Its rows are installed all or none. A profile or annotation class that a pack installed already, with the \
             same content, is shared. A change of a profile that only adds to it is a higher minor version, any other a higher major \
             version; otherwise the answer is 422.",
        )
        .body(schema::reference("PackBody"))
        .answers(200, "The pack was installed already, with the same content.", row())
        .answers(201, "The pack as it was installed.", row())
        .with_header("Location", schema::string(), "Path of the pack.");
    let get_doc = Doc::new("getPack", "Get a pack").answers(200, "The pack as it is stored.", row());
    let delete_doc = Doc::new("deletePack", "Delete a pack with those of its rows that no other pack has")
        .answers_nothing("The pack is deleted.");
    Section {
        name: "Packs",
        about: "Profiles, annotation classes and dashboards that are installed and removed together. An installed pack \
                never changes.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, install, install_doc).needs(MkPermission::Manage),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::delete(ONE, delete, delete_doc).needs(MkPermission::Manage),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let mut schemas =
        vec![("Pack", schema::view(&described())), ("PackBody", schema::body(&pack_body::described()))];
    schemas.extend(pack_schemas());
    schemas
}

fn described() -> Vec<FieldSchema> {
    let mut fields = vec![schema::read_only("id", id())];
    fields.extend(pack_body::described_head());
    let rows = |of| schema::list(schema::reference(of));
    fields.push(schema::required("sensorProfiles", rows("SensorProfile")));
    fields.push(schema::required("deviceProfiles", rows("DeviceProfile")));
    fields.push(schema::required("annotationClasses", rows("AnnotationClass")));
    fields.push(schema::required("dashboards", rows("Dashboard")));
    fields.push(schema::required(UNSUPPORTED, schema::list_of(schema::map(), 0, 0)));
    fields.push(schema::read_only("createdAt", schema::time()));
    fields
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackView {
    id: Uuid,
    key: String,
    version: String,
    name: String,
    sensor_profiles: Vec<ShownRow>,
    device_profiles: Vec<ShownRow>,
    annotation_classes: Vec<ShownRow>,
    /// Packs with any are refused.
    job_definitions: [Value; 0],
    dashboards: Vec<ShownRow>,
    created_at: String,
}

fn view(pack: &PackOverview) -> Result<PackView> {
    let PackOverview { document, members } = pack;
    let spec = document.pack().ok_or_else(|| Error::internal("a pack is of another kind"))?.clone();
    Ok(PackView {
        id: document.uuid,
        key: spec.key,
        version: spec.version,
        name: spec.name,
        sensor_profiles: members.iter().filter_map(|row| sensor_view(row)).collect(),
        device_profiles: members.iter().filter_map(|row| device_view(row)).collect(),
        annotation_classes: members.iter().filter_map(|row| annotation_classes::view(row)).collect(),
        job_definitions: [],
        dashboards: members.iter().filter_map(|row| dashboards::view(row)).collect(),
        created_at: iso(document.created_at),
    })
}

/// `GET /packs`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let rows = app.documents.documents(who, KIND)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "key" => row.pack().map(|pack| pack.key.as_str()).into(),
        "name" => row.pack().map(|pack| pack.name.as_str()).into(),
        "version" => row.pack().map(|pack| version_key(&pack.version)).into(),
        _ => documents::sort_key(row, property),
    };
    let Page { content, page } = page.of(rows, key, |row| row.uuid);
    let shown = content.into_iter().map(|row| view(&app.mk.packs.pack_overview(who, row)?));
    Ok(ok(Page { content: shown.collect::<Result<Vec<_>>>()?, page }))
}

/// `POST /packs`.
async fn install(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, KIND)?;
    let content = pack_body::read(body.fields(&app).await?)?;
    match app.mk.packs.install_pack(who, content).await.map_err(refusal_error)? {
        PackOutcome::Created(pack) => Ok(created(COLLECTION, pack.document.uuid, view(&pack)?)),
        PackOutcome::Unchanged(pack) => Ok(ok(view(&pack)?)),
    }
}

fn refusal_error(refusal: PackRefusal) -> MkError {
    match refusal {
        PackRefusal::Versions(problems) => MkError::unprocessable(problems),
        PackRefusal::Failed(error) => error.into(),
    }
}

/// `GET /packs/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let pack = app.mk.packs.pack(&caller.principal, *id);
    let pack = pack.map_err(documents::named(KIND, *id))?;
    Ok(ok(view(&pack)?))
}

/// `DELETE /packs/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.mk.packs.delete_pack(&caller.principal, *id).await;
    deleted.map_err(documents::named(KIND, *id))?;
    Ok(no_content())
}
