//! `/api/v1/desired-state-bindings`: which artefact a target is to have, and how far its devices are.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::{Answer, documents, wire};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema};
use crate::app::App;
use crate::app::mk::configuration::BindingOverview;
use crate::domain::configuration::binding::{BindingSpec, BindingStatus, TargetType};
use crate::domain::document::DocumentKind;

const PATH: &str = "/api/v1/desired-state-bindings";
const KIND: DocumentKind = DocumentKind::Binding;
const SORTABLE: [&str; 12] = [
    "createdAt",
    "updatedAt",
    "targetType",
    "targetId",
    "configArtefactId",
    "desiredVersion",
    "reportedVersion",
    "reportedHash",
    "reportedAt",
    "status",
    "message",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let list = paged(Doc::new("listDesiredStateBindings", "List bindings"))
        .query(
            "targetType",
            schema::choice(TargetType::ALL.map(TargetType::name)),
            "Only targets of this type.",
        )
        .query("targetId", id(), "Only bindings of this target.")
        .query("status", schema::choice(BindingStatus::ALL.map(BindingStatus::name)), "Only this status.")
        .answers(200, "A page of bindings.", page_of("DesiredStateBinding"));
    let read = Doc::new("getDesiredStateBinding", "Get a binding").answers(
        200,
        "The binding.",
        schema::reference("DesiredStateBinding"),
    );
    let put = Doc::new("putDesiredStateBinding", "Bind an artefact to a target")
        .about(
            "The id is chosen by the caller. For one device and name the most specific binding counts: COMPONENT, \
             DEVICE, DEVICE_GROUP, DEVICE_PROFILE, SENSOR_PROFILE.",
        )
        .body(schema::reference("DesiredStateBindingInput"))
        .answers(200, "The binding, replaced.", schema::reference("DesiredStateBinding"))
        .answers(201, "The binding, created.", schema::reference("DesiredStateBinding"));
    let delete = Doc::new("deleteDesiredStateBinding", "End a binding").answers_nothing("It is gone.");
    Section {
        name: "Desired state",
        about: "Which version of a configuration a target is to have.",
        endpoints: vec![
            Endpoint::get(PATH, self::list, list),
            Endpoint::get("/api/v1/desired-state-bindings/{id}", self::read, read),
            Endpoint::put("/api/v1/desired-state-bindings/{id}", self::put, put),
            Endpoint::delete("/api/v1/desired-state-bindings/{id}", documents::delete(KIND), delete),
        ],
        schemas: vec![
            ("DesiredStateBinding", schema::object(&described())),
            ("DesiredStateBindingInput", schema::body(&described_input())),
        ],
    }
}

fn described_input() -> Vec<FieldSchema> {
    vec![
        schema::required("targetType", schema::choice(TargetType::ALL.map(TargetType::name))),
        schema::required("targetId", id()),
        schema::required("configArtefactId", id()),
    ]
}

fn described() -> Vec<FieldSchema> {
    let version = || schema::integer(1, i64::from(u32::MAX));
    let mut fields = vec![schema::required("id", id())];
    fields.extend(described_input());
    fields.extend([
        schema::required("desiredVersion", version()),
        schema::required("reportedVersion", schema::nullable(version())),
        schema::required("reportedHash", schema::nullable(schema::string())),
        schema::required("status", schema::choice(BindingStatus::ALL.map(BindingStatus::name))),
        schema::required("reportedAt", schema::nullable(schema::time())),
        schema::required("message", schema::nullable(schema::string())),
        schema::required("createdAt", schema::time()),
        schema::required("updatedAt", schema::time()),
    ]);
    fields
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingView {
    id: Uuid,
    target_type: &'static str,
    target_id: Uuid,
    config_artefact_id: Uuid,
    desired_version: u32,
    reported_version: Option<u32>,
    reported_hash: Option<String>,
    status: &'static str,
    reported_at: Option<String>,
    message: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<&BindingOverview> for BindingView {
    fn from(overview: &BindingOverview) -> Self {
        let BindingOverview { document, binding, status, report } = overview;
        BindingView {
            id: document.uuid,
            target_type: binding.spec.target_type.name(),
            target_id: binding.spec.target,
            config_artefact_id: binding.spec.artefact,
            desired_version: binding.desired_version,
            reported_version: report.as_ref().map(|report| report.version),
            reported_hash: report.as_ref().and_then(|report| report.hash.clone()),
            status: status.name(),
            reported_at: report.as_ref().map(|report| wire::iso(report.reported_at)),
            message: report.as_ref().and_then(|report| report.message.clone()),
            created_at: wire::iso(document.created_at),
            updated_at: wire::iso(document.updated_at),
        }
    }
}

/// `GET /api/v1/desired-state-bindings`
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&SORTABLE)?;
    let target_type = query.choice("targetType", &TargetType::ALL, TargetType::name)?;
    let status = query.choice("status", &BindingStatus::ALL, BindingStatus::name)?;
    let target = query.uuid("targetId")?;
    let mut rows = app.bindings(&caller.principal)?;
    rows.retain(|row| {
        target_type.is_none_or(|wanted| row.binding.spec.target_type == wanted)
            && target.is_none_or(|wanted| row.binding.spec.target == wanted)
            && status.is_none_or(|wanted| row.status == wanted)
    });
    let page = page.of(rows, sort_key, |row| row.document.uuid);
    Ok(wire::ok(page.map(|row| BindingView::from(&row))))
}

fn sort_key(row: &BindingOverview, property: &str) -> SortKey {
    match property {
        "targetType" => SortKey::from(row.binding.spec.target_type.name()),
        "status" => SortKey::from(row.status.name()),
        "desiredVersion" => SortKey::Whole(i64::from(row.binding.desired_version)),
        _ => documents::sort_key(&row.document, property, || BindingView::from(row)),
    }
}

/// `GET /api/v1/desired-state-bindings/{id}`
async fn read(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.binding(&caller.principal, *id).map_err(documents::named(KIND, *id))?;
    Ok(wire::ok(BindingView::from(&row)))
}

/// `PUT /api/v1/desired-state-bindings/{id}`
async fn put(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    app.check_may_change_documents(&caller.principal, KIND)?;
    let spec = read_spec(body.fields(&app).await?)?;
    let put = app.put_binding(&caller.principal, *id, spec).await;
    let (row, is_new) = put.map_err(documents::named(KIND, *id))?;
    let view = BindingView::from(&row);
    Ok(if is_new { wire::created(PATH, *id, view) } else { wire::ok(view) })
}

fn read_spec(mut fields: Fields) -> Result<BindingSpec, MkError> {
    let target_type = fields.required_choice("targetType", &TargetType::ALL, TargetType::name);
    let target = fields.required_uuid("targetId");
    let artefact = fields.required_uuid("configArtefactId");
    fields.finish(Vec::new())?;
    match (target_type, target, artefact) {
        (Some(target_type), Some(target), Some(artefact)) => {
            Ok(BindingSpec { target_type, target, artefact })
        }
        // An absent field is a problem already.
        _ => Err(MkError::malformed_body()),
    }
}
