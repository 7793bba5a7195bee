//! `/reference-pairs`: components that are compared with others for a time.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Map;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::value::ShownRow;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::mk::reference_pairs::ReferencePairFields;
use crate::domain::document::{Document, DocumentKind, DocumentSpec, ReferencePairSpec};
use crate::domain::{Micros, Principal};

const COLLECTION: &str = "/api/v1/reference-pairs";
const ONE: &str = "/api/v1/reference-pairs/{id}";
const KIND: DocumentKind = DocumentKind::ReferencePair;

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("ReferencePair");
    let body = || schema::reference("ReferencePairBody");
    let list_doc = paged(Doc::new("listReferencePairs", "List reference pairs"))
        .query("componentId", id(), "Only pairs with this component, on either side.")
        .answers(200, "A page of pairs.", page_of("ReferencePair"));
    let create_doc = Doc::new("createReferencePair", "Create a reference pair")
        .about("Two pairs of the same components, in either order, have no time in common: 409.")
        .body(body())
        .answers(201, "The pair that was created.", row())
        .with_header("Location", schema::string(), "Path of the pair.");
    let get_doc =
        Doc::new("getReferencePair", "Get a reference pair").answers(200, "The pair as it is stored.", row());
    let put_doc = Doc::new("replaceReferencePair", "Replace a reference pair").body(body()).answers(
        200,
        "The pair as it is stored.",
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
            schemas::view::<ReferencePairRow>("ReferencePair"),
            schemas::body::<ReferencePairRow>("ReferencePairBody"),
        ],
    }
}

/// A pair as shown.
pub struct ReferencePairRow {
    stamp: Stamp,
    pair: ReferencePairFields,
}

impl MkNoun for ReferencePairRow {
    fn blank() -> Self {
        let pair = ReferencePairFields {
            name: None,
            // The nil id is no component's.
            primary: Uuid::nil(),
            reference: Uuid::nil(),
            valid_from: Micros(0),
            valid_to: None,
            metadata: Map::new(),
        };
        ReferencePairRow { stamp: Stamp::BLANK, pair }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ReferencePairFields { name, primary, reference, valid_from, valid_to, metadata } = &mut self.pair;
        self.stamp.visit_id(visitor);
        let title = || nullable(schema::text(0, 255));
        visitor.visit(omittable("name", "Name of the pair for people; null without one.", title), name);
        visitor.visit(required("primaryComponentId", "Component that is observed.", id), primary);
        let about = "Component that the observed one is compared with, another one.";
        visitor.visit(required("referenceComponentId", about, id), reference);
        let about = "Begin of the time in which the components are compared, ISO-8601.";
        visitor.visit(required("validFrom", about, schema::time), valid_from);
        let about = "End of the time, which does not belong to it, ISO-8601; null while it lasts.";
        visitor.visit(omittable("validTo", about, || nullable(schema::time())), valid_to);
        let about = "Data of the user's own about the pair, at most 16 KiB as JSON.";
        visitor.visit(omittable("metadata", about, schema::map), metadata);
        self.stamp.visit_times(visitor);
    }
}

impl ReferencePairRow {
    /// `None` for a document of another kind.
    fn new(row: &Document) -> Option<Self> {
        let pair = row.reference_pair()?.clone();
        let pair = ReferencePairFields {
            name: pair.name,
            primary: pair.primary,
            reference: pair.reference,
            valid_from: pair.valid_from,
            valid_to: pair.valid_to,
            metadata: pair.metadata,
        };
        Some(ReferencePairRow { stamp: Stamp::of(row), pair })
    }
}

/// Shows a pair; `None` for a document of another kind.
fn view(row: &Document) -> Option<ShownRow> {
    ReferencePairRow::new(row).map(ShownRow::new)
}

/// `GET /reference-pairs`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (page, component) = (query.page(&sort::sortable::<ReferencePairRow>())?, query.uuid("componentId")?);
    let mut rows = app.documents.documents(&caller.principal, KIND)?;
    if let Some(component) = component {
        rows.retain(|row| row.reference_pair().is_some_and(|pair| pair.has_component(component)));
    }
    let key =
        |row: &Arc<Document>, property: &str| documents::key(row, property, || ReferencePairRow::new(row));
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /reference-pairs`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, KIND)?;
    let pair = read(&app, who, body.fields(&app).await?)?;
    let row = app.documents.create_document(who, DocumentSpec::ReferencePair(pair)).await?;
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
    let pair = read_row::<ReferencePairRow>(&mut fields).pair;
    let (spec, problems) = app.documents.reference_pair(who, pair)?;
    fields.finish(problems)?;
    Ok(spec)
}
