//! `/api/device/{id}/tag-list/`: the tags of another program's list become streams of a device, or are described as a dry run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, header};
use serde::Serialize;

use super::Id;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::{HttpError, RestError};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::Route;
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::api::payload;
use crate::app::App;
use crate::app::inventory::tag_list::{
    DecodedText, MAX_API_TAG_LIST_BYTES, OutcomeDetails, Separator, TagDifference, TagLine, TagListFormat,
    TagListReport, TagStream, decode,
};
use crate::domain::{DeviceId, Resource, Scope};

/// A list is of a device that exists, and makes streams.
const ACCESS: RequiredAccess = RequiredAccess::AllScopes(|_| &SCOPES);
const SCOPES: [Scope; 2] = [Scope::read(Resource::Device), Scope::write(Resource::Data)];

/// The media type of a list, besides those of tables.
const TEXT: &str = "text/plain";

/// Route and documentation of tag lists.
pub fn route() -> Route {
    let import = Doc::new("tag_list_import", "Make streams of a tag list, all of them or none")
        .about("A stream of the device that has the name of a tag already, or its address and type, stays as it is.")
        .query("dry_run", schema::boolean(), "Report what would become of each line, and change nothing.")
        .body_as(TEXT, schema::string())
        .about_body(
            "A list as KEPServerEX, TIA Portal or Studio 5000 exports it, or with the columns `name`, `address` and `type`; \
             `text/csv` and `text/tab-separated-values` too. In UTF-8, UTF-16 or Windows-1252.",
        )
        .answers(200, "Outcome of each line, as it is or would be", schema::reference("TagListReport"));
    Route::gated("/api/device/{id}/tag-list", ACCESS).post(self::import, import)
}

/// The fields of a report.
pub fn described_report() -> Vec<FieldSchema> {
    let text = |name| read_only(name, schema::string());
    let nullable_text = |name| read_only(name, schema::nullable(schema::string()));
    let number = |name| read_only(name, schema::number());
    let settings =
        [text("path"), text("type"), text("unit"), number("scale"), number("offset"), text("description")];
    let difference = ["field", "stream", "list"].map(text);
    let line = [
        read_only("line", schema::count()),
        text("name"),
        read_only("outcome", schema::choice(OutcomeDetails::OUTCOMES)),
        nullable_text("stream"),
        read_only("settings", schema::nullable(schema::view(&settings).into())),
        read_only("differences", schema::list(schema::view(&difference).into())),
        nullable_text("remark"),
    ];
    let mut fields = vec![
        read_only("applied", schema::boolean()),
        read_only("format", schema::choice_of::<TagListFormat>()),
        read_only("separator", schema::choice_of::<Separator>()),
        text("encoding"),
        text("device"),
        text("protocol"),
    ];
    fields.extend(OutcomeDetails::OUTCOMES.map(|name| read_only(name, schema::count())));
    fields.push(read_only("lines", schema::list(schema::view(&line).into())));
    fields
}

/// `POST /api/device/{id}/tag-list`: imports a list, or with `dry_run` reports what would become of it.
pub async fn import(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(device): Id<DeviceId>,
    RawQuery(raw): RawQuery,
    request: Request,
) -> Result<Json<ReportView>, RestError> {
    app.tag_lists.device_for_import(&caller, device)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let is_dry = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    let (parts, body) = request.into_parts();
    check_media_type(&parts.headers)?;
    let limit = app.settings().body_bytes.min(MAX_API_TAG_LIST_BYTES);
    let bytes = payload::read(&parts.headers, body, limit).await?;
    let DecodedText { text, encoding } = decode(&bytes)?;
    let report = app.tag_lists.import_from_api(&caller, device, text, is_dry).await?;
    Ok(Json(ReportView::new(report, encoding)))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let given = given.unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        TEXT | "text/csv" | "text/tab-separated-values" => Ok(()),
        _ => Err(HttpError::UnsupportedMediaType(given.into_owned())),
    }
}

/// A report as shown.
#[derive(Serialize)]
pub struct ReportView {
    applied: bool,
    format: &'static str,
    separator: &'static str,
    encoding: &'static str,
    device: String,
    protocol: String,
    added: usize,
    unchanged: usize,
    replaced: usize,
    left_out: usize,
    lines: Vec<LineView>,
}

/// A row of the list as shown.
#[derive(Serialize)]
struct LineView {
    line: u64,
    name: String,
    outcome: &'static str,
    stream: Option<String>,
    settings: Option<SettingsView>,
    differences: Vec<TagDifference>,
    remark: Option<String>,
}

/// The settings of a stream as shown.
#[derive(Serialize)]
struct SettingsView {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    unit: String,
    scale: f64,
    offset: f64,
    description: String,
}

impl ReportView {
    fn new(report: TagListReport, encoding: &'static str) -> Self {
        let counts = report.counts();
        ReportView {
            applied: report.is_applied,
            format: report.format.name(),
            separator: report.separator.name(),
            encoding,
            device: report.device,
            protocol: report.protocol,
            added: counts.added,
            unchanged: counts.unchanged,
            replaced: counts.replaced,
            left_out: counts.left_out,
            lines: report.lines.into_iter().map(LineView::from).collect(),
        }
    }
}

impl From<TagLine> for LineView {
    fn from(row: TagLine) -> Self {
        let TagLine { line, name, outcome } = row;
        let OutcomeDetails { outcome, stream, settings, differences, remark } = outcome.into_details(&name);
        LineView {
            line,
            name,
            outcome,
            stream,
            settings: settings.map(SettingsView::from),
            differences,
            remark,
        }
    }
}

impl From<TagStream> for SettingsView {
    fn from(stream: TagStream) -> Self {
        let TagStream { path, kind, unit, scale, offset, description } = stream;
        SettingsView { path, kind, unit, scale, offset, description }
    }
}
