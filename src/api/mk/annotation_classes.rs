//! `/annotation-classes`: which values annotations of a class have.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::openapi::Schema;
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
use crate::domain::annotation::ScopeType;
use crate::domain::document::annotation_class::{MAX_CLASS_FIELDS, MAX_OPTIONS};
use crate::domain::document::{
    AnnotationClassSpec, AnnotationField, AnnotationFieldType, Document, DocumentContent, DocumentKind,
    DocumentSpec,
};

const COLLECTION: &str = "/api/v1/annotation-classes";
const ONE: &str = "/api/v1/annotation-classes/{id}";
const KIND: DocumentKind = DocumentKind::AnnotationClass;
const SORTABLE: &[&str] = &["createdAt", "updatedAt", "key", "name", "color", "packId", "id"];

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
        .answers(201, "The new class.", row())
        .with_header("Location", schema::string(), "Path of the class.");
    let get_doc = Doc::new("getAnnotationClass", "Get an annotation class").answers(200, "The class.", row());
    let put_doc = Doc::new("replaceAnnotationClass", "Replace an annotation class")
        .about("Annotations that are there stay as they are. A class of a pack is fixed.")
        .body(body())
        .answers(200, "The class.", row());
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
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let every = schema::described(schema::boolean(), "Whether every annotation must have it.");
    let field = [
        schema::required("name", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
        schema::required("type", schema::choice(AnnotationFieldType::ALL.map(AnnotationFieldType::name))),
        schema::optional("required", every, false),
        schema::omittable("options", schema::list_of(schema::text(1, 255), 0, MAX_OPTIONS)),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(described());
    shown.push(schema::read_only("packId", nullable(id())));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    vec![
        ("AnnotationClass", schema::view(&shown)),
        ("AnnotationClassBody", schema::body(&described())),
        ("AnnotationField", schema::body(&field)),
    ]
}

fn described() -> Vec<FieldSchema> {
    let fields = schema::list_of(schema::reference("AnnotationField"), 0, MAX_CLASS_FIELDS);
    let scopes =
        schema::list_of(schema::choice(ScopeType::ALL.map(ScopeType::name)), 1, ScopeType::ALL.len());
    vec![
        schema::required("key", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
        schema::required("name", schema::text(1, 255)),
        schema::omittable("color", nullable(schema::pattern("^#[0-9A-Fa-f]{6}$"))),
        schema::required("scopes", scopes),
        schema::required("fields", schema::described(fields, "Fields of the values of an annotation.")),
    ]
}

/// A class as shown, also in a pack.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnotationClassView {
    id: Uuid,
    key: String,
    name: String,
    color: Option<String>,
    scopes: Vec<&'static str>,
    fields: Vec<AnnotationFieldView>,
    pack_id: Option<Uuid>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct AnnotationFieldView {
    name: String,
    #[serde(rename = "type")]
    field_type: &'static str,
    required: bool,
    options: Vec<String>,
}

/// Shows a class; `None` for a document of another kind.
pub fn view(row: &Document) -> Option<AnnotationClassView> {
    let AnnotationClassSpec { key, name, color, scopes, fields, pack } = row.annotation_class()?.clone();
    let field = |field: AnnotationField| AnnotationFieldView {
        name: field.name,
        field_type: field.field_type.name(),
        required: field.required,
        options: field.options,
    };
    Some(AnnotationClassView {
        id: row.uuid,
        key,
        name,
        color,
        scopes: scopes.into_iter().map(ScopeType::name).collect(),
        fields: fields.into_iter().map(field).collect(),
        pack_id: pack,
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /annotation-classes`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let rows = app.documents(&caller.principal, KIND)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "key" => row.name.as_str().into(),
        "name" => row.annotation_class().map(|class| class.name.as_str()).into(),
        _ => documents::sort_key(row, property, || view(row)),
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /annotation-classes`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_change_documents(&caller.principal, KIND)?;
    let class = read_whole(body.fields(&app).await?)?;
    let row = app.create_document(&caller.principal, DocumentSpec::AnnotationClass(class)).await?;
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
    fields.required("fields");
    AnnotationClassSpec {
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        color: fields.text("color"),
        scopes: read_scopes(fields),
        fields: fields.list_of("fields", MAX_CLASS_FIELDS, read_field),
        pack: None,
    }
}

/// Types that are named twice count once.
fn read_scopes(fields: &mut Fields) -> Vec<ScopeType> {
    fields.required("scopes");
    let mut scopes = Vec::new();
    for (index, name) in fields.texts("scopes").unwrap_or_default().into_iter().enumerate() {
        match ScopeType::ALL.into_iter().find(|scope| scope.name() == name) {
            Some(scope) if scopes.contains(&scope) => {}
            Some(scope) => scopes.push(scope),
            None => {
                let names = ScopeType::ALL.map(ScopeType::name).join(", ");
                fields.problem(&format!("scopes[{index}]"), format!("must be one of {names}"));
            }
        }
    }
    scopes
}

fn read_field(fields: &mut Fields) -> AnnotationField {
    let field_type = fields.required_choice("type", &AnnotationFieldType::ALL, AnnotationFieldType::name);
    AnnotationField {
        name: fields.text_or_empty("name"),
        // Without a type there is a problem, and the reading ends with it.
        field_type: field_type.unwrap_or(AnnotationFieldType::String),
        required: fields.boolean("required").unwrap_or(false),
        options: fields.texts("options").unwrap_or_default(),
    }
}
