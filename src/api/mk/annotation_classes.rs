//! `/annotation-classes`: which values annotations of a class have.

use super::body::Fields;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::nested::NestedNoun;
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::{ShownRow, ShownValue};
use crate::domain::annotation::ScopeType;
use crate::domain::document::annotation_class::{MAX_CLASS_FIELDS, MAX_OPTIONS};
use crate::domain::document::{
    AnnotationClassSpec, AnnotationField, AnnotationFieldType, Document, DocumentContent, DocumentKind,
};
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listAnnotationClasses", "List annotation classes")),
        Doc::new("createAnnotationClass", "Create an annotation class"),
        Doc::new("getAnnotationClass", "Get an annotation class"),
        Doc::new("replaceAnnotationClass", "Replace an annotation class")
            .about("Annotations that are there stay as they are. A class of a pack is fixed."),
        Doc::new("deleteAnnotationClass", "Delete an annotation class without annotations"),
    ];
    Section {
        name: "Annotation classes",
        about: "Which values annotations have, and what they may be about.",
        endpoints: endpoints::<AnnotationClassRow>(docs),
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
        let types = schema::choice_of::<AnnotationFieldType>;
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

impl ShowValue for Vec<ScopeType> {
    fn show(&mut self) -> ShownValue {
        ShownValue::List(self.iter_mut().map(ScopeType::show).collect())
    }
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
}

/// A class as shown, also in a pack.
#[derive(Default)]
pub struct AnnotationClassRow {
    stamp: Stamp,
    spec: AnnotationClassSpec,
}

impl MkNoun for AnnotationClassRow {
    fn blank() -> Self {
        AnnotationClassRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AnnotationClassSpec { key, name, color, scopes, fields, pack } = &mut self.spec;
        let word = || schema::pattern("^[A-Za-z0-9_.-]{1,128}$");
        let rgb = || nullable(schema::pattern("^#[0-9A-Fa-f]{6}$"));
        let types = || schema::list_of(schema::choice_of::<ScopeType>(), 1, ScopeType::ALL.len());
        let list = || schema::list_of(schema::reference("AnnotationField"), 0, MAX_CLASS_FIELDS);
        self.stamp.visit_id(visitor);
        let about = "Key of the class, unique in the organization; packs name it so.";
        visitor.visit(required("key", about, word), key);
        visitor.visit(required("name", "Name of the class for people.", || schema::text(1, 255)), name);
        let about = "Color in which annotations of the class are drawn, such as `#1A2B3C`.";
        visitor.visit(omittable("color", about, rgb), color);
        visitor.visit(required("scopes", "Types that may be annotated, at least one.", types), scopes);
        visitor.visit(required("fields", "Fields of the values of an annotation.", list), fields);
        let about = "Pack that installed the class; null for one that a user made.";
        visitor.visit(read_only("packId", about, || nullable(id())), pack);
        self.stamp.visit_times(visitor);
    }
}

impl AnnotationClassRow {
    fn new(row: &Document) -> Result<Self> {
        Ok(AnnotationClassRow { stamp: Stamp::of(row), spec: documents::content(row.annotation_class())? })
    }
}

/// Shows a class; `None` for a document of another kind.
pub fn view(row: &Document) -> Option<ShownRow> {
    AnnotationClassRow::new(row).ok().map(ShownRow::new)
}

impl DocumentNoun for AnnotationClassRow {
    type Content = AnnotationClassSpec;
    const KIND: DocumentKind = DocumentKind::AnnotationClass;
    const COLLECTION: &'static str = "/api/v1/annotation-classes";
    const ONE: &'static str = "/api/v1/annotation-classes/{id}";
    const WORDS: NounWords = NounWords::new("AnnotationClass", "class", "classes");

    fn converter(_: &App, _: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(AnnotationClassRow::new)
    }

    fn read(_: &App, _: &Principal, mut fields: Fields) -> Result<AnnotationClassSpec, MkError> {
        let class = read(&mut fields);
        fields.finish(class.problems())?;
        Ok(class)
    }
}

/// Reads a class, alone or in a pack; its own rules are not checked.
pub fn read(fields: &mut Fields) -> AnnotationClassSpec {
    read_row::<AnnotationClassRow>(fields).spec
}
