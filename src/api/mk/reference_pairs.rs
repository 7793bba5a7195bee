//! `/reference-pairs`: components that are compared with others for a time.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::mk::reference_pairs::ReferencePairFields;
use crate::domain::document::{Document, DocumentKind, DocumentSpec, ReferencePairSpec};
use crate::domain::{Micros, Principal};

const COLLECTION: &str = "/api/v1/reference-pairs";
const ONE: &str = "/api/v1/reference-pairs/{id}";
const KIND: DocumentKind = DocumentKind::ReferencePair;
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "name",
    "primaryComponentId",
    "referenceComponentId",
    "validFrom",
    "validTo",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("ReferencePair");
    let body = || schema::reference("ReferencePairBody");
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(described());
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let list_doc = paged(Doc::new("listReferencePairs", "List reference pairs"))
        .query("componentId", id(), "Either component.")
        .answers(200, "A page of pairs.", page_of("ReferencePair"));
    let create_doc = Doc::new("createReferencePair", "Create a reference pair")
        .about("Two pairs of the same components, in either order, have no time in common: 409.")
        .body(body())
        .answers(201, "The new pair.", row())
        .with_header("Location", schema::string(), "Path of the pair.");
    let get_doc = Doc::new("getReferencePair", "Get a reference pair").answers(200, "The pair.", row());
    let put_doc = Doc::new("replaceReferencePair", "Replace a reference pair").body(body()).answers(
        200,
        "The pair.",
        row(),
    );
    let delete_doc =
        Doc::new("deleteReferencePair", "Delete a reference pair").answers_nothing("The pair is deleted.");
    Section {
        name: "Reference pairs",
        about: "Components that are compared with others for a time. A pair is deleted with either component.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: vec![
            ("ReferencePair", schema::view(&shown)),
            ("ReferencePairBody", schema::body(&described())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    vec![
        schema::omittable("name", nullable(schema::text(0, 255))),
        schema::required("primaryComponentId", id()),
        schema::required("referenceComponentId", id()),
        schema::required("validFrom", schema::time()),
        schema::omittable("validTo", nullable(schema::time())),
        schema::omittable("metadata", schema::map()),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferencePairView {
    id: Uuid,
    name: Option<String>,
    primary_component_id: Uuid,
    reference_component_id: Uuid,
    valid_from: String,
    valid_to: Option<String>,
    metadata: Map<String, Value>,
    created_at: String,
    updated_at: String,
}

/// Shows a pair; `None` for a document of another kind.
fn view(row: &Document) -> Option<ReferencePairView> {
    let pair = row.reference_pair()?.clone();
    Some(ReferencePairView {
        id: row.uuid,
        name: pair.name,
        primary_component_id: pair.primary,
        reference_component_id: pair.reference,
        valid_from: iso(pair.valid_from),
        valid_to: pair.valid_to.map(iso),
        metadata: pair.metadata,
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /reference-pairs`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (page, component) = (query.page(SORTABLE)?, query.uuid("componentId")?);
    let mut rows = app.documents(&caller.principal, KIND)?;
    if let Some(component) = component {
        rows.retain(|row| row.reference_pair().is_some_and(|pair| pair.has_component(component)));
    }
    let key = |row: &Arc<Document>, property: &str| {
        let pair = row.reference_pair();
        match property {
            "name" => pair.and_then(|pair| pair.name.as_deref()).into(),
            "validFrom" => pair.map(|pair| pair.valid_from).into(),
            "validTo" => pair.and_then(|pair| pair.valid_to).into(),
            _ => documents::sort_key(row, property, || view(row)),
        }
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /reference-pairs`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_change_documents(who, KIND)?;
    let pair = read(&app, who, body.fields(&app).await?)?;
    let row = app.create_document(who, DocumentSpec::ReferencePair(pair)).await?;
    Ok(created(COLLECTION, row.uuid, view(&row)))
}

/// `GET /reference-pairs/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&row)))
}

/// `PUT /reference-pairs/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    documents::find_to_change(&app, who, KIND, *id)?;
    let pair = read(&app, who, body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| {
        if let DocumentSpec::ReferencePair(stored) = spec {
            *stored = stored.replaced_by(pair);
        }
    };
    let row = documents::update(&app, who, (KIND, *id), change).await?;
    Ok(ok(view(&row)))
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<ReferencePairSpec, MkError> {
    let (primary, reference) =
        (fields.required_uuid("primaryComponentId"), fields.required_uuid("referenceComponentId"));
    fields.required("validFrom");
    // What is missing is a problem, and the reading ends with it. The nil id is no component's.
    let pair = ReferencePairFields {
        name: fields.text("name"),
        primary: primary.unwrap_or_default(),
        reference: reference.unwrap_or_default(),
        valid_from: fields.time("validFrom").unwrap_or(Micros(0)),
        valid_to: fields.time("validTo"),
        metadata: fields.object("metadata").unwrap_or_default(),
    };
    let (spec, problems) = app.reference_pair(who, pair)?;
    fields.finish(problems)?;
    Ok(spec)
}
