//! `/api/inventory/`: devices, streams and documents as a file, imported as a whole or described as a dry run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde::Serialize;

use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::tag_list;
use crate::api::caller::Caller;
use crate::api::error::{HttpError, RestError};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, read_only};
use crate::api::payload;
use crate::app::App;
use crate::app::inventory::api_file::{ApiFileFormat, MAX_API_BYTES};
use crate::app::inventory::{FieldChange, ImportProblem, ImportReport, InventoryCounts, InventoryFormat};
use crate::domain::{Error, Resource, Result, Scope};

const YAML: &str = "application/yaml";
const CSV: &str = "text/csv";

/// A file has devices and their streams.
const ACCESS: RequiredAccess =
    RequiredAccess::AllScopes(|method| if method == "GET" { &READ } else { &WRITE });
const READ: [Scope; 2] = [Scope::read(Resource::Device), Scope::read(Resource::Data)];
const WRITE: [Scope; 2] = [Scope::write(Resource::Device), Scope::write(Resource::Data)];

/// Routes, documentation and schemas of inventory files.
pub fn section() -> Section {
    let export = Doc::new("inventory_export", "Get the devices and streams that the caller sees as a file")
        .about("Passwords are not included. What is exported is imported as it was.")
        .query("format", schema::choice(["yaml", "csv"]), "Format of the file; `yaml` by default.")
        // What a YAML file has is described with the import.
        .answers_as(YAML, 200, "The file", schema::anything())
        .or_as(CSV, schema::string());
    let import = Doc::new("inventory_import", "Import devices and streams from a file, all or nothing")
        .about("Rows are told apart by their names; those that the file does not name stay as they are.")
        .query(
            "dry_run",
            schema::boolean(),
            "Report what would change, or every mistake, and change nothing.",
        )
        .body(schema::reference("Inventory"))
        .about_body(
            "A file as `basalt import` reads it: JSON, or YAML (`application/yaml`) or CSV (`text/csv`).",
        )
        .answers(200, "Changes that were made, or would be", schema::reference("InventoryReport"));
    Section {
        name: "Inventory",
        about: "Devices, streams and documents as files for tables and version control.",
        routes: vec![
            Route::gated("/api/inventory", ACCESS).get(self::export, export).post(self::import, import),
            tag_list::route(),
        ],
        schemas: vec![
            ("Inventory", schema::body(&described_file())),
            ("InventoryReport", schema::view(&described_report())),
            ("TagListReport", schema::view(&tag_list::described_report())),
        ],
    }
}

fn described_file() -> Vec<FieldSchema> {
    ["devices", "documents"].map(|name| omittable(name, schema::list(schema::map()))).into()
}

fn described_report() -> Vec<FieldSchema> {
    let text = |name| read_only(name, schema::string());
    let problem = [read_only("line", schema::count()), text("column"), text("message")];
    let change = [text("field"), read_only("old", schema::anything()), read_only("new", schema::anything())];
    let row = [
        read_only("noun", schema::choice(["group", "device", "stream", "document"])),
        text("name"),
        read_only("created", schema::boolean()),
        read_only("fields", schema::list(schema::view(&change).into())),
    ];
    let unchanged = ["devices", "streams", "documents"].map(|name| read_only(name, schema::count()));
    vec![
        read_only("applied", schema::boolean()),
        read_only("problems", schema::list(schema::view(&problem).into())),
        read_only("changes", schema::list(schema::view(&row).into())),
        read_only("unchanged", schema::view(&unchanged).into()),
        read_only("left_alone", schema::list(schema::string())),
    ]
}

/// `GET /api/inventory`: the devices and streams that the caller sees, as a file.
pub async fn export(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<impl IntoResponse, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let format = query.choice("format").unwrap_or(InventoryFormat::Yaml);
    query.finish()?;
    let file = app.inventory.export_api_inventory(&caller, format).await?;
    let (media, disposition) = match format {
        InventoryFormat::Yaml => (YAML, "attachment; filename=\"inventory.yaml\""),
        InventoryFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"inventory.csv\""),
    };
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, disposition)], file))
}

/// `POST /api/inventory`: imports a file, or with `dry_run` reports what it would change.
pub async fn import(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    request: Request,
) -> Result<Json<ReportView>, RestError> {
    app.inventory.check_may_import_inventory(&caller)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let is_dry = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    let (parts, body) = request.into_parts();
    let format = file_format(&parts.headers)?;
    let bytes = payload::read(&parts.headers, body, app.settings().body_bytes.min(MAX_API_BYTES)).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::invalid("the file is not UTF-8"))?;
    let report = app.inventory.import_api_inventory(&caller, format, text.to_owned(), is_dry).await?;
    if !is_dry {
        report.check()?;
    }
    Ok(Json(ReportView::from(report)))
}

fn file_format(headers: &HeaderMap) -> Result<ApiFileFormat, HttpError> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let given = given.unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(ApiFileFormat::Json),
        YAML | "application/x-yaml" | "text/yaml" | "text/x-yaml" => {
            Ok(ApiFileFormat::Inventory(InventoryFormat::Yaml))
        }
        CSV => Ok(ApiFileFormat::Inventory(InventoryFormat::Csv)),
        _ => Err(HttpError::UnsupportedMediaType(given.into_owned())),
    }
}

/// An import's report as shown.
#[derive(Serialize)]
pub struct ReportView {
    applied: bool,
    problems: Vec<ImportProblem>,
    changes: Vec<ChangeView>,
    unchanged: InventoryCounts,
    left_alone: Vec<String>,
}

/// A created or changed row as shown.
#[derive(Serialize)]
struct ChangeView {
    noun: &'static str,
    name: String,
    created: bool,
    fields: Vec<FieldChange>,
}

impl From<ImportReport> for ReportView {
    fn from(report: ImportReport) -> Self {
        let changes = report.entries.into_iter().map(|entry| ChangeView {
            noun: entry.noun.name(),
            name: entry.name,
            created: entry.is_new,
            fields: entry.fields,
        });
        ReportView {
            applied: report.is_applied,
            problems: report.problems,
            changes: changes.collect(),
            unchanged: report.unchanged,
            left_alone: report.left_alone,
        }
    }
}
