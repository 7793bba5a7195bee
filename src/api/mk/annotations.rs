//! `/annotations`: what is said about a time of a site, a device, a component or a sensor.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::{PageRequest, SortOrder};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::mk::annotations::AnnotationRefusal;
use crate::domain::Micros;
use crate::domain::annotation::{
    Annotation, AnnotationFilter, AnnotationSort, AnnotationSource, AnnotationSpec, ScopeType,
};
use crate::domain::pagination::Pagination;

const COLLECTION: &str = "/api/v1/annotations";
const ONE: &str = "/api/v1/annotations/{id}";
const BY_SOURCE: &str = "/api/v1/annotations/by-source";
const TITLE: &str = "Annotation";
const START_TIME: &str = "startTime";
const SORTABLE: [(&str, AnnotationSort); 9] = [
    (START_TIME, AnnotationSort::StartTime),
    ("endTime", AnnotationSort::EndTime),
    ("createdAt", AnnotationSort::CreatedAt),
    ("updatedAt", AnnotationSort::UpdatedAt),
    ("scopeType", AnnotationSort::ScopeType),
    ("source", AnnotationSort::Source),
    ("confidence", AnnotationSort::Confidence),
    ("createdBy", AnnotationSort::CreatedBy),
    ("id", AnnotationSort::Id),
];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Annotation");
    let body = || schema::reference("AnnotationBody");
    let about = "Annotations of a common time with `from` to `to`, sorted by `startTime,desc` unless `sort` is given.";
    let filtered = |doc: Doc| {
        paged(doc)
            .about(about)
            .query("classId", id(), "Class.")
            .query("scopeType", scope_type(), "What is annotated.")
            .query("scopeId", id(), "Site, device, component or sensor.")
            .query("from", schema::time_input(), "Begin of the time.")
            .query("to", schema::time_input(), "End of the time, which does not belong to it.")
            .answers(200, "A page of annotations.", page_of("Annotation"))
    };
    let list_doc =
        filtered(Doc::new("listAnnotations", "List annotations")).query("source", source(), "Source.");
    let by_source_doc = filtered(Doc::new("listAnnotationsBySource", "List annotations of a source")).query(
        "source",
        source(),
        "Source; required.",
    );
    let create_doc = Doc::new("createAnnotation", "Create an annotation")
        .about("Another `source` than MANUAL is for keys. What contradicts the class is 422.")
        .body(body())
        .answers(201, "The new annotation.", row())
        .with_header("Location", schema::string(), "Path of the annotation.");
    let get_doc = Doc::new("getAnnotation", "Get an annotation").answers(200, "The annotation.", row());
    let put_doc = Doc::new("replaceAnnotation", "Replace an annotation")
        .about("Only one of the source MANUAL can be replaced.")
        .body(body())
        .answers(200, "The annotation.", row());
    let delete_doc =
        Doc::new("deleteAnnotation", "Delete an annotation").answers_nothing("The annotation is deleted.");
    Section {
        name: "Annotations",
        about: "What is said about a time of a site, a device, a component or a sensor. An annotation is deleted with what \
                it is about.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(BY_SOURCE, by_source, by_source_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, delete, delete_doc),
        ],
        schemas: vec![
            ("Annotation", schema::view(&described())),
            ("AnnotationBody", schema::body(&described_body())),
        ],
    }
}

fn scope_type() -> schema::ValueSchema {
    schema::choice(ScopeType::ALL.map(ScopeType::name))
}

fn source() -> schema::ValueSchema {
    schema::choice(AnnotationSource::ALL.map(AnnotationSource::name))
}

fn described_body() -> Vec<FieldSchema> {
    vec![
        schema::required("classId", id()),
        schema::required("scopeType", scope_type()),
        schema::required("scopeId", id()),
        schema::required(START_TIME, schema::time()),
        schema::omittable("endTime", nullable(schema::time())),
        schema::omittable("values", schema::described(schema::map(), "Values of the fields of the class.")),
        schema::optional("source", source(), AnnotationSource::Manual.name()),
        schema::omittable("confidence", nullable(schema::number_within(0.0, 1.0))),
        schema::omittable("note", nullable(schema::text(0, 4000))),
    ]
}

fn described() -> Vec<FieldSchema> {
    let mut fields = vec![schema::read_only("id", id())];
    fields.extend(described_body());
    fields.push(schema::read_only("createdBy", schema::string()));
    fields.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    fields
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnnotationView {
    id: Uuid,
    class_id: Uuid,
    scope_type: &'static str,
    scope_id: Uuid,
    start_time: String,
    end_time: Option<String>,
    values: Map<String, Value>,
    source: &'static str,
    confidence: Option<f64>,
    note: Option<String>,
    created_by: String,
    created_at: String,
    updated_at: String,
}

impl From<Annotation> for AnnotationView {
    fn from(row: Annotation) -> Self {
        let AnnotationSpec { class, scope_type, scope, start, end, values, source, confidence, note } =
            row.spec;
        AnnotationView {
            id: row.uuid,
            class_id: class,
            scope_type: scope_type.name(),
            scope_id: scope,
            start_time: iso(start),
            end_time: end.map(iso),
            values,
            source: source.name(),
            confidence,
            note,
            created_by: row.created_by,
            created_at: iso(row.created_at),
            updated_at: iso(row.updated_at),
        }
    }
}

/// `GET /annotations`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    list_page(&caller, &app, &query).await
}

/// `GET /annotations/by-source`.
async fn by_source(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    query.text("source").ok_or_else(|| MkError::invalid_parameter("source"))?;
    list_page(&caller, &app, &query).await
}

async fn list_page(caller: &MkCaller, app: &App, query: &Query) -> Answer {
    let page = page_request(query)?;
    let (rows, total) = app.annotations(&caller.principal, &filter(query, &page)?).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(ok(page.page(rows, total).map(AnnotationView::from)))
}

/// As of every list, but the annotations that begin last are first.
fn page_request(query: &Query) -> Result<PageRequest, MkError> {
    let page = query.page(&SORTABLE.map(|(property, _)| property))?;
    if query.text("sort").is_some() {
        return Ok(page);
    }
    Ok(PageRequest { sort: vec![SortOrder { property: START_TIME, is_descending: true }], ..page })
}

fn filter(query: &Query, page: &PageRequest) -> Result<AnnotationFilter, MkError> {
    let (from, to) = (query.time("from")?, query.time("to")?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(MkError::invalid_parameter("from"));
    }
    let order = page.sort.iter().filter_map(|order| {
        let (_, sort) = SORTABLE.iter().find(|(property, _)| *property == order.property)?;
        Some((*sort, order.is_descending))
    });
    Ok(AnnotationFilter {
        class: query.uuid("classId")?,
        scope_type: query.choice("scopeType", &ScopeType::ALL, ScopeType::name)?,
        scope: query.uuid("scopeId")?,
        source: query.choice("source", &AnnotationSource::ALL, AnnotationSource::name)?,
        from,
        to,
        order: order.collect(),
        page: Pagination { offset: page.offset(), limit: page.size },
        ..AnnotationFilter::default()
    })
}

/// `POST /annotations`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_annotate(who)?;
    let spec = read(body.fields(&app).await?)?;
    let row = app
        .create_annotation(who, spec, caller.actor.clone())
        .await
        .map_err(|refusal| refusal_error(refusal, None))?;
    Ok(created(COLLECTION, row.uuid, AnnotationView::from(row)))
}

/// `GET /annotations/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.annotation(&caller.principal, *id).await;
    Ok(ok(AnnotationView::from(row.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

/// `PUT /annotations/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.annotation_to_change(who, *id).await.map_err(|error| MkError::named(error, TITLE, *id))?;
    let spec = read(body.fields(&app).await?)?;
    let row =
        app.replace_annotation(who, *id, spec).await.map_err(|refusal| refusal_error(refusal, Some(*id)))?;
    Ok(ok(AnnotationView::from(row)))
}

/// `DELETE /annotations/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.delete_annotation(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}

fn refusal_error(refusal: AnnotationRefusal, id: Option<Uuid>) -> MkError {
    match (refusal, id) {
        (AnnotationRefusal::Class(problems), _) => MkError::unprocessable(problems),
        (AnnotationRefusal::Failed(error), Some(id)) => MkError::named(error, TITLE, id),
        (AnnotationRefusal::Failed(error), None) => error.into(),
    }
}

fn read(mut fields: Fields) -> Result<AnnotationSpec, MkError> {
    let (class, scope) = (fields.required_uuid("classId"), fields.required_uuid("scopeId"));
    let scope_type = fields.required_choice("scopeType", &ScopeType::ALL, ScopeType::name);
    fields.required(START_TIME);
    // What is missing is a problem, and the reading ends with it.
    let spec = AnnotationSpec {
        class: class.unwrap_or_default(),
        scope_type: scope_type.unwrap_or(ScopeType::Device),
        scope: scope.unwrap_or_default(),
        start: fields.time(START_TIME).unwrap_or(Micros(0)),
        end: fields.time("endTime"),
        values: fields.object("values").unwrap_or_default(),
        source: fields
            .choice("source", &AnnotationSource::ALL, AnnotationSource::name)
            .unwrap_or(AnnotationSource::Manual),
        confidence: fields.number("confidence"),
        note: fields.text("note"),
    };
    fields.finish(spec.problems())?;
    Ok(spec)
}
