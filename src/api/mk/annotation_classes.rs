//! `/annotation-classes`: which values annotations of a class have.

use std::sync::Arc;

use axum::extract::State;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::nested::NestedNoun;
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::value::{ShownRow, ShownValue};
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::annotation::ScopeType;
use crate::domain::document::annotation_class::{MAX_CLASS_FIELDS, MAX_OPTIONS};
use crate::domain::document::{
    AnnotationClassSpec, AnnotationField, AnnotationFieldType, Document, DocumentContent, DocumentKind,
    DocumentSpec,
};

const COLLECTION: &str = "/api/v1/annotation-classes";
const ONE: &str = "/api/v1/annotation-classes/{id}";
const KIND: DocumentKind = DocumentKind::AnnotationClass;

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("AnnotationClass");
    let body = || schema::reference("AnnotationClassBody");
    let list_doc = paged(Doc::new("listAnnotationClasses", "List annotation classes")).answers(
        200,
        "A page of classes.",
        page_of("AnnotationClass"),
    );
    let create_doc = Doc::new("createAnnotationClass", "Create an annotation class")
        .body(body())
        .answers(201, "The class that was created.", row())
        .with_header("Location", schema::string(), "Path of the class.");
    let get_doc = Doc::new("getAnnotationClass", "Get an annotation class").answers(
        200,
        "The class as it is stored.",
        row(),
    );
    let put_doc = Doc::new("replaceAnnotationClass", "Replace an annotation class")
        .about("Annotations that are there stay as they are. A class of a pack is fixed.")
        .body(body())
        .answers(200, "The class as it is stored.", row());
    let delete_doc = Doc::new("deleteAnnotationClass", "Delete an annotation class without annotations")
        .answers_nothing("The class is deleted.");
    Section {
        name: "Annotation classes",
        about: "Which values annotations have, and what they may be about.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: vec![
            schemas::view::<AnnotationClassRow>("AnnotationClass"),
            schemas::body::<AnnotationClassRow>("AnnotationClassBody"),
            schemas::body::<AnnotationField>("AnnotationField"),
        ],
    }
}

impl MkNoun for AnnotationField {
    fn blank() -> Self {
        let (name, options) = (String::new(), Vec::new());
        AnnotationField { name, field_type: AnnotationFieldType::String, required: false, options }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AnnotationField { name, field_type, required: is_required, options } = self;
        let word = || schema::pattern("^[A-Za-z0-9_.-]{1,128}$");
        let types = || schema::choice(AnnotationFieldType::ALL.map(AnnotationFieldType::name));
        let texts = || schema::list_of(schema::text(1, 255), 0, MAX_OPTIONS);
        visitor.visit(required("name", "Name of the field, unique in the class.", word), name);
        visitor.visit(required("type", "Type of the field's values.", types), field_type);
        let about = "Whether every annotation must have a value of the field.";
        visitor.visit(optional("required", about, schema::boolean), is_required);
        let about = "Values of an ENUM, at least one; none of another type.";
        visitor.visit(omittable("options", about, texts), options);
    }
}

impl NestedNoun for AnnotationField {
    const MOST: usize = MAX_CLASS_FIELDS;
}

/// Types that are named twice count once.
impl FieldType for Vec<ScopeType> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let mut scopes = Vec::new();
        for (index, given) in fields.texts(name)?.into_iter().enumerate() {
            match ScopeType::from_name(&given) {
                Some(scope) if scopes.contains(&scope) => {}
                Some(scope) => scopes.push(scope),
                None => {
                    let names = ScopeType::ALL.map(ScopeType::name).join(", ");
                    fields.problem(&format!("{name}[{index}]"), format!("must be one of {names}"));
                }
            }
        }
        Some(scopes)
    }

    fn show(&mut self) -> ShownValue {
        ShownValue::List(self.iter_mut().map(FieldType::show).collect())
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
    }
}

/// A class as shown, also in a pack.
pub struct AnnotationClassRow {
    stamp: Stamp,
    spec: AnnotationClassSpec,
}

impl MkNoun for AnnotationClassRow {
    fn blank() -> Self {
        let spec = AnnotationClassSpec {
            key: String::new(),
            name: String::new(),
            color: None,
            scopes: Vec::new(),
            fields: Vec::new(),
            pack: None,
        };
        AnnotationClassRow { stamp: Stamp::BLANK, spec }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AnnotationClassSpec { key, name, color, scopes, fields, pack } = &mut self.spec;
        let word = || schema::pattern("^[A-Za-z0-9_.-]{1,128}$");
        let rgb = || nullable(schema::pattern("^#[0-9A-Fa-f]{6}$"));
        let types =
            || schema::list_of(schema::choice(ScopeType::ALL.map(ScopeType::name)), 1, ScopeType::ALL.len());
        let list = || schema::list_of(schema::reference("AnnotationField"), 0, MAX_CLASS_FIELDS);
        self.stamp.visit_id(visitor);
        let about = "Key of the class, unique in the organization; packs name it so.";
        visitor.visit(required("key", about, word), key);
        visitor.visit(required("name", "Name of the class for people.", || schema::text(1, 255)), name);
        let about = "Color in which annotations of the class are drawn, such as `#1A2B3C`.";
        visitor.visit(omittable("color", about, rgb), color);
        visitor.visit(required("scopes", "What may be annotated, at least one type.", types), scopes);
        visitor.visit(required("fields", "Fields of the values of an annotation.", list), fields);
        let about = "Pack that installed the class; null for one that a user made.";
        visitor.visit(read_only("packId", about, || nullable(id())), pack);
        self.stamp.visit_times(visitor);
    }
}

impl AnnotationClassRow {
    /// `None` for a document of another kind.
    fn new(row: &Document) -> Option<Self> {
        Some(AnnotationClassRow { stamp: Stamp::of(row), spec: row.annotation_class()?.clone() })
    }
}

/// Shows a class; `None` for a document of another kind.
pub fn view(row: &Document) -> Option<ShownRow> {
    AnnotationClassRow::new(row).map(ShownRow::new)
}

/// `GET /annotation-classes`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<AnnotationClassRow>())?;
    let rows = app.documents.documents(&caller.principal, KIND)?;
    let key =
        |row: &Arc<Document>, property: &str| documents::key(row, property, || AnnotationClassRow::new(row));
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /annotation-classes`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, KIND)?;
    let class = read_whole(body.fields(&app).await?)?;
    let row = app.documents.create_document(&caller.principal, DocumentSpec::AnnotationClass(class)).await?;
    Ok(created(COLLECTION, row.uuid, view(&row)))
}

/// `GET /annotation-classes/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&row)))
}

/// `PUT /annotation-classes/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let class = read_whole(body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| *spec = DocumentSpec::AnnotationClass(class);
    let row = documents::update(&app, &caller.principal, (KIND, *id), change).await?;
    Ok(ok(view(&row)))
}

fn read_whole(mut fields: Fields) -> Result<AnnotationClassSpec, MkError> {
    let class = read(&mut fields);
    fields.finish(class.problems())?;
    Ok(class)
}

/// Reads a class, alone or in a pack; its own rules are not checked.
pub fn read(fields: &mut Fields) -> AnnotationClassSpec {
    read_row::<AnnotationClassRow>(fields).spec
}
