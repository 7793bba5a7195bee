//! `/annotations`: what is said about a time of a site, a device, a component or a sensor.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Map;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, page_of, paged};
use super::operation_docs::NounWords;
use super::page::{PageRequest, SortOrder};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
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
    let about = "Annotations of a common time with `from` to `to`, sorted by `startTime,desc` unless `sort` is given.";
    let filtered = |doc: Doc| {
        paged(doc)
            .about(about)
            .query("classId", id(), "Only annotations of this class.")
            .query("scopeType", scope_type(), "Only annotations of this kind of row.")
            .query("scopeId", id(), "Only annotations of this site, device, component or sensor.")
            .query("from", schema::time_input(), "Begin of the range; it belongs to the range.")
            .query("to", schema::time_input(), "End of the range, which does not belong to it.")
    };
    let by_source_doc = filtered(Doc::new("listAnnotationsBySource", "List annotations of a source"))
        .query("source", source(), "Only annotations of this source; required.")
        .answers(200, "A page of annotations.", page_of("Annotation"));
    let [list_doc, create_doc, get_doc, put_doc, delete_doc] =
        NounWords::new("Annotation", "annotation", "annotations").describe([
            filtered(Doc::new("listAnnotations", "List annotations")).query(
                "source",
                source(),
                "Only annotations of this source.",
            ),
            Doc::new("createAnnotation", "Create an annotation")
                .about("Another `source` than MANUAL is for keys. What contradicts the class is 422."),
            Doc::new("getAnnotation", "Get an annotation"),
            Doc::new("replaceAnnotation", "Replace an annotation")
                .about("Only one of the source MANUAL can be replaced."),
            Doc::new("deleteAnnotation", "Delete an annotation"),
        ]);
    Section {
        name: "Annotations",
        about: "Statement about a time of a site, a device, a component or a sensor. An annotation is deleted with what \
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
            schemas::view::<AnnotationRow>("Annotation"),
            schemas::body::<AnnotationRow>("AnnotationBody"),
        ],
    }
}

fn scope_type() -> schema::ValueSchema {
    schema::choice_of::<ScopeType>()
}

fn source() -> schema::ValueSchema {
    schema::choice_of::<AnnotationSource>()
}

/// An annotation as shown.
pub struct AnnotationRow {
    stamp: Stamp,
    spec: AnnotationSpec,
    created_by: String,
}

impl MkNoun for AnnotationRow {
    fn blank() -> Self {
        let spec = AnnotationSpec {
            class: Uuid::nil(),
            scope_type: ScopeType::Device,
            scope: Uuid::nil(),
            start: Micros(0),
            end: None,
            values: Map::new(),
            source: AnnotationSource::Manual,
            confidence: None,
            note: None,
        };
        AnnotationRow { stamp: Stamp::default(), spec, created_by: String::new() }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AnnotationSpec {
            class,
            scope_type: kind,
            scope,
            start,
            end,
            values,
            source: origin,
            confidence,
            note,
        } = &mut self.spec;
        self.stamp.visit_id(visitor);
        visitor.visit(required("classId", "Class, which says what the values are.", id), class);
        visitor.visit(required("scopeType", "Kind of the row that `scopeId` names.", scope_type), kind);
        let about = "Site, device, component or sensor that is annotated.";
        visitor.visit(required("scopeId", about, id), scope);
        let about = "Time that is annotated, or its begin, ISO-8601.";
        visitor.visit(required(START_TIME, about, schema::time), start);
        let about = "End of the time, which does not belong to it, ISO-8601; null for a point in time.";
        visitor.visit(omittable("endTime", about, || nullable(schema::time())), end);
        visitor.visit(omittable("values", "Values of the fields of the class.", schema::map), values);
        let about = "Source of the annotation: a person, a rule, a comparison, another system or a model.";
        visitor.visit(optional("source", about, source), origin);
        let sureness = || nullable(schema::number_within(0.0, 1.0));
        visitor.visit(omittable("confidence", "How sure the source is, 0 to 1.", sureness), confidence);
        let text = || nullable(schema::text(0, 4000));
        visitor.visit(omittable("note", "Note on the annotation, free text.", text), note);
        let about = "Author of the annotation: a user, or `key_` and a key.";
        visitor.visit(read_only("createdBy", about, schema::string), &mut self.created_by);
        self.stamp.visit_times(visitor);
    }
}

fn view(row: Annotation) -> ShownRow {
    let stamp = Stamp { id: row.uuid, created_at: row.created_at, updated_at: row.updated_at };
    ShownRow::new(AnnotationRow { stamp, spec: row.spec, created_by: row.created_by })
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
    let (rows, total) = app.mk.annotations.annotations(&caller.principal, &filter(query, &page)?).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(ok(page.page(rows, total).map(view)))
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
    app.mk.annotations.check_may_annotate(who)?;
    let spec = read(body.fields(&app).await?)?;
    let row = app
        .mk
        .annotations
        .create_annotation(who, spec, caller.actor.clone())
        .await
        .map_err(|refusal| refusal_error(refusal, None))?;
    Ok(created(COLLECTION, row.uuid, view(row)))
}

/// `GET /annotations/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.mk.annotations.annotation(&caller.principal, *id).await;
    Ok(ok(view(row.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

/// `PUT /annotations/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.mk
        .annotations
        .annotation_to_change(who, *id)
        .await
        .map_err(|error| MkError::named(error, TITLE, *id))?;
    let spec = read(body.fields(&app).await?)?;
    let row = app
        .mk
        .annotations
        .replace_annotation(who, *id, spec)
        .await
        .map_err(|refusal| refusal_error(refusal, Some(*id)))?;
    Ok(ok(view(row)))
}

/// `DELETE /annotations/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.mk.annotations.delete_annotation(&caller.principal, *id).await;
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
    let spec = read_row::<AnnotationRow>(&mut fields).spec;
    fields.finish(spec.problems())?;
    Ok(spec)
}
