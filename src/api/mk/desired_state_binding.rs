//! `/api/v1/desired-state-bindings`: which artefact a target is to have, and how far its devices are.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, read_only, required};
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
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::configuration::BindingOverview;
use crate::domain::Micros;
use crate::domain::configuration::binding::{BindingSpec, BindingStatus, TargetType};
use crate::domain::document::DocumentKind;

const PATH: &str = "/api/v1/desired-state-bindings";
const KIND: DocumentKind = DocumentKind::Binding;

/// The operations.
pub fn section() -> Section {
    let list = paged(Doc::new("listDesiredStateBindings", "List bindings"))
        .query("targetType", schema::choice_of::<TargetType>(), "Only targets of this type.")
        .query("targetId", id(), "Only bindings of this target.")
        .query("status", schema::choice_of::<BindingStatus>(), "Only bindings in this state.")
        .answers(200, "A page of bindings.", page_of("DesiredStateBinding"));
    let read = Doc::new("getDesiredStateBinding", "Get a binding").answers(
        200,
        "The binding as it is stored.",
        schema::reference("DesiredStateBinding"),
    );
    let put = Doc::new("putDesiredStateBinding", "Bind an artefact to a target")
        .about(
            "The id is chosen by the caller. For one device and name the most specific binding counts: COMPONENT, \
             DEVICE, DEVICE_GROUP, DEVICE_PROFILE, SENSOR_PROFILE.",
        )
        .body(schema::reference("DesiredStateBindingInput"))
        .answers(200, "The binding that replaced another one.", schema::reference("DesiredStateBinding"))
        .answers(201, "The binding that was created.", schema::reference("DesiredStateBinding"));
    let delete =
        Doc::new("deleteDesiredStateBinding", "End a binding").answers_nothing("The binding is deleted.");
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
            schemas::view::<BindingRow>("DesiredStateBinding"),
            schemas::body::<BindingRow>("DesiredStateBindingInput"),
        ],
    }
}

/// A binding as shown.
pub struct BindingRow {
    stamp: Stamp,
    spec: BindingSpec,
    desired_version: u32,
    reported_version: Option<u32>,
    reported_hash: Option<String>,
    status: BindingStatus,
    reported_at: Option<Micros>,
    message: Option<String>,
}

impl MkNoun for BindingRow {
    fn blank() -> Self {
        let (target, artefact) = (Uuid::nil(), Uuid::nil());
        BindingRow {
            stamp: Stamp::default(),
            spec: BindingSpec { target_type: TargetType::Device, target, artefact },
            desired_version: 0,
            reported_version: None,
            reported_hash: None,
            status: BindingStatus::Pending,
            reported_at: None,
            message: None,
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let BindingSpec { target_type, target, artefact } = &mut self.spec;
        let types = schema::choice_of::<TargetType>;
        let (number, text) = (|| schema::integer(1, i64::from(u32::MAX)), || nullable(schema::string()));
        self.stamp.visit_id(visitor);
        visitor.visit(required("targetType", "Kind of the row that `targetId` names.", types), target_type);
        let about = "Component, device, group or profile that is to have the artefact.";
        visitor.visit(required("targetId", about, id), target);
        let about = "Artefact that the target is to have.";
        visitor.visit(required("configArtefactId", about, id), artefact);
        let about = "Number of the version that the target is to have.";
        visitor.visit(read_only("desiredVersion", about, number), &mut self.desired_version);
        let about = "Number of the version that the device has reported; null without a report.";
        let reported = || nullable(schema::integer(1, i64::from(u32::MAX)));
        visitor.visit(read_only("reportedVersion", about, reported), &mut self.reported_version);
        let about = "Hash of the content that the device has reported; null without one.";
        visitor.visit(read_only("reportedHash", about, text), &mut self.reported_hash);
        let about = "How far the device is with the desired version.";
        visitor.visit(read_only("status", about, schema::choice_of::<BindingStatus>), &mut self.status);
        let about = "Time of the newest report about the desired version, ISO-8601 in UTC; null without one.";
        visitor.visit(read_only("reportedAt", about, || nullable(schema::time())), &mut self.reported_at);
        let about = "Explanation that the device has reported; null without one.";
        visitor.visit(read_only("message", about, text), &mut self.message);
        self.stamp.visit_times(visitor);
    }
}

impl From<&BindingOverview> for BindingRow {
    fn from(overview: &BindingOverview) -> Self {
        let BindingOverview { document, binding, status, report } = overview;
        BindingRow {
            stamp: Stamp::of(document),
            spec: binding.spec,
            desired_version: binding.desired_version,
            reported_version: report.as_ref().map(|report| report.version),
            reported_hash: report.as_ref().and_then(|report| report.hash.clone()),
            status: *status,
            reported_at: report.as_ref().map(|report| report.reported_at),
            message: report.as_ref().and_then(|report| report.message.clone()),
        }
    }
}

fn view(row: &BindingOverview) -> ShownRow {
    ShownRow::new(BindingRow::from(row))
}

/// `GET /api/v1/desired-state-bindings`
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<BindingRow>())?;
    let target_type = query.choice("targetType", &TargetType::ALL, TargetType::name)?;
    let status = query.choice("status", &BindingStatus::ALL, BindingStatus::name)?;
    let target = query.uuid("targetId")?;
    let mut rows = app.mk.configurations.bindings(&caller.principal)?;
    rows.retain(|row| {
        target_type.is_none_or(|wanted| row.binding.spec.target_type == wanted)
            && target.is_none_or(|wanted| row.binding.spec.target == wanted)
            && status.is_none_or(|wanted| row.status == wanted)
    });
    let page = page.of(rows, sort_key, |row| row.document.uuid);
    Ok(wire::ok(page.map(|row| view(&row))))
}

fn sort_key(row: &BindingOverview, property: &str) -> SortKey {
    documents::key(&row.document, property, || Some(BindingRow::from(row)))
}

/// `GET /api/v1/desired-state-bindings/{id}`
async fn read(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.mk.configurations.binding(&caller.principal, *id).map_err(documents::named(KIND, *id))?;
    Ok(wire::ok(view(&row)))
}

/// `PUT /api/v1/desired-state-bindings/{id}`
async fn put(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, KIND)?;
    let spec = read_spec(body.fields(&app).await?)?;
    let put = app.mk.configurations.put_binding(&caller.principal, *id, spec).await;
    let (row, is_new) = put.map_err(documents::named(KIND, *id))?;
    let shown = view(&row);
    Ok(if is_new { wire::created(PATH, *id, shown) } else { wire::ok(shown) })
}

fn read_spec(mut fields: Fields) -> Result<BindingSpec, MkError> {
    let spec = read_row::<BindingRow>(&mut fields).spec;
    fields.finish(Vec::new())?;
    Ok(spec)
}
