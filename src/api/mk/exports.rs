//! `/exports`: jobs that write readings and annotations to a ZIP file.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::base_url::BaseUrl;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema};
use crate::app::App;
use crate::domain::export::{Export, ExportContent, ExportScope, ExportSpec, ExportStatus};
use crate::domain::{Micros, Principal};

const COLLECTION: &str = "/api/v1/exports";
const ONE: &str = "/api/v1/exports/{id}";
const TITLE: &str = "Export";
const SORTABLE: &[&str] = &[
    "createdAt",
    "completedAt",
    "from",
    "to",
    "status",
    "scopeType",
    "scopeId",
    "sizeBytes",
    "readingCount",
    "annotationCount",
    "requestedBy",
    "id",
];
/// Contents that a request may list, repeated ones included.
const MAX_INCLUDES: usize = 16;

/// The operations.
pub fn section() -> Section {
    let export = || schema::reference("Export");
    let create_doc = Doc::new("createExport", "Request an export")
        .about("An export is PENDING, then RUNNING, and READY or FAILED. The range is at most 366 days.")
        .body(schema::reference("ExportBody"))
        .answers(201, "The export with its progress.", export())
        .with_header("Location", schema::string(), "Path of the export.");
    let list_doc = paged(Doc::new("listExports", "List exports"))
        .query("status", schema::choice_of::<ExportStatus>(), "Only exports in this state.")
        .answers(200, "A page of exports.", page_of("Export"));
    let get_doc = Doc::new("getExport", "Get an export")
        .about("While it is READY, `downloadUrl` is a new link, which needs no credential and ends at `expiresAt`.")
        .answers(200, "The export with its progress.", export());
    let delete_doc = Doc::new("deleteExport", "Delete an export with its file")
        .about("An export that is PENDING or RUNNING is a conflict.")
        .answers_nothing("The export is deleted.");
    Section {
        name: "Exports",
        about: "ZIP files of readings and annotations as Parquet, with a manifest. They are kept for 7 days.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::delete(ONE, delete, delete_doc),
        ],
        schemas: vec![
            ("Export", schema::object(&response_fields())),
            ("ExportBody", schema::body(&settable())),
        ],
    }
}

fn settable() -> Vec<FieldSchema> {
    vec![
        schema::required("scopeType", schema::choice_of::<ExportScope>()),
        schema::required("scopeId", id()),
        schema::required("from", schema::time()),
        schema::required("to", schema::time()),
        schema::required("includes", schema::list_of(schema::choice_of::<ExportContent>(), 1, MAX_INCLUDES)),
    ]
}

fn response_fields() -> Vec<FieldSchema> {
    vec![
        schema::required("id", id()),
        schema::required("scopeType", schema::choice_of::<ExportScope>()),
        schema::required("scopeId", id()),
        schema::required("from", schema::time()),
        schema::required("to", schema::time()),
        schema::required("includes", schema::list(schema::choice_of::<ExportContent>())),
        schema::required("status", schema::choice_of::<ExportStatus>()),
        schema::required("requestedBy", schema::string()),
        schema::required("createdAt", schema::time()),
        schema::omittable("progress", schema::number_within(0.0, 1.0)),
        schema::omittable("error", schema::string()),
        schema::omittable("sizeBytes", schema::count()),
        schema::omittable("readingCount", schema::count()),
        schema::omittable("annotationCount", schema::count()),
        schema::omittable("completedAt", schema::time()),
        schema::omittable("downloadUrl", schema::string()),
        schema::omittable("expiresAt", schema::time()),
    ]
}

/// An export, without the fields not yet or no longer there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportView {
    id: Uuid,
    scope_type: &'static str,
    scope_id: Uuid,
    from: String,
    to: String,
    includes: Vec<&'static str>,
    status: &'static str,
    requested_by: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reading_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        let (spec, result) = (export.spec, export.result);
        ExportView {
            id: export.uuid,
            scope_type: spec.scope_type.name(),
            scope_id: spec.scope,
            from: iso(spec.from),
            to: iso(spec.to),
            includes: spec.includes.iter().map(|content| content.name()).collect(),
            status: export.status.name(),
            requested_by: export.requested_by,
            created_at: iso(export.created_at),
            progress: None,
            error: Some(export.error).filter(|error| !error.is_empty()),
            size_bytes: result.map(|result| result.size_bytes),
            reading_count: result.map(|result| result.reading_count),
            annotation_count: result.map(|result| result.annotation_count),
            completed_at: export.completed_at.map(iso),
            download_url: None,
            expires_at: None,
        }
    }
}

/// Shows an export with its progress, and a new link to its file.
async fn with_link(
    app: &App,
    who: &Principal,
    base: &BaseUrl,
    export: Export,
) -> Result<ExportView, MkError> {
    let link = app.exports.export_link(who, &export).await?;
    let progress = app.exports.export_progress(&export).filter(|_| export.status == ExportStatus::Running);
    let mut view = ExportView { progress, ..ExportView::from(export) };
    if let Some(link) = link {
        view.download_url = Some(format!("{}{}", base.0, link.path_and_query));
        view.expires_at = Some(iso(link.expires_at));
    }
    Ok(view)
}

/// `GET /exports`.
async fn list(caller: MkCaller, base: BaseUrl, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let status = query.choice("status", &ExportStatus::ALL, ExportStatus::name)?;
    let mut rows = app.exports.exports(&caller.principal).await?;
    rows.retain(|export| status.is_none_or(|status| export.status == status));
    let page = page.of(rows, sort_key, |export| export.uuid);
    let mut content = Vec::with_capacity(page.content.len());
    for export in page.content {
        content.push(with_link(&app, &caller.principal, &base, export).await?);
    }
    Ok(ok(super::page::Page { content, page: page.page }))
}

fn sort_key(export: &Export, property: &str) -> SortKey {
    let number = |number: u64| SortKey::Whole(i64::try_from(number).unwrap_or(i64::MAX));
    let count = |found: Option<u64>| found.map_or(SortKey::Null, number);
    match property {
        "completedAt" => export.completed_at.into(),
        "from" => export.spec.from.into(),
        "to" => export.spec.to.into(),
        "status" => export.status.name().into(),
        "scopeType" => export.spec.scope_type.name().into(),
        "sizeBytes" => count(export.result.map(|result| result.size_bytes)),
        "readingCount" => count(export.result.map(|result| result.reading_count)),
        "annotationCount" => count(export.result.map(|result| result.annotation_count)),
        "scopeId" => export.spec.scope.into(),
        "requestedBy" => export.requested_by.as_str().into(),
        "id" => SortKey::Text(export.uuid.to_string()),
        _ => export.created_at.into(),
    }
}

/// `POST /exports`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.exports.check_may_export(&caller.principal)?;
    let spec = read(body.fields(&app).await?)?;
    let export = app.exports.create_export(&caller.principal, spec, caller.actor.clone()).await?;
    Ok(created(COLLECTION, export.uuid, ExportView::from(export)))
}

/// `GET /exports/{id}`.
async fn one(caller: MkCaller, base: BaseUrl, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let export = app.exports.export(&caller.principal, *id).await;
    let export = export.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(ok(with_link(&app, &caller.principal, &base, export).await?))
}

/// `DELETE /exports/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.exports.delete_export(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}

fn read(mut fields: Fields) -> Result<ExportSpec, MkError> {
    let scope_type = fields.required_choice("scopeType", &ExportScope::ALL, ExportScope::name);
    let scope = fields.required_uuid("scopeId");
    let times = ["from", "to"].map(|name| {
        fields.required(name);
        fields.time(name)
    });
    fields.required("includes");
    let is_given = fields.has("includes");
    let names = fields.texts("includes");
    let mut includes = std::collections::BTreeSet::new();
    if names.as_ref().is_some_and(|names| names.len() > MAX_INCLUDES) {
        fields.problem("includes", format!("size must be between 1 and {MAX_INCLUDES}"));
    }
    for (index, name) in names.iter().flatten().take(MAX_INCLUDES).enumerate() {
        match name.parse::<ExportContent>() {
            Ok(content) => drop(includes.insert(content)),
            Err(_) => fields.problem(&format!("includes[{index}]"), "must be one of READINGS, ANNOTATIONS"),
        }
    }
    let [from, to] = times;
    let is_range = from.is_some() && to.is_some();
    let spec = ExportSpec {
        scope_type: scope_type.unwrap_or(ExportScope::Device),
        scope: scope.unwrap_or_default(),
        from: from.unwrap_or(Micros(0)),
        to: to.unwrap_or(Micros(0)),
        includes,
    };
    // What is said about a range without both ends, or about contents of unknown names, is said already.
    let mut rules = spec.problems();
    let has_names = is_given && names.is_none_or(|names| !names.is_empty());
    rules.retain(|problem| match &*problem.field {
        "from" | "to" => is_range,
        "includes" => !has_names,
        _ => true,
    });
    fields.finish(rules)?;
    Ok(spec)
}
